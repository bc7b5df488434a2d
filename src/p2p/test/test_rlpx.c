/* RLPx: the packets of EIP-8, the recorded connections to GoQuorum, and what hostile peers send. */
#include "base/hex.h"
#include "crypto/aes.h"
#include "crypto/ecies.h"
#include "crypto/hash.h"
#include "p2p/rlpx/frames.h"
#include "p2p/rlpx/hello.h"
#include "p2p/rlpx/message.h"
#include "rlp/rlp.h"
#include "tests/support/fixtures.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *const eip8_text[] = {
#define X(name, hex) hex,
#include "p2p/test/vectors/eip8.inc"
#undef X
};

enum {
#define X(name, hex) name,
#include "p2p/test/vectors/eip8.inc"
#undef X
};

static struct buf eip8(size_t index)
{
    struct buf b = BUF_INIT;
    assert_int_equal(hex_decode(eip8_text[index], &b), 0);
    return b;
}

static void take(void *ret, size_t len, const char *hex)
{
    assert_true(hex_decode_exact(hex, ret, len));
}

static void expect(const void *data, size_t len, const char *hex)
{
    uint8_t wanted[64];
    assert_true(len <= sizeof(wanted) && hex_decode_exact(hex, wanted, len));
    assert_memory_equal(data, wanted, len);
}

static struct crypto_private_key key(const char *hex)
{
    struct crypto_private_key k;
    take(k.b, 32, hex);
    return k;
}

static struct crypto_public_key public_of(const struct crypto_private_key *k)
{
    struct crypto_public_key p;
    assert_true(crypto_public_key_of(&p, k));
    return p;
}

/* The keys of EIP-8's vectors. */
#define KEY_A       "49a7b37aa6f6645917e7b807e9d1c00d4fa71f18343b0d4122a4d2df64dd6fee"
#define KEY_B       "b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291"
#define EPHEMERAL_A "869d6ecf5211f1cc60418a13b9d870b22959d0c16f02bec714c960dd2298a32d"
#define EPHEMERAL_B "e238eb8e04fee6511ab04c6dd3c89ce097b11f25d584863ac2b6d5b35b1847e4"
#define NONCE_A     "7e968bba13b6c50e2c4cd7f241cc0d64d1ac25c7f5952df231ac6a2bda8ee5d6"
#define NONCE_B     "559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd"

static struct p2p_handshake_entropy entropy(const char *ephemeral, const char *nonce)
{
    struct p2p_handshake_entropy e = {.ephemeral = key(ephemeral), .padding = 111};
    take(e.nonce.b, 32, nonce);
    memset(e.ecies_key.b, 5, 32);
    return e;
}

static void eip8_auth(void **state)
{
    (void)state;
    struct crypto_private_key a = key(KEY_A), b = key(KEY_B), ephemeral_a = key(EPHEMERAL_A);
    struct crypto_public_key public_a = public_of(&a), ephemeral = public_of(&ephemeral_a);
    struct p2p_handshake_entropy e = entropy(EPHEMERAL_B, NONCE_B);
    for (size_t i = auth1; i <= auth3; i++) {
        struct buf packet = eip8(i);
        struct p2p_handshake h;
        struct p2p_session session;
        struct bytes ack;
        size_t size;
        p2p_handshake_init(&h, &b, &e);
        /* As it comes in pieces: never more is asked for than the packet has. */
        for (size_t have = 0; have < packet.len; have = size) {
            assert_int_equal(
                p2p_handshake_respond(&h, bytes_of(packet.data, have), &size, &ack, &session),
                P2P_HANDSHAKE_MORE);
            assert_true(size > have && size <= packet.len);
        }
        buf_append_text(&packet, "frames follow");
        assert_int_equal(p2p_handshake_respond(&h, buf_bytes(&packet), &size, &ack, &session),
                         P2P_HANDSHAKE_DONE);
        assert_int_equal(size, packet.len - 13);
        assert_memory_equal(session.remote.b, public_a.b, 64);
        assert_memory_equal(h.remote_ephemeral.b, ephemeral.b, 64);
        expect(h.remote_nonce.b, 32, NONCE_A);
        if (i == auth1) /* answered in kind */
            assert_int_equal(ack.len, P2P_HANDSHAKE_PLAIN_ACK);
        else
            assert_int_equal(ack.data[0] << 8 | ack.data[1], ack.len - 2);
        p2p_handshake_release(&h);
        buf_release(&packet);
    }
}

