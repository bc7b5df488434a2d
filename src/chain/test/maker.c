#include "chain/test/maker.h"

#include "base/hex.h"
#include "consensus/istanbul/hash.h"

#include <stdio.h>
#include <stdlib.h>

void maker_must(int err, const char *what, const struct err_detail *detail)
{
    if (err == 0)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, err_text(err), detail ? detail->text : "");
    exit(1);
}

static void require(bool holds, const char *what)
{
    maker_must(holds ? 0 : ERR_CRYPTO, what, NULL);
}

static uint64_t next_random(struct maker *m)
{
    m->random = m->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return m->random >> 16;
}

static void make_key(struct maker_key *key, struct maker *m)
{
    struct crypto_public_key public;
    for (size_t i = 0; i < sizeof(key->secret.b); i++)
        key->secret.b[i] = (uint8_t)(next_random(m) >> 8);
    key->secret.b[0] &= 0x7f; /* below the order */
    require(crypto_public_key_of(&public, &key->secret), "key");
    crypto_address_of(&key->address, &public);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct address));
}

static void write_extra(struct maker *m, struct buf *extra)
{
    struct address validators[MAKER_VALIDATORS_MAX];
    static const uint8_t zeros[65];
    for (size_t i = 0; i < m->validator_count; i++)
        validators[i] = m->validators[i].address;
    if (!m->is_clique) {
        istanbul_extra_prepare(extra, m->is_qbft ? ISTANBUL_QBFT : ISTANBUL_IBFT, bytes_none(),
                               validators, m->validator_count, NULL, false);
        return;
    }
    qsort(validators, m->validator_count, sizeof(validators[0]), by_bytes);
    buf_append(extra, zeros, 32);
    buf_append(extra, validators, m->validator_count * sizeof(validators[0]));
    buf_append(extra, zeros, 65);
}

static void write_genesis(struct maker *m, const char *config, const char *alloc)
{
    static const char bft[] = "{\"epochlength\": 30000, \"blockperiodseconds\": 1, "
                              "\"requesttimeoutseconds\": 4, \"policy\": 0}";
    struct buf extra = BUF_INIT;
    static const struct hash256 none;
    write_extra(m, &extra);
    buf_append_format(
        &m->genesis,
        "{\"config\": {\"chainId\": 1337, %s \"homesteadBlock\": 0, \"eip150Block\": 0, "
        "\"eip155Block\": 0, \"eip158Block\": 0, \"byzantiumBlock\": 0, \"constantinopleBlock\": "
        "0, \"petersburgBlock\": 0, \"istanbulBlock\": 0, \"berlinBlock\": 0, \"isQuorum\": true, "
        "\"%s\": %s}, \"nonce\": \"0x0\", \"timestamp\": \"0x5f5e1000\", \"gasLimit\": "
        "\"0xE0000000\", \"difficulty\": \"0x1\", \"mixHash\": \"",
        config,
        m->is_clique ? "clique"
        : m->is_qbft ? "qbft"
                     : "ibft",
        m->is_clique ? "{\"period\": 0, \"epoch\": 30000}" : bft);
    hex_append(&m->genesis, bytes_of(m->is_clique ? none.b : istanbul_digest.b, 32));
    buf_append_text(&m->genesis, "\", \"extraData\": \"");
    hex_append(&m->genesis, buf_bytes(&extra));
    buf_append_format(&m->genesis, "\", \"alloc\": {%s", alloc);
    for (size_t i = 0; i < m->account_count; i++) {
        buf_append_text(&m->genesis, i ? ", \"" : "\"");
        hex_append(&m->genesis, bytes_of(m->accounts[i].address.b, 20));
        buf_append_text(&m->genesis, "\": {\"balance\": \"0x446c3b15f9926687d2c40534fdb5640000\"}");
    }
    buf_append_text(&m->genesis, "}}");
    maker_must(buf_status(&m->genesis), "genesis", NULL);
    buf_release(&extra);
}

static void init(struct maker *m, bool is_qbft, bool is_clique, size_t validators, size_t accounts,
                 uint64_t seed, const char *config, const char *alloc)
{
    *m = (struct maker){.is_qbft = is_qbft,
                        .is_clique = is_clique,
                        .validator_count = validators,
                        .account_count = accounts,
                        .random = seed * 2 + 1};
    buf_init(&m->genesis);
    for (size_t i = 0; i < validators; i++)
        make_key(&m->validators[i], m);
    for (size_t i = 0; i < accounts; i++)
        make_key(&m->accounts[i], m);
    write_genesis(m, config, alloc);
}

void maker_init(struct maker *m, bool is_qbft, size_t validators, size_t accounts, uint64_t seed,
                const char *config, const char *alloc)
{
    init(m, is_qbft, false, validators, accounts, seed, config, alloc);
}

void maker_init_clique(struct maker *m, size_t signers, size_t accounts, uint64_t seed)
{
    init(m, false, true, signers, accounts, seed, "", "");
}

void maker_release(struct maker *m)
{
    buf_release(&m->genesis);
}

