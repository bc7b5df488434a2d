#include "evmtool/env.h"

static int read_hash(struct evmtool_maybe_hash *ret, const json_t *object, const char *key,
                     struct err_detail *detail)
{
    return evmtool_json_may_hash(&ret->present, &ret->value, object, key, detail);
}

/* "currentRandom" is a number in older files, 32 bytes in newer ones. */
static int read_random(struct evmtool_maybe_hash *ret, const json_t *object,
                       struct err_detail *detail)
{
    struct u256 number;
    int status = evmtool_json_may_u256(&ret->present, &number, object, "currentRandom", detail);
    if (status == ERR_OK && ret->present)
        u256_store(ret->value.b, &number);
    return status;
}

int evmtool_env_read(struct evmtool_env *ret_env, const json_t *object, struct err_detail *detail)
{
    struct evmtool_env env = {0};
    bool present;
    if (!json_is_object(object))
        return err_set(detail, ERR_INPUT, "must be an object");
    int status =
        evmtool_json_may_address(&present, &env.coinbase, object, "currentCoinbase", detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u64(&env.number, object, "currentNumber", detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u64(&env.timestamp, object, "currentTimestamp", detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u64(&env.gas_limit, object, "currentGasLimit", detail);
    if (status == ERR_OK)
        status = read_random(&env.random, object, detail);

    struct {
        struct evmtool_maybe_u256 *field;
        const char *key;
    } wide[] = {
        {&env.difficulty, "currentDifficulty"},
        {&env.base_fee, "currentBaseFee"},
        {&env.parent_difficulty, "parentDifficulty"},
        {&env.parent_base_fee, "parentBaseFee"},
    };
    for (size_t i = 0; i < BASE_COUNT(wide) && status == ERR_OK; i++)
        status = evmtool_json_may_u256(&wide[i].field->present, &wide[i].field->value, object,
                                       wide[i].key, detail);

    struct {
        struct evmtool_maybe_u64 *field;
        const char *key;
    } narrow[] = {
        {&env.excess_blob_gas, "currentExcessBlobGas"},
        {&env.parent_timestamp, "parentTimestamp"},
        {&env.parent_gas_used, "parentGasUsed"},
        {&env.parent_gas_limit, "parentGasLimit"},
        {&env.parent_excess_blob_gas, "parentExcessBlobGas"},
        {&env.parent_blob_gas_used, "parentBlobGasUsed"},
    };
    for (size_t i = 0; i < BASE_COUNT(narrow) && status == ERR_OK; i++)
        status = evmtool_json_may_u64(&narrow[i].field->present, &narrow[i].field->value, object,
                                      narrow[i].key, detail);
    if (status == ERR_OK)
        status = read_hash(&env.beacon_root, object, "parentBeaconBlockRoot", detail);
    if (status == ERR_OK)
        status = read_hash(&env.parent_uncle_hash, object, "parentUncleHash", detail);
    if (status == ERR_OK)
        *ret_env = env;
    return status;
}
