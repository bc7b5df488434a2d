/* The folder of a network. */
#include "base/file.h"
#include "base/hex.h"
#include "crypto/keccak.h"
#include "nodebench.h"
#include "rlp/rlp.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct address token_address = {.b = {[0] = 0x70, [19] = 0x01}};

struct crypto_private_key key_of(const char *kind, size_t number)
{
    struct crypto_private_key key;
    struct hash256 hash;
    char text[64];
    int len = snprintf(text, sizeof(text), "network bench %s %zu", kind, number);
    crypto_keccak256(&hash, bytes_of(text, (size_t)len));
    memcpy(key.b, hash.b, sizeof(key.b)); /* out of range once in 2^127 */
    return key;
}

struct address address_of(const struct crypto_private_key *key)
{
    struct crypto_public_key public_key;
    struct address address = {{0}};
    if (crypto_public_key_of(&public_key, key))
        crypto_address_of(&address, &public_key);
    return address;
}

static int compare_addresses(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct address));
}

/* QBFT: [vanity, [validators], [], round 0, []]. IBFT: vanity || [[validators], "", []]. */
static void append_extra(struct buf *b, bool qbft, const struct address *validators, size_t count)
{
    static const uint8_t vanity[32];
    if (!qbft)
        buf_append(b, vanity, sizeof(vanity));
    size_t outer = rlp_begin(b);
    if (qbft)
        rlp_write_bytes(b, bytes_of(vanity, sizeof(vanity)));
    size_t list = rlp_begin(b);
    for (size_t i = 0; i < count; i++)
        rlp_write_address(b, &validators[i]);
    rlp_end_list(b, list);
    if (qbft) {
        rlp_end_list(b, rlp_begin(b));
        rlp_write_u64(b, 0);
    } else {
        rlp_write_bytes(b, bytes_none());
    }
    rlp_end_list(b, rlp_begin(b));
    rlp_end_list(b, outer);
}

/* The token's balances are slot 0, a mapping; each sender has 2^64. */
static void append_token(struct buf *b, const char *code, const struct address *senders,
                         size_t count)
{
    buf_append_text(b, "\"");
    hex_append(b, bytes_of(token_address.b, 20));
    buf_append_format(b, "\":{\"balance\":\"0x0\",\"code\":\"0x%s\",\"storage\":{", code);
    for (size_t i = 0; i < count; i++) {
        uint8_t place[64] = {0};
        struct hash256 slot;
        memcpy(place + 12, senders[i].b, 20);
        crypto_keccak256(&slot, bytes_of(place, sizeof(place)));
        buf_append_text(b, i ? ",\"" : "\"");
        hex_append(b, bytes_of(slot.b, 32));
        buf_append_format(b, "\":\"0x%064x\"", 1u << 30);
    }
    buf_append_text(b, "}}");
}

static void append_genesis(struct buf *b, const struct genesis_options *options, const char *code,
                           const struct address *validators, const struct address *senders)
{
    struct buf extra = BUF_INIT;
    bool qbft = strcmp(options->consensus, "qbft") == 0;
    append_extra(&extra, qbft, validators, options->validators);
    buf_append_format(
        b,
        "{\"config\":{\"homesteadBlock\":0,\"eip150Block\":0,\"eip155Block\":0,\"eip158Block\":0,"
        "\"byzantiumBlock\":0,\"constantinopleBlock\":0,\"petersburgBlock\":0,\"istanbulBlock\":0,"
        "\"berlinBlock\":0,\"chainId\":%d,\"isQuorum\":true,\"txnSizeLimit\":64,"
        "\"maxCodeSizeConfig\":[{\"block\":0,\"size\":128}],"
        "\"%s\":{\"epochlength\":30000,\"blockperiodseconds\":%llu,"
        "\"requesttimeoutseconds\":%llu,\"policy\":0,\"ceil2Nby3Block\":0}},\"nonce\":\"0x0\","
        "\"timestamp\":\"0x5f5e1000\",\"gasLimit\":\"0xE0000000\",\"difficulty\":\"0x1\","
        "\"mixHash\":\"0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365\","
        "\"coinbase\":\"0x0000000000000000000000000000000000000000\",\"extraData\":\"",
        CHAIN_ID, options->consensus, (unsigned long long)options->period,
        (unsigned long long)options->period * 4);
    hex_append(b, buf_bytes(&extra));
    buf_append_text(b, "\",\"alloc\":{");
    for (size_t i = 0; i < options->senders; i++) {
        buf_append_text(b, "\"");
        hex_append(b, bytes_of(senders[i].b, 20));
        buf_append_text(b, "\":{\"balance\":\"0x446c3b15f9926687d2c40534fdb5\"},");
    }
    append_token(b, code, senders, options->senders);
    buf_append_text(b, "}}\n");
    buf_release(&extra);
}

