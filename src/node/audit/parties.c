/*
 * private audit OWN: whether all parties of this node's private contracts have one state of them, asked over the managers.
 *
 * The private contracts are those of OWN's dump; the parties of each are the manager's: those of the transaction that made it. Each
 * party's node is asked, by notes (note.h), whether it has the same code and storage; where it has not, a bisection finds a
 * block where they part, and its private transactions are asked for in order.
 */
#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/keccak.h"
#include "crypto/random.h"
#include "node/audit/chain.h"
#include "node/audit/note.h"
#include "node/commands/command.h"
#include "node/manager.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    ANSWER_MS = 20000, /* for a party's node to answer: it looks for notes every four seconds */
    LOOK_MS = 20,
    PARTIES_MAX = 1024,
};

struct party {
    struct bytes key; /* base64 */
    bool silent;      /* does not answer */
    uint64_t head;
    size_t same, parted, unknown;
};

struct audit {
    struct node_audit_peer own;
    struct node_manager *manager;
    struct privacy_tm *tm;
    struct node_audit_chain chain;
    struct arena arena; /* keys */
    struct party *parties[PARTIES_MAX];
    size_t party_count;
    size_t alone; /* contracts that nobody else is known to have */
    struct err_detail detail;
};

/* What of one contract is asked of one party. */
struct subject {
    const char *address;
    struct node_audit_maker maker;
    struct bytes from;
};

/* --- Questions --- */

static int begin_question(struct audit *a, struct node_audit_question *q, enum node_audit_kind kind)
{
    uint8_t id[NODE_AUDIT_ID / 2];
    *q = (struct node_audit_question){.kind = kind};
    if (crypto_random(id, sizeof(id)) || crypto_random(q->salt, sizeof(q->salt)))
        return err_set(&a->detail, ERR_IO, "the system gives no randomness");
    hex_encode(q->id, bytes_of(id, sizeof(id)));
    return ERR_OK;
}

static int wait_for_answer(struct audit *a, struct party *party,
                           const struct node_audit_question *q, enum node_audit_answer *ret_answer)
{
    char topic[NODE_AUDIT_TOPIC_SIZE];
    uint64_t until = base_now_ms() + ANSWER_MS;
    node_audit_topic(topic, q);
    while (base_now_ms() < until) {
        struct privacy_notes notes = {NULL, 0};
        struct arena arena;
        bool good = false;
        arena_init(&arena);
        int err = privacy_note_take(a->tm, &notes, topic, &arena, &a->detail);
        for (size_t i = 0; i < notes.count && !err && !good; i++)
            good = bytes_equal(notes.list[i].from, party->key) &&
                   node_audit_read_answer(ret_answer, &party->head, notes.list[i].text);
        arena_release(&arena);
        if (err || good)
            return err == PRIVACY_FAILED ? ERR_IO : err;
        privacy_pause(a->tm, LOOK_MS);
    }
    party->silent = true;
    printf("   %.*s does not answer: its node is down, or is none of Quorate\n",
           (int)party->key.len, (const char *)party->key.data);
    return ERR_OK;
}

/* With party->silent there is no answer. */
static int ask_party(struct audit *a, struct party *party, struct bytes from,
                     const struct node_audit_question *q, enum node_audit_answer *ret_answer)
{
    struct buf text = BUF_INIT;
    node_audit_write_question(&text, q);
    const struct privacy_note note = {from, party->key, buf_bytes(&text)};
    int err = buf_status(&text);
    if (!err)
        err = privacy_note_send(a->tm, &note, NODE_AUDIT_TOPIC, &a->detail);
    buf_release(&text);
    if (err == PRIVACY_FAILED) {
        party->silent = true;
        printf("   %.*s cannot be asked: %s\n", (int)party->key.len, (const char *)party->key.data,
               a->detail.text);
        return ERR_OK;
    }
    return err ? err : wait_for_answer(a, party, q, ret_answer);
}

