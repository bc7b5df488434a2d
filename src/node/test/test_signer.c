/* Three signers of a Clique chain in one process, each with its chain and pool, joined by function calls: they make
 * blocks, come to one chain, and vote a fourth in. */
#include "node/validator/signer.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/secp256k1.h"
#include "io/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SIGNERS = 3 };

static const struct address candidate = {{0xca, 0x4d, 0x1d, 0xa7, 0xe0}};

struct member {
    struct world *world;
    struct crypto_private_key key;
    struct address address;
    char folder[96];
    struct chain *store;
    struct node_chain *chain;
    struct chain_pool *pool;
    struct node_signer *signer;
    bool locked;         /* the account cannot sign */
    uint64_t signatures; /* asked for */
};

struct world {
    char folder[64];
    struct buf genesis;
    struct io_loop *loop;
    struct member members[SIGNERS];
    size_t up;
    uint64_t goal;
    size_t apart; /* they hear nothing of each other, until so many have made a block */
    struct io_timer limit;
};

static int sign(void *context, const struct hash256 *digest, uint8_t ret_signature[65])
{
    struct member *m = context;
    struct crypto_signature signature;
    m->signatures++;
    if (m->locked)
        return ERR_CRYPTO;
    assert_true(crypto_ecdsa_sign(&signature, digest, &m->key));
    memcpy(ret_signature, signature.rs, 64);
    ret_signature[64] = signature.recovery_id;
    return ERR_OK;
}

static const struct chain_block *head_of(const struct member *m)
{
    return node_chain_head(m->chain)->block;
}

static bool has_block(const struct member *m, uint64_t number, const struct hash256 *hash)
{
    struct chain_reader reader;
    struct hash256 own;
    assert_int_equal(chain_reader_open(&reader, m->store), ERR_OK);
    bool found = chain_reader_hash(&reader, &own, number) == ERR_OK && hash256_equal(&own, hash);
    chain_reader_close(&reader);
    return found;
}

static void imported(void *context, const struct node_imported *result)
{
    (void)context;
    assert_int_equal(result->status, ERR_OK);
    if (result->verdict != CHAIN_VALID && result->verdict != CHAIN_KNOWN)
        fail_msg("%s: %s", chain_verdict_text(result->verdict), result->why.text);
}

/* In place of the network: the other gets every block of this branch that it lacks. */
static void bring_blocks(struct member *from, struct member *to)
{
    struct chain_reader reader;
    uint64_t last = head_of(from)->header.number, number = last;
    assert_int_equal(chain_reader_open(&reader, from->store), ERR_OK);
    for (;; number--) {
        struct hash256 hash;
        assert_int_equal(chain_reader_hash(&reader, &hash, number), ERR_OK);
        if (has_block(to, number, &hash))
            break;
    }
    while (number++ < last) {
        struct chain_block *block;
        assert_int_equal(chain_reader_block(&reader, &block, number), ERR_OK);
        assert_int_equal(node_chain_import(to->chain, &block, 1, imported, to), ERR_OK);
        chain_block_unref(block);
    }
    chain_reader_close(&reader);
}

static void meet(struct world *world)
{
    for (size_t i = 0; i < world->up; i++)
        for (size_t j = 0; j < world->up; j++)
            if (i != j)
                bring_blocks(&world->members[i], &world->members[j]);
}

static void on_head(void *context, const struct node_head *head)
{
    struct member *m = context;
    struct world *world = m->world;
    (void)head;
    if (world->apart && --world->apart == 0)
        meet(world);
    for (size_t i = 0; i < world->up && !world->apart; i++)
        if (&world->members[i] != m)
            bring_blocks(m, &world->members[i]);
    node_signer_head(m->signer);
    for (size_t i = 0; i < world->up; i++)
        if (head_of(&world->members[i])->header.number < world->goal ||
            !hash256_equal(&head_of(&world->members[i])->hash, &head_of(m)->hash))
            return;
    io_loop_stop(world->loop);
}

