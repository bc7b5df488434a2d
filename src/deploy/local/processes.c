/* The command lines of a peer's programs. No secret is among them: files are named. */
#include "base/file.h"
#include "crypto/keccak.h"
#include "deploy/local/database.h"
#include "deploy/local/prepare_priv.h"
#include "deploy/local/tm_config.h"

#include <stdarg.h>
#include <stdio.h>

void deploy_process_add(struct buf *arguments, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    if (length < 0)
        return;
    char *at = (char *)buf_extend(arguments, (size_t)length + 1);
    va_start(values, format);
    if (at)
        vsnprintf(at, (size_t)length + 1, format, values);
    va_end(values);
}

static void add(struct buf *arguments, const char *text)
{
    deploy_process_add(arguments, "%s", text);
}

#define add_format deploy_process_add

static bool is_constellation(const struct deploy_site *site)
{
    return site->network->config->transaction_manager.value == DEPLOY_CONSTELLATION;
}

/* Managers read at their start whom they trust: the certificates of all, or the authorities of all. */
static uint64_t trust_mark(const struct deploy_site *site)
{
    const struct deploy_config *config = site->network->config;
    struct crypto_keccak256 k;
    struct hash256 hash;
    uint64_t mark;
    if (config->tm_tls.value != DEPLOY_TLS_STRICT)
        return 0;
    bool all = config->tm_trust.value != DEPLOY_TRUST_CA;
    bool authorities = config->tm_trust.value == DEPLOY_TRUST_CA ||
                       config->tm_trust.value == DEPLOY_TRUST_CA_OR_TOFU;
    crypto_keccak256_init(&k);
    for (size_t i = 0; i < site->count; i++) {
        const struct deploy_identity *identity = &site->peers[i].identity;
        if (all)
            crypto_keccak256_update(&k, bytes_str(identity->certificate_sha1));
        if (authorities)
            crypto_keccak256_update(&k, bytes_str(identity->authority_sha1));
    }
    crypto_keccak256_final(&k, &hash);
    memcpy(&mark, hash.b, sizeof(mark));
    return mark;
}

static void describe_tm(struct deploy_process *process, const struct deploy_site *site,
                        const struct deploy_site_peer *peer, const struct deploy_programs *programs)
{
    snprintf(process->name, sizeof(process->name), "%s tm", peer->name);
    snprintf(process->program, sizeof(process->program), "%s", programs->tm);
    deploy_path(process->log, "%s/logs/tm.log", peer->folder);
    deploy_path(process->ready, "%s/tm/tm.ipc", peer->folder);
    if (peer->database)
        snprintf(process->after, sizeof(process->after), "%s db", peer->name);
    process->mark = peer->identity.marks[DEPLOY_SECRET_TRANSACTION] ^
                    peer->identity.marks[DEPLOY_SECRET_CERTS] ^ trust_mark(site) ^
                    (peer->database ? peer->identity.database_mark : 0);
    if (is_constellation(site)) {
        add(&process->arguments, "constellation-node"); /* which it then is */
    } else {
        add(&process->arguments, programs->tm);
        add(&process->arguments, "-configfile");
    }
    add_format(&process->arguments, "%s/tm/%s", peer->folder, deploy_tm_config_name(site));
}

static void add_consensus(struct buf *arguments, const struct deploy_site *site,
                          const struct deploy_site_peer *peer)
{
    if (site->network->config->consensus.value == DEPLOY_RAFT) {
        add(arguments, "--raft");
        add(arguments, "--raftport");
        add_format(arguments, "%u", peer->raft);
        if (peer->raft_id) {
            add(arguments, "--raftjoinexisting");
            add_format(arguments, "%u", peer->raft_id);
        }
    } else if (peer->validator) {
        add(arguments, "--mine");
    }
}

static void add_rpc(struct buf *arguments, const struct deploy_site *site,
                    const struct deploy_site_peer *peer)
{
    bool raft = site->network->config->consensus.value == DEPLOY_RAFT;
    add(arguments, "--http");
    add(arguments, "--http.addr");
    add(arguments, "127.0.0.1");
    add(arguments, "--http.port");
    add_format(arguments, "%u", peer->rpc);
    add(arguments, "--http.api");
    add_format(arguments, "admin,eth,debug,net,txpool,web3,quorumExtension,%s",
               raft ? "raft" : "istanbul");
}