static int find_party(struct audit *a, struct party **ret_party, struct bytes key,
                      struct bytes from)
{
    struct node_audit_question q;
    enum node_audit_answer answer;
    *ret_party = NULL;
    for (size_t i = 0; i < a->party_count; i++)
        if (bytes_equal(a->parties[i]->key, key))
            *ret_party = a->parties[i];
    if (*ret_party)
        return ERR_OK;
    struct party *party = arena_alloc_zeroed(&a->arena, 1, sizeof(*party));
    if (!party || a->party_count == PARTIES_MAX)
        return err_set(&a->detail, party ? ERR_LIMIT : ERR_NOMEM, "%s",
                       party ? "too many parties" : "out of memory");
    party->key = arena_copy(&a->arena, key);
    a->parties[a->party_count++] = *ret_party = party;
    int err = begin_question(a, &q, NODE_AUDIT_HEAD);
    return err ? err : ask_party(a, party, from, &q, &answer);
}

/* --- One contract at one block --- */

static int set_block(struct audit *a, struct node_audit_question *q, uint64_t number)
{
    json_t *block =
        node_audit_result(&a->own, "eth_getBlockByNumber", node_audit_block_params(number, false));
    bool good = node_audit_hash(block, &q->block_hash);
    json_decref(block);
    q->block = number;
    return good ? ERR_OK : ERR_IO;
}

/* *ret_known false: this node keeps no such state. */
static int digest_own(struct audit *a, struct node_audit_question *q, const char *address,
                      bool *ret_known)
{
    struct hash256 code_hash, root = {{0}};
    struct buf bytes = BUF_INIT;
    json_t *code = node_audit_ask(&a->own, "eth_getCode", node_audit_at_block(address, q->block));
    json_t *storage =
        code ? node_audit_ask(&a->own, "eth_storageRoot", node_audit_at_block(address, q->block))
             : NULL;
    const char *text = json_string_value(json_object_get(code, "result"));
    const char *hash = json_string_value(json_object_get(storage, "result"));
    int status = storage ? ERR_OK : ERR_IO;
    *ret_known = text != NULL;
    if (text)
        status = hex_decode(text, &bytes);
    if (status == ERR_OK && bytes.len && (!hash || !hex_decode_exact(hash, root.b, 32)))
        *ret_known = false;
    crypto_keccak256(&code_hash, buf_bytes(&bytes));
    node_audit_digest_contract(&q->digest, q, &code_hash, &root);
    buf_release(&bytes);
    json_decref(code);
    json_decref(storage);
    return status;
}

static int compare(struct audit *a, struct party *party, const struct subject *s, uint64_t number,
                   enum node_audit_answer *ret_answer)
{
    struct node_audit_question q;
    bool known;
    int err = begin_question(a, &q, NODE_AUDIT_CONTRACT);
    q.transaction = s->maker.transaction;
    q.payload = s->maker.payload;
    if (!err && !hex_decode_exact(s->address, q.contract.b, sizeof(q.contract.b)))
        err = err_set(&a->detail, ERR_INPUT, "%s is no address", s->address);
    if (!err)
        err = set_block(a, &q, number);
    if (!err)
        err = digest_own(a, &q, s->address, &known);
    *ret_answer = NODE_AUDIT_IS_GONE;
    return err || !known ? err : ask_party(a, party, s->from, &q, ret_answer);
}

/* --- Where they part --- */

static bool differs(enum node_audit_answer answer)
{
    return answer == NODE_AUDIT_IS_OTHER || answer == NODE_AUDIT_IS_NONE;
}

/* *ret_bound: it may be an earlier one, whose state is not kept any more. */
static int find_block(struct audit *a, struct party *party, const struct subject *s,
                      uint64_t different, uint64_t *ret_block, bool *ret_bound)
{
    uint64_t equal = 0;
    *ret_bound = false;
    while (different - equal > 1 && !party->silent) {
        enum node_audit_answer answer;
        uint64_t middle = equal + (different - equal) / 2;
        int err = compare(a, party, s, middle, &answer);
        if (err)
            return err;
        if (differs(answer)) {
            different = middle;
        } else {
            *ret_bound = answer != NODE_AUDIT_IS_SAME;
            equal = middle;
        }
    }
    *ret_block = different;
    return ERR_OK;
}

