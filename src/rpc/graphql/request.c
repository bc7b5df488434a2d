/*
 * A request in three rounds:
 *
 *   work         on a worker: parsed, checked, planned
 *   run          on the loop: what only the loop knows (the pool, how far the node is), and what is sent
 *   again_work   on a worker: everything else
 */
#include "rpc/graphql/graphql.h"

#include "rpc/graphql/run.h"
#include "rpc/json/json.h"

#include <stdio.h>

struct request {
    struct gql_run run;
    struct gql_document document;
    struct gql_value *given; /* variables: members with keys */
    struct gql_plan *plan;
    bool is_refused; /* the errors are the answer */
};

/* --- The body --- */

/* JSON as a value of the language. ERR_LIMIT: too deep. */
static int read_json(struct gql_value *value, struct bytes json, struct arena *arena,
                     unsigned depth)
{
    struct rpc_json_walk walk;
    struct gql_value **end = &value->first;
    struct bytes key = bytes_none(), item;
    enum rpc_json_kind kind = rpc_json_kind(json);
    value->text = json;
    if (depth > GQL_DEPTH_MAX)
        return ERR_LIMIT;
    if (kind == RPC_JSON_STRING) {
        value->kind = GQL_STRING;
        value->characters = rpc_json_string(json, arena);
        return value->characters.data ? 0 : ERR_NOMEM;
    }
    if (kind != RPC_JSON_ARRAY && kind != RPC_JSON_OBJECT) {
        bool whole = !memchr(json.data, '.', json.len) && !memchr(json.data, 'e', json.len) &&
                     !memchr(json.data, 'E', json.len);
        value->kind = kind == RPC_JSON_NULL   ? GQL_NULL
                      : kind == RPC_JSON_BOOL ? GQL_WORD
                      : whole                 ? GQL_INT
                                              : GQL_FLOAT;
        return 0;
    }
    value->kind = kind == RPC_JSON_ARRAY ? GQL_LIST : GQL_OBJECT;
    rpc_json_walk_begin(&walk, json);
    while (kind == RPC_JSON_ARRAY ? rpc_json_element(&walk, &item)
                                  : rpc_json_member(&walk, &key, &item)) {
        struct gql_value *made = arena_alloc_zeroed(arena, 1, sizeof(*made));
        int status = made ? read_json(made, item, arena, depth + 1) : ERR_NOMEM;
        if (status == 0 && kind == RPC_JSON_OBJECT &&
            !(made->key = rpc_json_string(key, arena)).data)
            status = ERR_NOMEM;
        if (status)
            return status;
        *end = made;
        end = &made->next;
    }
    return 0;
}

struct body {
    struct bytes query, operation;
    struct gql_value variables;
};

static int read_member(struct rpc_call *call, struct body *body, struct bytes key,
                       struct bytes value)
{
    bool query = rpc_json_key_is(key, "query");
    bool is_null = rpc_json_kind(value) == RPC_JSON_NULL;
    if (query || rpc_json_key_is(key, "operationName")) {
        struct bytes text = bytes_none();
        if (!is_null && rpc_json_kind(value) != RPC_JSON_STRING)
            return rpc_fail(call, RPC_CODE_PARAMS,
                            "json: cannot unmarshal %s into Go struct field .%s of type string",
                            rpc_json_kind_name(rpc_json_kind(value)),
                            query ? "query" : "operationName");
        if (!is_null && !(text = rpc_json_string(value, call->arena)).data)
            return ERR_NOMEM;
        *(query ? &body->query : &body->operation) = text;
        return 0;
    }
    if (!rpc_json_key_is(key, "variables") || is_null)
        return 0;
    if (rpc_json_kind(value) != RPC_JSON_OBJECT)
        return rpc_fail(call, RPC_CODE_PARAMS,
                        "json: cannot unmarshal %s into Go struct field .variables of type "
                        "map[string]interface {}",
                        rpc_json_kind_name(rpc_json_kind(value)));
    int status = read_json(&body->variables, value, call->arena, 0);
    return status == ERR_LIMIT
               ? rpc_fail(call, RPC_CODE_PARAMS, "variables are nested more than %d levels deep",
                          GQL_DEPTH_MAX)
               : status;
}

/* The first value. MORE: it does not end; ret_value is then what there is of it. */
static enum rpc_json_status find_value(struct bytes text, struct bytes *ret_value)
{
    struct rpc_json_scanner scanner;
    size_t used;
    rpc_json_scanner_init(&scanner);
    enum rpc_json_status status = rpc_json_scan(&scanner, &used, text);
    *ret_value = scanner.begun ? text : bytes_none();
    if (status == RPC_JSON_BAD || (status == RPC_JSON_MORE && !scanner.depth && !scanner.begun))
        return status;
    if (status == RPC_JSON_MORE && rpc_json_scan_end(&scanner) != RPC_JSON_VALUE)
        return RPC_JSON_MORE;
    return rpc_json_first(ret_value, text);
}

static int read_body(struct rpc_call *call, struct body *body)
{
    struct rpc_json_walk walk;
    struct bytes value, key, member;
    enum rpc_json_status found = find_value(call->args[0].bytes, &value);
    *body = (struct body){.query = bytes_none()};
    if (found == RPC_JSON_MORE)
        return rpc_fail(call, RPC_CODE_PARAMS, value.len ? "unexpected EOF" : "EOF");
    if (found == RPC_JSON_BAD)
        return rpc_fail(call, RPC_CODE_PARAMS,
                        "the body is not JSON: {\"query\": \"…\", \"variables\": {…}} is wanted");
    if (rpc_json_kind(value) != RPC_JSON_OBJECT)
        return rpc_fail(call, RPC_CODE_PARAMS,
                        "json: cannot unmarshal %s into Go value of type struct { Query string "
                        "\"json:\\\"query\\\"\"; OperationName string "
                        "\"json:\\\"operationName\\\"\"; Variables map[string]interface {} "
                        "\"json:\\\"variables\\\"\" }",
                        rpc_json_kind_name(rpc_json_kind(value)));
    rpc_json_walk_begin(&walk, value);
    int status = 0;
    while (status == 0 && rpc_json_member(&walk, &key, &member))
        status = read_member(call, body, key, member);
    return status;
}

