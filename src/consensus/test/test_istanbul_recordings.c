/* Every header of the chains that GoQuorum networks made: hash, author, committers, validators and votes as the nodes told
 * them, header rules, proposers. */
#include "base/hex.h"
#include "base/mem.h"
#include "consensus/istanbul/hash.h"
#include "consensus/istanbul/header_check.h"
#include "consensus/istanbul/snapshot.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct istanbul_transition empty_period_from_40[] = {
    {.block = 40, .has_empty_block_period = true, .empty_block_period = 3}};
static const struct istanbul_transition qbft_from_35[] = {
    {.block = 35, .has_engine = true, .engine = ISTANBUL_QBFT}};

/* What the genesis files say; reading them is the work of the library `chain`. */
static const struct network {
    const char *name;
    uint64_t qbft_block, epoch;
    const struct istanbul_transition *transitions;
    size_t transition_count;
    size_t
        first_round; /* blocks whose author is the proposer of round 0, by the order of the engine */
    size_t
        later_round; /* … of the round that the header names (QBFT), or of one of the next (IBFT) */
    size_t other_order; /* … by the other order only */
} networks[] = {
    {"qbft", 0, 20, empty_period_from_40, 1, 93, 2, 0},
    {"ibft-to-qbft", ISTANBUL_NEVER, 15, qbft_from_35, 1, 98, 2, 0},
    {"ibft-order", ISTANBUL_NEVER, 50, NULL, 0, 115, 10, 0},
    {"qbft-order", 0, 50, NULL, 0, 105, 6, 0},
};

enum { BLOCKS_MAX = 256 };

struct walk {
    const struct network *network;
    struct istanbul_config config;
    size_t count;
    struct buf headers[BLOCKS_MAX]; /* encoded */
    struct eth_header header[BLOCKS_MAX];
    struct hash256 hash[BLOCKS_MAX];
    struct address author[BLOCKS_MAX];
    struct istanbul_snapshot snapshot[BLOCKS_MAX];
    size_t first_round, later_round, other_order, other_seals;
};

static void config_of(struct istanbul_config *config, const struct network *network)
{
    istanbul_config_init(config);
    config->qbft_block = network->qbft_block;
    config->epoch = network->epoch;
    config->block_period = 1;
    config->request_timeout_ms = 2000;
    config->transitions = network->transitions;
    config->transition_count = network->transition_count;
}

static void count_proposer(struct walk *w, size_t n)
{
    enum istanbul_engine engine = istanbul_engine_at(&w->config, n);
    enum istanbul_order order = engine == ISTANBUL_IBFT ? ISTANBUL_BY_TEXT : ISTANBUL_BY_BYTES;
    const struct istanbul_set *set = &w->snapshot[n - 1].set;
    struct istanbul_extra extra;
    assert_true(istanbul_extra_decode(&extra, engine, w->header[n].extra));
    uint64_t last_round = engine == ISTANBUL_IBFT ? set->count : extra.round;
    const struct address *last = &w->author[n - 1];
    for (uint64_t round = 0; round <= last_round; round++) {
        if (address_equal(istanbul_set_proposer(set, order, ISTANBUL_ROUND_ROBIN, last, round),
                          &w->author[n])) {
            if (round == 0)
                w->first_round++;
            else
                w->later_round++;
            return;
        }
    }
    enum istanbul_order other = order == ISTANBUL_BY_TEXT ? ISTANBUL_BY_BYTES : ISTANBUL_BY_TEXT;
    for (uint64_t round = 0; round <= last_round; round++) {
        if (address_equal(istanbul_set_proposer(set, other, ISTANBUL_ROUND_ROBIN, last, round),
                          &w->author[n])) {
            w->other_order++;
            return;
        }
    }
    fail_msg("block %zu: nobody's turn", n);
}

