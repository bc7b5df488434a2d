/* A chain of Clique that GoQuorum nodes made, with what they told of each block; wrong headers; making blocks. */
#include "base/hex.h"
#include "base/mem.h"
#include "consensus/clique/clique.h"
#include "crypto/secp256k1.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { BLOCKS_MAX = 64 };

struct chain {
    struct clique_config config;
    size_t count;
    struct buf rlp[BLOCKS_MAX];
    struct eth_header header[BLOCKS_MAX];
    struct hash256 hash[BLOCKS_MAX];
    struct clique_snapshot snapshot[BLOCKS_MAX];
    size_t in_turn, out_of_turn;
};

static void expect_hex(const void *data, size_t len, const char *text)
{
    char digits[2 * 32 + 3] = "0x";
    hex_encode(digits + 2, bytes_of(data, len));
    assert_string_equal(digits, text);
}

static struct address address_of(const char *text)
{
    struct address a;
    assert_true(hex_decode_exact(text, a.b, sizeof(a.b)));
    return a;
}

static void expect_voting(const struct istanbul_snapshot *s, const json_t *told)
{
    const json_t *votes = json_object_get(told, "votes"), *tally = json_object_get(told, "tally");
    assert_int_equal(json_array_size(votes), s->vote_count);
    for (size_t i = 0; i < s->vote_count; i++) {
        const json_t *vote = json_array_get(votes, i);
        expect_hex(s->votes[i].validator.b, 20, json_string_value(json_object_get(vote, "signer")));
        expect_hex(s->votes[i].candidate.b, 20,
                   json_string_value(json_object_get(vote, "address")));
        assert_int_equal(json_integer_value(json_object_get(vote, "block")), s->votes[i].block);
        assert_int_equal(json_is_true(json_object_get(vote, "authorize")), s->votes[i].authorize);
    }
    assert_int_equal(json_object_size(tally), s->tally_count);
    for (size_t i = 0; i < s->tally_count; i++) {
        char key[43] = "0x";
        hex_encode(key + 2, bytes_of(s->tally[i].candidate.b, 20));
        const json_t *one = json_object_get(tally, key);
        assert_int_equal(json_integer_value(json_object_get(one, "votes")), s->tally[i].votes);
        assert_int_equal(json_is_true(json_object_get(one, "authorize")), s->tally[i].authorize);
    }
}

static void expect_snapshot(const struct clique_snapshot *s, const json_t *told)
{
    assert_int_equal(json_integer_value(json_object_get(told, "number")), s->voting.number);
    expect_hex(s->voting.hash.b, 32, json_string_value(json_object_get(told, "hash")));
    expect_voting(&s->voting, told);
    const json_t *signers = json_object_get(told, "signers");
    const char *key;
    json_t *value;
    assert_int_equal(json_object_size(signers), s->voting.set.count);
    json_object_foreach((json_t *)(uintptr_t)signers, key, value)
    {
        struct address a = address_of(key);
        assert_true(istanbul_set_has(&s->voting.set, &a));
    }
    const json_t *recents = json_object_get(told, "recents");
    assert_int_equal(json_object_size(recents), s->recent_count);
    json_object_foreach((json_t *)(uintptr_t)recents, key, value)
    {
        uint64_t number;
        bool found = false;
        assert_true(hex_u64(key, &number));
        for (size_t i = 0; i < s->recent_count; i++)
            if (s->recents[i].number == number) {
                expect_hex(s->recents[i].signer.b, 20, json_string_value(value));
                found = true;
            }
        assert_true(found);
    }
}

static void check_storage(const struct clique_snapshot *s)
{
    struct buf b = BUF_INIT, again = BUF_INIT;
    struct clique_snapshot read, copy;
    clique_snapshot_init(&read);
    clique_snapshot_init(&copy);
    clique_snapshot_write(&b, s);
    assert_int_equal(clique_snapshot_read(&read, buf_bytes(&b)), ERR_OK);
    assert_int_equal(clique_snapshot_copy(&copy, &read), ERR_OK);
    clique_snapshot_write(&again, &copy);
    assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&again)));
    assert_int_equal(clique_snapshot_read(&read, bytes_slice(buf_bytes(&b), 0, b.len - 1)),
                     ERR_CORRUPT);
    clique_snapshot_release(&read);
    clique_snapshot_release(&copy);
    buf_release(&b);
    buf_release(&again);
}

static struct clique_check check_of(struct chain *c, size_t n)
{
    return (struct clique_check){
        .config = &c->config,
        .parent = n ? &c->header[n - 1] : NULL,
        .parent_hash = n ? &c->hash[n - 1] : NULL,
        .snapshot = n ? &c->snapshot[n - 1] : NULL,
        .now = c->header[n].timestamp,
    };
}

