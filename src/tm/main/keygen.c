/* keygen and keyupdate: new pairs in files or in a vault, and new passwords for old ones. */
#include "base/base64.h"
#include "base/file.h"
#include "base/mem.h"
#include "tm/enclave/keyfile.h"
#include "tm/main/keyconfig.h"
#include "tm/main/main.h"
#include "tm/main/vault.h"
#include "vault/vault.h"

#include <stdio.h>
#include <stdlib.h>

struct options {
    const char *keyout, *argon, *encryptor, *cipher, *curve, *nonce, *shared;
    const char *vault_type, *vault_url, *vault_engine, *vault_approle;
    const char *path, *algorithm, *iterations, *memory, *parallelism, *password, *password_file;
    const char *config, *config_out, *password_out;
};

/* The commands that an option means something to. */
enum { KEYGEN = 1, KEYUPDATE = 2 };

/* Those without help are older spellings, or refused with what to do instead. */
static const struct {
    const char *name;
    size_t offset;
    unsigned commands;
    const char *argument, *help;
} names[] = {
    {"keyout", offsetof(struct options, keyout), KEYGEN, "NAME,...",
     "the pairs to make: NAME.pub and NAME.key, or secrets of a vault"},
    {"filename", offsetof(struct options, keyout), KEYGEN, NULL, NULL},
    {"argonconfig", offsetof(struct options, argon), KEYGEN, "FILE",
     "settings of Argon2 for locked keys, as JSON"},
    {"keygenconfig", offsetof(struct options, argon), KEYGEN, NULL, NULL},
    {"encryptor.type", offsetof(struct options, encryptor), KEYGEN | KEYUPDATE, "TYPE",
     "NACL or EC"},
    {"encryptor.symmetricCipher", offsetof(struct options, cipher), KEYGEN | KEYUPDATE, "NAME",
     "of EC"},
    {"encryptor.ellipticCurve", offsetof(struct options, curve), KEYGEN | KEYUPDATE, "NAME",
     "of EC"},
    {"encryptor.nonceLength", offsetof(struct options, nonce), KEYGEN | KEYUPDATE, "BYTES",
     "of EC"},
    {"encryptor.sharedKeyLength", offsetof(struct options, shared), KEYGEN | KEYUPDATE, "BYTES",
     "of EC"},
    {"vault.type", offsetof(struct options, vault_type), KEYGEN, "HASHICORP",
     "the pairs are kept in a vault; the login is in the environment, as for the manager"},
    {"keygenvaulttype", offsetof(struct options, vault_type), KEYGEN, NULL, NULL},
    {"vault.url", offsetof(struct options, vault_url), KEYGEN, "URL", "of the vault"},
    {"keygenvaulturl", offsetof(struct options, vault_url), KEYGEN, NULL, NULL},
    {"vault.hashicorp.secretenginepath", offsetof(struct options, vault_engine), KEYGEN, "PATH",
     "secret engine, a key-value store of version 2"},
    {"keygenvaultsecretengine", offsetof(struct options, vault_engine), KEYGEN, NULL, NULL},
    {"vault.hashicorp.approlepath", offsetof(struct options, vault_approle), KEYGEN, "PATH",
     "where the vault has AppRole (default approle)"},
    {"keygenvaultapprole", offsetof(struct options, vault_approle), KEYGEN, NULL, NULL},
    {"keys.keyData.privateKeyPath", offsetof(struct options, path), KEYUPDATE, "FILE",
     "the key file that gets a new password"},
    {"keys.keyData.config.data.aopts.algorithm", offsetof(struct options, algorithm), KEYUPDATE,
     "NAME", "Argon2's variant: i, d or id"},
    {"keys.keyData.config.data.aopts.iterations", offsetof(struct options, iterations), KEYUPDATE,
     "COUNT", "Argon2's iterations"},
    {"keys.keyData.config.data.aopts.memory", offsetof(struct options, memory), KEYUPDATE, "KIB",
     "Argon2's memory"},
    {"keys.keyData.config.data.aopts.parallelism", offsetof(struct options, parallelism), KEYUPDATE,
     "COUNT", "Argon2's lanes"},
    {"keys.passwords", offsetof(struct options, password), KEYUPDATE, NULL, NULL},
    {"keys.passwordFile", offsetof(struct options, password_file), KEYUPDATE, "FILE",
     "the present password, one line"},
    {"configfile", offsetof(struct options, config), KEYGEN, "FILE",
     "a configuration, which is shown with the new keys added"},
    {"configout", offsetof(struct options, config_out), KEYGEN, "FILE",
     "a new file that it is written to instead"},
    {"output", offsetof(struct options, config_out), KEYGEN, NULL, NULL},
    {"pwdout", offsetof(struct options, password_out), KEYGEN, "FILE",
     "a new file with the passwords of all its keys, which it names"},
};

