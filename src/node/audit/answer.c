#include "node/audit/answer.h"

#include "base/mem.h"
#include "chain/private/private.h"
#include "crypto/keccak.h"
#include "eth/address.h"
#include "node/audit/note.h"
#include "node/log/log.h"

#include <pthread.h>

enum {
    IDLE_MS =
        4000, /* between looks for notes: an audit may begin so late, and wakes nobody while there is none */
    BUSY_MS = 20,       /* after a question: the next one follows soon */
    BUSY_LOOKS = 150,   /* how often, before it is idle again */
    ANSWERED_MAX = 512, /* questions of one look */
    TRIES = 6,          /* to send the first answer of one, */
    AGAIN_MS = 1000,    /* so far apart */
};

struct node_audit_answerer {
    struct privacy_tm *tm;
    struct chain *chain;
    const struct chain_psis *psis;
    pthread_t thread;
};

/* One question. */
struct answering {
    const struct node_audit_answerer *answerer;
    struct arena *arena;
    const struct node_audit_question *question;
    const struct privacy_note *note;
    struct chain_reader reader;
    struct bytes psi;
    uint64_t head;
    /* The transaction that is named. */
    uint64_t number;
    uint32_t index;
    struct chain_payload_hash hash;
    struct chain_payload payload;
    struct eth_transaction tx; /* of `block` */
    struct chain_block *block;
};

/* --- Who asks --- */

static bool has_key(const struct bytes *keys, size_t count, struct bytes key)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(keys[i], key))
            return true;
    return false;
}

/* ERR_NOTFOUND: there is no such private transaction. */
static int find_transaction(struct answering *a)
{
    static const struct hash256 none;
    a->hash = a->question->payload;
    if (hash256_equal(&a->question->transaction, &none))
        return a->question->kind == NODE_AUDIT_CONTRACT ? 0 : ERR_NOTFOUND;
    int err =
        chain_reader_transaction(&a->reader, &a->number, &a->index, &a->question->transaction);
    if (!err)
        err = chain_reader_block(&a->reader, &a->block, a->number);
    if (err)
        return err;
    a->tx = a->block->body->body.transactions[a->index];
    a->hash = chain_payload_hash_of(a->tx.data);
    return chain_has_payload(&a->tx) ? 0 : ERR_NOTFOUND;
}

/* *ret_party: this node has the payload, and who asks is a party of it. */
static int find_payload(struct answering *a, bool *ret_party)
{
    struct privacy_keys keys = {NULL, 0, false};
    struct err_detail detail = {""};
    struct privacy_tm *tm = a->answerer->tm;
    *ret_party = false;
    int err = find_transaction(a);
    if (err)
        return err == ERR_NOTFOUND ? 0 : err;
    err = privacy_receive(tm, &a->payload, &a->hash, false, a->arena, &detail);
    if (!err && a->payload.is_party)
        err = privacy_participants(tm, &keys, &a->hash, a->arena, &detail);
    *ret_party = !err && a->payload.is_party &&
                 (bytes_equal(a->payload.sender, a->note->from) ||
                  has_key(keys.keys, keys.count, a->note->from)) &&
                 (!a->answerer->psis || bytes_equal(a->payload.sender, a->note->to) ||
                  has_key(a->payload.managed_parties, a->payload.managed_count, a->note->to));
    return err;
}

/* --- Contracts --- */

/* By its sender and nonce. */
static int made_by_sender(struct answering *a, bool *ret_made)
{
    struct address made;
    enum eth_tx_status signature;
    *ret_made = false;
    if (!a->block)
        return 0;
    const struct chain_config *config = chain_configuration(a->answerer->chain);
    struct eth_rules rules =
        chain_config_rules(config, a->number, a->block->header.timestamp).transactions;
    int err = eth_transaction_recover(&a->tx, &signature, &rules);
    if (err)
        return err;
    eth_create_address(&made, &a->tx.sender, a->tx.nonce);
    *ret_made = a->tx.sender_known && address_equal(&made, &a->question->contract);
    return 0;
}

