#include "console/client.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"
#include "console/wire.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOOK_MS = 250 }; /* between two looks at the options' ends_at */

enum kind { KIND_IPC, KIND_HTTP, KIND_WS };

struct console_client {
    struct console_client_options options;
    enum kind kind;
    bool tls;
    char host[CONSOLE_HOST_MAX + 1];
    char port[8];
    const char *target; /* of the request line, or the socket's path */
    char path[4096];
    int fd;
    SSL_CTX *context;
    SSL *ssl;
    struct buf in;    /* what has come and is not used */
    struct buf basic; /* the URL's user, for the header Authorization */
    uint64_t until;   /* by base_now_ms; 0: no end */
    char shown[CONSOLE_ENDPOINT_SHOWN];
};

/* As Go words errors of the system. */
static const char *lower(char text[128], int errnum)
{
    snprintf(text, 128, "%s", strerror(errnum));
    if (text[0] >= 'A' && text[0] <= 'Z')
        text[0] = (char)(text[0] - 'A' + 'a');
    return text;
}

/* --- The endpoint --- */

/* "user:password@" before a host, with the sign; 0: there is none. */
static size_t user_length(const char *rest, size_t len)
{
    while (len && rest[len - 1] != '@')
        len--;
    return len;
}

void console_endpoint_shown(char ret_text[CONSOLE_ENDPOINT_SHOWN], const char *endpoint)
{
    const char *rest = strstr(endpoint, "://");
    size_t scheme = rest ? (size_t)(rest - endpoint) + 3 : 0;
    size_t user = rest ? user_length(endpoint + scheme, strcspn(endpoint + scheme, "/?#")) : 0;
    const char *colon = user ? memchr(endpoint + scheme, ':', user) : NULL;
    size_t name = colon ? (size_t)(colon - endpoint) - scheme : user;
    snprintf(ret_text, CONSOLE_ENDPOINT_SHOWN, "%.*s%s%s", (int)(scheme + name), endpoint,
             colon ? ":***@" : "", endpoint + scheme + user);
}

/* As it is sent, by HTTP's scheme Basic; %XX stand for characters. False when they do not. */
static bool read_user(struct console_client *c, struct bytes user)
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
    buf_append_text(&c->basic, "Basic ");
    base64_append(&c->basic, buf_bytes(&plain));
    if (plain.len)
        mem_wipe(plain.data, plain.len);
    buf_release(&plain);
    return is_good && buf_status(&c->basic) == ERR_OK;
}

static int parse_url(struct console_client *c, const char *rest, struct err_detail *detail)
{
    const char *endpoint = c->options.endpoint;
    size_t scheme_len = (size_t)(rest - endpoint);
    size_t all = strcspn(rest, "/?#"), user = user_length(rest, all);
    if (user && !read_user(c, bytes_of(rest, user - 1)))
        return err_set(detail, ERR_USAGE, "%.*s…: the user of the URL cannot be read",
                       (int)scheme_len, endpoint);
    rest += user; /* errors do not show it */
    size_t len = all - user;
    const char *host = rest;
    size_t host_len = len;
    const char *colon = host[0] == '[' ? memchr(host, ']', len) : memchr(host, ':', len);
    if (colon && *colon == ']') {
        host_len = (size_t)(colon - host) - 1;
        host++;
        colon = colon[1] == ':' ? colon + 1 : NULL;
    } else if (colon) {
        host_len = (size_t)(colon - host);
    }
    size_t port_len = colon ? (size_t)(rest + len - colon) - 1 : 0;
    if (host_len == 0 || host_len > CONSOLE_HOST_MAX || port_len >= sizeof(c->port))
        return err_set(detail, ERR_USAGE, "%.*s%.200s: no host and port", (int)scheme_len, endpoint,
                       rest);
    snprintf(c->host, sizeof(c->host), "%.*s", (int)host_len, host);
    if (port_len)
        snprintf(c->port, sizeof(c->port), "%.*s", (int)port_len, colon + 1);
    else
        snprintf(c->port, sizeof(c->port), "%s", c->tls ? "443" : "80");
    snprintf(c->path, sizeof(c->path), "%s%s", rest[len] == '/' ? "" : "/",
             rest[len] == '#' ? "" : rest + len);
    c->target = c->path;
    return ERR_OK;
}

