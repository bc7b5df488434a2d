#include "deploy/local/members.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "crypto/address.h"
#include "deploy/local/rpc.h"

#include <stdio.h>
#include <strings.h>
#include <unistd.h>

enum { PAUSE_US = 100000, AGAIN_SECONDS = 3 };

struct crowd {
    const struct deploy_site *site;
    struct io_http_caller *caller;
};

static int begin(struct crowd *crowd, const struct deploy_site *site, struct err_detail *detail)
{
    crowd->site = site;
    int status = io_http_caller_new(&crowd->caller, NULL);
    return status == ERR_OK ? ERR_OK : err_set(detail, status, "out of memory");
}

/* The first answer of any node but `except` (SIZE_MAX: none is left out). `params` is taken. */
static int ask_any(json_t **ret_result, const struct crowd *crowd, size_t except,
                   const char *method, json_t *params, struct err_detail *detail)
{
    const struct deploy_bootnode *bootnode = crowd->site->network->config->bootnode;
    char url[DEPLOY_PATH_MAX];
    int status = err_set(detail, ERR_NOTFOUND, "no node answers; `quorate status` shows them");
    for (size_t i = 0; status != ERR_OK && i < crowd->site->count; i++)
        if (i != except)
            status = deploy_rpc(ret_result, crowd->caller, crowd->site->peers[i].rpc, method,
                                json_deep_copy(params), detail);
    if (status != ERR_OK && bootnode && bootnode->url.text) { /* of the network that is joined */
        snprintf(url, sizeof(url), "http://%.900s:%llu/", bootnode->url.text,
                 (unsigned long long)bootnode->rpcport.value);
        status =
            deploy_rpc_at(ret_result, crowd->caller, url, method, json_deep_copy(params), detail);
        if (status != ERR_OK)
            err_prefix(detail, status, "the bootnode");
    }
    json_decref(params);
    return status;
}

/* --- Votes --- */

static bool lists(const json_t *validators, const struct address *address)
{
    char text[2 * sizeof(*address) + 3] = "0x";
    size_t i;
    json_t *item;
    hex_encode(text + 2, bytes_of(address->b, sizeof(address->b)));
    json_array_foreach(validators, i, item)
    {
        const char *other = json_string_value(item);
        if (other && strcasecmp(other, text) == 0)
            return true;
    }
    return false;
}

/* -1: the node does not answer. */
static int says(const struct crowd *crowd, size_t asked, const struct address *address)
{
    json_t *validators = NULL;
    if (deploy_rpc(&validators, crowd->caller, crowd->site->peers[asked].rpc,
                   "istanbul_getValidators", json_pack("[s]", "latest"), NULL) != ERR_OK)
        return -1;
    int is = lists(validators, address);
    json_decref(validators);
    return is;
}

static bool all_say(const struct crowd *crowd, const struct address *address, bool in)
{
    size_t answers = 0;
    for (size_t i = 0; i < crowd->site->count; i++) {
        int is = says(crowd, i, address);
        if (is >= 0 && is != in)
            return false;
        answers += is >= 0;
    }
    return answers > 0;
}

/* Every validator of the file proposes, or forgets the proposal. Returns how many did. */
static size_t tell_validators(const struct crowd *crowd, const struct address *address,
                              const char *method, bool in, bool propose)
{
    char text[CRYPTO_ADDRESS_TEXT];
    size_t count = 0;
    crypto_address_checksum(text, address);
    for (size_t i = 0; i < crowd->site->count; i++) {
        json_t *result = NULL;
        if (propose && says(crowd, i, &crowd->site->peers[i].identity.node_address) != 1)
            continue;
        json_t *params = propose ? json_pack("[s, b]", text, in) : json_pack("[s]", text);
        count += deploy_rpc(&result, crowd->caller, crowd->site->peers[i].rpc, method, params,
                            NULL) == ERR_OK;
        json_decref(result);
    }
    return count;
}

int deploy_members_is_validator(bool *ret_is, const struct deploy_site *site, size_t index,
                                struct err_detail *detail)
{
    struct crowd crowd;
    json_t *validators = NULL;
    int status = begin(&crowd, site, detail);
    if (status != ERR_OK)
        return status;
    status = ask_any(&validators, &crowd, SIZE_MAX, "istanbul_getValidators",
                     json_pack("[s]", "latest"), detail);
    if (status == ERR_OK)
        *ret_is = lists(validators, &site->peers[index].identity.node_address);
    json_decref(validators);
    io_http_caller_free(crowd.caller);
    return status;
}

int deploy_members_vote(const struct deploy_site *site, size_t index, bool in, uint64_t seconds,
                        struct err_detail *detail)
{
    const struct address *address = &site->peers[index].identity.node_address;
    struct crowd crowd;
    int status = begin(&crowd, site, detail);
    if (status != ERR_OK)
        return status;
    if (!all_say(&crowd, address, in)) {
        size_t votes = tell_validators(&crowd, address, "istanbul_propose", in, true);
        double limit = base_now_seconds() + (double)seconds;
        while (!all_say(&crowd, address, in)) {
            if (base_now_seconds() > limit) {
                status = err_set(detail, ERR_IO,
                                 "%s is not voted %s after %llu seconds: %zu validators of this "
                                 "file voted, and more than half of all must",
                                 site->peers[index].name, in ? "in" : "out",
                                 (unsigned long long)seconds, votes);
                break;
            }
            usleep(PAUSE_US);
        }
        (void)tell_validators(&crowd, address, "istanbul_discard", in, false);
    }
    io_http_caller_free(crowd.caller);
    return status;
}

