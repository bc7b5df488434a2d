/* Tries in memory: the public suite, the twin, walks, proofs, roots of lists. */
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/keccak.h"
#include "rlp/rlp.h"
#include "tests/support/fixtures.h"
#include "trie/test/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SUITE "ethereum-tests/TrieTests"

struct fixture {
    struct arena arena;
    struct trie trie;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    arena_init(&f->arena);
    trie_init(&f->trie, &f->arena, TRIE_PLAIN, NULL, 0, NULL, NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    free(f);
    return 0;
}

static struct trie *trie_from(void **state)
{
    return &((struct fixture *)*state)->trie;
}

static void expect_hash(struct trie *t, const struct hash256 *expected, const char *what)
{
    struct hash256 hash;
    assert_int_equal(trie_hash(t, &hash), ERR_OK);
    if (!hash256_equal(&hash, expected))
        fail_msg("%s: wrong root", what);
}

/* In the suite a text is hexadecimal when it begins with 0x, and null deletes. */
static void read_text(struct buf *b, const json_t *text)
{
    buf_clear(b);
    const char *string = json_is_string(text) ? json_string_value(text) : "";
    if (strncmp(string, "0x", 2) == 0)
        assert_int_equal(hex_decode(string, b), ERR_OK);
    else
        buf_append_text(b, string);
}

static void put_json(struct trie *t, const json_t *key, const json_t *value)
{
    struct buf k = BUF_INIT, v = BUF_INIT;
    read_text(&k, key);
    read_text(&v, value);
    assert_int_equal(trie_put(t, buf_bytes(&k), buf_bytes(&v), 0), ERR_OK);
    buf_release(&k);
    buf_release(&v);
}

static void put_in_order(struct trie *t, const json_t *pairs, size_t rotation)
{
    size_t count = json_object_size(pairs), index = 0;
    for (size_t pass = 0; pass < 2; pass++) {
        const char *key;
        json_t *value;
        index = 0;
        json_object_foreach((json_t *)(uintptr_t)pairs, key, value)
        {
            json_t *text = json_string(key);
            if ((index++ >= rotation % count) == (pass == 0))
                put_json(t, text, value);
            json_decref(text);
        }
    }
}

static void run_case(const char *name, const json_t *test, enum trie_kind kind)
{
    struct arena arena;
    struct trie t;
    struct hash256 expected;
    const json_t *in = json_object_get(test, "in");
    assert_true(hex_decode_exact(json_string_value(json_object_get(test, "root")), &expected, 32));
    arena_init(&arena);
    size_t orders = json_is_array(in) ? 1 : json_object_size(in);
    for (size_t order = 0; order < orders; order++) {
        trie_init(&t, &arena, kind, NULL, 0, NULL, NULL);
        if (json_is_array(in)) {
            for (size_t i = 0; i < json_array_size(in); i++) {
                const json_t *pair = json_array_get(in, i);
                put_json(&t, json_array_get(pair, 0), json_array_get(pair, 1));
            }
        } else {
            put_in_order(&t, in, order);
        }
        expect_hash(&t, &expected, name);
    }
    arena_release(&arena);
}

struct suite {
    size_t cases;
};

static void run_file(const char *path, void *context)
{
    struct suite *suite = context;
    const char *name;
    json_t *test, *file = fixtures_json(path);
    bool secure = strstr(path, "ecure");
    json_object_foreach(file, name, test)
    {
        if (json_object_get(test, "root")) {
            run_case(name, test, secure ? TRIE_SECURE : TRIE_PLAIN);
            suite->cases++;
        }
    }
    json_decref(file);
}

static void public_suite(void **state)
{
    (void)state;
    struct suite suite = {0};
    fixtures_require(SUITE, "ethereum/tests");
    fixtures_each(SUITE, run_file, &suite);
    print_message("%zu cases\n", suite.cases);
    assert_int_equal(suite.cases, 25);
}

struct neighbour {
    struct bytes from;
    char key[TRIE_KEY_MAX + 1];
};

static int first_other(void *context, struct bytes key, struct bytes value, uint64_t link)
{
    struct neighbour *n = context;
    (void)value;
    (void)link;
    if (bytes_equal(key, n->from))
        return 0;
    snprintf(n->key, sizeof(n->key), "%.*s", (int)key.len, (const char *)key.data);
    return 1;
}

static void public_suite_next_and_previous(void **state)
{
    struct trie *t = trie_from(state);
    size_t index;
    json_t *entry;
    fixtures_require(SUITE "/trietestnextprev.json", "ethereum/tests");
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", fixtures_folder(), SUITE "/trietestnextprev.json");
    json_t *file = fixtures_json(path), *basic = json_object_get(file, "basic");
    json_array_foreach(json_object_get(basic, "in"), index, entry) put_json(t, entry, entry);
    json_array_foreach(json_object_get(basic, "tests"), index, entry)
    {
        const char *key = json_string_value(json_array_get(entry, 0));
        for (int direction = TRIE_ASCENDING; direction <= TRIE_DESCENDING; direction++) {
            struct neighbour n = {.from = bytes_str(key)};
            const char *expected =
                json_string_value(json_array_get(entry, direction == TRIE_ASCENDING ? 2 : 1));
            int found = trie_walk(t, n.from, (enum trie_direction)direction, first_other, &n);
            assert_int_equal(found, *expected != 0);
            assert_string_equal(n.key, expected);
        }
    }
    json_decref(file);
}

static void empty(void **state)
{
    struct trie *t = trie_from(state);
    struct bytes value;
    struct hash256 hash;
    struct trie_proof proof;
    crypto_keccak256(&hash, bytes_of("\x80", 1));
    assert_true(hash256_equal(&hash, &trie_empty_hash));
    expect_hash(t, &trie_empty_hash, "empty");
    assert_int_equal(trie_get(t, &value, NULL, bytes_str("a")), ERR_NOTFOUND);
    assert_int_equal(trie_delete(t, bytes_str("a")), ERR_OK);
    assert_int_equal(trie_link(t, bytes_str("a"), 1), ERR_NOTFOUND);
    assert_int_equal(trie_update(t, NULL, 0), ERR_OK);
    assert_int_equal(trie_walk(t, bytes_none(), TRIE_ASCENDING, first_other, NULL), 0);
    assert_int_equal(trie_prove(t, &proof, t->arena, bytes_str("a")), ERR_OK);
    assert_int_equal(proof.count, 0);
    assert_int_equal(trie_put(t, bytes_str("a"), bytes_str("1"), 0), ERR_OK);
    assert_int_equal(trie_put(t, bytes_none(), bytes_str("2"), 7), ERR_OK);
    uint64_t link;
    assert_int_equal(trie_get(t, &value, &link, bytes_none()), ERR_OK);
    assert_true(bytes_equal(value, bytes_str("2")) && link == 7);
    assert_int_equal(trie_clear(t), ERR_OK);
    expect_hash(t, &trie_empty_hash, "cleared");
}

static void limits(void **state)
{
    struct trie *t = trie_from(state);
    struct err_detail detail;
    struct trie_proof proof;
    uint8_t key[TRIE_KEY_MAX + 1] = {0};
    struct bytes longest = bytes_of(key, TRIE_KEY_MAX), longer = bytes_of(key, sizeof(key)), value;
    struct hash256 a, b;
    t->detail = &detail;
    assert_int_equal(trie_put(t, longest, bytes_str("x"), 0), ERR_OK);
    for (size_t i = 0; i < TRIE_KEY_MAX; i++) /* as deep as it gets */
        assert_int_equal(trie_put(t, bytes_of(key, i), bytes_str("y"), 0), ERR_OK);
    assert_int_equal(trie_hash(t, &a), ERR_OK);
    struct trie_pair pairs[TRIE_KEY_MAX + 1];
    for (size_t i = 0; i <= TRIE_KEY_MAX; i++)
        pairs[i] = (struct trie_pair){bytes_of(key, i), bytes_str(i < TRIE_KEY_MAX ? "y" : "x")};
    assert_int_equal(trie_root_of_pairs(&b, pairs, TRIE_KEY_MAX + 1), ERR_OK);
    assert_true(hash256_equal(&a, &b));
    assert_int_equal(trie_prove(t, &proof, t->arena, longest), ERR_OK);
    assert_int_equal(trie_verify(&value, &a, longest, proof.nodes, proof.count), TRIE_PRESENT);
    assert_int_equal(trie_get(t, &value, NULL, longer), ERR_NOTFOUND);
    assert_int_equal(trie_walk(t, longer, TRIE_ASCENDING, first_other, NULL), ERR_LIMIT);
    assert_int_equal(trie_prove(t, &proof, t->arena, longer), ERR_LIMIT);
    pairs[0].key = longer;
    assert_int_equal(trie_root_of_pairs(&b, pairs, 1), ERR_LIMIT);
    assert_int_equal(trie_put(t, longer, bytes_str("x"), 0), ERR_LIMIT);
    assert_non_null(strstr(detail.text, "128"));
    assert_int_equal(trie_hash(t, &a), ERR_LIMIT); /* refuses everything from now on */
}

struct listing {
    const struct twin *twin;
    size_t index; /* of the next pair expected */
    bool descending;
};

static int expect_pair(void *context, struct bytes key, struct bytes value, uint64_t link)
{
    struct listing *l = context;
    size_t index = l->descending ? l->index - 1 : l->index;
    assert_true(index < l->twin->count);
    assert_true(bytes_equal(key, twin_key(l->twin, index)));
    assert_true(bytes_equal(value, twin_value(l->twin, index)));
    assert_int_equal(link, 0);
    l->index = l->descending ? index : index + 1;
    return 0;
}

static void expect_walks(struct trie *t, const struct twin *twin, struct bytes from)
{
    size_t at = twin_find(twin, from);
    struct listing up = {twin, at, false}, down = {twin, at, true};
    if (at < twin->count && bytes_equal(twin_key(twin, at), from))
        down.index++;
    assert_int_equal(trie_walk(t, from, TRIE_ASCENDING, expect_pair, &up), 0);
    assert_int_equal(up.index, twin->count);
    assert_int_equal(trie_walk(t, from, TRIE_DESCENDING, expect_pair, &down), 0);
    assert_int_equal(down.index, 0);
}

static void expect_proof(struct trie *t, const struct hash256 *root, const struct twin *twin,
                         struct bytes key)
{
    struct arena arena;
    struct trie_proof proof;
    struct bytes value = bytes_none(), expected = twin_get(twin, key), got;
    arena_init(&arena);
    assert_int_equal(trie_prove(t, &proof, &arena, key), ERR_OK);
    assert_int_equal(trie_verify(&value, root, key, proof.nodes, proof.count),
                     expected.len ? TRIE_PRESENT : TRIE_ABSENT);
    assert_true(bytes_equal(value, expected));
    assert_int_equal(trie_get(t, &got, NULL, key), expected.len ? ERR_OK : ERR_NOTFOUND);
    assert_true(!expected.len || bytes_equal(got, expected));
    if (proof.count) {
        assert_int_equal(trie_verify(NULL, root, key, proof.nodes, proof.count - 1),
                         TRIE_PROOF_SHORT);
        /* every byte of the proof matters */
        for (size_t i = 0; i < proof.count; i++) {
            uint8_t *byte = (uint8_t *)(uintptr_t)proof.nodes[i].data + proof.nodes[i].len / 2;
            *byte ^= 1;
            assert_int_equal(trie_verify(NULL, root, key, proof.nodes, proof.count),
                             TRIE_PROOF_WRONG_HASH);
            *byte ^= 1;
        }
    }
    arena_release(&arena);
}

static void expect_same_as_twin(struct trie *t, const struct twin *twin, uint64_t *random)
{
    struct hash256 expected, of_pairs;
    struct trie_pair pairs[TWIN_PAIRS_MAX];
    uint8_t memory[TWIN_KEY_MAX];
    twin_root(&expected, twin);
    expect_hash(t, &expected, "random operations");
    for (size_t i = 0; i < twin->count; i++)
        pairs[i] = (struct trie_pair){twin_key(twin, i), twin_value(twin, i)};
    assert_int_equal(trie_root_of_pairs(&of_pairs, pairs, twin->count), ERR_OK);
    assert_true(hash256_equal(&of_pairs, &expected));
    for (size_t i = 0; i < twin->count; i++)
        expect_proof(t, &expected, twin, twin_key(twin, i));
    for (size_t i = 0; i < 20; i++) {
        struct bytes key = support_key(random, memory);
        expect_proof(t, &expected, twin, key);
        expect_walks(t, twin, key);
    }
}

static void random_operations(void **state)
{
    (void)state;
    static struct twin twin;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint64_t random = seed;
        struct arena arena;
        struct trie t;
        struct support_batch batch;
        arena_init(&arena);
        trie_init(&t, &arena, TRIE_PLAIN, NULL, 0, NULL, NULL);
        twin.count = 0;
        for (int round = 0; round < 25; round++) {
            size_t changes = support_random(&random) % (seed % 3 ? 12 : 60);
            support_changes(&batch, &twin, &random, changes);
            if (support_random(&random) % 2) {
                assert_int_equal(trie_update(&t, batch.items, batch.count), ERR_OK);
            } else {
                for (size_t i = 0; i < batch.count; i++) /* any order will do */
                    assert_int_equal(trie_put(&t, batch.items[batch.count - 1 - i].key,
                                              batch.items[batch.count - 1 - i].value, 0),
                                     ERR_OK);
            }
            if (round % 5 == 4)
                expect_same_as_twin(&t, &twin, &random);
        }
        while (twin.count) { /* and down to nothing */
            struct bytes key = twin_key(&twin, support_random(&random) % twin.count);
            struct hash256 expected;
            assert_int_equal(trie_delete(&t, key), ERR_OK);
            struct twin_pair gone = twin.pairs[twin_find(&twin, key)];
            twin_put(&twin, bytes_of(gone.key, gone.key_len), bytes_none());
            twin_root(&expected, &twin);
            expect_hash(&t, &expected, "deleting");
        }
        expect_hash(&t, &trie_empty_hash, "all deleted");
        arena_release(&arena);
    }
}

