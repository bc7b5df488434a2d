/*
 * The configuration of a transaction manager, from Tessera's JSON in all the shapes that its versions have read, or from
 * Constellation's file and flags. One struct for both; texts live in its arena.
 *
 * Members that nobody knows are named in a note with the nearest known name; members that Tessera knows and we cannot
 * serve are errors that say what to do instead.
 */
#ifndef TM_CONFIG_CONFIG_H
#define TM_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>

enum {
    TM_CONFIG_MAX_TEXT = 4 << 20,      /* bytes of a configuration file */
    TM_CONFIG_SERVERS_MAX = 16,        /* entries of serverConfigs */
    TM_CONFIG_LIST_MAX = 10000,        /* peers, keys, passwords … */
    TM_CONFIG_MAX_PASSWORD = 1024,     /* bytes of a database's password file */
    TM_CONFIG_INTERVAL_MAX = 86400000, /* milliseconds: a day */
};

/* X(NAME, "name in the file") */
#define TM_APP_LIST(X)                                                                             \
    X(P2P, "P2P")                                                                                  \
    X(Q2T, "Q2T")                                                                                  \
    X(THIRD_PARTY, "ThirdParty")                                                                   \
    X(ADMIN, "ADMIN")                                                                              \
    X(ENCLAVE, "ENCLAVE")

enum tm_app {
#define X(name, text) TM_APP_##name,
    TM_APP_LIST(X)
#undef X
        TM_APPS
};

const char *tm_app_name(enum tm_app app);

/* X(NAME, "name in the file") */
#define TM_TRUST_LIST(X)                                                                           \
    X(CA, "CA")                                                                                    \
    X(TOFU, "TOFU")                                                                                \
    X(WHITELIST, "WHITELIST")                                                                      \
    X(CA_OR_TOFU, "CA_OR_TOFU")                                                                    \
    X(NONE, "NONE")

enum tm_trust {
#define X(name, text) TM_TRUST_##name,
    TM_TRUST_LIST(X)
#undef X
};

struct tm_texts {
    const char **items;
    size_t count;
};

/* One side of sslConfig. */
struct tm_config_end {
    const char *key_store, *key_store_password;     /* JKS or PKCS#12 */
    const char *key_path, *certificate_path;        /* PEM */
    const char *trust_store, *trust_store_password; /* JKS or PKCS#12 */
    struct tm_texts trust_certificates;             /* PEM */
    const char *trust;                              /* an enum tm_trust's name */
    const char *known_file;
};

struct tm_config_tls {
    bool strict;
    bool generate;    /* generateKeyStoreIfNotExisted */
    bool client_auth; /* default true */
    const char *type; /* sslConfigType */
    const char *environment_prefix;
    struct tm_texts excluded_ciphers;
    struct tm_config_end server, client;
};

struct tm_config_cors {
    struct tm_texts origins, methods, headers;
    bool credentials;
};

/* influxConfig: where a server's figures are pushed to. */
struct tm_config_influx {
    const char *address, *database;
    uint64_t every_s;
    struct tm_config_tls tls;
};

struct tm_config_server {
    enum tm_app app;
    const char *address; /* "http://host:port", "https://…", "unix:path" */
    const char *binding; /* NULL: as the address */
    struct tm_config_tls tls;
    struct tm_config_cors cors;
    bool has_cors;
    struct tm_config_influx influx;
    bool has_influx;
    /* milliseconds, of P2P */
    uint64_t party_info_interval, push_timeout, resend_wait;
};

/* One entry of keyData; the first kind that it has counts. */
struct tm_config_key {
    const char *private_key, *public_key; /* base64 */
    const char *inline_config;            /* the text of a key file */
    const char *private_path, *public_path;
    const char *vault_engine, *vault_secret, *vault_private, *vault_public;
    uint64_t vault_version; /* 0 = the latest */
};

struct tm_config_vault {
    const char *url;
    const char *approle_path;    /* "approle" */
    const char *kubernetes_role; /* logs in by the pod's service account; NULL: not */
    const char *kubernetes_path; /* "kubernetes" */
    const char *ca_path;         /* PEM; NULL: the machine's authorities */
    const char *certificate_path, *key_path;
};

struct tm_config_group {
    const char *name, *description;
    struct tm_texts members;
};

struct tm_config_encryptor {
    const char *type, *symmetric_cipher, *elliptic_curve, *nonce_length, *shared_key_length;
};

struct tm_config {
    struct arena arena;
    bool constellation; /* speaks that dialect */
    bool white_list, no_discovery, bootstrap;
    bool validate_keys, enhanced_privacy, multiple_states;
    bool queued; /* delivery: queued */
    const char *jdbc_url, *jdbc_username, *jdbc_password;
    const char *jdbc_password_file; /* read by tm_config_load into jdbc_password */
    bool create_tables;
    struct tm_config_server *servers;
    size_t server_count;
    struct tm_texts peers;
    struct tm_config_key *keys;
    size_t key_count;
    struct tm_texts passwords;
    const char *password_file;
    struct tm_config_vault vault;
    struct tm_texts always_send_to; /* base64 */
    struct tm_config_encryptor encryptor;
    struct tm_config_group *groups;
    size_t group_count;
    struct tm_texts ip_white_list; /* Constellation's */
    const char
        *storage; /* Constellation's "dir:PATH" …, which `migrate` reads; NULL: memory, or none */
    const char *
        verbosity; /* Constellation's: "0" errors, "1" warnings, "2" information, "3" all; NULL: "2" */
    struct tm_texts notes; /* what the operator should know */
};

/* One override: "jdbc.username=x", "serverConfigs[1].sslConfig.tls=OFF"; an index one behind the end appends. */
struct tm_overrides {
    const char *const *items;
    size_t count;
};

/* Asks the operator for a secret; `b` is cleared first. ERR_NOMEM. */
typedef int tm_config_ask_fn(struct buf *b, const char *prompt);

/* Reads Tessera's file at `path`. What is sealed in there, ENC(...), is opened with the secret in the file that
 * TESSERA_CONFIG_SECRET names; `ask` is asked for it when there is none (NULL: nobody is). ERR_NOTFOUND, ERR_INPUT (no JSON; where), ERR_USAGE (a member at fault, one that is
 * missing, or an override), ERR_UNSUPPORTED, ERR_NOMEM. After a failure nothing is held. */
int tm_config_load(struct tm_config *ret_config, const char *path,
                   const struct tm_overrides *overrides, tm_config_ask_fn *ask,
                   struct err_detail *detail) BASE_NODISCARD;
/* The same from text, for tests and the fuzz target. */
int tm_config_parse(struct tm_config *ret_config, struct bytes text,
                    const struct tm_overrides *overrides, struct err_detail *detail) BASE_NODISCARD;
/* Constellation's: its file (NULL: none) and "--item=value" arguments, which win. Failures as above. */
int tm_config_constellation(struct tm_config *ret_config, const char *path, int argc,
                            char *const *argv, struct err_detail *detail) BASE_NODISCARD;
/* The same from text, for tests and the fuzz target. */
int tm_config_constellation_parse(struct tm_config *ret_config, struct bytes text, int argc,
                                  char *const *argv, struct err_detail *detail) BASE_NODISCARD;
void tm_config_release(struct tm_config *config);

/* The first server of that application; NULL when there is none. */
const struct tm_config_server *tm_config_server_of(const struct tm_config *config, enum tm_app app);

#endif
