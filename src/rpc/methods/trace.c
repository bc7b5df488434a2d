/* debug: traces (GoQuorum, eth/tracers/api.go). */
#include "base/file.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/run/simulate.h"
#include "rpc/trace/chain.h"
#include "rpc/trace/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct rpc_trace_config *config_of(const struct rpc_call *call, size_t index)
{
    return call->args[index].given ? call->args[index].trace : NULL;
}

/* --- One transaction --- */

static int trace_at(struct rpc_trace_run *run, const struct rpc_trace_options *options)
{
    struct rpc_call *call = run->call;
    uint64_t number;
    uint32_t index;
    int status = chain_reader_transaction(&run->reader, &number, &index, &call->args[0].hash);
    if (status == ERR_NOTFOUND) {
        char hash[65] = {0};
        hex_encode(hash, bytes_of(call->args[0].hash.b, 32));
        return rpc_fail(call, RPC_CODE_ERROR, "transaction 0x%s not found", hash);
    }
    if (status)
        return rpc_reader_fail(call, &run->reader, status);
    status = rpc_trace_run_number(run, number);
    if (status == 0)
        status = rpc_trace_run_until(run, index, options->reexec);
    return status ? status : rpc_trace_run_one(run, index, options, call->out);
}

static int trace_transaction(struct rpc_call *call)
{
    struct rpc_trace_options options;
    struct rpc_trace_run run;
    rpc_trace_options_read(call, &options, config_of(call, 1));
    int status = rpc_trace_run_open(&run, call);
    if (status)
        return status;
    status = trace_at(&run, &options);
    rpc_trace_run_close(&run);
    return status;
}

/* --- Blocks --- */

/* Every transaction, each with its result or its error. */
static int trace_block(struct rpc_trace_run *run, const struct rpc_trace_options *options)
{
    struct buf *out = run->call->out;
    size_t count = run->block->body->body.transaction_count;
    int status = rpc_trace_run_until(run, 0, options->reexec);
    buf_append_byte(out, '[');
    for (size_t i = 0; i < count && status == 0; i++) {
        rpc_item(out);
        size_t mark = out->len;
        buf_append_text(out, "{\"result\":");
        status = rpc_trace_run_one(run, i, options, out);
        if (status == RPC_FAILED && run->call->code != RPC_CODE_TOO_LARGE) {
            out->len = mark;
            buf_append_text(out, "{\"error\":");
            rpc_json_write_string(out, run->call->text);
            status = i + 1 < count && !options->fault[0]
                         ? rpc_trace_run_until(run, i + 1, options->reexec)
                         : 0;
        }
        buf_append_byte(out, '}');
        if (status == 0 && out->len > RPC_TRACE_SIZE_MAX)
            return rpc_fail(run->call, RPC_CODE_TOO_LARGE,
                            "traces of the block have more than %d MB", RPC_TRACE_SIZE_MAX >> 20);
    }
    buf_append_byte(out, ']');
    return status;
}

int rpc_trace_whole_block(struct rpc_call *call, uint64_t number,
                          const struct rpc_trace_options *options, struct hash256 *ret_hash,
                          size_t *ret_count)
{
    struct rpc_trace_run run;
    int status = rpc_trace_run_open(&run, call);
    if (status)
        return status;
    status = rpc_trace_run_number(&run, number);
    if (status == 0) {
        *ret_hash = run.block->hash;
        *ret_count = run.block->body->body.transaction_count;
        status = trace_block(&run, options);
    }
    rpc_trace_run_close(&run);
    return status;
}

static int block_not_found(struct rpc_call *call, const struct rpc_block_id *id)
{
    char hash[65] = {0};
    hex_encode(hash, bytes_of(id->hash.b, 32));
    if (id->kind == RPC_AT_HASH)
        return rpc_fail(call, RPC_CODE_ERROR, "block 0x%s not found", hash);
    return rpc_fail(call, RPC_CODE_ERROR, "block #%llu not found", (unsigned long long)id->number);
}

