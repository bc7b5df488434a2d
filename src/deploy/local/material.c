/* What a peer's programs are given: secrets in memory, key files, configurations, whom its manager trusts. */
#include "deploy/local/prepare_priv.h"

#include "base/file.h"
#include "base/mem.h"
#include "deploy/local/tm_config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { KNOWN_MAX = 4 << 20 }; /* bytes of a list of known managers */

/* --- Secrets --- */

static int write_bytes(const struct preparation *p, const struct deploy_site_peer *peer,
                       const char *name, struct bytes content, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX + 64];
    bool written;
    deploy_path(path, "%s/%s", peer->secrets, name);
    int status = deploy_write_if_new(p, &written, path, content, true, detail);
    if (status == ERR_OK && chmod(path, 0400) != 0)
        status = err_set(detail, ERR_IO, "chmod 400 %s: %s", path, strerror(errno));
    return status;
}

static int write_field(const struct preparation *p, const struct deploy_site_peer *peer,
                       const char *file, const json_t *secret, const char *path, const char *field,
                       struct err_detail *detail)
{
    const char *text;
    int status = deploy_secrets_field(&text, secret, path, field, detail);
    return status == ERR_OK ? write_bytes(p, peer, file, bytes_str(text), detail) : status;
}

/* The account's key file is encrypted, and belongs to the data directory. */
static int place_keystore(const struct preparation *p, const struct deploy_site_peer *peer,
                          const json_t *secret, const char *path, const char *field,
                          const char *name, struct err_detail *detail)
{
    char to[DEPLOY_PATH_MAX + 64];
    const char *text;
    bool written;
    int status = deploy_secrets_field(&text, secret, path, field, detail);
    deploy_path(to, "%s/node/keystore/%s", peer->folder, name);
    return status == ERR_OK ? deploy_write_if_new(p, &written, to, bytes_str(text), true, detail)
                            : status;
}

static int write_quorum(const struct preparation *p, const struct deploy_site_peer *peer,
                        const json_t *secret, const char *path, struct err_detail *detail)
{
    static const char *const files[][2] = {
        {"nodekey", "nodekey"}, {"passwords.txt", "gethpassword"}, {"keystore_1", "keystore"}};
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < BASE_COUNT(files); i++)
        status = write_field(p, peer, files[i][0], secret, path, files[i][1], detail);
    if (status == ERR_OK && peer->database)
        status = write_field(p, peer, "db-password", secret, path, "db_password", detail);
    if (status == ERR_OK)
        status = place_keystore(p, peer, secret, path, "keystore", "keystore_1", detail);
    for (unsigned i = 1; status == ERR_OK && i <= peer->identity.former_accounts; i++) {
        char field[32], name[32];
        snprintf(field, sizeof(field), "keystore.%u", i);
        snprintf(name, sizeof(name), "keystore_former_%u", i);
        status = place_keystore(p, peer, secret, path, field, name, detail);
    }
    return status;
}

static int write_transaction(const struct preparation *p, const struct deploy_site_peer *peer,
                             const json_t *secret, const char *path, struct err_detail *detail)
{
    int status = write_field(p, peer, "tm.pub", secret, path, "tm.pub", detail);
    if (status == ERR_OK)
        status = write_field(p, peer, "tm.key", secret, path, "tm.key", detail);
    for (unsigned i = 1; status == ERR_OK && i <= peer->identity.former_tm; i++) {
        char name[32];
        snprintf(name, sizeof(name), "tm.pub.%u", i);
        status = write_field(p, peer, name, secret, path, name, detail);
        snprintf(name, sizeof(name), "tm.key.%u", i);
        if (status == ERR_OK)
            status = write_field(p, peer, name, secret, path, name, detail);
    }
    return status;
}

static int write_pem(const struct preparation *p, const struct deploy_site_peer *peer,
                     const char *file, const json_t *secret, const char *path, const char *field,
                     struct err_detail *detail)
{
    struct buf pem = BUF_INIT;
    int status = deploy_certs_pem(&pem, secret, path, field, detail);
    if (status == ERR_OK)
        status = write_bytes(p, peer, file, buf_bytes(&pem), detail);
    mem_wipe(pem.data, pem.len);
    buf_release(&pem);
    return status;
}

static int write_certs(const struct preparation *p, const struct deploy_site_peer *peer,
                       const json_t *secret, const char *path, struct err_detail *detail)
{
    int status = write_pem(p, peer, "tm-tls.pem", secret, path, "ambassadorcrt", detail);
    return status == ERR_OK
               ? write_pem(p, peer, "tm-tls.key", secret, path, "ambassadorkey", detail)
               : status;
}

typedef int write_fn(const struct preparation *p, const struct deploy_site_peer *peer,
                     const json_t *secret, const char *path, struct err_detail *detail);

static int write_kind(const struct preparation *p, const struct deploy_site_peer *peer,
                      enum deploy_secret_kind kind, write_fn *write, struct err_detail *detail)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    json_t *secret = NULL;
    deploy_secret_path(path, peer->organization, peer->peer, kind);
    int status = deploy_secrets_read(p->secrets, &secret, path, detail);
    if (status == ERR_OK)
        status = write(p, peer, secret, path, detail);
    deploy_secrets_drop(secret);
    return status;
}

