/* What three GoQuorum validators said in a live network: every message is decoded, proven and encoded again; and played to our
 * machine in the place of the fourth, they lead it to the same blocks. */
#include "base/hex.h"
#include "consensus/istanbul/hash.h"
#include "consensus/istanbul/header_check.h"
#include "consensus/istanbul/snapshot.h"
#include "consensus/machine.h"
#include "consensus/qbft/certificate.h"
#include "crypto/secp256k1.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
    FRAME_OFFSET =
        0x33 - CONSENSUS_QBFT_PRE_PREPARE, /* istanbul begins at 33 among these capabilities */
    FIRST_HEAD = 2,
    BLOCKS_MAX = 64,
};

struct replay {
    struct istanbul_config config;
    struct crypto_private_key key;
    struct address self, peer;
    struct consensus_machine *machine;
    struct consensus_effects effects;
    struct buf blocks[BLOCKS_MAX]; /* encoded */
    struct eth_header headers[BLOCKS_MAX];
    struct hash256 hashes[BLOCKS_MAX];
    size_t block_count;
    struct istanbul_snapshot snapshot; /* after the head */
    size_t head;
    size_t committed, checked, built, recorded, rounds;
    struct qbft_checker checker;
    size_t messages[4], justified;
};

static int sign(void *context, const struct hash256 *digest, uint8_t ret[CONSENSUS_SEAL_SIZE])
{
    struct replay *p = context;
    struct crypto_signature signature;
    if (!crypto_ecdsa_sign(&signature, digest, &p->key))
        return -1;
    memcpy(ret, signature.rs, 64);
    ret[64] = signature.recovery_id;
    return 0;
}

static void on_block(const json_t *line, void *context)
{
    struct replay *p = context;
    size_t n = p->block_count++;
    assert_true(n < BLOCKS_MAX);
    assert_int_equal(hex_decode(json_string_value(json_object_get(line, "rlp")), &p->blocks[n]),
                     ERR_OK);
    struct rlp_reader r;
    rlp_reader_init(&r, buf_bytes(&p->blocks[n]));
    rlp_enter(&r, "block");
    eth_header_read(&p->headers[n], &r);
    assert_true(rlp_ok(&r));
    assert_int_equal(p->headers[n].number, n);
    assert_int_equal(istanbul_block_hash(&p->headers[n], &p->hashes[n]), ERR_OK);
}

static void step(struct replay *p, struct consensus_event event);

static void say_head(struct replay *p)
{
    struct istanbul_params params;
    istanbul_params_at(&p->config, p->head + 1, &params);
    struct consensus_event e = {
        .kind = CONSENSUS_HEAD,
        .head = {.number = p->head,
                 .hash = p->hashes[p->head],
                 .time = p->headers[p->head].timestamp,
                 .validators = &p->snapshot.set,
                 .params = &params},
    };
    assert_int_equal(istanbul_author(ISTANBUL_QBFT, &p->headers[p->head], &e.head.proposer),
                     ISTANBUL_VALID);
    step(p, e);
}

static enum consensus_verdict check(struct replay *p, const struct consensus_block *block)
{
    struct rlp_reader r;
    struct eth_header header;
    rlp_reader_init(&r, block->rlp);
    rlp_enter(&r, "block");
    eth_header_read(&header, &r);
    struct istanbul_header_check c = {
        .config = &p->config,
        .parent = &p->headers[p->head],
        .parent_hash = &p->hashes[p->head],
        .validators = &p->snapshot.set,
        .now = header.timestamp,
        .proposal = true,
    };
    return istanbul_check_header(&c, &header) == ISTANBUL_VALID ? CONSENSUS_CHECK_OK
                                                                : CONSENSUS_CHECK_BAD;
}

static void move_head(struct replay *p)
{
    p->head++;
    assert_int_equal(istanbul_snapshot_apply(&p->snapshot, &p->config, &p->headers[p->head],
                                             &p->hashes[p->head]),
                     ISTANBUL_VALID);
}

