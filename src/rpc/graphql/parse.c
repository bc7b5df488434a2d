/* From tokens to a tree. Each function leaves the lexer behind what it read; after a failure nothing more is read. */
#include "rpc/graphql/lexer.h"

#include <stdarg.h>
#include <stdio.h>

struct parser {
    struct gql_lexer lexer;
    struct arena *arena;
    struct err_detail *detail;
    size_t nodes;
    unsigned depth;
    int status;
};

/* --- Failures --- */

static bool fail(struct parser *p, const char *format, ...) BASE_PRINTF(2, 3);

/* The first failure stays. */
static bool fail(struct parser *p, const char *format, ...)
{
    char text[400];
    va_list list;
    if (p->status)
        return false;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    p->status = err_set(p->detail, ERR_INPUT, "syntax error: %s", text);
    return false;
}

static bool unexpected(struct parser *p, const char *wanted)
{
    struct bytes span = p->lexer.span;
    if (p->lexer.token == GQL_TOKEN_BAD)
        return fail(p, "%s", p->lexer.why);
    if (p->lexer.token == GQL_TOKEN_STRING) /* as Go quotes what has quotes */
        return fail(p, "unexpected \"\\\"%.*s\\\"\", expecting %s",
                    (int)(span.len > 102 ? 100 : span.len - 2), (const char *)span.data + 1,
                    wanted);
    return fail(p, "unexpected \"%.*s\", expecting %s", (int)(span.len > 100 ? 100 : span.len),
                (const char *)span.data, wanted);
}

static void *node(struct parser *p, size_t size)
{
    void *made = NULL;
    if (p->status)
        return NULL;
    if (++p->nodes > GQL_NODES_MAX)
        fail(p, "the document has more than %d parts", GQL_NODES_MAX);
    else if (!(made = arena_alloc_zeroed(p->arena, 1, size)))
        p->status = ERR_NOMEM;
    return made;
}

/* --- Tokens --- */

static bool next(struct parser *p)
{
    rpc_gql_next(&p->lexer);
    return p->lexer.token != GQL_TOKEN_BAD || fail(p, "%s", p->lexer.why);
}

static bool is_sign(const struct parser *p, char sign)
{
    return !p->status && gql_at_sign(&p->lexer, sign);
}

static bool take_sign(struct parser *p, char sign)
{
    const char wanted[] = {'"', sign, '"', '\0'};
    if (p->status)
        return false;
    return gql_at_sign(&p->lexer, sign) ? next(p) : unexpected(p, wanted);
}

static bool take_name(struct parser *p, struct gql_name *ret_name)
{
    if (p->status)
        return false;
    if (p->lexer.token != GQL_TOKEN_NAME)
        return unexpected(p, "Ident");
    *ret_name = (struct gql_name){p->lexer.span, p->lexer.at};
    return next(p);
}

/* Into a list, a set or an object; false when it is too deep. */
static bool enter(struct parser *p)
{
    return ++p->depth <= GQL_DEPTH_MAX || fail(p, "nested more than %d levels deep", GQL_DEPTH_MAX);
}

/* --- Values --- */

static bool take_value(struct parser *p, struct gql_value *value, bool constant);

static bool take_items(struct parser *p, struct gql_value *value, bool constant)
{
    struct gql_value **end = &value->first;
    value->kind = GQL_LIST;
    next(p);
    while (!p->status && !is_sign(p, ']')) {
        struct gql_value *item = node(p, sizeof(*item));
        if (!item || !take_value(p, item, constant))
            return false;
        *end = item;
        end = &item->next;
    }
    return take_sign(p, ']');
}

static bool take_members(struct parser *p, struct gql_value *value, bool constant)
{
    struct gql_value **end = &value->first;
    value->kind = GQL_OBJECT;
    next(p);
    while (!p->status && !is_sign(p, '}')) {
        struct gql_value *member = node(p, sizeof(*member));
        struct gql_name name;
        if (!member || !take_name(p, &name) || !take_sign(p, ':') ||
            !take_value(p, member, constant))
            return false;
        member->key = name.text;
        member->key_at = name.at;
        *end = member;
        end = &member->next;
    }
    return take_sign(p, '}');
}

static bool take_literal(struct parser *p, struct gql_value *value)
{
    switch (p->lexer.token) {
    case GQL_TOKEN_INT:
        value->kind = GQL_INT;
        break;
    case GQL_TOKEN_FLOAT:
        value->kind = GQL_FLOAT;
        break;
    case GQL_TOKEN_NAME:
        value->kind = gql_is(p->lexer.span, "null") ? GQL_NULL : GQL_WORD;
        break;
    case GQL_TOKEN_STRING:
        value->kind = GQL_STRING;
        value->characters = rpc_gql_unquote(p->lexer.span, p->arena);
        if (!value->characters.data)
            p->status = ERR_NOMEM;
        break;
    default:
        return fail(p, "invalid value");
    }
    value->text = p->lexer.span;
    return next(p);
}

