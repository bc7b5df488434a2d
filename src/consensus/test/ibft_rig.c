#include "consensus/test/ibft_rig.h"

#include "consensus/istanbul/hash.h"
#include "consensus/istanbul/seals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

int rig_sign(void *context, const struct hash256 *digest, uint8_t ret[CONSENSUS_SEAL_SIZE])
{
    const struct node *node = context;
    struct crypto_signature signature;
    assert_true(crypto_ecdsa_sign(&signature, digest, &node->key));
    memcpy(ret, signature.rs, 64);
    ret[64] = signature.recovery_id;
    return 0;
}

/* ---- the machine and its effects ---- */

void rig_step(struct world *w, struct consensus_event event)
{
    consensus_effects_clear(&w->effects);
    if (!event.now_ms)
        event.now_ms = NOW;
    assert_int_equal(consensus_machine_step(w->machine, &event, &w->effects), ERR_OK);
    for (size_t i = 0; i < w->effects.count; i++)
        if (w->effects.items[i].kind == CONSENSUS_RECORD) {
            buf_clear(&w->record);
            buf_append_bytes(&w->record, w->effects.items[i].record.bytes);
        }
}

const struct consensus_effect *rig_find(const struct world *w, enum consensus_effect_kind kind)
{
    for (size_t i = 0; i < w->effects.count; i++)
        if (w->effects.items[i].kind == kind)
            return &w->effects.items[i];
    return NULL;
}

bool rig_said(const struct world *w, enum ibft_code code, struct ibft_message *ret_message)
{
    bool recorded = false;
    for (size_t i = 0; i < w->effects.count; i++) {
        const struct consensus_effect *e = &w->effects.items[i];
        struct ibft_message m;
        recorded |= e->kind == CONSENSUS_RECORD;
        if (e->kind != CONSENSUS_BROADCAST ||
            ibft_message_decode(&m, e->broadcast.payload, NULL) != ERR_OK ||
            !address_equal(&m.sender, &w->nodes[w->own].address) || m.code != code)
            continue;
        assert_true(recorded || code == IBFT_CODES);
        assert_int_equal(ibft_message_verify(&m), 1);
        *ret_message = m;
        return true;
    }
    return false;
}

static void make_machine(struct world *w)
{
    struct consensus_options options = {
        .self = w->nodes[w->own].address,
        .sign = rig_sign,
        .sign_context = &w->nodes[w->own],
        .record = buf_bytes(&w->record),
    };
    assert_int_equal(consensus_machine_new(&w->machine, &ibft_machine, &options, NULL), ERR_OK);
}

void rig_say_head(struct world *w, uint64_t number)
{
    struct consensus_event e = {
        .kind = CONSENSUS_HEAD,
        .head = {.number = number,
                 .hash = {{(uint8_t)number}},
                 .time = HEAD_TIME,
                 .proposer = *istanbul_set_at(&w->set, ISTANBUL_BY_TEXT, w->set.count - 1),
                 .validators = &w->set,
                 .params = &w->params},
    };
    rig_step(w, e);
}

void rig_restart(struct world *w)
{
    consensus_machine_free(w->machine);
    make_machine(w);
}

void rig_set_up(struct world *w, size_t own)
{
    *w = (struct world){.own = own};
    struct node nodes[NODES];
    for (size_t i = 0; i < NODES; i++) {
        struct crypto_public_key public_key;
        memset(nodes[i].key.b, (int)i + 1, sizeof(nodes[i].key.b));
        assert_true(crypto_public_key_of(&public_key, &nodes[i].key));
        crypto_address_of(&nodes[i].address, &public_key);
        assert_int_equal(istanbul_set_add(&w->set, &nodes[i].address), ERR_OK);
    }
    for (size_t i = 0; i < NODES; i++)
        for (size_t k = 0; k < NODES; k++)
            if (address_equal(&nodes[k].address, istanbul_set_at(&w->set, ISTANBUL_BY_TEXT, i)))
                w->nodes[i] = nodes[k];
    struct istanbul_config config;
    istanbul_config_init(&config);
    config.qbft_block = ISTANBUL_NEVER;
    config.block_period = PERIOD;
    istanbul_params_at(&config, NUMBER, &w->params);
    make_machine(w);
}

void rig_begin(struct world *w, size_t own)
{
    rig_set_up(w, own);
    rig_say_head(w, HEAD);
}

void rig_tear_down(struct world *w)
{
    while (w->made_count)
        consensus_block_unref(w->made[--w->made_count]);
    consensus_machine_free(w->machine);
    consensus_effects_release(&w->effects);
    istanbul_set_release(&w->set);
    buf_release(&w->record);
}

/* ---- what the others say ---- */

