/* Discovery: the packets of EIP-8, the record of EIP-778, a network of machines, and what hostile nodes send. */
#include "base/hex.h"
#include "crypto/keccak.h"
#include "p2p/discv4/discovery.h"
#include "p2p/discv4/record.h"
#include "rlp/rlp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *const eip8_text[] = {
#define X(name, hex) hex,
#include "p2p/test/vectors/eip8_discv4.inc"
#undef X
};

enum {
#define X(name, hex) name,
#include "p2p/test/vectors/eip8_discv4.inc"
#undef X
};

static struct crypto_private_key key_of(uint64_t number)
{
    struct crypto_private_key key = {{1}};
    memcpy(key.b + 8, &number, sizeof(number));
    return key;
}

static struct io_address ip_of(const char *text)
{
    struct io_address address;
    assert_true(io_address_parse_ip(&address, text));
    return address;
}

static void expect_ip(const struct io_address *address, const char *text)
{
    char printed[IO_ADDRESS_TEXT];
    io_address_format_ip(printed, address);
    assert_string_equal(printed, text);
}

/* ---- packets ---- */

static void eip8_packets(void **state)
{
    (void)state;
    struct crypto_private_key key;
    struct crypto_public_key sender;
    struct p2p_packet p;
    assert_true(hex_decode_exact("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291",
                                 key.b, 32));
    assert_true(crypto_public_key_of(&sender, &key));
    for (size_t i = 0; i < BASE_COUNT(eip8_text); i++) {
        struct buf b = BUF_INIT, again = BUF_INIT;
        struct hash256 hash;
        assert_int_equal(hex_decode(eip8_text[i], &b), 0);
        assert_int_equal(p2p_packet_decode(&p, buf_bytes(&b)), P2P_PACKET_OK);
        assert_memory_equal(p.sender.b, sender.b, 64);
        assert_int_equal(p.expiration, 1136239445);
        switch (i) {
        case ping1:
        case ping2:
            assert_int_equal(p.type, P2P_PACKET_PING);
            assert_int_equal(p.version, 4);
            assert_int_equal(p.sequence, i == ping2);
            expect_ip(&p.from.ip, "127.0.0.1");
            expect_ip(&p.to.ip, "::1");
            assert_int_equal(p.from.udp, 3322);
            assert_int_equal(p.from.tcp, 5544);
            assert_int_equal(p.to.tcp, 3333);
            break;
        case ping3:
            assert_int_equal(p.version, 555);
            assert_int_equal(p.sequence, 0);
            expect_ip(&p.to.ip, "2001:db8:85a3:8d3:1319:8a2e:370:7348");
            break;
        case pong1:
            assert_int_equal(p.type, P2P_PACKET_PONG);
            assert_int_equal(p.reply_to.b[0], 0xfb);
            assert_int_equal(p.to.tcp, 33338);
            break;
        case findnode1:
            assert_int_equal(p.type, P2P_PACKET_FINDNODE);
            assert_int_equal(p.target.b[0], 0xca);
            break;
        case neighbors1:
            assert_int_equal(p.node_count, 4);
            expect_ip(&p.nodes[0].endpoint.ip, "99.33.22.55");
            assert_int_equal(p.nodes[3].endpoint.udp, 999);
            assert_int_equal(p.nodes[3].key.b[63], 0x73);
            break;
        }
        /* Encoded again and decoded, it says the same. */
        struct p2p_packet back;
        assert_int_equal(p2p_packet_encode(&again, &p, &key, &hash), 0);
        assert_int_equal(p2p_packet_decode(&back, buf_bytes(&again)), P2P_PACKET_OK);
        assert_memory_equal(back.hash.b, hash.b, 32);
        back.hash = p.hash;
        assert_memory_equal(&back, &p, sizeof(p));
        buf_release(&b);
        buf_release(&again);
    }
}

