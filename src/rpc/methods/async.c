/*
 * eth_sendTransactionAsync (GoQuorum, internal/ethapi/api.go): answers at once with a hash of zeros, then does what eth_sendTransaction does and
 * posts what came of it to the caller's URL. A callback that fails is not tried again.
 */
#include "rpc/methods/async.h"

#include "base/mem.h"
#include "io/http_client.h"
#include "rpc/json/encode.h"
#include "rpc/json/json.h"
#include "rpc/method.h"

enum { CONNECTIONS_MAX = 16, HOST_CONNECTIONS_MAX = 4, ANSWER_MAX = 1 << 20 };

struct rpc_async_job {
    struct rpc *rpc;
    struct rpc_async_job *next, **at;
    char url[RPC_ASYNC_URL_MAX]; /* "": nobody is told */
    struct buf id;               /* the request's, as it stood there */
    struct buf body;
};

static void end(struct rpc_async_job *job)
{
    *job->at = job->next;
    if (job->next)
        job->next->at = job->at;
    rpc_async_of(job->rpc)->count--;
    buf_release(&job->id);
    buf_release(&job->body);
    mem_free(job);
}

void rpc_async_release(struct rpc_async *async)
{
    io_http_client_free(async->client);
    while (async->jobs)
        end(async->jobs);
    async->client = NULL;
}

/* --- The callback --- */

static void on_posted(void *context, const struct io_http_reply *reply)
{
    (void)reply;
    end(context);
}

static int post(struct rpc_async_job *job)
{
    static const struct io_http_field fields[] = {{"Content-Type", "application/json"}};
    struct rpc_async *async = rpc_async_of(job->rpc);
    const struct io_http_client_options options = {.connections_max = CONNECTIONS_MAX,
                                                   .host_connections_max = HOST_CONNECTIONS_MAX};
    int status =
        async->client ? 0 : io_http_client_new(&async->client, rpc_loop(job->rpc), &options);
    const struct io_http_call_options call = {.method = "POST",
                                              .url = job->url,
                                              .fields = fields,
                                              .field_count = BASE_COUNT(fields),
                                              .body = buf_bytes(&job->body),
                                              .has_body = true,
                                              .total_ms = RPC_ASYNC_MS,
                                              .answer_max = ANSWER_MAX};
    return status ? status : io_http_call(NULL, async->client, &call, on_posted, job);
}

/* What the answer says, in the callback's form. */
static void write_body(struct rpc_async_job *job, struct bytes answer)
{
    struct rpc_json_walk walk, inner;
    struct bytes key, value, name, text;
    struct buf *b = &job->body;
    buf_append_byte(b, '{');
    if (job->id.len) {
        rpc_key(b, "id");
        rpc_json_write_string(b, buf_bytes(&job->id));
    }
    rpc_json_walk_begin(&walk, answer);
    while (rpc_json_member(&walk, &key, &value)) {
        if (rpc_json_key_is(key, "result")) {
            rpc_key(b, "txHash");
            buf_append_bytes(b, value);
        } else if (rpc_json_key_is(key, "error")) {
            rpc_json_walk_begin(&inner, value);
            while (rpc_json_member(&inner, &name, &text))
                if (rpc_json_key_is(name, "message")) {
                    rpc_key(b, "error");
                    buf_append_bytes(b, text);
                }
        }
    }
    buf_append_text(b, "}\n");
}

static void on_sent(void *context, struct buf *answer)
{
    struct rpc_async_job *job = context;
    struct bytes value;
    if (*job->url && rpc_json_first(&value, buf_bytes(answer)) == RPC_JSON_VALUE)
        write_body(job, value);
    if (job->body.len == 0 || buf_status(&job->body) || post(job))
        end(job);
}

/* --- The request --- */

static bool read_url(struct rpc_call *call, char ret_url[RPC_ASYNC_URL_MAX])
{
    struct rpc_json_walk walk;
    struct bytes key, value;
    *ret_url = '\0';
    rpc_json_walk_begin(&walk, call->args[0].json);
    while (rpc_json_member(&walk, &key, &value)) {
        if (!rpc_json_key_is(key, "callbackUrl") || rpc_json_kind(value) != RPC_JSON_STRING)
            continue;
        struct bytes text = rpc_json_string(value, call->arena);
        if (!text.data || text.len >= RPC_ASYNC_URL_MAX || memchr(text.data, 0, text.len))
            return false;
        memcpy(ret_url, text.data, text.len);
        ret_url[text.len] = '\0';
    }
    return true;
}

static struct rpc_async_job *begin(struct rpc_call *call)
{
    struct rpc_async *async = rpc_async_of(call->rpc);
    struct rpc_async_job *job = mem_alloc_zeroed(1, sizeof(*job));
    if (!job)
        return NULL;
    job->rpc = call->rpc;
    buf_append_bytes(&job->id, call->id);
    job->next = async->jobs;
    job->at = &async->jobs;
    if (job->next)
        job->next->at = &job->next;
    async->jobs = job;
    async->count++;
    return job;
}

int rpc_send_behind(struct rpc_call *call)
{
    static const struct hash256 none;
    struct buf message = BUF_INIT;
    if (rpc_async_of(call->rpc)->count >= RPC_ASYNC_MAX)
        return rpc_fail(call, RPC_CODE_ERROR, "too many concurrent requests");
    struct rpc_async_job *job = begin(call);
    if (!job)
        return ERR_NOMEM;
    if (!read_url(call, job->url)) {
        end(job);
        return rpc_fail(call, RPC_CODE_ERROR, "the callbackUrl is longer than %d bytes",
                        RPC_ASYNC_URL_MAX - 1);
    }
    buf_append_text(&message, "{\"id\":1,\"method\":\"eth_sendTransaction\",\"params\":[");
    buf_append_bytes(&message, call->args[0].json);
    buf_append_text(&message, "]}");
    int status = buf_status(&message) ? ERR_NOMEM : buf_status(&job->id);
    if (status) {
        buf_release(&message);
        end(job);
        return status;
    }
    rpc_write_hash(call->out, &none);
    rpc_ask(call->rpc, rpc_access_all(), &message, on_sent, job);
    return 0;
}
