/*
 * A small world in memory: a complete host for tests of the machine, without tries, databases or
 * transactions. It holds a few accounts and slots; what does not fit is ERR_LIMIT.
 */
#ifndef EVM_TEST_HOST_H
#define EVM_TEST_HOST_H

#include "base/arena.h"
#include "base/buf.h"
#include "evm/evm.h"

enum {
    EVM_TEST_ACCOUNTS = 96,
    EVM_TEST_SLOTS = 96,
    EVM_TEST_LOGS = 64,
};

struct evm_test_account {
    struct address address;
    bool exists;
    bool warm;
    bool destroyed; /* in this transaction */
    uint64_t nonce;
    struct u256 balance;
    struct bytes code;
};

struct evm_test_slot {
    struct address address;
    struct u256 key;
    struct u256 original;
    struct u256 current;
    struct u256 transient;
    bool warm;
};

struct evm_test_log {
    struct address address;
    size_t topic_count;
    struct hash256 topics[EVM_TOPICS_MAX];
    struct bytes data;
};

struct evm_test_host {
    enum fork fork;
    struct evm_context context;
    struct evm_test_account accounts[EVM_TEST_ACCOUNTS];
    struct hash256 code_hashes[EVM_TEST_ACCOUNTS]; /* of the accounts whose code ran */
    size_t account_count;
    struct evm_test_slot slots[EVM_TEST_SLOTS];
    size_t slot_count;
    struct evm_test_log logs[EVM_TEST_LOGS];
    size_t log_count;
    struct arena arena;    /* codes and data of logs */
    struct buf undo;       /* what changed since the beginning, oldest first */
    struct buf marks;      /* the length of undo at each enter that runs */
    struct buf precompile; /* output of the last precompiled contract */
    int fail_at;           /* the n-th call of the host from now fails with ERR_IO; 0: none */
    bool precompiles;      /* whether there are any */
};

extern const struct evm_host_ops evm_test_host_ops;

void evm_test_host_init(struct evm_test_host *h, enum fork fork);
void evm_test_host_release(struct evm_test_host *h);

/* 0x00…0n */
struct address evm_test_address(unsigned n);
/* Makes the account exist. The code is borrowed. */
struct evm_test_account *evm_test_account(struct evm_test_host *h, struct address a,
                                          uint64_t balance, struct bytes code);
struct evm_test_slot *evm_test_slot(struct evm_test_host *h, struct address a, uint64_t key,
                                    uint64_t value);
/* What is there now. */
struct evm_test_account *evm_test_find(struct evm_test_host *h, struct address a);
uint64_t evm_test_storage(struct evm_test_host *h, struct address a, uint64_t key);

/* Whether two worlds look the same: accounts, slots, logs (not the order of their coming). */
bool evm_test_host_equal(const struct evm_test_host *a, const struct evm_test_host *b);

#endif
