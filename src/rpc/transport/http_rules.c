#include "rpc/transport/http_rules.h"

#include "base/mem.h"
#include "rpc/access/origin.h"
#include "rpc/graphql/graphql.h"

#include <stdio.h>

/* --- Who may ask --- */

/* Host without its port. */
static struct bytes host_name(struct bytes host)
{
    if (host.len && host.data[0] == '[') {
        const uint8_t *end = memchr(host.data, ']', host.len);
        return end ? bytes_slice(host, 1, (size_t)(end - host.data) - 1) : host;
    }
    const uint8_t *colon = host.len ? memchr(host.data, ':', host.len) : NULL;
    if (!colon || memchr(colon + 1, ':', host.len - (size_t)(colon - host.data) - 1))
        return host;
    return bytes_slice(host, 0, (size_t)(colon - host.data));
}

static bool is_ip(struct bytes name)
{
    struct io_address address;
    char text[IO_ADDRESS_TEXT];
    if (name.len == 0 || name.len >= sizeof(text))
        return false;
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    return io_address_parse_ip(&address, text);
}

static bool host_may(const char *vhosts, const struct io_http_request *request)
{
    const struct bytes *host = io_http_head_field(&request->head, "host");
    if (!host || host->len == 0)
        return true;
    struct bytes name = host_name(*host);
    return is_ip(name) || rpc_list_has_all(vhosts) || rpc_list_has(vhosts, name);
}

static bool path_may(const char *prefix, struct bytes path)
{
    size_t len = strlen(prefix);
    if (len == 0)
        return bytes_equal(path, bytes_str("/"));
    return path.len >= len && memcmp(path.data, prefix, len) == 0;
}

/* GraphQL has its paths before JSON-RPC's prefix (GoQuorum, node/rpcstack.go). */
enum rpc_http_service rpc_http_service_at(const struct rpc_http_rules *rules, struct bytes path)
{
    if (rules->no_http)
        return RPC_HTTP_NOTHING;
    if (rules->graphql && bytes_equal(path, bytes_str("/graphql/ui")))
        return RPC_HTTP_PAGE;
    if (rules->graphql && (bytes_equal(path, bytes_str("/graphql")) || path_may("/graphql/", path)))
        return RPC_HTTP_GRAPHQL;
    return path_may(rules->prefix, path) ? RPC_HTTP_JSONRPC : RPC_HTTP_NOTHING;
}

static size_t token_length(struct bytes text)
{
    size_t len = 0;
    while (len < text.len && io_http_may_begin(text.data[len]))
        len++;
    return len;
}

/* A token, or a text in quotes with its quotes; 0: neither. */
static size_t value_length(struct bytes text)
{
    if (!text.len || text.data[0] != '"')
        return token_length(text);
    for (size_t i = 1; i < text.len; i++) {
        if (text.data[i] == '"')
            return i + 1;
        i += text.data[i] == '\\';
    }
    return 0;
}

static struct bytes behind(struct bytes text, size_t len)
{
    return rpc_trim(bytes_slice(text, len, text.len - len));
}

/* Names with values, separated by semicolons, of which one may end them. */
static bool parameters_may(struct bytes rest)
{
    while (rest.len) {
        size_t name = token_length(rest);
        rest = behind(rest, name);
        if (!name || !rest.len || rest.data[0] != '=')
            return false;
        rest = behind(rest, 1);
        size_t value = value_length(rest);
        if (!value)
            return false;
        rest = behind(rest, value);
        if (rest.len && rest.data[0] != ';')
            return false;
        rest = behind(rest, rest.len != 0);
    }
    return true;
}

static bool type_may(const struct io_http_request *request)
{
    static const char *const types[] = {"application/json", "application/json-rpc",
                                        "application/jsonrequest"};
    const struct bytes *type = io_http_head_field(&request->head, "content-type");
    if (!type)
        return false;
    const uint8_t *end = type->len ? memchr(type->data, ';', type->len) : NULL;
    struct bytes name = rpc_trim(end ? bytes_slice(*type, 0, (size_t)(end - type->data)) : *type);
    if (!parameters_may(behind(*type, end ? (size_t)(end - type->data) + 1 : type->len)))
        return false;
    for (size_t i = 0; i < BASE_COUNT(types); i++)
        if (io_http_same_name(name, types[i]))
            return true;
    return false;
}

/* --- Cross-origin requests (rs/cors 1.7, as GoQuorum sets it up) --- */

void rpc_http_add(struct rpc_http_fields *f, const char *name, const char *value)
{
    assert(f->count < RPC_HTTP_FIELDS_MAX);
    f->fields[f->count++] = (struct io_http_field){name, value};
}

static bool copy_value(char ret_text[RPC_HTTP_VALUE_MAX], const struct bytes *value)
{
    if (!value || value->len == 0 || value->len >= RPC_HTTP_VALUE_MAX)
        return false;
    memcpy(ret_text, value->data, value->len);
    ret_text[value->len] = '\0';
    return true;
}

