/*
 * The configuration out of JSON, by tables of keys. As in Go: keys match whatever their case, the
 * last of several wins, null leaves the value absent, unknown keys are passed over, numbers are
 * whole and bare, amounts are strings.
 */
#include "chain/config/priv.h"

#include "base/hex.h"
#include "base/mem.h"

#include <stddef.h>
#include <strings.h>

enum kind {
    KIND_U64,
    KIND_OPTIONAL,
    KIND_BIG, /* 256 bits in principle; what JSON readers agree on are 63 */
    KIND_BOOL,
    KIND_TRISTATE,
    KIND_TEXT,
    KIND_HASH,
    KIND_ADDRESS,
    KIND_OPTIONAL_ADDRESS,
    KIND_ADDRESSES,
    KIND_AMOUNT,
    KIND_PRESENT, /* an object without content that matters */
    KIND_OBJECT,
    KIND_ARRAY,
};

struct table {
    const struct field *fields;
    size_t count, size; /* `size` of the struct that it fills */
};

struct field {
    const char *key;
    enum kind kind;
    size_t offset;
    const struct table *table; /* of KIND_OBJECT, which begins with `bool set`, and KIND_ARRAY */
    bool common;               /* sets struct chain_bft's has_common */
};

#define FIELD(type, key, kind, member)                                                             \
    {key, KIND_##kind, offsetof(struct type, member), NULL, false}
#define COMMON(key, kind, member) {key, KIND_##kind, offsetof(struct chain_bft, member), NULL, true}
#define TABLE(type, fields)       {fields, sizeof(fields) / sizeof((fields)[0]), sizeof(struct type)}

static const struct field code_size_fields[] = {
    FIELD(chain_code_size, "block", OPTIONAL, block),
    FIELD(chain_code_size, "size", U64, size),
};
static const struct table code_size_table = TABLE(chain_code_size, code_size_fields);

static const struct field clique_fields[] = {
    FIELD(chain_clique, "period", U64, period),
    FIELD(chain_clique, "epoch", U64, epoch),
    FIELD(chain_clique, "allowedFutureBlockTime", U64, allowed_future),
};
static const struct table clique_table = TABLE(chain_clique, clique_fields);

static const struct field istanbul_fields[] = {
    FIELD(chain_istanbul, "epoch", U64, epoch),
    FIELD(chain_istanbul, "policy", U64, policy),
    FIELD(chain_istanbul, "ceil2Nby3Block", OPTIONAL, ceil_2n_by_3),
    FIELD(chain_istanbul, "testQBFTBlock", OPTIONAL, test_qbft),
};
static const struct table istanbul_table = TABLE(chain_istanbul, istanbul_fields);

#define BFT_COMMON                                                                                 \
    COMMON("epochlength", U64, epoch_length), COMMON("blockperiodseconds", U64, block_period),     \
        COMMON("emptyblockperiodseconds", OPTIONAL, empty_block_period),                           \
        COMMON("requesttimeoutseconds", U64, request_timeout), COMMON("policy", U64, policy),      \
        COMMON("ceil2Nby3Block", OPTIONAL, ceil_2n_by_3),                                          \
        COMMON("validatorcontractaddress", ADDRESS, validator_contract)

static const struct field ibft_fields[] = {BFT_COMMON};
static const struct table ibft_table = TABLE(chain_bft, ibft_fields);

static const struct field qbft_fields[] = {
    BFT_COMMON,
    FIELD(chain_bft, "blockReward", AMOUNT, block_reward),
    FIELD(chain_bft, "beneficiaryMode", TEXT, beneficiary_mode),
    FIELD(chain_bft, "miningBeneficiary", OPTIONAL_ADDRESS, mining_beneficiary),
    FIELD(chain_bft, "validatorselectionmode", TEXT, validator_selection_mode),
    FIELD(chain_bft, "validators", ADDRESSES, validators),
    FIELD(chain_bft, "maxRequestTimeoutSeconds", OPTIONAL, max_request_timeout),
};
static const struct table qbft_table = TABLE(chain_bft, qbft_fields);

static const struct field transition_fields[] = {
    FIELD(chain_transition, "block", OPTIONAL, block),
    FIELD(chain_transition, "algorithm", TEXT, algorithm),
    FIELD(chain_transition, "epochlength", U64, epoch_length),
    FIELD(chain_transition, "blockperiodseconds", U64, block_period),
    FIELD(chain_transition, "emptyblockperiodseconds", OPTIONAL, empty_block_period),
    FIELD(chain_transition, "requesttimeoutseconds", U64, request_timeout),
    FIELD(chain_transition, "contractsizelimit", U64, contract_size_limit),
    FIELD(chain_transition, "validatorcontractaddress", ADDRESS, validator_contract),
    FIELD(chain_transition, "validators", ADDRESSES, validators),
    FIELD(chain_transition, "validatorselectionmode", TEXT, validator_selection_mode),
    FIELD(chain_transition, "enhancedPermissioningEnabled", TRISTATE, enhanced_permissioning),
    FIELD(chain_transition, "privacyEnhancementsEnabled", TRISTATE, privacy_enhancements),
    FIELD(chain_transition, "privacyPrecompileEnabled", TRISTATE, privacy_precompile),
    FIELD(chain_transition, "gasPriceEnabled", TRISTATE, gas_price),
    FIELD(chain_transition, "miner.gaslimit", U64, miner_gas_limit),
    FIELD(chain_transition, "2FPlus1Enabled", TRISTATE, two_f_plus_one),
    FIELD(chain_transition, "transactionSizeLimit", U64, transaction_size_limit),
    FIELD(chain_transition, "blockReward", AMOUNT, block_reward),
    FIELD(chain_transition, "beneficiaryMode", TEXT, beneficiary_mode),
    FIELD(chain_transition, "miningBeneficiary", OPTIONAL_ADDRESS, mining_beneficiary),
    FIELD(chain_transition, "maxRequestTimeoutSeconds", OPTIONAL, max_request_timeout),
    FIELD(chain_transition, "fork", TEXT, fork),
};
static const struct table transition_table = TABLE(chain_transition, transition_fields);

#define NESTED(key, kind, member, table)                                                           \
    {key, KIND_##kind, offsetof(struct chain_config, member), &(table), false}

static const struct field config_fields[] = {
    FIELD(chain_config, "chainId", BIG, chain_id),
#define X(name, key, in_fork_id) FIELD(chain_config, key, OPTIONAL, blocks[CHAIN_BLOCK_##name]),
    CHAIN_BLOCK_KEY_LIST(X)
#undef X
#define X(name, key, fork) FIELD(chain_config, key, OPTIONAL, times[CHAIN_TIME_##name]),
        CHAIN_TIME_KEY_LIST(X)
#undef X
            FIELD(chain_config, "zeroBaseFee", BOOL, zero_base_fee),
    FIELD(chain_config, "daoForkSupport", BOOL, dao_support),
    FIELD(chain_config, "eip150Hash", HASH, eip150_hash),
    FIELD(chain_config, "ethash", PRESENT, has_ethash),
    NESTED("clique", OBJECT, clique, clique_table),
    NESTED("istanbul", OBJECT, istanbul_key, istanbul_table),
    NESTED("ibft", OBJECT, ibft, ibft_table),
    NESTED("qbft", OBJECT, qbft, qbft_table),
    NESTED("transitions", ARRAY, transitions, transition_table),
    FIELD(chain_config, "isQuorum", TRISTATE, is_quorum_key),
    FIELD(chain_config, "txnSizeLimit", U64, transaction_size_limit),
    FIELD(chain_config, "maxCodeSize", U64, max_code_size),
    NESTED("maxCodeSizeConfig", ARRAY, code_sizes, code_size_table),
    FIELD(chain_config, "isMPS", BOOL, is_mps),
};
static const struct table config_table = TABLE(chain_config, config_fields);

/* --- Values --- */

/* Where in the file: the path of keys, for messages. */
struct place {
    const char *path;
    struct arena *arena;
    struct err_detail *detail;
};

static const char *kind_of(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",    [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null"};
    return names[json_typeof(value)];
}

static int bad(const struct place *at, const char *wanted, const json_t *value)
{
    return err_set(at->detail, ERR_INPUT, "%s: %s is wanted, not %s", at->path, wanted,
                   kind_of(value));
}

static int read_u64(const struct place *at, uint64_t *ret, const json_t *value)
{
    if (!json_is_integer(value))
        return bad(at, "a whole number without quotes", value);
    if (json_integer_value(value) < 0)
        return err_set(at->detail, ERR_INPUT, "%s: the number is negative", at->path);
    *ret = (uint64_t)json_integer_value(value);
    return 0;
}

/* Go's fixed bytes: 0x and exactly that many digits. */
static int read_fixed(const struct place *at, void *ret, size_t size, const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text)
        return bad(at, "a string", value);
    if (text[0] != '0' || (text[1] | 0x20) != 'x')
        return err_set(at->detail, ERR_INPUT, "%s: hex string without 0x prefix", at->path);
    if (!hex_decode_exact(text, ret, size))
        return err_set(at->detail, ERR_INPUT, "%s: \"%s\" is not 0x and %zu hexadecimal digits",
                       at->path, text, 2 * size);
    return 0;
}

