/*
 * Inside a view. Accounts and slots are entries of maps: an entry keeps its index for good, while
 * its address changes as the map grows, so everything that lasts longer than a call holds indexes.
 *
 * Slots of all accounts are in one map. Their key has the account's index and its `generation`,
 * which counts how often its storage was wiped: wiping is one increment, whatever was there.
 *
 * What belongs to a transaction (marks, original values, warm slots) is stamped with the number of
 * the transaction and void under any other, so a new one starts without a walk over entries.
 */
#ifndef STATE_VIEW_PRIV_H
#define STATE_VIEW_PRIV_H

#include "base/map.h"
#include "state/db.h"
#include "state/view.h"

enum {
    STATE_WARM = 1 << 0,
    STATE_CREATED = 1 << 1,
    STATE_DESTRUCTED = 1 << 2,
    STATE_SETTLED = 1 << 3, /* seen by the end of the transaction */
};

struct state_entry {
    struct state_account account; /* as state_account_init while it does not exist; `storage` and
                                     `storage_id` as in the store unless wiped */
    struct trie_root old_storage; /* in the store */
    uint64_t old_storage_id;
    struct bytes code; /* valid when has_code */
    uint32_t generation;
    uint32_t slots_set; /* entries of this generation that are not zero */
    uint32_t transaction;
    uint8_t marks; /* of that transaction */
    bool loaded;   /* asked of the reader */
    bool exists;
    bool existed; /* in the store */
    bool changed; /* by a transaction that has ended */
    bool has_code;
    bool settled_gone; /* an earlier transaction of the block ended with its deletion */
};

struct state_slot_key {
    uint32_t account;
    uint32_t generation;
    struct u256 slot;
};

struct state_slot {
    struct u256 base;     /* in the store */
    struct u256 original; /* at the start of `transaction` */
    struct u256 current;
    uint32_t transaction;
    bool loaded;
    bool warm; /* in that transaction */
};

struct state_code {
    struct bytes code;
    bool fresh; /* not from the store */
};

enum state_change_kind {
    STATE_CHANGE_MADE,
    STATE_CHANGE_REVIVED, /* made without a touch */
    STATE_CHANGE_BALANCE,
    STATE_CHANGE_NONCE,
    STATE_CHANGE_CODE,
    STATE_CHANGE_TOUCH,
    STATE_CHANGE_MARKS,
    STATE_CHANGE_SLOT,
    STATE_CHANGE_SLOT_WARM,
    STATE_CHANGE_TRANSIENT,
    STATE_CHANGE_LOG,
};

/* One entry of the journal: what was there before. */
struct state_change {
    uint32_t kind;
    uint32_t index; /* of the account, slot or transient slot */
    union {
        struct u256 value;
        uint64_t number;
        struct hash256 hash;
    } old;
};

struct state_view {
    struct state_reader reader;
    bool has_reader;
    uint32_t transaction; /* starts at 1: entries begin with a stamp of no transaction */
    struct map accounts;  /* struct address -> struct state_entry */
    struct map slots;     /* struct state_slot_key -> struct state_slot */
    struct map transient; /* struct state_slot_key (generation 0) -> struct u256 */
    struct map codes;     /* struct hash256 -> struct state_code */
    struct state_change *journal;
    size_t journal_count, journal_capacity;
    struct eth_log *logs;
    size_t log_count, log_capacity;
    uint32_t touched_for_good; /* 1 + index of an account, 0 = none */
    struct address last;       /* the account asked for last, with its index */
    uint32_t last_index;       /* UINT32_MAX: none */
    struct arena arena;        /* codes, data of logs */
};

static inline struct state_entry *state_entry_at(const struct state_view *v, size_t index)
{
    return map_value_at(&v->accounts, index);
}

static inline struct state_slot *state_slot_at(const struct state_view *v, size_t index)
{
    return map_value_at(&v->slots, index);
}

static inline const struct state_slot_key *state_slot_key_at(const struct state_view *v,
                                                             size_t index)
{
    return map_key_at(&v->slots, index);
}

/* The index of the account's entry, added when it is missing; not loaded. */
int state_view_find(struct state_view *v, uint32_t *ret_index,
                    const struct address *address) BASE_NODISCARD;
/* The same, loaded. */
int state_view_get(struct state_view *v, uint32_t *ret_index,
                   const struct address *address) BASE_NODISCARD;

/* Clearing costs what the map once grew to: one that is far larger than its use is let go, so that
 * a single large block or transaction does not slow down all small ones after it. */
void state_empty_map(struct map *m);

/* The marks of the running transaction, reset when they are of an earlier one. */
uint8_t *state_view_marks(struct state_view *v, uint32_t account);

/* Makes room in the journal: that many records then cannot fail. Called before a change is made. */
int state_view_reserve(struct state_view *v, size_t count) BASE_NODISCARD;
/* Appends to the journal, where room was made. */
struct state_change *state_view_record(struct state_view *v, enum state_change_kind kind,
                                       size_t index);

/* Makes the account exist; needs one reserved record. */
void state_view_make(struct state_view *v, uint32_t account);

/* Which slots of each account, in its current generation. */
struct state_groups {
    uint32_t *slots; /* indexes; those of account i from start[i] up to start[i + 1] */
    uint32_t *start;
};

enum state_select {
    STATE_SET,    /* not zero */
    STATE_CHANGED /* other than in the store */
};

int state_view_group(const struct state_view *v, struct state_groups *ret_groups,
                     struct arena *arena, enum state_select select) BASE_NODISCARD;

#endif
