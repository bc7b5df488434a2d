#include "node/servers/security.h"

#include "base/file.h"
#include "base/mem.h"
#include "rpc/access/token_key.h"

enum { PEM_MAX = 1024 * 1024 };

static int open_tls(struct node_security *security, const struct node_config *config,
                    struct err_detail *detail)
{
    struct buf certificate = BUF_INIT, key = BUF_INIT, authorities = BUF_INIT;
    bool asks = *config->rpc_tls_clientca != 0;
    if (!*config->rpc_tls_cert != !*config->rpc_tls_key)
        return err_set(detail, ERR_USAGE,
                       "--rpc.tls.cert and --rpc.tls.key go together: a certificate and its key");
    if (!*config->rpc_tls_cert)
        return asks ? err_set(detail, ERR_USAGE,
                              "--rpc.tls.clientca needs --rpc.tls.cert and --rpc.tls.key")
                    : ERR_OK;
    int status = file_read(config->rpc_tls_cert, PEM_MAX, &certificate, detail);
    if (status == ERR_OK)
        status = file_read(config->rpc_tls_key, PEM_MAX, &key, detail);
    if (status == ERR_OK && asks)
        status = file_read(config->rpc_tls_clientca, PEM_MAX, &authorities, detail);
    if (status == ERR_OK) {
        const struct io_tls_options options = {
            .server = true,
            .certificate = buf_bytes(&certificate),
            .key = buf_bytes(&key),
            .authorities = buf_bytes(&authorities),
            .ask = asks ? IO_TLS_ASK_REQUIRED : IO_TLS_ASK_NONE,
        };
        status = io_tls_new(&security->tls, &options, detail);
        if (status != ERR_OK)
            status = err_prefix(detail, status, "--rpc.tls.cert %s", config->rpc_tls_cert);
    }
    mem_wipe(key.data, key.len);
    buf_release(&certificate);
    buf_release(&key);
    buf_release(&authorities);
    return status;
}

static int read_keys(struct node_security *security, const struct node_config *config,
                     struct rpc_tokens_options *options, struct err_detail *detail)
{
    struct buf jwks = BUF_INIT;
    int status = file_read(config->rpc_auth_jwks, RPC_JWKS_MAX, &jwks, detail);
    options->jwks = buf_bytes(&jwks);
    if (status == ERR_OK) {
        status = rpc_tokens_new(&security->tokens, options, detail);
        if (status != ERR_OK)
            status = err_prefix(detail, status, "--rpc.auth.jwks %s", config->rpc_auth_jwks);
    }
    mem_wipe(jwks.data, jwks.len);
    buf_release(&jwks);
    return status;
}

static int fetch_keys(struct node_security *security, const struct node_config *config,
                      struct io_loop *loop, struct rpc_tokens_options *options,
                      struct err_detail *detail)
{
    struct buf authorities = BUF_INIT;
    int status = ERR_OK;
    if (*config->rpc_auth_cacert)
        status = file_read(config->rpc_auth_cacert, PEM_MAX, &authorities, detail);
    if (status == ERR_OK)
        status = node_jwks_new(&security->jwks, loop, config->rpc_auth_jwks,
                               buf_bytes(&authorities), detail);
    buf_release(&authorities);
    if (status != ERR_OK)
        return status;
    options->published = true;
    options->missing = node_jwks_missing;
    options->context = security->jwks;
    return rpc_tokens_new(&security->tokens, options, detail);
}

static int open_tokens(struct node_security *security, const struct node_config *config,
                       struct io_loop *loop, struct err_detail *detail)
{
    const char *audience =
        *config->rpc_auth_audience ? config->rpc_auth_audience : config->identity;
    if (!*config->rpc_auth_jwks)
        return *config->rpc_auth_audience || *config->rpc_auth_issuer || *config->rpc_auth_cacert
                   ? err_set(detail, ERR_USAGE,
                             "--rpc.auth.audience, --rpc.auth.issuer and --rpc.auth.cacert need "
                             "--rpc.auth.jwks, the file or URL with the keys of the issuer")
                   : ERR_OK;
    if (!*audience)
        return err_set(detail, ERR_USAGE,
                       "--rpc.auth.jwks needs --rpc.auth.audience or --identity: what the tokens "
                       "for this node have in \"aud\"");
    if (*config->rpc_auth_cacert && strncmp(config->rpc_auth_jwks, "https://", 8) != 0)
        return err_set(detail, ERR_USAGE,
                       "--rpc.auth.cacert needs --rpc.auth.jwks with an https:// URL");
    struct rpc_tokens_options options = {.issuer = config->rpc_auth_issuer, .audience = audience};
    return node_jwks_is_url(config->rpc_auth_jwks)
               ? fetch_keys(security, config, loop, &options, detail)
               : read_keys(security, config, &options, detail);
}

int node_security_open(struct node_security *ret_security, const struct node_config *config,
                       struct io_loop *loop, struct err_detail *detail)
{
    struct node_security security = {.tls = NULL};
    int status = open_tls(&security, config, detail);
    if (status == ERR_OK)
        status = open_tokens(&security, config, loop, detail);
    if (status == ERR_OK && config->multitenancy && !security.tokens)
        status = err_set(detail, ERR_USAGE,
                         "multitenancy requires RPC Security Plugin to be configured: "
                         "--rpc.auth.jwks names the keys of the issuer of access tokens");
    if (status == ERR_OK && !config->http && !config->ws && (security.tls || security.tokens))
        status = err_set(detail, ERR_USAGE,
                         "--rpc.tls.* and --rpc.auth.* need --http or --ws: IPC has neither");
    if (status != ERR_OK) {
        node_security_close(&security);
        return status;
    }
    if (security.jwks)
        node_jwks_start(security.jwks, security.tokens);
    *ret_security = security;
    return ERR_OK;
}

void node_security_close(struct node_security *security)
{
    node_jwks_free(security->jwks);
    io_tls_free(security->tls);
    rpc_tokens_free(security->tokens);
    *security = (struct node_security){.tls = NULL};
}
