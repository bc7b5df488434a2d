/*
 * What nodes ask each other in an audit of private states, as notes over the managers' channel (privacy_note_send).
 *
 * Nothing of the state goes over: who asks says a digest of its own, salted, and the other says whether it has the same. It says
 * anything at all to those only whom its manager has as parties of the transaction that is named: the one that made the contract,
 * or the one in question. Questions come under the topic "audit", an answer under "audit-<id>".
 */
#ifndef NODE_AUDIT_NOTE_H
#define NODE_AUDIT_NOTE_H

#include "chain/private/private.h"

#define NODE_AUDIT_TOPIC "audit"

enum {
    NODE_AUDIT_ID = 32, /* hexadecimal digits */
    NODE_AUDIT_SALT = 32,
    NODE_AUDIT_TOPIC_SIZE = sizeof(NODE_AUDIT_TOPIC "-") + NODE_AUDIT_ID,
};

/* X(NAME, "text") */
#define NODE_AUDIT_KIND_LIST(X)                                                                    \
    X(HEAD, "head") /* how far it is */                                                            \
    X(CONTRACT, "contract")                                                                        \
    X(TRANSACTION, "transaction")

enum node_audit_kind {
#define X(name, text) NODE_AUDIT_##name,
    NODE_AUDIT_KIND_LIST(X)
#undef X
        NODE_AUDIT_KINDS
};

struct node_audit_question {
    char id[NODE_AUDIT_ID + 1];
    enum node_audit_kind kind;
    uint64_t block; /* the state after it */
    struct hash256 block_hash;
    struct hash256
        transaction; /* in question, or that made the contract; zero: none, `payload` is what made it */
    struct chain_payload_hash payload;
    struct address contract;
    uint8_t salt[NODE_AUDIT_SALT];
    struct hash256 digest; /* of what who asks has */
};

#define NODE_AUDIT_ANSWER_LIST(X)                                                                  \
    X(SAME, "same")                                                                                \
    X(OTHER, "other")                                                                              \
    X(NONE, "none")         /* a party, without such a contract */                                 \
    X(GONE, "gone")         /* the state of that block is not kept any more */                     \
    X(BEHIND, "behind")     /* has no such block */                                                \
    X(STRANGER, "stranger") /* has no such payload, or not from or for who asks */

enum node_audit_answer {
#define X(name, text) NODE_AUDIT_IS_##name,
    NODE_AUDIT_ANSWER_LIST(X)
#undef X
        NODE_AUDIT_ANSWERS
};

void node_audit_write_question(struct buf *b, const struct node_audit_question *question);
void node_audit_write_answer(struct buf *b, enum node_audit_answer answer, uint64_t head);
/* Of any bytes; false: they are none. */
bool node_audit_read_question(struct node_audit_question *ret_question, struct bytes text);
bool node_audit_read_answer(enum node_audit_answer *ret_answer, uint64_t *ret_head,
                            struct bytes text);
/* "audit-<id>" */
void node_audit_topic(char ret_topic[NODE_AUDIT_TOPIC_SIZE],
                      const struct node_audit_question *question);

/* Digests. Of a contract's code and storage; the hash of no code and of no storage where there is none. */
void node_audit_digest_contract(struct hash256 *ret_digest,
                                const struct node_audit_question *question,
                                const struct hash256 *code_hash,
                                const struct hash256 *storage_root);
/* Of a private transaction's payload and what came of it. ERR_NOMEM. */
int node_audit_digest_transaction(struct hash256 *ret_digest,
                                  const struct node_audit_question *question, struct bytes payload,
                                  bool success, const struct eth_log *logs,
                                  size_t count) BASE_NODISCARD;

#endif
