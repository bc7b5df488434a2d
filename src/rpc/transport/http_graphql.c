/* What GraphQL answers when there is nothing to run (GoQuorum, graphql/service.go): a text. */
#include "rpc/json/json.h"
#include "rpc/method.h"
#include "rpc/transport/http_rules.h"

#include <stdlib.h>

/* A member of JSON-RPC's error; len 0: there is none. */
static struct bytes member(struct bytes object, const char *name)
{
    struct rpc_json_walk walk;
    struct bytes key, value;
    rpc_json_walk_begin(&walk, object);
    while (rpc_json_member(&walk, &key, &value))
        if (rpc_json_key_is(key, name))
            return value;
    return bytes_none();
}

void rpc_http_refuse_graphql(struct io_http_request *request, struct bytes answer)
{
    struct bytes whole, text = bytes_str("out of memory");
    struct arena arena;
    int code = RPC_CODE_ERROR;
    arena_init(&arena);
    if (answer.len && rpc_json_first(&whole, answer) == RPC_JSON_VALUE &&
        rpc_json_kind(whole) == RPC_JSON_OBJECT) {
        struct bytes error = member(whole, "error");
        struct bytes message = error.len ? member(error, "message") : bytes_none();
        struct bytes number = error.len ? member(error, "code") : bytes_none();
        struct bytes plain = message.len ? rpc_json_string(message, &arena) : bytes_none();
        if (plain.data)
            text = plain;
        if (number.len)
            code = (int)strtol((const char *)number.data, NULL, 10);
    }
    struct rpc_http_fields f = {.count = 0};
    struct buf body = BUF_INIT;
    rpc_http_add(&f, "Content-Type", "text/plain; charset=utf-8");
    rpc_http_add(&f, "X-Content-Type-Options", "nosniff");
    buf_append_bytes(&body, text);
    buf_append_byte(&body, '\n');
    io_http_answer(request,
                   code == RPC_CODE_FORBIDDEN ? 403
                   : code == RPC_CODE_PARAMS  ? 400
                                              : 500,
                   f.fields, f.count, &body);
    arena_release(&arena);
}