static int find_block(struct rpc_trace_run *run, const struct rpc_block_id *id)
{
    uint64_t number;
    int status = rpc_find_block(&run->reader, &number, id);
    if (status == ERR_NOTFOUND)
        return block_not_found(run->call, id);
    return status ? rpc_reader_fail(run->call, &run->reader, status)
                  : rpc_trace_run_number(run, number);
}

static int trace_block_at(struct rpc_call *call, const struct rpc_block_id *id)
{
    struct rpc_trace_options options;
    struct rpc_trace_run run;
    rpc_trace_options_read(call, &options, config_of(call, 1));
    int status = rpc_trace_run_open(&run, call);
    if (status)
        return status;
    status = find_block(&run, id);
    if (status == 0)
        status = trace_block(&run, &options);
    rpc_trace_run_close(&run);
    return status;
}

static int trace_block_by_number(struct rpc_call *call)
{
    return trace_block_at(call, &call->args[0].block);
}

static int trace_block_by_hash(struct rpc_call *call)
{
    struct rpc_block_id id = {.kind = RPC_AT_HASH, .hash = call->args[0].hash};
    return trace_block_at(call, &id);
}

/* A block that is no part of the chain; takes it. */
static int trace_given(struct rpc_call *call, struct chain_block *block)
{
    struct rpc_trace_options options;
    struct rpc_trace_run run;
    rpc_trace_options_read(call, &options, config_of(call, 1));
    int status = rpc_trace_run_open(&run, call);
    if (status) {
        chain_block_unref(block);
        return status;
    }
    status = rpc_trace_run_block(&run, block);
    if (status == 0)
        status = trace_block(&run, &options);
    rpc_trace_run_close(&run);
    return status;
}

enum { FIRST_OF_LISTS = 0xc0 }; /* the first byte of the shortest list */

static int trace_bytes(struct rpc_call *call, struct bytes rlp)
{
    struct chain_block *block;
    struct err_detail why = {{0}};
    if (rlp.len == 0)
        return rpc_fail(call, RPC_CODE_ERROR, "could not decode block: EOF");
    if (rlp.data[0] < FIRST_OF_LISTS)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "could not decode block: rlp: expected input list for types.extblock");
    int status = chain_block_decode(&block, rlp, &why);
    if (status)
        return rpc_fail(call, RPC_CODE_ERROR, "could not decode block: %s",
                        why.text[0] ? why.text : err_text(status));
    return trace_given(call, block);
}

static int trace_block_rlp(struct rpc_call *call)
{
    return trace_bytes(call, call->args[0].bytes);
}

static int read_file(struct rpc_call *call, const char *path, struct buf *content)
{
    int status = strcmp(path, "-") == 0 ? ERR_NOTFOUND /* which would be standard input */
                                        : file_read(path, CHAIN_BLOCK_SIZE_MAX, content, NULL);
    if (status == 0)
        return 0;
    return rpc_fail(call, RPC_CODE_ERROR, "could not read file: open %s: %s", path,
                    status == ERR_NOTFOUND ? "no such file or directory" : err_text(status));
}

static int trace_block_from_file(struct rpc_call *call)
{
    struct bytes name = call->args[0].bytes;
    char *text = arena_alloc(call->arena, name.len + 1);
    struct buf content = BUF_INIT;
    if (!text)
        return ERR_NOMEM;
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    int status = read_file(call, text, &content);
    if (status == 0)
        status = trace_bytes(call, buf_bytes(&content));
    buf_release(&content);
    return status;
}

/* One of the blocks that were refused. */
static int find_bad(struct rpc_call *call, struct chain_block **ret_block)
{
    struct chain_block *blocks[CHAIN_BAD_MAX], *found = NULL;
    size_t count;
    char hash[65] = {0};
    int status = rpc_bad_blocks(call, blocks, &count);
    if (status)
        return status;
    for (size_t i = 0; i < count; i++) {
        if (!found && hash256_equal(&blocks[i]->hash, &call->args[0].hash))
            found = blocks[i];
        else
            chain_block_unref(blocks[i]);
    }
    *ret_block = found;
    if (found)
        return 0;
    hex_encode(hash, bytes_of(call->args[0].hash.b, 32));
    return rpc_fail(call, RPC_CODE_ERROR, "bad block 0x%s not found", hash);
}

