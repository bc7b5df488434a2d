/* Answers what other parties' nodes ask in an audit (note.h), on a thread of its own that looks for notes at the manager. */
#ifndef NODE_AUDIT_ANSWER_H
#define NODE_AUDIT_ANSWER_H

#include "chain/chain.h"
#include "privacy/privacy.h"

struct node_audit_answerer;

/* *ret_answerer NULL: `tm` is, or it is no manager that takes notes; that is found out later. `psis` may be NULL. All outlive it.
 * ERR_NOMEM, ERR_BUSY (no thread). */
int node_audit_answerer_start(struct node_audit_answerer **ret_answerer, struct privacy_tm *tm,
                              struct chain *chain, const struct chain_psis *psis) BASE_NODISCARD;
/* After privacy_stop: waits for its end. NULL is fine. */
void node_audit_answerer_end(struct node_audit_answerer *answerer);

#endif
