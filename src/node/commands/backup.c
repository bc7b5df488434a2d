/*
 * backup TARGET: a copy of the data directory, from which a node goes on as after a crash at this moment; the node may run meanwhile.
 *
 * In this order, so that what is older never knows more: what the validator has signed, the chain (one read transaction), the raft
 * log, the files beside. Of a member of a Raft cluster that runs, chain and log are of two moments: `quorate backup` holds it still.
 */
#include "base/file.h"
#include "base/hex.h"
#include "node/commands/command.h"
#include "node/log/log.h"
#include "node/validator/record.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum {
    RECORD_TRIES = 20, /* both of its files in the middle of a write, that often in turn */
    LOG_MAX = 1 << 30, /* bytes of a raft log, which is written anew long before */
};

/* Names of one file in both directories. */
struct pair {
    char from[NODE_PATH_MAX], to[NODE_PATH_MAX];
};

static int name_pair(struct pair *pair, const struct node_datadir *from,
                     const struct node_datadir *to, const char *name, struct err_detail *detail)
{
    int status = node_datadir_path(from, pair->from, name, detail);
    return status == ERR_OK ? node_datadir_path(to, pair->to, name, detail) : status;
}

/* One that is not there is none to copy. */
static int copy_whole(const struct pair *pair, size_t max, struct err_detail *detail)
{
    struct buf content = BUF_INIT;
    if (!file_is_there(pair->from))
        return ERR_OK;
    int status = file_read_regular(pair->from, max, &content, detail);
    if (status == ERR_OK)
        status = file_write_private(pair->to, buf_bytes(&content), detail);
    buf_release(&content);
    return status;
}

/* Its two files take turns, so that one at least is whole while the other is written; both are looked at afterwards. */
static int copy_record(const struct node_datadir *from, const struct node_datadir *to,
                       struct err_detail *detail)
{
    struct pair files[2], prefix;
    struct node_record record;
    struct buf last = BUF_INIT;
    int status = name_pair(&prefix, from, to, "quorate-consensus", detail);
    if (status == ERR_OK)
        status = name_pair(&files[0], from, to, "quorate-consensus.0", detail);
    if (status == ERR_OK)
        status = name_pair(&files[1], from, to, "quorate-consensus.1", detail);
    if (status != ERR_OK || (!file_is_there(files[0].from) && !file_is_there(files[1].from)))
        return status;
    for (int tries = 0; tries < RECORD_TRIES; tries++) {
        for (size_t i = 0; status == ERR_OK && i < BASE_COUNT(files); i++)
            status = copy_whole(&files[i], 2 * NODE_RECORD_MAX, detail);
        if (status == ERR_OK)
            status = node_record_open(&record, prefix.to, &last, detail);
        buf_clear(&last);
        if (status == ERR_OK)
            node_record_close(&record);
        if (status != ERR_CORRUPT)
            break;
        status = tries + 1 < RECORD_TRIES ? ERR_OK : status;
    }
    buf_release(&last);
    return status;
}

static int copy_chain(const struct node_datadir *from, const struct node_datadir *to,
                      struct err_detail *detail)
{
    struct pair chain;
    char file[NODE_PATH_MAX + 16];
    int status = name_pair(&chain, from, to, "quorate", detail);
    if (status != ERR_OK)
        return status;
    if (!file_is_there(chain.from))
        return err_set(detail, ERR_NOTFOUND, "there is no chain in %s", from->root);
    snprintf(file, sizeof(file), "%s/data.mdb", chain.to);
    status = file_make_folders(chain.to, 0700, detail);
    return status == ERR_OK ? store_lmdb_copy(chain.from, file, detail) : status;
}

static int copy_raft_log(const struct node_config *config, const struct node_datadir *from,
                         const struct node_datadir *to, struct err_detail *detail)
{
    struct pair log;
    int status = name_pair(&log, from, to, "quorate-raft-log", detail);
    if (*config->raftlogdir)
        snprintf(log.from, sizeof(log.from), "%.4000s/quorate-raft-log", config->raftlogdir);
    return status == ERR_OK ? copy_whole(&log, LOG_MAX, detail) : status;
}