static void eip8_ack(void **state)
{
    (void)state;
    struct crypto_private_key a = key(KEY_A), b = key(KEY_B), ephemeral_b = key(EPHEMERAL_B);
    struct crypto_public_key public_b = public_of(&b), ephemeral = public_of(&ephemeral_b);
    struct p2p_handshake_entropy e = entropy(EPHEMERAL_A, NONCE_A);
    for (size_t i = ack1; i <= ack3; i++) {
        struct buf packet = eip8(i), auth = eip8(auth2);
        struct p2p_handshake h;
        struct p2p_session session;
        struct bytes own;
        size_t size;
        p2p_handshake_init(&h, &a, &e);
        assert_int_equal(p2p_handshake_start(&h, &public_b, &own), 0);
        buf_clear(&h.auth);
        buf_append_bytes(&h.auth, buf_bytes(&auth));
        assert_int_equal(p2p_handshake_finish(&h, buf_bytes(&packet), &size, &session),
                         P2P_HANDSHAKE_DONE);
        assert_int_equal(size, packet.len);
        assert_memory_equal(h.remote_ephemeral.b, ephemeral.b, 64);
        expect(h.remote_nonce.b, 32, NONCE_B);
        if (i == ack2) {
            struct hash256 hash;
            expect(session.aes_secret, 32,
                   "80e8632c05fed6fc2a13b0f8d31a3cf645366239170ea067065aba8e28bac487");
            expect(session.mac_secret, 32,
                   "2ea74ec5dae199227dff1af715362700e989d889d7a493cb0639691efb8e5f98");
            crypto_keccak256_update(&session.egress, bytes_str("foo"));
            crypto_keccak256_final(&session.egress, &hash);
            expect(hash.b, 32, "0c7ec6340062cc46f5e9f1e3cf86f8c8c403c5a0964f5df0ebd34a75ddc86db5");
        }
        p2p_handshake_release(&h);
        buf_release(&packet);
        buf_release(&auth);
    }
}

/* ---- hostile handshakes ---- */

/* A packet as EIP-8 has it around any content. */
static struct buf sealed(const struct crypto_public_key *to, struct bytes content)
{
    struct buf packet = BUF_INIT;
    struct crypto_private_key ephemeral;
    uint8_t iv[16] = {1};
    memset(ephemeral.b, 6, 32);
    size_t size = content.len + CRYPTO_ECIES_OVERHEAD;
    uint8_t prefix[2] = {(uint8_t)(size >> 8), (uint8_t)size};
    buf_append(&packet, prefix, 2);
    assert_int_equal(crypto_ecies_seal(&packet, to, &ephemeral, iv, content, bytes_of(prefix, 2)),
                     0);
    return packet;
}

struct auth_fields {
    uint8_t signature[65];
    struct crypto_public_key key;
    struct hash256 nonce;
};

static int respond_to(struct bytes content)
{
    struct crypto_private_key b = key(KEY_B);
    struct crypto_public_key public_b = public_of(&b);
    struct p2p_handshake_entropy e = entropy(EPHEMERAL_B, NONCE_B);
    struct buf packet = sealed(&public_b, content);
    struct p2p_handshake h;
    struct p2p_session session;
    struct bytes ack;
    size_t size;
    p2p_handshake_init(&h, &b, &e);
    int status = p2p_handshake_respond(&h, buf_bytes(&packet), &size, &ack, &session);
    p2p_handshake_release(&h);
    buf_release(&packet);
    return status;
}

static int respond_to_fields(const struct auth_fields *f)
{
    struct buf content = BUF_INIT;
    size_t list = rlp_begin(&content);
    rlp_write_bytes(&content, bytes_of(f->signature, 65));
    rlp_write_bytes(&content, bytes_of(f->key.b, 64));
    rlp_write_hash(&content, &f->nonce);
    rlp_write_u64(&content, 4);
    rlp_end_list(&content, list);
    memset(buf_extend(&content, 150), 0, 150);
    int status = respond_to(buf_bytes(&content));
    buf_release(&content);
    return status;
}

