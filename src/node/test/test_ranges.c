#include "node/config/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *list, *address;
    bool have;
} cases[] = {
    {"", "1.2.3.4", true},
    {"10.0.0.0/8", "10.255.0.1", true},
    {"10.0.0.0/8", "11.0.0.1", false},
    {"192.168.1.128/25", "192.168.1.200", true},
    {"192.168.1.128/25", "192.168.1.100", false},
    {"10.0.0.0/8,fd00::/8", "fd12::1", true},
    {"10.0.0.0/8,fd00::/8", "fe80::1", false},
    {"0.0.0.0/0", "8.8.8.8", true},
    {"0.0.0.0/0", "::1", false},
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct err_detail detail = {""};
        struct node_ranges ranges;
        struct io_address address;
        assert_int_equal(node_ranges_parse(&ranges, cases[i].list, &detail), ERR_OK);
        assert_true(io_address_parse_ip(&address, cases[i].address));
        assert_int_equal(node_ranges_have(&ranges, &address), cases[i].have);
        node_ranges_release(&ranges);
    }
}

static void test_refusals(void **state)
{
    static const char *const bad[] = {"zz", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/8,x/1", "/8"};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        struct err_detail detail = {""};
        struct node_ranges ranges;
        assert_int_equal(node_ranges_parse(&ranges, bad[i], &detail), ERR_USAGE);
        assert_memory_equal(detail.text, "invalid CIDR address: ", 22);
        node_ranges_release(&ranges);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
