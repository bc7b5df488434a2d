/* personal, and what eth says of the node's accounts: which there are, unlocking, signing texts (GoQuorum,
 * internal/ethapi/api.go, PrivateAccountAPI). */
#include "accounts/accounts.h"
#include "base/mem.h"
#include "chain/pool/pool.h"
#include "consensus/clique/clique.h"
#include "crypto/keccak.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/run/lookup.h"

#include <stdio.h>

enum { UNLOCK_SECONDS = 300 }; /* without a duration */

/* What Go's durations hold: 2^63 nanoseconds. */
#define UNLOCK_SECONDS_MAX UINT64_C(9223372036)

/* Passwords and keys do not stay in the memory of requests. */
static void wipe(struct rpc_value *value)
{
    mem_wipe((void *)(uintptr_t)value->bytes.data, value->bytes.len);
}

/* The call's error for what accounts said. `unknown` is what GoQuorum calls an account that is not there. */
static int refuse(struct rpc_call *call, int result, const char *unknown,
                  const struct err_detail *detail)
{
    if (result == ERR_NOMEM)
        return result;
    if (result == ACCOUNTS_UNKNOWN)
        return rpc_fail(call, RPC_CODE_ERROR, "%s", unknown);
    return rpc_fail(call, RPC_CODE_ERROR, "%s", detail->text);
}

/* --- Which there are --- */

static void write_address(void *context, const struct accounts_entry *entry)
{
    rpc_item(context);
    rpc_write_address(context, &entry->address);
}

static int walk(struct rpc_call *call,
                void (*fn)(void *context, const struct accounts_entry *entry))
{
    int status = 0;
    buf_append_byte(call->out, '[');
    if (call->backend->accounts)
        status = accounts_each(call->backend->accounts, fn, call->out);
    buf_append_byte(call->out, ']');
    return status;
}

static int list_accounts(struct rpc_call *call)
{
    return walk(call, write_address);
}

static void write_url(struct buf *b, const char *path)
{
    char url[ACCOUNTS_PATH_MAX + 16];
    snprintf(url, sizeof(url), "keystore://%s", path);
    rpc_key(b, "url");
    rpc_json_write_string(b, bytes_str(url));
}

static void write_wallet(void *context, const struct accounts_entry *entry)
{
    struct buf *b = context;
    rpc_item(b);
    buf_append_byte(b, '{');
    write_url(b, entry->path);
    rpc_key(b, "status");
    buf_append_text(b, entry->unlocked ? "\"Unlocked\"" : "\"Locked\"");
    rpc_key(b, "accounts");
    buf_append_text(b, "[{");
    rpc_put_address(b, "address", &entry->address);
    write_url(b, entry->path);
    buf_append_text(b, "}]}");
}

static int list_wallets(struct rpc_call *call)
{
    return walk(call, write_wallet);
}

/* --- New ones --- */

static int new_account(struct rpc_call *call)
{
    struct err_detail detail = {""};
    struct address address;
    if (!call->backend->accounts)
        return rpc_fail(call, RPC_CODE_ERROR, "local keystore not used");
    int status =
        accounts_create(call->backend->accounts, &address, NULL, call->args[0].bytes, &detail);
    wipe(&call->args[0]);
    if (status)
        return refuse(call, status, "", &detail);
    rpc_write_address(call->out, &address);
    return 0;
}