/* CVE-2025-24883: a key that is no point of the curve, in the packet's ECIES or inside, ended geth. */
static void invalid_points(void **state)
{
    (void)state;
    struct crypto_private_key a = key(KEY_A);
    struct auth_fields good = {.key = public_of(&a)}, f = good;
    good.signature[0] = good.signature[32] = 1; /* some r and s */
    f = good;
    memset(f.key.b, 0, 64);
    assert_int_equal(respond_to_fields(&f), P2P_HANDSHAKE_BAD_KEY);
    memset(f.key.b, 0xff, 64);
    assert_int_equal(respond_to_fields(&f), P2P_HANDSHAKE_BAD_KEY);
    f = good;
    f.key.b[63] ^= 1;
    assert_int_equal(respond_to_fields(&f), P2P_HANDSHAKE_BAD_KEY);
    /* Signatures that recover to nothing: zero, a recovery id beyond 3, an r that is no x. */
    f = good;
    memset(f.signature, 0, 65);
    assert_int_equal(respond_to_fields(&f), P2P_HANDSHAKE_BAD_SIGNATURE);
    for (unsigned id = 4; id < 256; id += 9) {
        f = good;
        f.signature[64] = (uint8_t)id;
        assert_int_equal(respond_to_fields(&f), P2P_HANDSHAKE_BAD_SIGNATURE);
    }
    memset(f.signature, 0xff, 64);
    f.signature[64] = 0;
    assert_int_equal(respond_to_fields(&f), P2P_HANDSHAKE_BAD_SIGNATURE);

    /* In the ack: the ephemeral key, which secrets are agreed with. */
    struct crypto_private_key b = key(KEY_B);
    struct crypto_public_key public_a = public_of(&a), public_b = public_of(&b), bad[3];
    memset(bad[0].b, 0, 64);
    memset(bad[1].b, 0xff, 64);
    bad[2] = public_b;
    bad[2].b[63] ^= 1;
    struct p2p_handshake_entropy e = entropy(EPHEMERAL_A, NONCE_A);
    for (size_t i = 0; i < 3; i++) {
        struct buf content = BUF_INIT;
        size_t list = rlp_begin(&content);
        rlp_write_bytes(&content, bytes_of(bad[i].b, 64));
        rlp_write_hash(&content, &e.nonce);
        rlp_write_u64(&content, 4);
        rlp_end_list(&content, list);
        struct buf packet = sealed(&public_a, buf_bytes(&content));
        struct p2p_handshake h;
        struct p2p_session session;
        struct bytes auth;
        size_t size;
        p2p_handshake_init(&h, &a, &e);
        assert_int_equal(p2p_handshake_start(&h, &public_b, &auth), 0);
        assert_int_equal(p2p_handshake_finish(&h, buf_bytes(&packet), &size, &session),
                         P2P_HANDSHAKE_BAD_KEY);
        p2p_handshake_release(&h);
        buf_release(&packet);
        buf_release(&content);
        p2p_handshake_init(&h, &a, &e);
        assert_int_equal(p2p_handshake_start(&h, &bad[i], &auth), ERR_INPUT);
        p2p_handshake_release(&h);
    }
}

/* Sizes that lie, content that is no auth. Nobody makes us wait for, or keep, more than P2P_HANDSHAKE_MAX. */
static void malformed_handshakes(void **state)
{
    (void)state;
    struct crypto_private_key b = key(KEY_B);
    struct p2p_handshake_entropy e = entropy(EPHEMERAL_B, NONCE_B);
    uint8_t packet[P2P_HANDSHAKE_MAX + 1] = {0};
    struct p2p_session session;
    struct bytes ack;
    for (unsigned size = 0; size <= UINT16_MAX; size += size < 4096 ? 1 : 97) {
        struct p2p_handshake h;
        size_t wanted;
        packet[0] = (uint8_t)(size >> 8);
        packet[1] = (uint8_t)size;
        p2p_handshake_init(&h, &b, &e);
        int status = p2p_handshake_respond(&h, bytes_of(packet, 307), &wanted, &ack, &session);
        if (size < 307 || size + 2 > P2P_HANDSHAKE_MAX) {
            assert_int_equal(status, P2P_HANDSHAKE_BAD_SIZE);
        } else {
            assert_int_equal(status, P2P_HANDSHAKE_MORE);
            assert_int_equal(wanted, size + 2);
            status = p2p_handshake_respond(&h, bytes_of(packet, size + 2), &wanted, &ack, &session);
            assert_int_equal(status, P2P_HANDSHAKE_BAD_PACKET);
        }
        p2p_handshake_release(&h);
    }
    static const char *const contents[] = {"\x80", "\xc0", "\xf8\xff", "hello"};
    for (size_t i = 0; i < BASE_COUNT(contents); i++) {
        struct buf content = BUF_INIT;
        buf_append_text(&content, contents[i]);
        memset(buf_extend(&content, 300), 0, 300);
        assert_int_equal(respond_to(buf_bytes(&content)), P2P_HANDSHAKE_BAD_CONTENT);
        buf_release(&content);
    }
}

