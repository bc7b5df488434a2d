#include "node/light/payloads.h"

#include "base/base64.h"
#include "base/hex.h"
#include "rpc/json/json.h"

#include <stdio.h>
#include <string.h>

enum { STATUS_LEAST = 100, STATUS_MOST = 599 };

/* --- What the server says of a payload --- */

/* The bytes of a text "0x…", as base64. ERR_INPUT: it is none; ERR_NOMEM. */
static int write_bytes(struct buf *json, const char *key, struct bytes value, struct arena *arena)
{
    if (value.len < 4 || rpc_json_kind(value) != RPC_JSON_STRING || value.len % 2 ||
        memcmp(value.data, "\"0x", 3) != 0)
        return ERR_INPUT;
    size_t len = value.len / 2 - 2;
    char *text = arena_alloc(arena, value.len);
    uint8_t *data = arena_alloc(arena, len + 1);
    if (!text || !data)
        return ERR_NOMEM;
    memcpy(text, value.data + 1, value.len - 2);
    text[value.len - 2] = '\0';
    if (!hex_decode_exact(text, data, len))
        return ERR_INPUT;
    buf_append_format(json, "\"%s\":\"", key);
    base64_append(json, bytes_of(data, len));
    buf_append_byte(json, '"');
    return buf_status(json);
}

static void copy_member(struct buf *json, const char *key, struct bytes extra, const char *name)
{
    struct bytes value = rpc_json_find(extra, name);
    if (!value.len)
        return;
    buf_append_format(json, ",\"%s\":", key);
    buf_append_bytes(json, value);
}

static int write_payload(struct buf *json, struct bytes payload, struct bytes extra,
                         struct arena *arena)
{
    struct bytes root = rpc_json_find(extra, "ACMerkleRoot");
    buf_append_byte(json, '{');
    int status = write_bytes(json, "payload", payload, arena);
    if (status == ERR_OK && root.len) {
        buf_append_byte(json, ',');
        status = write_bytes(json, "execHash", root, arena);
    }
    copy_member(json, "privacyFlag", extra, "PrivacyFlag");
    copy_member(json, "senderKey", extra, "Sender");
    copy_member(json, "affectedContractTransactions", extra, "ACHashes");
    copy_member(json, "managedParties", extra, "ManagedParties");
    buf_append_byte(json, '}');
    return status == ERR_OK ? buf_status(json) : status;
}

int node_light_payload_read(struct buf *json, struct node_light_payload *ret_payload,
                            struct bytes result, struct arena *arena)
{
    *ret_payload = (struct node_light_payload){.is_party = false};
    if (rpc_json_kind(result) == RPC_JSON_NULL)
        return ERR_OK;
    struct bytes payload = rpc_json_find(result, "Payload");
    struct bytes extra = rpc_json_find(result, "ExtraMetaData");
    if (!payload.len || rpc_json_kind(payload) != RPC_JSON_STRING)
        return ERR_INPUT;
    if (payload.len == 2 || bytes_equal(payload, bytes_str("\"0x\"")))
        return ERR_OK;
    if (!extra.len || rpc_json_kind(extra) != RPC_JSON_OBJECT)
        return ERR_INPUT;
    ret_payload->is_party = true;
    ret_payload->is_sender = bytes_equal(rpc_json_find(result, "IsSender"), bytes_str("true"));
    return write_payload(json, payload, extra, arena);
}

/* --- Asking --- */

/* What a manager refused the server says as "<status> status: <text>"; anything else is no manager's answer, and nobody may take it for one. */
static int read_refusal(struct privacy_answer *ret_answer, const struct rpc_proxied *answer,
                        struct err_detail *detail)
{
    char text[32];
    unsigned status;
    int at = 0, len = answer->message.len < 2048 ? (int)answer->message.len : 2048;
    snprintf(text, sizeof(text), "%.*s", len, (const char *)answer->message.data);
    if (sscanf(text, "%3u status: %n", &status, &at) != 1 || at == 0 || status < STATUS_LEAST ||
        status > STATUS_MOST)
        return err_set(detail, PRIVACY_FAILED, "%.*s", len, (const char *)answer->message.data);
    ret_answer->status = status;
    buf_append_bytes(&ret_answer->body,
                     bytes_slice(answer->message, (size_t)at, answer->message.len - (size_t)at));
    return buf_status(&ret_answer->body);
}

