/* The plain twin of a view: a whole small state in one struct, whose checkpoint is a copy. */
#ifndef STATE_TEST_TWIN_H
#define STATE_TEST_TWIN_H

#include "state/state.h"

enum { TWIN_ACCOUNTS = 7, TWIN_SLOTS = 4, TWIN_CODES = 3, TWIN_DEPTH = 12 };

struct twin_slot {
    struct u256 value, original, transient;
    bool warm;
};

struct twin_account {
    bool exists, touched, warm, created, destructed;
    uint64_t nonce;
    struct u256 balance;
    unsigned code; /* 0 = none, else an index of twin_code */
    struct twin_slot slots[TWIN_SLOTS];
};

struct twin {
    struct twin_account accounts[TWIN_ACCOUNTS];
    size_t log_count;
};

/* Account 2 has the address of the RIPEMD-160 contract. */
struct address twin_address(unsigned account);
struct u256 twin_slot_number(unsigned slot);
struct bytes twin_code(unsigned code);

uint64_t twin_random(uint64_t *state);

/* One random change, read or mark, made to both. The view must answer as the twin does. 0, or the
 * view's failure: then neither has changed, as far as the twin can tell. */
int twin_step(struct twin *twin, struct state_view *view, bool *for_good, uint64_t *random);
void twin_end_transaction(struct twin *twin, const bool *for_good, bool delete_empty);

/* Asserts that every value is the same in both. Marks are asked for last, since asking sets them;
 * so the view is rolled back to where it was. */
void twin_compare(const struct twin *twin, struct state_view *view);

/* Makes an empty view without reader hold what the twin has. */
void twin_fill(const struct twin *twin, struct state_view *view);
struct hash256 twin_root(const struct twin *twin);

/* Asserts that what the reader shows is what the twin has. */
void twin_compare_reader(const struct twin *twin, const struct state_reader *reader);

#endif