/* --- The operation --- */

static const struct gql_operation *choose(struct gql_errors *errors,
                                          const struct gql_document *document, struct bytes name)
{
    const struct gql_operation *operation = document->operations;
    if (!operation) {
        rpc_gql_error_at(errors, GQL_NOWHERE, GQL_NOWHERE, "no operations in query document");
        return NULL;
    }
    if (!name.len && operation->next) {
        rpc_gql_error_at(errors, GQL_NOWHERE, GQL_NOWHERE,
                         "more than one operation in query document and no operation name given");
        return NULL;
    }
    while (name.len && operation && !bytes_equal(operation->name.text, name))
        operation = operation->next;
    if (!operation)
        rpc_gql_error_at(errors, GQL_NOWHERE, GQL_NOWHERE, "no operation with name \"%.*s\"",
                         GQL_TEXT(name));
    else if (operation->kind == GQL_SUBSCRIPTION)
        rpc_gql_error_at(errors, GQL_NOWHERE, GQL_NOWHERE, "graphql-ws protocol header is missing");
    return errors->count ? NULL : operation;
}

/* What was not given is what the operation says it is then. */
static int add_presets(struct request *request, const struct gql_operation *operation,
                       struct arena *arena)
{
    for (const struct gql_variable *v = operation->variables; v; v = v->next) {
        if (!v->preset || rpc_gql_member(request->given, v->name.text))
            continue;
        struct gql_value *copy = arena_alloc(arena, sizeof(*copy));
        if (!copy)
            return ERR_NOMEM;
        *copy = *v->preset;
        copy->key = v->name.text;
        copy->next = request->given;
        request->given = copy;
    }
    return 0;
}

/* Up to the plan; ERR_INPUT when what is wrong is in the errors. */
static int make_plan(struct request *request, const struct body *body, struct arena *arena)
{
    struct gql_errors *errors = &request->run.errors;
    struct gql_location at;
    struct err_detail detail = {""};
    int status = rpc_gql_parse(&request->document, body->query, arena, &at, &detail);
    if (status == ERR_INPUT)
        rpc_gql_error_at(errors, at, GQL_NOWHERE, "%s", detail.text);
    if (status)
        return status;
    request->given = body->variables.first;
    rpc_gql_check(errors, &request->document, request->given);
    if (errors->count)
        return ERR_INPUT;
    const struct gql_operation *operation = choose(errors, &request->document, body->operation);
    if (!operation)
        return ERR_INPUT;
    status = add_presets(request, operation, arena);
    if (status == 0)
        status = rpc_gql_plan(&request->plan, errors, &request->document, operation, request->given,
                              arena);
    return status;
}

/* --- Rounds --- */

/* The answer; `data` NULL: there is none. Errors come first, as in the reference. */
static int write_answer(struct request *request, const struct buf *data)
{
    struct rpc_call *call = request->run.call;
    struct buf *errors = &request->run.errors.list, *out = call->out;
    int status = buf_status(errors);
    buf_append_byte(out, '{');
    if (request->run.errors.count) {
        buf_append_text(out, "\"errors\":[");
        buf_append_bytes(out, buf_bytes(errors));
        buf_append_byte(out, ']');
    }
    if (data) {
        buf_append_text(out, request->run.errors.count ? ",\"data\":" : "\"data\":");
        buf_append_bytes(out, buf_bytes(data));
    }
    buf_append_byte(out, '}');
    return status;
}

static void release(struct request *request)
{
    buf_release(&request->run.errors.list);
}

static int work(struct rpc_call *call)
{
    struct request *request = arena_alloc_zeroed(call->arena, 1, sizeof(*request));
    struct body body;
    int status = request ? read_body(call, &body) : ERR_NOMEM;
    if (status)
        return status;
    buf_init(&request->run.errors.list);
    request->run.call = call;
    status = make_plan(request, &body, call->arena);
    if (status && status != ERR_INPUT) {
        release(request);
        return status;
    }
    if (status == ERR_INPUT)
        request->plan = NULL;
    call->state = request;
    request->is_refused = status == ERR_INPUT;
    return 0;
}

static int run(struct rpc_call *call)
{
    struct request *request = call->state;
    int status = request->is_refused ? write_answer(request, NULL)
                                     : rpc_gql_run_early(&request->run, request->plan);
    if (status == 0 && !request->is_refused)
        return RPC_LATER;
    release(request);
    return status;
}

static int again_work(struct rpc_call *call)
{
    struct request *request = call->state;
    struct buf data = BUF_INIT;
    int status = rpc_gql_run(&request->run, request->plan, &data);
    if (status == RPC_FAILED) { /* too much, or out of time: nothing of it is any good */
        rpc_gql_error_at(&request->run.errors, GQL_NOWHERE, GQL_NOWHERE, "%.*s",
                         GQL_TEXT(call->text));
        status = write_answer(request, NULL);
    } else if (status == 0) {
        status = write_answer(request, &data);
    }
    buf_release(&data);
    release(request);
    return status;
}

const struct rpc_method rpc_gql_method = {.name = "graphql_query",
                                          .params = {{"body", RPC_TEXT}},
                                          .work = work,
                                          .run = run,
                                          .again_work = again_work,
                                          .result = "data and errors"};