/* There may be space behind the sign. */
static bool take_negative(struct parser *p, struct gql_value *value)
{
    next(p);
    if (p->status || !take_literal(p, value))
        return false;
    if (value->kind != GQL_INT && value->kind != GQL_FLOAT)
        return fail(p, "invalid value");
    uint8_t *text = arena_alloc(p->arena, value->text.len + 1);
    if (!text) {
        p->status = ERR_NOMEM;
        return false;
    }
    text[0] = '-';
    memcpy(text + 1, value->text.data, value->text.len);
    value->text = bytes_of(text, value->text.len + 1);
    return true;
}

static bool take_value(struct parser *p, struct gql_value *value, bool constant)
{
    struct gql_name name;
    bool good;
    if (p->status || !enter(p))
        return false;
    value->at = p->lexer.at;
    if (is_sign(p, '$')) {
        if (constant)
            return fail(p, "variable not allowed");
        good = next(p) && take_name(p, &name);
        if (good) {
            value->kind = GQL_VARIABLE;
            value->text = name.text;
        }
    } else if (is_sign(p, '[')) {
        good = take_items(p, value, constant);
    } else if (is_sign(p, '{')) {
        good = take_members(p, value, constant);
    } else if (is_sign(p, '-')) {
        good = take_negative(p, value);
    } else {
        good = take_literal(p, value);
    }
    p->depth--;
    return good;
}

/* --- Arguments, directives --- */

static void take_arguments(struct parser *p, struct gql_argument **end)
{
    if (!is_sign(p, '('))
        return;
    next(p);
    while (!p->status && !is_sign(p, ')')) {
        struct gql_argument *argument = node(p, sizeof(*argument));
        if (!argument || !take_name(p, &argument->name) || !take_sign(p, ':') ||
            !take_value(p, &argument->value, false))
            return;
        *end = argument;
        end = &argument->next;
    }
    take_sign(p, ')');
}

static void take_directives(struct parser *p, struct gql_directive **end)
{
    while (is_sign(p, '@')) {
        struct gql_directive *directive = node(p, sizeof(*directive));
        struct gql_location at = p->lexer.at;
        if (!directive || !next(p) || !take_name(p, &directive->name))
            return;
        directive->name.at = at;
        take_arguments(p, &directive->arguments);
        *end = directive;
        end = &directive->next;
    }
}

/* --- Selections --- */

static void take_set(struct parser *p, struct gql_selection **end);

static void take_field(struct parser *p, struct gql_selection *field)
{
    if (!take_name(p, &field->name))
        return;
    field->kind = GQL_FIELD;
    field->at = field->name.at;
    field->alias = field->name.text;
    if (is_sign(p, ':') && (!next(p) || !take_name(p, &field->name)))
        return;
    take_arguments(p, &field->arguments);
    take_directives(p, &field->directives);
    if (!is_sign(p, '{'))
        return;
    field->set_at = p->lexer.at;
    take_set(p, &field->set);
}

static void take_spread(struct parser *p, struct gql_selection *spread)
{
    spread->at = p->lexer.at;
    for (int i = 0; i < 3; i++)
        if (!take_sign(p, '.'))
            return;
    spread->kind = GQL_INLINE;
    if (p->lexer.token == GQL_TOKEN_NAME && !gql_is(p->lexer.span, "on"))
        spread->kind = GQL_SPREAD;
    if (spread->kind == GQL_SPREAD)
        take_name(p, &spread->name);
    else if (p->lexer.token == GQL_TOKEN_NAME && next(p))
        take_name(p, &spread->on);
    take_directives(p, &spread->directives);
    if (spread->kind == GQL_INLINE)
        take_set(p, &spread->set);
}

static void take_set(struct parser *p, struct gql_selection **end)
{
    if (p->status || !enter(p) || !take_sign(p, '{'))
        return;
    while (!p->status && !is_sign(p, '}')) {
        struct gql_selection *selection = node(p, sizeof(*selection));
        if (!selection)
            return;
        if (is_sign(p, '.'))
            take_spread(p, selection);
        else
            take_field(p, selection);
        *end = selection;
        end = &selection->next;
    }
    take_sign(p, '}');
    p->depth--;
}

/* --- Operations --- */

static void append_type(struct parser *p, struct buf *type)
{
    if (is_sign(p, '[') && enter(p)) {
        buf_append_byte(type, '[');
        next(p);
        append_type(p, type);
        if (take_sign(p, ']'))
            buf_append_byte(type, ']');
        p->depth--;
    } else {
        struct gql_name name;
        if (take_name(p, &name))
            buf_append_bytes(type, name.text);
    }
    if (is_sign(p, '!') && next(p))
        buf_append_byte(type, '!');
}

