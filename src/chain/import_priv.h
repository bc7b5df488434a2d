/* Inside of chain: where imported blocks come from. */
#ifndef CHAIN_IMPORT_PRIV_H
#define CHAIN_IMPORT_PRIV_H

#include "chain/chain.h"

struct chain_source {
    /* The next block (its reference passes over), or none: the end. Called on another thread than
     * the importing one, by one at a time. */
    int (*next)(void *context, struct chain_block **ret_block, struct err_detail *detail);
    /* After each block, on the importing thread; false ends the import. May be NULL. */
    bool (*progress)(void *context, const struct chain_progress *progress);
    void *context;
};

/* Commits what the source gives until its end, the first invalid block, or a failure. */
int chain_import_source(struct chain *chain, enum chain_verdict *ret_verdict,
                        struct chain_progress *progress, struct err_detail *why,
                        const struct chain_source *source) BASE_NODISCARD;

#endif
