#include "tm/main/trust.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "io/certificate.h"
#include "io/keystore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FILE_MAX = 4 << 20,
    KNOWN_MAX = 100000, /* entries of a file of known hosts: TOFU adds no more */
    FINGERPRINT = 2 * IO_TLS_SHA1,
    DAYS = 3650,
    RSA_BITS = 2048,
};

struct known {
    char name[IO_TLS_NAME_MAX];
    char fingerprint[FINGERPRINT + 1];
};

struct tm_trust_store {
    enum tm_trust mode;
    char *path;
    struct known *known;
    size_t count, room;
    bool unended; /* the file's last line has no end yet */
};

void tm_trust_free(struct tm_trust_store *store)
{
    if (!store)
        return;
    mem_free(store->known);
    mem_free(store->path);
    mem_free(store);
}

static struct known *find(struct tm_trust_store *store, const char *name)
{
    for (size_t i = 0; i < store->count; i++)
        if (strcmp(store->known[i].name, name) == 0)
            return &store->known[i];
    return NULL;
}

static int add(struct tm_trust_store *store, const char *name, const char *fingerprint)
{
    if (store->count == KNOWN_MAX)
        return ERR_LIMIT;
    if (MEM_RESERVE(store->known, store->room, store->count + 1, 16))
        return ERR_NOMEM;
    struct known *known = &store->known[store->count++];
    snprintf(known->name, sizeof(known->name), "%s", name);
    snprintf(known->fingerprint, sizeof(known->fingerprint), "%s", fingerprint);
    return 0;
}

/* Lines of "<common name> <SHA-1 in lower-case hex>". */
static int read_known(struct tm_trust_store *store, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int status = file_read(store->path, FILE_MAX, &text, detail);
    if (status == ERR_NOTFOUND && store->mode != TM_TRUST_WHITELIST)
        status = 0;
    char *left = (char *)(uintptr_t)buf_text(&text), *line;
    size_t number = 0;
    store->unended = text.len && text.data[text.len - 1] != '\n';
    while (status == 0 && text.len && (line = strsep(&left, "\n"))) {
        size_t length = strlen(line);
        if (length && line[length - 1] == '\r')
            line[--length] = 0;
        char *space = strrchr(line, ' ');
        number++;
        if (!length)
            continue;
        if (!space || space - line >= IO_TLS_NAME_MAX) {
            status =
                err_set(detail, ERR_INPUT,
                        "%s, line %zu: a common name and a fingerprint belong in it: mend it, or "
                        "remove the line, and who it was for is trusted anew",
                        store->path, number);
            break;
        }
        *space = 0; /* what is no fingerprint is nobody's: its name is refused, not learned anew */
        status = add(store, line, strlen(space + 1) == FINGERPRINT ? space + 1 : "");
    }
    buf_release(&text);
    return status;
}

