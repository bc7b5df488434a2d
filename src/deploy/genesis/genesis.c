#include "deploy/genesis/genesis.h"

#include "base/hex.h"
#include "crypto/address.h"
#include "deploy/json.h"
#include "rlp/rlp.h"

enum {
    EPOCH_LENGTH = 30000,
    TXN_SIZE_LIMIT = 128, /* KiB, both: the most that GoQuorum accepts */
    MAX_CODE_SIZE = 128,
};

/* The word that marks Istanbul blocks, in the mix hash (GoQuorum, core/types/istanbul.go). */
static const char istanbul_digest[] =
    "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365";
static const char zero_hash[] =
    "0x0000000000000000000000000000000000000000000000000000000000000000";
static const char raft_mix_hash[] =
    "0x00000000000000000000000000000000000000647572616c65787365646c6578";
static const char zero_address[] = "0x0000000000000000000000000000000000000000";
static const char balance[] = "1000000000000000000000000000"; /* 10^27 wei, as BAF gives */

/* Forks that a network of GoQuorum has from its first block. */
static const char *const forks[] = {
    "homesteadBlock", "eip150Block",         "eip155Block",     "eip158Block",
    "byzantiumBlock", "constantinopleBlock", "petersburgBlock", "istanbulBlock",
};

static const uint8_t vanity[32];

static void append_validators(struct buf *extra, const struct deploy_genesis *genesis)
{
    size_t list = rlp_begin(extra);
    for (size_t i = 0; i < genesis->validator_count; i++)
        rlp_write_address(extra, &genesis->validators[i]);
    rlp_end_list(extra, list);
}

void deploy_genesis_extra(struct buf *extra, const struct deploy_genesis *genesis)
{
    if (genesis->consensus != DEPLOY_QBFT)
        buf_append(extra, vanity, sizeof(vanity));
    if (genesis->consensus == DEPLOY_RAFT)
        return;
    size_t all = rlp_begin(extra);
    if (genesis->consensus == DEPLOY_QBFT) { /* [vanity, validators, no vote, round 0, no seals] */
        rlp_write_bytes(extra, bytes_of(vanity, sizeof(vanity)));
        append_validators(extra, genesis);
        rlp_end_list(extra, rlp_begin(extra));
        rlp_write_u64(extra, 0);
    } else { /* [validators, no proposer's seal, no seals] */
        append_validators(extra, genesis);
        rlp_write_bytes(extra, bytes_none());
    }
    rlp_end_list(extra, rlp_begin(extra));
    rlp_end_list(extra, all);
}

static json_t *agreement(const struct deploy_genesis *genesis)
{
    return json_pack("{s:i, s:I, s:I, s:i, s:i}", "epochlength", EPOCH_LENGTH, "blockperiodseconds",
                     (json_int_t)genesis->block_period, "requesttimeoutseconds",
                     (json_int_t)(genesis->block_period > 2 ? 2 * genesis->block_period : 4),
                     "policy", 0, "ceil2Nby3Block", 0);
}

static json_t *config_of(const struct deploy_genesis *genesis)
{
    json_t *config = json_pack("{s:I}", "chainId", (json_int_t)genesis->chain_id);
    for (size_t i = 0; i < BASE_COUNT(forks); i++)
        json_object_set_new(config, forks[i], json_integer(0));
    json_object_set_new(config, "isQuorum", json_true());
    json_object_set_new(config, "txnSizeLimit", json_integer(TXN_SIZE_LIMIT));
    json_object_set_new(config, "maxCodeSizeConfig",
                        json_pack("[{s:i, s:i}]", "block", 0, "size", MAX_CODE_SIZE));
    if (genesis->consensus != DEPLOY_RAFT)
        json_object_set_new(config, genesis->consensus == DEPLOY_QBFT ? "qbft" : "ibft",
                            agreement(genesis));
    return config;
}

static void allot(json_t *alloc, const struct address *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[CRYPTO_ADDRESS_TEXT];
        crypto_address_checksum(text, &addresses[i]);
        json_object_set_new(alloc, text, json_pack("{s:s}", "balance", balance));
    }
}

void deploy_genesis_format(struct buf *text, const struct deploy_genesis *genesis)
{
    bool raft = genesis->consensus == DEPLOY_RAFT;
    struct buf extra = BUF_INIT, extra_text = BUF_INIT;
    deploy_genesis_extra(&extra, genesis);
    hex_append(&extra_text, buf_bytes(&extra));
    json_t *alloc = json_object();
    allot(alloc, genesis->validators, genesis->validator_count);
    allot(alloc, genesis->accounts, genesis->account_count);
    json_t *root = json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "config",
                             config_of(genesis), "nonce", "0x0", "timestamp", "0x0", "gasLimit",
                             raft ? "0xE000000000" : "0xE0000000", "difficulty",
                             raft ? "0x0" : "0x1", "extraData", buf_text(&extra_text), "mixHash",
                             raft ? raft_mix_hash : istanbul_digest, "coinbase", zero_address,
                             "parentHash", zero_hash, "alloc", alloc);
    deploy_json_append(text, root);
    buf_append_byte(text, '\n');
    if (buf_status(&extra) || buf_status(&extra_text))
        text->status = ERR_NOMEM;
    json_decref(root);
    buf_release(&extra);
    buf_release(&extra_text);
}