/* Both sides of our own, all the way to frames. */
static void own_connection(void **state)
{
    (void)state;
    struct crypto_private_key a = key(KEY_A), b = key(KEY_B);
    struct crypto_public_key public_a = public_of(&a), public_b = public_of(&b);
    struct p2p_handshake ha, hb;
    struct p2p_session sa, sb;
    struct bytes auth, ack;
    struct p2p_handshake_entropy ea, eb;
    size_t size;
    assert_int_equal(p2p_handshake_entropy_make(&ea), 0);
    assert_int_equal(p2p_handshake_entropy_make(&eb), 0);
    assert_in_range(ea.padding, P2P_HANDSHAKE_PADDING_MIN, P2P_HANDSHAKE_PADDING_MAX);
    p2p_handshake_init(&ha, &a, &ea);
    p2p_handshake_init(&hb, &b, &eb);
    assert_int_equal(p2p_handshake_start(&ha, &public_b, &auth), 0);
    assert_int_equal(p2p_handshake_respond(&hb, auth, &size, &ack, &sb), P2P_HANDSHAKE_DONE);
    assert_int_equal(size, auth.len);
    assert_int_equal(p2p_handshake_finish(&ha, ack, &size, &sa), P2P_HANDSHAKE_DONE);
    assert_int_equal(size, ack.len);
    assert_memory_equal(sa.remote.b, public_b.b, 64);
    assert_memory_equal(sb.remote.b, public_a.b, 64);
    p2p_handshake_release(&ha);
    p2p_handshake_release(&hb);

    struct p2p_frames out, in;
    assert_int_equal(p2p_frames_init(&out, &sa, true), 0);
    assert_int_equal(p2p_frames_init(&in, &sb, false), 0);
    static uint8_t frame[70000], body[69000];
    static const size_t sizes[] = {1, 2, 15, 16, 17, 31, 32, 1000, 65537, 69000};
    for (size_t i = 0; i < BASE_COUNT(sizes); i++) {
        size_t len;
        memset(body, (int)(i + 65), sizes[i]);
        memcpy(frame + P2P_FRAME_HEAD, body, sizes[i]);
        assert_int_equal(p2p_frame_seal(&out, frame, sizes[i]), 0);
        assert_int_equal(p2p_frame_open_head(&in, frame, &len), P2P_FRAME_OPEN);
        assert_int_equal(len, sizes[i]);
        assert_int_equal(p2p_frame_open_body(&in, frame + P2P_FRAME_HEAD, len), P2P_FRAME_OPEN);
        assert_memory_equal(frame + P2P_FRAME_HEAD, body, len);
    }
    /* A changed bit anywhere, or a frame again, is found. */
    memcpy(frame + P2P_FRAME_HEAD, "0123456789", 10);
    assert_int_equal(p2p_frame_seal(&out, frame, 10), 0);
    for (size_t i = 0; i < p2p_frame_size(10); i++) {
        uint8_t changed[80];
        size_t len;
        struct p2p_frames again;
        assert_int_equal(p2p_frames_init(&again, &sb, false), 0);
        again.mac = in.mac;
        memcpy(changed, frame, p2p_frame_size(10));
        changed[i] ^= 0x40;
        int status = p2p_frame_open_head(&again, changed, &len);
        if (i < P2P_FRAME_HEAD)
            assert_int_equal(status, P2P_FRAME_BAD_HEADER_MAC);
        else
            assert_int_equal(p2p_frame_open_body(&again, changed + P2P_FRAME_HEAD, 10),
                             P2P_FRAME_BAD_BODY_MAC);
        p2p_frames_release(&again);
    }
    size_t len;
    uint8_t copy[80];
    memcpy(copy, frame, 80);
    assert_int_equal(p2p_frame_open_head(&in, frame, &len), P2P_FRAME_OPEN);
    assert_int_equal(p2p_frame_open_body(&in, frame + P2P_FRAME_HEAD, len), P2P_FRAME_OPEN);
    assert_int_equal(p2p_frame_open_head(&in, copy, &len), P2P_FRAME_BAD_HEADER_MAC);
    p2p_frames_release(&out);
    p2p_frames_release(&in);
}

