#include "rpc/graphql/check.h"

#include "rpc/json/json.h"

#include <stdarg.h>
#include <stdio.h>

bool rpc_gql_error_begin(struct gql_errors *errors, struct bytes text)
{
    if (++errors->count > GQL_ERRORS_MAX)
        return false;
    if (errors->count > 1)
        buf_append_byte(&errors->list, ',');
    buf_append_text(&errors->list, "{\"message\":");
    rpc_json_write_string(&errors->list, text);
    return true;
}

static void append_place(struct buf *b, struct gql_location at, bool first)
{
    if (at.line)
        buf_append_format(b, "%s{\"line\":%u,\"column\":%u}", first ? ",\"locations\":[" : ",",
                          at.line, at.column);
}

void rpc_gql_error_at(struct gql_errors *errors, struct gql_location first,
                      struct gql_location second, const char *format, ...)
{
    char text[2048];
    va_list list;
    va_start(list, format);
    int len = vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    if (!rpc_gql_error_begin(errors, bytes_of(text, len < 0 ? 0 : strnlen(text, sizeof(text)))))
        return;
    append_place(&errors->list, first, true);
    append_place(&errors->list, second, false);
    buf_append_text(&errors->list, first.line ? "]}" : "}");
}

/* --- Arguments and directives --- */

static void check_argument(struct gql_check *check, const struct gql_argument *argument,
                           const struct gql_input *input)
{
    struct buf why = BUF_INIT, value = BUF_INIT;
    if (!rpc_gql_fits(check, &argument->value, bytes_str(input->type), &why)) {
        rpc_gql_append_value(&value, &argument->value);
        rpc_gql_error_at(check->errors, argument->value.at, GQL_NOWHERE,
                         "Argument \"%s\" has invalid value %.*s.\n%s", input->name,
                         GQL_TEXT(buf_bytes(&value)), buf_text(&why));
    }
    buf_release(&why);
    buf_release(&value);
}

/* What has the arguments is told as, for example, "field "block" of type "Query"", and as "Field "block"". */
static void check_arguments(struct gql_check *check, const struct gql_argument *list,
                            const struct gql_input *inputs, size_t input_count,
                            struct gql_location at, const char *owner, const char *short_owner)
{
    for (const struct gql_argument *a = list; a; a = a->next) {
        const struct gql_input *input = rpc_gql_input(inputs, input_count, a->name.text);
        const struct gql_argument *first = list;
        while (!bytes_equal(first->name.text, a->name.text))
            first = first->next;
        if (first != a)
            rpc_gql_error_at(check->errors, first->name.at, a->name.at,
                             "There can be only one argument named \"%.*s\".",
                             GQL_TEXT(a->name.text));
        rpc_gql_check_literal(check, &a->value);
        if (input)
            check_argument(check, a, input);
        else
            rpc_gql_error_at(check->errors, a->name.at, GQL_NOWHERE,
                             "Unknown argument \"%.*s\" on %s.", GQL_TEXT(a->name.text), owner);
    }
    for (size_t i = 0; i < input_count; i++)
        if (gql_is_non_null(bytes_str(inputs[i].type)) && !rpc_gql_argument(list, inputs[i].name))
            rpc_gql_error_at(check->errors, at, GQL_NOWHERE,
                             "%s argument \"%s\" of type \"%s\" is required but not provided.",
                             short_owner, inputs[i].name, inputs[i].type);
}

static bool may_stand(const struct gql_directive_type *type, const char *place)
{
    for (size_t i = 0; i < type->place_count; i++)
        if (strcmp(type->places[i], place) == 0)
            return true;
    return false;
}

static void check_directives(struct gql_check *check, const struct gql_directive *list,
                             const char *place)
{
    for (const struct gql_directive *d = list; d; d = d->next) {
        const struct gql_directive_type *type = rpc_gql_directive_type(d->name.text);
        const struct gql_directive *first = list;
        char owner[300], short_owner[300];
        while (!bytes_equal(first->name.text, d->name.text))
            first = first->next;
        if (first != d)
            rpc_gql_error_at(check->errors, first->name.at, d->name.at,
                             "The directive \"%.*s\" can only be used once at this location.",
                             GQL_TEXT(d->name.text));
        if (!type) {
            rpc_gql_error_at(check->errors, d->name.at, GQL_NOWHERE, "Unknown directive \"%.*s\".",
                             GQL_TEXT(d->name.text));
            continue;
        }
        if (!may_stand(type, place))
            rpc_gql_error_at(check->errors, d->name.at, GQL_NOWHERE,
                             "Directive \"%s\" may not be used on %s.", type->name, place);
        snprintf(owner, sizeof(owner), "directive \"@%s\"", type->name);
        snprintf(short_owner, sizeof(short_owner), "Directive \"@%s\"", type->name);
        check_arguments(check, d->arguments, type->inputs, type->input_count, d->name.at, owner,
                        short_owner);
    }
}