/* The names of a list as rs/cors writes them, with capitals: "X-Y, Content-Type"; false when there is none, or no room. */
static bool copy_names(char ret_text[RPC_HTTP_VALUE_MAX], const struct bytes *list)
{
    size_t len = 0, begun = 0;
    bool upper = true;
    for (size_t i = 0; list && i < list->len; i++) {
        uint8_t c = list->data[i], low = c | 0x20;
        bool letter = low >= 'a' && low <= 'z';
        if (len + 4 > RPC_HTTP_VALUE_MAX)
            return false;
        if (letter || c == '-' || c == '_' || (c >= '0' && c <= '9')) {
            if (len && begun == len) { /* behind another */
                memcpy(ret_text + len, ", ", 2);
                len += 2;
            }
            ret_text[len++] = (char)(letter ? upper ? low - 0x20 : low : c);
        }
        if (c == ' ' || c == ',') {
            upper = upper || begun != len;
            begun = len;
        } else {
            upper = c == '-' || c == '_';
        }
    }
    ret_text[len] = '\0';
    return len > 0;
}

static const char *method_may(struct bytes method)
{
    static const char *const methods[] = {"POST", "GET", "OPTIONS"};
    for (size_t i = 0; i < BASE_COUNT(methods); i++)
        if (io_http_same_name(method, methods[i]))
            return methods[i];
    return NULL;
}

bool rpc_http_add_cors(const struct rpc_http_rules *rules, const struct io_http_request *request,
                       struct rpc_http_fields *f)
{
    const struct io_http_head *head = &request->head;
    const struct bytes *origin = io_http_head_field(head, "origin");
    const struct bytes *asked = io_http_head_field(head, "access-control-request-method");
    bool preflight = io_http_same_name(head->method, "OPTIONS") && asked && asked->len;
    const char *cors = rpc_http_service_at(rules, request->path) == RPC_HTTP_GRAPHQL
                           ? rules->graphql_cors
                           : rules->cors;
    if (!cors[0])
        return false;
    rpc_http_add(f, "Vary", "Origin");
    if (preflight) {
        rpc_http_add(f, "Vary", "Access-Control-Request-Method");
        rpc_http_add(f, "Vary", "Access-Control-Request-Headers");
    }
    const char *method = method_may(preflight ? *asked : head->method);
    if (!method || !copy_value(f->origin, origin) || !rpc_list_has(cors, *origin))
        return preflight;
    rpc_http_add(f, "Access-Control-Allow-Origin", rpc_list_has_all(cors) ? "*" : f->origin);
    if (preflight) {
        rpc_http_add(f, "Access-Control-Allow-Methods", method);
        if (copy_names(f->headers, io_http_head_field(head, "access-control-request-headers")))
            rpc_http_add(f, "Access-Control-Allow-Headers", f->headers);
        rpc_http_add(f, "Access-Control-Max-Age", "600");
    }
    return preflight;
}

/* --- The head --- */

static bool method_is(const struct io_http_request *request, const char *method)
{
    return bytes_equal(request->head.method, bytes_str(method));
}

/* With what a browser wants to see, so that the page is told. */
static void refuse(struct io_http_request *request, struct rpc_http_fields *f, unsigned status,
                   const char *text)
{
    struct buf body = BUF_INIT;
    rpc_http_add(f, "Content-Type", "text/plain; charset=utf-8");
    rpc_http_add(f, "X-Content-Type-Options", "nosniff");
    buf_append_format(&body, "%s\n", text);
    io_http_answer(request, status, f->fields, f->count, &body);
}

static void refuse_size(struct io_http_request *request, struct rpc_http_fields *f)
{
    char text[96];
    snprintf(text, sizeof(text), "content length too large (%llu>%d)",
             (unsigned long long)request->head.body_length, RPC_BODY_MAX);
    refuse(request, f, 413, text);
}

/* Is anybody there? */
static void answer_check(struct io_http_request *request, struct rpc_http_fields *f)
{
    if (method_is(request, "HEAD") && type_may(request))
        rpc_http_add(f, "Content-Type", "application/json");
    io_http_answer(request, 200, f->fields, f->count, NULL);
}

bool rpc_http_is_websocket_path(const struct rpc_http_rules *rules, struct bytes path)
{
    return rules->websocket_prefix && path_may(rules->websocket_prefix, path);
}

/* Any method is answered, by what its body says (GoQuorum, graphql/service.go). */
static void check_graphql(const struct rpc_http_rules *rules, struct io_http_request *request)
{
    struct rpc_http_fields f = {.count = 0};
    if (!host_may(rules->graphql_vhosts, request))
        io_http_answer_text(request, 403, "invalid host specified");
    else if (rpc_http_add_cors(rules, request, &f))
        io_http_answer(request, 200, f.fields, f.count, NULL);
    else if (request->head.body_length > RPC_BODY_MAX)
        refuse_size(request, &f);
}

