/* JSON-RPC to a node by its socket, where every method is allowed (personal_* too). */
#ifndef DEPLOY_LOCAL_IPC_H
#define DEPLOY_LOCAL_IPC_H

#include "deploy/local/site.h"

/* Asks the node of a peer. `params` (an array) is taken, NULL for none, and its texts are overwritten: passphrases may
 * be among them. *ret_result is freed by json_decref. ERR_NOTFOUND when the node does not run, ERR_INPUT for an answer
 * that is none or an error of the node (its text in `detail`), ERR_IO, ERR_NOMEM. */
int deploy_ipc(json_t **ret_result, const struct deploy_site_peer *peer, const char *method,
               json_t *params, struct err_detail *detail) BASE_NODISCARD;

#endif
