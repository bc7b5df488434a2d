#include "evm/fast/translator.h"

static bool is_home_shown(struct evm_translator *t, evm_value_id v)
{
    int home = t->values[v].home;
    return home >= t->low && home < t->top && *evm_shown(t, home) == v;
}

static void put_constant(struct evm_translator *t, const struct u256 *constant, int place)
{
    enum evm_operand_kind kind = evm_constant_kind(constant);
    size_t at = evm_emit(t, kind == KIND_k ? EVM_FAST_put_k : EVM_FAST_put_c);
    evm_emit_constant(t, constant, kind);
    t->words[at + 1].result = evm_offset_of(place);
}

static void copy_to(struct evm_translator *t, evm_value_id v, int place)
{
    bool accumulated = v == t->accumulator;
    size_t at = evm_emit(t, accumulated ? EVM_FAST_keep : EVM_FAST_move);
    if (!accumulated)
        t->words[at + 1].a = evm_read_home(t, v);
    t->words[at + 1].result = evm_offset_of(place);
}

/* Writes the value to the place, where nothing needs to stay. */
static void write_place(struct evm_translator *t, evm_value_id id, int place)
{
    struct evm_value *v = &t->values[id];
    bool only_copy = !is_home_shown(t, id);
    if (only_copy && id == t->accumulator)
        evm_cancel_store(t, v);
    copy_to(t, id, place);
    if (only_copy)
        evm_set_home(t, id, place);
}

enum progress { UNSETTLED, SETTLING, SETTLED };

static void settle_position(struct evm_translator *t, uint8_t *progress, int position);

/* Lets what lies in `place` and is still needed move on. */
static void vacate(struct evm_translator *t, uint8_t *progress, int place)
{
    evm_value_id v = evm_resident(t, place);
    if (!v)
        return;
    unsigned needed = t->values[v].references;
    for (int p = t->low; p < t->top; p++) {
        if (*evm_shown(t, p) != v)
            continue;
        settle_position(t, progress, p);
        needed -= progress[p - t->low] == SETTLED;
    }
    if (needed && evm_resident(t, place) == v) /* held, or to go where it is in a circle */
        write_place(t, v, evm_free_place(t, t->top));
}

static void settle_position(struct evm_translator *t, uint8_t *progress, int position)
{
    evm_value_id v = *evm_shown(t, position);
    if (progress[position - t->low] != UNSETTLED || t->values[v].kind != EVM_VALUE_SLOT)
        return;
    progress[position - t->low] = SETTLING;
    if (t->values[v].home != position) {
        vacate(t, progress, position);
        write_place(t, v, position);
    }
    progress[position - t->low] = SETTLED;
}

/* Brings every value to the positions that show it, and nothing else may be noted. */
static void settle(struct evm_translator *t)
{
    uint8_t progress[WINDOW_MAX] = {UNSETTLED};
    assert(t->top - t->low <= WINDOW_MAX);
    for (int p = t->low; p < t->top; p++)
        evm_compute(t, *evm_shown(t, p));
    for (int p = t->low; p < t->top; p++)
        settle_position(t, progress, p);
    for (int p = t->low; p < t->top; p++) {
        const struct u256 *constant = evm_constant(t, *evm_shown(t, p));
        if (constant) {
            vacate(t, progress, p);
            put_constant(t, constant, p);
        }
    }
}

/* The ends of blocks. */

static void emit_target(struct evm_translator *t, const struct evm_target *target)
{
    *evm_next_word(t) = (union evm_word){.target = target};
}

void evm_emit_fall(struct evm_translator *t)
{
    settle(t);
    t->words[evm_emit(t, EVM_FAST_fall) + 1].result = evm_offset_of(t->top);
}

void evm_emit_goto(struct evm_translator *t, const struct evm_target *target)
{
    settle(t);
    t->words[evm_emit(t, EVM_FAST_goto) + 1].result = evm_offset_of(t->top);
    emit_target(t, target);
}

void evm_emit_jump(struct evm_translator *t, evm_value_id destination)
{
    evm_compute(t, destination);
    settle(t);
    bool accumulated = destination == t->accumulator;
    size_t at = evm_emit(t, accumulated ? EVM_FAST_jump_a : EVM_FAST_jump_s);
    if (!accumulated)
        t->words[at + 1].a = evm_read_home(t, destination);
    t->words[at + 1].result = evm_offset_of(t->top);
    evm_release(t, destination);
}

void evm_emit_jump_if(struct evm_translator *t, const struct evm_target *target,
                      evm_value_id condition)
{
    struct evm_value *v = &t->values[condition];
    if (v->kind == EVM_VALUE_TRUTH && v->references > 1)
        evm_compute(t, condition);
    if (v->kind == EVM_VALUE_CONSTANT)
        evm_load_constant(t, condition);
    settle(t);

    unsigned op;
    size_t at;
    if (v->kind != EVM_VALUE_TRUTH)
        at = evm_emit_single_form(t, EVM_FAST_nonzero_s, FORMS_TRUTH, condition, &op);
    else if (v->one_operand)
        at = evm_emit_single_form(t, v->comparison, FORMS_TRUTH, v->x, &op);
    else
        at = evm_emit_pair_form(t, v->comparison, FORMS_TRUTH, v->x, v->y, &op);
    t->words[at].handler = t->code->handlers[op + FORM_JUMP];
    t->words[at + 1].result = evm_offset_of(t->top);
    emit_target(t, target);
    evm_release(t, condition);
}

void evm_emit_jump_dynamic_if(struct evm_translator *t, evm_value_id destination,
                              evm_value_id condition)
{
    evm_compute(t, destination);
    evm_compute(t, condition);
    if (evm_constant(t, condition))
        evm_load_constant(t, condition);
    settle(t);
    size_t at = evm_emit(t, EVM_FAST_jumpi);
    t->words[at + 1].a = evm_read_home(t, destination);
    t->words[at + 1].b = evm_read_home(t, condition);
    t->words[at + 1].result = evm_offset_of(t->top);
    evm_release(t, destination);
    evm_release(t, condition);
}

static bool are_free(struct evm_translator *t, int from, int count)
{
    for (int i = 0; i < count; i++)
        if (evm_resident(t, from + i))
            return false;
    return true;
}

/* Whether the operands can lie from `place` on while the function runs: nobody else needs what is
 * there. */
static bool can_lie(struct evm_translator *t, const evm_value_id *operands, int count, int place)
{
    for (int i = 0; i < count; i++) {
        evm_value_id v = evm_resident(t, place + i);
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
        evm_compute(t, operands[i]);
    int place = t->top, room = taken + has_result;
    if (!can_lie(t, operands, taken, place) || (taken == 0 && evm_resident(t, place)))
        while (!are_free(t, place, room))
            place++;
    for (int i = 0; i < taken; i++)
        lay(t, operands[i], place + i);

    size_t at = evm_emit(t, EVM_FAST_inner);
    t->words[at + 1].a = evm_offset_of(place + taken);
    *evm_next_word(t) = (union evm_word){.heavy = function};
    t->accumulator = NO_VALUE;
    for (int i = 0; i < taken; i++)
        evm_release(t, operands[i]);
    if (has_result) {
        evm_value_id v = evm_id_of(t, evm_new_value(t, EVM_VALUE_SLOT));
        evm_set_home(t, v, place);
        evm_push(t, v);
    }
}

void evm_emit_heavy(struct evm_translator *t, evm_heavy *function)
{
    settle(t);
    t->words[evm_emit(t, EVM_FAST_heavy) + 1].result = evm_offset_of(t->top);
    *evm_next_word(t) = (union evm_word){.heavy = function};
}
