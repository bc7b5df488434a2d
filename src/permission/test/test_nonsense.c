/* Contracts that answer nonsense: each is named, nothing is permitted by it, and the node goes on. */
#include "permission/test/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORD(last) "600" last "60005260206000f3" /* returns a word: 0 … f */
#define SHORT      "3660041460005260206000f3"    /* 1 to questions without arguments, else 0 */
#define REVERTS    "60006000fd"
#define LOOPS      "5b600056"
#define INVALID    "fe"
#define NOTHING    "00" /* stops: an answer of no bytes */
#define ONE_BYTE   "60016000f3"
#define MANY_BYTES "620100016000f3"       /* 65,537 */
#define MANY       "60ff60005360206000f3" /* a word that begins with ff */

static void check(const char *interface, const char *orgs, int wanted, enum permission_phase phase,
                  const char *text)
{
    const struct world_contract contracts[] = {
        {0x43, orgs}, {0x44, WORD("0")}, {0x45, WORD("0")}, {0x46, WORD("0")}, {0x42, interface}};
    struct world w;
    struct err_detail detail = {{0}};
    enum permission_phase at;
    const struct eth_transaction tx = {.type = ETH_LEGACY};
    const struct address sender = {{0x11}};
    world_begin(&w, true, contracts, BASE_COUNT(contracts) - (interface ? 0 : 1));
    int status = permission_head(w.permission, false, &at, &detail);
    if (status != wanted || !strstr(detail.text, text))
        fail_msg("%s, %s: %s: %s", interface ? interface : "nobody", orgs, err_text(status),
                 detail.text);
    if (status == ERR_OK)
        assert_int_equal(at, phase);
    /* Again with the next head, and still no access by an answer that is none. */
    assert_int_equal(permission_head(w.permission, false, &at, &detail), wanted);
    if (permission_enabled(w.permission) && wanted != ERR_OK)
        assert_false(permission_allows_transaction(w.permission, &tx, &sender) &&
                     strcmp(interface, WORD("1")) != 0);
    if (!interface || strcmp(interface, WORD("1")) != 0)
        assert_false(permission_allows_connection(w.permission, "00", "127.0.0.1", 1));
    world_end(&w);
}

static void test_interface(void **state)
{
    (void)state;
    check(NULL, WORD("0"), ERR_OK, PERMISSION_NO_CONTRACTS, "");
    check(NOTHING, WORD("0"), ERR_OK, PERMISSION_NO_CONTRACTS, "");
    check(WORD("0"), WORD("0"), ERR_OK, PERMISSION_NOT_BOOTED, "");
    check(REVERTS, WORD("0"), ERR_INPUT, 0, "execution reverted");
    check(LOOPS, WORD("0"), ERR_INPUT, 0, "execution reverted");
    check(INVALID, WORD("0"), ERR_INPUT, 0, "execution reverted");
    check(ONE_BYTE, WORD("0"), ERR_INPUT, 0, "getNetworkBootStatus(): the contract's answer is no");
    check(MANY_BYTES, WORD("0"), ERR_INPUT, 0, "the answer is longer than 65536 bytes");
    check(WORD("2"), WORD("0"), ERR_INPUT, 0,
          "getNetworkBootStatus(): the contract's answer is no");
}

static bool lets_through(struct world *w, bool agreed)
{
    const struct chain_permission *gate = permission_gate(w->permission);
    const struct permission_asker *asker = permission_asker_of(w->permission);
    const struct eth_transaction tx = {.type = ETH_LEGACY};
    const struct address sender = {{0x11}};
    bool allowed = true;
    assert_true(asker->open);
    assert_int_equal(gate->allows(gate->context, &allowed, agreed, &asker->environment.block,
                                  asker->view, &tx, &sender),
                     ERR_OK);
    return allowed;
}

/* The network is booted, and nobody may send: proposals are held to it at once, what the network has agreed on as soon as this
 * node is where the network is. */
static void test_agreed(void **state)
{
    (void)state;
    const struct world_contract contracts[] = {
        {0x43, WORD("0")}, {0x44, WORD("0")}, {0x45, WORD("0")}, {0x46, WORD("0")}, {0x42, SHORT}};
    struct world w;
    struct err_detail detail = {{0}};
    enum permission_phase phase;
    world_begin(&w, true, contracts, BASE_COUNT(contracts));
    assert_int_equal(permission_head(w.permission, false, &phase, &detail), ERR_OK);
    assert_int_equal(phase, PERMISSION_READY);
    assert_false(lets_through(&w, false));
    assert_true(lets_through(&w, true));
    permission_is_current(w.permission);
    assert_false(lets_through(&w, false));
    assert_false(lets_through(&w, true));
    world_end(&w);
}

static void test_managers(void **state)
{
    (void)state;
    check(WORD("1"), WORD("0"), ERR_OK, PERMISSION_READY, "");
    check(WORD("1"), NOTHING, ERR_NOTFOUND, 0, "getNumberOfOrgs()");
    check(WORD("1"), REVERTS, ERR_INPUT, 0, "getNumberOfOrgs()");
    check(WORD("1"), ONE_BYTE, ERR_INPUT, 0, "getNumberOfOrgs()");
    check(WORD("1"), MANY, ERR_LIMIT, 0, "getNumberOfOrgs(): more than");
    check(WORD("1"), WORD("1"), ERR_INPUT, 0, "getOrgInfo(uint256) 0");
}

/* Where answers are right in form, and say what cannot be. */
static void test_texts_elsewhere(void **state)
{
    (void)state;
    struct buf code = BUF_INIT;
    uint8_t answer[5 * 32] = {0};
    answer[31] = 1;    /* one organisation; as the offset of its name: between two words */
    answer[63] = 0xa0; /* right behind */
    answer[64] = 0xff; /* far off */
    world_answering(&code, bytes_of(answer, sizeof(answer)));
    check(WORD("1"), buf_text(&code), ERR_INPUT, 0, "getOrgInfo(uint256) 0");
    buf_release(&code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interface),
        cmocka_unit_test(test_agreed),
        cmocka_unit_test(test_managers),
        cmocka_unit_test(test_texts_elsewhere),
    };
    return cmocka_run_group_tests_name("permission nonsense", tests, NULL, NULL);
}
