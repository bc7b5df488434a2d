/*
 * The data directory, laid out as geth's, so that one may stand in the other's place:
 *
 *   geth/nodekey, geth/static-nodes.json, geth/trusted-nodes.json, geth/nodes, geth/transactions.rlp, geth/LOCK
 *   geth/quorate/            the chain: its own folder, so that a GoQuorum database beside it is never touched
 *   geth/quorate-consensus.* what this validator has signed last (record.h)
 *   geth.ipc, keystore/, permissioned-nodes.json, disallowed-nodes.json
 *
 * nodekey, static-nodes.json and trusted-nodes.json directly in the data directory win over those in geth/, as in the
 * reference (node/config.go).
 */
#ifndef NODE_DATADIR_H
#define NODE_DATADIR_H

#include "base/error.h"
#include "crypto/secp256k1.h"
#include "node/config/config.h"

enum {
    NODE_PATH_MAX = 4096,
    /* Linux's limit of a unix socket's path, with its end mark. */
    NODE_SOCKET_PATH_MAX = 108,
};

/* An error of the system in Go's words: "no such file or directory". Valid until the thread's next call. */
const char *node_system_text(int errnum);

struct node_datadir {
    char root[NODE_PATH_MAX];
    int lock; /* the locked geth/LOCK, or -1 */
};

/* Makes the folders that are missing (mode 0700) and locks the directory, against GoQuorum too. ERR_BUSY ("datadir
 * already used by another process"), ERR_IO, ERR_NOSPACE, ERR_LIMIT. */
int node_datadir_open(struct node_datadir *ret_dir, const char *root,
                      struct err_detail *detail) BASE_NODISCARD;
void node_datadir_close(struct node_datadir *dir);

/* "<root>/geth/<name>", or "<root>/<name>" for the three files above when it is there. ERR_LIMIT. */
int node_datadir_path(const struct node_datadir *dir, char ret_path[NODE_PATH_MAX],
                      const char *name, struct err_detail *detail) BASE_NODISCARD;
/* "<root>/<name>". ERR_LIMIT. */
int node_datadir_root_path(const struct node_datadir *dir, char ret_path[NODE_PATH_MAX],
                           const char *name, struct err_detail *detail) BASE_NODISCARD;
/* Where the unix socket belongs: --ipcpath within the data directory unless it has a slash. ERR_LIMIT names the
 * length that the system allows. */
int node_datadir_ipc_path(const struct node_datadir *dir, char ret_path[NODE_PATH_MAX],
                          const char *ipcpath, struct err_detail *detail) BASE_NODISCARD;

/* --nodekeyhex, the file of --nodekey, or that of the data directory, which is made (mode 0600) when it is not there.
 * The owner wipes the key. ERR_INPUT, ERR_NOTFOUND, ERR_IO, …: the message names file and fault, never the key. */
int node_key_load(struct crypto_private_key *ret_key, const struct node_datadir *dir,
                  const struct node_config *config, struct err_detail *detail) BASE_NODISCARD;
/* A key file of 64 hexadecimal digits, with or without an end of line. */
int node_key_read(struct crypto_private_key *ret_key, const char *path,
                  struct err_detail *detail) BASE_NODISCARD;
/* A new random key in a new file (mode 0600). ERR_EXISTS, … */
int node_key_create(struct crypto_private_key *ret_key, const char *path,
                    struct err_detail *detail) BASE_NODISCARD;

#endif
