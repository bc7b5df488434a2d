/*
 * Changing many keys in one pass.
 *
 * A slot and the sorted items below it are worked on together: the items are divided among the
 * children of a branch, each part goes down one child, and on the way back the branch is brought
 * into its normal form once. A node that must give way (its path has another direction than some
 * item) first becomes the child of a new branch; if in the end nothing has changed, as when a key
 * is deleted that was not there, it is put back as it was. So a node is replaced in the store only
 * when its content differs.
 *
 * The functions return 1 when something changed, 0 when nothing did, or a failure.
 */
#include "trie/node.h"

enum { UNCHANGED = 0, CHANGED = 1 };

static int update_slot(struct trie *t, struct trie_slot *slot, size_t depth,
                       const struct trie_item *items, size_t count);

static int no_memory(struct trie *t)
{
    return trie_fail(t, ERR_NOMEM, "out of memory");
}

static size_t key_nibbles(const struct trie_item *item)
{
    return 2 * item->key.len;
}

/* How many half-bytes of the key, from `depth` on, agree with the path. */
static size_t agreement(const struct trie_item *item, size_t depth, const uint8_t *path,
                        size_t path_len)
{
    size_t n = 0, left = key_nibbles(item) - depth;
    while (n < path_len && n < left && trie_nibble(item->key.data, depth + n) == path[n])
        n++;
    return n;
}

/* The half-bytes of the item's key from `from` to `to`, in the arena. */
static uint8_t *path_of(struct trie *t, const struct trie_item *item, size_t from, size_t to)
{
    uint8_t *path = arena_alloc(t->arena, to - from);
    for (size_t i = from; path && i < to; i++)
        path[i - from] = (uint8_t)trie_nibble(item->key.data, i);
    return path;
}

static int load(struct trie *t, struct trie_slot *slot, size_t depth)
{
    int status = trie_read_node(t, &slot->node, t->arena, slot);
    if (status == ERR_OK && depth + slot->node->path_len > TRIE_PATH_MAX)
        return trie_fail(t, ERR_CORRUPT, "trie node %llu has too long a path",
                         (unsigned long long)slot->id);
    return status;
}

/* What must happen to a slot whose node has changed. */
static int touch(struct trie *t, struct trie_slot *slot)
{
    slot->ref_len = 0;
    int status = trie_unstore(t, slot);
    return status == ERR_OK ? CHANGED : status;
}

static int set_value(struct trie *t, struct trie_node *n, const struct trie_item *item)
{
    if (bytes_equal(n->value, item->value) && (item->value.len == 0 || n->link == item->link))
        return UNCHANGED;
    struct bytes value = arena_copy(t->arena, item->value);
    if (item->value.len && !value.data)
        return no_memory(t);
    n->value = value;
    n->link = item->value.len ? item->link : 0;
    return CHANGED;
}

static int add_child(struct trie *t, struct trie_node *n, unsigned nibble,
                     const struct trie_slot *child)
{
    enum { FIRST_CAPACITY = 2, CAPACITY_MAX = 16 };
    unsigned count = (unsigned)__builtin_popcount(n->mask), at = trie_rank(n->mask, nibble);
    if (count == n->capacity) {
        unsigned capacity = count ? 2 * count : FIRST_CAPACITY;
        if (capacity > CAPACITY_MAX)
            capacity = CAPACITY_MAX;
        struct trie_slot *slots = arena_alloc(t->arena, capacity * sizeof(*slots));
        if (!slots)
            return no_memory(t);
        if (count)
            memcpy(slots, n->slots, count * sizeof(*slots));
        n->slots = slots;
        n->capacity = (uint8_t)capacity;
    }
    memmove(&n->slots[at + 1], &n->slots[at], (count - at) * sizeof(*n->slots));
    n->slots[at] = *child;
    n->mask |= (uint16_t)(1u << nibble);
    return CHANGED;
}

static void remove_child(struct trie_node *n, unsigned nibble)
{
    unsigned count = (unsigned)__builtin_popcount(n->mask), at = trie_rank(n->mask, nibble);
    memmove(&n->slots[at], &n->slots[at + 1], (count - at - 1) * sizeof(*n->slots));
    n->mask &= (uint16_t)~(1u << nibble);
}

/* One child of a branch, which may be missing before or after. */
static int update_child(struct trie *t, struct trie_node *n, unsigned nibble, size_t depth,
                        const struct trie_item *items, size_t count)
{
    struct trie_slot *child = trie_child(n, nibble);
    struct trie_slot added = {0};
    int result = update_slot(t, child ? child : &added, depth, items, count);
    if (result != CHANGED)
        return result;
    if (!child)
        return add_child(t, n, nibble, &added);
    if (trie_slot_is_empty(child))
        remove_child(n, nibble);
    return CHANGED;
}

/* The value and the children of a branch whose path ends at `depth`. */
static int update_content(struct trie *t, struct trie_node *n, size_t depth,
                          const struct trie_item *items, size_t count)
{
    int changed = UNCHANGED;
    size_t i = 0;
    if (key_nibbles(&items[0]) == depth) {
        changed = set_value(t, n, &items[0]);
        i = 1;
    }
    while (i < count && changed >= 0) {
        unsigned nibble = trie_nibble(items[i].key.data, depth);
        size_t first = i++;
        while (i < count && trie_nibble(items[i].key.data, depth) == nibble)
            i++;
        int result = update_child(t, n, nibble, depth + 1, &items[first], i - first);
        changed = result == UNCHANGED ? changed : result;
    }
    return changed;
}

