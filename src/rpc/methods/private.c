/* eth, debug: what only parties of private transactions know (GoQuorum, internal/ethapi/api.go). */
#include "base/base64.h"
#include "crypto/address.h"
#include "privacy/privacy.h"
#include "rpc/access/psi.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/run/lookup.h"

#include <stdio.h>

static const char not_enabled[] = "PrivateTransactionManager is not enabled";

/* --- Payloads --- */

/* The answer of the manager for a hash, or the call's error. */
static int receive(struct rpc_call *call, struct chain_payload *ret_payload,
                   const struct chain_payload_hash *hash)
{
    struct err_detail detail = {""};
    int status = rpc_psi(call);
    if (status)
        return status;
    status =
        privacy_receive(call->backend->privacy, ret_payload, hash, false, call->arena, &detail);
    if (status == 0 && !rpc_psi_sees(call, ret_payload))
        *ret_payload = (struct chain_payload){.is_party = false};
    return status == PRIVACY_FAILED ? rpc_fail(call, RPC_CODE_ERROR, "%s", detail.text) : status;
}

/* As Go's encoding/hex names a character. */
static int refuse_digit(struct rpc_call *call, unsigned c)
{
    char shown[8] = "";
    if (c >= 0x20 && c < 0x7f)
        snprintf(shown, sizeof(shown), " '%c'", (int)c);
    else if (c > 0xa0 && c != 0xad)
        snprintf(shown, sizeof(shown), " '%c%c'", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
    return rpc_fail(call, RPC_CODE_ERROR, "encoding/hex: invalid byte: U+%04X%s", c, shown);
}

/* The digits of the first argument, without 0x; `what` it is stands in the error. */
static int read_digits(struct rpc_call *call, struct bytes *ret_digits, const char *what)
{
    struct bytes text = call->args[0].bytes;
    if (!call->backend->privacy)
        return rpc_fail(call, RPC_CODE_ERROR, not_enabled);
    if (text.len < 3)
        return rpc_fail(call, RPC_CODE_ERROR, "Invalid %s hex", what);
    if (text.data[0] == '0' && text.data[1] == 'x')
        text = bytes_slice(text, 2, text.len - 2);
    for (size_t i = 0; i < text.len; i++)
        if (!text.data[i] || !strchr("0123456789abcdefABCDEF", text.data[i]))
            return refuse_digit(call, text.data[i]);
    if (text.len % 2)
        return rpc_fail(call, RPC_CODE_ERROR, "encoding/hex: odd length hex string");
    *ret_digits = text;
    return 0;
}

static int read_digest(struct rpc_call *call, struct chain_payload_hash *ret_hash)
{
    struct bytes text;
    char hex[2 * CHAIN_PAYLOAD_HASH + 3];
    int status = read_digits(call, &text, "digest");
    if (status)
        return status;
    if (text.len != 2 * CHAIN_PAYLOAD_HASH)
        return rpc_fail(call, RPC_CODE_ERROR, "Expected a Quorum digest of length 64, but got %zu",
                        text.len / 2);
    snprintf(hex, sizeof(hex), "0x%.*s", (int)text.len, (const char *)text.data);
    bool good = hex_decode_exact(hex, ret_hash->b, sizeof(ret_hash->b));
    assert(good);
    return good ? 0 : ERR_INPUT;
}

static int get_payload(struct rpc_call *call)
{
    struct chain_payload_hash hash;
    struct chain_payload payload;
    int status = read_digest(call, &hash);
    if (status == 0)
        status = receive(call, &payload, &hash);
    if (status == 0)
        rpc_write_bytes(call->out, payload.is_party ? payload.data : bytes_none());
    return status;
}

static void write_base64(struct buf *b, const struct chain_payload_hash *hash)
{
    buf_append_byte(b, '"');
    base64_append(b, bytes_of(hash->b, sizeof(hash->b)));
    buf_append_byte(b, '"');
}

static void write_texts(struct buf *b, const struct bytes *texts, size_t count)
{
    buf_append_byte(b, '[');
    for (size_t i = 0; i < count; i++) {
        rpc_item(b);
        rpc_json_write_string(b, texts[i]);
    }
    buf_append_byte(b, ']');
}

/* engine.ExtraMetadata as Go writes it: names of fields, nil slices as null. */
static void write_metadata(struct buf *b, const struct chain_payload *p)
{
    buf_append_byte(b, '{');
    rpc_key(b, "ACHashes");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < p->affected_count; i++) {
        rpc_item(b);
        write_base64(b, &p->affected[i]);
    }
    buf_append_byte(b, ']');
    rpc_put_hash(b, "ACMerkleRoot", &p->exec_hash);
    rpc_key(b, "PrivacyFlag");
    buf_append_format(b, "%llu", (unsigned long long)p->flag);
    rpc_key(b, "ManagedParties");
    if (p->managed_count || p->has_lists)
        write_texts(b, p->managed_parties, p->managed_count);
    else
        rpc_write_null(b);
    rpc_key(b, "Sender");
    rpc_json_write_string(b, p->sender);
    rpc_key(b, "MandatoryRecipients");
    if (p->has_lists)
        write_texts(b, NULL, 0);
    else
        rpc_write_null(b);
    buf_append_byte(b, '}');
}