static int trace_bad_block(struct rpc_call *call)
{
    struct chain_block *block;
    int status = find_bad(call, &block);
    return status ? status : trace_given(call, block);
}

/* --- Files --- */

/* Writes one trace to a new file in the folder for temporary files, and its name into the answer. */
static int write_file(struct rpc_trace_run *run, size_t index, struct bytes content)
{
    const struct chain_block *block = run->block;
    const uint8_t *b = block->hash.b, *t = block->body->hashes[index].b;
    const char *folder = getenv("TMPDIR");
    char path[512];
    int len = snprintf(
        path, sizeof(path), "%s/block_0x%02x%02x%02x%02x-%zu-0x%02x%02x%02x%02x-XXXXXX",
        folder && *folder ? folder : "/tmp", b[0], b[1], b[2], b[3], index, t[0], t[1], t[2], t[3]);
    int fd = len > 0 && (size_t)len < sizeof(path) ? mkstemp(path) : -1;
    if (fd < 0)
        return rpc_fail(run->call, RPC_CODE_ERROR, "open %s: %s", path, strerror(errno));
    bool written = true;
    for (size_t at = 0; written && at < content.len;) {
        ssize_t n = write(fd, content.data + at, content.len - at);
        written = n > 0 || (n < 0 && errno == EINTR);
        at += n > 0 ? (size_t)n : 0;
    }
    if (close(fd) || !written)
        return rpc_fail(run->call, RPC_CODE_ERROR, "write %s: %s", path, strerror(errno));
    rpc_item(run->call->out);
    rpc_json_write_string(run->call->out, bytes_str(path));
    return 0;
}

static int trace_files(struct rpc_trace_run *run, const struct rpc_trace_options *options,
                       const struct rpc_trace_config *config)
{
    const struct chain_body *body = run->block->body;
    size_t count = body->body.transaction_count, first = 0, end = count;
    if (config && config->has_transaction && !hash256_is_zero(&config->transaction)) {
        while (first < count && !hash256_equal(&body->hashes[first], &config->transaction))
            first++;
        if (first == count) {
            char hash[65] = {0};
            hex_encode(hash, bytes_of(config->transaction.b, 32));
            return rpc_fail(run->call, RPC_CODE_ERROR, "transaction 0x%s not found in block", hash);
        }
        end = first + 1;
    }
    int status = rpc_trace_run_until(run, first, options->reexec);
    buf_append_byte(run->call->out, '[');
    for (size_t i = first; i < end && status == 0; i++) {
        struct buf lines = BUF_INIT;
        status = rpc_trace_run_one(run, i, options, &lines);
        if (status == 0)
            status = write_file(run, i, buf_bytes(&lines));
        buf_release(&lines);
    }
    buf_append_byte(run->call->out, ']');
    return status;
}

static int to_file(struct rpc_call *call, bool bad)
{
    const struct rpc_trace_config *config = config_of(call, 1);
    struct rpc_block_id id = {.kind = RPC_AT_HASH, .hash = call->args[0].hash};
    struct rpc_trace_options options;
    struct rpc_trace_run run;
    struct chain_block *block = NULL;
    if (config && config->has_berlin)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "overrides: other rules than the block's own are not supported");
    rpc_trace_options_read(call, &options, config);
    options.tracer = &rpc_tracer_json;
    int status = bad ? find_bad(call, &block) : 0;
    if (status == 0)
        status = rpc_trace_run_open(&run, call);
    if (status) {
        chain_block_unref(block);
        return status;
    }
    status = bad ? rpc_trace_run_block(&run, block) : find_block(&run, &id);
    if (status == 0)
        status = trace_files(&run, &options, config);
    rpc_trace_run_close(&run);
    return status;
}

static int trace_block_to_file(struct rpc_call *call)
{
    return to_file(call, false);
}

static int trace_bad_block_to_file(struct rpc_call *call)
{
    return to_file(call, true);
}

/* --- Calls --- */

