#include "client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_AT_ONCE = 1 << 16,
    ANSWER_MAX = 256 << 20,
    ANSWER_SECONDS = 60,
};

int client_init(struct client *c, const char *url, struct err_detail *detail)
{
    memset(c, 0, sizeof(*c));
    c->fd = -1;
    buf_init(&c->request);
    buf_init(&c->answer);
    const char *start = strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
    const char *colon = start ? strrchr(start, ':') : NULL;
    if (!colon || colon == start || (size_t)(colon - start) >= sizeof(c->host) ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 5)
        return err_set(detail, ERR_INPUT, "%s: not of the form http://HOST:PORT", url);
    snprintf(c->host, sizeof(c->host), "%.*s", (int)(colon - start), start);
    snprintf(c->port, sizeof(c->port), "%s", colon + 1);
    return ERR_OK;
}

static void disconnect(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

void client_release(struct client *c)
{
    disconnect(c);
    buf_release(&c->request);
    buf_release(&c->answer);
}

static int fail(struct client *c, const char *what, struct err_detail *detail)
{
    int errnum = errno;
    disconnect(c);
    return err_set(detail, ERR_IO, "http://%s:%s: %s: %s", c->host, c->port, what,
                   errnum ? strerror(errnum) : "closed by the other side");
}

static int connect_to(struct client *c, struct err_detail *detail)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    if (getaddrinfo(c->host, c->port, &hints, &list) != 0)
        return fail(c, "no such host", detail);
    int on = 1;
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    c->fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = c->fd >= 0 && connect(c->fd, list->ai_addr, list->ai_addrlen) == 0;
    freeaddrinfo(list);
    if (!connected)
        return fail(c, "cannot connect", detail);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return ERR_OK;
}

static int send_all(struct client *c, struct err_detail *detail)
{
    for (size_t done = 0; done < c->request.len;) {
        ssize_t n = send(c->fd, c->request.data + done, c->request.len - done, MSG_NOSIGNAL);
        if (n <= 0)
            return fail(c, "cannot send", detail);
        done += (size_t)n;
    }
    return ERR_OK;
}

static int receive(struct client *c, struct err_detail *detail)
{
    if (c->answer.len > ANSWER_MAX || buf_reserve(&c->answer, READ_AT_ONCE + 1) != ERR_OK)
        return fail(c, "answer too large", detail);
    errno = 0;
    ssize_t n = recv(c->fd, c->answer.data + c->answer.len, READ_AT_ONCE, 0);
    if (n <= 0)
        return fail(c, "no answer", detail);
    c->answer.len += (size_t)n;
    c->answer.data[c->answer.len] = 0; /* so that its head can be searched as text */
    return ERR_OK;
}

/* Makes sure that `len` bytes of the answer are there. */
static int need(struct client *c, size_t len, struct err_detail *detail)
{
    int rc = ERR_OK;
    while (rc == ERR_OK && c->answer.len < len)
        rc = receive(c, detail);
    return rc;
}

/* The next line from `at`; *ret_next is behind its end. */
static int line(struct client *c, size_t at, size_t *ret_next, struct err_detail *detail)
{
    for (;;) {
        const char *found =
            c->answer.len > at ? strstr((const char *)c->answer.data + at, "\r\n") : NULL;
        if (found) {
            *ret_next = (size_t)((const uint8_t *)found - c->answer.data) + 2;
            return ERR_OK;
        }
        int rc = receive(c, detail);
        if (rc != ERR_OK)
            return rc;
    }
}

/* Moves the chunks together, in place. */
static int read_chunks(struct client *c, size_t start, size_t *ret_len, struct err_detail *detail)
{
    size_t at = start, to = start, next;
    for (;;) {
        int rc = line(c, at, &next, detail);
        if (rc != ERR_OK)
            return rc;
        size_t size = strtoull((const char *)c->answer.data + at, NULL, 16);
        if (size > ANSWER_MAX)
            return fail(c, "bad chunk", detail);
        if ((rc = need(c, next + size + 2, detail)) != ERR_OK)
            return rc;
        memmove(c->answer.data + to, c->answer.data + next, size);
        to += size;
        at = next + size + 2;
        if (size == 0)
            break;
    }
    c->answer.data[to] = 0; /* there is room: a chunk's header was there */
    *ret_len = to - start;
    return ERR_OK;
}

static int read_answer(struct client *c, struct bytes *ret_body, struct err_detail *detail)
{
    size_t at = 0, next, len = 0;
    bool chunked = false;
    for (;; at = next) {
        int rc = line(c, at, &next, detail);
        if (rc != ERR_OK)
            return rc;
        const char *text = (const char *)c->answer.data + at;
        if (next == at + 2)
            break;
        if (strncasecmp(text, "content-length:", 15) == 0)
            len = strtoull(text + 15, NULL, 10);
        chunked |= strncasecmp(text, "transfer-encoding: chunked", 26) == 0;
    }
    int rc = chunked ? read_chunks(c, next, &len, detail) : need(c, next + len, detail);
    if (rc == ERR_OK)
        *ret_body = bytes_of(c->answer.data + next, len);
    return rc;
}

int client_post(struct client *c, struct bytes body, struct bytes *ret_body,
                struct err_detail *detail)
{
    int rc = c->fd >= 0 ? ERR_OK : connect_to(c, detail);
    if (rc != ERR_OK)
        return rc;
    buf_clear(&c->request);
    buf_clear(&c->answer);
    buf_append_format(&c->request,
                      "POST / HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/json\r\n"
                      "Content-Length: %zu\r\n\r\n",
                      c->host, c->port, body.len);
    buf_append_bytes(&c->request, body);
    if ((rc = buf_status(&c->request)) == ERR_OK && (rc = send_all(c, detail)) == ERR_OK)
        rc = read_answer(c, ret_body, detail);
    return rc;
}
