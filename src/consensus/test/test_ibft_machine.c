/*
 * Single steps of the IBFT machine that whole networks (tests/sim, test_ibft_replay.c) show by chance only. One machine under
 * test is validator `own` of four; the test speaks for the others with their keys.
 */
#include "base/mem.h"
#include "consensus/ibft/message.h"
#include "consensus/istanbul/hash.h"
#include "consensus/istanbul/seals.h"
#include "consensus/istanbul/set.h"
#include "consensus/machine.h"
#include "crypto/secp256k1.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { NODES = 4, PERIOD = 1, HEAD = 6, NUMBER = 7, HEAD_TIME = 1000, NOW = 1001000 };

struct node {
    struct crypto_private_key key;
    struct address address;
};

struct world {
    struct node nodes[NODES]; /* in the order of proposers: node r proposes in round r */
    struct istanbul_set set;
    struct istanbul_params params;
    size_t own;
    struct consensus_machine *machine;
    struct consensus_effects effects; /* of the last step */
    struct buf record;                /* what a disk would hold */
};

static int sign(void *context, const struct hash256 *digest, uint8_t ret[CONSENSUS_SEAL_SIZE])
{
    const struct node *node = context;
    struct crypto_signature signature;
    assert_true(crypto_ecdsa_sign(&signature, digest, &node->key));
    memcpy(ret, signature.rs, 64);
    ret[64] = signature.recovery_id;
    return 0;
}

/* ---- the machine and its effects ---- */

static void step(struct world *w, struct consensus_event event)
{
    consensus_effects_clear(&w->effects);
    if (!event.now_ms)
        event.now_ms = NOW;
    assert_int_equal(consensus_machine_step(w->machine, &event, &w->effects), ERR_OK);
    for (size_t i = 0; i < w->effects.count; i++)
        if (w->effects.items[i].kind == CONSENSUS_RECORD) {
            buf_clear(&w->record);
            buf_append_bytes(&w->record, w->effects.items[i].record.bytes);
        }
}

static const struct consensus_effect *find(const struct world *w, enum consensus_effect_kind kind)
{
    for (size_t i = 0; i < w->effects.count; i++)
        if (w->effects.items[i].kind == kind)
            return &w->effects.items[i];
    return NULL;
}

/* The message of this code that the machine said in the last step, after its record. */
static bool said(const struct world *w, enum ibft_code code, struct ibft_message *ret_message)
{
    bool recorded = false;
    for (size_t i = 0; i < w->effects.count; i++) {
        const struct consensus_effect *e = &w->effects.items[i];
        struct ibft_message m;
        recorded |= e->kind == CONSENSUS_RECORD;
        if (e->kind != CONSENSUS_BROADCAST ||
            ibft_message_decode(&m, e->broadcast.payload, NULL) != ERR_OK ||
            !address_equal(&m.sender, &w->nodes[w->own].address) || m.code != code)
            continue;
        assert_true(recorded || code == IBFT_CODES);
        assert_int_equal(ibft_message_verify(&m), 1);
        *ret_message = m;
        return true;
    }
    return false;
}

static void make_machine(struct world *w)
{
    struct consensus_options options = {
        .self = w->nodes[w->own].address,
        .sign = sign,
        .sign_context = &w->nodes[w->own],
        .record = buf_bytes(&w->record),
    };
    assert_int_equal(consensus_machine_new(&w->machine, &ibft_machine, &options, NULL), ERR_OK);
}

static void say_head(struct world *w, uint64_t number)
{
    struct consensus_event e = {
        .kind = CONSENSUS_HEAD,
        .head = {.number = number,
                 .hash = {{(uint8_t)number}},
                 .time = HEAD_TIME,
                 .proposer = *istanbul_set_at(&w->set, ISTANBUL_BY_TEXT, w->set.count - 1),
                 .validators = &w->set,
                 .params = &w->params},
    };
    step(w, e);
}

/* Dies, and starts again with what the disk holds. */
static void restart(struct world *w)
{
    consensus_machine_free(w->machine);
    make_machine(w);
}

