/* Events fill the model, and the model answers as GoQuorum's caches do. */
#include "permission/abi.h"
#include "permission/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char key[] = "ac6b1096ca56b9f6d004b779ae3728bf83f8e22453404cc3cef16a3d9b96608b"
                          "c67c4b30db88e0a5a6c6390213f7acbe1153ff6d23ce57380104288ae19373ef";

struct world {
    struct permission_config config;
    struct permission_events *events;
    struct permission_model model;
    struct buf url;
};

static int make(void **state)
{
    static struct world w;
    w = (struct world){.config = {.orgs = {{1}},
                                  .roles = {{2}},
                                  .accounts = {{3}},
                                  .nodes = {{4}},
                                  .network_role = "ADMIN",
                                  .org_role = "ORGADMIN"}};
    permission_model_init(&w.model);
    buf_init(&w.url);
    *state = &w;
    return permission_events_new(&w.events, &w.config, false);
}

static int release(void **state)
{
    struct world *w = *state;
    permission_events_free(w->events);
    permission_model_release(&w->model);
    buf_release(&w->url);
    return 0;
}

static enum permission_node_change tell(struct world *w, uint8_t contract, const char *signature,
                                        const struct permission_value *values)
{
    struct buf data = BUF_INIT;
    struct hash256 topic;
    enum permission_node_change change;
    permission_abi_topic(&topic, signature);
    permission_abi_encode(&data, signature, values);
    struct eth_log log = {{{contract}}, &topic, 1, buf_bytes(&data)};
    assert_int_equal(permission_take_log(w->events, &w->model, &log, &change, &w->url), 0);
    buf_release(&data);
    return change;
}

#define T(s) {.text = {(const uint8_t *)(s), sizeof(s) - 1}}
#define N(n)                                                                                       \
    {                                                                                              \
        .number = { {n} }                                                                          \
    }
#define A(n)                                                                                       \
    {                                                                                              \
        .address = { {n} }                                                                         \
    }

static void org(struct world *w, const char *event, const char *id, const char *parent,
                const char *ultimate, uint64_t level, uint64_t status)
{
    struct permission_value v[] = {{.text = bytes_str(id)},
                                   {.text = bytes_str(parent)},
                                   {.text = bytes_str(ultimate)},
                                   {.number = u256_from(level)},
                                   {.number = u256_from(status)}};
    tell(w, 1, event, v);
}

#define APPROVED  "OrgApproved(string,string,string,uint256,uint256)"
#define SUSPENDED "OrgSuspended(string,string,string,uint256)"
#define REVOKED   "OrgSuspensionRevoked(string,string,string,uint256)"
#define ACCESS    "AccountAccessModified(address,string,string,bool,uint256)"
#define STATUS    "AccountStatusChanged(address,string,uint256)"
#define ROLE      "RoleCreated(string,string,uint256,bool,bool)"

static enum permission_access access_of(struct world *w, uint8_t account)
{
    struct address a = {{account}};
    return permission_access_of(&w->model, &w->config, &a);
}

static void organisations_are_suspended_with_their_accounts(void **state)
{
    struct world *w = *state;
    org(w, APPROVED, "ORG", "", "ORG", 1, 2);
    org(w, APPROVED, "SUB", "ORG", "ORG", 2, 2);
    tell(w, 3, ACCESS, (struct permission_value[]){A(7), T("ORG.SUB"), T("ORGADMIN"), N(1), N(2)});
    assert_non_null(permission_org(&w->model, bytes_str("ORG.SUB")));
    assert_null(permission_org(&w->model, bytes_str("SUB")));
    assert_int_equal(access_of(w, 7), PERMISSION_FULL_ACCESS);
    assert_int_equal(access_of(w, 8), PERMISSION_READ_ONLY); /* nobody knows it */
    org(w, SUSPENDED, "ORG", "", "ORG", 1, 0);
    assert_int_equal(access_of(w, 7), PERMISSION_READ_ONLY);
    org(w, REVOKED, "ORG", "", "ORG", 1, 0);
    assert_int_equal(access_of(w, 7), PERMISSION_FULL_ACCESS);
    assert_int_equal(map_count(&w->model.orgs), 2);
}

static void accounts_are_suspended_and_recovered(void **state)
{
    struct world *w = *state;
    struct address a = {{7}};
    org(w, APPROVED, "ORG", "", "ORG", 1, 2);
    tell(w, 2, ROLE, (struct permission_value[]){T("SENDER"), T("ORG"), N(1), N(0), N(0)});
    tell(w, 3, ACCESS, (struct permission_value[]){A(7), T("ORG"), T("SENDER"), N(0), N(2)});
    assert_int_equal(access_of(w, 7), PERMISSION_TRANSACT);
    assert_true(permission_allows(&w->model, &w->config, &a, false));
    assert_false(permission_allows(&w->model, &w->config, &a, true));
    tell(w, 3, STATUS, (struct permission_value[]){A(7), T("ORG"), N(4)});
    assert_int_equal(access_of(w, 7), PERMISSION_READ_ONLY);
    assert_false(permission_allows(&w->model, &w->config, &a, false));
    tell(w, 3, STATUS, (struct permission_value[]){A(7), T("ORG"), N(2)});
    assert_int_equal(access_of(w, 7), PERMISSION_TRANSACT);
    tell(w, 2, "RoleRevoked(string,string)", (struct permission_value[]){T("SENDER"), T("ORG")});
    assert_int_equal(access_of(w, 7), PERMISSION_READ_ONLY);
    /* A change of what is not known changes nothing. */
    tell(w, 3, STATUS, (struct permission_value[]){A(9), T("ORG"), N(2)});
    assert_int_equal(map_count(&w->model.accounts), 1);
}

