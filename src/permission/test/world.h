/* A chain of its genesis alone, with contracts that give one answer to everything. */
#ifndef PERMISSION_TEST_WORLD_H
#define PERMISSION_TEST_WORLD_H

#include "permission/permission.h"
#include "store/store.h"

/* Byte code, in hex. */
struct world_contract {
    uint8_t place; /* the last byte of its address; the others are 0 */
    const char *code;
};

struct world {
    struct store *store;
    struct chain *chain;
    struct permission *permission;
};

/* Appends, in hex, byte code that answers `answer` to everything. */
void world_answering(struct buf *code, struct bytes answer);

/* The interface stands at 0x42, the managers of organisations, nodes, roles and accounts at 0x43 to 0x46. The network's
 * organisation is NWORG, its role NWADMIN, organisations' ORGADMIN; trees are 2 wide and 3 deep. */
void world_begin(struct world *w, bool enhanced, const struct world_contract *contracts,
                 size_t count);
void world_end(struct world *w);

#endif
