#include "exec/test/support.h"

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

const struct address support_sender = {{0x5e, 1}};
const struct address support_contract = {{0xc0, 2}};
const struct address support_nobody = {{0x0b, 3}};
const struct address support_coinbase = {{0xcb, 4}};

void support_begin(struct support *s)
{
    exec_begin_block(s->exec, &s->block, s->view, &s->hooks);
}

void support_start(struct support *s, enum fork fork)
{
    *s = (struct support){
        .block =
            {
                .fork = fork,
                .number = 1000,
                .timestamp = 5000,
                .gas_limit = 30000000,
                .coinbase = support_coinbase,
                .chain_id = u256_from(1),
                .base_fee = u256_from(fork >= FORK_LONDON ? 7 : 0),
                .blob_base_fee = u256_from(fork >= FORK_CANCUN ? 2 : 0),
                .max_blob_gas = fork >= FORK_CANCUN ? 9 * ETH_BLOB_GAS : 0,
            },
        .tx =
            {
                .to = support_contract,
                .gas_limit = 100000,
                .max_fee = u256_from(10),
                .max_priority_fee = u256_from(10),
            },
    };
    assert_int_equal(exec_new(&s->exec), 0);
    assert_int_equal(state_view_new(&s->view, NULL), 0);
    support_set(s, &support_sender, 0, SUPPORT_ETHER);
    support_begin(s);
}

void support_stop(struct support *s)
{
    exec_free(s->exec);
    state_view_free(s->view);
}

void support_set(struct support *s, const struct address *address, uint64_t nonce, uint64_t balance)
{
    struct u256 wei = u256_from(balance);
    assert_int_equal(state_view_set_balance(s->view, address, &wei), 0);
    assert_int_equal(state_view_set_nonce(s->view, address, nonce), 0);
    state_view_end_transaction(s->view, false);
}

struct bytes support_hex(const char *digits)
{
    static struct buf buffers[8];
    static unsigned next;
    struct buf *b = &buffers[next++ % BASE_COUNT(buffers)];
    buf_release(b);
    assert_int_equal(hex_decode(digits, b), 0);
    return buf_bytes(b);
}

void support_set_code(struct support *s, const struct address *address, const char *code)
{
    assert_int_equal(state_view_set_code(s->view, address, support_hex(code)), 0);
    state_view_end_transaction(s->view, false);
}

void support_set_slot(struct support *s, const struct address *address, uint64_t slot,
                      uint64_t value)
{
    struct u256 key = u256_from(slot), word = u256_from(value);
    assert_int_equal(state_view_store(s->view, NULL, NULL, NULL, address, &key, &word), 0);
    state_view_end_transaction(s->view, false);
}

void support_execute(struct support *s, enum exec_verdict expected)
{
    s->why.text[0] = 0;
    int err = exec_transaction(s->exec, &s->result, &s->why, &s->tx, &support_sender, 0);
    assert_int_equal(err, 0);
    assert_string_equal(exec_verdict_text(s->result.verdict), exec_verdict_text(expected));
}

void support_expect(struct support *s, enum evm_status status, uint64_t gas_used)
{
    support_execute(s, EXEC_VALID);
    assert_string_equal(evm_status_text(s->result.status), evm_status_text(status));
    assert_int_equal(s->result.gas_used, gas_used);
}

static const struct state_account *find(struct support *s, const struct address *address)
{
    const struct state_account *account;
    assert_int_equal(state_view_account(s->view, &account, address), 0);
    return account;
}

bool support_exists(struct support *s, const struct address *address)
{
    return find(s, address) != NULL;
}

uint64_t support_balance(struct support *s, const struct address *address)
{
    const struct state_account *account = find(s, address);
    assert_true(!account || u256_is_u64(&account->balance));
    return account ? account->balance.w[0] : 0;
}

uint64_t support_nonce(struct support *s, const struct address *address)
{
    const struct state_account *account = find(s, address);
    return account ? account->nonce : 0;
}

uint64_t support_slot(struct support *s, const struct address *address, uint64_t slot)
{
    struct u256 key = u256_from(slot), value;
    assert_int_equal(state_view_load(s->view, &value, NULL, address, &key), 0);
    assert_true(u256_is_u64(&value));
    return value.w[0];
}

size_t support_code_size(struct support *s, const struct address *address)
{
    struct bytes code;
    assert_int_equal(state_view_code(s->view, &code, address), 0);
    return code.len;
}
