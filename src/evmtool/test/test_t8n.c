/*
 * Transitions of whole blocks, compared with what geth 1.17's "evm t8n" made of the same input: result,
 * accounts and body must be equal as JSON. A folder of vectors/t8n holds the input (with options and what
 * it shows in "_info") and geth's output.
 */
#include "base/mem.h"
#include "evmtool/t8n.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char folder[] = "src/evmtool/test/vectors/t8n/";

/* --- Equality, with the place of the first difference --- */

static void print_difference(const char *path, const json_t *expected, const json_t *got)
{
    char *want = json_dumps(expected, JSON_ENCODE_ANY), *is = json_dumps(got, JSON_ENCODE_ANY);
    print_error("%s: %s, expected %s\n", path, is ? is : "missing", want ? want : "nothing");
    free(want);
    free(is);
}

static void explain(const char *path, json_t *expected, json_t *got)
{
    char below[512];
    const char *key;
    json_t *value;
    size_t index;
    if (json_equal(expected, got))
        return;
    if (json_is_object(expected) && json_is_object(got)) {
        json_object_foreach(expected, key, value)
        {
            snprintf(below, sizeof(below), "%s.%s", path, key);
            explain(below, value, json_object_get(got, key));
        }
        json_object_foreach(got, key, value)
        {
            snprintf(below, sizeof(below), "%s.%s", path, key);
            if (!json_object_get(expected, key))
                print_difference(below, NULL, value);
        }
    } else if (json_is_array(expected) && json_array_size(expected) == json_array_size(got)) {
        json_array_foreach(expected, index, value)
        {
            snprintf(below, sizeof(below), "%s[%zu]", path, index);
            explain(below, value, json_array_get(got, index));
        }
    } else {
        print_difference(path, expected, got);
    }
}

/* --- One case --- */

static void read_options(struct evmtool_t8n *t, const json_t *info)
{
    const char *reward = json_string_value(json_object_get(info, "reward"));
    assert_non_null(json_string_value(json_object_get(info, "comment")));
    assert_true(fork_from_name(json_string_value(json_object_get(info, "fork")), &t->fork));
    t->chain_id = u256_from((uint64_t)json_integer_value(json_object_get(info, "chainid")));
    t->has_reward = strcmp(reward, "-1") != 0;
    t->reward = t->has_reward ? strtoull(reward, NULL, 10) : 0;
}

static int read_input(struct evmtool_t8n *t, const json_t *input, struct arena *arena,
                      struct err_detail *detail)
{
    const char *encoded = json_string_value(json_object_get(input, "txsRlp"));
    read_options(t, json_object_get(input, "_info"));
    int status = evmtool_alloc_read(&t->alloc, json_object_get(input, "alloc"), arena, detail);
    if (status == ERR_OK)
        status = evmtool_t8n_read_env(&t->env, json_object_get(input, "env"), arena, detail);
    if (status == ERR_OK)
        status = evmtool_t8n_complete_env(t, detail);
    if (status != ERR_OK)
        return status;
    return encoded ? evmtool_t8n_read_txs_rlp(t, encoded, arena, detail)
                   : evmtool_t8n_read_txs(t, json_object_get(input, "txs"), arena, detail);
}

static json_t *body_json(const struct evmtool_t8n_result *result)
{
    struct buf b = BUF_INIT;
    evmtool_t8n_body(&b, result);
    json_t *json = buf_status(&b) == ERR_OK ? evmtool_json_from_bytes(buf_bytes(&b)) : NULL;
    buf_release(&b);
    return json;
}

/* The three documents as members of one object, as geth prints them; NULL when out of memory. */
static json_t *output_json(const struct evmtool_t8n *t, const struct evmtool_t8n_result *result,
                           struct evmtool_world *world, struct arena *arena)
{
    json_t *output = json_object();
    bool fine =
        json_object_set_new(output, "result", evmtool_t8n_result_json(t, result, world)) == 0 &&
        json_object_set_new(output, "alloc", evmtool_world_dump(world, arena)) == 0 &&
        json_object_set_new(output, "body", body_json(result)) == 0;
    if (fine)
        return output;
    json_decref(output);
    return NULL;
}

