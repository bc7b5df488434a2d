/*
 * The extensions under way, and the file that keeps them: GoQuorum's activeExtensions.json (extension/data_handler.go), in either of its
 * forms; ours is the newer one, with a number beside it that GoQuorum passes over:
 *
 *     {"psiContracts": {"private": {"0x…": {contractExtended, initiator, recipient, managementContractAddress,
 *                                           recipientPtmKey, creationData}}}, "watchedBlock": 12}
 */
#ifndef EXTENSION_LIST_H
#define EXTENSION_LIST_H

#include "base/buf.h"
#include "base/error.h"
#include "base/types.h"
#include "chain/private/private.h"

#define EXTENSION_FILE "activeExtensions.json"
#define EXTENSION_PSI  "private" /* the one private state of a node without others */

enum {
    EXTENSION_KEY_MAX = 255, /* characters of a manager's key: 44 are usual */
    EXTENSION_PSI_MAX = 255, /* of a private state's identifier */
    EXTENSION_MAX = 4096,    /* under way at a time: whoever sends to this node can begin one */
    EXTENSION_FILE_MAX = 16 << 20, /* bytes: so many entries, and some */
};

/* How far this node is with an extension; forgotten when it stops. */
struct extension_progress {
    bool asked_owner,
        is_owner; /* its manager sent the creation: it votes for it, and shares the state */
    bool voted, shared;
    uint64_t not_before; /* by io_loop_now: what failed is not tried again earlier */
};

struct extension_entry {
    char psi[EXTENSION_PSI_MAX + 1];
    struct address contract, initiator, recipient, management;
    char recipient_key[EXTENSION_KEY_MAX + 1]; /* printable ASCII */
    struct chain_payload_hash creation;        /* of the management contract */
    struct extension_progress progress;
};

struct extension_list {
    struct extension_entry *entries; /* in the order of their beginning */
    size_t count, capacity;
    uint64_t watched; /* the last block whose logs are in the list */
    bool has_watched;
};

void extension_list_release(struct extension_list *list);
/* ERR_NOMEM; *ret_copy is initialised by the call. */
int extension_list_copy(struct extension_list *ret_copy,
                        const struct extension_list *list) BASE_NODISCARD;

/* By its private state and management contract; NULL: none. Valid until the list changes. */
struct extension_entry *extension_list_find(const struct extension_list *list, struct bytes psi,
                                            const struct address *management);
/* Adds it, or puts it in the place of the one with the same management contract of that state. ERR_LIMIT, ERR_NOMEM. */
int extension_list_add(struct extension_list *list,
                       const struct extension_entry *entry) BASE_NODISCARD;
/* False: there was none. */
bool extension_list_remove(struct extension_list *list, struct bytes psi,
                           const struct address *management);

/* Whether a key from a log can be kept: then it is put into the entry. */
bool extension_entry_set_key(struct extension_entry *entry, struct bytes key);

/* A file that is missing is an empty list. ERR_INPUT: it is not what it should be; ERR_IO, ERR_NOMEM. */
int extension_list_load(struct extension_list *ret_list, const char *path,
                        struct err_detail *detail) BASE_NODISCARD;
int extension_list_save(const struct extension_list *list, const char *path,
                        struct err_detail *detail) BASE_NODISCARD;

/* The text of a file (exposed for fuzzing). As extension_list_load. */
int extension_list_parse(struct extension_list *ret_list, struct bytes json,
                         struct err_detail *detail) BASE_NODISCARD;
void extension_list_write(struct buf *b, const struct extension_list *list);
/* An entry alone, as quorumExtension_activeExtensionContracts has it. */
void extension_entry_write(struct buf *b, const struct extension_entry *entry);

#endif
