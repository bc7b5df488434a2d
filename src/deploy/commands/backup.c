/* `quorate backup`: peers of this machine in one file, while they run. */
#include "deploy/backup/backup.h"
#include "base/mem.h"
#include "deploy/commands/bring.h"
#include "deploy/commands/cluster.h"

#include <stdio.h>

static const char *data = DEPLOY_DATA_DEFAULT, *passphrase_file, *archive_passphrase, *out;

static const struct options_row rows[] = {
    {"out", "FILE", OPTIONS_TEXT, &out, "the archive to make, which must not be there yet"},
    {"archive-passphrase-file", "FILE", OPTIONS_TEXT, &archive_passphrase,
     "its first line encrypts the keys in the archive; `restore` needs it"},
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"passphrase-file", "FILE", OPTIONS_TEXT, &passphrase_file,
     "of the store of secrets (default: the key file beside it)"},
};

static void print_step(void *context, const char *what, bool made)
{
    (void)context, (void)made;
    printf("copied   %s\n", what);
    fflush(stdout);
}

static int make(struct deploy_context *context, const struct deploy_site_peer *only,
                struct err_detail *detail)
{
    struct deploy_programs programs;
    struct deploy_secrets secrets;
    struct buf passphrase = BUF_INIT;
    char path[DEPLOY_PATH_MAX];
    uint64_t size = 0;
    int status = deploy_context_passphrase(&passphrase, archive_passphrase, detail);
    if (status == ERR_OK)
        status = deploy_bring_check(context, &programs, detail);
    if (status == ERR_OK)
        status = deploy_context_secrets(&secrets, path, context->site, passphrase_file, detail);
    if (status == ERR_OK) {
        const struct deploy_backup backup = {.site = context->site,
                                             .programs = &programs,
                                             .secrets = &secrets,
                                             .only = only,
                                             .passphrase = buf_bytes(&passphrase),
                                             .path = out,
                                             .step = print_step};
        status = deploy_backup_make(&size, &backup, detail);
        deploy_secrets_close(&secrets);
    }
    mem_wipe(passphrase.data, passphrase.len);
    buf_release(&passphrase);
    if (status == ERR_OK)
        printf("wrote    %s, %.1f MiB: %s; its keys open with the passphrase alone\n", out,
               (double)size / (1 << 20), only ? only->name : "the whole network");
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    struct deploy_context context;
    const struct deploy_site_peer *only = NULL;
    char path[DEPLOY_PATH_MAX];
    if (argc > 1 || !out || !archive_passphrase)
        return deploy_refuse(
            "backup takes a file to make, and a passphrase for the keys in it: quorate backup "
            "[carrier] --out carrier.tar --archive-passphrase-file FILE");
    if (deploy_cluster_was(path, data))
        return deploy_complain(
            err_set(&detail, ERR_UNSUPPORTED,
                    "peers on clusters are not backed up from here: keys are in "
                    "the vaults, and `quorate-node backup` in a pod copies a node's "
                    "data directory"),
            &detail);
    int status = deploy_context_reopen(&context, data, &detail);
    if (status == ERR_OK && argc == 1)
        status = deploy_context_peer(&only, &context, argv[0], &detail);
    if (status == ERR_OK)
        status = make(&context, only, &detail);
    deploy_context_release(&context);
    return deploy_end(status, &detail);
}

const struct commands_command deploy_backup_command = {
    .text = {"backup", "[PEER]", "write a peer, or the whole network, into one file",
             "Chain, private state, payloads and keys, while the network runs; nodes of a Raft "
             "cluster are held for the moment that their copies take. The file is a tar with its "
             "checksums inside. Keys in it are encrypted; chain and private state are not, so keep "
             "it as you keep the data itself."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
