#include "consensus/qbft/certificate.h"

#include "consensus/istanbul/seals.h"
#include "crypto/keccak.h"

enum {
    /* Signatures remembered at once, 52 bytes each with their overhead about 100: those of a height with a few rounds of
     * a hundred validators. Then it begins anew. */
    SIGNERS_MAX = 4096,
};

void qbft_checker_init(struct qbft_checker *checker)
{
    *checker = (struct qbft_checker){0};
    map_init(&checker->signers, sizeof(struct hash256), sizeof(struct address));
}

void qbft_checker_release(struct qbft_checker *checker)
{
    map_release(&checker->signers);
}

static bool recover(struct qbft_checker *checker, const struct hash256 *digest,
                    struct bytes signature, struct address *ret_signer)
{
    if (signature.len != CONSENSUS_SEAL_SIZE)
        return false;
    struct hash256 key;
    struct crypto_keccak256 k;
    crypto_keccak256_init(&k);
    crypto_keccak256_update(&k, bytes_of(digest->b, sizeof(digest->b)));
    crypto_keccak256_update(&k, signature);
    crypto_keccak256_final(&k, &key);
    const struct address *known = map_get(&checker->signers, &key);
    if (known) {
        *ret_signer = *known;
        return true;
    }
    if (!istanbul_recover(ret_signer, digest, signature))
        return false;
    if (map_count(&checker->signers) >= SIGNERS_MAX)
        map_clear(&checker->signers);
    struct address *entry = map_put(&checker->signers, &key, NULL);
    if (entry) /* without memory it is only slower */
        *entry = *ret_signer;
    return true;
}

enum qbft_verdict qbft_check_signer(struct qbft_checker *checker, const struct hash256 *digest,
                                    struct bytes signature, struct address *ret_signer)
{
    if (!recover(checker, digest, signature, ret_signer))
        return QBFT_BAD_SIGNATURE;
    return istanbul_set_has(checker->set, ret_signer) ? QBFT_VALID : QBFT_NOT_MEMBER;
}

/* Marks the signer of a quoted message; each member may be quoted once. */
static enum qbft_verdict mark_signer(struct qbft_checker *checker, const struct hash256 *digest,
                                     struct bytes signature,
                                     uint8_t seen[ISTANBUL_SET_MAX / CHAR_BIT])
{
    struct address signer;
    if (qbft_check_signer(checker, digest, signature, &signer) != QBFT_VALID)
        return QBFT_QUOTED_SIGNATURE;
    size_t index = (size_t)istanbul_set_index(checker->set, &signer);
    uint8_t bit = (uint8_t)(1u << index % CHAR_BIT);
    if (seen[index / CHAR_BIT] & bit)
        return QBFT_QUOTED_TWICE;
    seen[index / CHAR_BIT] |= bit;
    return QBFT_VALID;
}

/* Whether `prepares` prove that a quorum prepared `digest` at `number` and `round`. */
static enum qbft_verdict check_prepares(struct qbft_checker *checker,
                                        const struct qbft_prepare *prepares, size_t count,
                                        uint64_t number, uint64_t round,
                                        const struct hash256 *digest)
{
    uint8_t seen[ISTANBUL_SET_MAX / CHAR_BIT] = {0};
    if (count < checker->quorum)
        return QBFT_FEW_PREPARES;
    /* Everything cheap first: signatures are only looked at when all the rest is right. */
    for (size_t i = 0; i < count; i++) {
        if (prepares[i].number != number)
            return QBFT_QUOTED_NUMBER;
        if (prepares[i].round != round)
            return QBFT_QUOTED_ROUND;
        if (!hash256_equal(&prepares[i].digest, digest))
            return QBFT_QUOTED_DIGEST;
    }
    if (count > checker->set->count)
        return QBFT_QUOTED_TWICE;
    for (size_t i = 0; i < count; i++) {
        struct hash256 signed_digest;
        qbft_prepare_digest(&prepares[i], &signed_digest);
        enum qbft_verdict verdict =
            mark_signer(checker, &signed_digest, prepares[i].signature, seen);
        if (verdict != QBFT_VALID)
            return verdict;
    }
    return QBFT_VALID;
}

enum qbft_verdict qbft_check_prepared(struct qbft_checker *checker, const struct qbft_message *m,
                                      const struct hash256 *block_hash)
{
    if (!m->prepared)
        return block_hash || m->prepare_count ? QBFT_UNASKED : QBFT_VALID;
    if (m->prepared_round >= m->round)
        return QBFT_PREPARED_LATE;
    if (!block_hash)
        return QBFT_NO_BLOCK;
    if (!hash256_equal(block_hash, &m->digest))
        return QBFT_OTHER_BLOCK;
    return check_prepares(checker, m->prepares, m->prepare_count, m->number, m->prepared_round,
                          &m->digest);
}

/* The rule of the reference's isJustified, over messages that are known to be valid. */
static enum qbft_verdict check_choice(const struct qbft_message *m, size_t quorum,
                                      const struct hash256 *block_hash)
{
    size_t fit = 0;
    bool named = false;
    for (size_t i = 0; i < m->round_change_count; i++) {
        const struct qbft_round_change *c = &m->round_changes[i];
        if (m->prepare_count == 0) {
            fit += !c->prepared;
            continue;
        }
        uint64_t round = m->prepares[0].round;
        if (!c->prepared || c->prepared_round <= round)
            fit++;
        if (c->prepared && c->prepared_round == round &&
            hash256_equal(&c->prepared_digest, block_hash))
            named = true;
    }
    if (fit < quorum)
        return m->prepare_count ? QBFT_NOT_HIGHEST : QBFT_NOT_FREE;
    return m->prepare_count && !named ? QBFT_NOT_PREPARED : QBFT_VALID;
}

enum qbft_verdict qbft_check_justification(struct qbft_checker *checker,
                                           const struct qbft_message *m,
                                           const struct hash256 *block_hash)
{
    if (m->round_change_count < checker->quorum)
        return QBFT_FEW_ROUND_CHANGES;
    if (m->round_change_count > checker->set->count)
        return QBFT_QUOTED_TWICE;
    uint8_t seen[ISTANBUL_SET_MAX / CHAR_BIT] = {0};
    for (size_t i = 0; i < m->round_change_count; i++) {
        if (m->round_changes[i].number != m->number)
            return QBFT_QUOTED_NUMBER;
        if (m->round_changes[i].round != m->round)
            return QBFT_QUOTED_ROUND;
    }
    enum qbft_verdict verdict = check_choice(m, checker->quorum, block_hash);
    for (size_t i = 0; i < m->round_change_count && verdict == QBFT_VALID; i++) {
        struct hash256 digest;
        qbft_round_change_digest(&m->round_changes[i], &digest);
        verdict = mark_signer(checker, &digest, m->round_changes[i].signature, seen);
    }
    if (verdict != QBFT_VALID || m->prepare_count == 0)
        return verdict;
    if (m->prepares[0].round >= m->round)
        return QBFT_PREPARED_LATE;
    return check_prepares(checker, m->prepares, m->prepare_count, m->number, m->prepares[0].round,
                          block_hash);
}
