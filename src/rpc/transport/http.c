#include "rpc/transport/http.h"

#include "base/mem.h"
#include "io/websocket_frame.h"
#include "rpc/access/psi.h"
#include "rpc/dispatch/desk.h"
#include "rpc/transport/http_rules.h"

enum {
    CONNECTIONS_MAX = 10000, /* by default; a connection at rest takes less than a kilobyte */
    READ_MS = 30000,         /* GoQuorum, rpc/http.go, DefaultHTTPTimeouts */
    WRITE_MS = 30000,
    IDLE_MS = 120000,
    HALF_MS = 2000, /* GoQuorum cancels calls at once, but answers */
};

/* What serves at one desk, on its thread. */
struct window {
    struct rpc_http *http;
    struct rpc_desk *desk;
    struct io_http_server *server;
    const struct rpc_http_rules *rules;
    struct rpc_websockets *websockets; /* NULL: none */
};

struct rpc_http {
    struct rpc *rpc;
    struct window windows[1 + RPC_DESKS_MAX]; /* that of the loop's desk first: it alone listens */
    size_t window_count;
    struct rpc_http_rules *rules;
    size_t connections_max;
    const struct rpc_tokens *tokens; /* NULL: none are asked for */
};

/* --- Requests --- */

static bool wants_websocket(const struct window *window, const struct io_http_request *request)
{
    return window->rules->websocket_prefix && io_websocket_is_wanted(&request->head);
}

/* A WebSocket with a private state of its own would lose it on the way to the loop's desk. */
static bool is_loops(const struct window *window, const struct io_http_request *request)
{
    struct rpc_access access = {.psi = ""};
    if (window->desk->thread)
        rpc_psi_of_http(&access, request);
    return access.psi[0];
}

static void on_head(void *context, struct io_http_request *request)
{
    const struct window *window = context;
    if (!wants_websocket(window, request)) {
        rpc_http_check_head(window->rules, request);
    } else if (!rpc_http_is_websocket_path(window->rules, request->path)) {
        /* GoQuorum answers another path with nothing (node/rpcstack.go). */
        io_http_answer(request, 200, NULL, 0, NULL);
    } else if (is_loops(window, request) &&
               !io_http_move(request, window->http->windows[0].server)) {
        io_http_answer_text(request, 503, "the connection cannot be taken over now");
    }
}

static void answer_json(struct io_http_request *request, unsigned status, struct buf *body)
{
    struct rpc_http_fields f = {.count = 0};
    rpc_http_add(&f, "Content-Type", "application/json");
    /* Without a connection the server may have gone, too. */
    if (request->connection)
        rpc_http_add_cors(((const struct window *)request->owner)->rules, request, &f);
    io_http_answer(request, status, f.fields, f.count, body);
}

static void on_answer(void *context, struct buf *answer)
{
    answer_json(context, 200, answer);
}

static bool begins_with(struct bytes text, const char *begin)
{
    size_t len = strlen(begin);
    return text.len >= len && memcmp(text.data, begin, len) == 0;
}