/* The block with the seals put in is one that anybody takes. */
static void expect_final(struct replay *p, const struct consensus_effect *e)
{
    struct rlp_reader r;
    struct eth_header header;
    rlp_reader_init(&r, e->commit.block->rlp);
    rlp_enter(&r, "block");
    eth_header_read(&header, &r);
    struct istanbul_seal seals[8];
    assert_true(e->commit.seal_count <= 8);
    for (size_t i = 0; i < e->commit.seal_count; i++)
        memcpy(seals[i].b, e->commit.seals[i].b, sizeof(seals[i].b));
    struct buf extra = BUF_INIT;
    assert_int_equal(istanbul_extra_put_commits(&extra, ISTANBUL_QBFT, header.extra,
                                                (uint32_t)e->commit.round, seals,
                                                e->commit.seal_count),
                     ERR_OK);
    header.extra = buf_bytes(&extra);
    assert_int_equal(istanbul_check_seals(ISTANBUL_QBFT, &header, &p->snapshot.set),
                     ISTANBUL_VALID);
    buf_release(&extra);
}

/* What a driver would do, at once. */
static void step(struct replay *p, struct consensus_event event)
{
    struct consensus_effects effects = {0};
    assert_int_equal(consensus_machine_step(p->machine, &event, &effects), ERR_OK);
    for (size_t i = 0; i < effects.count; i++) {
        const struct consensus_effect *e = &effects.items[i];
        switch (e->kind) {
        case CONSENSUS_CHECK:
            p->checked++;
            step(p, (struct consensus_event){.kind = CONSENSUS_CHECKED,
                                             .checked = {.hash = e->check.block->hash,
                                                         .verdict = check(p, e->check.block)}});
            break;
        case CONSENSUS_COMMIT:
            assert_int_equal(e->commit.block->number, p->head + 1);
            assert_true(hash256_equal(&e->commit.block->hash, &p->hashes[p->head + 1]));
            expect_final(p, e);
            p->committed++;
            p->rounds += e->commit.round > 0;
            move_head(p);
            say_head(p);
            break;
        case CONSENSUS_BUILD:
            p->built++;
            break;
        case CONSENSUS_RECORD:
            p->recorded++;
            break;
        default:
            break;
        }
    }
    consensus_effects_release(&effects);
}

/* The message of a frame from the peer. False when it is no message of QBFT. */
static bool message_of(const json_t *line, unsigned *ret_code, struct buf *ret_payload)
{
    unsigned code = (unsigned)json_integer_value(json_object_get(line, "code")) - FRAME_OFFSET;
    if (code < CONSENSUS_QBFT_PRE_PREPARE || code > CONSENSUS_QBFT_ROUND_CHANGE ||
        strcmp(json_string_value(json_object_get(line, "dir")), "in") != 0)
        return false;
    *ret_code = code;
    assert_int_equal(hex_decode(json_string_value(json_object_get(line, "rlp")), ret_payload),
                     ERR_OK);
    return true;
}

static void on_frame(const json_t *line, void *context)
{
    struct replay *p = context;
    struct buf payload = BUF_INIT;
    unsigned code;
    if (message_of(line, &code, &payload))
        step(p, (struct consensus_event){
                    .kind = CONSENSUS_MESSAGE,
                    .message = {.from = p->peer, .code = code, .payload = buf_bytes(&payload)}});
    buf_release(&payload);
}

static void prove(struct replay *p, const struct qbft_message *m)
{
    struct hash256 digest;
    struct address signer, sealer;
    qbft_message_digest(m, &digest);
    assert_int_equal(qbft_check_signer(&p->checker, &digest, m->signature, &signer), QBFT_VALID);
    if (m->code == CONSENSUS_QBFT_ROUND_CHANGE)
        assert_int_equal(qbft_check_prepared(&p->checker, m, NULL), QBFT_VALID);
    if (m->code == CONSENSUS_QBFT_COMMIT) {
        assert_true(hash256_equal(&m->digest, &p->hashes[m->number]));
        assert_int_equal(istanbul_commit_digest(ISTANBUL_QBFT, &p->headers[m->number],
                                                (uint32_t)m->round, &digest),
                         ERR_OK);
        assert_true(istanbul_recover(&sealer, &digest, m->seal));
        assert_true(address_equal(&sealer, &signer));
    }
    if (m->code != CONSENSUS_QBFT_PRE_PREPARE)
        return;
    struct consensus_block *block;
    assert_int_equal(consensus_block_new(&block, m->block, NULL), ERR_OK);
    assert_int_equal(block->number, m->number);
    assert_true(address_equal(
        &signer, istanbul_set_proposer(&p->snapshot.set, ISTANBUL_BY_BYTES, ISTANBUL_ROUND_ROBIN,
                                       &p->headers[m->number - 1].coinbase, m->round)));
    if (m->round) {
        assert_int_equal(qbft_check_justification(&p->checker, m, &block->hash), QBFT_VALID);
        p->justified++;
    }
    consensus_block_unref(block);
}