static void take_type(struct parser *p, struct gql_variable *variable)
{
    struct buf type = BUF_INIT;
    variable->type_at = p->lexer.at;
    append_type(p, &type);
    if (!p->status) {
        variable->type = arena_copy(p->arena, buf_bytes(&type));
        if (buf_status(&type) || !variable->type.data)
            p->status = ERR_NOMEM;
    }
    buf_release(&type);
}

static void take_variables(struct parser *p, struct gql_variable **end)
{
    if (!is_sign(p, '('))
        return;
    next(p);
    while (!p->status && !is_sign(p, ')')) {
        struct gql_variable *variable = node(p, sizeof(*variable));
        struct gql_directive *directives = NULL;
        if (!variable)
            return;
        variable->at = p->lexer.at;
        if (!take_sign(p, '$') || !take_name(p, &variable->name) || !take_sign(p, ':'))
            return;
        take_type(p, variable);
        if (is_sign(p, '=') && next(p) && (variable->preset = node(p, sizeof(struct gql_value))))
            take_value(p, variable->preset, true);
        take_directives(p, &directives);
        *end = variable;
        end = &variable->next;
    }
    take_sign(p, ')');
}

/* Behind its keyword, which a query in braces alone has not. */
static void take_operation(struct parser *p, struct gql_operation *operation, bool is_bare)
{
    if (!is_bare) {
        operation->name.at = p->lexer.at;
        if (p->lexer.token == GQL_TOKEN_NAME)
            take_name(p, &operation->name);
        take_directives(p, &operation->directives);
        take_variables(p, &operation->variables);
    }
    take_set(p, &operation->set);
}

static void take_fragment(struct parser *p, struct gql_fragment *fragment)
{
    struct gql_name keyword;
    if (!take_name(p, &fragment->name))
        return;
    if (p->lexer.token != GQL_TOKEN_NAME || !gql_is(p->lexer.span, "on")) {
        unexpected(p, "\"on\"");
        return;
    }
    if (!take_name(p, &keyword) || !take_name(p, &fragment->on))
        return;
    take_directives(p, &fragment->directives);
    take_set(p, &fragment->set);
}

struct ends {
    struct gql_operation **operation;
    struct gql_fragment **fragment;
};

static void take_definition(struct parser *p, struct ends *ends)
{
    static const char *const kinds[] = {"query", "mutation", "subscription"};
    bool is_bare = is_sign(p, '{');
    struct gql_name word = {.at = p->lexer.at};
    size_t kind = 0;
    if (!is_bare && !take_name(p, &word))
        return;
    while (!is_bare && kind < BASE_COUNT(kinds) && !gql_is(word.text, kinds[kind]))
        kind++;
    if (kind < BASE_COUNT(kinds)) {
        struct gql_operation *operation = node(p, sizeof(*operation));
        if (!operation)
            return;
        operation->kind = (enum gql_operation_kind)kind;
        operation->at = word.at;
        *ends->operation = operation;
        ends->operation = &operation->next;
        take_operation(p, operation, is_bare);
    } else if (gql_is(word.text, "fragment")) {
        struct gql_fragment *fragment = node(p, sizeof(*fragment));
        if (!fragment)
            return;
        fragment->at = word.at;
        *ends->fragment = fragment;
        ends->fragment = &fragment->next;
        take_fragment(p, fragment);
    } else {
        fail(p, "unexpected \"%.*s\", expecting \"fragment\"",
             (int)(word.text.len > 100 ? 100 : word.text.len), (const char *)word.text.data);
    }
}

int rpc_gql_parse(struct gql_document *ret_document, struct bytes text, struct arena *arena,
                  struct gql_location *ret_at, struct err_detail *detail)
{
    struct parser p = {.arena = arena, .detail = detail};
    struct ends ends = {&ret_document->operations, &ret_document->fragments};
    *ret_document = (struct gql_document){NULL, NULL};
    rpc_gql_lexer_init(&p.lexer, text);
    if (p.lexer.token == GQL_TOKEN_BAD)
        fail(&p, "%s", p.lexer.why);
    while (!p.status && p.lexer.token != GQL_TOKEN_END)
        take_definition(&p, &ends);
    *ret_at = p.lexer.at;
    return p.status;
}

/* --- Looking up --- */

struct gql_fragment *rpc_gql_fragment(const struct gql_document *document, struct bytes name)
{
    struct gql_fragment *fragment = document->fragments;
    while (fragment && !bytes_equal(fragment->name.text, name))
        fragment = fragment->next;
    return fragment;
}

const struct gql_argument *rpc_gql_argument(const struct gql_argument *list, const char *name)
{
    while (list && !gql_is(list->name.text, name))
        list = list->next;
    return list;
}

const struct gql_directive *rpc_gql_directive(const struct gql_directive *list, const char *name)
{
    while (list && !gql_is(list->name.text, name))
        list = list->next;
    return list;
}
