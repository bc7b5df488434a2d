#include "p2p/rlpx/handshake.h"

#include "base/mem.h"
#include "crypto/ecies.h"
#include "crypto/random.h"
#include "rlp/rlp.h"

enum {
    VERSION = 4, /* of the handshake since EIP-8 */
    SIGNATURE = 65,
};

const char *p2p_handshake_text(enum p2p_handshake_status status)
{
    static const char *const texts[] = {
#define X(name, text) [name] = text,
        P2P_HANDSHAKE_LIST(X)
#undef X
    };
    return (size_t)status < BASE_COUNT(texts) ? texts[status] : "unknown";
}

int p2p_handshake_entropy_make(struct p2p_handshake_entropy *ret_entropy)
{
    struct p2p_handshake_entropy e = {.padding_data = NULL};
    uint64_t random;
    int status = crypto_private_key_new(&e.ephemeral);
    if (status == 0)
        status = crypto_private_key_new(&e.ecies_key);
    if (status == 0)
        status = crypto_random(e.nonce.b, sizeof(e.nonce.b));
    if (status == 0)
        status = crypto_random(e.ecies_iv, sizeof(e.ecies_iv));
    if (status == 0)
        status = crypto_random(&random, sizeof(random));
    if (status == 0) {
        e.padding =
            (uint16_t)(P2P_HANDSHAKE_PADDING_MIN +
                       random % (P2P_HANDSHAKE_PADDING_MAX - P2P_HANDSHAKE_PADDING_MIN + 1));
        *ret_entropy = e;
    }
    mem_wipe(&e, sizeof(e));
    return status;
}

void p2p_handshake_init(struct p2p_handshake *h, const struct crypto_private_key *key,
                        const struct p2p_handshake_entropy *entropy)
{
    *h = (struct p2p_handshake){.key = key, .entropy = *entropy};
}

void p2p_handshake_release(struct p2p_handshake *h)
{
    buf_release(&h->auth);
    buf_release(&h->ack);
    mem_wipe(h, sizeof(*h));
}

/* ---- packets ---- */

/* Puts `content` with padding into `packet` as EIP-8 has it. */
static int seal(struct p2p_handshake *h, struct buf *packet, struct buf *content)
{
    uint8_t *padding = buf_extend(content, h->entropy.padding);
    if (!padding)
        return ERR_NOMEM;
    if (h->entropy.padding_data)
        memcpy(padding, h->entropy.padding_data, h->entropy.padding);
    else
        memset(padding, 0, h->entropy.padding);
    size_t size = content->len + CRYPTO_ECIES_OVERHEAD;
    uint8_t prefix[2] = {(uint8_t)(size >> 8), (uint8_t)size};
    buf_append(packet, prefix, sizeof(prefix));
    int status = crypto_ecies_seal(packet, &h->remote, &h->entropy.ecies_key, h->entropy.ecies_iv,
                                   buf_bytes(content), bytes_of(prefix, sizeof(prefix)));
    return status < 0 ? status : buf_status(packet);
}

struct opened {
    struct buf
        copy; /* of the packet: it is opened in place, and its bytes are needed as they came */
    struct bytes content;
    bool plain;
};

static int open_part(struct opened *o, const struct p2p_handshake *h, struct bytes packet,
                     size_t prefix)
{
    buf_clear(&o->copy);
    buf_append_bytes(&o->copy, packet);
    if (buf_status(&o->copy) < 0)
        return ERR_NOMEM;
    return crypto_ecies_open(&o->content, o->copy.data + prefix, packet.len - prefix, h->key,
                             bytes_slice(packet, 0, prefix));
}

/* Waits for and opens a packet of either form; statuses and *ret_size as in the header. */
static int open_packet(struct opened *o, const struct p2p_handshake *h, struct bytes input,
                       size_t plain_size, size_t *ret_size)
{
    *ret_size = plain_size;
    if (input.len < plain_size)
        return P2P_HANDSHAKE_MORE;
    size_t size = ((size_t)input.data[0] << 8 | input.data[1]) + 2;
    /* A packet of the old form begins with a point, so with 4. */
    if (input.data[0] == 4) {
        int status = open_part(o, h, bytes_slice(input, 0, plain_size), 0);
        if (status < 0)
            return status;
        o->plain = status == CRYPTO_ECIES_OPEN;
        if (o->plain)
            return P2P_HANDSHAKE_DONE;
    }
    if (size < plain_size + 2 || size > P2P_HANDSHAKE_MAX)
        return P2P_HANDSHAKE_BAD_SIZE;
    *ret_size = size;
    if (input.len < size)
        return P2P_HANDSHAKE_MORE;
    int status = open_part(o, h, bytes_slice(input, 0, size), 2);
    if (status < 0)
        return status;
    return status == CRYPTO_ECIES_OPEN ? P2P_HANDSHAKE_DONE : P2P_HANDSHAKE_BAD_PACKET;
}

/* ---- secrets ---- */

static void xor32(uint8_t *ret, const uint8_t *a, const uint8_t *b)
{
    for (size_t i = 0; i < 32; i++)
        ret[i] = a[i] ^ b[i];
}