static bool read_log(struct eth_log *log, const json_t *json, struct arena *arena)
{
    const char *address = json_string_value(json_object_get(json, "address"));
    const char *data = json_string_value(json_object_get(json, "data"));
    const json_t *topics = json_object_get(json, "topics"), *topic;
    struct hash256 *list = arena_alloc_zeroed(arena, ETH_TOPICS_MAX, sizeof(*list));
    struct buf decoded = BUF_INIT;
    size_t i, count = json_array_size(topics);
    bool good = list && address && data && count <= ETH_TOPICS_MAX &&
                hex_decode_exact(address, log->address.b, sizeof(log->address.b)) &&
                hex_decode(data, &decoded) == 0;
    json_array_foreach(topics, i, topic)
    {
        const char *text = json_string_value(topic);
        good = good && text && hex_decode_exact(text, list[i].b, sizeof(list[i].b));
    }
    log->topics = list;
    log->topic_count = count;
    log->data = good ? arena_copy(arena, buf_bytes(&decoded)) : bytes_none();
    buf_release(&decoded);
    return good;
}

static int digest_receipt(struct node_audit_question *q, const json_t *receipt,
                          struct bytes payload, struct arena *arena)
{
    const json_t *list = json_object_get(receipt, "logs"), *item;
    const char *status = json_string_value(json_object_get(receipt, "status"));
    size_t i, count = json_array_size(list);
    struct eth_log *logs = arena_alloc_zeroed(arena, count + 1, sizeof(*logs));
    if (!logs)
        return ERR_NOMEM;
    json_array_foreach(list, i, item)
    {
        if (!read_log(&logs[i], item, arena))
            return ERR_INPUT;
    }
    return node_audit_digest_transaction(&q->digest, q, payload,
                                         status && strcmp(status, "0x1") == 0, logs, count);
}

/* Whether the party is one of the transaction's, and which own key is; *ret_party false without the payload, too. */
static int is_party_of(struct audit *a, const struct party *party,
                       const struct chain_payload_hash *hash, struct chain_payload *ret_payload,
                       struct arena *arena, bool *ret_party)
{
    struct privacy_keys keys = {NULL, 0, false};
    *ret_party = false;
    int err = privacy_receive(a->tm, ret_payload, hash, false, arena, &a->detail);
    if (!err && ret_payload->is_party)
        err = privacy_participants(a->tm, &keys, hash, arena, &a->detail);
    *ret_party = !err && bytes_equal(ret_payload->sender, party->key);
    for (size_t i = 0; i < keys.count && !err; i++)
        *ret_party |= bytes_equal(keys.keys[i], party->key);
    return err;
}

static int ask_transaction(struct audit *a, struct party *party, struct bytes from,
                           const json_t *tx, struct arena *arena, bool *ret_payload,
                           enum node_audit_answer *ret_answer)
{
    struct node_audit_question q;
    struct chain_payload payload = {.is_party = true};
    bool is_party = false;
    *ret_answer = NODE_AUDIT_IS_SAME;
    int err = begin_question(a, &q, NODE_AUDIT_TRANSACTION);
    if (!err && (!node_audit_hash(tx, &q.transaction) || !node_audit_payload_hash(tx, &q.payload)))
        return ERR_OK; /* no hash of a payload: nobody's */
    if (!err)
        err = is_party_of(a, party, &q.payload, &payload, arena, &is_party);
    *ret_payload = payload.is_party;
    if (err || !is_party)
        return err;
    json_t *receipt = node_audit_result(
        &a->own,
        node_audit_is_marker(tx) ? "eth_getPrivateTransactionReceipt" : "eth_getTransactionReceipt",
        json_pack("[O]", json_object_get(tx, "hash")));
    err = receipt ? digest_receipt(&q, receipt, payload.data, arena) : ERR_IO;
    if (!err) {
        const char *number = json_string_value(json_object_get(receipt, "blockNumber"));
        err = number && hex_u64(number, &q.block) ? set_block(a, &q, q.block) : ERR_INPUT;
    }
    json_decref(receipt);
    return err ? err : ask_party(a, party, from, &q, ret_answer);
}

static const char *reason(enum node_audit_answer answer)
{
    return answer == NODE_AUDIT_IS_STRANGER ? "that party has no payload of it"
           : answer == NODE_AUDIT_IS_NONE   ? "that party did not run it"
                                            : "another payload, status or logs there";
}

