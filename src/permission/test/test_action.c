/* What an administrator is told before a transaction is made, fault by fault, and the call that becomes of an action. */
#include "permission/action.h"
#include "permission/test/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEY_OF_ORG                                                                                 \
    "ac6b1096ca56b9f6d004b779ae3728bf83f8e22453404cc3cef16a3d9b96608bc67c4b30db88e0a5a6c6390213f"  \
    "7acbe1153ff6d23ce57380104288ae19373ef"
#define KEY_OF_OTHER                                                                               \
    "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e11" \
    "0"                                                                                            \
    "8a8fd17b448a68554199c47d08ffb10d4b8"
#define URL(key, port) "enode://" key "@127.0.0.1:" port "?discport=0"
#define NEW_NODE       URL(KEY_OF_OTHER, "1")
#define ORG_NODE       URL(KEY_OF_ORG, "1")

enum { ADMIN = 0x11, KEEPER, USER, BAD, SUSPENDED, RECOVERING, STRANGER, OTHER_KEEPER };

static struct address who(uint8_t last)
{
    struct address address = {{0}};
    address.b[19] = last;
    return address;
}

/* An answer of getPendingOp. */
static void pending_code(struct buf *code, const char *org, const char *node, uint8_t account,
                         uint8_t operation)
{
    struct buf answer = BUF_INIT;
    const struct permission_value values[] = {{.text = bytes_str(org)},
                                              {.text = bytes_str(node)},
                                              {.address = who(account)},
                                              {.number = u256_from(operation)}};
    permission_abi_encode(&answer, "(string,string,address,uint256)", values);
    world_answering(code, buf_bytes(&answer));
    buf_release(&answer);
}

static void put_org(struct permission_model *m, const char *id, const char *parent,
                    const char *ultimate, uint8_t level, uint8_t status)
{
    const struct permission_org org = {.id = bytes_str(id),
                                       .parent = bytes_str(parent),
                                       .ultimate = bytes_str(ultimate),
                                       .level = u256_from(level),
                                       .status = status};
    assert_int_equal(permission_put_org(m, &org), 0);
}

static void put_account(struct permission_model *m, uint8_t last, const char *org, const char *role,
                        bool admin, uint8_t status)
{
    const struct permission_account account = {.address = who(last),
                                               .org = bytes_str(org),
                                               .role = bytes_str(role),
                                               .org_admin = admin,
                                               .status = status};
    assert_int_equal(permission_put_account(m, &account), 0);
}

static void put_role(struct permission_model *m, const char *org, const char *role, bool active)
{
    const struct permission_role r = {
        .org = bytes_str(org), .role = bytes_str(role), .active = active, .access = 1};
    assert_int_equal(permission_put_role(m, &r), 0);
}

static void put_node(struct permission_model *m, const char *org, const char *url, uint8_t status)
{
    const struct permission_node node = {
        .org = bytes_str(org), .url = bytes_str(url), .status = status};
    assert_int_equal(permission_put_node(m, &node), 0);
}