/* Whether what is named made the contract, as far as that is plain: by the notes of the contract, too. */
static int made_it(struct answering *a, bool *ret_made)
{
    struct chain_metadata metadata;
    enum chain_metadata_status status;
    int err = made_by_sender(a, ret_made);
    if (err || *ret_made)
        return err;
    err = chain_reader_metadata(&a->reader, &status, &metadata, a->psi, a->question->block,
                                &a->question->contract);
    *ret_made = !err && status == CHAIN_METADATA_FOUND &&
                memcmp(metadata.creation.b, a->hash.b, sizeof(a->hash.b)) == 0;
    return err == ERR_NOTFOUND ? 0 : err;
}

static int answer_contract(struct answering *a, enum node_audit_answer *ret_answer)
{
    struct state_reader state;
    struct state_account account;
    struct hash256 digest;
    bool exists, made;
    int err = chain_reader_private_state(&a->reader, &state, a->psi, a->question->block);
    if (err == ERR_NOTFOUND) {
        *ret_answer = NODE_AUDIT_IS_GONE;
        return 0;
    }
    if (!err)
        err = state_reader_account(&state, &account, &exists, &a->question->contract);
    if (!err)
        err = made_it(a, &made);
    if (err)
        return err;
    bool is_none = !exists || hash256_equal(&account.code_hash, &crypto_keccak256_empty);
    const struct hash256 nothing = {{0}};
    node_audit_digest_contract(&digest, a->question,
                               is_none ? &crypto_keccak256_empty : &account.code_hash,
                               is_none ? &nothing : &account.storage.hash);
    *ret_answer = hash256_equal(&digest, &a->question->digest) ? NODE_AUDIT_IS_SAME
                  : is_none && made                            ? NODE_AUDIT_IS_NONE
                                                               : NODE_AUDIT_IS_OTHER;
    return 0;
}

/* --- Transactions --- */

static int answer_transaction(struct answering *a, enum node_audit_answer *ret_answer)
{
    struct chain_private_receipts receipts;
    struct hash256 digest;
    int err = chain_reader_private_receipts(&a->reader, &receipts, a->arena, a->psi, a->number);
    if (err && err != ERR_NOTFOUND)
        return err;
    const struct chain_private_receipt *own =
        err ? NULL : chain_private_receipt_of(&receipts, a->index);
    *ret_answer = NODE_AUDIT_IS_NONE;
    if (!own)
        return 0; /* the payload came when the block had run */
    err = node_audit_digest_transaction(&digest, a->question, a->payload.data, own->receipt.success,
                                        own->receipt.logs, own->receipt.log_count);
    *ret_answer = !err && hash256_equal(&digest, &a->question->digest) ? NODE_AUDIT_IS_SAME
                                                                       : NODE_AUDIT_IS_OTHER;
    return err;
}

/* --- Questions --- */

static int answer_question(struct answering *a, enum node_audit_answer *ret_answer)
{
    const struct node_audit_question *q = a->question;
    struct hash256 hash;
    bool is_party;
    *ret_answer = NODE_AUDIT_IS_SAME;
    int err = chain_reader_head(&a->reader, &a->head, &hash);
    if (err || q->kind == NODE_AUDIT_HEAD)
        return err;
    err = chain_reader_hash(&a->reader, &hash, q->block);
    if (err == ERR_NOTFOUND || (!err && !hash256_equal(&hash, &q->block_hash))) {
        *ret_answer = NODE_AUDIT_IS_BEHIND;
        return 0;
    }
    if (!err)
        err = find_payload(a, &is_party);
    if (err)
        return err;
    if (!is_party) {
        *ret_answer = NODE_AUDIT_IS_STRANGER;
        return 0;
    }
    return q->kind == NODE_AUDIT_CONTRACT ? answer_contract(a, ret_answer)
                                          : answer_transaction(a, ret_answer);
}

