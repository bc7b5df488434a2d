/* debug: the process itself (GoQuorum, internal/debug). Much of that is about the Go runtime, and an error here. */
#include "crypto/keccak.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/run/lookup.h"
#include "store/store.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

enum {
    EPOCH = 30000, /* blocks; ethash */
    /* A seed is a chain of as many hashes as there are epochs before it. */
    EPOCHS_MAX = 1 << 20,
};

static int no_runtime(struct rpc_call *call)
{
    return rpc_fail(call, RPC_CODE_ERROR,
                    "%s looks at the Go runtime, which this program does not have: use perf, "
                    "gdb or /proc/%d",
                    call->method->name, (int)getpid());
}

static int no_compaction(struct rpc_call *call)
{
    return rpc_fail(call, RPC_CODE_ERROR,
                    "the store has no compaction: space of deleted entries is used again");
}

static void write_count(struct buf *b, const char *key, uint64_t value)
{
    rpc_key(b, key);
    buf_append_format(b, "%llu", (unsigned long long)value);
}

/* The fields of Go's MemStats that the C library has figures for. */
static int mem_stats(struct rpc_call *call)
{
    struct mallinfo2 info = mallinfo2();
    struct buf *out = call->out;
    buf_append_byte(out, '{');
    write_count(out, "Alloc", info.uordblks + info.hblkhd);
    write_count(out, "Sys", info.arena + info.hblkhd);
    write_count(out, "HeapAlloc", info.uordblks + info.hblkhd);
    write_count(out, "HeapSys", info.arena + info.hblkhd);
    write_count(out, "HeapIdle", info.fordblks);
    write_count(out, "HeapInuse", info.uordblks + info.hblkhd);
    buf_append_byte(out, '}');
    return 0;
}

static int free_memory(struct rpc_call *call)
{
    (void)malloc_trim(0);
    return rpc_null(call);
}

static int set_verbosity(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    if (!backend->set_verbosity)
        return rpc_fail(call, RPC_CODE_ERROR, "this node has no log");
    backend->set_verbosity(backend->context, call->args[0].integer);
    return rpc_null(call);
}

typedef int set_text_fn(void *context, const char *text, struct err_detail *why);

static int set_text(struct rpc_call *call, set_text_fn *set, const char *without)
{
    struct err_detail why = {{0}};
    struct bytes text = call->args[0].bytes;
    char *copy = arena_alloc(call->arena, text.len + 1);
    if (!copy)
        return ERR_NOMEM;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (!set)
        return rpc_fail(call, RPC_CODE_ERROR, "%s", without);
    int status = set(call->backend->context, copy, &why);
    if (status)
        return rpc_fail(call, RPC_CODE_ERROR, "%s", why.text[0] ? why.text : err_text(status));
    return rpc_null(call);
}

static int set_vmodule(struct rpc_call *call)
{
    return set_text(call, call->backend->set_vmodule, "the log has one level for all its parts");
}

static int set_backtrace(struct rpc_call *call)
{
    return set_text(call, call->backend->set_backtrace, "the log shows no stacks");
}

/* --- The store --- */

static int count_entries(struct rpc_call *call, struct chain_reader *reader, struct buf *text)
{
    (void)call;
    uint64_t entries;
    buf_append_text(text, "Table            | Entries\n-----------------+---------------\n");
    for (unsigned i = 0; i < CHAIN_TABLES; i++) {
        int status = store_count(reader->txn, &entries, i);
        if (status)
            return status;
        buf_append_format(text, "%-16s | %14llu\n", chain_tables[i].name,
                          (unsigned long long)entries);
    }
    return buf_status(text);
}

/* GoQuorum gives what LevelDB says; the store here is LMDB. */
static int chaindb_property(struct rpc_call *call)
{
    struct bytes name = call->args[0].bytes;
    struct chain_reader reader;
    struct buf text = BUF_INIT;
    if (name.len && !bytes_equal(name, bytes_str("stats")) &&
        !bytes_equal(name, bytes_str("leveldb.stats")))
        return rpc_fail(call, RPC_CODE_ERROR, "unknown property: the store has \"stats\" alone");
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = count_entries(call, &reader, &text);
    if (status)
        status = rpc_reader_fail(call, &reader, status);
    else
        rpc_json_write_string(call->out, buf_bytes(&text));
    buf_release(&text);
    chain_reader_close(&reader);
    return status;
}

/* --- Blocks --- */

static int check_block(struct rpc_call *call, struct chain_reader *reader, uint64_t number)
{
    struct hash256 hash;
    int status = chain_reader_hash(reader, &hash, number);
    if (status == ERR_NOTFOUND)
        return rpc_fail(call, RPC_CODE_ERROR, "block #%llu not found", (unsigned long long)number);
    return status ? rpc_reader_fail(call, reader, status) : 0;
}