static bool learn(struct tm_trust_store *store, const char *name, const char *fingerprint,
                  struct err_detail *detail)
{
    if (!name[0] || strpbrk(name, " \n\r")) {
        (void)err_set(detail, ERR_INPUT,
                      "its certificate has no common name that could be remembered");
        return false;
    }
    int fd = open(store->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    bool written = fd >= 0 &&
                   dprintf(fd, "%s%s %s\n", store->unended ? "\n" : "", name, fingerprint) > 0 &&
                   fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    store->unended = store->unended && !written;
    if (!written || add(store, name, fingerprint) < 0) {
        (void)err_set(detail, ERR_IO, "%s: %s", store->path, strerror(errno));
        return false;
    }
    return true;
}

static bool judge(void *context, const struct io_tls_peer *peer, struct err_detail *detail)
{
    struct tm_trust_store *store = context;
    char fingerprint[FINGERPRINT + 1] = {0};
    hex_encode(fingerprint, bytes_of(peer->sha1, sizeof(peer->sha1)));
    struct known *known = find(store, peer->name);
    bool same = known && strcmp(known->fingerprint, fingerprint) == 0;
    if (store->mode == TM_TRUST_NONE || (peer->chain_ok && store->mode == TM_TRUST_CA_OR_TOFU) ||
        same)
        return true;
    if (!known && store->mode != TM_TRUST_WHITELIST)
        return learn(store, peer->name, fingerprint, detail);
    (void)err_set(detail, ERR_INPUT,
                  known ? "the certificate of %s is another than the one in %s" : "%s is not in %s",
                  peer->name, store->path);
    return false;
}

/* --- Files --- */

static const char *password(const struct tm_config_tls *tls, const char *given, const char *which)
{
    char name[128];
    snprintf(name, sizeof(name), "%.60s_TESSERA_%s_PWD",
             tls->environment_prefix ? tls->environment_prefix : "", which);
    const char *value = tls->environment_prefix ? getenv(name) : NULL;
    if (value || given)
        return value ? value : given;
    snprintf(name, sizeof(name), "TESSERA_%s_PWD", which);
    return getenv(name);
}

/* Of a new file, as Constellation makes its working directory. */
static int make_parent(const char *path, struct err_detail *detail)
{
    const char *slash = strrchr(path, '/');
    char folder[4096];
    if (!slash || slash == path || (size_t)(slash - path) >= sizeof(folder))
        return 0;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = 0;
    return file_make_folders(folder, 0700, detail);
}

static int generate(const struct tm_config_server *config, const struct tm_config_end *end,
                    const char *store_password, struct err_detail *detail)
{
    char host[256], name[65];
    const char *from = strstr(config->address, "://");
    snprintf(host, sizeof(host), "%s", from ? from + 3 : "localhost");
    snprintf(name, sizeof(name), "%.64s", host);
    host[strcspn(host, ":/")] = 0;
    char own[256] = "localhost";
    (void)gethostname(own, sizeof(own) - 1);
    const char *const hosts[] = {host, own, "localhost", "127.0.0.1"};
    struct io_certificate_options options = {.name = name,
                                             .hosts = hosts,
                                             .host_count = BASE_COUNT(hosts),
                                             .days = DAYS,
                                             .rsa_bits = RSA_BITS};
    struct buf certificate = BUF_INIT, key = BUF_INIT, store = BUF_INIT;
    int status = make_parent(end->key_store ? end->key_store : end->key_path, detail);
    if (status == 0)
        status = io_certificate_new(&certificate, &key, &options, detail);
    if (end->key_store) { /* PKCS#12: Java reads it under any name */
        if (status == 0)
            status = io_keystore_write(&store, buf_bytes(&certificate), buf_bytes(&key), "tessera",
                                       store_password, detail);
        if (status == 0)
            status = file_write_private(end->key_store, buf_bytes(&store), detail);
        buf_release(&store);
    } else {
        if (status == 0)
            status = file_write_private(end->key_path, buf_bytes(&key), detail);
        if (status == 0)
            status = file_write(end->certificate_path, buf_bytes(&certificate), detail);
    }
    if (key.data)
        mem_wipe(key.data, key.capacity);
    buf_release(&key);
    buf_release(&certificate);
    return status;
}

struct material {
    struct io_keystore own;
    struct buf authorities;
};

/* Reads the store of a side, of either form. */
static int read_store(struct io_keystore *ret_store, const char *path, const char *store_password,
                      struct err_detail *detail)
{
    struct buf data = BUF_INIT;
    int status = file_read(path, IO_KEYSTORE_MAX, &data, detail);
    if (status == 0) {
        status = io_keystore_read(ret_store, buf_bytes(&data), store_password, detail);
        if (status < 0)
            status = err_prefix(detail, status, "%s", path);
    }
    if (data.data)
        mem_wipe(data.data, data.capacity);
    buf_release(&data);
    return status;
}

static int read_own(struct material *m, const struct tm_config_server *config,
                    const struct tm_config_end *end, bool server, struct err_detail *detail)
{
    const char *secret = password(&config->tls, end->key_store_password,
                                  server ? "SERVER_KEYSTORE" : "CLIENT_KEYSTORE");
    bool pem = end->key_path && end->certificate_path;
    if (!end->key_store && !pem)
        return 0;
    bool there = end->key_store
                     ? access(end->key_store, F_OK) == 0
                     : access(end->key_path, F_OK) == 0 || access(end->certificate_path, F_OK) == 0;
    int status = config->tls.generate && !there ? generate(config, end, secret, detail) : 0;
    if (status == 0 && end->key_store) {
        status = read_store(&m->own, end->key_store, secret, detail);
        if (status == 0 && m->own.key.len == 0)
            status = err_set(detail, ERR_INPUT, "%s holds no key", end->key_store);
        return status;
    }
    if (status == 0)
        status = file_read(end->certificate_path, FILE_MAX, &m->own.certificate, detail);
    return status < 0 ? status : file_read(end->key_path, FILE_MAX, &m->own.key, detail);
}

static int read_authorities(struct material *m, const struct tm_config_server *config,
                            const struct tm_config_end *end, bool server, struct err_detail *detail)
{
    /* Where no authority is asked, Tessera doesn't open the store, and BAF's charts name one that nobody makes. */
    if (end->trust_store && strncmp(end->trust, "CA", 2) == 0) {
        struct io_keystore store;
        int status = read_store(&store, end->trust_store,
                                password(&config->tls, end->trust_store_password,
                                         server ? "SERVER_TRUSTSTORE" : "CLIENT_TRUSTSTORE"),
                                detail);
        if (status < 0)
            return status;
        buf_append_bytes(&m->authorities, buf_bytes(&store.trusted));
        io_keystore_release(&store);
    }
    for (size_t i = 0; i < end->trust_certificates.count; i++) {
        int status = file_read(end->trust_certificates.items[i], FILE_MAX, &m->authorities, detail);
        if (status < 0)
            return status;
        buf_append_byte(&m->authorities, '\n');
    }
    return buf_status(&m->authorities);
}

static int make_store(struct tm_trust_store **ret_store, const struct tm_config_end *end,
                      bool server, struct err_detail *detail)
{
    static const char *const modes[] = {
#define X(name, text) text,
        TM_TRUST_LIST(X)
#undef X
    };
    struct tm_trust_store *store = mem_alloc_zeroed(1, sizeof(*store));
    const char *path = end->known_file ? end->known_file : server ? "knownClients" : "knownServers";
    size_t size = strlen(path) + 1;
    if (!store || !(store->path = mem_alloc(size))) {
        mem_free(store);
        return err_set(detail, ERR_NOMEM, "out of memory");
    }
    memcpy(store->path, path, size);
    while (store->mode < BASE_COUNT(modes) - 1 && strcmp(modes[store->mode], end->trust) != 0)
        store->mode++;
    int status =
        store->mode == TM_TRUST_CA || store->mode == TM_TRUST_NONE ? 0 : read_known(store, detail);
    if (status < 0) {
        tm_trust_free(store);
        return status;
    }
    *ret_store = store;
    return 0;
}

int tm_trust_tls(struct io_tls **ret_tls, struct tm_trust_store **ret_store,
                 const struct tm_config_server *config, bool server, struct err_detail *detail)
{
    const struct tm_config_end *end = server ? &config->tls.server : &config->tls.client;
    struct material m = {{BUF_INIT, BUF_INIT, BUF_INIT}, BUF_INIT};
    struct tm_trust_store *store = NULL;
    int status = make_store(&store, end, server, detail);
    if (status == 0)
        status = read_own(&m, config, end, server, detail);
    if (status == 0)
        status = read_authorities(&m, config, end, server, detail);
    struct io_tls_options options = {.server = server,
                                     .certificate = buf_bytes(&m.own.certificate),
                                     .key = buf_bytes(&m.own.key),
                                     .authorities = buf_bytes(&m.authorities),
                                     .excluded = config->tls.excluded_ciphers.items,
                                     .excluded_count = config->tls.excluded_ciphers.count,
                                     .ask = config->tls.client_auth ? IO_TLS_ASK_REQUIRED
                                                                    : IO_TLS_ASK_NONE,
                                     .judge = store && store->mode != TM_TRUST_CA ? judge : NULL,
                                     .context = store};
    bool opened = status == 0;
    if (opened)
        status = io_tls_new(ret_tls, &options, detail);
    io_keystore_release(&m.own);
    buf_release(&m.authorities);
    if (status < 0) {
        tm_trust_free(store);
        if (opened && end->key_path &&
            end->certificate_path) /* which file, as nothing else names it */
            (void)err_prefix(detail, status, "%s, %s", end->certificate_path, end->key_path);
        return err_prefix(detail, status, "sslConfig of %s", tm_app_name(config->app));
    }
    *ret_store = store;
    return 0;
}
