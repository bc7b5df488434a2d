/* What Byzantine validators send: their machine is an honest one, but what it says reaches others changed, doubled, or not at
 * all. */
#include "base/mem.h"
#include "consensus/ibft/message.h"
#include "consensus/istanbul/hash.h"
#include "consensus/qbft/message.h"
#include "tests/sim/sim.h"

#include <stdlib.h>

static void send_some(struct sim_world *w, struct sim_validator *v, unsigned code,
                      struct bytes payload, uint64_t whom)
{
    for (size_t i = 0; i < w->count; i++) {
        if (i != v->index && whom >> i & 1 && w->links[v->index][i].connected)
            sim_transmit(w, v->index, i, SIM_DELIVER, code, payload, NULL);
    }
}

static struct bytes sign(const struct sim_validator *v, const struct hash256 *digest,
                         uint8_t signature[CONSENSUS_SEAL_SIZE])
{
    struct crypto_signature s;
    if (!crypto_ecdsa_sign(&s, digest, &v->key))
        abort();
    memcpy(signature, s.rs, sizeof(s.rs));
    signature[64] = s.recovery_id;
    return bytes_of(signature, CONSENSUS_SEAL_SIZE);
}

static void sign_again(const struct sim_validator *v, struct qbft_message *m,
                       uint8_t signature[CONSENSUS_SEAL_SIZE])
{
    struct hash256 digest;
    qbft_message_digest(m, &digest);
    m->signature = sign(v, &digest, signature);
}

static struct consensus_block *other_block(struct sim_world *w, const struct sim_validator *v)
{
    const struct consensus_block *parent = w->chain[v->height];
    return sim_make_block(w, v, parent,
                          parent->time + w->config.block_period + sim_below(&w->chance, 3),
                          sim_happens(&w->chance, 50), sim_happens(&w->chance, 50));
}

/* Another message than the machine's, with a right signature. */
static void send_changed(struct sim_world *w, struct sim_validator *v, struct qbft_message *m,
                         uint64_t whom)
{
    uint8_t signature[CONSENSUS_SEAL_SIZE];
    struct buf b = BUF_INIT;
    struct consensus_block *block = NULL;
    switch (m->code) {
    case CONSENSUS_QBFT_PRE_PREPARE:
        block = other_block(w, v);
        m->block = block->rlp;
        break;
    case CONSENSUS_QBFT_ROUND_CHANGE:
        m->round += sim_below(&w->chance, sim_happens(&w->chance, 10) ? UINT32_MAX - m->round : 4);
        if (sim_happens(&w->chance, 50)) { /* forgets what it prepared */
            m->prepared = false;
            m->digest = (struct hash256){{0}};
            m->block = bytes_none();
            m->prepare_count = 0;
        }
        break;
    default:
        if (sim_happens(&w->chance, 50))
            m->digest.b[0] ^= 1;
        else
            m->round += sim_below(&w->chance, 3);
        break;
    }
    sign_again(v, m, signature);
    qbft_message_write(&b, m);
    send_some(w, v, m->code, buf_bytes(&b), whom);
    buf_release(&b);
    consensus_block_unref(block);
}

/* The same with IBFT's messages: another proposal, votes for it or for nothing, any round. */
static void send_changed_ibft(struct sim_world *w, struct sim_validator *v, struct ibft_message *m,
                              uint64_t whom)
{
    uint8_t signature[CONSENSUS_SEAL_SIZE], seal[CONSENSUS_SEAL_SIZE];
    struct hash256 digest;
    struct buf b = BUF_INIT;
    struct consensus_block *block = NULL;
    if (m->code == IBFT_PRE_PREPARE) {
        block = other_block(w, v);
        m->block = block->rlp;
    } else if (m->code == IBFT_ROUND_CHANGE) {
        m->round += sim_below(&w->chance, sim_happens(&w->chance, 10) ? UINT32_MAX : 4);
    } else if (sim_happens(&w->chance, 50)) {
        m->digest.b[0] ^= 1;
        m->code = sim_happens(&w->chance, 50) ? IBFT_PREPARE : IBFT_COMMIT;
    } else {
        m->round += sim_below(&w->chance, 3);
    }
    if (m->code == IBFT_COMMIT) {
        istanbul_ibft_commit_digest(&m->digest, &digest);
        m->seal = sign(v, &digest, seal);
    }
    if (ibft_message_digest(m, &digest) != 0)
        abort();
    m->signature = sign(v, &digest, signature);
    ibft_message_write(&b, m);
    send_some(w, v, CONSENSUS_IBFT, buf_bytes(&b), whom);
    buf_release(&b);
    consensus_block_unref(block);
}

void sim_lie(struct sim_world *w, struct sim_validator *v, unsigned code, struct bytes payload)
{
    uint64_t some = sim_random(&w->chance);
    if (sim_happens(&w->chance, 30))
        send_some(w, v, code, payload, UINT64_MAX);
    else if (sim_happens(&w->chance, 70))
        send_some(w, v, code, payload, some);
    if (sim_happens(&w->chance, 30))
        return;
    struct ibft_message ibft;
    if (code == CONSENSUS_IBFT) {
        if (ibft_message_decode(&ibft, payload, NULL) == 0 && ibft.sequence == v->height + 1)
            send_changed_ibft(w, v, &ibft, ~some);
        return;
    }
    struct arena arena;
    struct qbft_message m;
    arena_init(&arena);
    if (qbft_message_decode(&m, &arena, code, payload, NULL) == 0 && m.number == v->height + 1)
        send_changed(w, v, &m, ~some);
    arena_release(&arena);
}
