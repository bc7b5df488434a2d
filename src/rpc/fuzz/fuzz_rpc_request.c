/*
 * Any bytes as a message to a node with a chain of one block and a pool, over a connection that can be told things, and as the
 * parameters of every method in the table but the two that write and read files (admin is therefore not open to the bytes as a
 * message). Servers are started and stopped in name alone. The answer is always JSON, a line, and nothing is left under way.
 */
#include "base/fuzz/fuzz.h"
#include "rpc/backend/servers.h"
#include "rpc/fuzz/world.h"
#include "rpc/json/json.h"
#include "rpc/method.h"
#include "rpc/transport/session.h"

#include <stdlib.h>

static struct rpc_backend backend;
static struct rpc *rpc;

/* In place of sockets: what is asked for is whole. */
static int start_server(void *context, const struct rpc_server_wish *wish,
                        struct err_detail *detail)
{
    const char *const texts[] = {wish->host, wish->origins, wish->apis, wish->vhosts};
    bool *running = context;
    for (size_t i = 0; i < BASE_COUNT(texts); i++)
        fuzz_require(!texts[i] || strlen(texts[i]) < SIZE_MAX / 2);
    fuzz_require(wish->has_port || wish->port == 0);
    if (*running)
        return err_set(detail, ERR_BUSY, "HTTP server already running on %.100s",
                       wish->host ? wish->host : "");
    *running = true;
    return 0;
}

static void stop_server(void *context)
{
    *(bool *)context = false;
}

static bool server_runs;
static const struct rpc_servers servers = {&server_runs, start_server, start_server, stop_server,
                                           stop_server};

static int set_text(void *context, const char *text, struct err_detail *why)
{
    (void)context;
    return strlen(text) % 2 ? err_set(why, ERR_INPUT, "expect %.100s", text) : 0;
}

static void begin(void)
{
    fuzz_world_begin(&backend);
    backend.datadir = "/";
    backend.servers = &servers;
    backend.set_vmodule = backend.set_backtrace = set_text;
    fuzz_require(rpc_new(&rpc, &backend) == 0);
}

static void on_answer(void *context, struct buf *answer)
{
    *(bool *)context = true;
    if (!answer->len)
        return;
    struct bytes value;
    fuzz_require(rpc_json_first(&value, buf_bytes(answer)) == RPC_JSON_VALUE);
    fuzz_require(value.data == answer->data && value.len + 1 == answer->len &&
                 answer->data[value.len] == '\n');
}

static void on_told(void *context, struct bytes text)
{
    struct bytes value;
    (void)context;
    fuzz_require(rpc_json_first(&value, text) == RPC_JSON_VALUE);
}

static size_t nothing_unread(void *context)
{
    (void)context;
    return 0;
}

static void on_overrun(void *context)
{
    (void)context;
    abort(); /* it reads all */
}

static void ask(struct buf *message, bool is_admin)
{
    static const char open[] = "clique,debug,eth,istanbul,miner,net,personal,quorumPermission,raft,"
                               "rpc,txpool,web3";
    bool answered = false;
    struct rpc_session session;
    rpc_session_init(&session, rpc,
                     is_admin ? rpc_access_parse("admin", NULL) : rpc_access_parse(open, NULL));
    session.send = on_told;
    session.unread = nothing_unread;
    session.overrun = on_overrun;
    fuzz_require(rpc_session_ask(&session, message, on_answer, &answered) == NULL && answered);
    rpc_session_answered(&session);
    rpc_session_release(&session);
    fuzz_require(message->len == 0);
}

/* As the parameters of one method. */
static void try_method(const struct rpc_method *method, struct bytes input)
{
    struct buf message = BUF_INIT;
    bool is_admin = strncmp(method->name, "admin_", 6) == 0;
    if (strcmp(method->name, "admin_exportChain") == 0 ||
        strcmp(method->name, "admin_importChain") == 0)
        return;
    buf_append_format(&message, "{\"id\":1,\"method\":\"%s\",\"params\":", method->name);
    buf_append_bytes(&message, input);
    buf_append_text(&message, "}");
    ask(&message, is_admin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes value, input = bytes_of(data, size);
    struct buf message = BUF_INIT;
    if (!rpc)
        begin();
    buf_append_bytes(&message, input);
    ask(&message, false);
    if (rpc_json_first(&value, input) != RPC_JSON_VALUE || rpc_json_kind(value) != RPC_JSON_ARRAY)
        return 0;
    for (size_t i = 0; i < rpc_method_list_count; i++)
        for (size_t k = 0; k < rpc_method_lists[i]->count; k++)
            try_method(&rpc_method_lists[i]->methods[k], value);
    return 0;
}