static void set_up(struct world *w, size_t own)
{
    *w = (struct world){.own = own};
    struct node nodes[NODES];
    for (size_t i = 0; i < NODES; i++) {
        struct crypto_public_key public_key;
        memset(nodes[i].key.b, (int)i + 1, sizeof(nodes[i].key.b));
        assert_true(crypto_public_key_of(&public_key, &nodes[i].key));
        crypto_address_of(&nodes[i].address, &public_key);
        assert_int_equal(istanbul_set_add(&w->set, &nodes[i].address), ERR_OK);
    }
    for (size_t i = 0; i < NODES; i++)
        for (size_t k = 0; k < NODES; k++)
            if (address_equal(&nodes[k].address, istanbul_set_at(&w->set, ISTANBUL_BY_TEXT, i)))
                w->nodes[i] = nodes[k];
    struct istanbul_config config;
    istanbul_config_init(&config);
    config.qbft_block = ISTANBUL_NEVER;
    config.block_period = PERIOD;
    istanbul_params_at(&config, NUMBER, &w->params);
    make_machine(w);
}

static void tear_down(struct world *w)
{
    consensus_machine_free(w->machine);
    consensus_effects_release(&w->effects);
    istanbul_set_release(&w->set);
    buf_release(&w->record);
}

/* ---- what the others say ---- */

static struct consensus_block *make_block(struct world *w, size_t author, uint8_t mark)
{
    struct buf extra = BUF_INIT, sealed = BUF_INIT, b = BUF_INIT;
    istanbul_extra_prepare(&extra, ISTANBUL_IBFT, bytes_none(), w->set.members, w->set.count, NULL,
                           false);
    struct eth_header h = {
        .parent_hash = {{HEAD}},
        .uncles_hash = eth_empty_uncles_hash,
        .state_root = {{mark}},
        .transactions_root = eth_empty_trie_root,
        .receipts_root = eth_empty_trie_root,
        .difficulty = {{1}},
        .number = NUMBER,
        .timestamp = HEAD_TIME + PERIOD,
        .extra = buf_bytes(&extra),
        .mix_hash = istanbul_digest,
    };
    struct hash256 digest;
    struct istanbul_seal seal;
    struct consensus_block *block;
    assert_int_equal(istanbul_proposer_digest(&h, &digest), ERR_OK);
    assert_int_equal(sign(&w->nodes[author], &digest, seal.b), 0);
    assert_int_equal(istanbul_extra_put_seal(&sealed, h.extra, &seal), ERR_OK);
    h.extra = buf_bytes(&sealed);
    size_t list = rlp_begin(&b);
    eth_header_write(&b, &h);
    rlp_write_raw(&b, bytes_of("\xc0\xc0", 2));
    rlp_end_list(&b, list);
    assert_int_equal(consensus_block_new(&block, buf_bytes(&b), NULL), ERR_OK);
    buf_release(&extra);
    buf_release(&sealed);
    buf_release(&b);
    return block;
}

/* Appends the payload of a message, signed by `from`. */
static void write_message(struct world *w, struct buf *payload, size_t from, enum ibft_code code,
                          uint64_t round, const struct consensus_block *block)
{
    uint8_t seal[CONSENSUS_SEAL_SIZE], signature[CONSENSUS_SEAL_SIZE];
    struct hash256 digest;
    struct ibft_message m = {
        .code = code, .round = round, .sequence = NUMBER, .sender = w->nodes[from].address};
    if (code == IBFT_PRE_PREPARE)
        m.block = block->rlp;
    else if (block)
        m.digest = block->hash;
    if (code == IBFT_COMMIT) {
        istanbul_ibft_commit_digest(&m.digest, &digest);
        sign(&w->nodes[from], &digest, seal);
        m.seal = bytes_of(seal, sizeof(seal));
    }
    assert_int_equal(ibft_message_digest(&m, &digest), ERR_OK);
    sign(&w->nodes[from], &digest, signature);
    m.signature = bytes_of(signature, sizeof(signature));
    ibft_message_write(payload, &m);
}