static void write_page(struct buf *b, options_page_fn *page, const struct options_command *command,
                       unsigned which)
{
    struct options_row rows[BASE_COUNT(names)];
    size_t count = 0;
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        if (names[i].help && names[i].commands & which)
            rows[count++] = (struct options_row){.name = names[i].name,
                                                 .argument = names[i].argument,
                                                 .kind = OPTIONS_TEXT,
                                                 .help = names[i].help};
    page(b, "quorate-tm", command, rows, count);
}

void tm_keygen_page(struct buf *b, options_page_fn *page)
{
    static const struct options_command keygen = {"keygen", "",
                                                  "make key pairs, in files or in a vault",
                                                  "A password is asked for twice; a blank one "
                                                  "leaves the private key unlocked. A file that is "
                                                  "there already is never overwritten."};
    write_page(b, page, &keygen, KEYGEN);
}

void tm_keyupdate_page(struct buf *b, options_page_fn *page)
{
    static const struct options_command keyupdate = {
        "keyupdate", "", "give a key file a new password",
        "The present password is read from a file, the new one is asked for twice."};
    write_page(b, page, &keyupdate, KEYUPDATE);
}

static int read_options(struct options *o, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        const char *name = argv[i] + strspn(argv[i], "-");
        size_t len = strcspn(name, "="), j = 0;
        if (!argv[i][0])
            continue; /* the command itself */
        while (j < BASE_COUNT(names) &&
               !(strlen(names[j].name) == len && strncmp(names[j].name, name, len) == 0))
            j++;
        const char *value = name[len] == '=' ? name + len + 1 : i + 1 < argc ? argv[++i] : NULL;
        if (j == BASE_COUNT(names) || !value || name == argv[i]) {
            fprintf(stderr, "Unknown option, or one without its value: '%s'\n", name);
            return TM_EXIT_USAGE;
        }
        memcpy((uint8_t *)o + names[j].offset, &value, sizeof(value));
    }
    return 0;
}

static int say(int status, const struct err_detail *detail)
{
    fprintf(stderr, "%s\n", detail->text[0] ? detail->text : err_text(status));
    return status == ERR_USAGE || status == ERR_INPUT || status == ERR_UNSUPPORTED ? TM_EXIT_CONFIG
                                                                                   : TM_EXIT_OTHER;
}

static void wipe(struct buf *b)
{
    if (b->data)
        mem_wipe(b->data, b->capacity);
    buf_release(b);
}

/* Asked twice, as the reference does; empty: not locked. */
static int ask_new(struct buf *ret_password, const char *what)
{
    struct buf again = BUF_INIT;
    char prompt[320];
    for (;;) {
        snprintf(prompt, sizeof(prompt),
                 "Enter a password if you want to lock the private key%s%.200s or leave blank\n",
                 what[0] ? " " : "", what);
        int status = tm_ask_password(ret_password, prompt);
        if (status == 0)
            status =
                tm_ask_password(&again, "Please re-enter the password (or lack of) to confirm\n");
        bool same = bytes_equal(buf_bytes(ret_password), buf_bytes(&again));
        if (status < 0 || same || feof(stdin)) {
            wipe(&again);
            return status < 0 ? status : same ? 0 : ERR_INPUT;
        }
        puts("Passwords did not match, try again...");
    }
}

