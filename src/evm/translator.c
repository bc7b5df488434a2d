#include "evm/translator.h"

/* Kinds of operands, and the place of each of them, or pair of them, among an instruction's forms. */
enum kind { KIND_s, KIND_k, KIND_c, KIND_a, KINDS };

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

enum {
    FORMS_STORE = 1,
    FORMS_RESULT = 2, /* stored; accumulator only */
    FORMS_TRUTH = 3,  /* these; jump */
    FORM_JUMP = 2,
};

/* Words. */

static union evm_word *next_word(struct evm_translator *t)
{
    assert(t->count < WORDS_MAX);
    return &t->words[t->count++];
}

size_t evm_emit(struct evm_translator *t, unsigned op)
{
    size_t at = t->count;
    *next_word(t) = (union evm_word){.handler = t->code->handlers[op]};
    *next_word(t) = (union evm_word){.k = 0};
    return at;
}

static void emit_constant(struct evm_translator *t, const struct u256 *constant, enum kind kind)
{
    for (int i = 0; i < (kind == KIND_k ? 1 : 4); i++)
        next_word(t)->k = constant->w[i];
}

static enum kind constant_kind(const struct u256 *constant)
{
    return u256_is_u64(constant) ? KIND_k : KIND_c;
}

void evm_begin_block(struct evm_translator *t, size_t pc)
{
    for (int i = 0; i < PLACES; i++) {
        t->owners[i] = NO_VALUE;
        t->touched[i] = 0;
    }
    t->gas = t->height = t->growth = 0;
    t->low = t->top = 0;
    t->value_count = NO_VALUE + 1;
    t->accumulator = NO_VALUE;

    t->block_at = t->count;
    *next_word(t) = (union evm_word){.handler = t->code->handlers[EVM_FAST_block]};
    *next_word(t) = (union evm_word){.pc = (uint32_t)pc};
    *next_word(t) = (union evm_word){.k = 0};
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

static evm_value_id *shown(struct evm_translator *t, int position)
{
    return &t->shown_at[position + DEPTH_MAX];
}

static evm_value_id *owner(struct evm_translator *t, int place)
{
    return &t->owners[place + DEPTH_MAX];
}

static uint32_t *touched(struct evm_translator *t, int place)
{
    return &t->touched[place + DEPTH_MAX];
}

static struct evm_value *new_value(struct evm_translator *t, enum evm_value_kind kind)
{
    assert(t->value_count < VALUES_MAX);
    struct evm_value *v = &t->values[t->value_count++];
    v->kind = (uint16_t)kind;
    v->references = 1;
    v->op = 0;
    return v;
}

static evm_value_id id_of(const struct evm_translator *t, const struct evm_value *v)
{
    return (evm_value_id)(v - t->values);
}

/* The living value whose home the place is, or NO_VALUE. */
static evm_value_id resident(struct evm_translator *t, int place)
{
    evm_value_id v = *owner(t, place);
    return v && t->values[v].references && t->values[v].home == place ? v : NO_VALUE;
}

static int free_place(struct evm_translator *t, int from)
{
    while (resident(t, from))
        from++;
    return from;
}

static void set_home(struct evm_translator *t, evm_value_id v, int place)
{
    t->values[v].home = (int16_t)place;
    *owner(t, place) = v;
}

/* Makes the positions from `position` on known: they show what they had on entry. */
static void look_down(struct evm_translator *t, int position)
{
    while (t->low > position) {
        t->low--;
        evm_value_id v = id_of(t, new_value(t, EVM_VALUE_SLOT));
        set_home(t, v, t->low);
        *shown(t, t->low) = v;
    }
}

evm_value_id evm_pop(struct evm_translator *t)
{
    look_down(t, t->top - 1);
    return *shown(t, --t->top);
}

void evm_push(struct evm_translator *t, evm_value_id v)
{
    *shown(t, t->top++) = v;
}

evm_value_id evm_new_constant(struct evm_translator *t, const struct u256 *constant)
{
    struct evm_value *v = new_value(t, EVM_VALUE_CONSTANT);
    v->constant = *constant;
    return id_of(t, v);
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
    evm_value_id v = *shown(t, t->top - depth);
    t->values[v].references++;
    evm_push(t, v);
}

void evm_swap(struct evm_translator *t, int depth)
{
    look_down(t, t->top - 1 - depth);
    evm_value_id *a = shown(t, t->top - 1), *b = shown(t, t->top - 1 - depth), swapped = *a;
    *a = *b;
    *b = swapped;
}

/* Nobody will read the value's home: its instruction need not write it. */
static void cancel_store(struct evm_translator *t, struct evm_value *v)
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
        cancel_store(t, v);
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
        evm_release(t, *shown(t, p));
    t->low = from;
}

