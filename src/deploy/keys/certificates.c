/* An organization's authority, and the certificates that it signs (deployment reference, sections 2.5, 3.2 and 7.2). */
#include "deploy/keys/keys_priv.h"

#include "base/base64.h"
#include "base/hex.h"
#include "base/mem.h"

#include <stdio.h>

enum {
    AUTHORITY_DAYS = 7300,
    CERTIFICATE_DAYS = 1000, /* as the reference */
    HOST_MAX = 254,          /* characters of a DNS name, end mark */
    HOSTS = 8,
};

/* PEM in base64, as the reference keeps it. */
static json_t *packed(const struct buf *pem)
{
    struct buf text = BUF_INIT;
    base64_append(&text, buf_bytes(pem));
    json_t *value = buf_status(&text) == ERR_OK ? json_string(buf_text(&text)) : NULL;
    mem_wipe(text.data, text.len);
    buf_release(&text);
    return value;
}

static int unpacked(struct buf *pem, const json_t *fields, const char *path, const char *name,
                    struct err_detail *detail)
{
    const char *text;
    struct buf joined = BUF_INIT; /* others wrap its lines */
    int status = deploy_secrets_field(&text, fields, path, name, detail);
    for (; status == ERR_OK && *text; text++)
        if (*text != '\n' && *text != '\r')
            buf_append_byte(&joined, (uint8_t)*text);
    if (status == ERR_OK && base64_decode(pem, buf_bytes(&joined)) != ERR_OK)
        status = err_set(detail, ERR_CORRUPT, "the secret %s: %s is no base64", path, name);
    mem_wipe(joined.data, joined.len);
    buf_release(&joined);
    return status;
}

int deploy_make_authority(json_t **ret_fields, const struct deploy_owner *owner,
                          struct err_detail *detail)
{
    struct buf certificate = BUF_INIT, key = BUF_INIT, subject = BUF_INIT;
    const char *name = owner->organization->name.text;
    /* One an organization, so its name is in it: authorities of the same name would be taken for each other. */
    if (owner->subject)
        buf_append_format(&subject, "%s,OU=%s", owner->subject, name);
    else
        buf_append_format(&subject, "CN=%s Root CA,O=%s", name, name);
    const struct io_certificate_options options = {
        .subject = buf_text(&subject), .days = AUTHORITY_DAYS, .authority = true};
    int status = io_certificate_new(&certificate, &key, &options, detail);
    if (status == ERR_OK) {
        *ret_fields =
            json_pack("{s:o*, s:o*}", "rootcapem", packed(&certificate), "rootcakey", packed(&key));
        status = json_object_size(*ret_fields) == 2 ? ERR_OK
                                                    : err_set(detail, ERR_NOMEM, "out of memory");
    }
    mem_wipe(key.data, key.len);
    buf_release(&key);
    buf_release(&certificate);
    buf_release(&subject);
    return status;
}

/* Every name by which one asks for it: from outside, in its cluster, and on this machine. */
static size_t hosts_of(char ret[HOSTS][HOST_MAX], const struct deploy_owner *owner)
{
    const char *peer = owner->peer->name.text, *organization = owner->organization->name.text;
    const char *suffix = owner->organization->external_url_suffix.text;
    char namespace[64];
    size_t count = 0;
    deploy_namespace(namespace, sizeof(namespace), owner->organization);
    if (suffix && strlen(suffix) < HOST_MAX - 64) {
        snprintf(ret[count++], HOST_MAX, "%s.%s", peer, suffix);
        if (strcmp(peer, organization) != 0)
            snprintf(ret[count++], HOST_MAX, "%s.%s", organization, suffix);
    }
    snprintf(ret[count++], HOST_MAX, "%s.%s", peer, namespace);
    snprintf(ret[count++], HOST_MAX, "%s.%s.svc.cluster.local", peer, namespace);
    snprintf(ret[count++], HOST_MAX, "%s-0.%s.%s.svc.cluster.local", peer, peer, namespace);
    snprintf(ret[count++], HOST_MAX, "localhost");
    snprintf(ret[count++], HOST_MAX, "127.0.0.1");
    return count;
}

/* Others know it by this name: that of the reference where it fits. */
static void name_of(char ret[IO_CERTIFICATE_NAME_MAX + 1], const struct deploy_owner *owner)
{
    const char *suffix = owner->organization->external_url_suffix.text;
    const char *peer = owner->peer->name.text;
    int length = IO_CERTIFICATE_NAME_MAX + 1;
    if (suffix)
        length = snprintf(ret, IO_CERTIFICATE_NAME_MAX + 1, "%s.%s", peer, suffix);
    if (length > IO_CERTIFICATE_NAME_MAX)
        snprintf(ret, IO_CERTIFICATE_NAME_MAX + 1, "%s.%s", peer, owner->organization->name.text);
}

