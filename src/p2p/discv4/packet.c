#include "p2p/discv4/packet.h"

#include "crypto/keccak.h"
#include "rlp/rlp.h"

/* ---- decoding ---- */

static uint16_t read_port(struct rlp_reader *r, const char *name)
{
    uint64_t port = rlp_read_u64(r, name);
    if (port > UINT16_MAX)
        rlp_fail(r, RLP_OVERFLOW, name);
    return (uint16_t)port;
}

static void read_endpoint_fields(struct rlp_reader *r, struct p2p_endpoint *endpoint)
{
    struct bytes ip = rlp_read_bytes(r, "ip");
    endpoint->ip = (struct io_address){0};
    if (ip.len == 4 || ip.len == 16) {
        endpoint->ip.ip_len = (uint8_t)ip.len;
        memcpy(endpoint->ip.ip, ip.data, ip.len);
    }
    endpoint->udp = read_port(r, "udp");
    endpoint->tcp = read_port(r, "tcp");
}

static void read_endpoint(struct rlp_reader *r, struct p2p_endpoint *endpoint)
{
    rlp_enter(r, "endpoint");
    read_endpoint_fields(r, endpoint);
    rlp_leave(r, "endpoint");
}

static void read_neighbors(struct rlp_reader *r, struct p2p_packet *p)
{
    rlp_enter(r, "nodes");
    while (rlp_more(r)) {
        struct p2p_neighbor node;
        rlp_enter(r, "node");
        read_endpoint_fields(r, &node.endpoint);
        rlp_read_fixed(r, node.key.b, sizeof(node.key.b), "key");
        rlp_leave(r, "node");
        if (rlp_ok(r) && p->node_count < P2P_NEIGHBORS_TAKEN)
            p->nodes[p->node_count++] = node;
    }
    rlp_leave(r, "nodes");
}

/* The first field behind the known ones, when it is an integer; something else is for later versions. */
static uint64_t read_sequence(struct rlp_reader *r)
{
    struct rlp_reader ahead = *r;
    uint64_t sequence = rlp_more(r) ? rlp_read_u64(&ahead, "sequence") : 0;
    return rlp_ok(&ahead) ? sequence : 0;
}

static bool read_body(struct p2p_packet *p, struct bytes body)
{
    struct rlp_reader r;
    rlp_reader_init(&r, body);
    rlp_enter(&r, "packet");
    switch (p->type) {
    case P2P_PACKET_PING:
        p->version = rlp_read_u64(&r, "version");
        read_endpoint(&r, &p->from);
        read_endpoint(&r, &p->to);
        break;
    case P2P_PACKET_PONG:
        read_endpoint(&r, &p->to);
        p->reply_to = rlp_read_hash(&r, "reply token");
        break;
    case P2P_PACKET_FINDNODE:
        rlp_read_fixed(&r, p->target.b, sizeof(p->target.b), "target");
        break;
    case P2P_PACKET_NEIGHBORS:
        read_neighbors(&r, p);
        break;
    case P2P_PACKET_ENR_REQUEST:
        break;
    case P2P_PACKET_ENR_RESPONSE:
        p->reply_to = rlp_read_hash(&r, "reply token");
        p->record = rlp_read_raw(&r, "record");
        return rlp_ok(&r);
    }
    p->expiration = rlp_read_u64(&r, "expiration");
    if (p->type == P2P_PACKET_PING || p->type == P2P_PACKET_PONG)
        p->sequence = read_sequence(&r);
    return rlp_ok(&r);
}