/* Operands. */

static int16_t offset_of(int place)
{
    return (int16_t)(place * (int)sizeof(struct u256));
}

static enum kind kind_of(const struct evm_translator *t, evm_value_id v)
{
    if (v == t->accumulator)
        return KIND_a;
    const struct u256 *constant = evm_constant(t, v);
    return constant ? constant_kind(constant) : KIND_s;
}

/* The instruction reads the value's home. */
static int16_t read_home(struct evm_translator *t, size_t at, evm_value_id v)
{
    t->values[v].op = 0;
    *touched(t, t->values[v].home) = (uint32_t)at;
    return offset_of(t->values[v].home);
}

/* Gives the instruction's result to the value, with a home that is free now that the operands are
 * released, from `place` on. */
static void set_result(struct evm_translator *t, struct evm_value *v, size_t at, unsigned op,
                       int place)
{
    int home = free_place(t, place);
    v->kind = EVM_VALUE_SLOT;
    v->op = (uint16_t)op;
    v->made = (uint32_t)at;
    set_home(t, id_of(t, v), home);
    *touched(t, home) = (uint32_t)at;
    t->words[at + 1].result = offset_of(home);
    t->accumulator = id_of(t, v);
}

static void push_result(struct evm_translator *t, size_t at, unsigned op)
{
    struct evm_value *v = new_value(t, EVM_VALUE_SLOT);
    set_result(t, v, at, op, t->top);
    evm_push(t, id_of(t, v));
}

/* Emits a form of an instruction with two operands, which must not both be constants. */
static size_t emit_pair(struct evm_translator *t, unsigned op, unsigned forms, evm_value_id x,
                        evm_value_id y, unsigned *ret_op)
{
    enum kind x_kind = kind_of(t, x), y_kind = kind_of(t, y);
    *ret_op = op + pairs[x_kind][y_kind] * forms;
    size_t at = evm_emit(t, *ret_op);
    if (x_kind == KIND_s)
        t->words[at + 1].a = read_home(t, at, x);
    else if (x_kind != KIND_a)
        emit_constant(t, evm_constant(t, x), x_kind);
    if (y_kind == KIND_s)
        t->words[at + 1].b = read_home(t, at, y);
    else if (y_kind != KIND_a)
        emit_constant(t, evm_constant(t, y), y_kind);
    return at;
}

static size_t emit_single(struct evm_translator *t, unsigned op, unsigned forms, evm_value_id x,
                          unsigned *ret_op)
{
    enum kind kind = kind_of(t, x);
    assert(kind != KIND_c);
    *ret_op = op + singles[kind] * forms;
    size_t at = evm_emit(t, *ret_op);
    if (kind == KIND_s)
        t->words[at + 1].a = read_home(t, at, x);
    else if (kind == KIND_k)
        emit_constant(t, evm_constant(t, x), kind);
    return at;
}

/* Where a value that is not computed yet should go: the lowest position that shows it. */
static int natural_place(struct evm_translator *t, evm_value_id v)
{
    for (int p = t->low; p < t->top; p++)
        if (*shown(t, p) == v)
            return p;
    return t->top;
}

