/*
 * The recorded private networks, block by block, for each of their peers with the payloads that its transaction manager
 * had: the private state is theirs at every block, forwards, backwards by setHead, and in a node that forgets old states.
 */
#include "base/base64.h"
#include "base/hex.h"
#include "chain/chain_priv.h"
#include "chain/import_priv.h"
#include "tests/support/recorded_tm.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BLOCKS_MAX = 200, PEERS = 3 };

struct peer {
    struct recorded_tm *tm;
    struct chain_payloads payloads;
    struct store *store;
    struct chain *chain;
    struct chain_block *blocks[BLOCKS_MAX];
    size_t count;
    unsigned number;
    size_t asked, roots;
    bool is_impatient;     /* whoever executes */
    unsigned silent_every; /* then, once in so many times; 0: never */
    unsigned times, silences;
};

static struct bytes decode64(struct arena *arena, const json_t *text)
{
    struct buf b = BUF_INIT;
    const char *s = json_string_value(text);
    assert_int_equal(base64_decode(&b, bytes_str(s ? s : "")), 0);
    struct bytes kept = arena_copy(arena, buf_bytes(&b));
    buf_release(&b);
    return kept;
}

static int receive(void *context, struct chain_payload *ret, const struct chain_payload_hash *hash,
                   struct arena *arena)
{
    struct peer *p = context;
    char text[96] = {0};
    if (p->is_impatient && p->silent_every && ++p->times % p->silent_every == 0) {
        p->silences++;
        return ERR_TIMEOUT;
    }
    base64_encode(text, bytes_of(hash->b, sizeof(hash->b)));
    const json_t *found = recorded_tm_payload(p->tm, text);
    p->asked++;
    *ret = (struct chain_payload){.is_party = found != NULL};
    if (!found)
        return 0;
    ret->data = decode64(arena, json_object_get(found, "payload"));
    ret->flag = (uint64_t)json_integer_value(json_object_get(found, "privacyFlag"));
    const json_t *list = json_object_get(found, "affectedContractTransactions");
    struct chain_payload_hash *affected =
        arena_alloc(arena, (json_array_size(list) + 1) * sizeof(*affected));
    assert_non_null(affected);
    for (size_t i = 0; i < json_array_size(list); i++)
        memcpy(affected[i].b, decode64(arena, json_array_get(list, i)).data, sizeof(affected[i].b));
    ret->affected = affected;
    ret->affected_count = json_array_size(list);
    struct bytes root = decode64(arena, json_object_get(found, "execHash"));
    if (root.len == 32)
        memcpy(ret->exec_hash.b, root.data, 32);
    return 0;
}

static void keep_block(const json_t *params, const json_t *result, void *context)
{
    (void)params;
    struct peer *p = context;
    struct buf rlp = BUF_INIT;
    struct err_detail detail;
    assert_true(p->count < BLOCKS_MAX);
    assert_int_equal(hex_decode(json_string_value(result), &rlp), 0);
    if (chain_block_decode(&p->blocks[p->count++], buf_bytes(&rlp), &detail))
        fail_msg("%s", detail.text);
    buf_release(&rlp);
}

static void begin(struct peer *p, const char *network, unsigned number, bool archive)
{
    struct buf genesis = BUF_INIT;
    struct err_detail detail = {{0}};
    *p = (struct peer){.number = number, .tm = recorded_tm_open(network, number)};
    p->payloads = (struct chain_payloads){p, receive};
    recordings_answers(network, "debug_getBlockRlp", keep_block, p);
    recordings_read(network, "genesis.json", &genesis);
    assert_int_equal(store_memory_new(&p->store, chain_tables, CHAIN_TABLES), 0);
    const struct chain_options options = {.store = p->store,
                                          .genesis = buf_bytes(&genesis),
                                          .archive = archive,
                                          .payloads = &p->payloads};
    if (chain_open(&p->chain, &options, &detail))
        fail_msg("%s", detail.text);
    buf_release(&genesis);
}

static void import_from(struct peer *p, size_t first)
{
    enum chain_verdict verdict;
    struct err_detail why = {{0}};
    for (size_t i = first; i < p->count; i++) {
        int err = chain_commit(p->chain, &verdict, &why, p->blocks[i]);
        if (err || verdict != CHAIN_VALID)
            fail_msg("block %zu: %s %s", i, chain_verdict_text(verdict), why.text);
    }
}

static void end(struct peer *p)
{
    for (size_t i = 0; i < p->count; i++)
        chain_block_unref(p->blocks[i]);
    chain_free(p->chain);
    store_free(p->store);
    recorded_tm_close(p->tm);
}

