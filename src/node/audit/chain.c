#include "node/audit/chain.h"

#include "base/base64.h"
#include "base/hex.h"

#include <stdio.h>

bool node_audit_hash(const json_t *tx, struct hash256 *ret_hash)
{
    const char *text = json_string_value(json_object_get(tx, "hash"));
    return text && hex_decode_exact(text, ret_hash->b, sizeof(ret_hash->b));
}

bool node_audit_payload_hash(const json_t *tx, struct chain_payload_hash *ret_hash)
{
    const char *text = json_string_value(json_object_get(tx, "input"));
    return text && hex_decode_exact(text, ret_hash->b, sizeof(ret_hash->b));
}

/* --- All transactions --- */

static void note_contract(struct node_audit_chain *chain, const json_t *receipt, const json_t *tx)
{
    const char *address = json_string_value(json_object_get(receipt, "contractAddress"));
    if (address)
        json_object_set(chain->contracts, address, (json_t *)tx);
}

static int read_transaction(struct node_audit_chain *chain, const json_t *tx)
{
    const json_t *hash = json_object_get(tx, "hash"), *input = json_object_get(tx, "input");
    bool marker = node_audit_is_marker(tx);
    if (json_is_string(input))
        json_object_set(chain->payloads, json_string_value(input), (json_t *)tx);
    /* Of what a node is no party to, the transaction inside of a marker is null, and its receipt an error. */
    json_t *inner = marker ? node_audit_ask(chain->peer, "eth_getPrivateTransactionByHash",
                                            json_pack("[O]", hash))
                           : NULL;
    const json_t *shown = json_object_get(inner, "result");
    const char *method = marker ? "eth_getPrivateTransactionReceipt" : "eth_getTransactionReceipt";
    if (marker && !json_is_object(shown)) {
        json_decref(inner);
        return inner ? ERR_OK : ERR_IO;
    }
    if (marker && json_is_string(json_object_get(shown, "input")))
        json_object_set(chain->payloads, json_string_value(json_object_get(shown, "input")),
                        (json_t *)tx);
    json_t *answer = node_audit_ask(chain->peer, method, json_pack("[O]", hash));
    note_contract(chain, json_object_get(answer, "result"), tx);
    json_decref(inner);
    json_decref(answer);
    return answer ? ERR_OK : ERR_IO;
}

static json_t *read_block(struct node_audit_chain *chain, uint64_t number)
{
    return node_audit_result(chain->peer, "eth_getBlockByNumber",
                             node_audit_block_params(number, true));
}

int node_audit_chain_read(struct node_audit_chain *ret_chain, struct node_audit_peer *peer,
                          uint64_t last)
{
    int status = ERR_OK;
    *ret_chain = (struct node_audit_chain){
        .peer = peer, .last = last, .contracts = json_object(), .payloads = json_object()};
    for (uint64_t number = 1; number <= last && status == ERR_OK; number++) {
        json_t *block = read_block(ret_chain, number), *tx;
        size_t i;
        status = block ? ERR_OK : ERR_IO;
        json_array_foreach(json_object_get(block, "transactions"), i, tx)
        {
            if (status == ERR_OK && node_audit_is_private(tx))
                status = read_transaction(ret_chain, tx);
        }
        json_decref(block);
    }
    return status;
}

void node_audit_chain_release(struct node_audit_chain *chain)
{
    json_decref(chain->contracts);
    json_decref(chain->payloads);
}

/* --- Contracts that others made --- */

/* The first block after which it has code, as far as the states are kept; 0: it cannot be told. */
static uint64_t find_birth(struct node_audit_chain *chain, const char *address)
{
    uint64_t without = 0, with = chain->last;
    while (with - without > 1) {
        uint64_t middle = without + (with - without) / 2;
        json_t *answer =
            node_audit_ask(chain->peer, "eth_getCode", node_audit_at_block(address, middle));
        const char *code = json_string_value(json_object_get(answer, "result"));
        bool known = code != NULL, has = code && strcmp(code, "0x") != 0;
        json_decref(answer);
        if (!known)
            return 0;
        *(has ? &with : &without) = middle;
    }
    return with;
}

static bool makes(const json_t *frame, const char *address)
{
    const char *type = json_string_value(json_object_get(frame, "type"));
    const char *to = json_string_value(json_object_get(frame, "to"));
    const json_t *call;
    size_t i;
    if (type && strncmp(type, "CREATE", 6) == 0 && to && strcmp(to, address) == 0)
        return true;
    json_array_foreach(json_object_get(frame, "calls"), i, call)
    {
        if (makes(call, address))
            return true;
    }
    return false;
}

/* New; NULL: none of the block's does, or it cannot be told. */
static json_t *find_in_block(struct node_audit_chain *chain, uint64_t number, const char *address)
{
    json_t *block = read_block(chain, number), *tx, *found = NULL;
    size_t i;
    json_array_foreach(json_object_get(block, "transactions"), i, tx)
    {
        if (found || !node_audit_is_private(tx))
            continue;
        json_t *answer = node_audit_ask(
            chain->peer, "debug_traceTransaction",
            json_pack("[O, {s:s}]", json_object_get(tx, "hash"), "tracer", "callTracer"));
        if (makes(json_object_get(answer, "result"), address))
            found = json_incref(tx);
        json_decref(answer);
    }
    json_decref(block);
    return found;
}

/* --- One contract --- */

static bool set_maker(struct node_audit_maker *maker, const json_t *tx)
{
    maker->has_transaction = true;
    return node_audit_hash(tx, &maker->transaction) && node_audit_payload_hash(tx, &maker->payload);
}

/* By the notes of the contract: the payload that made it, or that shared it with a new party. */
static bool maker_of_notes(struct node_audit_chain *chain, struct node_audit_maker *maker,
                           const json_t *metadata)
{
    const char *text = json_string_value(json_object_get(metadata, "creationTxHash"));
    char hex[2 * CHAIN_PAYLOAD_HASH + 3] = "0x";
    struct buf decoded = BUF_INIT;
    bool good =
        text && base64_decode(&decoded, bytes_str(text)) == 0 && decoded.len == CHAIN_PAYLOAD_HASH;
    if (good) {
        maker->payload = chain_payload_hash_of(buf_bytes(&decoded));
        hex_encode(hex + 2, buf_bytes(&decoded));
        hex[2 * CHAIN_PAYLOAD_HASH + 2] = 0;
        const json_t *tx = json_object_get(chain->payloads, hex);
        if (tx)
            good = set_maker(maker, tx);
    }
    buf_release(&decoded);
    return good;
}

int node_audit_chain_maker(struct node_audit_chain *chain, bool *ret_found,
                           struct node_audit_maker *ret_maker, const char *address)
{
    struct node_audit_maker maker = {.has_transaction = false};
    json_t *answer =
        node_audit_ask(chain->peer, "eth_getContractPrivacyMetadata", json_pack("[s]", address));
    if (!answer)
        return ERR_IO;
    *ret_found = maker_of_notes(chain, &maker, json_object_get(answer, "result"));
    json_decref(answer);
    json_t *tx = *ret_found ? NULL : json_incref(json_object_get(chain->contracts, address));
    uint64_t birth = *ret_found || tx ? 0 : find_birth(chain, address);
    if (birth)
        tx = find_in_block(chain, birth, address);
    if (tx)
        *ret_found = set_maker(&maker, tx);
    json_decref(tx);
    *ret_maker = maker;
    return ERR_OK;
}
