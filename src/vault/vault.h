/*
 * A client of HashiCorp Vault and of OpenBao: three ways to log in, and secrets of the key-value engine, version 1
 * and 2. Calls wait for the answer, at most 10 s each; one thread at a time.
 *
 * A secret is an object of texts (others may have put in more kinds of values). Messages name the vault, the path and, when the vault refuses, the policies of the
 * token and the right that one of them lacks. No secret is in a message.
 */
#ifndef VAULT_VAULT_H
#define VAULT_VAULT_H

#include "base/bytes.h"
#include "base/error.h"

#include <jansson.h>

struct vault;

enum {
    VAULT_PATH_MAX = 1024,      /* characters of an engine's mount and a path together */
    VAULT_ANSWER_MAX = 4 << 20, /* bytes */
    VAULT_TOKEN_MAX = 16 << 10, /* bytes of a token, and of a service account's */
};

enum vault_auth {
    VAULT_AUTH_TOKEN,
    VAULT_AUTH_APPROLE,
    VAULT_AUTH_KUBERNETES,
};

/* The key-value engine's version; ASK: what the mount says of itself. */
enum vault_kv {
    VAULT_KV_ASK,
    VAULT_KV_1,
    VAULT_KV_2,
};

struct vault_options {
    const char *url; /* "https://vault:8200" */
    bool
        plain_http; /* "http://" may lead to another machine: tokens and secrets then go in clear */
    /* PEM files. Without ca_path the machine's authorities are trusted. The certificate and key are the client's. */
    const char *ca_path, *certificate_path, *key_path;
    enum vault_auth auth;
    const char *mount;     /* of the login method; NULL: "approle", "kubernetes" */
    const char *token;     /* TOKEN */
    const char *role;      /* APPROLE: the role's id; KUBERNETES: the role's name */
    const char *secret_id; /* APPROLE */
    const char
        *jwt_path; /* KUBERNETES: a file; NULL: where a pod has its service account's token */
};

/* Whether tokens and secrets would leave this machine in clear: "http://" and a host that is not its loopback. */
bool vault_is_plain(const char *url);

/* Logs in; a token is taken as it is, and shown to be good or not by the first use. Everything is copied. ERR_USAGE
 * (something that the way of logging in needs is missing; plain http that is not allowed), ERR_INPUT (no URL, a certificate that is none, an answer
 * that is none of a vault), ERR_IO (not reached, refused), ERR_NOTFOUND (a file; no such login method), ERR_NOMEM. */
int vault_open(struct vault **ret_vault, const struct vault_options *options,
               struct err_detail *detail) BASE_NODISCARD;
/* Forgets the token. NULL is fine. */
void vault_close(struct vault *vault);

/* Which version the engine mounted at `mount` has. ERR_NOTFOUND (none there that the token may see), ERR_UNSUPPORTED
 * (an engine of another kind), ERR_IO, ERR_INPUT, ERR_NOMEM. */
int vault_engine(struct vault *vault, enum vault_kv *ret_kv, const char *mount,
                 struct err_detail *detail) BASE_NODISCARD;
/* Mounts a key-value engine of version `kv` where none is; ASK: 2. Fine when one is. Failures as vault_engine. */
int vault_engine_ensure(struct vault *vault, const char *mount, enum vault_kv kv,
                        struct err_detail *detail) BASE_NODISCARD;

/* A secret's fields, freed by vault_drop. `version` 0 is the newest, others exist with KV 2 alone. ERR_NOTFOUND (no
 * such secret or version, or a deleted one), ERR_IO (not reached, refused), ERR_INPUT (an answer that is none), ERR_USAGE (a path that is none; a version of KV 1), ERR_NOMEM. */
int vault_read(struct vault *vault, json_t **ret_fields, const char *mount, const char *path,
               enum vault_kv kv, uint64_t version, struct err_detail *detail) BASE_NODISCARD;
/* One field, which must be there and not be empty (ERR_NOTFOUND, naming path and field). Valid as long as `fields`. */
int vault_field(const char **ret_text, const json_t *fields, const char *path, const char *name,
                struct err_detail *detail) BASE_NODISCARD;

/* Writes all fields of a secret: KV 1 replaces what was there, KV 2 makes a version. With `create` it must not be there
 * yet (ERR_EXISTS): KV 2 makes sure of it, KV 1 looks first. `fields` is borrowed. Other failures as vault_read. */
int vault_write(struct vault *vault, const char *mount, const char *path, enum vault_kv kv,
                json_t *fields, bool create, struct err_detail *detail) BASE_NODISCARD;
/* Whether the token may write a secret there: ERR_IO, as vault_write would be refused. A vault that does not tell is
 * believed to allow it. Failures as vault_read. */
int vault_may_write(struct vault *vault, const char *mount, const char *path, enum vault_kv kv,
                    struct err_detail *detail) BASE_NODISCARD;
/* How many versions of a secret there have been; 1 with an engine that keeps the newest alone. Failures as vault_read. */
int vault_versions(struct vault *vault, uint64_t *ret_count, const char *mount, const char *path,
                   enum vault_kv kv, struct err_detail *detail) BASE_NODISCARD;
/* The names below a path ("" is the mount itself), an array of texts; those of folders end with "/". Nothing there is
 * an empty array. Freed by json_decref. */
int vault_list(struct vault *vault, json_t **ret_names, const char *mount, const char *path,
               enum vault_kv kv, struct err_detail *detail) BASE_NODISCARD;

/* Any other request: "GET", "POST", "PUT", "DELETE" or "LIST" of a path behind "/v1/"; `body` is borrowed, NULL is
 * none. *ret_answer is NULL when the vault answers nothing; vault_drop frees it. ERR_NOTFOUND (status 404), ERR_IO,
 * ERR_INPUT, ERR_USAGE, ERR_NOMEM. */
int vault_request(struct vault *vault, json_t **ret_answer, const char *method, const char *path,
                  json_t *body, struct err_detail *detail) BASE_NODISCARD;

/* Overwrites all texts in it, then frees. NULL is fine. */
void vault_drop(json_t *value);

#endif
