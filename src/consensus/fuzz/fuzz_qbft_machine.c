/*
 * Any sequence of events into one machine of four: each byte says what happens next and to what. Messages are well signed by
 * other validators (or not), for rounds, heights and blocks near the current ones. The machine must take everything, never
 * contradict itself, and never agree on a block without three valid seals; in the middle it is thrown away and made again
 * from its last record.
 */
#include "base/fuzz/fuzz.h"
#include "consensus/istanbul/hash.h"
#include "consensus/istanbul/seals.h"
#include "consensus/test/kit.h"

enum { SELF = 0, BLOCKS = 4, ROUNDS = 8, KINDS = 4, STEPS_MAX = 200 };

struct play {
    struct kit kit;
    struct consensus_block *blocks[BLOCKS]; /* all for height 1 */
    struct consensus_machine *machine;
    struct buf record;
    uint64_t now_ms;
    uint64_t tokens[CONSENSUS_TIMER_SLOTS];
    struct hash256 said[ROUNDS][KINDS]; /* digests of own messages, zero: none */
    const uint8_t *at, *end;
};

static uint8_t next(struct play *p)
{
    return p->at < p->end ? *p->at++ : 0;
}

static int sign(void *context, const struct hash256 *digest, uint8_t ret[CONSENSUS_SEAL_SIZE])
{
    struct play *p = context;
    kit_sign(&p->kit.keys[SELF], digest, ret);
    return 0;
}

static void note_own(struct play *p, const struct consensus_effect *e)
{
    struct arena arena;
    struct qbft_message m;
    struct hash256 digest;
    arena_init(&arena);
    require(qbft_message_decode(&m, &arena, e->broadcast.code, e->broadcast.payload, NULL) == 0);
    qbft_message_digest(&m, &digest);
    require(m.number == 1);
    if (m.round < ROUNDS) {
        struct hash256 *said = &p->said[m.round][m.code - CONSENSUS_QBFT_PRE_PREPARE];
        require(hash256_is_zero(said) || hash256_equal(said, &digest));
        *said = digest;
    }
    arena_release(&arena);
}

static void check_commit(struct play *p, const struct consensus_effect *e)
{
    struct eth_header header;
    struct rlp_reader r;
    struct hash256 digest;
    bool seen[4] = {false};
    rlp_reader_init(&r, e->commit.block->rlp);
    rlp_enter(&r, "block");
    eth_header_read(&header, &r);
    require(istanbul_commit_digest(ISTANBUL_QBFT, &header, (uint32_t)e->commit.round, &digest) ==
            0);
    require(e->commit.seal_count >= 3);
    for (size_t i = 0; i < e->commit.seal_count; i++) {
        struct address signer;
        require(istanbul_recover(&signer, &digest,
                                 bytes_of(e->commit.seals[i].b, CONSENSUS_SEAL_SIZE)));
        int index = istanbul_set_index(&p->kit.set, &signer);
        require(index >= 0 && !seen[index]);
        seen[index] = true;
    }
}

static void step(struct play *p, struct consensus_event *e)
{
    struct consensus_effects effects = {0};
    e->now_ms = p->now_ms;
    require(consensus_machine_step(p->machine, e, &effects) == 0);
    for (size_t i = 0; i < effects.count; i++) {
        const struct consensus_effect *effect = &effects.items[i];
        switch (effect->kind) {
        case CONSENSUS_BROADCAST:
            if (address_is_zero(&effect->broadcast.except))
                note_own(p, effect);
            break;
        case CONSENSUS_TIMER:
            p->tokens[effect->timer.token % CONSENSUS_TIMER_SLOTS] = effect->timer.token;
            break;
        case CONSENSUS_COMMIT:
            check_commit(p, effect);
            break;
        case CONSENSUS_RECORD:
            buf_clear(&p->record);
            buf_append_bytes(&p->record, effect->record.bytes);
            break;
        default:
            break;
        }
    }
    consensus_effects_release(&effects);
}

static void start(struct play *p)
{
    struct consensus_options options = {.self = p->kit.set.members[SELF],
                                        .sign = sign,
                                        .sign_context = p,
                                        .record = buf_bytes(&p->record)};
    struct istanbul_config config;
    struct istanbul_params params;
    istanbul_config_init(&config);
    config.block_period = 1;
    istanbul_params_at(&config, 1, &params);
    struct consensus_event e = {.kind = CONSENSUS_HEAD,
                                .head = {.hash = p->kit.genesis->hash,
                                         .time = p->kit.genesis->time,
                                         .validators = &p->kit.set,
                                         .params = &params,
                                         .pending = true}};
    memset(p->tokens, 0, sizeof(p->tokens));
    require(consensus_machine_new(&p->machine, &qbft_machine, &options, NULL) == 0);
    step(p, &e);
}

