/* The precompiled contracts: which fork has which, their gas, vectors of another implementation. */
#include "base/hex.h"
#include "base/mem.h"
#include "evm/precompile/precompile.h"
#include "evm/test/run.h"

#include <stdio.h>

struct vector {
    unsigned address;
    enum fork fork;
    const char *name;
    int64_t gas;
    const char *input;
    const char *output; /* NULL: it fails */
};

static const struct vector vectors[] = {
#define PASS(address, fork, name, gas, input, output)                                              \
    {address, FORK_##fork, name, gas, input, output},
#define FAIL(address, fork, name, input) {address, FORK_##fork, name, 0, input, NULL},
#include "evm/test/vectors/precompiles.inc"
#undef PASS
#undef FAIL
};

static struct evm_result run(enum fork fork, unsigned number, struct bytes input, int64_t gas,
                             struct buf *output)
{
    struct evm_result result;
    struct address a = evm_test_address(number);
    assert_int_equal(evm_precompile_run(fork, &a, input, gas, output, &result), 0);
    return result;
}

static void check_vector(const struct vector *v)
{
    struct buf input = BUF_INIT, want = BUF_INIT, output = BUF_INIT;
    const int64_t plenty = 100000000;
    assert_int_equal(hex_decode(v->input, &input), 0);
    assert_int_equal(hex_decode(v->output ? v->output : "", &want), 0);
    struct evm_result r = run(v->fork, v->address, buf_bytes(&input), plenty, &output);
    if (!v->output) {
        if (r.status < EVM_INVALID_INPUT_LENGTH || r.gas_left != 0 || r.output.len != 0)
            fail_msg("%s: %s", v->name, evm_status_text(r.status));
    } else {
        if (r.status != EVM_SUCCESS || plenty - r.gas_left != v->gas ||
            !bytes_equal(r.output, buf_bytes(&want)))
            fail_msg("%s: %s, gas %lld", v->name, evm_status_text(r.status),
                     (long long)(plenty - r.gas_left));
        r = run(v->fork, v->address, buf_bytes(&input), v->gas, &output);
        assert_int_equal(r.status, EVM_SUCCESS);
        assert_int_equal(r.gas_left, 0);
    }
    if (v->gas) {
        r = run(v->fork, v->address, buf_bytes(&input), v->gas - 1, &output);
        assert_int_equal(r.status, EVM_OUT_OF_GAS);
        assert_int_equal(r.gas_left, 0);
    }
    buf_release(&input);
    buf_release(&want);
    buf_release(&output);
}

static void test_vectors(void **state)
{
    (void)state;
    assert_true(BASE_COUNT(vectors) > 150);
    for (size_t i = 0; i < BASE_COUNT(vectors); i++)
        check_vector(&vectors[i]);
}

#define ZEROS32 "0000000000000000000000000000000000000000000000000000000000000000"
#define ONE     "0000000000000000000000000000000000000000000000000000000000000001"
#define TWO     "0000000000000000000000000000000000000000000000000000000000000002"
#define MODULUS "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47"
#define ABOVE   "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd48"

/* Each failure has the text that GoQuorum v24.4.1 gives for it (core/vm/contracts.go, crypto/bn256):
 * the first thing that is wrong, in the order of the input. */
static void test_reasons(void **state)
{
    (void)state;
    static const struct {
        unsigned address;
        const char *input;
        const char *text;
    } list[] = {
        {6, ABOVE, "bn256: coordinate exceeds modulus"},
        {6, MODULUS, "bn256: coordinate equals modulus"},
        {6, ONE MODULUS, "bn256: coordinate equals modulus"},
        {6, ONE ONE ABOVE, "bn256: malformed point"},
        {6, ONE TWO ABOVE, "bn256: coordinate exceeds modulus"},
        {6, ONE TWO ONE ONE, "bn256: malformed point"},
        {7, ONE ONE ABOVE, "bn256: malformed point"},
        {7, ONE ABOVE ONE, "bn256: coordinate exceeds modulus"},
        {8, "00", "bad elliptic curve pairing size"},
        {8, ONE ONE ABOVE ONE ONE ONE, "bn256: malformed point"},
        {8, ONE TWO ONE MODULUS ONE ABOVE, "bn256: coordinate equals modulus"},
        {8, ONE TWO ONE ONE ONE ONE, "bn256: malformed point"},
        {8, ONE TWO ZEROS32 ZEROS32 ZEROS32 ZEROS32 ABOVE ONE ONE ONE ONE ONE,
         "bn256: coordinate exceeds modulus"},
        {9, "00", "invalid input length"},
        {0x0a, "00", "invalid input length"},
        {0x0a, ONE ONE ONE ONE ONE ONE, "mismatched versioned hash"},
        {0x0b, "00", "invalid input length"},
        {0x0c, "", "invalid input length"},
        {0x0f, "00", "invalid input length"},
        {0x10, ONE ABOVE, "success"},
    };
    struct buf input = BUF_INIT, output = BUF_INIT;
    for (size_t i = 0; i < BASE_COUNT(list); i++) {
        buf_clear(&input);
        assert_int_equal(hex_decode(list[i].input, &input), 0);
        struct evm_result r =
            run(FORK_OSAKA, list[i].address, buf_bytes(&input), 100000000, &output);
        if (strcmp(evm_status_text(r.status), list[i].text) != 0)
            fail_msg("%x %s: %s", list[i].address, list[i].input, evm_status_text(r.status));
    }
    static const uint8_t blake2f[213] = {[212] = 2};
    struct evm_result r = run(FORK_OSAKA, 9, bytes_of(blake2f, sizeof(blake2f)), 0, &output);
    assert_int_equal(r.status, EVM_INVALID_FINAL_FLAG);
    buf_release(&input);
    buf_release(&output);
}

static void test_availability(void **state)
{
    (void)state;
    static const struct {
        enum fork since;
        unsigned count;
    } forks[] = {{FORK_FRONTIER, 4}, {FORK_BYZANTIUM, 8}, {FORK_ISTANBUL, 9},
                 {FORK_CANCUN, 10},  {FORK_PRAGUE, 17},   {FORK_OSAKA, 18}};
    for (int fork = 0; fork < FORK_COUNT; fork++) {
        unsigned want = 0;
        for (size_t i = 0; i < BASE_COUNT(forks); i++)
            if (fork >= (int)forks[i].since)
                want = forks[i].count;
        for (unsigned n = 0; n < 0x300; n++) {
            struct address a = evm_test_address(n), far = a;
            bool known = (n >= 1 && n <= want && n <= 17) || (n == 0x100 && want == 18);
            far.b[0] = 1;
            assert_int_equal(evm_is_precompile((enum fork)fork, &a), known);
            assert_false(evm_is_precompile((enum fork)fork, &far));
        }
    }
}

/* Prices that the vectors do not show. */
static void test_gas(void **state)
{
    (void)state;
    static const uint8_t zeros[1000];
    static const struct {
        enum fork fork;
        unsigned address;
        size_t size;
        int64_t gas;
    } list[] = {
        {FORK_FRONTIER, 1, 0, 3000},
        {FORK_FRONTIER, 2, 0, 60},
        {FORK_FRONTIER, 2, 32, 72},
        {FORK_FRONTIER, 2, 33, 84},
        {FORK_FRONTIER, 3, 0, 600},
        {FORK_FRONTIER, 3, 65, 960},
        {FORK_FRONTIER, 4, 0, 15},
        {FORK_OSAKA, 4, 1, 18},
        {FORK_BYZANTIUM, 5, 0, 0},
        {FORK_BERLIN, 5, 0, 200},
        {FORK_OSAKA, 5, 0, 500},
        {FORK_BYZANTIUM, 6, 0, 500},
        {FORK_ISTANBUL, 6, 0, 150},
        {FORK_PETERSBURG, 7, 0, 40000},
        {FORK_ISTANBUL, 7, 0, 6000},
        {FORK_BYZANTIUM, 8, 0, 100000},
        {FORK_BYZANTIUM, 8, 384, 260000},
        {FORK_ISTANBUL, 8, 192, 79000},
        {FORK_PRAGUE, 0x0f, 384, 37700 + 32600},
        {FORK_PRAGUE, 0x0c, 160, 12000},
        {FORK_PRAGUE, 0x0c, 800, 5 * 12000 * 764 / 1000},
        {FORK_PRAGUE, 0x0e, 864, 3 * 22500 * 923 / 1000},
        {FORK_OSAKA, 0x100, 0, 6900},
    };
    struct buf output = BUF_INIT;
    for (size_t i = 0; i < BASE_COUNT(list); i++) {
        struct bytes input = bytes_of(zeros, list[i].size);
        struct evm_result r = run(list[i].fork, list[i].address, input, 1000000, &output);
        assert_int_equal(r.status, EVM_SUCCESS);
        assert_int_equal(1000000 - r.gas_left, list[i].gas);
    }
    buf_release(&output);
}

/* Header, then as many given bytes as there are. */
static struct evm_result modexp(enum fork fork, uint64_t base, uint64_t exponent, uint64_t modulus,
                                const char *given, int64_t gas, struct buf *output)
{
    uint8_t input[256];
    struct u256 lengths[3] = {u256_from(base), u256_from(exponent), u256_from(modulus)};
    for (int i = 0; i < 3; i++)
        u256_store(input + 32 * i, &lengths[i]);
    size_t len = strlen(given) / 2;
    assert_true(hex_decode_exact(given, input + 96, len));
    return run(fork, 5, bytes_of(input, 96 + len), gas, output);
}

/* Lengths that go far beyond the input. */
static void test_modexp_implied_zeros(void **state)
{
    (void)state;
    struct buf output = BUF_INIT;
    const int64_t plenty = (int64_t)1 << 40;
    /* An exponent of 2 followed by 3 MiB of zeros, and the modulus, implied too, 0. */
    struct evm_result r = modexp(FORK_BERLIN, 1, 3 << 20, 1, "0302", plenty, &output);
    assert_int_equal(r.status, EVM_SUCCESS);
    assert_true(bytes_equal(r.output, bytes_of("\0", 1)));
    /* No base, no modulus: no work, whatever the exponent. */
    r = modexp(FORK_BYZANTIUM, 0, UINT64_MAX, 0, "", 0, &output);
    assert_int_equal(r.status, EVM_SUCCESS);
    assert_int_equal(r.output.len, 0);
    /* A zero exponent: 1. */
    r = modexp(FORK_BYZANTIUM, 0, 0, 1, "05", plenty, &output);
    assert_true(bytes_equal(r.output, bytes_of("\1", 1)));
    r = modexp(FORK_BYZANTIUM, UINT64_MAX, 1, 1, "05", plenty, &output);
    assert_int_equal(r.status, EVM_OUT_OF_GAS);
    r = modexp(FORK_BERLIN, 1, UINT64_MAX, 1, "05", (int64_t)1 << 62, &output);
    assert_int_equal(r.status, EVM_OUT_OF_GAS);
    /* EIP-7823 */
    r = modexp(FORK_OSAKA, 1, 1025, 1, "05", plenty, &output);
    assert_int_equal(r.status, EVM_PRECOMPILE_FAILURE);
    r = modexp(FORK_OSAKA, 1, 1, 1025, "05", plenty, &output);
    assert_int_equal(r.status, EVM_PRECOMPILE_FAILURE);
    r = modexp(FORK_OSAKA, 1, 1024, 1, "05", plenty, &output);
    assert_int_equal(r.status, EVM_SUCCESS);
    buf_release(&output);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(vectors); i += 3) {
        const struct vector *v = &vectors[i];
        struct buf input = BUF_INIT;
        struct address a = evm_test_address(v->address);
        const struct evm_result untouched = {.status = EVM_REVERT, .gas_left = 77};
        assert_int_equal(hex_decode(v->input, &input), 0);
        int err = ERR_NOMEM;
        for (size_t n = 1; err; n++) {
            struct buf output = BUF_INIT;
            struct evm_result r = untouched;
            mem_fail_at(n, 1);
            err = evm_precompile_run(v->fork, &a, buf_bytes(&input), 100000000, &output, &r);
            mem_fail_at(0, 0);
            if (err) {
                assert_int_equal(err, ERR_NOMEM);
                assert_memory_equal(&r, &untouched, sizeof(r));
            }
            buf_release(&output);
        }
        buf_release(&input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_availability),
        cmocka_unit_test(test_gas),
        cmocka_unit_test(test_modexp_implied_zeros),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
