#include "rpc/graphql/things.h"

#include "base/clock.h"
#include "rpc/dispatch/priv.h"
#include "rpc/json/json.h"
#include "rpc/params/priv.h"

#include <stdarg.h>
#include <stdio.h>

/* --- For those who resolve --- */

void *rpc_gql_alloc(struct gql_run *run, size_t count, size_t size)
{
    return arena_alloc_zeroed(run->call->arena, count, size);
}

struct bytes rpc_gql_format(struct gql_run *run, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int len = vsnprintf(NULL, 0, format, list);
    va_end(list);
    char *text = len < 0 ? NULL : arena_alloc(run->call->arena, (size_t)len + 1);
    if (!text)
        return bytes_none();
    va_start(list, format);
    vsnprintf(text, (size_t)len + 1, format, list);
    va_end(list);
    return bytes_of(text, (size_t)len);
}

int rpc_gql_decimal(struct gql_run *run, struct gql_result *ret, uint64_t number)
{
    return gql_json(ret, rpc_gql_format(run, "%llu", (unsigned long long)number));
}

int rpc_gql_list(struct gql_run *run, struct gql_result *ret, size_t count)
{
    *ret = (struct gql_result){.kind = GQL_IS_LIST, .count = count};
    if (count == 0)
        return 0;
    ret->items = rpc_gql_alloc(run, count, sizeof(*ret->items));
    return ret->items ? 0 : ERR_NOMEM;
}

uint64_t rpc_gql_number(struct bytes json)
{
    struct u256 number = u256_from(0);
    if (json.len > 2) /* in quotes; what our own methods wrote has no fault */
        rpc_param_quantity(&number, bytes_slice(json, 1, json.len - 2), 16, "");
    return number.w[0];
}

struct bytes rpc_gql_quoted(struct gql_run *run, const struct gql_value *value)
{
    return rpc_gql_format(run, "\"%.*s\"", (int)value->characters.len,
                          (const char *)value->characters.data);
}

struct bytes rpc_gql_keep(struct gql_run *run, struct buf *text)
{
    struct bytes kept =
        buf_status(text) ? bytes_none() : arena_copy(run->call->arena, buf_bytes(text));
    buf_release(text);
    return kept;
}

int rpc_gql_scalars(struct gql_run *run, struct gql_result *ret, struct bytes array)
{
    struct rpc_json_walk walk;
    struct bytes item;
    size_t at = 0;
    int status = rpc_gql_list(run, ret, rpc_json_count(array));
    rpc_json_walk_begin(&walk, array);
    while (status == 0 && rpc_json_element(&walk, &item))
        status = gql_json(&ret->items[at++], item);
    return status;
}

/* The parts of a method one behind the other. At a worker's desk only those that may be there are asked for. */
static int call_parts(struct rpc_call *call)
{
    const struct rpc_method *method = call->method;
    int status = method->quick ? method->quick(call) : RPC_LATER;
    if (status != RPC_LATER)
        return status;
    status = method->work ? method->work(call) : 0;
    return status == 0 && method->run ? method->run(call) : status;
}

int rpc_gql_call_begin(struct gql_run *run, struct rpc_call *ret_call, const char *method,
                       struct bytes params)
{
    *ret_call = *run->call;
    if (!params.data)
        return ERR_NOMEM;
    ret_call->method = rpc_find_method(ret_call->rpc, bytes_str(method));
    ret_call->state = NULL;
    if (!run->is_on_loop)
        ret_call->desk = &run->desk;
    return rpc_params_read(ret_call, params);
}

int rpc_gql_call_end(struct gql_run *run, const struct rpc_call *call, int status)
{
    if (status == RPC_FAILED) {
        run->call->code = call->code;
        run->call->text = call->text;
        run->call->data = call->data;
    }
    return status;
}

int rpc_gql_ask(struct gql_run *run, struct bytes *ret_json, const char *method,
                struct bytes params)
{
    struct rpc_call call;
    struct buf out = BUF_INIT;
    int status = rpc_gql_call_begin(run, &call, method, params);
    call.out = &out;
    if (status == 0)
        status = call_parts(&call);
    *ret_json = rpc_gql_keep(run, &out);
    if (status == 0 && !ret_json->data)
        status = ERR_NOMEM;
    return rpc_gql_call_end(run, &call, status);
}

/* --- Fields --- */

/* The names and places that lead to the field, from the root. */
static void append_path(struct buf *b, const struct gql_path *path)
{
    if (path->parent) {
        append_path(b, path->parent);
        buf_append_byte(b, ',');
    }
    if (path->name.data)
        rpc_json_write_string(b, path->name);
    else
        buf_append_format(b, "%zu", path->index);
}

static void add_error(struct gql_run *run, struct bytes text, const struct gql_path *path)
{
    struct buf *b = &run->errors.list;
    if (!rpc_gql_error_begin(&run->errors, text))
        return;
    buf_append_text(b, ",\"path\":[");
    append_path(b, path);
    buf_append_text(b, "]}");
}

static int resolve(struct gql_run *run, const struct gql_plan *plan, void *object,
                   struct gql_result *ret)
{
    const struct gql_asked asked = {plan->field, object, plan->arguments};
    return plan->field->resolve(run, &asked, ret);
}

static int check_limits(struct gql_run *run, const struct buf *data)
{
    if (rpc_is_gone(run->call))
        return ERR_USAGE; /* as good as any: nobody reads it */
    if (run->call->arena->total > GQL_MEMORY_MAX)
        return rpc_fail(run->call, RPC_CODE_TOO_LARGE,
                        "the query takes more than %d MB of memory: ask for less",
                        GQL_MEMORY_MAX >> 20);
    if (data->len > GQL_ANSWER_MAX)
        return rpc_fail(run->call, RPC_CODE_TOO_LARGE,
                        "the answer is more than %d MB: ask for less", GQL_ANSWER_MAX >> 20);
    if (base_now_ns() > run->ends_ns)
        return rpc_fail(run->call, RPC_CODE_ERROR,
                        "the query takes more than %d seconds: ask for less", GQL_SECONDS_MAX);
    return 0;
}

