#include "rlp/rlp.h"

#include "base/hex.h"
#include "base/mem.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *hex_of(struct bytes data)
{
    static char text[4096];
    assert_true(2 * data.len < sizeof(text));
    hex_encode(text, data);
    text[2 * data.len] = 0;
    return text;
}

static struct buf unhex(const char *text)
{
    struct buf b = BUF_INIT;
    assert_int_equal(hex_decode(text, &b), ERR_OK);
    return b;
}

/* The first fault that a reading function meets in `hex`, where and with what message. */
static void expect_fault(const char *hex, void (*read)(struct rlp_reader *), enum rlp_status status,
                         size_t offset)
{
    struct buf input = unhex(hex);
    struct rlp_reader r;
    rlp_reader_init(&r, buf_bytes(&input));
    read(&r);
    struct err_detail detail, expected;
    assert_int_equal(rlp_finish(&r, &detail, "test"), ERR_INPUT);
    assert_string_equal(rlp_status_text(r.status), rlp_status_text(status));
    assert_int_equal(r.fault_offset, offset);
    (void)err_set(&expected, 0, "test: %s%sat byte %zu: %s", r.fault_name ? r.fault_name : "",
                  r.fault_name ? " " : "", offset, rlp_status_text(status));
    assert_string_equal(detail.text, expected.text);
    assert_false(rlp_more(&r));
    assert_int_equal(rlp_left(&r), 0);
    assert_int_equal(rlp_peek(&r), RLP_NONE);
    buf_release(&input);
}

static void read_one_u64(struct rlp_reader *r)
{
    rlp_read_u64(r, "value");
}

static void read_one_u256(struct rlp_reader *r)
{
    rlp_read_u256(r, "value");
}

static void read_one_bool(struct rlp_reader *r)
{
    assert_false(rlp_read_bool(r, "value"));
}

static void read_one_hash(struct rlp_reader *r)
{
    struct hash256 hash = rlp_read_hash(r, "hash");
    assert_true(hash256_is_zero(&hash));
}

static void read_one_address(struct rlp_reader *r)
{
    struct address address;
    assert_false(rlp_read_optional_address(r, &address, NULL));
    assert_true(address_is_zero(&address));
}

static void read_one_fixed(struct rlp_reader *r)
{
    uint8_t three[3] = {1, 1, 1};
    rlp_read_fixed(r, three, sizeof(three), "three");
    assert_memory_equal(three, "\0\0\0", 3);
}

static void read_one_string(struct rlp_reader *r)
{
    assert_int_equal(rlp_read_bytes(r, "string").len, 0);
}

static void read_one_list(struct rlp_reader *r)
{
    assert_int_equal(rlp_read_list(r, "list").len, 0);
}

static void read_pair(struct rlp_reader *r)
{
    rlp_enter(r, "pair");
    rlp_read_u64(r, "first");
    rlp_read_u64(r, "second");
    rlp_leave(r, "pair");
}

static void count_pairs(struct rlp_reader *r)
{
    rlp_enter(r, "pairs");
    assert_int_equal(rlp_count(r, 3, "pair"), 0);
    rlp_leave(r, "pairs");
}

static void enter_deeply(struct rlp_reader *r)
{
    for (unsigned i = 0; i <= RLP_DEPTH_MAX; i++)
        rlp_enter(r, "deep");
}

static void refuse(struct rlp_reader *r)
{
    rlp_enter(r, "list");
    rlp_fail(r, RLP_EXCESS, "mine");
    rlp_fail(r, RLP_END, "later ones do not count");
    assert_int_equal(rlp_read_u64(r, "none"), 0);
}

static void skip_one(struct rlp_reader *r)
{
    rlp_skip(r, "skipped");
    assert_int_equal(rlp_read_raw(r, "raw").len, 0);
}

