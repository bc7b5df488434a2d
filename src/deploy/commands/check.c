/* `quorate check`: everything that is wrong with a network file, before anything is touched. */
#include "base/file.h"
#include "deploy/deploy.h"
#include "deploy/network/network.h"
#include "deploy/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool as_json, local, cluster;

static const struct options_row rows[] = {
    {"local", NULL, OPTIONS_SWITCH, &local,
     "for one machine: what only a cluster needs may be missing (default when no organization has "
     "k8s)"},
    {"kubernetes", NULL, OPTIONS_SWITCH, &cluster,
     "for clusters (default when an organization has k8s)"},
    {"json", NULL, OPTIONS_SWITCH, &as_json, "print the problems as JSON"},
};

static void print(const struct deploy_report *report)
{
    struct buf b = BUF_INIT;
    if (as_json)
        deploy_report_json(&b, report);
    else
        deploy_report_print(&b, report, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
    fputs(buf_text(&b), stdout);
    buf_release(&b);
}

static int check_file(const char *path)
{
    struct buf content = BUF_INIT;
    struct err_detail detail;
    struct arena arena;
    struct deploy_report report;
    const struct deploy_network *network;
    const enum deploy_target target = local ? DEPLOY_LOCAL : DEPLOY_KUBERNETES;
    arena_init(&arena);
    deploy_report_init(&report, path, &arena);
    int code;
    int status = file_read(path, DEPLOY_YAML_MAX, &content, &detail);
    if (status == ERR_OK) {
        status = deploy_network_parse(&network, buf_bytes(&content),
                                      local || cluster ? &target : NULL, &report);
        if (status != ERR_OK)
            (void)err_set(&detail, status, "%s: %s", path, err_text(status));
    }
    if (status == ERR_OK) {
        print(&report);
        code = deploy_report_count(&report, DEPLOY_ERROR) ? COMMANDS_FAILED : COMMANDS_OK;
    } else {
        code = deploy_complain(status, &detail);
    }
    arena_release(&arena);
    buf_release(&content);
    return code;
}

static int run(size_t argc, char **argv)
{
    if (local && cluster)
        return deploy_refuse("--local and --kubernetes exclude each other");
    if (argc != 1)
        return deploy_refuse("check takes one file: quorate check network.yaml");
    return check_file(argv[0]);
}

const struct commands_command deploy_check = {
    .text =
        {"check", "FILE", "say everything that is wrong with a network.yaml",
         "Reads the file as `up` would and prints each problem with its line, its field and the "
         "remedy. Nothing is touched. Exit code 1 when there is an error; warnings and notes "
         "alone leave it 0."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
