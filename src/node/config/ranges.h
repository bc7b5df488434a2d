/* Networks of --netrestrict: "10.0.0.0/8,fd00::/8". */
#ifndef NODE_CONFIG_RANGES_H
#define NODE_CONFIG_RANGES_H

#include "base/error.h"
#include "io/address.h"

struct node_ranges {
    struct node_range {
        struct io_address first;
        unsigned bits;
    } *list;
    size_t count; /* 0: all addresses */
};

/* ERR_USAGE: "invalid CIDR address: …", behind the words of who reads it; ERR_NOMEM. Release whatever came back. */
int node_ranges_parse(struct node_ranges *ranges, const char *list,
                      struct err_detail *detail) BASE_NODISCARD;
void node_ranges_release(struct node_ranges *ranges);

/* Whether an address is in one of them, or there are none. */
bool node_ranges_have(const struct node_ranges *ranges, const struct io_address *address);

#endif
