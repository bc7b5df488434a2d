#include "p2p/discv4/record.h"

#include "crypto/keccak.h"
#include "rlp/rlp.h"

/* The pairs that are understood, as they stand in the record. */
struct pairs {
    struct bytes id, ip, ip6, tcp, udp, key, eth;
};

static struct bytes string_of(struct bytes raw)
{
    struct rlp_reader r;
    rlp_reader_init(&r, raw);
    struct bytes value = rlp_read_bytes(&r, "value");
    return rlp_ok(&r) ? value : bytes_none();
}

static uint16_t port_of(struct bytes raw)
{
    struct rlp_reader r;
    rlp_reader_init(&r, raw);
    uint64_t port = rlp_read_u64(&r, "port");
    return rlp_ok(&r) && port <= UINT16_MAX ? (uint16_t)port : 0;
}

static enum p2p_record_status read_pairs(struct rlp_reader *r, struct pairs *pairs)
{
    const struct {
        const char *name;
        struct bytes *value;
    } known[] = {{"id", &pairs->id},   {"ip", &pairs->ip},   {"ip6", &pairs->ip6},
                 {"tcp", &pairs->tcp}, {"udp", &pairs->udp}, {"secp256k1", &pairs->key},
                 {"eth", &pairs->eth}};
    struct bytes before = bytes_none();
    bool first = true;
    while (rlp_more(r)) {
        struct bytes name = rlp_read_bytes(r, "key"), value = rlp_read_raw(r, "value");
        if (!rlp_ok(r))
            return P2P_RECORD_MALFORMED;
        if (!first && bytes_compare(before, name) >= 0)
            return P2P_RECORD_NOT_SORTED;
        first = false;
        before = name;
        for (size_t i = 0; i < BASE_COUNT(known); i++) {
            if (bytes_equal(name, bytes_str(known[i].name)))
                *known[i].value = value;
        }
    }
    return P2P_RECORD_OK;
}

static void take_ip(struct p2p_enode *node, const struct pairs *pairs)
{
    struct bytes ip = string_of(pairs->ip), ip6 = string_of(pairs->ip6);
    struct bytes chosen = ip.len == 4 ? ip : ip6.len == 16 ? ip6 : bytes_none();
    node->ip.ip_len = (uint8_t)chosen.len;
    if (chosen.len)
        memcpy(node->ip.ip, chosen.data, chosen.len);
    node->tcp = port_of(pairs->tcp);
    node->udp = port_of(pairs->udp);
}

enum p2p_record_status p2p_record_decode(struct p2p_record *ret_record, struct bytes input)
{
    struct p2p_record record = {0};
    struct pairs pairs = {0};
    struct rlp_reader r;
    if (input.len > P2P_RECORD_MAX)
        return P2P_RECORD_TOO_BIG;
    rlp_reader_init(&r, input);
    rlp_enter(&r, "record");
    struct bytes signature = rlp_read_bytes(&r, "signature");
    struct bytes content = bytes_of(r.at, rlp_left(&r));
    record.sequence = rlp_read_u64(&r, "sequence");
    if (!rlp_ok(&r))
        return P2P_RECORD_MALFORMED;
    enum p2p_record_status status = read_pairs(&r, &pairs);
    rlp_leave(&r, "record");
    if (status == P2P_RECORD_OK && rlp_finish(&r, NULL, "record") < 0)
        status = P2P_RECORD_MALFORMED;
    if (status != P2P_RECORD_OK)
        return status;
    if (!bytes_equal(string_of(pairs.id), bytes_str("v4")))
        return P2P_RECORD_UNKNOWN_SCHEME;
    struct crypto_public_key key;
    struct bytes compressed = string_of(pairs.key);
    if (compressed.len != 33 || !crypto_public_key_parse(&key, compressed))
        return P2P_RECORD_BAD_KEY;
    uint8_t head[RLP_HEADER_MAX];
    struct crypto_keccak256 k;
    struct hash256 hash;
    crypto_keccak256_init(&k);
    crypto_keccak256_update(
        &k, bytes_of(head, (size_t)(rlp_put_list_header(head, content.len) - head)));
    crypto_keccak256_update(&k, content);
    crypto_keccak256_final(&k, &hash);
    if (signature.len != 64 || !crypto_ecdsa_verify(&key, &hash, signature.data))
        return P2P_RECORD_BAD_SIGNATURE;
    p2p_enode_make(&record.node, &key, NULL, 0, 0);
    take_ip(&record.node, &pairs);
    record.eth = pairs.eth;
    *ret_record = record;
    return P2P_RECORD_OK;
}

static void write_pair(struct buf *out, const char *name, struct bytes value)
{
    rlp_write_bytes(out, bytes_str(name));
    rlp_write_bytes(out, value);
}

static void write_port(struct buf *out, const char *name, uint16_t port)
{
    if (port) {
        rlp_write_bytes(out, bytes_str(name));
        rlp_write_u64(out, port);
    }
}

int p2p_record_encode(struct buf *out, const struct p2p_record *record,
                      const struct crypto_private_key *key)
{
    struct crypto_public_key public_key;
    struct crypto_signature signature;
    struct hash256 hash;
    uint8_t compressed[33];
    if (!crypto_public_key_of(&public_key, key))
        return ERR_INPUT;
    crypto_public_key_compress(compressed, &public_key);
    struct buf content = BUF_INIT;
    const struct p2p_enode *node = &record->node;
    size_t list = rlp_begin(&content);
    size_t header = content.len;
    rlp_write_u64(&content, record->sequence);
    if (record->eth.len) {
        rlp_write_bytes(&content, bytes_str("eth"));
        rlp_write_raw(&content, record->eth);
    }
    write_pair(&content, "id", bytes_str("v4"));
    if (node->ip.ip_len)
        write_pair(&content, node->ip.ip_len == 4 ? "ip" : "ip6",
                   bytes_of(node->ip.ip, node->ip.ip_len));
    write_pair(&content, "secp256k1", bytes_of(compressed, sizeof(compressed)));
    write_port(&content, "tcp", node->tcp);
    write_port(&content, "udp", node->udp);
    size_t items = content.len - header;
    rlp_end_list(&content, list);
    int status = buf_status(&content);
    if (status == 0) {
        crypto_keccak256(&hash, buf_bytes(&content));
        if (!crypto_ecdsa_sign(&signature, &hash, key))
            status = ERR_INPUT;
    }
    if (status == 0 && rlp_size_list(66 + items) > P2P_RECORD_MAX)
        status = ERR_LIMIT;
    if (status == 0) {
        size_t record_list = rlp_begin(out);
        rlp_write_bytes(out, bytes_of(signature.rs, 64));
        buf_append(out, content.data + content.len - items, items);
        rlp_end_list(out, record_list);
        status = buf_status(out);
    }
    buf_release(&content);
    return status;
}

void p2p_record_format(char ret_text[P2P_RECORD_TEXT], struct bytes record)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *at = ret_text;
    assert(record.len <= P2P_RECORD_MAX);
    memcpy(at, "enr:", 4);
    at += 4;
    for (size_t i = 0; i < record.len; i += 3) {
        size_t left = record.len - i;
        uint32_t three = (uint32_t)record.data[i] << 16;
        three |= left > 1 ? (uint32_t)record.data[i + 1] << 8 : 0;
        three |= left > 2 ? record.data[i + 2] : 0;
        for (size_t d = 0; d < (left > 2 ? 4 : left + 1); d++)
            *at++ = digits[three >> (18 - 6 * d) & 63];
    }
    *at = 0;
}