/* Opening it shows that it is whole. */
static int tell_head(const struct node_config *config, const struct node_datadir *to,
                     struct err_detail *detail)
{
    struct chain *chain = NULL;
    struct chain_head head;
    char hash[65] = "";
    int status = node_open_chain(&chain, config, to, bytes_none(), NULL, NULL, detail);
    if (status != ERR_OK)
        return status;
    chain_head(chain, &head);
    hex_encode(hash, bytes_of(head.block->hash.b, 32));
    printf("block %llu 0x%s\n", (unsigned long long)head.block->header.number, hash);
    chain_head_release(&head);
    chain_free(chain);
    return ERR_OK;
}

/* Locks of programs that are not there. */
static void remove_locks(const struct node_datadir *to)
{
    static const char *const names[] = {"quorate/lock.mdb", "LOCK"};
    char path[NODE_PATH_MAX];
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        if (node_datadir_path(to, path, names[i], NULL) == ERR_OK)
            (void)unlink(path);
}

static int copy_all(const struct node_config *config, const struct node_datadir *from,
                    const struct node_datadir *to)
{
    struct node_copied copied = {0, 0};
    struct err_detail detail = {""};
    int status = copy_record(from, to, &detail);
    if (status == ERR_OK)
        status = copy_chain(from, to, &detail);
    if (status == ERR_OK)
        status = copy_raft_log(config, from, to, &detail);
    if (status != ERR_OK)
        return node_fatal("%s", *detail.text ? detail.text : err_text(status));
    int code = node_copy_files(&copied, from->root, to->root, false);
    status = code == NODE_EXIT_OK ? tell_head(config, to, &detail) : ERR_OK;
    return status == ERR_OK ? code
                            : node_fatal("the copy cannot be read: %s",
                                         *detail.text ? detail.text : err_text(status));
}

/* What an earlier run that was killed left under the name makes room, unless it is still at it. */
static int open_part(struct node_datadir *to, const char *part, struct err_detail *detail)
{
    int status = ERR_OK;
    if (file_is_there(part)) {
        status = node_datadir_open(to, part, detail);
        node_datadir_close(to);
        if (status == ERR_OK)
            status = file_remove_folder(part, detail);
    }
    return status == ERR_OK ? node_datadir_open(to, part, detail) : status;
}

/* Made under another name beside it: a folder with the name of a backup is a whole one. */
static int make_backup(const struct node_config *config, const struct node_datadir *from,
                       const char *target)
{
    struct node_datadir to = {.lock = -1};
    struct err_detail detail = {""};
    char part[NODE_PATH_MAX];
    if (snprintf(part, sizeof(part), "%s.part", target) >= (int)sizeof(part) - 64)
        return node_fatal("the name of the folder to make is too long");
    int status = open_part(&to, part, &detail);
    if (status != ERR_OK)
        return node_fatal("%s", detail.text);
    int code = copy_all(config, from, &to);
    remove_locks(&to);
    if (code == NODE_EXIT_OK && rename(part, target) != 0)
        code = node_fatal("rename %s: %s", part, node_system_text(errno));
    if (code != NODE_EXIT_OK && file_remove_folder(part, &detail) != ERR_OK)
        NODE_LOG(NODE_LOG_WARN, "What was copied is left", node_text("err", detail.text));
    node_datadir_close(&to);
    return code;
}

int node_run_backup(const struct node_config *config, size_t count, char **arguments)
{
    struct node_datadir from = {.lock = -1};
    if (count != 1)
        return node_fatal("backup takes the folder to make: --datadir D backup TARGET");
    size_t length = strlen(arguments[0]);
    while (length > 1 && arguments[0][length - 1] == '/')
        arguments[0][--length] = 0; /* beside it, not in it */
    if (file_is_there(arguments[0]))
        return node_fatal("%s exists: a backup makes a folder of its own", arguments[0]);
    if (strlen(config->datadir) >= sizeof(from.root) - 64)
        return node_fatal("the name of the data directory is too long");
    memcpy(from.root, config->datadir, strlen(config->datadir) + 1);
    return make_backup(config, &from, arguments[0]);
}
