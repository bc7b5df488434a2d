/* permission-config.json: what is taken and, in GoQuorum's words, what is refused. */
#include "permission/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define A(digit) "\"0x" digit digit digit digit digit digit digit digit digit digit "\""

static const char rest[] =
    "\"upgrdableAddress\":" A("1001") ",\"interfaceAddress\":" A("1002") ",\"implAddress\":" A(
        "100"
        "3") ",\"nodeMgrAddress\":" A("1004") ",\"accountMgrAddress\":" A("1005") ","
                                                                                  "\"roleMgrAddress"
                                                                                  "\":" A(
                                                                                      "1006") ",\"v"
                                                                                              "oter"
                                                                                              "MgrA"
                                                                                              "dd"
                                                                                              "ress"
                                                                                              "\""
                                                                                              ":" A(
                                                                                                  "10"
                                                                                                  "0"
                                                                                                  "7") ",\"orgMgrAddress\":" A("1008") ","
                                                                                                                                       "\""
                                                                                                                                       "nw"
                                                                                                                                       "Ad"
                                                                                                                                       "mi"
                                                                                                                                       "nO"
                                                                                                                                       "rg"
                                                                                                                                       "\""
                                                                                                                                       ":"
                                                                                                                                       "\""
                                                                                                                                       "AD"
                                                                                                                                       "MI"
                                                                                                                                       "NO"
                                                                                                                                       "RG"
                                                                                                                                       "\""
                                                                                                                                       ","
                                                                                                                                       "\""
                                                                                                                                       "nw"
                                                                                                                                       "Ad"
                                                                                                                                       "mi"
                                                                                                                                       "nR"
                                                                                                                                       "ol"
                                                                                                                                       "e"
                                                                                                                                       "\""
                                                                                                                                       ":"
                                                                                                                                       "\""
                                                                                                                                       "AD"
                                                                                                                                       "MI"
                                                                                                                                       "N"
                                                                                                                                       "\""
                                                                                                                                       ","
                                                                                                                                       "\""
                                                                                                                                       "or"
                                                                                                                                       "gA"
                                                                                                                                       "dm"
                                                                                                                                       "in"
                                                                                                                                       "Ro"
                                                                                                                                       "le"
                                                                                                                                       "\""
                                                                                                                                       ":"
                                                                                                                                       "\""
                                                                                                                                       "OR"
                                                                                                                                       "GA"
                                                                                                                                       "DM"
                                                                                                                                       "IN"
                                                                                                                                       "\"";

static void everything(void **state)
{
    char text[2048];
    struct permission_config c;
    struct err_detail detail = {""};
    (void)state;
    snprintf(text, sizeof(text),
             "{\"PermissionModel\":\"V2\",%s,\"accounts\":[" A("aabb") "," A(
                 "ccdd") "],"
                         "\"subOrgBreadth\":3,\"subOrgDepth\":4}",
             rest);
    if (permission_config_parse(&c, bytes_str(text), &detail))
        fail_msg("%s", detail.text);
    assert_true(c.enhanced);
    assert_int_equal(c.interface.b[1], 0x02);
    assert_int_equal(c.orgs.b[1], 0x08);
    assert_int_equal(c.admin_count, 2);
    assert_int_equal(c.admins[1].b[0], 0xcc);
    assert_int_equal(c.breadth, 3);
    assert_int_equal(c.depth, 4);
    assert_string_equal(c.network_org, "ADMINORG");
    assert_string_equal(c.org_role, "ORGADMIN");
    permission_config_release(&c);
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{}",
         "permissions model type not passed in permission-config.json. Network cannot boot up"},
        {"{\"permissionModel\":\"v3\"}", "invalid permissions model type passed in "
                                         "permission-config.json. Network cannot boot up"},
        {"{\"permissionModel\":\"v1\",\"accounts\":[]}",
         "no accounts given in permission-config.json. Network cannot boot up"},
        {"{\"permissionModel\":\"v1\",\"accounts\":[" A("aabb") "]}",
         "sub org breadth depth not passed in permission-config.json. Network cannot boot up"},
        {"{\"permissionModel\":\"v1\",\"accounts\":[" A("aabb") "],\"subOrgBreadth\":0,"
                                                                "\"subOrgDepth\":1}",
         "sub org breadth depth not passed in permission-config.json. Network cannot boot up"},
        {"{\"permissionModel\":\"v1\",\"accounts\":[" A("aabb") "],\"subOrgBreadth\":1,"
                                                                "\"subOrgDepth\":1}",
         "missing contract addresses in permission-config.json"},
        {"{\"permissionModel\":\"v1\",\"accounts\":[\"0x12\"]}",
         "permission-config.json: accounts must be an address: 0x and 40 hex digits"},
        {"[]", "permission-config.json is no JSON object: line 1, column 1: expected {"},
    };
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct permission_config c;
        struct err_detail detail = {""};
        assert_int_equal(permission_config_parse(&c, bytes_str(cases[i].text), &detail), ERR_INPUT);
        assert_string_equal(detail.text, cases[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