/* The model is the test's own to fill: no contract stands behind it. */
static void fill(const struct permission *permission)
{
    struct permission_model *m = (struct permission_model *)permission_model_of(permission);
    put_org(m, "NWORG", "", "NWORG", 1, PERMISSION_ORG_APPROVED);
    put_org(m, "ORG", "", "ORG", 1, PERMISSION_ORG_APPROVED);
    put_org(m, "GONE", "", "GONE", 1, PERMISSION_ORG_SUSPENDED);
    put_org(m, "SUB", "ORG", "ORG", 2, PERMISSION_ORG_APPROVED);
    put_org(m, "SUB2", "ORG", "ORG", 2, PERMISSION_ORG_APPROVED);
    put_org(m, "DEEP", "ORG.SUB", "ORG", 3, PERMISSION_ORG_APPROVED);
    put_role(m, "ORG", "SENDER", true);
    put_role(m, "ORG", "FREE", true);
    put_role(m, "ORG", "OLD", false);
    put_account(m, ADMIN, "NWORG", "NWADMIN", true, PERMISSION_ACCOUNT_ACTIVE);
    put_account(m, KEEPER, "ORG", "ORGADMIN", true, PERMISSION_ACCOUNT_ACTIVE);
    put_account(m, USER, "ORG", "SENDER", false, PERMISSION_ACCOUNT_ACTIVE);
    put_account(m, BAD, "ORG", "SENDER", false, PERMISSION_ACCOUNT_BLACKLISTED);
    put_account(m, SUSPENDED, "ORG", "SENDER", false, PERMISSION_ACCOUNT_SUSPENDED);
    put_account(m, RECOVERING, "ORG", "SENDER", false, PERMISSION_ACCOUNT_RECOVERY);
    put_account(m, OTHER_KEEPER, "GONE", "ORGADMIN", true, PERMISSION_ACCOUNT_ACTIVE);
    put_node(m, "ORG", ORG_NODE, PERMISSION_NODE_APPROVED);
    put_node(m, "ORG", URL(KEY_OF_ORG, "2"), PERMISSION_NODE_DEACTIVATED);
    put_node(m, "ORG", URL(KEY_OF_ORG, "3"), PERMISSION_NODE_BLACKLISTED);
    put_node(m, "ORG", URL(KEY_OF_ORG, "4"), PERMISSION_NODE_RECOVERY);
    put_node(m, "GONE", URL(KEY_OF_ORG, "5"), PERMISSION_NODE_APPROVED);
}

struct one {
    enum permission_action_kind kind;
    uint8_t from;
    const char *org, *url, *role, *parent;
    uint8_t account, action, access;
    enum permission_fault fault;
};

static struct permission_action action_of(const struct one *one)
{
    return (struct permission_action){.kind = one->kind,
                                      .org = bytes_str(one->org ? one->org : ""),
                                      .url = bytes_str(one->url ? one->url : ""),
                                      .role = bytes_str(one->role ? one->role : ""),
                                      .parent = bytes_str(one->parent ? one->parent : ""),
                                      .account = who(one->account),
                                      .from = who(one->from),
                                      .action = one->action,
                                      .access = one->access};
}

static void check_all(bool enhanced, const char *interface, const struct one *ones, size_t count)
{
    const struct world_contract contract = {0x42, interface};
    struct world w;
    world_begin(&w, enhanced, &contract, 1);
    fill(w.permission);
    for (size_t i = 0; i < count; i++) {
        const struct permission_action action = action_of(&ones[i]);
        enum permission_fault fault = permission_action_check(w.permission, &action);
        if (fault != ones[i].fault)
            fail_msg("case %zu: \"%s\", not \"%s\"", i, permission_fault_text(fault),
                     permission_fault_text(ones[i].fault));
    }
    world_end(&w);
}

#define F(name) PERMISSION_FAULT_##name

