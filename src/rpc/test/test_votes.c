/* Methods of the engines that vote: over the chain of Clique that GoQuorum made (src/consensus/test/vectors), what it told of each block. */
#include "base/hex.h"
#include "rpc/test/world.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct told {
    struct world w;
    json_t *file;
    size_t count;
};

static json_t *told_of(const struct told *t, size_t number)
{
    return json_array_get(json_object_get(t->file, "blocks"), number);
}

static struct chain_block *decode(const struct told *t, size_t number)
{
    struct buf rlp = BUF_INIT;
    struct chain_block *block;
    struct err_detail detail = {""};
    assert_true(fixtures_hex(told_of(t, number), "rlp", &rlp));
    if (chain_block_decode(&block, buf_bytes(&rlp), &detail))
        fail_msg("%s", detail.text);
    buf_release(&rlp);
    return block;
}

/* The network began with nothing but its one signer. */
static void open_chain(struct told *t)
{
    struct chain_block *block = decode(t, 0);
    struct buf genesis = BUF_INIT;
    struct err_detail detail = {""};
    buf_append_text(
        &genesis,
        "{\"config\":{\"chainId\":1337,\"homesteadBlock\":0,\"eip150Block\":0,\"eip155Block\":0,"
        "\"eip158Block\":0,\"byzantiumBlock\":0,\"constantinopleBlock\":0,\"petersburgBlock\":0,"
        "\"istanbulBlock\":0,\"isQuorum\":true,\"clique\":{\"period\":1,\"epoch\":8}},"
        "\"difficulty\":\"0x1\",\"gasLimit\":\"0xe0000000\",\"alloc\":{},\"extraData\":\"");
    hex_append(&genesis, block->header.extra);
    buf_append_text(&genesis, "\"}");
    assert_int_equal(store_memory_new(&t->w.store, chain_tables, CHAIN_TABLES), 0);
    const struct chain_options options = {
        .store = t->w.store, .genesis = buf_bytes(&genesis), .archive = true};
    if (chain_open(&t->w.chain, &options, &detail))
        fail_msg("%s", detail.text);
    buf_release(&genesis);
    chain_block_unref(block);
}

static void take(const char *path, void *context)
{
    struct told *t = context;
    struct chain_block *blocks[64];
    enum chain_verdict verdict;
    struct err_detail why = {""};
    size_t taken;
    t->file = fixtures_json(path);
    t->count = json_array_size(json_object_get(t->file, "blocks"));
    assert_true(t->count > 30 && t->count <= BASE_COUNT(blocks));
    open_chain(t);
    for (size_t i = 1; i < t->count; i++)
        blocks[i] = decode(t, i);
    int status = chain_import(t->w.chain, &verdict, &taken, &why, &blocks[1], t->count - 1);
    if (status || verdict != CHAIN_VALID)
        fail_msg("block %zu: %s", taken + 1, why.text);
    for (size_t i = 1; i < t->count; i++)
        chain_block_unref(blocks[i]);
}

static int set_up(void **state)
{
    struct told *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    assert_int_equal(fixtures_each_own("src/consensus/test/vectors/clique.json", take, t), 1);
    assert_int_equal(io_loop_new(&t->w.backend.loop), 0);
    t->w.backend.chain = t->w.chain;
    t->w.backend.client_version = t->w.client_version;
    assert_int_equal(rpc_new(&t->w.rpc, &t->w.backend), 0);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct told *t = *state;
    world_end(&t->w);
    json_decref(t->file);
    free(t);
    return 0;
}

/* The result, or the error's message as text. */
static json_t *ask(struct told *t, const char *method, const char *params)
{
    char message[256];
    snprintf(message, sizeof(message), "{\"id\":1,\"method\":\"%s\",\"params\":%s}", method,
             params);
    json_t *answer = world_ask(&t->w, rpc_access_all(), message);
    json_t *error = json_object_get(answer, "error");
    json_t *part =
        json_incref(error ? json_object_get(error, "message") : json_object_get(answer, "result"));
    json_decref(answer);
    return part;
}

static void expect(struct told *t, const char *method, const char *params, const json_t *wanted)
{
    json_t *is = ask(t, method, params);
    if (!json_equal(is, wanted))
        fail_msg("%s%s: %s, wanted %s", method, params, json_dumps(is, JSON_ENCODE_ANY),
                 json_dumps(wanted, JSON_ENCODE_ANY));
    json_decref(is);
}

