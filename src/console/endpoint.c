#include "console/endpoint.h"

#include "base/base64.h"
#include "base/hex.h"
#include "base/mem.h"

#include <stdio.h>
#include <strings.h>

/* "user:password@" before a host, with the sign; 0: there is none. */
static size_t user_length(const char *rest, size_t len)
{
    while (len && rest[len - 1] != '@')
        len--;
    return len;
}

void console_endpoint_shown(char ret_text[CONSOLE_ENDPOINT_SHOWN], const char *text)
{
    const char *rest = strstr(text, "://");
    size_t scheme = rest ? (size_t)(rest - text) + 3 : 0;
    size_t user = rest ? user_length(text + scheme, strcspn(text + scheme, "/?#")) : 0;
    const char *colon = user ? memchr(text + scheme, ':', user) : NULL;
    size_t name = colon ? (size_t)(colon - text) - scheme : user;
    snprintf(ret_text, CONSOLE_ENDPOINT_SHOWN, "%.*s%s%s", (int)(scheme + name), text,
             colon ? ":***@" : "", text + scheme + user);
}

/* As it is sent, by HTTP's scheme Basic; %XX stand for characters. False when they do not. */
static bool read_user(struct buf *basic, struct bytes user)
{
    struct buf plain = BUF_INIT;
    bool is_good = true;
    for (size_t i = 0; i < user.len && is_good; i++) {
        uint8_t byte = user.data[i];
        if (byte == '%') {
            char digits[3] = "";
            if (user.len - i > 2)
                memcpy(digits, user.data + i + 1, 2);
            is_good = digits[0] != 0 && hex_decode_exact(digits, &byte, 1);
            i += 2;
        }
        buf_append_byte(&plain, byte);
    }
    if (!memchr(user.data, ':', user.len))
        buf_append_byte(&plain, ':');
    buf_append_text(basic, "Basic ");
    base64_append(basic, buf_bytes(&plain));
    if (plain.len)
        mem_wipe(plain.data, plain.len);
    buf_release(&plain);
    return is_good && buf_status(basic) == ERR_OK;
}

/* Host and port; false when there is no host, or they are too long. */
static bool read_authority(struct console_endpoint *e, const char *host, size_t len)
{
    size_t host_len = len;
    const char *end = host + len;
    const char *colon = len && host[0] == '[' ? memchr(host, ']', len) : memchr(host, ':', len);
    if (colon && *colon == ']') {
        host_len = (size_t)(colon - host) - 1;
        host++;
        colon = colon[1] == ':' ? colon + 1 : NULL;
    } else if (colon) {
        host_len = (size_t)(colon - host);
    }
    size_t port_len = colon ? (size_t)(end - colon) - 1 : 0;
    if (host_len == 0 || host_len > CONSOLE_HOST_MAX || port_len >= sizeof(e->port))
        return false;
    snprintf(e->host, sizeof(e->host), "%.*s", (int)host_len, host);
    if (port_len)
        snprintf(e->port, sizeof(e->port), "%.*s", (int)port_len, colon + 1);
    else
        snprintf(e->port, sizeof(e->port), "%s", e->tls ? "443" : "80");
    return true;
}

static int read_url(struct console_endpoint *e, const char *text, const char *rest,
                    struct err_detail *detail)
{
    int scheme_len = (int)(rest - text);
    size_t all = strcspn(rest, "/?#"), user = user_length(rest, all);
    if (user && !read_user(&e->basic, bytes_of(rest, user - 1)))
        return err_set(detail, ERR_USAGE, "%.*s…: the user of the URL cannot be read", scheme_len,
                       text);
    rest += user; /* errors do not show it */
    size_t len = all - user;
    if (!read_authority(e, rest, len))
        return err_set(detail, ERR_USAGE, "%.*s%.200s: no host and port", scheme_len, text, rest);
    size_t path_len = strcspn(rest + len, "#");
    snprintf(e->path, sizeof(e->path), "%s%.*s", rest[len] == '/' ? "" : "/", (int)path_len,
             rest + len);
    bool brackets = strchr(e->host, ':') != NULL;
    buf_append_format(&e->url, "%s%s://%s%s%s:%s%s", e->transport == CONSOLE_HTTP ? "http" : "ws",
                      e->tls ? "s" : "", brackets ? "[" : "", e->host, brackets ? "]" : "", e->port,
                      e->path);
    (void)buf_text(&e->url);
    int status = buf_status(&e->url);
    return status == ERR_OK ? status : err_set(detail, status, "%s", err_text(status));
}

static int read_endpoint(struct console_endpoint *e, const char *text, struct err_detail *detail)
{
    static const struct {
        const char *scheme;
        enum console_transport transport;
        bool tls;
    } schemes[] = {{"http://", CONSOLE_HTTP, false},
                   {"https://", CONSOLE_HTTP, true},
                   {"ws://", CONSOLE_WS, false},
                   {"wss://", CONSOLE_WS, true}};
    for (size_t i = 0; i < BASE_COUNT(schemes); i++) {
        size_t len = strlen(schemes[i].scheme);
        if (strncasecmp(text, schemes[i].scheme, len) != 0)
            continue;
        e->transport = schemes[i].transport;
        e->tls = schemes[i].tls;
        return read_url(e, text, text + len, detail);
    }
    if (strstr(text, "://"))
        return err_set(detail, ERR_USAGE, "no known transport for URL scheme \"%.*s\"",
                       (int)strcspn(text, ":"), text);
    if (strncmp(text, "rpc:", 4) == 0 || strncmp(text, "ipc:", 4) == 0)
        text += 4; /* backwards compatibility with geth < 1.5, which required these prefixes */
    size_t len = strcspn(text, "?");
    snprintf(e->path, sizeof(e->path), "%.*s", (int)len, text);
    if (strncmp(text + len, "?PSI=", 5) == 0)
        e->psi = text + len + 5;
    return ERR_OK;
}

int console_endpoint_read(struct console_endpoint *ret_endpoint, const char *text,
                          struct err_detail *detail)
{
    *ret_endpoint = (struct console_endpoint){.transport = CONSOLE_IPC};
    buf_init(&ret_endpoint->url);
    buf_init(&ret_endpoint->basic);
    int status = read_endpoint(ret_endpoint, text, detail);
    if (status != ERR_OK)
        console_endpoint_release(ret_endpoint);
    return status;
}

void console_endpoint_release(struct console_endpoint *endpoint)
{
    if (endpoint->basic.len)
        mem_wipe(endpoint->basic.data, endpoint->basic.len);
    buf_release(&endpoint->basic);
    buf_release(&endpoint->url);
}
