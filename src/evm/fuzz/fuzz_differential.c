/*
 * The fast interpreter against the plain one: arbitrary bytes become a fork, gas and a few
 * contracts that call each other; status, gas, refund, output, accounts, storage and logs must be
 * the same.
 *
 *   0     fork, modulo their number
 *   1     bit 0: static; bits 1-4: number of bits of the gas, less 8
 *   2-4   gas
 *   5     length of the call data
 *   …     then the contracts' codes (generate.h)
 */
#include "base/fuzz/fuzz.h"
#include "evm/fuzz/generate.h"
#include "evm/test/host.h"

#include <stdio.h>
#include <stdlib.h>

struct scene {
    enum fork fork;
    struct evm_message message;
    uint8_t call_data[256];
    uint8_t codes[EVM_FUZZ_CONTRACTS][EVM_FUZZ_CODE_MAX];
    size_t code_sizes[EVM_FUZZ_CONTRACTS];
};

static void read_scene(struct scene *s, struct evm_fuzz_input *in)
{
    s->fork = (enum fork)(evm_fuzz_byte(in) % FORK_COUNT);
    uint8_t flags = evm_fuzz_byte(in);
    uint64_t gas = evm_fuzz_number(in, 3) & (((uint64_t)1 << (8 + (flags >> 1 & 15))) - 1);
    size_t data_size = evm_fuzz_byte(in);
    for (size_t i = 0; i < data_size; i++)
        s->call_data[i] = (uint8_t)(i * 37 + flags);
    s->message = (struct evm_message){.kind = EVM_CALL,
                                      .is_static = flags & 1 && s->fork >= FORK_BYZANTIUM,
                                      .gas = (int64_t)gas,
                                      .sender = evm_test_address(0xca11),
                                      .recipient = evm_test_address(EVM_FUZZ_CONTRACT),
                                      .code_address = evm_test_address(EVM_FUZZ_CONTRACT),
                                      .input = bytes_of(s->call_data, data_size)};
    for (size_t i = 0; i < EVM_FUZZ_CONTRACTS; i++)
        s->code_sizes[i] =
            evm_fuzz_code(s->codes[i], in, i ? in->len / (EVM_FUZZ_CONTRACTS - i) : in->len / 2);
}

static void make_world(struct evm_test_host *h, const struct scene *s)
{
    static const struct hash256 blobs[2] = {{{1}}, {{2}}};
    evm_test_host_init(h, s->fork);
    h->context = (struct evm_context){.origin = s->message.sender,
                                      .gas_price = u256_from(7),
                                      .coinbase = evm_test_address(0xc01b),
                                      .number = 500,
                                      .timestamp = 1000,
                                      .gas_limit = 30000000,
                                      .prev_randao = {{1, 2, 3, 4}},
                                      .chain_id = u256_from(1337),
                                      .base_fee = u256_from(9),
                                      .blob_base_fee = u256_from(11),
                                      .blob_hashes = blobs,
                                      .blob_hash_count = 2};
    evm_test_account(h, s->message.sender, 1000000, bytes_none())->warm = true;
    for (unsigned i = 0; i < EVM_FUZZ_CONTRACTS; i++) {
        struct address a = evm_test_address(EVM_FUZZ_CONTRACT + i);
        evm_test_account(h, a, 100, bytes_of(s->codes[i], s->code_sizes[i]))->warm = i == 0;
        evm_test_slot(h, a, 0, i);
        evm_test_slot(h, a, 1, 1);
    }
}

static bool same(const struct evm_result *a, const struct evm_result *b)
{
    return a->status == b->status && a->gas_left == b->gas_left && a->gas_refund == b->gas_refund &&
           bytes_equal(a->output, b->output);
}

static void print_hex(const char *what, struct bytes data)
{
    (void)fprintf(stderr, "%s: ", what);
    for (size_t i = 0; i < data.len; i++)
        (void)fprintf(stderr, "%02x", data.data[i]);
    (void)fputc('\n', stderr);
}

static void print_outcome(const char *who, int err, const struct evm_result *r)
{
    if (err) {
        (void)fprintf(stderr, "%s: %s\n", who, err_text(err));
        return;
    }
    (void)fprintf(stderr, "%s: %s, gas left %lld, refund %lld\n", who, evm_status_text(r->status),
                  (long long)r->gas_left, (long long)r->gas_refund);
    print_hex("  output", r->output);
}

static void report(const struct scene *s, int plain_err, const struct evm_result *plain,
                   int fast_err, const struct evm_result *fast)
{
    (void)fprintf(stderr, "%s, gas %lld, static %d, call data %zu\n", fork_name(s->fork),
                  (long long)s->message.gas, s->message.is_static, s->message.input.len);
    for (size_t i = 0; i < EVM_FUZZ_CONTRACTS; i++)
        print_hex("code", bytes_of(s->codes[i], s->code_sizes[i]));
    print_outcome("plain", plain_err, plain);
    print_outcome("fast", fast_err, fast);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Both live on from input to input, as they do from transaction to transaction. */
    static struct evm *plain, *fast;
    static struct evm_test_host plain_world, fast_world;
    static struct scene s;
    struct evm_fuzz_input in = {data, size};
    struct evm_result plain_result, fast_result;
    if (!plain && (evm_new(&plain) || evm_new(&fast)))
        abort();
    evm_set_plain(plain, true);
    read_scene(&s, &in);
    make_world(&plain_world, &s);
    make_world(&fast_world, &s);
    int plain_err = evm_execute(plain, s.fork, &plain_world.context, &evm_test_host_ops,
                                &plain_world, &s.message, &plain_result);
    int fast_err = evm_execute(fast, s.fork, &fast_world.context, &evm_test_host_ops, &fast_world,
                               &s.message, &fast_result);
    if (plain_err != fast_err)
        report(&s, plain_err, &plain_result, fast_err, &fast_result);
    if (!plain_err &&
        (!same(&plain_result, &fast_result) || !evm_test_host_equal(&plain_world, &fast_world)))
        report(&s, 0, &plain_result, 0, &fast_result);
    evm_test_host_release(&plain_world);
    evm_test_host_release(&fast_world);
    return 0;
}