static struct consensus_event message_event(const struct world *w, size_t from,
                                            const struct buf *payload)
{
    return (struct consensus_event){.kind = CONSENSUS_MESSAGE,
                                    .now_ms = NOW,
                                    .message = {.from = w->nodes[from].address,
                                                .code = CONSENSUS_IBFT,
                                                .payload = buf_bytes(payload)}};
}

static void hear(struct world *w, size_t from, enum ibft_code code, uint64_t round,
                 const struct consensus_block *block)
{
    struct buf payload = BUF_INIT;
    write_message(w, &payload, from, code, round, block);
    step(w, message_event(w, from, &payload));
    buf_release(&payload);
}

static void say_checked(struct world *w, const struct consensus_block *block,
                        enum consensus_verdict verdict)
{
    step(w, (struct consensus_event){.kind = CONSENSUS_CHECKED,
                                     .checked = {.hash = block->hash, .verdict = verdict}});
}

static void expect_said(const struct world *w, enum ibft_code code, uint64_t round,
                        const struct consensus_block *block)
{
    struct ibft_message m;
    assert_true(said(w, code, &m));
    assert_int_equal(m.round, round);
    assert_int_equal(m.sequence, NUMBER);
    if (code == IBFT_PREPARE || code == IBFT_COMMIT)
        assert_true(hash256_equal(&m.digest, &block->hash));
}

static void expect_silence(const struct world *w)
{
    struct ibft_message m;
    for (int code = 0; code < IBFT_CODES; code++)
        assert_false(said(w, (enum ibft_code)code, &m));
}

/* Node 0's proposal of round 0, checked and voted for. */
static struct consensus_block *accept_first(struct world *w)
{
    struct consensus_block *block = make_block(w, 0, 1);
    hear(w, 0, IBFT_PRE_PREPARE, 0, block);
    assert_non_null(find(w, CONSENSUS_CHECK));
    expect_silence(w);
    say_checked(w, block, CONSENSUS_CHECK_OK);
    expect_said(w, IBFT_PREPARE, 0, block);
    return block;
}

/* ---- tests ---- */

static void a_round(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 3);
    say_head(&w, HEAD);
    struct consensus_block *block = accept_first(&w);
    hear(&w, 0, IBFT_PREPARE, 0, block);
    expect_silence(&w);
    hear(&w, 1, IBFT_PREPARE, 0, block);
    expect_said(&w, IBFT_COMMIT, 0, block);
    hear(&w, 0, IBFT_COMMIT, 0, block);
    assert_null(find(&w, CONSENSUS_COMMIT));
    hear(&w, 2, IBFT_COMMIT, 0, block);
    const struct consensus_effect *commit = find(&w, CONSENSUS_COMMIT);
    assert_non_null(commit);
    assert_int_equal(commit->commit.seal_count, 3);
    assert_true(hash256_equal(&commit->commit.block->hash, &block->hash));
    consensus_block_unref(block);
    tear_down(&w);
}

static void own_proposal(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 0);
    say_head(&w, HEAD);
    const struct consensus_effect *build = find(&w, CONSENSUS_BUILD);
    assert_non_null(build);
    assert_int_equal(build->build.number, NUMBER);
    assert_int_equal(build->build.time, HEAD_TIME + PERIOD);
    struct consensus_block *block = make_block(&w, 0, 1);
    /* Before its time it waits. */
    step(&w, (struct consensus_event){
                 .kind = CONSENSUS_CANDIDATE, .now_ms = NOW - 300, .candidate = {.block = block}});
    expect_silence(&w);
    const struct consensus_effect *timer = find(&w, CONSENSUS_TIMER);
    assert_int_equal(timer->timer.after_ms, 300);
    uint64_t token = timer->timer.token;
    step(&w, (struct consensus_event){.kind = CONSENSUS_TIMEOUT, .timeout = {.token = token}});
    struct ibft_message m;
    assert_true(said(&w, IBFT_PRE_PREPARE, &m));
    assert_true(bytes_equal(m.block, block->rlp));
    expect_said(&w, IBFT_PREPARE, 0, block);
    assert_null(find(&w, CONSENSUS_CHECK));
    consensus_block_unref(block);
    tear_down(&w);
}

