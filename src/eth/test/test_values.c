/* Headers, blocks, receipts, filters, addresses, fees and configurations. */
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/keccak.h"
#include "eth/address.h"
#include "eth/block.h"
#include "eth/config.h"
#include "eth/difficulty.h"
#include "eth/fee.h"
#include "eth/receipt.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct buf unhex(const char *text)
{
    struct buf b = BUF_INIT;
    assert_int_equal(hex_decode(text, &b), ERR_OK);
    return b;
}

static void expect_bytes(const void *actual, size_t len, const char *expected)
{
    char text[129] = {0};
    assert_true(2 * len < sizeof(text));
    hex_encode(text, bytes_of(actual, len));
    assert_string_equal(text, expected);
}

static void expect_keccak(struct bytes data, const char *expected)
{
    struct hash256 hash;
    crypto_keccak256(&hash, data);
    expect_bytes(hash.b, sizeof(hash.b), expected);
}

/* Made by go-ethereum 1.17.10, with every field there is. */
static const char full_header[] =
    "f9026da00100000000000000000000000000000000000000000000000000000000000000a01dcc4de8de"
    "c75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347943535353535353535353535353535"
    "353535353535a00200000000000000000000000000000000000000000000000000000000000000a00300"
    "000000000000000000000000000000000000000000000000000000000000a00400000000000000000000"
    "000000000000000000000000000000000000000000b90100000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000002000000000000000000000000000000000000000000000000000000000800000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "00000000000000000000000000000000000000400000000000000000830200004d8401c9c38082520884"
    "6553f1008771756f72617465a00500000000000000000000000000000000000000000000000000000000"
    "00000088010203040506070807a006000000000000000000000000000000000000000000000000000000"
    "000000008302000083040000a00700000000000000000000000000000000000000000000000000000000"
    "000000a00800000000000000000000000000000000000000000000000000000000000000";

/* Its hash with the tail cut after each fork's last field. */
static const struct {
    enum eth_header_tail tail;
    const char *hash;
} tails[] = {
    {ETH_HEADER_PLAIN, "54dbcf5cd98a9595e429e27f483c2cd02ff9f7d8c0b22eed01561dc61f6e951c"},
    {ETH_HEADER_BASE_FEE, "35aadf700fef9aca91b0091cf7f7d08b2dc923039083c832a9628bf0787216e6"},
    {ETH_HEADER_WITHDRAWALS_ROOT,
     "9139554856329896f53c9e4b85c500c92b83c72ecf3105c58ce520f48550c6f2"},
    {ETH_HEADER_BEACON_ROOT, "b1a65279ff2eaa38e508882c5a022d19d62f8ed53b1e751ab69e11fde79b9b88"},
    {ETH_HEADER_REQUESTS_HASH, "da275f1c1f401b467204ce5e0aa09179e161005f9048eccf8756bf2ca73440cf"},
};

static void test_header(void **state)
{
    (void)state;
    struct buf input = unhex(full_header), again = BUF_INIT;
    struct eth_header h;
    assert_int_equal(eth_header_decode(&h, buf_bytes(&input), NULL), ERR_OK);
    assert_int_equal(h.number, 77);
    assert_int_equal(h.gas_limit, 30000000);
    assert_int_equal(h.gas_used, 21000);
    assert_int_equal(h.timestamp, 1700000000);
    assert_int_equal(h.difficulty.w[0], 131072);
    assert_true(bytes_equal(h.extra, bytes_str("quorate")));
    assert_int_equal(h.nonce[7], 8);
    assert_int_equal(h.base_fee.w[0], 7);
    assert_int_equal(h.blob_gas_used, 131072);
    assert_int_equal(h.excess_blob_gas, 0x40000);
    assert_int_equal(h.requests_hash.b[0], 8);
    for (size_t i = 0; i < BASE_COUNT(tails); i++) {
        struct hash256 hash;
        h.tail = tails[i].tail;
        assert_int_equal(eth_header_hash(&h, &hash), ERR_OK);
        expect_bytes(hash.b, sizeof(hash.b), tails[i].hash);
        struct eth_header read;
        buf_clear(&again);
        eth_header_write(&again, &h);
        assert_int_equal(eth_header_decode(&read, buf_bytes(&again), NULL), ERR_OK);
        assert_int_equal(read.tail, tails[i].tail);
    }
    mem_fail_at(1, 1);
    struct hash256 hash;
    int status = eth_header_hash(&h, &hash);
    mem_fail_at(0, 0);
    assert_int_equal(status, ERR_NOMEM);
    buf_release(&input);
    buf_release(&again);
}

