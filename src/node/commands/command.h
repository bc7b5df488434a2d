/*
 * What the program does once and ends: init, export, import, version, dumpgenesis; and what all of it says. Texts and
 * exit codes are geth's (spec node-privacy-rpc-cli §12; recordings/live/command-line.json).
 */
#ifndef NODE_COMMANDS_COMMAND_H
#define NODE_COMMANDS_COMMAND_H

#include "chain/chain.h"
#include "node/config/config.h"
#include "node/datadir.h"

enum {
    NODE_EXIT_OK = 0,
    NODE_EXIT_FATAL = 1,
    NODE_EXIT_USAGE = 2, /* of bootnode, as of every program that reads its flags by Go's library */
    NODE_EXIT_NO_TOPIC = 3, /* as the reference's: a word that is no command of another */
};

/* What GoQuorum calls itself; clients look for these. */
#define NODE_GETH_VERSION   "1.10.3-stable"
#define NODE_QUORUM_VERSION "24.4.1"

/* "Fatal: <message>" on standard error, and on standard output too when that is another file, as geth does. Returns
 * NODE_EXIT_FATAL. */
int node_fatal(const char *format, ...) BASE_PRINTF(1, 2);

/* "No help topic for 'x'", of `help x` and of `account x`. Returns NODE_EXIT_NO_TOPIC. */
int node_no_topic(const char *name);

/* One subcommand. `arguments` are the words behind its name. Returns the exit code. */
struct node_command {
    const char *name;
    int (*run)(const struct node_config *config, size_t count, char **arguments);
};

extern const struct node_command node_commands[];
extern const size_t node_command_count;

/* account (account.c); attach, console and js (console.c). */
int node_run_account(const struct node_config *config, size_t count, char **arguments);
int node_run_attach(const struct node_config *config, size_t count, char **arguments);
int node_run_console(const struct node_config *config, size_t count, char **arguments);
int node_run_js(const struct node_config *config, size_t count, char **arguments);
/* dump.c */
int node_run_dump(const struct node_config *config, size_t count, char **arguments);
/* A node without network whose console prints the value of one statement, a text, and ends. What it throws is printed behind
 * "Fatal: ". */
int node_print_from_console(const struct node_config *config, const char *statement);
/* copy_files.c: keys, peers, permissions and extensions from one data directory to another. What is there already and differs is
 * an error, which is printed; but for the node key with `replace_key`. */
struct node_copied {
    unsigned copied, same;
};
int node_copy_files(struct node_copied *copied, const char *place, const char *root,
                    bool replace_key);
/* backup.c */
int node_run_backup(const struct node_config *config, size_t count, char **arguments);
/* migrate.c */
int node_run_migrate(const struct node_config *config, size_t count, char **arguments);
/* private.c, audit.c; `endpoints`: this node's, then those of others. */
int node_run_private(const struct node_config *config, size_t count, char **arguments);
int node_audit(const struct node_config *config, size_t count, char **endpoints);
/* small.c */
int node_run_dumpconfig(const struct node_config *config, size_t count, char **arguments);
int node_run_removedb(const struct node_config *config, size_t count, char **arguments);
int node_run_license(const struct node_config *config, size_t count, char **arguments);
int node_run_deprecated(const struct node_config *config, size_t count, char **arguments);
/* Why a command of geth's is not here, and what to do instead; NULL: it is none of geth's. */
const char *node_absent_command(const char *name);

/* Opens the chain of a data directory as the flags say; `genesis` may be none. The pool of threads is for recovery
 * and may be NULL. */
int node_open_chain(struct chain **ret_chain, const struct node_config *config,
                    const struct node_datadir *dir, struct bytes genesis, struct pool *pool,
                    const struct chain_payloads *payloads,
                    struct err_detail *detail) BASE_NODISCARD;

/* The node itself, until a signal ends it (node.c); the discovery alone (bootnode.c). Return the exit code. */
int node_run(const struct node_config *config);
/* The same, with a call once it answers requests (or NULL). */
int node_run_with(const struct node_config *config, void (*ready)(void *context), void *context);
int node_run_bootnode(const struct node_config *config);

/* The whole program: argv as main gets it. Returns the exit code. */
int node_main(int argc, char **argv);

#endif
