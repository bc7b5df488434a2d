#include "tmproto/payload.h"

#include "crypto/sha3.h"
#include "tmproto/reader.h"

enum tmproto_privacy tmproto_privacy_from(uint64_t flag)
{
    return flag <= TMPROTO_PRIVATE_STATE_VALIDATION ? (enum tmproto_privacy)flag
                                                    : TMPROTO_STANDARD_PRIVATE;
}

static const char *const codec_names[] = {
#define X(name, text) [TMPROTO_##name] = text,
    TMPROTO_CODEC_LIST(X)
#undef X
};

const char *tmproto_codec_name(enum tmproto_codec codec)
{
    return codec_names[codec];
}

bool tmproto_codec_parse(enum tmproto_codec *ret_codec, struct bytes name)
{
    for (size_t i = 0; i < BASE_COUNT(codec_names); i++)
        if (bytes_equal(name, bytes_str(codec_names[i]))) {
            *ret_codec = (enum tmproto_codec)i;
            return true;
        }
    return false;
}

/* The two rules that Tessera's builder checks. */
static int check_fields(const struct tmproto_payload *p, struct err_detail *detail)
{
    if ((p->privacy == TMPROTO_PRIVATE_STATE_VALIDATION) != (p->exec_hash.len > 0))
        return err_set(detail, ERR_INPUT, "ExecutionHash data is invalid");
    if ((p->privacy == TMPROTO_MANDATORY_RECIPIENTS) != (p->mandatory.count > 0))
        return err_set(detail, ERR_INPUT, "Mandatory Recipients data is invalid");
    return 0;
}

static void read_affected(struct tmproto_reader *r, struct tmproto_payload *p)
{
    uint64_t count = tmproto_read_count(r, 2 * sizeof(uint64_t), "affectedContractTransactions");
    struct tmproto_affected *affected =
        count ? tmproto_read_room(r, count, sizeof(*affected)) : NULL;
    if (!affected)
        return;
    for (uint64_t i = 0; i < count; i++) {
        affected[i].hash = tmproto_read_field(r, "affectedContractTransactions");
        affected[i].security_hash = tmproto_read_field(r, "affectedContractTransactions");
    }
    p->affected = affected;
    p->affected_count = count;
}

/* What Tessera from 1.0 on puts behind the recipients. */
static void read_metadata(struct tmproto_reader *r, struct tmproto_payload *p)
{
    struct bytes flag = tmproto_read_field(r, "privacyMode");
    if (r->status == 0 && flag.len == 0) {
        r->status = ERR_INPUT;
        r->what = "privacyMode";
        return;
    }
    p->privacy = flag.len ? tmproto_privacy_from(flag.data[0]) : TMPROTO_STANDARD_PRIVATE;
    read_affected(r, p);
    if (p->privacy == TMPROTO_PRIVATE_STATE_VALIDATION && tmproto_reader_more(r))
        p->exec_hash = tmproto_read_field(r, "executionHash");
    if (p->privacy == TMPROTO_MANDATORY_RECIPIENTS && tmproto_reader_more(r))
        p->mandatory = tmproto_read_array(r, "mandatoryRecipients");
    if (tmproto_reader_more(r))
        p->group = tmproto_read_field(r, "privacyGroupId");
}

static int decode_legacy(struct tmproto_payload *ret_payload, struct arena *arena,
                         struct bytes data, struct err_detail *detail)
{
    struct tmproto_reader r;
    struct tmproto_payload p = {0};
    tmproto_reader_init(&r, arena, data);
    p.sender = tmproto_read_field(&r, "senderKey");
    p.cipher_text = tmproto_read_field(&r, "cipherText");
    p.nonce = tmproto_read_field(&r, "cipherTextNonce");
    p.boxes = tmproto_read_array(&r, "recipientBoxes");
    p.recipient_nonce = tmproto_read_field(&r, "recipientNonce");
    if (tmproto_reader_more(&r))
        p.recipients = tmproto_read_array(&r, "recipientKeys");
    if (tmproto_reader_more(&r))
        read_metadata(&r, &p);
    int status = tmproto_reader_end(&r, detail);
    if (status == 0)
        *ret_payload = p;
    return status;
}

int tmproto_payload_decode(struct tmproto_payload *ret_payload, struct arena *arena,
                           enum tmproto_codec codec, struct bytes data, struct err_detail *detail)
{
    struct tmproto_payload payload;
    if (data.len > TMPROTO_PAYLOAD_MAX)
        return err_set(detail, ERR_LIMIT, "a payload of %zu bytes; at most %d are taken", data.len,
                       TMPROTO_PAYLOAD_MAX);
    int status = codec == TMPROTO_CBOR ? tmproto_cbor_decode(&payload, arena, data, detail)
                                       : decode_legacy(&payload, arena, data, detail);
    if (status == 0)
        status = check_fields(&payload, detail);
    if (status == 0)
        *ret_payload = payload;
    return status;
}

