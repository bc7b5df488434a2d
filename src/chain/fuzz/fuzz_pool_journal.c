/* Any bytes as a journal of transactions: the sound part is written again byte for byte, and read
 * to the same end. */
#include "base/fuzz/fuzz.h"
#include "chain/pool/pool.h"

enum { MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chain_tx *txs[MOST], *again[MOST];
    size_t count, sound, count_again, sound_again;
    struct err_detail detail;
    struct bytes input = bytes_of(data, size);
    int rc = chain_pool_journal_decode(input, true, txs, MOST, &count, &sound, &detail);
    require(rc == ERR_OK || rc == ERR_INPUT || rc == ERR_UNSUPPORTED);
    require(rc != ERR_OK || sound == size || count == MOST);
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        chain_tx_write(&b, txs[i]);
    require(bytes_equal(buf_bytes(&b), bytes_slice(input, 0, sound)));
    rc = chain_pool_journal_decode(buf_bytes(&b), true, again, MOST, &count_again, &sound_again,
                                   &detail);
    require(rc == ERR_OK && count_again == count && sound_again == sound);
    for (size_t i = 0; i < count; i++) {
        require(hash256_equal(&txs[i]->hash, &again[i]->hash));
        chain_tx_unref(txs[i]);
        chain_tx_unref(again[i]);
    }
    buf_release(&b);
    return 0;
}