/* A proposal by another than the proposer, votes by strangers, seals that are wrong: nothing happens. */
static void not_his_turn(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 3);
    say_head(&w, HEAD);
    struct consensus_block *block = make_block(&w, 1, 1);
    hear(&w, 1, IBFT_PRE_PREPARE, 0, block);
    assert_int_equal(w.effects.count, 0);
    struct node before = w.nodes[1];
    memset(w.nodes[1].key.b, 77, sizeof(w.nodes[1].key.b)); /* says it is node 1 */
    hear(&w, 1, IBFT_PREPARE, 0, block);
    assert_int_equal(w.effects.count, 0);
    w.nodes[1] = before;
    consensus_block_unref(block);
    tear_down(&w);
}

static void bad_proposal(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 3);
    say_head(&w, HEAD);
    struct consensus_block *block = make_block(&w, 0, 1);
    hear(&w, 0, IBFT_PRE_PREPARE, 0, block);
    say_checked(&w, block, CONSENSUS_CHECK_BAD);
    expect_said(&w, IBFT_ROUND_CHANGE, 1, NULL);
    assert_string_equal(find(&w, CONSENSUS_ALARM)->alarm.text,
                        "block 7 round 0: the proposal is invalid; changing the round");
    /* The same one in the next round is not looked at again. */
    hear(&w, 1, IBFT_ROUND_CHANGE, 1, NULL);
    hear(&w, 2, IBFT_ROUND_CHANGE, 1, NULL);
    hear(&w, 1, IBFT_PRE_PREPARE, 1, block);
    assert_null(find(&w, CONSENSUS_CHECK));
    consensus_block_unref(block);
    tear_down(&w);
}

/* Locked on the block of round 0, it votes for no other but for the same one again, and moves its lock when a quorum of a later
 * round shows that nobody can have committed to its block. */
static void locks(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 3);
    say_head(&w, HEAD);
    struct consensus_block *first = accept_first(&w), *second = make_block(&w, 1, 2);
    hear(&w, 0, IBFT_PREPARE, 0, first);
    hear(&w, 1, IBFT_PREPARE, 0, first);
    expect_said(&w, IBFT_COMMIT, 0, first);
    /* Of the three that are there one has left the round: the others follow, since it cannot come back. */
    hear(&w, 1, IBFT_ROUND_CHANGE, 1, NULL);
    expect_said(&w, IBFT_ROUND_CHANGE, 1, NULL);
    hear(&w, 2, IBFT_ROUND_CHANGE, 1, NULL);
    hear(&w, 0, IBFT_ROUND_CHANGE, 1, NULL);
    hear(&w, 1, IBFT_PRE_PREPARE, 1, second);
    expect_silence(&w);
    assert_null(find(&w, CONSENSUS_CHECK));
    hear(&w, 0, IBFT_PREPARE, 1, second);
    hear(&w, 1, IBFT_PREPARE, 1, second);
    expect_silence(&w);
    hear(&w, 2, IBFT_PREPARE, 1, second);
    assert_non_null(find(&w, CONSENSUS_CHECK));
    say_checked(&w, second, CONSENSUS_CHECK_OK);
    expect_said(&w, IBFT_COMMIT, 1, second);
    /* Round 2: its lock is proposed again. */
    hear(&w, 0, IBFT_ROUND_CHANGE, 2, NULL);
    hear(&w, 1, IBFT_ROUND_CHANGE, 2, NULL);
    hear(&w, 2, IBFT_PRE_PREPARE, 2, first);
    expect_silence(&w);
    hear(&w, 0, IBFT_ROUND_CHANGE, 3, NULL);
    hear(&w, 1, IBFT_ROUND_CHANGE, 3, NULL);
    struct ibft_message m;
    assert_true(said(&w, IBFT_PRE_PREPARE, &m)); /* its own turn */
    assert_true(bytes_equal(m.block, second->rlp));
    expect_said(&w, IBFT_PREPARE, 3, second);
    hear(&w, 0, IBFT_PREPARE, 3, second);
    expect_silence(&w);
    hear(&w, 1, IBFT_COMMIT, 3, second); /* as a locked GoQuorum says it */
    expect_said(&w, IBFT_COMMIT, 3, second);
    consensus_block_unref(first);
    consensus_block_unref(second);
    tear_down(&w);
}