static int argon_of(struct crypto_argon2 *ret_argon, const char *path, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    *ret_argon = tm_keyfile_argon2_default;
    if (!path)
        return 0;
    int status = file_read(path, TM_KEYFILE_MAX_TEXT, &text, detail);
    if (status == 0)
        status = tm_keyfile_parse_options(ret_argon, buf_bytes(&text), detail);
    buf_release(&text);
    return status;
}

static int make_file(const struct tm_encryptor *e, const char *name,
                     const struct crypto_argon2 *argon, struct tm_keyconfig *to,
                     struct err_detail *detail)
{
    struct buf password = BUF_INIT, public = BUF_INIT;
    int status = ask_new(&password, name);
    if (status == 0)
        status = tm_keyfile_generate(&public, e, name, buf_bytes(&password), argon, detail);
    if (status == 0)
        printf("Saved public key to %s.pub\nSaved private key to %s.key\n", name, name);
    if (status == 0)
        status = tm_keyconfig_add_files(to, name, buf_bytes(&password));
    wipe(&password);
    buf_release(&public);
    return status;
}

static int make_in_vault(const struct tm_encryptor *e, const struct options *o, const char *name,
                         struct vault **vault, struct tm_keyconfig *to, struct err_detail *detail)
{
    struct tm_config_vault config = {.url = o->vault_url,
                                     .approle_path =
                                         o->vault_approle ? o->vault_approle : "approle",
                                     .kubernetes_path = "kubernetes"};
    struct buf public = BUF_INIT, private = BUF_INIT, a = BUF_INIT, b = BUF_INIT;
    int status = tm_encryptor_generate(e, &public, &private);
    base64_append(&a, buf_bytes(&public));
    base64_append(&b, buf_bytes(&private));
    if (status == 0)
        status = tm_vault_write(vault, &config, o->vault_engine, name, buf_text(&a), buf_text(&b),
                                detail);
    if (status == 0)
        printf("Key pair saved to secret engine %s with secret name %s, public key %s\n",
               o->vault_engine, name, buf_text(&a));
    if (status == 0)
        status = tm_keyconfig_add_vault(to, o->vault_engine, name, &config);
    wipe(&private);
    wipe(&b);
    buf_release(&a);
    buf_release(&public);
    return status;
}

int tm_keygen(int argc, char **argv)
{
    struct options o = {.keyout = ""};
    struct tm_encryptor e;
    struct crypto_argon2 argon;
    struct err_detail detail = {""};
    int wrong = read_options(&o, argc, argv);
    if (wrong)
        return wrong;
    struct tm_keyconfig to = {.root = NULL, .passwords = BUF_INIT};
    int status = 0;
    if (o.vault_type && strcmp(o.vault_type, "HASHICORP") != 0)
        status = err_set(&detail, ERR_UNSUPPORTED,
                         "keygen: --vault.type HASHICORP is served, not %s", o.vault_type);
    else if (o.vault_type && (!o.vault_url || !o.vault_engine || !o.keyout[0]))
        status =
            err_set(&detail, ERR_USAGE,
                    "keygen: a vault needs --vault.url, --vault.hashicorp.secretenginepath and "
                    "--keyout with the secret's name");
    if (status == 0)
        status = tm_keyconfig_begin(&to, o.config, o.config_out, o.password_out, &detail);
    struct tm_config_encryptor c = {o.encryptor ? o.encryptor : "NACL", o.cipher, o.curve, o.nonce,
                                    o.shared};
    tm_keyconfig_encryptor(&to, &c); /* the configuration's counts */
    if (status == 0)
        status = tm_encryptor_init(&e, c.type, c.symmetric_cipher, c.elliptic_curve, c.nonce_length,
                                   c.shared_key_length, &detail);
    if (status == 0)
        status = argon_of(&argon, o.argon, &detail);
    struct vault *vault = NULL;
    const char *left = o.keyout;
    do {
        char name[1024];
        size_t len = strcspn(left, ",");
        snprintf(name, sizeof(name), "%.*s", (int)(len < 1000 ? len : 1000), left);
        if (status == 0)
            status = o.vault_type ? make_in_vault(&e, &o, name, &vault, &to, &detail)
                                  : make_file(&e, name, &argon, &to, &detail);
        left += len + (left[len] == ',');
    } while (status == 0 && *left);
    vault_close(vault);
    if (status == 0)
        status = tm_keyconfig_write(&to, &detail);
    tm_keyconfig_release(&to);
    return status < 0 ? say(status, &detail) : TM_EXIT_OK;
}

