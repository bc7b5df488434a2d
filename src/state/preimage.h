/*
 * From the keys of tries, which are hashes, back to addresses and slots: for dumps of states. The flat tables have those
 * that are there now; of accounts and slots that were deleted an archive keeps the preimage, when they go.
 */
#ifndef STATE_PREIMAGE_H
#define STATE_PREIMAGE_H

#include "base/map.h"
#include "state/db.h"

enum {
    /* Entries that are held at once, 64 bytes each: more is too much for one answer in any case. */
    STATE_PREIMAGES_MAX = 1 << 22,
};

/* Tables of one state instance, held in memory as long as a dump takes. */
struct state_preimages {
    const struct state_reader *reader;
    struct map addresses; /* hash -> address */
    struct map slots; /* hash -> slot, of the account that was loaded last, and of wiped storages */
    size_t wiped_slots; /* the first entries of `slots` */
};

/* `reader` is borrowed. Reads the whole table of accounts. ERR_LIMIT: more than STATE_PREIMAGES_MAX; ERR_NOMEM, and those
 * of the store. To be released in any case. */
int state_preimages_init(struct state_preimages *ret_preimages,
                         const struct state_reader *reader) BASE_NODISCARD;
void state_preimages_release(struct state_preimages *p);

/* ERR_NOTFOUND: not known. */
int state_preimages_address(struct state_preimages *p, struct address *ret_address,
                            const struct hash256 *hash) BASE_NODISCARD;
/* Makes state_preimages_slot know the slots of an account. Errors as above. */
int state_preimages_load(struct state_preimages *p, const struct address *address) BASE_NODISCARD;
int state_preimages_slot(struct state_preimages *p, struct hash256 *ret_slot,
                         const struct hash256 *hash) BASE_NODISCARD;

/* Keeps the preimage of what is being deleted from a flat table: an address (20 bytes) or a slot (32). Only in an
 * archive, else nothing happens. */
int state_preimage_keep(const struct state_db *db, struct store_txn *txn,
                        const struct hash256 *hash, struct bytes preimage) BASE_NODISCARD;

#endif