/* The authorities of all organizations, each once: a manager's own and those of the others'. */
static int collect_authorities(struct preparation *p, struct err_detail *detail)
{
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < p->site->count; i++) {
        const struct deploy_site_peer *peer = &p->site->peers[i];
        char path[DEPLOY_SECRETS_PATH_MAX + 1];
        json_t *secret = NULL;
        bool seen = !peer->has_tm;
        for (size_t j = 0; !seen && j < i; j++)
            seen = strcmp(p->site->peers[j].identity.authority_sha1,
                          peer->identity.authority_sha1) == 0;
        if (seen)
            continue;
        deploy_secret_path(path, peer->organization, peer->peer, DEPLOY_SECRET_CERTS);
        status = deploy_secrets_read(p->secrets, &secret, path, detail);
        if (status == ERR_OK)
            status = deploy_certs_pem(&p->authorities, secret, path, "rootcapem", detail);
        deploy_secrets_drop(secret);
    }
    return status;
}

int deploy_material_secrets(struct preparation *p, size_t index, struct err_detail *detail)
{
    const struct deploy_site_peer *peer = &p->site->peers[index];
    char folder[DEPLOY_PATH_MAX + 32];
    deploy_path(folder, "%s/node/keystore", peer->folder);
    int status = file_make_folders(peer->secrets, 0700, detail);
    if (status == ERR_OK)
        status = file_make_folders(folder, 0700, detail);
    if (status == ERR_OK)
        status = write_kind(p, peer, DEPLOY_SECRET_QUORUM, write_quorum, detail);
    if (status != ERR_OK || !peer->has_tm)
        return status;
    status = write_kind(p, peer, DEPLOY_SECRET_TRANSACTION, write_transaction, detail);
    if (status == ERR_OK)
        status = write_kind(p, peer, DEPLOY_SECRET_CERTS, write_certs, detail);
    if (status == ERR_OK && p->authorities.len == 0)
        status = collect_authorities(p, detail);
    return status == ERR_OK
               ? write_bytes(p, peer, "authorities.pem", buf_bytes(&p->authorities), detail)
               : status;
}

/* --- Configurations --- */

static bool is_ours(const struct preparation *p, const char *line, size_t length)
{
    for (size_t i = 0; i < p->site->count; i++) {
        const char *name = p->site->peers[i].identity.certificate_name;
        size_t n = strlen(name);
        if (n && n < length && strncmp(line, name, n) == 0 && line[n] == ' ')
            return true;
    }
    return false;
}

/* "<common name> <SHA-1>" a line: the managers of this network by their certificates; lines of others stay as they are. */
static int write_known(const struct preparation *p, const struct deploy_site_peer *peer,
                       const char *name, bool *ret_written, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX + 64];
    struct buf old = BUF_INIT, new = BUF_INIT;
    bool written;
    deploy_path(path, "%s/tm/%s", peer->folder, name);
    if (file_read(path, KNOWN_MAX, &old, NULL) == ERR_OK) {
        const char *text = buf_text(&old);
        for (size_t length; *text; text += length + (text[length] == '\n')) {
            length = strcspn(text, "\n");
            if (length && !is_ours(p, text, length))
                buf_append_format(&new, "%.*s\n", (int)length, text);
        }
    }
    for (size_t i = 0; i < p->site->count; i++) {
        const struct deploy_identity *identity = &p->site->peers[i].identity;
        if (identity->certificate_name[0])
            buf_append_format(&new, "%s %s\n", identity->certificate_name,
                              identity->certificate_sha1);
    }
    int status = buf_status(&new) == ERR_OK
                     ? deploy_write_if_new(p, &written, path, buf_bytes(&new), true, detail)
                     : err_set(detail, ERR_NOMEM, "out of memory");
    *ret_written |= status == ERR_OK && written;
    buf_release(&old);
    buf_release(&new);
    return status;
}

static int write_tm(const struct preparation *p, size_t index, bool *ret_written,
                    struct err_detail *detail)
{
    const struct deploy_site_peer *peer = &p->site->peers[index];
    const struct deploy_config *network = p->site->network->config;
    char path[DEPLOY_PATH_MAX + 64];
    struct buf config = BUF_INIT;
    bool written = false;
    deploy_path(path, "%s/tm/%s", peer->folder, deploy_tm_config_name(p->site));
    deploy_tm_config(&config, p->site, index);
    int status = buf_status(&config) == ERR_OK
                     ? deploy_write_if_new(p, &written, path, buf_bytes(&config), false, detail)
                     : err_set(detail, ERR_NOMEM, "out of memory");
    buf_release(&config);
    *ret_written |= status == ERR_OK && written;
    bool lists =
        network->tm_tls.value == DEPLOY_TLS_STRICT && network->tm_trust.value != DEPLOY_TRUST_CA;
    if (status == ERR_OK && lists)
        status = write_known(p, peer, DEPLOY_TM_KNOWN_CLIENTS, ret_written, detail);
    if (status == ERR_OK && lists)
        status = write_known(p, peer, DEPLOY_TM_KNOWN_SERVERS, ret_written, detail);
    return status;
}

int deploy_material_configs(struct preparation *p, size_t index, bool *ret_written,
                            struct err_detail *detail)
{
    const struct deploy_site_peer *peer = &p->site->peers[index];
    char path[DEPLOY_PATH_MAX + 32];
    deploy_path(path, "%s/node/static-nodes.json", peer->folder);
    int status = deploy_write_if_new(p, ret_written, path, buf_bytes(&p->nodes), false, detail);
    return status == ERR_OK && peer->has_tm ? write_tm(p, index, ret_written, detail) : status;
}