/* A branch with one child and no value gives its path to the child and goes. */
static int merge_with_child(struct trie *t, struct trie_slot *slot, size_t depth)
{
    struct trie_node *n = slot->node;
    struct trie_slot *child = &n->slots[0];
    int status = load(t, child, depth + n->path_len + 1);
    if (status == ERR_OK)
        status = trie_unstore(t, child);
    if (status != ERR_OK)
        return status;
    struct trie_node *heir = child->node;
    size_t path_len = n->path_len + 1u + heir->path_len;
    uint8_t *path = arena_alloc(t->arena, path_len);
    if (!path)
        return no_memory(t);
    memcpy(path, n->path, n->path_len);
    path[n->path_len] = (uint8_t)__builtin_ctz(n->mask);
    memcpy(path + n->path_len + 1, heir->path, heir->path_len);
    heir->path = path;
    heir->path_len = (uint8_t)path_len;
    slot->node = heir;
    return CHANGED;
}

/* Brings a changed branch, which is not stored, into its normal form. */
static int normalise(struct trie *t, struct trie_slot *slot, size_t depth)
{
    struct trie_node *n = slot->node;
    if (n->mask == 0 && n->value.len == 0)
        slot->node = NULL;
    else if (n->mask == 0)
        n->kind = TRIE_LEAF;
    else if ((n->mask & (n->mask - 1)) == 0 && n->value.len == 0)
        return merge_with_child(t, slot, depth);
    return CHANGED;
}

/* An empty slot: a new subtree of the items that are not deletions. */
static int build(struct trie *t, struct trie_slot *slot, size_t depth,
                 const struct trie_item *items, size_t count)
{
    while (count && items[0].value.len == 0)
        items++, count--;
    while (count && items[count - 1].value.len == 0)
        count--;
    if (count == 0)
        return UNCHANGED;
    const struct trie_item *last = &items[count - 1];
    size_t end = key_nibbles(last);
    uint8_t *path = path_of(t, last, depth, end);
    if (!path)
        return no_memory(t);
    if (count == 1) {
        struct bytes value = arena_copy(t->arena, last->value);
        slot->node =
            value.data ? trie_leaf_new(t->arena, path, end - depth, value, last->link) : NULL;
        return slot->node ? CHANGED : no_memory(t);
    }
    /* the first and the last differ and both stay, so this is a branch */
    size_t common = agreement(&items[0], depth, path, end - depth);
    slot->node = trie_branch_new(t->arena, path, common);
    return slot->node ? update_content(t, slot->node, depth + common, items, count) : no_memory(t);
}

/* A node whose path the items follow for `common` half-bytes only (or a leaf that they follow
 * beyond its end) goes below a new branch. */
static int split(struct trie *t, struct trie_slot *slot, size_t depth, size_t common,
                 const struct trie_item *items, size_t count)
{
    struct trie_slot before = *slot;
    struct trie_node *n = slot->node, *branch = trie_branch_new(t->arena, n->path, common);
    const uint8_t *path = n->path;
    uint8_t path_len = n->path_len;
    int result = branch ? UNCHANGED : no_memory(t);
    if (branch && common < path_len) {
        struct trie_slot child = {.node = n};
        n->path = path + common + 1;
        n->path_len = (uint8_t)(path_len - common - 1);
        result = add_child(t, branch, path[common], &child);
    } else if (branch) {
        branch->value = n->value;
        branch->link = n->link;
    }
    if (result >= 0)
        result = update_content(t, branch, depth + common, items, count);
    if (result == UNCHANGED) {
        n->path = path;
        n->path_len = path_len;
        *slot = before;
    }
    if (result != CHANGED)
        return result;
    result = touch(t, slot);
    slot->node = branch;
    return result < 0 ? result : normalise(t, slot, depth);
}

static int update_slot(struct trie *t, struct trie_slot *slot, size_t depth,
                       const struct trie_item *items, size_t count)
{
    if (trie_slot_is_empty(slot))
        return build(t, slot, depth, items, count);
    int result = load(t, slot, depth);
    if (result != ERR_OK)
        return result;
    struct trie_node *n = slot->node;
    size_t common = agreement(&items[0], depth, n->path, n->path_len);
    if (count > 1 && common)
        common = agreement(&items[count - 1], depth, n->path, common);
    bool is_whole = common == n->path_len;
    if (n->kind == TRIE_BRANCH && is_whole) {
        result = update_content(t, n, depth + common, items, count);
        if (result == CHANGED)
            result = touch(t, slot);
        return result == CHANGED ? normalise(t, slot, depth) : result;
    }
    bool is_same_key = is_whole && count == 1 && key_nibbles(items) == depth + common;
    if (!is_same_key)
        return split(t, slot, depth, common, items, count);
    result = set_value(t, n, items);
    if (result == CHANGED)
        result = touch(t, slot);
    if (result == CHANGED && n->value.len == 0)
        slot->node = NULL;
    return result;
}

static int check_items(struct trie *t, const struct trie_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(i == 0 || bytes_compare(items[i - 1].key, items[i].key) < 0);
        if (items[i].key.len > TRIE_KEY_MAX || items[i].value.len > TRIE_VALUE_MAX)
            return trie_fail(
                t, ERR_LIMIT,
                "a trie key of %zu or a value of %zu bytes is too long (most: %d, %zu)",
                items[i].key.len, items[i].value.len, TRIE_KEY_MAX, TRIE_VALUE_MAX);
    }
    return ERR_OK;
}

int trie_update(struct trie *t, const struct trie_item *items, size_t count)
{
    if (t->status != ERR_OK || count == 0)
        return t->status;
    int result = check_items(t, items, count);
    if (result == ERR_OK)
        result = update_slot(t, &t->root, 0, items, count);
    return result < 0 ? result : ERR_OK;
}