static struct bytes state_of(const struct node_audit_answerer *answerer, struct bytes key)
{
    const struct chain_psi *psi = answerer->psis ? chain_psi_of_member(answerer->psis, key) : NULL;
    return psi ? psi->name : chain_psi_private();
}

/* What is no question, or cannot be answered now, is not answered: who asks will not wait for ever. */
static void answer_note(const struct node_audit_answerer *answerer, struct arena *arena,
                        const struct privacy_note *note, unsigned tries)
{
    struct node_audit_question question;
    enum node_audit_answer answer;
    struct err_detail detail = {""};
    char topic[NODE_AUDIT_TOPIC_SIZE];
    struct buf text = BUF_INIT;
    struct answering a = {.answerer = answerer,
                          .arena = arena,
                          .question = &question,
                          .note = note,
                          .psi = state_of(answerer, note->to)};
    if (!node_audit_read_question(&question, note->text) ||
        chain_reader_open(&a.reader, answerer->chain) != 0)
        return;
    int err = answer_question(&a, &answer);
    chain_block_unref(a.block);
    chain_reader_close(&a.reader);
    if (!err) {
        node_audit_write_answer(&text, answer, a.head);
        err = buf_status(&text);
    }
    node_audit_topic(topic, &question);
    const struct privacy_note back = {note->to, note->from, buf_bytes(&text)};
    /* A manager that has just started learns only now where the others are. */
    for (unsigned i = 0; i < tries && !err; i++) {
        err = privacy_note_send(answerer->tm, &back, topic, &detail);
        if (err != PRIVACY_FAILED || i + 1 == tries || privacy_pause(answerer->tm, AGAIN_MS))
            break;
        err = 0;
    }
    if (err)
        NODE_LOG(NODE_LOG_WARN, "A question of an audit could not be answered",
                 node_text("err", *detail.text ? detail.text : err_text(err)));
    buf_release(&text);
}

/* How many came; negative: there are no notes here. */
static int look(const struct node_audit_answerer *answerer)
{
    struct privacy_notes notes = {NULL, 0};
    struct err_detail detail = {""};
    struct arena arena;
    arena_init(&arena);
    int err = privacy_note_take(answerer->tm, &notes, NODE_AUDIT_TOPIC, &arena, &detail);
    size_t count = err || notes.count > ANSWERED_MAX ? 0 : notes.count;
    for (size_t i = 0; i < count; i++) {
        struct arena own;
        arena_init(&own);
        answer_note(answerer, &own, &notes.list[i], i ? 1 : TRIES);
        arena_release(&own);
    }
    arena_release(&arena);
    return err == ERR_UNSUPPORTED ? -1 : (int)count;
}

static void *run(void *context)
{
    const struct node_audit_answerer *answerer = context;
    unsigned busy = 0;
    for (;;) {
        int count = look(answerer);
        if (count < 0)
            return NULL;
        busy = count ? BUSY_LOOKS : busy ? busy - 1 : 0;
        if (privacy_pause(answerer->tm, busy ? BUSY_MS : IDLE_MS))
            return NULL;
    }
}

int node_audit_answerer_start(struct node_audit_answerer **ret_answerer, struct privacy_tm *tm,
                              struct chain *chain, const struct chain_psis *psis)
{
    *ret_answerer = NULL;
    if (!tm || !privacy_has(tm, PRIVACY_MULTITENANCY))
        return 0;
    struct node_audit_answerer *answerer = mem_alloc(sizeof(*answerer));
    if (!answerer)
        return ERR_NOMEM;
    *answerer = (struct node_audit_answerer){.tm = tm, .chain = chain, .psis = psis};
    if (pthread_create(&answerer->thread, NULL, run, answerer) != 0) {
        mem_free(answerer);
        return ERR_BUSY;
    }
    *ret_answerer = answerer;
    return 0;
}

void node_audit_answerer_end(struct node_audit_answerer *answerer)
{
    if (!answerer)
        return;
    pthread_join(answerer->thread, NULL);
    mem_free(answerer);
}