static int parse_endpoint(struct console_client *c, struct err_detail *detail)
{
    static const struct {
        const char *scheme;
        enum kind kind;
        bool tls;
    } schemes[] = {{"http://", KIND_HTTP, false},
                   {"https://", KIND_HTTP, true},
                   {"ws://", KIND_WS, false},
                   {"wss://", KIND_WS, true}};
    const char *endpoint = c->options.endpoint;
    for (size_t i = 0; i < BASE_COUNT(schemes); i++) {
        size_t len = strlen(schemes[i].scheme);
        if (strncasecmp(endpoint, schemes[i].scheme, len) != 0)
            continue;
        c->kind = schemes[i].kind;
        c->tls = schemes[i].tls;
        return parse_url(c, endpoint + len, detail);
    }
    if (strstr(endpoint, "://"))
        return err_set(detail, ERR_USAGE, "no known transport for URL scheme \"%.*s\"",
                       (int)strcspn(endpoint, ":"), endpoint);
    if (strncmp(endpoint, "rpc:", 4) == 0 || strncmp(endpoint, "ipc:", 4) == 0)
        endpoint += 4; /* backwards compatibility with geth < 1.5, which required these prefixes */
    /* A private state may be named behind the path. */
    size_t len = strcspn(endpoint, "?");
    snprintf(c->path, sizeof(c->path), "%.*s", (int)len, endpoint);
    if (!c->options.psi && strncmp(endpoint + len, "?PSI=", 5) == 0)
        c->options.psi = endpoint + len + 5;
    c->target = c->path;
    return ERR_OK;
}

/* --- Time --- */

static void begin_wait(struct console_client *c)
{
    c->until = c->options.timeout_ms ? base_now_ms() + c->options.timeout_ms : 0;
}

static bool is_given_up(const struct console_client *c)
{
    uint64_t end = c->options.ends_at ? atomic_load(c->options.ends_at) : 0;
    return end && base_now_ms() >= end;
}

static bool is_late(const struct console_client *c)
{
    return (c->until && base_now_ms() >= c->until) || is_given_up(c);
}

/* What the system has given up for its time is to go on: it was only to be looked whether the end is known by now. */
static bool goes_on(const struct console_client *c)
{
    return c->options.ends_at && !is_late(c);
}

/* The system gives up what is under way on the socket when the time is over. */
static void limit_wait(const struct console_client *c)
{
    uint64_t now = base_now_ms(), left = now < c->until ? c->until - now : 1;
    if (!c->until && !c->options.ends_at)
        return;
    if (c->options.ends_at && (!c->until || left > LOOK_MS))
        left = LOOK_MS;
    struct timeval t = {.tv_sec = (time_t)(left / 1000),
                        .tv_usec = (suseconds_t)(left % 1000) * 1000};
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

/* --- Connecting --- */

static bool connect_socket(const struct console_client *c, const struct sockaddr *address,
                           socklen_t len)
{
    int result;
    limit_wait(c);
    do
        result = connect(c->fd, address, len);
    while (result != 0 && (errno == EINPROGRESS || errno == EALREADY || errno == EAGAIN) &&
           goes_on(c));
    return result == 0;
}

static int dial_unix(struct console_client *c, struct err_detail *detail)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char text[128];
    if (strlen(c->path) >= sizeof(address.sun_path))
        return err_set(detail, ERR_USAGE, "dial unix %.300s: connect: invalid argument", c->path);
    memcpy(address.sun_path, c->path, strlen(c->path) + 1);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || !connect_socket(c, (struct sockaddr *)&address, sizeof(address)))
        return err_set(detail, ERR_IO, "dial unix %.300s: connect: %s", c->path,
                       lower(text, errno));
    return ERR_OK;
}

