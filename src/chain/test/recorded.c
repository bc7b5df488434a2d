#include "chain/test/recorded.h"

#include "base/mem.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

const char *const recorded_networks[] = {"qbft", "ibft-to-qbft", "ibft-order", "qbft-order"};
const size_t recorded_network_count = sizeof(recorded_networks) / sizeof(recorded_networks[0]);

void expect_ok(int err, const struct err_detail *detail)
{
    if (err)
        fail_msg("%s: %s", err_name(err), detail->text);
}

static uint64_t late(void *context)
{
    (void)context;
    return UINT64_C(4000000000);
}

struct chain *recorded_open(const char *network, bool archive, struct store **ret_store)
{
    struct buf genesis = BUF_INIT;
    struct err_detail detail = {""};
    struct chain *chain = NULL;
    recordings_read(network, "genesis.json", &genesis);
    assert_int_equal(store_memory_new(ret_store, chain_tables, CHAIN_TABLES), 0);
    const struct chain_options options = {
        .store = *ret_store, .genesis = buf_bytes(&genesis), .archive = archive, .clock = late};
    expect_ok(chain_open(&chain, &options, &detail), &detail);
    buf_release(&genesis);
    return chain;
}

struct list {
    struct chain_block **blocks;
    size_t count;
};

static void add_block(struct bytes rlp, void *context)
{
    struct list *list = context;
    struct err_detail detail = {""};
    list->blocks = mem_realloc(list->blocks, (list->count + 1) * sizeof(struct chain_block *));
    assert_non_null(list->blocks);
    expect_ok(chain_block_decode(&list->blocks[list->count++], rlp, &detail), &detail);
}

struct chain_block **recorded_blocks(const char *network, size_t *ret_count)
{
    struct list list = {NULL, 0};
    recordings_blocks(network, add_block, &list);
    *ret_count = list.count;
    return list.blocks;
}

void recorded_free(struct chain_block **blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        chain_block_unref(blocks[i]);
    mem_free(blocks);
}