static void write_extra(struct buf *b, const struct chain_payload *p, bool is_sender)
{
    buf_append_byte(b, '{');
    rpc_put_bytes(b, "Payload", p->is_party ? p->data : bytes_none());
    rpc_key(b, "ExtraMetaData");
    if (p->is_party)
        write_metadata(b, p);
    else
        rpc_write_null(b);
    rpc_put_bool(b, "IsSender", is_sender);
    buf_append_byte(b, '}');
}

/* What Go's JSON decoder says of a payload that is none: its first character. `nothing`: of one without any, `other`: of what begins
 * like JSON. */
static int refuse_payload(struct rpc_call *call, struct bytes payload, const char *nothing,
                          const char *other)
{
    static const char short_forms[] = "\aa\bb\ff\nn\rr\tt\vv\\\\''";
    char shown[16];
    size_t at = 0;
    while (at < payload.len && memchr(" \t\r\n", payload.data[at], 4))
        at++;
    if (at == payload.len)
        return rpc_fail(call, RPC_CODE_ERROR, "%s", nothing);
    unsigned c = payload.data[at];
    if (memchr("{[\"-0123456789tfn", (int)c, 17))
        return rpc_fail(call, RPC_CODE_ERROR, "%s", other);
    snprintf(shown, sizeof(shown), "%c", (int)c);
    if (c < 0x20 || c == 0x7f)
        snprintf(shown, sizeof(shown), "\\x%02x", c);
    else if (c >= 0x80 && (c <= 0xa0 || c == 0xad))
        snprintf(shown, sizeof(shown), "\\u%04x", c);
    else if (c >= 0x80)
        snprintf(shown, sizeof(shown), "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
    for (size_t i = 0; i + 1 < sizeof(short_forms); i += 2)
        if ((unsigned char)short_forms[i] == c)
            snprintf(shown, sizeof(shown), "\\%c", short_forms[i + 1]);
    return rpc_fail(call, RPC_CODE_ERROR, "invalid character '%s' looking for beginning of value",
                    shown);
}

/* An encrypted payload that is stored nowhere, as the hex of its JSON; the fields that the manager's request has. */
static int read_encrypted(struct rpc_call *call, struct buf *json, struct bytes *ret_sender)
{
    static const char *const fields[] = {"senderKey",      "cipherText",     "cipherTextNonce",
                                         "recipientBoxes", "recipientNonce", "recipientKeys"};
    struct bytes text, value, key;
    struct rpc_json_walk walk;
    int status = read_digits(call, &text, "payload");
    if (status)
        return status;
    uint8_t *data = arena_alloc(call->arena, text.len / 2 + 1);
    char *hex = arena_alloc(call->arena, text.len + 1);
    if (!data || !hex)
        return ERR_NOMEM;
    snprintf(hex, text.len + 1, "%.*s", (int)text.len, (const char *)text.data);
    bool good = hex_decode_exact(hex, data, text.len / 2);
    struct bytes request = bytes_of(data, good ? text.len / 2 : 0);
    if (rpc_json_first(&value, request) != RPC_JSON_VALUE ||
        rpc_json_kind(value) != RPC_JSON_OBJECT)
        return refuse_payload(call, request, "unexpected end of JSON input",
                              "the payload is no JSON object with senderKey, cipherText, …");
    buf_append_byte(json, '{');
    rpc_json_walk_begin(&walk, value);
    while (rpc_json_member(&walk, &key, &value))
        for (size_t i = 0; i < BASE_COUNT(fields); i++) {
            if (!rpc_json_key_is(key, fields[i]))
                continue;
            if (i == 0 && rpc_json_kind(value) == RPC_JSON_STRING)
                *ret_sender = rpc_json_string(value, call->arena);
            rpc_key(json, fields[i]);
            buf_append_bytes(json, value);
        }
    buf_append_byte(json, '}');
    return buf_status(json);
}

static int decrypt_payload(struct rpc_call *call)
{
    struct chain_payload payload;
    struct err_detail detail = {""};
    struct buf json = BUF_INIT;
    struct bytes sender = bytes_none();
    int status = rpc_psi(call);
    if (status == 0)
        status = read_encrypted(call, &json, &sender);
    if (status == 0 && call->group && !chain_psi_has(call->group, sender)) {
        rpc_write_null(call->out);
    } else if (status == 0) {
        status = privacy_decrypt(call->backend->privacy, &payload, buf_bytes(&json), call->arena,
                                 &detail);
        if (status == 0)
            write_extra(call->out, &payload, true);
        else if (status != ERR_NOMEM)
            status = rpc_fail(call, RPC_CODE_ERROR, "%s", detail.text);
    }
    buf_release(&json);
    return status;
}

static int get_payload_extra(struct rpc_call *call)
{
    struct chain_payload_hash hash;
    struct chain_payload payload;
    struct err_detail detail;
    bool is_sender = false;
    int status = read_digest(call, &hash);
    if (status == 0)
        status = receive(call, &payload, &hash);
    if (status == 0 && call->group && !payload.is_party) {
        rpc_write_null(call->out);
        return 0;
    }
    if (status == 0 && call->group)
        is_sender = chain_psi_has(call->group, payload.sender);
    else if (status == 0 && payload.is_party &&
             privacy_is_sender(call->backend->privacy, &is_sender, &hash, &detail) != 0)
        is_sender = false; /* as the reference: any failure is a no */
    if (status == 0)
        write_extra(call->out, &payload, is_sender);
    return status;
}

/* --- The transaction inside of a marker --- */

struct inner {
    struct chain_reader reader;
    struct rpc_position position;
    struct eth_transaction marker, tx;
    bool is_known, is_party;
};

static int parse_inner(struct rpc_call *call, struct inner *in)
{
    struct chain_payload_hash hash = chain_payload_hash_of(in->marker.data);
    struct chain_payload payload;
    struct eth_rules rules;
    struct eth_header header;
    enum eth_tx_status signature;
    if (!call->backend->privacy) /* party to nothing */
        return 0;
    int status = receive(call, &payload, &hash), err;
    if (status || !payload.is_party)
        return status;
    if (!chain_private_parse(&in->tx, call->arena, payload.data, &err))
        return err ? err
                   : refuse_payload(call, payload.data, "EOF", "the payload is no transaction");
    status = chain_reader_header(&in->reader, &header, in->position.number);
    if (status)
        return rpc_reader_fail(call, &in->reader, status);
    rpc_position_fee(&in->position, &header);
    rules = rpc_rules_at(call, in->position.number, header.timestamp);
    in->is_party = true;
    return eth_transaction_recover(&in->tx, &signature, &rules);
}

/* Finds the marker, and what is in it. To be closed when 0. */
static int find_inner(struct rpc_call *call, struct inner *in)
{
    uint32_t index;
    *in = (struct inner){.is_known = false};
    int status = rpc_reader_open(call, &in->reader);
    if (status)
        return status;
    status =
        chain_reader_transaction(&in->reader, &in->position.number, &index, &call->args[0].hash);
    in->position.index = index;
    if (status == 0)
        status = chain_reader_hash(&in->reader, &in->position.block_hash, in->position.number);
    if (status == 0)
        status = rpc_read_transaction(call, &in->reader, &in->marker, in->position.number, index);
    in->is_known = status == 0;
    if (status == 0)
        status = parse_inner(call, in);
    else if (status == ERR_NOTFOUND)
        status = 0;
    else
        status = rpc_reader_fail(call, &in->reader, status);
    if (status)
        chain_reader_close(&in->reader);
    return status;
}

static int get_private_transaction(struct rpc_call *call)
{
    struct inner in;
    struct hash256 hash;
    if (!call->backend->privacy)
        return rpc_fail(call, RPC_CODE_ERROR, not_enabled);
    int status = find_inner(call, &in);
    if (status)
        return status;
    if (in.is_party) {
        status = eth_transaction_hash(&in.tx, &hash);
        rpc_write_transaction(call->out, &in.tx, &hash, &in.position);
    } else {
        rpc_write_null(call->out);
    }
    chain_reader_close(&in.reader);
    return status;
}

static int write_inner_receipt(struct rpc_call *call, struct inner *in)
{
    struct chain_private_receipts receipts;
    int status = chain_reader_private_receipts(&in->reader, &receipts, call->arena, call->psi,
                                               in->position.number);
    if (status)
        return rpc_reader_fail(call, &in->reader, status);
    const struct chain_private_receipt *found =
        chain_private_receipt_of(&receipts, in->position.index);
    if (!found || !found->is_inner)
        return rpc_fail(call, RPC_CODE_ERROR, "could not find receipt for private transaction");
    struct rpc_receipt all = {.receipt = &found->receipt,
                              .tx = &in->tx,
                              .hash = call->args[0].hash,
                              .position = in->position,
                              .first_log = rpc_private_logs_before(&receipts, in->position.index)};
    rpc_write_receipt(call->out, &all);
    return 0;
}

static int get_private_receipt(struct rpc_call *call)
{
    struct inner in;
    int status = find_inner(call, &in);
    if (status)
        return status;
    if (!in.is_known)
        status = rpc_fail(call, RPC_CODE_ERROR, "privacy marker transaction not found");
    else if (!in.is_party)
        status =
            rpc_fail(call, RPC_CODE_ERROR, "private transaction not found for this participant");
    else
        status = write_inner_receipt(call, &in);
    chain_reader_close(&in.reader);
    return status;
}

/* --- States --- */

static int write_contract_metadata(struct rpc_call *call, const struct chain_metadata *metadata)
{
    struct buf *b = call->out;
    if (metadata->flag == CHAIN_MANDATORY_RECIPIENTS && call->backend->proxy)
        return rpc_ask_server(call); /* who has a manager that knows them */
    buf_append_byte(b, '{');
    rpc_key(b, "creationTxHash");
    write_base64(b, &metadata->creation);
    rpc_key(b, "privacyFlag");
    buf_append_format(b, "%llu", (unsigned long long)metadata->flag);
    if (metadata->flag == CHAIN_MANDATORY_RECIPIENTS) {
        struct privacy_keys keys;
        struct err_detail detail;
        int status = privacy_mandatory(call->backend->privacy, &keys, &metadata->creation,
                                       call->arena, &detail);
        if (status)
            return status == PRIVACY_FAILED ? rpc_fail(call, RPC_CODE_ERROR, "%s", detail.text)
                                            : status;
        rpc_key(b, "mandatoryFor");
        write_texts(b, keys.keys, keys.count);
    }
    buf_append_byte(b, '}');
    return 0;
}

static int get_contract_metadata(struct rpc_call *call)
{
    const struct address *address = &call->args[0].address;
    struct chain_reader reader;
    struct chain_metadata metadata;
    enum chain_metadata_status found = CHAIN_METADATA_NO_ACCOUNT;
    struct hash256 hash;
    uint64_t head;
    char text[CRYPTO_ADDRESS_TEXT];
    int status = rpc_psi(call);
    if (status == 0)
        status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = chain_reader_head(&reader, &head, &hash);
    if (status == 0)
        status = chain_reader_metadata(&reader, &found, &metadata, call->psi, head, address);
    if (status)
        status = rpc_reader_fail(call, &reader, status);
    chain_reader_close(&reader);
    if (status)
        return status;
    crypto_address_checksum(text, address);
    if (found == CHAIN_METADATA_NONE)
        return rpc_fail(call, RPC_CODE_ERROR, "%s: no account extra data found", text);
    if (found == CHAIN_METADATA_FOUND)
        return write_contract_metadata(call, &metadata);
    char digits[41] = {0};
    hex_encode(digits, bytes_of(address->b, sizeof(address->b)));
    return rpc_fail(call, RPC_CODE_ERROR, "%s: the provided address is not a private contract",
                    digits);
}

static int write_root(struct rpc_call *call, struct bytes psi)
{
    struct chain_reader reader;
    struct state_reader state;
    uint64_t number;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = rpc_find_block(&reader, &number, &call->args[0].block);
    if (status == ERR_NOTFOUND)
        status = rpc_fail(call, RPC_CODE_ERROR, "block #%llu not found",
                          (unsigned long long)call->args[0].block.number);
    else if (status)
        status = rpc_reader_fail(call, &reader, status);
    if (status == 0) {
        status = chain_reader_private_state(&reader, &state, psi, number);
        if (status == 0)
            rpc_write_hash(call->out, &state.root.hash);
        else
            status = rpc_reader_fail(call, &reader, status);
    }
    chain_reader_close(&reader);
    return status;
}

static int private_root(struct rpc_call *call)
{
    int status = rpc_psi(call);
    return status ? status : write_root(call, call->psi);
}

static int default_root(struct rpc_call *call)
{
    return write_root(call, call->backend->psis ? chain_psi_empty() : chain_psi_private());
}

static const struct rpc_method methods[] = {
    {"eth_getQuorumPayload",
     {{"digest", RPC_TEXT}},
     .work = get_payload,
     .waits = true,
     .result = "the payload, hex; 0x when this node is not party"},
    {"eth_getQuorumPayloadExtra",
     {{"digest", RPC_TEXT}},
     .work = get_payload_extra,
     .waits = true,
     .result = "Payload, ExtraMetaData, IsSender"},
    {"eth_decryptQuorumPayload",
     {{"payload", RPC_TEXT}},
     .work = decrypt_payload,
     .result =
         "Payload, ExtraMetaData, IsSender of an encrypted payload, given as the hex of its JSON"},
    {"eth_getPrivateTransactionByHash",
     {{"hash", RPC_HASH}},
     .work = get_private_transaction,
     .waits = true,
     .result = "the transaction inside of a marker, or null"},
    {"eth_getPrivateTransactionReceipt",
     {{"hash", RPC_HASH}},
     .work = get_private_receipt,
     .waits = true,
     .result = "receipt of the transaction inside of a marker"},
    {"eth_getContractPrivacyMetadata",
     {{"address", RPC_ADDRESS}},
     .work = get_contract_metadata,
     .waits = true,
     .result = "creationTxHash, privacyFlag, mandatoryFor"},
    {"debug_privateStateRoot",
     {{"block", RPC_BLOCK}},
     .work = private_root,
     .light = true,
     .result = "32 bytes, hex"},
    {"debug_defaultStateRoot",
     {{"block", RPC_BLOCK}},
     .work = default_root,
     .light = true,
     .result = "32 bytes, hex"},
};

const struct rpc_method_list rpc_methods_private = {methods, BASE_COUNT(methods)};
