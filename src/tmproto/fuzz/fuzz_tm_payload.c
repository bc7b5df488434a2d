/* Payloads in both codecs, and party information: what is accepted reads the same after it was written. The first byte
 * chooses. */
#include "base/fuzz/fuzz.h"
#include "tmproto/partyinfo.h"

static void payload(enum tmproto_codec codec, struct bytes data)
{
    struct tmproto_payload p, q;
    struct buf first = BUF_INIT, second = BUF_INIT;
    struct err_detail detail = {""};
    struct arena arena;
    arena_init(&arena);
    int status = tmproto_payload_decode(&p, &arena, codec, data, &detail);
    if (status < 0) {
        require(status == ERR_INPUT || status == ERR_LIMIT);
        require(detail.text[0]);
    } else {
        /* through the other codec and back */
        enum tmproto_codec other = codec == TMPROTO_CBOR ? TMPROTO_LEGACY : TMPROTO_CBOR;
        tmproto_payload_encode(&first, &p, other, TMPROTO_EXTENT_ALL);
        require(tmproto_payload_decode(&q, &arena, other, buf_bytes(&first), &detail) == 0);
        tmproto_payload_encode(&second, &q, other, TMPROTO_EXTENT_ALL);
        require(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
        require(bytes_equal(p.cipher_text, q.cipher_text) && p.affected_count == q.affected_count);
        if (p.recipients.count)
            require(tmproto_payload_for(&q, &arena, &p,
                                        p.recipients.items[p.recipients.count - 1]) != ERR_NOMEM);
        if (other == TMPROTO_LEGACY)
            require(first.len == tmproto_payload_size(&p));
    }
    struct bytes cipher_text;
    int found = tmproto_payload_cipher_text(&cipher_text, data);
    require(found == 0 || found == ERR_INPUT || found == ERR_LIMIT);
    if (status == 0 && codec == TMPROTO_LEGACY)
        require(found == 0 && bytes_equal(cipher_text, p.cipher_text));
    buf_release(&first);
    buf_release(&second);
    arena_release(&arena);
}

static void party_info(struct bytes data)
{
    struct tmproto_partyinfo info;
    struct buf b = BUF_INIT;
    struct arena arena;
    arena_init(&arena);
    int status = tmproto_partyinfo_decode(&info, &arena, data, NULL);
    require(status == 0 || status == ERR_INPUT || status == ERR_LIMIT);
    if (status == 0) {
        tmproto_partyinfo_encode(&b, &info);
        require(b.len <= data.len && memcmp(b.data, data.data, b.len) == 0);
    }
    buf_release(&b);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes rest = bytes_of(data + 1, size - 1);
    if (data[0] % 3 == 2)
        party_info(rest);
    else
        payload(data[0] % 3 ? TMPROTO_CBOR : TMPROTO_LEGACY, rest);
    return 0;
}
