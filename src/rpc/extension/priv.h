/* Extensions: what the watching and the methods share. */
#ifndef RPC_EXTENSION_PRIV_H
#define RPC_EXTENSION_PRIV_H

#include "extension/list.h"
#include "extension/management.h"
#include "permission/abi.h"
#include "rpc/extension/extension.h"
#include "rpc/run/lookup.h"

enum {
    RPC_EXTENSION_RETRY_MS = 10 * 1000, /* between two tries of what fails */
    RPC_EXTENSION_ACTIONS = 16, /* done behind one look at the blocks; the next one goes on */
    RPC_EXTENSION_SAVED = 1000, /* blocks after which the file is written for its number alone */
    RPC_EXTENSION_GAS =
        1000000, /* of a question, which takes some thousands: others wrote the contract */
    RPC_EXTENSION_VOTERS_MAX = 256, /* of a management contract; two are usual */
};

struct rpc_extension_watch;

struct rpc_extension {
    struct rpc *rpc;
    const struct rpc_backend *backend;
    char *path;                        /* NULL: not open */
    struct extension_list list;        /* on the loop */
    struct rpc_extension_watch *watch; /* what is under way; NULL: nothing */
    uint64_t head;                     /* the last block that was told of */
    uint64_t saved;                    /* `watched` in the file */
    bool look;                         /* at every entry, next time */
};

struct rpc_extension *rpc_extension_of(struct rpc *rpc);
void rpc_extension_release(struct rpc_extension *ext);
/* watch.c: the head is block `number` now, the last of `blocks` new ones that have so many transactions together. */
void rpc_extension_head(struct rpc *rpc, uint64_t number, uint64_t blocks, uint64_t transactions);

/* Asks a contract by the state at the head, as `from` (NULL: nobody); answers as `result` says: "(bool)". On the worker. 0, RPC_FAILED with
 * the reference's texts, or a failure of this machine. Texts are in the call's arena. */
int rpc_extension_ask(struct rpc_call *call, const struct address *management,
                      const struct address *from, const char *question,
                      const struct permission_value *in, const char *result,
                      struct permission_value ret[PERMISSION_VALUES_MAX]) BASE_NODISCARD;
int rpc_extension_ask_bool(struct rpc_call *call, const struct address *management,
                           const struct address *from, const char *question,
                           bool *ret) BASE_NODISCARD;
int rpc_extension_ask_address(struct rpc_call *call, const struct address *management,
                              const char *question, struct address *ret) BASE_NODISCARD;

/* --- What the methods share (send.c, share.c); those with `call->psi` after rpc_psi --- */

/* Places of arguments that no client gives: what `quick` found on the loop. */
enum { RPC_EXTENSION_CREATION = 5 };

/* The head that a method looks at. */
struct rpc_extension_state {
    struct rpc_call *call;
    struct chain_reader reader;
    uint64_t number;
};

/* A failure of the manager becomes the call's error. */
int rpc_extension_fail(struct rpc_call *call, int status, const struct err_detail *detail);
/* Whether the tenant's own key sent the payload. As privacy_is_sender. */
int rpc_extension_is_sender(struct rpc_call *call, bool *ret_sender,
                            const struct chain_payload_hash *hash,
                            struct err_detail *detail) BASE_NODISCARD;
/* To be closed when 0. */
int rpc_extension_open_head(struct rpc_extension_state *h, struct rpc_call *call) BASE_NODISCARD;
int rpc_extension_account(struct rpc_extension_state *h, bool private,
                          const struct address *address, bool *ret_exists, struct bytes *ret_code,
                          struct hash256 *ret_storage) BASE_NODISCARD;
/* *ret_enhanced: it is a contract with privacy enhancements. */
int rpc_extension_metadata(struct rpc_call *call, const struct address *address, bool *ret_enhanced,
                           struct chain_metadata *ret_metadata) BASE_NODISCARD;
int rpc_extension_append_keys(struct rpc_call *call, struct privacy_keys *keys,
                              const struct privacy_keys *more) BASE_NODISCARD;
int rpc_extension_add_participants(struct rpc_call *call, struct rpc_transaction *tx,
                                   const struct address *contract) BASE_NODISCARD;
int rpc_extension_options(struct rpc_call *call, struct rpc_transaction *tx) BASE_NODISCARD;
/* Gives the payload to the parties; `rpc_send_made` goes on. Takes what is in `data`. `to` NULL: a creation. */
int rpc_extension_send(struct rpc_call *call, struct rpc_transaction *tx, const struct address *to,
                       struct buf *data) BASE_NODISCARD;
int rpc_extension_send_call(struct rpc_call *call, struct rpc_transaction *tx,
                            const struct address *to, const char *function,
                            const struct permission_value *values) BASE_NODISCARD;
/* The call's error when the extension is over: "nothing to <over>". */
int rpc_extension_check_open(struct rpc_call *call, const struct address *management,
                             const struct address *from, const char *over) BASE_NODISCARD;
/* quorumExtension_shareState. */
int rpc_extension_quick_share(struct rpc_call *call);
int rpc_extension_share(struct rpc_call *call);

/* What `debug_dumpAddress` says of an account of the private state at the head, as it is shared:
 * {"0xChecksummed": {"state": {…}}} (methods/dump.c). ERR_NOTFOUND: no such account. */
int rpc_dump_shared(struct rpc_call *call, struct buf *json,
                    const struct address *address) BASE_NODISCARD;

#endif
