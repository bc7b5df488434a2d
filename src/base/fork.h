/*
 * The forks of the Ethereum protocol that change execution, oldest first. Which block starts which
 * is the chain configuration's matter (`eth`); what each changes is tables of `evm` and `exec`.
 */
#ifndef BASE_FORK_H
#define BASE_FORK_H

#include <stdbool.h>

/* X(NAME, "name", "other names, space separated") */
#define FORK_LIST(X)                                                                               \
    X(FRONTIER, "Frontier", "")                                                                    \
    X(HOMESTEAD, "Homestead", "DAO HomesteadToDaoAt5")                                             \
    X(TANGERINE, "TangerineWhistle", "EIP150 Tangerine")                                           \
    X(SPURIOUS, "SpuriousDragon", "EIP158 Spurious")                                               \
    X(BYZANTIUM, "Byzantium", "")                                                                  \
    X(CONSTANTINOPLE, "Constantinople", "")                                                        \
    X(PETERSBURG, "Petersburg", "ConstantinopleFix")                                               \
    X(ISTANBUL, "Istanbul", "MuirGlacier")                                                         \
    X(BERLIN, "Berlin", "")                                                                        \
    X(LONDON, "London", "ArrowGlacier GrayGlacier")                                                \
    X(PARIS, "Paris", "Merge")                                                                     \
    X(SHANGHAI, "Shanghai", "")                                                                    \
    X(CANCUN, "Cancun", "")                                                                        \
    X(PRAGUE, "Prague", "")                                                                        \
    X(OSAKA, "Osaka", "")

enum fork {
#define X(name, text, aliases) FORK_##name,
    FORK_LIST(X)
#undef X
};

enum { FORK_COUNT = FORK_OSAKA + 1 };

/* "Frontier" … "Osaka" */
const char *fork_name(enum fork fork);

/* Finds a fork by its name or one of its other names, whatever the case of its letters. */
bool fork_from_name(const char *name, enum fork *ret_fork);

#endif
