#include "rpc/http.h"

#include "base/mem.h"
#include "io/websocket_frame.h"
#include "rpc/access/origin.h"
#include "rpc/access/psi.h"

#include <stdio.h>

enum {
    CONNECTIONS_MAX = 10000, /* by default; a connection at rest takes less than a kilobyte */
    READ_MS = 30000,         /* GoQuorum, rpc/http.go, DefaultHTTPTimeouts */
    WRITE_MS = 30000,
    IDLE_MS = 120000,
    FIELDS_MAX = 8,
    VALUE_MAX = 1024, /* characters of what is given back of a client's own header */
};

struct rpc_http {
    struct rpc *rpc;
    struct io_http_server *server;
    struct rpc_access access;
    bool no_http;
    char *prefix, *vhosts, *cors, *websocket_prefix; /* never NULL */
    struct rpc_websockets *websockets;               /* NULL: none */
    const struct rpc_tokens *tokens;                 /* NULL: none are asked for */
};

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

static bool host_may(const struct rpc_http *http, const struct io_http_request *request)
{
    const struct bytes *host = io_http_head_field(&request->head, "host");
    if (!host || host->len == 0)
        return true;
    struct bytes name = host_name(*host);
    return is_ip(name) || rpc_list_has_all(http->vhosts) || rpc_list_has(http->vhosts, name);
}

static bool path_may(const char *prefix, struct bytes path)
{
    size_t len = strlen(prefix);
    if (len == 0)
        return bytes_equal(path, bytes_str("/"));
    return path.len >= len && memcmp(path.data, prefix, len) == 0;
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
    size_t before = end ? (size_t)(end - type->data) + 1 : type->len;
    struct bytes rest = rpc_trim(bytes_slice(*type, before, type->len - before));
    if (rest.len && !memchr(rest.data, '=', rest.len)) /* no parameter, which has a value */
        return false;
    for (size_t i = 0; i < BASE_COUNT(types); i++)
        if (io_http_same_name(name, types[i]))
            return true;
    return false;
}

/* --- Cross-origin requests (rs/cors 1.7, as GoQuorum sets it up) --- */

struct answer_fields {
    struct io_http_field fields[FIELDS_MAX];
    size_t count;
    char origin[VALUE_MAX], headers[VALUE_MAX];
};

static void add(struct answer_fields *f, const char *name, const char *value)
{
    assert(f->count < FIELDS_MAX);
    f->fields[f->count++] = (struct io_http_field){name, value};
}

static bool copy_value(char ret_text[VALUE_MAX], const struct bytes *value)
{
    if (!value || value->len == 0 || value->len >= VALUE_MAX)
        return false;
    memcpy(ret_text, value->data, value->len);
    ret_text[value->len] = '\0';
    return true;
}

static const char *method_may(struct bytes method)
{
    static const char *const methods[] = {"POST", "GET", "OPTIONS"};
    for (size_t i = 0; i < BASE_COUNT(methods); i++)
        if (io_http_same_name(method, methods[i]))
            return methods[i];
    return NULL;
}

/* Adds what a browser wants to see; true when that is all (a preflight). */
static bool add_cors(const struct rpc_http *http, const struct io_http_request *request,
                     struct answer_fields *f)
{
    const struct io_http_head *head = &request->head;
    const struct bytes *origin = io_http_head_field(head, "origin");
    const struct bytes *asked = io_http_head_field(head, "access-control-request-method");
    bool preflight = io_http_same_name(head->method, "OPTIONS") && asked && asked->len;
    if (!http->cors[0])
        return false;
    add(f, "Vary", "Origin");
    if (preflight) {
        add(f, "Vary", "Access-Control-Request-Method");
        add(f, "Vary", "Access-Control-Request-Headers");
    }
    const char *method = method_may(preflight ? *asked : head->method);
    if (!method || !copy_value(f->origin, origin) || !rpc_list_has(http->cors, *origin))
        return preflight;
    add(f, "Access-Control-Allow-Origin", rpc_list_has_all(http->cors) ? "*" : f->origin);
    if (preflight) {
        add(f, "Access-Control-Allow-Methods", method);
        if (copy_value(f->headers, io_http_head_field(head, "access-control-request-headers")))
            add(f, "Access-Control-Allow-Headers", f->headers);
        add(f, "Access-Control-Max-Age", "600");
    }
    return preflight;
}

