/*
 * The store in memory: one treap per table, of nodes that versions share.
 *
 * A snapshot holds a reference to each root. A writer copies a node before it changes it unless it
 * is the only one who refers to it, so what a reader sees never changes, and a commit is an
 * exchange of roots. References are counted atomically: readers of several threads let go of nodes.
 */
#include "base/mem.h"
#include "store/backend.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct node {
    _Atomic uint32_t refs;
    uint32_t priority; /* no child's is greater */
    struct node *left, *right;
    uint32_t key_len;
    uint32_t value_len;
    uint8_t data[]; /* key, value */
};

struct table {
    struct node *root;
    uint64_t count;
};

struct memory_store {
    struct store base;
    pthread_mutex_t writer; /* held while a write transaction is open */
    pthread_mutex_t lock;   /* guards `tables`, for an instant */
    uint64_t random;        /* priorities; the writer's */
    struct table tables[];
};

struct memory_txn {
    struct store_txn base;
    struct table tables[];
};

struct memory_cursor {
    struct store_cursor base;
    const struct node *at; /* NULL: no position */
};

static struct bytes node_key(const struct node *n)
{
    return bytes_of(n->data, n->key_len);
}

static struct bytes node_value(const struct node *n)
{
    return bytes_of(n->data + n->key_len, n->value_len);
}

static int compare(enum store_key kind, struct bytes a, struct bytes b)
{
    if (kind == STORE_KEY_BYTES)
        return bytes_compare(a, b);
    uint64_t x = store_id_of_key(a), y = store_id_of_key(b);
    return (x > y) - (x < y);
}

static struct node *hold(struct node *n)
{
    if (n)
        atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
    return n;
}

static void drop(struct node *n)
{
    while (n && atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) == 1) {
        struct node *right = n->right;
        drop(n->left);
        mem_free(n);
        n = right;
    }
}

static struct node *node_new(struct bytes key, struct bytes value, uint32_t priority)
{
    struct node *n = mem_alloc(sizeof(*n) + key.len + value.len);
    if (!n)
        return NULL;
    atomic_init(&n->refs, 1);
    n->priority = priority;
    n->left = n->right = NULL;
    n->key_len = (uint32_t)key.len;
    n->value_len = (uint32_t)value.len;
    memcpy(n->data, key.data, key.len);
    if (value.len)
        memcpy(n->data + key.len, value.data, value.len);
    return n;
}

/* Makes *at a node that only this writer refers to. */
static int own(struct node **at)
{
    struct node *old = *at;
    if (atomic_load_explicit(&old->refs, memory_order_acquire) == 1)
        return ERR_OK;
    struct node *copy = node_new(node_key(old), node_value(old), old->priority);
    if (!copy)
        return ERR_NOMEM;
    copy->left = hold(old->left);
    copy->right = hold(old->right);
    drop(old);
    *at = copy;
    return ERR_OK;
}

static void rotate_right(struct node **at)
{
    struct node *top = *at, *left = top->left;
    top->left = left->right;
    left->right = top;
    *at = left;
}

static void rotate_left(struct node **at)
{
    struct node *top = *at, *right = top->right;
    top->right = right->left;
    right->left = top;
    *at = right;
}

static const struct node *find(const struct node *n, enum store_key kind, struct bytes key)
{
    while (n) {
        int order = compare(kind, key, node_key(n));
        if (order == 0)
            return n;
        n = order < 0 ? n->left : n->right;
    }
    return NULL;
}

/* Puts `added` into the tree at *at; one of the same key is replaced. On failure the tree is as
 * good as before, and `added` still the caller's. */
static int insert(struct node **at, struct node *added, enum store_key kind)
{
    if (!*at) {
        *at = added;
        return ERR_OK;
    }
    int order = compare(kind, node_key(added), node_key(*at));
    if (order == 0) {
        struct node *old = *at;
        added->priority = old->priority;
        added->left = hold(old->left);
        added->right = hold(old->right);
        drop(old);
        *at = added;
        return ERR_OK;
    }
    int status = own(at);
    if (status != ERR_OK)
        return status;
    struct node **below = order < 0 ? &(*at)->left : &(*at)->right;
    status = insert(below, added, kind);
    if (status == ERR_OK && (*below)->priority > (*at)->priority) {
        if (order < 0)
            rotate_right(at);
        else
            rotate_left(at);
    }
    return status;
}

