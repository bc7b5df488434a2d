#include "deploy/commands/cluster.h"

#include "base/file.h"
#include "deploy/deploy.h"
#include "deploy/json.h"
#include "deploy/local/site.h"
#include "deploy/yaml.h"

#include <glob.h>
#include <stdio.h>
#include <unistd.h>

int deploy_cluster_unused(const struct deploy_cluster_words *words, struct err_detail *detail)
{
    const char *const given[][2] = {{"image", words->image},
                                    {"database-image", words->database_image},
                                    {"charts", words->charts},
                                    {"git", words->checkout}};
    for (size_t i = 0; i < BASE_COUNT(given); i++)
        if (given[i][1])
            return err_set(detail, ERR_USAGE,
                           "--%s is for clusters, and this network is on this machine: no "
                           "organization of its file has k8s, or --local was given",
                           given[i][0]);
    return ERR_OK;
}

bool deploy_cluster_is(const char *path)
{
    struct buf content = BUF_INIT;
    struct arena arena;
    struct deploy_report report;
    const struct deploy_network *network = NULL;
    arena_init(&arena);
    deploy_report_init(&report, path, &arena);
    bool is = file_read(path, DEPLOY_YAML_MAX, &content, NULL) == ERR_OK &&
              deploy_network_parse(&network, buf_bytes(&content), NULL, &report) == ERR_OK &&
              network && deploy_network_target(network) == DEPLOY_KUBERNETES;
    buf_release(&content);
    arena_release(&arena);
    return is;
}

bool deploy_cluster_was(char *ret_path, const char *data)
{
    deploy_path(ret_path, "%.800s/kubernetes/network.yaml", data);
    return access(ret_path, F_OK) == 0;
}

static struct deploy_cluster_options options_of(const char *data,
                                                const struct deploy_cluster_words *words)
{
    return (struct deploy_cluster_options){
        .data = data,
        .image = words ? words->image : NULL,
        .database_image = words ? words->database_image : NULL,
        .vault = true, /* where the pods read */
    };
}

static int finish(struct deploy_cluster_context *context, int status, bool well,
                  struct err_detail *detail)
{
    deploy_cluster_close(context);
    if (status != ERR_OK)
        return deploy_complain(status, detail);
    return well ? COMMANDS_OK : COMMANDS_FAILED;
}

static struct deploy_target_options target_of(const struct deploy_cluster_words *words)
{
    return (struct deploy_target_options){.charts = words->charts ? words->charts : "charts",
                                          .checkout = words->checkout,
                                          .wait_seconds = words->wait_seconds};
}

int deploy_cluster_run_up(const char *path, const struct deploy_cluster_words *words)
{
    struct err_detail detail = {""};
    struct deploy_cluster_context context;
    const struct deploy_cluster_options options = options_of(words->data, words);
    const struct deploy_target_options target = target_of(words);
    struct deploy_changes changes = {0};
    int status = deploy_cluster_open(&context, path, &options, &detail);
    if (status == ERR_OK)
        deploy_report_hint(&context.report, "--kubernetes ");
    if (status == ERR_OK)
        status = deploy_target_up(&context, &target, &changes, &detail);
    if (status == ERR_OK && changes.count == 0)
        printf("nothing to do: all is there\n");
    return finish(&context, status, true, &detail);
}

int deploy_plan_print(const json_t *changes, const struct deploy_report *report,
                      struct err_detail *detail)
{
    json_t *all = json_pack("{s:s, s:O, s:I, s:o}", "file", report->file, "changes", changes,
                            "warnings", (json_int_t)deploy_report_count(report, DEPLOY_WARNING),
                            "problems", deploy_report_problems(report));
    int status = deploy_json_print(all, detail);
    json_decref(all);
    return status;
}

int deploy_cluster_run_plan(const char *path, const struct deploy_cluster_words *words,
                            bool as_json)
{
    struct err_detail detail = {""};
    struct deploy_cluster_context context;
    const struct deploy_cluster_options options = options_of(words->data, words);
    struct deploy_target_options target = target_of(words);
    struct deploy_changes changes = {.list = as_json ? json_array() : NULL};
    target.look_only = true;
    int status = deploy_cluster_open(&context, path, &options, &detail);
    if (status == ERR_OK && !as_json)
        deploy_report_show(&context.report);
    if (status == ERR_OK)
        status = deploy_target_up(&context, &target, &changes, &detail);
    if (status == ERR_OK && as_json)
        status = deploy_plan_print(changes.list, &context.report, &detail);
    else if (status == ERR_OK && changes.count == 0)
        printf("nothing to do: all is there\n");
    else if (status == ERR_OK)
        printf("%zu changes; `quorate up` makes them\n", changes.count);
    json_decref(changes.list);
    return finish(&context, status, true, &detail);
}