/* Each prefix of the fields is refused at the first that is missing, except where a tail may end. */
static void test_header_cut(void **state)
{
    (void)state;
    struct buf input = unhex(full_header);
    struct rlp_reader r;
    rlp_reader_init(&r, buf_bytes(&input));
    struct bytes fields = rlp_read_list(&r, NULL);
    rlp_reader_init(&r, fields);
    unsigned accepted = 0, total = 0;
    for (bool more = true; more; total++) {
        size_t taken = fields.len - rlp_left(&r);
        struct buf cut = BUF_INIT;
        size_t list = rlp_begin(&cut);
        rlp_write_raw(&cut, bytes_slice(fields, 0, taken));
        rlp_end_list(&cut, list);
        struct eth_header h;
        struct err_detail detail;
        int status = eth_header_decode(&h, buf_bytes(&cut), &detail);
        assert_int_equal(status, total < 15 ? ERR_INPUT : ERR_OK);
        if (status == ERR_OK)
            assert_int_equal(h.tail, accepted++);
        else
            assert_non_null(strstr(detail.text, "an item is missing"));
        buf_release(&cut);
        more = rlp_more(&r);
        if (more)
            rlp_skip(&r, NULL);
    }
    assert_int_equal(accepted, ETH_HEADER_REQUESTS_HASH + 1);
    assert_int_equal(total, 22);

    struct buf longer = BUF_INIT;
    size_t list = rlp_begin(&longer);
    rlp_write_raw(&longer, fields);
    rlp_write_u64(&longer, 1);
    rlp_end_list(&longer, list);
    struct eth_header h;
    struct err_detail detail;
    assert_int_equal(eth_header_decode(&h, buf_bytes(&longer), &detail), ERR_INPUT);
    assert_string_equal(detail.text, "header: field after the last at byte 624: more items than it "
                                     "must have");
    buf_release(&longer);
    buf_release(&input);
}

static struct eth_transaction transactions[3];

/* A block with a transaction of each kind of item, an uncle and two withdrawals. */
static void make_block(struct eth_block *block, const struct eth_header *header,
                       bool has_withdrawals)
{
    static struct eth_withdrawal withdrawals[2] = {{1, 2, {{3}}, 4}, {5, 6, {{7}}, 8}};
    static struct eth_header uncle;
    transactions[0] = (struct eth_transaction){.type = ETH_LEGACY, .gas_limit = 21000};
    transactions[1] = (struct eth_transaction){.type = ETH_ACCESS_LIST, .is_creation = true};
    transactions[2] = (struct eth_transaction){.type = ETH_DYNAMIC_FEE, .nonce = 1};
    uncle = *header;
    *block = (struct eth_block){
        .header = *header,
        .body = {transactions, 3, &uncle, 1, has_withdrawals, withdrawals, has_withdrawals ? 2 : 0},
    };
}