/* Takes out the node of a key that is there: turned down until a side is free. */
static int take_out(struct node **at, enum store_key kind, struct bytes key)
{
    for (;;) {
        int status = own(at);
        if (status != ERR_OK)
            return status;
        int order = compare(kind, key, node_key(*at));
        if (order == 0)
            break;
        at = order < 0 ? &(*at)->left : &(*at)->right;
    }
    while ((*at)->left && (*at)->right) {
        bool left_first = (*at)->left->priority > (*at)->right->priority;
        int status = own(left_first ? &(*at)->left : &(*at)->right);
        if (status != ERR_OK)
            return status;
        if (left_first)
            rotate_right(at);
        else
            rotate_left(at);
        at = left_first ? &(*at)->right : &(*at)->left;
    }
    struct node *gone = *at;
    *at = gone->left ? gone->left : gone->right;
    gone->left = gone->right = NULL;
    drop(gone);
    return ERR_OK;
}

static struct memory_store *store_of_txn(const struct store_txn *txn)
{
    return (struct memory_store *)txn->store;
}

static int no_memory(struct store_txn *txn)
{
    return err_set(txn->detail, ERR_NOMEM, "out of memory");
}

static void memory_free(struct store *base)
{
    struct memory_store *store = (struct memory_store *)base;
    for (size_t i = 0; i < base->table_count; i++)
        drop(store->tables[i].root);
    pthread_mutex_destroy(&store->writer);
    pthread_mutex_destroy(&store->lock);
    mem_free(store);
}

static int memory_sync(struct store *store, struct err_detail *detail)
{
    (void)store;
    (void)detail;
    return ERR_OK;
}

static int memory_begin(struct store *base, struct store_txn **ret_txn, bool write,
                        struct err_detail *detail)
{
    struct memory_store *store = (struct memory_store *)base;
    struct memory_txn *txn = mem_alloc(sizeof(*txn) + base->table_count * sizeof(struct table));
    if (!txn)
        return err_set(detail, ERR_NOMEM, "out of memory");
    if (write)
        pthread_mutex_lock(&store->writer);
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < base->table_count; i++) {
        txn->tables[i] = store->tables[i];
        hold(txn->tables[i].root);
    }
    pthread_mutex_unlock(&store->lock);
    *ret_txn = &txn->base;
    return ERR_OK;
}

static void memory_abort(struct store_txn *base)
{
    struct memory_store *store = store_of_txn(base);
    struct memory_txn *txn = (struct memory_txn *)base;
    for (size_t i = 0; i < base->store->table_count; i++)
        drop(txn->tables[i].root);
    if (base->write)
        pthread_mutex_unlock(&store->writer);
    mem_free(txn);
}

/* Exchanges the roots; the old version leaves with the transaction. */
static int memory_commit(struct store_txn *base)
{
    struct memory_store *store = store_of_txn(base);
    struct memory_txn *txn = (struct memory_txn *)base;
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < base->store->table_count; i++) {
        struct table old = store->tables[i];
        store->tables[i] = txn->tables[i];
        txn->tables[i] = old;
    }
    pthread_mutex_unlock(&store->lock);
    memory_abort(base);
    return ERR_OK;
}

static int memory_get(struct store_txn *base, struct bytes *ret_value, unsigned table,
                      struct bytes key)
{
    const struct memory_txn *txn = (const struct memory_txn *)base;
    const struct node *n = find(txn->tables[table].root, base->store->keys[table], key);
    if (!n)
        return ERR_NOTFOUND;
    *ret_value = node_value(n);
    return ERR_OK;
}

static const struct node *last_node(const struct node *n)
{
    while (n && n->right)
        n = n->right;
    return n;
}

static int memory_put(struct store_txn *base, unsigned table, struct bytes key, struct bytes value,
                      enum store_put mode)
{
    struct memory_store *store = store_of_txn(base);
    struct table *t = &((struct memory_txn *)base)->tables[table];
    enum store_key kind = base->store->keys[table];
    bool there = mode != STORE_APPEND && find(t->root, kind, key);
    if (there && mode == STORE_INSERT)
        return err_set(base->detail, ERR_EXISTS, "a key is in its table already");
    if (mode == STORE_APPEND) {
        const struct node *last = last_node(t->root);
        assert(!last || compare(kind, node_key(last), key) < 0);
        (void)last;
    }
    store->random = store->random * 6364136223846793005u + 1442695040888963407u;
    struct node *added = node_new(key, value, (uint32_t)(store->random >> 33));
    if (!added)
        return no_memory(base);
    if (insert(&t->root, added, kind) != ERR_OK) {
        mem_free(added);
        return no_memory(base);
    }
    t->count += !there;
    return ERR_OK;
}