/* ---- the recordings ---- */

struct wire {
    struct p2p_frames open[2], seal[2]; /* in, out */
    size_t frames[2], packed_alike[2];
    bool session;
};

static struct buf member(const json_t *object, const char *name)
{
    struct buf b = BUF_INIT;
    assert_true(fixtures_hex(object, name, &b));
    return b;
}

static void take_member(void *ret, size_t len, const json_t *object, const char *name)
{
    struct buf b = member(object, name);
    assert_int_equal(b.len, len);
    memcpy(ret, b.data, len);
    buf_release(&b);
}

/* The recorder padded with random bytes: they are in the packet, under the key that its sender knows. */
static struct buf recorded_padding(const struct buf *auth, const struct crypto_public_key *remote,
                                   const struct crypto_private_key *ecies_key)
{
    uint8_t input[36] = {0, 0, 0, 1};
    struct hash256 keys;
    struct buf text = BUF_INIT, padding = BUF_INIT;
    size_t from = 2 + 65 + 16;
    assert_true(crypto_ecdh(input + 4, remote, ecies_key));
    crypto_sha256(&keys, bytes_of(input, sizeof(input)));
    buf_append(&text, auth->data + from, auth->len - from - 32);
    assert_int_equal(
        crypto_aes_ctr(text.data, bytes_of(keys.b, 16), auth->data + 2 + 65, buf_bytes(&text)), 0);
    size_t list = 2 + text.data[1]; /* f8 and its length */
    buf_append(&padding, text.data + list, text.len - list);
    buf_release(&text);
    return padding;
}

static void replay_handshake(struct wire *w, const json_t *handshake)
{
    struct crypto_private_key own;
    struct crypto_public_key remote, ephemeral;
    struct hash256 secret, nonce;
    struct p2p_handshake_entropy e;
    struct p2p_handshake h;
    struct p2p_session session;
    struct bytes made;
    size_t size;
    struct buf auth = member(handshake, "auth"), ack = member(handshake, "ack");
    take_member(own.b, 32, handshake, "initiator_static_key");
    take_member(e.ephemeral.b, 32, handshake, "initiator_ephemeral_key");
    take_member(e.nonce.b, 32, handshake, "initiator_nonce");
    take_member(e.ecies_key.b, 32, handshake, "ecies_ephemeral_key");
    take_member(e.ecies_iv, 16, handshake, "ecies_iv");
    take_member(remote.b, 64, handshake, "responder_static_public_key");
    struct buf padding = recorded_padding(&auth, &remote, &e.ecies_key);
    e.padding = (uint16_t)padding.len;
    e.padding_data = padding.data;
    p2p_handshake_init(&h, &own, &e);
    assert_int_equal(p2p_handshake_start(&h, &remote, &made), 0);
    assert_int_equal(made.len, auth.len);
    assert_memory_equal(made.data, auth.data, auth.len);
    assert_int_equal(p2p_handshake_finish(&h, buf_bytes(&ack), &size, &session),
                     P2P_HANDSHAKE_DONE);
    assert_int_equal(size, ack.len);
    take_member(ephemeral.b, 64, handshake, "responder_ephemeral_public_key");
    assert_memory_equal(h.remote_ephemeral.b, ephemeral.b, 64);
    take_member(nonce.b, 32, handshake, "responder_nonce");
    assert_memory_equal(h.remote_nonce.b, nonce.b, 32);
    take_member(secret.b, 32, handshake, "aes_secret");
    assert_memory_equal(session.aes_secret, secret.b, 32);
    take_member(secret.b, 32, handshake, "mac_secret");
    assert_memory_equal(session.mac_secret, secret.b, 32);
    for (int out = 0; out < 2; out++) {
        assert_int_equal(p2p_frames_init(&w->open[out], &session, out), 0);
        assert_int_equal(p2p_frames_init(&w->seal[out], &session, out), 0);
    }
    w->session = true;
    p2p_handshake_release(&h);
    buf_release(&padding);
    buf_release(&auth);
    buf_release(&ack);
}

