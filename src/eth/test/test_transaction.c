/* Transactions of every type against vectors of another implementation, Quorum's private ones as a
 * live network had them, each rule with its reason, and every allocation failing. */
#include "base/hex.h"
#include "base/mem.h"
#include "base/pool.h"
#include "crypto/secp256k1.h"
#include "eth/transaction.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Made and signed by go-ethereum 1.17.10 with the key 46…46, chain id 1337. */
static const struct vector {
    enum eth_transaction_type type;
    const char *encoded, *hash, *signing_hash;
} vectors[] = {
    {ETH_LEGACY,
     "f86e098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a7640000"
     "80820a96a011d1f0b9de554ad9e690bb8355507007731b741e232ecb0dc183154c10c77875a03a4b3260"
     "7c8c2287e82ae8c2a334d8412baf15e52ee25c531762dc34252a1365",
     "3874c51841f3290a1b3e23152c474d361cc34e5b58f4adfcf4ff04bd77ed6b7a",
     "9df81edc908cd622cbbab86525a4588fdcbaf6c88757f39b42b1f8f58fd617c2"},
    {ETH_ACCESS_LIST,
     "01f8c88205390107830186a0800585deadbeef00f872f859943535353535353535353535353535353535"
     "353535f842a00100000000000000000000000000000000000000000000000000000000000000a0000000"
     "0000000000000000000000000000000000000000000000000000000002d6940000000000000000000000"
     "000000000000000009c001a0bda37f72649f8442690026dc4d4853e0b2b7597bae824c9020ed2d55a96f"
     "5ffba0536118b205bfd87a5ffaad2c8a697afc7a39ec2b546a6a2bbae2f01e93daafc9",
     "8f32b99443d4e39489aca64b0218159e6f87ebe9629c27eee4754be42c3d6388",
     "24b18f3ef88568aa7b9926eb1eaa3d1d19ab6e5cdec180b3dd24074c08aaa910"},
    {ETH_DYNAMIC_FEE,
     "02f8df82053902038203e8830186a09435353535353535353535353535353535353535350585deadbeef"
     "00f872f859943535353535353535353535353535353535353535f842a001000000000000000000000000"
     "00000000000000000000000000000000000000a000000000000000000000000000000000000000000000"
     "00000000000000000002d6940000000000000000000000000000000000000009c001a03b4157f66f8a32"
     "0224b7a441e7f9cc10673d465ee8035e830e926a68da7a19eba01073da1ec76431f0a51c9444d80cd790"
     "fc0309f0479e3953605cdc06abd32bcb",
     "c4c8796b597acaf3172cd9e9e000668dec96cf1eb057d11e61fd44988e9c13d3",
     "8706aded45c5e73d5d0f94ebff368ddb2b76b855244e115411e92cf6ef942450"},
    {ETH_BLOB,
     "03f9012482053903038203e8830186a09435353535353535353535353535353535353535350585deadbe"
     "ef00f872f859943535353535353535353535353535353535353535f842a0010000000000000000000000"
     "0000000000000000000000000000000000000000a0000000000000000000000000000000000000000000"
     "0000000000000000000002d6940000000000000000000000000000000000000009c04df842a001050000"
     "00000000000000000000000000000000000000000000000000000000a001060000000000000000000000"
     "0000000000000000000000000000000000000001a02cae3610013a8285e3b230054da47853bc0d0d057b"
     "2a24871b6b3fb480c1817ca060f7fc53cd70a2f90371a227947f6d3f7c2351d79a37a4b53b47860f06e5"
     "2c2a",
     "b24ba1d502da8df3e25aa2b221e89d21205180804b34fba0e8b180c28cd00933",
     "43d269be77e458f1f6961d597e6e8fe4970f5b48376da2a2e9fdba1ce684cbfb"},
    {ETH_SET_CODE,
     "04f9014182053904038203e883030d409435353535353535353535353535353535353535350585deadbe"
     "ef00f872f859943535353535353535353535353535353535353535f842a0010000000000000000000000"
     "0000000000000000000000000000000000000000a0000000000000000000000000000000000000000000"
     "0000000000000000000002d6940000000000000000000000000000000000000009c0f860f85e82053994"
     "353535353535353535353535353535353535353582012c01a049e2dcf58f86b4e5df49a735fcbb71e367"
     "9a1e45580e85a6d12d259378211b36a05bd9202e5bf8da4416c4735e80f206e5beaa70c4c9841ddcfdd0"
     "aa658504f00601a03c37ef42894d824bba9038e07fa2d2e1a065d581c5d3084c20714d8e0d2b36b3a05f"
     "de98e3a113ebac70f28fd2ca5699086eb49f06e32882780345209a60f12364",
     "ebba5d74404c4a43926ac012496a6374799ec28484990b99711f5f93e0bb1334",
     "3463308d14dab1b4de053ee28c2163c7622688882455aee84c566a24d9f690c5"},
};

