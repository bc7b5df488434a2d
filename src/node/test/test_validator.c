/* Four validators in one process, each with its chain, pool and record, joined by function calls: they make blocks and
 * agree; one goes and comes back from its disk. */
#include "node/validator/validator.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "io/worker.h"
#include "node/validator/priv.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { VALIDATORS = 4 };

static const char *const keys[VALIDATORS] = {
    "ea6cafa2239e6224fb8b973095282c2d234cf4a6ccd682462c461ba79178f72b",
    "a86811896ddc20dca8740e29715117b840096addf90df308e451049b4cddc737",
    "cb4b8260de0bb814e6aa8188023c4c7b588a0ba7f6013aa06053c36bf7d6b653",
    "653556e933db090987c4dcc82b9b25aa29a6084b5532fb4c780bf34de4c26439",
};

static const char genesis[] =
    "{\"config\":{\"homesteadBlock\":0,\"eip150Block\":0,\"eip155Block\":0,\"eip158Block\":0,"
    "\"byzantiumBlock\":0,"
    "\"constantinopleBlock\":0,\"petersburgBlock\":0,\"istanbulBlock\":0,\"chainId\":1337,"
    "\"isQuorum\":true,"
    "\"qbft\":{\"epochlength\":30000,\"blockperiodseconds\":1,\"requesttimeoutseconds\":2,"
    "\"policy\":0,"
    "\"ceil2Nby3Block\":0}},\"nonce\":\"0x0\",\"timestamp\":\"0x5f5e1000\",\"gasLimit\":"
    "\"0xE0000000\","
    "\"difficulty\":\"0x1\",\"extraData\":"
    "\"0xf87aa00000000000000000000000000000000000000000000000000000000000000000"
    "f85494f006c6b7369f4c3da3937399df0ce69c82471d7394ab01cc83bd4ea6011fc2315bb1d3759b0c3a172194e521"
    "b6313889dbf8a5d8"
    "fa0a447a65a32a14aca5943d71d0346261f61c75448ad8fb6e0703726c3b6fc080c0\","
    "\"mixHash\":\"0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365\","
    "\"coinbase\":\"0x0000000000000000000000000000000000000000\",\"alloc\":{}}";

struct member {
    struct world *world;
    size_t index;
    char folder[96];
    struct crypto_private_key key;
    struct chain *store;
    struct node_chain *chain;
    struct chain_pool *pool;
    struct node_validator *validator;
    bool up;
};

struct world {
    char folder[64];
    struct io_loop *loop;
    struct member members[VALIDATORS];
    uint64_t goal;
};

/* A message on its way. */
struct letter {
    struct world *world;
    size_t from, to;
    unsigned code;
    struct buf payload;
};

static void deliver(void *context)
{
    struct letter *letter = context;
    struct member *to = &letter->world->members[letter->to];
    if (to->up)
        node_validator_message(
            to->validator, node_validator_address(letter->world->members[letter->from].validator),
            letter->code, buf_bytes(&letter->payload));
    buf_release(&letter->payload);
    mem_free(letter);
}

static void post(struct member *from, size_t to, unsigned code, struct bytes payload)
{
    struct letter *letter = mem_alloc_zeroed(1, sizeof(*letter));
    assert_non_null(letter);
    *letter = (struct letter){.world = from->world, .from = from->index, .to = to, .code = code};
    buf_append_bytes(&letter->payload, payload);
    assert_int_equal(io_loop_post(from->world->loop, deliver, letter), ERR_OK);
}

static void broadcast(void *context, const struct istanbul_set *set, const struct address *except,
                      unsigned code, struct bytes payload)
{
    struct member *from = context;
    for (size_t i = 0; i < VALIDATORS; i++) {
        struct member *to = &from->world->members[i];
        if (to == from || !to->up)
            continue;
        const struct address *address = node_validator_address(to->validator);
        if (istanbul_set_has(set, address) && !(except && address_equal(except, address)))
            post(from, i, code, payload);
    }
}

static void send_to(void *context, const struct address *address, unsigned code,
                    struct bytes payload)
{
    struct member *from = context;
    for (size_t i = 0; i < VALIDATORS; i++)
        if (from->world->members[i].up &&
            address_equal(node_validator_address(from->world->members[i].validator), address))
            post(from, i, code, payload);
}

static void each_peer(void *context, void (*fn)(void *fn_context, const struct address *address),
                      void *fn_context)
{
    struct member *self = context;
    for (size_t i = 0; i < VALIDATORS; i++)
        if (i != self->index && self->world->members[i].up)
            fn(fn_context, node_validator_address(self->world->members[i].validator));
}

static uint64_t height_of(const struct member *member)
{
    return node_chain_head(member->chain)->block->header.number;
}

static void imported(void *context, const struct node_imported *result)
{
    (void)context;
    assert_int_equal(result->status, ERR_OK);
    assert_true(result->verdict == CHAIN_VALID || result->verdict == CHAIN_KNOWN);
}

/* In place of synchronisation: who lacks blocks gets them. */
static void bring_blocks(struct member *from, struct member *to)
{
    struct chain_reader reader;
    assert_int_equal(chain_reader_open(&reader, from->store), ERR_OK);
    for (uint64_t number = height_of(to) + 1; number <= height_of(from); number++) {
        struct chain_block *block;
        assert_int_equal(chain_reader_block(&reader, &block, number), ERR_OK);
        assert_int_equal(node_chain_import(to->chain, &block, 1, imported, to), ERR_OK);
        chain_block_unref(block);
    }
    chain_reader_close(&reader);
}

