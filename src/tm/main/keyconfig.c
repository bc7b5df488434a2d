#include "tm/main/keyconfig.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/quote.h"

#include <stdio.h>
#include <unistd.h>

enum { PASSWORDS_MAX = 1 << 20 };

/* The object or list `name` of `parent`, made when it is not there. NULL when out of memory or something else is there. */
static json_t *part(json_t *parent, const char *name, bool list)
{
    json_t *found = json_object_get(parent, name);
    if (!found || json_is_null(found)) {
        found = list ? json_array() : json_object();
        if (json_object_set_new(parent, name, found) < 0)
            return NULL;
    }
    return (list ? json_is_array(found) : json_is_object(found)) ? found : NULL;
}

static int check_new(const char *path, struct err_detail *detail)
{
    return path && access(path, F_OK) == 0 ? err_set(detail, ERR_EXISTS, "%s: exists already", path)
                                           : 0;
}

/* The lines of the present file of passwords; without one, an empty line for each key that is there. */
static int read_passwords(struct tm_keyconfig *c, json_t *keys, struct err_detail *detail)
{
    const char *path = json_string_value(json_object_get(keys, "passwordFile"));
    if (json_array_size(json_object_get(keys, "passwords")) > 0)
        return err_set(detail, ERR_USAGE,
                       "keygen: --pwdout: the configuration has keys.passwords; put them into a "
                       "file, and its name into keys.passwordFile");
    if (path) {
        int status = file_read(path, PASSWORDS_MAX, &c->passwords, detail);
        if (status == 0 && c->passwords.len && c->passwords.data[c->passwords.len - 1] != '\n')
            buf_append_byte(&c->passwords, '\n');
        return status;
    }
    for (size_t i = 0; i < json_array_size(json_object_get(keys, "keyData")); i++)
        buf_append_byte(&c->passwords, '\n');
    return 0;
}

static int read_config(struct tm_keyconfig *c, const char *path, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    json_error_t error;
    int status = file_read(path, TM_CONFIG_MAX_TEXT, &text, detail);
    if (status == 0 && !(c->root = json_loadb((const char *)text.data, text.len, 0, &error)))
        status = err_set(detail, ERR_INPUT, "%s: not JSON: line %d, column %d: %s", path,
                         error.line, error.column, quote_cut(error.text));
    if (text.data)
        mem_wipe(text.data, text.capacity);
    buf_release(&text);
    json_t *keys = status == 0 && json_is_object(c->root) ? part(c->root, "keys", false) : NULL;
    if (status == 0 && (!keys || !part(keys, "keyData", true)))
        status = err_set(detail, ERR_INPUT, "%s: keys.keyData is no list", path);
    return status == 0 && c->password_out ? read_passwords(c, keys, detail) : status;
}

int tm_keyconfig_begin(struct tm_keyconfig *ret_config, const char *path, const char *out,
                       const char *password_out, struct err_detail *detail)
{
    struct tm_keyconfig c = {.out = out, .password_out = password_out, .passwords = BUF_INIT};
    int status = 0;
    if (!path && (out || password_out))
        status = err_set(detail, ERR_USAGE, "keygen: --configout and --pwdout need --configfile");
    else if (password_out && !out)
        status = err_set(detail, ERR_USAGE, "keygen: --pwdout needs --configout");
    if (status == 0)
        status = check_new(out, detail);
    if (status == 0)
        status = check_new(password_out, detail);
    if (status == 0 && path)
        status = read_config(&c, path, detail);
    if (status < 0)
        tm_keyconfig_release(&c);
    else
        *ret_config = c;
    return status;
}