static void test_faults(void **state)
{
    (void)state;
    expect_fault("", read_one_u64, RLP_END, 0);
    expect_fault("00", read_one_u64, RLP_LEADING_ZERO, 0);
    expect_fault("820001", read_one_u64, RLP_LEADING_ZERO, 0);
    expect_fault("89010000000000000000", read_one_u64, RLP_OVERFLOW, 0);
    expect_fault("c0", read_one_u64, RLP_NOT_STRING, 0);
    expect_fault("8101", read_one_u64, RLP_BYTE_NOT_ITSELF, 0);
    expect_fault("82ff", read_one_u64, RLP_TOO_LONG, 0);
    expect_fault("b9", read_one_u64, RLP_TOO_LONG, 0);
    expect_fault("b800", read_one_u64, RLP_SIZE_LEADING_ZERO, 0);
    expect_fault("b801ff", read_one_u64, RLP_SIZE_NOT_SHORT, 0);
    expect_fault("bfffffffffffffffff", read_one_u64, RLP_TOO_LONG, 0);
    expect_fault("ffffffffffffffffff", read_one_list, RLP_TOO_LONG, 0);
    expect_fault("0102", read_one_u64, RLP_TRAILING, 1);
    expect_fault("a10000000000000000000000000000000000000000000000000000000000000000ff",
                 read_one_u256, RLP_LEADING_ZERO, 0);
    expect_fault("a1010000000000000000000000000000000000000000000000000000000000000000",
                 read_one_u256, RLP_OVERFLOW, 0);
    expect_fault("02", read_one_bool, RLP_OVERFLOW, 0);
    expect_fault("820102", read_one_hash, RLP_TOO_FEW_BYTES, 0);
    expect_fault("a1010000000000000000000000000000000000000000000000000000000000000000",
                 read_one_hash, RLP_TOO_MANY_BYTES, 0);
    expect_fault("01", read_one_address, RLP_TOO_FEW_BYTES, 0);
    expect_fault("950000000000000000000000000000000000000000ff", read_one_address,
                 RLP_TOO_MANY_BYTES, 0);
    expect_fault("820102", read_one_fixed, RLP_TOO_FEW_BYTES, 0);
    expect_fault("8401020304", read_one_fixed, RLP_TOO_MANY_BYTES, 0);
    expect_fault("c101", read_one_string, RLP_NOT_STRING, 0);
    expect_fault("8180", read_one_list, RLP_NOT_LIST, 0);
    expect_fault("c101", read_pair, RLP_END, 2);
    expect_fault("c3010203", read_pair, RLP_EXCESS, 3);
    expect_fault("c2018100", read_pair, RLP_TOO_LONG, 2);
    expect_fault("820102", read_pair, RLP_NOT_LIST, 0);
    expect_fault("c4c20102c0", count_pairs, RLP_TOO_FEW_BYTES, 4);
    expect_fault("c4c2010282", count_pairs, RLP_TOO_LONG, 4);
    expect_fault("c10100", refuse, RLP_EXCESS, 1);
    expect_fault("c10182", skip_one, RLP_TOO_LONG, 2);
}

static void test_depth(void **state)
{
    (void)state;
    struct buf deep = BUF_INIT;
    size_t begins[RLP_DEPTH_MAX + 1];
    for (unsigned i = 0; i <= RLP_DEPTH_MAX; i++)
        begins[i] = rlp_begin(&deep);
    for (unsigned i = RLP_DEPTH_MAX + 1; i-- > 1;)
        rlp_end_list(&deep, begins[i]);
    rlp_end_list(&deep, begins[0]);
    assert_int_equal(rlp_validate(buf_bytes(&deep)), RLP_TOO_DEEP);
    struct rlp_reader r;
    rlp_reader_init(&r, buf_bytes(&deep));
    enter_deeply(&r);
    assert_int_equal(r.status, RLP_TOO_DEEP);
    /* One list less is fine: the content of the outermost. */
    rlp_reader_init(&r, buf_bytes(&deep));
    struct bytes inner = rlp_read_list(&r, NULL);
    assert_int_equal(rlp_validate(inner), RLP_OK);
    rlp_reader_init(&r, inner);
    for (unsigned i = 0; i < RLP_DEPTH_MAX; i++)
        rlp_enter(&r, NULL);
    for (unsigned i = 0; i < RLP_DEPTH_MAX; i++)
        rlp_leave(&r, NULL);
    assert_int_equal(rlp_finish(&r, NULL, "deep"), ERR_OK);
    buf_release(&deep);
}