static void take_block(struct chain *c, size_t n, const json_t *told)
{
    struct rlp_reader r;
    struct eth_header *h = &c->header[n];
    assert_int_equal(hex_decode(json_string_value(json_object_get(told, "rlp")), &c->rlp[n]),
                     ERR_OK);
    rlp_reader_init(&r, buf_bytes(&c->rlp[n]));
    rlp_enter(&r, "block");
    eth_header_read(h, &r);
    assert_true(rlp_ok(&r));
    assert_int_equal(eth_header_hash(h, &c->hash[n]), ERR_OK);
    clique_snapshot_init(&c->snapshot[n]);
    struct clique_check check = check_of(c, n);
    assert_int_equal(clique_check_header(&check, h), CLIQUE_VALID);
    if (n == 0) {
        assert_int_equal(clique_snapshot_genesis(&c->snapshot[n], &c->config, h), CLIQUE_VALID);
    } else {
        assert_int_equal(clique_snapshot_copy(&c->snapshot[n], &c->snapshot[n - 1]), ERR_OK);
        assert_int_equal(clique_snapshot_apply(&c->snapshot[n], h, &c->hash[n]), CLIQUE_VALID);
        assert_int_equal(clique_snapshot_apply(&c->snapshot[n], h, &c->hash[n]), CLIQUE_BAD_CHAIN);
        c->in_turn += h->difficulty.w[0] == CLIQUE_IN_TURN;
        c->out_of_turn += h->difficulty.w[0] == CLIQUE_OUT_OF_TURN;
    }
    expect_snapshot(&c->snapshot[n], json_object_get(told, "snapshot"));
    check_storage(&c->snapshot[n]);
}

static void load(const char *path, void *context)
{
    struct chain *c = context;
    json_t *file = fixtures_json(path);
    c->config.period = (uint64_t)json_integer_value(json_object_get(file, "period"));
    c->config.epoch = (uint64_t)json_integer_value(json_object_get(file, "epoch"));
    const json_t *blocks = json_object_get(file, "blocks");
    c->count = json_array_size(blocks);
    assert_true(c->count > 30 && c->count <= BLOCKS_MAX);
    for (size_t i = 0; i < c->count; i++)
        take_block(c, i, json_array_get(blocks, i));
    json_decref(file);
}

static int set_up(void **state)
{
    struct chain *c = mem_alloc_zeroed(1, sizeof(*c));
    assert_non_null(c);
    assert_int_equal(fixtures_each_own("src/consensus/test/vectors/clique.json", load, c), 1);
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    struct chain *c = *state;
    for (size_t i = 0; i < c->count; i++) {
        clique_snapshot_release(&c->snapshot[i]);
        buf_release(&c->rlp[i]);
    }
    mem_free(c);
    return 0;
}

static void recorded(void **state)
{
    struct chain *c = *state;
    print_message("%zu blocks in turn, %zu out of turn\n", c->in_turn, c->out_of_turn);
    assert_int_equal(c->in_turn, 10);
    assert_int_equal(c->out_of_turn, 24);
}

/* The header of block 17 (no epoch) or 16 (an epoch), changed. */
static void wrong_headers(void **state)
{
    struct chain *c = *state;
    struct clique_check plain = check_of(c, 17), epoch = check_of(c, 16);
    struct buf longer = BUF_INIT;
    buf_append_bytes(&longer, c->header[17].extra);
    buf_append_byte(&longer, 0);
    struct eth_header h;
#define EXPECT(check, number, verdict, ...)                                                        \
    h = c->header[number];                                                                         \
    __VA_ARGS__;                                                                                   \
    assert_int_equal(clique_check_header(&(check), &h), verdict)
    EXPECT(plain, 17, CLIQUE_FUTURE, h.timestamp++);
    EXPECT(epoch, 16, CLIQUE_EPOCH_BENEFICIARY, h.coinbase.b[0] = 1);
    EXPECT(plain, 17, CLIQUE_BAD_VOTE, h.nonce[0] ^= 1);
    EXPECT(epoch, 16, CLIQUE_EPOCH_VOTE, memset(h.nonce, 0xff, 8));
    EXPECT(plain, 17, CLIQUE_NO_VANITY, h.extra.len = 31);
    EXPECT(plain, 17, CLIQUE_NO_SEAL, h.extra.len = 96);
    EXPECT(plain, 17, CLIQUE_EXTRA_SIGNERS, h.extra = buf_bytes(&longer));
    EXPECT(epoch, 16, CLIQUE_BAD_EPOCH_SIGNERS, h.extra.len--);
    EXPECT(epoch, 16, CLIQUE_OTHER_EPOCH_SIGNERS, h.extra.len -= 20);
    EXPECT(plain, 17, CLIQUE_BAD_MIX, h.mix_hash.b[0] = 1);
    EXPECT(plain, 17, CLIQUE_UNCLES, h.uncles_hash.b[0] ^= 1);
    EXPECT(plain, 17, CLIQUE_BAD_DIFFICULTY, h.difficulty = u256_from(3));
    EXPECT(plain, 17, CLIQUE_NO_PARENT, h.parent_hash.b[0] ^= 1);
    EXPECT(plain, 17, CLIQUE_BAD_TIME, h.timestamp = c->header[16].timestamp);
    EXPECT(plain, 17, CLIQUE_NOT_AUTHORIZED, h.state_root.b[0] ^= 1);
#undef EXPECT
    assert_string_equal(clique_verdict_text(CLIQUE_OTHER_EPOCH_SIGNERS),
                        "mismatching signer list on checkpoint block");
    buf_release(&longer);
}