/* --- Requests --- */

static bool method_is(const struct io_http_request *request, const char *method)
{
    return bytes_equal(request->head.method, bytes_str(method));
}

static void refuse_size(struct io_http_request *request)
{
    char text[96];
    snprintf(text, sizeof(text), "content length too large (%llu>%d)",
             (unsigned long long)request->head.body_length, RPC_BODY_MAX);
    io_http_answer_text(request, 413, text);
}

/* What can be told from the head alone. */
static void on_head(void *context, struct io_http_request *request)
{
    const struct rpc_http *http = context;
    const struct io_http_head *head = &request->head;
    struct answer_fields f = {.count = 0};
    bool no_body = !head->chunked && head->body_length == 0 && !request->has_query;
    if (http->websockets && io_websocket_is_wanted(head)) {
        /* GoQuorum answers another path with nothing (node/rpcstack.go). */
        if (!path_may(http->websocket_prefix, request->path))
            io_http_answer(request, 200, NULL, 0, NULL);
        return;
    }
    if (http->no_http || !path_may(http->prefix, request->path))
        io_http_answer(request, 404, NULL, 0, NULL);
    else if (!host_may(http, request))
        io_http_answer_text(request, 403, "invalid host specified");
    else if (add_cors(http, request, &f))
        io_http_answer(request, 200, f.fields, f.count, NULL);
    else if ((method_is(request, "GET") || method_is(request, "HEAD")) && no_body)
        io_http_answer(request, 200, f.fields, f.count, NULL); /* is anybody there? */
    else if (method_is(request, "PUT") || method_is(request, "DELETE"))
        io_http_answer_text(request, 405, "method not allowed");
    else if (head->body_length > RPC_BODY_MAX)
        refuse_size(request);
    else if (!method_is(request, "OPTIONS") && !type_may(request))
        io_http_answer_text(request, 415,
                            "invalid content type, only application/json is supported");
}

static void on_answer(void *context, struct buf *answer)
{
    struct io_http_request *request = context;
    struct answer_fields f = {.count = 0};
    add(&f, "Content-Type", "application/json");
    /* Without a connection the server may have gone, too. */
    if (request->connection)
        add_cors(request->owner, request, &f);
    io_http_answer(request, 200, f.fields, f.count, answer);
}

/* What the request's token grants, NULL when none is needed; false when out of memory. */
static bool find_grant(const struct rpc_http *http, const struct io_http_request *request,
                       struct rpc_grant **ret_grant)
{
    *ret_grant = NULL;
    if (!http->tokens)
        return true;
    *ret_grant =
        rpc_tokens_grant(http->tokens, io_http_head_field(&request->head, "authorization"));
    return *ret_grant != NULL;
}

static void open_websocket(struct rpc_http *http, struct io_http_request *request)
{
    struct rpc_grant *grant;
    if (!find_grant(http, request, &grant)) {
        io_http_answer_text(request, 503, "out of memory");
        return;
    }
    rpc_websockets_open(http->websockets, request, grant);
    rpc_grant_free(grant);
}

static void on_request(void *context, struct io_http_request *request)
{
    struct rpc_http *http = context;
    struct buf message = BUF_INIT;
    if (http->websockets && io_websocket_is_wanted(&request->head)) {
        open_websocket(http, request);
        return;
    }
    if (http->no_http) { /* WebSocket was switched off between the head and here */
        io_http_answer(request, 404, NULL, 0, NULL);
        return;
    }
    request->owner = http;
    buf_append_bytes(&message, request->body);
    if (buf_status(&message)) {
        buf_release(&message);
        io_http_answer_text(request, 503, "out of memory");
        return;
    }
    struct rpc_access access = http->access;
    if (!find_grant(http, request, &access.grant)) {
        buf_release(&message);
        io_http_answer_text(request, 503, "out of memory");
        return;
    }
    rpc_psi_of_http(&access, request);
    /* When the answer has come already, the request is no more. */
    struct rpc_exchange *exchange = rpc_ask(http->rpc, access, &message, on_answer, request);
    if (exchange)
        request->task = exchange;
    rpc_grant_free(access.grant);
}