static void test_nothing_waits(void **state)
{
    (void)state;
    static const struct one ones[] = {
        {PERMISSION_ADD_ORG, ADMIN, "NEW", NEW_NODE, .account = STRANGER, .fault = F(NONE)},
        {PERMISSION_ADD_ORG, ADMIN, "", NEW_NODE, .account = STRANGER, .fault = F(INPUT)},
        {PERMISSION_ADD_ORG, ADMIN, "NEW", "", .account = STRANGER, .fault = F(INPUT)},
        {PERMISSION_ADD_ORG, ADMIN, "NEW", NEW_NODE, .fault = F(INPUT)},
        {PERMISSION_ADD_ORG, ADMIN, "N.W", NEW_NODE, .account = STRANGER, .fault = F(ORG_NAME)},
        {PERMISSION_ADD_ORG, KEEPER, "NEW", NEW_NODE, .account = STRANGER,
         .fault = F(NOT_NETWORK_ADMIN)},
        {PERMISSION_ADD_ORG, ADMIN, "ORG", NEW_NODE, .account = STRANGER, .fault = F(ORG_EXISTS)},
        {PERMISSION_ADD_ORG, ADMIN, "NEW", ORG_NODE, .account = STRANGER, .fault = F(NODE_PRESENT)},
        {PERMISSION_ADD_ORG, ADMIN, "NEW", URL(KEY_OF_ORG, "77"), .account = STRANGER,
         .fault = F(NODE_PRESENT)},
        {PERMISSION_ADD_ORG, ADMIN, "NEW", "enode://00", .account = STRANGER, .fault = F(NODE)},
        {PERMISSION_ADD_ORG, ADMIN, "NEW", NEW_NODE, .account = USER, .fault = F(ACCOUNT_IN_USE)},
        {PERMISSION_APPROVE_ORG, KEEPER, "NEW", NEW_NODE, .account = STRANGER,
         .fault = F(NOT_NETWORK_ADMIN)},
        {PERMISSION_APPROVE_ORG, ADMIN, "NEW", NEW_NODE, .account = STRANGER, .fault = F(NOTHING)},
        {PERMISSION_ADD_SUB_ORG, KEEPER, "T", .parent = "ORG.SUB", .fault = F(NONE)},
        {PERMISSION_ADD_SUB_ORG, KEEPER, "", .parent = "ORG", .fault = F(INPUT)},
        {PERMISSION_ADD_SUB_ORG, KEEPER, "a b", .parent = "ORG", .fault = F(ORG_NAME)},
        {PERMISSION_ADD_SUB_ORG, KEEPER, "T", .parent = "NONE", .fault = F(NO_ORG)},
        {PERMISSION_ADD_SUB_ORG, USER, "T", .parent = "ORG", .fault = F(NOT_ORG_ADMIN)},
        {PERMISSION_ADD_SUB_ORG, OTHER_KEEPER, "T", .parent = "ORG", .fault = F(NOT_ORG_ADMIN)},
        {PERMISSION_ADD_SUB_ORG, KEEPER, "SUB", .parent = "ORG", .fault = F(ORG_EXISTS)},
        {PERMISSION_ADD_SUB_ORG, KEEPER, "T", .parent = "ORG", .fault = F(BREADTH)},
        {PERMISSION_ADD_SUB_ORG, KEEPER, "T", .parent = "ORG.SUB.DEEP", .fault = F(DEPTH)},
        {PERMISSION_UPDATE_ORG, ADMIN, "ORG", .action = 1, .fault = F(NONE)},
        {PERMISSION_UPDATE_ORG, ADMIN, "GONE", .action = 2, .fault = F(NONE)},
        {PERMISSION_UPDATE_ORG, ADMIN, "ORG", .action = 2, .fault = F(OPERATION)},
        {PERMISSION_UPDATE_ORG, ADMIN, "ORG", .action = 3, .fault = F(OPERATION)},
        {PERMISSION_UPDATE_ORG, ADMIN, "NWORG", .action = 1, .fault = F(OPERATION)},
        {PERMISSION_UPDATE_ORG, ADMIN, "NONE", .action = 1, .fault = F(NO_ORG)},
        {PERMISSION_UPDATE_ORG, ADMIN, "ORG.SUB", .action = 1, .fault = F(NOT_MASTER)},
        {PERMISSION_UPDATE_ORG, KEEPER, "ORG", .action = 1, .fault = F(NOT_NETWORK_ADMIN)},
        {PERMISSION_APPROVE_ORG_UPDATE, ADMIN, "ORG", .action = 1, .fault = F(NOTHING)},
        {PERMISSION_APPROVE_ORG_UPDATE, ADMIN, "ORG", .action = 0, .fault = F(OPERATION)},
        {PERMISSION_ADD_NODE, KEEPER, "ORG", NEW_NODE, .fault = F(NONE)},
        {PERMISSION_ADD_NODE, KEEPER, "ORG", "", .fault = F(INPUT)},
        {PERMISSION_ADD_NODE, KEEPER, "GONE", NEW_NODE, .fault = F(NOT_ORG_ADMIN)},
        {PERMISSION_UPDATE_NODE, KEEPER, "ORG", ORG_NODE, .action = 1, .fault = F(NONE)},
        {PERMISSION_UPDATE_NODE, KEEPER, "ORG", ORG_NODE, .action = 2, .fault = F(OPERATION)},
        {PERMISSION_UPDATE_NODE, KEEPER, "ORG", ORG_NODE, .action = 3, .fault = F(NONE)},
        {PERMISSION_UPDATE_NODE, KEEPER, "ORG", ORG_NODE, .action = 6, .fault = F(OPERATION)},
        {PERMISSION_UPDATE_NODE, KEEPER, "ORG", URL(KEY_OF_ORG, "2"), .action = 2,
         .fault = F(NONE)},
        {PERMISSION_UPDATE_NODE, KEEPER, "ORG", URL(KEY_OF_ORG, "3"), .action = 1,
         .fault = F(NODE_BLACKLISTED)},
        {PERMISSION_UPDATE_NODE, KEEPER, "ORG", URL(KEY_OF_ORG, "3"), .action = 4,
         .fault = F(OPERATION)}, /* recovery is the network's */
        {PERMISSION_UPDATE_NODE, KEEPER, "ORG", URL(KEY_OF_ORG, "5"), .action = 1,
         .fault = F(NODE_OF_OTHER)},
        {PERMISSION_UPDATE_NODE, KEEPER, "ORG", NEW_NODE, .action = 1, .fault = F(NO_NODE)},
        {PERMISSION_UPDATE_NODE, KEEPER, "ORG", "x", .action = 1, .fault = F(NODE)},
        {PERMISSION_ASSIGN_ADMIN, ADMIN, "ORG", .role = "ORGADMIN", .account = USER,
         .fault = F(NONE)},
        {PERMISSION_ASSIGN_ADMIN, ADMIN, "ORG", .role = "ORGADMIN", .fault = F(INPUT)},
        {PERMISSION_ASSIGN_ADMIN, ADMIN, "ORG", .role = "SENDER", .account = USER,
         .fault = F(OPERATION)},
        {PERMISSION_ASSIGN_ADMIN, ADMIN, "NONE", .role = "ORGADMIN", .account = USER,
         .fault = F(NO_ORG)},
        {PERMISSION_ASSIGN_ADMIN, ADMIN, "ORG", .role = "ORGADMIN", .account = KEEPER,
         .fault = F(ALREADY_ADMIN)},
        {PERMISSION_APPROVE_ADMIN, ADMIN, "ORG", .account = STRANGER, .fault = F(ACCOUNT)},
        {PERMISSION_APPROVE_ADMIN, ADMIN, "ORG", .account = USER, .fault = F(NOTHING)},
        {PERMISSION_ADD_ROLE, KEEPER, "ORG", .role = "R", .access = 3, .fault = F(NONE)},
        {PERMISSION_ADD_ROLE, KEEPER, "ORG", .role = "", .access = 3, .fault = F(INPUT)},
        {PERMISSION_ADD_ROLE, KEEPER, "ORG", .role = "SENDER", .fault = F(ROLE_EXISTS)},
        {PERMISSION_ADD_ROLE, KEEPER, "ORG", .role = "R", .access = 4, .fault = F(ACCESS)},
        {PERMISSION_REMOVE_ROLE, KEEPER, "ORG", .role = "FREE", .fault = F(NONE)},
        {PERMISSION_REMOVE_ROLE, KEEPER, "ORG", .role = "ORGADMIN", .fault = F(ADMIN_ROLE)},
        {PERMISSION_REMOVE_ROLE, KEEPER, "ORG", .role = "NONE", .fault = F(ROLE)},
        {PERMISSION_REMOVE_ROLE, KEEPER, "ORG", .role = "OLD", .fault = F(ROLE_INACTIVE)},
        {PERMISSION_REMOVE_ROLE, KEEPER, "ORG", .role = "SENDER", .fault = F(ROLE_USED)},
        {PERMISSION_ASSIGN_ROLE, KEEPER, "ORG", .role = "SENDER", .account = STRANGER,
         .fault = F(NONE)},
        {PERMISSION_ASSIGN_ROLE, KEEPER, "ORG.SUB", .role = "SENDER", .account = STRANGER,
         .fault = F(NONE)},
        {PERMISSION_ASSIGN_ROLE, KEEPER, "ORG", .role = "SENDER", .fault = F(INPUT)},
        {PERMISSION_ASSIGN_ROLE, KEEPER, "ORG", .role = "ORGADMIN", .account = STRANGER,
         .fault = F(ROLE)},
        {PERMISSION_ASSIGN_ROLE, KEEPER, "ORG", .role = "OLD", .account = STRANGER,
         .fault = F(ROLE)},
        {PERMISSION_ASSIGN_ROLE, KEEPER, "ORG", .role = "SENDER", .account = OTHER_KEEPER,
         .fault = F(ACCOUNT_IN_USE)},
        {PERMISSION_UPDATE_ACCOUNT, KEEPER, "ORG", .account = USER, .action = 1, .fault = F(NONE)},
        {PERMISSION_UPDATE_ACCOUNT, KEEPER, "ORG", .account = USER, .action = 2,
         .fault = F(OPERATION)},
        {PERMISSION_UPDATE_ACCOUNT, KEEPER, "ORG", .account = SUSPENDED, .action = 2,
         .fault = F(NONE)},
        {PERMISSION_UPDATE_ACCOUNT, KEEPER, "ORG", .account = KEEPER, .action = 1,
         .fault = F(OPERATION)},
        {PERMISSION_UPDATE_ACCOUNT, KEEPER, "ORG", .account = STRANGER, .action = 1,
         .fault = F(NO_ACCOUNT)},
        {PERMISSION_UPDATE_ACCOUNT, KEEPER, "ORG", .account = BAD, .action = 2,
         .fault = F(ACCOUNT_BLACKLISTED)},
        {PERMISSION_UPDATE_ACCOUNT, KEEPER, "ORG.SUB", .account = USER, .action = 1,
         .fault = F(ACCOUNT_OF_OTHER)},
        {PERMISSION_UPDATE_ACCOUNT, KEEPER, "ORG", .account = RECOVERING, .action = 3,
         .fault = F(OPERATION)},
        {PERMISSION_RECOVER_NODE, ADMIN, "ORG", URL(KEY_OF_ORG, "3"), .fault = F(NONE)},
        {PERMISSION_RECOVER_NODE, ADMIN, "NONE", URL(KEY_OF_ORG, "3"), .fault = F(ORG_NAME)},
        {PERMISSION_RECOVER_NODE, ADMIN, "ORG", ORG_NODE, .fault = F(OPERATION)},
        {PERMISSION_RECOVER_NODE, KEEPER, "ORG", ORG_NODE, .fault = F(NOT_NETWORK_ADMIN)},
        {PERMISSION_APPROVE_NODE_RECOVERY, ADMIN, "ORG", URL(KEY_OF_ORG, "4"), .fault = F(NOTHING)},
        {PERMISSION_RECOVER_ACCOUNT, ADMIN, "ORG", .account = BAD, .fault = F(NONE)},
        {PERMISSION_RECOVER_ACCOUNT, ADMIN, "ORG", .account = USER, .fault = F(OPERATION)},
        {PERMISSION_APPROVE_ACCOUNT_RECOVERY, ADMIN, "ORG", .account = RECOVERING,
         .fault = F(NOTHING)},
    };
    struct buf code = BUF_INIT;
    pending_code(&code, "", "", 0, 0);
    check_all(false, buf_text(&code), ones, BASE_COUNT(ones));
    buf_release(&code);
}

