#include "chain/config/genesis.h"

#include "base/hex.h"
#include "base/mem.h"
#include "chain/block_priv.h"
#include "chain/config/genesis_priv.h"
#include "chain/config/priv.h"
#include "state/update.h"

#include <strings.h>

enum {
    GAS_LIMIT = 800000000, /* of a genesis that says 0; params.GenesisGasLimit */
    DIFFICULTY = 131072,   /* params.GenesisDifficulty */
};

/* --- Values: strings of hexadecimal or decimal digits --- */

struct place {
    const char *path;
    struct arena *arena;
    struct err_detail *detail;
};

static int read_text(const struct place *at, const char **ret, const json_t *value)
{
    *ret = json_string_value(value);
    if (!*ret)
        return err_set(at->detail, ERR_INPUT, "%s: a string is wanted", at->path);
    return 0;
}

static int read_u64(const struct place *at, uint64_t *ret, const json_t *value)
{
    struct u256 number;
    int err = chain_json_amount(&number, at->path, value, at->detail);
    if (err)
        return err;
    if (!u256_is_u64(&number))
        return err_set(at->detail, ERR_INPUT, "%s: %s does not fit into 64 bits", at->path,
                       json_string_value(value));
    *ret = number.w[0];
    return 0;
}

static bool has_prefix(const char *text)
{
    return text[0] == '0' && (text[1] | 0x20) == 'x';
}

static int read_fixed(const struct place *at, void *ret, size_t size, const json_t *value)
{
    const char *text;
    int err = read_text(at, &text, value);
    if (err)
        return err;
    if (!has_prefix(text))
        return err_set(at->detail, ERR_INPUT, "%s: hex string without 0x prefix", at->path);
    if (!hex_decode_exact(text, ret, size))
        return err_set(at->detail, ERR_INPUT, "%s: not 0x and %zu hexadecimal digits", at->path,
                       2 * size);
    return 0;
}

static int read_bytes(const struct place *at, struct bytes *ret, const json_t *value)
{
    const char *text;
    int err = read_text(at, &text, value);
    if (err)
        return err;
    if (*text && !has_prefix(text))
        return err_set(at->detail, ERR_INPUT, "%s: hex string without 0x prefix", at->path);
    size_t size = *text ? (strlen(text) - 2) / 2 : 0;
    uint8_t *data = arena_alloc(at->arena, size);
    if (!data)
        return ERR_NOMEM;
    if (*text && !hex_decode_exact(text, data, size))
        return err_set(at->detail, ERR_INPUT, "%s: not an even number of hexadecimal digits",
                       at->path);
    *ret = bytes_of(data, size);
    return 0;
}

/* --- Accounts --- */

/* A storage key or value: at most 64 digits, filled with zeros on the left. */
static int read_word(const struct place *at, struct u256 *ret, const char *text)
{
    uint8_t word[32] = {0};
    const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
    size_t count = strlen(digits);
    if (count > 64)
        return err_set(at->detail, ERR_INPUT,
                       "%s: too many hex characters in storage key/value "
                       "\"%.70s\"",
                       at->path, text);
    if (count && !hex_decode_exact(digits, word + 32 - count / 2, count / 2))
        return err_set(at->detail, ERR_INPUT, "%s: invalid hex storage key/value \"%s\"", at->path,
                       text);
    *ret = u256_load(word);
    return 0;
}

static int read_storage(const struct place *at, struct chain_genesis_account *account,
                        const json_t *value)
{
    const char *key;
    json_t *item;
    if (!json_is_object(value))
        return err_set(at->detail, ERR_INPUT, "%s: an object is wanted", at->path);
    struct chain_genesis_slot *slots =
        arena_alloc(at->arena, json_object_size(value) * sizeof(*slots));
    if (!slots)
        return ERR_NOMEM;
    size_t count = 0;
    json_object_foreach((json_t *)value, key, item)
    {
        const char *text;
        struct chain_genesis_slot *slot = &slots[count];
        int err = read_text(at, &text, item);
        if (!err)
            err = read_word(at, &slot->slot, key);
        if (!err)
            err = read_word(at, &slot->value, text);
        if (err)
            return err;
        count++;
    }
    account->slots = slots;
    account->slot_count = count;
    return 0;
}

static int read_account(const struct place *at, struct chain_genesis_account *account,
                        const json_t *json)
{
    const char *key;
    json_t *value;
    bool has_balance = false;
    if (!json_is_object(json))
        return err_set(at->detail, ERR_INPUT, "%s: an object is wanted", at->path);
    json_object_foreach((json_t *)json, key, value)
    {
        char path[96];
        snprintf(path, sizeof(path), "%s.%s", at->path, key);
        struct place inner = {path, at->arena, at->detail};
        int err = 0;
        if (json_is_null(value))
            continue;
        if (strcasecmp(key, "balance") == 0) {
            has_balance = true;
            err = chain_json_amount(&account->balance, path, value, at->detail);
        } else if (strcasecmp(key, "nonce") == 0) {
            err = read_u64(&inner, &account->nonce, value);
        } else if (strcasecmp(key, "code") == 0) {
            err = read_bytes(&inner, &account->code, value);
        } else if (strcasecmp(key, "storage") == 0) {
            err = read_storage(&inner, account, value);
        }
        if (err)
            return err;
    }
    if (!has_balance)
        return err_set(at->detail, ERR_INPUT,
                       "%s: missing required field 'balance' for GenesisAccount", at->path);
    return 0;
}

