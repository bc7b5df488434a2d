/* What a vault's answers say. Pure. */
#ifndef VAULT_ANSWER_H
#define VAULT_ANSWER_H

#include "base/buf.h"
#include "vault/vault.h"

/* An object, or NULL for no bytes at all. ERR_INPUT. */
int vault_answer_parse(json_t **ret_answer, struct bytes body) BASE_NODISCARD;
/* The texts of "errors", on one line and without control characters, at most `size` - 1 bytes; "" without any. */
void vault_answer_errors(char *ret_text, size_t size, const json_t *answer);
/* The token of a login; NULL when there is none. Valid as long as the answer. */
const char *vault_answer_token(const json_t *answer);
/* The policies of a token that was looked up: "a, b". */
void vault_answer_policies(char *ret_text, size_t size, const json_t *answer);
/* Of sys/internal/ui/mounts/<mount>. ERR_INPUT, ERR_UNSUPPORTED (no key-value engine). */
int vault_answer_engine(enum vault_kv *ret_kv, const json_t *answer) BASE_NODISCARD;
/* The fields of a secret, a new reference. ERR_INPUT (none), ERR_NOTFOUND (a deleted version). */
int vault_answer_fields(json_t **ret_fields, const json_t *answer, enum vault_kv kv) BASE_NODISCARD;
/* The names of a listing, a new reference. ERR_INPUT. */
int vault_answer_names(json_t **ret_names, const json_t *answer) BASE_NODISCARD;

#endif