struct chain_tx *maker_transaction(struct maker *m, size_t from, const struct address *to,
                                   uint64_t value, uint64_t gas_price, struct bytes data,
                                   bool is_private)
{
    struct eth_transaction tx = {
        .type = ETH_LEGACY,
        .is_creation = !to,
        .to = to ? *to : (struct address){{0}},
        .nonce = m->nonces[from]++,
        .gas_limit = data.len ? 3000000 : 21000,
        .value = u256_from(value),
        .data = data,
        .max_fee = u256_from(gas_price),
        .max_priority_fee = u256_from(gas_price),
        .chain_id = u256_from(is_private ? 0 : 1337),
    };
    enum eth_signing how = is_private ? ETH_SIGN_PRIVATE : ETH_SIGN_PROTECTED;
    struct hash256 hash;
    struct crypto_signature signature;
    struct buf b = BUF_INIT;
    struct chain_tx *made;
    struct err_detail detail = {""};
    maker_must(eth_transaction_signing_hash(&tx, how, &hash), "transaction", NULL);
    require(crypto_ecdsa_sign(&signature, &hash, &m->accounts[from].secret), "signature");
    eth_transaction_set_signature(&tx, how, signature.rs, signature.recovery_id);
    eth_transaction_encode(&b, &tx);
    maker_must(chain_tx_decode(&made, buf_bytes(&b), true, 0, &detail), "transaction", &detail);
    made->tx.sender_known = true;
    made->tx.sender_private = is_private;
    made->tx.sender = m->accounts[from].address;
    buf_release(&b);
    return made;
}

struct chain_tx *maker_transfer(struct maker *m)
{
    size_t from = next_random(m) % m->account_count, to = next_random(m) % m->account_count;
    return maker_transaction(m, from, &m->accounts[to].address, 1, 0, bytes_none(), false);
}

/* --- Blocks --- */

struct offers {
    struct maker *m;
    const struct maker_key *key;
    size_t left;
    struct chain_tx *last;
};

static struct chain_tx *next_transfer(void *context)
{
    struct offers *offers = context;
    chain_tx_unref(offers->last);
    offers->last = offers->m->first;
    offers->m->first = NULL;
    if (offers->last)
        return offers->last;
    offers->last = offers->left ? maker_transfer(offers->m) : NULL;
    offers->left -= offers->left > 0;
    return offers->last;
}

static int sign_digest(void *context, const struct hash256 *digest, uint8_t ret_signature[65])
{
    const struct offers *offers = context;
    struct crypto_signature signature;
    if (!crypto_ecdsa_sign(&signature, digest, &offers->key->secret))
        return ERR_CRYPTO;
    memcpy(ret_signature, signature.rs, 64);
    ret_signature[64] = signature.recovery_id;
    return 0;
}

struct chain_block *maker_build(struct maker *m, struct chain *chain, size_t proposer,
                                size_t transfers)
{
    struct offers offers = {m, &m->validators[proposer], transfers, NULL};
    const struct chain_build in = {
        .prepare = {.coinbase = offers.key->address},
        .gas_floor = 3758096384,
        .gas_ceil = 3758096384,
        .next = next_transfer,
        .context = &offers,
        .sign = sign_digest,
        .sign_context = &offers,
    };
    struct chain_block *block;
    struct err_detail detail = {""};
    maker_must(chain_build(chain, &block, &in, &detail), "build", &detail);
    chain_tx_unref(offers.last);
    return block;
}

struct chain_block *maker_seal(struct maker *m, const struct chain_block *block, uint32_t round)
{
    enum istanbul_engine engine = m->is_qbft ? ISTANBUL_QBFT : ISTANBUL_IBFT;
    struct istanbul_seal seals[MAKER_VALIDATORS_MAX];
    struct hash256 digest;
    struct buf extra = BUF_INIT;
    struct chain_block *sealed;
    if (m->is_clique) /* its one seal is there */
        return chain_block_ref((struct chain_block *)(uintptr_t)block);
    maker_must(istanbul_commit_digest(engine, &block->header, round, &digest), "digest", NULL);
    for (size_t i = 0; i < m->validator_count; i++) {
        struct offers signer = {.key = &m->validators[i]};
        maker_must(sign_digest(&signer, &digest, seals[i].b), "seal", NULL);
    }
    maker_must(istanbul_extra_put_commits(&extra, engine, block->header.extra, round, seals,
                                          m->validator_count),
               "seals", NULL);
    maker_must(chain_block_with_extra(&sealed, block, buf_bytes(&extra)), "block", NULL);
    buf_release(&extra);
    return sealed;
}

void maker_extend(struct maker *m, struct chain *chain, size_t transfers)
{
    enum chain_verdict verdict;
    struct err_detail why = {""};
    struct chain_block *block = maker_build(m, chain, 0, transfers);
    struct chain_block *sealed = maker_seal(m, block, 0);
    maker_must(chain_commit(chain, &verdict, &why, sealed), "commit", &why);
    maker_must(verdict == CHAIN_VALID ? 0 : ERR_INPUT, chain_verdict_text(verdict), &why);
    chain_block_unref(block);
    chain_block_unref(sealed);
}
