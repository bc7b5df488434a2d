/* A block, accounts and transactions to execute, made in a line each. */
#ifndef EXEC_TEST_SUPPORT_H
#define EXEC_TEST_SUPPORT_H

#include "exec/exec.h"
#include "exec/system.h"
#include "state/state.h"

/* Who is who. The sender has one ether. */
extern const struct address support_sender, support_contract, support_nobody, support_coinbase;
#define SUPPORT_ETHER UINT64_C(1000000000000000000)

struct support {
    struct exec *exec;
    struct state_view *view;
    struct exec_block block;
    struct exec_hooks hooks;
    struct eth_transaction tx; /* a call of the contract: gas limit 100,000, price 10 */
    struct exec_result result;
    struct err_detail why;
};

/* A block of the fork, begun: base fee 7 and blob base fee 2 where the fork has them. */
void support_start(struct support *s, enum fork fork);
void support_stop(struct support *s);
/* Begins the block again, after it was changed. */
void support_begin(struct support *s);

void support_set(struct support *s, const struct address *address, uint64_t nonce,
                 uint64_t balance);
/* Code as hexadecimal digits. */
void support_set_code(struct support *s, const struct address *address, const char *code);
void support_set_slot(struct support *s, const struct address *address, uint64_t slot,
                      uint64_t value);

/* Bytes of hexadecimal digits; valid until the next 8 calls. */
struct bytes support_hex(const char *digits);

/* Executes s->tx and asserts that the verdict is this one. */
void support_execute(struct support *s, enum exec_verdict expected);
/* The same for a valid one that ends so, with that much gas. */
void support_expect(struct support *s, enum evm_status status, uint64_t gas_used);

bool support_exists(struct support *s, const struct address *address);
uint64_t support_balance(struct support *s, const struct address *address);
uint64_t support_nonce(struct support *s, const struct address *address);
uint64_t support_slot(struct support *s, const struct address *address, uint64_t slot);
size_t support_code_size(struct support *s, const struct address *address);

#endif