/* What JSON-RPC put around it goes. Errors have status 400, as in the reference. */
static void on_graphql_answer(void *context, struct buf *answer)
{
    static const char before[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":", behind[] = "}\n";
    const size_t around = sizeof(before) - 1 + sizeof(behind) - 1;
    if (answer->len < around || !begins_with(buf_bytes(answer), before)) {
        rpc_http_refuse_graphql(context, buf_bytes(answer));
        return;
    }
    answer->len -= around;
    memmove(answer->data, answer->data + sizeof(before) - 1, answer->len);
    bool bad = begins_with(buf_bytes(answer), "{\"errors\":");
    answer_json(context, bad ? 400 : 200, answer);
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

static void open_websocket(struct window *window, struct io_http_request *request)
{
    struct rpc_grant *grant;
    if (!find_grant(window->http, request, &grant)) {
        io_http_answer_text(request, 503, "out of memory");
        return;
    }
    rpc_websockets_open(window->websockets, request, grant);
    rpc_grant_free(grant);
}

static void on_request(void *context, struct io_http_request *request)
{
    struct window *window = context;
    struct buf message = BUF_INIT;
    if (wants_websocket(window, request)) {
        open_websocket(window, request);
        return;
    }
    if (window->rules->no_http) { /* WebSocket was switched off between the head and here */
        io_http_answer(request, 404, NULL, 0, NULL);
        return;
    }
    request->owner = window;
    io_http_take_body(request, &message);
    if (buf_status(&message)) {
        buf_release(&message);
        io_http_answer_text(request, 503, "out of memory");
        return;
    }
    struct rpc_access access = window->rules->access;
    if (!find_grant(window->http, request, &access.grant)) {
        buf_release(&message);
        io_http_answer_text(request, 503, "out of memory");
        return;
    }
    rpc_psi_of_http(&access, request);
    /* When the answer has come already, the request is no more. */
    bool graphql = rpc_http_service_at(window->rules, request->path) == RPC_HTTP_GRAPHQL;
    struct rpc_exchange *exchange =
        graphql ? rpc_ask_graphql(window->desk, access, &message, on_graphql_answer, request)
                : rpc_ask_at(window->desk, access, &message, on_answer, request);
    if (exchange)
        request->task = exchange;
    rpc_grant_free(access.grant);
}

static void on_gone(void *context, struct io_http_request *request)
{
    (void)context;
    rpc_abandon(request->task);
}

/* --- Windows --- */

static int open_window(struct window *window)
{
    struct io_http_options options = {
        .context = window,
        .head = on_head,
        .request = on_request,
        .gone = on_gone,
        .body_max = RPC_BODY_MAX,
        .connections_max = window->http->connections_max,
        .held_max = RPC_HELD_MAX,
        .read_ms = READ_MS,
        .write_ms = WRITE_MS,
        .idle_ms = IDLE_MS,
        .half_ms = HALF_MS,
    };
    return io_http_new(&window->server, window->desk->loop, &options);
}

static void open_on_thread(void *context)
{
    struct window *window = context;
    if (open_window(window))
        window->server = NULL;
}

static void close_window(void *context)
{
    struct window *window = context;
    /* Such as the answer to who had it stopped; behind it there may be one that becomes a WebSocket. */
    io_streams_flush(window->desk->loop);
    rpc_websockets_free(window->websockets);
    io_http_free(window->server);
}

/* The other desks' threads take the connections; without them the loop's has all. What tokens grant, the loop's alone knows. */
static int share(struct rpc_http *http, struct err_detail *detail)
{
    struct io_http_server *servers[RPC_DESKS_MAX];
    size_t desks = http->tokens ? 0 : rpc_desks_open(http->rpc), count = 0;
    while (count < desks) {
        struct window *window = &http->windows[1 + count];
        *window = (struct window){
            .http = http, .desk = rpc_desk_at(http->rpc, count), .rules = http->rules};
        io_thread_call(window->desk->thread, open_on_thread, window);
        if (!window->server)
            break;
        servers[count++] = window->server;
        http->window_count++;
    }
    if (count && io_http_share(http->windows[0].server, servers, count))
        return err_set(detail, ERR_NOMEM, "HTTP server: out of memory");
    return 0;
}

/* What a window is told on its thread. */
struct change {
    struct window *window;
    const struct rpc_http_rules *rules;
    bool has_websockets;
    struct rpc_websockets *websockets;
};

static void take_change(void *context)
{
    struct change *change = context;
    struct window *window = change->window;
    struct rpc_websockets *old = window->websockets;
    window->rules = change->rules;
    if (!change->has_websockets)
        return;
    window->websockets = change->websockets;
    rpc_websockets_free(old);
}

static void tell(struct window *window, struct change *change)
{
    change->window = window;
    if (window->desk->thread)
        io_thread_call(window->desk->thread, take_change, change);
    else
        take_change(change);
}

/* Everybody goes by these from now on. */
static void set_rules(struct rpc_http *http, struct rpc_http_rules *rules)
{
    for (size_t i = 0; i < http->window_count; i++)
        tell(&http->windows[i], &(struct change){.rules = rules});
    rpc_http_rules_free(http->rules);
    http->rules = rules;
}

int rpc_http_enable(struct rpc_http *http, const struct rpc_http_options *options,
                    struct err_detail *detail)
{
    struct rpc_http_rules *rules;
    int status = rpc_http_rules_new(&rules, options, http->rules->websocket_prefix, detail);
    if (status == 0)
        set_rules(http, rules);
    return status;
}

/* One for each window. */
static int make_websockets(const struct rpc_http *http, struct rpc_websockets **ret_list,
                           const struct rpc_websocket_options *options)
{
    int status = 0;
    for (size_t i = 0; i < http->window_count && status == 0; i++)
        status = rpc_websockets_new(&ret_list[i], http->windows[i].desk, i ? ret_list[0] : NULL,
                                    options);
    for (size_t i = http->window_count; status && i-- > 0;)
        rpc_websockets_free(ret_list[i]); /* nobody has used them yet */
    return status;
}

int rpc_http_set_websocket(struct rpc_http *http, const struct rpc_websocket_options *websocket,
                           const char *prefix, struct err_detail *detail)
{
    const struct rpc_http_rules *old = http->rules;
    const struct rpc_http_options same = {.no_http = old->no_http,
                                          .prefix = old->prefix,
                                          .vhosts = old->vhosts,
                                          .cors = old->cors,
                                          .graphql = old->graphql,
                                          .graphql_vhosts = old->graphql_vhosts,
                                          .graphql_cors = old->graphql_cors,
                                          .access = old->access};
    struct rpc_websockets *list[1 + RPC_DESKS_MAX] = {NULL};
    struct rpc_http_rules *rules;
    int status = rpc_http_rules_new(&rules, &same, websocket ? prefix ? prefix : "" : NULL, detail);
    if (status)
        return status;
    if (websocket && (status = make_websockets(http, list, websocket))) {
        rpc_http_rules_free(rules);
        return err_set(detail, status, "WebSocket server: %s", err_text(status));
    }
    /* The loop's last: those that are on their way to it end with it. */
    for (size_t i = http->window_count; i-- > 0;)
        tell(&http->windows[i],
             &(struct change){.rules = rules, .has_websockets = true, .websockets = list[i]});
    rpc_http_rules_free(http->rules);
    http->rules = rules;
    return 0;
}

/* --- Life --- */

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
        return io_http_listen_tls(http->windows[0].server, host, options->port, options->tls,
                                  detail);
    return io_http_listen_tcp(http->windows[0].server, host, options->port, detail);
}

static int start(struct rpc_http *http, const struct rpc_http_options *options,
                 struct err_detail *detail)
{
    struct window *window = &http->windows[0];
    int status = rpc_http_rules_new(&http->rules, options, NULL, detail);
    if (status)
        return status;
    *window = (struct window){.http = http, .desk = rpc_main_desk(http->rpc), .rules = http->rules};
    status = open_window(window);
    if (status)
        return err_set(detail, status, "HTTP server: %s", err_text(status));
    http->window_count = 1;
    status = share(http, detail);
    if (status == 0 && options->websocket)
        status =
            rpc_http_set_websocket(http, options->websocket, options->websocket_prefix, detail);
    return status ? status : listen_on(http, options, detail);
}

int rpc_http_start(struct rpc_http **ret_http, struct rpc *rpc,
                   const struct rpc_http_options *options, struct err_detail *detail)
{
    struct rpc_http *http = mem_alloc_zeroed(1, sizeof(*http));
    if (!http)
        return err_set(detail, ERR_NOMEM, "HTTP server: out of memory");
    http->rpc = rpc;
    http->tokens = options->tokens;
    http->connections_max = options->connections_max ? options->connections_max : CONNECTIONS_MAX;
    int status = start(http, options, detail);
    if (status) {
        rpc_http_stop(http);
        return status;
    }
    *ret_http = http;
    return 0;
}

bool rpc_http_serves(const struct rpc_http *http)
{
    return !http->rules->no_http;
}

bool rpc_http_serves_websocket(const struct rpc_http *http)
{
    return http->windows[0].websockets != NULL;
}

const struct io_address *rpc_http_address(const struct rpc_http *http)
{
    return io_http_address(http->windows[0].server);
}

void rpc_http_stop(struct rpc_http *http)
{
    if (!http)
        return;
    for (size_t i = 1; i < http->window_count; i++)
        io_thread_call(http->windows[i].desk->thread, close_window, &http->windows[i]);
    if (http->window_count)
        close_window(&http->windows[0]);
    rpc_http_rules_free(http->rules);
    mem_free(http);
}
