/* The fork id of EIP-2124 with GoQuorum's set of forks (spec §7.3; core/forkid/forkid.go). */
#ifndef CHAIN_CONFIG_FORKID_H
#define CHAIN_CONFIG_FORKID_H

#include "chain/config/config.h"

struct chain_forkid {
    uint8_t hash[4]; /* CRC32 of the genesis hash and the forks that have passed */
    uint64_t next;   /* the first one to come; 0 = none is known */
};

/* At the head `number` with `timestamp` (which matters to forks by time only). */
struct chain_forkid chain_forkid(const struct chain_config *config, const struct hash256 *genesis,
                                 uint64_t number, uint64_t timestamp);

/* X(NAME, "text") */
#define CHAIN_FORKID_VERDICT_LIST(X)                                                               \
    X(OK, "ok")                                                                                    \
    X(REMOTE_STALE, "remote needs update")                                                         \
    X(LOCAL_INCOMPATIBLE, "local incompatible or needs update")

enum chain_forkid_verdict {
#define X(name, text) CHAIN_FORKID_##name,
    CHAIN_FORKID_VERDICT_LIST(X)
#undef X
};

const char *chain_forkid_verdict_text(enum chain_forkid_verdict verdict);

/* Whether a peer that says `remote` is on the same chain, seen from our head. */
enum chain_forkid_verdict chain_forkid_check(const struct chain_config *config,
                                             const struct hash256 *genesis, uint64_t number,
                                             uint64_t timestamp, const struct chain_forkid *remote);

#endif
