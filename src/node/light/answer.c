#include "node/light/answer.h"

#include "rpc/json/json.h"
#include "rpc/method.h"

/* A code that is no number, or too large for one, is that of errors without any. */
static int read_code(struct bytes value)
{
    int64_t code = 0;
    size_t at = value.len && value.data[0] == '-';
    if (value.len == at || value.len > 11)
        return RPC_CODE_ERROR;
    for (size_t i = at; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return RPC_CODE_ERROR;
        code = code * 10 + (value.data[i] - '0');
    }
    return code > INT32_MAX ? RPC_CODE_ERROR : (int)(at ? -code : code);
}

static int read_error(struct rpc_proxied *ret_answer, struct bytes error, struct arena *arena)
{
    struct bytes message = rpc_json_find(error, "message");
    *ret_answer = (struct rpc_proxied){.is_error = true,
                                       .code = read_code(rpc_json_find(error, "code")),
                                       .data = rpc_json_find(error, "data")};
    if (ret_answer->data.len && rpc_json_kind(ret_answer->data) == RPC_JSON_NULL)
        ret_answer->data = bytes_none();
    if (!message.len || rpc_json_kind(message) != RPC_JSON_STRING)
        return ERR_OK;
    ret_answer->message = rpc_json_string(message, arena);
    return ret_answer->message.data ? ERR_OK : ERR_NOMEM;
}

int node_light_answer_read(struct rpc_proxied *ret_answer, struct bytes text, struct arena *arena)
{
    struct bytes value;
    *ret_answer = (struct rpc_proxied){.is_error = false};
    if (rpc_json_first(&value, text) != RPC_JSON_VALUE || rpc_json_kind(value) != RPC_JSON_OBJECT)
        return ERR_INPUT;
    struct bytes error = rpc_json_find(value, "error");
    if (error.len && rpc_json_kind(error) == RPC_JSON_OBJECT)
        return read_error(ret_answer, error, arena);
    ret_answer->result = rpc_json_find(value, "result");
    return ret_answer->result.len ? ERR_OK : ERR_INPUT;
}
