/* `quorate restore`: what `backup` has written, put back. */
#include "deploy/backup/restore.h"
#include "base/file.h"
#include "base/mem.h"
#include "deploy/backup/archive.h"
#include "deploy/backup/backup.h"
#include "deploy/commands/bring.h"
#include "deploy/local/nodes.h"
#include "deploy/network/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum { SITE_FILE_MAX = 16 << 20 };

static const char *data = DEPLOY_DATA_DEFAULT, *passphrase_file, *archive_passphrase;

static const struct options_row rows[] = {
    {"archive-passphrase-file", "FILE", OPTIONS_TEXT, &archive_passphrase,
     "its first line is what `backup` was given"},
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network is to live, or lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"passphrase-file", "FILE", OPTIONS_TEXT, &passphrase_file,
     "of the store of secrets there (default: the key file beside it)"},
};

struct restoring {
    char stage[DEPLOY_PATH_MAX]; /* in the folder: what the archive held */
    struct deploy_backup_info info;
    bool network_there; /* the folder has a network already */
    bool resumed;       /* an earlier run was interrupted when it had begun to place */
    int lock;
};

/* --- The archive --- */

static int take_lock(struct restoring *r, struct err_detail *detail)
{
    int status = file_make_folders(data, 0700, detail);
    if (status != ERR_OK)
        return status;
    r->lock = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->lock < 0)
        return err_set(detail, err_from_errno(errno), "cannot open %s: %s", data, strerror(errno));
    return flock(r->lock, LOCK_EX | LOCK_NB) == 0
               ? ERR_OK
               : err_set(detail, ERR_BUSY, "another restore works in %s; wait for it", data);
}

static int extract(struct restoring *r, const char *archive, struct err_detail *detail)
{
    int status = deploy_restore_interrupted(&r->resumed, data, archive, detail);
    if (status == ERR_OK && !r->resumed)
        status = file_remove_folder(r->stage, detail);
    if (status == ERR_OK && !r->resumed)
        status = file_make_folders(r->stage, 0700, detail);
    if (status == ERR_OK && !r->resumed)
        status = deploy_archive_extract(archive, r->stage, detail);
    if (status == ERR_OK) {
        status = deploy_backup_read_info(&r->info, r->stage, detail);
        if (status != ERR_OK)
            err_prefix(detail, status, "%s", archive);
    }
    return status;
}

static int open_keys(struct deploy_secrets *ret_keys, char *path, const struct restoring *r,
                     const char *archive, struct err_detail *detail)
{
    struct buf passphrase = BUF_INIT;
    int status = deploy_context_passphrase(&passphrase, archive_passphrase, detail);
    deploy_path(path, "%s/secrets", r->stage);
    if (status == ERR_OK && access(path, F_OK) != 0)
        status = err_set(detail, ERR_CORRUPT, "%s has no keys", archive);
    const struct deploy_secrets_key key = {.passphrase = buf_bytes(&passphrase)};
    if (status == ERR_OK)
        status = deploy_secrets_file_open(ret_keys, path, &key, detail);
    if (status == ERR_USAGE) /* of the sums it is known that nothing is damaged */
        status = err_set(detail, ERR_USAGE, "the passphrase in %s is not that of %s",
                         archive_passphrase, archive);
    mem_wipe(passphrase.data, passphrase.len);
    buf_release(&passphrase);
    return status;
}

/* --- A folder without a network: the network file is the archive's, less the peers that it has not --- */

static bool is_archived(const struct restoring *r, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(r->info.peers, i, row)
    {
        if (json_is_string(row) && strcmp(json_string_value(row), name) == 0)
            return true;
    }
    return false;
}