static void on_gone(void *context, struct io_http_request *request)
{
    (void)context;
    rpc_abandon(request->task);
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

static int listen_on(struct rpc_http *http, const struct rpc_http_options *options,
                     struct err_detail *detail)
{
    struct io_address ip;
    char text[IO_ADDRESS_TEXT];
    const char *host = options->host;
    if (host[0] && !io_address_parse_ip(&ip, host)) {
        int status = io_resolve_now(&ip, host, detail);
        if (status)
            return status;
        io_address_format_ip(text, &ip);
        host = text;
    }
    if (options->tls)
        return io_http_listen_tls(http->server, host, options->port, options->tls, detail);
    return io_http_listen_tcp(http->server, host, options->port, detail);
}

/* Takes what HTTP is served with. */
static int take_options(struct rpc_http *http, const struct rpc_http_options *options,
                        struct err_detail *detail)
{
    char *prefix = copy(options->prefix), *vhosts = copy(options->vhosts),
         *cors = copy(options->cors);
    int status = prefix && vhosts && cors
                     ? check_prefix("HTTP", prefix, detail)
                     : err_set(detail, ERR_NOMEM, "HTTP server: out of memory");
    if (status) {
        mem_free(prefix);
        mem_free(vhosts);
        mem_free(cors);
        return status;
    }
    mem_free(http->prefix);
    mem_free(http->vhosts);
    mem_free(http->cors);
    http->prefix = prefix;
    http->vhosts = vhosts;
    http->cors = cors;
    http->access = options->access;
    http->no_http = options->no_http;
    return 0;
}

int rpc_http_enable(struct rpc_http *http, const struct rpc_http_options *options,
                    struct err_detail *detail)
{
    return take_options(http, options, detail);
}

int rpc_http_set_websocket(struct rpc_http *http, const struct rpc_websocket_options *websocket,
                           const char *prefix, struct err_detail *detail)
{
    struct rpc_websockets *websockets = NULL;
    char *path = copy(prefix);
    int status = path ? check_prefix("WS", path, detail)
                      : err_set(detail, ERR_NOMEM, "WebSocket server: out of memory");
    if (status == 0 && websocket) {
        status = rpc_websockets_new(&websockets, http->rpc, websocket);
        if (status)
            err_set(detail, status, "WebSocket server: %s", err_text(status));
    }
    if (status) {
        mem_free(path);
        return status;
    }
    rpc_websockets_free(http->websockets);
    mem_free(http->websocket_prefix);
    http->websockets = websockets;
    http->websocket_prefix = path;
    return 0;
}

int rpc_http_start(struct rpc_http **ret_http, struct rpc *rpc,
                   const struct rpc_http_options *options, struct err_detail *detail)
{
    struct rpc_http *http = mem_alloc_zeroed(1, sizeof(*http));
    struct io_http_options server = {
        .context = http,
        .head = on_head,
        .request = on_request,
        .gone = on_gone,
        .body_max = RPC_BODY_MAX,
        .connections_max = options->connections_max ? options->connections_max : CONNECTIONS_MAX,
        .read_ms = READ_MS,
        .write_ms = WRITE_MS,
        .idle_ms = IDLE_MS,
    };
    if (!http)
        return err_set(detail, ERR_NOMEM, "HTTP server: out of memory");
    http->rpc = rpc;
    http->tokens = options->tokens;
    int status = take_options(http, options, detail);
    if (status == 0)
        status =
            rpc_http_set_websocket(http, options->websocket, options->websocket_prefix, detail);
    if (status == 0)
        status = io_http_new(&http->server, rpc_loop(rpc), &server);
    if (status == 0)
        status = listen_on(http, options, detail);
    if (status) {
        rpc_http_stop(http);
        return status;
    }
    *ret_http = http;
    return 0;
}

bool rpc_http_serves(const struct rpc_http *http)
{
    return !http->no_http;
}

bool rpc_http_serves_websocket(const struct rpc_http *http)
{
    return http->websockets != NULL;
}

const struct io_address *rpc_http_address(const struct rpc_http *http)
{
    return io_http_address(http->server);
}

void rpc_http_stop(struct rpc_http *http)
{
    if (!http)
        return;
    rpc_websockets_free(http->websockets);
    io_http_free(http->server);
    mem_free(http->prefix);
    mem_free(http->vhosts);
    mem_free(http->cors);
    mem_free(http->websocket_prefix);
    mem_free(http);
}
