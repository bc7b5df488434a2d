#include "evm/fast/translator.h"

/* The place of each kind of operand, or pair of them, among an instruction's forms. */
enum {
#define PAIR(op, x, y) PAIR_##x##y,
    EVM_FAST_PAIRS(PAIR, )
#undef PAIR
};

enum {
#define SINGLE(op, x) SINGLE_##x,
    EVM_FAST_SINGLES(SINGLE, )
#undef SINGLE
};

static const uint8_t pairs[KINDS][KINDS] = {
#define PAIR(op, x, y) [KIND_##x][KIND_##y] = PAIR_##x##y,
    EVM_FAST_PAIRS(PAIR, )
#undef PAIR
};

static const uint8_t singles[KINDS] = {
#define SINGLE(op, x) [KIND_##x] = SINGLE_##x,
    EVM_FAST_SINGLES(SINGLE, )
#undef SINGLE
};

/* Words. */

union evm_word *evm_next_word(struct evm_translator *t)
{
    assert(t->count < WORDS_MAX);
    return &t->words[t->count++];
}

size_t evm_emit(struct evm_translator *t, unsigned op)
{
    size_t at = t->count;
    *evm_next_word(t) = (union evm_word){.handler = t->code->handlers[op]};
    *evm_next_word(t) = (union evm_word){.k = 0};
    return at;
}

void evm_emit_constant(struct evm_translator *t, const struct u256 *constant,
                       enum evm_operand_kind kind)
{
    for (int i = 0; i < (kind == KIND_k ? 1 : 4); i++)
        evm_next_word(t)->k = constant->w[i];
}

void evm_begin_block(struct evm_translator *t, size_t pc)
{
    t->gas = t->height = t->growth = 0;
    t->low = t->top = 0;
    t->value_count = NO_VALUE + 1;
    t->accumulator = NO_VALUE;

    t->block_at = t->count;
    *evm_next_word(t) = (union evm_word){.handler = t->code->handlers[EVM_FAST_block]};
    *evm_next_word(t) = (union evm_word){.pc = (uint32_t)pc};
    *evm_next_word(t) = (union evm_word){.k = 0};
}

void evm_end_block(struct evm_translator *t)
{
    union evm_word *block = &t->words[t->block_at];
    assert(t->height + t->growth <= EVM_STACK_MAX);
    block[1].gas = (int32_t)t->gas;
    block[2].height = (uint32_t)t->height * sizeof(struct u256);
    block[2].spread = (uint32_t)(EVM_STACK_MAX - t->growth - t->height) * sizeof(struct u256);
}

/* Values and places. */

struct evm_value *evm_new_value(struct evm_translator *t, enum evm_value_kind kind)
{
    assert(t->value_count < VALUES_MAX);
    struct evm_value *v = &t->values[t->value_count++];
    v->kind = (uint16_t)kind;
    v->references = 1;
    v->op = 0;
    return v;
}

/* The living value whose home the place is, or NO_VALUE. */
evm_value_id evm_resident(struct evm_translator *t, int place)
{
    /* What earlier blocks left here does no harm: a value with this home is what is asked for. */
    evm_value_id id = *evm_owner(t, place);
    const struct evm_value *v = &t->values[id];
    return id && id < t->value_count && v->kind == EVM_VALUE_SLOT && v->references &&
                   v->home == place
               ? id
               : NO_VALUE;
}

int evm_free_place(struct evm_translator *t, int from)
{
    while (evm_resident(t, from))
        from++;
    return from;
}

void evm_set_home(struct evm_translator *t, evm_value_id v, int place)
{
    t->values[v].home = (int16_t)place;
    *evm_owner(t, place) = v;
}

/* Makes the positions from `position` on known: they show what they had on entry. */
static void look_down(struct evm_translator *t, int position)
{
    while (t->low > position) {
        t->low--;
        evm_value_id v = evm_id_of(t, evm_new_value(t, EVM_VALUE_SLOT));
        evm_set_home(t, v, t->low);
        *evm_shown(t, t->low) = v;
    }
}

evm_value_id evm_pop(struct evm_translator *t)
{
    look_down(t, t->top - 1);
    return *evm_shown(t, --t->top);
}

void evm_push(struct evm_translator *t, evm_value_id v)
{
    *evm_shown(t, t->top++) = v;
}

evm_value_id evm_new_constant(struct evm_translator *t, const struct u256 *constant)
{
    struct evm_value *v = evm_new_value(t, EVM_VALUE_CONSTANT);
    v->constant = *constant;
    return evm_id_of(t, v);
}

void evm_push_constant(struct evm_translator *t, const struct u256 *constant)
{
    evm_push(t, evm_new_constant(t, constant));
}

const struct u256 *evm_constant(const struct evm_translator *t, evm_value_id v)
{
    return t->values[v].kind == EVM_VALUE_CONSTANT ? &t->values[v].constant : NULL;
}