static const struct address some_address = {{0xaa, 0xbb}};
static const struct hash256 some_hash = {{0, 1, 2}};

static void write_all_kinds(struct buf *b)
{
    struct u256 large = {{0, 0, 0, 0x12}};
    size_t list = rlp_begin(b);
    rlp_write_u64(b, 0);
    rlp_write_u64(b, 0x7f);
    rlp_write_u64(b, 0x80);
    rlp_write_u64(b, UINT64_MAX);
    rlp_write_u256(b, &large);
    rlp_write_bool(b, true);
    rlp_write_bool(b, false);
    rlp_write_hash(b, &some_hash);
    rlp_write_address(b, &some_address);
    rlp_write_optional_address(b, NULL);
    rlp_write_optional_address(b, &some_address);
    rlp_write_bytes(b, bytes_str("dog"));
    rlp_write_raw(b, bytes_of("\xc1\x05", 2));
    size_t string = rlp_begin(b);
    size_t inner = rlp_begin(b);
    rlp_end_list(b, inner);
    rlp_end_string(b, string);
    string = rlp_begin(b);
    rlp_write_u64(b, 5);
    rlp_end_string(b, string);
    rlp_end_list(b, list);
}

static void test_kinds(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    write_all_kinds(&b);
    assert_int_equal(buf_status(&b), ERR_OK);
    assert_string_equal(hex_of(bytes_slice(buf_bytes(&b), 0, 15)),
                        "f87e807f818088ffffffffffffffff");
    assert_int_equal(rlp_validate(buf_bytes(&b)), RLP_OK);

    struct rlp_reader r;
    rlp_reader_init(&r, buf_bytes(&b));
    assert_int_equal(rlp_peek(&r), RLP_LIST);
    rlp_enter(&r, NULL);
    assert_int_equal(rlp_count(&r, 1, NULL), 15);
    assert_int_equal(rlp_peek(&r), RLP_STRING);
    assert_int_equal(rlp_read_u64(&r, NULL), 0);
    assert_int_equal(rlp_read_u64(&r, NULL), 0x7f);
    assert_int_equal(rlp_read_u64(&r, NULL), 0x80);
    assert_true(rlp_read_u64(&r, NULL) == UINT64_MAX);
    struct u256 large = rlp_read_u256(&r, NULL);
    assert_true(u256_equal(&large, &(struct u256){{0, 0, 0, 0x12}}));
    assert_true(rlp_read_bool(&r, NULL));
    assert_false(rlp_read_bool(&r, NULL));
    struct hash256 hash = rlp_read_hash(&r, NULL);
    assert_true(hash256_equal(&hash, &some_hash));
    struct address address = rlp_read_address(&r, NULL);
    assert_true(address_equal(&address, &some_address));
    assert_false(rlp_read_optional_address(&r, &address, NULL));
    assert_true(address_is_zero(&address));
    assert_true(rlp_read_optional_address(&r, &address, NULL));
    assert_true(address_equal(&address, &some_address));
    struct rlp_reader again = r;
    char dog[3];
    rlp_read_fixed(&again, dog, sizeof(dog), NULL);
    assert_memory_equal(dog, "dog", 3);
    assert_true(bytes_equal(rlp_read_bytes(&r, NULL), bytes_str("dog")));
    again = r;
    assert_true(bytes_equal(rlp_read_list(&again, NULL), bytes_str("\x05")));
    assert_true(bytes_equal(rlp_read_raw(&r, NULL), bytes_str("\xc1\x05")));
    assert_true(bytes_equal(rlp_read_bytes(&r, NULL), bytes_str("\xc0")));
    assert_int_equal(rlp_read_u64(&r, NULL), 5);
    rlp_leave(&r, NULL);
    assert_int_equal(rlp_finish(&r, NULL, "kinds"), ERR_OK);
    buf_release(&b);
}