static const char vector_sender[] = "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f";
static const struct eth_rules osaka = {.fork = FORK_OSAKA, .chain_id = {{1337}}};
static const struct eth_rules quorum = {
    .fork = FORK_BERLIN, .chain_id = {{1337}}, .is_quorum = true};

/* A decoded transaction with what it borrows. */
struct decoded {
    struct buf input;
    struct arena arena;
    struct eth_transaction tx;
};

static void decode(struct decoded *d, const char *hex)
{
    buf_init(&d->input);
    arena_init(&d->arena);
    assert_int_equal(hex_decode(hex, &d->input), ERR_OK);
    struct err_detail detail;
    if (eth_transaction_decode(&d->tx, &d->arena, buf_bytes(&d->input), &detail) != ERR_OK)
        fail_msg("%s", detail.text);
}

static void release(struct decoded *d)
{
    arena_release(&d->arena);
    buf_release(&d->input);
}

static void expect_bytes(const void *actual, size_t len, const char *expected)
{
    char text[129] = {0};
    assert_true(2 * len < sizeof(text));
    hex_encode(text, bytes_of(actual, len));
    assert_string_equal(text, expected);
}

static void expect_status(enum eth_tx_status actual, enum eth_tx_status expected)
{
    assert_string_equal(eth_tx_status_text(actual), eth_tx_status_text(expected));
}

static void expect_sender(struct eth_transaction *tx, const struct eth_rules *rules,
                          const char *sender)
{
    enum eth_tx_status status;
    assert_int_equal(eth_transaction_recover(tx, &status, rules), ERR_OK);
    expect_status(status, ETH_TX_OK);
    assert_true(tx->sender_known);
    expect_bytes(tx->sender.b, sizeof(tx->sender.b), sender);
}

static void expect_same_encoding(const struct eth_transaction *tx, struct bytes expected)
{
    struct buf b = BUF_INIT;
    eth_transaction_encode(&b, tx);
    assert_int_equal(b.len, expected.len);
    assert_memory_equal(b.data, expected.data, b.len);
    buf_release(&b);
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(vectors); i++) {
        struct decoded d;
        struct hash256 hash;
        decode(&d, vectors[i].encoded);
        struct eth_transaction *tx = &d.tx;
        assert_int_equal(tx->type, vectors[i].type);
        assert_int_equal(tx->chain_id.w[0], 1337);
        assert_int_equal(eth_transaction_hash(tx, &hash), ERR_OK);
        expect_bytes(hash.b, sizeof(hash.b), vectors[i].hash);
        assert_int_equal(eth_transaction_signing_hash(tx, ETH_SIGN_PROTECTED, &hash), ERR_OK);
        expect_bytes(hash.b, sizeof(hash.b), vectors[i].signing_hash);
        expect_status(eth_transaction_check(tx, &osaka), ETH_TX_OK);
        expect_sender(tx, &osaka, vector_sender);
        expect_same_encoding(tx, tx->encoded);
        tx->encoded = bytes_none();
        assert_int_equal(eth_transaction_hash(tx, &hash), ERR_OK);
        expect_bytes(hash.b, sizeof(hash.b), vectors[i].hash);
        release(&d);
    }
}

