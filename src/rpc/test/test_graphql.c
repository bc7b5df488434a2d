/* GraphQL: what queries may say, what is wrong with others, and that the answers are those of JSON-RPC. */
#include "base/decimal.h"
#include "rpc/dispatch/desk.h"
#include "rpc/graphql/plan.h"
#include "rpc/json/json.h"
#include "rpc/test/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void keep(void *context, struct buf *answer)
{
    struct buf *kept = context;
    buf_append_bytes(kept, buf_bytes(answer));
}

/* The body that is answered to a body; of a refusal the message. */
static void ask_body(struct world *w, const char *body, struct buf *ret_text)
{
    struct buf message = BUF_INIT, answer = BUF_INIT;
    buf_append_text(&message, body);
    buf_clear(ret_text);
    struct rpc_exchange *exchange =
        rpc_ask_graphql(rpc_main_desk(w->rpc), rpc_access_all(), &message, keep, &answer);
    assert_null(exchange);
    json_t *json = json_loadb((const char *)answer.data, answer.len, 0, NULL);
    assert_non_null(json);
    json_t *result = json_object_get(json, "result"), *error = json_object_get(json, "error");
    char *text = result ? json_dumps(result, JSON_COMPACT)
                        : strdup(json_string_value(json_object_get(error, "message")));
    buf_append_text(ret_text, text);
    free(text);
    json_decref(json);
    buf_release(&answer);
}

static void ask(struct world *w, const char *query, struct buf *ret_text)
{
    struct buf body = BUF_INIT;
    buf_append_text(&body, "{\"query\":");
    rpc_json_write_string(&body, bytes_str(query));
    buf_append_text(&body, "}");
    ask_body(w, buf_text(&body), ret_text);
    buf_release(&body);
}

static void expect(struct world *w, const char *query, const char *want)
{
    struct buf text = BUF_INIT;
    ask(w, query, &text);
    if (strcmp(buf_text(&text), want) != 0)
        fail_msg("%s:\n  %s\n  wanted %s", query, buf_text(&text), want);
    buf_release(&text);
}

#define AT(line, column) "\"locations\":[{\"line\":" #line ",\"column\":" #column "}]"
#define ERROR(text, at)  "{\"errors\":[{\"message\":\"" text "\"," at "}]}"

