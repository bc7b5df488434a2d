/* What the files about transactions share; not for others. */
#ifndef ETH_TRANSACTION_RULES_H
#define ETH_TRANSACTION_RULES_H

#include "eth/transaction.h"

/* How v is to be read. */
struct eth_signature {
    enum eth_signing how;
    unsigned recovery_id;
};

bool eth_transaction_supports_type(enum eth_transaction_type type, enum fork fork);

/* Everything about a signature except the recovery: WRONG_CHAIN_ID, INVALID_V, INVALID_R,
 * INVALID_S, HIGH_S. */
enum eth_tx_status eth_transaction_read_signature(const struct eth_transaction *tx,
                                                  const struct eth_rules *rules,
                                                  struct eth_signature *ret_signature);

#endif