static size_t list_size(struct tmproto_list list)
{
    size_t size = sizeof(uint64_t);
    for (size_t i = 0; i < list.count; i++)
        size += sizeof(uint64_t) + list.items[i].len;
    return size;
}

size_t tmproto_payload_size(const struct tmproto_payload *p)
{
    size_t size = 4 * sizeof(uint64_t) + p->sender.len + p->cipher_text.len + p->nonce.len +
                  p->recipient_nonce.len + list_size(p->boxes) + list_size(p->recipients) +
                  sizeof(uint64_t) + 1 + sizeof(uint64_t);
    for (size_t i = 0; i < p->affected_count; i++)
        size += 2 * sizeof(uint64_t) + p->affected[i].hash.len + p->affected[i].security_hash.len;
    if (p->exec_hash.len)
        size += sizeof(uint64_t) + p->exec_hash.len;
    if (p->mandatory.count)
        size += list_size(p->mandatory);
    if (p->group.len)
        size += sizeof(uint64_t) + p->group.len;
    return size;
}

static void encode_legacy(struct buf *b, const struct tmproto_payload *p,
                          enum tmproto_extent extent)
{
    uint8_t flag = (uint8_t)p->privacy;
    if (buf_reserve(b, tmproto_payload_size(p)) < 0)
        return;
    tmproto_write_field(b, p->sender);
    tmproto_write_field(b, p->cipher_text);
    tmproto_write_field(b, p->nonce);
    tmproto_write_array(b, p->boxes);
    tmproto_write_field(b, p->recipient_nonce);
    if (extent == TMPROTO_EXTENT_BOXES)
        return;
    tmproto_write_array(b, p->recipients);
    if (extent == TMPROTO_EXTENT_RECIPIENTS)
        return;
    tmproto_write_field(b, bytes_of(&flag, 1));
    tmproto_write_count(b, p->affected_count);
    for (size_t i = 0; i < p->affected_count; i++) {
        tmproto_write_field(b, p->affected[i].hash);
        tmproto_write_field(b, p->affected[i].security_hash);
    }
    if (p->exec_hash.len)
        tmproto_write_field(b, p->exec_hash);
    if (p->mandatory.count)
        tmproto_write_array(b, p->mandatory);
    if (p->group.len)
        tmproto_write_field(b, p->group);
}

void tmproto_payload_encode(struct buf *b, const struct tmproto_payload *payload,
                            enum tmproto_codec codec, enum tmproto_extent extent)
{
    if (codec == TMPROTO_CBOR)
        tmproto_cbor_encode(b, payload);
    else
        encode_legacy(b, payload, extent);
}

void tmproto_payload_hash(uint8_t ret_hash[TMPROTO_HASH_SIZE], struct bytes cipher_text)
{
    crypto_sha3_512(ret_hash, &cipher_text, 1);
}

void tmproto_payload_hash_many(uint8_t (*ret_hashes)[TMPROTO_HASH_SIZE],
                               const struct bytes *cipher_texts, size_t count)
{
    crypto_sha3_512_many(ret_hashes, cipher_texts, count);
}

int tmproto_payload_cipher_text(struct bytes *ret_cipher_text, struct bytes legacy)
{
    struct tmproto_reader r;
    tmproto_reader_init(&r, NULL, legacy);
    (void)tmproto_read_field(&r, "senderKey");
    struct bytes cipher_text = tmproto_read_field(&r, "cipherText");
    if (r.status == 0)
        *ret_cipher_text = cipher_text;
    return r.status;
}

size_t tmproto_list_find(struct tmproto_list list, struct bytes key)
{
    for (size_t i = 0; i < list.count; i++)
        if (bytes_equal(list.items[i], key))
            return i;
    return SIZE_MAX;
}

int tmproto_payload_for(struct tmproto_payload *ret_payload, struct arena *arena,
                        const struct tmproto_payload *payload, struct bytes recipient)
{
    struct tmproto_list all = payload->recipients;
    size_t at = tmproto_list_find(all, recipient);
    if (at >= payload->boxes.count)
        return ERR_NOTFOUND;
    struct tmproto_payload p = *payload;
    p.boxes = (struct tmproto_list){&payload->boxes.items[at], 1};
    p.recipients = (struct tmproto_list){&all.items[at], 1};
    if (p.privacy == TMPROTO_PRIVATE_STATE_VALIDATION && all.count > 1) {
        struct bytes *keys = arena_alloc(arena, all.count * sizeof(*keys));
        if (!keys)
            return ERR_NOMEM;
        keys[0] = all.items[at];
        memcpy(&keys[1], all.items, at * sizeof(*keys));
        memcpy(&keys[at + 1], &all.items[at + 1], (all.count - at - 1) * sizeof(*keys));
        p.recipients = (struct tmproto_list){keys, all.count};
    }
    *ret_payload = p;
    return 0;
}
