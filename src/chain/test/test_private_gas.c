/*
 * What a private transaction costs: in the reference parties and others charge differently where a transaction fails its
 * verification or pays a fixed beneficiary, so that one refuses the other's block; with privateGasFixBlock they agree.
 */
#include "chain/chain.h"
#include "chain/test/maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum what { CALL, CREATION_WITHOUT_HASH, CREATION_WITH_OTHER_HASH, CALL_WITH_OTHER_HASH };

struct peer {
    struct store *store;
    struct chain *chain;
    struct chain_payloads payloads;
};

struct world {
    struct maker maker;
    struct peer party, other;
    enum what what;
    struct chain_tx *tx; /* offered once */
};

static const struct address someone = {{0xaa, 1}};

static int receive(void *context, struct chain_payload *ret, const struct chain_payload_hash *hash,
                   struct arena *arena)
{
    /* A contract of one zero byte: PUSH1 1, PUSH1 0, RETURN. */
    static const uint8_t code[] = {0x60, 1, 0x60, 0, 0xf3};
    const struct world *w = context;
    (void)hash;
    (void)arena;
    *ret = (struct chain_payload){.is_party = true,
                                  .data = bytes_of(code, sizeof(code)),
                                  .flag = w->what == CALL ? CHAIN_STANDARD_PRIVATE
                                                          : CHAIN_STATE_VALIDATION};
    if (w->what == CREATION_WITH_OTHER_HASH || w->what == CALL_WITH_OTHER_HASH)
        ret->exec_hash.b[0] = 1;
    return 0;
}

static void open_peer(struct world *w, struct peer *p, bool is_party)
{
    struct err_detail detail = {""};
    p->payloads = (struct chain_payloads){w, receive};
    const struct chain_options options = {.store = p->store,
                                          .genesis = buf_bytes(&w->maker.genesis),
                                          .archive = true,
                                          .payloads = is_party ? &p->payloads : NULL};
    maker_must(chain_open(&p->chain, &options, &detail), "open", &detail);
}

static struct chain_tx *next(void *context)
{
    struct world *w = context;
    struct chain_tx *tx = w->tx;
    w->tx = NULL;
    return tx;
}

static int sign(void *context, const struct hash256 *digest, uint8_t ret_signature[65])
{
    const struct world *w = context;
    struct crypto_signature signature;
    assert_true(crypto_ecdsa_sign(&signature, digest, &w->maker.validators[0].secret));
    memcpy(ret_signature, signature.rs, 64);
    ret_signature[64] = signature.recovery_id;
    return 0;
}

static struct chain_block *build(struct world *w, struct chain *chain)
{
    static const uint8_t hash[CHAIN_PAYLOAD_HASH] = {1};
    bool is_call = w->what == CALL || w->what == CALL_WITH_OTHER_HASH;
    struct chain_tx *tx = maker_transaction(&w->maker, 0, is_call ? &someone : NULL, 0, 7,
                                            bytes_of(hash, sizeof(hash)), true);
    const struct chain_build in = {.prepare = {.coinbase = w->maker.validators[0].address},
                                   .gas_floor = 3758096384,
                                   .gas_ceil = 3758096384,
                                   .next = next,
                                   .context = w,
                                   .sign = sign,
                                   .sign_context = w};
    struct chain_block *block;
    struct err_detail detail = {""};
    w->tx = tx;
    maker_must(chain_build(chain, &block, &in, &detail), "build", &detail);
    assert_int_equal(block->body->body.transaction_count, 1);
    chain_tx_unref(tx);
    struct chain_block *sealed = maker_seal(&w->maker, block, 0);
    chain_block_unref(block);
    return sealed;
}

/* Whether the party takes the other's block, and is then at its state. */
static bool agree(enum what what, const char *fix)
{
    char config[512];
    struct world w = {.what = what};
    enum chain_verdict verdict;
    struct err_detail why = {""};
    snprintf(config, sizeof(config),
             "\"privacyEnhancementsBlock\": 0, \"enableGasPriceBlock\": 0, %s \"transitions\": "
             "[{\"block\": 1, \"beneficiaryMode\": \"fixed\", \"miningBeneficiary\": "
             "\"0x00000000000000000000000000000000000000bb\"}],",
             fix);
    maker_init(&w.maker, true, 1, 1, 7, config, "");
    struct peer *peers[] = {&w.other, &w.party};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(store_memory_new(&peers[i]->store, chain_tables, CHAIN_TABLES), 0);
        open_peer(&w, peers[i], i == 1);
    }
    struct chain_block *block = build(&w, w.other.chain);
    maker_must(chain_commit(w.other.chain, &verdict, &why, block), "commit", &why);
    assert_int_equal(verdict, CHAIN_VALID);
    maker_must(chain_commit(w.party.chain, &verdict, &why, block), "commit", &why);
    chain_block_unref(block);
    for (size_t i = 0; i < 2; i++) {
        chain_free(peers[i]->chain);
        store_free(peers[i]->store);
    }
    maker_release(&w.maker);
    return verdict == CHAIN_VALID;
}

static void test_as_the_reference(void **state)
{
    (void)state;
    assert_false(agree(CALL, ""));
    assert_false(agree(CREATION_WITHOUT_HASH, ""));
    assert_false(agree(CREATION_WITH_OTHER_HASH, ""));
    assert_false(agree(CALL_WITH_OTHER_HASH, ""));
}

static void test_fixed(void **state)
{
    static const char fix[] = "\"privateGasFixBlock\": 1,";
    (void)state;
    assert_true(agree(CALL, fix));
    assert_true(agree(CREATION_WITHOUT_HASH, fix));
    assert_true(agree(CREATION_WITH_OTHER_HASH, fix));
    assert_true(agree(CALL_WITH_OTHER_HASH, fix));
}

/* Before its block everything is as it was. */
static void test_later(void **state)
{
    (void)state;
    assert_false(agree(CALL, "\"privateGasFixBlock\": 2,"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_the_reference),
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_later),
    };
    return cmocka_run_group_tests_name("private_gas", tests, NULL, NULL);
}
