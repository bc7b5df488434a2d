#include "deploy/backup/restore.h"

#include "base/file.h"
#include "base/hex.h"
#include "crypto/hash.h"
#include "deploy/backup/archive.h"
#include "deploy/backup/backup.h"
#include "deploy/json.h"
#include "deploy/local/recover.h"
#include "deploy/local/supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum {
    INFO_MAX = 1 << 20,
    TAIL = 65536,
    PROCESSES_MAX = 16 << 20,
    STOP_TRIES = 4 * DEPLOY_STOP_MS / 50,
};

/* The mark of a peer's genesis is the last to be placed: with it the data lives. */
static const char *const parts[] = {"node",    "tm",          "db", DEPLOY_RECOVER_MARK,
                                    "raft-id", "genesis.json"};

int deploy_backup_read_info(struct deploy_backup_info *ret_info, const char *folder,
                            struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    struct buf text = BUF_INIT;
    deploy_path(path, "%s/" DEPLOY_ARCHIVE_FIRST, folder);
    int status = file_read(path, INFO_MAX, &text, detail);
    json_t *root = status == ERR_OK ? json_loadb((const char *)text.data, text.len, 0, NULL) : NULL;
    json_t *peers = json_object_get(root, "peers");
    json_int_t format = json_integer_value(json_object_get(root, "quorate-backup"));
    if (status == ERR_OK && format == 0)
        status = err_set(detail, ERR_CORRUPT, "it is no backup of quorate");
    else if (status == ERR_OK && format != DEPLOY_ARCHIVE_FORMAT)
        status =
            err_set(detail, ERR_UNSUPPORTED,
                    "the backup is of format %lld, made by quorate %s; this one reads format %d",
                    (long long)format,
                    json_is_string(json_object_get(root, "quorate"))
                        ? json_string_value(json_object_get(root, "quorate"))
                        : "?",
                    DEPLOY_ARCHIVE_FORMAT);
    else if (status == ERR_OK && json_array_size(peers) == 0)
        status = err_set(detail, ERR_CORRUPT, "the backup names no peers");
    if (status == ERR_OK)
        *ret_info = (struct deploy_backup_info){
            .whole = json_is_true(json_object_get(root, "whole")),
            .peer_count = json_array_size(peers),
            .peers = json_incref(peers),
        };
    json_decref(root);
    buf_release(&text);
    return status;
}

static const struct deploy_site_peer *peer_of(const struct deploy_site *site, const json_t *row)
{
    const char *name = json_string_value(row);
    return name && strchr(name, '/') ? deploy_site_find(site, name) : NULL;
}

/* --- One that was interrupted --- */

int deploy_restore_identify(struct buf *text, const char *archive, struct err_detail *detail)
{
    struct buf end = BUF_INIT;
    char hex[65];
    struct hash256 hash;
    int status = file_read_end(archive, TAIL, &end, detail);
    crypto_sha256(&hash, buf_bytes(&end));
    buf_release(&end);
    if (status != ERR_OK)
        return status;
    hex_encode(hex, bytes_of(hash.b, sizeof(hash.b)));
    buf_append_format(text, "%s\n", hex);
    return buf_status(text) == ERR_OK ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
}

int deploy_restore_interrupted(bool *ret_resumed, const char *data, const char *archive,
                               struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    struct buf there = BUF_INIT, now = BUF_INIT;
    *ret_resumed = false;
    deploy_path(path, "%.700s/" DEPLOY_RESTORE_MARK, data);
    int status =
        access(path, F_OK) == 0 ? file_read_regular(path, INFO_MAX, &there, detail) : ERR_NOTFOUND;
    if (status == ERR_OK)
        status = deploy_restore_identify(&now, archive, detail);
    if (status == ERR_OK)
        *ret_resumed = bytes_equal(buf_bytes(&there), buf_bytes(&now));
    if (status == ERR_OK && !*ret_resumed)
        status = err_set(detail, ERR_EXISTS,
                         "a restore of another archive was interrupted in %s: restore that one "
                         "again, which completes it",
                         data);
    buf_release(&there);
    buf_release(&now);
    return status == ERR_NOTFOUND ? ERR_OK : status;
}

