/* Any bytes as a query in GraphQL, and as the body of a request for one, to a node with a chain of one block: the answer is JSON, and nothing is left under way. */
#include "base/fuzz/fuzz.h"
#include "rpc/dispatch/desk.h"
#include "rpc/fuzz/world.h"
#include "rpc/json/json.h"
#include "rpc/rpc.h"

static void on_answer(void *context, struct buf *answer)
{
    struct bytes value;
    *(bool *)context = true;
    fuzz_require(rpc_json_first(&value, buf_bytes(answer)) == RPC_JSON_VALUE);
    fuzz_require(value.len + 1 == answer->len);
}

static void ask(struct rpc *rpc, struct buf *body)
{
    bool answered = false;
    fuzz_require(
        rpc_ask_graphql(rpc_main_desk(rpc), rpc_access_all(), body, on_answer, &answered) == NULL &&
        answered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rpc_backend backend;
    static struct rpc *rpc;
    struct buf body = BUF_INIT;
    if (!rpc) {
        fuzz_world_begin(&backend);
        fuzz_require(rpc_new(&rpc, &backend) == 0);
    }
    buf_append_text(&body, "{\"query\":");
    rpc_json_write_string(&body, bytes_of(data, size));
    buf_append_text(&body, ",\"variables\":{\"a\":\"0x1\",\"b\":[1,{\"c\":null}],\"d\":true}}");
    ask(rpc, &body);
    buf_append(&body, data, size);
    ask(rpc, &body);
    buf_release(&body);
    return 0;
}