/* What there is to say of a block when no transaction that both have differs. */
static void tell_rest(size_t unknown, const struct hash256 *first)
{
    char hex[65] = "";
    hex_encode(hex, bytes_of(first->b, sizeof(first->b)));
    if (unknown)
        printf("      transaction 0x%s: this node has no payload of it%s\n", hex,
               unknown > 1 ? ", nor of others of that block" : "");
    else
        printf("      its private transactions have one outcome at both\n");
}

static int tell_transaction(struct audit *a, struct party *party, struct bytes from,
                            uint64_t number)
{
    json_t *block =
        node_audit_result(&a->own, "eth_getBlockByNumber", node_audit_block_params(number, true));
    json_t *tx;
    size_t i, unknown = 0;
    int err = block ? ERR_OK : ERR_IO;
    bool found = false;
    struct hash256 first = {{0}};
    json_array_foreach(json_object_get(block, "transactions"), i, tx)
    {
        enum node_audit_answer answer = NODE_AUDIT_IS_SAME;
        bool has_payload = true;
        struct arena arena;
        if (err || found || party->silent || !node_audit_is_private(tx))
            continue;
        arena_init(&arena);
        err = ask_transaction(a, party, from, tx, &arena, &has_payload, &answer);
        arena_release(&arena);
        if (!has_payload && unknown++ == 0)
            (void)node_audit_hash(tx, &first);
        found = !err && !party->silent && answer != NODE_AUDIT_IS_SAME;
        if (found)
            printf("      transaction %s: %s\n", json_string_value(json_object_get(tx, "hash")),
                   reason(answer));
    }
    if (!err && !found && !party->silent)
        tell_rest(unknown, &first);
    json_decref(block);
    return err;
}

static int tell_parting(struct audit *a, struct party *party, const struct subject *s,
                        uint64_t last)
{
    uint64_t number;
    bool bound;
    int err = find_block(a, party, s, last, &number, &bound);
    if (err || party->silent)
        return err;
    printf("   %s parts from %.*s at block %" PRIu64 "%s\n", s->address, (int)party->key.len,
           (const char *)party->key.data, number,
           bound ? " or before: older states are not kept" : "");
    return bound ? ERR_OK : tell_transaction(a, party, s->from, number);
}

/* The payload of what made it is lost there. */
static void tell_lost(const struct party *party, const struct subject *s)
{
    char hex[65] = "";
    hex_encode(hex, bytes_of(s->maker.transaction.b, sizeof(s->maker.transaction.b)));
    printf("   %s parts from %.*s where it was made\n", s->address, (int)party->key.len,
           (const char *)party->key.data);
    if (s->maker.has_transaction)
        printf("      transaction 0x%s: %s\n", hex, reason(NODE_AUDIT_IS_STRANGER));
}

static int audit_party(struct audit *a, struct party *party, const struct subject *s)
{
    enum node_audit_answer answer;
    uint64_t last = a->chain.last < party->head ? a->chain.last : party->head;
    if (party->silent)
        return ERR_OK;
    int err = compare(a, party, s, last, &answer);
    if (err || party->silent)
        return err;
    party->same += answer == NODE_AUDIT_IS_SAME;
    party->unknown += answer == NODE_AUDIT_IS_GONE || answer == NODE_AUDIT_IS_BEHIND;
    party->parted += differs(answer) || answer == NODE_AUDIT_IS_STRANGER;
    if (answer == NODE_AUDIT_IS_STRANGER)
        tell_lost(party, s);
    return differs(answer) ? tell_parting(a, party, s, last) : ERR_OK;
}

/* --- All --- */

static bool is_own(const struct chain_payload *payload, struct bytes key)
{
    for (size_t i = 0; i < payload->managed_count; i++)
        if (bytes_equal(payload->managed_parties[i], key))
            return true;
    return false;
}

static int audit_key(struct audit *a, const struct chain_payload *payload, struct subject *s,
                     struct bytes key, size_t *ret_count)
{
    struct party *party;
    if (key.len == 0 || is_own(payload, key))
        return ERR_OK;
    ++*ret_count;
    int err = find_party(a, &party, key, s->from);
    return err ? err : audit_party(a, party, s);
}

