/*
 * What the fast interpreter knows about a code: its valid jump destinations, and for each the
 * translation, once the destination was reached. Analyses are kept between frames and executions in
 * a cache of bounded size.
 *
 * Read after fast.h.
 */
#ifndef EVM_ANALYSIS_H
#define EVM_ANALYSIS_H

#include "evm/fast/fast.h"

/* Sixty-four bytes of code: which of them are valid destinations, and how many come before. */
struct evm_destinations {
    uint64_t bits;
    uint64_t before;
};

/* Translated blocks that were made in one go and follow each other. */
struct evm_run {
    struct evm_run *next;
    struct evm_target rest; /* where the run was cut off: the code behind it */
    union evm_word words[];
};

struct evm_analysis {
    /* The key: the fork's rules and the code, found by its hash (or by a sample of it). */
    const struct evm_rules *rules;
    const uint8_t *code; /* own copy, with EVM_CODE_PADDING zero bytes behind it */
    size_t code_size;
    bool has_hash;
    struct hash256 hash;
    uint64_t key;

    struct evm_target entry;        /* the code's beginning */
    struct evm_target *targets;     /* the valid destinations, ascending */
    struct evm_destinations *index; /* code_size / 64 + 1 of them */
    struct evm_run *runs;

    /* The cache's. */
    size_t bytes; /* of everything here */
    bool in_use;  /* while it looks for room: a frame runs it */
    struct evm_analysis *next_in_bucket;
    struct evm_analysis *newer, *older;
};

enum {
    EVM_CODE_PADDING = 33, /* the longest push cut off by the end, and a STOP */
};

/* NULL when `pc` is not a valid jump destination (Yellow Paper 9.4.3). */
BASE_ALWAYS_INLINE struct evm_target *evm_analysis_target(const struct evm_analysis *a, uint64_t pc)
{
    if (BASE_UNLIKELY(pc >= a->code_size))
        return NULL;
    const struct evm_destinations *d = &a->index[pc / 64];
    uint64_t bit = 1ull << pc % 64;
    if (BASE_UNLIKELY(!(d->bits & bit)))
        return NULL;
    return &a->targets[d->before + (uint64_t)__builtin_popcountll(d->bits & (bit - 1))];
}

/*
 * The cache.
 *
 * Room: an analysis takes at first at most EVM_ANALYSIS_MULTIPLE bytes for each byte of code
 * (copy, index, and a target for each destination; code of nothing but JUMPDEST is the worst) and
 * its translation at most EVM_TRANSLATION_MULTIPLE more (code of nothing but GAS, each a block of
 * its own, needs 56); ordinary contracts need a tenth. The cache drops what was not used for longest when it exceeds EVM_ANALYSES_BYTES_MAX,
 * but never what a frame runs: 1,024 frames of 24,576 bytes each (EIP-170) are its worst case.
 */
enum {
    EVM_ANALYSIS_MULTIPLE = 18,
    EVM_TRANSLATION_MULTIPLE = 64,
    EVM_ANALYSES_BYTES_MAX = 32 << 20,
    EVM_ANALYSES_BUCKETS = 1024,
};

struct evm_translator;

struct evm_fast {
    struct evm_analysis *buckets[EVM_ANALYSES_BUCKETS];
    struct evm_analysis *newest, *oldest; /* by latest use */
    size_t bytes;                         /* of all analyses */
    struct evm_translator *translator;
    /* MULMOD: prepared when it comes a second time. */
    struct u256_modulus modulus;
    struct u256 modulus_seen;
};

/* Finds or makes the analysis for a frame that starts, and puts it into frame->analysis. It stays
 * while the frame is on the machine's stack. ERR_NOMEM. */
int evm_analysis_attach(struct evm_frame *frame) BASE_NODISCARD;

#endif
