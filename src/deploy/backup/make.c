#include "base/file.h"
#include "deploy/backup/archive.h"
#include "deploy/backup/backup.h"
#include "deploy/backup/hold.h"
#include "deploy/json.h"
#include "deploy/local/run.h"
#include "deploy/local/tm_config.h"
#include "deploy/secrets/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
    SITE_FILE_MAX = 16 << 20,
    STAGE_MAX = DEPLOY_PATH_MAX - 300, /* characters: names of peers and files fit behind it */
};

#define STAGE_NAME ".backup-" /* behind the archive's; then six characters */

struct making {
    const struct deploy_backup *backup;
    char stage[DEPLOY_PATH_MAX]; /* the folder that becomes the archive */
};

static bool is_in(const struct deploy_backup *backup, size_t index)
{
    return !backup->only || backup->only == &backup->site->peers[index];
}

/* --- Programs make their own copies --- */

static int run(struct buf *output, const char *const *arguments, const char *peer,
               struct err_detail *detail)
{
    int code = 0;
    int status = deploy_run(&code, output, arguments, detail);
    if (status == ERR_OK && code != 0)
        status =
            err_set(detail, ERR_INPUT, "the copy of %s failed: %.300s", peer, buf_text(output));
    return status;
}

static int copy_node(const struct making *m, const struct deploy_site_peer *peer,
                     struct buf *output, struct err_detail *detail)
{
    char from[DEPLOY_PATH_MAX], to[DEPLOY_PATH_MAX];
    deploy_path(from, "%s/node", peer->folder);
    deploy_path(to, "%s/peers/%s/node", m->stage, peer->name);
    const char *const arguments[] = {
        m->backup->programs->node, "--verbosity", "1", "--datadir", from, "backup", to, NULL};
    return run(output, arguments, peer->name, detail);
}

static int copy_tm(const struct making *m, size_t index, struct err_detail *detail)
{
    const struct deploy_site_peer *peer = &m->backup->site->peers[index];
    char config[DEPLOY_PATH_MAX], to[DEPLOY_PATH_MAX];
    struct buf output = BUF_INIT;
    deploy_path(config, "%s/tm/%s", peer->folder, deploy_tm_config_name(m->backup->site));
    deploy_path(to, "%s/peers/%s/tm", m->stage, peer->name);
    int status = file_make_folders(to, 0700, detail);
    deploy_path(to, "%s/peers/%s/tm/payloads.db", m->stage, peer->name);
    const char *const arguments[] = {
        m->backup->programs->tm, "backup", "--configfile", config, "--to", to, NULL};
    if (status == ERR_OK)
        status = run(&output, arguments, peer->name, detail);
    buf_release(&output);
    return status;
}

static int copy_mark(const struct making *m, const struct deploy_site_peer *peer, const char *name,
                     struct err_detail *detail)
{
    char from[DEPLOY_PATH_MAX], to[DEPLOY_PATH_MAX];
    struct buf text = BUF_INIT;
    deploy_path(from, "%s/%s", peer->folder, name);
    deploy_path(to, "%s/peers/%s/%s", m->stage, peer->name, name);
    if (access(from, F_OK) != 0)
        return ERR_OK;
    int status = file_read(from, SITE_FILE_MAX, &text, detail);
    if (status == ERR_OK)
        status = file_write_private(to, buf_bytes(&text), detail);
    buf_release(&text);
    return status;
}

/* The node, and the site's marks beside it. */
static int copy_peer(const struct making *m, const struct deploy_site_peer *peer,
                     struct err_detail *detail)
{
    char folder[DEPLOY_PATH_MAX], told[200];
    unsigned long long block = 0;
    struct buf output = BUF_INIT;
    deploy_path(folder, "%s/peers/%s", m->stage, peer->name);
    int status = file_make_folders(folder, 0700, detail);
    if (status == ERR_OK)
        status = copy_node(m, peer, &output, detail);
    if (status == ERR_OK)
        status = copy_mark(m, peer, "genesis.json", detail);
    if (status == ERR_OK)
        status = copy_mark(m, peer, "raft-id", detail);
    const char *line = buf_text(&output), *at = strstr(line, "block ");
    if (status == ERR_OK && at && sscanf(at, "block %llu", &block) == 1) {
        snprintf(told, sizeof(told), "%s, to block %llu", peer->name, block);
        m->backup->step(m->backup->context, told, true);
    }
    buf_release(&output);
    return status;
}