static void send(struct play *p, struct kit_message *message, uint8_t damage)
{
    struct buf b = BUF_INIT;
    struct consensus_event e = {.kind = CONSENSUS_MESSAGE};
    qbft_message_write(&b, &message->m);
    if (damage >= 0xf0 && b.len)
        b.data[next(p) * 7 % b.len] ^= (uint8_t)(1u << (damage & 7));
    e.message.from = p->kit.set.members[1 + damage % 3];
    e.message.code = message->m.code;
    e.message.payload = buf_bytes(&b);
    step(p, &e);
    buf_release(&b);
    kit_free(message);
}

static void one_message(struct play *p)
{
    uint8_t kind = next(p), what = next(p);
    size_t signer = 1 + kind / 16 % 3;
    const struct consensus_block *block = p->blocks[what % BLOCKS];
    uint64_t round = what / 16 % ROUNDS;
    struct kit_message *changes[4] = {NULL}, *message;
    switch (kind % 5) {
    case 0:
        message = kit_prepare(&p->kit, signer, 1 + (what == 0xff), round, &block->hash);
        break;
    case 1:
        message = kit_commit(&p->kit, signer, round, block);
        break;
    case 2:
        message = kit_round_change(&p->kit, signer, 1, round, NULL, 0, 0);
        break;
    case 3:
        message = kit_round_change(&p->kit, signer, 1, round + 1, block, round, 2 + what / 4 % 2);
        break;
    default:
        for (size_t i = 0; i < 4; i++)
            changes[i] = kit_round_change(&p->kit, i, 1, round,
                                          i == 3 && round && what & 4 ? block : NULL, 0, 3);
        message = kit_pre_prepare(&p->kit, signer, round, block, changes + (what & 4 ? 1 : 0),
                                  round ? 3 : 0, round && what & 4 ? changes[3] : NULL);
        break;
    }
    send(p, message, next(p));
    for (size_t i = 0; i < 4; i++)
        kit_free(changes[i]);
}

static void one_event(struct play *p)
{
    struct consensus_event e = {0};
    uint8_t what = next(p), which = next(p);
    p->now_ms += which;
    switch (what % 8) {
    case 0:
        e.kind = CONSENSUS_TIMEOUT;
        e.timeout.token = p->tokens[which % CONSENSUS_TIMER_SLOTS];
        step(p, &e);
        break;
    case 1:
        e.kind = CONSENSUS_CHECKED;
        e.checked.hash = p->blocks[which % BLOCKS]->hash;
        e.checked.verdict = (enum consensus_verdict)(which / 8 % 3);
        e.checked.wait_ms = which;
        step(p, &e);
        break;
    case 2:
        e.kind = CONSENSUS_CANDIDATE;
        e.candidate.block = p->blocks[which % BLOCKS];
        step(p, &e);
        break;
    case 3:
        e.kind = which & 1 ? CONSENSUS_PEER : CONSENSUS_PEER_LOST;
        e.peer.address = p->kit.set.members[which / 2 % 4];
        step(p, &e);
        break;
    case 4:
        e.kind = which & 1 ? CONSENSUS_PENDING : CONSENSUS_COMMIT_FAILED;
        e.commit_failed.hash = p->blocks[which / 2 % BLOCKS]->hash;
        step(p, &e);
        break;
    case 5:
        if (which % 8 == 0) { /* the crash: what it knew is gone but for the record */
            consensus_machine_free(p->machine);
            start(p);
        }
        break;
    default:
        one_message(p);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct play p;
    p = (struct play){.at = data, .end = data + size};
    kit_init(&p.kit, 4, 1);
    p.now_ms = (KIT_GENESIS_TIME + 2) * 1000ull;
    for (size_t i = 0; i < BLOCKS; i++)
        p.blocks[i] = kit_block(&p.kit, p.kit.genesis, i, KIT_GENESIS_TIME + 1, i % 2, i);
    start(&p);
    for (size_t i = 0; i < STEPS_MAX && p.at < p.end; i++)
        one_event(&p);
    consensus_machine_free(p.machine);
    for (size_t i = 0; i < BLOCKS; i++)
        consensus_block_unref(p.blocks[i]);
    buf_release(&p.record);
    kit_release(&p.kit);
    return 0;
}
