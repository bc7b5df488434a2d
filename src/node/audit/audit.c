/*
 * private audit OWN OTHER …: whether the parties of private contracts have one state of them.
 *
 * The nodes are asked by JSON-RPC (GoQuorum's, too; namespaces eth and debug): the private contracts of OWN are those of its
 * dump at the highest block that both have; where code or storage of one differ, a bisection finds a block where they part,
 * and its private transactions are compared: payload, then receipt. A contract that OTHER has not got is not its business,
 * or its creation was lost there: it is counted. (With OWN alone the others are asked over the managers: parties.c.)
 */
#include "base/mem.h"
#include "node/audit/rpc.h"
#include "node/commands/command.h"

#include <inttypes.h>
#include <stdio.h>

struct audit {
    struct node_audit_peer own, other;
    uint64_t last; /* the block at which all is compared */
    size_t same, absent, parted;
    struct err_detail detail;
};

/* --- One contract at one block --- */

enum likeness { FAILED = -1, EQUAL, DIFFERENT, ABSENT, UNKNOWN };

/* Code and root of the storage as one text; NULL: failed. *ret_known false: the node keeps no such state any more. */
static char *look(struct audit *a, struct node_audit_peer *peer, const char *address,
                  uint64_t number, bool *ret_known, bool *ret_has_code)
{
    json_t *code = node_audit_ask(peer, "eth_getCode", node_audit_at_block(address, number));
    json_t *root =
        code ? node_audit_ask(peer, "eth_storageRoot", node_audit_at_block(address, number)) : NULL;
    char *text = NULL;
    if (root) {
        const char *bytes = json_string_value(json_object_get(code, "result"));
        const char *hash = json_string_value(json_object_get(root, "result"));
        *ret_known = bytes != NULL;
        *ret_has_code = bytes && strcmp(bytes, "0x") != 0;
        size_t size = (bytes ? strlen(bytes) : 0) + (hash ? strlen(hash) : 0) + 2;
        text = mem_alloc(size);
        if (text)
            snprintf(text, size, "%s %s", bytes ? bytes : "",
                     hash && *ret_has_code ? hash : ""); /* without code there is no contract */
        else
            err_set(&a->detail, ERR_NOMEM, "out of memory");
    }
    json_decref(code);
    json_decref(root);
    return text;
}

static enum likeness compare(struct audit *a, const char *address, uint64_t number)
{
    bool known[2] = {false, false}, has_code[2] = {false, false};
    char *own = look(a, &a->own, address, number, &known[0], &has_code[0]);
    char *other = own ? look(a, &a->other, address, number, &known[1], &has_code[1]) : NULL;
    enum likeness likeness = FAILED;
    if (other)
        likeness = !known[0] || !known[1]        ? UNKNOWN
                   : strcmp(own, other) == 0     ? EQUAL
                   : has_code[0] && !has_code[1] ? ABSENT
                                                 : DIFFERENT;
    mem_free(own);
    mem_free(other);
    return likeness;
}

/* The first block after the last one at which they were seen to be equal; 0 and detail: failed. *ret_bound: it may be an
 * earlier one, whose state is not kept any more. */
static uint64_t find_block(struct audit *a, const char *address, bool *ret_bound)
{
    uint64_t equal = 0, different = a->last;
    *ret_bound = false;
    while (different - equal > 1) {
        uint64_t middle = equal + (different - equal) / 2;
        enum likeness likeness = compare(a, address, middle);
        if (likeness == FAILED)
            return 0;
        if (likeness == DIFFERENT || likeness == ABSENT) {
            different = middle;
        } else {
            *ret_bound = likeness == UNKNOWN;
            equal = middle;
        }
    }
    return different;
}

/* --- The transaction --- */

/* Whether the two give one answer. */
static bool agree(struct audit *a, const char *method, const json_t *param, const char *field)
{
    json_t *own = node_audit_ask(&a->own, method, json_pack("[O]", param));
    json_t *other = node_audit_ask(&a->other, method, json_pack("[O]", param));
    const json_t *x = json_object_get(own, "result"), *y = json_object_get(other, "result");
    bool same =
        field ? json_equal(json_object_get(x, field), json_object_get(y, field)) : json_equal(x, y);
    json_decref(own);
    json_decref(other);
    return same;
}

