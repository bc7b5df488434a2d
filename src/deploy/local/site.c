#include "deploy/local/site.h"

#include "base/file.h"
#include "base/hex.h"
#include "crypto/keccak.h"
#include "deploy/local/ports.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Written when a peer has joined a running cluster (members.h). */
static void read_raft_id(struct deploy_site_peer *peer)
{
    char path[DEPLOY_PATH_MAX];
    struct buf text = BUF_INIT;
    deploy_path(path, "%s/raft-id", peer->folder);
    if (access(path, F_OK) == 0 && file_read(path, 16, &text, NULL) == ERR_OK)
        peer->raft_id = (uint16_t)strtoul(buf_text(&text), NULL, 10);
    buf_release(&text);
}

static int set_peer(struct deploy_site *site, const struct deploy_peer_at *at,
                    struct err_detail *detail)
{
    struct deploy_site_peer *peer = &site->peers[site->count++];
    const char *organization = at->organization->name.text, *name = at->peer->name.text;
    peer->organization = at->organization;
    peer->peer = at->peer;
    peer->has_tm = at->has_tm && site->network->config->transaction_manager.value != DEPLOY_TM_NONE;
    peer->database = peer->has_tm && site->network->config->database.given &&
                     site->network->config->database.value == DEPLOY_MYSQL;
    peer->validator = at->peer->type.value == DEPLOY_VALIDATOR;
    snprintf(peer->name, sizeof(peer->name), "%s/%s", organization, name);
    deploy_path(peer->folder, "%s/%s", site->folder, peer->name);
    deploy_path(peer->secrets, "%s/%s", site->memory, peer->name);
    read_raft_id(peer);
    /* The longest socket is <folder>/node/geth.ipc. */
    if (strlen(peer->folder) + strlen("/node/geth.ipc") > DEPLOY_SOCKET_PATH_MAX)
        return err_set(detail, ERR_INPUT,
                       "%s is too long a path for the sockets of %s; choose a shorter --data",
                       site->folder, peer->name);
    return ERR_OK;
}

/* Its name follows from the folder's, so that two networks keep apart. */
static void name_memory(struct deploy_site *site)
{
    struct hash256 hash;
    char digits[13] = {0};
    crypto_keccak256(&hash, bytes_str(site->folder));
    hex_encode(digits, bytes_of(hash.b, 6));
    snprintf(site->memory, sizeof(site->memory), "/dev/shm/quorate-%u-%s", (unsigned)getuid(),
             digits);
}

/* The real path of what may not be there yet: that of the nearest folder above it, and the rest as it is written. */
static bool real_path(char ret_path[PATH_MAX], const char *folder)
{
    char head[PATH_MAX];
    size_t length = strlen(folder), above = length;
    if (length >= sizeof(head)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(head, folder, length + 1);
    while (!realpath(above ? head : ".", ret_path)) {
        if (errno != ENOENT || above == 0)
            return false;
        while (above && head[above - 1] == '/')
            above--;
        while (above && head[above - 1] != '/')
            above--;
        head[above] = 0;
    }
    const char *rest = folder + above + strspn(folder + above, "/");
    size_t base = strlen(ret_path);
    while (base && ret_path[base - 1] == '/')
        base--;
    if (*rest && base + 1 + strlen(rest) < PATH_MAX)
        snprintf(ret_path + base, PATH_MAX - base, "/%s", rest);
    for (length = strlen(ret_path); length > 1 && ret_path[length - 1] == '/'; length--)
        ret_path[length - 1] = 0;
    return strstr(rest, "..") == NULL;
}

static int find_folder(struct deploy_site *site, const char *folder, struct err_detail *detail)
{
    char full[PATH_MAX];
    struct stat info;
    errno = ENOENT;
    if (!real_path(full, folder))
        return err_set(detail, err_from_errno(errno), "%s: %s", folder, strerror(errno));
    if (stat(full, &info) == 0 && !S_ISDIR(info.st_mode))
        return err_set(detail, ERR_EXISTS, "%s is no folder; choose another --data", full);
    if (strlen(full) >= sizeof(site->folder) - 200)
        return err_set(detail, ERR_INPUT, "%s is too long a path; choose a shorter --data", full);
    memcpy(site->folder, full, strlen(full) + 1);
    return ERR_OK;
}

int deploy_site_new(struct deploy_site **ret_site, const struct deploy_network *network,
                    const char *folder, struct arena *arena, struct err_detail *detail)
{
    struct deploy_site *site = arena_alloc_zeroed(arena, 1, sizeof(*site));
    if (!site)
        return err_set(detail, ERR_NOMEM, "out of memory");
    site->network = network;
    int status = find_folder(site, folder, detail);
    if (status != ERR_OK)
        return status;
    name_memory(site);
    struct deploy_peer_at at;
    size_t count = 0;
    while (deploy_peer_at(&at, network, count))
        count++;
    if (count > DEPLOY_PEERS_MAX)
        return err_set(detail, ERR_INPUT, "%zu peers are too many for one machine (at most %d)",
                       count, DEPLOY_PEERS_MAX);
    site->peers = arena_alloc_zeroed(arena, count, sizeof(*site->peers));
    if (!site->peers)
        return err_set(detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; deploy_peer_at(&at, network, i) && status == ERR_OK; i++)
        status = set_peer(site, &at, detail);
    if (status == ERR_OK)
        status = deploy_ports_give(site, arena, detail);
    if (status == ERR_OK)
        *ret_site = site;
    return status;
}

int deploy_site_make(const struct deploy_site *site, struct err_detail *detail)
{
    return file_make_folders(site->folder, 0700, detail);
}

void deploy_path(char *ret_path, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int length = vsnprintf(ret_path, DEPLOY_PATH_MAX, format, values);
    va_end(values);
    assert(length >= 0 && length < DEPLOY_PATH_MAX);
    (void)length;
}

void deploy_site_path(char *ret_path, const struct deploy_site *site, const char *name)
{
    deploy_path(ret_path, "%s/%s", site->folder, name);
}

void deploy_site_enode(struct buf *text, const struct deploy_site *site, size_t index)
{
    const struct deploy_site_peer *peer = &site->peers[index];
    char id[129] = {0};
    hex_encode(id, bytes_of(peer->identity.node.b, sizeof(peer->identity.node.b)));
    buf_append_format(text, "enode://%s@127.0.0.1:%u?discport=0", id, peer->p2p);
    if (peer->raft)
        buf_append_format(text, "&raftport=%u", peer->raft);
}

struct deploy_owner deploy_site_owner(const struct deploy_site *site,
                                      const struct deploy_site_peer *peer)
{
    return (struct deploy_owner){.organization = peer->organization,
                                 .peer = peer->peer,
                                 .subject = site->network->config->subject.text,
                                 .has_tm = peer->has_tm};
}

const struct deploy_site_peer *deploy_site_find(const struct deploy_site *site, const char *name)
{
    const struct deploy_site_peer *found = NULL;
    for (size_t i = 0; i < site->count; i++) {
        if (strcmp(site->peers[i].name, name) == 0)
            return &site->peers[i];
        if (strcmp(site->peers[i].peer->name.text, name) == 0) {
            if (found)
                return NULL;
            found = &site->peers[i];
        }
    }
    return found;
}
