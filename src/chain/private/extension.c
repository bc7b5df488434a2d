/*
 * The state of a private contract that its parties share with a new one (GoQuorum, extension/privacyExtension). A log that has the
 * topic of StateShared alone says so:
 *
 *     StateShared(address contract, string payload's hash in base64, string hash of a vote in hex)
 *
 * Who has the contract notes the new payload as what made it; who voted and has it not takes the state in the payload:
 *
 *     {"0x…": {"state": {"balance": "0", "nonce": 1, "code": "60…", "storage": {"0x…": "…"}}}}
 */
#include "chain/private/priv.h"

#include "base/hex.h"
#include "crypto/address.h"

#include <jansson.h>

enum { WORD = 32 };

/* keccak256("StateShared(address,string,string)") */
static const struct hash256 topic = {{0x67, 0xa9, 0x25, 0x39, 0xf3, 0xcb, 0xd7, 0xc5,
                                      0xa9, 0xb3, 0x6c, 0x23, 0xc0, 0xe2, 0xbe, 0xce,
                                      0xb2, 0x7d, 0x2e, 0x1b, 0x3c, 0xd8, 0xed, 0xa0,
                                      0x2c, 0x62, 0x36, 0x89, 0x26, 0x7a, 0xe7, 0x1e}};

struct shared {
    struct address contract;
    struct chain_payload_hash payload;
    bool has_payload; /* the hash was base64 */
    struct bytes vote;
};

/* --- The log --- */

static bool read_length(size_t *ret_length, struct bytes data, size_t at)
{
    if (at > data.len || data.len - at < WORD)
        return false;
    struct u256 value = u256_load(data.data + at);
    if (!u256_is_u64(&value) || value.w[0] > data.len)
        return false;
    *ret_length = (size_t)value.w[0];
    return true;
}

/* The text that the word at `at` points to. */
static bool read_text(struct bytes *ret_text, struct bytes data, size_t at)
{
    size_t offset, len;
    if (!read_length(&offset, data, at) || !read_length(&len, data, offset) ||
        data.len - offset - WORD < len)
        return false;
    *ret_text = bytes_slice(data, offset + WORD, len);
    return true;
}

static int read_log(bool *ret_good, struct shared *ret, const struct eth_log *log)
{
    struct bytes hash;
    struct buf decoded = BUF_INIT;
    *ret = (struct shared){.has_payload = false};
    *ret_good = log->topic_count == 1 && hash256_equal(&log->topics[0], &topic) &&
                log->data.len >= 3 * WORD && read_text(&hash, log->data, WORD) &&
                read_text(&ret->vote, log->data, 2 * WORD);
    if (!*ret_good)
        return 0;
    memcpy(ret->contract.b, log->data.data + WORD - sizeof(ret->contract.b),
           sizeof(ret->contract.b));
    int err = base64_decode(&decoded, hash);
    ret->has_payload = err == 0;
    ret->payload = chain_payload_hash_of(buf_bytes(&decoded));
    buf_release(&decoded);
    return err == ERR_NOMEM ? err : 0;
}

static int digit_of(uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* As Go's common.FromHex: 0x may be missing, a zero before an odd number of digits; what is no hex ends it. */
static int read_hex(struct buf *ret, struct bytes text)
{
    if (text.len >= 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x')
        text = bytes_slice(text, 2, text.len - 2);
    int high = text.len % 2 ? 0 : -1;
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.data[i]);
        if (digit < 0)
            break;
        if (high >= 0)
            buf_append_byte(ret, (uint8_t)(high << 4 | digit));
        high = high >= 0 ? -1 : digit;
    }
    return buf_status(ret);
}

/* --- Who has the contract --- */

static int note_payload(struct chain_private *p, const struct shared *shared)
{
    enum chain_metadata_status status;
    struct chain_metadata metadata = {.flag = 0};
    int err = chain_private_metadata(p, &status, &metadata, &shared->contract);
    if (err || status != CHAIN_METADATA_FOUND || metadata.flag == CHAIN_STANDARD_PRIVATE ||
        !shared->has_payload)
        return err;
    metadata.creation = shared->payload;
    return chain_private_note(p, &shared->contract, &metadata);
}

/* --- Who has it not --- */

static int set_slots(bool *ret_good, struct chain_private *p, const struct address *contract,
                     json_t *storage)
{
    const char *key;
    json_t *text;
    int err = 0;
    json_object_foreach(storage, key, text)
    {
        uint8_t slot[WORD];
        struct buf value = BUF_INIT;
        uint8_t word[WORD] = {0};
        *ret_good = json_is_string(text) && strncmp(key, "0x", 2) == 0 &&
                    hex_decode_exact(key, slot, sizeof(slot));
        if (!*ret_good)
            return 0;
        err = read_hex(&value, bytes_str(json_string_value(text)));
        size_t len = value.len < WORD ? value.len : WORD;
        if (!err && len)
            memcpy(word + WORD - len, value.data + value.len - len, len);
        buf_release(&value);
        const struct u256 number = u256_load(slot), content = u256_load(word);
        if (!err)
            err = state_view_store(p->view, NULL, NULL, NULL, contract, &number, &content);
        if (err)
            return err;
    }
    return 0;
}