static void secure_tries_hash_their_keys(void **state)
{
    struct trie *plain = trie_from(state), secure;
    struct hash256 hash, root;
    struct bytes value;
    uint64_t link;
    trie_init(&secure, plain->arena, TRIE_SECURE, NULL, 0, NULL, NULL);
    for (int i = 0; i < 50; i++) {
        char key[8];
        snprintf(key, sizeof(key), "%d", i);
        crypto_keccak256(&hash, bytes_str(key));
        assert_int_equal(trie_put(&secure, bytes_str(key), bytes_str("value"), 0), ERR_OK);
        assert_int_equal(trie_put(plain, bytes_of(&hash, 32), bytes_str("value"), 0), ERR_OK);
    }
    assert_int_equal(trie_hash(plain, &root), ERR_OK);
    expect_hash(&secure, &root, "secure");
    assert_int_equal(trie_link(&secure, bytes_str("7"), 77), ERR_OK);
    assert_int_equal(trie_get(&secure, &value, &link, bytes_str("7")), ERR_OK);
    assert_int_equal(link, 77);
    struct trie_proof proof;
    assert_int_equal(trie_prove(&secure, &proof, plain->arena, bytes_str("7")), ERR_OK);
    crypto_keccak256(&hash, bytes_str("7"));
    assert_int_equal(trie_verify(&value, &root, bytes_of(&hash, 32), proof.nodes, proof.count),
                     TRIE_PRESENT);
    assert_int_equal(trie_delete(&secure, bytes_str("7")), ERR_OK);
    assert_int_equal(trie_get(&secure, &value, &link, bytes_str("7")), ERR_NOTFOUND);
}

