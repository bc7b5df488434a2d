/* What GraphQL answers when there is nothing to run (GoQuorum, graphql/service.go): a text. */
#include "rpc/json/json.h"
#include "rpc/method.h"
#include "rpc/transport/http_rules.h"

#include <stdlib.h>

void rpc_http_refuse_graphql(struct io_http_request *request, struct bytes answer)
{
    struct bytes whole, text = bytes_str("out of memory");
    struct arena arena;
    int code = RPC_CODE_ERROR;
    arena_init(&arena);
    if (rpc_json_first(&whole, answer) == RPC_JSON_VALUE) {
        struct bytes error = rpc_json_find(whole, "error");
        struct bytes message = rpc_json_find(error, "message");
        struct bytes number = rpc_json_find(error, "code");
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