static int read_result(struct privacy_answer *ret_answer, struct node_light_payload *ret_payload,
                       struct bytes result, struct arena *arena, struct err_detail *detail)
{
    int status = node_light_payload_read(&ret_answer->body, ret_payload, result, arena);
    if (status == ERR_NOMEM)
        return err_set(detail, status, "out of memory");
    if (status != ERR_OK)
        return err_set(
            detail, PRIVACY_FAILED,
            "the QLight server's answer is no payload: is "
            "--qlight.client.serverNodeRPC the URL of a node with a transaction manager?");
    ret_answer->status = ret_payload->is_party ? 200 : 404;
    return ERR_OK;
}

/* One text as parameter. */
static int ask(const struct rpc_proxy *proxy, struct privacy_answer *ret_answer,
               struct node_light_payload *ret_payload, const char *method, struct bytes data,
               struct err_detail *detail)
{
    struct arena arena;
    struct rpc_proxied answer;
    struct buf params = BUF_INIT;
    arena_init(&arena);
    buf_append_text(&params, "[\"");
    hex_append(&params, data);
    buf_append_text(&params, "\"]");
    int err = buf_status(&params);
    if (!err)
        err = proxy->call(proxy->context, &answer, method, buf_bytes(&params), &arena, detail);
    if (err)
        err = err == ERR_NOMEM ? err_set(detail, err, "out of memory") : PRIVACY_FAILED;
    else if (answer.is_error)
        err = read_refusal(ret_answer, &answer, detail);
    else
        err = read_result(ret_answer, ret_payload, answer.result, &arena, detail);
    buf_release(&params);
    arena_release(&arena);
    return err;
}

/* "/transaction/<base64, its '/' as %2F><rest>": *ret_rest. False: it is another path. */
static bool read_path(struct chain_payload_hash *ret_hash, const char **ret_rest, const char *path)
{
    static const char begin[] = "/transaction/";
    char text[96];
    uint8_t data[96];
    size_t len = 0, data_len;
    if (strncmp(path, begin, strlen(begin)) != 0)
        return false;
    const char *p = path + strlen(begin);
    for (; *p && *p != '/' && *p != '?' && len < sizeof(text); p++) {
        bool escaped = strncmp(p, "%2F", 3) == 0;
        text[len++] = escaped ? '/' : *p;
        p += escaped ? 2 : 0;
    }
    *ret_rest = p;
    if (base64_room(len) > sizeof(data) ||
        !base64_decode_into(data, &data_len, bytes_of(text, len)) ||
        data_len != sizeof(ret_hash->b))
        return false;
    memcpy(ret_hash->b, data, sizeof(ret_hash->b));
    return true;
}

static int ask_payload(const struct rpc_proxy *proxy, struct privacy_answer *ret_answer,
                       const struct chain_payload_hash *hash, bool sender_alone,
                       struct err_detail *detail)
{
    struct node_light_payload payload;
    int err = ask(proxy, ret_answer, &payload, "eth_getQuorumPayloadExtra",
                  bytes_of(hash->b, sizeof(hash->b)), detail);
    if (err || !sender_alone || ret_answer->status != 200)
        return err;
    buf_clear(&ret_answer->body);
    buf_append_text(&ret_answer->body, payload.is_sender ? "true" : "false");
    return buf_status(&ret_answer->body);
}

int node_light_exchange(void *context, struct privacy_answer *ret_answer,
                        const struct privacy_request *request, struct err_detail *detail)
{
    const struct rpc_proxy *proxy = context;
    struct chain_payload_hash hash;
    struct node_light_payload payload;
    const char *rest;
    if (strcmp(request->path, "/encodedpayload/decrypt") == 0)
        return ask(proxy, ret_answer, &payload, "eth_decryptQuorumPayload", request->body, detail);
    if (read_path(&hash, &rest, request->path)) {
        bool sender_alone = strcmp(rest, "/isSender") == 0;
        if (sender_alone || *rest == '\0' || *rest == '?')
            return ask_payload(proxy, ret_answer, &hash, sender_alone, detail);
    }
    return err_set(detail, PRIVACY_FAILED,
                   "a QLight client has no transaction manager of its own: ask its server");
}
