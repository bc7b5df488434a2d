#include "p2p/eth/known.h"

#include "base/mem.h"

enum { SLOTS_FIRST = 64 };

static uint64_t key_of(const struct hash256 *hash)
{
    uint64_t key;
    memcpy(&key, hash->b, sizeof(key));
    return key ? key : 1;
}

static size_t find(const struct p2p_known_half *half, uint64_t key)
{
    size_t at = (size_t)(key & half->mask);
    while (half->slots[at] && half->slots[at] != key)
        at = (at + 1) & half->mask;
    return at;
}

static bool has(const struct p2p_known_half *half, uint64_t key)
{
    return half->slots && half->slots[find(half, key)] == key;
}

static void release(struct p2p_known_half *half)
{
    mem_free(half->slots);
    *half = (struct p2p_known_half){NULL, 0, 0};
}

/* Room for one more, half of the slots free. */
static bool grow(struct p2p_known_half *half)
{
    size_t slots = half->slots ? half->mask + 1 : 0;
    if (2 * (half->count + 1) <= slots)
        return true;
    struct p2p_known_half larger = {NULL, (slots ? 2 * slots : SLOTS_FIRST) - 1, half->count};
    larger.slots = mem_alloc_zeroed(larger.mask + 1, sizeof(*larger.slots));
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < slots; i++)
        if (half->slots[i])
            larger.slots[find(&larger, half->slots[i])] = half->slots[i];
    mem_free(half->slots);
    *half = larger;
    return true;
}

/* Takes a key out and moves back those behind it that were pushed on by it. */
static void take_out(struct p2p_known_half *half, uint64_t key)
{
    if (!has(half, key))
        return;
    size_t hole = find(half, key);
    half->count--;
    for (size_t at = (hole + 1) & half->mask; half->slots[at]; at = (at + 1) & half->mask) {
        size_t home = (size_t)(half->slots[at] & half->mask);
        if (((at - home) & half->mask) >= ((at - hole) & half->mask)) {
            half->slots[hole] = half->slots[at];
            hole = at;
        }
    }
    half->slots[hole] = 0;
}

void p2p_known_init(struct p2p_known *known, size_t limit)
{
    *known = (struct p2p_known){.limit = limit};
}

void p2p_known_release(struct p2p_known *known)
{
    release(&known->now);
    release(&known->before);
}

bool p2p_known_has(const struct p2p_known *known, const struct hash256 *hash)
{
    uint64_t key = key_of(hash);
    return has(&known->now, key) || has(&known->before, key);
}

void p2p_known_add(struct p2p_known *known, const struct hash256 *hash)
{
    uint64_t key = key_of(hash);
    if (has(&known->now, key))
        return;
    if (known->now.count >= known->limit / 2) {
        release(&known->before);
        known->before = known->now;
        known->now = (struct p2p_known_half){NULL, 0, 0};
    }
    if (!grow(&known->now))
        return;
    known->now.slots[find(&known->now, key)] = key;
    known->now.count++;
}

void p2p_known_remove(struct p2p_known *known, const struct hash256 *hash)
{
    take_out(&known->now, key_of(hash));
    take_out(&known->before, key_of(hash));
}
