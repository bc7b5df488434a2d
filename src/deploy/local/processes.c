/* The command lines of a peer's programs. No secret is among them: files are named. */
#include "deploy/local/prepare.h"

#include <stdarg.h>
#include <stdio.h>

static void add(struct buf *arguments, const char *text)
{
    buf_append(arguments, text, strlen(text) + 1);
}

static void add_format(struct buf *arguments, const char *format, ...) BASE_PRINTF(2, 3);
static void add_format(struct buf *arguments, const char *format, ...)
{
    char text[2 * DEPLOY_PATH_MAX];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    add(arguments, text);
}

static void describe_tm(struct deploy_process *process, const struct deploy_site_peer *peer,
                        const struct deploy_programs *programs)
{
    snprintf(process->name, sizeof(process->name), "%s tm", peer->name);
    deploy_path(process->log, "%s/logs/tm.log", peer->folder);
    deploy_path(process->ready, "%s/tm/tm.ipc", peer->folder);
    add(&process->arguments, programs->tm);
    add(&process->arguments, "-configfile");
    add_format(&process->arguments, "%s/tm/tessera-config.json", peer->folder);
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

static void describe_node(struct deploy_process *process, const struct deploy_site *site,
                          const struct deploy_site_peer *peer,
                          const struct deploy_programs *programs)
{
    struct buf *arguments = &process->arguments;
    snprintf(process->name, sizeof(process->name), "%s node", peer->name);
    deploy_path(process->log, "%s/logs/node.log", peer->folder);
    deploy_path(process->ready, "%s/node/geth.ipc", peer->folder);
    add(arguments, programs->node);
    add(arguments, "--datadir");
    add_format(arguments, "%s/node", peer->folder);
    add(arguments, "--nodekey");
    add_format(arguments, "%s/nodekey", peer->secrets);
    add(arguments, "--networkid");
    add_format(arguments, "%llu", (unsigned long long)site->network->config->chain_id.value);
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
    if (peer->has_tm) {
        add(arguments, "--ptm.socket");
        add_format(arguments, "%s/tm/tm.ipc", peer->folder);
        snprintf(process->after, sizeof(process->after), "%s tm", peer->name);
    }
}

size_t deploy_peer_processes(struct deploy_process ret[2], const struct deploy_site *site,
                             size_t index, const struct deploy_programs *programs)
{
    const struct deploy_site_peer *peer = &site->peers[index];
    size_t count = 0;
    memset(ret, 0, 2 * sizeof(*ret));
    if (peer->has_tm)
        describe_tm(&ret[count++], peer, programs);
    describe_node(&ret[count++], site, peer, programs);
    return count;
}