static void list_roots(void **state)
{
    struct trie *t = trie_from(state);
    enum { COUNT = 300 };
    static uint8_t data[COUNT][700];
    struct bytes items[COUNT];
    uint64_t random = 3;
    for (size_t i = 0; i < COUNT; i++) {
        size_t len = 1 + support_random(&random) % (i % 7 ? 200 : sizeof(data[0]));
        for (size_t k = 0; k < len; k++)
            data[i][k] = (uint8_t)support_random(&random);
        items[i] = bytes_of(data[i], len);
    }
    for (size_t count = 0; count <= COUNT; count++) {
        struct hash256 root;
        assert_int_equal(trie_list_root(&root, items, count), ERR_OK);
        expect_hash(t, &root, "list");
        if (count < COUNT) {
            uint8_t key[9];
            size_t len = (size_t)(rlp_put_u64(key, count) - key);
            assert_int_equal(trie_put(t, bytes_of(key, len), items[count], 0), ERR_OK);
        }
    }
}

/* Values that no buffer of fixed size holds, alone and among many. */
static void large_values(void **state)
{
    enum { LARGE = 100000, COUNT = 200 };
    struct trie *t = trie_from(state);
    struct trie_pair pairs[COUNT];
    uint8_t keys[COUNT][2], *data = arena_alloc_zeroed(t->arena, 1, LARGE);
    struct hash256 expected;
    assert_non_null(data);
    for (size_t i = 0; i < COUNT; i++) {
        keys[i][0] = (uint8_t)i;
        keys[i][1] = (uint8_t)(i * 17);
        pairs[i] = (struct trie_pair){bytes_of(keys[i], i % 3 ? 2 : 1),
                                      bytes_of(data, i % 50 == 7 ? LARGE - i : 1 + i * 3)};
        assert_int_equal(trie_put(t, pairs[i].key, pairs[i].value, 0), ERR_OK);
        assert_int_equal(trie_root_of_pairs(&expected, pairs, i + 1), ERR_OK);
        if (i % 10 == 9 || i % 50 == 7)
            expect_hash(t, &expected, "large values");
    }
}

