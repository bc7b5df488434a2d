#include "evmtool/exceptions.h"

#include <string.h>

enum { MOST_REASONS = 4 };

/* One name of a test suite and the reasons of ours that it covers; unused places are 0 (no reason). */
struct row {
    const char *name;
    bool malformed;
    enum eth_tx_status eth[MOST_REASONS];
    enum exec_verdict exec[MOST_REASONS];
};

static const struct row table[] = {
    /* ethereum/tests, retesteth's names */
    {"TR_RLP_WRONGVALUE", .malformed = true},
    {"TR_TypeNotSupported", false, {ETH_TX_TYPE_NOT_SUPPORTED}, {EXEC_TYPE_NOT_SUPPORTED}},
    {"TR_IntrinsicGas", false, {ETH_TX_INTRINSIC_GAS}, {EXEC_INTRINSIC_GAS}},
    {"IntrinsicGas", false, {ETH_TX_INTRINSIC_GAS}, {EXEC_INTRINSIC_GAS}},
    {"TR_NoFunds", false, {ETH_TX_PRICE_OVERFLOW}, {EXEC_INSUFFICIENT_FUNDS}},
    {"TR_NoFundsX", false, {ETH_TX_PRICE_OVERFLOW}, {EXEC_INSUFFICIENT_FUNDS}},
    {"TR_NoFundsOrGas",
     false,
     {ETH_TX_INTRINSIC_GAS, ETH_TX_PRICE_OVERFLOW},
     {EXEC_INSUFFICIENT_FUNDS, EXEC_INTRINSIC_GAS, EXEC_GAS_LIMIT_REACHED}},
    {"TR_GasLimitReached", false, {0}, {EXEC_GAS_LIMIT_REACHED}},
    {"TR_FeeCapLessThanBlocks", false, {0}, {EXEC_FEE_CAP_TOO_LOW}},
    {"TR_TipGtFeeCap", false, {ETH_TX_PRIORITY_ABOVE_FEE}, {EXEC_TIP_ABOVE_FEE_CAP}},
    {"TR_InitCodeLimitExceeded", false, {ETH_TX_INITCODE_TOO_LARGE}, {EXEC_INITCODE_TOO_LARGE}},
    {"TR_NonceHasMaxValue", false, {ETH_TX_NONCE_MAX}, {EXEC_NONCE_MAX}},
    {"SenderNotEOA", false, {0}, {EXEC_SENDER_NOT_EOA}},
    {"TR_BLOBCREATE", true, {ETH_TX_BLOB_CREATION}, {EXEC_BLOB_CREATION}},
    {"TR_BLOBVERSION_INVALID", false, {ETH_TX_BLOB_VERSION}, {EXEC_BLOB_VERSION}},
    {"TR_EMPTYBLOB", false, {ETH_TX_NO_BLOBS}, {EXEC_NO_BLOBS}},
    {"TR_BLOBLIST_OVERSIZE",
     false,
     {ETH_TX_TOO_MANY_BLOBS},
     {EXEC_TOO_MANY_BLOBS, EXEC_BLOB_GAS_LIMIT_REACHED}},

    /* execution-spec-tests, "TransactionException." before each */
    {"TYPE_1_TX_PRE_FORK", false, {ETH_TX_TYPE_NOT_SUPPORTED}, {EXEC_TYPE_NOT_SUPPORTED}},
    {"TYPE_2_TX_PRE_FORK", false, {ETH_TX_TYPE_NOT_SUPPORTED}, {EXEC_TYPE_NOT_SUPPORTED}},
    {"TYPE_3_TX_PRE_FORK", false, {ETH_TX_TYPE_NOT_SUPPORTED}, {EXEC_TYPE_NOT_SUPPORTED}},
    {"TYPE_4_TX_PRE_FORK", false, {ETH_TX_TYPE_NOT_SUPPORTED}, {EXEC_TYPE_NOT_SUPPORTED}},
    {"TYPE_3_TX_ZERO_BLOBS_PRE_FORK",
     false,
     {ETH_TX_TYPE_NOT_SUPPORTED},
     {EXEC_TYPE_NOT_SUPPORTED}},
    {"TYPE_3_TX_ZERO_BLOBS", false, {ETH_TX_NO_BLOBS}, {EXEC_NO_BLOBS}},
    {"TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH", false, {ETH_TX_BLOB_VERSION}, {EXEC_BLOB_VERSION}},
    {"TYPE_3_TX_BLOB_COUNT_EXCEEDED",
     false,
     {ETH_TX_TOO_MANY_BLOBS},
     {EXEC_TOO_MANY_BLOBS, EXEC_BLOB_GAS_LIMIT_REACHED}},
    {"TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED",
     false,
     {ETH_TX_TOO_MANY_BLOBS},
     {EXEC_TOO_MANY_BLOBS, EXEC_BLOB_GAS_LIMIT_REACHED}},
    {"TYPE_3_TX_CONTRACT_CREATION", true, {ETH_TX_BLOB_CREATION}, {EXEC_BLOB_CREATION}},
    {"TYPE_4_TX_CONTRACT_CREATION", true, {ETH_TX_SET_CODE_CREATION}, {EXEC_SET_CODE_CREATION}},
    {"TYPE_4_EMPTY_AUTHORIZATION_LIST",
     false,
     {ETH_TX_NO_AUTHORIZATIONS},
     {EXEC_NO_AUTHORIZATIONS}},
    {"TYPE_4_INVALID_AUTHORIZATION_FORMAT", .malformed = true},
    {"TYPE_4_INVALID_AUTHORITY_SIGNATURE", .malformed = true},
    {"TYPE_4_INVALID_AUTHORITY_SIGNATURE_S_TOO_HIGH", .malformed = true},
    {"INVALID_SIGNATURE_VRS",
     false,
     {ETH_TX_INVALID_V, ETH_TX_INVALID_R, ETH_TX_INVALID_S, ETH_TX_HIGH_S},
     {0}},
    {"INSUFFICIENT_ACCOUNT_FUNDS", false, {ETH_TX_PRICE_OVERFLOW}, {EXEC_INSUFFICIENT_FUNDS}},
    {"INSUFFICIENT_MAX_FEE_PER_GAS", false, {0}, {EXEC_FEE_CAP_TOO_LOW}},
    {"INSUFFICIENT_MAX_FEE_PER_BLOB_GAS", false, {0}, {EXEC_BLOB_FEE_CAP_TOO_LOW}},
    {"PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS",
     false,
     {ETH_TX_PRIORITY_ABOVE_FEE},
     {EXEC_TIP_ABOVE_FEE_CAP}},
    {"GASLIMIT_PRICE_PRODUCT_OVERFLOW", false, {ETH_TX_PRICE_OVERFLOW}, {EXEC_INSUFFICIENT_FUNDS}},
    {"INITCODE_SIZE_EXCEEDED", false, {ETH_TX_INITCODE_TOO_LARGE}, {EXEC_INITCODE_TOO_LARGE}},
    {"INTRINSIC_GAS_TOO_LOW",
     false,
     {ETH_TX_INTRINSIC_GAS, ETH_TX_FLOOR_GAS},
     {EXEC_INTRINSIC_GAS, EXEC_FLOOR_GAS}},
    {"INTRINSIC_GAS_BELOW_FLOOR_GAS_COST",
     false,
     {ETH_TX_FLOOR_GAS, ETH_TX_INTRINSIC_GAS},
     {EXEC_FLOOR_GAS, EXEC_INTRINSIC_GAS}},
    {"GAS_ALLOWANCE_EXCEEDED", false, {0}, {EXEC_GAS_LIMIT_REACHED}},
    {"GAS_LIMIT_EXCEEDS_MAXIMUM", false, {ETH_TX_GAS_ABOVE_CAP}, {EXEC_GAS_LIMIT_TOO_HIGH}},
    {"NONCE_IS_MAX", false, {ETH_TX_NONCE_MAX}, {EXEC_NONCE_MAX}},
    {"NONCE_MISMATCH_TOO_LOW", false, {0}, {EXEC_NONCE_TOO_LOW}},
    {"NONCE_MISMATCH_TOO_HIGH", false, {0}, {EXEC_NONCE_TOO_HIGH}},
    {"SENDER_NOT_EOA", false, {0}, {EXEC_SENDER_NOT_EOA}},
};