static void broken_packets(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct p2p_packet p;
    assert_int_equal(hex_decode(eip8_text[neighbors1], &b), 0);
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(p2p_packet_decode(&p, bytes_of(b.data, len)),
                         len <= P2P_PACKET_HEAD ? P2P_PACKET_BAD_SIZE : P2P_PACKET_BAD_HASH);
    for (size_t i = 0; i < b.len; i += 5) {
        b.data[i] ^= 1;
        assert_int_equal(p2p_packet_decode(&p, buf_bytes(&b)), P2P_PACKET_BAD_HASH);
        b.data[i] ^= 1;
    }
    /* With a right hash: another type, another signature, content cut off. */
    static const struct {
        size_t at;
        uint8_t value;
        enum p2p_packet_status wanted;
    } rows[] = {{97, 0, P2P_PACKET_UNKNOWN},       {97, 7, P2P_PACKET_UNKNOWN},
                {96, 4, P2P_PACKET_BAD_SIGNATURE}, {98, 0x80, P2P_PACKET_MALFORMED},
                {97, 1, P2P_PACKET_MALFORMED},     {97, 2, P2P_PACKET_MALFORMED},
                {97, 3, P2P_PACKET_MALFORMED},     {97, 6, P2P_PACKET_MALFORMED}};
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        uint8_t before = b.data[rows[i].at];
        struct hash256 hash;
        b.data[rows[i].at] = rows[i].value;
        crypto_keccak256(&hash, bytes_of(b.data + 32, b.len - 32));
        memcpy(b.data, hash.b, 32);
        assert_int_equal(p2p_packet_decode(&p, buf_bytes(&b)), rows[i].wanted);
        b.data[rows[i].at] = before;
    }
    static uint8_t large[P2P_PACKET_MAX + 1];
    assert_int_equal(p2p_packet_decode(&p, bytes_of(large, sizeof(large))), P2P_PACKET_BAD_SIZE);
    buf_release(&b);
}

/* ---- records ---- */

static void eip778_record(void **state)
{
    (void)state;
    static const char hex[] = "f884b8407098ad865b00a582051940cb9cf36836572411a47278783077011599ed5c"
                              "d16b76f2635f4e234738f30813a89eb9137e"
                              "3e3df5266e3a1f11df72ecf1145ccb9c01826964827634826970847f000001897365"
                              "63703235366b31a103ca634cae0d49acb401"
                              "d8a4c6b6fe8c55b70d115bf400769cc1400f3258cd31388375647082765f";
    struct buf b = BUF_INIT, made = BUF_INIT;
    struct p2p_record record;
    char text[P2P_RECORD_TEXT];
    assert_int_equal(hex_decode(hex, &b), 0);
    assert_int_equal(p2p_record_decode(&record, buf_bytes(&b)), P2P_RECORD_OK);
    assert_int_equal(record.sequence, 1);
    assert_int_equal(record.node.udp, 30303);
    assert_int_equal(record.node.tcp, 0);
    expect_ip(&record.node.ip, "127.0.0.1");
    assert_int_equal(record.node.id.b[0], 0xa4);
    p2p_record_format(text, buf_bytes(&b));
    assert_string_equal(
        text,
        "enr:-"
        "IS4QHCYrYZbAKWCBRlAy5zzaDZXJBGkcnh4MHcBFZntXNFrdvJjX04jRzjzCBOonrkTfj499SZuOh8R33Ls8RRcy"
        "5wBgmlkgnY0gmlwhH8AAAGJc2VjcDI1NmsxoQPKY0yuDUmstAHYpMa2_oxVtw0RW_"
        "QAdpzBQA8yWM0xOIN1ZHCCdl8");
    /* Made again from the EIP's key it is the same, byte for byte: the signature is deterministic. */
    struct crypto_private_key key;
    assert_true(hex_decode_exact("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291",
                                 key.b, 32));
    assert_int_equal(p2p_record_encode(&made, &record, &key), 0);
    assert_true(bytes_equal(buf_bytes(&made), buf_bytes(&b)));

    for (size_t i = 0; i < b.len; i++) {
        b.data[i] ^= 2;
        assert_int_not_equal(p2p_record_decode(&record, buf_bytes(&b)), P2P_RECORD_OK);
        b.data[i] ^= 2;
    }
    b.data[10] ^= 1;
    assert_int_equal(p2p_record_decode(&record, buf_bytes(&b)), P2P_RECORD_BAD_SIGNATURE);
    buf_append(&b, text, sizeof(text));
    assert_int_equal(p2p_record_decode(&record, buf_bytes(&b)), P2P_RECORD_TOO_BIG);
    buf_clear(&b);
    size_t list = rlp_begin(&b);
    rlp_write_bytes(&b, bytes_str("signature"));
    rlp_write_u64(&b, 1);
    for (int i = 0; i < 4; i++)
        rlp_write_bytes(&b, bytes_str("same"));
    rlp_end_list(&b, list);
    assert_int_equal(p2p_record_decode(&record, buf_bytes(&b)), P2P_RECORD_NOT_SORTED);
    uint8_t large[300] = {0x80};
    record = (struct p2p_record){.eth = bytes_of(large, sizeof(large))};
    assert_int_equal(p2p_record_encode(&made, &record, &key), ERR_LIMIT);
    buf_release(&b);
    buf_release(&made);
}

