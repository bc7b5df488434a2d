/*
 * Private transactions: what of a block is seen and done by a node that is party to some of them.
 *
 * A node with a transaction manager has two more states in its store, each with its own root at each
 * block that changes it: the private one, and notes about its accounts (which transaction made a
 * contract, and under which rules: GoQuorum's privacy metadata), written as the code of an account at
 * the same address. Like the public state they are versioned, and go back with it.
 *
 *     a private transaction   its data is the hash of a payload. Everybody counts the nonce and pays
 *                             intrinsic gas; a party runs the payload on its private state, which sees
 *                             the public state but does not change it
 *     a marker transaction    public, to 0x7a; its data is the hash of a payload that is a private
 *                             transaction, which parties run inside of it
 *
 * A node with multiple private states (the genesis file's isMPS) has such a pair for each group of keys that
 * its manager keeps for one tenant, and runs a private transaction in each state that one of its parties is
 * of. What nobody is party to is in the state "empty"; a tenant's begins as a copy of it (states.c).
 *
 * Facts: GoQuorum v24.4.1, core/state_transition.go, core/state_transition_pmh.go, core/vm/evm.go,
 * core/vm/contracts_quorum.go, core/state_processor.go, core/multiple_psm.go, core/mps/multiple_psr.go.
 */
#ifndef CHAIN_PRIVATE_PRIVATE_H
#define CHAIN_PRIVATE_PRIVATE_H

#include "eth/bloom.h"
#include "eth/receipt.h"
#include "exec/exec.h"
#include "state/db.h"
#include "state/update.h"

struct chain;
struct chain_environment;
struct chain_reader;

enum {
    CHAIN_PAYLOAD_HASH = 64, /* SHA3-512 of an encrypted payload */
    /* Flags of a private transaction, and of the contracts that it makes. */
    CHAIN_STANDARD_PRIVATE = 0,
    CHAIN_PARTY_PROTECTION = 1,
    CHAIN_MANDATORY_RECIPIENTS = 2,
    CHAIN_STATE_VALIDATION = 3,
};

struct chain_payload_hash {
    uint8_t b[CHAIN_PAYLOAD_HASH];
};

extern const struct address chain_marker_address; /* 0x7a */

/* A marker by its recipient: whether the rules of its block know of markers is not looked at. */
static inline bool chain_is_marker(const struct eth_transaction *tx)
{
    return !tx->is_creation && address_equal(&tx->to, &chain_marker_address);
}

/* Whether its data is the hash of a payload: a private transaction, or a marker. */
static inline bool chain_has_payload(const struct eth_transaction *tx)
{
    return eth_transaction_is_private(tx) || chain_is_marker(tx);
}

/* --- Multiple private states --- */

enum {
    CHAIN_PSI_MAX = 128, /* bytes of a private state's identifier; the reference has no limit */
    CHAIN_PSIS_MAX = 1024,
};

/* A private state, and whose it is: a group of keys that one manager keeps for a tenant. */
struct chain_psi {
    struct bytes name;           /* its identifier (PSI) */
    const struct bytes *members; /* public keys, base64, in the manager's order */
    size_t member_count;
};

/* Of a node; borrowed by all that have it. */
struct chain_psis {
    const struct chain_psi *list;
    size_t count;
};

/* The identifier of requests that name none. */
static inline struct bytes chain_psi_private(void)
{
    return bytes_str("private");
}

/* The identifier of the state of what this node is party to nothing of. */
static inline struct bytes chain_psi_empty(void)
{
    return bytes_str("empty");
}

/* NULL: there is none of that name; that has this key. */
const struct chain_psi *chain_psi_of(const struct chain_psis *psis, struct bytes name);
const struct chain_psi *chain_psi_of_member(const struct chain_psis *psis, struct bytes key);
bool chain_psi_has(const struct chain_psi *psi, struct bytes key);

/* The last 64 bytes of a transaction's data; of less, with zeros before it. */
struct chain_payload_hash chain_payload_hash_of(struct bytes data);
bool chain_payload_hash_is_zero(const struct chain_payload_hash *hash);