static struct hash256 hash_pair(const void *a, const void *b)
{
    struct crypto_keccak256 k;
    struct hash256 hash;
    crypto_keccak256_init(&k);
    crypto_keccak256_update(&k, bytes_of(a, 32));
    crypto_keccak256_update(&k, bytes_of(b, 32));
    crypto_keccak256_final(&k, &hash);
    mem_wipe(&k, sizeof(k));
    return hash;
}

static void seed_mac(struct crypto_keccak256 *mac, const uint8_t secret[32],
                     const struct hash256 *nonce, const struct buf *packet)
{
    uint8_t seed[32];
    xor32(seed, secret, nonce->b);
    crypto_keccak256_init(mac);
    crypto_keccak256_update(mac, bytes_of(seed, sizeof(seed)));
    crypto_keccak256_update(mac, buf_bytes(packet));
    mem_wipe(seed, sizeof(seed));
}

/* Both packets are there, and the other side's ephemeral key and nonce. False when that key is no point. */
static bool make_session(const struct p2p_handshake *h, bool initiator,
                         struct p2p_session *ret_session)
{
    uint8_t agreed[32];
    if (!crypto_ecdh(agreed, &h->remote_ephemeral, &h->entropy.ephemeral))
        return false;
    const struct hash256 *own = &h->entropy.nonce, *other = &h->remote_nonce;
    const struct hash256 *init_nonce = initiator ? own : other,
                         *resp_nonce = initiator ? other : own;
    struct hash256 nonces = hash_pair(resp_nonce->b, init_nonce->b);
    struct hash256 shared = hash_pair(agreed, nonces.b);
    struct hash256 aes = hash_pair(agreed, shared.b);
    struct hash256 mac = hash_pair(agreed, aes.b);
    ret_session->remote = h->remote;
    memcpy(ret_session->aes_secret, aes.b, 32);
    memcpy(ret_session->mac_secret, mac.b, 32);
    seed_mac(initiator ? &ret_session->egress : &ret_session->ingress, mac.b, resp_nonce, &h->auth);
    seed_mac(initiator ? &ret_session->ingress : &ret_session->egress, mac.b, init_nonce, &h->ack);
    mem_wipe(agreed, sizeof(agreed));
    mem_wipe(&shared, sizeof(shared));
    mem_wipe(&aes, sizeof(aes));
    mem_wipe(&mac, sizeof(mac));
    return true;
}

/* What the initiator's ephemeral key signs: the static keys' agreement, under the nonce. */
static bool token(struct hash256 *ret_token, const struct p2p_handshake *h,
                  const struct hash256 *nonce)
{
    uint8_t agreed[32];
    if (!crypto_ecdh(agreed, &h->remote, h->key))
        return false;
    xor32(ret_token->b, agreed, nonce->b);
    mem_wipe(agreed, sizeof(agreed));
    return true;
}

/* ---- auth ---- */

int p2p_handshake_start(struct p2p_handshake *h, const struct crypto_public_key *remote,
                        struct bytes *ret_auth)
{
    struct crypto_public_key own;
    struct crypto_signature signature;
    struct hash256 signed_token;
    h->remote = *remote;
    if (!crypto_public_key_of(&own, h->key) || !token(&signed_token, h, &h->entropy.nonce) ||
        !crypto_ecdsa_sign(&signature, &signed_token, &h->entropy.ephemeral))
        return ERR_INPUT;
    mem_wipe(&signed_token, sizeof(signed_token));
    uint8_t flat[SIGNATURE];
    memcpy(flat, signature.rs, 64);
    flat[64] = signature.recovery_id;
    struct buf content = BUF_INIT;
    size_t list = rlp_begin(&content);
    rlp_write_bytes(&content, bytes_of(flat, sizeof(flat)));
    rlp_write_bytes(&content, bytes_of(own.b, sizeof(own.b)));
    rlp_write_hash(&content, &h->entropy.nonce);
    rlp_write_u64(&content, VERSION);
    rlp_end_list(&content, list);
    int status = seal(h, &h->auth, &content);
    buf_release(&content);
    if (status == 0)
        *ret_auth = buf_bytes(&h->auth);
    return status;
}

