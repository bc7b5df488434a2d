/*
 * A whole validator set in one process: real step machines and signatures, but clock, network and disks are simulated from
 * one seed, so that any failure can be run again.
 *
 *     world.c      events in time, network, faults, what is checked
 *     validator.c  one node: drives its machine as quorate-node does
 *     blocks.c     blocks that carry nothing but what consensus looks at
 *     liar.c       what Byzantine validators send
 *     reference.c, reference_ibft.c   machines that agree as GoQuorum does, for networks of both
 *     main.c       the program
 *
 * Checked all the time: no two honest nodes have different blocks at a height; every committed block is valid and has a
 * quorum of seals; no honest node ever signs two proposals or votes of one kind for a round, restarts included. Checked at
 * the end, after the faults have stopped: blocks go on, the first one soon.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "base/buf.h"
#include "base/map.h"
#include "consensus/istanbul/set.h"
#include "consensus/machine.h"
#include "crypto/secp256k1.h"

enum {
    SIM_NODES_MAX = 16,
    SIM_HEIGHTS_MAX = 4096,
};

/* ---- chance ---- */

struct sim_chance {
    uint64_t state;
};

uint64_t sim_random(struct sim_chance *c);
/* 0 … below - 1. */
uint64_t sim_below(struct sim_chance *c, uint64_t below);
/* from … to. */
uint64_t sim_between(struct sim_chance *c, uint64_t from, uint64_t to);
bool sim_happens(struct sim_chance *c, unsigned percent);

/* ---- one run ---- */

struct sim_options {
    uint64_t seed;
    const struct consensus_machine_ops *protocol; /* NULL: IBFT, and QBFT from some block on */
    size_t nodes;                                 /* 0: by seed */
    bool verbose;                                 /* print what happens */
    bool no_liars;                                /* crashes and networks only */
    bool
        mixed; /* half of the validators are GoQuorum's: one at a time is restarted, one of them killed */
};

struct sim_result {
    char failure[512]; /* empty: none */
    uint64_t heights;  /* blocks agreed on */
    uint64_t first_ms; /* from the end of the faults to the first new block */
    uint64_t period_ms;
    uint64_t fault_count;
    bool liars;
};

/* GoQuorum's QBFT and IBFT. */
extern const struct consensus_machine_ops sim_reference, sim_reference_ibft;

void sim_run(const struct sim_options *options, struct sim_result *ret_result);

/* ---- inside ---- */

enum sim_event_kind {
    SIM_DELIVER,  /* a consensus message */
    SIM_ANNOUNCE, /* a block, or a request for it */
    SIM_TIMER,
    SIM_CANDIDATE,
    SIM_CHECKED,
    SIM_COMMITTED, /* a block is durable */
    SIM_RECORDED,  /* a record is durable */
    SIM_PENDING,
    SIM_LINK, /* a connection is made or noticed to be gone */
    SIM_FAULT,
    SIM_END,
};

/* Everything that will happen, by time. */
struct sim_event {
    uint64_t at, order;
    enum sim_event_kind kind;
    size_t node, from;
    uint64_t life;  /* of the node: what was meant for an earlier one is void */
    uint64_t value; /* token, height, code */
    struct buf data;
    struct consensus_block *block;
};

struct sim_validator {
    size_t index;
    struct crypto_private_key key;
    struct address address;
    bool liar;
    bool reference; /* agrees as GoQuorum does: reference.c */
    bool up;
    uint64_t life;
    int64_t skew_ms;
    uint64_t disk_ms;
    struct consensus_machine *machine;
    const struct consensus_machine_ops *ops; /* its kind */
    /* The disk. */
    struct buf record;
    const struct consensus_machine_ops
        *record_ops; /* whose it is: to another kind it says nothing */
    uint64_t height; /* of its chain: 0 … height are world->chain[] */
    /* Effects that wait for a record to become durable. */
    struct consensus_effects waiting;
    size_t waiting_from;
    bool writing;
    struct buf being_written;
    /* Work under way. */
    uint64_t timers[CONSENSUS_TIMER_SLOTS];
    uint64_t build_serial;
};

