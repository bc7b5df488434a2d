#include "deploy/kubernetes/kubectl.h"

#include "base/base64.h"
#include "base/file.h"
#include "base/mem.h"
#include "deploy/secrets/secrets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CA_MAX = 1 << 20 };

#define MANAGER "--field-manager=quorate"

struct deploy_tool deploy_kubectl(const struct deploy_organization *organization)
{
    return (struct deploy_tool){.arguments = {"kubectl", "--kubeconfig",
                                              organization->k8s->config_file.text, "--context",
                                              organization->k8s->context.text}};
}

struct deploy_tool deploy_helm(const struct deploy_organization *organization)
{
    return (struct deploy_tool){.arguments = {"helm", "--kubeconfig",
                                              organization->k8s->config_file.text, "--kube-context",
                                              organization->k8s->context.text}};
}

static int read_ca(struct buf *ret_ca, const json_t *cluster, struct err_detail *detail)
{
    const char *data = json_string_value(json_object_get(cluster, "certificate-authority-data"));
    const char *path = json_string_value(json_object_get(cluster, "certificate-authority"));
    if (data && base64_decode(ret_ca, bytes_str(data)) != ERR_OK)
        return err_set(detail, ERR_INPUT, "certificate-authority-data is not base64");
    return !data && path ? file_read(path, CA_MAX, ret_ca, detail) : ERR_OK;
}

/* The file and the context, by names that kubectl's own words lack. */
static int check_config(const struct deploy_organization *organization, struct err_detail *detail)
{
    const struct deploy_k8s *k8s = organization->k8s;
    struct buf text = BUF_INIT;
    if (access(k8s->config_file.text, R_OK) != 0)
        return err_set(detail, ERR_INPUT,
                       "its k8s.config_file %s cannot be read: %s; name the kubeconfig of its "
                       "cluster",
                       k8s->config_file.text, strerror(errno));
    struct deploy_tool tool = {.arguments = {"kubectl", "--kubeconfig", k8s->config_file.text,
                                             "config", "get-contexts", "--output", "name"}};
    int status = deploy_tool_run(&tool, &text, NULL, detail);
    bool found = false;
    for (const char *line = buf_text(&text); *line; line += strcspn(line, "\n") + 1) {
        size_t length = strcspn(line, "\n");
        found |=
            length == strlen(k8s->context.text) && strncmp(line, k8s->context.text, length) == 0;
        if (!line[length])
            break;
    }
    while (text.len && text.data[text.len - 1] == '\n')
        text.len--;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\n')
            text.data[i] = ' ';
    if (status == ERR_OK && !found)
        status =
            err_set(detail, ERR_INPUT,
                    "%s has no context \"%s\", which its k8s.context names; it has: %.300s",
                    k8s->config_file.text, k8s->context.text, text.len ? buf_text(&text) : "none");
    buf_release(&text);
    return status;
}

int deploy_kubectl_server(struct buf *ret_server, struct buf *ret_ca,
                          const struct deploy_organization *organization, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    struct deploy_tool tool = deploy_kubectl(organization);
    /* --minify follows --context here, and takes context, cluster and user apart as they are named. */
    deploy_tool_add(&tool, "config", "view", "--raw", "--minify", "--output", "json", NULL);
    int status = check_config(organization, detail);
    if (status == ERR_OK)
        status = deploy_tool_run(&tool, &text, NULL, detail);
    json_t *root = status == ERR_OK ? json_loadb((const char *)text.data, text.len, 0, NULL) : NULL;
    const json_t *cluster =
        json_object_get(json_array_get(json_object_get(root, "clusters"), 0), "cluster");
    const char *server = json_string_value(json_object_get(cluster, "server"));
    if (status == ERR_OK && !server)
        status = err_set(detail, ERR_INPUT, "%s: the context %s leads to no cluster with a server",
                         organization->k8s->config_file.text, organization->k8s->context.text);
    if (status == ERR_OK) {
        buf_append_text(ret_server, server);
        status = read_ca(ret_ca, cluster, detail);
    }
    if (status == ERR_OK && !ret_ca->len)
        status =
            err_set(detail, ERR_INPUT,
                    "%s: the cluster of context %s has no certificate-authority; the vault "
                    "needs it to trust %s",
                    organization->k8s->config_file.text, organization->k8s->context.text, server);
    deploy_secrets_drop(root); /* the user's key is in it */
    mem_wipe(text.data, text.capacity);
    buf_release(&text);
    return status;
}

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(json_object_get(object, "metadata"), name));
}

int deploy_kubectl_there(bool *ret_there, const struct deploy_organization *organization,
                         const json_t *object, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    struct deploy_tool tool = deploy_kubectl(organization);
    const char *namespace = member(object, "namespace");
    deploy_tool_add(&tool, "get", json_string_value(json_object_get(object, "kind")),
                    member(object, "name"), "--ignore-not-found", "--output", "name", NULL);
    if (namespace)
        deploy_tool_add(&tool, "--namespace", namespace, NULL);
    int status = deploy_tool_run(&tool, &text, NULL, detail);
    *ret_there = text.len > 0;
    buf_release(&text);
    return status;
}

int deploy_kubectl_apply(const struct deploy_organization *organization, const json_t *object,
                         bool look_only, bool *ret_changes, struct err_detail *detail)
{
    struct deploy_tool tool = deploy_kubectl(organization);
    char *text = json_dumps(object, JSON_COMPACT);
    int code = 0, status;
    if (!text)
        return err_set(detail, ERR_NOMEM, "out of memory");
    tool.input = bytes_str(text);
    deploy_tool_add(&tool, "diff", "--server-side", "--force-conflicts", MANAGER, "--filename", "-",
                    NULL);
    status = deploy_tool_run(&tool, NULL, &code, detail);
    if (status == ERR_OK && code > 1)
        status = deploy_tool_run(&tool, NULL, NULL, detail); /* for what it says */
    *ret_changes = code != 0;
    if (status == ERR_OK && code == 1 && !look_only) {
        tool = deploy_kubectl(organization);
        tool.input = bytes_str(text);
        deploy_tool_add(&tool, "apply", "--server-side", "--force-conflicts", MANAGER, "--filename",
                        "-", NULL);
        status = deploy_tool_run(&tool, NULL, NULL, detail);
    }
    mem_wipe(text, strlen(text));
    free(text); /* from malloc, by jansson */
    return status;
}

int deploy_kubectl_console(struct buf *ret_text, const struct deploy_cluster_peer *peer,
                           const char *expression, struct err_detail *detail)
{
    char namespace[64], pod[DEPLOY_CLUSTER_NAME_MAX];
    deploy_namespace(namespace, sizeof(namespace), peer->organization);
    snprintf(pod, sizeof(pod), "%.60s-0", peer->peer->name.text);
    struct deploy_tool tool = deploy_kubectl(peer->organization);
    deploy_tool_add(&tool, "exec", "--namespace", namespace, pod, "--container", "quorum", "--",
                    "quorate-node", "attach", "--exec", expression, "/etc/quorum/qdata/dd/geth.ipc",
                    NULL);
    return deploy_tool_run(&tool, ret_text, NULL, detail);
}