static void test_language(void **state)
{
    static const char *const rows[][2] = {
        {"{ __typename }", "{\"data\":{\"__typename\":\"Query\"}}"},
        {"query A{a:__typename,b:__typename # more\n}",
         "{\"data\":{\"a\":\"Query\",\"b\":\"Query\"}}"},
        {"{ ...F ...F ... on Query { c: __typename } ... { d: __typename } } "
         "fragment F on Query { __typename }",
         "{\"data\":{\"__typename\":\"Query\",\"c\":\"Query\",\"d\":\"Query\"}}"},
        {"{ a: __typename @skip(if: true) b: __typename @include(if: true) }",
         "{\"data\":{\"b\":\"Query\"}}"},
        {"{ __type(name: \"\\u004cog\") { name kind fields { name } } }",
         "{\"data\":{\"__type\":{\"name\":\"Log\",\"kind\":\"OBJECT\",\"fields\":[{\"name\":"
         "\"index\"},{\"name\":\"account\"},{\"name\":\"topics\"},{\"name\":\"data\"},{\"name\":"
         "\"transaction\"}]}}}"},
        {"{ __type(name: \"Block\") { name name } x: __type(name: \"Nobody\") { name } }",
         "{\"data\":{\"__type\":{\"name\":\"Block\"},\"x\":null}}"},
        {"", "{\"errors\":[{\"message\":\"no operations in query document\"}]}"},
        {"{", ERROR("syntax error: unexpected \\\"\\\", expecting Ident", AT(1, 2))},
        {"{\n  a", ERROR("syntax error: unexpected \\\"\\\", expecting Ident", AT(2, 4))},
        {"é { a }",
         ERROR("syntax error: unexpected \\\"é\\\", expecting \\\"fragment\\\"", AT(1, 3))},
        {"query A ! { a }",
         ERROR("syntax error: unexpected \\\"!\\\", expecting \\\"{\\\"", AT(1, 9))},
        {"{ block(hash: \"x) { hash } }", ERROR("syntax error: literal not terminated", AT(1, 15))},
        {"{ block(hash: \"\\q\") { hash } }",
         ERROR("syntax error: invalid char escape", AT(1, 15))},
        {"{ block(number: 1e) { hash } }",
         ERROR("syntax error: exponent has no digits", AT(1, 17))},
        {"query ($a: Long = $b) { block(number: $a) { hash } }",
         ERROR("syntax error: variable not allowed", AT(1, 19))},
        {"{ block(number: %) { hash } }", ERROR("syntax error: invalid value", AT(1, 17))},
        {"{ block { nmber } }",
         ERROR(
             "Cannot query field \\\"nmber\\\" on type \\\"Block\\\". Did you mean \\\"number\\\"?",
             AT(1, 11))},
        {"{ block }", ERROR("Field \\\"block\\\" of type \\\"Block\\\" must have a selection of "
                            "subfields. Did you mean \\\"block { ... }\\\"?",
                            AT(1, 3))},
        {"{ block(n: 1) { hash } }",
         ERROR("Unknown argument \\\"n\\\" on field \\\"block\\\" of type \\\"Query\\\".",
               AT(1, 9))},
        {"{ transaction { hash } }",
         ERROR(
             "Field \\\"transaction\\\" argument \\\"hash\\\" of type \\\"Bytes32!\\\" is required "
             "but not provided.",
             AT(1, 3))},
        {"{ block { transactionAt(index: \"1\") { hash } } }",
         ERROR("Argument \\\"index\\\" has invalid value \\\"1\\\".\\nExpected type \\\"Int\\\", "
               "found \\\"1\\\".",
               AT(1, 32))},
        {"{ ...A } fragment A on Query { __typename ...B } fragment B on Query { ...A }",
         ERROR("Cannot spread fragment \\\"A\\\" within itself.", AT(1, 72))},
        {"{ ...X }", ERROR("Unknown fragment \\\"X\\\".", AT(1, 6))},
        {"{ __typename } fragment A on Query { __typename }",
         ERROR("Fragment \\\"A\\\" is never used.", AT(1, 16))},
        {"query Q($a: Long) { __typename }",
         ERROR("Variable \\\"$a\\\" is never used in operation \\\"Q\\\".", AT(1, 9))},
        {"query A { __typename } query B { __typename }",
         "{\"errors\":[{\"message\":\"more than one operation in query document and no operation "
         "name "
         "given\"}]}"},
        {"subscription { x }",
         "{\"errors\":[{\"message\":\"graphql-ws protocol header is missing\"}]}"},
        {"{ transaction(hash: \"0x01\") { hash } __typename }",
         "{\"errors\":[{\"message\":\"hex string has length 2, want 64 for Hash\"}],\"data\":{}}"},
        {"{ __typename block(number: 9223372036854775808) { hash } }",
         "{\"errors\":[{\"message\":\"strconv.ParseInt: parsing \\\"9223372036854775808\\\": value "
         "out of range\"}],\"data\":{\"__typename\":\"Query\"}}"},
    };
    struct world w;
    (void)state;
    world_begin_empty(&w);
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        expect(&w, rows[i][0], rows[i][1]);
    world_end(&w);
}

static void test_bodies(void **state)
{
    static const char *const rows[][2] = {
        {"", "EOF"},
        {" ", "EOF"},
        {"{", "unexpected EOF"},
        {"{\"query\":1}",
         "json: cannot unmarshal number into Go struct field .query of type string"},
        {"{\"query\":\"query A {__typename} query B {b:__typename}\",\"operationName\":\"B\"}",
         "{\"data\":{\"b\":\"Query\"}}"},
        {"{\"query\":\"{__typename}\",\"operationName\":\"B\"}",
         "{\"errors\":[{\"message\":\"no operation with name \\\"B\\\"\"}]}"},
        {"{\"query\":\"query ($a:String!,$b:Boolean=true){__type(name:$a){name "
         "kind@include(if:$b)}}\",\"variables\":{\"a\":\"L\\u006fng\"}}",
         "{\"data\":{\"__type\":{\"name\":\"Long\",\"kind\":\"SCALAR\"}}}"},
        {"{\"query\":\"query ($a:String!){__type(name:$a){name}}\"}",
         "{\"errors\":[{\"message\":\"Variable \\\"a\\\" has invalid value null.\\nExpected type "
         "\\\"String!\\\", found null.\"," AT(1, 8) "}]}"},
        {"{\"query\":\"query ($a:Long!){__type(name:$a){name}}\",\"variables\":{\"a\":1}}",
         "{\"errors\":[{\"message\":\"Variable \\\"$a\\\" of type \\\"Long!\\\" used in position "
         "expecting type \\\"String!\\\".\",\"locations\":[{\"line\":1,\"column\":8},{\"line\":1,"
         "\"column\":30}]}]}"},
    };
    struct world w;
    struct buf text = BUF_INIT;
    (void)state;
    world_begin_empty(&w);
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        ask_body(&w, rows[i][0], &text);
        assert_string_equal(buf_text(&text), rows[i][1]);
    }
    buf_release(&text);
    world_end(&w);
}

