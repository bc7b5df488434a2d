/* keygen --configfile, --configout, --pwdout: a configuration, and a file of passwords, with the new keys added. */
#ifndef TM_MAIN_KEYCONFIG_H
#define TM_MAIN_KEYCONFIG_H

#include "base/buf.h"
#include "tm/config/config.h"

#include <jansson.h>

struct tm_keyconfig {
    json_t *root; /* NULL: no configuration was given, and nothing here has an effect */
    const char *out, *password_out;
    struct buf passwords; /* lines */
};

/* Reads the configuration `path` (NULL: none). `out` and `password_out` (NULL: none; the configuration then goes to standard
 * output) must not exist yet. ERR_USAGE, ERR_EXISTS, ERR_NOTFOUND, ERR_INPUT, ERR_NOMEM; then nothing is held. */
int tm_keyconfig_begin(struct tm_keyconfig *ret_config, const char *path, const char *out,
                       const char *password_out, struct err_detail *detail) BASE_NODISCARD;
/* Its encryptor's settings, where it has any; texts live as long as the configuration. */
void tm_keyconfig_encryptor(const struct tm_keyconfig *config,
                            struct tm_config_encryptor *ret_encryptor);
/* A pair in NAME.key and NAME.pub, or in a vault. ERR_NOMEM. */
int tm_keyconfig_add_files(struct tm_keyconfig *config, const char *name,
                           struct bytes password) BASE_NODISCARD;
int tm_keyconfig_add_vault(struct tm_keyconfig *config, const char *engine, const char *secret,
                           const struct tm_config_vault *vault) BASE_NODISCARD;
/* Writes what was asked for (mode 0600). */
int tm_keyconfig_write(struct tm_keyconfig *config, struct err_detail *detail) BASE_NODISCARD;
void tm_keyconfig_release(struct tm_keyconfig *config);

#endif
