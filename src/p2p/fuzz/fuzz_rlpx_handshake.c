/* The first byte chooses: the rest as it comes, to the responder (0) or the initiator (1); or as the content of a packet that
 * is sealed as it should be (2, 3), so that what is behind the encryption is reached too. Whatever comes, the outcome is
 * one of the listed ones, no more is asked for than a packet may have, and a handshake that is done gives a session. */
#include "base/fuzz/fuzz.h"
#include "crypto/ecies.h"
#include "p2p/rlpx/frames.h"

static void seal(struct buf *packet, const struct crypto_private_key *to, struct bytes content)
{
    struct crypto_public_key public_key;
    struct crypto_private_key ephemeral;
    uint8_t iv[16] = {7};
    size_t len = content.len + CRYPTO_ECIES_OVERHEAD;
    uint8_t prefix[2] = {(uint8_t)(len >> 8), (uint8_t)len};
    memset(ephemeral.b, 3, sizeof(ephemeral.b));
    require(crypto_public_key_of(&public_key, to));
    buf_append(packet, prefix, sizeof(prefix));
    require(crypto_ecies_seal(packet, &public_key, &ephemeral, iv, content, bytes_of(prefix, 2)) ==
            0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes input = bytes_of(data + 1, size - 1);
    bool responder = !(data[0] & 1);
    struct crypto_private_key key, other;
    struct crypto_public_key remote;
    struct p2p_handshake_entropy entropy = {.padding = P2P_HANDSHAKE_PADDING_MIN};
    memset(key.b, 1, sizeof(key.b));
    memset(other.b, 2, sizeof(other.b));
    memset(entropy.ephemeral.b, 4, sizeof(entropy.ephemeral.b));
    memset(entropy.ecies_key.b, 5, sizeof(entropy.ecies_key.b));
    require(crypto_public_key_of(&remote, &other));

    struct buf packet = BUF_INIT;
    if (data[0] & 2 && input.len && input.len < 4096)
        seal(&packet, &key, input);
    else
        buf_append_bytes(&packet, input);
    struct p2p_handshake h;
    struct p2p_session session;
    struct bytes auth, ack;
    size_t wanted = 0;
    p2p_handshake_init(&h, &key, &entropy);
    if (!responder)
        require(p2p_handshake_start(&h, &remote, &auth) == 0);
    int status = responder ? p2p_handshake_respond(&h, buf_bytes(&packet), &wanted, &ack, &session)
                           : p2p_handshake_finish(&h, buf_bytes(&packet), &wanted, &session);
    require(status >= P2P_HANDSHAKE_DONE && status <= P2P_HANDSHAKE_BAD_SIGNATURE);
    if (status == P2P_HANDSHAKE_MORE)
        require(wanted > packet.len && wanted <= P2P_HANDSHAKE_MAX);
    if (status == P2P_HANDSHAKE_DONE) {
        struct p2p_frames f;
        require(wanted <= packet.len);
        require(p2p_frames_init(&f, &session, true) == 0);
        p2p_frames_release(&f);
    }
    p2p_handshake_release(&h);
    buf_release(&packet);
    return 0;
}