static int transition(json_t **ret_output, const json_t *input, struct err_detail *detail)
{
    struct evmtool_t8n t = {0};
    struct evmtool_t8n_result result;
    struct evmtool_world *world = NULL;
    struct arena arena;
    arena_init(&arena);
    int status = read_input(&t, input, &arena, detail);
    if (status == ERR_OK)
        status = evmtool_world_new(&world);
    if (status == ERR_OK)
        status = evmtool_t8n_apply(&result, world, &t, NULL, &arena, detail);
    if (status == ERR_OK) {
        json_t *output = output_json(&t, &result, world, &arena);
        status = output ? ERR_OK : ERR_NOMEM;
        if (output)
            *ret_output = output;
    }
    evmtool_world_free(world);
    arena_release(&arena);
    return status;
}

static void load(const char *path, void *context)
{
    json_t **ret_json = context;
    *ret_json = fixtures_json(path);
}

static json_t *load_vector(const char *name, const char *file)
{
    char path[256];
    json_t *json = NULL;
    snprintf(path, sizeof(path), "%s%s/%s", folder, name, file);
    assert_int_equal(fixtures_each_own(path, load, &json), 1);
    return json;
}

static void agrees_with_geth(void **state)
{
    const char *name = *state;
    json_t *input = load_vector(name, "input.json");
    json_t *expected = load_vector(name, "expected.json");
    json_t *output = NULL;
    struct err_detail detail = {""};
    if (transition(&output, input, &detail) != ERR_OK)
        fail_msg("%s", detail.text);
    explain(name, expected, output);
    assert_true(json_equal(expected, output));
    json_decref(output);
    json_decref(expected);
    json_decref(input);
}

/* Whichever allocation fails: out of memory, and nothing else, is what comes back. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    json_t *input = load_vector("cancun_blobs", "input.json");
    json_t *expected = load_vector("cancun_blobs", "expected.json");
    json_t *output = NULL;
    int status = ERR_NOMEM;
    for (size_t n = 1; status != ERR_OK; n++) {
        struct err_detail detail = {""};
        mem_fail_at(n, 1);
        status = transition(&output, input, &detail);
        if (mem_fail_left() == 0)
            assert_int_equal(status, ERR_NOMEM);
        mem_fail_at(0, 0);
    }
    assert_true(json_equal(expected, output));
    json_decref(output);
    json_decref(expected);
    json_decref(input);
}

/* --- No folder is forgotten --- */

#define CASES(X)                                                                                   \
    X(frontier_post_state)                                                                         \
    X(homestead_ommers)                                                                            \
    X(byzantium_rejected)                                                                          \
    X(istanbul_logs)                                                                               \
    X(berlin_rlp)                                                                                  \
    X(istanbul_refusals)                                                                           \
    X(london_base_fee)                                                                             \
    X(shanghai_withdrawals)                                                                        \
    X(cancun_blobs)                                                                                \
    X(prague_requests)                                                                             \
    X(london_destruction)                                                                          \
    X(prague_refusals)                                                                             \
    X(osaka_parent)                                                                                \
    X(osaka_gas_cap)

static void ignore(const char *path, void *context)
{
    (void)path, (void)context;
}

static void every_folder_is_a_case(void **state)
{
#define X(name) +2 /* input and output */
    (void)state;
    assert_int_equal(fixtures_each_own(folder, ignore, NULL), 0 CASES(X));
#undef X
}

int main(void)
{
#define X(name) {#name, agrees_with_geth, NULL, NULL, (void *)#name},
    const struct CMUnitTest tests[] = {CASES(X) cmocka_unit_test(every_allocation_may_fail),
                                       cmocka_unit_test(every_folder_is_a_case)};
#undef X
    return cmocka_run_group_tests(tests, NULL, NULL);
}