static void proof_verdicts(void **state)
{
    struct trie *t = trie_from(state);
    struct trie_proof proof;
    struct hash256 root;
    struct bytes key = bytes_str("key 1"), other = bytes_str("kex"), nodes[16];
    for (int i = 0; i < 20; i++) {
        char text[40];
        snprintf(text, sizeof(text), "key %d", i);
        assert_int_equal(trie_put(t, bytes_str(text),
                                  bytes_str("a value of more than 32 bytes, so"
                                            " that nodes are hashed"),
                                  0),
                         ERR_OK);
    }
    assert_int_equal(trie_hash(t, &root), ERR_OK);
    assert_int_equal(trie_prove(t, &proof, t->arena, key), ERR_OK);
    assert_in_range(proof.count, 3, 10);
    memcpy(nodes, proof.nodes, proof.count * sizeof(*nodes));
    nodes[proof.count] = nodes[0];
    assert_int_equal(trie_verify(NULL, &root, key, nodes, proof.count), TRIE_PRESENT);
    assert_int_equal(trie_verify(NULL, &root, key, nodes, proof.count + 1), TRIE_PROOF_SURPLUS);
    assert_int_equal(trie_verify(NULL, &root, key, nodes, proof.count - 1), TRIE_PROOF_SHORT);
    assert_int_equal(trie_verify(NULL, &root, key, nodes, 0), TRIE_PROOF_SHORT);
    assert_int_equal(trie_verify(NULL, &root, key, nodes + 1, proof.count - 1),
                     TRIE_PROOF_WRONG_HASH);
    assert_int_equal(trie_verify(NULL, &root, other, nodes, 1), TRIE_ABSENT);
    assert_int_equal(trie_verify(NULL, &root, other, nodes, 2), TRIE_PROOF_SURPLUS);
    assert_int_equal(trie_verify(NULL, &trie_empty_hash, key, NULL, 0), TRIE_ABSENT);
    nodes[0] = bytes_of("\x80", 1);
    nodes[1] = nodes[0];
    assert_int_equal(trie_verify(NULL, &trie_empty_hash, key, nodes, 1), TRIE_ABSENT);
    assert_int_equal(trie_verify(NULL, &trie_empty_hash, key, nodes, 2), TRIE_PROOF_SURPLUS);
    nodes[0] = bytes_of("\x81", 1);
    assert_int_equal(trie_verify(NULL, &trie_empty_hash, key, nodes, 1), TRIE_PROOF_WRONG_HASH);
    assert_string_equal(trie_verdict_text(TRIE_PROOF_SHORT),
                        "the proof ends before the key is decided");
}