static void test_block(void **state)
{
    (void)state;
    struct buf input = unhex(full_header), encoded = BUF_INIT, again = BUF_INIT;
    struct eth_header header;
    assert_int_equal(eth_header_decode(&header, buf_bytes(&input), NULL), ERR_OK);
    struct arena arena;
    arena_init(&arena);
    for (int has = 0; has < 2; has++) {
        struct eth_block block, read;
        make_block(&block, &header, has);
        buf_clear(&encoded);
        eth_block_write(&encoded, &block);
        assert_int_equal(eth_block_decode(&read, &arena, buf_bytes(&encoded), NULL), ERR_OK);
        assert_int_equal(read.header.number, 77);
        assert_int_equal(read.body.transaction_count, 3);
        assert_int_equal(read.body.transactions[2].type, ETH_DYNAMIC_FEE);
        assert_int_equal(read.body.uncle_count, 1);
        assert_int_equal(read.body.has_withdrawals, has);
        assert_int_equal(read.body.withdrawal_count, 2 * has);
        if (has)
            assert_int_equal(read.body.withdrawals[1].amount, 8);
        buf_clear(&again);
        eth_block_write(&again, &read);
        assert_true(bytes_equal(buf_bytes(&encoded), buf_bytes(&again)));

        buf_clear(&again);
        eth_body_write(&again, &block.body);
        struct rlp_reader r;
        struct eth_body body;
        rlp_reader_init(&r, buf_bytes(&again));
        assert_int_equal(eth_body_read(&body, &arena, &r, NULL), ERR_OK);
        assert_int_equal(rlp_finish(&r, NULL, "body"), ERR_OK);
        assert_int_equal(body.transaction_count, 3);
        struct hash256 hash;
        assert_int_equal(eth_uncles_hash(body.uncles, 1, &hash), ERR_OK);
        assert_false(hash256_equal(&hash, &eth_empty_uncles_hash));
        assert_int_equal(eth_uncles_hash(NULL, 0, &hash), ERR_OK);
        assert_true(hash256_equal(&hash, &eth_empty_uncles_hash));
    }
    expect_keccak(bytes_str("\x80"),
                  "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
    assert_memory_equal(&eth_empty_trie_root, "\x56\xe8\x1f\x17", 4);
    arena_release(&arena);
    buf_release(&input);
    buf_release(&encoded);
    buf_release(&again);
}

/* A block with an out-of-memory at each allocation, and some that are malformed. */
static void test_block_failures(void **state)
{
    (void)state;
    struct buf input = unhex(full_header), encoded = BUF_INIT;
    struct eth_header header;
    assert_int_equal(eth_header_decode(&header, buf_bytes(&input), NULL), ERR_OK);
    struct eth_block block, read;
    make_block(&block, &header, true);
    eth_block_write(&encoded, &block);
    struct arena arena;
    struct err_detail detail;
    for (size_t limit = 1; limit <= 16384; limit *= 2) {
        arena_init_limited(&arena, limit);
        int status = eth_block_decode(&read, &arena, buf_bytes(&encoded), &detail);
        assert_true(status == ERR_NOMEM ? limit < 16384 : status == ERR_OK && limit > 1024);
        if (status != ERR_OK)
            assert_non_null(strstr(detail.text, "out of memory"));
        arena_release(&arena);
    }
    mem_fail_at(1, 1);
    arena_init(&arena);
    assert_int_equal(eth_block_decode(&read, &arena, buf_bytes(&encoded), &detail), ERR_NOMEM);
    mem_fail_at(0, 0);

    buf_clear(&encoded);
    size_t list = rlp_begin(&encoded);
    eth_header_write(&encoded, &header);
    size_t items = rlp_begin(&encoded);
    rlp_write_raw(&encoded, bytes_str("\xc9\1\1\1\1\1\1\1\1\1"));
    rlp_end_list(&encoded, items);
    rlp_write_raw(&encoded, bytes_str("\xc0"));
    rlp_end_list(&encoded, list);
    assert_int_equal(eth_block_decode(&read, &arena, buf_bytes(&encoded), &detail), ERR_INPUT);
    assert_string_equal(detail.text, "transaction 0: transaction: to at byte 4: fewer bytes than "
                                     "it must have");
    arena_release(&arena);
    buf_release(&input);
    buf_release(&encoded);
}

static const struct hash256 topics[2] = {{{9}}, {{10}}};

/* Two logs as the vectors below have them. */
static void make_logs(struct eth_log logs[2])
{
    logs[0] =
        (struct eth_log){.topics = topics, .topic_count = 2, .data = bytes_of("\x01\x02\x03", 3)};
    memset(logs[0].address.b, 0x35, sizeof(logs[0].address.b));
    logs[1] = (struct eth_log){.address = {{1}}};
}

static void test_receipt(void **state)
{
    (void)state;
    struct eth_log logs[2];
    make_logs(logs);
    /* Hashes of encoding and filter by go-ethereum 1.17.10. */
    struct {
        struct eth_receipt receipt;
        const char *hash, *bloom_hash;
    } vectors[] = {
        {{.type = ETH_LEGACY, .success = true, .cumulative_gas = 21000},
         "e38e5532717f12f769b07ea016014bd39b74fb72def4de8442114cc2728609f2",
         "d397b3b043d87fcd6fad1291ff0bfd16401c274896d8c63a923727f077b8e0b5"},
        {{.type = ETH_DYNAMIC_FEE,
          .cumulative_gas = UINT64_C(1) << 40,
          .logs = logs,
          .log_count = 2},
         "605e579313443b9de311343fd2aa80db020259c7af20481d7a41bd3ce102672a",
         "54e1359045449b2b9c097cb27f1f8b2ff2147cbd16a686f93435f1aa203e65e9"},
        {{.type = ETH_LEGACY,
          .has_post_state = true,
          .post_state = {{3}},
          .cumulative_gas = 5,
          .logs = logs,
          .log_count = 1},
         "29926bcd4ac9923ee14f4acc0dcadbe462b02266fb37b5a917501fa2fd60bf33",
         "a5fdb5cc690ce3643e0ba1f53529dc65fdb6cad1e689bc98bde056baa48f7757"},
    };
    struct arena arena;
    arena_init(&arena);
    struct buf b = BUF_INIT, item = BUF_INIT, again = BUF_INIT;
    for (size_t i = 0; i < BASE_COUNT(vectors); i++) {
        struct eth_receipt *receipt = &vectors[i].receipt, read;
        eth_receipt_make_bloom(receipt);
        expect_keccak(bytes_of(receipt->bloom.b, sizeof(receipt->bloom.b)), vectors[i].bloom_hash);
        buf_clear(&b);
        eth_receipt_encode(&b, receipt);
        expect_keccak(buf_bytes(&b), vectors[i].hash);
        assert_int_equal(eth_receipt_decode(&read, &arena, buf_bytes(&b), NULL), ERR_OK);
        assert_int_equal(read.type, receipt->type);
        assert_int_equal(read.success, receipt->success);
        assert_int_equal(read.has_post_state, receipt->has_post_state);
        assert_true(hash256_equal(&read.post_state, &receipt->post_state));
        assert_int_equal(read.cumulative_gas, receipt->cumulative_gas);
        assert_true(eth_bloom_equal(&read.bloom, &receipt->bloom));
        assert_int_equal(read.log_count, receipt->log_count);
        buf_clear(&item);
        eth_receipt_write(&item, &read);
        struct rlp_reader r;
        rlp_reader_init(&r, buf_bytes(&item));
        assert_int_equal(eth_receipt_read(&read, &arena, &r, NULL), ERR_OK);
        assert_int_equal(rlp_finish(&r, NULL, "receipt"), ERR_OK);
        buf_clear(&again);
        eth_receipt_encode(&again, &read);
        assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&again)));
    }
    buf_clear(&b);
    eth_logs_write(&b, logs, 2);
    expect_keccak(buf_bytes(&b),
                  "309a3fd70992af6331dee19f45a3f345f292f0bc67dac78546385de609908ddd");
    buf_release(&b);
    buf_release(&item);
    buf_release(&again);
    arena_release(&arena);
}