/* Locked, and without it there is no quorum in the round: it asks for the next one at once, until the turn of one who
 * proposes what it is locked on. */
static void no_quorum_without_it(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 3);
    say_head(&w, HEAD);
    struct consensus_block *first = accept_first(&w), *second = make_block(&w, 1, 2);
    hear(&w, 0, IBFT_PREPARE, 0, first);
    hear(&w, 1, IBFT_PREPARE, 0, first);
    expect_said(&w, IBFT_COMMIT, 0, first);
    hear(&w, 1, IBFT_ROUND_CHANGE, 1, NULL);
    hear(&w, 2, IBFT_ROUND_CHANGE, 1, NULL); /* node 0 stays away */
    hear(&w, 1, IBFT_PRE_PREPARE, 1, second);
    expect_said(&w, IBFT_ROUND_CHANGE, 2, NULL);
    hear(&w, 1, IBFT_ROUND_CHANGE, 2, NULL);
    hear(&w, 2, IBFT_ROUND_CHANGE, 2, NULL);
    hear(&w, 2, IBFT_PRE_PREPARE, 2, first);
    expect_said(&w, IBFT_PREPARE, 2, first);
    consensus_block_unref(first);
    consensus_block_unref(second);
    tear_down(&w);
}

/* How many messages of a round were sent to this node alone, in the last step. */
static size_t count_sent(const struct world *w, size_t to, enum ibft_code code, uint64_t round,
                         const struct consensus_block *block)
{
    size_t n = 0;
    for (size_t i = 0; i < w->effects.count; i++) {
        const struct consensus_effect *e = &w->effects.items[i];
        struct ibft_message m;
        if (e->kind != CONSENSUS_SEND || !address_equal(&e->send.to, &w->nodes[to].address))
            continue;
        assert_int_equal(ibft_message_decode(&m, e->send.payload, NULL), ERR_OK);
        assert_int_equal(ibft_message_verify(&m), 1);
        n += m.code == code && m.round == round &&
             (code == IBFT_PRE_PREPARE ? bytes_equal(m.block, block->rlp)
                                       : hash256_equal(&m.digest, &block->hash));
    }
    return n;
}

/* Locked on the first block in round 0, and in round 2: node 0 was away, and a quorum without it asked for the rounds. */
static void lock_and_leave(struct world *w, const struct consensus_block *first)
{
    hear(w, 0, IBFT_PREPARE, 0, first);
    hear(w, 1, IBFT_PREPARE, 0, first);
    expect_said(w, IBFT_COMMIT, 0, first);
    hear(w, 1, IBFT_ROUND_CHANGE, 2, NULL);
    expect_said(w, IBFT_ROUND_CHANGE, 2, NULL); /* without node 1 there is no quorum */
    hear(w, 2, IBFT_ROUND_CHANGE, 2, NULL);
}

/* The votes of a later round than that of its lock move it, though that round is over; and it shows them in turn, also after
 * a crash. */
