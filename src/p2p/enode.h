/*
 * Names of nodes: enode URLs, as in static-nodes.json, on command lines and in admin_nodeInfo
 * (node-consensus-and-wire §7.5; geth's p2p/enode/urlv4.go):
 *
 *     enode://<128 hex>@<host>:<tcp>[?discport=<udp>][&raftport=<port>]
 *     enode://<128 hex>      <128 hex>        (incomplete: the key alone)
 */
#ifndef P2P_ENODE_H
#define P2P_ENODE_H

#include "crypto/secp256k1.h"
#include "io/address.h"

enum {
    /* Longest text with its end mark: key, host in brackets, three ports and their names. */
    P2P_ENODE_TEXT = 8 + 128 + 1 + IO_HOST_MAX + 2 + 6 + 15 + 15 + 1,
    /* Longest text that is parsed: percent signs may make a URL three times as long. */
    P2P_ENODE_TEXT_MAX = 2048,
};

struct p2p_enode {
    struct crypto_public_key key;
    struct hash256 id;          /* Keccak-256 of the key: geth's node ID */
    char host[IO_HOST_MAX + 1]; /* a DNS name; "" when the IP is given, or nothing is */
    struct io_address ip;       /* ip_len 0 when unknown; its port is not used */
    uint16_t tcp, udp, raft;    /* 0: none */
};

/*
 * Reads a URL. Pure: a DNS name stays one (GoQuorum resolves at once, and refuses a name that does not resolve
 * unless there is a raftport; here it is resolved whenever the node is dialled). ERR_INPUT with geth's text in
 * `detail`: "invalid URL scheme, want "enode"", "does not contain node ID", "invalid public key (wrong length,
 * want 128 hex chars)", "invalid port", …
 */
int p2p_enode_parse(struct p2p_enode *ret_enode, const char *text,
                    struct err_detail *detail) BASE_NODISCARD;

/* A node by key and address. */
void p2p_enode_make(struct p2p_enode *ret_enode, const struct crypto_public_key *key,
                    const struct io_address *ip, uint16_t tcp, uint16_t udp);

/* As geth prints it: discport only when it differs from the TCP port, then raftport if there is one. A node
 * without host and IP gives "enode://<hex>". */
void p2p_enode_format(char ret_text[P2P_ENODE_TEXT], const struct p2p_enode *enode);

/* Neither a host nor an IP. */
bool p2p_enode_incomplete(const struct p2p_enode *enode);

/* The Ethereum address of the key: how validators are known. */
void p2p_enode_address(struct address *ret_address, const struct p2p_enode *enode);

#endif