void evm_dup(struct evm_translator *t, int depth)
{
    look_down(t, t->top - depth);
    evm_value_id v = *evm_shown(t, t->top - depth);
    t->values[v].references++;
    evm_push(t, v);
}

void evm_swap(struct evm_translator *t, int depth)
{
    look_down(t, t->top - 1 - depth);
    evm_value_id *a = evm_shown(t, t->top - 1), *b = evm_shown(t, t->top - 1 - depth), swapped = *a;
    *a = *b;
    *b = swapped;
}

/* Nobody will read the value's home: its instruction need not write it. */
void evm_cancel_store(struct evm_translator *t, struct evm_value *v)
{
    if (v->op)
        t->words[v->made].handler = t->code->handlers[v->op + 1];
    v->op = 0;
}

void evm_release(struct evm_translator *t, evm_value_id id)
{
    struct evm_value *v = &t->values[id];
    if (--v->references)
        return;
    if (v->kind == EVM_VALUE_SLOT) {
        evm_cancel_store(t, v);
    } else if (v->kind == EVM_VALUE_TRUTH) {
        evm_release(t, v->x);
        if (!v->one_operand)
            evm_release(t, v->y);
    }
}

void evm_forget(struct evm_translator *t, int kept)
{
    int from = t->top - kept;
    look_down(t, from);
    for (int p = t->low; p < from; p++)
        evm_release(t, *evm_shown(t, p));
    t->low = from;
}

/* Operands. */

static enum evm_operand_kind kind_of(const struct evm_translator *t, evm_value_id v)
{
    if (v == t->accumulator)
        return KIND_a;
    const struct u256 *constant = evm_constant(t, v);
    return constant ? evm_constant_kind(constant) : KIND_s;
}

/* The instruction reads the value's home. */
int16_t evm_read_home(struct evm_translator *t, evm_value_id v)
{
    t->values[v].op = 0;
    return evm_offset_of(t->values[v].home);
}

/* Gives the instruction's result to the value, with a home that is free now that the operands are
 * released, from `place` on. */
static void set_result(struct evm_translator *t, struct evm_value *v, size_t at, unsigned op,
                       int place)
{
    int home = evm_free_place(t, place);
    v->kind = EVM_VALUE_SLOT;
    v->op = (uint16_t)op;
    v->made = (uint32_t)at;
    evm_set_home(t, evm_id_of(t, v), home);
    t->words[at + 1].result = evm_offset_of(home);
    t->accumulator = evm_id_of(t, v);
}

static void push_result(struct evm_translator *t, size_t at, unsigned op)
{
    struct evm_value *v = evm_new_value(t, EVM_VALUE_SLOT);
    set_result(t, v, at, op, t->top);
    evm_push(t, evm_id_of(t, v));
}

/* Emits a form of an instruction with two operands, which must not both be constants. */
size_t evm_emit_pair_form(struct evm_translator *t, unsigned op, unsigned forms, evm_value_id x,
                          evm_value_id y, unsigned *ret_op)
{
    enum evm_operand_kind x_kind = kind_of(t, x), y_kind = kind_of(t, y);
    *ret_op = op + pairs[x_kind][y_kind] * forms;
    size_t at = evm_emit(t, *ret_op);
    if (x_kind == KIND_s)
        t->words[at + 1].a = evm_read_home(t, x);
    else if (x_kind != KIND_a)
        evm_emit_constant(t, evm_constant(t, x), x_kind);
    if (y_kind == KIND_s)
        t->words[at + 1].b = evm_read_home(t, y);
    else if (y_kind != KIND_a)
        evm_emit_constant(t, evm_constant(t, y), y_kind);
    return at;
}

size_t evm_emit_single_form(struct evm_translator *t, unsigned op, unsigned forms, evm_value_id x,
                            unsigned *ret_op)
{
    enum evm_operand_kind kind = kind_of(t, x);
    assert(kind != KIND_c);
    *ret_op = op + singles[kind] * forms;
    size_t at = evm_emit(t, *ret_op);
    if (kind == KIND_s)
        t->words[at + 1].a = evm_read_home(t, x);
    else if (kind == KIND_k)
        evm_emit_constant(t, evm_constant(t, x), kind);
    return at;
}

/* Where a value that is not computed yet should go: the lowest position that shows it. */
static int natural_place(struct evm_translator *t, evm_value_id v)
{
    for (int p = t->low; p < t->top; p++)
        if (*evm_shown(t, p) == v)
            return p;
    return t->top;
}

/* Computes a comparison that was only noted. */
void evm_compute(struct evm_translator *t, evm_value_id id)
{
    struct evm_value *v = &t->values[id];
    if (v->kind != EVM_VALUE_TRUTH)
        return;
    unsigned op;
    size_t at = v->one_operand ? evm_emit_single_form(t, v->comparison, FORMS_TRUTH, v->x, &op)
                               : evm_emit_pair_form(t, v->comparison, FORMS_TRUTH, v->x, v->y, &op);
    evm_release(t, v->x);
    if (!v->one_operand)
        evm_release(t, v->y);
    set_result(t, v, at, op, natural_place(t, id));
}