static void shown_lock(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 3);
    say_head(&w, HEAD);
    struct consensus_block *first = accept_first(&w), *second = make_block(&w, 1, 2);
    lock_and_leave(&w, first);
    hear(&w, 2, IBFT_PREPARE, 1, second);
    hear(&w, 1, IBFT_PREPARE, 1, second);
    hear(&w, 1, IBFT_PRE_PREPARE, 1, second);
    assert_null(find(&w, CONSENSUS_CHECK)); /* two are no quorum */
    hear(&w, 0, IBFT_COMMIT, 1, second);
    assert_non_null(find(&w, CONSENSUS_CHECK));
    expect_silence(&w);
    say_checked(&w, second, CONSENSUS_CHECK_OK);
    expect_silence(&w);

    /* Node 2, for the first block, is shown the second one, once. */
    hear(&w, 2, IBFT_PRE_PREPARE, 2, first);
    assert_int_equal(count_sent(&w, 2, IBFT_PREPARE, 1, second), 0); /* it voted for it */
    hear(&w, 2, IBFT_ROUND_CHANGE, 3, NULL);
    hear(&w, 0, IBFT_ROUND_CHANGE, 3, NULL);
    struct ibft_message m;
    assert_true(said(&w, IBFT_PRE_PREPARE, &m)); /* its own turn */
    assert_true(bytes_equal(m.block, second->rlp));

    restart(&w);
    say_head(&w, HEAD);
    step(&w,
         (struct consensus_event){.kind = CONSENSUS_PEER, .peer = {.address = w.nodes[0].address}});
    assert_int_equal(count_sent(&w, 0, IBFT_PREPARE, 1, second), 2);
    assert_int_equal(count_sent(&w, 0, IBFT_COMMIT, 1, second), 1);
    consensus_block_unref(first);
    consensus_block_unref(second);
    tear_down(&w);
}

/* Who votes for another block than that of the lock is shown why not, once in a round. */
static void shows_lock(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 3);
    say_head(&w, HEAD);
    struct consensus_block *first = accept_first(&w), *second = make_block(&w, 2, 2);
    hear(&w, 1, IBFT_PREPARE, 0, first);
    hear(&w, 2, IBFT_PREPARE, 0, first);
    expect_said(&w, IBFT_COMMIT, 0, first);
    hear(&w, 0, IBFT_ROUND_CHANGE, 2, NULL);
    hear(&w, 2, IBFT_ROUND_CHANGE, 2, NULL);
    hear(&w, 0, IBFT_PREPARE, 2, second);
    assert_int_equal(count_sent(&w, 0, IBFT_PREPARE, 0, first), 3);
    assert_int_equal(count_sent(&w, 0, IBFT_PRE_PREPARE, 0, first), 1);
    hear(&w, 0, IBFT_COMMIT, 2, second);
    assert_int_equal(count_sent(&w, 0, IBFT_PREPARE, 0, first), 0);
    consensus_block_unref(first);
    consensus_block_unref(second);
    tear_down(&w);
}

/* A record as it was before locks had proofs. */
static void record_without_proof(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 3);
    struct consensus_block *first = make_block(&w, 0, 1);
    size_t list = rlp_begin(&w.record);
    rlp_write_u64(&w.record, 1);
    rlp_write_u64(&w.record, NUMBER);
    rlp_write_u64(&w.record, 0);
    rlp_write_bool(&w.record, false);
    rlp_write_bool(&w.record, true);
    rlp_write_hash(&w.record, &first->hash);
    rlp_write_u64(&w.record, 0);
    rlp_write_bytes(&w.record, first->rlp);
    rlp_end_list(&w.record, list);
    restart(&w);
    say_head(&w, HEAD);
    expect_said(&w, IBFT_COMMIT, 0, first);
    consensus_block_unref(first);
    tear_down(&w);
}

/* After a crash it says what it said before, and nothing else in that round. */
static void after_a_crash(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 3);
    say_head(&w, HEAD);
    struct consensus_block *first = accept_first(&w), *second = make_block(&w, 0, 2);
    restart(&w);
    say_head(&w, HEAD);
    expect_said(&w, IBFT_PREPARE, 0, first);
    hear(&w, 0, IBFT_PRE_PREPARE, 0, second); /* the proposer has two */
    expect_silence(&w);
    assert_null(find(&w, CONSENSUS_CHECK));

    restart(&w);
    say_head(&w, HEAD);
    hear(&w, 0, IBFT_PRE_PREPARE, 0, first);
    say_checked(&w, first, CONSENSUS_CHECK_OK);
    hear(&w, 0, IBFT_PREPARE, 0, first);
    hear(&w, 1, IBFT_PREPARE, 0, first);
    expect_said(&w, IBFT_COMMIT, 0, first);

    restart(&w); /* the lock comes back with its block */
    say_head(&w, HEAD);
    expect_said(&w, IBFT_COMMIT, 0, first);
    hear(&w, 1, IBFT_COMMIT, 0, first);
    hear(&w, 2, IBFT_COMMIT, 0, first);
    assert_non_null(find(&w, CONSENSUS_COMMIT));

    /* A chain that is shorter than what was signed for: silence. */
    restart(&w);
    say_head(&w, HEAD - 1);
    expect_silence(&w);
    assert_non_null(find(&w, CONSENSUS_ALARM));
    struct consensus_status status;
    consensus_machine_status(w.machine, &status);
    assert_false(status.validator);
    say_head(&w, HEAD);
    expect_said(&w, IBFT_COMMIT, 0, first);
    consensus_block_unref(first);
    consensus_block_unref(second);
    tear_down(&w);
}