/* Content of every size around the borders of the header's forms. */
static void test_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 55, 56, 57, 255, 256, 257, 65535, 65536, 70000};
    uint8_t *zeros = mem_alloc_zeroed(70000, 1);
    assert_non_null(zeros);
    for (size_t i = 0; i < BASE_COUNT(sizes); i++) {
        struct bytes data = bytes_of(zeros, sizes[i]);
        struct buf list = BUF_INIT, string = BUF_INIT, put = BUF_INIT;
        buf_append_text(&list, "before");
        size_t begin = rlp_begin(&list);
        rlp_write_raw(&list, data);
        rlp_end_list(&list, begin);
        assert_int_equal(list.len, 6 + rlp_size_list(sizes[i]));

        uint8_t *at = buf_extend(&put, rlp_size_list(sizes[i]));
        uint8_t *content = rlp_put_list_header(at, sizes[i]);
        assert_int_equal(content - at, rlp_size_header(sizes[i]));
        memset(content, 0, sizes[i]);
        assert_int_equal(put.len, list.len - 6);
        assert_memory_equal(put.data, list.data + 6, put.len);

        struct rlp_reader r;
        rlp_reader_init(&r, buf_bytes(&put));
        assert_int_equal(rlp_read_list(&r, NULL).len, sizes[i]);
        assert_int_equal(rlp_finish(&r, NULL, "list"), ERR_OK);

        begin = rlp_begin(&string);
        buf_append_bytes(&string, data);
        rlp_end_string(&string, begin);
        buf_clear(&put);
        rlp_write_bytes(&put, data);
        assert_int_equal(string.len, rlp_size_bytes(data));
        assert_true(bytes_equal(buf_bytes(&string), buf_bytes(&put)));
        rlp_reader_init(&r, buf_bytes(&string));
        assert_true(bytes_equal(rlp_read_bytes(&r, NULL), data));
        assert_int_equal(rlp_finish(&r, NULL, "string"), ERR_OK);
        buf_release(&list);
        buf_release(&string);
        buf_release(&put);
    }
    mem_free(zeros);
}

static void test_integers(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 256; shift++) {
        struct u256 value = u256_from(1);
        u256_shift_left(&value, &value, shift);
        for (int low = 0; low < 2; low++) {
            if (low)
                u256_sub(&value, &value, &(struct u256){{1, 0, 0, 0}});
            uint8_t memory[33];
            uint8_t *end = rlp_put_u256(memory, &value);
            assert_int_equal(end - memory, rlp_size_u256(&value));
            struct rlp_reader r;
            rlp_reader_init(&r, bytes_of(memory, (size_t)(end - memory)));
            struct u256 again = rlp_read_u256(&r, NULL);
            assert_int_equal(rlp_finish(&r, NULL, "integer"), ERR_OK);
            assert_true(u256_equal(&value, &again));
            if (u256_is_u64(&value)) {
                uint8_t memory64[9];
                assert_int_equal(rlp_put_u64(memory64, value.w[0]) - memory64, end - memory);
                assert_memory_equal(memory64, memory, (size_t)(end - memory));
                assert_int_equal(rlp_size_u64(value.w[0]), end - memory);
            }
        }
    }
    uint8_t memory[33];
    assert_int_equal(rlp_put_hash(memory, &some_hash) - memory, 33);
    assert_int_equal(memory[0], 0xa0);
    assert_int_equal(rlp_put_bytes(memory, bytes_str("\x7f")) - memory, 1);
    assert_int_equal(rlp_put_string_header(memory, 1024) - memory, 3);
    assert_memory_equal(memory, "\xb9\x04\x00", 3);
}