/* --- Selections --- */

static void check_set(struct gql_check *check, const struct gql_selection *set,
                      const struct gql_type *type);

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters are to be put in, taken out or changed (Levenshtein); SIZE_MAX for long names. */
static size_t distance(struct bytes from, struct bytes to)
{
    size_t column[GQL_SUGGESTED_MAX + 1];
    if (from.len > GQL_SUGGESTED_MAX)
        return SIZE_MAX;
    for (size_t y = 0; y <= from.len; y++)
        column[y] = y;
    for (size_t x = 0; x < to.len; x++) {
        size_t diagonal = x;
        column[0] = x + 1;
        for (size_t y = 0; y < from.len; y++) {
            size_t old = column[y + 1];
            column[y + 1] =
                least(least(old, column[y]) + 1, diagonal + (from.data[y] != to.data[x]));
            diagonal = old;
        }
    }
    return column[from.len];
}

/* How far the field's name is from the one that was written; SIZE_MAX: too far to be meant. */
static size_t how_far(const struct gql_field *field, struct bytes name)
{
    struct bytes other = bytes_str(field->name);
    size_t far = distance(name, other), half = other.len / 2 > 1 ? other.len / 2 : 1;
    return far < (name.len / 2 > half ? name.len / 2 : half) ? far : SIZE_MAX;
}

/* The names that are near the one that was written, nearest first. */
static void append_suggestion(struct buf *b, const struct gql_type *type, struct bytes name)
{
    size_t count = 0, said = 0;
    for (size_t i = 0; i < type->field_count; i++)
        count += how_far(&type->fields[i], name) != SIZE_MAX;
    for (size_t far = 0; said < count; far++)
        for (size_t i = 0; i < type->field_count; i++) {
            if (how_far(&type->fields[i], name) != far)
                continue;
            buf_append_format(b, "%s%s\"%s\"", said ? ", " : " Did you mean ",
                              count > 1 && said + 1 == count ? "or " : "", type->fields[i].name);
            said++;
        }
    if (count)
        buf_append_byte(b, '?');
}

static void refuse_field(struct gql_check *check, const struct gql_selection *field,
                         const struct gql_type *type)
{
    struct buf more = BUF_INIT;
    append_suggestion(&more, type, field->name.text);
    rpc_gql_error_at(check->errors, field->at, GQL_NOWHERE,
                     "Cannot query field \"%.*s\" on type \"%s\".%s", GQL_TEXT(field->name.text),
                     type->name, buf_text(&more));
    buf_release(&more);
}

static void check_known_field(struct gql_check *check, const struct gql_selection *selection,
                              const struct gql_field *field, const struct gql_type *type)
{
    const struct gql_type *inner = rpc_gql_type(rpc_gql_bare(bytes_str(field->type)));
    bool has_fields = inner && inner->kind == GQL_TYPE_OBJECT;
    char owner[300], short_owner[300];
    snprintf(owner, sizeof(owner), "field \"%s\" of type \"%s\"", field->name,
             type ? type->name : "");
    snprintf(short_owner, sizeof(short_owner), "Field \"%s\"", field->name);
    check_arguments(check, selection->arguments, field->inputs, field->input_count, selection->at,
                    owner, short_owner);
    if (has_fields && !selection->set)
        rpc_gql_error_at(check->errors, selection->at, GQL_NOWHERE,
                         "Field \"%s\" of type \"%s\" must have a selection of subfields. Did you "
                         "mean \"%s { ... }\"?",
                         field->name, field->type, field->name);
    if (!has_fields && selection->set)
        rpc_gql_error_at(
            check->errors, selection->set_at, GQL_NOWHERE,
            "Field \"%s\" must not have a selection since type \"%s\" has no subfields.",
            field->name, field->type);
    check_set(check, selection->set, inner);
}

static void check_field(struct gql_check *check, const struct gql_selection *selection,
                        const struct gql_type *type)
{
    const struct gql_field *field = rpc_gql_field(type, selection->name.text);
    check_directives(check, selection->directives, "FIELD");
    if (field) {
        check_known_field(check, selection, field, type);
        return;
    }
    if (type)
        refuse_field(check, selection, type);
    for (const struct gql_argument *a = selection->arguments; a; a = a->next)
        rpc_gql_check_literal(check, &a->value);
    check_set(check, selection->set, NULL);
}

