/* Any bytes as a transaction: what is accepted is encoded to the same bytes, and the rules have an
 * answer for it. */
#include "base/fuzz/fuzz.h"
#include "eth/transaction.h"

static void check_rules(struct eth_transaction *tx, enum fork fork, bool is_quorum)
{
    const struct eth_rules rules = {fork, tx->chain_id, is_quorum, 0, 0};
    enum eth_tx_status recovered, checked = eth_transaction_check(tx, &rules);
    require(eth_transaction_recover(tx, &recovered, &rules) == ERR_OK);
    if (checked == ETH_TX_OK)
        require(recovered == ETH_TX_OK || recovered == ETH_TX_NO_SENDER);
    require((recovered == ETH_TX_OK) <= tx->sender_known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct arena arena;
    arena_init_limited(&arena, 16 * size + 65536);
    struct eth_transaction tx, again;
    struct err_detail detail;
    if (eth_transaction_decode(&tx, &arena, input, &detail) == ERR_OK) {
        struct buf b = BUF_INIT;
        eth_transaction_encode(&b, &tx);
        require(bytes_equal(buf_bytes(&b), input));
        struct hash256 hash, hash_again;
        require(eth_transaction_decode(&again, &arena, buf_bytes(&b), &detail) == ERR_OK);
        require(eth_transaction_hash(&tx, &hash) == ERR_OK);
        again.encoded = bytes_none();
        require(eth_transaction_hash(&again, &hash_again) == ERR_OK);
        require(hash256_equal(&hash, &hash_again));
        check_rules(&tx, FORK_OSAKA, false);
        check_rules(&again, FORK_BERLIN, true);
        buf_clear(&b);
        eth_transaction_write(&b, &tx);
        struct rlp_reader r;
        rlp_reader_init(&r, buf_bytes(&b));
        require(eth_transaction_read(&again, &arena, &r, &detail) == ERR_OK);
        require(bytes_equal(again.encoded, input));
        buf_release(&b);
    }
    arena_release(&arena);
    return 0;
}