static int number(uint32_t *ret_number, const char *text, const char *what,
                  struct err_detail *detail)
{
    if (!text)
        return 0;
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (!*text || *end || value == 0 || value > UINT32_MAX)
        return err_set(detail, ERR_USAGE, "keyupdate: %s: a number is expected", what);
    *ret_number = (uint32_t)value;
    return 0;
}

static int new_argon(struct crypto_argon2 *ret_argon, const struct options *o,
                     struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    uint32_t iterations = tm_keyfile_argon2_default.iterations;
    uint32_t memory = tm_keyfile_argon2_default.memory;
    uint32_t parallelism = tm_keyfile_argon2_default.parallelism;
    int status = number(&iterations, o->iterations, "iterations", detail);
    if (status == 0)
        status = number(&memory, o->memory, "memory", detail);
    if (status == 0)
        status = number(&parallelism, o->parallelism, "parallelism", detail);
    buf_append_format(&text,
                      "{\"variant\":\"%.8s\",\"memory\":%u,\"iterations\":%u,\"parallelism\":%u}",
                      o->algorithm ? o->algorithm : "i", memory, iterations, parallelism);
    if (status == 0)
        status = tm_keyfile_parse_options(ret_argon, buf_bytes(&text), detail);
    buf_release(&text);
    return status;
}

int tm_keyupdate(int argc, char **argv)
{
    struct options o = {.keyout = NULL};
    struct tm_encryptor e;
    struct crypto_argon2 argon;
    struct err_detail detail = {""};
    struct buf old = BUF_INIT, new = BUF_INIT;
    int wrong = read_options(&o, argc, argv);
    if (wrong)
        return wrong;
    int status = 0;
    if (!o.path)
        status = err_set(&detail, ERR_USAGE, "keyupdate: --keys.keyData.privateKeyPath is missing");
    if (status == 0)
        status = tm_encryptor_init(&e, o.encryptor ? o.encryptor : "NACL", o.cipher, o.curve,
                                   o.nonce, o.shared, &detail);
    if (status == 0)
        status = new_argon(&argon, &o, &detail);
    if (status == 0 && o.password_file)
        status = file_read(o.password_file, TM_KEYFILE_MAX_TEXT, &old, &detail);
    else if (status == 0 && o.password)
        buf_append_text(&old, o.password);
    old.len = old.data ? (memchr(old.data, '\n', old.len)
                              ? (size_t)((uint8_t *)memchr(old.data, '\n', old.len) - old.data)
                              : old.len)
                       : 0;
    if (status == 0)
        status = ask_new(&new, "");
    if (status == 0)
        status = tm_keyfile_update(&e, o.path, buf_bytes(&old), buf_bytes(&new), &argon, &detail);
    wipe(&old);
    wipe(&new);
    if (status > 0)
        status = err_set(&detail, ERR_INPUT, "%s: the old password is %s", o.path,
                         status == TM_KEYFILE_WRONG_PASSWORD ? "wrong" : "missing");
    if (status < 0)
        return say(status, &detail);
    printf("Private key at %s updated.\n", o.path);
    return TM_EXIT_OK;
}
