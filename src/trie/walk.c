/* Going through a trie in order of keys, and checking it as a whole. */
#include "crypto/keccak.h"
#include "trie/node.h"

/*
 * While the path from the root is a beginning of `from`, the walk is "bounded" and must compare;
 * elsewhere a whole subtree lies on one side.
 */
struct walk {
    struct trie *t;
    trie_visit_fn *fn;
    void *context;
    bool descending;
    size_t from_len;
    struct arena arena; /* nodes on the way down */
    uint8_t from[TRIE_PATH_MAX];
    uint8_t path[TRIE_PATH_MAX];
};

enum side {
    BEFORE,
    WITHIN,
    BEYOND
}; /* a subtree against the bound, in the direction of the walk */

static int visit(struct walk *w, const struct trie_node *n, size_t depth)
{
    uint8_t key[TRIE_KEY_MAX];
    if (depth % 2)
        return trie_fail(w->t, ERR_CORRUPT, "a trie key of %zu half-bytes", depth);
    for (size_t i = 0; i < depth / 2; i++)
        key[i] = (uint8_t)(w->path[2 * i] << 4 | w->path[2 * i + 1]);
    return w->fn(w->context, bytes_of(key, depth / 2), n->value, n->link);
}

/* Where the path from `depth` to `end` leads. */
static enum side side_of(const struct walk *w, size_t depth, size_t end)
{
    for (; depth < end; depth++) {
        if (depth >= w->from_len)
            return w->descending ? BEFORE : BEYOND;
        if (w->path[depth] != w->from[depth])
            return (w->path[depth] > w->from[depth]) != w->descending ? BEYOND : BEFORE;
    }
    return WITHIN;
}

static int walk_slot(struct walk *w, const struct trie_slot *slot, size_t depth, bool bounded);

static int walk_children(struct walk *w, const struct trie_node *n, size_t depth, bool bounded)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned nibble = w->descending ? 15 - i : i;
        const struct trie_slot *child = trie_child(n, nibble);
        if (!child)
            continue;
        w->path[depth] = (uint8_t)nibble;
        enum side side = bounded ? side_of(w, depth, depth + 1) : BEYOND;
        int status = side == BEFORE ? 0 : walk_slot(w, child, depth + 1, side == WITHIN);
        if (status != 0)
            return status;
    }
    return 0;
}

static int walk_node(struct walk *w, const struct trie_node *n, size_t depth, bool bounded)
{
    size_t end = depth + n->path_len;
    if (end + (n->mask != 0) > TRIE_PATH_MAX)
        return trie_fail(w->t, ERR_CORRUPT, "a path in the trie is too long");
    memcpy(w->path + depth, n->path, n->path_len);
    if (bounded) {
        enum side side = side_of(w, depth, end);
        if (side == BEFORE)
            return 0;
        bounded = side == WITHIN;
    }
    /* the key that ends here comes before the longer ones; descending, it is within any bound */
    bool wanted = n->value.len && (!bounded || w->descending || end >= w->from_len);
    int status = wanted && !w->descending ? visit(w, n, end) : 0;
    if (status == 0 && n->mask)
        status = walk_children(w, n, end, bounded);
    if (status == 0 && wanted && w->descending)
        status = visit(w, n, end);
    return status;
}

static int walk_slot(struct walk *w, const struct trie_slot *slot, size_t depth, bool bounded)
{
    struct arena_mark mark = arena_mark(&w->arena);
    struct trie_node *n;
    int status = trie_read_node(w->t, &n, &w->arena, slot);
    if (status == ERR_OK)
        status = walk_node(w, n, depth, bounded);
    arena_rewind(&w->arena, mark);
    return status;
}

int trie_walk(struct trie *t, struct bytes from, enum trie_direction direction, trie_visit_fn *fn,
              void *context)
{
    if (t->status != ERR_OK || trie_slot_is_empty(&t->root))
        return t->status;
    if (from.len > TRIE_KEY_MAX)
        return err_set(t->detail, ERR_LIMIT, "a trie key of %zu bytes is too long (most: %d)",
                       from.len, TRIE_KEY_MAX);
    struct walk w = {
        .t = t, .fn = fn, .context = context, .descending = direction == TRIE_DESCENDING};
    arena_init(&w.arena);
    w.from_len = trie_unpack(w.from, from);
    int status = walk_slot(&w, &t->root, 0, true);
    arena_release(&w.arena);
    return status;
}

struct check {
    struct trie *t;
    uint64_t nodes;
    struct arena arena;
};

/* The root is named by its hash, however short its RLP is. */
static void hash_short_root(uint8_t ref[TRIE_REF_SIZE], uint8_t *ref_len)
{
    struct hash256 hash;
    crypto_keccak256(&hash, bytes_of(ref, *ref_len));
    memcpy(ref, hash.b, sizeof(hash.b));
    *ref_len = sizeof(hash.b);
}

static int check_slot(struct check *c, const struct trie_slot *slot, size_t depth)
{
    struct arena_mark mark = arena_mark(&c->arena);
    struct trie_node *n;
    uint8_t ref[TRIE_REF_SIZE], ref_len = 0;
    int status = trie_read_node(c->t, &n, &c->arena, slot);
    if (status == ERR_OK && depth + n->path_len > TRIE_PATH_MAX)
        status = trie_fail(c->t, ERR_CORRUPT, "trie node %llu has too long a path",
                           (unsigned long long)slot->id);
    if (status == ERR_OK)
        status = trie_hash_node(c->t, ref, &ref_len, &c->arena, n);
    if (status == ERR_OK && depth == 0 && ref_len < TRIE_REF_SIZE)
        hash_short_root(ref, &ref_len);
    if (status == ERR_OK && (ref_len != slot->ref_len || memcmp(ref, slot->ref, ref_len) != 0))
        status = trie_fail(c->t, ERR_CORRUPT, "trie node %llu does not have the hash it should",
                           (unsigned long long)slot->id);
    unsigned count = status == ERR_OK ? (unsigned)__builtin_popcount(n->mask) : 0;
    for (unsigned i = 0; i < count && status == ERR_OK; i++)
        status = check_slot(c, &n->slots[i], depth + n->path_len + 1);
    arena_rewind(&c->arena, mark);
    c->nodes++;
    return status;
}

int trie_check(struct trie *t, uint64_t *ret_nodes)
{
    if (t->status != ERR_OK)
        return t->status;
    struct check c = {.t = t};
    arena_init(&c.arena);
    int status = ERR_OK;
    if (!trie_slot_is_empty(&t->root)) {
        assert(t->root.id);
        struct trie_slot root = {.id = t->root.id, .ref_len = TRIE_REF_SIZE};
        memcpy(root.ref, t->hash.b, TRIE_REF_SIZE);
        status = check_slot(&c, &root, 0);
    }
    arena_release(&c.arena);
    if (status != ERR_OK)
        return status;
    *ret_nodes = c.nodes;
    return ERR_OK;
}