static void check_hello(struct bytes payload, bool out)
{
    struct p2p_hello hello;
    struct buf again = BUF_INIT;
    assert_int_equal(p2p_hello_decode(&hello, payload), P2P_REQUESTED);
    assert_int_equal(hello.version, P2P_VERSION);
    if (!out) {
        static const char *const names[] = {"eth",      "eth",      "istanbul",
                                            "istanbul", "istanbul", "snap"};
        static const uint32_t versions[] = {65, 66, 64, 99, 100, 1};
        assert_int_equal(hello.capability_count, 6);
        for (size_t i = 0; i < 6; i++) {
            assert_string_equal(hello.capabilities[i].name, names[i]);
            assert_int_equal(hello.capabilities[i].version, versions[i]);
        }
        assert_non_null(strstr(hello.name, "quorum-v24.4.1"));
    }
    p2p_hello_encode(&again, &hello);
    assert_true(bytes_equal(buf_bytes(&again), payload));
    buf_release(&again);
}

static void replay_line(const json_t *line, void *context)
{
    struct wire *w = context;
    const json_t *handshake = json_object_get(line, "handshake");
    if (handshake) {
        replay_handshake(w, handshake);
        return;
    }
    assert_true(w->session);
    bool out = strcmp(json_string_value(json_object_get(line, "dir")), "out") == 0;
    struct buf frame = member(line, "frame"), wanted = member(line, "rlp"), payload = BUF_INIT;
    struct buf recorded = BUF_INIT;
    buf_append_bytes(&recorded, buf_bytes(&frame));
    size_t len;
    uint32_t code;
    struct bytes packed;
    uint8_t *tail = frame.data + P2P_FRAME_HEAD;
    assert_int_equal(p2p_frame_open_head(&w->open[out], frame.data, &len), P2P_FRAME_OPEN);
    assert_int_equal(p2p_frame_size(len), frame.len);
    assert_int_equal(p2p_frame_open_body(&w->open[out], tail, len), P2P_FRAME_OPEN);
    assert_int_equal(p2p_message_split(bytes_of(tail, len), &code, &packed), P2P_MESSAGE_OK);
    assert_int_equal(code, json_integer_value(json_object_get(line, "code")));
    if (code == P2P_HELLO) {
        assert_true(bytes_equal(packed, buf_bytes(&wanted)));
        check_hello(packed, out);
    } else {
        assert_int_equal(p2p_message_unpack(&payload, packed, 10 << 20), P2P_MESSAGE_OK);
        assert_true(bytes_equal(buf_bytes(&payload), buf_bytes(&wanted)));
        struct buf again = BUF_INIT;
        uint8_t *room = buf_extend(&again, p2p_message_packed_max(wanted.len));
        size_t again_len = p2p_message_pack(room, buf_bytes(&wanted));
        w->packed_alike[out] += bytes_equal(bytes_of(room, again_len), packed);
        buf_release(&again);
    }
    uint8_t code_bytes[P2P_MESSAGE_CODE_MAX];
    assert_int_equal(p2p_message_put_code(code_bytes, code), len - packed.len);
    assert_memory_equal(code_bytes, tail, len - packed.len);
    assert_int_equal(p2p_frame_seal(&w->seal[out], frame.data, len), 0);
    assert_true(bytes_equal(buf_bytes(&frame), buf_bytes(&recorded)));
    w->frames[out]++;
    buf_release(&frame);
    buf_release(&recorded);
    buf_release(&wanted);
    buf_release(&payload);
}

static void replay(const char *network)
{
    struct wire w = {0};
    recordings_require(network);
    recordings_lines(network, "wire.jsonl", replay_line, &w);
    print_message("%s: %zu frames in, %zu out; packed as recorded: %zu, %zu\n", network,
                  w.frames[0], w.frames[1], w.packed_alike[0], w.packed_alike[1]);
    assert_true(w.frames[0] > 50 && w.frames[1] > 3);
    for (int out = 0; out < 2; out++) {
        p2p_frames_release(&w.open[out]);
        p2p_frames_release(&w.seal[out]);
    }
}

static void recorded_qbft(void **state)
{
    (void)state;
    replay("wire-qbft");
}

static void recorded_ibft(void **state)
{
    (void)state;
    replay("wire-ibft");
}

/* ---- messages, Hello, windows ---- */

