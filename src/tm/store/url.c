/* The url of a database, as JDBC writes it. */
#include "base/mem.h"
#include "crypto/secret.h"
#include "tm/store/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static char *copy_text(const char *text, size_t len)
{
    char *copy = mem_alloc(len + 1);
    if (copy) {
        memcpy(copy, text, len);
        copy[len] = 0;
    }
    return copy;
}

void tm_store_place_release(struct tm_store_place *place)
{
    mem_free(place->path);
    mem_free(place->host);
    mem_free(place->user);
    mem_free(place->tls_ca);
    crypto_secret_free(place->password);
    *place = (struct tm_store_place){0};
}

static bool starts(const char **at, const char *word)
{
    size_t len = strlen(word);
    if (strncasecmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

static int set_file(struct tm_store_place *place, const char *path, size_t len, const char *suffix,
                    struct err_detail *detail)
{
    struct buf name = BUF_INIT;
    buf_append(&name, path, len);
    buf_append_text(&name, suffix);
    if (len == 0)
        return err_set(detail, ERR_INPUT, "jdbc.url: no file is named");
    place->product = TM_STORE_SQLITE;
    place->path = buf_status(&name) ? NULL : copy_text((const char *)name.data, name.len);
    buf_release(&name);
    if (!place->path)
        return err_set(detail, ERR_NOMEM, "out of memory");
    place->is_new = access(place->path, F_OK) != 0;
    return 0;
}

/* A SQLite database without a file, of a name that no other store of this process has. */
static int set_memory(struct tm_store_place *place, struct err_detail *detail)
{
    static unsigned number;
    char name[64];
    snprintf(name, sizeof(name), "file:/quorate-%u?vfs=memdb",
             __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED));
    place->product = TM_STORE_SQLITE;
    place->in_memory = place->is_new = true;
    place->path = copy_text(name, strlen(name));
    return place->path ? 0 : err_set(detail, ERR_NOMEM, "out of memory");
}

/* jdbc:h2:[file:]PATH[;OPTION=…]: H2's files cannot be read from C; a SQLite file stands beside them. */
static int read_h2(struct tm_store_place *place, const char *rest, bool beside_h2,
                   struct err_detail *detail)
{
    if (starts(&rest, "mem:"))
        return set_memory(place, detail);
    if (starts(&rest, "tcp:") || starts(&rest, "ssl:"))
        return err_set(detail, ERR_UNSUPPORTED,
                       "jdbc.url: an H2 server cannot be reached; export it by SCRIPT and bring it "
                       "in by `migrate --from FILE.sql`");
    (void)starts(&rest, "file:");
    size_t len = strcspn(rest, ";");
    int status = set_file(place, rest, len, ".sqlite", detail);
    if (status < 0)
        return status;
    struct buf old = BUF_INIT;
    for (size_t i = 0; i < 2; i++) {
        buf_clear(&old);
        buf_append(&old, rest, len);
        buf_append_text(&old, i ? ".h2.db" : ".mv.db");
        if (!beside_h2 && access(buf_text(&old), F_OK) == 0)
            status =
                err_set(detail, ERR_UNSUPPORTED,
                        "%s: an H2 file, which only Java reads. Export it by SCRIPT and bring "
                        "it in by `migrate --from FILE.sql` (docs/tm-storage.md); once that has "
                        "ended without an error, move it away: the database is then %s",
                        buf_text(&old), place->path);
    }
    buf_release(&old);
    snprintf(place->note, sizeof(place->note), "jdbc.url names H2; a SQLite database is used: %s",
             place->path);
    return status;
}

/* Parameters of the JDBC driver that mean nothing outside Java, or are as they would be here anyway. */
static const char *const without_meaning[] = {
    "allowPublicKeyRetrieval",
    "autoReconnect",
    "cachePrepStmts",
    "characterEncoding",
    "connectionCollation",
    "failOverReadOnly",
    "maxReconnects",
    "nullCatalogMeansCurrent",
    "prepStmtCacheSize",
    "prepStmtCacheSqlLimit",
    "rewriteBatchedStatements",
    "serverTimezone",
    "tcpKeepAlive",
    "useCompression",
    "useLegacyDatetimeCode",
    "useServerPrepStmts",
    "useUnicode",
    "zeroDateTimeBehavior",
};

static int set_parameter(struct tm_store_place *place, const char *name, const char *value,
                         struct err_detail *detail)
{
    bool yes = strcasecmp(value, "true") == 0;
    if (strcasecmp(name, "useSSL") == 0) {
        place->tls = place->tls || yes;
    } else if (strcasecmp(name, "requireSSL") == 0) {
        place->tls = place->tls || yes;
    } else if (strcasecmp(name, "verifyServerCertificate") == 0) {
        place->tls_verify = yes;
    } else if (strcasecmp(name, "sslMode") == 0) {
        bool off = strcasecmp(value, "DISABLED") == 0 || strcasecmp(value, "disable") == 0 ||
                   strcasecmp(value, "PREFERRED") == 0;
        place->tls = !off;
        place->tls_verify = strncasecmp(value, "verify", 6) == 0;
    } else if (strcasecmp(name, "serverSslCert") == 0) {
        place->tls_ca = copy_text(value, strlen(value));
        return place->tls_ca ? 0 : err_set(detail, ERR_NOMEM, "out of memory");
    } else if (strcasecmp(name, "localSocket") ==
               0) { /* MariaDB's: the path of the server's unix socket */
        mem_free(place->host);
        place->host = copy_text(value, strlen(value));
        return place->host ? 0 : err_set(detail, ERR_NOMEM, "out of memory");
    } else if (strcasecmp(name, "connectTimeout") == 0 || strcasecmp(name, "socketTimeout") == 0) {
        char *end;
        unsigned long ms = strtoul(value, &end, 10);
        if (*end || end == value || ms > 3600000)
            return err_set(detail, ERR_INPUT, "jdbc.url: %s=%s: not milliseconds", name, value);
        *(name[0] == 'c' ? &place->connect_ms : &place->io_ms) = (unsigned)ms;
    } else {
        for (size_t i = 0; i < BASE_COUNT(without_meaning); i++)
            if (strcasecmp(name, without_meaning[i]) == 0)
                return 0;
        return err_set(detail, ERR_UNSUPPORTED, "jdbc.url: the parameter %s is not supported",
                       name);
    }
    return 0;
}

static int read_parameters(struct tm_store_place *place, char *text, struct err_detail *detail)
{
    int status = 0;
    while (status == 0 && *text) {
        size_t len = strcspn(text, "&");
        char *next = text + len + (text[len] ? 1 : 0);
        text[len] = 0;
        char *value = strchr(text, '=');
        if (value)
            *value++ = 0;
        if (*text)
            status = set_parameter(place, text, value ? value : "", detail);
        text = next;
    }
    return status;
}

/* //HOST[:PORT]/NAME[?…] */
static int read_server(struct tm_store_place *place, const char *rest, struct err_detail *detail)
{
    size_t len = strcspn(rest, "/"), host = strcspn(rest, ":/");
    const char *name = rest[len] ? rest + len + 1 : "";
    size_t name_len = strcspn(name, "?");
    place->product = TM_STORE_MYSQL;
    place->port = 3306;
    if (memchr(rest, ',', len) || *rest == '[')
        return err_set(detail, ERR_UNSUPPORTED,
                       "jdbc.url: one host by name or IPv4 address, please");
    if (host == 0 || name_len == 0)
        return err_set(detail, ERR_INPUT, "jdbc.url: not jdbc:mysql://HOST[:PORT]/DATABASE");
    if (rest[host] == ':') {
        char *end;
        unsigned long port = strtoul(rest + host + 1, &end, 10);
        if (end != rest + len || port == 0 || port > 65535)
            return err_set(detail, ERR_INPUT, "jdbc.url: no port behind \"%.*s:\"", (int)host,
                           rest);
        place->port = (unsigned)port;
    }
    place->host = copy_text(rest, host);
    place->path = copy_text(name, name_len);
    char *parameters = copy_text(name + name_len, strlen(name + name_len));
    int status = place->host && place->path && parameters ? 0 : ERR_NOMEM;
    if (status < 0)
        err_set(detail, status, "out of memory");
    else if (parameters[0] == '?')
        status = read_parameters(place, parameters + 1, detail);
    mem_free(parameters);
    return status;
}

static int read_url(struct tm_store_place *place, const struct tm_store_options *options,
                    struct err_detail *detail)
{
    const char *rest = options->url;
    (void)starts(&rest, "jdbc:");
    if (starts(&rest, "sqlite:"))
        return set_file(place, rest, strcspn(rest, "?"), "", detail);
    if (starts(&rest, "mysql://") || starts(&rest, "mariadb://"))
        return read_server(place, rest, detail);
    if (starts(&rest, "h2:"))
        return read_h2(place, rest, options->beside_h2, detail);
    if (strcmp(rest, "memory") == 0)
        return set_memory(place, detail);
    return err_set(detail, ERR_UNSUPPORTED,
                   "jdbc.url: %.*s is not supported; sqlite, mysql, mariadb and h2 are (for others "
                   "see docs/tm-storage.md)",
                   (int)strcspn(rest, ":"), rest);
}

static int set_user(struct tm_store_place *place, const struct tm_store_options *options)
{
    if (options->username && *options->username) {
        place->user = copy_text(options->username, strlen(options->username));
        if (!place->user)
            return ERR_NOMEM;
    }
    if (!options->password || !*options->password)
        return 0;
    return crypto_secret_copy(&place->password,
                              bytes_of(options->password, strlen(options->password) + 1));
}

int tm_store_place_init(struct tm_store_place *ret_place, const struct tm_store_options *options,
                        struct err_detail *detail)
{
    struct tm_store_place place = {
        .connect_ms = 3000, .io_ms = 10000, .create = options->create_tables};
    int status = read_url(&place, options, detail);
    if (status == 0 && set_user(&place, options) < 0)
        status = err_set(detail, ERR_NOMEM, "out of memory");
    if (place.product == TM_STORE_SQLITE && place.is_new)
        place.create = true;
    if (status < 0)
        tm_store_place_release(&place);
    else
        *ret_place = place;
    return status;
}
