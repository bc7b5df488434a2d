#include "privacy/config.h"

#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

enum kind { TEXT, SECONDS, SIZE, SWITCH, TLS_MODE };

enum { CONFIG_FILE_MAX = 1 << 20 };

static const struct {
    const char *key, *flag;
    enum kind kind;
    size_t offset;
} rows[] = {
    {"socket", "socket", TEXT, offsetof(struct privacy_config, socket)},
    {"workDir", NULL, TEXT, offsetof(struct privacy_config, work_dir)},
    {"httpUrl", "url", TEXT, offsetof(struct privacy_config, url)},
    {"timeout", "timeout", SECONDS, offsetof(struct privacy_config, timeout_s)},
    {"dialTimeout", "dialtimeout", SECONDS, offsetof(struct privacy_config, dial_timeout_s)},
    {"httpIdleConnTimeout", "http.idletimeout", SECONDS,
     offsetof(struct privacy_config, idle_timeout_s)},
    {"httpWriteBufferSize", "http.writebuffersize", SIZE,
     offsetof(struct privacy_config, write_buffer)},
    {"httpReadBufferSize", "http.readbuffersize", SIZE,
     offsetof(struct privacy_config, read_buffer)},
    {"tlsMode", "tls.mode", TLS_MODE, offsetof(struct privacy_config, tls)},
    {"tlsRootCA", "tls.rootca", TEXT, offsetof(struct privacy_config, root_ca)},
    {"tlsClientCert", "tls.clientcert", TEXT, offsetof(struct privacy_config, client_cert)},
    {"tlsClientKey", "tls.clientkey", TEXT, offsetof(struct privacy_config, client_key)},
    {"tlsInsecureSkipVerify", "tls.insecureskipverify", SWITCH,
     offsetof(struct privacy_config, insecure_skip_verify)},
};

void privacy_config_init(struct privacy_config *config)
{
    *config = (struct privacy_config){.timeout_s = 5, .dial_timeout_s = 1, .idle_timeout_s = 10};
}

static int set(struct privacy_config *config, size_t row, const char *value,
               struct err_detail *detail)
{
    void *to = (char *)config + rows[row].offset;
    char *end;
    switch (rows[row].kind) {
    case TEXT:
        if (strlen(value) >= PRIVACY_TEXT_MAX)
            return err_set(detail, ERR_INPUT, "%s is longer than %d characters", rows[row].key,
                           PRIVACY_TEXT_MAX - 1);
        snprintf(to, PRIVACY_TEXT_MAX, "%s", value);
        return 0;
    case SECONDS:
    case SIZE:
        errno = 0;
        *(uint64_t *)to = strtoull(value, &end, 10);
        if (errno || end == value || *end || !isdigit((unsigned char)value[0]) ||
            *(uint64_t *)to > UINT32_MAX)
            return err_set(detail, ERR_INPUT, "%s: '%.40s' is no number", rows[row].key, value);
        return 0;
    case SWITCH:
        *(bool *)to = strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0;
        if (!*(bool *)to && strcasecmp(value, "false") != 0 && strcmp(value, "0") != 0)
            return err_set(detail, ERR_INPUT, "%s: '%.40s' is neither true nor false",
                           rows[row].key, value);
        return 0;
    default:
        *(bool *)to = strcasecmp(value, "strict") == 0;
        if (!*(bool *)to && *value && strcasecmp(value, "off") != 0)
            return err_set(detail, ERR_INPUT,
                           "invalid value for TLS mode in config file, must be either OFF or "
                           "STRICT");
        return 0;
    }
}

int privacy_config_flag(struct privacy_config *config, const char *name, const char *value,
                        struct err_detail *detail)
{
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        if (rows[i].flag && strcmp(rows[i].flag, name) == 0) {
            config->used = true;
            return set(config, i, value, detail);
        }
    return err_set(detail, ERR_INPUT, "there is no flag --ptm.%s", name);
}

/* --- The file: the part of TOML that a list of values needs --- */