static int compare_accounts(const void *a, const void *b)
{
    const struct chain_genesis_account *x = a, *y = b;
    int order = memcmp(x->address.b, y->address.b, sizeof(x->address.b));
    /* Of an address that is there twice (in other letters), the one with more in it comes last. */
    return order ? order : u256_compare(&x->balance, &y->balance);
}

static int read_alloc(const struct place *at, struct chain_genesis *genesis, const json_t *json)
{
    const char *key;
    json_t *value;
    if (!json_is_object(json))
        return err_set(at->detail, ERR_INPUT, "%s: an object is wanted", at->path);
    struct chain_genesis_account *accounts =
        arena_alloc_zeroed(at->arena, json_object_size(json), sizeof(*accounts));
    if (!accounts)
        return ERR_NOMEM;
    size_t count = 0, kept = 0;
    json_object_foreach((json_t *)json, key, value)
    {
        char path[80];
        snprintf(path, sizeof(path), "alloc.%.48s", key);
        struct place inner = {path, at->arena, at->detail};
        struct chain_genesis_account *account = &accounts[count++];
        if (!hex_decode_exact(key, &account->address, sizeof(account->address)))
            return err_set(at->detail, ERR_INPUT, "%s: not an address of 40 hexadecimal digits",
                           path);
        int err = read_account(&inner, account, value);
        if (err)
            return err;
    }
    qsort(accounts, count, sizeof(*accounts), compare_accounts);
    for (size_t i = 0; i < count; i++) {
        if (kept && address_equal(&accounts[kept - 1].address, &accounts[i].address))
            kept--;
        accounts[kept++] = accounts[i];
    }
    genesis->accounts = accounts;
    genesis->account_count = kept;
    return 0;
}

/* --- The file --- */

enum member {
    NONCE,
    TIMESTAMP,
    EXTRA_DATA,
    GAS_LIMIT_KEY,
    DIFFICULTY_KEY,
    MIX_HASH,
    COINBASE,
    ALLOC,
    NUMBER,
    GAS_USED,
    PARENT_HASH,
    CONFIG,
    MEMBERS,
};

static const struct {
    const char *name;
    bool required;
} members[MEMBERS] = {
    [NONCE] = {"nonce", false},
    [TIMESTAMP] = {"timestamp", false},
    [EXTRA_DATA] = {"extraData", false},
    [GAS_LIMIT_KEY] = {"gasLimit", true},
    [DIFFICULTY_KEY] = {"difficulty", true},
    [MIX_HASH] = {"mixHash", false},
    [COINBASE] = {"coinbase", false},
    [ALLOC] = {"alloc", true},
    [NUMBER] = {"number", false},
    [GAS_USED] = {"gasUsed", false},
    [PARENT_HASH] = {"parentHash", false},
    [CONFIG] = {"config", true},
};

static int read_member(const struct place *at, struct chain_genesis *genesis, enum member member,
                       const json_t *value, const struct chain_overrides *overrides)
{
    struct eth_header *h = &genesis->header;
    uint64_t nonce = 0;
    int err = 0;
    switch (member) {
    case NONCE:
        err = read_u64(at, &nonce, value);
        nonce = __builtin_bswap64(nonce);
        memcpy(h->nonce, &nonce, sizeof(nonce));
        return err;
    case TIMESTAMP:
        return read_u64(at, &h->timestamp, value);
    case EXTRA_DATA:
        return read_bytes(at, &h->extra, value);
    case GAS_LIMIT_KEY:
        return read_u64(at, &h->gas_limit, value);
    case DIFFICULTY_KEY:
        return chain_json_amount(&h->difficulty, at->path, value, at->detail);
    case MIX_HASH:
        return read_fixed(at, &h->mix_hash, sizeof(h->mix_hash), value);
    case COINBASE:
        return read_fixed(at, &h->coinbase, sizeof(h->coinbase), value);
    case ALLOC:
        return read_alloc(at, genesis, value);
    case NUMBER:
        return read_u64(at, &h->number, value);
    case GAS_USED:
        return read_u64(at, &h->gas_used, value);
    case PARENT_HASH:
        return read_fixed(at, &h->parent_hash, sizeof(h->parent_hash), value);
    case CONFIG:
        chain_config_free(genesis->config);
        genesis->config = NULL;
        return chain_config_read(&genesis->config, value, true, overrides, at->detail);
    case MEMBERS:
        break;
    }
    return err;
}