/* What a transaction manager knows of a payload. Spans live in the arena it was asked with. */
struct chain_payload {
    bool is_party; /* false: it has none under this hash, and the rest is not set */
    struct bytes data;
    uint64_t flag;
    const struct chain_payload_hash *affected; /* what made the contracts that it touches */
    size_t affected_count;
    struct hash256 exec_hash; /* of their state afterwards; zero: none */
    struct bytes sender;      /* key, base64; empty: unknown */
    const struct bytes *managed_parties;
    size_t managed_count;
    /* Lists without members are lists, not null: so they come to a light client by p2p. */
    bool has_lists;
};

/* Where payloads come from. */
struct chain_payloads {
    void *context;
    /*
     * Called on the thread that executes. Waits until the manager has answered: a manager that
     * cannot be reached is never "not a party". 0, or a failure of this machine (ERR_INTERRUPTED… as
     * the node stops): then the block is not executed.
     */
    int (*receive)(void *context, struct chain_payload *ret_payload,
                   const struct chain_payload_hash *hash, struct arena *arena);
    /*
     * Whether this manager sent the payload `vote`, and what is sealed in it is the address of the
     * management contract: then this node voted for the extension. Waits like receive. NULL: no vote is.
     */
    int (*is_own_vote)(void *context, bool *ret_own, const struct chain_payload_hash *vote,
                       const struct address *management, struct arena *arena);
    /*
     * Called on the thread that executes, before a block: what is likely to be received, in this order, so that it may be asked
     * for at once. Replaces what was expected before. NULL: nobody is told.
     */
    void (*expect)(void *context, const struct chain_payload_hash *hashes, size_t count);
    /*
     * Called on the thread that executes: whether receive and is_own_vote wait for a manager that cannot be asked, as they do
     * at first; else they fail with ERR_TIMEOUT. NULL: they wait, always.
     */
    void (*set_patience)(void *context, bool waits);
};

/* What the notes say of a private contract. */
struct chain_metadata {
    struct chain_payload_hash creation;
    uint64_t flag;
};

enum chain_metadata_status {
    CHAIN_METADATA_FOUND,
    CHAIN_METADATA_NO_ACCOUNT, /* the private state has no such account */
    CHAIN_METADATA_NONE,       /* it has, without metadata: standard private */
};

/* A contract that a message ran, or made. */
struct chain_affected {
    struct address address;
    bool created;
    /* Of a simulation. */
    enum chain_metadata_status status;
    struct chain_metadata metadata;
};

/* What a simulated private transaction would touch. */
struct chain_simulation {
    struct chain_affected *affected; /* in the call's arena */
    size_t count;
    bool has_root; /* false: some of them has no account */
    struct hash256 root;
};

/* One of the private states, as the running block changes it. */
struct chain_private_side {
    const struct chain_psi *psi; /* NULL: the only one, or the state "empty" */
    bool is_own;                 /* false: it has nothing of its own yet, and reads as "empty" */
    bool is_party;               /* of the running transaction */
    uint32_t instance;
    struct state_reader state, notes_state;
    struct state_view *view, *notes; /* NULL until the first block that needs them */
    bool is_open;                    /* the views are of the running block */
    struct state_update update, notes_update;
    bool has_update, has_notes_update;
};

/* What is stored of the states of tenants, present and former ones (states.c). */
struct chain_private_record {
    char name[CHAIN_PSI_MAX + 1];
    uint32_t instance;
    uint64_t since; /* the block that made it; UINT64_MAX: taken back, none */
};

/* The private side of the running block, or of a call. */
struct chain_private {
    const struct chain_payloads *payloads; /* NULL: of a call */
    struct chain_environment *environment;
    struct state_view *block_view;   /* public */
    struct chain_private_side own;   /* the only one; with multiple states "empty" */
    struct state_view *view, *notes; /* of the side in use */
    struct chain_private_side *side; /* that one */
    struct exec *inner; /* runs the transaction inside a marker, and what other sides run */
    const struct evm_tracer *tracer; /* of the former; NULL: it is not traced */

    /* Multiple private states; NULL: there is one. */
    const struct chain_psis *psis;
    struct chain_private_side *others; /* of each of them, in order */
    size_t other_count;
    struct chain_private_record *records;
    size_t record_count, record_capacity;
    bool records_changed;
    const struct chain_psi
        *viewer; /* of a run once more: who looks, and sees its own payloads alone */
    struct chain_payload received; /* of the running transaction, for the side in use */
    bool is_given;                 /* whether that side is a party */
    bool discards;                 /* a run for a side: the public state is as before */
    uint32_t index;                /* of the running transaction */
    struct arena arena;            /* of the running transaction */