/* Takes one peer that is not archived out of the network file; *ret_more: there was one. */
static int take_one_out(const struct restoring *r, const char *path, bool *ret_more,
                        struct err_detail *detail)
{
    struct deploy_context context;
    struct buf text = BUF_INIT;
    int status = deploy_context_open(&context, path, r->stage, detail);
    const struct deploy_site_peer *other = NULL;
    for (size_t i = 0; status == ERR_OK && !other && i < context.site->count; i++)
        if (!is_archived(r, context.site->peers[i].name))
            other = &context.site->peers[i];
    *ret_more = other != NULL;
    if (other)
        status = deploy_edit_remove_peer(&text, buf_bytes(&context.content), context.network,
                                         other->peer, detail);
    if (status == ERR_OK && other)
        status = file_write_private(path, buf_bytes(&text), detail);
    buf_release(&text);
    deploy_context_release(&context);
    return status;
}

static int open_new(struct deploy_context *ret_context, const struct restoring *r,
                    struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    int status = ERR_OK;
    bool more = !r->info.whole;
    deploy_path(path, "%s/site/network.yaml", r->stage);
    for (size_t i = 0; status == ERR_OK && more && i < DEPLOY_PEERS_MAX; i++)
        status = take_one_out(r, path, &more, detail);
    *ret_context = (struct deploy_context){.content = BUF_INIT};
    if (status == ERR_OK)
        return deploy_context_open(ret_context, path, data, detail);
    arena_init(&ret_context->arena);
    return status;
}

static int place_site_file(const struct deploy_site *site, const char *stage, const char *name,
                           const char *as, struct err_detail *detail)
{
    char from[DEPLOY_PATH_MAX], to[DEPLOY_PATH_MAX];
    deploy_path(from, "%s/site/%s", stage, name);
    deploy_site_path(to, site, as);
    if (access(from, F_OK) == 0 && rename(from, to) != 0)
        return err_set(detail, err_from_errno(errno), "cannot make %s: %s", to, strerror(errno));
    return ERR_OK;
}

/* The network file is the last: with it there is a network. */
static int place_site(const struct restoring *r, const struct deploy_site *site,
                      struct err_detail *detail)
{
    int status = place_site_file(site, r->stage, "genesis.json", "genesis.json", detail);
    if (status == ERR_OK)
        status = place_site_file(site, r->stage, "founders.json", "founders.json", detail);
    /* Applications know the ports, and so does a Raft cluster's log. */
    if (status == ERR_OK)
        status = place_site_file(site, r->stage, "ports.json", "ports.json", detail);
    if (status == ERR_OK && !r->info.whole)
        status =
            place_site_file(site, r->stage, "static-nodes.json", DEPLOY_NODES_ELSEWHERE, detail);
    if (status == ERR_OK)
        status = place_site_file(site, r->stage, "network.yaml", "network.yaml", detail);
    return status;
}

/* --- Beside the others of its network --- */

static int check_same_network(const struct restoring *r, const struct deploy_site *site,
                              const char *archive, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    struct buf ours = BUF_INIT, theirs = BUF_INIT;
    deploy_site_path(path, site, "genesis.json");
    int status = file_read(path, SITE_FILE_MAX, &ours, detail);
    deploy_path(path, "%s/site/genesis.json", r->stage);
    if (status == ERR_OK && r->resumed && access(path, F_OK) != 0)
        buf_append_bytes(&theirs, buf_bytes(&ours)); /* it is the archive's, placed before */
    else if (status == ERR_OK)
        status = file_read(path, SITE_FILE_MAX, &theirs, detail);
    if (status == ERR_OK && !bytes_equal(buf_bytes(&ours), buf_bytes(&theirs)))
        status = err_set(detail, ERR_EXISTS,
                         "%s has another network than %s (another genesis); choose another --data",
                         site->folder, archive);
    buf_release(&ours);
    buf_release(&theirs);
    return status;
}

/* --- All of it --- */

