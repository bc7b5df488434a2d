/* The first byte chooses: the rest as a datagram (0), as type and content of one that is signed (1), as a node record (2), as
 * the content of a signed one (3). What is accepted and written again says the same. Datagrams also go to a machine, which
 * has to bear them. */
#include "base/fuzz/fuzz.h"
#include "crypto/keccak.h"
#include "p2p/discv4/discovery.h"
#include "p2p/discv4/record.h"
#include "rlp/rlp.h"

static const struct crypto_private_key key = {{0, 1, 2, 3}};

static void drop(void *context, const struct io_address *to, struct bytes packet)
{
    (void)context;
    (void)to;
    require(packet.len <= P2P_PACKET_MAX);
}

static struct p2p_discovery *machine(void)
{
    static struct p2p_discovery *d;
    if (!d) {
        struct p2p_discovery_options options = {.key = {{9}}, .send = drop};
        struct crypto_public_key public_key;
        struct io_address ip = {{127, 0, 0, 1}, 4, 0};
        require(crypto_public_key_of(&public_key, &options.key));
        p2p_enode_make(&options.self, &public_key, &ip, 1, 30303);
        require(p2p_discovery_new(&d, &options) == 0);
    }
    return d;
}

static void sign_packet(struct buf *out, struct bytes content)
{
    struct hash256 hash;
    struct crypto_signature signature;
    uint8_t *at = buf_extend(out, P2P_PACKET_HEAD);
    crypto_keccak256(&hash, content);
    require(crypto_ecdsa_sign(&signature, &hash, &key));
    memcpy(at + 32, signature.rs, 64);
    at[96] = signature.recovery_id;
    buf_append_bytes(out, content);
    crypto_keccak256(&hash, bytes_of(out->data + 32, out->len - 32));
    memcpy(out->data, hash.b, 32);
}

static void try_packet(struct bytes input)
{
    static struct p2p_packet p, back;
    static uint64_t now = 1000;
    struct io_address from = {{127, 0, 0, 1}, 4, 4000};
    p2p_discovery_receive(machine(), &from, input, now++, 0);
    (void)p2p_discovery_tick(machine(), now, 0);
    if (p2p_packet_decode(&p, input) != P2P_PACKET_OK || p.node_count > P2P_NEIGHBORS_MAX)
        return;
    struct buf b = BUF_INIT;
    struct hash256 hash;
    require(p2p_packet_encode(&b, &p, &key, &hash) == 0);
    if (b.len <= P2P_PACKET_MAX) {
        require(p2p_packet_decode(&back, buf_bytes(&b)) == P2P_PACKET_OK);
        require(bytes_equal(back.record, p.record));
        back.hash = p.hash;
        back.sender = p.sender;
        back.record = p.record;
        require(memcmp(&back, &p, sizeof(p)) == 0);
    }
    buf_release(&b);
}

static void try_record(struct bytes input)
{
    struct p2p_record record;
    char text[P2P_RECORD_TEXT];
    if (input.len <= P2P_RECORD_MAX)
        p2p_record_format(text, input);
    if (p2p_record_decode(&record, input) != P2P_RECORD_OK)
        return;
    struct p2p_record back;
    struct buf b = BUF_INIT;
    int status = p2p_record_encode(&b, &record, &key);
    require(status == 0 || status == ERR_LIMIT);
    if (status == 0) {
        require(p2p_record_decode(&back, buf_bytes(&b)) == P2P_RECORD_OK);
        require(back.sequence == record.sequence && back.node.tcp == record.node.tcp &&
                back.node.udp == record.node.udp && bytes_equal(back.eth, record.eth) &&
                io_address_same_ip(&back.node.ip, &record.node.ip));
    }
    buf_release(&b);
}

/* [signature, content…] around the bytes of a list's content. */
static void sign_record(struct buf *out, struct bytes content)
{
    struct buf list = BUF_INIT;
    struct hash256 hash;
    struct crypto_signature signature;
    size_t begin = rlp_begin(&list);
    rlp_write_raw(&list, content);
    rlp_end_list(&list, begin);
    crypto_keccak256(&hash, buf_bytes(&list));
    require(crypto_ecdsa_sign(&signature, &hash, &key));
    begin = rlp_begin(out);
    rlp_write_bytes(out, bytes_of(signature.rs, 64));
    rlp_write_raw(out, content);
    rlp_end_list(out, begin);
    buf_release(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct bytes input = bytes_of(data + 1, size - 1);
    struct buf b = BUF_INIT;
    switch (data[0] % 4) {
    case 0:
        try_packet(input);
        break;
    case 1:
        sign_packet(&b, input);
        try_packet(buf_bytes(&b));
        break;
    case 2:
        try_record(input);
        break;
    case 3:
        sign_record(&b, input);
        try_record(buf_bytes(&b));
        break;
    }
    buf_release(&b);
    return 0;
}
