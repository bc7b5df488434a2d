/* Shared by vault's files. */
#ifndef VAULT_INTERNAL_H
#define VAULT_INTERNAL_H

#include "base/buf.h"
#include "io/http_client.h"
#include "vault/answer.h"

struct vault {
    struct io_http_caller *caller;
    struct io_tls *tls;
    struct buf url;   /* without a slash at the end */
    struct buf token; /* empty before the login */
    bool refused;     /* the newest request was: 403 */
};

/* Percent-encodes all but unreserved characters and slashes. ERR_USAGE for a path that is empty, too long, or has an
 * empty segment, "." or "..". */
int vault_path(struct buf *ret_path, const char *path, struct err_detail *detail) BASE_NODISCARD;

/* As vault_request, with a path that is encoded already; `query` goes behind it ("" is none). */
int vault_ask(struct vault *vault, json_t **ret_answer, const char *method, const char *path,
              const char *query, json_t *body, struct err_detail *detail) BASE_NODISCARD;

/* Why the vault refuses: what the token's policies lack for `method` at `path`. ERR_IO. */
int vault_refused(struct vault *vault, const char *method, const char *path, const char *says,
                  struct err_detail *detail) BASE_NODISCARD;

#endif
