/* What GoQuorum puts into Raft, from a live cluster: addresses, snapshots, seals. */
#include "base/bytes.h"
#include "consensus/istanbul/seals.h"
#include "consensus/raft/cluster.h"
#include "consensus/test/raft_wire.h"
#include "crypto/secp256k1.h"
#include "eth/header.h"
#include "rlp/rlp.h"
#include "tests/support/fixtures.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void check_change(const struct raft_entry *e, size_t *addresses)
{
    struct raft_conf_change change;
    struct raft_address address;
    struct buf b = BUF_INIT;
    assert_int_equal(raft_conf_change_decode(&change, e->data, NULL), ERR_OK);
    raft_conf_change_write(&b, &change);
    assert_true(bytes_equal(buf_bytes(&b), e->data));
    if (change.context.data) {
        assert_int_equal(raft_address_decode(&address, change.context, NULL), ERR_OK);
        assert_int_equal(address.id, change.node);
        assert_string_equal(address.host, "127.0.0.1");
        buf_clear(&b);
        raft_address_write(&b, &address);
        assert_true(bytes_equal(buf_bytes(&b), change.context));
        (*addresses)++;
    }
    buf_release(&b);
}

static void recorded(void **state)
{
    struct raft_wire wire;
    size_t addresses = 0, snapshots = 0;
    (void)state;
    raft_wire_read(&wire, "wire-raft");
    for (size_t i = 0; i < wire.count; i++) {
        const struct raft_message *m = &wire.messages[i].message;
        for (size_t k = 0; k < m->entry_count; k++)
            if (m->entries[k].type == RAFT_ENTRY_CONF_CHANGE)
                check_change(&m->entries[k], &addresses);
        if (!m->snapshot.data.data)
            continue;
        struct raft_cluster c;
        struct buf b = BUF_INIT;
        assert_int_equal(raft_cluster_decode(&c, &wire.arena, m->snapshot.data, NULL), ERR_OK);
        assert_int_equal(c.count, 4);
        raft_cluster_write(&b, &c);
        assert_true(bytes_equal(buf_bytes(&b), m->snapshot.data));
        buf_release(&b);
        snapshots++;
    }
    assert_true(addresses > 0 && snapshots > 0);
    raft_wire_release(&wire);
}

static void names_and_v6(void **state)
{
    static const char *const hosts[] = {"node1.example.org", "::1", "2001:db8::7", "10.1.2.3"};
    static const char *const urls[] = {"http://node1.example.org:9", "http://[::1]:9",
                                       "http://[2001:db8::7]:9", "http://10.1.2.3:9"};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(hosts); i++) {
        struct raft_address a = {.id = 7, .p2p_port = 8, .raft_port = 9}, again;
        struct buf b = BUF_INIT, url = BUF_INIT;
        snprintf(a.host, sizeof(a.host), "%s", hosts[i]);
        raft_address_write(&b, &a);
        assert_int_equal(raft_address_decode(&again, buf_bytes(&b), NULL), ERR_OK);
        assert_string_equal(again.host, hosts[i]);
        assert_int_equal(again.raft_port, 9);
        raft_address_url(&url, &again);
        assert_string_equal(buf_text(&url), urls[i]);
        for (size_t len = 0; len < b.len; len++) {
            struct err_detail why = {""};
            assert_int_equal(raft_address_decode(&again, bytes_of(b.data, len), &why), ERR_INPUT);
        }
        buf_release(&b);
        buf_release(&url);
    }
}

/* --- The seals of the recorded chain --- */

struct seals {
    struct address minters[3];
    size_t count;
};

/* What raft_extra_write has written. */
static int decode_extra(struct bytes extra, uint16_t *ret_id, uint8_t ret_signature[65])
{
    static const char hex_digits[] = "0123456789abcdef";
    struct rlp_reader r;
    uint8_t signature[65];
    unsigned id = 0;
    if (extra.len < RAFT_EXTRA_VANITY)
        return ERR_INPUT;
    rlp_reader_init(&r, bytes_slice(extra, RAFT_EXTRA_VANITY, extra.len - RAFT_EXTRA_VANITY));
    rlp_enter(&r, "seal");
    struct bytes digits = rlp_read_bytes(&r, "raftId");
    rlp_read_fixed(&r, signature, sizeof(signature), "signature");
    rlp_leave(&r, "seal");
    if (rlp_finish(&r, NULL, "seal") != ERR_OK || digits.len == 0 || digits.len > 4)
        return ERR_INPUT;
    for (size_t i = 0; i < digits.len; i++) {
        const char *at = strchr(hex_digits, digits.data[i]);
        if (!digits.data[i] || !at)
            return ERR_INPUT;
        id = id * 16 + (unsigned)(at - hex_digits);
    }
    *ret_id = (uint16_t)id;
    memcpy(ret_signature, signature, sizeof(signature));
    return ERR_OK;
}

static void check_seal(struct bytes block, void *context)
{
    struct seals *s = context;
    struct rlp_reader r;
    struct eth_header h;
    struct hash256 digest;
    struct address signer;
    uint8_t signature[65];
    uint16_t id = 0;
    struct buf b = BUF_INIT;
    rlp_reader_init(&r, block);
    rlp_enter(&r, "block");
    eth_header_read(&h, &r);
    if (h.number == 0)
        return;
    assert_int_equal(decode_extra(h.extra, &id, signature), ERR_OK);
    raft_extra_write(&b, id, signature);
    assert_true(bytes_equal(buf_bytes(&b), h.extra));
    buf_release(&b);
    memset(&h.transactions_root, 0, sizeof(h.transactions_root));
    memset(&h.receipts_root, 0, sizeof(h.receipts_root));
    memset(&h.uncles_hash, 0, sizeof(h.uncles_hash));
    memset(&h.bloom, 0, sizeof(h.bloom));
    h.extra = bytes_none();
    assert_int_equal(eth_header_hash(&h, &digest), ERR_OK);
    assert_true(istanbul_recover(&signer, &digest, bytes_of(signature, sizeof(signature))));
    assert_true(id >= 1 && id <= 3);
    assert_true(address_equal(&signer, &s->minters[id - 1]));
    s->count++;
}

static void seals_of_the_recorded_chain(void **state)
{
    struct seals s = {.count = 0};
    (void)state;
    recordings_require("raft");
    json_t *network = recordings_json("raft", "network.json");
    for (size_t i = 0; i < 3; i++) {
        struct crypto_private_key key;
        struct crypto_public_key public_key;
        struct buf b = BUF_INIT;
        const char *text =
            json_string_value(json_array_get(json_object_get(network, "node_keys"), i));
        json_t *holder = json_pack("{s:s}", "key", text);
        assert_true(fixtures_hex(holder, "key", &b) && b.len == 32);
        memcpy(key.b, b.data, 32);
        assert_true(crypto_public_key_of(&public_key, &key));
        crypto_address_of(&s.minters[i], &public_key);
        json_decref(holder);
        buf_release(&b);
    }
    json_decref(network);
    recordings_blocks("raft", check_seal, &s);
    print_message("%zu seals are their minters'\n", s.count);
    assert_true(s.count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded),
        cmocka_unit_test(names_and_v6),
        cmocka_unit_test(seals_of_the_recorded_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
