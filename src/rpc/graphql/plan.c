#include "rpc/graphql/plan.h"

struct planning {
    struct gql_errors *errors;
    const struct gql_document *document;
    const struct gql_value *given;
    struct arena *arena;
    size_t count;
    unsigned depth;
    int status; /* of this machine */
    bool bad;   /* something was appended that leaves no plan */
};

/* --- Directives --- */

static bool condition(struct planning *p, const struct gql_directive *directive)
{
    const struct gql_argument *argument = rpc_gql_argument(directive->arguments, "if");
    const struct gql_value *value = &argument->value;
    if (value->kind == GQL_VARIABLE)
        value = rpc_gql_member(p->given, value->text);
    return value && gql_is(value->text, "true");
}

static bool is_left_out(struct planning *p, const struct gql_directive *list)
{
    const struct gql_directive *skip = rpc_gql_directive(list, "skip");
    const struct gql_directive *include = rpc_gql_directive(list, "include");
    return (skip && condition(p, skip)) || (include && !condition(p, include));
}

/* --- Fields of one name --- */

static bool same_value(const struct gql_value *a, const struct gql_value *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind != GQL_LIST && a->kind != GQL_OBJECT)
        return bytes_equal(a->text, b->text);
    const struct gql_value *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next)
        if (!bytes_equal(x->key, y->key) || !same_value(x, y))
            return false;
    return !x && !y;
}

static bool same_arguments(const struct gql_argument *a, const struct gql_argument *b)
{
    size_t ours = 0, theirs = 0;
    for (const struct gql_argument *x = b; x; x = x->next)
        theirs++;
    for (; a; a = a->next, ours++) {
        const struct gql_argument *other = b;
        while (other && !bytes_equal(other->name.text, a->name.text))
            other = other->next;
        if (!other || !same_value(&a->value, &other->value))
            return false;
    }
    return ours == theirs;
}

/* Whether values of both types look alike: lists, or never null, or the same scalar; objects do whatever they are. */
static bool may_be_one(struct bytes a, struct bytes b)
{
    bool both_lists = gql_is_list(a) && gql_is_list(b);
    if (gql_is_non_null(a) != gql_is_non_null(b))
        return false;
    a = gql_nullable(a);
    b = gql_nullable(b);
    if (gql_is_list(a) != gql_is_list(b))
        return false;
    if (both_lists)
        return may_be_one(gql_element(a), gql_element(b));
    const struct gql_type *ours = rpc_gql_type(a), *theirs = rpc_gql_type(b);
    return ours == theirs || (ours->kind == GQL_TYPE_OBJECT && theirs->kind == GQL_TYPE_OBJECT);
}

/* Whether both may stand for the one name in the answer. */
static bool may_join(struct planning *p, const struct gql_plan *there,
                     const struct gql_selection *selection, const struct gql_type *type)
{
    const struct gql_selection *first = there->selection;
    bool same_name = bytes_equal(first->name.text, selection->name.text);
    if (same_name && same_arguments(first->arguments, selection->arguments))
        return true;
    struct bytes ours = bytes_str(there->field->type);
    struct bytes theirs = bytes_str(rpc_gql_field(type, selection->name.text)->type);
    p->bad = true;
    if (!may_be_one(ours, theirs))
        rpc_gql_error_at(p->errors, first->at, selection->at,
                         "Fields \"%.*s\" conflict because they return conflicting types %.*s and "
                         "%.*s. Use different aliases on the fields to fetch both if this was "
                         "intentional.",
                         GQL_TEXT(there->alias), GQL_TEXT(ours), GQL_TEXT(theirs));
    else if (same_name)
        rpc_gql_error_at(p->errors, first->at, selection->at,
                         "Fields \"%.*s\" conflict because they have differing arguments. Use "
                         "different aliases on the fields to fetch both if this was intentional.",
                         GQL_TEXT(there->alias));
    else
        rpc_gql_error_at(p->errors, first->at, selection->at,
                         "Fields \"%.*s\" conflict because %.*s and %.*s are different fields. Use "
                         "different aliases on the fields to fetch both if this was intentional.",
                         GQL_TEXT(there->alias), GQL_TEXT(first->name.text),
                         GQL_TEXT(selection->name.text));
    return false;
}

