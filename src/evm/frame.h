/*
 * The machine and its frames: what the two interpreters and the heavy instructions share. Private
 * to this library.
 */
#ifndef EVM_FRAME_H
#define EVM_FRAME_H

#include "base/arena.h"
#include "base/buf.h"
#include "evm/evm.h"
#include "evm/gas.h"
#include "evm/space.h"

struct evm_fast;

enum {
    EVM_STACK_SPARE = 128, /* words behind a frame's stack that its interpreter may use */
};

/*
 * One running code. While an interpreter runs it may keep sp, gas and its position in registers;
 * it writes sp and gas back before it calls anything that takes a frame, and reads them after.
 */
struct evm_frame {
    struct u256 *stack; /* the bottom; EVM_STACK_MAX + EVM_STACK_SPARE words are there */
    struct u256 *sp;    /* one above the top word */
    int64_t gas;
    uint8_t *memory;    /* may move when it grows */
    size_t memory_size; /* a multiple of 32 */
    size_t memory_room; /* bytes there are at `memory`; what lies behind memory_size is undefined */

    const uint8_t *code;
    size_t code_size;
    size_t pc;            /* where the plain interpreter goes on */
    const void *analysis; /* the interpreter's own view of the code */
    const void *resume;   /* where the fast interpreter goes on */

    struct evm *evm;
    const struct evm_rules *rules;
    struct evm_frame *parent; /* NULL for the first */
    int64_t refund;           /* of this execution so far, all frames */
    int64_t refund_at_start;
    enum evm_status status; /* how it ended */
    struct bytes output;    /* in memory, or borrowed */

    struct evm_message message;
    const struct hash256 *code_hash; /* NULL: nothing about the code is cached */

    /* What the parent does with the result: */
    size_t return_offset; /* where in the parent's memory the output goes */
    size_t return_size;

    struct evm_space_mark frames_before; /* tops of the machine's spaces without this frame */
    struct evm_space_mark memory_before;
    struct arena_mark analyses_before;
};

struct evm {
    struct evm_frame *top; /* the running one */
    /* The output of the running frame's last call: RETURNDATA*. */
    struct bytes return_data;
    const struct evm_host_ops *ops;
    void *host;
    const struct evm_context *context;
    const struct evm_rules *rules;

    struct evm_space frames; /* struct evm_frame with its stack, then the next */
    struct evm_space memory;
    struct buf output;     /* holds return_data, and the last result's output */
    struct arena analyses; /* the plain interpreter's, by frame */
    struct evm_fast *fast; /* the fast interpreter's cache of analysed codes; NULL: none yet */
    bool plain;
    uint64_t deadline_ns;            /* 0: none */
    unsigned unlooked;               /* heavy instructions since the clock was read */
    bool gas_seen;                   /* see evm_gas_mattered */
    const struct evm_tracer *tracer; /* NULL: none. Set only while the plain interpreter runs. */
    size_t step_pc;                  /* tracing: the instruction */
    int64_t step_gas;                /* tracing: gas before the instruction */
    const struct evm_storage_change *step_change; /* tracing: of a running SSTORE, or NULL */
};

/* What an instruction or an interpreter did; negative is an error of this machine (base/error.h),
 * which ends everything. */
enum evm_outcome {
    EVM_NEXT,    /* go on behind the instruction */
    EVM_ENTERED, /* evm->top is a new frame: run it; this one goes on behind the instruction after
                    that */
    EVM_HALTED,  /* the frame ended: see its status (and output) */
};

/* Ends the frame. */
static inline int evm_halt(struct evm_frame *f, enum evm_status status)
{
    f->status = status;
    return EVM_HALTED;
}

static inline int64_t evm_words(uint64_t bytes)
{
    return (int64_t)(bytes / 32 + (bytes % 32 != 0));
}

/* An address on the stack is the low 20 bytes of a word. */
static inline struct address evm_word_to_address(const struct u256 *word)
{
    uint8_t be[32];
    struct address a;
    u256_store(be, word);
    memcpy(a.b, be + 12, sizeof(a.b));
    return a;
}

static inline struct u256 evm_word_from_address(const struct address *a)
{
    return u256_load_short(a->b, sizeof(a->b));
}

/* Whether the execution has to end with ERR_TIMEOUT. */
bool evm_read_clock(struct evm *evm);
static inline bool evm_is_late(struct evm *evm)
{
    return BASE_UNLIKELY(evm->deadline_ns) && evm_read_clock(evm);
}

/*
 * The interpreters: run a frame from its start or from behind the call it made. They return
 * EVM_ENTERED, EVM_HALTED or an error.
 */
int evm_plain_run(struct evm_frame *f) BASE_NODISCARD;
int evm_fast_run(struct evm_frame *f) BASE_NODISCARD;
/* NULL is fine. */
void evm_fast_free(struct evm_fast *fast);

#endif