enum p2p_packet_status p2p_packet_decode(struct p2p_packet *ret_packet, struct bytes input)
{
    if (input.len <= P2P_PACKET_HEAD || input.len > P2P_PACKET_MAX)
        return P2P_PACKET_BAD_SIZE;
    struct p2p_packet *p = ret_packet;
    struct hash256 hash, content_hash;
    crypto_keccak256(&hash, bytes_slice(input, 32, input.len - 32));
    if (memcmp(hash.b, input.data, 32) != 0)
        return P2P_PACKET_BAD_HASH;
    uint8_t type = input.data[P2P_PACKET_HEAD];
    if (type < P2P_PACKET_PING || type > P2P_PACKET_ENR_RESPONSE)
        return P2P_PACKET_UNKNOWN;
    *p = (struct p2p_packet){.type = (enum p2p_packet_type)type, .hash = hash};
    /* Reading is cheap beside the signature. */
    if (!read_body(p, bytes_slice(input, P2P_PACKET_HEAD + 1, input.len - P2P_PACKET_HEAD - 1)))
        return P2P_PACKET_MALFORMED;
    crypto_keccak256(&content_hash,
                     bytes_slice(input, P2P_PACKET_HEAD, input.len - P2P_PACKET_HEAD));
    if (!crypto_recover(&p->sender, &content_hash, input.data + 32, input.data[96]))
        return P2P_PACKET_BAD_SIGNATURE;
    return P2P_PACKET_OK;
}

/* ---- encoding ---- */

static void write_endpoint_fields(struct buf *out, const struct p2p_endpoint *endpoint)
{
    rlp_write_bytes(out, bytes_of(endpoint->ip.ip, endpoint->ip.ip_len));
    rlp_write_u64(out, endpoint->udp);
    rlp_write_u64(out, endpoint->tcp);
}

static void write_endpoint(struct buf *out, const struct p2p_endpoint *endpoint)
{
    size_t list = rlp_begin(out);
    write_endpoint_fields(out, endpoint);
    rlp_end_list(out, list);
}

static void write_neighbors(struct buf *out, const struct p2p_packet *p)
{
    size_t list = rlp_begin(out);
    for (size_t i = 0; i < p->node_count; i++) {
        size_t node = rlp_begin(out);
        write_endpoint_fields(out, &p->nodes[i].endpoint);
        rlp_write_bytes(out, bytes_of(p->nodes[i].key.b, sizeof(p->nodes[i].key.b)));
        rlp_end_list(out, node);
    }
    rlp_end_list(out, list);
}

static void write_body(struct buf *out, const struct p2p_packet *p)
{
    size_t list = rlp_begin(out);
    switch (p->type) {
    case P2P_PACKET_PING:
        rlp_write_u64(out, p->version);
        write_endpoint(out, &p->from);
        write_endpoint(out, &p->to);
        break;
    case P2P_PACKET_PONG:
        write_endpoint(out, &p->to);
        rlp_write_hash(out, &p->reply_to);
        break;
    case P2P_PACKET_FINDNODE:
        rlp_write_bytes(out, bytes_of(p->target.b, sizeof(p->target.b)));
        break;
    case P2P_PACKET_NEIGHBORS:
        write_neighbors(out, p);
        break;
    case P2P_PACKET_ENR_REQUEST:
        break;
    case P2P_PACKET_ENR_RESPONSE:
        rlp_write_hash(out, &p->reply_to);
        rlp_write_raw(out, p->record);
        break;
    }
    if (p->type != P2P_PACKET_ENR_RESPONSE)
        rlp_write_u64(out, p->expiration);
    if (p->type == P2P_PACKET_PING || p->type == P2P_PACKET_PONG)
        rlp_write_u64(out, p->sequence);
    rlp_end_list(out, list);
}

int p2p_packet_encode(struct buf *out, const struct p2p_packet *packet,
                      const struct crypto_private_key *key, struct hash256 *ret_hash)
{
    assert(packet->node_count <= P2P_NEIGHBORS_MAX);
    size_t from = out->len;
    struct hash256 content_hash;
    struct crypto_signature signature;
    if (!buf_extend(out, P2P_PACKET_HEAD))
        return ERR_NOMEM;
    buf_append_byte(out, (uint8_t)packet->type);
    write_body(out, packet);
    if (buf_status(out) < 0)
        return ERR_NOMEM;
    uint8_t *at = out->data + from;
    size_t len = out->len - from;
    crypto_keccak256(&content_hash, bytes_of(at + P2P_PACKET_HEAD, len - P2P_PACKET_HEAD));
    if (!crypto_ecdsa_sign(&signature, &content_hash, key))
        return ERR_INPUT;
    memcpy(at + 32, signature.rs, 64);
    at[96] = signature.recovery_id;
    crypto_keccak256(ret_hash, bytes_of(at + 32, len - 32));
    memcpy(at, ret_hash->b, 32);
    return 0;
}