static int read_genesis(struct chain_genesis *genesis, const json_t *json,
                        const struct chain_overrides *overrides, struct err_detail *detail)
{
    const char *key;
    json_t *value;
    bool seen[MEMBERS] = {false};
    if (!json_is_object(json))
        return err_set(detail, ERR_INPUT, "the file holds no object");
    json_object_foreach((json_t *)json, key, value)
    {
        int member = 0;
        while (member < MEMBERS && strcasecmp(members[member].name, key) != 0)
            member++;
        if (member == MEMBERS || json_is_null(value))
            continue;
        seen[member] = true;
        struct place at = {members[member].name, &genesis->arena, detail};
        int err = read_member(&at, genesis, (enum member)member, value, overrides);
        if (err)
            return err == ERR_NOMEM ? err_set(detail, err, "out of memory") : err;
    }
    if (!seen[CONFIG])
        return err_set(detail, ERR_INPUT, "genesis has no chain configuration");
    for (int i = 0; i < MEMBERS; i++)
        if (members[i].required && !seen[i])
            return err_set(detail, ERR_INPUT, "missing required field '%s' for Genesis",
                           members[i].name);
    return 0;
}

/* Fields that follow: defaults, what an empty block has, and what the forks of block 0 put in. */
static void complete_header(struct chain_genesis *genesis)
{
    struct eth_header *h = &genesis->header;
    h->uncles_hash = eth_empty_uncles_hash;
    h->transactions_root = h->receipts_root = eth_empty_trie_root;
    if (h->gas_limit == 0)
        h->gas_limit = GAS_LIMIT;
    chain_header_tail(h, genesis->config, NULL);
}

int chain_genesis_new(struct chain_genesis **ret_genesis, struct bytes json,
                      const struct chain_overrides *overrides, struct err_detail *detail)
{
    if (json.len > CHAIN_GENESIS_SIZE_MAX)
        return err_set(detail, ERR_LIMIT, "invalid genesis file: %zu bytes, at most %d are read",
                       json.len, CHAIN_GENESIS_SIZE_MAX);
    json_t *parsed;
    int err = chain_json_load(&parsed, json, "invalid genesis file", detail);
    if (err)
        return err;
    struct chain_genesis *genesis = mem_alloc_zeroed(1, sizeof(*genesis));
    if (!genesis) {
        json_decref(parsed);
        return err_set(detail, ERR_NOMEM, "genesis: out of memory");
    }
    arena_init(&genesis->arena);
    err = read_genesis(genesis, parsed, overrides, detail);
    json_decref(parsed);
    if (err) {
        chain_genesis_free(genesis);
        return err_prefix(detail, err, "invalid genesis file");
    }
    complete_header(genesis);
    *ret_genesis = genesis;
    return 0;
}

void chain_genesis_free(struct chain_genesis *genesis)
{
    if (!genesis)
        return;
    chain_config_free(genesis->config);
    arena_release(&genesis->arena);
    mem_free(genesis);
}

/* --- Block 0 --- */

int chain_genesis_apply(const struct chain_genesis *genesis, struct state_view *view)
{
    int err = 0;
    for (size_t i = 0; i < genesis->account_count && !err; i++) {
        const struct chain_genesis_account *a = &genesis->accounts[i];
        err = state_view_set_balance(view, &a->address, &a->balance);
        if (!err && a->code.len)
            err = state_view_set_code(view, &a->address, a->code);
        if (!err)
            err = state_view_set_nonce(view, &a->address, a->nonce);
        for (size_t k = 0; k < a->slot_count && !err; k++)
            err = state_view_store(view, NULL, NULL, NULL, &a->address, &a->slots[k].slot,
                                   &a->slots[k].value);
    }
    if (!err) /* empty accounts stay */
        state_view_end_transaction(view, false);
    return err;
}

int chain_genesis_block_with(const struct chain_genesis *genesis, const struct hash256 *state_root,
                             struct chain_block **ret_block)
{
    struct eth_header header = genesis->header;
    header.state_root = *state_root;
    struct chain_body *body;
    int err = chain_body_build(&body, NULL, 0, header.tail >= ETH_HEADER_WITHDRAWALS_ROOT);
    if (err)
        return err;
    err = chain_block_build(ret_block, &header, body);
    chain_body_unref(body);
    return err;
}

int chain_genesis_block(const struct chain_genesis *genesis, struct chain_block **ret_block,
                        struct err_detail *detail)
{
    struct state_view *view;
    struct hash256 root;
    int err = state_view_new(&view, NULL);
    if (err)
        return err_set(detail, err, "genesis: %s", err_text(err));
    err = chain_genesis_apply(genesis, view);
    if (!err)
        err = state_root(view, &root, detail);
    state_view_free(view);
    return err ? err : chain_genesis_block_with(genesis, &root, ret_block);
}