static int write_set(struct gql_run *run, const struct gql_plan *plan, void *object,
                     const struct gql_path *path, struct buf *data, bool *ret_null);

/* A null where none may be is one of what it stands in, too. */
static int write_result(struct gql_run *run, const struct gql_plan *plan,
                        const struct gql_result *result, struct bytes type,
                        const struct gql_path *path, struct buf *data, bool *ret_null);

static int write_list(struct gql_run *run, const struct gql_plan *plan,
                      const struct gql_result *list, struct bytes element,
                      const struct gql_path *path, struct buf *data, bool *ret_null)
{
    size_t begin = data->len;
    bool lost = false;
    buf_append_byte(data, '[');
    for (size_t i = 0; i < list->count; i++) {
        const struct gql_path here = {.parent = path, .index = i};
        bool null;
        if (i)
            buf_append_byte(data, ',');
        int status = write_result(run, plan, &list->items[i], element, &here, data, &null);
        if (status)
            return status;
        lost = lost || (null && gql_is_non_null(element));
    }
    if (lost)
        data->len = begin;
    buf_append_text(data, lost ? "null" : "]");
    *ret_null = lost;
    return 0;
}

static int write_result(struct gql_run *run, const struct gql_plan *plan,
                        const struct gql_result *result, struct bytes type,
                        const struct gql_path *path, struct buf *data, bool *ret_null)
{
    *ret_null = result->kind == GQL_IS_NULL || result->kind == GQL_IS_FAILED;
    switch (result->kind) {
    case GQL_IS_NULL:
        if (gql_is_non_null(type)) {
            struct bytes bare = gql_nullable(type);
            add_error(run,
                      rpc_gql_format(run, "graphql: got nil for non-null \"%.*s\"", GQL_TEXT(bare)),
                      path);
        }
        buf_append_text(data, "null");
        return 0;
    case GQL_IS_FAILED:
        buf_append_text(data, "null");
        return 0;
    case GQL_IS_JSON:
        buf_append_bytes(data, result->json);
        return 0;
    case GQL_IS_OBJECT:
        return write_set(run, plan->set, result->object, path, data, ret_null);
    case GQL_IS_LIST:
        return write_list(run, plan, result, gql_element(gql_nullable(type)), path, data, ret_null);
    }
    return 0;
}

static int write_field(struct gql_run *run, const struct gql_plan *plan, void *object,
                       const struct gql_path *path, struct buf *data, bool *ret_null)
{
    struct gql_result result = {.kind = GQL_IS_NULL};
    int status = check_limits(run, data);
    if (status)
        return status;
    if (plan->early)
        result = *plan->early;
    else if (plan->field == &rpc_gql_field_typename)
        status = gql_json(&result, rpc_gql_format(run, "\"%s\"", plan->type->name));
    else
        status = resolve(run, plan, object, &result);
    if (status == RPC_FAILED) {
        add_error(run, run->call->text, path);
        buf_append_text(data, "null");
        *ret_null = true;
        return 0;
    }
    return status ? status
                  : write_result(run, plan, &result, bytes_str(plan->field->type), path, data,
                                 ret_null);
}

static int write_set(struct gql_run *run, const struct gql_plan *plan, void *object,
                     const struct gql_path *path, struct buf *data, bool *ret_null)
{
    size_t begin = data->len;
    bool lost = false;
    buf_append_byte(data, '{');
    for (const struct gql_plan *p = plan; p; p = p->next) {
        const struct gql_path here = {.parent = path, .name = p->alias};
        bool null = false;
        if (p != plan)
            buf_append_byte(data, ',');
        buf_append_byte(data, '"');
        buf_append_bytes(data, p->alias);
        buf_append_text(data, "\":");
        int status = write_field(run, p, object, &here, data, &null);
        if (status)
            return status;
        lost = lost || (null && gql_is_non_null(bytes_str(p->field->type)));
    }
    if (lost)
        data->len = begin;
    buf_append_text(data, lost ? "null" : "}");
    *ret_null = lost;
    return 0;
}

/* --- The whole --- */

int rpc_gql_run_early(struct gql_run *run, struct gql_plan *plan)
{
    int status = 0;
    run->is_on_loop = true;
    for (struct gql_plan *p = plan; p && status == 0; p = p->next) {
        if (!p->field->on_loop || (p->field->proxied && run->call->backend->proxy))
            continue;
        struct gql_result *result = rpc_gql_alloc(run, 1, sizeof(*result));
        if (!result)
            return ERR_NOMEM;
        status = resolve(run, p, NULL, result);
        if (status == RPC_FAILED) {
            const struct gql_path path = {.name = p->alias};
            add_error(run, run->call->text, &path);
            result->kind = GQL_IS_FAILED;
            status = 0;
        }
        p->early = result;
    }
    run->is_on_loop = false;
    return status;
}

int rpc_gql_run(struct gql_run *run, const struct gql_plan *plan, struct buf *ret_data)
{
    bool null;
    run->desk = (struct rpc_desk){.rpc = run->call->rpc};
    run->ends_ns = base_now_ns() + GQL_SECONDS_MAX * UINT64_C(1000000000);
    int status = write_set(run, plan, NULL, NULL, ret_data, &null);
    rpc_head_release(&run->desk.head);
    return status ? status : buf_status(ret_data);
}
