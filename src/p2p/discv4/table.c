#include "p2p/discv4/table.h"

void p2p_table_init(struct p2p_table *table, const struct hash256 *self)
{
    memset(table, 0, sizeof(*table));
    table->self = *self;
}

size_t p2p_table_count(const struct p2p_table *table)
{
    size_t count = 0;
    for (size_t i = 0; i < P2P_BUCKETS; i++)
        count += table->buckets[i].count;
    return count;
}

int p2p_distance_compare(const struct hash256 *target, const struct hash256 *a,
                         const struct hash256 *b)
{
    for (size_t i = 0; i < sizeof(target->b); i++) {
        uint8_t da = target->b[i] ^ a->b[i], db = target->b[i] ^ b->b[i];
        if (da != db)
            return da < db ? -1 : 1;
    }
    return 0;
}

/* Leading bits that two ids have in common give the bucket: none is the farthest, bucket 16. */
static size_t bucket_of(const struct p2p_table *table, const struct hash256 *id)
{
    size_t common = 0;
    for (size_t i = 0; i < sizeof(id->b); i++) {
        unsigned difference = id->b[i] ^ table->self.b[i];
        if (difference) {
            common += (size_t)__builtin_clz(difference) - 24;
            break;
        }
        common += 8;
    }
    return common < P2P_BUCKETS ? P2P_BUCKETS - 1 - common : 0;
}

static bool same_network(const struct io_address *a, const struct io_address *b)
{
    return a->ip_len == b->ip_len && memcmp(a->ip, b->ip, a->ip_len == 4 ? 3 : 8) == 0;
}

static size_t count_network(const struct p2p_table *table, size_t bucket,
                            const struct io_address *ip)
{
    size_t count = 0;
    for (size_t i = 0; i < table->buckets[bucket].count; i++)
        count += same_network(&table->buckets[bucket].entries[i].node.ip, ip);
    return count;
}

static bool network_full(const struct p2p_table *table, size_t bucket, const struct io_address *ip)
{
    size_t all = 0;
    if (io_address_is_lan(ip))
        return false;
    for (size_t i = 0; i < P2P_BUCKETS; i++)
        all += count_network(table, i, ip);
    return all >= P2P_TABLE_NET_MAX || count_network(table, bucket, ip) >= P2P_BUCKET_NET_MAX;
}

struct p2p_table_entry *p2p_table_find(struct p2p_table *table, const struct hash256 *id)
{
    size_t bucket = bucket_of(table, id);
    for (size_t i = 0; i < table->buckets[bucket].count; i++) {
        struct p2p_table_entry *entry = &table->buckets[bucket].entries[i];
        if (hash256_equal(&entry->node.id, id))
            return entry;
    }
    return NULL;
}

void p2p_table_remove(struct p2p_table *table, const struct hash256 *id)
{
    struct p2p_table_entry *entry = p2p_table_find(table, id);
    if (!entry)
        return;
    size_t bucket = bucket_of(table, id);
    struct p2p_table_entry *end = &table->buckets[bucket].entries[--table->buckets[bucket].count];
    memmove(entry, entry + 1, (size_t)(end - entry) * sizeof(*entry));
}

bool p2p_table_add(struct p2p_table *table, const struct p2p_enode *node)
{
    if (hash256_equal(&node->id, &table->self) || node->ip.ip_len == 0 || node->udp == 0)
        return false;
    size_t bucket = bucket_of(table, &node->id);
    struct p2p_table_entry *known = p2p_table_find(table, &node->id);
    if (known && !io_address_same_ip(&known->node.ip, &node->ip) &&
        network_full(table, bucket, &node->ip))
        return false;
    if (known)
        p2p_table_remove(table, &node->id);
    else if (table->buckets[bucket].count == P2P_BUCKET_SIZE ||
             network_full(table, bucket, &node->ip))
        return false;
    struct p2p_table_entry *entries = table->buckets[bucket].entries;
    memmove(entries + 1, entries, table->buckets[bucket].count++ * sizeof(*entries));
    entries[0] = (struct p2p_table_entry){.node = *node};
    return true;
}

size_t p2p_table_closest(const struct p2p_table *table, const struct hash256 *target,
                         const struct p2p_enode **ret_nodes, size_t max)
{
    size_t count = 0;
    for (size_t b = 0; b < P2P_BUCKETS; b++) {
        for (size_t i = 0; i < table->buckets[b].count; i++) {
            const struct p2p_enode *node = &table->buckets[b].entries[i].node;
            size_t at = count;
            while (at > 0 && p2p_distance_compare(target, &node->id, &ret_nodes[at - 1]->id) < 0)
                at--;
            if (at == max)
                continue;
            count += count < max;
            for (size_t j = count - 1; j > at; j--)
                ret_nodes[j] = ret_nodes[j - 1];
            ret_nodes[at] = node;
        }
    }
    return count;
}

const struct p2p_enode *p2p_table_oldest(const struct p2p_table *table, uint64_t random)
{
    for (size_t i = 0; i < P2P_BUCKETS; i++) {
        size_t bucket = (random + i) % P2P_BUCKETS, count = table->buckets[bucket].count;
        if (count)
            return &table->buckets[bucket].entries[count - 1].node;
    }
    return NULL;
}
