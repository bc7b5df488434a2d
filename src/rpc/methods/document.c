#include "rpc/methods/document.h"

#include "base/mem.h"
#include "rpc/json/encode.h"
#include "rpc/json/json.h"

#include <stdlib.h>

/* The methods sorted by name; to be freed. */
struct sorted {
    const struct rpc_method **list;
    size_t count;
};

static int compare(const void *a, const void *b)
{
    const struct rpc_method *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int sort(struct sorted *ret)
{
    *ret = (struct sorted){0};
    for (size_t i = 0; i < rpc_method_list_count; i++)
        ret->count += rpc_method_lists[i]->count;
    ret->list = mem_alloc(ret->count * sizeof(const struct rpc_method *));
    if (!ret->list)
        return ERR_NOMEM;
    size_t at = 0;
    for (size_t i = 0; i < rpc_method_list_count; i++)
        for (size_t k = 0; k < rpc_method_lists[i]->count; k++)
            ret->list[at++] = &rpc_method_lists[i]->methods[k];
    qsort(ret->list, ret->count, sizeof(const struct rpc_method *), compare);
    return 0;
}

static const char *type_text(enum rpc_type type)
{
    static const char *const texts[] = {
#define X(name, go, text) text,
        RPC_TYPE_LIST(X)
#undef X
    };
    return texts[type];
}

static const char *type_name(enum rpc_type type)
{
    static const char *const names[] = {
#define X(name, go, text) #name,
        RPC_TYPE_LIST(X)
#undef X
    };
    return names[type];
}

/* --- OpenRPC --- */

/* JSON Schema's word for the values of a type; NULL: several. */
static const char *json_type(enum rpc_type type)
{
    switch (type) {
    case RPC_BOOL:
        return "boolean";
    case RPC_TEXTS:
    case RPC_REWARDS:
        return "array";
    case RPC_NUMBER:
    case RPC_NATURAL:
    case RPC_NUMBER8:
    case RPC_NUMBER16:
    case RPC_INT:
        return "integer";
    case RPC_ANY:
    case RPC_BLOCK_OR_HASH:
        return NULL;
    case RPC_CALL:
    case RPC_SEND:
    case RPC_SEND_ASYNC:
    case RPC_SEND_RAW:
    case RPC_FILTER:
    case RPC_TRACE:
    case RPC_TRACE_CALL:
    case RPC_TRACE_FILE:
    case RPC_OVERRIDE:
        return "object";
    default:
        return "string";
    }
}

static void write_text(struct buf *b, const char *key, const char *text)
{
    rpc_key(b, key);
    rpc_json_write_string(b, bytes_str(text));
}

static void write_param(struct buf *b, const struct rpc_param *param)
{
    rpc_item(b);
    buf_append_byte(b, '{');
    write_text(b, "name", param->name);
    write_text(b, "summary", type_text(param->type));
    rpc_put_bool(b, "required", !param->optional);
    rpc_key(b, "schema");
    buf_append_byte(b, '{');
    if (json_type(param->type))
        write_text(b, "type", json_type(param->type));
    buf_append_text(b, "}}");
}

static void write_method(struct buf *b, const struct rpc_method *method)
{
    buf_append_text(b, "{");
    write_text(b, "name", method->name);
    rpc_key(b, "params");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < RPC_PARAMS_MAX && method->params[i].type != RPC_NONE; i++)
        write_param(b, &method->params[i]);
    buf_append_text(b, "],\"result\":{\"name\":\"result\"");
    write_text(b, "summary", method->result ? method->result : "");
    buf_append_text(b, ",\"schema\":{}}}");
}

int rpc_document_openrpc(struct buf *b)
{
    struct sorted sorted;
    int status = sort(&sorted);
    if (status)
        return status;
    buf_append_text(b, "{\"openrpc\":\"1.2.6\",\"info\":{\"title\":\"quorate-node\",\"version\":"
                       "\"" QUORATE_VERSION "\"},\"methods\":[");
    for (size_t i = 0; i < sorted.count; i++) {
        buf_append_text(b, i ? ",\n" : "\n");
        write_method(b, sorted.list[i]);
    }
    buf_append_text(b, "\n]}");
    mem_free(sorted.list);
    return buf_status(b);
}

/* --- The page --- */

static size_t namespace_length(const char *name)
{
    return strcspn(name, "_");
}

/* "|" would end a cell. */
static void write_cell(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_append_byte(b, '\\');
        buf_append_byte(b, (uint8_t)*text);
    }
}

static void write_row(struct buf *b, const struct rpc_method *method)
{
    buf_append_format(b, "| `%s` | ", method->name);
    for (size_t i = 0; i < RPC_PARAMS_MAX && method->params[i].type != RPC_NONE; i++)
        buf_append_format(b, "%s%s%s: %s%s", i ? ", " : "", method->params[i].optional ? "[" : "",
                          method->params[i].name, type_name(method->params[i].type),
                          method->params[i].optional ? "]" : "");
    buf_append_text(b, " | ");
    write_cell(b, method->result ? method->result : "");
    buf_append_text(b, " |\n");
}

static void write_types(struct buf *b)
{
    buf_append_text(b, "\n## Types\n\n| type | what it is |\n|---|---|\n");
    for (int i = RPC_NONE + 1; i <= RPC_ANY; i++) {
        buf_append_format(b, "| %s | ", type_name((enum rpc_type)i));
        write_cell(b, type_text((enum rpc_type)i));
        buf_append_text(b, " |\n");
    }
}

/* By namespace and name, as all of the page. */
static void write_proxied(struct buf *b, const struct sorted *sorted)
{
    const char *separator = "";
    buf_append_text(b, "\n## Of a QLight client\n\nIts server is asked in its place for: ");
    for (size_t i = 0; i < sorted->count; i++) {
        if (!sorted->list[i]->proxied)
            continue;
        buf_append_format(b, "%s`%s`", separator, sorted->list[i]->name);
        separator = ", ";
    }
    buf_append_text(b, ".\n");
}

int rpc_document_page(struct buf *b)
{
    struct sorted sorted;
    int status = sort(&sorted);
    if (status)
        return status;
    buf_append_text(b, "# Methods of JSON-RPC\n\nWritten from the table in `src/rpc` by "
                       "`test_rpc_rpc_documents --write`; a test compares. Parameters in brackets "
                       "may be left out.\n");
    for (size_t i = 0; i < sorted.count; i++) {
        const char *name = sorted.list[i]->name;
        size_t len = namespace_length(name);
        if (i == 0 || namespace_length(sorted.list[i - 1]->name) != len ||
            memcmp(sorted.list[i - 1]->name, name, len) != 0)
            buf_append_format(b, "\n## %.*s\n\n| method | parameters | result |\n|---|---|---|\n",
                              (int)len, name);
        write_row(b, sorted.list[i]);
    }
    write_proxied(b, &sorted);
    write_types(b);
    mem_free(sorted.list);
    return buf_status(b);
}