static void check_wrong_headers(struct istanbul_header_check *check, const struct eth_header *right,
                                enum istanbul_engine engine)
{
    struct eth_header h = *right;
    h.timestamp = check->now + 1;
    assert_int_equal(istanbul_check_header(check, &h), ISTANBUL_FUTURE);
    h = *right;
    h.extra = bytes_slice(h.extra, 0, h.extra.len - 1);
    assert_int_equal(istanbul_check_header(check, &h), ISTANBUL_BAD_EXTRA);
    h = *right;
    h.nonce[3] = 1;
    int verdict = istanbul_check_header(check, &h);
    if (engine == ISTANBUL_IBFT)
        assert_int_equal(verdict, ISTANBUL_BAD_NONCE);
    else
        assert_int_not_equal(verdict, ISTANBUL_BAD_NONCE);
    h = *right;
    h.mix_hash.b[0] ^= 1;
    assert_int_equal(istanbul_check_header(check, &h), ISTANBUL_BAD_MIX);
    h = *right;
    h.uncles_hash.b[0] ^= 1;
    assert_int_equal(istanbul_check_header(check, &h), ISTANBUL_UNCLES);
    h = *right;
    h.difficulty = u256_from(2);
    assert_int_equal(istanbul_check_header(check, &h), ISTANBUL_BAD_DIFFICULTY);
    h = *right;
    h.parent_hash.b[0] ^= 1;
    assert_int_equal(istanbul_check_header(check, &h), ISTANBUL_NO_PARENT);
    h = *right;
    h.timestamp = check->parent->timestamp;
    assert_int_equal(istanbul_check_header(check, &h), ISTANBUL_BAD_TIME);
    h = *right;
    h.coinbase.b[0] ^= 1; /* changes who signed, or who proposed */
    assert_int_equal(istanbul_check_header(check, &h), ISTANBUL_NOT_AUTHORIZED);
    h = *right;
    h.state_root.b[0] ^=
        1; /* IBFT: the proposer's seal is another's now; QBFT: the committed ones */
    assert_int_equal(istanbul_check_header(check, &h),
                     engine == ISTANBUL_IBFT ? ISTANBUL_NOT_AUTHORIZED : ISTANBUL_BAD_SEALS);
}

/* The same header with other committed seals: `take` of its own, the first one `repeat` more times. */
static int check_with_seals(const struct istanbul_header_check *check,
                            const struct eth_header *right, enum istanbul_engine engine,
                            size_t take, size_t repeat)
{
    struct istanbul_extra extra;
    assert_true(istanbul_extra_decode(&extra, engine, right->extra));
    struct istanbul_seal seals[16];
    size_t count = 0;
    struct bytes rest = extra.seals, seal;
    while (count < take && istanbul_extra_next_seal(&rest, &seal))
        memcpy(seals[count++].b, seal.data, seal.len);
    assert_int_equal(count, take);
    for (size_t i = 0; i < repeat; i++)
        seals[count++] = seals[0];
    struct buf b = BUF_INIT;
    assert_int_equal(
        istanbul_extra_put_commits(&b, engine, right->extra, extra.round, seals, count), ERR_OK);
    struct eth_header h = *right;
    h.extra = buf_bytes(&b);
    int verdict = istanbul_check_header(check, &h);
    buf_release(&b);
    return verdict;
}

static void check_seals(struct istanbul_header_check *check, const struct eth_header *right,
                        enum istanbul_engine engine)
{
    size_t faults = istanbul_set_faults(check->validators);
    assert_int_equal(check_with_seals(check, right, engine, 0, 0), ISTANBUL_NO_SEALS);
    assert_int_equal(check_with_seals(check, right, engine, faults, 0), ISTANBUL_BAD_SEALS);
    assert_int_equal(check_with_seals(check, right, engine, faults + 1, 0), ISTANBUL_VALID);
    assert_int_equal(check_with_seals(check, right, engine, faults + 1, 1), ISTANBUL_BAD_SEALS);
    check->proposal = true;
    assert_int_equal(check_with_seals(check, right, engine, 0, 0), ISTANBUL_VALID);
    assert_int_equal(check_with_seals(check, right, engine, faults, 0), ISTANBUL_BAD_SEALS);
    check->proposal = false;
}

static void check_snapshot_bytes(const struct istanbul_snapshot *s)
{
    struct buf b = BUF_INIT, again = BUF_INIT;
    struct istanbul_snapshot read, copy;
    istanbul_snapshot_init(&read);
    istanbul_snapshot_init(&copy);
    istanbul_snapshot_write(&b, s);
    assert_int_equal(istanbul_snapshot_read(&read, buf_bytes(&b)), ERR_OK);
    assert_int_equal(istanbul_snapshot_copy(&copy, &read), ERR_OK);
    istanbul_snapshot_write(&again, &copy);
    assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&again)));
    assert_int_equal(istanbul_snapshot_read(&read, bytes_slice(buf_bytes(&b), 0, b.len - 1)),
                     ERR_CORRUPT);
    istanbul_snapshot_release(&read);
    istanbul_snapshot_release(&copy);
    buf_release(&b);
    buf_release(&again);
}

