/* `quorate render`: a network for Kubernetes as files, without touching a cluster. */
#include "deploy/kubernetes/render.h"
#include "deploy/commands/context.h"
#include "deploy/kubernetes/open.h"

#include <stdio.h>

static struct deploy_cluster_options options = {.data = DEPLOY_DATA_DEFAULT};
static const char *out = "rendered";
static uint64_t raft_id;

static const struct options_row rows[] = {
    {"out", "FOLDER", OPTIONS_TEXT, &out, "where the files go (default rendered)"},
    {"data", "FOLDER", OPTIONS_TEXT, &options.data,
     "where keys and genesis are kept (default " DEPLOY_DATA_DEFAULT ")"},
    {"image", "NAME:TAG", OPTIONS_TEXT, &options.image,
     "image of all our programs (default: quorate in the file's registry)"},
    {"database-image", "NAME:TAG", OPTIONS_TEXT, &options.database_image,
     "image of the managers' databases (default: the chart's)"},
    {"raft-id", "NUMBER", OPTIONS_NUMBER, &raft_id,
     "what raft_addPeer gave the one peer that joins a Raft cluster"},
    {"passphrase-file", "FILE", OPTIONS_TEXT, &options.passphrase_file,
     "of the store of secrets (default: a key file beside it)"},
    {"vault", NULL, OPTIONS_SWITCH, &options.vault,
     "read the keys, which must be there, from the vaults of the file"},
};

/* For the one peer that has none yet. */
static int give_raft_id(struct deploy_cluster *cluster, struct err_detail *detail)
{
    struct deploy_cluster_peer *joins = NULL;
    for (size_t i = 0; i < cluster->count; i++) {
        struct deploy_cluster_peer *peer = &cluster->peers[i];
        if (peer->founder || peer->raft_id)
            continue;
        if (joins)
            return err_set(detail, ERR_USAGE, "--raft-id is for one peer, and both %s and %s join",
                           joins->name, peer->name);
        joins = peer;
    }
    if (!joins)
        return err_set(detail, ERR_USAGE, "--raft-id: no peer of the file joins a Raft cluster");
    joins->raft_id = raft_id;
    return deploy_cluster_keep(cluster, detail);
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    struct deploy_cluster_context context;
    if (argc != 1)
        return deploy_complain(
            err_set(&detail, ERR_USAGE, "render takes one file: quorate render network.yaml"),
            &detail);
    int status = deploy_cluster_open(&context, argv[0], &options, &detail);
    if (status == ERR_OK)
        status = deploy_cluster_prepare(context.cluster, options.vault, &detail);
    if (status == ERR_OK && raft_id)
        status = give_raft_id(context.cluster, &detail);
    if (status == ERR_OK)
        status = deploy_render(context.cluster, out, &detail);
    if (status == ERR_OK)
        printf("%zu peers of %zu organizations are in %s\n", context.cluster->count,
               context.network->organizations.count, out);
    deploy_cluster_close(&context);
    return status == ERR_OK ? COMMANDS_OK : deploy_complain(status, &detail);
}

const struct commands_command deploy_render_command = {
    .text = {"render", "FILE", "write everything that Kubernetes would be given into a folder",
             "Per organization: plain objects, releases for Flux and values for helm, policy and "
             "role of the vault. No cluster and no vault is touched; keys that are missing are "
             "made in --data, encrypted, and no file but those under secrets/ (mode 0600) has "
             "one."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