static void tell_transaction(struct audit *a, uint64_t number)
{
    json_t *block =
        node_audit_result(&a->own, "eth_getBlockByNumber", node_audit_block_params(number, true));
    json_t *list = json_object_get(block, "transactions"), *tx;
    const char *only = NULL;
    size_t i, count = 0;
    json_array_foreach(list, i, tx)
    {
        const json_t *hash = json_object_get(tx, "hash");
        const char *why = NULL;
        if (!node_audit_is_private(tx))
            continue;
        count++;
        only = json_string_value(hash);
        if (!agree(a, "eth_getQuorumPayload", json_object_get(tx, "input"), NULL))
            why = "its payload is not the same, or only one has it";
        else if (!agree(a, "eth_getTransactionReceipt", hash, "status"))
            why = "it failed at one of them";
        else if (!agree(a, "eth_getTransactionReceipt", hash, "logs"))
            why = "its logs differ";
        if (why) {
            printf("      transaction %s: %s\n", only ? only : "", why);
            json_decref(block);
            return;
        }
    }
    if (count == 1)
        printf("      transaction %s: payload and receipt are the same\n", only ? only : "");
    else
        printf("      one of its %zu private transactions; payloads and receipts are the same\n",
               count);
    json_decref(block);
}

/* --- All --- */

static int audit_contract(struct audit *a, const char *address)
{
    bool bound;
    enum likeness likeness = compare(a, address, a->last);
    if (likeness == FAILED)
        return ERR_IO;
    if (likeness == UNKNOWN)
        return err_set(&a->detail, ERR_NOTFOUND, "the state of block %" PRIu64 " is not there",
                       a->last);
    a->same += likeness == EQUAL;
    a->absent += likeness == ABSENT;
    a->parted += likeness == DIFFERENT;
    if (likeness != DIFFERENT)
        return ERR_OK;
    uint64_t number = find_block(a, address, &bound);
    if (number == 0)
        return ERR_IO;
    printf("   %s parts at block %" PRIu64 "%s\n", address, number,
           bound ? " or before: older states are not kept" : "");
    if (!bound)
        tell_transaction(a, number);
    return ERR_OK;
}

static int find_height(struct audit *a)
{
    uint64_t own, other;
    int status = node_audit_height(&a->own, &own);
    if (status == ERR_OK)
        status = node_audit_height(&a->other, &other);
    if (status == ERR_OK)
        a->last = own < other ? own : other;
    return status;
}

static int check_chain(struct audit *a)
{
    json_t *own =
        node_audit_result(&a->own, "eth_getBlockByNumber", node_audit_block_params(a->last, false));
    json_t *other = own ? node_audit_result(&a->other, "eth_getBlockByNumber",
                                            node_audit_block_params(a->last, false))
                        : NULL;
    int status = other ? ERR_OK : ERR_IO;
    if (other && !json_equal(json_object_get(own, "hash"), json_object_get(other, "hash")))
        status =
            err_set(&a->detail, ERR_INPUT, "block %" PRIu64 " is not the same at both", a->last);
    json_decref(own);
    json_decref(other);
    return status;
}

static int audit_other(struct audit *a)
{
    int status = find_height(a);
    if (status == ERR_OK)
        status = check_chain(a);
    if (status != ERR_OK)
        return status;
    json_t *contracts = node_audit_contracts(&a->own, a->last), *contract;
    size_t i;
    if (!contracts)
        return ERR_IO;
    printf("%s and %s at block %" PRIu64 ":\n", a->own.name, a->other.name, a->last);
    json_array_foreach(contracts, i, contract)
    {
        if (status == ERR_OK)
            status = audit_contract(a, json_string_value(contract));
    }
    json_decref(contracts);
    if (status == ERR_OK)
        printf("   private contracts: %zu the same, %zu differ, %zu not there\n", a->same,
               a->parted, a->absent);
    return status;
}

int node_audit(const struct node_config *config, size_t count, char **endpoints)
{
    size_t parted = 0;
    int code = NODE_EXIT_OK;
    if (count == 1)
        return node_audit_parties(config, endpoints[0]);
    for (size_t i = 1; i < count && code == NODE_EXIT_OK; i++) {
        struct audit a = {.same = 0};
        a.own.detail = a.other.detail = &a.detail;
        int status = node_audit_connect(&a.own, config, endpoints[0]);
        if (status == ERR_OK)
            status = node_audit_connect(&a.other, config, endpoints[i]);
        if (status == ERR_OK)
            status = audit_other(&a);
        if (status != ERR_OK)
            code = node_fatal("%s", *a.detail.text ? a.detail.text : err_text(status));
        console_client_free(a.own.client);
        console_client_free(a.other.client);
        parted += a.parted;
    }
    return code == NODE_EXIT_OK && parted ? NODE_EXIT_FATAL : code;
}