/* The fields of the richest types, one by one. */
static void test_fields(void **state)
{
    (void)state;
    struct decoded d;
    decode(&d, vectors[ETH_SET_CODE].encoded);
    const struct eth_transaction *tx = &d.tx;
    assert_int_equal(tx->nonce, 4);
    assert_int_equal(tx->max_priority_fee.w[0], 3);
    assert_int_equal(tx->max_fee.w[0], 1000);
    assert_int_equal(tx->gas_limit, 200000);
    assert_false(tx->is_creation);
    expect_bytes(tx->to.b, sizeof(tx->to.b), "3535353535353535353535353535353535353535");
    assert_int_equal(tx->value.w[0], 5);
    expect_bytes(tx->data.data, tx->data.len, "deadbeef00");
    assert_int_equal(tx->access_count, 2);
    assert_int_equal(tx->access_list[0].key_count, 2);
    assert_int_equal(tx->access_list[0].keys[0].b[0], 1);
    assert_int_equal(tx->access_list[0].keys[1].b[31], 2);
    assert_int_equal(tx->access_list[1].key_count, 0);
    assert_int_equal(tx->access_list[1].address.b[19], 9);
    assert_int_equal(tx->authorization_count, 1);
    assert_int_equal(tx->authorizations[0].chain_id.w[0], 1337);
    assert_int_equal(tx->authorizations[0].nonce, 300);
    struct address authority;
    expect_status(eth_authorization_recover(&tx->authorizations[0], &authority), ETH_TX_OK);
    expect_bytes(authority.b, sizeof(authority.b), vector_sender);
    release(&d);

    decode(&d, vectors[ETH_BLOB].encoded);
    assert_int_equal(d.tx.max_blob_fee.w[0], 77);
    assert_int_equal(d.tx.blob_count, 2);
    assert_int_equal(d.tx.blob_hashes[1].b[1], 6);
    release(&d);

    decode(&d, vectors[ETH_ACCESS_LIST].encoded);
    assert_true(d.tx.is_creation);
    assert_true(u256_equal(&d.tx.max_fee, &d.tx.max_priority_fee));
    release(&d);
}

static void test_authorization_faults(void **state)
{
    (void)state;
    struct decoded d;
    decode(&d, vectors[ETH_SET_CODE].encoded);
    const struct eth_authorization good = d.tx.authorizations[0];
    struct eth_authorization bad = good;
    struct address authority;
    bad.y_parity = u256_from(2);
    expect_status(eth_authorization_recover(&bad, &authority), ETH_TX_INVALID_V);
    bad = good;
    bad.r = u256_from(0);
    expect_status(eth_authorization_recover(&bad, &authority), ETH_TX_INVALID_R);
    bad = good;
    bad.s = u256_from(0);
    expect_status(eth_authorization_recover(&bad, &authority), ETH_TX_INVALID_S);
    bad = good;
    bad.s.w[3] = UINT64_C(0x8000000000000000);
    expect_status(eth_authorization_recover(&bad, &authority), ETH_TX_HIGH_S);
    bad = good;
    bad.r = u256_from(5); /* the x of no point: 5^3 + 7 is no square */
    expect_status(eth_authorization_recover(&bad, &authority), ETH_TX_NO_SENDER);
    release(&d);
}

/* From a recorded network of GoQuorum v24.4.1: two transactions, v = 37 and 38. */
static void make_private(struct eth_transaction *tx, struct buf *data, bool second)
{
    static const char *const texts[][4] = {
        {"c9a52315f4043785e12e396c4e8c0ec2ead1a2c8bf9883e8afa8bb53af772d11"
         "396180b5e96d8c727d54f17df92cf095b9e956efd83942348828342e4d22c427",
         "0x3f133aeb26a92279d2e9510bbf7d7ff6f46fe27c46009c4fc3034d785b366daa",
         "0x55abbfff0cb78326cfcf8824292a10f1b9b2c96fe683d85c2c63aa672ad9a562", "0x25"},
        {"c2fbcd046ef123657ca62e8defdaca20484b4e529ac826b940256cfc0e1eb200"
         "db898a581ac1e5c0ee7d9c837c6c21e17fcff7d1ed3f6f831adaf2d7d0602260",
         "0x87c7dcc14e96236524bdf4b4d8f0442ad7218d585f7b649d511d902474be02b9",
         "0x7f2d8b82098ffdd8cee2c885761eaa92924168677cd745d495b3b9355d48cbb0", "0x26"},
    };
    const char *const *text = texts[second];
    buf_init(data);
    assert_int_equal(hex_decode(text[0], data), ERR_OK);
    *tx = (struct eth_transaction){.type = ETH_LEGACY,
                                   .is_creation = true,
                                   .nonce = second ? 0 : 1,
                                   .gas_limit = 0x47b760,
                                   .data = buf_bytes(data)};
    assert_true(hex_u256(text[1], &tx->r) && hex_u256(text[2], &tx->s));
    assert_true(hex_u256(text[3], &tx->v));
}

