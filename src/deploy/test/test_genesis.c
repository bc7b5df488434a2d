/* Genesis files: the extra data of recorded networks made again, and what the file says. */
#include "deploy/genesis/genesis.h"

#include "rlp/rlp.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { VALIDATORS_MAX = 16 };

static size_t validators_of(struct address *ret, struct bytes extra, enum deploy_consensus kind)
{
    struct rlp_reader r;
    size_t count = 0;
    rlp_reader_init(&r, kind == DEPLOY_QBFT ? extra : bytes_slice(extra, 32, extra.len - 32));
    rlp_enter(&r, "extra");
    if (kind == DEPLOY_QBFT)
        rlp_skip(&r, "vanity");
    rlp_enter(&r, "validators");
    while (rlp_more(&r) && count < VALIDATORS_MAX)
        ret[count++] = rlp_read_address(&r, "validator");
    return count;
}

static void extra_is_as_recorded(const char *recording, enum deploy_consensus kind)
{
    char path[512];
    fixtures_require("recordings", "the project's recordings of GoQuorum networks");
    snprintf(path, sizeof(path), "%s/recordings/%s/genesis.json", fixtures_folder(), recording);
    json_t *file = fixtures_json(path);
    struct buf recorded = BUF_INIT, made = BUF_INIT;
    assert_true(fixtures_hex(file, "extraData", &recorded));
    struct address validators[VALIDATORS_MAX];
    struct deploy_genesis genesis = {.consensus = kind, .validators = validators};
    genesis.validator_count = validators_of(validators, buf_bytes(&recorded), kind);
    assert_int_equal(genesis.validator_count, 4);
    deploy_genesis_extra(&made, &genesis);
    assert_int_equal(made.len, recorded.len);
    assert_memory_equal(made.data, recorded.data, recorded.len);
    buf_release(&recorded);
    buf_release(&made);
    json_decref(file);
}

static void extra_qbft(void **state)
{
    (void)state;
    extra_is_as_recorded("qbft", DEPLOY_QBFT);
}

static void extra_ibft(void **state)
{
    (void)state;
    extra_is_as_recorded("ibft-order", DEPLOY_IBFT);
}

static const json_t *config_of(const json_t *root)
{
    return json_object_get(root, "config");
}

static void file_says_what_was_asked(void **state)
{
    (void)state;
    const struct address validators[] = {{.b = {1}}, {.b = {2}}}, accounts[] = {{.b = {3}}};
    const struct deploy_genesis genesis = {.consensus = DEPLOY_QBFT,
                                           .chain_id = 2018,
                                           .block_period = 5,
                                           .validators = validators,
                                           .validator_count = 2,
                                           .accounts = accounts,
                                           .account_count = 1};
    struct buf text = BUF_INIT, again = BUF_INIT;
    deploy_genesis_format(&text, &genesis);
    deploy_genesis_format(&again, &genesis);
    assert_int_equal(buf_status(&text), ERR_OK);
    assert_true(bytes_equal(buf_bytes(&text), buf_bytes(&again)));
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(config_of(root), "chainId")), 2018);
    const json_t *qbft = json_object_get(config_of(root), "qbft");
    assert_int_equal(json_integer_value(json_object_get(qbft, "blockperiodseconds")), 5);
    assert_int_equal(json_object_size(json_object_get(root, "alloc")), 3);
    assert_string_equal(json_string_value(json_object_get(root, "difficulty")), "0x1");
    json_decref(root);
    buf_release(&text);
    buf_release(&again);
}

static void raft_has_no_agreement(void **state)
{
    (void)state;
    const struct deploy_genesis genesis = {.consensus = DEPLOY_RAFT, .chain_id = 10};
    struct buf text = BUF_INIT;
    deploy_genesis_format(&text, &genesis);
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_null(json_object_get(config_of(root), "qbft"));
    assert_null(json_object_get(config_of(root), "ibft"));
    const char *extra = json_string_value(json_object_get(root, "extraData"));
    assert_int_equal(strlen(extra), 2 + 64);
    json_decref(root);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extra_qbft),
        cmocka_unit_test(extra_ibft),
        cmocka_unit_test(file_says_what_was_asked),
        cmocka_unit_test(raft_has_no_agreement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