static void answer_page(struct io_http_request *request)
{
    struct rpc_http_fields f = {.count = 0};
    struct buf body = BUF_INIT;
    bool get = method_is(request, "GET");
    rpc_http_add(&f, "Content-Type",
                 get ? "text/html; charset=utf-8" : "application/json; charset=utf-8");
    rpc_http_add(&f, "X-Content-Type-Options", "nosniff");
    buf_append_text(&body, get ? rpc_gql_page : "{\"error\": \"only GET requests are supported\"}");
    io_http_answer(request, get ? 200 : 405, f.fields, f.count, &body);
}

void rpc_http_check_head(const struct rpc_http_rules *rules, struct io_http_request *request)
{
    const struct io_http_head *head = &request->head;
    enum rpc_http_service service = rpc_http_service_at(rules, request->path);
    struct rpc_http_fields f = {.count = 0};
    bool no_body = !head->chunked && head->body_length == 0 && !request->has_query;
    if (service == RPC_HTTP_NOTHING)
        io_http_answer(request, 404, NULL, 0, NULL);
    else if (service == RPC_HTTP_PAGE)
        answer_page(request);
    else if (service == RPC_HTTP_GRAPHQL)
        check_graphql(rules, request);
    else if (!host_may(rules->vhosts, request))
        io_http_answer_text(request, 403, "invalid host specified");
    else if (rpc_http_add_cors(rules, request, &f))
        io_http_answer(request, 200, f.fields, f.count, NULL);
    else if ((method_is(request, "GET") || method_is(request, "HEAD")) && no_body)
        answer_check(request, &f);
    else if (method_is(request, "PUT") || method_is(request, "DELETE"))
        refuse(request, &f, 405, "method not allowed");
    else if (head->body_length > RPC_BODY_MAX)
        refuse_size(request, &f);
    else if (!method_is(request, "OPTIONS") && !type_may(request))
        refuse(request, &f, 415, "invalid content type, only application/json is supported");
}

/* --- Life --- */

static char *copy(const char *text)
{
    size_t len = strlen(text ? text : "") + 1;
    char *to = mem_alloc(len);
    if (to)
        memcpy(to, text ? text : "", len);
    return to;
}

static int check_prefix(const char *what, const char *prefix, struct err_detail *detail)
{
    if (prefix[0] && prefix[0] != '/')
        return err_set(detail, ERR_INPUT,
                       "%s RPC path prefix \"%s\" does not contain leading \"/\"", what, prefix);
    if (strpbrk(prefix, "?#"))
        return err_set(detail, ERR_INPUT, "%s RPC path prefix \"%s\" contains URL meta-characters",
                       what, prefix);
    return 0;
}

static int copy_rules(struct rpc_http_rules *rules, const struct rpc_http_options *options,
                      const char *websocket_prefix, struct err_detail *detail)
{
    rules->no_http = options->no_http;
    rules->access = options->access;
    rules->prefix = copy(options->prefix);
    rules->vhosts = copy(options->vhosts);
    rules->cors = copy(options->cors);
    rules->websocket_prefix = websocket_prefix ? copy(websocket_prefix) : NULL;
    rules->graphql = options->graphql;
    rules->graphql_vhosts = copy(options->graphql_vhosts);
    rules->graphql_cors = copy(options->graphql_cors);
    if (!rules->graphql_vhosts || !rules->graphql_cors || !rules->prefix || !rules->vhosts ||
        !rules->cors || (websocket_prefix && !rules->websocket_prefix))
        return err_set(detail, ERR_NOMEM, "HTTP server: out of memory");
    int status = check_prefix("HTTP", rules->prefix, detail);
    return status || !websocket_prefix ? status : check_prefix("WS", websocket_prefix, detail);
}

int rpc_http_rules_new(struct rpc_http_rules **ret_rules, const struct rpc_http_options *options,
                       const char *websocket_prefix, struct err_detail *detail)
{
    struct rpc_http_rules *rules = mem_alloc_zeroed(1, sizeof(*rules));
    if (!rules)
        return err_set(detail, ERR_NOMEM, "HTTP server: out of memory");
    int status = copy_rules(rules, options, websocket_prefix, detail);
    if (status) {
        rpc_http_rules_free(rules);
        return status;
    }
    *ret_rules = rules;
    return 0;
}

void rpc_http_rules_free(struct rpc_http_rules *rules)
{
    if (!rules)
        return;
    mem_free(rules->prefix);
    mem_free(rules->vhosts);
    mem_free(rules->cors);
    mem_free(rules->websocket_prefix);
    mem_free(rules->graphql_vhosts);
    mem_free(rules->graphql_cors);
    mem_free(rules);
}
