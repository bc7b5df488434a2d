/* `quorate render`: a network for Kubernetes as files, without touching a cluster. */
#include "deploy/kubernetes/render.h"
#include "deploy/commands/context.h"
#include "deploy/json.h"
#include "deploy/kubernetes/open.h"
#include "deploy/kubernetes/rendered.h"

#include <stdio.h>

static struct deploy_cluster_options options = {.data = DEPLOY_DATA_DEFAULT};
static const char *out = "rendered";
static uint64_t raft_id;
static bool as_json, overwrite;

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
    {"overwrite", NULL, OPTIONS_SWITCH, &overwrite,
     "replace and remove files of the folder that somebody has changed, too"},
    {"json", NULL, OPTIONS_SWITCH, &as_json, "print as JSON what was written, removed and kept"},
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

static void print_paths(const char *what, const json_t *paths, const char *more)
{
    size_t i;
    json_t *path;
    json_array_foreach(paths, i, path)
    {
        printf("%-8s %s%s\n", what, json_string_value(path), more);
    }
}

static void print_text(const struct deploy_cluster_context *context,
                       const struct deploy_rendered *rendered)
{
    print_paths("replaced", rendered->replaced, ", which somebody had changed");
    print_paths("removed", rendered->removed, "");
    print_paths("kept", rendered->kept,
                ": no longer of the network, but somebody has changed it; remove it, or say "
                "--overwrite");
    if (rendered->unknown)
        printf("note: %s has no record of an earlier rendering; what the network no longer has may "
               "still be there\n",
               out);
    printf("%zu peers of %zu organizations are in %s: %zu files written, %zu as they were, %zu "
           "removed\n",
           context->cluster->count, context->network->organizations.count, out,
           json_array_size(rendered->written), rendered->unchanged,
           json_array_size(rendered->removed));
}

static int print_json(const struct deploy_cluster_context *context,
                      const struct deploy_rendered *rendered, struct err_detail *detail)
{
    json_t *all =
        json_pack("{s:s, s:I, s:I, s:O, s:O, s:O, s:O, s:I, s:I, s:o}", "folder", out, "peers",
                  (json_int_t)context->cluster->count, "organizations",
                  (json_int_t)context->network->organizations.count, "written", rendered->written,
                  "replaced", rendered->replaced, "removed", rendered->removed, "kept",
                  rendered->kept, "unchanged", (json_int_t)rendered->unchanged, "warnings",
                  (json_int_t)deploy_report_count(&context->report, DEPLOY_WARNING), "problems",
                  deploy_report_problems(&context->report));
    int status = deploy_json_print(all, detail);
    json_decref(all);
    return status;
}

static int write_out(const struct deploy_cluster_context *context, struct err_detail *detail)
{
    struct deploy_files files = DEPLOY_FILES_INIT;
    struct deploy_rendered rendered = {0};
    int status = deploy_render(&files, context->cluster, detail);
    if (status == ERR_OK)
        status = deploy_rendered_apply(&rendered, &files, out, overwrite, detail);
    if (status == ERR_OK && as_json)
        status = print_json(context, &rendered, detail);
    else if (status == ERR_OK)
        print_text(context, &rendered);
    deploy_rendered_release(&rendered);
    deploy_files_release(&files);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    struct deploy_cluster_context context;
    if (argc != 1)
        return deploy_refuse("render takes one file: quorate render network.yaml");
    int status = deploy_cluster_open(&context, argv[0], &options, &detail);
    if (status == ERR_OK && !as_json)
        deploy_report_hint(&context.report, "--kubernetes ");
    if (status == ERR_OK)
        status = deploy_cluster_prepare(context.cluster, options.vault, &detail);
    if (status == ERR_OK && raft_id)
        status = give_raft_id(context.cluster, &detail);
    if (status == ERR_OK)
        status = write_out(&context, &detail);
    deploy_cluster_close(&context);
    return deploy_end(status, &detail);
}

const struct commands_command deploy_render_command = {
    .text = {"render", "FILE", "write everything that Kubernetes would be given into a folder",
             "Per organization: plain objects, releases for Flux and values for helm, policy and "
             "role of the vault. No cluster and no vault is touched; keys that are missing are "
             "made in --data, encrypted, and no file but those under secrets/ (mode 0600) has "
             "one. Rendered again, the folder follows the network: files of peers that went are "
             "removed; what somebody has changed or added there is never touched without "
             "--overwrite."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
