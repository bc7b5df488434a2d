/* Unlocked keys: each in memory of its own that is kept out of swap and core files (crypto/secret.h). */
#include "accounts/internal.h"
#include "base/mem.h"

static bool is_over(const struct accounts_key *key, uint64_t now)
{
    return key->until && now >= key->until;
}

static void forget(struct accounts_key **at)
{
    struct accounts_key *key = *at;
    *at = key->next;
    crypto_secret_free(key->key); /* wipes */
    mem_free(key);
}

struct accounts_key *accounts_find_key(struct accounts *accounts, const struct address *address,
                                       uint64_t now)
{
    for (struct accounts_key *key = accounts->keys; key; key = key->next)
        if (address_equal(&key->address, address) && !is_over(key, now))
            return key;
    return NULL;
}

int accounts_keep_key(struct accounts *accounts, const struct address *address,
                      const struct crypto_private_key *key, uint64_t until)
{
    for (struct accounts_key *k = accounts->keys; k; k = k->next)
        if (address_equal(&k->address, address)) {
            if (k->until)
                k->until = until;
            return ERR_OK;
        }
    struct accounts_key *kept = mem_alloc_zeroed(1, sizeof(*kept));
    if (!kept || crypto_secret_copy(&kept->key, bytes_of(key->b, sizeof(key->b))) != ERR_OK) {
        mem_free(kept);
        return ERR_NOMEM;
    }
    kept->address = *address;
    kept->until = until;
    kept->next = accounts->keys;
    accounts->keys = kept;
    return ERR_OK;
}

/* Those of `address`, or with NULL those whose time is over; all of them when `now` is the end of time. */
void accounts_drop_keys(struct accounts *accounts, const struct address *address, uint64_t now)
{
    for (struct accounts_key **at = &accounts->keys; *at;)
        if (address ? address_equal(&(*at)->address, address)
                    : now == UINT64_MAX || is_over(*at, now))
            forget(at);
        else
            at = &(*at)->next;
}