static void check_spread(struct gql_check *check, const struct gql_selection *spread,
                         const struct gql_type *type)
{
    const struct gql_fragment *fragment = rpc_gql_fragment(check->document, spread->name.text);
    const struct gql_type *on = fragment ? rpc_gql_type(fragment->on.text) : NULL;
    check_directives(check, spread->directives, "FRAGMENT_SPREAD");
    if (!fragment)
        rpc_gql_error_at(check->errors, spread->name.at, GQL_NOWHERE, "Unknown fragment \"%.*s\".",
                         GQL_TEXT(spread->name.text));
    else if (type && on && on != type)
        rpc_gql_error_at(check->errors, spread->at, GQL_NOWHERE,
                         "Fragment \"%.*s\" cannot be spread here as objects of type \"%s\" can "
                         "never be of type \"%s\".",
                         GQL_TEXT(spread->name.text), type->name, on->name);
}

/* The type that a fragment is on; NULL when it is none that has fields. */
static const struct gql_type *check_on(struct gql_check *check, const struct gql_name *on,
                                       const char *what, struct bytes name)
{
    const struct gql_type *type = rpc_gql_type(on->text);
    if (!type) {
        rpc_gql_error_at(check->errors, on->at, GQL_NOWHERE, "Unknown type \"%.*s\".",
                         GQL_TEXT(on->text));
    } else if (type->kind != GQL_TYPE_OBJECT) {
        rpc_gql_error_at(check->errors, on->at, GQL_NOWHERE,
                         "Fragment%s%.*s%s cannot condition on non composite type \"%s\".", what,
                         GQL_TEXT(name), what[0] ? "\"" : "", type->name);
        type = NULL;
    }
    return type;
}

static void check_inline(struct gql_check *check, const struct gql_selection *fragment,
                         const struct gql_type *type)
{
    check_directives(check, fragment->directives, "INLINE_FRAGMENT");
    if (fragment->on.text.len) {
        const struct gql_type *on = check_on(check, &fragment->on, "", bytes_none());
        if (type && on && on != type)
            rpc_gql_error_at(check->errors, fragment->at, GQL_NOWHERE,
                             "Fragment cannot be spread here as objects of type \"%s\" can never "
                             "be of type \"%s\".",
                             type->name, on->name);
        type = on;
    }
    check_set(check, fragment->set, type);
}

static void check_set(struct gql_check *check, const struct gql_selection *set,
                      const struct gql_type *type)
{
    for (const struct gql_selection *s = set; s; s = s->next) {
        if (s->kind == GQL_FIELD)
            check_field(check, s, type);
        else if (s->kind == GQL_SPREAD)
            check_spread(check, s, type);
        else
            check_inline(check, s, type);
    }
}

/* --- Fragments --- */

/* Those beyond the depth that find_cycle allows are refused there. */
static void mark_used(struct gql_check *check, const struct gql_selection *set, unsigned depth)
{
    for (const struct gql_selection *s = set; s; s = s->next) {
        struct gql_fragment *fragment =
            s->kind == GQL_SPREAD ? rpc_gql_fragment(check->document, s->name.text) : NULL;
        mark_used(check, s->set, depth);
        if (!fragment || fragment->is_used || depth > GQL_SPREADS_MAX)
            continue;
        fragment->is_used = true;
        mark_used(check, fragment->set, depth + 1);
    }
}

/* Whether a fragment comes back to one that is open. */
static void find_cycle(struct gql_check *check, const struct gql_selection *set, unsigned depth)
{
    for (const struct gql_selection *s = set; s; s = s->next) {
        struct gql_fragment *fragment =
            s->kind == GQL_SPREAD ? rpc_gql_fragment(check->document, s->name.text) : NULL;
        find_cycle(check, s->set, depth);
        if (!fragment || fragment->is_closed)
            continue;
        if (fragment->is_open || depth > GQL_SPREADS_MAX) {
            rpc_gql_error_at(check->errors, s->at, GQL_NOWHERE,
                             fragment->is_open
                                 ? "Cannot spread fragment \"%.*s\" within itself."
                                 : "Fragment \"%.*s\" is spread too deep within others.",
                             GQL_TEXT(fragment->name.text));
            fragment->is_closed = true;
            continue;
        }
        fragment->is_open = true;
        find_cycle(check, fragment->set, depth + 1);
        fragment->is_open = false;
        fragment->is_closed = true;
    }
}

static void check_fragments(struct gql_check *check)
{
    for (struct gql_fragment *f = check->document->fragments; f; f = f->next) {
        const struct gql_fragment *first = rpc_gql_fragment(check->document, f->name.text);
        if (first != f)
            rpc_gql_error_at(check->errors, first->name.at, f->name.at,
                             "There can be only one fragment named \"%.*s\".",
                             GQL_TEXT(f->name.text));
        check_directives(check, f->directives, "FRAGMENT_DEFINITION");
        check_set(check, f->set, check_on(check, &f->on, " \"", f->name.text));
        f->is_open = true;
        find_cycle(check, f->set, 0);
        f->is_open = false;
        f->is_closed = true;
    }
    for (const struct gql_fragment *f = check->document->fragments; f; f = f->next)
        if (!f->is_used)
            rpc_gql_error_at(check->errors, f->at, GQL_NOWHERE, "Fragment \"%.*s\" is never used.",
                             GQL_TEXT(f->name.text));
}