void tm_keyconfig_encryptor(const struct tm_keyconfig *config,
                            struct tm_config_encryptor *ret_encryptor)
{
    const json_t *from = json_object_get(config->root, "encryptor");
    const json_t *properties = json_object_get(from, "properties");
    if (!json_string_value(json_object_get(from, "type")))
        return;
    *ret_encryptor = (struct tm_config_encryptor){
        .type = json_string_value(json_object_get(from, "type")),
        .symmetric_cipher = json_string_value(json_object_get(properties, "symmetricCipher")),
        .elliptic_curve = json_string_value(json_object_get(properties, "ellipticCurve")),
        .nonce_length = json_string_value(json_object_get(properties, "nonceLength")),
        .shared_key_length = json_string_value(json_object_get(properties, "sharedKeyLength"))};
}

static int add(struct tm_keyconfig *config, json_t *entry)
{
    json_t *list = json_object_get(json_object_get(config->root, "keys"), "keyData");
    return entry && json_array_append_new(list, entry) == 0 ? 0 : ERR_NOMEM;
}

int tm_keyconfig_add_files(struct tm_keyconfig *config, const char *name, struct bytes password)
{
    char private_path[1100], public_path[1100];
    if (!config->root)
        return 0;
    snprintf(private_path, sizeof(private_path), "%.1024s.key", name);
    snprintf(public_path, sizeof(public_path), "%.1024s.pub", name);
    buf_append_bytes(&config->passwords, password);
    buf_append_byte(&config->passwords, '\n');
    return add(config, json_pack("{s:s,s:s}", "privateKeyPath", private_path, "publicKeyPath",
                                 public_path));
}

int tm_keyconfig_add_vault(struct tm_keyconfig *config, const char *engine, const char *secret,
                           const struct tm_config_vault *vault)
{
    if (!config->root)
        return 0;
    json_t *keys = json_object_get(config->root, "keys");
    buf_append_byte(&config->passwords, '\n');
    if (!json_object_get(keys, "hashicorpKeyVaultConfig") &&
        !json_object_get(keys, "keyVaultConfig")) {
        json_t *list = part(keys, "keyVaultConfigs", true);
        if (!list ||
            (json_array_size(list) == 0 &&
             json_array_append_new(list, json_pack("{s:s,s:{s:s,s:s}}", "keyVaultType", "HASHICORP",
                                                   "properties", "url", vault->url, "approlePath",
                                                   vault->approle_path)) < 0))
            return ERR_NOMEM;
    }
    return add(config, json_pack("{s:s,s:s,s:s,s:s}", "hashicorpVaultSecretEngineName", engine,
                                 "hashicorpVaultSecretName", secret, "hashicorpVaultPublicKeyId",
                                 "publicKey", "hashicorpVaultPrivateKeyId", "privateKey"));
}

static int append_text(const char *text, size_t len, void *context)
{
    buf_append(context, text, len);
    return buf_status(context) ? -1 : 0;
}

int tm_keyconfig_write(struct tm_keyconfig *config, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int status = 0;
    if (!config->root)
        return 0;
    if (config->password_out) {
        status = buf_status(&config->passwords);
        if (status == 0)
            status =
                file_write_private(config->password_out, buf_bytes(&config->passwords), detail);
        json_t *keys = json_object_get(config->root, "keys");
        if (status == 0 &&
            json_object_set_new(keys, "passwordFile", json_string(config->password_out)) < 0)
            status = ERR_NOMEM;
    }
    if (status == 0 && json_dump_callback(config->root, append_text, &text, JSON_INDENT(2)) < 0)
        status = ERR_NOMEM;
    buf_append_byte(&text, '\n');
    if (status == 0 && config->out)
        status = file_write_private(config->out, buf_bytes(&text), detail);
    else if (status == 0)
        fwrite(text.data, 1, text.len, stdout);
    if (text.data)
        mem_wipe(text.data, text.capacity);
    buf_release(&text);
    return status == ERR_NOMEM ? err_set(detail, status, "out of memory") : status;
}

void tm_keyconfig_release(struct tm_keyconfig *config)
{
    json_decref(config->root);
    config->root = NULL;
    if (config->passwords.data)
        mem_wipe(config->passwords.data, config->passwords.capacity);
    buf_release(&config->passwords);
}
