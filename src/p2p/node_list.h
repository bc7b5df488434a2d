/*
 * Files of node URLs, JSON arrays of strings: static-nodes.json, trusted-nodes.json, permissioned-nodes.json and
 * disallowed-nodes.json (node-consensus-and-wire §7.5).
 */
#ifndef P2P_NODE_LIST_H
#define P2P_NODE_LIST_H

#include "p2p/enode.h"

enum {
    /* Bytes of a file: 16,384 URLs of 256 characters. */
    P2P_NODE_LIST_TEXT_MAX = 4 << 20,
};

struct p2p_node_list {
    struct p2p_enode *nodes;
    size_t count;
    size_t left_out; /* entries that are empty or name no node */
};

/*
 * Reads a file; entries that are empty or wrong are left out, and `report` (may be NULL) is told of each wrong one,
 * as geth logs "Node URL <url>: <why>". ERR_NOTFOUND, ERR_IO, ERR_LIMIT, ERR_NOMEM; ERR_INPUT when it is no array of
 * strings, with path, line and column in `detail`.
 */
int p2p_node_list_read(struct p2p_node_list *ret_list, const char *path,
                       void (*report)(void *context, const char *message), void *context,
                       struct err_detail *detail) BASE_NODISCARD;
void p2p_node_list_release(struct p2p_node_list *list);

/* Why a node may not connect. X(name, text) */
#define P2P_PERMISSION_LIST(X)                                                                     \
    X(P2P_PERMITTED, "permitted")                                                                  \
    X(P2P_NO_PERMISSION_FILE, "permissioned-nodes.json is missing or cannot be read")              \
    X(P2P_NOT_LISTED, "not in permissioned-nodes.json")                                            \
    X(P2P_DISALLOWED, "in disallowed-nodes.json")                                                  \
    X(P2P_DISALLOWED_UNREADABLE,                                                                   \
      "disallowed-nodes.json cannot be read, or an entry of it names no node")

enum p2p_permission {
#define X(name, text) name,
    P2P_PERMISSION_LIST(X)
#undef X
};

const char *p2p_permission_text(enum p2p_permission permission);

/*
 * The check of --permissioned, made from the files as they are now: the node's key is in
 * <datadir>/permissioned-nodes.json and not in <datadir>/disallowed-nodes.json. Only keys count. A first file that is
 * missing or wrong permits nobody, a second one that is missing disallows nobody, one that is wrong everybody; so does an
 * entry of it that names no node, since it was meant to keep somebody out (GoQuorum ends with a panic there).
 */
enum p2p_permission p2p_permission_by_files(const char *datadir,
                                            const struct crypto_public_key *key);
/* The same with the files <datadir>/<prefix>-permissioned-nodes.json and <datadir>/<prefix>-disallowed-nodes.json, as QLight's
 * server has them; NULL: without prefix and hyphen. */
enum p2p_permission p2p_permission_by_files_of(const char *datadir, const char *prefix,
                                               const struct crypto_public_key *key);

#endif
