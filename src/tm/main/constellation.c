/* constellation-node's command line: one configuration file, items as --item=value, --generatekeys. */
#include "base/mem.h"
#include "tm/enclave/keyfile.h"
#include "tm/main/main.h"

#include <stdio.h>

enum { ARGUMENTS_MAX = 256 };

static int generate(const char *names)
{
    struct tm_encryptor e;
    struct err_detail detail = {""};
    int status = 0;
    tm_encryptor_init_nacl(&e);
    while (status == 0 && *names) {
        char name[512], prompt[600];
        struct buf password = BUF_INIT;
        size_t len = strcspn(names, ",");
        snprintf(name, sizeof(name), "%.*s", (int)(len < 500 ? len : 500), names);
        snprintf(prompt, sizeof(prompt), "Lock key pair %s with password [none]: ", name);
        status = tm_ask_password(&password, prompt);
        if (status == 0)
            status = tm_keyfile_generate(NULL, &e, name, buf_bytes(&password),
                                         &tm_keyfile_argon2_default, &detail);
        if (password.data)
            mem_wipe(password.data, password.capacity);
        buf_release(&password);
        names += len + (names[len] == ',');
    }
    if (status < 0) {
        fprintf(stderr, "%s\n", detail.text[0] ? detail.text : err_text(status));
        return 1;
    }
    return 0;
}

int tm_constellation(int argc, char **argv)
{
    const char *path = NULL;
    char *arguments[ARGUMENTS_MAX];
    int count = 0;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--generatekeys=", 15) == 0)
            return generate(argv[i] + 15);
        if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0) {
            puts("Constellation Node 0.3.2");
            return 0;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-?") == 0) {
            puts("usage: constellation-node [--item=value]... [FILE]\n"
                 "       constellation-node --generatekeys=NAME,...\n"
                 "items: url port workdir socket othernodes publickeys privatekeys alwayssendto "
                 "passwords\n"
                 "storage ipwhitelist tls tls(server|client)(cert|chain|key|trust) "
                 "tlsknown(clients|servers)");
            return 0;
        }
        if (strncmp(argv[i], "-v", 2) == 0)
            continue; /* how much it says is the same at all of them */
        if (argv[i][0] == '-' && count < ARGUMENTS_MAX) {
            arguments[count++] = argv[i];
        } else if (path || count == ARGUMENTS_MAX) {
            fprintf(stderr,
                    "constellation-node: one configuration file, and --item=value, are expected\n");
            return 1;
        } else {
            path = argv[i];
        }
    }
    struct tm_config config;
    struct err_detail detail = {""};
    if (tm_config_constellation(&config, path, count, arguments, &detail) < 0) {
        fprintf(stderr, "constellation-node: %s\n", detail.text);
        return 1;
    }
    int result = tm_run(&config, false);
    tm_config_release(&config);
    return result;
}
