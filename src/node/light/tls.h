/*
 * TLS as the --qlight.* flags ask for it: around the connections of light clients, at either end, and of a client's
 * JSON-RPC to its server. As in GoQuorum (qlight/config.go), but that a file of authorities without any is an error.
 * The machine's authorities are trusted besides.
 */
#ifndef NODE_LIGHT_TLS_H
#define NODE_LIGHT_TLS_H

#include "io/tls.h"
#include "node/config/light.h"

/* Each: *ret_tls is the caller's to free; NULL where there is to be no TLS. ERR_* of files, ERR_USAGE (a cipher suite or kind of client
 * authentication that there is not), ERR_INPUT, with flag or file in `detail`. */

/* --qlight.tls of a server: clients are asked for certificates by --qlight.tls.clientauth only where there are
 * --qlight.tls.cacerts. */
int node_light_server_tls(struct io_tls **ret_tls, const struct node_light_config *config,
                          struct err_detail *detail) BASE_NODISCARD;
/* --qlight.tls of a client. */
int node_light_client_tls(struct io_tls **ret_tls, const struct node_light_config *config,
                          struct err_detail *detail) BASE_NODISCARD;
/* --qlight.client.rpc.tls. */
int node_light_rpc_tls(struct io_tls **ret_tls, const struct node_light_config *config,
                       struct err_detail *detail) BASE_NODISCARD;

#endif
