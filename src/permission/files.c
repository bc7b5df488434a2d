#include "permission/files.h"

#include "base/file.h"

#include <jansson.h>
#include <stdio.h>

/* As Go writes it: '&', '<' and '>' are escaped. */
static int append_escaped(const char *json, size_t len, void *context)
{
    struct buf *b = context;
    for (size_t i = 0; i < len; i++)
        if (json[i] == '&' || json[i] == '<' || json[i] == '>')
            buf_append_format(b, "\\u%04x", (unsigned)json[i]);
        else
            buf_append_byte(b, (uint8_t)json[i]);
    return 0;
}

static void append_text(struct buf *b, const json_t *text)
{
    if (json_dump_callback(text, append_escaped, b, JSON_ENCODE_ANY | JSON_COMPACT) != 0)
        b->status = ERR_NOMEM;
}

static int write_list(const char *path, const json_t *list, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    buf_append_byte(&text, '[');
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (i)
            buf_append_byte(&text, ',');
        append_text(&text, json_array_get(list, i));
    }
    buf_append_byte(&text, ']');
    int status = buf_status(&text);
    status = status == ERR_OK ? file_write(path, buf_bytes(&text), detail)
                              : err_set(detail, status, "%s: %s", path, err_text(status));
    buf_release(&text);
    return status;
}

static int read_list(const char *path, bool may_miss, json_t **ret_list, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    json_error_t error;
    int status = file_read_regular(path, PERMISSION_FILE_MAX, &text, detail);
    json_t *list = NULL;
    if (status == ERR_NOTFOUND && may_miss)
        list = json_array();
    else if (status == ERR_OK)
        list = json_loadb((const char *)text.data, text.len, 0, &error);
    buf_release(&text);
    if (status != ERR_OK && !list)
        return status;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_string(json_array_get(list, i)))
            status = ERR_INPUT;
    if (!json_is_array(list) || status == ERR_INPUT) {
        json_decref(list);
        return err_set(detail, ERR_INPUT, "%s is no array of node URLs", path);
    }
    *ret_list = list;
    return ERR_OK;
}

static int change_file(const char *folder, const char *name, bool may_miss, bool add,
                       const char *url, struct err_detail *detail)
{
    char path[4096];
    json_t *list = NULL;
    size_t at = 0;
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return err_set(detail, ERR_LIMIT, "%s: the path is too long", name);
    int status = read_list(path, may_miss, &list, detail);
    if (status != ERR_OK)
        return status;
    while (at < json_array_size(list) &&
           strcmp(json_string_value(json_array_get(list, at)), url) != 0)
        at++;
    bool there = at < json_array_size(list);
    if (there != add) {
        int failed =
            add ? json_array_append_new(list, json_string(url)) : json_array_remove(list, at);
        status = failed ? err_set(detail, ERR_NOMEM, "%s: a node's URL cannot be kept", path)
                        : write_list(path, list, detail);
    }
    json_decref(list);
    return status;
}

int permission_files_change(const char *folder, enum permission_node_change change, const char *url,
                            struct err_detail *detail)
{
    int status = ERR_OK;
    bool add = change == PERMISSION_NODE_ADD || change == PERMISSION_NODE_RECOVER;
    if (change == PERMISSION_NO_CHANGE)
        return ERR_OK;
    if (change == PERMISSION_NODE_BLACKLIST || change == PERMISSION_NODE_RECOVER)
        status = change_file(folder, "disallowed-nodes.json", true,
                             change == PERMISSION_NODE_BLACKLIST, url, detail);
    int second = change_file(folder, "permissioned-nodes.json", false, add, url, detail);
    return second == ERR_OK ? status : second;
}
