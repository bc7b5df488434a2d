/* Headers of Clique: the seal, the rules, making one. */
#include "consensus/clique/clique.h"

enum { ADDRESS_SIZE = sizeof(struct address) };

const char *clique_verdict_text(enum clique_verdict verdict)
{
    switch (verdict) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return text;
        CLIQUE_VERDICT_LIST(X)
#undef X
    }
    return "unknown";
}

int clique_seal_digest(const struct eth_header *header, struct hash256 *ret_digest)
{
    if (header->extra.len < ISTANBUL_SEAL_SIZE)
        return ERR_INPUT;
    struct eth_header unsealed = *header;
    unsealed.extra = bytes_slice(header->extra, 0, header->extra.len - ISTANBUL_SEAL_SIZE);
    return eth_header_hash(&unsealed, ret_digest);
}

int clique_author(const struct eth_header *header, struct address *ret_author)
{
    struct hash256 digest;
    int status = clique_seal_digest(header, &digest);
    if (status == ERR_INPUT)
        return CLIQUE_NO_SEAL;
    if (status != ERR_OK)
        return status;
    struct bytes seal =
        bytes_slice(header->extra, header->extra.len - ISTANBUL_SEAL_SIZE, ISTANBUL_SEAL_SIZE);
    return istanbul_recover(ret_author, &digest, seal) ? CLIQUE_VALID : CLIQUE_BAD_SEAL;
}

/* ---- rules ---- */

/* Bytes of the list of signers in extra data that is long enough for vanity and seal. */
static struct bytes signers_of(const struct eth_header *header)
{
    return bytes_slice(header->extra, ISTANBUL_VANITY_SIZE,
                       header->extra.len - ISTANBUL_VANITY_SIZE - ISTANBUL_SEAL_SIZE);
}

static enum clique_verdict check_vote(const struct eth_header *header, bool epoch)
{
    struct address candidate;
    bool authorize;
    if (epoch && !address_is_zero(&header->coinbase))
        return CLIQUE_EPOCH_BENEFICIARY;
    if (istanbul_read_vote(ISTANBUL_IBFT, header, &candidate, &authorize) != ISTANBUL_VALID)
        return CLIQUE_BAD_VOTE;
    return epoch && authorize ? CLIQUE_EPOCH_VOTE : CLIQUE_VALID;
}

static enum clique_verdict check_extra(const struct eth_header *header, bool epoch)
{
    if (header->extra.len < ISTANBUL_VANITY_SIZE)
        return CLIQUE_NO_VANITY;
    if (header->extra.len < ISTANBUL_VANITY_SIZE + ISTANBUL_SEAL_SIZE)
        return CLIQUE_NO_SEAL;
    size_t size = signers_of(header).len;
    if (!epoch)
        return size ? CLIQUE_EXTRA_SIGNERS : CLIQUE_VALID;
    return size % ADDRESS_SIZE ? CLIQUE_BAD_EPOCH_SIGNERS : CLIQUE_VALID;
}

static bool has_difficulty(const struct eth_header *header, uint64_t difficulty)
{
    return u256_is_u64(&header->difficulty) && header->difficulty.w[0] == difficulty;
}

/* What can be seen without the parent. */
static enum clique_verdict check_alone(const struct clique_check *check,
                                       const struct eth_header *header, bool epoch)
{
    if (header->timestamp > check->now &&
        header->timestamp - check->now > check->config->allowed_future_time)
        return CLIQUE_FUTURE;
    enum clique_verdict verdict = check_vote(header, epoch);
    if (verdict == CLIQUE_VALID)
        verdict = check_extra(header, epoch);
    if (verdict != CLIQUE_VALID)
        return verdict;
    if (!hash256_is_zero(&header->mix_hash))
        return CLIQUE_BAD_MIX;
    if (!hash256_equal(&header->uncles_hash, &eth_empty_uncles_hash))
        return CLIQUE_UNCLES;
    if (header->number > 0 && !has_difficulty(header, CLIQUE_IN_TURN) &&
        !has_difficulty(header, CLIQUE_OUT_OF_TURN))
        return CLIQUE_BAD_DIFFICULTY;
    return CLIQUE_VALID;
}