static int trace_simulation(struct rpc_simulation *s, const struct rpc_trace_options *options)
{
    struct rpc_trace *t = arena_alloc(s->call->arena, sizeof(*t));
    if (!t)
        return ERR_NOMEM;
    int status = rpc_simulation_reset(s); /* makes the view that the trace looks at */
    if (status)
        return status;
    status = rpc_trace_begin(t, options, s->machine->view, s->environment.block.fork);
    if (status == 0) {
        s->tracer = &t->events;
        t->private = s->call->backend->privacy ? &s->machine->private : NULL;
        rpc_trace_describe(t, &s->tx, &s->args->from);
        t->outcome.block = s->environment.block.number;
        status = rpc_simulation_run(s, rpc_simulation_gas(s));
        t->outcome.gas_limit = s->tx.gas_limit;
    }
    if (status == 0 && s->result.verdict == EXEC_VALID) {
        rpc_trace_settle(t, &s->tx, &s->result);
        status = t->tracer->result(t, s->call->out);
    } else if (status == 0) {
        status = rpc_fail(s->call, RPC_CODE_ERROR, "tracing failed: %s",
                          s->why.text[0] ? s->why.text : exec_verdict_text(s->result.verdict));
    }
    if (status < 0)
        status = rpc_trace_fail(s->call, t, &s->reader, status);
    rpc_trace_release(t);
    return status;
}

static int trace_call(struct rpc_call *call)
{
    const struct rpc_trace_config *config = config_of(call, 2);
    const struct rpc_block_id *id = &call->args[1].block;
    struct rpc_trace_options options;
    struct rpc_simulation s;
    uint64_t number;
    struct chain_reader reader;
    rpc_trace_options_read(call, &options, config);
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = id->kind ? rpc_find_block(&reader, &number, id) : 0;
    chain_reader_close(&reader);
    if (status == ERR_NOTFOUND)
        return block_not_found(call, id);
    status = rpc_simulation_begin(&s, call, call->args[0].transaction, id);
    if (status)
        return status;
    s.overrides = config ? config->overrides : NULL;
    s.override_count = config ? config->override_count : 0;
    status = options.fault[0] ? rpc_fail(call, RPC_CODE_ERROR, "%s", options.fault)
                              : trace_simulation(&s, &options);
    rpc_simulation_end(&s);
    return status;
}

#define CONFIG {"config", RPC_TRACE, true}
#define TRACE  "what the tracer gives; without one: gas, failed, returnValue, structLogs"
#define TRACES "array of results or errors, a transaction each"

static const struct rpc_method methods[] = {
    {"debug_traceTransaction",
     {{"hash", RPC_HASH}, CONFIG},
     .work = trace_transaction,
     .reads = true,
     .result = TRACE},
    {"debug_traceBlockByNumber",
     {{"block", RPC_BLOCK}, CONFIG},
     .work = trace_block_by_number,
     .reads = true,
     .result = TRACES},
    {"debug_traceBlockByHash",
     {{"hash", RPC_HASH}, CONFIG},
     .work = trace_block_by_hash,
     .reads = true,
     .result = TRACES},
    {"debug_traceBlock",
     {{"rlp", RPC_BASE64}, CONFIG},
     .work = trace_block_rlp,
     .reads = true,
     .result = TRACES},
    {"debug_traceBlockFromFile",
     {{"file", RPC_TEXT}, CONFIG},
     .work = trace_block_from_file,
     .result = TRACES},
    {"debug_traceBadBlock",
     {{"hash", RPC_HASH}, CONFIG},
     .work = trace_bad_block,
     .result = TRACES},
    {"debug_standardTraceBlockToFile",
     {{"hash", RPC_HASH}, {"config", RPC_TRACE_FILE, true}},
     .work = trace_block_to_file,
     .result = "array of file names"},
    {"debug_standardTraceBadBlockToFile",
     {{"hash", RPC_HASH}, {"config", RPC_TRACE_FILE, true}},
     .work = trace_bad_block_to_file,
     .result = "array of file names"},
    {"debug_traceCall",
     {{"call", RPC_CALL}, {"block", RPC_BLOCK_OR_HASH}, {"config", RPC_TRACE_CALL, true}},
     .work = trace_call,
     .reads = true,
     .result = TRACE},
};

const struct rpc_method_list rpc_methods_trace = {methods, BASE_COUNT(methods)};
