/*
 * The table of known nodes (discv4.md, "Kademlia Table"; geth's p2p/discover/table.go): buckets by the distance of ids, each
 * with the nodes that were seen last in front. Pure.
 */
#ifndef P2P_DISCV4_TABLE_H
#define P2P_DISCV4_TABLE_H

#include "p2p/enode.h"

enum {
    P2P_BUCKETS = 17, /* nearer ones than the 17th are in the last: there are hardly any */
    P2P_BUCKET_SIZE = 16,
    /* Nodes of one /24 network (IPv6: /64) that are not of the LAN, so that one operator cannot fill the table. */
    P2P_BUCKET_NET_MAX = 2,
    P2P_TABLE_NET_MAX = 10,
};

struct p2p_table_entry {
    struct p2p_enode node; /* with IP, UDP and TCP port; no host */
    unsigned failures;     /* findnode queries in a row that were not answered */
};

struct p2p_table {
    struct hash256 self;
    struct {
        struct p2p_table_entry entries[P2P_BUCKET_SIZE];
        size_t count;
    } buckets[P2P_BUCKETS];
};

void p2p_table_init(struct p2p_table *table, const struct hash256 *self);
size_t p2p_table_count(const struct p2p_table *table);

/* Adds a node that has proved its endpoint, or moves it to the front. False when it was not taken: it is this node itself,
 * its bucket is full, or there are too many of its network. */
bool p2p_table_add(struct p2p_table *table, const struct p2p_enode *node);
/* NULL when it is not there. Valid until the table changes. */
struct p2p_table_entry *p2p_table_find(struct p2p_table *table, const struct hash256 *id);
void p2p_table_remove(struct p2p_table *table, const struct hash256 *id);

/* The nodes nearest to `target`, nearest first, at most `max` (up to P2P_BUCKET_SIZE); returns how many. Pointers as
 * above. */
size_t p2p_table_closest(const struct p2p_table *table, const struct hash256 *target,
                         const struct p2p_enode **ret_nodes, size_t max);
/* The last node of a bucket chosen by `random`, which was not heard of for longest; NULL when the table is empty. */
const struct p2p_enode *p2p_table_oldest(const struct p2p_table *table, uint64_t random);

/* <0, 0, >0: which of a and b is nearer to the target. */
int p2p_distance_compare(const struct hash256 *target, const struct hash256 *a,
                         const struct hash256 *b);

#endif