static int dial_tcp(struct console_client *c, struct err_detail *detail)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    char text[128];
    int failed = getaddrinfo(c->host, c->port, &hints, &all), last = ECONNREFUSED;
    if (failed)
        return err_set(detail, ERR_IO, "dial tcp: lookup %s: %s", c->host,
                       failed == EAI_NONAME ? "no such host" : gai_strerror(failed));
    for (const struct addrinfo *a = all; a && c->fd < 0; a = a->ai_next) {
        c->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd >= 0 && connect_socket(c, a->ai_addr, a->ai_addrlen))
            break;
        last = errno == EINPROGRESS || errno == EALREADY ? ETIMEDOUT : errno;
        if (c->fd >= 0)
            close(c->fd);
        c->fd = -1;
    }
    freeaddrinfo(all);
    return c->fd >= 0 ? ERR_OK
                      : err_set(detail, ERR_IO, "dial tcp %s:%s: connect: %s", c->host, c->port,
                                lower(text, last));
}

static int tls_failed(struct err_detail *detail, const char *what, const char *name)
{
    unsigned long code = ERR_get_error();
    const char *why = ERR_reason_error_string(code);
    ERR_clear_error();
    return err_set(detail, ERR_INPUT, "%s %.300s: %s", what, name, why ? why : "failed");
}

