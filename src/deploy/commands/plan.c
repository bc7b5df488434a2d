/* `quorate plan`: what `up` would do, without doing it. */
#include "base/file.h"
#include "deploy/commands/bring.h"
#include "deploy/commands/cluster.h"
#include "deploy/local/prepare.h"
#include "deploy/local/supervisor.h"

#include <stdio.h>
#include <unistd.h>

enum { PROCESSES_MAX = 16 << 20 };

static const char *data = DEPLOY_DATA_DEFAULT, *passphrase_file;
static bool as_json, local;
static struct deploy_cluster_words cluster;

static const struct options_row rows[] = {
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"passphrase-file", "FILE", OPTIONS_TEXT, &passphrase_file,
     "of the store of secrets (default: the key file beside it)"},
    {"json", NULL, OPTIONS_SWITCH, &as_json, "print the changes and the file's warnings as JSON"},
    {"local", NULL, OPTIONS_SWITCH, &local, "for this machine although organizations have k8s"},
    DEPLOY_CLUSTER_ROWS(cluster),
};

struct plan {
    json_t *changes; /* [{"action", "what"}] */
};

static void add_change(struct plan *plan, const char *action, const char *what)
{
    json_array_append_new(plan->changes, json_pack("{s:s, s:s}", "action", action, "what", what));
    if (!as_json)
        printf("%-7s  %s\n", action, what);
}

static void add_step(void *context, const char *what, bool made)
{
    if (made)
        add_change(context, "make", what);
}

static json_t *find(const json_t *all, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(all, i, row)
    {
        const char *text = json_string_value(json_object_get(row, "name"));
        if (text && strcmp(text, name) == 0)
            return row;
    }
    return NULL;
}

/* What the supervisor runs by (an array, empty when there is none), and what it says of it (NULL when none runs). */
static void read_running(json_t **ret_rows, json_t **ret_states, const struct deploy_site *site)
{
    char path[DEPLOY_PATH_MAX];
    struct buf text = BUF_INIT;
    deploy_site_path(path, site, "processes.json");
    *ret_rows = NULL;
    if (access(path, F_OK) == 0 && file_read(path, PROCESSES_MAX, &text, NULL) == ERR_OK)
        *ret_rows = json_loadb((const char *)text.data, text.len, 0, NULL);
    deploy_supervisor_processes(ret_states, site->folder, NULL);
    buf_release(&text);
}

/* `wanted` is not known to its last option while keys are missing: then names alone are compared. */
static void compare_processes(struct plan *plan, const struct deploy_site *site,
                              const json_t *wanted, bool keys_missing)
{
    json_t *old, *states, *row;
    size_t i;
    read_running(&old, &states, site);
    json_array_foreach(wanted, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        const json_t *before = find(old, name);
        if (!find(states, name))
            add_change(plan, "start", name);
        else if (!keys_missing && before && !json_equal(before, row))
            add_change(plan, "restart", name);
    }
    json_array_foreach(states, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        if (!find(wanted, name))
            add_change(plan, "end", name);
    }
    json_decref(old);
    json_decref(states);
}

static int open_store(struct deploy_secrets *ret_secrets, char *path, bool *ret_open,
                      const struct deploy_site *site, struct err_detail *detail)
{
    int status = ERR_OK;
    bool there = deploy_context_has_secrets(site);
    if (there)
        status = deploy_context_secrets(ret_secrets, path, site, passphrase_file, detail);
    *ret_open = there && status == ERR_OK;
    return status;
}

static int print_end(const struct plan *plan, const struct deploy_report *report,
                     struct err_detail *detail)
{
    if (as_json)
        return deploy_plan_print(plan->changes, report, detail);
    size_t count = json_array_size(plan->changes);
    if (count)
        printf("%zu changes; `quorate up` makes them\n", count);
    else
        printf("nothing to do: all is there, and runs\n");
    return ERR_OK;
}

static int make_plan(struct deploy_context *context, struct err_detail *detail)
{
    struct plan plan = {json_array()};
    struct deploy_programs programs;
    struct deploy_secrets secrets;
    char path[DEPLOY_PATH_MAX];
    bool open = false, keys_missing = false;
    json_t *wanted = NULL;
    int status = deploy_bring_check(context, &programs, detail);
    if (status == ERR_OK)
        status = open_store(&secrets, path, &open, context->site, detail);
    if (status == ERR_OK)
        status = deploy_prepare_plan(context->site, open ? &secrets : NULL, &keys_missing, add_step,
                                     &plan, detail);
    if (open)
        deploy_secrets_close(&secrets);
    if (status == ERR_OK)
        status = deploy_prepare_processes(&wanted, context->site, &programs, detail);
    if (status == ERR_OK) {
        compare_processes(&plan, context->site, wanted, keys_missing);
        status = print_end(&plan, &context->report, detail);
    }
    json_decref(wanted);
    json_decref(plan.changes);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    struct deploy_context context;
    if (argc != 1)
        return deploy_refuse("plan takes one file: quorate plan network.yaml");
    if (!local && deploy_cluster_is(argv[0])) {
        cluster.data = data;
        return deploy_cluster_run_plan(argv[0], &cluster, as_json);
    }
    int status = deploy_context_open(&context, argv[0], data, &detail);
    if (status == ERR_OK && !as_json)
        deploy_report_show(&context.report);
    if (status == ERR_OK)
        status = make_plan(&context, &detail);
    deploy_context_release(&context);
    return deploy_end(status, &detail);
}

const struct commands_command deploy_plan = {
    .text = {"plan", "FILE", "say what `up` would do, and do nothing",
             "Compares what the file asks for with what is in the folder and what runs. Warnings "
             "of the file, which `check` prints, are shown, too."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