/* A few bytes that claim to be 4 GiB, or one over the limit (the bombs of the Snappy advisories): refused by the claim,
 * before memory is taken. */
static void snappy_bombs(void **state)
{
    (void)state;
    struct buf scratch = BUF_INIT;
    static const char huge[] = "\xff\xff\xff\xff\x0f\x00", endless[] = "\xff\xff\xff\xff\xff\xff";
    assert_int_equal(p2p_message_unpack(&scratch, bytes_of(huge, 6), 10 << 20),
                     P2P_MESSAGE_TOO_LARGE);
    assert_int_equal(p2p_message_unpack(&scratch, bytes_of(endless, 6), 10 << 20),
                     P2P_MESSAGE_BAD_SNAPPY);
    assert_int_equal(p2p_message_unpack(&scratch, bytes_none(), 10 << 20), P2P_MESSAGE_BAD_SNAPPY);
    assert_int_equal(p2p_message_unpack(&scratch, bytes_str("\x05zz"), 10 << 20),
                     P2P_MESSAGE_BAD_SNAPPY);
    assert_int_equal(scratch.capacity <= 64, true);

    struct buf zeros = BUF_INIT, packed = BUF_INIT;
    memset(buf_extend(&zeros, 100001), 0, 100001);
    uint8_t *room = buf_extend(&packed, p2p_message_packed_max(zeros.len));
    size_t len = p2p_message_pack(room, buf_bytes(&zeros));
    assert_true(len < 6000);
    assert_int_equal(p2p_message_unpack(&scratch, bytes_of(room, len), 100000),
                     P2P_MESSAGE_TOO_LARGE);
    assert_int_equal(p2p_message_unpack(&scratch, bytes_of(room, len), 100001), P2P_MESSAGE_OK);
    assert_true(bytes_equal(buf_bytes(&scratch), buf_bytes(&zeros)));
    len = p2p_message_pack(room, bytes_none());
    assert_int_equal(p2p_message_unpack(&scratch, bytes_of(room, len), 0), P2P_MESSAGE_OK);
    assert_int_equal(scratch.len, 0);
    buf_release(&zeros);
    buf_release(&packed);
    buf_release(&scratch);

    uint32_t code;
    struct bytes rest;
    assert_int_equal(p2p_message_split(bytes_str("\xc0"), &code, &rest), P2P_MESSAGE_BAD_CODE);
    assert_int_equal(p2p_message_split(bytes_of("\x00", 1), &code, &rest), P2P_MESSAGE_BAD_CODE);
    assert_int_equal(p2p_message_split(bytes_of("\x85\x01\0\0\0\0", 6), &code, &rest),
                     P2P_MESSAGE_BAD_CODE);
    assert_int_equal(p2p_message_split(bytes_none(), &code, &rest), P2P_MESSAGE_BAD_CODE);
    assert_int_equal(p2p_message_split(bytes_str("\x81\xffxyz"), &code, &rest), P2P_MESSAGE_OK);
    assert_int_equal(code, 255);
    assert_true(bytes_equal(rest, bytes_str("xyz")));
}

