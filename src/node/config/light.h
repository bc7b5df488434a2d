/* The --qlight.* flags: the server of light clients, and the node that is one (GoQuorum v24.4.1, cmd/utils/flags.go). */
#ifndef NODE_CONFIG_LIGHT_H
#define NODE_CONFIG_LIGHT_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct node_config;

/* Each field is named after its flag; texts are never NULL, "" is what was not given. */
struct node_light_config {
    /* --qlight.server.… */
    bool server;
    uint64_t server_port; /* 0: any free one */
    uint64_t server_maxpeers;
    const char *server_netrestrict; /* as --netrestrict */
    bool server_permissioning;
    const char *server_prefix; /* of the two files in the data directory, without the hyphen */

    /* --qlight.client.… */
    bool client;
    const char *client_psi;
    bool token_enabled;
    const char *token_value;      /* "bearer …" */
    const char *token_management; /* "none", "external" or "client-security-plugin" */
    bool rpc_tls, rpc_tls_insecureskipverify;
    const char *rpc_tls_cacert, *rpc_tls_cert, *rpc_tls_key;
    const char
        *server_node; /* enode URL; it is one where `client` is on and node_light_check passed */
    const char *server_node_rpc; /* URL */

    /* --qlight.tls.…, of either end */
    bool tls;
    const char *tls_cert, *tls_key, *tls_cacerts;
    uint64_t tls_clientauth;      /* 0 to 4, as Go's tls.ClientAuthType */
    const char *tls_ciphersuites; /* with commas */
};

/* What the flags say of each other and of --mine and --syncmode. ERR_USAGE, mostly with GoQuorum's words; ERR_NOMEM. */
int node_light_check(const struct node_config *config, struct err_detail *detail) BASE_NODISCARD;

/* What being a light client means for the other flags: one peer, which is the server, and nobody is listened to. To
 * be called behind the checks; false where the node is no light client, and nothing is changed. */
bool node_light_settle(struct node_config *config);

#endif
