/* What the engines find wrong with a block, in the words of the reference (GoQuorum, consensus/errors.go and
 * consensus/istanbul/common/errors.go), which tools and people look for. */
#ifndef CONSENSUS_ISTANBUL_VERDICT_H
#define CONSENSUS_ISTANBUL_VERDICT_H

/* X(name, text) */
#define ISTANBUL_VERDICT_LIST(X)                                                                   \
    X(ISTANBUL_VALID, "ok")                                                                        \
    X(ISTANBUL_FUTURE, "block in the future")                                                      \
    X(ISTANBUL_BAD_EXTRA, "invalid extra data format")                                             \
    X(ISTANBUL_BAD_NONCE, "invalid nonce")                                                         \
    X(ISTANBUL_BAD_MIX, "invalid Istanbul mix digest")                                             \
    X(ISTANBUL_UNCLES, "non empty uncle hash")                                                     \
    X(ISTANBUL_BAD_DIFFICULTY, "invalid difficulty")                                               \
    X(ISTANBUL_NO_PARENT, "unknown ancestor")                                                      \
    X(ISTANBUL_BAD_TIME, "invalid timestamp")                                                      \
    X(ISTANBUL_NOT_AUTHORIZED, "unauthorized")                                                     \
    X(ISTANBUL_BAD_SIGNATURE, "invalid signature")                                                 \
    X(ISTANBUL_SEAL_LENGTH, "invalid signature length")                                            \
    X(ISTANBUL_SEAL_RECOVERY_ID, "invalid signature recovery id")                                  \
    X(ISTANBUL_SEAL_RECOVERY, "recovery failed")                                                   \
    X(ISTANBUL_NO_SEALS, "zero committed seals")                                                   \
    X(ISTANBUL_BAD_SEALS, "invalid committed seals")                                               \
    X(ISTANBUL_BAD_VOTE, "vote nonce not 0x00..0 or 0xff..f")                                      \
    X(ISTANBUL_BAD_CHAIN, "invalid voting chain")                                                  \
    X(ISTANBUL_BAD_TRANSACTIONS, "mismatch transactions hashes")                                   \
    X(ISTANBUL_UNKNOWN_BLOCK, "unknown block")

enum istanbul_verdict {
#define X(name, text) name,
    ISTANBUL_VERDICT_LIST(X)
#undef X
};

const char *istanbul_verdict_text(enum istanbul_verdict verdict);

#endif
