/* Header fields of the forks after GoQuorum's last one (docs/forks.md). None has a beacon chain
 * behind it: no withdrawal, no blob, no beacon root, no request ever comes. */
#include "base/hex.h"
#include "chain/config/genesis_priv.h"
#include "eth/fee.h"

/* sha256 of nothing: the requests hash (EIP-7685) of a block without requests. */
static const struct hash256 no_requests = {{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                            0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                            0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                            0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}};

static enum eth_header_tail tail_of(enum fork fork)
{
    if (fork >= FORK_PRAGUE)
        return ETH_HEADER_REQUESTS_HASH;
    if (fork >= FORK_CANCUN)
        return ETH_HEADER_BEACON_ROOT;
    if (fork >= FORK_SHANGHAI)
        return ETH_HEADER_WITHDRAWALS_ROOT;
    return fork >= FORK_LONDON ? ETH_HEADER_BASE_FEE : ETH_HEADER_PLAIN;
}

static struct u256 base_fee_after(const struct chain_rules *rules, const struct eth_header *parent)
{
    if (rules->zero_base_fee)
        return u256_from(0);
    /* The first block that has one, or the first that asks for one. */
    if (!parent || parent->tail < ETH_HEADER_BASE_FEE || u256_is_zero(&parent->base_fee))
        return u256_from(ETH_INITIAL_BASE_FEE);
    return eth_next_base_fee(&parent->base_fee, parent->gas_used, parent->gas_limit);
}

void chain_header_tail(struct eth_header *header, const struct chain_config *config,
                       const struct eth_header *parent)
{
    struct chain_rules rules = chain_config_rules(config, header->number, header->timestamp);
    header->tail = tail_of(rules.fork);
    if (header->tail >= ETH_HEADER_BASE_FEE)
        header->base_fee = base_fee_after(&rules, parent);
    if (header->tail >= ETH_HEADER_WITHDRAWALS_ROOT)
        header->withdrawals_root = eth_empty_trie_root;
    header->blob_gas_used = header->excess_blob_gas = 0;
    header->parent_beacon_root = (struct hash256){{0}};
    if (header->tail >= ETH_HEADER_REQUESTS_HASH)
        header->requests_hash = no_requests;
}

bool chain_header_tail_check(const struct eth_header *header, const struct chain_config *config,
                             const struct eth_header *parent, struct err_detail *why)
{
    struct eth_header wanted = {.number = header->number, .timestamp = header->timestamp};
    chain_header_tail(&wanted, config, parent);
    if (header->tail != wanted.tail) {
        err_set(why, 0, "the header has %d fields of later forks, %d belong to it",
                (int)header->tail, (int)wanted.tail);
        return false;
    }
    if (wanted.tail >= ETH_HEADER_BASE_FEE && !u256_equal(&header->base_fee, &wanted.base_fee)) {
        char have[68], want[68];
        hex_format_u256(have, &header->base_fee);
        hex_format_u256(want, &wanted.base_fee);
        err_set(why, 0, "invalid baseFee: have %s, want %s", have, want);
        return false;
    }
    bool same = wanted.tail < ETH_HEADER_WITHDRAWALS_ROOT ||
                hash256_equal(&header->withdrawals_root, &wanted.withdrawals_root);
    if (wanted.tail >= ETH_HEADER_BEACON_ROOT)
        same = same && header->blob_gas_used == 0 && header->excess_blob_gas == 0 &&
               hash256_is_zero(&header->parent_beacon_root);
    if (wanted.tail >= ETH_HEADER_REQUESTS_HASH)
        same = same && hash256_equal(&header->requests_hash, &wanted.requests_hash);
    if (!same)
        err_set(why, 0, "withdrawals, blobs, a beacon root or requests in a chain without them");
    return same;
}
