/* Messages of members: decoded, verified, the newest of each kind kept. */
#include "base/mem.h"
#include "consensus/ibft/state.h"

static void slot_release(struct ibft_slot *slot)
{
    consensus_block_unref(slot->block);
    buf_release(&slot->payload);
    *slot = (struct ibft_slot){0};
}

static void release_members(struct ibft_member *members, size_t count)
{
    for (size_t i = 0; members && i < count; i++) {
        for (size_t code = 0; code < IBFT_CODES; code++) {
            slot_release(&members[i].now[code]);
            slot_release(&members[i].next[code]);
        }
        for (size_t round = 0; round < IBFT_VOTES_KEPT; round++)
            buf_release(&members[i].votes[round].payload);
    }
    mem_free(members);
}

void ibft_members_free(struct ibft *m)
{
    release_members(m->members, m->set.count);
    m->members = NULL;
}

static bool is_vote(size_t code)
{
    return code == IBFT_PREPARE || code == IBFT_COMMIT;
}

/* What a member sent for later heights, after the height has moved on. */
static void move_slots(struct ibft *m, struct ibft_member *to, struct ibft_member *from)
{
    for (size_t code = 0; code < IBFT_CODES; code++) {
        struct ibft_slot *slot = &from->next[code];
        if (!slot->used || slot->sequence < m->number)
            continue;
        struct ibft_slot *place = slot->sequence == m->number ? &to->now[code] : &to->next[code];
        *place = *slot;
        *slot = (struct ibft_slot){0};
        if (place->sequence != m->number)
            continue;
        to->heard = true;
        if (place->round > to->round)
            to->round = place->round;
        if (is_vote(code))
            ibft_note_vote(m, to, place->round, &place->digest, buf_bytes(&place->payload));
    }
}

bool ibft_members_renew(struct ibft *m, const struct istanbul_set *set)
{
    struct istanbul_set next = ISTANBUL_SET_INIT;
    struct ibft_member *members = mem_alloc_zeroed(set->count + 1, sizeof(*members));
    if (!members || istanbul_set_copy(&next, set) != ERR_OK) {
        mem_free(members);
        ibft_nomem(m);
        return false;
    }
    for (size_t i = 0; m->members && i < m->set.count; i++) {
        int index = istanbul_set_index(&next, &m->set.members[i]);
        if (index >= 0)
            move_slots(m, &members[index], &m->members[i]);
    }
    ibft_members_free(m);
    istanbul_set_release(&m->set);
    m->set = next;
    m->members = members;
    return true;
}

/* Whether `message` says more than what is kept. */
static bool is_newer(const struct ibft_slot *slot, const struct ibft_message *message,
                     uint64_t number)
{
    if (!slot->used)
        return true;
    /* Of later heights the nearest is wanted, of rounds the highest. */
    if (message->sequence != slot->sequence)
        return message->sequence > number && message->sequence < slot->sequence;
    return message->round > slot->round;
}

static void fill(struct ibft *m, struct ibft_slot *slot, const struct ibft_message *message,
                 struct bytes payload, struct consensus_block *block)
{
    slot_release(slot);
    buf_append_bytes(&slot->payload, payload);
    if (buf_status(&slot->payload) != ERR_OK) {
        ibft_nomem(m);
        return;
    }
    slot->used = true;
    slot->sequence = message->sequence;
    slot->round = message->round;
    slot->digest = block ? block->hash : message->digest;
    if (message->seal.len == sizeof(slot->seal.b))
        memcpy(slot->seal.b, message->seal.data, sizeof(slot->seal.b));
    if (message->code == IBFT_PRE_PREPARE)
        slot->block = consensus_block_ref(block);
}

void ibft_keep_own(struct ibft *m, const struct ibft_message *message, struct bytes payload,
                   struct consensus_block *block)
{
    struct ibft_member *self = &m->members[m->self];
    if (message->round > self->round)
        self->round = message->round;
    self->heard = true;
    fill(m, &self->now[message->code], message, payload, block);
    if (is_vote(message->code) &&
        ibft_note_vote(m, self, message->round, &message->digest, payload))
        ibft_claim(m, message->round, &message->digest);
}

static void note_heard(struct ibft *m, const struct ibft_message *message)
{
    bool added;
    struct ibft_peer *peer = map_put(&m->peers, &message->sender, &added);
    if (!peer) {
        ibft_nomem(m);
        return;
    }
    if (peer->heard < m->number)
        peer->heard = m->number;
    peer->lost = false;
}

/* The block of a PRE-PREPARE that may be kept; NULL when it is none, or not of a proposer. */
static struct consensus_block *proposed_block(struct ibft *m, const struct ibft_message *message)
{
    struct consensus_block *block;
    if (message->sequence == m->number &&
        !address_equal(ibft_proposer(m, message->round), &message->sender))
        return NULL;
    int status = consensus_block_new(&block, message->block, NULL);
    if (status == ERR_NOMEM)
        ibft_nomem(m);
    if (status != ERR_OK)
        return NULL;
    if (block->number == message->sequence &&
        (block->number != m->number || hash256_equal(&block->parent, &m->parent)))
        return block;
    consensus_block_unref(block);
    return NULL;
}

