/* Payloads that the manager encrypts and decrypts without keeping them. */
#include "privacy/internal.h"

#include <jansson.h>

static int append(const char *text, size_t len, void *context)
{
    buf_append(context, text, len);
    return 0;
}

int privacy_encrypt(struct privacy_tm *tm, struct buf *json, const struct privacy_send *in,
                    struct err_detail *detail)
{
    static const char *const names[] = {"senderKey",      "cipherText",     "cipherTextNonce",
                                        "recipientBoxes", "recipientNonce", "recipientKeys"};
    struct buf body = BUF_INIT;
    struct privacy_answer answer = {.body = BUF_INIT};
    json_error_t error;
    if (!tm->is_tessera)
        return privacy_unsupported(detail);
    privacy_write_payload(&body, in->payload, in->from);
    buf_append_byte(&body, ',');
    privacy_write_rest(&body, in);
    int err = buf_status(&body);
    if (!err)
        err = privacy_ask_json(tm, &answer, "POST", "/encodedpayload/create", buf_bytes(&body),
                               detail);
    json_t *whole = err ? NULL
                        : json_loadb((const char *)answer.body.data, answer.body.len,
                                     JSON_DISABLE_EOF_CHECK, &error);
    if (!err && !whole)
        err =
            err_set(detail, PRIVACY_FAILED,
                    "unable to decode response body for (method:POST,path:/encodedpayload/create). "
                    "Cause: %s",
                    error.text);
    for (size_t i = 0; i < BASE_COUNT(names) && !err; i++) {
        buf_append_text(json, i ? ",\"" : "{\"");
        buf_append_text(json, names[i]);
        buf_append_text(json, "\":");
        if (json_dump_callback(json_object_get(whole, names[i]), append, json,
                               JSON_COMPACT | JSON_ENCODE_ANY))
            buf_append_text(json, "null");
    }
    if (!err) {
        buf_append_byte(json, '}');
        err = buf_status(json);
    }
    json_decref(whole);
    buf_release(&answer.body);
    buf_release(&body);
    return err;
}

int privacy_decrypt(struct privacy_tm *tm, struct chain_payload *ret_payload, struct bytes json,
                    struct arena *arena, struct err_detail *detail)
{
    struct privacy_answer answer;
    if (!tm->is_tessera)
        return privacy_unsupported(detail);
    int err = privacy_ask_json(tm, &answer, "POST", "/encodedpayload/decrypt", json, detail);
    if (!err && !privacy_parse_payload(ret_payload, buf_bytes(&answer.body), arena, &err) && !err)
        err = err_set(
            detail, PRIVACY_FAILED,
            "unable to decode response body for (method:POST,path:/encodedpayload/decrypt). "
            "Cause: it is no payload");
    buf_release(&answer.body);
    return err;
}