static int make_context(struct console_client *c, struct err_detail *detail)
{
    const struct console_client_options *o = &c->options;
    const char *trusted[] = {o->certificate, o->ca_certificate};
    c->context = SSL_CTX_new(TLS_client_method());
    if (!c->context)
        return err_set(detail, ERR_NOMEM, "TLS cannot be set up");
    SSL_CTX_set_min_proto_version(c->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(c->context, o->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_default_verify_paths(c->context);
    for (size_t i = 0; i < BASE_COUNT(trusted); i++)
        if (trusted[i] && *trusted[i] &&
            SSL_CTX_load_verify_locations(c->context, trusted[i], NULL) != 1)
            return tls_failed(detail, "certificate", trusted[i]);
    if (o->ciphers && *o->ciphers && SSL_CTX_set_cipher_list(c->context, o->ciphers) != 1)
        return tls_failed(detail, "cipher suites", o->ciphers);
    return ERR_OK;
}

/* The system has given up for its time. */
static bool is_waiting(const SSL *ssl, int result)
{
    int fault = SSL_get_error(ssl, result);
    return fault == SSL_ERROR_WANT_READ || fault == SSL_ERROR_WANT_WRITE;
}

static int start_tls(struct console_client *c, struct err_detail *detail)
{
    int status = c->context ? ERR_OK : make_context(c, detail);
    if (status != ERR_OK)
        return status;
    c->ssl = SSL_new(c->context);
    if (!c->ssl || SSL_set_tlsext_host_name(c->ssl, c->host) != 1 ||
        SSL_set1_host(c->ssl, c->host) != 1 || SSL_set_fd(c->ssl, c->fd) != 1)
        return err_set(detail, ERR_NOMEM, "TLS cannot be set up");
    int result;
    do
        result = SSL_connect(c->ssl);
    while (result != 1 && is_waiting(c->ssl, result) && goes_on(c));
    if (result != 1) {
        long verified = SSL_get_verify_result(c->ssl);
        if (verified != X509_V_OK)
            return err_set(detail, ERR_IO, "%s: the certificate is not accepted: %s", c->host,
                           X509_verify_cert_error_string(verified));
        return tls_failed(detail, "TLS with", c->host);
    }
    return ERR_OK;
}

static void hang_up(struct console_client *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    buf_clear(&c->in);
}

/* --- Bytes --- */

static int lost(struct console_client *c, struct err_detail *detail)
{
    hang_up(c);
    if (is_given_up(c))
        return err_set(detail, ERR_TIMEOUT, "%.300s did not answer in time", c->shown);
    if (is_late(c))
        return err_set(detail, ERR_TIMEOUT, "%.300s did not answer within %llu ms", c->shown,
                       (unsigned long long)c->options.timeout_ms);
    return err_set(detail, ERR_IO, "the connection to %.300s is lost", c->shown);
}

/* After a failure: it was for the time that the system had for it. */
static bool has_waited(const struct console_client *c, int result)
{
    return c->ssl ? is_waiting(c->ssl, result) : errno == EAGAIN || errno == EWOULDBLOCK;
}

static int put(struct console_client *c, struct bytes data, struct err_detail *detail)
{
    while (data.len) {
        size_t part = data.len < 1 << 30 ? data.len : 1 << 30;
        limit_wait(c);
        ssize_t n = c->ssl ? SSL_write(c->ssl, data.data, (int)part)
                           : send(c->fd, data.data, part, MSG_NOSIGNAL);
        if (n < 0 && !c->ssl && errno == EINTR)
            continue;
        if (n < 0 && has_waited(c, (int)n) && goes_on(c))
            continue;
        if (n <= 0)
            return lost(c, detail);
        data = bytes_slice(data, (size_t)n, data.len - (size_t)n);
    }
    return ERR_OK;
}

static int too_large(const struct console_client *c, struct err_detail *detail)
{
    return err_set(detail, ERR_LIMIT, "the answer is larger than %zu MiB",
                   c->options.answer_max >> 20);
}

/* Some more bytes; *ret_closed at the end of them. */
static int get(struct console_client *c, bool *ret_closed, struct err_detail *detail)
{
    uint8_t part[16384];
    ssize_t n;
    if (is_late(c))
        return lost(c, detail);
    limit_wait(c);
    do
        n = c->ssl ? SSL_read(c->ssl, part, sizeof(part)) : recv(c->fd, part, sizeof(part), 0);
    while (n < 0 && !c->ssl && errno == EINTR);
    *ret_closed = false;
    if (n < 0 && has_waited(c, (int)n) && goes_on(c))
        return ERR_OK;
    if (n < 0 && !c->ssl && has_waited(c, (int)n) && !is_given_up(c))
        c->until = 1; /* the system's clock was a little faster than ours */
    *ret_closed = n <= 0;
    if (n > 0)
        buf_append(&c->in, part, (size_t)n);
    if (c->in.len > c->options.answer_max + CONSOLE_HEAD_MAX)
        return too_large(c, detail);
    return buf_status(&c->in) ? err_set(detail, ERR_NOMEM, "out of memory") : ERR_OK;
}

static void drop(struct console_client *c, size_t len)
{
    memmove(c->in.data, c->in.data + len, c->in.len - len);
    c->in.len -= len;
}

/* --- Unix socket --- */

static int ask_ipc(struct console_client *c, struct buf *answer, struct bytes request,
                   struct err_detail *detail)
{
    struct console_scan scan = {0};
    bool closed = false;
    int status = put(c, request, detail);
    while (status == ERR_OK) {
        enum console_wire end = console_json_end(&scan, buf_bytes(&c->in));
        if (end == CONSOLE_WIRE_BAD)
            return err_set(detail, ERR_INPUT, "%.300s does not answer with JSON", c->path);
        if (end == CONSOLE_WIRE_DONE) {
            buf_append(answer, c->in.data, scan.at);
            drop(c, scan.at);
            return buf_status(answer);
        }
        if (closed)
            return lost(c, detail);
        status = get(c, &closed, detail);
    }
    return status;
}

/* --- HTTP --- */

static void write_common(struct console_client *c, struct buf *b, const char *method)
{
    buf_append_format(b, "%s %s HTTP/1.1\r\nHost: %s:%s\r\n", method, c->target, c->host, c->port);
    if (c->options.token && *c->options.token)
        buf_append_format(b, "Authorization: %s\r\n", c->options.token);
    else if (c->basic.len)
        buf_append_format(b, "Authorization: %s\r\n", buf_text(&c->basic));
    if (c->options.psi && *c->options.psi)
        buf_append_format(b, "Quorum-PSI: %s\r\n", c->options.psi);
}

static int read_http(struct console_client *c, struct console_http *ret_http, struct buf *body,
                     struct err_detail *detail)
{
    bool closed = false;
    for (;;) {
        enum console_wire end = console_http_read(ret_http, body, buf_bytes(&c->in), closed);
        if (end == CONSOLE_WIRE_DONE)
            return ERR_OK;
        if (closed && c->in.len == 0)
            return lost(c, detail);
        if (closed || end == CONSOLE_WIRE_BAD)
            return err_set(detail, ERR_INPUT, "%.300s does not answer with HTTP", c->shown);
        int status = get(c, &closed, detail);
        if (status != ERR_OK)
            return status;
    }
}

static int connect_now(struct console_client *c, struct err_detail *detail);

static int ask_http(struct console_client *c, struct buf *answer, struct bytes request,
                    struct err_detail *detail)
{
    struct buf head = BUF_INIT;
    struct console_http http = {0};
    bool kept = c->fd >= 0;
    int status = kept ? ERR_OK : connect_now(c, detail);
    if (status != ERR_OK)
        return status;
    write_common(c, &head, "POST");
    buf_append_format(&head,
                      "Content-Type: application/json\r\nAccept: application/json\r\n"
                      "Content-Length: %zu\r\n\r\n",
                      request.len);
    buf_append_bytes(&head, request);
    status = buf_status(&head);
    if (status == ERR_OK)
        status = put(c, buf_bytes(&head), detail);
    buf_release(&head);
    size_t before = answer->len;
    if (status == ERR_OK)
        status = read_http(c, &http, answer, detail);
    if (status == ERR_IO && kept && c->fd < 0 && answer->len == before)
        return ask_http(c, answer, request, detail); /* it was closed while it was idle */
    if (status != ERR_OK)
        return status;
    if (http.keep_alive)
        drop(c, http.used);
    else
        hang_up(c);
    if (http.status >= 200 && http.status < 300)
        return buf_status(answer);
    const char *body = buf_text(answer) + before;
    status = err_set(detail, ERR_INPUT, "%u %s%s%.300s", http.status, http.reason,
                     *body ? ": " : "", body);
    answer->len = before;
    return status;
}

/* --- WebSocket --- */

static int upgrade(struct console_client *c, struct err_detail *detail)
{
    uint8_t nonce[16];
    char key[32] = "", wanted[32];
    struct buf head = BUF_INIT, body = BUF_INIT;
    struct console_http http = {0};
    if (RAND_bytes(nonce, sizeof(nonce)) != 1)
        return err_set(detail, ERR_IO, "the system gives no randomness");
    base64_encode(key, bytes_of(nonce, sizeof(nonce)));
    console_ws_accept(wanted, key);
    write_common(c, &head, "GET");
    buf_append_format(&head,
                      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                      "Sec-WebSocket-Version: 13\r\n\r\n",
                      key);
    int status = buf_status(&head);
    if (status == ERR_OK)
        status = put(c, buf_bytes(&head), detail);
    if (status == ERR_OK)
        status = read_http(c, &http, &body, detail);
    if (status == ERR_OK &&
        (http.status != 101 || !memmem(c->in.data, http.used, wanted, strlen(wanted))))
        status = err_set(detail, ERR_INPUT, "websocket: bad handshake (HTTP status %u %s)",
                         http.status, http.reason);
    if (status == ERR_OK)
        drop(c, http.used);
    buf_release(&head);
    buf_release(&body);
    return status;
}

static int send_frame(struct console_client *c, enum console_frame_kind kind, struct bytes payload,
                      struct err_detail *detail)
{
    uint8_t mask[4];
    struct buf frame = BUF_INIT;
    if (RAND_bytes(mask, sizeof(mask)) != 1)
        return err_set(detail, ERR_IO, "the system gives no randomness");
    console_frame_write(&frame, kind, payload, mask);
    int status = buf_status(&frame);
    if (status == ERR_OK)
        status = put(c, buf_bytes(&frame), detail);
    buf_release(&frame);
    return status;
}

static int next_frame(struct console_client *c, struct console_frame *ret_frame,
                      struct err_detail *detail)
{
    bool closed = false;
    for (;;) {
        enum console_wire end = console_frame_read(ret_frame, buf_bytes(&c->in));
        if (end == CONSOLE_WIRE_DONE)
            return ERR_OK;
        if (closed)
            return lost(c, detail);
        if (end == CONSOLE_WIRE_BAD)
            return err_set(detail, ERR_INPUT, "%.300s: a malformed WebSocket frame", c->shown);
        int status = get(c, &closed, detail);
        if (status != ERR_OK)
            return status;
    }
}

static int ask_ws(struct console_client *c, struct buf *answer, struct bytes request,
                  struct err_detail *detail)
{
    struct console_frame frame;
    bool complete = false;
    int status = send_frame(c, CONSOLE_FRAME_TEXT, request, detail);
    while (status == ERR_OK && !complete) {
        status = next_frame(c, &frame, detail);
        if (status != ERR_OK)
            break;
        if (frame.kind == CONSOLE_FRAME_CLOSE)
            return lost(c, detail);
        if (frame.kind == CONSOLE_FRAME_PING)
            status = send_frame(c, CONSOLE_FRAME_PONG, frame.payload, detail);
        if (frame.kind <= CONSOLE_FRAME_BINARY) {
            buf_append_bytes(answer, frame.payload);
            complete = frame.final;
        }
        if (answer->len > c->options.answer_max)
            status = too_large(c, detail);
        drop(c, frame.used);
    }
    return status == ERR_OK ? buf_status(answer) : status;
}

/* --- All --- */

static int connect_now(struct console_client *c, struct err_detail *detail)
{
    int status = c->kind == KIND_IPC ? dial_unix(c, detail) : dial_tcp(c, detail);
    if (status == ERR_OK && c->tls)
        status = start_tls(c, detail);
    if (status == ERR_OK && c->kind == KIND_WS)
        status = upgrade(c, detail);
    if (status != ERR_OK)
        hang_up(c);
    return status;
}

int console_client_new(struct console_client **ret_client,
                       const struct console_client_options *options, struct err_detail *detail)
{
    struct console_client *c = mem_alloc_zeroed(1, sizeof(*c));
    if (!c)
        return err_set(detail, ERR_NOMEM, "out of memory");
    c->options = *options;
    c->fd = -1;
    if (!c->options.answer_max)
        c->options.answer_max = CONSOLE_ANSWER_MAX;
    console_endpoint_shown(c->shown, options->name ? options->name : options->endpoint);
    begin_wait(c);
    int status = parse_endpoint(c, detail);
    if (status == ERR_OK)
        status = connect_now(c, detail);
    if (status == ERR_OK)
        *ret_client = c;
    else
        console_client_free(c);
    return status;
}

void console_client_free(struct console_client *client)
{
    if (!client)
        return;
    hang_up(client);
    SSL_CTX_free(client->context);
    buf_release(&client->in);
    if (client->basic.len)
        mem_wipe(client->basic.data, client->basic.len);
    buf_release(&client->basic);
    mem_free(client);
}

int console_client_ask(struct console_client *client, struct buf *ret_answer, struct bytes request,
                       struct err_detail *detail)
{
    begin_wait(client);
    if (client->kind == KIND_HTTP)
        return ask_http(client, ret_answer, request, detail);
    int status = client->fd >= 0 ? ERR_OK : connect_now(client, detail);
    if (status != ERR_OK)
        return status;
    return client->kind == KIND_WS ? ask_ws(client, ret_answer, request, detail)
                                   : ask_ipc(client, ret_answer, request, detail);
}
