/* Any bytes, the first of which chooses the kind, as a QBFT message: what is decoded is encoded, and that is decoded to the same
 * bytes; they are the input's but for the places where the reference takes two forms (an absent block or absent PREPAREs as
 * empty string, a prepared digest of zeros). */
#include "base/fuzz/fuzz.h"
#include "consensus/qbft/message.h"

static bool has_two_forms(const struct qbft_message *m)
{
    if (m->code == CONSENSUS_QBFT_ROUND_CHANGE)
        return !m->prepared || !m->block.len || !m->prepare_count;
    for (size_t i = 0; i < m->round_change_count; i++) {
        if (!m->round_changes[i].prepared)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct bytes input = bytes_of(data + 1, size - 1);
    unsigned code = CONSENSUS_QBFT_PRE_PREPARE + data[0] % 4;
    struct arena arena;
    struct qbft_message m, again;
    arena_init_limited(&arena, 10 * size + 65536); /* the bound that message.h promises */
    int status = qbft_message_decode(&m, &arena, code, input, NULL);
    require(status == ERR_OK || status == ERR_INPUT);
    if (status == ERR_OK) {
        struct buf b = BUF_INIT, c = BUF_INIT;
        struct hash256 digest, digest_again;
        struct consensus_block *block = NULL;
        qbft_message_write(&b, &m);
        require(buf_status(&b) == ERR_OK);
        require(has_two_forms(&m) || bytes_equal(buf_bytes(&b), input));
        arena_clear(&arena);
        qbft_message_digest(&m, &digest);
        struct bytes encoded_block = m.block;
        require(qbft_message_decode(&again, &arena, code, buf_bytes(&b), NULL) == ERR_OK);
        qbft_message_write(&c, &again);
        require(bytes_equal(buf_bytes(&b), buf_bytes(&c)));
        qbft_message_digest(&again, &digest_again);
        require(hash256_equal(&digest, &digest_again));
        if (encoded_block.len && consensus_block_new(&block, encoded_block, NULL) == ERR_OK)
            consensus_block_unref(block);
        buf_release(&b);
        buf_release(&c);
    }
    arena_release(&arena);
    return 0;
}