/* Nodes with the hash that is asked for, but not of the form that a trie has. */
static void malformed_nodes(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        const char *key;
        enum trie_verdict verdict;
    } cases[] = {
        {"c2206f", "", TRIE_PRESENT},          /* leaf, empty path */
        {"c2306f", "", TRIE_ABSENT},           /* its path is longer than the key */
        {"c3206f6f", "", TRIE_PROOF_BAD_NODE}, /* three items */
        {"c0", "", TRIE_PROOF_BAD_NODE},       /* none */
        {"826162", "", TRIE_PROOF_BAD_NODE},   /* a string */
        {"", "", TRIE_PROOF_BAD_NODE},         /* nothing */
        {"c220", "", TRIE_PROOF_BAD_NODE},     /* cut */
        {"c2206f00", "", TRIE_PROOF_BAD_NODE}, /* bytes behind */
        {"c22080", "", TRIE_PROOF_BAD_NODE},   /* leaf without a value */
        {"c220c0", "", TRIE_PROOF_BAD_NODE},   /* leaf with a list for a value */
        {"c2406f", "", TRIE_PROOF_BAD_NODE},   /* unknown flag */
        {"c2216f", "", TRIE_PROOF_BAD_NODE},   /* padding is not 0 */
        {"c2806f", "", TRIE_PROOF_BAD_NODE},   /* no prefix */
        {"c2c06f", "", TRIE_PROOF_BAD_NODE},   /* prefix is a list */
        {"c3816120", "", TRIE_PROOF_BAD_NODE}, /* prefix and value swapped */
        {"c381206f", "", TRIE_PROOF_BAD_NODE}, /* prefix not in its shortest form */
        {"c20080", "", TRIE_PROOF_BAD_NODE},   /* extension without path */
        {"c21080", "0", TRIE_PROOF_BAD_NODE},  /* extension to nothing */
        {"c2136f", "0", TRIE_PROOF_BAD_NODE},  /* extension to one byte */
        {"c416c2306f", "a", TRIE_ABSENT},      /* to a node within */
        {"c416c2316f", "a", TRIE_PRESENT},
        {"d1c3816c206f", "", TRIE_PROOF_BAD_NODE},                  /* size beyond the end */
        {"d1808080808080808080808080808080806f", "", TRIE_PRESENT}, /* branch */
        {"d180808080808080808080808080808080c0", "", TRIE_PROOF_BAD_NODE},
        {"d18080808080808080808080808080808080", "", TRIE_ABSENT},
        {"d1808080808080808080808080808080806f", "a", TRIE_ABSENT},
        {"d1018080808080808080808080808080806f", "a", TRIE_PROOF_BAD_NODE},  /* child of a byte */
        {"d2808080808080808080808080808080806f80", "", TRIE_PROOF_BAD_NODE}, /* 18 items */
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct buf node = BUF_INIT;
        struct hash256 hash;
        assert_int_equal(hex_decode(cases[i].hex, &node), ERR_OK);
        crypto_keccak256(&hash, buf_bytes(&node));
        struct bytes nodes = buf_bytes(&node);
        enum trie_verdict verdict = trie_verify(NULL, &hash, bytes_str(cases[i].key), &nodes, 1);
        if (verdict != cases[i].verdict)
            fail_msg("%s: %s", cases[i].hex, trie_verdict_text(verdict));
        buf_release(&node);
    }
}

