/*
 * --dev: a network of one for developers, as geth has it. A chain of Clique's whose one signer owns nearly all there is; its
 * account stays unlocked, blocks come with transactions (or every --dev.period seconds), nobody is connected to.
 *
 * Without --datadir it lives in a folder of its own that goes when the program ends. With it chain and account stay, which
 * GoQuorum v24.4.1 promises and fails at ("Could not open database").
 */
#ifndef NODE_DEV_H
#define NODE_DEV_H

#include "accounts/accounts.h"
#include "crypto/address.h"
#include "node/datadir.h"

struct node_dev {
    char folder[NODE_PATH_MAX]; /* the one that goes; "" when there is none */
    char ipcpath[NODE_PATH_MAX];
    char account[CRYPTO_ADDRESS_TEXT];
};

/* Turns a configuration with `dev` into one of a validator, and makes account and chain where there are none. `dev` outlives
 * the configuration; call node_dev_end whatever came back. The message goes behind "Fatal: ". */
int node_dev_begin(struct node_dev *dev, struct node_config *config,
                   struct err_detail *detail) BASE_NODISCARD;
/* Removes what --dev without --datadir has made. */
void node_dev_end(struct node_dev *dev);

/* Unlocks the account for as long as the program runs, also beside HTTP. ERR_INPUT: "Failed to unlock developer account: …". */
int node_dev_unlock(struct accounts *accounts, const struct node_config *config,
                    struct err_detail *detail) BASE_NODISCARD;

/* Whether a command runs a node; "": none is given. */
bool node_dev_is_for(const char *command);
/* Whether another one may stand beside --dev: what works on a chain needs one that outlives the program. */
bool node_dev_allows(const struct node_config *config, const char *command);

#endif
