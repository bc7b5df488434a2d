/* Tracers that count: instructions, sequences of them, and the selectors of calls (4byteTracer). */
#include "base/map.h"
#include "evm/opcodes.h"
#include "rpc/json/encode.h"
#include "rpc/json/json.h"
#include "rpc/trace/trace.h"

enum { NO_OP = 256 }; /* where the reference has an empty text */

/* A sequence of up to three instructions; those before it are NO_OP + 1 in shorter ones. */
struct sequence {
    uint16_t ops[3];
};

struct counts {
    struct map map; /* of struct sequence, or of struct selector -> uint64_t */
    uint16_t last[2];
    uint32_t last_depth;
    uint64_t count;
};

struct selector {
    uint8_t id[4];
    uint8_t size[8]; /* of the arguments, big endian */
};

static void release(struct rpc_trace *t)
{
    struct counts *c = t->state;
    map_release(&c->map);
}

static int count_key(struct counts *c, const void *key)
{
    uint64_t *count = map_put(&c->map, key, NULL);
    if (!count)
        return ERR_NOMEM;
    ++*count;
    return 0;
}

/* --- noopTracer, opcountTracer --- */

static int no_result(struct rpc_trace *t, struct buf *b)
{
    (void)t;
    buf_append_text(b, "{}");
    return 0;
}

static int count_step(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    (void)step;
    struct counts *c = t->state;
    c->count++;
    return 0;
}

static int count_result(struct rpc_trace *t, struct buf *b)
{
    const struct counts *c = t->state;
    buf_append_format(b, "%llu", (unsigned long long)c->count);
    return buf_status(b);
}

/* --- unigramTracer, bigramTracer, trigramTracer --- */

static int begin_sequences(struct rpc_trace *t)
{
    struct counts *c = t->state;
    map_init(&c->map, sizeof(struct sequence), sizeof(uint64_t));
    c->last[0] = c->last[1] = NO_OP;
    return 0;
}

static int unigram_step(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    struct sequence key = {{NO_OP + 1, NO_OP + 1, step->op}};
    return count_key(t->state, &key);
}

static int bigram_step(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    struct counts *c = t->state;
    struct sequence key = {{NO_OP + 1, c->last[1], step->op}};
    int status = step->depth == c->last_depth ? count_key(c, &key) : 0;
    c->last[1] = step->op;
    c->last_depth = step->depth;
    return status;
}

static int trigram_step(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    struct counts *c = t->state;
    if (step->depth != c->last_depth) {
        c->last[0] = c->last[1] = NO_OP;
        c->last_depth = step->depth;
        return 0;
    }
    struct sequence key = {{c->last[0], c->last[1], step->op}};
    c->last[0] = c->last[1];
    c->last[1] = step->op;
    return count_key(c, &key);
}

static int sequence_result(struct rpc_trace *t, struct buf *b)
{
    const struct counts *c = t->state;
    buf_append_byte(b, '{');
    for (size_t i = 0; i < map_count(&c->map); i++) {
        const struct sequence *key = map_key_at(&c->map, i);
        const uint64_t *count = map_value_at(&c->map, i);
        rpc_item(b);
        buf_append_byte(b, '"');
        for (size_t k = 0; k < 3; k++) {
            char unknown[32];
            if (key->ops[k] < NO_OP)
                buf_append_text(b, rpc_trace_op_name(unknown, t, (uint8_t)key->ops[k]));
            if (k < 2 && key->ops[k] <= NO_OP)
                buf_append_byte(b, '-');
        }
        buf_append_format(b, "\":%llu", (unsigned long long)*count);
    }
    buf_append_byte(b, '}');
    return buf_status(b);
}

/* --- 4byteTracer --- */

static int begin_selectors(struct rpc_trace *t)
{
    struct counts *c = t->state;
    map_init(&c->map, sizeof(struct selector), sizeof(uint64_t));
    return 0;
}

static int count_selector(struct counts *c, const uint8_t id[4], uint64_t size)
{
    struct selector key;
    memcpy(key.id, id, 4);
    for (size_t i = 0; i < 8; i++)
        key.size[i] = (uint8_t)(size >> (56 - 8 * i));
    return count_key(c, &key);
}

static int selector_step(struct rpc_trace *t, const struct rpc_trace_step *step)
{
    static const struct u256 four = {{4}};
    bool valued = step->op == EVM_OP_CALL || step->op == EVM_OP_CALLCODE;
    if (!valued && step->op != EVM_OP_DELEGATECALL && step->op != EVM_OP_STATICCALL)
        return 0;
    struct u256 target = rpc_trace_peek(step, 1);
    struct address to = rpc_trace_address(&target);
    struct u256 offset = rpc_trace_peek(step, valued ? 3 : 2);
    struct u256 size = rpc_trace_peek(step, valued ? 4 : 3);
    struct bytes id;
    if (rpc_trace_is_precompile(&to) || !u256_is_u64(&size) || size.w[0] < 4)
        return 0;
    int status = rpc_trace_memory(t, &id, step, &offset, &four);
    return status || id.len < 4 ? status : count_selector(t->state, id.data, size.w[0] - 4);
}

static int selector_result(struct rpc_trace *t, struct buf *b)
{
    struct counts *c = t->state;
    struct bytes input = t->outcome.input;
    int status = input.len >= 4 ? count_selector(c, input.data, input.len - 4) : 0;
    buf_append_byte(b, '{');
    for (size_t i = 0; i < map_count(&c->map); i++) {
        const struct selector *key = map_key_at(&c->map, i);
        const uint64_t *count = map_value_at(&c->map, i);
        uint64_t size = 0;
        for (size_t k = 0; k < 8; k++)
            size = size << 8 | key->size[k];
        rpc_item(b);
        buf_append_format(b, "\"0x%02x%02x%02x%02x-%llu\":%llu", key->id[0], key->id[1], key->id[2],
                          key->id[3], (unsigned long long)size, (unsigned long long)*count);
    }
    buf_append_byte(b, '}');
    return status ? status : buf_status(b);
}

const struct rpc_tracer rpc_tracer_noop = {.name = "noopTracer", .result = no_result};
const struct rpc_tracer rpc_tracer_opcount = {.name = "opcountTracer",
                                              .size = sizeof(struct counts),
                                              .step = count_step,
                                              .result = count_result};
const struct rpc_tracer rpc_tracer_unigram = {.name = "unigramTracer",
                                              .size = sizeof(struct counts),
                                              .begin = begin_sequences,
                                              .step = unigram_step,
                                              .result = sequence_result,
                                              .release = release};
const struct rpc_tracer rpc_tracer_bigram = {.name = "bigramTracer",
                                             .size = sizeof(struct counts),
                                             .begin = begin_sequences,
                                             .step = bigram_step,
                                             .result = sequence_result,
                                             .release = release};
const struct rpc_tracer rpc_tracer_trigram = {.name = "trigramTracer",
                                              .size = sizeof(struct counts),
                                              .begin = begin_sequences,
                                              .step = trigram_step,
                                              .result = sequence_result,
                                              .release = release};
const struct rpc_tracer rpc_tracer_4byte = {.name = "4byteTracer",
                                            .size = sizeof(struct counts),
                                            .begin = begin_selectors,
                                            .step = selector_step,
                                            .result = selector_result,
                                            .release = release};
