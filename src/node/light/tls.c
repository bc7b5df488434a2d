#include "node/light/tls.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>

enum {
    PEM_MAX = 1 << 20,
    SUITE_MAX = 64, /* bytes of a name */
};

/* --- Cipher suites --- */

/* GoQuorum's names (plugin/security/utils.go): the standard's, but for the two that Go called otherwise first. */
static const char *const suites[] = {
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
};

static const char *standard_name(const char *suite)
{
    return strcmp(suite, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305") == 0
               ? "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
           : strcmp(suite, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305") == 0
               ? "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
               : suite;
}

struct chosen {
    const char *names[BASE_COUNT(suites)];
    size_t count;
};

/* One is taken once. */
static int choose(struct chosen *chosen, const char *name, struct err_detail *detail)
{
    size_t at = 0;
    while (at < BASE_COUNT(suites) && strcmp(suites[at], name) != 0)
        at++;
    if (at == BASE_COUNT(suites))
        return err_set(detail, ERR_USAGE, "not supported cipher suite %s", name);
    for (size_t i = 0; i < chosen->count; i++)
        if (strcmp(chosen->names[i], standard_name(suites[at])) == 0)
            return ERR_OK;
    chosen->names[chosen->count++] = standard_name(suites[at]);
    return ERR_OK;
}

static int choose_suites(struct chosen *chosen, const char *list, struct err_detail *detail)
{
    int status = ERR_OK;
    while (*list && status == ERR_OK) {
        char name[SUITE_MAX];
        size_t len = strcspn(list, ","), begin = strspn(list, " \t"), end = len;
        while (end > begin && strchr(" \t", list[end - 1]))
            end--;
        snprintf(name, sizeof(name), "%.*s", (int)(end > begin ? end - begin : 0),
                 list + (begin < end ? begin : 0));
        if (len > 0)
            status = choose(chosen, name, detail);
        list += len + (list[len] == ',');
    }
    return status;
}

/* --- Contexts --- */

struct files {
    struct buf authorities, certificate, key;
};

static void release(struct files *files)
{
    mem_wipe(files->key.data, files->key.len);
    buf_release(&files->authorities);
    buf_release(&files->certificate);
    buf_release(&files->key);
}

/* As in GoQuorum, a certificate is shown only where its key is given, too. */
static int read_files(struct files *files, const char *authorities, const char *certificate,
                      const char *key, struct err_detail *detail)
{
    bool own = *certificate && *key;
    int status = ERR_OK;
    *files = (struct files){BUF_INIT, BUF_INIT, BUF_INIT};
    if (*authorities)
        status = file_read(authorities, PEM_MAX, &files->authorities, detail);
    if (status == ERR_OK && *authorities && files->authorities.len == 0)
        status = err_set(detail, ERR_INPUT, "%s: there is no certificate in it", authorities);
    if (status == ERR_OK && own)
        status = file_read(certificate, PEM_MAX, &files->certificate, detail);
    if (status == ERR_OK && own)
        status = file_read(key, PEM_MAX, &files->key, detail);
    return status;
}

static int make(struct io_tls **ret_tls, struct io_tls_options *options, const struct files *files,
                const struct chosen *chosen, struct err_detail *detail)
{
    options->authorities = buf_bytes(&files->authorities);
    options->certificate = buf_bytes(&files->certificate);
    options->key = buf_bytes(&files->key);
    options->system_authorities = true;
    options->allowed = chosen->names;
    options->allowed_count = chosen->count;
    return io_tls_new(ret_tls, options, detail);
}

/* RequestClientCert, RequireAnyClientCert of Go: who it is is not looked at; nor at whose server it is. */
static bool take_anybody(void *context, const struct io_tls_peer *peer, struct err_detail *detail)
{
    (void)context;
    (void)peer;
    (void)detail;
    return true;
}

/* --qlight.tls.clientauth, Go's tls.ClientAuthType. */
static int ask_clients(struct io_tls_options *options, const struct node_light_config *config,
                       struct err_detail *detail)
{
    static const struct {
        enum io_tls_ask ask;
        bool anybody;
    } kinds[] = {
        {IO_TLS_ASK_NONE, false},   {IO_TLS_ASK_WANTED, true},    {IO_TLS_ASK_REQUIRED, true},
        {IO_TLS_ASK_WANTED, false}, {IO_TLS_ASK_REQUIRED, false},
    };
    if (!*config->tls_cacerts)
        return ERR_OK;
    if (config->tls_clientauth >= BASE_COUNT(kinds))
        return err_set(detail, ERR_USAGE, "Invalid ClientAuth value: %llu",
                       (unsigned long long)config->tls_clientauth);
    options->ask = kinds[config->tls_clientauth].ask;
    options->judge = kinds[config->tls_clientauth].anybody ? take_anybody : NULL;
    return ERR_OK;
}

/* --qlight.tls, of one end or the other. */
static int open_end(struct io_tls **ret_tls, bool server, const struct node_light_config *config,
                    struct err_detail *detail)
{
    struct io_tls_options options = {.server = server};
    struct chosen chosen = {.count = 0};
    struct files files;
    *ret_tls = NULL;
    if (!config->tls)
        return ERR_OK;
    int status = read_files(&files, config->tls_cacerts, config->tls_cert, config->tls_key, detail);
    if (status == ERR_OK && server)
        status = ask_clients(&options, config, detail);
    if (status == ERR_OK)
        status = choose_suites(&chosen, config->tls_ciphersuites, detail);
    if (status == ERR_OK)
        status = make(ret_tls, &options, &files, &chosen, detail);
    release(&files);
    return status;
}

int node_light_server_tls(struct io_tls **ret_tls, const struct node_light_config *config,
                          struct err_detail *detail)
{
    int status = open_end(ret_tls, true, config, detail);
    return status == ERR_OK
               ? ERR_OK
               : err_prefix(detail, status, "QLight TLS - unable to read server tls configuration");
}

int node_light_client_tls(struct io_tls **ret_tls, const struct node_light_config *config,
                          struct err_detail *detail)
{
    int status = open_end(ret_tls, false, config, detail);
    return status == ERR_OK
               ? ERR_OK
               : err_prefix(detail, status, "Unable to load the specified tls configuration");
}

int node_light_rpc_tls(struct io_tls **ret_tls, const struct node_light_config *config,
                       struct err_detail *detail)
{
    struct io_tls_options options = {.any_host = config->rpc_tls_insecureskipverify,
                                     .judge =
                                         config->rpc_tls_insecureskipverify ? take_anybody : NULL};
    struct chosen chosen = {.count = 0};
    struct files files;
    *ret_tls = NULL;
    if (!config->rpc_tls)
        return ERR_OK;
    int status = read_files(&files, config->rpc_tls_cacert, config->rpc_tls_cert,
                            config->rpc_tls_key, detail);
    if (status == ERR_OK)
        status = make(ret_tls, &options, &files, &chosen, detail);
    release(&files);
    return status == ERR_OK ? ERR_OK : err_prefix(detail, status, "--qlight.client.rpc.tls");
}
