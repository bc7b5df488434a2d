/*
 * Agreement on the next block, as a step machine: events go in, effects come out, nothing else happens. A machine
 * has no clock, socket, disk or thread, and the same events always give the same effects, so that a simulator can
 * run a whole network of them from one seed. IBFT (consensus/ibft) and QBFT (consensus/qbft) are two of its kind;
 * whoever drives one (the node, the simulator, a test) knows only this file.
 *
 *     consensus_machine_new(&machine, &qbft_machine, &options);     options.record: the last RECORD, if any
 *     consensus_machine_step(machine, &event, &effects);            carry out effects.items[0 … count) in this order
 *     consensus_effects_clear(&effects);
 *
 * A height begins with HEAD. The machine asks for a block to propose (BUILD), and gets it (CANDIDATE); it has other
 * validators' proposals checked (CHECK, CHECKED); it sends and receives messages; when a quorum has committed it hands
 * the block over (COMMIT), and the driver, once the block is in the chain, begins the next height with HEAD. A block
 * that came by synchronisation is a HEAD too; heights may be skipped, never go back.
 *
 * Messages that a machine broadcasts are not given back to it: it has counted them for itself.
 *
 * All calls on one machine, its effects and blocks are made by one thread.
 */
#ifndef CONSENSUS_MACHINE_H
#define CONSENSUS_MACHINE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/types.h"

struct istanbul_params; /* consensus/istanbul/config.h */
struct istanbul_set;    /* consensus/istanbul/set.h */

/* Message codes inside the capability istanbul/100. */
enum consensus_code {
    CONSENSUS_IBFT = 0x11, /* all of IBFT's; payload: RLP of one string that holds the message */
    CONSENSUS_QBFT_PRE_PREPARE = 0x12,
    CONSENSUS_QBFT_PREPARE = 0x13,
    CONSENSUS_QBFT_COMMIT = 0x14,
    CONSENSUS_QBFT_ROUND_CHANGE = 0x15,
};

enum {
    /* The largest payload that is looked at: what GoQuorum's protocol handler takes (eth/protocols, 10 MiB). */
    CONSENSUS_PAYLOAD_MAX = 10 * 1024 * 1024,
    CONSENSUS_SEAL_SIZE = 65,
};

/*
 * A proposed block: immutable, shared by reference. The bytes may be read by any thread as long as a reference is held;
 * references are taken and dropped by the machine's thread alone.
 */
struct consensus_block {
    struct hash256 hash; /* istanbul_block_hash: committed seals and the round left out */
    struct hash256 parent;
    struct address coinbase;
    uint64_t number;
    uint64_t time;    /* seconds since 1970 */
    bool empty;       /* no transactions */
    struct bytes rlp; /* [header, transactions, uncles], as it is sent in a proposal */
    unsigned references;
};

/* Takes a copy of `rlp`, which must be a list whose first item is a header and whose second is a list; nothing else
 * is looked at. One reference is the caller's. ERR_INPUT with a message, ERR_NOMEM. */
int consensus_block_new(struct consensus_block **ret_block, struct bytes rlp,
                        struct err_detail *detail) BASE_NODISCARD;
struct consensus_block *consensus_block_ref(struct consensus_block *block);
/* NULL is nothing. */
void consensus_block_unref(struct consensus_block *block);

/* ---- events ---- */

enum consensus_event_kind {
    CONSENSUS_HEAD,
    CONSENSUS_CANDIDATE,
    CONSENSUS_PENDING,
    CONSENSUS_MESSAGE,
    CONSENSUS_TIMEOUT,
    CONSENSUS_CHECKED,
    CONSENSUS_COMMIT_FAILED,
    CONSENSUS_PEER,
    CONSENSUS_PEER_LOST,
};

enum consensus_verdict {
    CONSENSUS_CHECK_OK,
    CONSENSUS_CHECK_BAD,
    CONSENSUS_CHECK_FUTURE, /* its time has not come: the machine asks again after wait_ms */
};