static int read_addresses(const struct place *at, struct chain_optional_addresses *ret,
                          const json_t *value)
{
    if (!json_is_array(value))
        return bad(at, "a list of addresses", value);
    size_t count = json_array_size(value);
    if (count > CHAIN_CONFIG_VALIDATORS_MAX)
        return err_set(at->detail, ERR_LIMIT, "%s: %zu addresses, at most %d are supported",
                       at->path, count, CHAIN_CONFIG_VALIDATORS_MAX);
    struct address *items = arena_alloc(at->arena, count * sizeof(*items));
    if (!items)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        int err = read_fixed(at, &items[i], sizeof(items[i]), json_array_get(value, i));
        if (err)
            return err;
    }
    *ret = (struct chain_optional_addresses){true, items, count};
    return 0;
}

static int read_text(const struct place *at, chain_text *ret, const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text)
        return bad(at, "a string", value);
    struct bytes copy = arena_copy(at->arena, bytes_of(text, strlen(text) + 1));
    if (!copy.data)
        return ERR_NOMEM;
    *ret = (const char *)copy.data;
    return 0;
}

int chain_json_amount(struct u256 *ret_value, const char *path, const json_t *value,
                      struct err_detail *detail)
{
    const char *text = json_string_value(value);
    struct place at = {path, NULL, detail};
    if (!text)
        return bad(&at, "a number in quotes", value);
    *ret_value = u256_from(0);
    if (text[0] == '\0')
        return 0;
    bool bare_prefix = text[0] == '0' && (text[1] | 0x20) == 'x' && text[2] == '\0';
    if (bare_prefix || !hex_u256(text, ret_value))
        return err_set(detail, ERR_INPUT, "%s: invalid hex or decimal integer \"%s\"", path, text);
    return 0;
}

