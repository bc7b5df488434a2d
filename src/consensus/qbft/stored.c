/* Messages that are kept, and own ones: signed, recorded, sent. */
#include "base/mem.h"
#include "consensus/istanbul/hash.h"
#include "consensus/istanbul/seals.h"
#include "consensus/qbft/state.h"

#include <stdarg.h>
#include <stdio.h>

void qbft_nomem(struct qbft *q)
{
    q->status = ERR_NOMEM;
}

static bool check_arrays(const struct qbft *q, const struct qbft_message *m)
{
    return m->prepare_count <= q->set.count && m->round_change_count <= q->set.count;
}

struct qbft_stored *qbft_stored_new(struct qbft *q, unsigned code, struct bytes payload)
{
    struct qbft_stored *s = mem_alloc_zeroed(1, sizeof(*s));
    if (!s) {
        qbft_nomem(q);
        return NULL;
    }
    s->references = 1;
    buf_append_bytes(&s->payload, payload);
    int status = buf_status(&s->payload);
    if (!status)
        status = qbft_message_decode(&s->m, &s->arena, code, buf_bytes(&s->payload), NULL);
    if (!status && q->number && !check_arrays(q, &s->m))
        status = ERR_INPUT;
    if (!status && s->m.block.len)
        status = consensus_block_new(&s->block, s->m.block, NULL);
    if (status) {
        if (status == ERR_NOMEM)
            qbft_nomem(q);
        qbft_stored_unref(s);
        return NULL;
    }
    return s;
}

struct qbft_stored *qbft_stored_ref(struct qbft_stored *s)
{
    s->references++;
    return s;
}

void qbft_stored_unref(struct qbft_stored *s)
{
    if (!s || --s->references > 0)
        return;
    consensus_block_unref(s->block);
    arena_release(&s->arena);
    buf_release(&s->payload);
    mem_free(s);
}

void qbft_stored_put(struct qbft_stored **slot, struct qbft_stored *s)
{
    struct qbft_stored *old = *slot;
    *slot = s ? qbft_stored_ref(s) : NULL;
    qbft_stored_unref(old);
}

void qbft_block_put(struct consensus_block **slot, struct consensus_block *block)
{
    struct consensus_block *old = *slot;
    *slot = block ? consensus_block_ref(block) : NULL;
    consensus_block_unref(old);
}

enum qbft_verdict qbft_identify(struct qbft *q, struct qbft_stored *s)
{
    struct hash256 digest;
    qbft_message_digest(&s->m, &digest);
    return qbft_check_signer(&q->checker, &digest, s->m.signature, &s->signer);
}

/* ---- own messages ---- */

static bool sign(struct qbft *q, const struct hash256 *digest, uint8_t ret[CONSENSUS_SEAL_SIZE])
{
    if (q->options.sign(q->options.sign_context, digest, ret) == 0)
        return true;
    qbft_alarm(q, "block %llu: the node key cannot sign; this validator is silent",
               (unsigned long long)q->number);
    return false;
}

static bool outbox_add(struct qbft *q, struct qbft_stored *s)
{
    if (MEM_RESERVE(q->outbox, q->outbox_capacity, q->outbox_count + 1, 8)) {
        qbft_nomem(q);
        return false;
    }
    q->outbox[q->outbox_count++] = qbft_stored_ref(s);
    return true;
}

struct qbft_stored *qbft_say(struct qbft *q, struct qbft_message *m)
{
    struct hash256 digest;
    uint8_t signature[CONSENSUS_SEAL_SIZE];
    m->number = q->number;
    m->round = q->round;
    qbft_message_digest(m, &digest);
    if (!sign(q, &digest, signature))
        return NULL;
    m->signature = bytes_of(signature, sizeof(signature));
    struct buf payload = BUF_INIT;
    qbft_message_write(&payload, m);
    if (buf_status(&payload)) {
        qbft_nomem(q);
        buf_release(&payload);
        return NULL;
    }
    struct qbft_stored *s = NULL;
    if (payload.len > CONSENSUS_PAYLOAD_MAX)
        qbft_alarm(q, "block %llu: a message of %zu bytes is too large to be sent",
                   (unsigned long long)q->number, payload.len);
    else
        s = qbft_stored_new(q, m->code, buf_bytes(&payload));
    buf_release(&payload);
    if (!s)
        return NULL;
    s->signer = q->options.self;
    s->seal = QBFT_SEAL_GOOD;
    if (!outbox_add(q, s)) {
        qbft_stored_unref(s);
        return NULL;
    }
    return s;
}

bool qbft_commit_digest(struct qbft *q, const struct consensus_block *block, uint64_t round,
                        struct hash256 *ret_digest)
{
    struct eth_header header;
    struct rlp_reader r;
    rlp_reader_init(&r, block->rlp);
    rlp_enter(&r, "block");
    eth_header_read(&header, &r);
    if (!rlp_ok(&r))
        return false;
    int status = istanbul_commit_digest(ISTANBUL_QBFT, &header, (uint32_t)round, ret_digest);
    if (status == ERR_NOMEM)
        qbft_nomem(q);
    return status == 0;
}

bool qbft_make_seal(struct qbft *q, const struct consensus_block *block, uint64_t round,
                    uint8_t ret_seal[CONSENSUS_SEAL_SIZE])
{
    struct hash256 digest;
    return qbft_commit_digest(q, block, round, &digest) && sign(q, &digest, ret_seal);
}

void qbft_flush(struct qbft *q)
{
    if (q->outbox_count && !q->status) {
        struct buf record = BUF_INIT;
        qbft_record_write(q, &record);
        if (buf_status(&record) || !consensus_emit_record(q->effects, buf_bytes(&record)))
            qbft_nomem(q);
        buf_release(&record);
    }
    for (size_t i = 0; i < q->outbox_count; i++) {
        if (!q->status)
            qbft_forward(q, q->outbox[i], NULL);
        qbft_stored_unref(q->outbox[i]);
    }
    q->outbox_count = 0;
}

/* ---- effects ---- */

void qbft_forward(struct qbft *q, const struct qbft_stored *s, const struct address *except)
{
    if (!consensus_emit_broadcast(q->effects, s->m.code, buf_bytes(&s->payload), except))
        qbft_nomem(q);
}

void qbft_send(struct qbft *q, const struct address *to, const struct qbft_stored *s)
{
    if (!consensus_emit_send(q->effects, to, s->m.code, buf_bytes(&s->payload)))
        qbft_nomem(q);
}

void qbft_start_timer(struct qbft *q, enum qbft_timer timer, uint64_t after_ms)
{
    uint64_t token = ++q->generation * CONSENSUS_TIMER_SLOTS + timer;
    q->tokens[timer] = token;
    if (!consensus_emit_timer(q->effects, token, after_ms))
        qbft_nomem(q);
}

void qbft_stop_timer(struct qbft *q, enum qbft_timer timer)
{
    if (!q->tokens[timer])
        return;
    if (!consensus_emit_stop(q->effects, q->tokens[timer]))
        qbft_nomem(q);
    q->tokens[timer] = 0;
}

void qbft_alarm(struct qbft *q, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!consensus_emit_alarm(q->effects, "%s", text))
        qbft_nomem(q);
}