static void test_votes_wait(void **state)
{
    (void)state;
    static const struct one basic[] = {
        {PERMISSION_APPROVE_ORG, ADMIN, "NEW", NEW_NODE, .account = STRANGER, .fault = F(NONE)},
        {PERMISSION_APPROVE_ORG, ADMIN, "NEW", ORG_NODE, .account = STRANGER, .fault = F(NOTHING)},
        {PERMISSION_APPROVE_ORG, ADMIN, "NEW", NEW_NODE, .account = USER, .fault = F(NOTHING)},
        {PERMISSION_APPROVE_ORG, ADMIN, "NEW2", NEW_NODE, .account = STRANGER, .fault = F(NOTHING)},
        {PERMISSION_ADD_ORG, ADMIN, "NEW2", NEW_NODE, .account = STRANGER, .fault = F(PENDING)},
        {PERMISSION_RECOVER_NODE, ADMIN, "ORG", URL(KEY_OF_ORG, "3"), .fault = F(PENDING)},
        {PERMISSION_RECOVER_ACCOUNT, ADMIN, "ORG", .account = BAD, .fault = F(PENDING)},
    };
    /* By the key alone, whatever the port. */
    static const struct one enhanced[] = {
        {PERMISSION_APPROVE_ORG, ADMIN, "NEW", URL(KEY_OF_OTHER, "9"), .account = STRANGER,
         .fault = F(NONE)},
        {PERMISSION_APPROVE_ORG, ADMIN, "NEW", "x", .account = STRANGER, .fault = F(NOTHING)},
        {PERMISSION_ADD_ROLE, KEEPER, "ORG", .role = "R", .access = 7, .fault = F(NONE)},
        {PERMISSION_ADD_ROLE, KEEPER, "ORG", .role = "R", .access = 8, .fault = F(ACCESS)},
    };
    struct buf code = BUF_INIT;
    pending_code(&code, "NEW", NEW_NODE, STRANGER, 1);
    check_all(false, buf_text(&code), basic, BASE_COUNT(basic));
    buf_clear(&code);
    pending_code(&code, "NEW", KEY_OF_OTHER, STRANGER, 1);
    check_all(true, buf_text(&code), enhanced, BASE_COUNT(enhanced));
    buf_release(&code);
}