static void seal(struct eth_header *h, struct buf *extra, uint8_t key_byte)
{
    struct crypto_private_key key;
    struct crypto_signature signature;
    struct istanbul_seal s;
    struct hash256 digest;
    memset(key.b, key_byte, sizeof(key.b));
    h->extra = buf_bytes(extra);
    assert_int_equal(clique_seal_digest(h, &digest), ERR_OK);
    assert_true(crypto_ecdsa_sign(&signature, &digest, &key));
    memcpy(s.b, signature.rs, 64);
    s.b[64] = signature.recovery_id;
    clique_put_seal(extra->data, extra->len, &s);
}

/* On top of block `n`, by the signer whose key is key_byte repeated. */
static int make_on(struct chain *c, size_t n, uint8_t key_byte, const struct address *signer,
                   uint64_t difficulty)
{
    struct buf extra = BUF_INIT;
    struct eth_header h = c->header[n];
    h.number = n + 1;
    h.parent_hash = c->hash[n];
    clique_prepare(&h, &extra, &c->config, &c->snapshot[n], &c->header[n], signer,
                   bytes_str("vanity"), NULL, false, 0);
    if (difficulty)
        h.difficulty = u256_from(difficulty);
    seal(&h, &extra, key_byte);
    struct clique_check check = {.config = &c->config,
                                 .parent = &c->header[n],
                                 .parent_hash = &c->hash[n],
                                 .snapshot = &c->snapshot[n],
                                 .now = h.timestamp};
    int verdict = clique_check_header(&check, &h);
    if (verdict == CLIQUE_VALID) {
        struct hash256 hash;
        struct clique_snapshot next;
        clique_snapshot_init(&next);
        assert_int_equal(clique_snapshot_copy(&next, &c->snapshot[n]), ERR_OK);
        assert_int_equal(eth_header_hash(&h, &hash), ERR_OK);
        assert_int_equal(clique_snapshot_apply(&next, &h, &hash), CLIQUE_VALID);
        clique_snapshot_release(&next);
    }
    buf_release(&extra);
    return verdict;
}

static void made_here(void **state)
{
    struct chain *c = *state;
    const struct address a1 = address_of("1a642f0e3c3af545e7acbd38b07251b3990914f1");
    const struct address a2 = address_of("5050a4f4b3f9338c3472dcc01a87c76a144b3c9c");
    for (size_t n = 10; n + 1 < c->count; n++) {
        const struct clique_snapshot *s = &c->snapshot[n];
        bool first = clique_signed_recently(s, &a1), second = clique_signed_recently(s, &a2);
        assert_int_equal(make_on(c, n, 1, &a1, 0), first ? CLIQUE_SIGNED_RECENTLY : CLIQUE_VALID);
        assert_int_equal(make_on(c, n, 2, &a2, 0), second ? CLIQUE_SIGNED_RECENTLY : CLIQUE_VALID);
        assert_int_equal(make_on(c, n, 3, &a2, 0), CLIQUE_NOT_AUTHORIZED);
        if (!second)
            assert_int_equal(make_on(c, n, 2, &a2, clique_in_turn(s, &a2) ? 1 : 2),
                             CLIQUE_WRONG_DIFFICULTY);
    }
    assert_int_equal(clique_wiggle_ms(&c->snapshot[20]), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded),
        cmocka_unit_test(wrong_headers),
        cmocka_unit_test(made_here),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