static void test_receipt_faults(void **state)
{
    (void)state;
    struct eth_log logs[2], many = {.topic_count = 5};
    struct hash256 five[5] = {{{0}}};
    many.topics = five;
    make_logs(logs);
    struct eth_receipt receipt = {.logs = &many, .log_count = 1}, read;
    struct buf b = BUF_INIT;
    struct arena arena;
    struct err_detail detail;
    struct rlp_reader r;
    arena_init(&arena);
    eth_receipt_encode(&b, &receipt);
    assert_int_equal(eth_receipt_decode(&read, &arena, buf_bytes(&b), &detail), ERR_INPUT);
    assert_string_equal(detail.text, "receipt: log topics at byte 291: more items than it must "
                                     "have");
    assert_int_equal(eth_receipt_decode(&read, &arena, bytes_str("\x07\xc0"), &detail), ERR_INPUT);
    assert_string_equal(detail.text, "receipt: type 0x07 is not known");
    assert_int_equal(eth_receipt_decode(&read, &arena, bytes_str("\xc1\x02"), &detail), ERR_INPUT);
    assert_string_equal(detail.text, "receipt: status at byte 1: an integer too large");
    rlp_reader_init(&r, bytes_str("\x81\xc0"));
    assert_int_equal(eth_receipt_read(&read, &arena, &r, &detail), ERR_INPUT);
    assert_string_equal(detail.text, "receipt: a string that has no type");
    arena_release(&arena);

    receipt.logs = logs;
    receipt.log_count = 2;
    buf_clear(&b);
    eth_receipt_encode(&b, &receipt);
    arena_init(&arena);
    mem_fail_at(1, 1);
    assert_int_equal(eth_receipt_decode(&read, &arena, buf_bytes(&b), &detail), ERR_NOMEM);
    mem_fail_at(0, 0);
    assert_string_equal(detail.text, "receipt: out of memory");
    arena_release(&arena);
    buf_release(&b);
}

