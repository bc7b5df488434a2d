/*
 * What the node and the process that runs a client's JavaScript say to each other, over two socket pairs. Both are the same
 * program, so numbers and structures are as they lie in memory.
 *
 *   stream   the node's: CODE, STEP and FAULT in their order, RESULT. It does not wait after each; one that `waits`, CODE
 *            and RESULT are answered, on the other pair, by DONE or THROWN.
 *   talk     the engine's: these answers; THROWN_BEFORE of a step that nobody waited for; LOOK_ for an account, which the
 *            node answers by ANSWER. The node waits before it runs what changes accounts, so that a step finds them as
 *            they were.
 */
#ifndef TRACEJS_WIRE_H
#define TRACEJS_WIRE_H

#include "base/buf.h"
#include "base/types.h"

enum {
    TRACEJS_MESSAGE_MAX = 64 << 20, /* bytes; no code, memory or answer of a trace is larger */
    TRACEJS_ERROR_MAX = 128,        /* of an instruction, with its end mark */
    TRACEJS_NAME_MAX = 32,          /* of an instruction */
};

enum tracejs_kind {
    TRACEJS_CODE,   /* the tracer's source: once, first */
    TRACEJS_STEP,   /* struct tracejs_step and what follows it */
    TRACEJS_FAULT,  /* the error's text: else it is the last step's */
    TRACEJS_RESULT, /* struct tracejs_context, the input, the output */
    TRACEJS_ANSWER, /* what was looked up; nothing where there is nothing */
    TRACEJS_DONE,   /* of RESULT with the JSON text */
    TRACEJS_THROWN, /* what JavaScript has thrown, as text */
    TRACEJS_THROWN_BEFORE,
    TRACEJS_LOOK_BALANCE, /* address -> 32 bytes */
    TRACEJS_LOOK_NONCE,   /* address -> uint64_t */
    TRACEJS_LOOK_CODE,    /* address -> bytes */
    TRACEJS_LOOK_STATE,   /* address, slot -> 32 bytes */
    TRACEJS_LOOK_EXISTS,  /* address -> a byte, 0 or 1 */
    TRACEJS_KINDS,
};

/*
 * Behind it: the stack's words, the top first; `patch_len` bytes of memory that are others than at the frame's last step, from
 * `patch_at` on; with `is_new_frame` the frame's call data.
 */
struct tracejs_step {
    uint64_t pc, gas, cost, refund, memory_size, patch_at;
    uint32_t depth, stack_size, patch_len, input_len;
    uint8_t op;
    bool has_error, waits, is_new_frame;
    struct address caller, address;
    uint8_t value[32];
    char op_name[TRACEJS_NAME_MAX];
    char error[TRACEJS_ERROR_MAX];
};

struct tracejs_context {
    bool is_creation, has_error;
    struct address from, to;
    uint8_t value[32], gas_price[32];
    uint64_t gas, gas_used, intrinsic_gas, block;
    uint64_t input_len, output_len;
    char time[48];
    char error[TRACEJS_ERROR_MAX];
};

/* A message's bytes behind those of `b`. */
void tracejs_append(struct buf *b, enum tracejs_kind kind, struct bytes payload);
/* Sends one message, and waits for room. ERR_IO: the other end is gone. */
int tracejs_send(int fd, enum tracejs_kind kind, struct bytes payload) BASE_NODISCARD;
/* The next one, its payload in `b`, which is emptied first. ERR_LIMIT: not by `deadline` (ms of the monotonic clock; 0: no end);
 * ERR_IO: the other end is gone, or says what no message is. */
int tracejs_receive(int fd, enum tracejs_kind *ret_kind, struct buf *b,
                    uint64_t deadline) BASE_NODISCARD;

#endif
