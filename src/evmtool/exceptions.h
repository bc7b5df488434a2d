/* How the published tests name the reasons for which a transaction must be refused, and which of ours each
 * name stands for. */
#ifndef EVMTOOL_EXCEPTIONS_H
#define EVMTOOL_EXCEPTIONS_H

#include "eth/transaction.h"
#include "exec/exec.h"

/* Why a transaction was refused: at decoding, on its own, or against the state. */
struct evmtool_refusal {
    enum {
        EVMTOOL_ACCEPTED,
        EVMTOOL_MALFORMED, /* not the encoding of a transaction */
        EVMTOOL_BY_ETH,
        EVMTOOL_BY_EXEC,
    } by;
    enum eth_tx_status eth;
    enum exec_verdict exec;
};

/* Whether the refusal is one that `expected` names: one name, or several with "|" between. False for a name
 * that is not known. */
bool evmtool_refusal_matches(const struct evmtool_refusal *refusal, const char *expected);

/* A sentence, static. */
const char *evmtool_refusal_text(const struct evmtool_refusal *refusal);

#endif