static const char private_sender[] = "17de652c39decdbe6ab8bf43d315a27861ce3106";

static void test_private(void **state)
{
    (void)state;
    static const char *const hashes[] = {
        "75abc07507689a738a08b37fae287c665a743f16dfb3e6ae37ae99f40e6e621b",
        "b640e6092aec8b6a480f340977a80c7e68b29a8661263cee938534a4661ccdd8"};
    for (int second = 0; second < 2; second++) {
        struct eth_transaction tx;
        struct buf data, encoded = BUF_INIT;
        struct hash256 hash;
        make_private(&tx, &data, second);
        assert_true(eth_transaction_is_private(&tx));
        assert_int_equal(eth_transaction_hash(&tx, &hash), ERR_OK);
        expect_bytes(hash.b, sizeof(hash.b), hashes[second]);
        expect_status(eth_transaction_check(&tx, &quorum), ETH_TX_OK);
        expect_sender(&tx, &quorum, private_sender);

        /* Elsewhere the same v is chain id 1's; the kept sender does not stand for that reading. */
        eth_transaction_encode(&encoded, &tx);
        char *text = mem_alloc(2 * encoded.len + 1);
        hex_encode(text, buf_bytes(&encoded));
        text[2 * encoded.len] = 0;
        struct decoded d;
        decode(&d, text);
        assert_int_equal(d.tx.chain_id.w[0], 1);
        expect_sender(&d.tx, &quorum, private_sender);
        expect_status(eth_transaction_check(&d.tx, &osaka), ETH_TX_WRONG_CHAIN_ID);
        const struct eth_rules public_chain = {.fork = FORK_BERLIN, .chain_id = {{1}}};
        enum eth_tx_status status;
        assert_int_equal(eth_transaction_recover(&d.tx, &status, &public_chain), ERR_OK);
        expect_status(status, ETH_TX_OK);
        assert_false(d.tx.sender_private);
        char other[41] = {0};
        hex_encode(other, bytes_of(d.tx.sender.b, sizeof(d.tx.sender.b)));
        assert_string_not_equal(other, private_sender);
        expect_sender(&d.tx, &quorum, private_sender);
        release(&d);
        mem_free(text);
        buf_release(&encoded);
        buf_release(&data);
    }
}

static void test_private_faults(void **state)
{
    (void)state;
    struct eth_transaction tx;
    struct buf data;
    make_private(&tx, &data, false);
    tx.v.w[1] = 1; /* the low 64 bits mark it, recovery wants all of v to fit */
    assert_true(eth_transaction_is_private(&tx));
    expect_status(eth_transaction_check(&tx, &quorum), ETH_TX_INVALID_V);
    tx.v.w[1] = 0;
    tx.s.w[3] |= UINT64_C(1) << 63;
    expect_status(eth_transaction_check(&tx, &quorum), ETH_TX_HIGH_S);
    tx.type = ETH_ACCESS_LIST;
    assert_false(eth_transaction_is_private(&tx));
    tx.type = ETH_LEGACY;
    tx.v = u256_from(36);
    assert_false(eth_transaction_is_private(&tx));
    buf_release(&data);
}

/* Each way of signing gives a transaction that names the signer. */
static void test_signing(void **state)
{
    (void)state;
    struct crypto_private_key key;
    memset(key.b, 0x46, sizeof(key.b));
    static const struct {
        enum eth_transaction_type type;
        enum eth_signing how;
        uint64_t lowest_v;
    } ways[] = {
        {ETH_LEGACY, ETH_SIGN_PLAIN, 27},
        {ETH_LEGACY, ETH_SIGN_PROTECTED, 35 + 2 * 1337},
        {ETH_LEGACY, ETH_SIGN_PRIVATE, 37},
        {ETH_DYNAMIC_FEE, ETH_SIGN_PROTECTED, 0},
    };
    for (size_t i = 0; i < BASE_COUNT(ways); i++) {
        struct eth_transaction tx = {.type = ways[i].type, .nonce = 9, .gas_limit = 21000};
        tx.chain_id = u256_from(1337);
        struct hash256 hash;
        struct crypto_signature signature;
        struct eth_rules rules = quorum;
        rules.fork = FORK_LONDON;
        assert_int_equal(eth_transaction_signing_hash(&tx, ways[i].how, &hash), ERR_OK);
        assert_true(crypto_ecdsa_sign(&signature, &hash, &key));
        eth_transaction_set_signature(&tx, ways[i].how, signature.rs, signature.recovery_id);
        assert_in_range(tx.v.w[0], ways[i].lowest_v, ways[i].lowest_v + 1);
        assert_int_equal(eth_transaction_is_private(&tx), ways[i].how == ETH_SIGN_PRIVATE);
        expect_sender(&tx, &rules, vector_sender);
        expect_status(eth_transaction_check(&tx, &rules), ETH_TX_OK);
    }
    /* The vector that go-ethereum signed without a chain id. */
    struct decoded d;
    decode(&d, "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000"
               "0801ba08383adc8b8ae116f918fb44ca7ff9dfd8012596a5c130c6246a2cc717ba41cdaa053ddfacf5b"
               "d4aa7e46d1575acf52636ea659b91f29e2fb91c75567a279738f38");
    assert_true(u256_is_zero(&d.tx.chain_id));
    expect_sender(&d.tx, &osaka, vector_sender);
    release(&d);
}

