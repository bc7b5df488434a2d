/*
 * The translation's view of the stack: for each position of the block's stack, which value is there,
 * and for each value, where it lies.
 *
 * Positions count from the block's stack pointer: -1 is the word on top on entry, 0 the first one
 * above. A value's home is the place, counted in the same way, where it was written; it may differ
 * from the positions that show it, of which there may be several. `settle` brings all values home.
 *
 * Private to translate.c (which instruction becomes what), translator.c (values and instructions) and
 * settle.c (values come home; the ends of blocks).
 */
#ifndef EVM_FAST_TRANSLATOR_H
#define EVM_FAST_TRANSLATOR_H

#include "evm/fast/ops.h"
#include "evm/fast/translate.h"

enum {
    /* A block is cut when it is larger. */
    BLOCK_VALUES_MAX = 480,
    BLOCK_DEPTH_MAX = 192, /* positions below and above its stack pointer */
    BLOCK_WINDOW_MAX = 48, /* positions that it looks at */

    /* One instruction touches at most 17 words (SWAP16). */
    VALUES_MAX = BLOCK_VALUES_MAX + 32,
    DEPTH_MAX = BLOCK_DEPTH_MAX + 32,
    WINDOW_MAX = BLOCK_WINDOW_MAX + 32,

    /* Values shown within the window and held by the instruction at hand are the only ones that
     * occupy places, and the first free place from a position on is taken: so no home is further
     * above the highest position than this. */
    PLACES_ABOVE = WINDOW_MAX + 12,
    PLACES = DEPTH_MAX + DEPTH_MAX + PLACES_ABOVE,

    /* A block, and then the run, is cut behind what exceeds these. */
    BLOCK_WORDS_MAX = 2048,
    RUN_WORDS_MAX = 4096,
    BLOCK_GAS_MAX = 1 << 24,
    /* Settling moves each position's word at most twice, by up to six words. */
    WORDS_MAX = RUN_WORDS_MAX + BLOCK_WORDS_MAX + 2 * 6 * WINDOW_MAX + 64,
    RUN_BLOCKS_MAX = RUN_WORDS_MAX / EVM_BLOCK_WORDS + 1,
    NO_VALUE = 0, /* values[0] is not used */
};

static_assert((int)PLACES_ABOVE <= (int)EVM_STACK_SPARE, "homes above the highest stack have room");
static_assert((DEPTH_MAX + PLACES_ABOVE) * 32 <= INT16_MAX, "offsets fit into operands");

enum evm_operand_kind { KIND_s, KIND_k, KIND_c, KIND_a, KINDS };

/* How many forms an instruction has for each kind of operands. */
enum {
    FORMS_STORE = 1,
    FORMS_RESULT = 2, /* stored; accumulator only */
    FORMS_TRUTH = 3,  /* these; jump */
    FORM_JUMP = 2,
};

enum evm_value_kind {
    EVM_VALUE_SLOT,
    EVM_VALUE_CONSTANT,
    EVM_VALUE_TRUTH, /* a comparison, not computed yet: a jump or a negation may absorb it */
};

typedef uint16_t evm_value_id;

struct evm_value {
    uint16_t kind;
    uint16_t references; /* positions that show it, and holders */
    /* SLOT */
    int16_t home;
    uint16_t op;   /* of its instruction, while nobody has read its home, else 0 */
    uint32_t made; /* where that is */
    /* TRUTH */
    uint16_t comparison; /* first handler of its pairs or singles */
    bool one_operand;
    evm_value_id x, y;
    /* CONSTANT */
    struct u256 constant;
};

struct evm_translator {
    const struct evm_fast_code *code;
    const struct evm_rules *rules;
    struct evm_analysis *analysis;

    /* The run. */
    union evm_word words[WORDS_MAX];
    size_t count;
    struct evm_link {
        struct evm_target *target;
        size_t at;
    } links[RUN_BLOCKS_MAX + 1];
    size_t link_count;

    /* The block. */
    size_t block_at;
    int64_t gas;
    int height; /* that must be there */
    int growth; /* most that it adds */

    int low, top; /* positions from low on, below top, are known */
    evm_value_id shown_at[PLACES];
    evm_value_id owners[PLACES]; /* value whose home the place is, perhaps dead: see resident */
    struct evm_value values[VALUES_MAX];
    unsigned value_count;
    evm_value_id accumulator; /* the value in it, or NO_VALUE */
};

static inline evm_value_id *evm_shown(struct evm_translator *t, int position)
{
    return &t->shown_at[position + DEPTH_MAX];
}

static inline evm_value_id *evm_owner(struct evm_translator *t, int place)
{
    return &t->owners[place + DEPTH_MAX];
}