static bool lists_all(const struct istanbul_set *signers, struct bytes list)
{
    return list.len == signers->count * ADDRESS_SIZE &&
           (list.len == 0 || memcmp(list.data, signers->members, list.len) == 0);
}

static int check_signer(const struct clique_snapshot *snapshot, const struct eth_header *header)
{
    struct address signer;
    int verdict = clique_author(header, &signer);
    if (verdict != CLIQUE_VALID)
        return verdict;
    if (!istanbul_set_has(&snapshot->voting.set, &signer))
        return CLIQUE_NOT_AUTHORIZED;
    if (clique_signed_recently(snapshot, &signer))
        return CLIQUE_SIGNED_RECENTLY;
    uint64_t difficulty = clique_in_turn(snapshot, &signer) ? CLIQUE_IN_TURN : CLIQUE_OUT_OF_TURN;
    return has_difficulty(header, difficulty) ? CLIQUE_VALID : CLIQUE_WRONG_DIFFICULTY;
}

int clique_check_header(const struct clique_check *check, const struct eth_header *header)
{
    bool epoch = header->number % check->config->epoch == 0;
    enum clique_verdict verdict = check_alone(check, header, epoch);
    if (verdict != CLIQUE_VALID || header->number == 0)
        return verdict;
    const struct eth_header *parent = check->parent;
    if (!parent || parent->number != header->number - 1 ||
        !hash256_equal(check->parent_hash, &header->parent_hash))
        return CLIQUE_NO_PARENT;
    uint64_t earliest;
    if (__builtin_add_overflow(parent->timestamp, check->config->period, &earliest) ||
        header->timestamp < earliest)
        return CLIQUE_BAD_TIME;
    if (epoch && !lists_all(&check->snapshot->voting.set, signers_of(header)))
        return CLIQUE_OTHER_EPOCH_SIGNERS;
    return check_signer(check->snapshot, header);
}

/* ---- to make a block ---- */

void clique_prepare(struct eth_header *header, struct buf *extra,
                    const struct clique_config *config, const struct clique_snapshot *snapshot,
                    const struct eth_header *parent, const struct address *signer,
                    struct bytes vanity, const struct address *candidate, bool authorize,
                    uint64_t now)
{
    const struct istanbul_set *signers = &snapshot->voting.set;
    static const uint8_t zeros[ISTANBUL_SEAL_SIZE];
    uint8_t padded[ISTANBUL_VANITY_SIZE] = {0};
    bool epoch = header->number % config->epoch == 0;
    uint64_t earliest = parent->timestamp + config->period;
    header->coinbase = candidate && !epoch ? *candidate : (struct address){{0}};
    memset(header->nonce, candidate && !epoch && authorize ? 0xff : 0, sizeof(header->nonce));
    header->difficulty =
        u256_from(clique_in_turn(snapshot, signer) ? CLIQUE_IN_TURN : CLIQUE_OUT_OF_TURN);
    header->mix_hash = (struct hash256){{0}};
    header->timestamp = now > earliest ? now : earliest;
    if (vanity.len)
        memcpy(padded, vanity.data, vanity.len < sizeof(padded) ? vanity.len : sizeof(padded));
    buf_append(extra, padded, sizeof(padded));
    if (epoch)
        buf_append(extra, signers->members, signers->count * sizeof(*signers->members));
    buf_append(extra, zeros, sizeof(zeros));
}

void clique_put_seal(uint8_t *extra, size_t extra_size, const struct istanbul_seal *seal)
{
    assert(extra_size >= sizeof(seal->b));
    memcpy(extra + extra_size - sizeof(seal->b), seal->b, sizeof(seal->b));
}

uint64_t clique_wiggle_ms(const struct clique_snapshot *snapshot)
{
    return (snapshot->voting.set.count / 2 + 1) * CLIQUE_WIGGLE_MS;
}