/* A role of the ultimate parent holds in what is below it. */
static void roles_are_inherited(void **state)
{
    struct world *w = *state;
    org(w, APPROVED, "ORG", "", "ORG", 1, 2);
    org(w, APPROVED, "SUB", "ORG", "ORG", 2, 2);
    tell(w, 2, ROLE, (struct permission_value[]){T("R"), T("ORG"), N(2), N(0), N(0)});
    tell(w, 3, ACCESS, (struct permission_value[]){A(7), T("ORG.SUB"), T("R"), N(0), N(2)});
    assert_int_equal(access_of(w, 7), PERMISSION_CONTRACT_DEPLOY);
}

static void nodes_come_and_go(void **state)
{
    struct world *w = *state;
    char url[256];
    struct address in = {{7}}, out = {{8}}, stranger = {{9}};
    snprintf(url, sizeof(url), "enode://%s@127.0.0.1:30303?discport=0", key);
    struct permission_value v[] = {{.text = bytes_str(url)}, T("ORG")};
    org(w, APPROVED, "ORG", "", "ORG", 1, 2);
    org(w, APPROVED, "OTHER", "", "OTHER", 1, 2);
    tell(w, 3, ACCESS, (struct permission_value[]){A(7), T("ORG"), T("R"), N(0), N(2)});
    tell(w, 3, ACCESS, (struct permission_value[]){A(8), T("OTHER"), T("R"), N(0), N(2)});
    assert_int_equal(tell(w, 4, "NodeProposed(string,string)", v), PERMISSION_NO_CHANGE);
    assert_false(permission_allows_node(&w->model, key));
    assert_int_equal(tell(w, 4, "NodeApproved(string,string)", v), PERMISSION_NODE_ADD);
    assert_string_equal(buf_text(&w->url), url);
    assert_true(permission_allows_node(&w->model, key));
    assert_true(permission_allows_sender(&w->model, key, &in));
    assert_false(permission_allows_sender(&w->model, key, &out));
    assert_true(permission_allows_sender(&w->model, key, &stranger));
    assert_int_equal(tell(w, 4, "NodeBlacklisted(string,string)", v), PERMISSION_NODE_BLACKLIST);
    assert_false(permission_allows_node(&w->model, key));
    assert_false(permission_allows_sender(&w->model, key, &in));
    assert_int_equal(tell(w, 4, "NodeRecoveryCompleted(string,string)", v),
                     PERMISSION_NODE_RECOVER);
    assert_true(permission_allows_node(&w->model, key));
    assert_int_equal(permission_node(&w->model, bytes_str(url))->status, PERMISSION_NODE_APPROVED);
}

static void the_enhanced_model_names_nodes_in_parts(void **state)
{
    struct world *w = *state;
    struct permission_value v[] = {T("ab"), T("10.0.0.1\0\0"), N(30303), N(50400), T("ORG")};
    /* The basic model does not know the event. */
    tell(w, 4, "NodeApproved(string,string,uint16,uint16,string)", v);
    assert_int_equal(map_count(&w->model.nodes), 0);
    w->config.enhanced = true;
    assert_int_equal(tell(w, 4, "NodeApproved(string,string,uint16,uint16,string)", v),
                     PERMISSION_NODE_ADD);
    assert_string_equal(buf_text(&w->url), "enode://ab@10.0.0.1:30303?discport=0");
    buf_clear(&w->url);
    permission_node_url(&w->url, bytes_str("ab"), bytes_str("10.0.0.1"), 1, 2, true);
    assert_string_equal(buf_text(&w->url), "enode://ab@10.0.0.1:1?discport=0&raftport=2");
}

static void others_logs_change_nothing(void **state)
{
    struct world *w = *state;
    struct permission_value v[] = {T("ORG"), T(""), T("ORG"), N(1), N(2)};
    struct hash256 topic;
    enum permission_node_change change;
    tell(w, 9, APPROVED, v); /* not from the manager */
    permission_abi_topic(&topic, APPROVED);
    struct eth_log log = {{{1}}, &topic, 1, bytes_none()};
    assert_int_equal(permission_take_log(w->events, &w->model, &log, &change, &w->url), ERR_INPUT);
    log.topic_count = 0;
    assert_int_equal(permission_take_log(w->events, &w->model, &log, &change, &w->url), 0);
    assert_int_equal(map_count(&w->model.orgs), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(organisations_are_suspended_with_their_accounts),
        TEST(accounts_are_suspended_and_recovered),
        TEST(roles_are_inherited),
        TEST(nodes_come_and_go),
        TEST(the_enhanced_model_names_nodes_in_parts),
        TEST(others_logs_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
