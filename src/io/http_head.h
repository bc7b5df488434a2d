/*
 * The head of an HTTP/1.x request or answer, and bodies in chunks (RFC 9112, sections 2 to 7). Pure: bytes in, spans out.
 *
 * Strict where requests could be smuggled past something that reads them differently: one length only, no
 * folded lines, no space before a colon. Lines may end in LF alone, as section 2.2 allows.
 */
#ifndef IO_HTTP_HEAD_H
#define IO_HTTP_HEAD_H

#include "base/buf.h"

enum {
    /* A browser's cookies and a bearer token fit several times; Go's default is 1 MiB, which nobody needs. */
    IO_HTTP_HEAD_MAX = 64 * 1024,
    IO_HTTP_FIELDS_MAX = 64, /* browsers send about 20 */
};

struct io_http_pair {
    struct bytes name;  /* as it was sent */
    struct bytes value; /* without spaces around it */
};

struct io_http_head {
    struct bytes method;
    struct bytes target;
    unsigned minor; /* of HTTP/1.minor, 0 or 1 */
    struct io_http_pair fields[IO_HTTP_FIELDS_MAX];
    size_t field_count;

    bool chunked;
    bool has_length;
    uint64_t body_length; /* Content-Length; 0 without one */
    bool keep_alive;
    bool expects_continue; /* wants "100 Continue" before it sends the body */
};

/* One to write. */
struct io_http_field {
    const char *name;
    const char *value;
};

/* X(NAME, status, "text") */
#define IO_HTTP_VERDICT_LIST(X)                                                                    \
    X(OK, 200, "ok")                                                                               \
    X(MORE, 0, "the head is not complete")                                                         \
    X(BAD, 400, "malformed HTTP request")                                                          \
    X(NO_HOST, 400, "missing required Host header")                                                \
    X(BAD_LENGTH, 400, "bad or contradictory length of the body")                                  \
    X(TOO_LARGE, 431, "the head of the request is too large")                                      \
    X(BAD_ENCODING, 501, "unsupported transfer encoding")                                          \
    X(BAD_VERSION, 505, "unsupported HTTP version")

enum io_http_verdict {
#define X(name, status, text) IO_HTTP_##name,
    IO_HTTP_VERDICT_LIST(X)
#undef X
};

unsigned io_http_verdict_status(enum io_http_verdict verdict);
const char *io_http_verdict_text(enum io_http_verdict verdict);

/* Whether a request may begin so: TLS, and other languages, do not. */
bool io_http_may_begin(uint8_t first);
/* The length of the head that `data` begins with, its empty line included; 0 when it is not complete. Looks at
 * data from `from` on, so that pieces are looked at once: pass the length there was at the last call. */
size_t io_http_head_length(struct bytes data, size_t from);

/* Reads a head that is exactly `data`. Spans borrow it. Anything but OK leaves *ret_head undefined. */
enum io_http_verdict io_http_head_read(struct io_http_head *ret_head, struct bytes data);

/* The same of an answer: its status, and fields, of which none is looked at (body_length and what follows are 0). */
enum io_http_verdict io_http_reply_head_read(struct io_http_head *ret_head, unsigned *ret_status,
                                             struct bytes data);

/* The value of a field by its name, in any case; the first one. NULL when there is none. */
const struct bytes *io_http_head_field(const struct io_http_head *head, const char *name);
/* Whether a and b are the same but for the case of ASCII letters. */
bool io_http_same_name(struct bytes a, const char *b);

/* A body in chunks, fed in pieces of any size. Extensions and trailers are read over. */
struct io_http_chunks {
    unsigned state;
    uint64_t left;  /* bytes of the chunk under way */
    unsigned count; /* digits of its size, or bytes of the line under way */
    unsigned extra; /* bytes of sizes' lines that are more than fair */
};

void io_http_chunks_init(struct io_http_chunks *chunks);
/* Takes bytes up to the end of the body, appends content to `body`, and tells in *ret_used how many it took. OK:
 * the body is complete; MORE; BAD; TOO_LARGE when the body would exceed body_max. Failures of `body` stay in it. */
enum io_http_verdict io_http_chunks_feed(struct io_http_chunks *chunks, struct buf *body,
                                         size_t *ret_used, struct bytes data, size_t body_max);

#endif
