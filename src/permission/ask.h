/* Questions to contracts, answered by the state at a head. */
#ifndef PERMISSION_ASK_H
#define PERMISSION_ASK_H

#include "chain/chain.h"
#include "permission/abi.h"

enum {
    /* A question may use so much gas; those of the contracts use a few hundred thousand. */
    PERMISSION_ASK_GAS = 50 * 1000 * 1000,
    PERMISSION_ANSWER_MAX = 64 * 1024, /* bytes */
};

/* Zeroed but for `chain` to begin with. Belongs to one thread. */
struct permission_asker {
    struct chain *chain;
    bool open;
    uint64_t number; /* of the head, when open */
    struct chain_reader reader;
    struct state_reader state;
    struct eth_header header;
    struct chain_environment environment;
    struct state_view *view;
    struct exec *exec;
    struct buf input, output;
};

/* The answers are those of the chain's head from now on. The state is opened at the first question. */
void permission_asker_move(struct permission_asker *asker);
void permission_asker_release(struct permission_asker *asker);

/*
 * Asks the contract at `to`: `question` is the function's signature, "getNumberOfOrgs()", `result` the types of what it
 * returns, "(uint256)"; the values' texts are valid until the next question. ERR_NOTFOUND: there is no contract. ERR_INPUT: it
 * fails, or its answer does not fit. Else what the chain returns. The message is in `detail`.
 */
int permission_ask(struct permission_asker *asker, const struct address *to, const char *question,
                   const struct permission_value *values, const char *result,
                   struct permission_value ret_values[PERMISSION_VALUES_MAX],
                   struct err_detail *detail) BASE_NODISCARD;

/* The same on a view between two transactions of a block. */
int permission_ask_view(struct exec *exec, const struct exec_block *block, struct state_view *view,
                        const struct address *to, struct buf *input, struct buf *output,
                        const char *question, const struct permission_value *values,
                        const char *result,
                        struct permission_value ret_values[PERMISSION_VALUES_MAX],
                        struct err_detail *detail) BASE_NODISCARD;

#endif