static int read_table(const struct place *at, void *object, const struct table *table,
                      const json_t *json);

static int read_array(const struct place *at, void *target, const struct table *table,
                      const json_t *value)
{
    if (!json_is_array(value))
        return bad(at, "a list", value);
    size_t count = json_array_size(value);
    if (count > CHAIN_TRANSITIONS_MAX)
        return err_set(at->detail, ERR_LIMIT, "%s: %zu entries, at most %d are supported", at->path,
                       count, CHAIN_TRANSITIONS_MAX);
    char *items = arena_alloc_zeroed(at->arena, count, table->size);
    if (!items)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s[%zu]", at->path, i);
        struct place inner = {path, at->arena, at->detail};
        const json_t *item = json_array_get(value, i);
        int err = json_is_null(item) ? 0 : read_table(&inner, items + i * table->size, table, item);
        if (err)
            return err;
    }
    /* An array is a pointer and, right behind it, a count. */
    memcpy(target, &items, sizeof(items));
    memcpy((char *)target + sizeof(items), &count, sizeof(count));
    return 0;
}

static int read_value(const struct place *at, void *target, const struct field *field,
                      const json_t *value)
{
    switch (field->kind) {
    case KIND_U64:
        return read_u64(at, target, value);
    case KIND_OPTIONAL: {
        struct chain_optional *optional = target;
        int err = read_u64(at, &optional->value, value);
        optional->set = !err;
        return err;
    }
    case KIND_BIG: {
        struct chain_optional_amount *big = target;
        uint64_t number = 0;
        int err = read_u64(at, &number, value);
        *big = (struct chain_optional_amount){!err, u256_from(number)};
        return err;
    }
    case KIND_BOOL:
    case KIND_TRISTATE:
        if (!json_is_boolean(value))
            return bad(at, "true or false", value);
        if (field->kind == KIND_BOOL)
            *(bool *)target = json_is_true(value);
        else
            *(enum chain_tristate *)target = json_is_true(value) ? CHAIN_TRUE : CHAIN_FALSE;
        return 0;
    case KIND_TEXT:
        return read_text(at, target, value);
    case KIND_HASH:
        return read_fixed(at, target, sizeof(struct hash256), value);
    case KIND_ADDRESS:
        return read_fixed(at, target, sizeof(struct address), value);
    case KIND_OPTIONAL_ADDRESS: {
        struct chain_optional_address *optional = target;
        optional->set = true;
        return read_fixed(at, &optional->value, sizeof(optional->value), value);
    }
    case KIND_ADDRESSES:
        return read_addresses(at, target, value);
    case KIND_AMOUNT: {
        struct chain_optional_amount *amount = target;
        amount->set = true;
        return chain_json_amount(&amount->value, at->path, value, at->detail);
    }
    case KIND_PRESENT:
        if (!json_is_object(value))
            return bad(at, "an object", value);
        *(bool *)target = true;
        return 0;
    case KIND_OBJECT:
        *(bool *)target = true;
        return read_table(at, target, field->table, value);
    case KIND_ARRAY:
        return read_array(at, target, field->table, value);
    }
    return 0;
}