/* Whichever allocation fails, the buffer is marked and holds no half item. */
static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        struct buf b = BUF_INIT;
        mem_fail_at(n, 1);
        write_all_kinds(&b);
        bool happened = mem_fail_left() == 0;
        mem_fail_at(0, 0);
        int status = buf_status(&b);
        buf_release(&b);
        if (!happened) {
            assert_int_equal(status, ERR_OK);
            assert_true(n > 2);
            break;
        }
        assert_int_equal(status, ERR_NOMEM);
    }
}

/* The suite says a value in JSON: a string, a number, "#" and a large number, or a list. One of the
 * numbers is 2^256, which only its digits can stand for. */
static bool is_two_to_256(const json_t *value)
{
    return strcmp(json_string_value(value), "#115792089237316195423570985008687907853269984665640"
                                            "564039457584007913129639936") == 0;
}

static const uint8_t two_to_256[33] = {1};

static void write_json(struct buf *b, const json_t *value)
{
    struct u256 number;
    if (json_is_array(value)) {
        size_t list = rlp_begin(b);
        for (size_t i = 0; i < json_array_size(value); i++)
            write_json(b, json_array_get(value, i));
        rlp_end_list(b, list);
    } else if (json_is_integer(value)) {
        rlp_write_u64(b, (uint64_t)json_integer_value(value));
    } else if (is_two_to_256(value)) {
        rlp_write_bytes(b, bytes_of(two_to_256, sizeof(two_to_256)));
    } else if (json_string_value(value)[0] == '#') {
        assert_true(hex_u256(json_string_value(value) + 1, &number));
        rlp_write_u256(b, &number);
    } else {
        rlp_write_bytes(b, bytes_of(json_string_value(value), json_string_length(value)));
    }
}

static void read_json(struct rlp_reader *r, const json_t *value)
{
    struct u256 number, expected;
    if (json_is_array(value)) {
        rlp_enter(r, "list");
        assert_int_equal(rlp_count(r, 1, NULL), json_array_size(value));
        for (size_t i = 0; i < json_array_size(value); i++)
            read_json(r, json_array_get(value, i));
        rlp_leave(r, "list");
    } else if (json_is_integer(value)) {
        assert_int_equal(rlp_read_u64(r, NULL), json_integer_value(value));
    } else if (is_two_to_256(value)) {
        struct rlp_reader too_large = *r;
        rlp_read_u256(&too_large, NULL);
        assert_int_equal(too_large.status, RLP_OVERFLOW);
        assert_memory_equal(rlp_read_bytes(r, NULL).data, two_to_256, sizeof(two_to_256));
    } else if (json_string_value(value)[0] == '#') {
        assert_true(hex_u256(json_string_value(value) + 1, &expected));
        number = rlp_read_u256(r, NULL);
        assert_true(u256_equal(&number, &expected));
    } else {
        struct bytes text = bytes_of(json_string_value(value), json_string_length(value));
        assert_true(bytes_equal(rlp_read_bytes(r, NULL), text));
    }
}

static void suite_case(const char *name, const json_t *test)
{
    struct buf expected = BUF_INIT, actual = BUF_INIT;
    assert_true(fixtures_hex(test, "out", &expected));
    enum rlp_status status = rlp_validate(buf_bytes(&expected));
    if (status != RLP_OK)
        fail_msg("%s: %s", name, rlp_status_text(status));
    const json_t *in = json_object_get(test, "in");
    const char *verdict = json_string_value(in);
    if (!verdict || strcmp(verdict, "VALID") != 0) {
        write_json(&actual, in);
        assert_string_equal(hex_of(buf_bytes(&actual)), hex_of(buf_bytes(&expected)));
        struct rlp_reader r;
        rlp_reader_init(&r, buf_bytes(&expected));
        read_json(&r, in);
        assert_int_equal(rlp_finish(&r, NULL, name), ERR_OK);
    }
    buf_release(&expected);
    buf_release(&actual);
}

