/* The state of voting after a block of Clique: IBFT's, and who signed lately. */
#include "base/mem.h"
#include "consensus/clique/clique.h"
#include "rlp/rlp.h"

enum { VERSION = 1, RECENT_SIZE = 1 + 1 + 21 /* at least, encoded */ };

void clique_snapshot_init(struct clique_snapshot *snapshot)
{
    *snapshot = (struct clique_snapshot){0};
    istanbul_snapshot_init(&snapshot->voting);
}

void clique_snapshot_release(struct clique_snapshot *snapshot)
{
    istanbul_snapshot_release(&snapshot->voting);
    mem_free(snapshot->recents);
    clique_snapshot_init(snapshot);
}

static int reserve(struct clique_snapshot *s, size_t count)
{
    return MEM_RESERVE(s->recents, s->recent_capacity, count, 8);
}

int clique_snapshot_copy(struct clique_snapshot *snapshot, const struct clique_snapshot *from)
{
    if (snapshot == from)
        return ERR_OK;
    int status = reserve(snapshot, from->recent_count);
    if (status == ERR_OK)
        status = istanbul_snapshot_copy(&snapshot->voting, &from->voting);
    if (status != ERR_OK)
        return status;
    snapshot->recent_count = from->recent_count;
    if (from->recent_count)
        memcpy(snapshot->recents, from->recents, from->recent_count * sizeof(*from->recents));
    return ERR_OK;
}

int clique_snapshot_genesis(struct clique_snapshot *snapshot, const struct clique_config *config,
                            const struct eth_header *genesis)
{
    struct bytes extra = genesis->extra;
    if (extra.len < ISTANBUL_VANITY_SIZE)
        return CLIQUE_NO_VANITY;
    if (extra.len < ISTANBUL_VANITY_SIZE + ISTANBUL_SEAL_SIZE)
        return CLIQUE_NO_SEAL;
    size_t size = extra.len - ISTANBUL_VANITY_SIZE - ISTANBUL_SEAL_SIZE;
    if (size % sizeof(struct address))
        return CLIQUE_BAD_EPOCH_SIGNERS;
    struct hash256 hash;
    int status = eth_header_hash(genesis, &hash);
    if (status != ERR_OK)
        return status;
    clique_snapshot_release(snapshot);
    for (size_t at = 0; status == ERR_OK && at < size; at += sizeof(struct address)) {
        struct address signer; /* named twice it is one signer all the same */
        memcpy(signer.b, extra.data + ISTANBUL_VANITY_SIZE + at, sizeof(signer.b));
        status = istanbul_set_add(&snapshot->voting.set, &signer);
    }
    snapshot->voting.epoch = config->epoch;
    snapshot->voting.hash = hash;
    return status == ERR_OK ? CLIQUE_VALID : status;
}

/* ---- who signed lately ---- */

/* A signer may sign one of so many blocks in a row. */
static uint64_t limit_of(const struct clique_snapshot *s)
{
    return s->voting.set.count / 2 + 1;
}

bool clique_signed_recently(const struct clique_snapshot *snapshot, const struct address *signer)
{
    uint64_t number = snapshot->voting.number + 1, limit = limit_of(snapshot);
    for (size_t i = 0; i < snapshot->recent_count; i++)
        if (address_equal(&snapshot->recents[i].signer, signer) &&
            (number < limit || snapshot->recents[i].number != number - limit))
            return true;
    return false;
}

static void forget_recent(struct clique_snapshot *s, uint64_t number)
{
    uint64_t limit = limit_of(s);
    for (size_t i = 0; number >= limit && i < s->recent_count; i++)
        if (s->recents[i].number == number - limit) {
            s->recent_count--;
            memmove(s->recents + i, s->recents + i + 1,
                    (s->recent_count - i) * sizeof(*s->recents));
            return;
        }
}

