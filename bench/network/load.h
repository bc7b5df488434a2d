/* What the parts of the load share. */
#ifndef BENCH_NETWORK_LOAD_H
#define BENCH_NETWORK_LOAD_H

#include "base/map.h"
#include "client.h"
#include "nodebench.h"

#include <stdatomic.h>

struct planned {
    struct hash256 hash;
    uint8_t *raw; /* encoded */
    uint32_t size;
    double due;  /* when it should be sent, seconds since the start */
    double seen; /* when it was seen in a block; 0 = not yet */
};

struct load {
    struct load_options options;
    char **urls;
    size_t url_count;
    int *pids;
    size_t pid_count;

    struct planned *txs; /* in the order in which they are due */
    size_t count;
    struct map by_hash; /* to the index */
    double start;       /* on the monotonic clock */

    atomic_size_t accepted, refused, seen;
    atomic_bool stop;
    char first_refusal[256]; /* what the first refused transaction was told */
    atomic_flag has_refusal;
    uint64_t blocks;
    size_t largest_block;
    uint64_t memory_max; /* kB, of the node that takes most */
};

/* load_plan.c: signs all of them, on all processors. */
int plan_load(struct load *load) BASE_NODISCARD;
/* load_watch.c: thread functions. */
void *watch_blocks(void *load);
void *watch_memory(void *load);
/* CPU seconds of all nodes so far. */
double cpu_seconds(const struct load *load);

#endif