static void suite_file(const char *path, void *context)
{
    size_t *cases = context;
    if (strstr(path, "invalid"))
        return;
    json_t *file = fixtures_json(path);
    const char *name;
    json_t *test;
    json_object_foreach(file, name, test)
    {
        suite_case(name, test);
        ++*cases;
    }
    json_decref(file);
}

static void test_suite_valid(void **state)
{
    (void)state;
    fixtures_require("ethereum-tests/RLPTests", "ethereum/tests");
    size_t cases = 0;
    fixtures_each("ethereum-tests/RLPTests", suite_file, &cases);
    assert_int_equal(cases, 29);
}

/* Why each case of the suite's invalid ones is refused. */
static const struct {
    const char *name;
    enum rlp_status status;
} reasons[] = {
    {"int32Overflow", RLP_TOO_LONG},
    {"int32Overflow2", RLP_TOO_LONG},
    {"wrongSizeList", RLP_SIZE_NOT_SHORT},
    {"wrongSizeList2", RLP_SIZE_NOT_SHORT},
    {"incorrectLengthInArray", RLP_SIZE_LEADING_ZERO},
    {"randomRLP", RLP_SIZE_LEADING_ZERO},
    {"bytesShouldBeSingleByte00", RLP_BYTE_NOT_ITSELF},
    {"bytesShouldBeSingleByte01", RLP_BYTE_NOT_ITSELF},
    {"bytesShouldBeSingleByte7F", RLP_BYTE_NOT_ITSELF},
    {"leadingZerosInLongLengthArray1", RLP_SIZE_LEADING_ZERO},
    {"leadingZerosInLongLengthArray2", RLP_SIZE_LEADING_ZERO},
    {"leadingZerosInLongLengthList1", RLP_SIZE_LEADING_ZERO},
    {"leadingZerosInLongLengthList2", RLP_SIZE_LEADING_ZERO},
    {"nonOptimalLongLengthArray1", RLP_SIZE_NOT_SHORT},
    {"nonOptimalLongLengthArray2", RLP_SIZE_NOT_SHORT},
    {"nonOptimalLongLengthList1", RLP_SIZE_NOT_SHORT},
    {"nonOptimalLongLengthList2", RLP_SIZE_NOT_SHORT},
    {"emptyEncoding", RLP_END},
    {"lessThanShortLengthArray1", RLP_TOO_LONG},
    {"lessThanShortLengthArray2", RLP_TOO_LONG},
    {"lessThanShortLengthList1", RLP_TOO_LONG},
    {"lessThanShortLengthList2", RLP_TOO_LONG},
    {"lessThanLongLengthArray1", RLP_TOO_LONG},
    {"lessThanLongLengthArray2", RLP_TOO_LONG},
    {"lessThanLongLengthList1", RLP_TOO_LONG},
    {"lessThanLongLengthList2", RLP_TOO_LONG},
};

static void invalid_file(const char *path, void *context)
{
    size_t *cases = context;
    json_t *file = fixtures_json(path);
    assert_int_equal(json_object_size(file), BASE_COUNT(reasons));
    for (size_t i = 0; i < BASE_COUNT(reasons); i++, ++*cases) {
        const json_t *test = json_object_get(file, reasons[i].name);
        assert_non_null(test);
        struct buf input = BUF_INIT;
        assert_true(fixtures_hex(test, "out", &input));
        enum rlp_status status = rlp_validate(buf_bytes(&input));
        if (status != reasons[i].status)
            fail_msg("%s: %s", reasons[i].name, rlp_status_text(status));
        buf_release(&input);
    }
    json_decref(file);
}

static void test_suite_invalid(void **state)
{
    (void)state;
    fixtures_require("ethereum-tests/RLPTests", "ethereum/tests");
    size_t cases = 0;
    fixtures_each("ethereum-tests/RLPTests/invalidRLPTest.json", invalid_file, &cases);
    assert_int_equal(cases, BASE_COUNT(reasons));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),      cmocka_unit_test(test_depth),
        cmocka_unit_test(test_kinds),       cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_integers),    cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_suite_valid), cmocka_unit_test(test_suite_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
