#include "deploy/local/founders.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "deploy/genesis/genesis.h"

#include <unistd.h>

enum { FILE_MAX_BYTES = 1 << 20 };

bool deploy_founders_chain(const struct deploy_site *site, const char *peer)
{
    char path[DEPLOY_PATH_MAX];
    deploy_path(path, "%s/%s/genesis.json", site->folder, peer);
    return access(path, F_OK) == 0;
}

static json_t *hex_json(const struct address *address)
{
    char text[2 * sizeof(*address) + 1] = {0};
    hex_encode(text, bytes_of(address->b, sizeof(address->b)));
    return json_string(text);
}

static bool read_address(struct address *ret, const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text && strlen(text) == 2 * sizeof(ret->b) &&
           hex_decode_exact(text, ret->b, sizeof(ret->b));
}

static json_t *all_of(const struct deploy_site *site)
{
    json_t *all = json_array();
    for (size_t i = 0; i < site->count; i++) {
        const struct deploy_site_peer *peer = &site->peers[i];
        json_array_append_new(all, json_pack("{s:s, s:o, s:o, s:b}", "peer", peer->name, "node",
                                             hex_json(&peer->identity.node_address), "account",
                                             hex_json(&peer->identity.account), "validator",
                                             peer->validator));
    }
    return all;
}

static bool any_lives(const struct deploy_site *site, const json_t *founders)
{
    size_t i;
    json_t *row;
    json_array_foreach(founders, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "peer"));
        if (name && strlen(name) < sizeof(site->peers->name) && deploy_founders_chain(site, name))
            return true;
    }
    return false;
}

static int read_kept(json_t **ret_founders, const struct deploy_site *site,
                     struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    struct buf text = BUF_INIT;
    deploy_site_path(path, site, "founders.json");
    if (access(path, F_OK) != 0)
        return ERR_OK;
    int status = file_read(path, FILE_MAX_BYTES, &text, detail);
    if (status == ERR_OK) {
        *ret_founders = json_loadb((const char *)text.data, text.len, 0, NULL);
        if (!json_is_array(*ret_founders))
            status = err_set(detail, ERR_CORRUPT, "%s is damaged; restore it from a backup", path);
    }
    buf_release(&text);
    return status;
}

bool deploy_founders_live(const struct deploy_site *site)
{
    json_t *kept = NULL;
    bool live = read_kept(&kept, site, NULL) != ERR_OK || any_lives(site, kept);
    json_decref(kept);
    return live;
}

int deploy_founders_find(json_t **ret_founders, const struct deploy_site *site,
                         struct err_detail *detail)
{
    json_t *kept = NULL;
    int status = read_kept(&kept, site, detail);
    if (status == ERR_OK && !any_lives(site, kept)) {
        json_decref(kept);
        kept = all_of(site);
    }
    if (status != ERR_OK)
        json_decref(kept);
    else
        *ret_founders = kept;
    return status;
}

int deploy_founders_genesis(struct buf *text, const struct deploy_site *site,
                            const json_t *founders, struct err_detail *detail)
{
    const struct deploy_config *config = site->network->config;
    size_t count = json_array_size(founders), i;
    json_t *row;
    struct address *addresses = mem_alloc_zeroed(2 * count, sizeof(*addresses));
    if (!addresses)
        return err_set(detail, ERR_NOMEM, "out of memory");
    struct deploy_genesis genesis = {
        .consensus = (enum deploy_consensus)config->consensus.value,
        .chain_id = config->chain_id.value,
        .block_period = config->block_period.value,
        .validators = addresses,
        .accounts = addresses + count,
        .account_count = count,
    };
    bool good = true;
    json_array_foreach(founders, i, row)
    {
        struct address node;
        good = good && read_address(&addresses[count + i], row, "account") &&
               read_address(&node, row, "node");
        if (good && json_is_true(json_object_get(row, "validator")) &&
            genesis.consensus != DEPLOY_RAFT)
            addresses[genesis.validator_count++] = node;
    }
    if (good)
        deploy_genesis_format(text, &genesis);
    mem_free(addresses);
    if (!good)
        return err_set(detail, ERR_CORRUPT, "%s/founders.json is damaged; restore it from a backup",
                       site->folder);
    return buf_status(text) == ERR_OK ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
}