static void repeat(struct buf *b, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_append_text(b, text);
}

/* Whoever wants to keep the node busy is refused before anything is looked up. */
static void test_limits(void **state)
{
    struct world w;
    struct buf query = BUF_INIT, text = BUF_INIT;
    (void)state;
    world_begin_empty(&w);
    repeat(&query, "{block", GQL_DEPTH_MAX + 1);
    ask(&w, buf_text(&query), &text);
    assert_non_null(strstr(buf_text(&text), "nested more than 100 levels deep"));

    buf_clear(&query);
    buf_append_text(&query, "{");
    repeat(&query, "a ", GQL_NODES_MAX);
    ask(&w, buf_text(&query), &text);
    assert_non_null(strstr(buf_text(&text), "the document has more than 10000 parts"));

    /* Each fragment has the next one twice: 2^30 fields. */
    buf_clear(&query);
    buf_append_text(&query, "{block{...F0}}");
    for (int i = 0; i < 30; i++)
        buf_append_format(&query, "fragment F%d on Block{a%d:parent{...F%d}b%d:parent{...F%d}}", i,
                          i, i + 1, i, i + 1);
    buf_append_text(&query, "fragment F30 on Block{hash}");
    ask(&w, buf_text(&query), &text);
    assert_non_null(strstr(buf_text(&text), "the query has more than 20000 fields"));

    buf_clear(&query);
    buf_append_text(&query, "{block{...F0}}");
    for (int i = 0; i < 60; i++)
        buf_append_format(&query, "fragment F%d on Block{...F%d}", i, i + 1);
    buf_append_text(&query, "fragment F60 on Block{hash}");
    ask(&w, buf_text(&query), &text);
    assert_non_null(strstr(buf_text(&text), "is spread too deep within others"));
    buf_release(&query);
    buf_release(&text);
    world_end(&w);
}

/* --- The chain --- */

static json_t *rpc(struct world *w, const char *method, const char *params)
{
    char message[512];
    snprintf(message, sizeof(message), "{\"id\":1,\"method\":\"%s\",\"params\":%s}", method,
             params);
    json_t *answer = world_ask(w, rpc_access_all(), message);
    json_t *result = json_incref(json_object_get(answer, "result"));
    json_decref(answer);
    return result;
}

static json_t *data(struct world *w, const char *query)
{
    struct buf text = BUF_INIT;
    ask(w, query, &text);
    json_t *json = json_loads(buf_text(&text), 0, NULL);
    if (!json || json_object_get(json, "errors"))
        fail_msg("%s: %s", query, buf_text(&text));
    json_t *found = json_incref(json_object_get(json, "data"));
    json_decref(json);
    buf_release(&text);
    return found;
}

