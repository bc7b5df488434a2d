#include "deploy/local/nodes.h"

#include "base/file.h"
#include "base/hex.h"

#include <jansson.h>
#include <unistd.h>

enum {
    FILE_MAX_BYTES = 1 << 20,
    ID_DIGITS = 2 * sizeof(((struct crypto_public_key *)0)->b),
};
static const char scheme[] = "enode://";

/* The peer of the site that an enode names, by its key; the number of peers when it is none of them. */
static size_t find_peer(const struct deploy_site *site, const char *enode)
{
    size_t i = 0;
    char id[ID_DIGITS + 1] = {0};
    if (strncmp(enode, scheme, strlen(scheme)) != 0)
        return site->count;
    for (; i < site->count; i++) {
        hex_encode(id, bytes_of(site->peers[i].identity.node.b, ID_DIGITS / 2));
        if (strncmp(enode + strlen(scheme), id, ID_DIGITS) == 0)
            break;
    }
    return i;
}

static int read_elsewhere(json_t **ret_list, const struct deploy_site *site,
                          struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    struct buf text = BUF_INIT;
    json_t *list = NULL;
    int status = ERR_OK;
    deploy_site_path(path, site, DEPLOY_NODES_ELSEWHERE);
    if (access(path, F_OK) == 0) {
        status = file_read(path, FILE_MAX_BYTES, &text, detail);
        list = status == ERR_OK ? json_loadb((const char *)text.data, text.len, 0, NULL) : NULL;
        if (status == ERR_OK && !json_is_array(list))
            status = err_set(detail, ERR_CORRUPT, "%s is no list of enodes", path);
    }
    buf_release(&text);
    if (status == ERR_OK)
        *ret_list = list;
    else
        json_decref(list);
    return status;
}

static void append(struct buf *text, const char *enode)
{
    buf_append_format(text, "%s  \"%s\"", text->len > 2 ? ",\n" : "", enode);
}

static void append_peer(struct buf *text, const struct deploy_site *site, size_t index)
{
    struct buf enode = BUF_INIT;
    deploy_site_enode(&enode, site, index);
    append(text, buf_text(&enode));
    buf_release(&enode);
}

int deploy_nodes_format(struct buf *text, const struct deploy_site *site, struct err_detail *detail)
{
    bool written[DEPLOY_PEERS_MAX] = {false};
    json_t *list = NULL, *row;
    size_t i;
    int status = read_elsewhere(&list, site, detail);
    if (status != ERR_OK)
        return status;
    buf_append_text(text, "[\n");
    json_array_foreach(list, i, row)
    {
        const char *enode = json_string_value(row);
        size_t own = enode ? find_peer(site, enode) : site->count;
        if (own < site->count) {
            append_peer(text, site, own);
            written[own] = true;
        } else if (enode) {
            append(text, enode);
        }
    }
    for (size_t j = 0; j < site->count; j++)
        if (!written[j])
            append_peer(text, site, j);
    buf_append_text(text, "\n]\n");
    json_decref(list);
    return buf_status(text) == ERR_OK ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
}