static void compare_root(const json_t *line, void *context)
{
    struct peer *p = context;
    struct chain_reader reader;
    struct state_reader state;
    struct hash256 theirs;
    if (json_integer_value(json_object_get(line, "peer")) != p->number ||
        strcmp(json_string_value(json_object_get(line, "method")), "debug_privateStateRoot") != 0)
        return;
    const char *at = json_string_value(json_array_get(json_object_get(line, "params"), 0));
    uint64_t number = strtoull(at, NULL, 16);
    assert_true(hex_decode_exact(json_string_value(json_object_get(line, "result")), theirs.b, 32));
    assert_int_equal(chain_reader_open(&reader, p->chain), 0);
    int err = chain_reader_private_state(&reader, &state, chain_psi_private(), number);
    if (err == ERR_NOTFOUND && !chain_is_archive(p->chain)) {
        chain_reader_close(&reader);
        return;
    }
    assert_int_equal(err, 0);
    if (!hash256_equal(&theirs, &state.root.hash))
        fail_msg("peer %u: another private state after block %s", p->number, at);
    p->roots++;
    chain_reader_close(&reader);
}

static void compare(struct peer *p, const char *network, size_t least)
{
    p->roots = 0;
    recordings_lines(network, "rpc.jsonl.gz", compare_root, p);
    assert_true(p->roots >= least);
}

static void replay(const char *network)
{
    static struct peer peers[PEERS];
    recordings_require(network);
    for (unsigned i = 0; i < PEERS; i++) {
        begin(&peers[i], network, i, true);
        import_from(&peers[i], 1);
        compare(&peers[i], network, peers[i].count - 5);
        print_message("%s, peer %u: %zu private state roots are the same\n", network, i,
                      peers[i].roots);
        end(&peers[i]);
    }
}

/* --- Blocks that share commits --- */

struct run {
    struct peer *peer;
    size_t next;
    uint64_t commits;
};

static int next_block(void *context, struct chain_block **ret_block, struct err_detail *detail)
{
    struct run *r = context;
    (void)detail;
    if (r->next < r->peer->count)
        *ret_block = chain_block_ref(r->peer->blocks[r->next++]);
    return 0;
}

static bool on_durable(void *context, const struct chain_progress *progress)
{
    struct run *r = context;
    (void)progress;
    r->commits++;
    return true;
}

static void set_patience(void *context, bool waits)
{
    struct peer *p = context;
    p->is_impatient = !waits;
}

/* All in one run, with a manager that now and then cannot be asked: the same private states, with fewer commits. */
static void replay_together(const char *network, unsigned silent_every)
{
    static struct peer peer;
    recordings_require(network);
    for (unsigned i = 0; i < PEERS; i++) {
        begin(&peer, network, i, true);
        peer.payloads.set_patience = set_patience;
        peer.silent_every = silent_every;
        peer.chain->batch.limits.milliseconds = UINT64_MAX / 2;
        struct run run = {.peer = &peer, .next = 1};
        const struct chain_source source = {next_block, on_durable, &run};
        enum chain_verdict verdict;
        struct chain_progress progress = {0};
        struct err_detail why = {{0}};
        if (chain_import_source(peer.chain, &verdict, &progress, &why, &source))
            fail_msg("%s", why.text);
        assert_int_equal(verdict, CHAIN_VALID);
        assert_int_equal(progress.head, peer.count - 1);
        assert_int_equal(peer.silences > 0, silent_every > 0);
        assert_in_range(run.commits, 1, silent_every ? peer.count - 2 : peer.count / 4);
        compare(&peer, network, peer.count - 5);
        print_message("%s, peer %u: %zu blocks in %llu commits, silent %u times\n", network, i,
                      peer.count - 1, (unsigned long long)run.commits, peer.silences);
        end(&peer);
    }
}

static void test_together(void **state)
{
    (void)state;
    replay_together("private", 0);
    replay_together("private", 5);
    replay_together("private-marker", 0);
    replay_together("private-marker", 3);
}

static void test_private(void **state)
{
    (void)state;
    replay("private");
}

static void test_marker(void **state)
{
    (void)state;
    replay("private-marker");
}

/* Back over half of the chain, by ten blocks at a time, and forwards again. */
static void test_rewind(void **state)
{
    static struct peer peer;
    struct err_detail detail;
    (void)state;
    recordings_require("private");
    begin(&peer, "private", 0, true);
    import_from(&peer, 1);
    for (size_t back = peer.count - 11; back > peer.count / 2; back -= 10) {
        assert_int_equal(chain_set_head(peer.chain, back, &detail), 0);
        import_from(&peer, back + 1);
        compare(&peer, "private", peer.count - 5);
    }
    end(&peer);
}

