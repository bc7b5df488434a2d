#include "evmtool/alloc.h"

#include "base/hex.h"

/* JSON iteration takes the object without const but does not change it. */
static json_t *iterable(const json_t *object)
{
    return (json_t *)(uintptr_t)object;
}

static int read_storage(struct evmtool_account *account, const json_t *storage, struct arena *arena,
                        struct err_detail *detail)
{
    const char *key;
    json_t *value;
    size_t size = json_object_size(storage);
    account->slots = arena_alloc(arena, size * sizeof(*account->slots));
    if (!account->slots)
        return err_set(detail, ERR_NOMEM, "out of memory");
    account->slot_count = 0;
    json_object_foreach(iterable(storage), key, value)
    {
        struct evmtool_slot slot;
        if (!hex_u256(key, &slot.key))
            return err_set(detail, ERR_INPUT, "storage: \"%.80s\" is not a slot of 256 bits", key);
        int status = evmtool_json_u256(&slot.value, value, key, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "storage");
        if (!u256_is_zero(&slot.value))
            account->slots[account->slot_count++] = slot;
    }
    return ERR_OK;
}

static int read_account(struct evmtool_account *account, const json_t *object, struct arena *arena,
                        struct err_detail *detail)
{
    bool present;
    if (!json_is_object(object))
        return err_set(detail, ERR_INPUT, "must be an object");
    int status = evmtool_json_need_u256(&account->balance, object, "balance", detail);
    if (status == ERR_OK)
        status = evmtool_json_may_u64(&present, &account->nonce, object, "nonce", detail);
    const json_t *code = json_object_get(object, "code");
    if (status == ERR_OK && code && !json_is_null(code))
        status = evmtool_json_bytes(&account->code, code, "code", arena, detail);
    const json_t *storage = json_object_get(object, "storage");
    if (status == ERR_OK && storage && !json_is_null(storage)) {
        if (!json_is_object(storage))
            return err_set(detail, ERR_INPUT, "storage: must be an object");
        status = read_storage(account, storage, arena, detail);
    }
    return status;
}

int evmtool_alloc_read(struct evmtool_alloc *ret_alloc, const json_t *object, struct arena *arena,
                       struct err_detail *detail)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return err_set(detail, ERR_INPUT, "must be an object of accounts");
    struct evmtool_alloc alloc = {
        arena_alloc_zeroed(arena, json_object_size(object), sizeof(*alloc.accounts)), 0};
    if (!alloc.accounts)
        return err_set(detail, ERR_NOMEM, "out of memory");
    json_object_foreach(iterable(object), key, value)
    {
        struct evmtool_account *account = &alloc.accounts[alloc.count++];
        if (!hex_decode_exact(key, account->address.b, sizeof(account->address.b)))
            return err_set(detail, ERR_INPUT,
                           "\"%.80s\" is not an address: 20 bytes in hexadecimal", key);
        int status = read_account(account, value, arena, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "%s", key);
    }
    *ret_alloc = alloc;
    return ERR_OK;
}
