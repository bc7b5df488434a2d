/* The list of extensions and its file, and the management contract's events and creation. */
#include "extension/list.h"
#include "extension/management.h"
#include "permission/abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define ADDRESS "0x7182cbaabaad0003e4b11ccb97153cc711446db3"
#define OTHER   "0xbe152b0592be8bdb481454dc90549b3ec17c3e02"
#define KEY     "knR41rX5HPxAl1Gs9bqKkxGcCggglhbZwDyMCNP42WI="
#define HASH                                                                                       \
    "BWqL9YHXZ3PuDXPkN1+zQBKSvHPaNEClH8efLjrB2vN2AUmfJtQCstslzwPum94YQ6lpTF+1aV5YfZSbC8mBig=="
#define ENTRY                                                                                      \
    "{\"contractExtended\":\"" ADDRESS "\",\"initiator\":\"" ADDRESS "\",\"recipient\":\"" ADDRESS \
    "\",\"managementContractAddress\":\"" OTHER "\",\"recipientPtmKey\":\"" KEY                    \
    "\",\"creationData\":\"" HASH "\"}"

static struct extension_list read_list(const char *text)
{
    struct extension_list list;
    struct err_detail detail = {""};
    assert_int_equal(extension_list_parse(&list, bytes_str(text), &detail), 0);
    return list;
}

static void assert_written(const struct extension_list *list, const char *wanted)
{
    struct buf text = BUF_INIT;
    extension_list_write(&text, list);
    assert_string_equal(buf_text(&text), wanted);
    buf_release(&text);
}

static void both_forms_of_the_file_are_read(void **state)
{
    (void)state;
    struct extension_list list = read_list("{\"" OTHER "\":" ENTRY "}");
    assert_written(&list, "{\"psiContracts\":{\"private\":{\"" OTHER "\":" ENTRY "}}}");
    extension_list_release(&list);
    const char *text =
        "{\"psiContracts\":{\"private\":{},\"PS2\":{\"" OTHER "\":" ENTRY "}},\"watchedBlock\":12}";
    list = read_list(text);
    assert_int_equal(list.watched, 12);
    assert_string_equal(list.entries[0].psi, "PS2");
    assert_written(&list, text);
    extension_list_release(&list);
}

static void what_is_no_list_is_refused(void **state)
{
    static const char *const texts[] = {
        "", "[]", "{", "{\"0x1\":{}}", "{\"psiContracts\":{\"private\":{\"" OTHER "\":{}}}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct extension_list list;
        struct err_detail detail = {""};
        assert_int_equal(extension_list_parse(&list, bytes_str(texts[i]), &detail), ERR_INPUT);
        assert_true(detail.text[0] != '\0');
    }
}

static void entries_come_and_go(void **state)
{
    (void)state;
    struct extension_list list = {.count = 0}, copy;
    struct extension_entry entry = {.psi = EXTENSION_PSI};
    for (unsigned i = 0; i < 20; i++) {
        entry.management.b[0] = (uint8_t)i;
        assert_int_equal(extension_list_add(&list, &entry), 0);
    }
    entry.management.b[0] = 3;
    entry.contract.b[0] = 9;
    assert_int_equal(extension_list_add(&list, &entry), 0);
    assert_int_equal(list.count, 20);
    assert_int_equal(
        extension_list_find(&list, bytes_str(entry.psi), &entry.management)->contract.b[0], 9);
    assert_int_equal(extension_list_copy(&copy, &list), 0);
    assert_true(extension_list_remove(&list, bytes_str(entry.psi), &entry.management));
    assert_false(extension_list_remove(&list, bytes_str(entry.psi), &entry.management));
    assert_null(extension_list_find(&list, bytes_str(entry.psi), &entry.management));
    assert_int_equal(list.count, 19);
    assert_int_equal(list.entries[3].management.b[0], 4);
    assert_int_equal(copy.count, 20);
    extension_list_release(&list);
    extension_list_release(&copy);
}

