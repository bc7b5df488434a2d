/* The recordings of a live network's wire: messages in order, as they stood in the frames. */
#ifndef P2P_TEST_RECORDING_H
#define P2P_TEST_RECORDING_H

#include "base/buf.h"

struct recorded {
    bool out;      /* sent by the recorder, in the place of the fourth validator */
    uint64_t code; /* of the connection: base protocol 0 … 15, eth from 16, istanbul from 33 */
    struct buf payload;
};

struct recording {
    struct recorded *messages;
    size_t count;
    struct buf *blocks; /* the chain that came of it, encoded, genesis included */
    size_t block_count;
};

/* fixtures/recordings/<name>; skips the running test when it is not there. */
void recording_load(struct recording *ret_recording, const char *name);
void recording_free(struct recording *recording);

/* The first message of that direction and code; fails the test when there is none. */
struct bytes recording_find(const struct recording *recording, bool out, uint64_t code);

#endif