/* A contract that answers nonsense has nothing to approve. */
static void test_nonsense_waits(void **state)
{
    (void)state;
    static const struct one ones[] = {
        {PERMISSION_APPROVE_ORG, ADMIN, "NEW", NEW_NODE, .account = STRANGER, .fault = F(NOTHING)},
        {PERMISSION_ADD_ORG, ADMIN, "NEW", NEW_NODE, .account = STRANGER, .fault = F(NONE)},
    };
    check_all(false, "fe", ones, BASE_COUNT(ones));
    check_all(false, "60016000f3", ones, BASE_COUNT(ones));
}

static void check_call(bool enhanced, const struct one *one, const char *signature,
                       const struct permission_value *values)
{
    const struct world_contract contract = {0x42, "00"};
    const struct permission_action action = action_of(one);
    struct buf data = BUF_INIT, wanted = BUF_INIT;
    struct err_detail detail = {{0}};
    struct world w;
    world_begin(&w, enhanced, &contract, 1);
    int status = permission_action_call(w.permission, &action, &data, &detail);
    if (signature) {
        permission_abi_call(&wanted, signature, values);
        assert_int_equal(status, 0);
        assert_int_equal(data.len, wanted.len);
        assert_memory_equal(data.data, wanted.data, data.len);
    } else {
        assert_int_equal(status, ERR_INPUT);
    }
    buf_release(&data);
    buf_release(&wanted);
    world_end(&w);
}