struct sim_link {
    bool connected; /* both ends believe so */
    bool cut;       /* nothing arrives in this direction */
};

struct sim_world {
    const struct sim_options *options;
    struct sim_result *result;
    struct sim_chance chance;
    uint64_t now; /* ms */
    uint64_t order;
    struct sim_event *events; /* a heap */
    size_t event_count, event_capacity;

    size_t count;
    struct sim_validator nodes[SIM_NODES_MAX];
    struct sim_link links[SIM_NODES_MAX][SIM_NODES_MAX]; /* [from][to] */
    struct istanbul_set set;
    struct istanbul_config config;
    size_t liars;

    /* What the network agreed on; 0 is genesis. Committed headers with their seals, as the first node had it. */
    struct consensus_block *chain[SIM_HEIGHTS_MAX];
    uint64_t height;
    uint64_t committed_at[SIM_HEIGHTS_MAX];
    struct map signed_digests; /* who, height, round, code to digest */

    uint64_t delay_least, delay_most;
    unsigned loss, duplication; /* percent */
    uint64_t end_of_faults;     /* 0: they go on */
    bool pending_blocks;        /* transactions come and go */
};

void sim_fail(struct sim_world *w, const char *format, ...) BASE_PRINTF(2, 3);
bool sim_failed(const struct sim_world *w);
void sim_say(struct sim_world *w, const char *format, ...) BASE_PRINTF(2, 3);
/* The caller fills in what belongs to the kind; valid until the next. */
struct sim_event *sim_schedule(struct sim_world *w, uint64_t after_ms, enum sim_event_kind kind,
                               size_t node);
/* Sends over the network; it may be lost, late or doubled. */
void sim_transmit(struct sim_world *w, size_t from, size_t to, enum sim_event_kind kind,
                  uint64_t value, struct bytes data, struct consensus_block *block);
/* A node has a new block on its disk. */
void sim_note_commit(struct sim_world *w, const struct sim_validator *v,
                     struct consensus_block *block);
/* An honest node lets a message out. */
void sim_note_message(struct sim_world *w, const struct sim_validator *v, unsigned code,
                      struct bytes payload);
uint64_t sim_wall_ms(const struct sim_world *w, const struct sim_validator *v);

/* validator.c */
void sim_start(struct sim_world *w, struct sim_validator *v);
void sim_crash(struct sim_world *w, struct sim_validator *v);
void sim_take(struct sim_world *w, struct sim_event *e);
void sim_connection(struct sim_world *w, struct sim_validator *v, size_t other, bool connected);

/* blocks.c */
struct consensus_block *sim_genesis(struct sim_world *w);
struct consensus_block *sim_make_block(struct sim_world *w, const struct sim_validator *v,
                                       const struct consensus_block *parent, uint64_t time,
                                       bool empty, bool bad);
/* The block with seals in its header. */
struct consensus_block *sim_seal_block(struct sim_world *w, const struct consensus_block *block,
                                       uint64_t round, const struct consensus_seal *seals,
                                       size_t count);
/* As a driver's CHECK: rules of the header, and the mark that makes a block bad. */
enum consensus_verdict sim_check_block(struct sim_world *w, const struct consensus_block *block,
                                       const struct consensus_block *parent, uint64_t now_ms,
                                       uint64_t *ret_wait_ms);
/* Empty, or why the committed block must not be there. */
const char *sim_check_committed(struct sim_world *w, const struct consensus_block *block,
                                const struct consensus_block *parent);
bool sim_block_is_bad(const struct consensus_block *block);

/* liar.c */
void sim_lie(struct sim_world *w, struct sim_validator *v, unsigned code, struct bytes payload);

#endif