static void add_account(struct buf *arguments, const struct deploy_site_peer *peer)
{
    if (peer->peer->lock.value)
        return;
    char hex[2 * sizeof(struct address) + 3] = "0x";
    for (size_t i = 0; i < sizeof(struct address); i++)
        snprintf(hex + 2 + 2 * i, 3, "%02x", peer->identity.account.b[i]);
    add(arguments, "--unlock");
    add(arguments, hex);
    add(arguments, "--allow-insecure-unlock");
    add(arguments, "--password");
    add_format(arguments, "%s/passwords.txt", peer->secrets);
}

/* Of a network that others run, the genesis says more than our file's default. */
static uint64_t network_id(const struct deploy_site *site)
{
    const struct deploy_config *config = site->network->config;
    struct buf text = BUF_INIT;
    uint64_t id = config->network_id.given ? config->network_id.value : config->chain_id.value;
    json_t *genesis = NULL;
    if (!config->network_id.given && config->bootnode && config->genesis.text &&
        file_read(config->genesis.text, DEPLOY_FILE_MAX, &text, NULL) == ERR_OK)
        genesis = json_loadb((const char *)text.data, text.len, 0, NULL);
    const json_t *chain = json_object_get(json_object_get(genesis, "config"), "chainId");
    if (json_is_integer(chain))
        id = (uint64_t)json_integer_value(chain);
    json_decref(genesis);
    buf_release(&text);
    return id;
}

static void describe_node(struct deploy_process *process, const struct deploy_site *site,
                          const struct deploy_site_peer *peer,
                          const struct deploy_programs *programs)
{
    struct buf *arguments = &process->arguments;
    snprintf(process->name, sizeof(process->name), "%s node", peer->name);
    deploy_path(process->log, "%s/logs/node.log", peer->folder);
    deploy_path(process->ready, "%s/node/geth.ipc", peer->folder);
    snprintf(process->program, sizeof(process->program), "%s", programs->node);
    process->mark = peer->identity.marks[DEPLOY_SECRET_QUORUM];
    add(arguments, programs->node);
    add(arguments, "--datadir");
    add_format(arguments, "%s/node", peer->folder);
    add(arguments, "--nodekey");
    add_format(arguments, "%s/nodekey", peer->secrets);
    add(arguments, "--networkid");
    add_format(arguments, "%llu", (unsigned long long)network_id(site));
    add(arguments, "--port");
    add_format(arguments, "%u", peer->p2p);
    add(arguments, "--nodiscover");
    if (peer->peer->subject.text) {
        add(arguments, "--identity");
        add(arguments, peer->peer->subject.text);
    }
    add_rpc(arguments, site, peer);
    add_consensus(arguments, site, peer);
    add_account(arguments, peer);
    if (peer->has_tm && is_constellation(site)) { /* as its charts do */
        add_format(&process->environment, "PRIVATE_CONFIG=%s/tm/tm.ipc", peer->folder);
    } else if (peer->has_tm) {
        add(arguments, "--ptm.socket");
        add_format(arguments, "%s/tm/tm.ipc", peer->folder);
    }
    if (peer->has_tm)
        snprintf(process->after, sizeof(process->after), "%s tm", peer->name);
}

size_t deploy_peer_processes(struct deploy_process ret[DEPLOY_PROCESSES_MAX],
                             const struct deploy_site *site, size_t index,
                             const struct deploy_programs *programs)
{
    const struct deploy_site_peer *peer = &site->peers[index];
    size_t count = 0;
    memset(ret, 0, DEPLOY_PROCESSES_MAX * sizeof(*ret));
    if (peer->database)
        deploy_database_describe(&ret[count++], peer, programs);
    if (peer->has_tm)
        describe_tm(&ret[count++], site, peer, programs);
    describe_node(&ret[count++], site, peer, programs);
    return count;
}
