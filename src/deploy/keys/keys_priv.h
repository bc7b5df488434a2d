/* Shared by the files of `keys`: making and checking the fields of each secret. */
#ifndef DEPLOY_KEYS_KEYS_PRIV_H
#define DEPLOY_KEYS_KEYS_PRIV_H

#include "deploy/keys/keys.h"

enum { DEPLOY_PASSWORD_TEXT = 33 }; /* hex of 16 random bytes, end mark */

int deploy_make_password(char ret_text[DEPLOY_PASSWORD_TEXT],
                         struct err_detail *detail) BASE_NODISCARD;

/* The fields of a new secret, given back by deploy_secrets_drop. */
int deploy_make_quorum(json_t **ret_fields, const struct deploy_peer *peer,
                       struct err_detail *detail) BASE_NODISCARD;
int deploy_transaction_fields(json_t **ret_fields, const uint8_t public_key[32],
                              const uint8_t private_key[32],
                              struct err_detail *detail) BASE_NODISCARD;
int deploy_make_transaction(json_t **ret_fields, struct err_detail *detail) BASE_NODISCARD;
int deploy_make_authority(json_t **ret_fields, const struct deploy_owner *owner,
                          struct err_detail *detail) BASE_NODISCARD;
/* Signed by the authority of these fields. */
int deploy_make_certs(json_t **ret_fields, const json_t *authority,
                      const struct deploy_owner *owner, struct err_detail *detail) BASE_NODISCARD;

/* What a secret says goes into the identity. ERR_CORRUPT names path and field. */
int deploy_check_quorum(struct deploy_identity *identity, const json_t *fields, const char *path,
                        struct err_detail *detail) BASE_NODISCARD;
int deploy_check_transaction(struct deploy_identity *identity, const json_t *fields,
                             const char *path, struct err_detail *detail) BASE_NODISCARD;
int deploy_check_certs(struct deploy_identity *identity, const json_t *fields, const char *path,
                       struct err_detail *detail) BASE_NODISCARD;
/* How many former ones of a field are kept in the secret: "<field>.1", "<field>.2", … */
unsigned deploy_former_count(const json_t *fields, const char *field);
int deploy_check_authority(const json_t *fields, const char *path,
                           struct err_detail *detail) BASE_NODISCARD;

#endif