static int memory_delete(struct store_txn *base, unsigned table, struct bytes key)
{
    struct table *t = &((struct memory_txn *)base)->tables[table];
    enum store_key kind = base->store->keys[table];
    if (!find(t->root, kind, key))
        return ERR_NOTFOUND;
    if (take_out(&t->root, kind, key) != ERR_OK)
        return no_memory(base);
    t->count--;
    return ERR_OK;
}

static int memory_count(struct store_txn *base, uint64_t *ret_count, unsigned table)
{
    *ret_count = ((const struct memory_txn *)base)->tables[table].count;
    return ERR_OK;
}

static int memory_cursor_new(struct store_cursor **ret_cursor, struct store_txn *txn,
                             unsigned table)
{
    (void)table;
    struct memory_cursor *cursor = mem_alloc_zeroed(1, sizeof(*cursor));
    if (!cursor)
        return no_memory(txn);
    *ret_cursor = &cursor->base;
    return ERR_OK;
}

static void memory_cursor_free(struct store_cursor *cursor)
{
    mem_free(cursor);
}

/* The first node after `key` (or at it, when `including`), walking down once. */
static const struct node *node_after(const struct node *n, enum store_key kind, struct bytes key,
                                     bool including)
{
    const struct node *best = NULL;
    while (n) {
        int order = compare(kind, node_key(n), key);
        if (order > 0 || (including && order == 0)) {
            best = n;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return best;
}

static const struct node *node_before(const struct node *n, enum store_key kind, struct bytes key)
{
    const struct node *best = NULL;
    while (n) {
        if (compare(kind, node_key(n), key) < 0) {
            best = n;
            n = n->right;
        } else {
            n = n->left;
        }
    }
    return best;
}

static int memory_cursor_move(struct store_cursor *base, struct bytes *ret_key,
                              struct bytes *ret_value, enum store_move move, struct bytes key)
{
    struct memory_cursor *cursor = (struct memory_cursor *)base;
    const struct node *root = ((const struct memory_txn *)base->txn)->tables[base->table].root;
    enum store_key kind = base->txn->store->keys[base->table];
    const struct node *n = NULL;
    switch (move) {
    case STORE_MOVE_FIRST:
        for (n = root; n && n->left; n = n->left)
            ;
        break;
    case STORE_MOVE_LAST:
        n = last_node(root);
        break;
    case STORE_MOVE_SEEK:
        n = node_after(root, kind, key, true);
        break;
    case STORE_MOVE_NEXT:
        assert(cursor->at);
        n = node_after(root, kind, node_key(cursor->at), false);
        break;
    case STORE_MOVE_PREV:
        assert(cursor->at);
        n = node_before(root, kind, node_key(cursor->at));
        break;
    }
    cursor->at = n;
    if (!n)
        return ERR_NOTFOUND;
    *ret_key = node_key(n);
    *ret_value = node_value(n);
    return ERR_OK;
}

static const struct store_ops memory_ops = {
    .free = memory_free,
    .sync = memory_sync,
    .begin = memory_begin,
    .commit = memory_commit,
    .abort = memory_abort,
    .get = memory_get,
    .put = memory_put,
    .delete = memory_delete,
    .count = memory_count,
    .cursor_new = memory_cursor_new,
    .cursor_free = memory_cursor_free,
    .cursor_move = memory_cursor_move,
};

int store_memory_new(struct store **ret_store, const struct store_table *tables, size_t table_count)
{
    struct memory_store *store =
        mem_alloc_zeroed(1, sizeof(*store) + table_count * sizeof(struct table));
    if (!store)
        return ERR_NOMEM;
    store_setup(&store->base, &memory_ops, tables, table_count);
    pthread_mutex_init(&store->writer, NULL);
    pthread_mutex_init(&store->lock, NULL);
    *ret_store = &store->base;
    return ERR_OK;
}