static void expect_text(struct told *t, const char *method, const char *params, const char *wanted)
{
    json_t *parsed = json_loads(wanted, JSON_DECODE_ANY, NULL);
    assert_non_null(parsed);
    expect(t, method, params, parsed);
    json_decref(parsed);
}

static void snapshots(void **state)
{
    struct told *t = *state;
    for (size_t i = 0; i < t->count; i++) {
        char number[32], hash[80];
        const json_t *wanted = json_object_get(told_of(t, i), "snapshot");
        const char *signer;
        json_t *value, *signers = json_array();
        snprintf(number, sizeof(number), "[\"0x%zx\"]", i);
        snprintf(hash, sizeof(hash), "[\"%s\"]",
                 json_string_value(json_object_get(wanted, "hash")));
        json_object_foreach(json_object_get(wanted, "signers"), signer, value)
        {
            json_array_append_new(signers, json_string(signer));
        }
        expect(t, "clique_getSnapshot", number, wanted);
        expect(t, "clique_getSnapshotAtHash", hash, wanted);
        expect(t, "clique_getSigners", number, signers);
        expect(t, "clique_getSignersAtHash", hash, signers);
        if (i + 1 == t->count)
            expect(t, "clique_getSnapshot", "[]", wanted);
        json_decref(signers);
    }
    expect_text(t, "clique_getSnapshot", "[\"0x1000\"]", "\"unknown block\"");
    expect_text(t, "clique_getSigners", "[\"pending\"]", "\"unknown block\"");
}

/* What the snapshots say of blocks from … to - 1, in the form of clique_status. */
static json_t *counted(const struct told *t, size_t from, size_t to)
{
    json_t *counts = json_object(), *value;
    const char *signer;
    unsigned in_turn = 0;
    char number[16], percent[32];
    json_object_foreach(json_object_get(json_object_get(told_of(t, to), "snapshot"), "signers"),
                        signer, value)
    {
        json_object_set_new(counts, signer, json_integer(0));
    }
    for (size_t i = from; i < to; i++) {
        const json_t *snapshot = json_object_get(told_of(t, i), "snapshot");
        struct chain_block *block = decode(t, i);
        in_turn += block->header.difficulty.w[0] == 2;
        chain_block_unref(block);
        snprintf(number, sizeof(number), "%zu", i);
        signer = json_string_value(json_object_get(json_object_get(snapshot, "recents"), number));
        assert_non_null(signer);
        json_object_set_new(counts, signer,
                            json_integer(json_integer_value(json_object_get(counts, signer)) + 1));
    }
    snprintf(percent, sizeof(percent), "%.16g", 100.0 * in_turn / (double)(to - from));
    return json_pack("{s:o, s:o, s:i}", "inturnPercent", json_loads(percent, JSON_DECODE_ANY, NULL),
                     "sealerActivity", counts, "numBlocks", (int)(to - from));
}

static void activity(void **state)
{
    struct told *t = *state;
    static const struct {
        size_t from, to;
    } ranges[] = {{1, 8}, {2, 17}, {9, 10}, {20, 30}};
    for (size_t i = 0; i < BASE_COUNT(ranges); i++) {
        char params[64];
        json_t *wanted = counted(t, ranges[i].from, ranges[i].to);
        snprintf(params, sizeof(params), "[\"0x%zx\",\"0x%zx\"]", ranges[i].from, ranges[i].to);
        expect(t, "clique_status", params, wanted);
        json_decref(wanted);
    }
    json_t *all = counted(t, 1, t->count - 1); /* there are fewer than 64 */
    expect(t, "clique_status", "[]", all);
    json_decref(all);
    expect_text(t, "clique_status", "[\"0x1\"]", "\"pass the end block number\"");
    expect_text(t, "clique_status", "[\"0x0\",\"0x1\"]", "\"recovery failed\"");
    expect_text(t, "clique_status", "[null,\"0x1\"]", "\"pass the start block number\"");
    expect_text(t, "clique_status", "[\"0x2\",\"0x1\"]",
                "\"start block number should be less than end block number\"");
    expect_text(t, "clique_status", "[\"0x1\",\"0x1000\"]",
                "\"end block number should be less than or equal to current block height\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshots),
        cmocka_unit_test(activity),
    };
    return cmocka_run_group_tests_name("votes", tests, set_up, tear_down);
}