static void test_bloom(void **state)
{
    (void)state;
    struct eth_bloom bloom = {{0}}, other = {{0}};
    assert_false(eth_bloom_test(&bloom, bytes_str("testtest")));
    eth_bloom_add(&bloom, bytes_str("testtest"));
    assert_true(eth_bloom_test(&bloom, bytes_str("testtest")));
    assert_false(eth_bloom_test(&bloom, bytes_str("es")));
    unsigned bits = 0;
    for (size_t i = 0; i < sizeof(bloom.b); i++)
        bits += (unsigned)__builtin_popcount(bloom.b[i]);
    assert_int_equal(bits, 3);
    eth_bloom_add(&other, bytes_str("es"));
    eth_bloom_merge(&bloom, &other);
    assert_true(eth_bloom_test(&bloom, bytes_str("testtest")));
    assert_true(eth_bloom_test(&bloom, bytes_str("es")));
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        uint64_t nonce;
        const char *address;
    } creations[] = {
        {0, "70a8d0c3c58d2d93d86eb621f92a81c597c76cff"},
        {1, "616f4f9cc97370ab1749be5b2e3240ab92e0714d"},
        {127, "f3c08d5094551f2a63d2440e2a3b06ca4d4fd5df"},
        {128, "ec89a963b2e455d7f6b683c108c67694fd4e736a"},
        {UINT64_C(1) << 40, "8a3252d0fec0f665d139f064a4a45928ec6401c2"},
    };
    struct address sender, created;
    memset(sender.b, 0x35, sizeof(sender.b));
    for (size_t i = 0; i < BASE_COUNT(creations); i++) {
        eth_create_address(&created, &sender, creations[i].nonce);
        expect_bytes(created.b, sizeof(created.b), creations[i].address);
    }
    /* EIP-1014's examples 1, 2 and 5. */
    static const struct {
        struct address sender;
        uint32_t salt;
        const char *initcode, *address;
    } creations2[] = {
        {{{0}}, 0, "00", "4d1a2e2bb4f88f0250f26ffff098b0b30b26bf38"},
        {{{0xde, 0xad, 0xbe, 0xef}}, 0, "00", "b928f69bb1d91cd65274e3c79d8986362984fda3"},
        {{{[16] = 0xde, 0xad, 0xbe, 0xef}},
         0xcafebabe,
         "deadbeef",
         "60f3f640a8508fc6a86d45df051962668e1e8ac7"},
    };
    for (size_t i = 0; i < BASE_COUNT(creations2); i++) {
        struct hash256 salt, hash;
        const struct u256 number = u256_from(creations2[i].salt);
        u256_store(salt.b, &number);
        struct buf initcode = unhex(creations2[i].initcode);
        crypto_keccak256(&hash, buf_bytes(&initcode));
        eth_create2_address(&created, &creations2[i].sender, &salt, &hash);
        expect_bytes(created.b, sizeof(created.b), creations2[i].address);
        buf_release(&initcode);
    }
}