static int sign(struct buf *certificate, struct buf *key, struct bytes authority,
                struct bytes authority_key, const struct deploy_owner *owner,
                struct err_detail *detail)
{
    char name[IO_CERTIFICATE_NAME_MAX + 1], hosts[HOSTS][HOST_MAX];
    const char *pointers[HOSTS];
    const struct io_certificate_options options = {.name = name,
                                                   .hosts = pointers,
                                                   .host_count = hosts_of(hosts, owner),
                                                   .days = CERTIFICATE_DAYS,
                                                   .issuer_certificate = authority,
                                                   .issuer_key = authority_key};
    name_of(name, owner);
    for (size_t i = 0; i < options.host_count; i++)
        pointers[i] = hosts[i];
    return io_certificate_new(certificate, key, &options, detail);
}

int deploy_make_certs(json_t **ret_fields, const json_t *authority,
                      const struct deploy_owner *owner, struct err_detail *detail)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    struct buf root = BUF_INIT, root_key = BUF_INIT, chain = BUF_INIT, key = BUF_INIT;
    deploy_secret_path(path, owner->organization, owner->peer, DEPLOY_SECRET_AUTHORITY);
    int status = unpacked(&root, authority, path, "rootcapem", detail);
    if (status == ERR_OK)
        status = unpacked(&root_key, authority, path, "rootcakey", detail);
    if (status == ERR_OK)
        status = sign(&chain, &key, buf_bytes(&root), buf_bytes(&root_key), owner, detail);
    buf_append_bytes(&chain, buf_bytes(&root));
    if (status == ERR_OK) {
        *ret_fields = json_pack("{s:o*, s:o*, s:o*}", "rootcapem", packed(&root), "ambassadorcrt",
                                packed(&chain), "ambassadorkey", packed(&key));
        status = json_object_size(*ret_fields) == 3 ? ERR_OK
                                                    : err_set(detail, ERR_NOMEM, "out of memory");
    }
    mem_wipe(root_key.data, root_key.len);
    mem_wipe(key.data, key.len);
    buf_release(&root);
    buf_release(&root_key);
    buf_release(&chain);
    buf_release(&key);
    return status;
}

/* --- Checking --- */

static int read_sha1(char ret_text[DEPLOY_SHA1_TEXT], int64_t *ret_until, char *ret_name,
                     struct bytes pem, struct err_detail *detail)
{
    struct io_certificate info;
    int status = io_certificate_read(&info, pem, detail);
    if (status != ERR_OK)
        return status;
    hex_encode(ret_text, bytes_of(info.sha1, sizeof(info.sha1)));
    ret_text[DEPLOY_SHA1_TEXT - 1] = 0;
    *ret_until = info.until;
    if (ret_name)
        memcpy(ret_name, info.name, sizeof(info.name));
    return ERR_OK;
}

static int check(struct deploy_identity *identity, const json_t *fields, const char *path,
                 const char *certificate_name, const char *key_name, struct err_detail *detail)
{
    struct buf root = BUF_INIT, certificate = BUF_INIT, key = BUF_INIT;
    int status = unpacked(&root, fields, path, "rootcapem", detail);
    if (status == ERR_OK)
        status = unpacked(&certificate, fields, path, certificate_name, detail);
    if (status == ERR_OK)
        status = unpacked(&key, fields, path, key_name, detail);
    if (status == ERR_OK) {
        status = io_certificate_check(buf_bytes(&certificate), buf_bytes(&key), buf_bytes(&root),
                                      detail);
        if (status == ERR_OK && identity)
            status = read_sha1(identity->certificate_sha1, &identity->certificate_until,
                               identity->certificate_name, buf_bytes(&certificate), detail);
        if (status == ERR_OK && identity)
            status = read_sha1(identity->authority_sha1, &identity->authority_until, NULL,
                               buf_bytes(&root), detail);
        if (status != ERR_OK)
            status = err_prefix(detail, status == ERR_INPUT ? ERR_CORRUPT : status,
                                "the secret %s: %s", path, certificate_name);
    }
    mem_wipe(key.data, key.len);
    buf_release(&root);
    buf_release(&certificate);
    buf_release(&key);
    return status;
}

int deploy_check_certs(struct deploy_identity *identity, const json_t *fields, const char *path,
                       struct err_detail *detail)
{
    return check(identity, fields, path, "ambassadorcrt", "ambassadorkey", detail);
}

int deploy_check_authority(const json_t *fields, const char *path, struct err_detail *detail)
{
    return check(NULL, fields, path, "rootcapem", "rootcakey", detail);
}

int deploy_certs_pem(struct buf *pem, const json_t *fields, const char *path, const char *name,
                     struct err_detail *detail)
{
    return unpacked(pem, fields, path, name, detail);
}