static int write_in(const char *folder, const char *name, struct buf *content,
                    struct err_detail *detail)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int rc = buf_status(content);
    return rc == ERR_OK ? file_write(path, buf_bytes(content), detail) : rc;
}

static int write_nodes(const struct genesis_options *options, struct address *validators,
                       struct err_detail *detail)
{
    struct buf nodes = BUF_INIT, key_text = BUF_INIT;
    int rc = ERR_OK;
    buf_append_text(&nodes, "[");
    for (size_t i = 0; i < options->validators && rc == ERR_OK; i++) {
        struct crypto_private_key key = key_of("node", i);
        struct crypto_public_key public_key;
        char name[32], digits[129];
        validators[i] = address_of(&key);
        if (!crypto_public_key_of(&public_key, &key))
            rc = ERR_CRYPTO;
        hex_encode(digits, bytes_of(public_key.b, 64));
        buf_append_format(&nodes, "%s\"enode://%.128s@127.0.0.1:%llu?discport=0\"", i ? "," : "",
                          digits, (unsigned long long)(options->first_port + i));
        hex_encode(digits, bytes_of(key.b, 32));
        buf_clear(&key_text);
        buf_append(&key_text, digits, 64);
        snprintf(name, sizeof(name), "nodekey-%zu", i);
        if (rc == ERR_OK)
            rc = write_in(options->folder, name, &key_text, detail);
    }
    buf_append_text(&nodes, "]\n");
    if (rc == ERR_OK)
        rc = write_in(options->folder, "static-nodes.json", &nodes, detail);
    qsort(validators, options->validators, sizeof(*validators), compare_addresses);
    buf_release(&nodes);
    buf_release(&key_text);
    return rc;
}

int write_genesis(const struct genesis_options *options, struct err_detail *detail)
{
    struct address validators[NODES_MAX];
    struct buf code = BUF_INIT, genesis = BUF_INIT;
    if (options->validators < 1 || options->validators > NODES_MAX || options->senders < 1 ||
        options->senders > SENDERS_MAX)
        return err_set(detail, ERR_USAGE, "--validators is 1 to %d, --senders 1 to %d", NODES_MAX,
                       SENDERS_MAX);
    if (strcmp(options->consensus, "qbft") != 0 && strcmp(options->consensus, "ibft") != 0)
        return err_set(detail, ERR_USAGE, "--consensus is qbft or ibft");
    struct address *senders = calloc(options->senders, sizeof(*senders));
    int rc = senders ? file_read(options->token, 1 << 20, &code, detail) : ERR_NOMEM;
    size_t len = 0;
    for (size_t i = 0; i < code.len; i++)
        if (isxdigit(code.data[i]))
            code.data[len++] = code.data[i];
    code.len = len;
    for (size_t i = 0; senders && i < options->senders; i++) {
        struct crypto_private_key key = key_of("sender", i);
        senders[i] = address_of(&key);
    }
    if (rc == ERR_OK)
        rc = write_nodes(options, validators, detail);
    if (rc == ERR_OK) {
        append_genesis(&genesis, options, buf_text(&code), validators, senders);
        rc = write_in(options->folder, "genesis.json", &genesis, detail);
    }
    free(senders);
    buf_release(&code);
    buf_release(&genesis);
    return rc;
}