static void hostile_hellos(void **state)
{
    (void)state;
    struct p2p_hello hello = {.version = 5, .name = "x"}, back;
    struct buf b = BUF_INIT;
    p2p_hello_encode(&b, &hello);
    assert_int_equal(p2p_hello_decode(&back, buf_bytes(&b)), P2P_BAD_IDENTITY); /* zero key */
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(p2p_hello_decode(&back, bytes_of(b.data, len)), P2P_PROTOCOL_BREACH);

    /* More capabilities, longer names and larger versions than anybody has: left out, not an error. */
    buf_clear(&b);
    size_t list = rlp_begin(&b);
    rlp_write_u64(&b, 7);
    rlp_write_bytes(&b, bytes_str("new\n\xff client"));
    size_t capabilities = rlp_begin(&b);
    for (int i = 0; i < 200; i++) {
        size_t capability = rlp_begin(&b);
        rlp_write_bytes(&b, i == 0 ? bytes_str("a capability with such a long name")
                                   : bytes_str("eth"));
        rlp_write_u64(&b, i == 1 ? UINT64_MAX : (uint64_t)i);
        rlp_end_list(&b, capability);
    }
    rlp_end_list(&b, capabilities);
    rlp_write_u64(&b, 30303);
    uint8_t id[64] = {1};
    rlp_write_bytes(&b, bytes_of(id, 64));
    rlp_write_bytes(&b, bytes_str("a later field"));
    rlp_end_list(&b, list);
    assert_int_equal(p2p_hello_decode(&back, buf_bytes(&b)), P2P_REQUESTED);
    assert_string_equal(back.name, "new.. client");
    assert_int_equal(back.capability_count, P2P_CAPABILITIES_MAX);
    assert_int_equal(back.capabilities[0].version, 2);
    assert_int_equal(back.port, 30303);
    memset(buf_extend(&b, P2P_HELLO_MAX), 0, P2P_HELLO_MAX);
    assert_int_equal(p2p_hello_decode(&back, buf_bytes(&b)), P2P_PROTOCOL_BREACH);
    buf_release(&b);

    static const struct {
        const char *bytes;
        size_t len;
        int reason;
    } disconnects[] = {{"\xc1\x04", 2, 4},
                       {"\x04", 1, 4},
                       {"\xc1\x10", 2, 0x10},
                       {"\xc1\x80", 2, 0},
                       {"", 0, 0},
                       {"\xc0", 1, 0},
                       {"\xc1\x00", 2, 0},
                       {"\xc2\x01\x02", 3, 0},
                       {"\xc3\x82\x01\x00", 4, 0}};
    for (size_t i = 0; i < BASE_COUNT(disconnects); i++)
        assert_int_equal(p2p_disconnect_decode(bytes_of(disconnects[i].bytes, disconnects[i].len)),
                         disconnects[i].reason);
    /* CVE-2022-29177: the text of a reason one beyond geth's table ended the node. */
    for (unsigned reason = 0; reason < 256; reason++) {
        uint8_t payload[] = {0xc2, 0x81, (uint8_t)reason};
        size_t from = reason < 0x80 ? 1 : 0;
        payload[from] = reason < 0x80 ? 0xc1 : 0xc2;
        if (reason)
            assert_int_equal(p2p_disconnect_decode(bytes_of(payload + from, 3 - from)), reason);
        assert_true(strlen(p2p_reason_text((enum p2p_reason)reason)) > 4);
    }
    assert_string_equal(p2p_reason_text(P2P_TOO_MANY_PEERS), "too many peers");
    assert_string_equal(p2p_reason_text((enum p2p_reason)77), "unknown reason");
}

static void windows(void **state)
{
    (void)state;
    static const struct p2p_offer offers[] = {{"istanbul", 100, 22},
                                              {"eth", 66, 17},
                                              {"eth", 65, 17},
                                              {"istanbul", 99, 18},
                                              {"istanbul", 64, 18}};
    struct p2p_capability theirs[] = {{"snap", 1},      {"istanbul", 100}, {"eth", 65},
                                      {"istanbul", 64}, {"eth", 66},       {"istanbul", 99},
                                      {"aardvark", 1},  {"eth", 66},       {"eth", 67}};
    struct p2p_window w[5];
    p2p_capabilities_sort(theirs, 9);
    assert_string_equal(theirs[0].name, "aardvark");
    assert_int_equal(p2p_windows(w, offers, 5, theirs, 9), 2);
    assert_int_equal(w[0].offer, 1);
    assert_int_equal(w[0].offset, 16);
    assert_int_equal(w[1].offer, 0);
    assert_int_equal(w[1].offset, 33); /* so PRE-PREPARE is 0x33 on the wire, as recorded */
    assert_int_equal(w[1].length, 22);
    struct p2p_capability old[] = {{"eth", 63}, {"eth", 65}, {"istanbul", 99}};
    assert_int_equal(p2p_windows(w, offers, 5, old, 3), 2);
    assert_int_equal(w[0].offer, 2);
    assert_int_equal(w[1].offer, 3);
    assert_int_equal(w[1].offset, 33);
    assert_int_equal(p2p_windows(w, offers, 5, old, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eip8_auth),      cmocka_unit_test(eip8_ack),
        cmocka_unit_test(invalid_points), cmocka_unit_test(malformed_handshakes),
        cmocka_unit_test(own_connection), cmocka_unit_test(recorded_qbft),
        cmocka_unit_test(recorded_ibft),  cmocka_unit_test(snappy_bombs),
        cmocka_unit_test(hostile_hellos), cmocka_unit_test(windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