static int nibble(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* As Go's crypto.HexToECDSA reads it, with its messages. */
static int read_key(struct rpc_call *call, struct crypto_private_key *ret_key, struct bytes text)
{
    static const struct crypto_private_key zero;
    for (size_t i = 0; i < text.len; i++)
        if (nibble(text.data[i]) < 0)
            return rpc_fail(call, RPC_CODE_ERROR, "invalid hex character '%c' in private key",
                            text.data[i]);
    if (text.len % 2)
        return rpc_fail(call, RPC_CODE_ERROR, "invalid hex data for private key");
    if (text.len != 64)
        return rpc_fail(call, RPC_CODE_ERROR, "invalid length, need 256 bits");
    for (size_t i = 0; i < 32; i++)
        ret_key->b[i] = (uint8_t)(nibble(text.data[2 * i]) << 4 | nibble(text.data[2 * i + 1]));
    if (crypto_private_key_valid(ret_key))
        return 0;
    bool is_zero = mem_equal_secret(ret_key->b, zero.b, sizeof(zero.b));
    return rpc_fail(call, RPC_CODE_ERROR, "%s",
                    is_zero ? "invalid private key, zero or negative" : "invalid private key, >=N");
}

static int import_raw_key(struct rpc_call *call)
{
    struct crypto_private_key key = {{0}};
    struct err_detail detail = {""};
    struct address address;
    int status = read_key(call, &key, call->args[0].bytes);
    wipe(&call->args[0]);
    if (status == 0 && !call->backend->accounts)
        status = rpc_fail(call, RPC_CODE_ERROR, "local keystore not used");
    if (status == 0) {
        status =
            accounts_import(call->backend->accounts, &address, &key, call->args[1].bytes, &detail);
        if (status)
            status = refuse(call, status, "", &detail);
    }
    mem_wipe(&key, sizeof(key));
    wipe(&call->args[1]);
    if (status == 0)
        rpc_write_address(call->out, &address);
    return status;
}

/* --- Unlocking --- */

static int check_unlock(struct rpc_call *call)
{
    const struct rpc_value *seconds = &call->args[2];
    if (call->backend->unlock_forbidden)
        return rpc_fail(call, RPC_CODE_ERROR, "account unlock with HTTP access is forbidden");
    if (seconds->given && seconds->number > UNLOCK_SECONDS_MAX)
        return rpc_fail(call, RPC_CODE_ERROR, "unlock duration too large");
    if (!call->backend->accounts || !accounts_has(call->backend->accounts, &call->args[0].address))
        return rpc_fail(call, RPC_CODE_ERROR, "unknown wallet");
    return 0;
}

static int unlock(struct rpc_call *call)
{
    struct err_detail detail = {""};
    int status = check_unlock(call);
    if (status == 0) {
        uint64_t seconds = call->args[2].given ? call->args[2].number : UNLOCK_SECONDS;
        status = accounts_unlock(call->backend->accounts, &call->args[0].address,
                                 call->args[1].bytes, seconds * 1000, call->now, &detail);
        if (status)
            status = refuse(call, status, "unknown wallet", &detail);
    }
    wipe(&call->args[1]);
    if (status == 0)
        rpc_write_bool(call->out, true);
    return status;
}

static int lock(struct rpc_call *call)
{
    struct accounts *accounts = call->backend->accounts;
    bool there = accounts && accounts_has(accounts, &call->args[0].address);
    if (there)
        accounts_lock(accounts, &call->args[0].address);
    rpc_write_bool(call->out, there);
    return 0;
}

/* --- Texts --- */

/* keccak256("\x19Ethereum Signed Message:\n" + length + message) (EIP-191, version 0x45) */
static void text_hash(struct hash256 *ret_hash, struct bytes message)
{
    struct crypto_keccak256 hash;
    char prefix[64];
    int len = snprintf(prefix, sizeof(prefix),
                       "\x19"
                       "Ethereum Signed Message:\n%zu",
                       message.len);
    crypto_keccak256_init(&hash);
    crypto_keccak256_update(&hash, bytes_of(prefix, (size_t)len));
    crypto_keccak256_update(&hash, message);
    crypto_keccak256_final(&hash, ret_hash);
}

static int write_signature(struct rpc_call *call, const struct crypto_signature *signature)
{
    uint8_t bytes[65];
    memcpy(bytes, signature->rs, 64);
    bytes[64] = (uint8_t)(27 + signature->recovery_id);
    rpc_write_bytes(call->out, bytes_of(bytes, sizeof(bytes)));
    return 0;
}

static int personal_sign(struct rpc_call *call)
{
    struct err_detail detail = {""};
    struct crypto_signature signature;
    struct hash256 hash;
    int status = ACCOUNTS_UNKNOWN;
    text_hash(&hash, call->args[0].bytes);
    if (call->backend->accounts)
        status =
            accounts_sign_with_password(call->backend->accounts, &signature, &call->args[1].address,
                                        call->args[2].bytes, &hash, &detail);
    wipe(&call->args[2]);
    return status ? refuse(call, status, "unknown account", &detail)
                  : write_signature(call, &signature);
}

static int eth_sign(struct rpc_call *call)
{
    struct crypto_signature signature;
    struct hash256 hash;
    int status = ACCOUNTS_UNKNOWN;
    text_hash(&hash, call->args[1].bytes);
    if (call->backend->accounts)
        status = accounts_sign(call->backend->accounts, &signature, &call->args[0].address, &hash,
                               call->now);
    if (status == ACCOUNTS_UNKNOWN)
        return rpc_fail(call, RPC_CODE_ERROR, "unknown account");
    if (status > 0)
        return rpc_fail(call, RPC_CODE_ERROR, "%s", accounts_result_text(status));
    return status ? status : write_signature(call, &signature);
}

/* To try out an account that is to sign Clique's blocks: the block's header with 32 bytes of zeros before its seal. */
static int sign_clique_block(struct rpc_call *call)
{
    uint8_t extra[32 + ISTANBUL_SEAL_SIZE] = {0};
    struct chain_reader reader;
    struct eth_header header;
    struct crypto_signature signature;
    struct hash256 digest;
    struct address signer;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = chain_reader_header(&reader, &header, call->args[1].number);
    if (status == ERR_NOTFOUND)
        status = rpc_fail(call, RPC_CODE_ERROR, "block #%llu not found",
                          (unsigned long long)call->args[1].number);
    else if (status)
        status = rpc_reader_fail(call, &reader, status);
    header.extra = bytes_of(extra, sizeof(extra));
    if (status == 0)
        status = clique_seal_digest(&header, &digest);
    chain_reader_close(&reader);
    if (status)
        return status;
    status = ACCOUNTS_UNKNOWN;
    if (call->backend->accounts)
        status = accounts_sign(call->backend->accounts, &signature, &call->args[0].address, &digest,
                               call->now);
    if (status)
        return status < 0 ? status
                          : rpc_fail(call, RPC_CODE_ERROR, "%s",
                                     status == ACCOUNTS_UNKNOWN ? "unknown account"
                                                                : accounts_result_text(status));
    if (!crypto_ecrecover(&signer, &digest, signature.rs, signature.recovery_id))
        return rpc_fail(call, RPC_CODE_ERROR, "recovery failed");
    rpc_write_address(call->out, &signer);
    return 0;
}

static int ec_recover(struct rpc_call *call)
{
    struct bytes signature = call->args[1].bytes;
    struct address address;
    struct hash256 hash;
    if (signature.len != 65)
        return rpc_fail(call, RPC_CODE_ERROR, "signature must be 65 bytes long");
    if (signature.data[64] != 27 && signature.data[64] != 28)
        return rpc_fail(call, RPC_CODE_ERROR, "invalid Ethereum signature (V is not 27 or 28)");
    text_hash(&hash, call->args[0].bytes);
    if (!crypto_ecrecover(&address, &hash, signature.data, signature.data[64] - 27u))
        return rpc_fail(call, RPC_CODE_ERROR, "recovery failed");
    rpc_write_address(call->out, &address);
    return 0;
}

/* --- Wallets: only key files, which need none of this --- */

struct wanted_url {
    struct bytes url;
    bool found;
};

static void match_url(void *context, const struct accounts_entry *entry)
{
    struct wanted_url *w = context;
    char url[ACCOUNTS_PATH_MAX + 16];
    snprintf(url, sizeof(url), "keystore://%s", entry->path);
    w->found = w->found || bytes_equal(w->url, bytes_str(url));
}

/* Whether there is one "://", and something before it. */
static bool has_scheme(struct bytes url)
{
    size_t found = 0;
    for (size_t i = 0; i + 3 <= url.len; i++)
        if (memcmp(url.data + i, "://", 3) == 0) {
            if (i == 0 || found++)
                return false;
            i += 2;
        }
    return found == 1;
}

/* 0 when the first parameter names a key file. */
static int find_wallet(struct rpc_call *call)
{
    struct wanted_url wanted = {call->args[0].bytes, false};
    if (!has_scheme(wanted.url))
        return rpc_fail(call, RPC_CODE_ERROR, "protocol scheme missing");
    int status =
        call->backend->accounts ? accounts_each(call->backend->accounts, match_url, &wanted) : 0;
    if (status == 0 && !wanted.found)
        status = rpc_fail(call, RPC_CODE_ERROR, "unknown wallet");
    return status;
}

static int open_wallet(struct rpc_call *call)
{
    int status = find_wallet(call);
    return status ? status : rpc_null(call);
}

static int derive_account(struct rpc_call *call)
{
    int status = find_wallet(call);
    return status ? status : rpc_fail(call, RPC_CODE_ERROR, "not supported");
}

static int initialize_wallet(struct rpc_call *call)
{
    int status = find_wallet(call);
    return status
               ? status
               : rpc_fail(call, RPC_CODE_ERROR, "specified wallet does not support initialization");
}

static int unpair(struct rpc_call *call)
{
    int status = find_wallet(call);
    return status ? status
                  : rpc_fail(call, RPC_CODE_ERROR, "specified wallet does not support pairing");
}

/* --- The pool's transactions of these accounts --- */

static bool write_executable(void *context, const struct address *sender,
                             struct chain_tx *const *txs, size_t count, size_t pending)
{
    struct rpc_call *call = context;
    (void)count;
    if (!accounts_has(call->backend->accounts, sender))
        return true;
    for (size_t i = 0; i < pending; i++) {
        rpc_item(call->out);
        rpc_write_transaction(call->out, &txs[i]->tx, &txs[i]->hash, NULL);
    }
    return true;
}

static int pending_transactions(struct rpc_call *call)
{
    int status = 0;
    buf_append_byte(call->out, '[');
    if (call->backend->accounts && call->backend->pool)
        status = chain_pool_visit(call->backend->pool, write_executable, call);
    buf_append_byte(call->out, ']');
    return status;
}

#define ADDRESS  {"address", RPC_ADDRESS}
#define DATA     {"data", RPC_BYTES}
#define PASSWORD {"password", RPC_TEXT}
#define WALLET   {"url", RPC_TEXT}

static const struct rpc_method methods[] = {
    {"eth_accounts", {{0}}, .run = list_accounts, .result = "array of addresses"},
    {"eth_sign", {ADDRESS, DATA}, .run = eth_sign, .proxied = true, .result = "65 bytes, hex"},
    {"eth_pendingTransactions",
     {{0}},
     .run = pending_transactions,
     .result = "array of transactions"},
    {"personal_listAccounts", {{0}}, .run = list_accounts, .result = "array of addresses"},
    {"personal_listWallets", {{0}}, .run = list_wallets, .result = "array of key files"},
    {"personal_newAccount", {PASSWORD}, .work = new_account, .result = "address"},
    {"personal_importRawKey",
     {{"key", RPC_TEXT}, PASSWORD},
     .work = import_raw_key,
     .result = "address"},
    {"personal_unlockAccount",
     {ADDRESS, PASSWORD, {"seconds", RPC_NUMBER, true}},
     .work = unlock,
     .result = "true"},
    {"personal_lockAccount", {ADDRESS}, .run = lock, .result = "whether there is such an account"},
    {"personal_sign",
     {DATA, ADDRESS, PASSWORD},
     .work = personal_sign,
     .proxied = true,
     .result = "65 bytes, hex"},
    {"debug_testSignCliqueBlock",
     {{"address", RPC_ADDRESS}, {"number", RPC_NUMBER}},
     .work = sign_clique_block,
     .light = true,
     .result = "the address, recovered from a signature of the block's header as Clique signs it"},
    {"personal_ecRecover",
     {DATA, {"signature", RPC_BYTES}},
     .run = ec_recover,
     .result = "address"},
    {"personal_openWallet",
     {WALLET, {"password", RPC_TEXT, true}},
     .run = open_wallet,
     .result = "null"},
    {"personal_deriveAccount",
     {WALLET, {"path", RPC_TEXT}, {"pin", RPC_BOOL, true}},
     .run = derive_account,
     .result = "an error: key files have one account"},
    {"personal_initializeWallet",
     {WALLET},
     .run = initialize_wallet,
     .result = "an error: for smart cards"},
    {"personal_unpair",
     {WALLET, {"pin", RPC_TEXT}},
     .run = unpair,
     .result = "an error: for smart cards"},
};

const struct rpc_method_list rpc_methods_account = {methods, BASE_COUNT(methods)};
