#include "deploy/local/rpc.h"

#include "base/hex.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ANSWER_MAX = 16 << 20,
    CONNECT_MS = 500,
    TOTAL_MS = 5000,
};

static int take_result(json_t **ret_result, const struct io_http_reply *reply, const char *method,
                       struct err_detail *detail)
{
    json_t *root = json_loadb((const char *)reply->body.data, reply->body.len, 0, NULL);
    const json_t *error = json_object_get(root, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    json_t *result = json_object_get(root, "result");
    int status = ERR_OK;
    if (message)
        status = err_set(detail, ERR_INPUT, "%s: %s", method, message);
    else if (!result)
        status = err_set(detail, ERR_INPUT, "%s: HTTP %u and no result", method, reply->status);
    else
        *ret_result = json_incref(result);
    json_decref(root);
    return status;
}

int deploy_rpc(json_t **ret_result, struct io_http_caller *caller, uint16_t port,
               const char *method, json_t *params, struct err_detail *detail)
{
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
    return deploy_rpc_at(ret_result, caller, url, method, params, detail);
}

int deploy_rpc_at(json_t **ret_result, struct io_http_caller *caller, const char *url,
                  const char *method, json_t *params, struct err_detail *detail)
{
    static const struct io_http_field fields[] = {{"Content-Type", "application/json"}};
    struct io_http_reply reply;
    json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method", method,
                                "params", params ? params : json_array());
    char *body = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (!body)
        return err_set(detail, ERR_NOMEM, "%s: out of memory", method);
    const struct io_http_call_options options = {.method = "POST",
                                                 .url = url,
                                                 .fields = fields,
                                                 .field_count = BASE_COUNT(fields),
                                                 .body = bytes_str(body),
                                                 .has_body = true,
                                                 .connect_ms = CONNECT_MS,
                                                 .total_ms = TOTAL_MS,
                                                 .answer_max = ANSWER_MAX};
    int status = io_http_caller_run(&reply, caller, &options);
    free(body); /* from malloc, by jansson */
    if (status != ERR_OK)
        return err_set(detail, status, "%s: %s", method, err_text(status));
    if (reply.fault != IO_HTTP_FAULT_NONE)
        return err_set(detail, ERR_NOTFOUND, "%s: %s", url, reply.message);
    return take_result(ret_result, &reply, method, detail);
}

int deploy_rpc_number(uint64_t *ret_number, struct io_http_caller *caller, uint16_t port,
                      const char *method, struct err_detail *detail)
{
    json_t *result = NULL;
    int status = deploy_rpc(&result, caller, port, method, NULL, detail);
    if (status != ERR_OK)
        return status;
    const char *text = json_string_value(result);
    if (!text || !hex_u64(text, ret_number))
        status = err_set(detail, ERR_INPUT, "%s: the answer is no number", method);
    json_decref(result);
    return status;
}