static void test_base_fee(void **state)
{
    (void)state;
    static const struct {
        uint64_t base_fee, used, limit, next;
    } cases[] = {
        {1000000000, 10000000, 20000000, 1000000000},
        {1000000000, 9000000, 20000000, 987500000},
        {1000000000, 11000000, 20000000, 1012500000},
        {1000000000, 20000000, 20000000, 1125000000},
        {1000000000, 0, 20000000, 875000000},
        {7, 10000001, 20000000, 8},
        {7, 0, 20000000, 7},
        {0, 20000000, 20000000, 1},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        const struct u256 fee = u256_from(cases[i].base_fee);
        struct u256 next = eth_next_base_fee(&fee, cases[i].used, cases[i].limit);
        assert_true(u256_is_u64(&next));
        assert_int_equal(next.w[0], cases[i].next);
    }
}

static void test_fake_exponential(void **state)
{
    (void)state;
    static const struct {
        uint64_t factor, numerator, denominator;
        const char *result;
    } cases[] = {
        {1, 0, 1, "1"},
        {38493, 0, 1000, "38493"},
        {0, 1234, 2345, "0"},
        {1, 2, 1, "6"},
        {1, 4, 2, "6"},
        {1, 3, 1, "16"},
        {1, 6, 2, "18"},
        {1, 4, 1, "49"},
        {10, 8, 2, "542"},
        {11, 8, 2, "596"},
        {1, 5, 1, "136"},
        {2, 5, 2, "23"},
        {1, 50000000, 2225652, "5709098764"},
        {1, 380000000, 3338477, "0x128e68ef61a48f657ccf406a9f7cb4a051e642bdc1"},
        {1, UINT64_MAX, 3338477,
         "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
        {1, 1200000000, 3338477,
         "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct u256 expected;
        assert_true(hex_u256(cases[i].result, &expected));
        struct u256 result =
            eth_fake_exponential(cases[i].factor, cases[i].numerator, cases[i].denominator);
        assert_true(u256_equal(&result, &expected));
    }
}

static void test_blob_fee(void **state)
{
    (void)state;
    assert_null(eth_blob_schedule(FORK_SHANGHAI));
    const struct eth_blob_schedule *cancun = eth_blob_schedule(FORK_CANCUN);
    const struct eth_blob_schedule *prague = eth_blob_schedule(FORK_PRAGUE);
    const struct eth_blob_schedule *osaka = eth_blob_schedule(FORK_OSAKA);
    assert_int_equal(eth_blob_base_fee(cancun, 2314057).w[0], 1);
    assert_int_equal(eth_blob_base_fee(cancun, 2314058).w[0], 2);
    assert_int_equal(eth_blob_base_fee(cancun, 10 * 1024 * 1024).w[0], 23);
    const struct {
        const struct eth_blob_schedule *schedule;
        uint64_t excess, blobs, base_fee, next;
    } cases[] = {
        {cancun, 0, 0, 1, 0},
        {cancun, 0, 3, 1, 0},
        {cancun, 0, 4, 1, ETH_BLOB_GAS},
        {cancun, 5, 4, 1, ETH_BLOB_GAS + 5},
        {cancun, ETH_BLOB_GAS, 1, 1, 0},
        {prague, 0, 7, 1, ETH_BLOB_GAS},
        {prague, ETH_BLOB_GAS, 5, 1, 0},
        /* EIP-7918: above 16 wei of base fee the blob of price 1 is below its worth. */
        {osaka, 0, 6, 15, 0},
        {osaka, 0, 6, 16, 0},
        {osaka, 0, 6, 17, 262144},
        {osaka, 0, 5, 100, 0},
        {osaka, 50000000, 6, 1000000000, 50262144},
        {osaka, 100000000, 6, 1000000000, 100000000},
        {cancun, UINT64_MAX, 6, 1, UINT64_MAX - 3 * ETH_BLOB_GAS},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        const struct u256 base_fee = u256_from(cases[i].base_fee);
        uint64_t next = eth_excess_blob_gas(cases[i].schedule, cases[i].excess,
                                            cases[i].blobs * ETH_BLOB_GAS, &base_fee);
        assert_true(next == cases[i].next);
    }
}

/* The public main network, which has seen every fork. */
static void init_mainnet(struct eth_config *config)
{
    eth_config_init(config);
    config->chain_id = u256_from(1);
    static const uint64_t starts[FORK_COUNT] = {
        [FORK_FRONTIER] = 0,         [FORK_HOMESTEAD] = 1150000, [FORK_TANGERINE] = 2463000,
        [FORK_SPURIOUS] = 2675000,   [FORK_BYZANTIUM] = 4370000, [FORK_CONSTANTINOPLE] = 7280000,
        [FORK_PETERSBURG] = 7280000, [FORK_ISTANBUL] = 9069000,  [FORK_BERLIN] = 12244000,
        [FORK_LONDON] = 12965000,    [FORK_PARIS] = 15537394,    [FORK_SHANGHAI] = 1681338455,
        [FORK_CANCUN] = 1710338135,  [FORK_PRAGUE] = 1746612311, [FORK_OSAKA] = 1764798551,
    };
    memcpy(config->fork_start, starts, sizeof(starts));
    config->glacier_block[ETH_MUIR_GLACIER] = 9200000;
    config->glacier_block[ETH_ARROW_GLACIER] = 13773000;
    config->glacier_block[ETH_GRAY_GLACIER] = 15050000;
}

static void test_config(void **state)
{
    (void)state;
    static const struct {
        uint64_t number, timestamp;
        enum fork fork;
    } cases[] = {
        {0, 1438269973, FORK_FRONTIER},
        {1149999, 0, FORK_FRONTIER},
        {1150000, 0, FORK_HOMESTEAD},
        {2463000, 0, FORK_TANGERINE},
        {2675000, 0, FORK_SPURIOUS},
        {4370000, 0, FORK_BYZANTIUM},
        {7280000, 0, FORK_PETERSBURG},
        {9069000, 0, FORK_ISTANBUL},
        {12244000, 0, FORK_BERLIN},
        {12965000, 0, FORK_LONDON},
        {15537393, 0, FORK_LONDON},
        {15537394, 0, FORK_PARIS},
        {17034870, 1681338454, FORK_PARIS},
        {17034870, 1681338455, FORK_SHANGHAI},
        {19426587, 1710338135, FORK_CANCUN},
        {22431084, 1746612311, FORK_PRAGUE},
        {23935694, UINT64_MAX - 1, FORK_OSAKA},
    };
    struct eth_config config;
    init_mainnet(&config);
    for (size_t i = 0; i < BASE_COUNT(cases); i++)
        assert_string_equal(
            fork_name(eth_config_fork(&config, cases[i].number, cases[i].timestamp)),
            fork_name(cases[i].fork));
    for (int fork = 0; fork < FORK_COUNT; fork++) {
        eth_config_init_fork(&config, (enum fork)fork);
        assert_int_equal(eth_config_fork(&config, 0, 0), fork);
        assert_int_equal(eth_config_fork(&config, UINT64_MAX, UINT64_MAX), fork);
    }
}

/* What the suites do not reach: the later delays of the bomb, and the minimum before it. */
static void test_bomb(void **state)
{
    (void)state;
    struct eth_config config;
    init_mainnet(&config);
    const struct eth_difficulty_parent parent = {.difficulty = {{131072}}, .timestamp = 100};
    static const struct {
        uint64_t number, bomb; /* its exponent is number less delay / 100000, less 2 */
    } cases[] = {
        {4369999, UINT64_C(1) << 41},  {4370000, 1 << 11},
        {7279999, UINT64_C(1) << 40},  {7280000, 1 << 20},
        {9199999, UINT64_C(1) << 39},  {9200000, 1},
        {12964999, UINT64_C(1) << 37}, {12965000, UINT64_C(1) << 30},
        {13772999, UINT64_C(1) << 38}, {13773000, UINT64_C(1) << 28},
        {15049999, UINT64_C(1) << 41}, {15050000, UINT64_C(1) << 34},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct u256 difficulty = eth_difficulty(&config, cases[i].number, 100000, &parent);
        assert_true(difficulty.w[0] == 131072 + cases[i].bomb);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),   cmocka_unit_test(test_header_cut),
        cmocka_unit_test(test_block),    cmocka_unit_test(test_block_failures),
        cmocka_unit_test(test_receipt),  cmocka_unit_test(test_receipt_faults),
        cmocka_unit_test(test_bloom),    cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_base_fee), cmocka_unit_test(test_fake_exponential),
        cmocka_unit_test(test_blob_fee), cmocka_unit_test(test_config),
        cmocka_unit_test(test_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