/* Everything in an event is the caller's and borrowed for the call; the machine copies, or takes references. */
struct consensus_event {
    enum consensus_event_kind kind;
    uint64_t now_ms; /* wall clock, milliseconds since 1970; it may jump */
    union {
        /* The chain's head moved, or this is the start. All of it describes the block that is to be agreed on:
         * validators and parameters of number + 1. A HEAD that does not go forward is ignored. */
        struct {
            uint64_t number; /* of the head */
            struct hash256 hash;
            uint64_t time;           /* of the head, seconds */
            struct address proposer; /* the head's author; zero for genesis */
            const struct istanbul_set *validators;
            const struct istanbul_params *params;
            bool pending; /* transactions wait for the block */
        } head;
        /* An own block for the height, complete but for committed seals (IBFT: with the proposer's seal). It replaces
         * one given before, as long as nothing was proposed. The driver gives one when BUILD asks for it, and may
         * give others at any time. For another height or parent it is ignored. */
        struct {
            struct consensus_block *block;
        } candidate;
        /* PENDING: transactions wait now, and did not at HEAD. No content. */

        /* From the validator (by its node key) that sent or forwarded it. A payload over CONSENSUS_PAYLOAD_MAX or
         * that means nothing is ignored. */
        struct {
            struct address from;
            unsigned code;
            struct bytes payload; /* as on the wire, in both directions */
        } message;
        /* The timer that was started last in its slot has run out. */
        struct {
            uint64_t token;
        } timeout;
        /* The answer to CHECK. */
        struct {
            struct hash256 hash;
            enum consensus_verdict verdict;
            uint64_t wait_ms; /* with FUTURE */
        } checked;
        /* The block of COMMIT could not be put into the chain. */
        struct {
            struct hash256 hash;
        } commit_failed;
        /* PEER: a connection to a validator is ready for messages (after Status); PEER_LOST: the last one is gone.
         * Both are told for every member of the set, PEER also for those connected before the first HEAD. */
        struct {
            struct address address;
        } peer;
    };
};

/* ---- effects ---- */

enum consensus_effect_kind {
    CONSENSUS_BROADCAST,
    CONSENSUS_SEND,
    CONSENSUS_TIMER,
    CONSENSUS_STOP,
    CONSENSUS_BUILD,
    CONSENSUS_CHECK,
    CONSENSUS_COMMIT,
    CONSENSUS_RECORD,
    CONSENSUS_ALARM,
};

enum {
    /* The low bits of a timer's token are its slot; one timer runs in each. */
    CONSENSUS_TIMER_SLOTS = 8,
};

struct consensus_seal {
    uint8_t b[CONSENSUS_SEAL_SIZE]; /* r, s, recovery id 0 or 1 */
};

/* Spans and arrays live until consensus_effects_clear; a block is referenced until then: who needs it longer takes a
 * reference of its own. */
struct consensus_effect {
    enum consensus_effect_kind kind;
    union {
        /* To every connected validator of the height's set but this node and `except`, which is zero for an own message
         * and not for one that is passed on. Those who are known to have it may be left out. */
        struct {
            unsigned code;
            struct bytes payload;
            struct address except;
        } broadcast;
        /* To one validator, even if it is believed to have it (it may have lost it in a restart); dropped when it is
         * not connected. */
        struct {
            struct address to;
            unsigned code;
            struct bytes payload;
        } send;
        /* TIMER: deliver TIMEOUT with this token after so many milliseconds by a clock that does not jump. It replaces
         * what runs in the same slot, token % CONSENSUS_TIMER_SLOTS. STOP: nothing comes any more in that slot. */
        struct {
            uint64_t token;
            uint64_t after_ms;
        } timer;
        /* Wanted: a CANDIDATE for `number`. Asked again when it is needed sooner, or with another time. */
        struct {
            uint64_t number;
            uint64_t time; /* least timestamp of the header, seconds: its time is max(time, now) */
            uint64_t due_ms; /* wall clock: when the machine will propose it; past: at once */
        } build;
        /* Wanted: CHECKED for this block: rules of header and body, and its execution. */
        struct {
            struct consensus_block *block;
        } check;
        /* Agreed: put `round` and the seals into the header (istanbul_extra_put_commits) and the block into the chain.
         * The seals are verified and of distinct validators, a quorum of them. */
        struct {
            struct consensus_block *block;
            uint64_t round;
            const struct consensus_seal *seals;
            size_t seal_count;
        } commit;
        /* Must be durable before any later effect is carried out. Replaces the record before; the newest is given to
         * consensus_machine_new after a restart, so that nothing is signed that contradicts what was sent. */
        struct {
            struct bytes bytes;
        } record;
        /* For the log: something that an operator should know. One line. */
        struct {
            const char *text;
        } alarm;
    };
};

