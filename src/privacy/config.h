/*
 * Where the transaction manager is (GoQuorum: private/private.go, private/engine, common/http/config.go; spec §9.1).
 */
#ifndef PRIVACY_CONFIG_H
#define PRIVACY_CONFIG_H

#include "base/error.h"
#include "privacy/privacy.h"

enum { PRIVACY_TEXT_MAX = 1024 };

/* X(FIELD, "key of the file", kind, default): also the flags --ptm.*. */
struct privacy_config {
    bool used; /* false: no manager */
    char socket[PRIVACY_TEXT_MAX], work_dir[PRIVACY_TEXT_MAX], url[PRIVACY_TEXT_MAX];
    uint64_t timeout_s, dial_timeout_s, idle_timeout_s; /* 5, 1, 10; 0 = none */
    uint64_t write_buffer, read_buffer;                 /* bytes; without effect here */
    bool tls, insecure_skip_verify;
    char root_ca[PRIVACY_TEXT_MAX], client_cert[PRIVACY_TEXT_MAX], client_key[PRIVACY_TEXT_MAX];
};

/* Nothing used, the documented defaults. */
void privacy_config_init(struct privacy_config *config);

/* PRIVATE_CONFIG: NULL, "", ignore, a socket, or a TOML file. ERR_INPUT, in GoQuorum's words. */
int privacy_config_read(struct privacy_config *config, const char *private_config,
                        struct err_detail *detail) BASE_NODISCARD;
/* The content of such a file; `path` for messages. */
int privacy_config_parse(struct privacy_config *config, struct bytes text, const char *path,
                         struct err_detail *detail) BASE_NODISCARD;
/* One value by its flag's name without "ptm.": "socket", "http.idletimeout". ERR_INPUT. */
int privacy_config_flag(struct privacy_config *config, const char *name, const char *value,
                        struct err_detail *detail) BASE_NODISCARD;
/* After the last. ERR_INPUT. */
int privacy_config_check(const struct privacy_config *config,
                         struct err_detail *detail) BASE_NODISCARD;

enum { PRIVACY_END_MS = 3000 };

/* The way that the configuration describes: connections that are kept open, one for each thread that asks at a time. */
struct privacy_wire;

/* Reads certificates and key; `config` is copied. ERR_INPUT, ERR_NOTFOUND (names the file), ERR_NOMEM. */
int privacy_wire_new(struct privacy_wire **ret_wire, const struct privacy_config *config,
                     struct err_detail *detail) BASE_NODISCARD;
/* The node ends: PRIVACY_END_MS later nobody gets an answer any more, whether he waits for one by then or asks only then, so that a manager
 * that does not answer does not keep it up for each that is queued. Any thread. NULL is fine. */
void privacy_wire_stop(struct privacy_wire *wire);
/* Nobody is asking any more. NULL is fine. */
void privacy_wire_free(struct privacy_wire *wire);
/* The exchange of privacy_options; the context is the wire. */
privacy_exchange_fn privacy_wire_exchange;

#endif
