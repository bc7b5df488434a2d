/* `quorate bundle`: what others must know of an organization that they do not run. */
#include "base/file.h"
#include "deploy/commands/cluster.h"
#include "deploy/commands/context.h"
#include "deploy/deploy.h"
#include "deploy/json.h"

#include <stdio.h>

static struct deploy_cluster_options options = {.data = DEPLOY_DATA_DEFAULT, .vault = true};
static const char *output = "-";
static bool no_vault;

static const struct options_row rows[] = {
    {"output", "FILE", OPTIONS_TEXT, &output, "where to write (default -: standard output)"},
    {"data", "FOLDER", OPTIONS_TEXT, &options.data,
     "where the operator's own secrets are (default " DEPLOY_DATA_DEFAULT ")"},
    {"passphrase-file", "FILE", OPTIONS_TEXT, &options.passphrase_file,
     "of the store of secrets (default: a key file beside it)"},
    {"no-vault", NULL, OPTIONS_SWITCH, &no_vault,
     "keys are in the store of --data, not in the vault"},
};

/* The organization's own keys alone: those of others may be nowhere yet. */
static int keep_only(struct deploy_cluster *cluster, const char *name, size_t *ret_index,
                     struct err_detail *detail)
{
    size_t kept = 0, found = SIZE_MAX;
    for (size_t i = 0; i < cluster->network->organizations.count; i++)
        if (strcmp(cluster->network->organizations.items[i].name.text, name) == 0)
            found = i;
    if (found == SIZE_MAX)
        return err_set(detail, ERR_NOTFOUND, "there is no organization %.60s in the file", name);
    if (cluster->network->organizations.items[found].external.value)
        return err_set(detail, ERR_USAGE,
                       "%.60s is external: its own operator makes its bundle, and gives it to you",
                       name);
    for (size_t i = 0; i < cluster->count; i++)
        if (cluster->peers[i].organization_index == found)
            cluster->peers[kept++] = cluster->peers[i];
    cluster->count = kept;
    *ret_index = found;
    return ERR_OK;
}

static int write_bundle(const struct deploy_bundle *bundle, struct err_detail *detail)
{
    int status = strcmp(output, "-") == 0 ? deploy_json_print(bundle->root, detail)
                                          : deploy_json_write(output, bundle->root, false, detail);
    fprintf(stderr, "fingerprint %s; tell it to the others by another way than the file goes\n",
            bundle->fingerprint);
    return status;
}

static int make(const char *path, const char *organization, struct err_detail *detail)
{
    struct deploy_cluster_context context;
    struct deploy_bundle bundle = {0};
    char folder[DEPLOY_PATH_MAX];
    size_t index = 0;
    int status = deploy_cluster_open(&context, path, &options, detail);
    deploy_path(folder, "%.800s/kubernetes", options.data);
    if (status == ERR_OK)
        status = keep_only(context.cluster, organization, &index, detail);
    if (status == ERR_OK)
        status = file_make_folders(folder, 0700, detail);
    if (status == ERR_OK && options.vault)
        status = deploy_target_engine(&context.network->organizations.items[index], detail);
    if (status == ERR_OK)
        status = deploy_cluster_own_material(context.cluster, index, detail);
    if (status == ERR_OK)
        status = deploy_cluster_bundle(&bundle, context.cluster, index, detail);
    if (status == ERR_OK)
        status = write_bundle(&bundle, detail);
    deploy_bundle_release(&bundle);
    deploy_cluster_close(&context);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    options.vault = !no_vault;
    int status = argc == 2 ? make(argv[0], argv[1], &detail)
                           : err_set(&detail, ERR_USAGE,
                                     "bundle takes a file and an organization: quorate bundle "
                                     "network.yaml carrier");
    return deploy_end(status, &detail);
}

const struct commands_command deploy_bundle_command = {
    .text =
        {"bundle", "FILE ORGANIZATION",
         "write what others must know of an organization on a cluster",
         "Makes its keys where they are missing, in its own vault, and writes public keys, "
         "accounts, the authority's certificate and the peers' signatures. The others' operators "
         "mark it external: true in their files and put the bundle into the folder bundles of "
         "their --data, as ORGANIZATION.json: no operator has another's keys."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
