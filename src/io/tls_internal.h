/* What tls.c gives to tls_session.c and http_client.c, and that to stream.c. Not for other libraries. */
#ifndef IO_TLS_INTERNAL_H
#define IO_TLS_INTERNAL_H

#include "base/buf.h"
#include "io/tls.h"

#include <openssl/ssl.h>

/* A judgement under way: an argument of the context that io_tls_apply was called for. */
struct io_tls_check {
    const struct io_tls *tls;
    const char *host;
    struct err_detail detail; /* of a refusal; not written when `shared` */
    bool shared;              /* by many connections */
};

struct io_tls {
    unsigned owners;
    bool any_host;
    io_tls_judge_fn *judge;
    void *context;
    char *ciphers; /* OpenSSL's list for TLS 1.2; NULL: its default */
    char *suites;  /* of TLS 1.3, "": none of them; NULL: OpenSSL's default */
    X509 *certificate;
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
    X509_STORE *authorities;
    SSL_CTX *server; /* NULL at clients */
    struct io_tls_check check;
};

/* Certificate, authorities, judge and ciphers for a context of either side; `check` outlives its handshakes. False:
 * out of memory, or OpenSSL refuses. */
bool io_tls_apply(const struct io_tls *tls, SSL_CTX *context, struct io_tls_check *check);

/*
 * One connection's TLS at either end, without its socket: bytes of the wire in, plain ones out, and the reverse.
 */
struct io_tls_session;

int io_tls_session_new(struct io_tls_session **ret_session, struct io_tls *tls) BASE_NODISCARD;
/* A client's with `host`, a name or an IP that the certificate must have; its first words are there to be collected.
 * ERR_NOMEM, ERR_CRYPTO. */
int io_tls_session_dial(struct io_tls_session **ret_session, struct io_tls *tls,
                        const char *host) BASE_NODISCARD;
void io_tls_session_free(struct io_tls_session *session);

enum { IO_TLS_PIECE = 16 * 1024 }; /* bytes; a record has as many */

enum io_tls_state {
    IO_TLS_GOES_ON,
    IO_TLS_ENDED,  /* the other side says that nothing more comes; it may still read */
    IO_TLS_FAILED, /* or has no memory; the wire may hold a last alert */
};

/* What came by the wire; a piece at a time, so that it keeps memory for no more; a read of the stream at most, and only when all before has been read. */
bool io_tls_session_feed(struct io_tls_session *session, struct bytes wire);
/* Plain bytes; *ret_len is 0 when more of the wire is needed. */
enum io_tls_state io_tls_session_read(size_t *ret_len, struct io_tls_session *session,
                                      uint8_t *ret_data, size_t len);
/* Takes what can be sent from the front of `plain`, nothing before the handshake is done, and moves it and all else that is to be sent to `wire`, whose
 * status tells a failure. */
enum io_tls_state io_tls_session_write(struct io_tls_session *session, struct buf *plain,
                                       struct buf *wire);
/* Bytes that wait to be moved. */
size_t io_tls_session_unsent(const struct io_tls_session *session);
/* The last word. */
void io_tls_session_finish(struct io_tls_session *session);
/* Moves what is to be sent without being written. */
void io_tls_session_collect(struct io_tls_session *session, struct buf *wire);
/* Why it FAILED, in words, as long as the session. */
const char *io_tls_session_fault(const struct io_tls_session *session);
/* Whether a read could give something without more of the wire. */
bool io_tls_session_pending(const struct io_tls_session *session);

#endif
