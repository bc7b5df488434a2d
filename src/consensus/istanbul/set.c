#include "consensus/istanbul/set.h"

#include "base/mem.h"
#include "crypto/address.h"

#include <stdlib.h>

void istanbul_set_init(struct istanbul_set *set)
{
    *set = (struct istanbul_set)ISTANBUL_SET_INIT;
}

void istanbul_set_release(struct istanbul_set *set)
{
    mem_free(set->members);
    mem_free(set->by_text);
    istanbul_set_init(set);
}

static int compare_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct address));
}

struct text_key {
    char text[CRYPTO_ADDRESS_TEXT];
    uint16_t index;
};

static int compare_text(const void *a, const void *b)
{
    return strcmp(((const struct text_key *)a)->text, ((const struct text_key *)b)->text);
}

/* Both orders, for members that stand in any order. */
static int sort(struct istanbul_set *set)
{
    struct text_key *keys = mem_alloc(set->count * sizeof(*keys));
    if (!keys)
        return ERR_NOMEM;
    if (set->count)
        qsort(set->members, set->count, sizeof(*set->members), compare_bytes);
    for (size_t i = 0; i < set->count; i++) {
        crypto_address_checksum(keys[i].text, &set->members[i]);
        keys[i].index = (uint16_t)i;
    }
    if (set->count)
        qsort(keys, set->count, sizeof(*keys), compare_text);
    for (size_t i = 0; i < set->count; i++)
        set->by_text[i] = keys[i].index;
    mem_free(keys);
    return ERR_OK;
}

/* An empty set with room for `count`. */
static int make(struct istanbul_set *ret_set, size_t count)
{
    istanbul_set_init(ret_set);
    if (count > ISTANBUL_SET_MAX)
        return ERR_LIMIT;
    ret_set->members = mem_alloc(count * sizeof(*ret_set->members));
    ret_set->by_text = mem_alloc(count * sizeof(*ret_set->by_text));
    ret_set->capacity = count;
    if (ret_set->members && ret_set->by_text)
        return ERR_OK;
    istanbul_set_release(ret_set);
    return ERR_NOMEM;
}

/* Puts `next` in order, and in the place of `set`; a failure releases it and leaves the set as it was. */
static int become(struct istanbul_set *set, struct istanbul_set *next)
{
    int status = sort(next);
    if (status != ERR_OK) {
        istanbul_set_release(next);
        return status;
    }
    istanbul_set_release(set);
    *set = *next;
    return ERR_OK;
}

int istanbul_set_assign(struct istanbul_set *set, const struct address *members, size_t count)
{
    struct istanbul_set next;
    int status = make(&next, count);
    if (status != ERR_OK)
        return status;
    if (count)
        memcpy(next.members, members, count * sizeof(*members));
    next.count = count;
    return become(set, &next);
}

int istanbul_set_copy(struct istanbul_set *set, const struct istanbul_set *from)
{
    if (set == from)
        return ERR_OK;
    if (set->capacity < from->count || !set->members) {
        struct istanbul_set next;
        int status = make(&next, from->count);
        if (status != ERR_OK)
            return status;
        istanbul_set_release(set);
        *set = next;
    }
    if (from->count) {
        memcpy(set->members, from->members, from->count * sizeof(*from->members));
        memcpy(set->by_text, from->by_text, from->count * sizeof(*from->by_text));
    }
    set->count = from->count;
    return ERR_OK;
}

int istanbul_set_add(struct istanbul_set *set, const struct address *member)
{
    if (istanbul_set_has(set, member))
        return ERR_OK;
    struct istanbul_set next;
    int status = make(&next, set->count + 1);
    if (status != ERR_OK)
        return status;
    if (set->count)
        memcpy(next.members, set->members, set->count * sizeof(*set->members));
    next.members[set->count] = *member;
    next.count = set->count + 1;
    return become(set, &next);
}

bool istanbul_set_remove(struct istanbul_set *set, const struct address *member)
{
    int found = istanbul_set_index(set, member);
    if (found < 0)
        return false;
    size_t at = (size_t)found, kept = 0;
    memmove(set->members + at, set->members + at + 1,
            (set->count - at - 1) * sizeof(*set->members));
    for (size_t i = 0; i < set->count; i++) {
        uint16_t index = set->by_text[i];
        if (index != at)
            set->by_text[kept++] = (uint16_t)(index > at ? index - 1 : index);
    }
    set->count--;
    return true;
}

int istanbul_set_index(const struct istanbul_set *set, const struct address *address)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_bytes(&set->members[middle], address) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < set->count && address_equal(&set->members[low], address);
    return found ? (int)low : -1;
}

bool istanbul_set_equal(const struct istanbul_set *a, const struct istanbul_set *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->members, b->members, a->count * sizeof(*a->members)) == 0);
}

const struct address *istanbul_set_at(const struct istanbul_set *set, enum istanbul_order order,
                                      size_t i)
{
    assert(i < set->count);
    return &set->members[order == ISTANBUL_BY_TEXT ? set->by_text[i] : i];
}

/* Where `address` stands in an order; 0 when it is no member, as the reference counts. */
static size_t position(const struct istanbul_set *set, enum istanbul_order order,
                       const struct address *address)
{
    for (size_t i = 0; i < set->count; i++)
        if (address_equal(istanbul_set_at(set, order, i), address))
            return i;
    return 0;
}

const struct address *istanbul_set_proposer(const struct istanbul_set *set,
                                            enum istanbul_order order, enum istanbul_policy policy,
                                            const struct address *last, uint64_t round)
{
    if (set->count == 0)
        return NULL;
    size_t place = (size_t)(round % set->count);
    if (!address_is_zero(last))
        place += position(set, order, last) + (policy == ISTANBUL_ROUND_ROBIN);
    return istanbul_set_at(set, order, place % set->count);
}

size_t istanbul_set_faults(const struct istanbul_set *set)
{
    return set->count ? (set->count + 2) / 3 - 1 : 0;
}

size_t istanbul_set_quorum(const struct istanbul_set *set, bool two_f_plus_one)
{
    return two_f_plus_one ? 2 * istanbul_set_faults(set) + 1 : (2 * set->count + 2) / 3;
}
