#include "deploy/kubernetes/open.h"

#include "base/file.h"
#include "deploy/yaml.h"

#include <stdio.h>
#include <unistd.h>

int deploy_cluster_open(struct deploy_cluster_context *context, const char *path,
                        const struct deploy_cluster_options *options, struct err_detail *detail)
{
    const enum deploy_target target = DEPLOY_KUBERNETES;
    *context = (struct deploy_cluster_context){.content = BUF_INIT};
    arena_init(&context->arena);
    deploy_report_init(&context->report, path, &context->arena);
    int status = file_read(path, DEPLOY_YAML_MAX, &context->content, detail);
    if (status != ERR_OK)
        return status;
    status = deploy_network_parse(&context->network, buf_bytes(&context->content), &target,
                                  &context->report);
    if (status != ERR_OK)
        return err_set(detail, status, "%s: %s", path, err_text(status));
    if (deploy_report_count(&context->report, DEPLOY_ERROR)) {
        struct buf text = BUF_INIT;
        deploy_report_print(&text, &context->report, isatty(STDERR_FILENO));
        fputs(buf_text(&text), stderr);
        buf_release(&text);
        return err_set(detail, ERR_INPUT, "%s has errors; nothing was touched", path);
    }
    return deploy_cluster_new(&context->cluster, context->network, options, &context->arena,
                              detail);
}

void deploy_cluster_close(struct deploy_cluster_context *context)
{
    deploy_cluster_release(context->cluster);
    buf_release(&context->content);
    arena_release(&context->arena);
}
