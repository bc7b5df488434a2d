#include "node/audit/rpc.h"

#include "base/hex.h"

#include <inttypes.h>
#include <stdio.h>

static int append(const char *text, size_t len, void *context)
{
    buf_append(context, text, len);
    return 0;
}

int node_audit_connect(struct node_audit_peer *peer, const struct node_config *config,
                       const char *endpoint)
{
    const struct console_client_options options = {
        .endpoint = endpoint,
        .token = config->rpcclitoken,
        .certificate = config->rpcclitls_cert,
        .ca_certificate = config->rpcclitls_cacert,
        .ciphers = config->rpcclitls_ciphersuites,
        .insecure = config->rpcclitls_insecureskipverify,
    };
    peer->name = endpoint;
    int status = console_client_new(&peer->client, &options, peer->detail);
    return status == ERR_OK ? status : err_prefix(peer->detail, status, "%s", endpoint);
}

json_t *node_audit_ask(struct node_audit_peer *peer, const char *method, json_t *params)
{
    struct buf answer = BUF_INIT;
    json_t *whole = NULL;
    json_error_t error;
    json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method", method,
                                "params", params);
    struct buf text = BUF_INIT;
    bool written = request && json_dump_callback(request, append, &text, JSON_COMPACT) == 0 &&
                   buf_status(&text) == 0;
    int status = written ? console_client_ask(peer->client, &answer, buf_bytes(&text), peer->detail)
                         : err_set(peer->detail, ERR_NOMEM, "out of memory");
    if (status == ERR_OK) {
        whole = json_loadb((const char *)answer.data, answer.len, 0, &error);
        if (!json_is_object(whole)) {
            json_decref(whole);
            whole = NULL;
            err_set(peer->detail, ERR_INPUT, "%s: the answer is no JSON object", method);
        }
    }
    buf_release(&text);
    json_decref(request);
    buf_release(&answer);
    return whole;
}

json_t *node_audit_result(struct node_audit_peer *peer, const char *method, json_t *params)
{
    json_t *whole = node_audit_ask(peer, method, params);
    json_t *found = json_incref(json_object_get(whole, "result"));
    const char *message =
        json_string_value(json_object_get(json_object_get(whole, "error"), "message"));
    if (whole && !found)
        err_set(peer->detail, ERR_INPUT, "%s (%s): %s", method, peer->name,
                message ? message : "no result");
    json_decref(whole);
    return found;
}

json_t *node_audit_at_block(const char *address, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "0x%" PRIx64, number);
    return json_pack("[s, s]", address, text);
}

json_t *node_audit_block_params(uint64_t number, bool whole)
{
    char text[24];
    snprintf(text, sizeof(text), "0x%" PRIx64, number);
    return json_pack("[s, b]", text, whole);
}

int node_audit_height(struct node_audit_peer *peer, uint64_t *ret_number)
{
    json_t *number = node_audit_result(peer, "eth_blockNumber", json_array());
    const char *text = json_string_value(number);
    int status = number ? ERR_OK : ERR_IO;
    if (number && (!text || !hex_u64(text, ret_number)))
        status = err_set(peer->detail, ERR_INPUT, "eth_blockNumber (%s): no number", peer->name);
    json_decref(number);
    return status;
}

json_t *node_audit_contracts(struct node_audit_peer *peer, uint64_t number)
{
    char text[24];
    const char *address;
    json_t *account, *list = json_array();
    snprintf(text, sizeof(text), "0x%" PRIx64, number);
    json_t *dump = node_audit_result(peer, "debug_dumpBlock", json_pack("[s, s]", text, "private"));
    json_object_foreach(json_object_get(dump, "accounts"), address, account)
    {
        const char *code = json_string_value(json_object_get(account, "code"));
        if (code && *code && strcmp(code, "0x") != 0)
            json_array_append_new(list, json_string(address));
    }
    if (!dump) {
        json_decref(list);
        list = NULL;
    }
    json_decref(dump);
    return list;
}

bool node_audit_is_marker(const json_t *tx)
{
    const char *to = json_string_value(json_object_get(tx, "to"));
    return to && strcmp(to, "0x000000000000000000000000000000000000007a") == 0;
}

bool node_audit_is_private(const json_t *tx)
{
    const char *v = json_string_value(json_object_get(tx, "v"));
    return (v && (strcmp(v, "0x25") == 0 || strcmp(v, "0x26") == 0)) || node_audit_is_marker(tx);
}