static void on_block(struct bytes block, void *context)
{
    struct walk *w = context;
    size_t n = w->count++;
    assert_true(n < BLOCKS_MAX);
    struct rlp_reader r;
    rlp_reader_init(&r, block);
    rlp_enter(&r, "block");
    struct bytes raw = rlp_read_raw(&r, "header");
    buf_append_bytes(&w->headers[n], raw);
    struct eth_header *header = &w->header[n];
    assert_int_equal(eth_header_decode(header, buf_bytes(&w->headers[n]), NULL), ERR_OK);
    assert_int_equal(header->number, n);
    assert_int_equal(istanbul_block_hash(header, &w->hash[n]), ERR_OK);

    struct istanbul_snapshot *s = &w->snapshot[n];
    istanbul_snapshot_init(s);
    struct istanbul_header_check check = {
        .config = &w->config,
        .now = header->timestamp,
    };
    if (n == 0) {
        assert_int_equal(istanbul_check_header(&check, header), ISTANBUL_VALID);
        assert_int_equal(istanbul_snapshot_genesis(s, &w->config, header), ISTANBUL_VALID);
        return;
    }
    enum istanbul_engine engine = istanbul_engine_at(&w->config, n);
    check.parent = &w->header[n - 1];
    check.parent_hash = &w->hash[n - 1];
    check.validators = &w->snapshot[n - 1].set;
    assert_true(hash256_equal(&header->parent_hash, check.parent_hash));
    assert_int_equal(istanbul_check_header(&check, header), ISTANBUL_VALID);
    assert_int_equal(istanbul_author(engine, header, &w->author[n]), ISTANBUL_VALID);
    if (n % 9 == 0) {
        check_wrong_headers(&check, header, engine);
        check_seals(&check, header, engine);
    }
    assert_int_equal(istanbul_snapshot_copy(s, &w->snapshot[n - 1]), ERR_OK);
    assert_int_equal(istanbul_snapshot_apply(s, &w->config, header, &w->hash[n]), ISTANBUL_VALID);
    assert_int_equal(istanbul_snapshot_apply(s, &w->config, header, &w->hash[n]),
                     ISTANBUL_BAD_CHAIN);
    check_snapshot_bytes(s);
    count_proposer(w, n);
}

static void expect_hex(const void *data, size_t len, const json_t *text)
{
    char digits[2 * 32 + 3] = "0x";
    assert_true(len <= 32 && json_is_string(text));
    hex_encode(digits + 2, bytes_of(data, len));
    assert_string_equal(digits, json_string_value(text));
}

static uint64_t number_of(const json_t *params)
{
    uint64_t number = UINT64_MAX;
    const char *text = json_string_value(json_array_get(params, 0));
    if (!text || !hex_u64(text, &number))
        return UINT64_MAX;
    return number;
}

static void expect_members(const struct istanbul_set *set, const json_t *list)
{
    assert_int_equal(json_array_size(list), set->count);
    for (size_t i = 0; i < set->count; i++)
        expect_hex(set->members[i].b, 20, json_array_get(list, i));
}

static void on_validators(const json_t *params, const json_t *result, void *context)
{
    struct walk *w = context;
    uint64_t number = number_of(params);
    if (number < w->count)
        expect_members(&w->snapshot[number].set, result);
}

static void on_signers(const json_t *params, const json_t *result, void *context)
{
    struct walk *w = context;
    uint64_t number = number_of(params);
    assert_true(number < w->count);
    if (number == 0)
        return;
    expect_hex(w->hash[number].b, 32, json_object_get(result, "Hash"));
    expect_hex(w->author[number].b, 20, json_object_get(result, "Author"));
}

/* Asked of the block as the same node serves it. Even so one answer in 430 names other seals, all valid: the reference took the
 * block in twice, and its cache of headers holds the other one. */
static void on_committers(const json_t *params, const json_t *result, void *context)
{
    struct walk *w = context;
    uint64_t number = number_of(params);
    if (number == 0)
        return;
    struct buf signers = BUF_INIT, told = BUF_INIT;
    assert_int_equal(
        istanbul_committers(istanbul_engine_at(&w->config, number), &w->header[number], &signers),
        ISTANBUL_VALID);
    const json_t *list = json_object_get(result, "Committers");
    for (size_t i = 0; i < json_array_size(list); i++)
        assert_int_equal(hex_decode(json_string_value(json_array_get(list, i)), &told), ERR_OK);
    assert_int_equal(told.len, signers.len);
    w->other_seals += !bytes_equal(buf_bytes(&told), buf_bytes(&signers));
    buf_release(&signers);
    buf_release(&told);
}