/* ---- the table ---- */

static struct p2p_enode node_of(uint64_t number, const char *ip)
{
    struct crypto_private_key key = key_of(number);
    struct crypto_public_key public_key;
    struct io_address address = ip_of(ip);
    struct p2p_enode node;
    assert_true(crypto_public_key_of(&public_key, &key));
    p2p_enode_make(&node, &public_key, &address, 30303, 30303);
    return node;
}

static void table(void **state)
{
    (void)state;
    static struct p2p_table t;
    struct p2p_enode self = node_of(1, "10.0.0.1");
    p2p_table_init(&t, &self.id);
    assert_false(p2p_table_add(&t, &self));
    assert_null(p2p_table_oldest(&t, 3));
    size_t added = 0;
    for (uint64_t i = 2; i < 200; i++) {
        struct p2p_enode node = node_of(i, "10.0.0.2");
        added += p2p_table_add(&t, &node);
    }
    assert_int_equal(p2p_table_count(&t), added);
    assert_true(added > 60 && added < 120); /* the far buckets are full */
    /* The nearest of all, in order. */
    const struct p2p_enode *closest[P2P_BUCKET_SIZE];
    assert_int_equal(p2p_table_closest(&t, &self.id, closest, P2P_BUCKET_SIZE), P2P_BUCKET_SIZE);
    for (size_t i = 1; i < P2P_BUCKET_SIZE; i++)
        assert_true(p2p_distance_compare(&self.id, &closest[i - 1]->id, &closest[i]->id) < 0);
    size_t nearer = 0;
    for (size_t b = 0; b < P2P_BUCKETS; b++) {
        for (size_t i = 0; i < t.buckets[b].count; i++)
            nearer += p2p_distance_compare(&self.id, &t.buckets[b].entries[i].node.id,
                                           &closest[P2P_BUCKET_SIZE - 1]->id) < 0;
    }
    assert_int_equal(nearer, P2P_BUCKET_SIZE - 1);
    struct p2p_enode first = *closest[0];
    p2p_table_remove(&t, &first.id);
    assert_null(p2p_table_find(&t, &first.id));
    assert_int_equal(p2p_table_count(&t), added - 1);
    assert_true(p2p_table_add(&t, &first));
    assert_true(p2p_table_add(&t, &first)); /* again: to the front */
    assert_int_equal(p2p_table_count(&t), added);

    /* One network of the Internet does not fill it. */
    p2p_table_init(&t, &self.id);
    for (uint64_t i = 2; i < 400; i++) {
        char ip[32];
        snprintf(ip, sizeof(ip), "203.0.113.%u", (unsigned)(i % 250));
        struct p2p_enode node = node_of(i, ip);
        (void)p2p_table_add(&t, &node);
    }
    assert_in_range(p2p_table_count(&t), P2P_BUCKET_NET_MAX, P2P_TABLE_NET_MAX);
}

/* ---- a network ---- */

enum { NODES = 24, QUEUE = 4096 };

struct machine {
    struct p2p_discovery *d;
    struct p2p_enode node;
    struct crypto_private_key key;
    uint64_t due;
};

struct network {
    struct machine machines[NODES];
    struct {
        struct io_address from, to;
        size_t len;
        uint8_t data[P2P_PACKET_MAX];
    } queue[QUEUE];
    size_t head, tail;
    size_t sent;
    bool lossy;
};

static struct network net;

static void send_to_net(void *context, const struct io_address *to, struct bytes packet)
{
    struct machine *machine = context;
    assert_true(packet.len <= P2P_PACKET_MAX);
    net.sent++;
    if (net.lossy && net.sent % 4 == 0)
        return;
    size_t at = net.tail++ % QUEUE;
    assert_true(net.tail - net.head <= QUEUE);
    net.queue[at].from = machine->node.ip;
    net.queue[at].from.port = machine->node.udp;
    net.queue[at].to = *to;
    net.queue[at].len = packet.len;
    memcpy(net.queue[at].data, packet.data, packet.len);
}