/* --- Sets --- */

/* False: no argument of it is any good, or there is no memory. */
static bool read_arguments(struct planning *p, struct gql_plan *plan)
{
    struct gql_value **end = &plan->arguments;
    struct err_detail detail = {""};
    for (const struct gql_argument *a = plan->selection->arguments; a; a = a->next) {
        const struct gql_input *input =
            rpc_gql_input(plan->field->inputs, plan->field->input_count, a->name.text);
        int status = rpc_gql_coerce(end, &a->value, input, bytes_str(input->type), p->given,
                                    p->arena, &detail);
        if (status == ERR_INPUT)
            rpc_gql_error_at(p->errors, GQL_NOWHERE, GQL_NOWHERE, "%s", detail.text);
        else if (status)
            p->status = status;
        if (status)
            return false;
        if (!*end)
            continue;
        (*end)->key = a->name.text;
        end = &(*end)->next;
    }
    return true;
}

static bool is_within_limits(struct planning *p, const struct gql_selection *selection)
{
    if (++p->count > GQL_PLAN_MAX)
        rpc_gql_error_at(p->errors, selection->at, GQL_NOWHERE,
                         "the query has more than %d fields, those of fragments counted wherever "
                         "they are spread",
                         GQL_PLAN_MAX);
    else if (p->depth > GQL_DEPTH_MAX)
        rpc_gql_error_at(p->errors, selection->at, GQL_NOWHERE,
                         "the query has fields more than %d levels deep", GQL_DEPTH_MAX);
    else
        return true;
    p->bad = true;
    return false;
}

static bool add_set(struct planning *p, struct gql_plan **list, const struct gql_selection *set,
                    const struct gql_type *type);

static bool add_field(struct planning *p, struct gql_plan **list,
                      const struct gql_selection *selection, const struct gql_type *type)
{
    while (*list && !bytes_equal((*list)->alias, selection->alias))
        list = &(*list)->next;
    struct gql_plan *plan = *list;
    if (plan && !may_join(p, plan, selection, type))
        return false;
    if (!plan) {
        if (!is_within_limits(p, selection))
            return false;
        plan = arena_alloc_zeroed(p->arena, 1, sizeof(*plan));
        if (!plan) {
            p->status = ERR_NOMEM;
            return false;
        }
        *plan = (struct gql_plan){.field = rpc_gql_field(type, selection->name.text),
                                  .type = type,
                                  .selection = selection,
                                  .alias = selection->alias};
        if (!read_arguments(p, plan))
            return false;
        *list = plan;
    }
    p->depth++;
    bool good = add_set(p, &plan->set, selection->set,
                        rpc_gql_type(rpc_gql_bare(bytes_str(plan->field->type))));
    p->depth--;
    return good;
}

/* Up to a field whose arguments are wrong. False when there is no plan at all. */
static bool add_set(struct planning *p, struct gql_plan **list, const struct gql_selection *set,
                    const struct gql_type *type)
{
    for (const struct gql_selection *s = set; s; s = s->next) {
        const struct gql_fragment *fragment =
            s->kind == GQL_SPREAD ? rpc_gql_fragment(p->document, s->name.text) : NULL;
        bool good = true;
        if (is_left_out(p, s->directives))
            continue;
        if (s->kind == GQL_FIELD)
            good = add_field(p, list, s, type);
        else
            good = add_set(p, list, fragment ? fragment->set : s->set, type);
        if (!good)
            return !p->bad && !p->status;
    }
    return true;
}

int rpc_gql_plan(struct gql_plan **ret_plan, struct gql_errors *errors,
                 const struct gql_document *document, const struct gql_operation *operation,
                 const struct gql_value *given, struct arena *arena)
{
    struct planning p = {.errors = errors, .document = document, .given = given, .arena = arena};
    *ret_plan = NULL;
    add_set(&p, ret_plan, operation->set,
            operation->kind == GQL_MUTATION ? &rpc_gql_mutation : &rpc_gql_query);
    if (p.status)
        return p.status;
    return p.bad ? ERR_INPUT : 0;
}