/* --- Operations --- */

static void check_preset(struct gql_check *check, const struct gql_variable *v)
{
    struct buf why = BUF_INIT, value = BUF_INIT;
    rpc_gql_check_literal(check, v->preset);
    if (gql_is_non_null(v->type))
        rpc_gql_error_at(check->errors, v->preset->at, GQL_NOWHERE,
                         "Variable \"$%.*s\" of type \"%.*s\" is required and will not use the "
                         "default value. Perhaps you meant to use type \"%.*s\".",
                         GQL_TEXT(v->name.text), GQL_TEXT(v->type),
                         GQL_TEXT(gql_nullable(v->type)));
    if (!rpc_gql_fits(check, v->preset, v->type, &why)) {
        rpc_gql_append_value(&value, v->preset);
        rpc_gql_error_at(check->errors, v->preset->at, GQL_NOWHERE,
                         "Variable \"$%.*s\" of type \"%.*s\" has invalid default value %.*s.\n%s",
                         GQL_TEXT(v->name.text), GQL_TEXT(v->type), GQL_TEXT(buf_bytes(&value)),
                         buf_text(&why));
    }
    buf_release(&why);
    buf_release(&value);
}

static void check_variables(struct gql_check *check, const struct gql_value *given)
{
    for (struct gql_variable *v = check->operation->variables; v; v = v->next) {
        const struct gql_type *type = rpc_gql_type(rpc_gql_bare(v->type));
        const struct gql_variable *first = rpc_gql_variable(check->operation, v->name.text);
        if (first != v)
            rpc_gql_error_at(check->errors, first->name.at, v->name.at,
                             "There can be only one variable named \"%.*s\".",
                             GQL_TEXT(v->name.text));
        if (!type)
            rpc_gql_error_at(check->errors, v->type_at, GQL_NOWHERE, "Unknown type \"%.*s\".",
                             GQL_TEXT(rpc_gql_bare(v->type)));
        else if (type->kind == GQL_TYPE_OBJECT)
            rpc_gql_error_at(check->errors, v->type_at, GQL_NOWHERE,
                             "Variable \"$%.*s\" cannot be non-input type \"%.*s\".",
                             GQL_TEXT(v->name.text), GQL_TEXT(v->type));
        const struct gql_value *value = rpc_gql_member(given, v->name.text);
        if (type)
            rpc_gql_check_given(check, v, value, v->type);
        if (v->preset)
            check_preset(check, v);
    }
}

static void check_operation(struct gql_check *check, const struct gql_value *given)
{
    static const char *const places[] = {"QUERY", "MUTATION", "SUBSCRIPTION"};
    const struct gql_operation *operation = check->operation;
    const struct gql_operation *other = check->document->operations;
    bool alone = !other->next;
    if (!operation->name.text.len && !alone)
        rpc_gql_error_at(check->errors, operation->at, GQL_NOWHERE,
                         "This anonymous operation must be the only defined operation.");
    while (!bytes_equal(other->name.text, operation->name.text))
        other = other->next;
    if (operation->name.text.len && other != operation)
        rpc_gql_error_at(check->errors, other->name.at, operation->name.at,
                         "There can be only one operation named \"%.*s\".",
                         GQL_TEXT(operation->name.text));
    check_directives(check, operation->directives, places[operation->kind]);
    check_variables(check, given);
    check_set(check, operation->set,
              operation->kind == GQL_QUERY      ? &rpc_gql_query
              : operation->kind == GQL_MUTATION ? &rpc_gql_mutation
                                                : NULL);
    mark_used(check, operation->set, 0);
}

void rpc_gql_check(struct gql_errors *errors, struct gql_document *document,
                   const struct gql_value *given)
{
    struct gql_check check = {.errors = errors, .document = document};
    for (struct gql_operation *o = document->operations; o; o = o->next) {
        check.operation = o;
        check_operation(&check, given);
    }
    check.operation = document->operations; /* in fragments the first one's variables are meant */
    check_fragments(&check);
    for (const struct gql_operation *o = document->operations; o; o = o->next)
        for (const struct gql_variable *v = o->variables; v; v = v->next)
            if (!v->is_used && (o == document->operations || !document->fragments))
                rpc_gql_error_at(errors, v->at, GQL_NOWHERE,
                                 "Variable \"$%.*s\" is never used%s%.*s%s.",
                                 GQL_TEXT(v->name.text), o->name.text.len ? " in operation \"" : "",
                                 GQL_TEXT(o->name.text), o->name.text.len ? "\"" : "");
}