static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 24 };
    struct decoded d[BASE_COUNT(vectors)];
    struct eth_transaction txs[COUNT];
    enum eth_tx_status statuses[COUNT];
    for (size_t i = 0; i < BASE_COUNT(vectors); i++)
        decode(&d[i], vectors[i].encoded);
    for (unsigned threads = 0; threads <= 3; threads += 3) {
        struct pool *pool = NULL;
        if (threads)
            assert_int_equal(pool_new(&pool, threads), ERR_OK);
        for (size_t i = 0; i < COUNT; i++) {
            txs[i] = d[i % BASE_COUNT(vectors)].tx;
            if (i == 7)
                txs[i].r = u256_from(0);
        }
        assert_int_equal(eth_transactions_recover(txs, statuses, COUNT, &osaka, pool), ERR_OK);
        for (size_t i = 0; i < COUNT; i++) {
            expect_status(statuses[i], i == 7 ? ETH_TX_INVALID_R : ETH_TX_OK);
            assert_int_equal(txs[i].sender_known, i != 7);
            if (i != 7)
                expect_bytes(txs[i].sender.b, sizeof(txs[i].sender.b), vector_sender);
        }
        pool_free(pool);
    }
    mem_fail_at(1, 1);
    txs[0].sender_known = false;
    int status = eth_transactions_recover(txs, statuses, 1, &osaka, NULL);
    mem_fail_at(0, 0);
    assert_int_equal(status, ERR_NOMEM);
    assert_false(txs[0].sender_known);
    for (size_t i = 0; i < BASE_COUNT(vectors); i++)
        release(&d[i]);
}

/* Changes one thing of a valid transaction; what the rules then say. */
static void expect_refused(enum eth_transaction_type type, void (*change)(struct eth_transaction *),
                           const struct eth_rules *rules, enum eth_tx_status expected)
{
    struct decoded d;
    decode(&d, vectors[type].encoded);
    change(&d.tx);
    expect_status(eth_transaction_check(&d.tx, rules), expected);
    release(&d);
}

static void change_nothing(struct eth_transaction *tx)
{
    (void)tx;
}

static void change_chain(struct eth_transaction *tx)
{
    tx->chain_id = u256_from(1338);
}

static void change_parity(struct eth_transaction *tx)
{
    tx->v = u256_from(2);
}

static void change_parity_high(struct eth_transaction *tx)
{
    tx->v.w[3] = 1;
}

static void change_nonce(struct eth_transaction *tx)
{
    tx->nonce = UINT64_MAX;
}

static void change_gas_cap(struct eth_transaction *tx)
{
    tx->gas_limit = (1 << 24) + 1;
}

static void change_gas_at_cap(struct eth_transaction *tx)
{
    tx->gas_limit = 1 << 24;
}

static void change_priority(struct eth_transaction *tx)
{
    tx->max_priority_fee = u256_from(1001);
}

static void change_price(struct eth_transaction *tx)
{
    tx->max_fee.w[3] = UINT64_MAX;
}

static void change_gas(struct eth_transaction *tx)
{
    tx->gas_limit = 21000;
}

/* 2000 bytes that are not zero: 53000 gas, but a floor of 101000. */
static void change_to_floor(struct eth_transaction *tx)
{
    static uint8_t data[2000];
    memset(data, 1, sizeof(data));
    tx->data = bytes_of(data, sizeof(data));
}

