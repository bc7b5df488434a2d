/* What the files of `tm/config` share. */
#ifndef TM_CONFIG_CONFIG_PRIV_H
#define TM_CONFIG_CONFIG_PRIV_H

#include "tm/config/config.h"

#include <jansson.h>

enum tm_member_kind {
    TM_MEMBER_TEXT,   /* const char * */
    TM_MEMBER_BOOL,   /* bool; also as text */
    TM_MEMBER_NUMBER, /* uint64_t; also as text */
    TM_MEMBER_TEXTS,  /* struct tm_texts */
    TM_MEMBER_OTHER,  /* known; read by its own function */
    TM_MEMBER_REFUSED /* known, and not served: `help` says what to do */
};

/* A member of an object: its name in the file, and where it goes in the struct. */
struct tm_member {
    const char *name;
    enum tm_member_kind kind;
    size_t offset;
    const char *help;
};

struct tm_reader {
    struct tm_config *config;
    struct err_detail *detail;
    const struct tm_overrides *overrides; /* NULL: none */
    size_t note_room;
};

/* Reads `object` (NULL and null: nothing) into `target`; `where` names it in messages, "" at the top. */
int tm_read_members(struct tm_reader *r, json_t *object, const char *where,
                    const struct tm_member *members, size_t count, void *target);
/* A copy in the arena; NULL when out of memory. */
const char *tm_copy_text(struct tm_config *config, const char *text);
int tm_note(struct tm_reader *r, const char *format, ...) BASE_PRINTF(2, 3);
/* serverConfigs, and the older `server` with `unixSocketFile`. */
int tm_read_servers(struct tm_reader *r, json_t *root);
int tm_read_keys(struct tm_reader *r, json_t *root);
/* What must be there, and what cannot stand together. */
int tm_config_check(struct tm_config *config, struct err_detail *detail);
/* sealed.c: "ENC(...)", opened by a secret. ERR_INPUT, ERR_NOMEM. */
bool tm_is_sealed(const char *text);
int tm_open_sealed(struct buf *ret_plain, const char *text, struct bytes secret,
                   struct err_detail *detail);
/* Opens those of jdbc by the secret in the file that $TESSERA_CONFIG_SECRET names. */
int tm_config_open_sealed(struct tm_config *config, tm_config_ask_fn *ask,
                          struct err_detail *detail);
int tm_apply_override(json_t *root, const char *override, struct err_detail *detail);

#endif