static int seed_hash(struct rpc_call *call)
{
    struct chain_reader reader;
    struct hash256 seed = {{0}};
    uint64_t number = call->args[0].number;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = check_block(call, &reader, number);
    chain_reader_close(&reader);
    if (status)
        return status;
    for (uint64_t i = 0; i < number / EPOCH && i < EPOCHS_MAX; i++)
        crypto_keccak256(&seed, bytes_of(seed.b, sizeof(seed.b)));
    rpc_write_hash(call->out, &seed);
    return 0;
}

/* The block as JSON, in a text: GoQuorum prints its structs in Go's syntax. */
static int print_block(struct rpc_call *call)
{
    struct chain_reader reader;
    struct chain_block *block = NULL;
    struct buf text = BUF_INIT;
    uint64_t number = call->args[0].number;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = check_block(call, &reader, number);
    if (status == 0 && chain_reader_block(&reader, &block, number))
        status = rpc_reader_fail(call, &reader, ERR_CORRUPT);
    if (status == 0) {
        rpc_write_block(&text, block, NULL, RPC_BLOCK_HASHES);
        status = buf_status(&text);
    }
    if (status == 0)
        rpc_json_write_string(call->out, buf_bytes(&text));
    chain_block_unref(block);
    buf_release(&text);
    chain_reader_close(&reader);
    return status;
}

static int write_bad(struct rpc_call *call, struct chain_block *block)
{
    struct buf *out = call->out, rlp = BUF_INIT;
    enum eth_tx_status bad;
    size_t index;
    struct eth_rules rules = rpc_rules_at(call, block->header.number, block->header.timestamp);
    int status = chain_block_recover(block, &bad, &index, &rules, NULL);
    chain_block_write(&rlp, block);
    if (status == 0)
        status = buf_status(&rlp);
    if (status == 0) {
        rpc_item(out);
        buf_append_byte(out, '{');
        rpc_put_hash(out, "hash", &block->hash);
        rpc_key(out, "block");
        rpc_write_block(out, block, NULL,
                        RPC_BLOCK_FULL); /* who has no sender is shown as from 0 */
        rpc_put_bytes(out, "rlp", buf_bytes(&rlp));
        buf_append_byte(out, '}');
    }
    buf_release(&rlp);
    return status;
}

/* Blocks that were refused (eth/api.go, GetBadBlocks). */
static int bad_blocks(struct rpc_call *call)
{
    struct chain_block *blocks[CHAIN_BAD_MAX];
    size_t count;
    int status = rpc_bad_blocks(call, blocks, &count);
    if (status)
        return status;
    buf_append_byte(call->out, '[');
    for (size_t i = 0; i < count; i++) {
        if (status == 0)
            status = write_bad(call, blocks[i]);
        chain_block_unref(blocks[i]);
    }
    buf_append_byte(call->out, ']');
    return status;
}

#define GO(name, ...) {"debug_" name, {__VA_ARGS__}, .run = no_runtime, .result = "an error"}
#define NUMBER        {"number", RPC_NUMBER}
#define FILE_PARAM    {"file", RPC_TEXT}
#define SECONDS       {"seconds", RPC_NATURAL}

static const struct rpc_method methods[] = {
    GO("gcStats", {0}),
    GO("setGCPercent", {"percent", RPC_INT}),
    GO("stacks", {0}),
    GO("cpuProfile", FILE_PARAM, SECONDS),
    GO("startCPUProfile", FILE_PARAM),
    GO("stopCPUProfile", {0}),
    GO("goTrace", FILE_PARAM, SECONDS),
    GO("startGoTrace", FILE_PARAM),
    GO("stopGoTrace", {0}),
    GO("blockProfile", FILE_PARAM, SECONDS),
    GO("setBlockProfileRate", {"rate", RPC_INT}),
    GO("writeBlockProfile", FILE_PARAM),
    GO("mutexProfile", FILE_PARAM, SECONDS),
    GO("setMutexProfileFraction", {"rate", RPC_INT}),
    GO("writeMutexProfile", FILE_PARAM),
    GO("writeMemProfile", FILE_PARAM),
    {"debug_memStats", {{0}}, .run = mem_stats, .result = "bytes of memory, by Go's names"},
    {"debug_freeOSMemory", {{0}}, .work = free_memory, .result = "null"},
    {"debug_verbosity", {{"level", RPC_INT}}, .run = set_verbosity, .result = "null"},
    {"debug_backtraceAt", {{"location", RPC_TEXT}}, .run = set_backtrace, .result = "null"},
    {"debug_vmodule", {{"pattern", RPC_TEXT}}, .run = set_vmodule, .result = "null"},
    {"debug_chaindbProperty", {{"property", RPC_TEXT}}, .work = chaindb_property, .result = "text"},
    {"debug_chaindbCompact", {{0}}, .run = no_compaction, .result = "an error"},
    {"debug_seedHash", {NUMBER}, .work = seed_hash, .result = "32 bytes, hex"},
    {"debug_printBlock", {NUMBER}, .work = print_block, .result = "text"},
    {"debug_getBadBlocks",
     {{0}},
     .work = bad_blocks,
     .result = "array of refused blocks: hash, block, rlp"},
};

const struct rpc_method_list rpc_methods_runtime = {methods, BASE_COUNT(methods)};