    /* The running transaction. */
    const struct eth_transaction *tx;
    bool is_private, is_inner, fails, verifies;
    struct chain_payload payload;
    size_t view_checkpoint, notes_checkpoint;
    struct chain_affected *affected;
    size_t affected_count, affected_capacity;
    bool has_inner_receipt;
    struct eth_receipt inner_receipt;

    /* Of a call. */
    bool is_dual;
    struct chain_simulation *simulation; /* filled when the message has run; NULL: not wanted */
    struct arena *simulation_arena;

    /* Receipts that only parties have, as they are stored. */
    struct buf entries;
    struct eth_bloom bloom;
    bool reasons; /* with what they reverted with */
};

/* --- Stored --- */

struct chain_private_receipt {
    uint32_t index; /* of the block's transaction */
    bool is_inner;  /* of the transaction inside of a marker; otherwise of the transaction itself */
    struct eth_receipt receipt;
};

struct chain_private_receipts {
    const struct chain_private_receipt *list; /* by index */
    size_t count;
    struct eth_bloom bloom; /* of all states together */
};

/* Those of a block that one private state has; none for most. In `arena`. Where there is one state only, here and below, `psi` is not
 * looked at. */
int chain_reader_private_receipts(struct chain_reader *reader,
                                  struct chain_private_receipts *ret_receipts, struct arena *arena,
                                  struct bytes psi, uint64_t number) BASE_NODISCARD;
/* NULL: none. */
const struct chain_private_receipt *
chain_private_receipt_of(const struct chain_private_receipts *receipts, uint64_t index);
/* The private state after block `number`. As chain_reader_state. */
int chain_reader_private_state(struct chain_reader *reader, struct state_reader *ret_state,
                               struct bytes psi, uint64_t number) BASE_NODISCARD;
/* Its root. */
int chain_reader_private_root(struct chain_reader *reader, struct hash256 *ret_root,
                              struct bytes psi, uint64_t number) BASE_NODISCARD;
/* At block `number`. */
int chain_reader_metadata(struct chain_reader *reader, enum chain_metadata_status *ret_status,
                          struct chain_metadata *ret_metadata, struct bytes psi, uint64_t number,
                          const struct address *address) BASE_NODISCARD;

/* From one private state to several, durably: what there is becomes the state "private". `progress` (may be NULL) is told of each
 * block. ERR_USAGE: there are several; ERR_CORRUPT and those of the store. */
int chain_private_upgrade(struct chain *chain,
                          void (*progress)(void *context, uint64_t number,
                                           const struct hash256 *hash),
                          void *context, struct err_detail *detail) BASE_NODISCARD;

/* --- Calls --- */

/*
 * Lets a call on `environment` see the private state after block `number`: when it has the account
 * `to`, the call runs there, and only reads the public one. `p` is zero before its first use and is
 * released by chain_private_release; it outlives the environment's use, and so does the reader.
 */
int chain_private_begin_call(struct chain_private *p, struct chain_environment *environment,
                             struct chain_reader *reader, struct state_view *block_view,
                             struct bytes psi, uint64_t number,
                             const struct address *to) BASE_NODISCARD;
/*
 * Lets transactions of the block behind `number` run once more on `environment`, as they ran in the block: those that this
 * node, or with several states `psi`, is party to on the private state, which nothing of it is kept of. `payloads` is asked on the caller's thread. As above; the
 * private side of a run that is over is gone with the next chain_private_begin_….
 */
int chain_private_begin_again(struct chain_private *p, struct chain_environment *environment,
                              struct chain_reader *reader, struct state_view *block_view,
                              const struct chain_psi *psi, uint64_t number,
                              const struct chain_payloads *payloads) BASE_NODISCARD;
/* Which view the running code sees an account by: while a private transaction runs, or a call on a private contract, the private one when
 * that has it, else `current`. */
int chain_private_view_now(struct chain_private *p, struct state_view **ret_view,
                           struct state_view *current,
                           const struct address *address) BASE_NODISCARD;
void chain_private_release(struct chain_private *p);

/* The JSON of a signed transaction, as a marker's payload has it (types.Transaction of Go). False: it is
 * none, or of a type that cannot be private. Spans are in `arena`. ERR_NOMEM by ret_err. */
bool chain_private_parse(struct eth_transaction *ret_tx, struct arena *arena, struct bytes json,
                         int *ret_err);

#endif