/* Computes a comparison that was only noted. */
static void compute(struct evm_translator *t, evm_value_id id)
{
    struct evm_value *v = &t->values[id];
    if (v->kind != EVM_VALUE_TRUTH)
        return;
    unsigned op;
    size_t at = v->one_operand ? emit_single(t, v->comparison, FORMS_TRUTH, v->x, &op)
                               : emit_pair(t, v->comparison, FORMS_TRUTH, v->x, v->y, &op);
    evm_release(t, v->x);
    if (!v->one_operand)
        evm_release(t, v->y);
    set_result(t, v, at, op, natural_place(t, id));
}

/* Computes a constant into the accumulator and a home. */
static void load_constant(struct evm_translator *t, evm_value_id id)
{
    struct evm_value *v = &t->values[id];
    struct u256 constant = v->constant;
    enum kind kind = constant_kind(&constant);
    unsigned op = kind == KIND_k ? EVM_FAST_const_k : EVM_FAST_const_c;
    size_t at = evm_emit(t, op);
    emit_constant(t, &constant, kind);
    set_result(t, v, at, op, natural_place(t, id));
}

/* Instructions. */

static void prepare_pair(struct evm_translator *t, evm_value_id x, evm_value_id y)
{
    compute(t, x);
    compute(t, y);
    if (evm_constant(t, x) && evm_constant(t, y))
        load_constant(t, y);
}

void evm_emit_pair(struct evm_translator *t, unsigned first_op, evm_value_id x, evm_value_id y)
{
    unsigned op;
    prepare_pair(t, x, y);
    size_t at = emit_pair(t, first_op, FORMS_RESULT, x, y, &op);
    evm_release(t, x);
    evm_release(t, y);
    push_result(t, at, op);
}

void evm_emit_store(struct evm_translator *t, unsigned first_op, evm_value_id x, evm_value_id y)
{
    unsigned op;
    prepare_pair(t, x, y);
    emit_pair(t, first_op, FORMS_STORE, x, y, &op);
    evm_release(t, x);
    evm_release(t, y);
}

static void prepare_single(struct evm_translator *t, evm_value_id x)
{
    compute(t, x);
    if (evm_constant(t, x) && !u256_is_u64(evm_constant(t, x)))
        load_constant(t, x);
}