struct consensus_block *rig_make_block(struct world *w, size_t author, uint8_t mark)
{
    struct buf extra = BUF_INIT, sealed = BUF_INIT, b = BUF_INIT;
    istanbul_extra_prepare(&extra, ISTANBUL_IBFT, bytes_none(), w->set.members, w->set.count, NULL,
                           false);
    struct eth_header h = {
        .parent_hash = {{HEAD}},
        .uncles_hash = eth_empty_uncles_hash,
        .state_root = {{mark}},
        .transactions_root = eth_empty_trie_root,
        .receipts_root = eth_empty_trie_root,
        .difficulty = {{1}},
        .number = NUMBER,
        .timestamp = HEAD_TIME + PERIOD,
        .extra = buf_bytes(&extra),
        .mix_hash = istanbul_digest,
    };
    struct hash256 digest;
    struct istanbul_seal seal;
    struct consensus_block *block;
    assert_int_equal(istanbul_proposer_digest(&h, &digest), ERR_OK);
    assert_int_equal(rig_sign(&w->nodes[author], &digest, seal.b), 0);
    assert_int_equal(istanbul_extra_put_seal(&sealed, h.extra, &seal), ERR_OK);
    h.extra = buf_bytes(&sealed);
    size_t list = rlp_begin(&b);
    eth_header_write(&b, &h);
    rlp_write_raw(&b, bytes_of("\xc0\xc0", 2));
    rlp_end_list(&b, list);
    assert_int_equal(consensus_block_new(&block, buf_bytes(&b), NULL), ERR_OK);
    buf_release(&extra);
    buf_release(&sealed);
    buf_release(&b);
    assert_true(w->made_count < BASE_COUNT(w->made));
    return w->made[w->made_count++] = block;
}

void rig_write_message(struct world *w, struct buf *payload, size_t from, enum ibft_code code,
                       uint64_t round, const struct consensus_block *block)
{
    uint8_t seal[CONSENSUS_SEAL_SIZE], signature[CONSENSUS_SEAL_SIZE];
    struct hash256 digest;
    struct ibft_message m = {
        .code = code, .round = round, .sequence = NUMBER, .sender = w->nodes[from].address};
    if (code == IBFT_PRE_PREPARE)
        m.block = block->rlp;
    else if (block)
        m.digest = block->hash;
    if (code == IBFT_COMMIT) {
        istanbul_ibft_commit_digest(&m.digest, &digest);
        rig_sign(&w->nodes[from], &digest, seal);
        m.seal = bytes_of(seal, sizeof(seal));
    }
    assert_int_equal(ibft_message_digest(&m, &digest), ERR_OK);
    rig_sign(&w->nodes[from], &digest, signature);
    m.signature = bytes_of(signature, sizeof(signature));
    ibft_message_write(payload, &m);
}

struct consensus_event rig_message_event(const struct world *w, size_t from,
                                         const struct buf *payload)
{
    return (struct consensus_event){.kind = CONSENSUS_MESSAGE,
                                    .now_ms = NOW,
                                    .message = {.from = w->nodes[from].address,
                                                .code = CONSENSUS_IBFT,
                                                .payload = buf_bytes(payload)}};
}

void rig_hear(struct world *w, size_t from, enum ibft_code code, uint64_t round,
              const struct consensus_block *block)
{
    struct buf payload = BUF_INIT;
    rig_write_message(w, &payload, from, code, round, block);
    rig_step(w, rig_message_event(w, from, &payload));
    buf_release(&payload);
}

void rig_say_checked(struct world *w, const struct consensus_block *block,
                     enum consensus_verdict verdict)
{
    rig_step(w, (struct consensus_event){.kind = CONSENSUS_CHECKED,
                                         .checked = {.hash = block->hash, .verdict = verdict}});
}

void rig_expect_said(const struct world *w, enum ibft_code code, uint64_t round,
                     const struct consensus_block *block)
{
    struct ibft_message m;
    assert_true(rig_said(w, code, &m));
    assert_int_equal(m.round, round);
    assert_int_equal(m.sequence, NUMBER);
    if (code == IBFT_PREPARE || code == IBFT_COMMIT)
        assert_true(hash256_equal(&m.digest, &block->hash));
}

void rig_expect_silence(const struct world *w)
{
    struct ibft_message m;
    for (int code = 0; code < IBFT_CODES; code++)
        assert_false(rig_said(w, (enum ibft_code)code, &m));
}

struct consensus_block *rig_accept_first(struct world *w)
{
    struct consensus_block *block = rig_make_block(w, 0, 1);
    rig_hear(w, 0, IBFT_PRE_PREPARE, 0, block);
    assert_non_null(rig_find(w, CONSENSUS_CHECK));
    rig_expect_silence(w);
    rig_say_checked(w, block, CONSENSUS_CHECK_OK);
    rig_expect_said(w, IBFT_PREPARE, 0, block);
    return block;
}
