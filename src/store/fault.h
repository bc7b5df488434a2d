/* A store over another one, whose operations fail where a test says so. */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

#include "store/store.h"

enum store_fault {
    STORE_FAULT_BEGIN,  /* either kind of transaction */
    STORE_FAULT_READ,   /* get, count and every move of a cursor */
    STORE_FAULT_WRITE,  /* put and delete */
    STORE_FAULT_COMMIT, /* nothing of the transaction is there afterwards */
    STORE_FAULT_ACK, /* a commit that took effect but reports failure, like a crash right after */
    STORE_FAULTS,
};

/* Wraps `inner`, which belongs to the new store on success and is freed with it. ERR_NOMEM. */
int store_fault_new(struct store **ret_store, struct store *inner) BASE_NODISCARD;

/* The n-th operation of that kind from now (1 = the next) fails with `code`, once; n = 0 switches
 * it off. `store` comes from store_fault_new. Not to be called while another thread uses the store.
 */
void store_fault_set(struct store *store, enum store_fault fault, uint64_t n, int code);

/* Operations of that kind so far. */
uint64_t store_fault_count(const struct store *store, enum store_fault fault);

#endif