/* Zeroed (`= {0}`) it is empty. */
struct consensus_effects {
    struct consensus_effect *items;
    size_t count;
    size_t capacity;
    struct arena arena; /* of the spans and arrays */
};

/* Drops the blocks' references and keeps the memory for the next step. */
void consensus_effects_clear(struct consensus_effects *effects);
void consensus_effects_release(struct consensus_effects *effects);

/* ---- machines ---- */

struct consensus_options {
    struct address self;
    /* Signs with the node key: r, s, recovery id 0 or 1. Not 0 when it cannot; the machine then stays silent and says so. */
    int (*sign)(void *context, const struct hash256 *digest,
                uint8_t ret_signature[CONSENSUS_SEAL_SIZE]);
    void *sign_context;
    struct bytes record; /* the last RECORD's bytes; none on the first start */
};

/* What a machine is at, for logs and RPC. */
struct consensus_status {
    uint64_t number; /* the height that is worked on; 0 before the first HEAD */
    uint64_t round;
    const char *state;       /* a word, static */
    struct address proposer; /* of the round; zero when this node is no validator */
    bool validator;          /* whether this node is one at this height */
};

struct consensus_machine {
    const struct consensus_machine_ops *ops;
};

struct consensus_machine_ops {
    const char *name; /* "qbft", "ibft" */
    /* ERR_NOMEM, ERR_CORRUPT: the record cannot be read (the remedy is the operator's: see the message). */
    int (*make)(struct consensus_machine **ret_machine, const struct consensus_options *options,
                struct err_detail *detail);
    void (*free)(struct consensus_machine *machine);
    int (*step)(struct consensus_machine *machine, const struct consensus_event *event,
                struct consensus_effects *ret_effects);
    void (*status)(const struct consensus_machine *machine, struct consensus_status *ret_status);
};

extern const struct consensus_machine_ops qbft_machine;
extern const struct consensus_machine_ops ibft_machine;

/* One of the kind `ops`; failures as its `make`. */
int consensus_machine_new(struct consensus_machine **ret_machine,
                          const struct consensus_machine_ops *ops,
                          const struct consensus_options *options,
                          struct err_detail *detail) BASE_NODISCARD;
/* NULL is nothing. */
void consensus_machine_free(struct consensus_machine *machine);

/* Takes one event; appends to `ret_effects`. 0 or ERR_NOMEM, after which the machine must be freed (a new one goes on
 * from the last record, as after a crash); effects before it are valid. Whatever comes from outside is never an error. */
int consensus_machine_step(struct consensus_machine *machine, const struct consensus_event *event,
                           struct consensus_effects *ret_effects) BASE_NODISCARD;

void consensus_machine_status(const struct consensus_machine *machine,
                              struct consensus_status *ret_status);

/*
 * For machines: each appends one effect. Bytes and text are copied into the effects' arena, blocks referenced. False
 * when out of memory, and then nothing was appended.
 */
bool consensus_emit_broadcast(struct consensus_effects *effects, unsigned code,
                              struct bytes payload, const struct address *except) BASE_NODISCARD;
bool consensus_emit_send(struct consensus_effects *effects, const struct address *to, unsigned code,
                         struct bytes payload) BASE_NODISCARD;
bool consensus_emit_timer(struct consensus_effects *effects, uint64_t token,
                          uint64_t after_ms) BASE_NODISCARD;
bool consensus_emit_stop(struct consensus_effects *effects, uint64_t token) BASE_NODISCARD;
bool consensus_emit_build(struct consensus_effects *effects, uint64_t number, uint64_t time,
                          uint64_t due_ms) BASE_NODISCARD;
bool consensus_emit_check(struct consensus_effects *effects,
                          struct consensus_block *block) BASE_NODISCARD;
bool consensus_emit_commit(struct consensus_effects *effects, struct consensus_block *block,
                           uint64_t round, const struct consensus_seal *seals,
                           size_t seal_count) BASE_NODISCARD;
bool consensus_emit_record(struct consensus_effects *effects, struct bytes bytes) BASE_NODISCARD;
bool consensus_emit_alarm(struct consensus_effects *effects, const char *format, ...)
    BASE_PRINTF(2, 3);

#endif
