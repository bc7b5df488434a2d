/*
 * What must survive a crash, so that this validator never contradicts itself and can prove what it prepared:
 *
 *     [version, self, number, round, [[code, own message], …], [] or [prepared round, block, [PREPARE, …]]]
 *
 * Own messages: the ROUND-CHANGE and the PREPARE of the round, the last COMMITs of the height, and the PRE-PREPARE of the
 * round, until a quorum has prepared its block (which is then in the last item).
 */
#include "base/mem.h"
#include "consensus/istanbul/seals.h"
#include "consensus/qbft/state.h"

enum { VERSION = 1 };

struct qbft_record {
    uint64_t number;
    uint64_t round;
    struct qbft_stored **messages;
    size_t message_count;
    bool prepared;
    uint64_t prepared_round;
    struct consensus_block *block;
    struct qbft_stored **prepares;
    size_t prepare_count;
};

/* ---- writing ---- */

static void write_message(struct buf *b, const struct qbft_stored *s)
{
    if (!s)
        return;
    size_t item = rlp_begin(b);
    rlp_write_u64(b, s->m.code);
    rlp_write_bytes(b, buf_bytes(&s->payload));
    rlp_end_list(b, item);
}

void qbft_record_write(const struct qbft *q, struct buf *b)
{
    const struct qbft_member *own = &q->members[q->self];
    size_t list = rlp_begin(b);
    rlp_write_u64(b, VERSION);
    rlp_write_address(b, &q->options.self);
    rlp_write_u64(b, q->number);
    rlp_write_u64(b, q->round);
    size_t messages = rlp_begin(b);
    write_message(b, own->round_change);
    if (!(q->prepared && q->prepared_round == q->round))
        write_message(b, q->own_proposal);
    write_message(b, own->prepare);
    for (size_t k = 0; k < QBFT_COMMITS_KEPT; k++)
        write_message(b, own->commits[k]);
    rlp_end_list(b, messages);
    size_t prepared = rlp_begin(b);
    if (q->prepared) {
        rlp_write_u64(b, q->prepared_round);
        rlp_write_raw(b, q->prepared_block->rlp);
        size_t prepares = rlp_begin(b);
        for (size_t i = 0; i < q->prepare_count; i++)
            write_message(b, q->prepares[i]);
        rlp_end_list(b, prepares);
    }
    rlp_end_list(b, prepared);
    rlp_end_list(b, list);
}

/* ---- reading ---- */

static void free_messages(struct qbft_stored **messages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        qbft_stored_unref(messages[i]);
    mem_free(messages);
}

void qbft_record_free(struct qbft_record *record)
{
    if (!record)
        return;
    free_messages(record->messages, record->message_count);
    free_messages(record->prepares, record->prepare_count);
    consensus_block_unref(record->block);
    mem_free(record);
}

static int read_messages(struct qbft *q, struct rlp_reader *r, struct qbft_stored ***ret_messages,
                         size_t *ret_count)
{
    rlp_enter(r, "messages");
    size_t count = rlp_count(r, 3, "message");
    struct qbft_stored **messages = mem_alloc_zeroed(count, sizeof(struct qbft_stored *));
    if (!messages)
        return ERR_NOMEM;
    *ret_messages = messages;
    while (rlp_more(r)) {
        rlp_enter(r, "message");
        unsigned code = (unsigned)rlp_read_u64(r, "code");
        struct bytes payload = rlp_read_bytes(r, "payload");
        rlp_leave(r, "message");
        if (!rlp_ok(r))
            break;
        struct qbft_stored *s = qbft_stored_new(q, code, payload);
        if (!s)
            return q->status ? q->status : ERR_CORRUPT;
        messages[(*ret_count)++] = s;
        struct hash256 digest;
        qbft_message_digest(&s->m, &digest);
        if (!istanbul_recover(&s->signer, &digest, s->m.signature))
            return ERR_CORRUPT;
    }
    rlp_leave(r, "messages");
    return 0;
}

static int read_prepared(struct qbft *q, struct rlp_reader *r, struct qbft_record *record)
{
    rlp_enter(r, "prepared");
    if (rlp_more(r)) {
        record->prepared = true;
        record->prepared_round = rlp_read_u64(r, "prepared round");
        struct bytes block = rlp_read_raw(r, "block");
        if (rlp_ok(r)) {
            int status = consensus_block_new(&record->block, block, NULL);
            if (status)
                return status;
        }
        int status = read_messages(q, r, &record->prepares, &record->prepare_count);
        if (status)
            return status;
    }
    rlp_leave(r, "prepared");
    return 0;
}

