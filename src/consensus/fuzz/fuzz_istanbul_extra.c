/* Any bytes as the extra data of a header, in both forms: what is decoded is encoded to the same bytes, and a header with it
 * has a hash. */
#include "base/fuzz/fuzz.h"
#include "consensus/istanbul/hash.h"

static void check(enum istanbul_engine form, struct bytes input)
{
    struct istanbul_extra extra;
    if (!istanbul_extra_decode(&extra, form, input))
        return;
    struct buf b = BUF_INIT;
    istanbul_extra_write(&b, &extra);
    require(buf_status(&b) == ERR_OK && bytes_equal(buf_bytes(&b), input));
    buf_release(&b);
    size_t seals = 0;
    struct bytes rest = extra.seals, seal;
    while (istanbul_extra_next_seal(&rest, &seal))
        seals++;
    require(seals == extra.seal_count && rest.len == 0);
    for (size_t i = 0; i < extra.validator_count; i++)
        (void)istanbul_extra_validator(&extra, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    check(ISTANBUL_IBFT, input);
    check(ISTANBUL_QBFT, input);
    struct eth_header header = {.extra = input, .mix_hash = istanbul_digest};
    struct hash256 hash;
    require(istanbul_block_hash(&header, &hash) == ERR_OK);
    return 0;
}
