#include "p2p/node_list.h"

#include "base/file.h"
#include "base/mem.h"

#include <jansson.h>
#include <stdio.h>

void p2p_node_list_release(struct p2p_node_list *list)
{
    mem_free(list->nodes);
    *list = (struct p2p_node_list){0};
}

static int parse(struct p2p_node_list *list, const json_t *urls, const char *path,
                 void (*report)(void *context, const char *message), void *context,
                 struct err_detail *detail)
{
    size_t count = json_array_size(urls);
    list->nodes = mem_alloc_zeroed(count ? count : 1, sizeof(*list->nodes));
    if (!list->nodes)
        return err_set(detail, ERR_NOMEM, "%s: out of memory", path);
    for (size_t i = 0; i < count; i++) {
        const char *url = json_string_value(json_array_get(urls, i));
        struct err_detail why;
        if (!url)
            return err_set(detail, ERR_INPUT,
                           "%s: entry %zu is no string; a list of enode URLs belongs here", path,
                           i + 1);
        if (*url && p2p_enode_parse(&list->nodes[list->count], url, &why) == 0) {
            list->count++;
            continue;
        }
        list->left_out++;
        if (*url && report) {
            char message[1024];
            snprintf(message, sizeof(message), "%.200s: Node URL %.256s: %.300s", path, url,
                     why.text);
            report(context, message);
        }
    }
    return 0;
}

int p2p_node_list_read(struct p2p_node_list *ret_list, const char *path,
                       void (*report)(void *context, const char *message), void *context,
                       struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    struct p2p_node_list list = {0};
    int status = file_read_regular(path, P2P_NODE_LIST_TEXT_MAX, &text, detail);
    json_error_t error;
    json_t *urls = NULL;
    if (status == 0) {
        urls = json_loadb((const char *)text.data, text.len, 0, &error);
        if (!urls)
            status = err_set(detail, ERR_INPUT, "%s: line %d, column %d: %s", path, error.line,
                             error.column, error.text);
        else if (!json_is_array(urls))
            status =
                err_set(detail, ERR_INPUT, "%s: a JSON array of enode URLs belongs here", path);
    }
    if (status == 0)
        status = parse(&list, urls, path, report, context, detail);
    json_decref(urls);
    buf_release(&text);
    if (status == 0)
        *ret_list = list;
    else
        p2p_node_list_release(&list);
    return status;
}

const char *p2p_permission_text(enum p2p_permission permission)
{
    static const char *const texts[] = {
#define X(name, text) [name] = text,
        P2P_PERMISSION_LIST(X)
#undef X
    };
    return (size_t)permission < BASE_COUNT(texts) ? texts[permission] : "unknown";
}

/* Whether the file lists the key; or why it cannot be told. */
static int listed(const char *datadir, const char *prefix, const char *name,
                  const struct crypto_public_key *key, bool *ret_listed, bool *ret_left_out)
{
    char path[4096];
    struct p2p_node_list list;
    if (snprintf(path, sizeof(path), "%s/%s%s%s", datadir, prefix ? prefix : "", prefix ? "-" : "",
                 name) >= (int)sizeof(path))
        return ERR_INPUT;
    int status = p2p_node_list_read(&list, path, NULL, NULL, NULL);
    if (status < 0)
        return status;
    *ret_listed = false;
    for (size_t i = 0; i < list.count && !*ret_listed; i++)
        *ret_listed = memcmp(list.nodes[i].key.b, key->b, sizeof(key->b)) == 0;
    *ret_left_out = list.left_out > 0;
    p2p_node_list_release(&list);
    return 0;
}

enum p2p_permission p2p_permission_by_files(const char *datadir,
                                            const struct crypto_public_key *key)
{
    return p2p_permission_by_files_of(datadir, NULL, key);
}

enum p2p_permission p2p_permission_by_files_of(const char *datadir, const char *prefix,
                                               const struct crypto_public_key *key)
{
    bool permitted, disallowed = false, left_out = false;
    if (listed(datadir, prefix, "permissioned-nodes.json", key, &permitted, &left_out) < 0)
        return P2P_NO_PERMISSION_FILE;
    if (!permitted)
        return P2P_NOT_LISTED;
    int status = listed(datadir, prefix, "disallowed-nodes.json", key, &disallowed, &left_out);
    if (status == ERR_NOTFOUND)
        return P2P_PERMITTED;
    if (disallowed)
        return P2P_DISALLOWED;
    return status < 0 || left_out ? P2P_DISALLOWED_UNREADABLE : P2P_PERMITTED;
}
