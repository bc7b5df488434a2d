/*
 * State tests in the published format (GeneralStateTests of ethereum/tests and execution-spec-tests):
 *
 *   { "<name>": { "env": {…}, "pre": {…},
 *                 "transaction": { "data": […], "gasLimit": […], "value": […], … },
 *                 "post": { "<fork>": [ { "hash", "logs", "indexes": {"data","gas","value"},
 *                                         "txbytes"?, "expectException"? }, … ] } } }
 *
 * Each post entry is one case: the transaction that its indexes choose is executed on `pre`; the state root
 * and the hash of the logs must be those of the entry. Where an exception is expected, the transaction must
 * be refused, for that reason, and change nothing.
 */
#ifndef EVMTOOL_STATETEST_H
#define EVMTOOL_STATETEST_H

#include "base/fork.h"
#include "evmtool/alloc.h"
#include "evmtool/env.h"

struct evmtool_world;

/* What to run and how to say it. */
struct evmtool_statetest_options {
    bool all_forks;
    enum fork fork;     /* unless all_forks */
    const char *filter; /* part of the test's name, or NULL */
    bool trace;         /* EIP-3155 lines to standard error */
    bool plain;         /* the plain interpreter */
};

/* One case's result, handed to the caller in the file's order. Pointers are valid during the call. */
struct evmtool_statetest_result {
    const char *test;
    const char *fork;
    size_t index; /* in the fork's list */
    bool pass;
    const char *cause; /* why not, "" when it passed */
    struct hash256 root;
};

typedef void evmtool_statetest_fn(void *context, const struct evmtool_statetest_result *result);

/* Runs one file in `world` (see world.h). Cases that fail are results, not errors. ERR_INPUT and
 * ERR_NOTFOUND name file, test and field; ERR_NOMEM and other failures of this machine end the file. */
int evmtool_statetest_file(struct evmtool_world *world, const char *path,
                           const struct evmtool_statetest_options *options,
                           evmtool_statetest_fn *report, void *context,
                           struct err_detail *detail) BASE_NODISCARD;

#endif