static bool read_balance(struct u256 *ret, const char *text)
{
    const struct u256 ten = u256_from(10);
    *ret = u256_from(0);
    if (!text || !*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        const struct u256 digit = u256_from((uint64_t)(*text - '0'));
        if (!u256_mul_checked(ret, ret, &ten) || u256_add(ret, ret, &digit))
            return false;
    }
    return true;
}

static int set_account(bool *ret_good, struct chain_private *p, const struct address *contract,
                       json_t *state)
{
    struct u256 balance;
    struct buf code = BUF_INIT;
    json_t *nonce = json_object_get(state, "nonce");
    const char *hex = json_string_value(json_object_get(state, "code"));
    *ret_good = json_is_object(state) && (!nonce || json_is_integer(nonce)) &&
                read_balance(&balance, json_string_value(json_object_get(state, "balance")));
    if (!*ret_good)
        return 0;
    int err = hex ? read_hex(&code, bytes_str(hex)) : 0;
    if (!err)
        err = state_view_set_balance(p->view, contract, &balance);
    if (!err)
        err = state_view_set_nonce(p->view, contract, (uint64_t)json_integer_value(nonce));
    if (!err)
        err = state_view_set_code(p->view, contract, buf_bytes(&code));
    buf_release(&code);
    return err ? err : set_slots(ret_good, p, contract, json_object_get(state, "storage"));
}

/* The state of the one contract that is expected, or nothing. */
static int set_state(struct chain_private *p, const struct shared *shared,
                     const struct chain_payload *payload)
{
    char name[CRYPTO_ADDRESS_TEXT];
    json_error_t error;
    json_t *whole = json_loadb((const char *)payload->data.data, payload->data.len,
                               JSON_REJECT_DUPLICATES, &error);
    size_t before = state_view_checkpoint(p->view), notes = state_view_checkpoint(p->notes);
    bool good = false;
    int err = 0;
    crypto_address_checksum(name, &shared->contract);
    json_t *account = json_object_get(whole, name);
    if (json_object_size(whole) == 1 && account)
        err = set_account(&good, p, &shared->contract, json_object_get(account, "state"));
    if (!err && good && payload->flag != CHAIN_STANDARD_PRIVATE) {
        const struct chain_metadata metadata = {.creation = shared->payload, .flag = payload->flag};
        err = chain_private_note(p, &shared->contract, &metadata);
    }
    if (!err && !good) {
        state_view_rollback(p->view, before);
        state_view_rollback(p->notes, notes);
    }
    json_decref(whole);
    return err;
}

/* Where there are several states: whether the vote was this one's. */
static int is_vote_of_side(struct chain_private *p, bool *ret_is,
                           const struct chain_payload_hash *vote)
{
    struct chain_payload payload = {.is_party = false};
    *ret_is = p->side->psi == NULL;
    if (*ret_is)
        return 0;
    int err = p->payloads->receive(p->payloads->context, &payload, vote, &p->arena);
    *ret_is = !err && payload.is_party && chain_psi_has(p->side->psi, payload.sender);
    return err;
}

static int take_state(struct chain_private *p, const struct shared *shared,
                      const struct address *management)
{
    struct buf vote = BUF_INIT;
    struct chain_payload payload = {.is_party = false};
    bool is_own = false;
    if (shared->vote.len == 0 || !shared->has_payload || !p->payloads->is_own_vote)
        return 0;
    int err = read_hex(&vote, shared->vote);
    struct chain_payload_hash hash = chain_payload_hash_of(buf_bytes(&vote));
    buf_release(&vote);
    if (!err)
        err = p->payloads->is_own_vote(p->payloads->context, &is_own, &hash, management, &p->arena);
    if (!err && is_own)
        err = is_vote_of_side(p, &is_own, &hash);
    if (!err && is_own && !chain_payload_hash_is_zero(&shared->payload))
        err = p->payloads->receive(p->payloads->context, &payload, &shared->payload, &p->arena);
    if (err || !payload.is_party)
        return err;
    return set_state(p, shared, &payload);
}

int chain_private_extend(struct chain_private *p, const struct eth_receipt *receipt)
{
    bool noted = false, any = false;
    for (size_t i = 0; i < receipt->log_count; i++) {
        struct shared shared;
        struct bytes code;
        bool good;
        int err = read_log(&good, &shared, &receipt->logs[i]);
        if (!err && good)
            err = state_view_code(p->view, &code, &shared.contract);
        if (err)
            return err;
        if (!good || (code.len && noted))
            continue;
        noted |= code.len > 0;
        any = true;
        err =
            code.len ? note_payload(p, &shared) : take_state(p, &shared, &receipt->logs[i].address);
        if (err)
            return err;
    }
    if (any) {
        state_view_end_transaction(p->view, true);
        state_view_end_transaction(p->notes, true);
    }
    return 0;
}