static const char *skip_blank(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

/* A string in quotes, a number or a word; what stands behind it may be a comment. */
static bool read_value(const char **at, char ret_value[PRIVACY_TEXT_MAX])
{
    const char *p = *at;
    size_t len = 0;
    char quote = *p == '"' || *p == '\'' ? *p++ : 0;
    while (*p && (quote ? *p != quote : !isspace((unsigned char)*p) && *p != '#')) {
        if (quote == '"' && *p == '\\' && (p[1] == '\\' || p[1] == '"'))
            p++;
        if (len + 1 == PRIVACY_TEXT_MAX)
            return false;
        ret_value[len++] = *p++;
    }
    if (quote && *p++ != quote)
        return false;
    ret_value[len] = '\0';
    p = skip_blank(p);
    *at = p;
    return (quote || len) && (*p == '\0' || *p == '#');
}

static int parse_line(struct privacy_config *config, const char *line, unsigned number,
                      const char *path, struct err_detail *detail)
{
    char value[PRIVACY_TEXT_MAX];
    const char *p = skip_blank(line);
    if (*p == '\0' || *p == '#')
        return 0;
    size_t len = strcspn(p, " \t=");
    const char *key = p;
    p = skip_blank(p + len);
    if (*p != '=')
        return err_set(detail, ERR_INPUT,
                       "error reading config from '%s' due to: line %u: expected key = value", path,
                       number);
    p = skip_blank(p + 1);
    if (!read_value(&p, value))
        return err_set(detail, ERR_INPUT,
                       "error reading config from '%s' due to: line %u: not a value", path, number);
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        if (strlen(rows[i].key) == len && strncasecmp(rows[i].key, key, len) == 0)
            return set(config, i, value, detail);
    return err_set(detail, ERR_INPUT,
                   "error reading config from '%s' due to: line %u: field corresponding to `%.*s' "
                   "is not defined",
                   path, number, (int)(len < 60 ? len : 60), key);
}

int privacy_config_parse(struct privacy_config *config, struct bytes text, const char *path,
                         struct err_detail *detail)
{
    char line[2 * PRIVACY_TEXT_MAX];
    int err = 0;
    size_t at = 0;
    config->used = true;
    for (unsigned number = 1; at < text.len && !err; number++) {
        size_t from = at;
        while (at < text.len && text.data[at] != '\n')
            at++;
        size_t len = at - from;
        at++;
        if (len && text.data[from + len - 1] == '\r')
            len--;
        if (len >= sizeof(line) || memchr(text.data + from, 0, len))
            return err_set(detail, ERR_INPUT,
                           "error reading config from '%s' due to: line %u: too long", path,
                           number);
        memcpy(line, text.data + from, len);
        line[len] = '\0';
        err = parse_line(config, line, number, path, detail);
    }
    return err;
}

static int read_file(struct privacy_config *config, const char *path, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int err = file_read(path, CONFIG_FILE_MAX, &text, detail);
    if (!err)
        err = privacy_config_parse(config, buf_bytes(&text), path, detail);
    buf_release(&text);
    return err;
}

int privacy_config_read(struct privacy_config *config, const char *private_config,
                        struct err_detail *detail)
{
    struct stat info;
    if (!private_config || !*private_config || strcasecmp(private_config, "ignore") == 0)
        return 0;
    if (lstat(private_config, &info) != 0)
        return err_set(detail, ERR_INPUT,
                       "unable to check whether connection details are specified as a config file "
                       "or ipc file '%s', due to: %s",
                       private_config, strerror(errno));
    config->used = true;
    if (!S_ISSOCK(info.st_mode))
        return read_file(config, private_config, detail);
    if (strlen(private_config) >= sizeof(config->socket))
        return err_set(detail, ERR_INPUT, "PRIVATE_CONFIG: the path is too long");
    snprintf(config->socket, sizeof(config->socket), "%s", private_config);
    return 0;
}

int privacy_config_check(const struct privacy_config *config, struct err_detail *detail)
{
    const char *why = NULL;
    if (!config->used)
        return 0;
    if (*config->socket && *config->url)
        why = "HTTP URL and unix ipc file cannot both be specified for private transaction manager "
              "connection";
    else if (!*config->socket && !*config->url)
        why = "either Socket or HTTP connection must be specified in config file";
    else if (*config->socket && config->tls)
        why = "TLS is not supported over unix domain socket for private transaction manager "
              "connection";
    else if (config->tls && strncasecmp(config->url, "https://", 8) != 0)
        why = "connection is configured with TLS but HTTPS url is not specified";
    else if (config->tls && !*config->client_cert != !*config->client_key)
        why = "invalid details for HTTP connection with TLS, configuration must specify both "
              "clientCert and clientKey, or neither one";
    return why ? err_set(detail, ERR_INPUT, "%s", why) : 0;
}