static void replace_header(const json_t *params, const json_t *result, void *context)
{
    struct walk *w = context;
    size_t number = (size_t)json_integer_value(json_array_get(params, 0));
    assert_true(number < w->count);
    struct buf block = BUF_INIT;
    assert_int_equal(hex_decode(json_string_value(result), &block), ERR_OK);
    struct rlp_reader r;
    rlp_reader_init(&r, buf_bytes(&block));
    rlp_enter(&r, "block");
    buf_clear(&w->headers[number]);
    buf_append_bytes(&w->headers[number], rlp_read_raw(&r, "header"));
    assert_int_equal(eth_header_decode(&w->header[number], buf_bytes(&w->headers[number]), NULL),
                     ERR_OK);
    struct hash256 hash;
    assert_int_equal(istanbul_block_hash(&w->header[number], &hash), ERR_OK);
    assert_true(hash256_equal(&hash, &w->hash[number]));
    buf_release(&block);
}

static void expect_votes(const struct istanbul_snapshot *s, const json_t *votes)
{
    /* The reference's null lasts while one node works through several blocks in one go, as after a restart; what follows
     * from the block alone is that it is null there. */
    if (istanbul_snapshot_votes_null(s))
        assert_true(json_is_null(votes));
    assert_int_equal(json_array_size(votes), s->vote_count);
    for (size_t i = 0; i < s->vote_count; i++) {
        const json_t *vote = json_array_get(votes, i);
        expect_hex(s->votes[i].validator.b, 20, json_object_get(vote, "validator"));
        expect_hex(s->votes[i].candidate.b, 20, json_object_get(vote, "address"));
        assert_int_equal(json_integer_value(json_object_get(vote, "block")), s->votes[i].block);
        assert_int_equal(json_is_true(json_object_get(vote, "authorize")), s->votes[i].authorize);
    }
}

static void on_snapshot(const json_t *params, const json_t *result, void *context)
{
    struct walk *w = context;
    uint64_t number = number_of(params);
    if (number >= w->count)
        return;
    const struct istanbul_snapshot *s = &w->snapshot[number];
    assert_int_equal(json_integer_value(json_object_get(result, "epoch")), s->epoch);
    assert_int_equal(json_integer_value(json_object_get(result, "number")), s->number);
    assert_int_equal(json_integer_value(json_object_get(result, "policy")), s->policy);
    expect_hex(s->hash.b, 32, json_object_get(result, "hash"));
    expect_members(&s->set, json_object_get(result, "validators"));
    expect_votes(s, json_object_get(result, "votes"));
    const json_t *tally = json_object_get(result, "tally");
    assert_int_equal(json_object_size(tally), s->tally_count);
    for (size_t i = 0; i < s->tally_count; i++) {
        char key[43] = "0x";
        hex_encode(key + 2, bytes_of(s->tally[i].candidate.b, 20));
        const json_t *one = json_object_get(tally, key);
        assert_int_equal(json_integer_value(json_object_get(one, "votes")), s->tally[i].votes);
        assert_int_equal(json_is_true(json_object_get(one, "authorize")), s->tally[i].authorize);
    }
}

static void check_network(const struct network *network)
{
    recordings_require(network->name);
    struct walk *w = mem_alloc_zeroed(1, sizeof(*w));
    assert_non_null(w);
    w->network = network;
    config_of(&w->config, network);
    assert_true(recordings_blocks(network->name, on_block, w) > 90);
    assert_true(recordings_answers(network->name, "istanbul_getValidators", on_validators, w) > 90);
    assert_true(recordings_answers(network->name, "istanbul_getSnapshot", on_snapshot, w) > 15);
    assert_true(recordings_answers(network->name, "istanbul_getSignersFromBlock", on_signers, w) >
                90);
    assert_true(recordings_answers(network->name, "debug_getBlockRlp", replace_header, w) > 90);
    recordings_answers(network->name, "istanbul_getSignersFromBlock", on_committers, w);
    assert_true(w->other_seals <= 1);
    print_message("%s: %zu headers; proposers of round 0 %zu, of a later round %zu, of the other "
                  "order %zu\n",
                  network->name, w->count, w->first_round, w->later_round, w->other_order);
    assert_int_equal(w->first_round, network->first_round);
    assert_int_equal(w->later_round, network->later_round);
    assert_int_equal(w->other_order, network->other_order);
    for (size_t i = 0; i < w->count; i++) {
        buf_release(&w->headers[i]);
        istanbul_snapshot_release(&w->snapshot[i]);
    }
    mem_free(w);
}

static void qbft(void **state)
{
    (void)state;
    check_network(&networks[0]);
}

static void ibft_to_qbft(void **state)
{
    (void)state;
    check_network(&networks[1]);
}

static void ibft_order(void **state)
{
    (void)state;
    check_network(&networks[2]);
}

static void qbft_order(void **state)
{
    (void)state;
    check_network(&networks[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qbft),
        cmocka_unit_test(ibft_to_qbft),
        cmocka_unit_test(ibft_order),
        cmocka_unit_test(qbft_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
