/* Blocks that are kept as text: what is answered stays what it was, and a block that has left the chain is answered no more. */
#include "base/hex.h"
#include "rpc/json/texts.h"
#include "rpc/test/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct hash256 hash_of(unsigned number)
{
    struct hash256 hash = {{0}};
    memcpy(hash.b, &number, sizeof(number));
    return hash;
}

static void test_bounds(void **state)
{
    (void)state;
    struct rpc_texts texts = {.next = 0};
    struct buf text = BUF_INIT, out = BUF_INIT;
    rpc_texts_init(&texts);
    memset(buf_extend(&text, RPC_TEXT_MAX + 1), 'x', RPC_TEXT_MAX + 1);
    for (unsigned i = 0; i <= RPC_TEXTS_MAX; i++) {
        struct hash256 hash = hash_of(i);
        text.data[0] = (uint8_t)i;
        rpc_texts_add(&texts, &hash, bytes_slice(buf_bytes(&text), 0, RPC_TEXT_MIN + i));
        rpc_texts_add(&texts, &hash, bytes_slice(buf_bytes(&text), 0, RPC_TEXT_MIN + i));
    }
    for (unsigned i = 0; i <= RPC_TEXTS_MAX; i++) { /* the oldest made way */
        struct hash256 hash = hash_of(i);
        buf_clear(&out);
        assert_int_equal(rpc_texts_append(&texts, &out, &hash), i > 0);
        assert_int_equal(out.len, i ? RPC_TEXT_MIN + i : 0);
        assert_true(i == 0 || out.data[0] == (uint8_t)i);
    }
    struct hash256 large = hash_of(1000), small = hash_of(1001);
    rpc_texts_add(&texts, &large, buf_bytes(&text));
    rpc_texts_add(&texts, &small, bytes_slice(buf_bytes(&text), 0, RPC_TEXT_MIN - 1));
    assert_false(rpc_texts_append(&texts, &out, &large));
    assert_false(rpc_texts_append(&texts, &out, &small));
    rpc_texts_release(&texts);
    buf_release(&text);
    buf_release(&out);
}

static json_t *ask(struct world *w, const char *method, const char *params)
{
    char message[300];
    snprintf(message, sizeof(message), "{\"id\":1,\"method\":\"%s\",\"params\":%s}", method,
             params);
    return world_ask(w, rpc_access_all(), message);
}

/* The block by its number and by its hash, three times each; its hash. */
static struct hash256 check_block(struct world *w, unsigned number)
{
    char by_number[100], by_hash[100];
    struct hash256 hash;
    snprintf(by_number, sizeof(by_number), "[\"0x%x\",true]", number);
    json_t *first = ask(w, "eth_getBlockByNumber", by_number);
    const char *text = json_string_value(json_object_get(json_object_get(first, "result"), "hash"));
    assert_non_null(text);
    assert_true(hex_decode_exact(text + 2, hash.b, 32));
    snprintf(by_hash, sizeof(by_hash), "[\"%s\",true]", text);
    for (int i = 0; i < 3; i++) {
        json_t *a = ask(w, "eth_getBlockByNumber", by_number);
        json_t *b = ask(w, "eth_getBlockByHash", by_hash);
        assert_true(json_equal(a, first) && json_equal(b, first));
        json_decref(a);
        json_decref(b);
    }
    json_decref(first);
    return hash;
}

static void expect_null(struct world *w, const char *method, const char *params)
{
    json_t *answer = ask(w, method, params);
    assert_true(json_is_null(json_object_get(answer, "result")));
    json_decref(answer);
}

static void test_blocks(void **state)
{
    (void)state;
    struct world w;
    struct chain_head head;
    struct buf out = BUF_INIT;
    unsigned kept = 0;
    world_begin(&w, "qbft");
    chain_head(w.chain, &head);
    unsigned last = (unsigned)head.block->header.number, largest = 0;
    chain_head_release(&head);
    for (unsigned number = last; number > 0 && kept < 3; number--) {
        struct hash256 hash = check_block(&w, number);
        if (!rpc_texts_append(rpc_texts_of(w.rpc), &out, &hash))
            continue;
        kept++;
        largest = largest ? largest : number;
    }
    assert_true(kept == 3);

    char params[100];
    struct hash256 gone = check_block(&w, largest);
    snprintf(params, sizeof(params), "[\"0x%x\"]", largest - 1);
    json_decref(ask(&w, "debug_setHead", params));
    assert_true(rpc_texts_append(rpc_texts_of(w.rpc), &out, &gone));
    snprintf(params, sizeof(params), "[\"0x%x\",true]", largest);
    expect_null(&w, "eth_getBlockByNumber", params);
    char digits[65] = {0};
    hex_encode(digits, bytes_of(gone.b, 32));
    snprintf(params, sizeof(params), "[\"0x%s\",true]", digits);
    expect_null(&w, "eth_getBlockByHash", params);
    buf_release(&out);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests_name("texts", tests, NULL, NULL);
}