bool clique_in_turn(const struct clique_snapshot *snapshot, const struct address *signer)
{
    const struct istanbul_set *set = &snapshot->voting.set;
    int index = istanbul_set_index(set, signer);
    return index >= 0 && (snapshot->voting.number + 1) % set->count == (uint64_t)index;
}

/* ---- the next header ---- */

int clique_snapshot_apply(struct clique_snapshot *snapshot, const struct eth_header *header,
                          const struct hash256 *hash)
{
    struct istanbul_snapshot *voting = &snapshot->voting;
    struct istanbul_vote vote = {.block = header->number};
    if (header->number != voting->number + 1)
        return CLIQUE_BAD_CHAIN;
    int status = clique_author(header, &vote.validator);
    if (status != CLIQUE_VALID)
        return status;
    if (!istanbul_set_has(&voting->set, &vote.validator))
        return CLIQUE_NOT_AUTHORIZED;
    if (clique_signed_recently(snapshot, &vote.validator))
        return CLIQUE_SIGNED_RECENTLY;
    if (istanbul_read_vote(ISTANBUL_IBFT, header, &vote.candidate, &vote.authorize) !=
        ISTANBUL_VALID)
        return CLIQUE_BAD_VOTE;
    status = reserve(snapshot, snapshot->recent_count + 1);
    if (status != ERR_OK)
        return status;
    if (header->number % voting->epoch == 0)
        voting->vote_count = voting->tally_count = 0;
    forget_recent(snapshot, header->number);
    snapshot->recents[snapshot->recent_count++] =
        (struct clique_recent){header->number, vote.validator};
    size_t before = voting->set.count;
    status = istanbul_snapshot_count(voting, &vote);
    if (status != ERR_OK)
        return status;
    if (voting->set.count < before) /* a shorter list lets signers sign sooner */
        forget_recent(snapshot, header->number);
    voting->number = header->number;
    voting->hash = *hash;
    return CLIQUE_VALID;
}

/* ---- storage: [1, voting, [[number, signer] …]] ---- */

void clique_snapshot_write(struct buf *b, const struct clique_snapshot *snapshot)
{
    size_t list = rlp_begin(b);
    rlp_write_u64(b, VERSION);
    istanbul_snapshot_write(b, &snapshot->voting);
    size_t recents = rlp_begin(b);
    for (size_t i = 0; i < snapshot->recent_count; i++) {
        size_t recent = rlp_begin(b);
        rlp_write_u64(b, snapshot->recents[i].number);
        rlp_write_address(b, &snapshot->recents[i].signer);
        rlp_end_list(b, recent);
    }
    rlp_end_list(b, recents);
    rlp_end_list(b, list);
}

int clique_snapshot_read(struct clique_snapshot *snapshot, struct bytes data)
{
    clique_snapshot_release(snapshot);
    struct rlp_reader r;
    rlp_reader_init(&r, data);
    rlp_enter(&r, "snapshot");
    uint64_t version = rlp_read_u64(&r, "version");
    struct bytes voting = rlp_read_raw(&r, "voting");
    rlp_enter(&r, "recent signers");
    int status = reserve(snapshot, rlp_count(&r, RECENT_SIZE, "recent signers") + 1);
    for (; status == ERR_OK && rlp_more(&r); snapshot->recent_count++) {
        struct clique_recent *recent = &snapshot->recents[snapshot->recent_count];
        rlp_enter(&r, "recent signer");
        recent->number = rlp_read_u64(&r, "number");
        recent->signer = rlp_read_address(&r, "signer");
        rlp_leave(&r, "recent signer");
    }
    rlp_leave(&r, "recent signers");
    rlp_leave(&r, "snapshot");
    if (status == ERR_OK && (rlp_finish(&r, NULL, "snapshot") != ERR_OK || version != VERSION))
        status = ERR_CORRUPT;
    if (status == ERR_OK)
        status = istanbul_snapshot_read(&snapshot->voting, voting);
    if (status != ERR_OK)
        clique_snapshot_release(snapshot);
    return status;
}