int deploy_restore_begin(const char *data, const char *archive, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    struct buf text = BUF_INIT;
    deploy_path(path, "%.700s/" DEPLOY_RESTORE_MARK, data);
    int status = deploy_restore_identify(&text, archive, detail);
    if (status == ERR_OK)
        status = file_write_private(path, buf_bytes(&text), detail);
    buf_release(&text);
    return status;
}

/* Whether a restore that goes on has placed it before. */
static bool was_placed(const char *stage, const struct deploy_site_peer *peer, const char *part)
{
    char path[DEPLOY_PATH_MAX];
    if (!stage)
        return false;
    deploy_path(path, "%.700s/peers/%s/%s", stage, peer->name, part);
    return access(path, F_OK) != 0;
}

int deploy_restore_check(const struct deploy_site *site, const json_t *peers, const char *stage,
                         struct err_detail *detail)
{
    size_t i;
    json_t *row;
    json_array_foreach(peers, i, row)
    {
        const struct deploy_site_peer *peer = peer_of(site, row);
        char path[DEPLOY_PATH_MAX];
        if (!peer)
            return err_set(
                detail, ERR_NOTFOUND,
                "the network in %s has no peer %.80s; put it into the network file first",
                site->folder, json_string_value(row) ? json_string_value(row) : "?");
        for (size_t j = 0; j < BASE_COUNT(parts); j++) {
            deploy_path(path, "%s/%s", peer->folder, parts[j]);
            if (access(path, F_OK) == 0 && !was_placed(stage, peer, parts[j]))
                return err_set(detail, ERR_EXISTS,
                               "%s is there, and is not replaced; move it away, then restore again",
                               path);
        }
    }
    return ERR_OK;
}

/* --- Secrets --- */

static int take_secret(const struct deploy_secrets *to, const struct deploy_secrets *from,
                       const char *path, bool write, struct err_detail *detail)
{
    json_t *ours = NULL, *theirs = NULL;
    int status = deploy_secrets_read(from, &theirs, path, detail);
    if (status != ERR_OK)
        return status;
    status = deploy_secrets_read(to, &ours, path, detail);
    if (status == ERR_NOTFOUND)
        status = write ? deploy_secrets_write(to, path, theirs, detail) : ERR_OK;
    else if (status == ERR_OK && !json_equal(ours, theirs))
        status = err_set(detail, ERR_EXISTS, "%s has another secret at %s than the backup",
                         to->name, path);
    deploy_secrets_drop(ours);
    deploy_secrets_drop(theirs);
    return status;
}

int deploy_restore_secrets(const struct deploy_secrets *to, const struct deploy_secrets *from,
                           struct err_detail *detail)
{
    json_t *paths = NULL, *row;
    size_t i;
    int status = deploy_secrets_list(from, &paths, detail);
    for (int write = 0; status == ERR_OK && write < 2; write++)
        json_array_foreach(paths, i, row)
        {
            if (status == ERR_OK)
                status = take_secret(to, from, json_string_value(row), write, detail);
        }
    json_decref(paths);
    return status;
}

/* --- Programs that run --- */

static bool is_of(const char *process, const struct deploy_site *site, const json_t *peers)
{
    size_t i;
    json_t *row;
    json_array_foreach(peers, i, row)
    {
        const struct deploy_site_peer *peer = peer_of(site, row);
        size_t length = peer ? strlen(peer->name) : 0;
        if (peer && process && strncmp(process, peer->name, length) == 0 && process[length] == ' ')
            return true;
    }
    return false;
}

static int count_running(size_t *ret_count, const struct deploy_site *site, const json_t *peers,
                         struct err_detail *detail)
{
    json_t *processes, *row;
    size_t i;
    *ret_count = 0;
    int status = deploy_supervisor_processes(&processes, site->folder, detail);
    json_array_foreach(processes, i, row)
    {
        *ret_count += is_of(json_string_value(json_object_get(row, "name")), site, peers);
    }
    json_decref(processes);
    return status == ERR_NOTFOUND ? ERR_OK : status;
}