static int no_account(void *context, const struct address *address,
                      struct chain_pool_account *ret_account)
{
    (void)context;
    *ret_account = (struct chain_pool_account){.address = *address};
    return ERR_OK;
}

static int by_address(const void *a, const void *b)
{
    return memcmp(((const struct member *)a)->address.b, ((const struct member *)b)->address.b, 20);
}

static void make_genesis(struct world *world)
{
    struct buf *b = &world->genesis;
    buf_append_text(
        b,
        "{\"config\":{\"homesteadBlock\":0,\"eip150Block\":0,\"eip155Block\":0,\"eip158Block\":0,"
        "\"byzantiumBlock\":0,\"constantinopleBlock\":0,\"petersburgBlock\":0,\"istanbulBlock\":0,"
        "\"chainId\":1337,\"isQuorum\":true,\"clique\":{\"period\":1,\"epoch\":30000}},"
        "\"nonce\":\"0x0\",\"timestamp\":\"0x5f5e1000\",\"gasLimit\":\"0xE0000000\","
        "\"difficulty\":\"0x1\",\"alloc\":{},\"extraData\":\"0x");
    buf_append_format(b, "%064d", 0);
    for (size_t i = 0; i < SIGNERS; i++) {
        char digits[41] = {0};
        hex_encode(digits, bytes_of(world->members[i].address.b, 20));
        buf_append_text(b, digits);
    }
    buf_append_format(b, "%0130d\"}", 0);
}

static void bring_up(struct world *world, struct member *m, size_t index)
{
    struct err_detail detail = {""};
    char folder[sizeof(world->folder)];
    memcpy(folder, world->folder, sizeof(folder));
    snprintf(m->folder, sizeof(m->folder), "%s/%zu", folder, index);
    struct chain_options store = {
        .path = m->folder, .genesis = buf_bytes(&world->genesis), .archive = true};
    if (chain_open(&m->store, &store, &detail) != ERR_OK)
        fail_msg("%s", detail.text);
    struct node_chain_options chain = {
        .loop = world->loop, .chain = m->store, .on_head = on_head, .context = m};
    assert_int_equal(node_chain_new(&m->chain, &chain, &detail), ERR_OK);
    struct chain_pool_options pool;
    struct chain_pool_rules rules = {.gas_limit = 1000000, .is_quorum = true};
    chain_pool_options_init(&pool);
    pool.account = no_account;
    assert_int_equal(chain_pool_new(&m->pool, &pool, &rules), ERR_OK);
    struct node_signer_options options = {
        .loop = world->loop,
        .chain = m->chain,
        .pool = m->pool,
        .self = m->address,
        .sign = sign,
        .sign_context = m,
        .extra = bytes_str("three"),
    };
    assert_int_equal(node_signer_new(&m->signer, &options), ERR_OK);
}

static int set_up(void **state)
{
    struct world *world = mem_alloc_zeroed(1, sizeof(*world));
    assert_non_null(world);
    snprintf(world->folder, sizeof(world->folder), "/tmp/quorate-signer-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    assert_int_equal(io_loop_new(&world->loop), ERR_OK);
    for (size_t i = 0; i < SIGNERS; i++) {
        struct member *m = &world->members[i];
        struct crypto_public_key public_key;
        memset(m->key.b, (int)i + 1, sizeof(m->key.b));
        assert_true(crypto_public_key_of(&public_key, &m->key));
        crypto_address_of(&m->address, &public_key);
        m->world = world;
    }
    qsort(world->members, SIGNERS, sizeof(world->members[0]), by_address);
    make_genesis(world);
    for (size_t i = 0; i < SIGNERS; i++)
        bring_up(world, &world->members[i], i);
    world->up = SIGNERS;
    *state = world;
    return 0;
}

static int clean_up(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < SIGNERS; i++) {
        struct member *m = &world->members[i];
        world->up = 0;
        node_signer_stop(m->signer);
        node_chain_free(m->chain);
        node_signer_free(m->signer);
        chain_pool_free(m->pool);
        chain_free(m->store);
    }
    io_loop_free(world->loop);
    buf_release(&world->genesis);
    assert_int_equal(file_remove_folder(world->folder, NULL), ERR_OK);
    mem_free(world);
    return 0;
}