/* Own messages must be own, of that height, and of no later round than the record's. */
static bool is_consistent(const struct qbft *q, const struct qbft_record *record)
{
    for (size_t i = 0; i < record->message_count; i++) {
        const struct qbft_stored *s = record->messages[i];
        if (!address_equal(&s->signer, &q->options.self) || s->m.number != record->number ||
            s->m.round > record->round)
            return false;
    }
    for (size_t i = 0; i < record->prepare_count; i++) {
        if (record->prepares[i]->m.code != CONSENSUS_QBFT_PREPARE)
            return false;
    }
    return !record->prepared || record->prepared_round <= record->round;
}

int qbft_record_decode(struct qbft *q, struct qbft_record **ret_record, struct bytes bytes,
                       struct err_detail *detail)
{
    struct qbft_record *record = mem_alloc_zeroed(1, sizeof(*record));
    if (!record)
        return err_set(detail, ERR_NOMEM, "consensus record: out of memory");
    struct rlp_reader r;
    rlp_reader_init(&r, bytes);
    rlp_enter(&r, "record");
    uint64_t version = rlp_read_u64(&r, "version");
    struct address self = rlp_read_address(&r, "self");
    record->number = rlp_read_u64(&r, "number");
    record->round = rlp_read_u64(&r, "round");
    int status = read_messages(q, &r, &record->messages, &record->message_count);
    if (!status)
        status = read_prepared(q, &r, record);
    rlp_leave(&r, "record");
    if (!status && (rlp_finish(&r, NULL, NULL) || version != VERSION))
        status = ERR_CORRUPT;
    bool ours = address_equal(&self, &q->options.self);
    if (!status && ours && !is_consistent(q, record))
        status = ERR_CORRUPT;
    if (status && status != ERR_NOMEM)
        status = err_set(
            detail, ERR_CORRUPT,
            "the consensus record is damaged: restore it, or remove it when this validator has "
            "surely signed nothing since the last block of its chain");
    if (status || !ours) { /* another key's promises bind nobody here */
        qbft_record_free(record);
        record = NULL;
    }
    if (!status)
        *ret_record = record;
    return status;
}

/* ---- going on ---- */

static void restore_message(struct qbft *q, struct qbft_stored *s)
{
    struct qbft_member *own = &q->members[q->self];
    bool current = s->m.round == q->round;
    s->seal = QBFT_SEAL_GOOD;
    if (s->m.code == CONSENSUS_QBFT_ROUND_CHANGE && current)
        qbft_stored_put(&own->round_change, s);
    else if (s->m.code == CONSENSUS_QBFT_PRE_PREPARE && current)
        qbft_stored_put(&q->own_proposal, s);
    else if (s->m.code == CONSENSUS_QBFT_PREPARE && current)
        qbft_stored_put(&own->prepare, s);
    else if (s->m.code == CONSENSUS_QBFT_COMMIT)
        qbft_stored_put(&own->commits[s->m.round % QBFT_COMMITS_KEPT], s);
}

static void restore_prepared(struct qbft *q, struct qbft_record *record)
{
    q->prepared = true;
    q->prepared_round = record->prepared_round;
    qbft_block_put(&q->prepared_block, record->block);
    q->prepares = record->prepares;
    q->prepare_count = record->prepare_count;
    record->prepares = NULL;
    record->prepare_count = 0;
    if (q->prepared_round != q->round)
        return;
    q->phase = QBFT_PREPARED;
    qbft_block_put(&q->proposal, q->prepared_block);
    for (size_t i = 0; i < q->prepare_count; i++) {
        int index = istanbul_set_index(&q->set, &q->prepares[i]->signer);
        if (index >= 0)
            qbft_stored_put(&q->members[index].prepare, q->prepares[i]);
    }
}

uint64_t qbft_record_number(const struct qbft_record *record)
{
    return record->number;
}

bool qbft_record_resume(struct qbft *q)
{
    struct qbft_record *record = q->restored;
    if (!record || record->number != q->number)
        return false;
    q->restored = NULL;
    q->round = record->round;
    q->members[q->self].round = q->round;
    for (size_t i = 0; i < record->message_count; i++)
        restore_message(q, record->messages[i]);
    if (record->prepared && record->block)
        restore_prepared(q, record);
    if (q->phase == QBFT_ACCEPT && q->own_proposal && q->own_proposal->block)
        qbft_start_check(q, q->own_proposal);
    qbft_record_free(record);
    return true;
}