/* Takes out of an auth packet who it is from. */
static int read_auth(struct p2p_handshake *h, const struct opened *o)
{
    uint8_t signature[SIGNATURE];
    struct crypto_public_key claimed;
    if (o->plain) {
        const uint8_t *at = o->content.data; /* 194 bytes, as many as the packet's size leaves */
        memcpy(signature, at, SIGNATURE);
        memcpy(claimed.b, at + SIGNATURE + 32, 64); /* behind the hash of the ephemeral key */
        memcpy(h->remote_nonce.b, at + SIGNATURE + 32 + 64, 32);
    } else {
        struct rlp_reader r;
        rlp_reader_init(&r, o->content);
        rlp_enter(&r, "auth");
        rlp_read_fixed(&r, signature, SIGNATURE, "signature");
        rlp_read_fixed(&r, claimed.b, sizeof(claimed.b), "initiator key");
        h->remote_nonce = rlp_read_hash(&r, "nonce");
        (void)rlp_read_u64(&r, "version");
        if (!rlp_ok(&r)) /* more fields, and what is behind the list, are for later versions */
            return P2P_HANDSHAKE_BAD_CONTENT;
    }
    struct hash256 signed_token;
    if (!crypto_public_key_parse(&h->remote, bytes_of(claimed.b, sizeof(claimed.b))) ||
        !token(&signed_token, h, &h->remote_nonce))
        return P2P_HANDSHAKE_BAD_KEY;
    bool good = crypto_recover(&h->remote_ephemeral, &signed_token, signature, signature[64]);
    mem_wipe(&signed_token, sizeof(signed_token));
    return good ? P2P_HANDSHAKE_DONE : P2P_HANDSHAKE_BAD_SIGNATURE;
}

/* ---- ack ---- */

static int make_ack(struct p2p_handshake *h, bool plain)
{
    struct crypto_public_key ephemeral;
    struct buf content = BUF_INIT;
    int status;
    if (!crypto_public_key_of(&ephemeral, &h->entropy.ephemeral))
        return ERR_INPUT;
    if (plain) {
        buf_append(&content, ephemeral.b, sizeof(ephemeral.b));
        buf_append(&content, h->entropy.nonce.b, 32);
        buf_append_byte(&content, 0); /* no token of an earlier session */
        status = buf_status(&content);
        if (status == 0)
            status = crypto_ecies_seal(&h->ack, &h->remote, &h->entropy.ecies_key,
                                       h->entropy.ecies_iv, buf_bytes(&content), bytes_none());
    } else {
        size_t list = rlp_begin(&content);
        rlp_write_bytes(&content, bytes_of(ephemeral.b, sizeof(ephemeral.b)));
        rlp_write_hash(&content, &h->entropy.nonce);
        rlp_write_u64(&content, VERSION);
        rlp_end_list(&content, list);
        status = seal(h, &h->ack, &content);
    }
    buf_release(&content);
    return status;
}

static int read_ack(struct p2p_handshake *h, const struct opened *o)
{
    struct crypto_public_key ephemeral;
    if (o->plain) {
        memcpy(ephemeral.b, o->content.data, 64); /* of 97 bytes */
        memcpy(h->remote_nonce.b, o->content.data + 64, 32);
    } else {
        struct rlp_reader r;
        rlp_reader_init(&r, o->content);
        rlp_enter(&r, "ack");
        rlp_read_fixed(&r, ephemeral.b, sizeof(ephemeral.b), "ephemeral key");
        h->remote_nonce = rlp_read_hash(&r, "nonce");
        (void)rlp_read_u64(&r, "version");
        if (!rlp_ok(&r))
            return P2P_HANDSHAKE_BAD_CONTENT;
    }
    return crypto_public_key_parse(&h->remote_ephemeral, bytes_of(ephemeral.b, sizeof(ephemeral.b)))
               ? P2P_HANDSHAKE_DONE
               : P2P_HANDSHAKE_BAD_KEY;
}

/* ---- the two sides ---- */

int p2p_handshake_respond(struct p2p_handshake *h, struct bytes input, size_t *ret_size,
                          struct bytes *ret_ack, struct p2p_session *ret_session)
{
    struct opened o = {.copy = BUF_INIT};
    int status = open_packet(&o, h, input, P2P_HANDSHAKE_PLAIN_AUTH, ret_size);
    if (status == P2P_HANDSHAKE_DONE)
        status = read_auth(h, &o);
    if (status == P2P_HANDSHAKE_DONE) {
        buf_append_bytes(&h->auth, bytes_slice(input, 0, *ret_size));
        status = buf_status(&h->auth);
    }
    if (status == P2P_HANDSHAKE_DONE)
        status = make_ack(h, o.plain);
    if (status == P2P_HANDSHAKE_DONE && !make_session(h, false, ret_session))
        status = P2P_HANDSHAKE_BAD_KEY;
    if (status == P2P_HANDSHAKE_DONE)
        *ret_ack = buf_bytes(&h->ack);
    buf_release(&o.copy);
    return status;
}

int p2p_handshake_finish(struct p2p_handshake *h, struct bytes input, size_t *ret_size,
                         struct p2p_session *ret_session)
{
    struct opened o = {.copy = BUF_INIT};
    int status = open_packet(&o, h, input, P2P_HANDSHAKE_PLAIN_ACK, ret_size);
    if (status == P2P_HANDSHAKE_DONE)
        status = read_ack(h, &o);
    if (status == P2P_HANDSHAKE_DONE) {
        buf_append_bytes(&h->ack, bytes_slice(input, 0, *ret_size));
        status = buf_status(&h->ack);
    }
    if (status == P2P_HANDSHAKE_DONE && !make_session(h, true, ret_session))
        status = P2P_HANDSHAKE_BAD_KEY;
    buf_release(&o.copy);
    return status;
}