static void deliver(uint64_t now)
{
    while (net.head < net.tail) {
        size_t at = net.head++ % QUEUE;
        for (size_t i = 0; i < NODES; i++) {
            struct machine *m = &net.machines[i];
            if (m->d && io_address_same_ip(&m->node.ip, &net.queue[at].to) &&
                m->node.udp == net.queue[at].to.port) {
                p2p_discovery_receive(m->d, &net.queue[at].from,
                                      bytes_of(net.queue[at].data, net.queue[at].len), now,
                                      1000000 + now / 1000);
                m->due = m->due < now + 100 ? m->due : now + 100;
            }
        }
    }
}

static void run_network(uint64_t from, uint64_t to)
{
    for (uint64_t now = from, next; now < to; now = next) {
        next = to;
        for (size_t i = 0; i < NODES; i++) {
            struct machine *m = &net.machines[i];
            if (m->d && m->due <= now)
                m->due = now + p2p_discovery_tick(m->d, now, 1000000 + now / 1000);
        }
        deliver(now);
        for (size_t i = 0; i < NODES; i++) {
            if (net.machines[i].d && net.machines[i].due < next)
                next = net.machines[i].due;
        }
        next = next > now + 20 ? next : now + 20;
    }
}

static void start_machine(size_t i, const struct p2p_enode *boot)
{
    struct machine *m = &net.machines[i];
    char ip[32];
    snprintf(ip, sizeof(ip), "10.0.%u.%u", (unsigned)i, (unsigned)i + 1);
    m->key = key_of(1000 + i);
    m->node = node_of(1000 + i, ip);
    struct p2p_discovery_options options = {.key = m->key,
                                            .self = m->node,
                                            .boot_nodes = boot,
                                            .boot_count = boot ? 1 : 0,
                                            .seed = i,
                                            .send = send_to_net,
                                            .context = m};
    m->due = 0;
    assert_int_equal(p2p_discovery_new(&m->d, &options), 0);
}

/* All know one, and find the others, though a quarter of the packets is lost. */
static void machines_find_each_other(void **state)
{
    (void)state;
    memset(&net, 0, sizeof(net));
    net.lossy = true;
    start_machine(0, NULL);
    struct p2p_enode boot = net.machines[0].node;
    for (size_t i = 1; i < NODES; i++)
        start_machine(i, &boot);
    run_network(1000, 120000);
    for (size_t i = 0; i < NODES; i++) {
        struct p2p_enode found[4];
        assert_true(p2p_discovery_count(net.machines[i].d) >= NODES / 3);
        assert_int_equal(p2p_discovery_candidates(net.machines[i].d, found, 4), 4);
        assert_int_equal(found[0].tcp, 30303);
    }
    /* Two go for ever: forgotten by and by. */
    net.lossy = false;
    for (size_t i = 1; i < 3; i++) {
        p2p_discovery_free(net.machines[i].d);
        net.machines[i].d = NULL;
    }
    run_network(120000, 120000 + 60 * 60 * 1000);
    for (size_t i = 0; i < NODES; i++) {
        struct p2p_enode found[NODES];
        if (!net.machines[i].d)
            continue;
        size_t count = p2p_discovery_candidates(net.machines[i].d, found, NODES);
        assert_true(count >= NODES / 2);
        for (size_t j = 0; j < count; j++)
            assert_false(hash256_equal(&found[j].id, &net.machines[1].node.id) ||
                         hash256_equal(&found[j].id, &net.machines[2].node.id));
    }
    for (size_t i = 0; i < NODES; i++)
        p2p_discovery_free(net.machines[i].d);
}

/* ---- hostile nodes ---- */

/* What the machine under test sends, decoded. */
struct capture {
    struct p2p_packet packets[64];
    struct io_address to[64];
    size_t count, bytes;
};

static struct capture seen;

static void capture(void *context, const struct io_address *to, struct bytes packet)
{
    (void)context;
    assert_true(seen.count < 64);
    seen.bytes += packet.len;
    seen.to[seen.count] = *to;
    assert_int_equal(p2p_packet_decode(&seen.packets[seen.count++], packet), P2P_PACKET_OK);
}

static struct p2p_discovery *victim(void)
{
    struct p2p_discovery *d;
    memset(&seen, 0, sizeof(seen));
    struct p2p_discovery_options options = {
        .key = key_of(1), .self = node_of(1, "198.51.100.1"), .send = capture};
    assert_int_equal(p2p_discovery_new(&d, &options), 0);
    return d;
}