/* A message for a block that the chain has: who still asks for it is told that it is committed. */
static void on_old(struct ibft *m, const struct ibft_message *message)
{
    struct consensus_block *block;
    if (message->code != IBFT_PRE_PREPARE || message->sequence + 1 != m->number ||
        !istanbul_set_has(&m->set, &message->sender) || ibft_message_verify(message) != 1)
        return;
    if (consensus_block_new(&block, message->block, NULL) != ERR_OK)
        return;
    if (hash256_equal(&block->hash, &m->parent))
        ibft_commit_old(m, &message->sender, message->sequence, message->round, &block->hash);
    consensus_block_unref(block);
}

/* Keeps it, and passes it on. False when it says nothing new. */
static bool keep(struct ibft *m, const struct ibft_message *message, struct bytes payload,
                 const struct address *from)
{
    struct ibft_member *member = &m->members[istanbul_set_index(&m->set, &message->sender)];
    struct ibft_slot *slot =
        message->sequence == m->number ? &member->now[message->code] : &member->next[message->code];
    if (!is_newer(slot, message, m->number))
        return false;
    struct consensus_block *block = NULL;
    if (message->code == IBFT_PRE_PREPARE && !(block = proposed_block(m, message)))
        return false;
    fill(m, slot, message, payload, block);
    consensus_block_unref(block);
    note_heard(m, message);
    if (message->sequence == m->number) {
        member->heard = true;
        if (message->round > member->round) {
            member->round = message->round;
            member->helped = member->shown = false;
        }
    }
    if (!consensus_emit_broadcast(m->effects, CONSENSUS_IBFT, payload, from))
        ibft_nomem(m);
    return true;
}

/* One that is behind in the height's rounds is told where the others are, once in a round. */
static void help(struct ibft *m, const struct ibft_message *message)
{
    struct ibft_member *member = &m->members[istanbul_set_index(&m->set, &message->sender)];
    if (member->round >= m->round || member->helped)
        return;
    member->helped = true;
    ibft_tell(m, &message->sender);
}

/* A message of an earlier round than that of one kept: it may be a part of a lock's proof. True when it says something new. */
static bool keep_earlier(struct ibft *m, const struct ibft_message *message, struct bytes payload,
                         const struct address *from)
{
    struct ibft_member *member = &m->members[istanbul_set_index(&m->set, &message->sender)];
    if (message->code == IBFT_PRE_PREPARE)
        ibft_take_shown(m, message);
    if (!is_vote(message->code) ||
        !ibft_note_vote(m, member, message->round, &message->digest, payload))
        return false;
    if (!consensus_emit_broadcast(m->effects, CONSENSUS_IBFT, payload, from))
        ibft_nomem(m);
    return true;
}

/* One that is for another block than this node is locked on is shown why it should not be, once in a round. */
static void show(struct ibft *m, const struct ibft_message *message)
{
    size_t index = (size_t)istanbul_set_index(&m->set, &message->sender);
    struct ibft_member *member = &m->members[index];
    if (!m->lock || member->shown || message->code == IBFT_ROUND_CHANGE ||
        hash256_equal(&member->now[message->code].digest, &m->lock->hash))
        return;
    member->shown = true;
    ibft_show_lock(m, index);
}

static bool note_kept(struct ibft *m, const struct ibft_message *message, struct bytes payload)
{
    struct ibft_member *member = &m->members[istanbul_set_index(&m->set, &message->sender)];
    return is_vote(message->code) &&
           ibft_note_vote(m, member, message->round, &message->digest, payload);
}

/* Of own messages only a proposal is wanted that this node has signed, and lost in a crash. */
static bool is_lost(const struct ibft *m, const struct ibft_message *message)
{
    return message->code == IBFT_PRE_PREPARE && message->sequence == m->number &&
           message->round == m->round && m->voted && m->phase == IBFT_ACCEPT &&
           !m->members[m->self].now[IBFT_PRE_PREPARE].used;
}

void ibft_on_message(struct ibft *m, const struct address *from, struct bytes payload)
{
    struct ibft_message message;
    if (m->phase == IBFT_IDLE || payload.len > CONSENSUS_PAYLOAD_MAX ||
        ibft_message_decode(&message, payload, NULL) != ERR_OK)
        return;
    if (!istanbul_set_has(&m->set, &message.sender) ||
        (address_equal(&message.sender, &m->options.self) && !is_lost(m, &message)))
        return;
    if (message.sequence < m->number) {
        on_old(m, &message);
        return;
    }
    int verified = ibft_message_verify(&message);
    if (verified == ERR_NOMEM)
        ibft_nomem(m);
    if (verified != 1)
        return;
    bool kept = keep(m, &message, payload, from);
    if (message.sequence != m->number || m->status != ERR_OK)
        return;
    help(m, &message);
    bool vote = kept ? note_kept(m, &message, payload) : keep_earlier(m, &message, payload, from);
    if (m->phase == IBFT_COMMITTED || !(kept || vote))
        return;
    if (vote)
        ibft_claim(m, message.round, &message.digest);
    if (kept)
        show(m, &message);
    ibft_look_at_rounds(m);
    ibft_look_at_votes(m);
}