static int audit_contract(struct audit *a, const char *address)
{
    struct subject s = {.address = address};
    struct chain_payload payload = {.is_party = false};
    struct privacy_keys keys = {NULL, 0, false};
    struct arena arena;
    bool found, sender_listed = false;
    size_t others = 0;
    int err = node_audit_chain_maker(&a->chain, &found, &s.maker, address);
    if (err)
        return err;
    arena_init(&arena);
    if (found)
        err = privacy_receive(a->tm, &payload, &s.maker.payload, false, &arena, &a->detail);
    if (!err && payload.is_party)
        err = privacy_participants(a->tm, &keys, &s.maker.payload, &arena, &a->detail);
    s.from = is_own(&payload, payload.sender) || !payload.managed_count
                 ? payload.sender
                 : payload.managed_parties[0];
    for (size_t i = 0; i < keys.count && !err; i++) {
        sender_listed |= bytes_equal(keys.keys[i], payload.sender);
        err = audit_key(a, &payload, &s, keys.keys[i], &others);
    }
    if (!err && !sender_listed)
        err = audit_key(a, &payload, &s, payload.sender, &others);
    a->alone += !others;
    arena_release(&arena);
    return err == PRIVACY_FAILED ? ERR_IO : err;
}

static int audit_all(struct audit *a)
{
    uint64_t last;
    json_t *contract;
    size_t i;
    int err = node_audit_height(&a->own, &last);
    if (!err)
        err = node_audit_chain_read(&a->chain, &a->own, last);
    json_t *contracts = err ? NULL : node_audit_contracts(&a->own, last);
    if (!err && !contracts)
        err = ERR_IO;
    if (!err)
        printf("%s and the parties of its private contracts, at block %" PRIu64 ":\n", a->own.name,
               last);
    json_array_foreach(contracts, i, contract)
    {
        if (!err)
            err = audit_contract(a, json_string_value(contract));
    }
    json_decref(contracts);
    return err;
}

/* How many parties differ, or did not answer. */
static size_t report(const struct audit *a)
{
    size_t bad = 0;
    for (size_t i = 0; i < a->party_count; i++) {
        const struct party *p = a->parties[i];
        printf("   %.*s: %zu the same, %zu differ%s%s\n", (int)p->key.len,
               (const char *)p->key.data, p->same, p->parted,
               p->unknown ? ", some of states that are not kept" : "",
               p->silent ? ", the rest without an answer" : "");
        bad += p->parted || p->silent;
    }
    if (a->alone)
        printf("   %zu without another party that is known here\n", a->alone);
    return bad;
}

static int open_all(struct audit *a, const struct node_config *config, const char *endpoint)
{
    struct privacy_notes notes;
    int err = node_manager_open(&a->manager, config, &a->detail);
    if (!err && !a->manager)
        err = err_set(&a->detail, ERR_USAGE,
                      "there is no private transaction manager to ask the parties by: name it by "
                      "PRIVATE_CONFIG or --ptm.socket, or name the parties' endpoints");
    if (err)
        return err;
    a->tm = node_manager_tm(a->manager);
    err = privacy_note_take(a->tm, &notes, NODE_AUDIT_TOPIC "-none", &a->arena, &a->detail);
    return err ? (err == PRIVACY_FAILED ? ERR_IO : err)
               : node_audit_connect(&a->own, config, endpoint);
}

int node_audit_parties(const struct node_config *config, const char *endpoint)
{
    struct audit *a = mem_alloc_zeroed(1, sizeof(*a));
    int code = NODE_EXIT_OK;
    if (!a)
        return node_fatal("out of memory");
    arena_init(&a->arena);
    a->own.detail = &a->detail;
    int err = open_all(a, config, endpoint);
    if (!err)
        err = audit_all(a);
    if (err)
        code = node_fatal("%s", *a->detail.text ? a->detail.text : err_text(err));
    else if (report(a))
        code = NODE_EXIT_FATAL;
    node_audit_chain_release(&a->chain);
    console_client_free(a->own.client);
    node_manager_free(a->manager);
    arena_release(&a->arena);
    mem_free(a);
    return code;
}