static inline evm_value_id evm_id_of(const struct evm_translator *t, const struct evm_value *v)
{
    return (evm_value_id)(v - t->values);
}

static inline int16_t evm_offset_of(int place)
{
    return (int16_t)(place * (int)sizeof(struct u256));
}

static inline enum evm_operand_kind evm_constant_kind(const struct u256 *constant)
{
    return u256_is_u64(constant) ? KIND_k : KIND_c;
}

/* Words. */
union evm_word *evm_next_word(struct evm_translator *t);
void evm_emit_constant(struct evm_translator *t, const struct u256 *constant,
                       enum evm_operand_kind kind);
size_t evm_emit(struct evm_translator *t, unsigned op); /* handler and empty operands; where */

void evm_begin_block(struct evm_translator *t, size_t pc);
void evm_end_block(struct evm_translator *t);

/* The stack. A value that was popped is held until it is released. */
evm_value_id evm_pop(struct evm_translator *t);
void evm_push(struct evm_translator *t, evm_value_id v); /* takes over the hold */
void evm_push_constant(struct evm_translator *t, const struct u256 *constant);
void evm_dup(struct evm_translator *t, int depth); /* 1: the top */
void evm_swap(struct evm_translator *t, int depth);
void evm_release(struct evm_translator *t, evm_value_id v);
/* Drops all below the `kept` words on top: nothing will read them. */
void evm_forget(struct evm_translator *t, int kept);

evm_value_id evm_new_constant(struct evm_translator *t, const struct u256 *constant);
const struct u256 *evm_constant(const struct evm_translator *t, evm_value_id v); /* NULL: none */

/* Values and their homes. */
struct evm_value *evm_new_value(struct evm_translator *t, enum evm_value_kind kind);
/* The living value whose home the place is, or NO_VALUE. */
evm_value_id evm_resident(struct evm_translator *t, int place);
int evm_free_place(struct evm_translator *t, int from);
void evm_set_home(struct evm_translator *t, evm_value_id v, int place);
/* The offset of the home, for an instruction that reads it. */
int16_t evm_read_home(struct evm_translator *t, evm_value_id v);
/* Nobody will read the value's home: its instruction need not write it. */
void evm_cancel_store(struct evm_translator *t, struct evm_value *v);
/* Computes a comparison that was only noted; does nothing to other values. */
void evm_compute(struct evm_translator *t, evm_value_id v);
/* Computes a constant into the accumulator and a home. */
void evm_load_constant(struct evm_translator *t, evm_value_id v);

/* One form of an instruction, and which it is. Not all operands may be constants of kind c (a
 * single one), or constants (a pair). */
size_t evm_emit_pair_form(struct evm_translator *t, unsigned op, unsigned forms, evm_value_id x,
                          evm_value_id y, unsigned *ret_op);
size_t evm_emit_single_form(struct evm_translator *t, unsigned op, unsigned forms, evm_value_id x,
                            unsigned *ret_op);

/* Instructions. The operands are released, the result (of those that have one) is pushed. */
void evm_emit_pair(struct evm_translator *t, unsigned first_op, evm_value_id x, evm_value_id y);
void evm_emit_store(struct evm_translator *t, unsigned first_op, evm_value_id x, evm_value_id y);
void evm_emit_single(struct evm_translator *t, unsigned first_op, evm_value_id x);
void evm_emit_plain(struct evm_translator *t, unsigned op);
void evm_emit_general(struct evm_translator *t, unsigned op, const evm_value_id *operands,
                      int count);
/* Only noted; see EVM_VALUE_TRUTH. */
void evm_note_pair(struct evm_translator *t, unsigned first_op, evm_value_id x, evm_value_id y);
void evm_note_single(struct evm_translator *t, unsigned first_op, evm_value_id x);

/* Turns a noted comparison, held only by the caller, into its opposite; false: it is none. */
bool evm_negate(struct evm_translator *t, evm_value_id v);

/* A function of heavy.h that can only run out of gas. */
void evm_emit_inner(struct evm_translator *t, evm_heavy *function, int taken, bool has_result);

/* The ends of blocks, which settle. */
void evm_emit_fall(struct evm_translator *t);
void evm_emit_goto(struct evm_translator *t, const struct evm_target *target);
void evm_emit_jump(struct evm_translator *t, evm_value_id destination);
void evm_emit_jump_if(struct evm_translator *t, const struct evm_target *target,
                      evm_value_id condition);
void evm_emit_jump_dynamic_if(struct evm_translator *t, evm_value_id destination,
                              evm_value_id condition);
void evm_emit_heavy(struct evm_translator *t, evm_heavy *function);

#endif
