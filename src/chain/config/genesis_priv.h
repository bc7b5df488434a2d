/* Inside of chain: block 0 in pieces, and the header fields that later forks add. */
#ifndef CHAIN_CONFIG_GENESIS_PRIV_H
#define CHAIN_CONFIG_GENESIS_PRIV_H

#include "chain/config/genesis.h"
#include "state/view.h"

/* Puts the accounts into a view without any. ERR_NOMEM and what the view's reader gives. */
int chain_genesis_apply(const struct chain_genesis *genesis,
                        struct state_view *view) BASE_NODISCARD;

/* Block 0 with that state. ERR_NOMEM. */
int chain_genesis_block_with(const struct chain_genesis *genesis, const struct hash256 *state_root,
                             struct chain_block **ret_block) BASE_NODISCARD;

/* Sets the fields that the forks of London to Osaka put behind a header, by its number and time
 * (docs/forks.md). `parent` NULL: it is block 0. */
void chain_header_tail(struct eth_header *header, const struct chain_config *config,
                       const struct eth_header *parent);

/* Whether a header has those fields, and the values that follow from its parent. False: `why` says
 * what differs. */
bool chain_header_tail_check(const struct eth_header *header, const struct chain_config *config,
                             const struct eth_header *parent, struct err_detail *why);

#endif