/* What null does: it makes absent what can be absent, and leaves the rest. */
static void read_null(void *target, enum kind kind)
{
    if (kind == KIND_OPTIONAL)
        *(struct chain_optional *)target = (struct chain_optional){0};
    else if (kind == KIND_TRISTATE)
        *(enum chain_tristate *)target = CHAIN_UNSET;
    else if (kind == KIND_OBJECT || kind == KIND_PRESENT)
        *(bool *)target = false;
}

static int read_table(const struct place *at, void *object, const struct table *table,
                      const json_t *json)
{
    const char *key;
    json_t *value;
    if (!json_is_object(json))
        return bad(at, "an object", json);
    json_object_foreach((json_t *)json, key, value)
    {
        const struct field *field = table->fields, *end = table->fields + table->count;
        while (field < end && strcasecmp(field->key, key) != 0)
            field++;
        if (field == end)
            continue;
        char path[128];
        snprintf(path, sizeof(path), "%s.%s", at->path, field->key);
        struct place inner = {path, at->arena, at->detail};
        void *target = (char *)object + field->offset;
        if (field->common)
            ((struct chain_bft *)object)->has_common = true;
        int err = 0;
        if (json_is_null(value))
            read_null(target, field->kind);
        else
            err = read_value(&inner, target, field, value);
        if (err)
            return err == ERR_NOMEM ? err_set(at->detail, err, "%s: out of memory", path) : err;
    }
    return 0;
}

/* --- The whole --- */

/* What would crash GoQuorum at its first use. */
static int check_shape(const struct chain_config *config, struct err_detail *detail)
{
    if (config->ibft.set && !config->ibft.has_common)
        return err_set(detail, ERR_INPUT,
                       "config.ibft: the object is empty; give at least \"epochlength\"");
    if (config->qbft.set && !config->qbft.has_common)
        return err_set(detail, ERR_INPUT,
                       "config.qbft: none of the keys that ibft has, too, is "
                       "there; give at least \"epochlength\"");
    for (size_t i = 0; i < config->transition_count; i++) {
        const struct chain_transition *t = &config->transitions[i];
        enum fork fork;
        if (!t->block.set)
            return err_set(detail, ERR_INPUT,
                           "config.transitions[%zu]: block number not given in "
                           "transitions data",
                           i);
        if (t->fork && !fork_from_name(t->fork, &fork))
            return err_set(detail, ERR_INPUT,
                           "config.transitions[%zu].fork: no fork is called \"%s\"; the names are "
                           "those of docs/forks.md",
                           i, t->fork);
    }
    for (size_t i = 0; i < config->code_size_count; i++)
        if (!config->code_sizes[i].block.set)
            return err_set(detail, ERR_INPUT, "Block number not given in maxCodeSizeConfig data");
    return 0;
}

int chain_config_read(struct chain_config **ret_config, const json_t *json, bool is_quorum_default,
                      const struct chain_overrides *overrides, struct err_detail *detail)
{
    struct chain_config *config = mem_alloc_zeroed(1, sizeof(*config));
    if (!config)
        return err_set(detail, ERR_NOMEM, "config: out of memory");
    arena_init(&config->arena);
    struct place at = {"config", &config->arena, detail};
    int err = read_table(&at, config, &config_table, json);
    if (!err)
        err = check_shape(config, detail);
    if (!err) {
        config->is_quorum = config->is_quorum_key == CHAIN_UNSET
                                ? is_quorum_default
                                : config->is_quorum_key == CHAIN_TRUE;
        static const struct chain_overrides none;
        err = chain_config_derive(config, overrides ? overrides : &none, detail);
    }
    if (err)
        chain_config_free(config);
    else
        *ret_config = config;
    return err;
}

int chain_json_load(json_t **ret_json, struct bytes text, const char *what,
                    struct err_detail *detail)
{
    json_error_t fault;
    /* Go's decoder stops after the first value, too. */
    json_t *json = json_loadb((const char *)text.data, text.len, JSON_DISABLE_EOF_CHECK, &fault);
    if (!json) {
        bool no_memory = json_error_code(&fault) == json_error_out_of_memory;
        return err_set(detail, no_memory ? ERR_NOMEM : ERR_INPUT, "%s: line %d, column %d: %s",
                       what, fault.line, fault.column, fault.text);
    }
    *ret_json = json;
    return 0;
}

int chain_config_new(struct chain_config **ret_config, struct bytes json, bool is_quorum_default,
                     const struct chain_overrides *overrides, struct err_detail *detail)
{
    json_t *parsed;
    int err = chain_json_load(&parsed, json, "chain configuration", detail);
    if (err)
        return err;
    err = chain_config_read(ret_config, parsed, is_quorum_default, overrides, detail);
    json_decref(parsed);
    return err;
}

void chain_config_free(struct chain_config *config)
{
    if (!config)
        return;
    arena_release(&config->arena);
    mem_free(config);
}
