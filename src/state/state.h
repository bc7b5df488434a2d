/*
 * `state` is what the chain knows: accounts, their storage and code.
 *
 *                 exec                    reads and changes, checkpoints, rolls back
 *                   |
 *     view.h   state_view                 the working state of one block, in memory
 *                   |       \
 *                   |      update.h       what the block changed: new root, and its commit
 *                   |       /
 *     db.h     state_reader, state_db     accounts and slots as of one version, in a store:
 *                                         flat tables for the newest, tries for any
 *
 * Read in the order view.h, db.h, update.h. Several states (public, private, …) live in one store,
 * each an `instance`; a version of all of them, usually a block, is written in one transaction.
 * A view without a reader starts empty and is then the whole state: tests and tools need no store.
 */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "state/account.h"
#include "state/db.h"
#include "state/update.h"
#include "state/view.h"

#endif