static void there_is_an_end_to_them(void **state)
{
    (void)state;
    struct extension_list list = {.count = 0};
    struct extension_entry entry = {.psi = EXTENSION_PSI};
    for (unsigned i = 0; i <= EXTENSION_MAX; i++) {
        entry.management.b[0] = (uint8_t)i;
        entry.management.b[1] = (uint8_t)(i >> 8);
        assert_int_equal(extension_list_add(&list, &entry), i < EXTENSION_MAX ? 0 : ERR_LIMIT);
    }
    extension_list_release(&list);
}

static void keys_are_printable(void **state)
{
    char long_key[EXTENSION_KEY_MAX + 2];
    struct extension_entry entry = {.psi = ""};
    (void)state;
    memset(long_key, 'a', sizeof(long_key));
    assert_true(extension_entry_set_key(&entry, bytes_str(KEY)));
    assert_string_equal(entry.recipient_key, KEY);
    assert_true(extension_entry_set_key(&entry, bytes_of(long_key, EXTENSION_KEY_MAX)));
    assert_false(extension_entry_set_key(&entry, bytes_of(long_key, EXTENSION_KEY_MAX + 1)));
    assert_false(extension_entry_set_key(&entry, bytes_of("a\0b", 3)));
    assert_false(extension_entry_set_key(&entry, bytes_str("\xc3\xa9")));
}

static void the_file_outlives_the_list(void **state)
{
    char folder[] = "/tmp/quorate-extension-XXXXXX", path[64];
    struct extension_list list = read_list("{\"psiContracts\":{\"private\":{\"" OTHER "\":" ENTRY
                                           "}},\"watchedBlock\":5}"),
                          again;
    struct err_detail detail = {""};
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/%s", folder, EXTENSION_FILE);
    assert_int_equal(extension_list_load(&again, path, &detail), 0);
    assert_int_equal(again.count, 0);
    assert_int_equal(extension_list_save(&list, path, &detail), 0);
    assert_int_equal(extension_list_load(&again, path, &detail), 0);
    assert_int_equal(again.count, 1);
    assert_int_equal(again.watched, 5);
    extension_list_release(&list);
    extension_list_release(&again);
    unlink(path);
    rmdir(folder);
}

static void the_topics_are_those_of_the_events(void **state)
{
    static const char *const signatures[] = {
        "NewContractExtensionContractCreated(address,string,address)", "ExtensionFinished()",
        "CanPerformStateShare()"};
    (void)state;
    for (int i = 0; i < EXTENSION_EVENTS; i++) {
        struct hash256 topic;
        permission_abi_topic(&topic, signatures[i]);
        assert_memory_equal(&topic, &extension_topics[i], sizeof(topic));
        const struct eth_log log = {.topics = &topic, .topic_count = 1};
        assert_int_equal(extension_event_of(&log), i);
    }
    const struct eth_log none = {.topic_count = 0};
    assert_int_equal(extension_event_of(&none), EXTENSION_EVENTS);
}

static void a_creation_is_code_and_arguments(void **state)
{
    struct address contract = {{1}}, recipient = {{2}};
    struct permission_value values[PERMISSION_VALUES_MAX];
    struct buf b = BUF_INIT;
    (void)state;
    extension_management_creation(&b, &contract, &recipient, bytes_str(KEY));
    size_t code = strlen(extension_management_code) / 2;
    assert_true(b.len > code);
    assert_true(permission_abi_decode(values, "(address,address,string)",
                                      bytes_slice(buf_bytes(&b), code, b.len - code)));
    assert_memory_equal(&values[0].address, &contract, sizeof(contract));
    assert_memory_equal(&values[1].address, &recipient, sizeof(recipient));
    assert_true(bytes_equal(values[2].text, bytes_str(KEY)));
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_of_the_file_are_read),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(entries_come_and_go),
        cmocka_unit_test(there_is_an_end_to_them),
        cmocka_unit_test(keys_are_printable),
        cmocka_unit_test(the_file_outlives_the_list),
        cmocka_unit_test(the_topics_are_those_of_the_events),
        cmocka_unit_test(a_creation_is_code_and_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