static void look_at_turn(struct member *m, struct chain_clique_turn *ret_turn)
{
    struct chain_reader reader;
    assert_int_equal(chain_reader_open(&reader, m->store), ERR_OK);
    assert_int_equal(chain_clique_turn(&reader, ret_turn, head_of(m)->header.number, &m->address),
                     ERR_OK);
    chain_reader_close(&reader);
}

/* A majority votes for a fourth; one account is locked and only watches. */
static void signers_make_one_chain(void **state)
{
    struct world *world = *state;
    world->members[2].locked = true;
    world->goal = 2; /* with four signers two are too few to go on */
    for (size_t i = 0; i < SIGNERS; i++)
        node_signer_start(world->members[i].signer);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(
            node_votes_propose(node_signer_votes(world->members[i].signer), &candidate, true),
            ERR_OK);
    io_loop_run(world->loop);

    struct chain_clique_turn turn;
    look_at_turn(&world->members[0], &turn);
    assert_int_equal(turn.signers.count, SIGNERS + 1);
    assert_true(istanbul_set_has(&turn.signers, &candidate));
    assert_true(turn.authorized);
    assert_int_equal(turn.period, 1);
    istanbul_set_release(&turn.signers);
    assert_true(world->members[2].signatures > 0);

    struct chain_reader reader;
    struct eth_header header;
    bool made[SIGNERS] = {false};
    assert_int_equal(chain_reader_open(&reader, world->members[2].store), ERR_OK);
    for (uint64_t number = 1; number <= world->goal; number++) {
        struct address author;
        assert_int_equal(chain_reader_header(&reader, &header, number), ERR_OK);
        assert_int_equal(chain_author(world->members[2].store, &author, &header), ERR_OK);
        assert_memory_equal(header.extra.data, "three", 5);
        for (size_t i = 0; i < SIGNERS; i++)
            made[i] |= address_equal(&author, &world->members[i].address);
    }
    chain_reader_close(&reader);
    assert_true(made[0] && made[1] && !made[2]);
}

/* None makes a block while the chain is being synchronised. */
static void nobody_signs_while_syncing(void **state)
{
    struct world *world = *state;
    world->goal = 1;
    node_signer_set_syncing(world->members[0].signer, true);
    node_signer_set_syncing(world->members[1].signer, true);
    for (size_t i = 0; i < SIGNERS; i++)
        node_signer_start(world->members[i].signer);
    io_loop_run(world->loop);
    assert_int_equal(world->members[0].signatures + world->members[1].signatures, 0);
    assert_true(world->members[2].signatures > 0);
}

static void on_limit(void *context)
{
    const struct world *world = context;
    fail_msg("heights %llu, %llu", (unsigned long long)head_of(&world->members[0])->header.number,
             (unsigned long long)head_of(&world->members[2])->header.number);
}

/* Two make a block at the same time, while the third, whose turn it is, is away for good: one of them gives way. Else each
 * would wait for the other, as it has signed the last block it knows. */
static void two_at_a_time_agree(void **state)
{
    struct world *world = *state;
    world->goal = 4;
    world->apart = 2;
    io_timer_init(&world->limit, world->loop, on_limit, world);
    io_timer_start(&world->limit, 60000);
    node_signer_start(world->members[0].signer);
    node_signer_start(world->members[2].signer);
    io_loop_run(world->loop);
    io_timer_stop(&world->limit);
    assert_int_equal(world->members[1].signatures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signers_make_one_chain, set_up, clean_up),
        cmocka_unit_test_setup_teardown(nobody_signs_while_syncing, set_up, clean_up),
        cmocka_unit_test_setup_teardown(two_at_a_time_agree, set_up, clean_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