/* Blocks of a Raft cluster stand in its log until they stand in the chain: both must be of one instant, of all members. */
static int copy_nodes(const struct making *m, struct err_detail *detail)
{
    const struct deploy_backup *backup = m->backup;
    struct deploy_hold hold = {.keeper = 0};
    int status = ERR_OK;
    if (backup->site->network->config->consensus.value == DEPLOY_RAFT)
        status = deploy_hold_nodes(&hold, backup->site, backup->only, detail);
    for (size_t i = 0; status == ERR_OK && i < backup->site->count; i++)
        if (is_in(backup, i))
            status = copy_peer(m, &backup->site->peers[i], detail);
    deploy_hold_release(&hold);
    return status;
}

/* All nodes first: then each manager has the payloads of every block that any of the copies has. */
static int copy_peers(const struct making *m, struct err_detail *detail)
{
    const struct deploy_site *site = m->backup->site;
    int status = copy_nodes(m, detail);
    for (size_t i = 0; status == ERR_OK && i < site->count; i++)
        if (is_in(m->backup, i) && site->peers[i].has_tm)
            status = copy_tm(m, i, detail);
    return status;
}

/* --- Keys --- */

/* Paths in the store of a peer's secrets, without the last word: "secret/carrier-quo/crypto/carrier/". */
static void secret_prefix(char ret_prefix[DEPLOY_SECRETS_PATH_MAX + 1],
                          const struct deploy_site_peer *peer)
{
    deploy_secret_path(ret_prefix, peer->organization, peer->peer, DEPLOY_SECRET_QUORUM);
    strrchr(ret_prefix, '/')[1] = 0;
}

static bool is_ours(const struct deploy_backup *backup, const char *path)
{
    char prefix[DEPLOY_SECRETS_PATH_MAX + 1];
    if (!backup->only)
        return true;
    deploy_secret_path(prefix, backup->only->organization, NULL, DEPLOY_SECRET_AUTHORITY);
    if (strcmp(path, prefix) == 0)
        return true;
    secret_prefix(prefix, backup->only);
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

static int copy_secret(const struct deploy_secrets *from, const struct deploy_secrets *to,
                       const char *path, struct err_detail *detail)
{
    json_t *fields = NULL;
    int status = deploy_secrets_read(from, &fields, path, detail);
    if (status == ERR_OK)
        status = deploy_secrets_write(to, path, fields, detail);
    deploy_secrets_drop(fields);
    return status;
}

static int copy_secrets(const struct making *m, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX], lock[DEPLOY_PATH_MAX];
    const struct deploy_secrets_key key = {.passphrase = m->backup->passphrase};
    struct deploy_secrets copy;
    json_t *paths = NULL, *row;
    size_t i;
    deploy_path(path, "%s/secrets", m->stage);
    deploy_path(lock, "%s/secrets.lock", m->stage);
    int status = deploy_secrets_file_open(&copy, path, &key, detail);
    if (status != ERR_OK)
        return status;
    status = deploy_secrets_list(m->backup->secrets, &paths, detail);
    json_array_foreach(paths, i, row)
    {
        if (status == ERR_OK && is_ours(m->backup, json_string_value(row)))
            status = copy_secret(m->backup->secrets, &copy, json_string_value(row), detail);
    }
    json_decref(paths);
    deploy_secrets_close(&copy);
    (void)unlink(lock);
    return status;
}

/* --- The site --- */

static int copy_site(const struct making *m, struct err_detail *detail)
{
    static const char *const names[] = {"network.yaml", "genesis.json", "static-nodes.json",
                                        "founders.json", "ports.json"};
    char from[DEPLOY_PATH_MAX], to[DEPLOY_PATH_MAX];
    struct buf text = BUF_INIT;
    deploy_path(to, "%s/site", m->stage);
    int status = file_make_folders(to, 0700, detail);
    for (size_t i = 0; status == ERR_OK && i < BASE_COUNT(names); i++) {
        deploy_site_path(from, m->backup->site, names[i]);
        deploy_path(to, "%s/site/%s", m->stage, names[i]);
        if (access(from, F_OK) != 0)
            continue; /* a network that was taken over has no founders */
        buf_clear(&text);
        status = file_read(from, SITE_FILE_MAX, &text, detail);
        if (status == ERR_OK)
            status = file_write_private(to, buf_bytes(&text), detail);
    }
    buf_release(&text);
    return status;
}

