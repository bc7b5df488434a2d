#include "consensus/test/kit.h"

#include "base/mem.h"
#include "consensus/istanbul/hash.h"

#include <stdlib.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

static struct address address_of(const struct crypto_private_key *key)
{
    struct crypto_public_key public_key;
    struct address address;
    must(crypto_public_key_of(&public_key, key));
    crypto_address_of(&address, &public_key);
    return address;
}

void kit_init(struct kit *kit, size_t count, uint8_t first)
{
    struct address members[KIT_VALIDATORS_MAX];
    *kit = (struct kit){.count = count};
    for (size_t i = 0; i < count; i++) {
        struct crypto_private_key key;
        memset(key.b, (int)(first + i), sizeof(key.b));
        members[i] = address_of(&key);
    }
    istanbul_set_init(&kit->set);
    must(istanbul_set_assign(&kit->set, members, count) == 0);
    for (size_t i = 0; i < count; i++) {
        struct crypto_private_key key;
        memset(key.b, (int)(first + i), sizeof(key.b));
        kit->keys[istanbul_set_index(&kit->set, &members[i])] = key;
    }
    kit->genesis = kit_block(kit, NULL, 0, KIT_GENESIS_TIME, true, 0);
}

void kit_release(struct kit *kit)
{
    consensus_block_unref(kit->genesis);
    istanbul_set_release(&kit->set);
}

void kit_sign(const struct crypto_private_key *key, const struct hash256 *digest,
              uint8_t ret_signature[CONSENSUS_SEAL_SIZE])
{
    struct crypto_signature s;
    must(crypto_ecdsa_sign(&s, digest, key));
    memcpy(ret_signature, s.rs, sizeof(s.rs));
    ret_signature[64] = s.recovery_id;
}

struct consensus_block *kit_block(const struct kit *kit, const struct consensus_block *parent,
                                  size_t proposer, uint64_t time, bool empty, uint64_t salt)
{
    struct buf extra = BUF_INIT, b = BUF_INIT;
    struct consensus_block *block;
    struct eth_header h = {.number = parent ? parent->number + 1 : 0,
                           .timestamp = time,
                           .uncles_hash = eth_empty_uncles_hash,
                           .transactions_root = eth_empty_trie_root,
                           .receipts_root = eth_empty_trie_root,
                           .mix_hash = istanbul_digest,
                           .gas_used = salt};
    istanbul_extra_prepare(&extra, ISTANBUL_QBFT, bytes_none(), kit->set.members, kit->set.count,
                           NULL, false);
    h.extra = buf_bytes(&extra);
    h.difficulty.w[0] = 1;
    if (parent) {
        h.parent_hash = parent->hash;
        h.coinbase = kit->set.members[proposer];
    }
    size_t list = rlp_begin(&b);
    eth_header_write(&b, &h);
    size_t transactions = rlp_begin(&b);
    if (!empty)
        rlp_write_u64(&b, salt);
    rlp_end_list(&b, transactions);
    rlp_end_list(&b, rlp_begin(&b));
    rlp_end_list(&b, list);
    must(consensus_block_new(&block, buf_bytes(&b), NULL) == 0);
    buf_release(&extra);
    buf_release(&b);
    return block;
}

void kit_seal(const struct kit *kit, struct kit_message *message, size_t i)
{
    struct hash256 digest;
    qbft_message_digest(&message->m, &digest);
    kit_sign(&kit->keys[i], &digest, message->signature);
    message->m.signature = bytes_of(message->signature, CONSENSUS_SEAL_SIZE);
}

static struct kit_message *make(enum consensus_code code, uint64_t number, uint64_t round)
{
    struct kit_message *message = mem_alloc_zeroed(1, sizeof(*message));
    must(message != NULL);
    message->m.code = code;
    message->m.number = number;
    message->m.round = round;
    message->m.round_changes = message->changes;
    message->m.prepares = message->prepares;
    return message;
}

struct kit_message *kit_prepare(const struct kit *kit, size_t i, uint64_t number, uint64_t round,
                                const struct hash256 *digest)
{
    struct kit_message *message = make(CONSENSUS_QBFT_PREPARE, number, round);
    message->m.digest = *digest;
    kit_seal(kit, message, i);
    return message;
}

struct kit_message *kit_commit(const struct kit *kit, size_t i, uint64_t round,
                               const struct consensus_block *block)
{
    struct kit_message *message = make(CONSENSUS_QBFT_COMMIT, block->number, round);
    struct eth_header h;
    struct rlp_reader r;
    struct hash256 digest;
    rlp_reader_init(&r, block->rlp);
    rlp_enter(&r, "block");
    eth_header_read(&h, &r);
    must(istanbul_commit_digest(ISTANBUL_QBFT, &h, (uint32_t)round, &digest) == 0);
    kit_sign(&kit->keys[i], &digest, message->seal);
    message->m.digest = block->hash;
    message->m.seal = bytes_of(message->seal, CONSENSUS_SEAL_SIZE);
    kit_seal(kit, message, i);
    return message;
}

struct kit_message *kit_round_change(const struct kit *kit, size_t i, uint64_t number,
                                     uint64_t round, const struct consensus_block *block,
                                     uint64_t prepared_round, size_t prepare_count)
{
    struct kit_message *message = make(CONSENSUS_QBFT_ROUND_CHANGE, number, round);
    if (block) {
        message->m.prepared = true;
        message->m.prepared_round = prepared_round;
        message->m.digest = block->hash;
        message->m.block = block->rlp;
        message->m.prepare_count = prepare_count;
        for (size_t k = 0; k < prepare_count; k++) {
            struct kit_message *p = kit_prepare(kit, k, number, prepared_round, &block->hash);
            uint8_t *signature = mem_alloc(CONSENSUS_SEAL_SIZE);
            must(signature != NULL);
            memcpy(signature, p->signature, CONSENSUS_SEAL_SIZE);
            message->prepares[k] = qbft_prepare_of(&p->m);
            message->prepares[k].signature = bytes_of(signature, CONSENSUS_SEAL_SIZE);
            kit_free(p);
        }
    }
    kit_seal(kit, message, i);
    return message;
}

struct kit_message *kit_pre_prepare(const struct kit *kit, size_t i, uint64_t round,
                                    const struct consensus_block *block,
                                    struct kit_message *const *changes, size_t change_count,
                                    const struct kit_message *prepared)
{
    struct kit_message *message = make(CONSENSUS_QBFT_PRE_PREPARE, block->number, round);
    message->m.block = block->rlp;
    message->m.round_change_count = change_count;
    for (size_t k = 0; k < change_count; k++)
        message->changes[k] = qbft_round_change_of(&changes[k]->m);
    if (prepared) {
        message->m.prepares = prepared->prepares;
        message->m.prepare_count = prepared->m.prepare_count;
    }
    kit_seal(kit, message, i);
    return message;
}

void kit_free(struct kit_message *message)
{
    if (!message)
        return;
    for (size_t k = 0; k < KIT_VALIDATORS_MAX; k++)
        mem_free((void *)(uintptr_t)message->prepares[k].signature.data);
    mem_free(message);
}