/* The supervisor ends what its list has no more. */
static int leave_out(const struct deploy_site *site, const json_t *peers, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    struct buf text = BUF_INIT, answer = BUF_INIT;
    deploy_site_path(path, site, "processes.json");
    int status = file_read(path, PROCESSES_MAX, &text, detail);
    json_t *rows = status == ERR_OK ? json_loadb((const char *)text.data, text.len, 0, NULL) : NULL;
    if (status == ERR_OK && !json_is_array(rows))
        status = err_set(detail, ERR_CORRUPT, "%s is damaged; `quorate up` writes it anew", path);
    for (size_t i = json_array_size(rows); i-- > 0;)
        if (is_of(json_string_value(json_object_get(json_array_get(rows, i), "name")), site, peers))
            (void)json_array_remove(rows, i);
    if (status == ERR_OK)
        status = deploy_json_write(path, rows, true, detail);
    if (status == ERR_OK)
        status = deploy_supervisor_ask(&answer, site->folder, "reload", detail);
    json_decref(rows);
    buf_release(&text);
    buf_release(&answer);
    return status;
}

int deploy_restore_stop(const struct deploy_site *site, const json_t *peers,
                        struct err_detail *detail)
{
    size_t running;
    int status = count_running(&running, site, peers, detail);
    if (status != ERR_OK || running == 0)
        return status;
    status = leave_out(site, peers, detail);
    for (int tries = 0; status == ERR_OK && running > 0; tries++) {
        if (tries == STOP_TRIES)
            return err_set(detail, ERR_IO,
                           "the programs of the peers do not end; `quorate down` first");
        usleep(50000);
        status = count_running(&running, site, peers, detail);
    }
    return status;
}

/* --- Data --- */

/* In the stage: the name that `up` finds the payloads by, and the mark that it is to look for more. */
static int mark_peer(const struct deploy_site *site, const struct deploy_site_peer *peer,
                     const char *stage, struct err_detail *detail)
{
    char from[DEPLOY_PATH_MAX], to[DEPLOY_PATH_MAX];
    if (!peer->has_tm)
        return ERR_OK;
    deploy_path(from, "%s/peers/%s/tm/payloads.db", stage, peer->name);
    deploy_path(to, "%s/peers/%s/tm/" DEPLOY_RECOVER_PAYLOADS, stage, peer->name);
    if (deploy_recover_needs_filling(site, peer) && access(from, F_OK) == 0 &&
        rename(from, to) != 0)
        return err_set(detail, err_from_errno(errno), "cannot make %s: %s", to, strerror(errno));
    deploy_path(to, "%s/peers/%s/" DEPLOY_RECOVER_MARK, stage, peer->name);
    return file_write_private(to, bytes_none(), detail);
}

static int place_peer(const struct deploy_site *site, const struct deploy_site_peer *peer,
                      const char *stage, struct err_detail *detail)
{
    char from[DEPLOY_PATH_MAX], to[DEPLOY_PATH_MAX];
    int status = file_make_folders(peer->folder, 0700, detail);
    if (status == ERR_OK)
        status = mark_peer(site, peer, stage, detail);
    for (size_t i = 0; status == ERR_OK && i < BASE_COUNT(parts); i++) {
        deploy_path(from, "%s/peers/%s/%s", stage, peer->name, parts[i]);
        deploy_path(to, "%s/%s", peer->folder, parts[i]);
        if (access(from, F_OK) == 0 && rename(from, to) != 0)
            status =
                err_set(detail, err_from_errno(errno), "cannot make %s: %s", to, strerror(errno));
    }
    return status;
}

int deploy_restore_place(const struct deploy_site *site, const json_t *peers, const char *stage,
                         struct err_detail *detail)
{
    size_t i;
    json_t *row;
    int status = ERR_OK;
    json_array_foreach(peers, i, row)
    {
        const struct deploy_site_peer *peer = peer_of(site, row);
        if (status == ERR_OK && peer)
            status = place_peer(site, peer, stage, detail);
    }
    return status;
}
