/* Own messages: signed, recorded, sent, and sent again to who may lack them. */
#include "base/mem.h"
#include "consensus/ibft/state.h"
#include "consensus/istanbul/hash.h"

static bool sign(struct ibft *m, const struct hash256 *digest, uint8_t ret[CONSENSUS_SEAL_SIZE])
{
    if (m->options.sign(m->options.sign_context, digest, ret) == 0)
        return true;
    ibft_alarm(m, "block %llu: the node key does not sign; this validator is silent",
               (unsigned long long)m->number);
    return false;
}

/* Where the seal of an own message and its signature are kept while it is in use. */
struct signatures {
    uint8_t seal[CONSENSUS_SEAL_SIZE], message[CONSENSUS_SEAL_SIZE];
};

/* Signs it into `payload`; the message borrows the signatures then. */
static bool seal_and_write(struct ibft *m, struct ibft_message *message,
                           struct signatures *signatures, struct buf *payload)
{
    struct hash256 digest;
    if (message->code == IBFT_COMMIT) {
        istanbul_ibft_commit_digest(&message->digest, &digest);
        if (!sign(m, &digest, signatures->seal))
            return false;
        message->seal = bytes_of(signatures->seal, sizeof(signatures->seal));
    }
    if (ibft_message_digest(message, &digest) != ERR_OK) {
        ibft_nomem(m);
        return false;
    }
    if (!sign(m, &digest, signatures->message))
        return false;
    message->signature = bytes_of(signatures->message, sizeof(signatures->message));
    ibft_message_write(payload, message);
    if (buf_status(payload) != ERR_OK) {
        ibft_nomem(m);
        return false;
    }
    return true;
}

static struct ibft_out *push(struct ibft *m)
{
    if (MEM_RESERVE(m->outbox, m->outbox_capacity, m->outbox_count + 1, 8)) {
        ibft_nomem(m);
        return NULL;
    }
    struct ibft_out *out = &m->outbox[m->outbox_count];
    buf_init(&out->payload);
    return out;
}

void ibft_say(struct ibft *m, enum ibft_code code, const struct hash256 *hash,
              struct consensus_block *block)
{
    struct ibft_message message = {
        .code = code,
        .round = m->round,
        .sequence = m->number,
        .sender = m->options.self,
    };
    if (code == IBFT_PRE_PREPARE)
        message.block = block->rlp;
    else if (hash)
        message.digest = *hash;
    struct ibft_out *out = push(m);
    if (!out)
        return;
    struct signatures signatures;
    if (!seal_and_write(m, &message, &signatures, &out->payload)) {
        buf_release(&out->payload);
        return;
    }
    m->outbox_count++;
    if (hash) {
        m->voted = true;
        m->vote = *hash;
    }
    ibft_keep_own(m, &message, buf_bytes(&out->payload), block);
}

void ibft_commit_old(struct ibft *m, const struct address *to, uint64_t number, uint64_t round,
                     const struct hash256 *hash)
{
    struct ibft_message message = {
        .code = IBFT_COMMIT,
        .round = round,
        .sequence = number,
        .digest = *hash,
        .sender = m->options.self,
    };
    struct buf payload = BUF_INIT;
    struct signatures signatures;
    if (seal_and_write(m, &message, &signatures, &payload) &&
        !consensus_emit_send(m->effects, to, CONSENSUS_IBFT, buf_bytes(&payload)))
        ibft_nomem(m);
    buf_release(&payload);
}

/* The record, when it says something new. */
static void record(struct ibft *m)
{
    struct buf b = BUF_INIT;
    ibft_record_write(m, &b);
    if (buf_status(&b) != ERR_OK)
        ibft_nomem(m);
    else if (bytes_equal(buf_bytes(&b), buf_bytes(&m->recorded)))
        buf_release(&b);
    else if (!consensus_emit_record(m->effects, buf_bytes(&b)))
        ibft_nomem(m);
    else {
        buf_release(&m->recorded);
        m->recorded = b;
        return;
    }
    buf_release(&b);
}

void ibft_flush(struct ibft *m)
{
    if (m->outbox_count && m->status == ERR_OK)
        record(m);
    for (size_t i = 0; i < m->outbox_count; i++) {
        struct buf *payload = &m->outbox[i].payload;
        const struct address nobody = {{0}};
        if (m->status == ERR_OK &&
            !consensus_emit_broadcast(m->effects, CONSENSUS_IBFT, buf_bytes(payload), &nobody))
            ibft_nomem(m);
        buf_release(payload);
    }
    m->outbox_count = 0;
}

static void send(struct ibft *m, const struct address *to, const struct ibft_slot *slot)
{
    if (m->status == ERR_OK && slot->used && slot->round == m->round &&
        !consensus_emit_send(m->effects, to, CONSENSUS_IBFT, buf_bytes(&slot->payload)))
        ibft_nomem(m);
}

/* Own messages wait in the outbox for the record: those are not sent before it. */
static bool is_queued(const struct ibft *m, const struct ibft_slot *slot)
{
    for (size_t i = 0; i < m->outbox_count; i++)
        if (bytes_equal(buf_bytes(&m->outbox[i].payload), buf_bytes(&slot->payload)))
            return true;
    return false;
}

/* The messages of one member; PRE-PREPAREs only where they are wanted. */
static void tell_of(struct ibft *m, const struct address *to, size_t member, bool proposal)
{
    const struct ibft_slot *slots = m->members[member].now;
    for (size_t code = proposal ? IBFT_PRE_PREPARE : IBFT_PREPARE; code < IBFT_CODES; code++)
        if (!is_queued(m, &slots[code]))
            send(m, to, &slots[code]);
}

void ibft_tell(struct ibft *m, const struct address *to)
{
    if (address_equal(to, &m->options.self))
        return;
    for (size_t i = 0; i < m->set.count; i++)
        tell_of(m, to, i, true);
    int member = istanbul_set_index(&m->set, to);
    if (member >= 0)
        ibft_show_lock(m, (size_t)member);
}

void ibft_tell_all(struct ibft *m)
{
    for (size_t i = 0; i < m->set.count; i++) {
        const struct ibft_member *member = &m->members[i];
        bool voted =
            (member->now[IBFT_PREPARE].used && member->now[IBFT_PREPARE].round == m->round) ||
            (member->now[IBFT_COMMIT].used && member->now[IBFT_COMMIT].round == m->round);
        if (i == m->self)
            continue;
        tell_of(m, &m->set.members[i], m->self, !voted);
        ibft_show_lock(m, i);
    }
}