static void damaged_record(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 3);
    struct consensus_options options = {.self = w.nodes[3].address,
                                        .sign = sign,
                                        .sign_context = &w.nodes[3],
                                        .record = bytes_of("\xc3\x01\x02", 3)};
    struct consensus_machine *machine;
    struct err_detail detail;
    assert_int_equal(consensus_machine_new(&machine, &ibft_machine, &options, &detail),
                     ERR_CORRUPT);
    assert_string_equal(detail.text,
                        "record of IBFT: record at byte 0: longer than the bytes that hold it");
    tear_down(&w);
}

/* A member that comes back is sent everything of the round; one that is alone does not run ahead. */
static void company(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 3);
    say_head(&w, HEAD);
    struct consensus_block *first = accept_first(&w);
    step(&w,
         (struct consensus_event){.kind = CONSENSUS_PEER, .peer = {.address = w.nodes[2].address}});
    size_t sent = 0;
    for (size_t i = 0; i < w.effects.count; i++)
        sent += w.effects.items[i].kind == CONSENSUS_SEND;
    assert_int_equal(sent, 2); /* the proposal and its own vote */

    uint64_t round = 0;
    for (int i = 0; i < 5; i++) {
        struct consensus_status status;
        struct ibft_message m;
        /* Whatever timer was started last in slot 0. */
        for (uint64_t generation = 0; generation < 64; generation++) {
            step(&w, (struct consensus_event){
                         .kind = CONSENSUS_TIMEOUT,
                         .timeout = {.token = generation * CONSENSUS_TIMER_SLOTS}});
            if (said(&w, IBFT_ROUND_CHANGE, &m))
                round = m.round;
        }
        consensus_machine_status(w.machine, &status);
        assert_int_equal(status.round, 1);
        assert_string_equal(status.state, "waiting");
    }
    assert_int_equal(round, 1);
    consensus_block_unref(first);
    tear_down(&w);
}

/* Heights of QBFT are another machine's; who is no validator says nothing. */
static void not_at_work(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 0);
    w.params.engine = ISTANBUL_QBFT;
    say_head(&w, HEAD);
    assert_int_equal(w.effects.count, 0);
    w.params.engine = ISTANBUL_IBFT;
    assert_true(istanbul_set_remove(&w.set, &w.nodes[0].address));
    say_head(&w, HEAD + 1);
    assert_int_equal(w.effects.count, 0);
    tear_down(&w);
}

/* Who still proposes the block that is the head already is told that it is committed. */
static void old_block(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, 3);
    say_head(&w, HEAD);
    struct consensus_block *first = accept_first(&w);
    struct consensus_event e = {
        .kind = CONSENSUS_HEAD,
        .head = {.number = NUMBER,
                 .hash = first->hash,
                 .time = first->time,
                 .proposer = w.nodes[0].address,
                 .validators = &w.set,
                 .params = &w.params},
    };
    step(&w, e);
    hear(&w, 1, IBFT_PRE_PREPARE, 5, first);
    const struct consensus_effect *answer = find(&w, CONSENSUS_SEND);
    assert_non_null(answer);
    struct ibft_message m;
    assert_int_equal(ibft_message_decode(&m, answer->send.payload, NULL), ERR_OK);
    assert_int_equal(m.code, IBFT_COMMIT);
    assert_int_equal(m.round, 5);
    assert_true(hash256_equal(&m.digest, &first->hash));
    assert_int_equal(ibft_message_verify(&m), 1);
    consensus_block_unref(first);
    tear_down(&w);
}