static void test_calls(void **state)
{
    (void)state;
    const struct one add = {PERMISSION_ADD_ORG, ADMIN, "NEW", NEW_NODE, .account = STRANGER};
    const struct one sub = {PERMISSION_ADD_SUB_ORG, KEEPER, "T", .parent = "ORG"};
    const struct one bad = {PERMISSION_ADD_NODE, KEEPER, "ORG", "enode://nothing"};
    const struct permission_value basic[] = {
        {.text = bytes_str("NEW")}, {.text = bytes_str(NEW_NODE)}, {.address = who(STRANGER)}};
    const struct permission_value enhanced[] = {
        {.text = bytes_str("NEW")},       {.text = bytes_str(KEY_OF_OTHER)},
        {.text = bytes_str("127.0.0.1")}, {.number = u256_from(1)},
        {.number = u256_from(0)},         {.address = who(STRANGER)}};
    const struct permission_value no_node[] = {
        {.text = bytes_str("ORG")}, {.text = bytes_str("T")}, {{0}}, {{0}}, {{0}}, {{0}}};
    check_call(false, &add, "addOrg(string,string,address)", basic);
    check_call(true, &add, "addOrg(string,string,string,uint16,uint16,address)", enhanced);
    check_call(true, &sub, "addSubOrg(string,string,string,string,uint16,uint16)", no_node);
    check_call(true, &bad, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_waits),
        cmocka_unit_test(test_votes_wait),
        cmocka_unit_test(test_nonsense_waits),
        cmocka_unit_test(test_calls),
    };
    return cmocka_run_group_tests_name("permission actions", tests, NULL, NULL);
}
