#include "eth/address.h"

#include "crypto/keccak.h"
#include "rlp/rlp.h"

static void last_20_bytes(struct address *ret_address, struct bytes preimage)
{
    struct hash256 hash;
    crypto_keccak256(&hash, preimage);
    memcpy(ret_address->b, hash.b + 12, sizeof(ret_address->b));
}

void eth_create_address(struct address *ret_address, const struct address *sender, uint64_t nonce)
{
    uint8_t list[1 + 1 + sizeof(sender->b) + 1 + sizeof(nonce)], *at = list;
    at = rlp_put_list_header(at, 1 + sizeof(sender->b) + rlp_size_u64(nonce));
    at = rlp_put_bytes(at, bytes_of(sender->b, sizeof(sender->b)));
    at = rlp_put_u64(at, nonce);
    last_20_bytes(ret_address, bytes_of(list, (size_t)(at - list)));
}

void eth_create2_address(struct address *ret_address, const struct address *sender,
                         const struct hash256 *salt, const struct hash256 *initcode_hash)
{
    uint8_t preimage[1 + sizeof(sender->b) + sizeof(salt->b) + sizeof(initcode_hash->b)];
    preimage[0] = 0xff;
    memcpy(preimage + 1, sender->b, sizeof(sender->b));
    memcpy(preimage + 21, salt->b, sizeof(salt->b));
    memcpy(preimage + 53, initcode_hash->b, sizeof(initcode_hash->b));
    last_20_bytes(ret_address, bytes_of(preimage, sizeof(preimage)));
}