enum { STORY = 8 };

/* A height from HEAD to COMMIT, through a change of rounds. */
static size_t make_story(struct world *w, struct consensus_event events[STORY],
                         struct buf payloads[STORY], struct consensus_block *block)
{
    static const struct {
        size_t from;
        enum ibft_code code;
    } said_by[] = {{1, IBFT_ROUND_CHANGE}, {2, IBFT_ROUND_CHANGE}, {1, IBFT_PRE_PREPARE},
                   {1, IBFT_COMMIT},       {2, IBFT_PREPARE},      {2, IBFT_COMMIT}};
    size_t n = 0;
    events[n++] = (struct consensus_event){
        .kind = CONSENSUS_HEAD,
        .now_ms = NOW,
        .head = {.number = HEAD,
                 .hash = {{HEAD}},
                 .time = HEAD_TIME,
                 .proposer = *istanbul_set_at(&w->set, ISTANBUL_BY_TEXT, NODES - 1),
                 .validators = &w->set,
                 .params = &w->params}};
    for (size_t i = 0; i < BASE_COUNT(said_by); i++) {
        const struct consensus_block *about = said_by[i].code == IBFT_ROUND_CHANGE ? NULL : block;
        write_message(w, &payloads[n], said_by[i].from, said_by[i].code, 1, about);
        events[n] = message_event(w, said_by[i].from, &payloads[n]);
        n++;
        if (said_by[i].code == IBFT_PRE_PREPARE)
            events[n++] = (struct consensus_event){
                .kind = CONSENSUS_CHECKED,
                .now_ms = NOW,
                .checked = {.hash = block->hash, .verdict = CONSENSUS_CHECK_OK}};
    }
    return n;
}

/* The n-th allocation of the story fails: the machine says so, and nothing is lost or broken. False when there is no n-th. */
static bool story_without_memory(struct world *w, const struct consensus_event *events,
                                 size_t count, size_t n)
{
    bool ended = false;
    mem_fail_at(n, 1);
    for (size_t i = 0; i < count; i++) {
        int status = consensus_machine_step(w->machine, &events[i], &w->effects);
        if (status != ERR_OK) {
            assert_int_equal(status, ERR_NOMEM);
            break;
        }
        ended = i + 1 == count;
    }
    bool failed = mem_fail_left() == 0;
    mem_fail_at(0, 0);
    assert_int_equal(find(w, CONSENSUS_COMMIT) != NULL, ended);
    return failed;
}

static void without_memory(void **state)
{
    (void)state;
    bool failed = true;
    size_t n = 1;
    for (; failed; n++) {
        struct world w;
        struct consensus_event events[STORY];
        struct buf payloads[STORY] = {BUF_INIT};
        set_up(&w, 3);
        struct consensus_block *block = make_block(&w, 1, 1);
        size_t count = make_story(&w, events, payloads, block);
        failed = story_without_memory(&w, events, count, n);
        for (size_t i = 0; i < STORY; i++)
            buf_release(&payloads[i]);
        consensus_block_unref(block);
        tear_down(&w);
    }
    print_message("%zu allocations\n", n - 2);
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round),
        cmocka_unit_test(own_proposal),
        cmocka_unit_test(not_his_turn),
        cmocka_unit_test(bad_proposal),
        cmocka_unit_test(shown_lock),
        cmocka_unit_test(shows_lock),
        cmocka_unit_test(record_without_proof),
        cmocka_unit_test(locks),
        cmocka_unit_test(no_quorum_without_it),
        cmocka_unit_test(after_a_crash),
        cmocka_unit_test(damaged_record),
        cmocka_unit_test(company),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(not_at_work),
        cmocka_unit_test(old_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