static struct hash256 give(struct p2p_discovery *d, uint64_t key, const struct io_address *from,
                           struct p2p_packet *p, uint64_t now)
{
    struct crypto_private_key k = key_of(key);
    struct buf b = BUF_INIT;
    struct hash256 hash;
    assert_int_equal(p2p_packet_encode(&b, p, &k, &hash), 0);
    p2p_discovery_receive(d, from, buf_bytes(&b), now, 1000);
    buf_release(&b);
    return hash;
}

static void proofs(void **state)
{
    (void)state;
    struct p2p_discovery *d = victim();
    struct io_address from = ip_of("192.0.2.7"), elsewhere = ip_of("192.0.2.99");
    from.port = elsewhere.port = 30303;
    /* Queries of one who has proved nothing: no answer at all. */
    struct p2p_packet find = {.type = P2P_PACKET_FINDNODE, .expiration = 1010};
    struct p2p_packet request = {.type = P2P_PACKET_ENR_REQUEST, .expiration = 1010};
    give(d, 2, &from, &find, 1000);
    give(d, 2, &from, &request, 1000);
    assert_int_equal(seen.count, 0);
    /* A ping is answered, no longer than it is, and brings a ping. An expired one is not. */
    struct p2p_packet ping = {.type = P2P_PACKET_PING, .version = 4, .expiration = 999};
    ping.from = ping.to = (struct p2p_endpoint){from, 30303, 30303};
    give(d, 2, &from, &ping, 1000);
    assert_int_equal(seen.count, 0);
    ping.expiration = 1010;
    struct hash256 ping_hash = give(d, 2, &from, &ping, 1000);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.packets[0].type, P2P_PACKET_PONG);
    assert_true(hash256_equal(&seen.packets[0].reply_to, &ping_hash));
    assert_int_equal(seen.packets[1].type, P2P_PACKET_PING);
    /* Pongs that prove nothing: another token, another place, another key, nothing asked. */
    struct p2p_packet pong = {.type = P2P_PACKET_PONG, .expiration = 1010, .to = ping.to};
    give(d, 2, &from, &pong, 1000);
    pong.reply_to = seen.packets[1].hash;
    give(d, 2, &elsewhere, &pong, 1000);
    give(d, 3, &from, &pong, 1000);
    give(d, 2, &from, &find, 1000);
    assert_int_equal(seen.count, 2);
    assert_int_equal(p2p_discovery_count(d), 0);
    /* The right one, and now answers come; from another IP still not. */
    give(d, 2, &from, &pong, 1000);
    assert_int_equal(p2p_discovery_count(d), 1);
    give(d, 2, &from, &find, 1000);
    assert_int_equal(seen.packets[2].type, P2P_PACKET_NEIGHBORS);
    give(d, 2, &from, &request, 1000);
    assert_int_equal(seen.packets[3].type, P2P_PACKET_ENR_RESPONSE);
    struct p2p_record record;
    assert_int_equal(p2p_record_decode(&record, p2p_discovery_record(d)), P2P_RECORD_OK);
    assert_int_equal(record.node.udp, 30303);
    assert_int_equal(record.sequence, 1);
    assert_int_equal(record.eth.len, 0);
    give(d, 2, &elsewhere, &find, 1000);
    assert_int_equal(seen.count, 4);
    /* A renewed record: its number is told in pongs. */
    static const uint8_t fork[8] = {0xc7, 0xc6, 0x84, 1, 2, 3, 4, 0x80};
    struct buf renewed = BUF_INIT;
    record.sequence = 2;
    record.eth = bytes_of(fork, sizeof(fork));
    struct crypto_private_key own_key = key_of(1);
    assert_int_equal(p2p_record_encode(&renewed, &record, &own_key), 0);
    assert_int_equal(p2p_discovery_set_record(d, buf_bytes(&renewed), 2), 0);
    buf_release(&renewed);
    assert_int_equal(p2p_record_decode(&record, p2p_discovery_record(d)), P2P_RECORD_OK);
    assert_true(bytes_equal(record.eth, bytes_of(fork, sizeof(fork))));
    give(d, 2, &from, &ping, 1000);
    assert_int_equal(seen.packets[4].type, P2P_PACKET_PONG);
    assert_int_equal(seen.packets[4].sequence, 2);
    /* A day later the proof is too old. */
    seen.count = 4;
    give(d, 2, &from, &find, 1000 + 25ull * 3600 * 1000);
    assert_int_equal(seen.count, 4);
    /* Its own packets, played back. */
    struct p2p_packet own = ping;
    give(d, 1, &from, &own, 1000);
    assert_int_equal(seen.count, 4);
    p2p_discovery_free(d);
}