static const uint8_t large_initcode[49153];

static void change_initcode(struct eth_transaction *tx)
{
    tx->data = bytes_of(large_initcode, sizeof(large_initcode));
    tx->gas_limit = 1 << 24;
}

static void change_to_creation(struct eth_transaction *tx)
{
    tx->is_creation = true;
}

static void change_no_blobs(struct eth_transaction *tx)
{
    tx->blob_count = 0;
}

static void change_many_blobs(struct eth_transaction *tx)
{
    static struct hash256 hashes[10];
    for (size_t i = 0; i < BASE_COUNT(hashes); i++)
        hashes[i].b[0] = 1;
    tx->blob_hashes = hashes;
    tx->blob_count = 7;
}

static void change_ten_blobs(struct eth_transaction *tx)
{
    change_many_blobs(tx);
    tx->blob_count = 10;
}

static void change_blob_version(struct eth_transaction *tx)
{
    static const struct hash256 hash = {{2}};
    tx->blob_hashes = &hash;
    tx->blob_count = 1;
}

static void change_no_authorizations(struct eth_transaction *tx)
{
    tx->authorization_count = 0;
}

static void test_rules(void **state)
{
    (void)state;
    struct eth_rules prague = osaka, cancun = osaka, shanghai = osaka, london = osaka,
                     berlin = osaka, small = osaka, larger = osaka;
    prague.fork = FORK_PRAGUE, cancun.fork = FORK_CANCUN, shanghai.fork = FORK_SHANGHAI;
    london.fork = FORK_LONDON, berlin.fork = FORK_BERLIN;
    small.max_size = 100, larger.max_initcode = 49153;
    static const struct {
        enum eth_transaction_type type;
        enum fork last_without;
    } types[] = {{ETH_ACCESS_LIST, FORK_ISTANBUL},
                 {ETH_DYNAMIC_FEE, FORK_BERLIN},
                 {ETH_BLOB, FORK_SHANGHAI},
                 {ETH_SET_CODE, FORK_CANCUN}};
    for (size_t i = 0; i < BASE_COUNT(types); i++) {
        struct eth_rules rules = {.fork = types[i].last_without, .chain_id = {{1337}}};
        expect_refused(types[i].type, change_nothing, &rules, ETH_TX_TYPE_NOT_SUPPORTED);
        rules.fork++;
        expect_refused(types[i].type, change_nothing, &rules, ETH_TX_OK);
    }
    expect_refused(ETH_LEGACY, change_nothing, &small, ETH_TX_TOO_LARGE);
    expect_refused(ETH_LEGACY, change_chain, &osaka, ETH_TX_WRONG_CHAIN_ID);
    expect_refused(ETH_DYNAMIC_FEE, change_chain, &osaka, ETH_TX_WRONG_CHAIN_ID);
    expect_refused(ETH_DYNAMIC_FEE, change_parity, &osaka, ETH_TX_INVALID_V);
    expect_refused(ETH_DYNAMIC_FEE, change_parity_high, &osaka, ETH_TX_INVALID_V);
    expect_refused(ETH_DYNAMIC_FEE, change_nonce, &london, ETH_TX_NONCE_MAX);
    expect_refused(ETH_DYNAMIC_FEE, change_gas_cap, &osaka, ETH_TX_GAS_ABOVE_CAP);
    expect_refused(ETH_DYNAMIC_FEE, change_gas_at_cap, &osaka, ETH_TX_OK);
    expect_refused(ETH_DYNAMIC_FEE, change_gas_cap, &prague, ETH_TX_OK);
    expect_refused(ETH_DYNAMIC_FEE, change_priority, &london, ETH_TX_PRIORITY_ABOVE_FEE);
    expect_refused(ETH_DYNAMIC_FEE, change_price, &london, ETH_TX_PRICE_OVERFLOW);
    expect_refused(ETH_ACCESS_LIST, change_gas, &berlin, ETH_TX_INTRINSIC_GAS);
    expect_refused(ETH_DYNAMIC_FEE, change_to_floor, &cancun, ETH_TX_OK);
    expect_refused(ETH_DYNAMIC_FEE, change_to_floor, &prague, ETH_TX_FLOOR_GAS);
    expect_refused(ETH_ACCESS_LIST, change_initcode, &shanghai, ETH_TX_INITCODE_TOO_LARGE);
    expect_refused(ETH_ACCESS_LIST, change_initcode, &larger, ETH_TX_OK);
    expect_refused(ETH_ACCESS_LIST, change_initcode, &london, ETH_TX_OK);
    expect_refused(ETH_DYNAMIC_FEE, change_initcode, &osaka, ETH_TX_OK);
    expect_refused(ETH_BLOB, change_to_creation, &osaka, ETH_TX_BLOB_CREATION);
    expect_refused(ETH_BLOB, change_no_blobs, &osaka, ETH_TX_NO_BLOBS);
    expect_refused(ETH_BLOB, change_many_blobs, &cancun, ETH_TX_TOO_MANY_BLOBS);
    expect_refused(ETH_BLOB, change_many_blobs, &prague, ETH_TX_OK);
    expect_refused(ETH_BLOB, change_many_blobs, &osaka, ETH_TX_TOO_MANY_BLOBS);
    expect_refused(ETH_BLOB, change_ten_blobs, &prague, ETH_TX_TOO_MANY_BLOBS);
    expect_refused(ETH_BLOB, change_blob_version, &osaka, ETH_TX_BLOB_VERSION);
    expect_refused(ETH_SET_CODE, change_to_creation, &osaka, ETH_TX_SET_CODE_CREATION);
    expect_refused(ETH_SET_CODE, change_no_authorizations, &osaka, ETH_TX_NO_AUTHORIZATIONS);
}