static bool row_covers(const struct row *row, const struct evmtool_refusal *refusal)
{
    if (refusal->by == EVMTOOL_MALFORMED)
        return row->malformed;
    for (size_t i = 0; i < MOST_REASONS; i++) {
        if (refusal->by == EVMTOOL_BY_ETH && row->eth[i] && row->eth[i] == refusal->eth)
            return true;
        if (refusal->by == EVMTOOL_BY_EXEC && row->exec[i] && row->exec[i] == refusal->exec)
            return true;
    }
    return false;
}

bool evmtool_refusal_matches(const struct evmtool_refusal *refusal, const char *expected)
{
    static const char prefix[] = "TransactionException.";
    while (*expected) {
        size_t len = strcspn(expected, "|");
        const char *name = expected;
        size_t name_len = len;
        if (name_len > sizeof(prefix) - 1 && memcmp(name, prefix, sizeof(prefix) - 1) == 0) {
            name += sizeof(prefix) - 1;
            name_len -= sizeof(prefix) - 1;
        }
        for (size_t i = 0; i < BASE_COUNT(table); i++)
            if (strlen(table[i].name) == name_len && memcmp(table[i].name, name, name_len) == 0 &&
                row_covers(&table[i], refusal))
                return true;
        expected += len;
        expected += *expected == '|';
    }
    return false;
}

const char *evmtool_refusal_text(const struct evmtool_refusal *refusal)
{
    switch (refusal->by) {
    case EVMTOOL_ACCEPTED:
        return "accepted";
    case EVMTOOL_MALFORMED:
        return "malformed";
    case EVMTOOL_BY_ETH:
        return eth_tx_status_text(refusal->eth);
    case EVMTOOL_BY_EXEC:
        break;
    }
    return exec_verdict_text(refusal->exec);
}