void evm_emit_single(struct evm_translator *t, unsigned first_op, evm_value_id x)
{
    unsigned op;
    prepare_single(t, x);
    size_t at = emit_single(t, first_op, FORMS_RESULT, x, &op);
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
        compute(t, operands[i]);
    size_t at = evm_emit(t, op);
    next_word(t);
    int16_t offsets[3] = {0};
    for (int i = 0; i < count; i++) {
        const struct u256 *constant = evm_constant(t, operands[i]);
        if (constant) {
            offsets[i] = (int16_t)((t->count - at) * sizeof(union evm_word) | 1);
            emit_constant(t, constant, KIND_c);
        } else {
            offsets[i] = read_home(t, at, operands[i]);
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
    struct evm_value *v = new_value(t, EVM_VALUE_TRUTH);
    v->comparison = (uint16_t)first_op;
    v->one_operand = one_operand;
    v->x = x;
    v->y = y;
    evm_push(t, id_of(t, v));
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
    /* Each comparison and its opposite, as they follow each other in fast_ops.h. */
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

/* Settling. */

static bool is_home_shown(struct evm_translator *t, evm_value_id v)
{
    int home = t->values[v].home;
    return home >= t->low && home < t->top && *shown(t, home) == v;
}

static void put_constant(struct evm_translator *t, const struct u256 *constant, int place)
{
    enum kind kind = constant_kind(constant);
    size_t at = evm_emit(t, kind == KIND_k ? EVM_FAST_put_k : EVM_FAST_put_c);
    emit_constant(t, constant, kind);
    t->words[at + 1].result = offset_of(place);
    *touched(t, place) = (uint32_t)at;
}

static void copy_to(struct evm_translator *t, evm_value_id v, int place)
{
    bool accumulated = v == t->accumulator;
    size_t at = evm_emit(t, accumulated ? EVM_FAST_keep : EVM_FAST_move);
    if (!accumulated)
        t->words[at + 1].a = read_home(t, at, v);
    t->words[at + 1].result = offset_of(place);
    *touched(t, place) = (uint32_t)at;
}

/* Writes the value to the place, where nothing needs to stay. */
static void write_place(struct evm_translator *t, evm_value_id id, int place)
{
    struct evm_value *v = &t->values[id];
    bool only_copy = !is_home_shown(t, id);
    if (only_copy && v->op && *touched(t, place) <= v->made) {
        /* Its instruction can write there at once. */
        t->words[v->made + 1].result = offset_of(place);
        *touched(t, place) = v->made;
        set_home(t, id, place);
        return;
    }
    if (only_copy && id == t->accumulator)
        cancel_store(t, v);
    copy_to(t, id, place);
    if (only_copy)
        set_home(t, id, place);
}

enum progress { UNSETTLED, SETTLING, SETTLED };

static void settle_position(struct evm_translator *t, uint8_t *progress, int position);

/* Lets what lies in `place` and is still needed move on. */
static void vacate(struct evm_translator *t, uint8_t *progress, int place)
{
    evm_value_id v = resident(t, place);
    if (!v)
        return;
    unsigned needed = t->values[v].references;
    for (int p = t->low; p < t->top; p++) {
        if (*shown(t, p) != v)
            continue;
        settle_position(t, progress, p);
        needed -= progress[p - t->low] == SETTLED;
    }
    if (needed && resident(t, place) == v) /* held, or to go where it is in a circle */
        write_place(t, v, free_place(t, t->top));
}

static void settle_position(struct evm_translator *t, uint8_t *progress, int position)
{
    evm_value_id v = *shown(t, position);
    if (progress[position - t->low] != UNSETTLED || t->values[v].kind != EVM_VALUE_SLOT)
        return;
    progress[position - t->low] = SETTLING;
    if (t->values[v].home != position) {
        vacate(t, progress, position);
        write_place(t, v, position);
    }
    progress[position - t->low] = SETTLED;
}

void evm_settle(struct evm_translator *t)
{
    uint8_t progress[WINDOW_MAX] = {UNSETTLED};
    assert(t->top - t->low <= WINDOW_MAX);
    for (int p = t->low; p < t->top; p++)
        compute(t, *shown(t, p));
    for (int p = t->low; p < t->top; p++)
        settle_position(t, progress, p);
    for (int p = t->low; p < t->top; p++) {
        const struct u256 *constant = evm_constant(t, *shown(t, p));
        if (constant) {
            vacate(t, progress, p);
            put_constant(t, constant, p);
        }
    }
}

/* The ends of blocks. */

static void emit_target(struct evm_translator *t, const struct evm_target *target)
{
    *next_word(t) = (union evm_word){.target = target};
}

void evm_emit_fall(struct evm_translator *t)
{
    evm_settle(t);
    t->words[evm_emit(t, EVM_FAST_fall) + 1].result = offset_of(t->top);
}

void evm_emit_goto(struct evm_translator *t, const struct evm_target *target)
{
    evm_settle(t);
    t->words[evm_emit(t, EVM_FAST_goto) + 1].result = offset_of(t->top);
    emit_target(t, target);
}

void evm_emit_jump(struct evm_translator *t, evm_value_id destination)
{
    compute(t, destination);
    evm_settle(t);
    bool accumulated = destination == t->accumulator;
    size_t at = evm_emit(t, accumulated ? EVM_FAST_jump_a : EVM_FAST_jump_s);
    if (!accumulated)
        t->words[at + 1].a = read_home(t, at, destination);
    t->words[at + 1].result = offset_of(t->top);
    evm_release(t, destination);
}

void evm_emit_jump_if(struct evm_translator *t, const struct evm_target *target,
                      evm_value_id condition)
{
    struct evm_value *v = &t->values[condition];
    if (v->kind == EVM_VALUE_TRUTH && v->references > 1)
        compute(t, condition);
    if (v->kind == EVM_VALUE_CONSTANT)
        load_constant(t, condition);
    evm_settle(t);

    unsigned op;
    size_t at;
    if (v->kind != EVM_VALUE_TRUTH)
        at = emit_single(t, EVM_FAST_nonzero_s, FORMS_TRUTH, condition, &op);
    else if (v->one_operand)
        at = emit_single(t, v->comparison, FORMS_TRUTH, v->x, &op);
    else
        at = emit_pair(t, v->comparison, FORMS_TRUTH, v->x, v->y, &op);
    t->words[at].handler = t->code->handlers[op + FORM_JUMP];
    t->words[at + 1].result = offset_of(t->top);
    emit_target(t, target);
    evm_release(t, condition);
}

void evm_emit_jump_dynamic_if(struct evm_translator *t, evm_value_id destination,
                              evm_value_id condition)
{
    compute(t, destination);
    compute(t, condition);
    if (evm_constant(t, condition))
        load_constant(t, condition);
    evm_settle(t);
    size_t at = evm_emit(t, EVM_FAST_jumpi);
    t->words[at + 1].a = read_home(t, at, destination);
    t->words[at + 1].b = read_home(t, at, condition);
    t->words[at + 1].result = offset_of(t->top);
    evm_release(t, destination);
    evm_release(t, condition);
}

static bool are_free(struct evm_translator *t, int from, int count)
{
    for (int i = 0; i < count; i++)
        if (resident(t, from + i))
            return false;
    return true;
}

/* Whether the operands can lie from `place` on while the function runs: nobody else needs what is
 * there. */
static bool can_lie(struct evm_translator *t, const evm_value_id *operands, int count, int place)
{
    for (int i = 0; i < count; i++) {
        evm_value_id v = resident(t, place + i);
        if (v && (v != operands[i] || t->values[v].references > 1))
            return false;
    }
    return true;
}

/* Puts an operand where the function takes it from. */
static void lay(struct evm_translator *t, evm_value_id id, int place)
{
    struct evm_value *v = &t->values[id];
    if (v->kind == EVM_VALUE_CONSTANT) {
        put_constant(t, &v->constant, place);
    } else if (v->references > 1) { /* a copy: the function may overwrite it */
        copy_to(t, id, place);
    } else {
        if (v->home != place)
            write_place(t, id, place);
        v->op = 0;
    }
}

void evm_emit_inner(struct evm_translator *t, evm_heavy *function, int taken, bool has_result)
{
    evm_value_id operands[8]; /* the deepest first, as they lie */
    for (int i = taken; i-- > 0;)
        operands[i] = evm_pop(t);
    for (int i = 0; i < taken; i++)
        compute(t, operands[i]);
    int place = t->top, room = taken + has_result;
    if (!can_lie(t, operands, taken, place) || (taken == 0 && resident(t, place)))
        while (!are_free(t, place, room))
            place++;
    for (int i = 0; i < taken; i++)
        lay(t, operands[i], place + i);

    size_t at = evm_emit(t, EVM_FAST_inner);
    t->words[at + 1].a = offset_of(place + taken);
    *next_word(t) = (union evm_word){.heavy = function};
    t->accumulator = NO_VALUE;
    for (int i = 0; i < room; i++)
        *touched(t, place + i) = (uint32_t)at;
    for (int i = 0; i < taken; i++)
        evm_release(t, operands[i]);
    if (has_result) {
        evm_value_id v = id_of(t, new_value(t, EVM_VALUE_SLOT));
        set_home(t, v, place);
        evm_push(t, v);
    }
}

void evm_emit_heavy(struct evm_translator *t, evm_heavy *function)
{
    evm_settle(t);
    t->words[evm_emit(t, EVM_FAST_heavy) + 1].result = offset_of(t->top);
    *next_word(t) = (union evm_word){.heavy = function};
}