static void decode_frame(const json_t *line, void *context)
{
    struct replay *p = context;
    struct buf payload = BUF_INIT, again = BUF_INIT;
    unsigned code;
    if (message_of(line, &code, &payload)) {
        struct arena arena;
        struct qbft_message m;
        struct err_detail detail;
        arena_init(&arena);
        if (qbft_message_decode(&m, &arena, code, buf_bytes(&payload), &detail))
            fail_msg("%s", detail.text);
        p->messages[code - CONSENSUS_QBFT_PRE_PREPARE]++;
        prove(p, &m);
        qbft_message_write(&again, &m);
        assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&payload)));
        arena_release(&arena);
    }
    buf_release(&payload);
    buf_release(&again);
}

static void address_at(const json_t *network, const char *list, size_t i, struct address *ret)
{
    const json_t *text = json_array_get(json_object_get(network, list), i);
    assert_true(hex_decode_exact(json_string_value(text), ret->b, sizeof(ret->b)));
}

static void setup(struct replay *p)
{
    *p = (struct replay){0};
    istanbul_config_init(&p->config);
    p->config.block_period = 1;
    p->config.request_timeout_ms = 2000;
    json_t *network = recordings_json("wire-qbft", "network.json");
    const json_t *keys = json_object_get(network, "node_keys");
    assert_true(hex_decode_exact(json_string_value(json_array_get(keys, 3)), p->key.b, 32));
    address_at(network, "node_addresses", 0, &p->peer);
    address_at(network, "node_addresses", 3, &p->self);
    json_decref(network);
    recordings_lines("wire-qbft", "blocks.jsonl", on_block, p);
    istanbul_snapshot_init(&p->snapshot);
    assert_int_equal(istanbul_snapshot_genesis(&p->snapshot, &p->config, &p->headers[0]),
                     ISTANBUL_VALID);
    assert_true(istanbul_set_has(&p->snapshot.set, &p->self));
    qbft_checker_init(&p->checker);
    p->checker.set = &p->snapshot.set;
    p->checker.quorum = istanbul_set_quorum(&p->snapshot.set, false);
}

static void teardown(struct replay *p)
{
    istanbul_snapshot_release(&p->snapshot);
    qbft_checker_release(&p->checker);
    for (size_t i = 0; i < p->block_count; i++)
        buf_release(&p->blocks[i]);
}

static void every_message(void **state)
{
    (void)state;
    recordings_require("wire-qbft");
    static struct replay p;
    setup(&p);
    recordings_lines("wire-qbft", "wire.jsonl", decode_frame, &p);
    print_message("%zu PRE-PREPARE (%zu justified), %zu PREPARE, %zu COMMIT, %zu ROUND-CHANGE\n",
                  p.messages[0], p.justified, p.messages[1], p.messages[2], p.messages[3]);
    for (size_t i = 0; i < BASE_COUNT(p.messages); i++)
        assert_true(p.messages[i] > 0);
    assert_true(p.justified > 0);
    teardown(&p);
}

static void in_the_fourth_place(void **state)
{
    (void)state;
    recordings_require("wire-qbft");
    static struct replay p;
    setup(&p);
    while (p.head < FIRST_HEAD)
        move_head(&p);
    struct consensus_options options = {.self = p.self, .sign = sign, .sign_context = &p};
    assert_int_equal(consensus_machine_new(&p.machine, &qbft_machine, &options, NULL), ERR_OK);
    say_head(&p);
    recordings_lines("wire-qbft", "wire.jsonl", on_frame, &p);
    print_message("%zu blocks committed (%zu in a later round), head %zu of %zu; %zu proposals "
                  "checked, %zu blocks asked for, %zu records\n",
                  p.committed, p.rounds, p.head, p.block_count - 1, p.checked, p.built, p.recorded);
    assert_int_equal(p.head, p.block_count - 1);
    assert_true(p.rounds > 0);
    consensus_machine_free(p.machine);
    teardown(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_message),
                                       cmocka_unit_test(in_the_fourth_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