static void on_head(void *context, const struct node_head *head)
{
    struct member *member = context;
    struct world *world = member->world;
    for (size_t i = 0; i < VALIDATORS && member->up; i++)
        if (world->members[i].up && world->members[i].chain)
            bring_blocks(member, &world->members[i]);
    if (member->validator)
        node_validator_head(member->validator, head);
    for (size_t i = 0; i < VALIDATORS; i++)
        if (world->members[i].up && height_of(&world->members[i]) < world->goal)
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

static void bring_up(struct world *world, size_t index)
{
    struct member *m = &world->members[index];
    struct err_detail detail = {""};
    char path[128];
    m->world = world;
    m->index = index;
    /* By way of a copy: gcc takes members of a world for overlapping. */
    char folder[sizeof(world->folder)];
    memcpy(folder, world->folder, sizeof(folder));
    snprintf(m->folder, sizeof(m->folder), "%s/%zu", folder, index);
    assert_true(hex_decode_exact(keys[index], m->key.b, 32));
    struct chain_options store = {
        .path = m->folder, .genesis = bytes_str(genesis), .archive = true};
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
    snprintf(path, sizeof(path), "%s-record", m->folder);
    struct node_validator_options options = {
        .loop = world->loop,
        .chain = m->chain,
        .pool = m->pool,
        .key = &m->key,
        .record_prefix = path,
        .network = {.broadcast = broadcast, .send = send_to, .each_peer = each_peer, .context = m},
    };
    assert_int_equal(node_validator_new(&m->validator, &options, &detail), ERR_OK);
    m->up = true;
}

static void take_down(struct member *m)
{
    m->up = false;
    node_validator_stop(m->validator);
    node_chain_free(m->chain);
    node_validator_free(m->validator);
    m->validator = NULL;
    chain_pool_free(m->pool);
    chain_free(m->store);
}

static void tell_others(struct world *world, size_t index, bool connected)
{
    struct address address = *node_validator_address(world->members[index].validator);
    for (size_t i = 0; i < VALIDATORS; i++)
        if (i != index && world->members[i].up)
            node_validator_peer(world->members[i].validator, &address, connected);
}

static int set_up(void **state)
{
    struct world *world = mem_alloc_zeroed(1, sizeof(*world));
    assert_non_null(world);
    snprintf(world->folder, sizeof(world->folder), "/tmp/quorate-validator-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    assert_int_equal(io_loop_new(&world->loop), ERR_OK);
    *state = world;
    return 0;
}

static int clean_up(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < VALIDATORS; i++)
        if (world->members[i].up)
            take_down(&world->members[i]);
    io_loop_free(world->loop);
    assert_int_equal(file_remove_folder(world->folder, NULL), ERR_OK);
    mem_free(world);
    return 0;
}

static void check_agreement(struct world *world)
{
    struct hash256 first = {{0}};
    for (size_t i = 0; i < VALIDATORS; i++) {
        struct chain_reader reader;
        struct hash256 hash;
        if (!world->members[i].up)
            continue;
        assert_int_equal(chain_reader_open(&reader, world->members[i].store), ERR_OK);
        assert_int_equal(chain_reader_hash(&reader, &hash, world->goal), ERR_OK);
        chain_reader_close(&reader);
        if (hash256_is_zero(&first))
            first = hash;
        assert_true(hash256_equal(&hash, &first));
    }
}

static void run_to(struct world *world, uint64_t goal)
{
    world->goal = goal;
    io_loop_run(world->loop);
    check_agreement(world);
}

static void test_blocks_and_a_restart(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < VALIDATORS; i++)
        bring_up(world, i);
    for (size_t i = 0; i < VALIDATORS; i++)
        node_validator_start(world->members[i].validator);
    run_to(world, 3);
    /* One goes and comes back. */
    tell_others(world, 2, false);
    take_down(&world->members[2]);
    bring_up(world, 2);
    tell_others(world, 2, true);
    node_validator_start(world->members[2].validator);
    run_to(world, 5);
}

/* With a full disk one waits. What it signs is written again, and by nobody else while it is. */
static void test_full_disk(void **state)
{
    struct world *world = *state;
    int kept[2], full = open("/dev/full", O_RDWR);
    assert_true(full >= 0);
    for (size_t i = 0; i < VALIDATORS; i++)
        bring_up(world, i);
    struct node_validator *v = world->members[1].validator;
    for (size_t i = 0; i < 2; i++) {
        kept[i] = dup(v->record.files[i]);
        assert_true(kept[i] >= 0 && dup2(full, v->record.files[i]) >= 0);
    }
    close(full);
    for (size_t i = 0; i < VALIDATORS; i++)
        node_validator_start(world->members[i].validator);
    world->goal = UINT64_MAX;
    while (!v->record_failed)
        io_loop_turn(world->loop, true);
    io_timer_stop(&v->record_retry);
    node_validator_carry_on(v);
    node_validator_carry_on(v);
    assert_int_equal(io_worker_pending(v->recorder), 1);
    while (io_worker_pending(v->recorder))
        io_loop_turn(world->loop, true);
    assert_true(v->record_failed);
    for (size_t i = 0; i < 2; i++) {
        assert_true(dup2(kept[i], v->record.files[i]) >= 0);
        close(kept[i]);
    }
    run_to(world, v->height + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_blocks_and_a_restart, set_up, clean_up),
        cmocka_unit_test_setup_teardown(test_full_disk, set_up, clean_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
