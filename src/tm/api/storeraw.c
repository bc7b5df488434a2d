/* /storeraw: a payload is sealed and kept until its transaction is signed, and sent then (send.c). */
#include "tm/api/request.h"

#include "base/base64.h"

struct storing {
    struct tm_request *request;
    struct bytes sender;
    uint8_t hash[TMPROTO_HASH_SIZE];
};

static void on_raw_stored(void *context, const struct tm_store_answer *a)
{
    struct storing *s = context;
    if (a->status < 0) {
        tm_fail_error(s->request, a->status, a->message);
        return;
    }
    struct buf body = BUF_INIT;
    buf_append_text(&body, "{\"key\":\"");
    base64_append(&body, bytes_of(s->hash, sizeof(s->hash)));
    buf_append_text(&body, "\"}");
    tm_answer_json(s->request, 200, &body);
}

void tm_post_storeraw(struct tm_request *request)
{
    struct tm_api *api = request->api;
    struct storing *s = arena_alloc_zeroed(&request->arena, 1, sizeof(*s));
    struct bytes data;
    struct err_detail detail = {""};
    if (!s) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return;
    }
    s->request = request;
    if (!tm_json_bytes(request, &data, "payload") || !tm_json_bytes(request, &s->sender, "from"))
        return;
    if (data.len == 0) {
        tm_fail(request, 400, "payload: is missing or empty");
        return;
    }
    if (s->sender.len == 0)
        s->sender = tm_enclave_default_key(api->options.enclave);
    struct tm_enclave_raw raw;
    int outcome = tm_enclave_encrypt_raw(api->options.enclave, &raw, &request->arena, data,
                                         s->sender, &detail);
    if (outcome < 0) {
        tm_fail_error(request, outcome, detail.text);
        return;
    }
    if (outcome != TM_ENCLAVE_DONE) {
        tm_fail_named(request, 404, "Public key ", s->sender,
                      " not found when searching for private key");
        return;
    }
    tmproto_payload_hash(s->hash, raw.cipher_text);
    struct tm_store_raw row = {.hash = bytes_of(s->hash, sizeof(s->hash)),
                               .cipher_text = raw.cipher_text,
                               .encrypted_key = raw.encrypted_key,
                               .nonce = raw.nonce,
                               .sender = raw.sender};
    int status = tm_store_put_raw(api->options.store, &row, on_raw_stored, s);
    if (status < 0)
        tm_fail_error(request, status, NULL);
}