int deploy_cluster_run_add(const char *path, const struct deploy_cluster_words *words,
                           const char *organization)
{
    struct err_detail detail = {""};
    struct deploy_cluster_context context;
    const struct deploy_cluster_options options = options_of(words->data, words);
    bool there = false;
    int status = deploy_cluster_open(&context, path, &options, &detail);
    for (size_t i = 0; status == ERR_OK && i < context.network->organizations.count; i++)
        there |= strcmp(context.network->organizations.items[i].name.text, organization) == 0;
    if (status == ERR_OK && !there)
        status = err_set(&detail, ERR_NOTFOUND,
                         "there is no organization %s in %s; its cluster, vault and ports are "
                         "yours to say: write it there, then `quorate add-org` again",
                         organization, path);
    if (status != ERR_OK)
        return finish(&context, status, false, &detail);
    deploy_cluster_close(&context);
    return deploy_cluster_run_up(path, words);
}

int deploy_cluster_run_status(const char *path, const char *data, bool as_json)
{
    struct err_detail detail = {""};
    struct deploy_cluster_context context;
    const struct deploy_cluster_options options = options_of(data, NULL);
    bool well = false;
    int status = deploy_cluster_open(&context, path, &options, &detail);
    if (status == ERR_OK)
        status = deploy_target_status(context.cluster, as_json, &well, &detail);
    return finish(&context, status, well, &detail);
}

int deploy_cluster_run_doctor(const char *path, const char *data)
{
    struct err_detail detail = {""};
    struct deploy_cluster_context context;
    const struct deploy_cluster_options options = options_of(data, NULL);
    bool well = false;
    int status = deploy_cluster_open(&context, path, &options, &detail);
    if (status == ERR_OK)
        status = deploy_target_doctor(context.cluster, &well, &detail);
    return finish(&context, status, well, &detail);
}

/* What is kept of a network that is gone for good would only mislead the next one. */
static int forget(const char *data, struct err_detail *detail)
{
    static const char *const files[] = {"network.yaml", "genesis.json", "members.json"};
    char path[DEPLOY_PATH_MAX];
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        deploy_path(path, "%.800s/kubernetes/%s", data, files[i]);
        if (unlink(path) != 0 && access(path, F_OK) == 0)
            return err_set(detail, ERR_IO, "cannot remove %s", path);
    }
    return ERR_OK;
}

/* One organization that has left, by what the file said of it then. */
static int purge_left(const char *path, const char *name, const char *data,
                      struct err_detail *detail)
{
    struct deploy_cluster_context context;
    const struct deploy_cluster_options options = options_of(data, NULL);
    int status = deploy_cluster_open(&context, path, &options, detail);
    for (size_t i = 0; status == ERR_OK && i < context.network->organizations.count; i++) {
        const struct deploy_organization *organization = &context.network->organizations.items[i];
        if (strcmp(organization->name.text, name) == 0)
            status = deploy_target_purge(context.cluster, organization, detail);
    }
    deploy_cluster_close(&context);
    if (status == ERR_OK && unlink(path) != 0)
        status = err_set(detail, ERR_IO, "cannot remove %s", path);
    return status;
}

static int purge_all_left(const char *data, struct err_detail *detail)
{
    char pattern[DEPLOY_PATH_MAX], name[64];
    glob_t found = {0};
    int status = ERR_OK;
    deploy_path(pattern, "%.800s/kubernetes/" DEPLOY_TARGET_LEFT "*.yaml", data);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; status == ERR_OK && i < found.gl_pathc; i++) {
            const char *base = strrchr(found.gl_pathv[i], '/') + 1 + strlen(DEPLOY_TARGET_LEFT);
            snprintf(name, sizeof(name), "%.*s", (int)(strlen(base) - strlen(".yaml")), base);
            status = purge_left(found.gl_pathv[i], name, data, detail);
        }
    globfree(&found);
    return status;
}

int deploy_cluster_run_down(const char *path, const char *data, bool purge)
{
    struct err_detail detail = {""};
    struct deploy_cluster_context context;
    const struct deploy_cluster_options options = options_of(data, NULL);
    int status = deploy_cluster_open(&context, path, &options, &detail);
    if (status == ERR_OK)
        status = deploy_target_down(context.cluster, purge, &detail);
    if (status == ERR_OK && purge)
        status = purge_all_left(data, &detail);
    if (status == ERR_OK && purge)
        status = forget(data, &detail);
    return finish(&context, status, true, &detail);
}