static int all_of_it(struct arena *arena, struct hash256 *ret_root)
{
    struct trie t;
    struct bytes value;
    struct trie_proof proof;
    trie_init(&t, arena, TRIE_PLAIN, NULL, 0, NULL, NULL);
    int status = ERR_OK;
    for (int i = 0; i < 40 && status == ERR_OK; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%d", i * 7);
        status = trie_put(&t, bytes_str(key), bytes_str(key), 0);
    }
    if (status == ERR_OK)
        status = trie_delete(&t, bytes_str("77"));
    if (status == ERR_OK)
        status = trie_hash(&t, ret_root);
    if (status == ERR_OK)
        status = trie_prove(&t, &proof, arena, bytes_str("70"));
    if (status == ERR_OK)
        status = trie_get(&t, &value, NULL, bytes_str("70"));
    if (status == ERR_OK)
        status = trie_clear(&t);
    if (status == ERR_OK)
        status = trie_put(&t, bytes_str("a"), bytes_of(ret_root, 32), 0);
    struct bytes items[20];
    for (size_t i = 0; i < BASE_COUNT(items); i++)
        items[i] = bytes_str("an item of a list");
    if (status == ERR_OK)
        status = trie_list_root(ret_root, items, BASE_COUNT(items));
    return status;
}

static void out_of_memory(void **state)
{
    (void)state;
    struct hash256 expected, root;
    for (size_t n = 0;; n++) {
        struct arena arena;
        arena_init(&arena);
        mem_fail_at(n, 1);
        int status = all_of_it(&arena, n ? &root : &expected);
        bool injected = n && mem_fail_left() == 0;
        mem_fail_at(0, 0);
        arena_release(&arena);
        assert_int_equal(status, injected ? ERR_NOMEM : ERR_OK);
        if (n && !injected)
            break;
    }
    assert_true(hash256_equal(&root, &expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_suite),
        cmocka_unit_test_setup_teardown(public_suite_next_and_previous, setup, teardown),
        cmocka_unit_test_setup_teardown(empty, setup, teardown),
        cmocka_unit_test_setup_teardown(limits, setup, teardown),
        cmocka_unit_test(random_operations),
        cmocka_unit_test_setup_teardown(secure_tries_hash_their_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(list_roots, setup, teardown),
        cmocka_unit_test_setup_teardown(large_values, setup, teardown),
        cmocka_unit_test_setup_teardown(proof_verdicts, setup, teardown),
        cmocka_unit_test(malformed_nodes),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
