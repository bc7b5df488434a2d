#include "node/audit/note.h"

#include "base/hex.h"
#include "crypto/keccak.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static const char *const kinds[] = {
#define X(name, text) text,
    NODE_AUDIT_KIND_LIST(X)
#undef X
};
static const char *const answers[] = {
#define X(name, text) text,
    NODE_AUDIT_ANSWER_LIST(X)
#undef X
};

/* --- Writing --- */

static void write_hex(struct buf *b, const char *name, const void *data, size_t len)
{
    buf_append_format(b, ",\"%s\":\"", name);
    hex_append(b, bytes_of(data, len));
    buf_append_byte(b, '"');
}

void node_audit_write_question(struct buf *b, const struct node_audit_question *q)
{
    buf_append_format(b, "{\"id\":\"%s\",\"kind\":\"%s\",\"block\":\"0x%" PRIx64 "\"", q->id,
                      kinds[q->kind], q->block);
    write_hex(b, "blockHash", q->block_hash.b, sizeof(q->block_hash.b));
    write_hex(b, "transaction", q->transaction.b, sizeof(q->transaction.b));
    write_hex(b, "payload", q->payload.b, sizeof(q->payload.b));
    write_hex(b, "contract", q->contract.b, sizeof(q->contract.b));
    write_hex(b, "salt", q->salt, sizeof(q->salt));
    write_hex(b, "digest", q->digest.b, sizeof(q->digest.b));
    buf_append_byte(b, '}');
}

void node_audit_write_answer(struct buf *b, enum node_audit_answer answer, uint64_t head)
{
    buf_append_format(b, "{\"is\":\"%s\",\"head\":\"0x%" PRIx64 "\"}", answers[answer], head);
}

void node_audit_topic(char ret_topic[NODE_AUDIT_TOPIC_SIZE],
                      const struct node_audit_question *question)
{
    snprintf(ret_topic, NODE_AUDIT_TOPIC_SIZE, NODE_AUDIT_TOPIC "-%s", question->id);
}

/* --- Reading --- */

static bool read_hex(const json_t *object, const char *name, void *ret_data, size_t len)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text && hex_decode_exact(text, ret_data, len);
}

static bool read_number(const json_t *object, const char *name, uint64_t *ret_number)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text && hex_u64(text, ret_number);
}

/* The place of the member's text in the list; `count`: it is not in it. */
static size_t read_name(const json_t *object, const char *name, const char *const *list,
                        size_t count)
{
    const char *text = json_string_value(json_object_get(object, name));
    size_t i = 0;
    while (i < count && !(text && strcmp(text, list[i]) == 0))
        i++;
    return i;
}

static bool read_id(const json_t *object, char ret_id[NODE_AUDIT_ID + 1])
{
    uint8_t data[NODE_AUDIT_ID / 2];
    const char *text = json_string_value(json_object_get(object, "id"));
    if (!text || strlen(text) != NODE_AUDIT_ID || !hex_decode_exact(text, data, sizeof(data)))
        return false;
    hex_encode(ret_id, bytes_of(data, sizeof(data))); /* a topic has small letters */
    ret_id[NODE_AUDIT_ID] = 0;
    return true;
}

static json_t *load(struct bytes text)
{
    json_error_t error;
    return json_loadb((const char *)text.data, text.len, 0, &error);
}

bool node_audit_read_question(struct node_audit_question *ret_question, struct bytes text)
{
    struct node_audit_question q = {.block = 0};
    json_t *json = load(text);
    size_t kind = read_name(json, "kind", kinds, NODE_AUDIT_KINDS);
    bool good = kind < NODE_AUDIT_KINDS && read_id(json, q.id) &&
                read_number(json, "block", &q.block) &&
                read_hex(json, "blockHash", q.block_hash.b, sizeof(q.block_hash.b)) &&
                read_hex(json, "transaction", q.transaction.b, sizeof(q.transaction.b)) &&
                read_hex(json, "payload", q.payload.b, sizeof(q.payload.b)) &&
                read_hex(json, "contract", q.contract.b, sizeof(q.contract.b)) &&
                read_hex(json, "salt", q.salt, sizeof(q.salt)) &&
                read_hex(json, "digest", q.digest.b, sizeof(q.digest.b));
    if (good) {
        q.kind = (enum node_audit_kind)kind;
        *ret_question = q;
    }
    json_decref(json);
    return good;
}

bool node_audit_read_answer(enum node_audit_answer *ret_answer, uint64_t *ret_head,
                            struct bytes text)
{
    json_t *json = load(text);
    uint64_t head;
    size_t answer = read_name(json, "is", answers, NODE_AUDIT_ANSWERS);
    bool good = answer < NODE_AUDIT_ANSWERS && read_number(json, "head", &head);
    if (good) {
        *ret_answer = (enum node_audit_answer)answer;
        *ret_head = head;
    }
    json_decref(json);
    return good;
}

/* --- Digests --- */

static void begin(struct crypto_keccak256 *k, const struct node_audit_question *q)
{
    crypto_keccak256_init(k);
    crypto_keccak256_update(k, bytes_of(q->salt, sizeof(q->salt)));
}

void node_audit_digest_contract(struct hash256 *ret_digest,
                                const struct node_audit_question *question,
                                const struct hash256 *code_hash, const struct hash256 *storage_root)
{
    struct crypto_keccak256 k;
    begin(&k, question);
    crypto_keccak256_update(&k, bytes_of(question->contract.b, sizeof(question->contract.b)));
    crypto_keccak256_update(&k, bytes_of(code_hash->b, sizeof(code_hash->b)));
    crypto_keccak256_update(&k, bytes_of(storage_root->b, sizeof(storage_root->b)));
    crypto_keccak256_final(&k, ret_digest);
}

int node_audit_digest_transaction(struct hash256 *ret_digest,
                                  const struct node_audit_question *question, struct bytes payload,
                                  bool success, const struct eth_log *logs, size_t count)
{
    struct crypto_keccak256 k;
    struct hash256 hash;
    const uint8_t status = success;
    struct buf encoded = BUF_INIT;
    eth_logs_write(&encoded, logs, count);
    int err = buf_status(&encoded);
    if (!err) {
        begin(&k, question);
        crypto_keccak256(&hash, payload);
        crypto_keccak256_update(&k, bytes_of(hash.b, sizeof(hash.b)));
        crypto_keccak256_update(&k, bytes_of(&status, 1));
        crypto_keccak256_update(&k, buf_bytes(&encoded));
        crypto_keccak256_final(&k, ret_digest);
    }
    buf_release(&encoded);
    return err;
}
