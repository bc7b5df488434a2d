/* The machine: top-level execution, over frames that the interpreters run. */
#include "evm/heavy.h"

#include "base/clock.h"
#include "base/mem.h"
#include "evm/fast/fast.h"

enum {
    FRAMES_BLOCK = 256 << 10,
    MEMORY_BLOCK = 256 << 10,
    /* What a machine keeps between executions; more is given back to the system. */
    FRAMES_KEEP = 1 << 20,
    MEMORY_KEEP = 8 << 20,
    OUTPUT_KEEP = 1 << 20,
    CLOCK_EVERY = 64, /* heavy instructions between two looks at the clock */
};

int evm_new(struct evm **ret_evm)
{
    struct evm *evm = mem_alloc_zeroed(1, sizeof(*evm));
    if (!evm)
        return ERR_NOMEM;
    evm_space_init(&evm->frames, FRAMES_BLOCK);
    evm_space_init(&evm->memory, MEMORY_BLOCK);
    buf_init(&evm->output);
    arena_init(&evm->analyses);
    if (evm_fast_new(&evm->fast) < 0) {
        evm_free(evm);
        return ERR_NOMEM;
    }
    *ret_evm = evm;
    return 0;
}

void evm_free(struct evm *evm)
{
    if (!evm)
        return;
    evm_space_release(&evm->frames);
    evm_space_release(&evm->memory);
    buf_release(&evm->output);
    arena_release(&evm->analyses);
    evm_fast_free(evm->fast);
    mem_free(evm);
}

void evm_set_tracer(struct evm *evm, const struct evm_tracer *tracer)
{
    evm->tracer = tracer;
}

void evm_set_deadline(struct evm *evm, uint64_t deadline_ns)
{
    evm->deadline_ns = deadline_ns;
    evm->unlooked = 0;
}

bool evm_read_clock(struct evm *evm)
{
    if (++evm->unlooked < CLOCK_EVERY)
        return false;
    evm->unlooked = 0;
    return base_now_ns() >= evm->deadline_ns;
}

void evm_set_plain(struct evm *evm, bool plain)
{
    evm->plain = plain;
}

bool evm_gas_mattered(const struct evm *evm)
{
    return evm->gas_seen;
}

static int run(struct evm_frame *f)
{
    return f->evm->plain || f->evm->tracer ? evm_plain_run(f) : evm_fast_run(f);
}

/* Runs what is on top until the first frame ends. */
static int run_frames(struct evm *evm, struct evm_result *ret_result)
{
    for (;;) {
        struct evm_frame *f = evm->top;
        int outcome = run(f);
        if (outcome < 0)
            return outcome;
        if (outcome == EVM_ENTERED)
            continue;
        struct evm_result result;
        int err = evm_frame_pop(evm, &result);
        if (err < 0)
            return err;
        if (!evm->top) {
            *ret_result = result;
            return 0;
        }
        evm_frame_receive(evm->top, f->message.kind, f->return_offset, f->return_size, &result);
    }
}

/* Gives back what the execution before may have left: all of its use, and most of its size. */
static void reset(struct evm *evm)
{
    evm->top = NULL;
    evm->return_data = bytes_none();
    evm_space_reset(&evm->frames, FRAMES_KEEP);
    evm_space_reset(&evm->memory, MEMORY_KEEP);
    arena_clear(&evm->analyses);
    if (evm->output.capacity > OUTPUT_KEEP)
        buf_release(&evm->output);
}

int evm_execute(struct evm *evm, enum fork fork, const struct evm_context *context,
                const struct evm_host_ops *ops, void *host, const struct evm_message *message,
                struct evm_result *ret_result)
{
    reset(evm);
    evm->gas_seen = false;
    evm->rules = evm_rules(fork);
    evm->context = context;
    evm->ops = ops;
    evm->host = host;

    struct evm_result result;
    int outcome = evm_frame_push(evm, message, &result);
    if (outcome == EVM_ENTERED)
        outcome = run_frames(evm, &result);
    if (outcome < 0)
        return outcome;
    *ret_result = result;
    return 0;
}