static int describe(struct buf *text, const struct deploy_backup *backup, struct err_detail *detail)
{
    char made[32];
    time_t now = time(NULL);
    struct tm utc;
    json_t *peers = json_array();
    for (size_t i = 0; i < backup->site->count; i++)
        if (is_in(backup, i))
            json_array_append_new(peers, json_string(backup->site->peers[i].name));
    strftime(made, sizeof(made), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:b, s:o}", "quorate-backup", DEPLOY_ARCHIVE_FORMAT, "quorate",
                  QUORATE_VERSION, "made", made, "whole", !backup->only, "peers", peers);
    deploy_json_append(text, root);
    buf_append_byte(text, '\n');
    json_decref(root);
    return buf_status(text) == ERR_OK ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
}

/* --- What was killed --- */

/* A folder with nothing but what a stage has. */
static bool is_stage(const char *path)
{
    static const char *const names[] = {"secrets", "secrets.lock", "site", "peers"};
    DIR *entries = opendir(path);
    const struct dirent *entry;
    bool is = entries != NULL;
    while (is && (entry = readdir(entries))) {
        bool known = entry->d_name[0] == '.' || strstr(entry->d_name, ".part-");
        for (size_t i = 0; i < BASE_COUNT(names); i++)
            known |= strcmp(entry->d_name, names[i]) == 0;
        is = known;
    }
    if (entries)
        closedir(entries);
    return is;
}

/* Folders that backups which were killed have left beside the archive, of whatever name: they hold private state. */
static void sweep_stages(const char *archive)
{
    char pattern[DEPLOY_PATH_MAX];
    glob_t found = {0};
    const char *slash = strrchr(archive, '/');
    deploy_path(pattern, "%.*s*" STAGE_NAME "??????", slash ? (int)(slash + 1 - archive) : 0,
                archive);
    if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++) {
            int fd = open(found.gl_pathv[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && is_stage(found.gl_pathv[i]))
                (void)file_remove_folder(found.gl_pathv[i], NULL);
            if (fd >= 0)
                close(fd);
        }
    globfree(&found);
}

/* --- The archive --- */

static int pack(uint64_t *ret_size, const struct making *m, struct err_detail *detail)
{
    struct deploy_archive archive;
    struct buf first = BUF_INIT;
    int status = describe(&first, m->backup, detail);
    if (status == ERR_OK)
        status = deploy_archive_new(&archive, m->backup->path, detail);
    if (status == ERR_OK) {
        status = deploy_archive_add(&archive, DEPLOY_ARCHIVE_FIRST, buf_bytes(&first), detail);
        if (status == ERR_OK)
            status = deploy_archive_add_folder(&archive, m->stage, detail);
        if (status == ERR_OK)
            status = deploy_archive_finish(&archive, detail);
        if (status != ERR_OK)
            deploy_archive_abandon(&archive);
        *ret_size = archive.size;
    }
    buf_release(&first);
    return status;
}

int deploy_backup_make(uint64_t *ret_size, const struct deploy_backup *backup,
                       struct err_detail *detail)
{
    struct making m = {.backup = backup};
    int status;
    if (access(backup->path, F_OK) == 0)
        return err_set(detail, ERR_EXISTS, "%s exists, and is not replaced", backup->path);
    if (strlen(backup->path) >= STAGE_MAX)
        return err_set(detail, ERR_INPUT, "%s is too long a path", backup->path);
    sweep_stages(backup->path);
    snprintf(m.stage, sizeof(m.stage), "%.700s" STAGE_NAME "XXXXXX", backup->path);
    int lock = mkdtemp(m.stage) ? open(m.stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0) {
        status = err_set(detail, err_from_errno(errno), "cannot make a folder beside %s: %s",
                         backup->path, strerror(errno));
        if (lock >= 0)
            close(lock);
        return status;
    }
    status = copy_secrets(&m, detail);
    if (status == ERR_OK)
        status = copy_site(&m, detail);
    if (status == ERR_OK)
        status = copy_peers(&m, detail);
    if (status == ERR_OK)
        status = pack(ret_size, &m, detail);
    int removed = file_remove_folder(m.stage, status == ERR_OK ? detail : NULL);
    close(lock);
    return status == ERR_OK ? removed : status;
}