/* A node that is party to nothing keeps no private state, and asks nobody. */
static void test_outsider(void **state)
{
    static struct peer peer;
    struct chain_reader reader;
    struct state_reader private_state;
    (void)state;
    recordings_require("private");
    begin(&peer, "private", 0, true);
    chain_free(peer.chain);
    struct chain_options options = {.store = peer.store, .archive = true};
    struct err_detail detail;
    assert_int_equal(chain_open(&peer.chain, &options, &detail), 0);
    import_from(&peer, 1);
    assert_int_equal(peer.asked, 0);
    assert_int_equal(chain_reader_open(&reader, peer.chain), 0);
    assert_int_equal(
        chain_reader_private_state(&reader, &private_state, chain_psi_private(), peer.count - 1),
        0);
    assert_true(hash256_equal(&private_state.root.hash, &trie_empty_hash));
    chain_reader_close(&reader);
    end(&peer);
}

/* --- A private state that another node vouches for --- */

struct voucher {
    struct peer *peer; /* whose states it knows */
    uint64_t lies_at;  /* a block; 0: never */
    size_t asked;
};

static bool vouch(void *context, struct hash256 *ret_root, const struct hash256 *block)
{
    struct voucher *v = context;
    struct chain_reader reader;
    uint64_t number;
    assert_int_equal(chain_reader_open(&reader, v->peer->chain), 0);
    assert_int_equal(chain_reader_number(&reader, &number, block), 0);
    assert_int_equal(chain_reader_private_root(&reader, ret_root, chain_psi_private(), number), 0);
    chain_reader_close(&reader);
    ret_root->b[0] ^= number == v->lies_at;
    v->asked++;
    return number % 3 != 0; /* of some blocks nothing is known */
}

/* The first block from `first` on that is refused; the next one's number when none is. */
static size_t import_until_refused(struct peer *p, size_t first, enum chain_verdict *ret_verdict)
{
    struct err_detail why = {{0}};
    *ret_verdict = CHAIN_VALID;
    for (size_t i = first; i < p->count; i++) {
        assert_int_equal(chain_commit(p->chain, ret_verdict, &why, p->blocks[i]), 0);
        if (*ret_verdict == CHAIN_VALID)
            continue;
        assert_non_null(strstr(why.text, "private root hash mismatch for block 0x"));
        return i;
    }
    return p->count;
}

static void test_vouched(void **state)
{
    static struct peer server, client, stranger;
    struct voucher voucher = {.peer = &server, .lies_at = 40};
    const struct chain_private_roots roots = {&voucher, vouch};
    struct chain_block *bad[CHAIN_BAD_MAX];
    struct chain_reader reader;
    enum chain_verdict verdict;
    size_t bad_count;
    (void)state;
    recordings_require("private");
    begin(&server, "private", 0, true);
    import_from(&server, 1);
    begin(&client, "private", 0, true);
    chain_set_private_roots(client.chain, &roots);
    assert_int_equal(import_until_refused(&client, 1, &verdict), 40);
    assert_int_equal(verdict, CHAIN_PRIVATE_STATE);
    assert_int_equal(chain_reader_open(&reader, client.chain), 0);
    assert_int_equal(chain_reader_bad_blocks(&reader, bad, &bad_count), 0);
    assert_int_equal(bad_count, 0); /* the block is the network's */
    chain_reader_close(&reader);
    voucher.lies_at = 0;
    assert_int_equal(import_until_refused(&client, 40, &verdict), client.count);
    compare(&client, "private", client.count - 5);
    assert_true(voucher.asked >= client.count - 1);

    /* With the payloads of another there is another private state, sooner or later. */
    begin(&stranger, "private", 1, true);
    chain_set_private_roots(stranger.chain, &roots);
    assert_true(import_until_refused(&stranger, 1, &verdict) < stranger.count);
    assert_int_equal(verdict, CHAIN_PRIVATE_STATE);
    end(&stranger);
    end(&client);
    end(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_private),  cmocka_unit_test(test_marker),
        cmocka_unit_test(test_together), cmocka_unit_test(test_rewind),
        cmocka_unit_test(test_outsider), cmocka_unit_test(test_vouched),
    };
    return cmocka_run_group_tests_name("private", tests, NULL, NULL);
}
