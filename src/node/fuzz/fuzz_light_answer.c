/* What a QLight client's server answers by JSON-RPC: any bytes are an answer or are not, and what is read of them lies in them. */
#include "base/fuzz/fuzz.h"
#include "node/light/answer.h"
#include "node/light/payloads.h"
#include "rpc/json/json.h"

static void within(struct bytes part, struct bytes all)
{
    struct bytes value;
    require(part.data >= all.data && part.data + part.len <= all.data + all.len);
    require(rpc_json_first(&value, part) == RPC_JSON_VALUE && value.len == part.len);
}

/* As a payload; what it becomes is JSON that `privacy` reads or refuses. */
static void read_payload(struct bytes result, struct arena *arena)
{
    struct node_light_payload said;
    struct chain_payload payload;
    struct buf json = BUF_INIT;
    struct bytes value;
    int err = 0, status = node_light_payload_read(&json, &said, result, arena);
    require(status == ERR_OK || status == ERR_INPUT);
    if (status == ERR_OK && said.is_party) {
        require(rpc_json_first(&value, buf_bytes(&json)) == RPC_JSON_VALUE &&
                value.len == json.len);
        if (privacy_parse_payload(&payload, buf_bytes(&json), arena, &err))
            require(payload.is_party && payload.data.len <= result.len / 2);
    }
    buf_release(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rpc_proxied answer;
    struct arena arena;
    arena_init(&arena);
    int status = node_light_answer_read(&answer, bytes_of(data, size), &arena);
    require(status == ERR_OK || status == ERR_INPUT);
    if (status == ERR_OK && !answer.is_error)
        within(answer.result, bytes_of(data, size));
    if (status == ERR_OK && !answer.is_error)
        read_payload(answer.result, &arena);
    if (status == ERR_OK && answer.is_error) {
        require(answer.message.len <= size);
        if (answer.data.len)
            within(answer.data, bytes_of(data, size));
    }
    arena_release(&arena);
    return 0;
}
