#include "node/servers/jwks.h"

#include "base/mem.h"
#include "io/http_client.h"
#include "io/timer.h"
#include "node/log/log.h"
#include "rpc/access/token_key.h"

#include <stdio.h>
#include <string.h>

struct node_jwks {
    struct io_loop *loop;
    struct io_http_client *client;
    struct io_tls *tls;
    struct rpc_tokens *tokens;
    struct io_timer timer;
    struct buf url;
    uint64_t begun, fetched; /* by io_loop_now: the last fetch, and the last that went well */
    bool under_way, has_keys, failing;
};

bool node_jwks_is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

static void fetch(void *context);

/* --- What came of it --- */

static void failed(struct node_jwks *jwks, const char *why, const char *more)
{
    bool old = jwks->has_keys && io_loop_now(jwks->loop) - jwks->fetched >= NODE_JWKS_KEPT_MS;
    if (!jwks->failing || old) /* once, not with each attempt */
        NODE_LOG(NODE_LOG_WARN, "The keys of access tokens cannot be fetched",
                 node_text("url", buf_text(&jwks->url)), node_text("reason", why),
                 node_text("detail", more),
                 node_text("keys", old              ? "too old now, no token is good"
                                   : jwks->has_keys ? "those from before"
                                                    : "none, no token is good"));
    if (old) {
        rpc_tokens_forget_keys(jwks->tokens);
        jwks->has_keys = false;
    }
    jwks->failing = true;
    io_timer_start(&jwks->timer, NODE_JWKS_RETRY_MS);
}

static void done(void *context, const struct io_http_reply *reply)
{
    struct node_jwks *jwks = context;
    struct err_detail detail = {{0}};
    char status[32];
    jwks->under_way = false;
    if (reply->fault) {
        failed(jwks, io_http_fault_text(reply->fault), reply->message);
        return;
    }
    if (reply->status != 200) {
        snprintf(status, sizeof(status), "status %u", reply->status);
        failed(jwks, "the answer is no key set", status);
        return;
    }
    if (rpc_tokens_set_keys(jwks->tokens, reply->body, &detail)) {
        failed(jwks, "the answer is no key set", detail.text);
        return;
    }
    if (!jwks->has_keys || jwks->failing)
        NODE_LOG(NODE_LOG_INFO, "Fetched the keys of access tokens",
                 node_text("url", buf_text(&jwks->url)));
    jwks->has_keys = true;
    jwks->failing = false;
    jwks->fetched = io_loop_now(jwks->loop);
    io_timer_start(&jwks->timer, NODE_JWKS_REFRESH_MS);
}

static void fetch(void *context)
{
    struct node_jwks *jwks = context;
    static const struct io_http_field fields[] = {{"Accept", "application/json"}};
    const struct io_http_call_options options = {
        .method = "GET",
        .url = buf_text(&jwks->url),
        .fields = fields,
        .field_count = BASE_COUNT(fields),
        .total_ms = NODE_JWKS_TIMEOUT_MS,
        .answer_max = RPC_JWKS_MAX,
    };
    jwks->begun = io_loop_now(jwks->loop);
    int status = io_http_call(NULL, jwks->client, &options, done, jwks);
    if (status)
        failed(jwks, "no request", err_text(status));
    else
        jwks->under_way = true;
}

/* --- Life --- */

void node_jwks_missing(void *context)
{
    struct node_jwks *jwks = context;
    if (jwks->under_way || !jwks->tokens)
        return;
    uint64_t since = io_loop_now(jwks->loop) - jwks->begun;
    io_timer_start(&jwks->timer, since < NODE_JWKS_RETRY_MS ? NODE_JWKS_RETRY_MS - since : 0);
}

int node_jwks_new(struct node_jwks **ret_jwks, struct io_loop *loop, const char *url,
                  struct bytes authorities, struct err_detail *detail)
{
    struct node_jwks *jwks = mem_alloc_zeroed(1, sizeof(*jwks));
    if (!jwks)
        return err_set(detail, ERR_NOMEM, "%s: out of memory", url);
    jwks->loop = loop;
    buf_init(&jwks->url);
    buf_append_text(&jwks->url, url);
    io_timer_init(&jwks->timer, loop, fetch, jwks);
    const struct io_tls_options tls = {.authorities = authorities};
    int status = buf_status(&jwks->url);
    if (status == ERR_OK && authorities.len)
        status = io_tls_new(&jwks->tls, &tls, detail);
    const struct io_http_client_options options = {
        .connections_max = 1, .host_connections_max = 1, .tls = jwks->tls};
    if (status == ERR_OK)
        status = io_http_client_new(&jwks->client, loop, &options);
    if (status != ERR_OK) {
        node_jwks_free(jwks);
        return err_prefix(detail, status, "%s", url);
    }
    *ret_jwks = jwks;
    return ERR_OK;
}

void node_jwks_start(struct node_jwks *jwks, struct rpc_tokens *tokens)
{
    jwks->tokens = tokens;
    if (strncmp(buf_text(&jwks->url), "http://", 7) == 0)
        NODE_LOG(NODE_LOG_WARN,
                 "The keys of access tokens come without TLS: whoever is between can make tokens",
                 node_text("url", buf_text(&jwks->url)));
    fetch(jwks);
}

void node_jwks_free(struct node_jwks *jwks)
{
    if (!jwks)
        return;
    io_timer_stop(&jwks->timer);
    io_http_client_free(jwks->client);
    io_tls_free(jwks->tls);
    buf_release(&jwks->url);
    mem_free(jwks);
}