static const char *at(json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static void check_transaction(json_t *ours, json_t *theirs, uint64_t number)
{
    json_t *from = json_object_get(ours, "from"), *to = json_object_get(ours, "to");
    assert_string_equal(at(ours, "hash"), at(theirs, "hash"));
    assert_string_equal(at(ours, "inputData"), at(theirs, "input"));
    assert_string_equal(at(ours, "value"), at(theirs, "value"));
    assert_string_equal(at(from, "address"), at(theirs, "from"));
    assert_int_equal(json_is_null(to), json_is_null(json_object_get(theirs, "to")));
    if (json_is_object(to))
        assert_string_equal(at(to, "address"), at(theirs, "to"));
    json_t *block = json_object_get(ours, "block");
    assert_int_equal(json_integer_value(json_object_get(block, "number")), number);
    assert_true(json_is_integer(json_object_get(ours, "gasUsed")));
    json_t *log;
    size_t i;
    json_array_foreach(json_object_get(ours, "logs"), i, log)
    {
        json_t *transaction = json_object_get(log, "transaction");
        assert_string_equal(at(transaction, "hash"), at(theirs, "hash"));
    }
}

static void check_block(struct world *w, uint64_t number)
{
    char query[1024], params[64];
    snprintf(query, sizeof(query),
             "{ block(number: %llu) { number hash stateRoot timestamp gasUsed miner { address } "
             "transactionCount transactions { hash inputData value gasUsed from { address } "
             "to { address } block { number } logs { transaction { hash } } } } }",
             (unsigned long long)number);
    snprintf(params, sizeof(params), "[\"0x%llx\",true]", (unsigned long long)number);
    json_t *whole = data(w, query), *ours = json_object_get(whole, "block");
    json_t *theirs = rpc(w, "eth_getBlockByNumber", params), *tx;
    json_t *list = json_object_get(theirs, "transactions");
    size_t i;
    assert_int_equal(json_integer_value(json_object_get(ours, "number")), number);
    assert_string_equal(at(ours, "hash"), at(theirs, "hash"));
    assert_string_equal(at(ours, "stateRoot"), at(theirs, "stateRoot"));
    assert_string_equal(at(ours, "timestamp"), at(theirs, "timestamp"));
    assert_int_equal(json_integer_value(json_object_get(ours, "gasUsed")),
                     strtoll(at(theirs, "gasUsed"), NULL, 16));
    assert_int_equal(json_integer_value(json_object_get(ours, "transactionCount")),
                     json_array_size(list));
    json_array_foreach(json_object_get(ours, "transactions"), i, tx)
        check_transaction(tx, json_array_get(list, i), number);
    json_decref(whole);
    json_decref(theirs);
}

static void test_chain(void **state)
{
    struct world w;
    (void)state;
    world_begin(&w, "qbft");
    json_t *number = rpc(&w, "eth_blockNumber", "[]");
    uint64_t head = strtoull(json_string_value(number), NULL, 16);
    assert_true(head > 50);
    for (uint64_t i = 0; i <= head; i++)
        check_block(&w, i);
    json_decref(number);

    json_t *list = data(&w, "{ blocks(from: 3, to: 5) { number parent { number } } "
                            "none: blocks(from: 5, to: 3) { number } pending { transactionCount } "
                            "syncing { currentBlock } chainID }");
    json_t *blocks = json_object_get(list, "blocks"), *block;
    size_t i;
    assert_int_equal(json_array_size(blocks), 3);
    json_array_foreach(blocks, i, block) assert_int_equal(
        json_integer_value(json_object_get(json_object_get(block, "parent"), "number")), 2 + i);
    assert_int_equal(json_array_size(json_object_get(list, "none")), 0);
    assert_string_equal(at(list, "chainID"), "0x539");
    json_decref(list);

    /* A list does not go beyond the head; an element that is lost takes its list along, and so on. */
    char query[200], want[300];
    snprintf(query, sizeof(query), "{ blocks(from: %llu, to: 99999999) { number } }",
             (unsigned long long)head);
    snprintf(want, sizeof(want), "{\"data\":{\"blocks\":[{\"number\":%llu}]}}",
             (unsigned long long)head);
    expect(&w, query, want);
    expect(&w, "{ blocks(from: 1, to: 1) { miner(block: \"0xffffff\") { balance } } }",
           "{\"errors\":[{\"message\":\"header not found\",\"path\":[\"blocks\",0,\"miner\","
           "\"balance\"]}],\"data\":null}");
    expect(&w, "{ block(number: 99999999) { hash } }", "{\"data\":{\"block\":null}}");
    expect(&w, "mutation { sendRawTransaction(data: \"0xc0\") }",
           "{\"errors\":[{\"message\":\"rlp: too few elements for types.LegacyTx\",\"path\":["
           "\"sendRawTransaction\"]}],\"data\":null}");
    world_end(&w);
}

static void test_decimal(void **state)
{
    struct u256 value;
    (void)state;
    assert_true(decimal_parse_u256(&value, bytes_str("007")) && value.w[0] == 7);
    assert_true(decimal_parse_u256(
        &value, bytes_str("1157920892373161954235709850086879078532699846656405640"
                          "39457584007913129639935")));
    assert_false(decimal_parse_u256(
        &value, bytes_str("115792089237316195423570985008687907853269984665640564"
                          "039457584007913129639936")));
    assert_false(decimal_parse_u256(&value, bytes_str("")));
    assert_false(decimal_parse_u256(&value, bytes_str("1a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_language), cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_limits),   cmocka_unit_test(test_chain),
        cmocka_unit_test(test_decimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
