#include "state/guide.h"
#include "base/mem.h"
#include "crypto/keccak.h"
#include "state/db_priv.h"

/* What a hash stands for. */
enum kind { KIND_FREE, KIND_ACCOUNTS, KIND_SLOTS, KIND_CODE };

struct entry {
    struct hash256 hash;
    uint64_t id; /* of the node; 0 for a code */
    uint8_t kind;
    bool behind; /* trie_ref */
};

/* A hash has its place in one of the sets; a new one takes the place of the oldest there. A peer goes down before it
 * goes on, so what it still wants is what was shown last. 3 MiB. */
enum { SETS = 1 << 14, WAYS = 4 };

struct set {
    struct entry entries[WAYS];
    uint8_t next;
};

struct state_guide {
    struct trie_root roots[STATE_GUIDE_ROOTS];
    size_t root_count, next_root;
    struct set *sets;
};

int state_guide_new(struct state_guide **ret_guide)
{
    struct state_guide *guide = mem_alloc_zeroed(1, sizeof(*guide));
    if (!guide)
        return ERR_NOMEM;
    *ret_guide = guide;
    return ERR_OK;
}

void state_guide_free(struct state_guide *guide)
{
    if (!guide)
        return;
    mem_free(guide->sets);
    mem_free(guide);
}

void state_guide_clear_roots(struct state_guide *guide)
{
    guide->root_count = guide->next_root = 0;
}

int state_guide_root(struct state_guide *guide, const struct trie_root *root)
{
    if (!guide->sets && !(guide->sets = mem_alloc_zeroed(SETS, sizeof(*guide->sets))))
        return ERR_NOMEM;
    if (root->id == 0)
        return ERR_OK; /* nothing to fetch */
    guide->roots[guide->next_root] = *root;
    guide->next_root = (guide->next_root + 1) % STATE_GUIDE_ROOTS;
    if (guide->root_count < STATE_GUIDE_ROOTS)
        guide->root_count++;
    return ERR_OK;
}

static struct set *set_of(struct state_guide *guide, const struct hash256 *hash)
{
    return &guide->sets[(hash->b[0] << 8 | hash->b[1]) % SETS];
}

static void show(struct state_guide *guide, const struct entry *entry)
{
    struct set *set = set_of(guide, &entry->hash);
    for (unsigned i = 0; i < WAYS; i++) {
        struct entry *e = &set->entries[i];
        if (e->kind != KIND_FREE && hash256_equal(&e->hash, &entry->hash)) {
            *e = *entry; /* the newer number: pruning takes the older first */
            return;
        }
    }
    set->entries[set->next] = *entry;
    set->next = (uint8_t)((set->next + 1) % WAYS);
}

static bool find(struct state_guide *guide, struct entry *ret_entry, const struct hash256 *hash)
{
    for (size_t i = 0; i < guide->root_count; i++) {
        if (hash256_equal(&guide->roots[i].hash, hash)) {
            *ret_entry = (struct entry){*hash, guide->roots[i].id, KIND_ACCOUNTS, false};
            return true;
        }
    }
    if (!guide->sets)
        return false;
    const struct set *set = set_of(guide, hash);
    for (unsigned i = 0; i < WAYS; i++) {
        if (set->entries[i].kind != KIND_FREE && hash256_equal(&set->entries[i].hash, hash)) {
            *ret_entry = set->entries[i];
            return true;
        }
    }
    return false;
}

/* An account names the root of its storage and its code. */
static int show_account(struct state_guide *guide, const struct trie_peers_node *node)
{
    struct state_account account;
    int err = state_account_decode(&account, node->value);
    if (err)
        return err;
    if (node->link)
        show(guide, &(struct entry){account.storage.hash, node->link, KIND_SLOTS, false});
    if (!hash256_equal(&account.code_hash, &crypto_keccak256_empty))
        show(guide, &(struct entry){account.code_hash, 0, KIND_CODE, false});
    return ERR_OK;
}

static int append_node(struct state_guide *guide, struct buf *b, const struct state_reader *reader,
                       const struct entry *entry)
{
    struct trie t;
    struct arena arena;
    struct trie_peers_node node;
    struct trie_ref ref = {entry->hash, entry->id, entry->behind};
    arena_init(&arena);
    trie_init(&t, &arena, TRIE_SECURE, reader->txn, state_table(reader->db, STATE_NODES), NULL,
              NULL);
    int err = trie_peers_node(&t, b, &node, &ref);
    for (size_t i = 0; !err && i < node.count; i++)
        show(guide, &(struct entry){node.children[i].hash, node.children[i].id, entry->kind,
                                    node.children[i].behind});
    if (!err && node.is_leaf && entry->kind == KIND_ACCOUNTS)
        err = show_account(guide, &node);
    arena_release(&arena);
    return err;
}

int state_guide_node(struct state_guide *guide, struct buf *b, const struct state_reader *reader,
                     const struct hash256 *hash)
{
    struct entry entry;
    struct bytes code;
    if (!find(guide, &entry, hash))
        return ERR_NOTFOUND;
    int err;
    if (entry.kind == KIND_CODE) {
        err = state_reader_code(reader, &code, hash);
        if (!err)
            buf_append_bytes(b, code);
    } else {
        err = append_node(guide, b, reader, &entry);
    }
    if (err == ERR_CORRUPT)
        return ERR_NOTFOUND; /* pruned since it was shown: to a peer the same */
    return err ? err : buf_status(b);
}
