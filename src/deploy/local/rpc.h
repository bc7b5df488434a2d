/* JSON-RPC to a node of this machine. */
#ifndef DEPLOY_LOCAL_RPC_H
#define DEPLOY_LOCAL_RPC_H

#include "io/http_client.h"

#include <jansson.h>

/* Asks 127.0.0.1:`port`; `params` (an array) is taken, NULL for none. *ret_result is freed by json_decref. ERR_NOTFOUND
 * when nobody answers, ERR_INPUT for an answer that is none or an error of the node (its text in `detail`), ERR_NOMEM. */
int deploy_rpc(json_t **ret_result, struct io_http_caller *caller, uint16_t port,
               const char *method, json_t *params, struct err_detail *detail) BASE_NODISCARD;

/* The same of any node: `url` is "http://HOST:PORT/". */
int deploy_rpc_at(json_t **ret_result, struct io_http_caller *caller, const char *url,
                  const char *method, json_t *params, struct err_detail *detail) BASE_NODISCARD;

/* The same for methods that answer a quantity ("0x…"). */
int deploy_rpc_number(uint64_t *ret_number, struct io_http_caller *caller, uint16_t port,
                      const char *method, struct err_detail *detail) BASE_NODISCARD;

#endif
