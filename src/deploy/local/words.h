/* Why a program of a network does not come up, in its own last words. */
#ifndef DEPLOY_LOCAL_WORDS_H
#define DEPLOY_LOCAL_WORDS_H

#include "deploy/local/rpc.h"
#include "deploy/local/site.h"

enum { DEPLOY_WORDS_MAX = 400 };

/* ": one/one node ends with "…"" of the first program that is begun again and again; "" where all run, or it said nothing. One that
 * does not come up may keep all the others from making blocks. */
void deploy_last_words(char ret_text[DEPLOY_WORDS_MAX], const struct deploy_site *site);

/* "; the network's id is 1337, this peer's 10: …" where a peer that joins a network cannot be of it; else "". */
void deploy_other_network(char ret_text[DEPLOY_WORDS_MAX], const struct deploy_site *site,
                          const struct deploy_site_peer *peer, struct io_http_caller *caller);

#endif