/* Without a signature the rest of the rules holds alike. */
static void test_unsigned(void **state)
{
    (void)state;
    struct eth_transaction tx = {.type = ETH_LEGACY, .gas_limit = 21000};
    expect_status(eth_transaction_check(&tx, &osaka), ETH_TX_INVALID_V);
    expect_status(eth_transaction_check_unsigned(&tx, &osaka), ETH_TX_OK);
    tx.gas_limit--;
    expect_status(eth_transaction_check_unsigned(&tx, &osaka), ETH_TX_INTRINSIC_GAS);
    tx.type = ETH_SET_CODE;
    const struct eth_rules cancun = {.fork = FORK_CANCUN, .chain_id = {{1337}}};
    expect_status(eth_transaction_check_unsigned(&tx, &cancun), ETH_TX_TYPE_NOT_SUPPORTED);
}

static void test_intrinsic_gas(void **state)
{
    (void)state;
    struct decoded d;
    /* 21000 + 4 * 16 + 4 + 2 * 2400 + 2 * 1900 + 25000; floor 21000 + 17 * 10 */
    decode(&d, vectors[ETH_SET_CODE].encoded);
    struct eth_intrinsic_gas gas = eth_transaction_intrinsic_gas(&d.tx, FORK_PRAGUE);
    assert_int_equal(gas.gas, 54668);
    assert_int_equal(gas.floor, 21170);
    release(&d);
    decode(&d, vectors[ETH_ACCESS_LIST].encoded); /* + 32000 for the creation, 2 for its word */
    gas = eth_transaction_intrinsic_gas(&d.tx, FORK_SHANGHAI);
    assert_int_equal(gas.gas, 61670);
    assert_int_equal(gas.floor, 0);
    assert_int_equal(eth_transaction_intrinsic_gas(&d.tx, FORK_BERLIN).gas, 61668);
    release(&d);
}

static void test_gas_price(void **state)
{
    (void)state;
    struct eth_transaction tx = {.max_fee = {{100}}, .max_priority_fee = {{30}}};
    struct u256 base_fee = u256_from(50);
    assert_int_equal(eth_transaction_gas_price(&tx, &base_fee).w[0], 80);
    base_fee = u256_from(90);
    assert_int_equal(eth_transaction_gas_price(&tx, &base_fee).w[0], 100);
    base_fee = u256_from(100);
    assert_int_equal(eth_transaction_gas_price(&tx, &base_fee).w[0], 100);
}

static void expect_malformed(const char *hex, int code, const char *message)
{
    struct buf input = BUF_INIT;
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(hex_decode(hex, &input), ERR_OK);
    struct eth_transaction tx;
    struct err_detail detail;
    assert_int_equal(eth_transaction_decode(&tx, &arena, buf_bytes(&input), &detail), code);
    assert_string_equal(detail.text, message);
    arena_release(&arena);
    buf_release(&input);
}

