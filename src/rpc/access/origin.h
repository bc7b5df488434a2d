/* Comma lists of names, and where browsers come from. */
#ifndef RPC_ACCESS_ORIGIN_H
#define RPC_ACCESS_ORIGIN_H

#include "base/bytes.h"

#include <stdbool.h>

/* Without spaces around it. */
struct bytes rpc_trim(struct bytes text);
/* Whether an entry of the list is `name` in any case; an entry may have one '*' for any characters. */
bool rpc_list_has(const char *list, struct bytes name);
/* Whether "*" is an entry. */
bool rpc_list_has_all(const char *list);
/* Whether an entry allows an Origin: scheme, host and port are compared, as far as the entry has them (GoQuorum,
 * rpc/websocket.go, ruleAllowsOrigin). */
bool rpc_origin_may(const char *list, struct bytes origin);

#endif
