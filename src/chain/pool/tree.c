/*
 * An account's transactions by nonce: a treap (a search tree by nonce that is a heap by random
 * priorities, so that it is balanced whatever the order of arrival), whose nodes know what they
 * need about the subtree, and a list through it.
 */
#include "chain/pool/priv.h"

/* Of two, the one that goes first when there is no room: less price, then the higher nonce. */
static struct pool_tx *cheaper(struct pool_tx *a, struct pool_tx *b)
{
    if (!b)
        return a;
    int order = u256_compare(&a->price, &b->price);
    return order < 0 || (order == 0 && a->nonce > b->nonce) ? a : b;
}

/* Recomputes what a node knows of its subtree from its children. */
static void refresh(struct pool_tx *node)
{
    node->cheapest = node->costliest = node->widest = node;
    struct pool_tx *const children[] = {node->left, node->right};
    for (size_t i = 0; i < BASE_COUNT(children); i++) {
        const struct pool_tx *child = children[i];
        if (!child)
            continue;
        node->cheapest = cheaper(child->cheapest, node->cheapest);
        if (u256_less(&node->costliest->cost, &child->costliest->cost))
            node->costliest = child->costliest;
        if (node->widest->gas < child->widest->gas)
            node->widest = child->widest;
    }
}

static struct pool_tx *rotate_right(struct pool_tx *node)
{
    struct pool_tx *top = node->left;
    node->left = top->right;
    top->right = node;
    refresh(node);
    return top;
}

static struct pool_tx *rotate_left(struct pool_tx *node)
{
    struct pool_tx *top = node->right;
    node->right = top->left;
    top->left = node;
    refresh(node);
    return top;
}

/* Recursion is as deep as the tree: some 40 for a million nodes, whoever chooses the nonces. */
static struct pool_tx *insert(struct pool_tx *root, struct pool_tx *entry, struct pool_tx **before,
                              struct pool_tx **after)
{
    if (!root) {
        refresh(entry);
        return entry;
    }
    if (entry->nonce < root->nonce) {
        *after = root;
        root->left = insert(root->left, entry, before, after);
        if (root->left->priority > root->priority)
            root = rotate_right(root);
    } else {
        *before = root;
        root->right = insert(root->right, entry, before, after);
        if (root->right->priority > root->priority)
            root = rotate_left(root);
    }
    refresh(root);
    return root;
}

/* Joins two trees, all nonces of the first below those of the second. */
static struct pool_tx *join(struct pool_tx *low, struct pool_tx *high)
{
    if (!low || !high)
        return low ? low : high;
    if (low->priority > high->priority) {
        low->right = join(low->right, high);
        refresh(low);
        return low;
    }
    high->left = join(low, high->left);
    refresh(high);
    return high;
}

static struct pool_tx *remove_node(struct pool_tx *root, struct pool_tx *entry)
{
    assert(root);
    if (root == entry)
        return join(entry->left, entry->right);
    if (entry->nonce < root->nonce)
        root->left = remove_node(root->left, entry);
    else
        root->right = remove_node(root->right, entry);
    refresh(root);
    return root;
}

void chain_pool_tree_insert(struct pool_account *account, struct pool_tx *entry)
{
    struct pool_tx *before = NULL, *after = NULL;
    entry->left = entry->right = NULL;
    account->root = insert(account->root, entry, &before, &after);
    entry->before = before;
    entry->after = after;
    *(before ? &before->after : &account->first) = entry;
    *(after ? &after->before : &account->last) = entry;
    account->count++;
}

void chain_pool_tree_remove(struct pool_account *account, struct pool_tx *entry)
{
    account->root = remove_node(account->root, entry);
    *(entry->before ? &entry->before->after : &account->first) = entry->after;
    *(entry->after ? &entry->after->before : &account->last) = entry->before;
    account->count--;
}

struct pool_tx *chain_pool_tree_find(const struct pool_account *account, uint64_t nonce)
{
    /* Mostly asked for the one that comes after the last. */
    if (!account->last || nonce > account->last->nonce)
        return NULL;
    struct pool_tx *node = account->root;
    while (node && node->nonce != nonce)
        node = nonce < node->nonce ? node->left : node->right;
    return node;
}
