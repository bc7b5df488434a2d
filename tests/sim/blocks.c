#include "base/mem.h"
#include "consensus/istanbul/hash.h"
#include "consensus/istanbul/header_check.h"
#include "tests/sim/sim.h"

#include <stdlib.h>

enum { BAD_GAS = 666 }; /* gas used by a block that must not be accepted */

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void write_block(struct buf *b, const struct eth_header *header, bool empty, uint64_t number)
{
    size_t list = rlp_begin(b);
    eth_header_write(b, header);
    size_t transactions = rlp_begin(b);
    if (!empty)
        rlp_write_u64(b, number);
    rlp_end_list(b, transactions);
    rlp_end_list(b, rlp_begin(b));
    rlp_end_list(b, list);
    must(buf_status(b) == 0);
}

static struct consensus_block *block_of(struct buf *b)
{
    struct consensus_block *block = NULL;
    must(consensus_block_new(&block, buf_bytes(b), NULL) == 0);
    buf_release(b);
    return block;
}

static void header_of(struct eth_header *ret_header, const struct consensus_block *block)
{
    struct rlp_reader r;
    rlp_reader_init(&r, block->rlp);
    rlp_enter(&r, "block");
    eth_header_read(ret_header, &r);
    must(rlp_ok(&r));
}

static enum istanbul_engine engine_at(const struct sim_world *w, uint64_t number)
{
    return istanbul_engine_at(&w->config, number);
}

static void prepare_header(struct eth_header *h, struct sim_world *w, struct buf *extra,
                           uint64_t number, uint64_t time)
{
    istanbul_extra_prepare(extra, engine_at(w, number), bytes_none(), w->set.members, w->set.count,
                           NULL, false);
    *h = (struct eth_header){.number = number,
                             .timestamp = time,
                             .uncles_hash = eth_empty_uncles_hash,
                             .transactions_root = eth_empty_trie_root,
                             .receipts_root = eth_empty_trie_root,
                             .mix_hash = istanbul_digest,
                             .gas_limit = 0xe0000000};
    h->difficulty.w[0] = 1;
    h->extra = buf_bytes(extra);
}

struct consensus_block *sim_genesis(struct sim_world *w)
{
    struct buf extra = BUF_INIT, b = BUF_INIT;
    struct eth_header h;
    prepare_header(&h, w, &extra, 0, 1600000000);
    write_block(&b, &h, true, 0);
    buf_release(&extra);
    return block_of(&b);
}

struct consensus_block *sim_make_block(struct sim_world *w, const struct sim_validator *v,
                                       const struct consensus_block *parent, uint64_t time,
                                       bool empty, bool bad)
{
    struct buf extra = BUF_INIT, sealed = BUF_INIT, b = BUF_INIT;
    struct eth_header h;
    uint64_t number = parent->number + 1;
    prepare_header(&h, w, &extra, number, time);
    h.parent_hash = parent->hash;
    h.gas_used = bad ? BAD_GAS : 0;
    if (engine_at(w, number) == ISTANBUL_QBFT) {
        h.coinbase = v->address;
    } else {
        struct hash256 digest;
        struct crypto_signature signature;
        struct istanbul_seal seal;
        must(istanbul_proposer_digest(&h, &digest) == 0);
        must(crypto_ecdsa_sign(&signature, &digest, &v->key));
        memcpy(seal.b, signature.rs, sizeof(signature.rs));
        seal.b[64] = signature.recovery_id;
        must(istanbul_extra_put_seal(&sealed, h.extra, &seal) == 0);
        h.extra = buf_bytes(&sealed);
    }
    write_block(&b, &h, empty, number);
    buf_release(&extra);
    buf_release(&sealed);
    return block_of(&b);
}

struct consensus_block *sim_seal_block(struct sim_world *w, const struct consensus_block *block,
                                       uint64_t round, const struct consensus_seal *seals,
                                       size_t count)
{
    struct buf extra = BUF_INIT, b = BUF_INIT;
    struct eth_header h;
    struct istanbul_seal copies[SIM_NODES_MAX];
    header_of(&h, block);
    must(count <= SIM_NODES_MAX);
    for (size_t i = 0; i < count; i++)
        memcpy(copies[i].b, seals[i].b, sizeof(copies[i].b));
    must(istanbul_extra_put_commits(&extra, engine_at(w, block->number), h.extra, (uint32_t)round,
                                    copies, count) == 0);
    h.extra = buf_bytes(&extra);
    write_block(&b, &h, block->empty, block->number);
    buf_release(&extra);
    return block_of(&b);
}

bool sim_block_is_bad(const struct consensus_block *block)
{
    struct eth_header h;
    header_of(&h, block);
    return h.gas_used == BAD_GAS;
}

static int check_header(struct sim_world *w, const struct consensus_block *block,
                        const struct consensus_block *parent, uint64_t now_ms, bool proposal)
{
    struct eth_header h, parent_header;
    header_of(&h, block);
    header_of(&parent_header, parent);
    struct istanbul_header_check check = {.config = &w->config,
                                          .parent = &parent_header,
                                          .parent_hash = &parent->hash,
                                          .validators = &w->set,
                                          .now = now_ms / 1000,
                                          .proposal = proposal};
    return istanbul_check_header(&check, &h);
}

enum consensus_verdict sim_check_block(struct sim_world *w, const struct consensus_block *block,
                                       const struct consensus_block *parent, uint64_t now_ms,
                                       uint64_t *ret_wait_ms)
{
    *ret_wait_ms = 0;
    int verdict = check_header(w, block, parent, now_ms, true);
    if (verdict == ISTANBUL_FUTURE) {
        *ret_wait_ms = block->time * 1000 - now_ms;
        return CONSENSUS_CHECK_FUTURE;
    }
    return verdict == ISTANBUL_VALID && !sim_block_is_bad(block) ? CONSENSUS_CHECK_OK
                                                                 : CONSENSUS_CHECK_BAD;
}

const char *sim_check_committed(struct sim_world *w, const struct consensus_block *block,
                                const struct consensus_block *parent)
{
    if (sim_block_is_bad(block))
        return "a bad block was committed";
    int verdict = check_header(w, block, parent, UINT64_MAX, false);
    if (verdict != ISTANBUL_VALID)
        return istanbul_verdict_text((enum istanbul_verdict)verdict);
    struct eth_header h;
    header_of(&h, block);
    struct buf committers = BUF_INIT;
    must(istanbul_committers(engine_at(w, block->number), &h, &committers) == ISTANBUL_VALID);
    size_t count = committers.len / sizeof(struct address);
    buf_release(&committers);
    return count < istanbul_set_quorum(&w->set, false) ? "fewer seals than a quorum" : "";
}