static void neighbors_that_lie(void **state)
{
    (void)state;
    struct p2p_discovery *d = victim();
    struct p2p_enode boot = node_of(2, "192.0.2.7");
    struct io_address from = boot.ip;
    from.port = 30303;
    p2p_discovery_add_boot(d, &boot);
    (void)p2p_discovery_tick(d, 1000, 1000);
    assert_int_equal(seen.packets[0].type, P2P_PACKET_PING);
    struct p2p_packet pong = {.type = P2P_PACKET_PONG,
                              .expiration = 1010,
                              .to = {boot.ip, 1, 1},
                              .reply_to = seen.packets[0].hash};
    give(d, 2, &from, &pong, 1000);
    (void)p2p_discovery_tick(d, 2100, 1000);
    size_t asked = seen.count - 1;
    assert_int_equal(seen.packets[asked].type, P2P_PACKET_FINDNODE);
    size_t before = seen.count;

    /* No point of the curve; itself; a LAN, loopback, multicast or zero address told from the Internet; a port where other
     * services are. One good one among them, which is pinged, and nothing else is. */
    struct p2p_enode good = node_of(9, "203.0.113.5"), self = node_of(1, "198.51.100.1");
    struct p2p_packet n = {.type = P2P_PACKET_NEIGHBORS, .expiration = 1010, .node_count = 8};
    for (size_t i = 0; i < 8; i++)
        n.nodes[i] = (struct p2p_neighbor){{good.ip, 30303, 30303}, node_of(20 + i, "1.2.3.4").key};
    memset(n.nodes[0].key.b, 0xff, 64);
    n.nodes[1].key = self.key;
    n.nodes[2].endpoint.ip = ip_of("192.168.1.1");
    n.nodes[3].endpoint.ip = ip_of("127.0.0.1");
    n.nodes[4].endpoint.ip = ip_of("224.0.0.1");
    n.nodes[5].endpoint.ip = ip_of("0.0.0.0");
    n.nodes[6].endpoint.udp = 53;
    n.nodes[7].key = good.key;
    /* Nobody asked that one. */
    struct io_address other = ip_of("192.0.2.8");
    other.port = 30303;
    give(d, 3, &other, &n, 2100);
    assert_int_equal(seen.count, before);
    give(d, 2, &from, &n, 2100);
    assert_int_equal(seen.count, before + 1);
    assert_int_equal(seen.packets[before].type, P2P_PACKET_PING);
    assert_true(io_address_same_ip(&seen.to[before], &good.ip));
    assert_int_equal(p2p_discovery_count(d), 1); /* not before it has answered */
    p2p_discovery_free(d);
}

/* Pings from any number of made-up places: so many of our own go out, and a proof is not forgotten for them. */
static void ping_flood(void **state)
{
    (void)state;
    struct p2p_discovery *d = victim();
    struct io_address from = ip_of("192.0.2.7");
    from.port = 30303;
    struct p2p_packet ping = {.type = P2P_PACKET_PING, .version = 4, .expiration = 1010};
    struct p2p_packet find = {.type = P2P_PACKET_FINDNODE, .expiration = 1010};
    give(d, 2, &from, &ping, 1000);
    struct p2p_packet pong = {
        .type = P2P_PACKET_PONG, .expiration = 1010, .reply_to = seen.packets[1].hash};
    give(d, 2, &from, &pong, 1000);
    size_t own_pings = 0;
    for (unsigned i = 0; i < 3000; i++) {
        struct io_address fake = {{100, (uint8_t)(i >> 8), (uint8_t)i, 1}, 4, 30303};
        seen.count = 0;
        give(d, 100 + i % 7, &fake, &ping, 1001 + i / 100);
        own_pings += seen.count - 1;
    }
    assert_true(own_pings <= 64);
    seen.count = 0;
    give(d, 2, &from, &find, 2000);
    assert_int_equal(seen.count, 1);
    p2p_discovery_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eip8_packets),  cmocka_unit_test(broken_packets),
        cmocka_unit_test(eip778_record), cmocka_unit_test(table),
        cmocka_unit_test(proofs),        cmocka_unit_test(neighbors_that_lie),
        cmocka_unit_test(ping_flood),    cmocka_unit_test(machines_find_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