/* --- Raft --- */

/* The number of a member, and whether it votes; 0 for one that is none. */
static int find_member(uint16_t *ret_id, bool *ret_votes, const struct crowd *crowd, size_t index,
                       struct err_detail *detail)
{
    const struct deploy_site_peer *peer = &crowd->site->peers[index];
    char id[129] = {0};
    size_t i;
    json_t *cluster = NULL, *row;
    hex_encode(id, bytes_of(peer->identity.node.b, sizeof(peer->identity.node.b)));
    int status = ask_any(&cluster, crowd, index, "raft_cluster", json_array(), detail);
    if (status != ERR_OK)
        return status;
    *ret_id = 0;
    *ret_votes = false;
    json_array_foreach(cluster, i, row)
    {
        const char *node = json_string_value(json_object_get(row, "nodeId"));
        const char *role = json_string_value(json_object_get(row, "role"));
        if (!node || strcmp(node, id) != 0)
            continue;
        *ret_id = (uint16_t)json_integer_value(json_object_get(row, "raftId"));
        *ret_votes = role && strcmp(role, "learner") != 0;
    }
    json_decref(cluster);
    return ERR_OK;
}

static int write_id(const struct deploy_site_peer *peer, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX], text[16];
    deploy_path(path, "%s/raft-id", peer->folder);
    snprintf(text, sizeof(text), "%u\n", peer->raft_id);
    int status = file_make_folders(peer->folder, 0700, detail);
    return status == ERR_OK ? file_write(path, bytes_str(text), detail) : status;
}

int deploy_members_raft_add(struct deploy_site *site, size_t index, bool votes,
                            struct err_detail *detail)
{
    struct deploy_site_peer *peer = &site->peers[index];
    struct crowd crowd;
    struct buf enode = BUF_INIT;
    json_t *result = NULL;
    bool ignored;
    if (peer->raft_id)
        return ERR_OK;
    int status = begin(&crowd, site, detail);
    if (status != ERR_OK)
        return status;
    status = find_member(&peer->raft_id, &ignored, &crowd, index, detail);
    if (status == ERR_OK && peer->raft_id == 0) {
        deploy_site_enode(&enode, site, index);
        status = ask_any(&result, &crowd, index, votes ? "raft_addPeer" : "raft_addLearner",
                         json_pack("[s]", buf_text(&enode)), detail);
        peer->raft_id = (uint16_t)json_integer_value(result);
        if (status == ERR_OK && peer->raft_id == 0)
            status = err_set(detail, ERR_INPUT, "the cluster gave %s no number", peer->name);
    }
    if (status == ERR_OK)
        status = write_id(peer, detail);
    json_decref(result);
    buf_release(&enode);
    io_http_caller_free(crowd.caller);
    return status;
}

/* What a member is to become. */
enum wish { VOTER, NOBODY };

static bool came_about(const struct crowd *crowd, size_t index, enum wish wish)
{
    uint16_t id;
    bool votes;
    if (find_member(&id, &votes, crowd, index, NULL) != ERR_OK)
        return false;
    return wish == NOBODY ? id == 0 : votes;
}

/* Proposed, and again from time to time: what a leader has not handed on when it goes is lost. */
static int agree(const struct crowd *crowd, size_t index, uint16_t id, enum wish wish,
                 uint64_t seconds, struct err_detail *detail)
{
    const char *method = wish == NOBODY ? "raft_removePeer" : "raft_promoteToPeer";
    double now = base_now_seconds(), limit = now + (double)seconds, again = now + AGAIN_SECONDS;
    json_t *result = NULL;
    int status = ask_any(&result, crowd, index, method, json_pack("[i]", (int)id), detail);
    json_decref(result);
    while (status == ERR_OK && !came_about(crowd, index, wish)) {
        now = base_now_seconds();
        if (now > limit)
            return err_set(detail, ERR_IO,
                           "the cluster has not agreed on %s after %llu seconds: more than half of "
                           "its members must run",
                           crowd->site->peers[index].name, (unsigned long long)seconds);
        if (now > again) {
            result = NULL;
            (void)ask_any(&result, crowd, index, method, json_pack("[i]", (int)id), NULL);
            json_decref(result);
            again = now + AGAIN_SECONDS;
        }
        usleep(PAUSE_US);
    }
    return status;
}

static int change(const struct deploy_site *site, size_t index, enum wish wish, uint64_t seconds,
                  struct err_detail *detail)
{
    struct crowd crowd;
    uint16_t id = 0;
    bool votes;
    int status = begin(&crowd, site, detail);
    if (status != ERR_OK)
        return status;
    status = find_member(&id, &votes, &crowd, index, detail);
    if (status == ERR_OK && id != 0)
        status = agree(&crowd, index, id, wish, seconds, detail);
    else if (status == ERR_OK && wish == VOTER)
        status = err_set(detail, ERR_NOTFOUND, "%s is no member of the cluster",
                         site->peers[index].name);
    io_http_caller_free(crowd.caller);
    return status;
}

int deploy_members_raft_promote(const struct deploy_site *site, size_t index, uint64_t seconds,
                                struct err_detail *detail)
{
    return change(site, index, VOTER, seconds, detail);
}

int deploy_members_raft_remove(const struct deploy_site *site, size_t index, uint64_t seconds,
                               struct err_detail *detail)
{
    return change(site, index, NOBODY, seconds, detail);
}
