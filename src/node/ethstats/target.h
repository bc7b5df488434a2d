/* What --ethstats says: "name:secret@host:port". */
#ifndef NODE_ETHSTATS_TARGET_H
#define NODE_ETHSTATS_TARGET_H

#include "base/bytes.h"
#include "base/error.h"

/* Parts of the flag's value, which they borrow. */
struct node_ethstats_target {
    struct bytes name;   /* by which the service shows the node; may be empty */
    struct bytes secret; /* may be empty */
    const char *host;    /* "host", "host:port", "ws://host:port", …; what a URL begins with */
};

/* ERR_USAGE with GoQuorum's words (ethstats.New), but for the secret, which they show. */
int node_ethstats_target_read(struct node_ethstats_target *ret_target, const char *value,
                              struct err_detail *detail) BASE_NODISCARD;

#endif
