/* One HTTP connection for each thread that asks at a time, kept for the next; by WebSocket and IPC one for each question. */
#include "node/light/proxy.h"

#include "base/clock.h"
#include "base/mem.h"
#include "chain/private/private.h"
#include "console/client.h"
#include "io/http_client.h"
#include "node/light/answer.h"
#include "rpc/json/json.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    CALLERS_KEPT = 16,
    NAME_MAX_LEN = 320,
    BODY_SHOWN = 160, /* characters of an answer that is none */
};

enum transport { PLAIN, TLS, SOCKET, WEB_SOCKET };

struct node_light_proxy {
    char url[NODE_LIGHT_URL_MAX];
    char name[NAME_MAX_LEN];
    char psi[CHAIN_PSI_MAX + 1];
    enum transport transport;
    struct io_tls *tls;
    struct node_light_token *token;
    uint64_t timeout_ms;
    atomic_uint_fast64_t questions;
    atomic_uint_fast64_t ends_at; /* by base_now_ms; 0: the node does not end */
    pthread_mutex_t lock;         /* of what follows */
    struct io_http_caller *idle[CALLERS_KEPT];
    size_t idle_count;
};

#define FLAG "--qlight.client.serverNodeRPC"

/* --- The URL --- */

static const struct scheme {
    const char *text;
    enum transport transport;
} schemes[] = {
    {"http://", PLAIN},
    {"https://", TLS},
    {"ws://", WEB_SOCKET},
    {"wss://", WEB_SOCKET},
};

/* Without a user and his password, without path and query, which may have keys in them. */
static void name_url(struct node_light_proxy *proxy, size_t scheme)
{
    const char *host = proxy->url + scheme, *end = host + strcspn(host, "/?#");
    for (const char *p = host; p < end; p++)
        if (*p == '@')
            host = p + 1;
    snprintf(proxy->name, sizeof(proxy->name), "%.*s%.*s", (int)scheme, proxy->url,
             (int)(end - host), host);
}

