/*
 * The contract that manages an extension, as the nodes of its parties see it (GoQuorum v24.4.1, extension/extensionContracts): what it
 * answers, what it is told, what it logs. Only the node that starts an extension needs its code, which is our own (management.sol): the
 * other parties get it with the creation.
 */
#ifndef EXTENSION_MANAGEMENT_H
#define EXTENSION_MANAGEMENT_H

#include "base/buf.h"
#include "base/types.h"
#include "eth/receipt.h"

/* Creation code, hex without 0x. */
extern const char extension_management_code[];

/* Functions, for permission_abi_call. */
#define EXTENSION_IS_FINISHED     "checkIfExtensionFinished()"
#define EXTENSION_HAS_VOTED       "checkIfVoted()" /* the asker */
#define EXTENSION_CREATOR         "creator()"
#define EXTENSION_CONTRACT        "contractToExtend()"
#define EXTENSION_VOTER_COUNT     "totalNumberOfVoters()"
#define EXTENSION_VOTER           "walletAddressesToVote(uint256)"
#define EXTENSION_ALL_VOTED       "haveAllNodesVoted()"
#define EXTENSION_OUTCOME         "voteOutcome()"
#define EXTENSION_SHARED_HASH     "sharedDataHash()"
#define EXTENSION_VOTE            "doVote(bool,string)"
#define EXTENSION_FINISH          "finish()"
#define EXTENSION_SET_SHARED_HASH "setSharedStateHash(string)"

enum extension_event {
    EXTENSION_CREATED,  /* an extension has begun */
    EXTENSION_FINISHED, /* it is over, completed or not */
    EXTENSION_AGREED,   /* all have voted for it: who began it shares the state */
    EXTENSION_EVENTS,
};

/* Their first topics, in the order of the enum. */
extern const struct hash256 extension_topics[EXTENSION_EVENTS];

/* Which of them a log is; EXTENSION_EVENTS: none. */
enum extension_event extension_event_of(const struct eth_log *log);

/* Appends the code and its arguments: what creates the contract. Fails as `b` does. */
void extension_management_creation(struct buf *b, const struct address *contract,
                                   const struct address *recipient, struct bytes recipient_key);

#endif