static int put_back(const struct restoring *r, const struct deploy_context *context,
                    const struct deploy_secrets *keys, const char *archive,
                    struct err_detail *detail)
{
    struct deploy_secrets secrets;
    char path[DEPLOY_PATH_MAX];
    int status =
        deploy_restore_check(context->site, r->info.peers, r->resumed ? r->stage : NULL, detail);
    if (status == ERR_OK)
        status = deploy_context_secrets(&secrets, path, context->site, passphrase_file, detail);
    if (status != ERR_OK)
        return status;
    status = deploy_restore_secrets(&secrets, keys, detail);
    deploy_secrets_close(&secrets);
    if (status == ERR_OK)
        status = deploy_restore_stop(context->site, r->info.peers, detail);
    if (status == ERR_OK)
        status = deploy_restore_begin(data, archive, detail);
    if (status == ERR_OK)
        status = deploy_restore_place(context->site, r->info.peers, r->stage, detail);
    if (status == ERR_OK && !r->network_there)
        status = place_site(r, context->site, detail);
    return status;
}

static int restore(struct restoring *r, const char *archive, struct err_detail *detail)
{
    struct deploy_context context;
    struct deploy_secrets keys;
    char path[DEPLOY_PATH_MAX], network[DEPLOY_PATH_MAX];
    int status = extract(r, archive, detail);
    if (status == ERR_OK)
        status = open_keys(&keys, path, r, archive, detail);
    if (status != ERR_OK)
        return status;
    deploy_path(network, "%.700s/network.yaml", data);
    r->network_there = access(network, F_OK) == 0;
    status = r->network_there ? deploy_context_reopen(&context, data, detail)
                              : open_new(&context, r, detail);
    if (status == ERR_OK && r->network_there)
        status = check_same_network(r, context.site, archive, detail);
    if (status == ERR_OK)
        status = put_back(r, &context, &keys, archive, detail);
    for (size_t i = 0; status == ERR_OK && i < r->info.peer_count; i++)
        printf("restored %s\n", json_string_value(json_array_get(r->info.peers, i)));
    if (status == ERR_OK)
        printf("next: %s up --detach --data %s %s\n", program_invocation_name, data, network);
    deploy_secrets_close(&keys);
    deploy_context_release(&context);
    return status;
}

/* What was begun to be placed is kept, for the next run to go on with. */
static int end_stage(const struct restoring *r, bool done, struct err_detail *detail)
{
    char mark[DEPLOY_PATH_MAX];
    deploy_path(mark, "%.700s/" DEPLOY_RESTORE_MARK, data);
    if (!done && access(mark, F_OK) == 0)
        return ERR_OK;
    if (unlink(mark) != 0 && errno != ENOENT) /* first: without it there is nothing to go on with */
        return err_set(detail, err_from_errno(errno), "cannot remove %s: %s", mark,
                       strerror(errno));
    return file_remove_folder(r->stage, detail);
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    struct restoring r = {.lock = -1};
    if (argc != 1 || !archive_passphrase || strlen(data) > DEPLOY_PATH_MAX - 300)
        return deploy_refuse("restore takes a backup and its passphrase: quorate restore "
                             "carrier.tar --archive-passphrase-file FILE");
    if (access(argv[0], R_OK) != 0)
        return deploy_complain(
            err_set(&detail, err_from_errno(errno), "cannot read %s: %s", argv[0], strerror(errno)),
            &detail);
    bool was_there = access(data, F_OK) == 0;
    snprintf(r.stage, sizeof(r.stage), "%.700s/" DEPLOY_RESTORE_STAGE, data);
    int status = take_lock(&r, &detail);
    if (status == ERR_OK) {
        status = restore(&r, argv[0], &detail);
        int removed = end_stage(&r, status == ERR_OK, status == ERR_OK ? &detail : NULL);
        status = status == ERR_OK ? removed : status;
    }
    json_decref(r.info.peers);
    if (status != ERR_OK && !was_there)
        (void)rmdir(data);
    if (r.lock >= 0)
        close(r.lock);
    return deploy_end(status, &detail);
}

const struct commands_command deploy_restore_command = {
    .text =
        {"restore", "FILE", "put back what `backup` has written",
         "Into a folder without a network, or beside the other peers of its network, which may "
         "run. Every byte is checked first, and nothing that is there is replaced. `quorate up` "
         "then starts it, and it catches up with the others."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