/* Computes a constant into the accumulator and a home. */
void evm_load_constant(struct evm_translator *t, evm_value_id id)
{
    struct evm_value *v = &t->values[id];
    struct u256 constant = v->constant;
    enum evm_operand_kind kind = evm_constant_kind(&constant);
    unsigned op = kind == KIND_k ? EVM_FAST_const_k : EVM_FAST_const_c;
    size_t at = evm_emit(t, op);
    evm_emit_constant(t, &constant, kind);
    set_result(t, v, at, op, natural_place(t, id));
}

/* Instructions. */

static void prepare_pair(struct evm_translator *t, evm_value_id x, evm_value_id y)
{
    evm_compute(t, x);
    evm_compute(t, y);
    if (evm_constant(t, x) && evm_constant(t, y))
        evm_load_constant(t, y);
}

void evm_emit_pair(struct evm_translator *t, unsigned first_op, evm_value_id x, evm_value_id y)
{
    unsigned op;
    prepare_pair(t, x, y);
    size_t at = evm_emit_pair_form(t, first_op, FORMS_RESULT, x, y, &op);
    evm_release(t, x);
    evm_release(t, y);
    push_result(t, at, op);
}

void evm_emit_store(struct evm_translator *t, unsigned first_op, evm_value_id x, evm_value_id y)
{
    unsigned op;
    prepare_pair(t, x, y);
    evm_emit_pair_form(t, first_op, FORMS_STORE, x, y, &op);
    evm_release(t, x);
    evm_release(t, y);
}

static void prepare_single(struct evm_translator *t, evm_value_id x)
{
    evm_compute(t, x);
    if (evm_constant(t, x) && !u256_is_u64(evm_constant(t, x)))
        evm_load_constant(t, x);
}

void evm_emit_single(struct evm_translator *t, unsigned first_op, evm_value_id x)
{
    unsigned op;
    prepare_single(t, x);
    size_t at = evm_emit_single_form(t, first_op, FORMS_RESULT, x, &op);
    evm_release(t, x);
    push_result(t, at, op);
}

void evm_emit_plain(struct evm_translator *t, unsigned op)
{
    push_result(t, evm_emit(t, op), op);
}

void evm_emit_general(struct evm_translator *t, unsigned op, const evm_value_id *operands,
                      int count)
{
    for (int i = 0; i < count; i++)
        evm_compute(t, operands[i]);
    size_t at = evm_emit(t, op);
    evm_next_word(t);
    int16_t offsets[3] = {0};
    for (int i = 0; i < count; i++) {
        const struct u256 *constant = evm_constant(t, operands[i]);
        if (constant) {
            offsets[i] = (int16_t)((t->count - at) * sizeof(union evm_word) | 1);
            evm_emit_constant(t, constant, KIND_c);
        } else {
            offsets[i] = evm_read_home(t, operands[i]);
        }
    }
    t->words[at + 1].a = offsets[0];
    t->words[at + 1].b = offsets[1];
    t->words[at + 1].c = offsets[2];
    t->words[at + 2].k = t->count - at;
    for (int i = 0; i < count; i++)
        evm_release(t, operands[i]);
    push_result(t, at, op);
}

static void note(struct evm_translator *t, unsigned first_op, bool one_operand, evm_value_id x,
                 evm_value_id y)
{
    struct evm_value *v = evm_new_value(t, EVM_VALUE_TRUTH);
    v->comparison = (uint16_t)first_op;
    v->one_operand = one_operand;
    v->x = x;
    v->y = y;
    evm_push(t, evm_id_of(t, v));
}

void evm_note_pair(struct evm_translator *t, unsigned first_op, evm_value_id x, evm_value_id y)
{
    prepare_pair(t, x, y);
    note(t, first_op, false, x, y);
}

void evm_note_single(struct evm_translator *t, unsigned first_op, evm_value_id x)
{
    prepare_single(t, x);
    note(t, first_op, true, x, NO_VALUE);
}

bool evm_negate(struct evm_translator *t, evm_value_id id)
{
    /* Each comparison and its opposite, as they follow each other in ops.h. */
    static const struct {
        uint16_t op, opposite;
    } opposites[] = {
        {EVM_FAST_lt_ss, EVM_FAST_ge_ss},
        {EVM_FAST_slt_ss, EVM_FAST_sge_ss},
        {EVM_FAST_eq_ss, EVM_FAST_ne_ss},
        {EVM_FAST_zero_s, EVM_FAST_nonzero_s},
    };
    struct evm_value *v = &t->values[id];
    if (v->kind != EVM_VALUE_TRUTH || v->references > 1)
        return false;
    for (size_t i = 0; i < BASE_COUNT(opposites); i++) {
        if (v->comparison == opposites[i].op)
            v->comparison = opposites[i].opposite;
        else if (v->comparison == opposites[i].opposite)
            v->comparison = opposites[i].op;
        else
            continue;
        return true;
    }
    return false;
}
