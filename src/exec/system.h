/* What happens in a block outside of its transactions. All work on the block that exec_begin_block
 * started, and return 0 or a failure of this machine. */
#ifndef EXEC_SYSTEM_H
#define EXEC_SYSTEM_H

#include "eth/block.h"
#include "exec/exec.h"

extern const struct address exec_system_address;              /* the caller of what follows */
extern const struct address exec_beacon_roots_address;        /* EIP-4788 */
extern const struct address exec_block_hashes_address;        /* EIP-2935 */
extern const struct address exec_withdrawal_queue_address;    /* EIP-7002 */
extern const struct address exec_consolidation_queue_address; /* EIP-7251 */

/* Before the transactions. A contract that is not there, or fails, changes nothing. */
int exec_store_beacon_root(struct exec *x, const struct hash256 *parent_beacon_root) BASE_NODISCARD;
int exec_store_parent_hash(struct exec *x, const struct hash256 *parent_hash) BASE_NODISCARD;

/* After the transactions: reads the requests out of a queue contract. X(NAME, "text") */
#define EXEC_QUEUE_LIST(X)                                                                         \
    X(OK, "ok")                                                                                    \
    X(NO_CODE, "empty system contract")                                                            \
    X(FAILED, "system call failed to execute")                                                     \
    X(BAD_DEPOSIT, "unable to parse deposit data")

enum exec_queue_status {
#define X(name, text) EXEC_QUEUE_##name,
    EXEC_QUEUE_LIST(X)
#undef X
};

const char *exec_queue_status_text(enum exec_queue_status status);

/* Appends the requests (EIP-7685 data without the type byte) to `requests`. Anything but
 * EXEC_QUEUE_OK makes the block invalid. */
int exec_read_queue(struct exec *x, enum exec_queue_status *ret_status, struct buf *requests,
                    const struct address *queue) BASE_NODISCARD;

/* EIP-6110: appends the deposits that the logs of a receipt announce, 192 bytes each. ERR_NOMEM. */
int exec_read_deposits(enum exec_queue_status *ret_status, struct buf *requests,
                       const struct eth_log *logs, size_t count,
                       const struct address *deposit_contract) BASE_NODISCARD;

/* Credits an account out of nothing, and settles it: mining rewards. */
int exec_credit(struct exec *x, const struct address *address,
                const struct u256 *wei) BASE_NODISCARD;

/* EIP-4895: after the transactions, before the queues are read. */
int exec_withdraw(struct exec *x, const struct eth_withdrawal *withdrawals,
                  size_t count) BASE_NODISCARD;

#endif