static void test_malformed(void **state)
{
    (void)state;
    expect_malformed("", ERR_INPUT, "transaction: at byte 0: an item is missing");
    expect_malformed("00c0", ERR_INPUT, "transaction: type 0x00 is not known");
    expect_malformed("05c0", ERR_INPUT, "transaction: type 0x05 is not known");
    expect_malformed("80", ERR_INPUT, "transaction: type 0x80 is not known");
    expect_malformed("01", ERR_INPUT, "transaction: at byte 0: an item is missing");
    expect_malformed("02c0", ERR_INPUT, "transaction: chain id at byte 1: an item is missing");
    expect_malformed("03c1c0", ERR_UNSUPPORTED,
                     "transaction: blobs beside a blob transaction are not supported");
    expect_malformed("c9808080808080808080ff", ERR_INPUT,
                     "transaction: at byte 10: bytes after the end");
    expect_malformed("01c980808080808080c0c0", ERR_INPUT,
                     "transaction: y parity at byte 9: a list where a string belongs");
    expect_malformed("01ca80808080808080c28080", ERR_INPUT,
                     "transaction: access list entry at byte 9: fewer bytes than it must have");
}

/* As an item of a list. */
static void test_items(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct decoded d[BASE_COUNT(vectors)];
    for (size_t i = 0; i < BASE_COUNT(vectors); i++) {
        decode(&d[i], vectors[i].encoded);
        eth_transaction_write(&b, &d[i].tx);
    }
    struct arena arena;
    struct rlp_reader r;
    struct err_detail detail;
    struct eth_transaction tx;
    arena_init(&arena);
    rlp_reader_init(&r, buf_bytes(&b));
    for (size_t i = 0; i < BASE_COUNT(vectors); i++) {
        assert_int_equal(eth_transaction_read(&tx, &arena, &r, &detail), ERR_OK);
        assert_true(bytes_equal(tx.encoded, d[i].tx.encoded));
    }
    assert_int_equal(rlp_finish(&r, NULL, "items"), ERR_OK);
    assert_int_equal(eth_transaction_read(&tx, &arena, &r, &detail), ERR_INPUT);
    assert_string_equal(detail.text, "transaction: at byte 1172: an item is missing");

    buf_clear(&b);
    rlp_write_bytes(&b, d[0].tx.encoded);
    rlp_reader_init(&r, buf_bytes(&b));
    assert_int_equal(eth_transaction_read(&tx, &arena, &r, &detail), ERR_INPUT);
    assert_string_equal(detail.text, "transaction: a legacy transaction inside a string");
    rlp_reader_init(&r, bytes_str("\x80"));
    assert_int_equal(eth_transaction_read(&tx, &arena, &r, &detail), ERR_INPUT);
    assert_string_equal(detail.text, "transaction: an empty string");
    for (size_t i = 0; i < BASE_COUNT(vectors); i++)
        release(&d[i]);
    arena_release(&arena);
    buf_release(&b);
}

/* Whichever allocation fails, nothing but ERR_NOMEM comes out of it. */
static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(vectors); i++) {
        struct buf input = BUF_INIT;
        assert_int_equal(hex_decode(vectors[i].encoded, &input), ERR_OK);
        int failures = 0;
        for (size_t n = 1;; n++) {
            struct arena arena;
            struct eth_transaction tx;
            struct hash256 hash;
            enum eth_tx_status outcome;
            arena_init(&arena);
            mem_fail_at(n, 1);
            int status = eth_transaction_decode(&tx, &arena, buf_bytes(&input), NULL);
            if (status == ERR_OK)
                status = eth_transaction_recover(&tx, &outcome, &osaka);
            if (status == ERR_OK) {
                tx.encoded = bytes_none();
                status = eth_transaction_hash(&tx, &hash);
            }
            bool happened = mem_fail_left() == 0;
            mem_fail_at(0, 0);
            arena_release(&arena);
            assert_int_equal(status, happened ? ERR_NOMEM : ERR_OK);
            if (!happened)
                break;
            failures++;
        }
        assert_true(failures >= 2);
        buf_release(&input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_authorization_faults),
        cmocka_unit_test(test_private),
        cmocka_unit_test(test_private_faults),
        cmocka_unit_test(test_signing),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_unsigned),
        cmocka_unit_test(test_intrinsic_gas),
        cmocka_unit_test(test_gas_price),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