static int read_url(struct node_light_proxy *proxy, const char *url, struct err_detail *detail)
{
    if (!*url || strlen(url) >= sizeof(proxy->url))
        return err_set(detail, ERR_INPUT, FLAG ": give a URL of less than %d characters",
                       NODE_LIGHT_URL_MAX);
    for (const char *p = url; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            return err_set(detail, ERR_INPUT, FLAG ": the URL has a control character");
    snprintf(proxy->url, sizeof(proxy->url), "%s", url);
    for (size_t i = 0; i < BASE_COUNT(schemes); i++) {
        size_t len = strlen(schemes[i].text);
        if (strncasecmp(url, schemes[i].text, len) != 0)
            continue;
        memcpy(proxy->url, schemes[i].text, len);
        proxy->transport = schemes[i].transport;
        name_url(proxy, len);
        return proxy->name[len]
                   ? ERR_OK
                   : err_set(detail, ERR_INPUT, FLAG ": the URL names no host: http://host:port");
    }
    const char *sign = strstr(url, "://");
    if (sign)
        return err_set(detail, ERR_INPUT,
                       FLAG ": no known transport for URL scheme \"%.*s\": use http, https, ws, "
                            "wss or the path of an IPC socket",
                       (int)(sign - url < 40 ? sign - url : 40), url);
    proxy->transport = SOCKET;
    snprintf(proxy->name, sizeof(proxy->name), "%s", url);
    return ERR_OK;
}

static int read_options(struct node_light_proxy *proxy,
                        const struct node_light_proxy_options *options, struct err_detail *detail)
{
    int status = read_url(proxy, options->url, detail);
    if (status != ERR_OK)
        return status;
    if (options->tls && proxy->transport != TLS)
        return err_set(detail, ERR_INPUT,
                       "--qlight.client.rpc.tls is for https, and " FLAG
                       " is %s: give an https URL, or leave the option out",
                       proxy->name);
    if (strlen(options->psi) > CHAIN_PSI_MAX)
        return err_set(detail, ERR_INPUT, "--qlight.client.psi has more than %d characters",
                       CHAIN_PSI_MAX);
    for (const char *p = options->psi; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            return err_set(detail, ERR_INPUT, "--qlight.client.psi has a control character");
    snprintf(proxy->psi, sizeof(proxy->psi), "%s", options->psi);
    proxy->tls = io_tls_keep(options->tls);
    proxy->token = options->token;
    proxy->timeout_ms = options->timeout_ms ? options->timeout_ms : NODE_LIGHT_CALL_MS;
    return ERR_OK;
}

/* --- Life --- */

int node_light_proxy_new(struct node_light_proxy **ret_proxy,
                         const struct node_light_proxy_options *options, struct err_detail *detail)
{
    struct node_light_proxy *proxy = mem_alloc_zeroed(1, sizeof(*proxy));
    if (!proxy)
        return err_set(detail, ERR_NOMEM, "out of memory");
    pthread_mutex_init(&proxy->lock, NULL);
    int status = read_options(proxy, options, detail);
    if (status == ERR_OK)
        *ret_proxy = proxy;
    else
        node_light_proxy_free(proxy);
    return status;
}

void node_light_proxy_free(struct node_light_proxy *proxy)
{
    if (!proxy)
        return;
    for (size_t i = 0; i < proxy->idle_count; i++)
        io_http_caller_free(proxy->idle[i]);
    io_tls_free(proxy->tls);
    pthread_mutex_destroy(&proxy->lock);
    mem_wipe(proxy->url, sizeof(proxy->url));
    mem_free(proxy);
}

void node_light_proxy_stop(struct node_light_proxy *proxy)
{
    atomic_store(&proxy->ends_at, base_now_ms() + NODE_LIGHT_END_MS);
}

const char *node_light_proxy_name(const struct node_light_proxy *proxy)
{
    return proxy->name;
}

static int take_caller(struct node_light_proxy *proxy, struct io_http_caller **ret_caller)
{
    *ret_caller = NULL;
    pthread_mutex_lock(&proxy->lock);
    if (proxy->idle_count)
        *ret_caller = proxy->idle[--proxy->idle_count];
    pthread_mutex_unlock(&proxy->lock);
    return *ret_caller ? 0 : io_http_caller_new(ret_caller, proxy->tls);
}

static void give_caller(struct node_light_proxy *proxy, struct io_http_caller *caller)
{
    pthread_mutex_lock(&proxy->lock);
    bool kept = proxy->idle_count < CALLERS_KEPT;
    if (kept)
        proxy->idle[proxy->idle_count++] = caller;
    pthread_mutex_unlock(&proxy->lock);
    if (!kept)
        io_http_caller_free(caller);
}

/* --- A question --- */

/* Where no field of HTTP can name the private state, the id does: "<private state>/<number>". */
static void write_question(struct node_light_proxy *proxy, struct buf *b, const char *method,
                           struct bytes params)
{
    char id[CHAIN_PSI_MAX + 32];
    unsigned long long number = atomic_fetch_add(&proxy->questions, 1) + 1;
    buf_append_text(b, "{\"jsonrpc\":\"2.0\",\"id\":");
    if (proxy->transport == SOCKET || proxy->transport == WEB_SOCKET) {
        snprintf(id, sizeof(id), "%s/%llu", proxy->psi, number);
        rpc_json_write_string(b, bytes_str(id));
    } else {
        buf_append_format(b, "%llu", number);
    }
    buf_append_text(b, ",\"method\":");
    rpc_json_write_string(b, bytes_str(method));
    buf_append_text(b, ",\"params\":");
    buf_append_bytes(b, params);
    buf_append_byte(b, '}');
}

static int node_ends(struct err_detail *detail)
{
    return err_set(detail, ERR_BUSY, "the node ends");
}

/* The remedy of whatever kept the answer away. */
static int no_answer(const struct node_light_proxy *proxy, int status, struct err_detail *detail,
                     const char *why)
{
    return err_set(detail, status,
                   "the QLight server's JSON-RPC at %s gives no answer: %s (is " FLAG
                   " right, and does the server run?)",
                   proxy->name, why);
}

static int no_json(const struct node_light_proxy *proxy, unsigned http_status, struct bytes body,
                   struct err_detail *detail)
{
    char shown[BODY_SHOWN + 1];
    size_t len = body.len < BODY_SHOWN ? body.len : BODY_SHOWN;
    for (size_t i = 0; i < len; i++)
        shown[i] = (char)(body.data[i] < 0x20 || body.data[i] > 0x7e ? ' ' : body.data[i]);
    shown[len] = '\0';
    if (http_status == 401 || http_status == 403)
        return err_set(detail, ERR_INPUT,
                       "the QLight server's JSON-RPC at %s answers with status %u: %s (is the "
                       "token good? --qlight.client.token.value, qlight_setCurrentToken)",
                       proxy->name, http_status, shown);
    return err_set(detail, ERR_INPUT,
                   "the QLight server's JSON-RPC at %s answers with status %u and no JSON-RPC: %s "
                   "(is " FLAG " the URL of a node?)",
                   proxy->name, http_status, shown);
}

static int read_reply(const struct node_light_proxy *proxy, struct rpc_proxied *ret_answer,
                      unsigned http_status, struct bytes body, struct arena *arena,
                      struct err_detail *detail)
{
    struct bytes text = arena_copy(arena, body);
    int status =
        text.data || !body.len ? node_light_answer_read(ret_answer, text, arena) : ERR_NOMEM;
    if (status == ERR_NOMEM)
        return err_set(detail, status, "out of memory");
    return status == ERR_OK ? status : no_json(proxy, http_status, body, detail);
}

static int read_fault(const struct node_light_proxy *proxy, const struct io_http_reply *reply,
                      struct err_detail *detail)
{
    const char *why = reply->message[0] ? reply->message : io_http_fault_text(reply->fault);
    switch (reply->fault) {
    case IO_HTTP_FAULT_MEMORY:
        return err_set(detail, ERR_NOMEM, "out of memory");
    case IO_HTTP_FAULT_TOO_LARGE:
        return err_set(detail, ERR_LIMIT,
                       "the QLight server's JSON-RPC at %s answers with more than %d MiB",
                       proxy->name, NODE_LIGHT_ANSWER_MAX >> 20);
    case IO_HTTP_FAULT_STOPPED:
        return node_ends(detail);
    case IO_HTTP_FAULT_TIMEOUT:
        return no_answer(proxy, ERR_TIMEOUT, detail, why);
    default:
        return no_answer(proxy, ERR_IO, detail, why);
    }
}

/* All else changes something, which must not happen twice: it has a connection of its own. */
static bool only_reads(const char *method)
{
    return strncmp(method, "eth_get", 7) == 0;
}

static int ask_http(struct node_light_proxy *proxy, struct rpc_proxied *ret_answer,
                    const char *method, struct bytes question, const char *token,
                    struct arena *arena, struct err_detail *detail)
{
    struct io_http_caller *caller;
    struct io_http_reply reply;
    const struct io_http_field fields[] = {{"Content-Type", "application/json"},
                                           {"Accept", "application/json"},
                                           {"Quorum-PSI", proxy->psi},
                                           {"Authorization", token}};
    const struct io_http_call_options options = {
        .method = "POST",
        .url = proxy->url,
        .fields = fields,
        .field_count = BASE_COUNT(fields) - !*token,
        .body = question,
        .has_body = true,
        .own_connection = !only_reads(method),
        .connect_ms =
            proxy->timeout_ms < NODE_LIGHT_CONNECT_MS ? proxy->timeout_ms : NODE_LIGHT_CONNECT_MS,
        .total_ms = proxy->timeout_ms,
        .answer_max = NODE_LIGHT_ANSWER_MAX,
        .ends_at = &proxy->ends_at,
    };
    int status = take_caller(proxy, &caller);
    if (status != ERR_OK)
        return err_set(detail, status, "%s", err_text(status));
    status = io_http_caller_run(&reply, caller, &options);
    if (status != ERR_OK)
        err_set(detail, status, "%s: %s", proxy->name, err_text(status));
    else if (reply.fault != IO_HTTP_FAULT_NONE)
        status = read_fault(proxy, &reply, detail);
    else
        status = read_reply(proxy, ret_answer, reply.status, reply.body, arena, detail);
    give_caller(proxy, caller);
    return status;
}

/* A connection each, too. */
static int ask_other(struct node_light_proxy *proxy, struct rpc_proxied *ret_answer,
                     struct bytes question, const char *token, struct arena *arena,
                     struct err_detail *detail)
{
    struct console_client *client = NULL;
    struct err_detail why = {""};
    struct buf answer = BUF_INIT;
    const struct console_client_options options = {
        .endpoint = proxy->url,
        .name = proxy->name,
        .token = token,
        .psi = proxy->psi,
        .timeout_ms = proxy->timeout_ms,
        .answer_max = NODE_LIGHT_ANSWER_MAX,
        .ends_at = &proxy->ends_at,
    };
    int status = console_client_new(&client, &options, &why);
    if (status == ERR_OK)
        status = console_client_ask(client, &answer, question, &why);
    console_client_free(client);
    if (status == ERR_OK)
        status = read_reply(proxy, ret_answer, 200, buf_bytes(&answer), arena, detail);
    else if (status == ERR_NOMEM)
        err_set(detail, status, "out of memory");
    else if (atomic_load(&proxy->ends_at))
        status = node_ends(detail);
    else
        no_answer(proxy, status, detail, why.text);
    buf_release(&answer);
    return status;
}

int node_light_proxy_call(void *context, struct rpc_proxied *ret_answer, const char *method,
                          struct bytes params, struct arena *arena, struct err_detail *detail)
{
    struct node_light_proxy *proxy = context;
    struct buf question = BUF_INIT, token = BUF_INIT;
    if (atomic_load(&proxy->ends_at))
        return node_ends(detail);
    write_question(proxy, &question, method, params);
    if (proxy->token)
        node_light_token_get(proxy->token, &token);
    int status = buf_status(&question) ? buf_status(&question) : buf_status(&token);
    if (status != ERR_OK)
        err_set(detail, status, "out of memory");
    else if (proxy->transport == PLAIN || proxy->transport == TLS)
        status = ask_http(proxy, ret_answer, method, buf_bytes(&question), buf_text(&token), arena,
                          detail);
    else
        status =
            ask_other(proxy, ret_answer, buf_bytes(&question), buf_text(&token), arena, detail);
    if (token.len)
        mem_wipe(token.data, token.len);
    if (question.len) /* passwords may be in it */
        mem_wipe(question.data, question.len);
    buf_release(&token);
    buf_release(&question);
    return status;
}
