#include "io/tls_internal.h"

#include "base/mem.h"

#include <openssl/err.h>

struct io_tls_session {
    struct io_tls *tls;
    SSL *ssl;
    BIO *in, *out; /* owned by `ssl` */
};

int io_tls_session_new(struct io_tls_session **ret_session, struct io_tls *tls)
{
    assert(tls->server);
    struct io_tls_session *session = mem_alloc_zeroed(1, sizeof(*session));
    if (!session)
        return ERR_NOMEM;
    session->ssl = SSL_new(tls->server);
    session->in = BIO_new(BIO_s_mem());
    session->out = BIO_new(BIO_s_mem());
    if (!session->ssl || !session->in || !session->out) {
        SSL_free(session->ssl);
        BIO_free(session->in);
        BIO_free(session->out);
        mem_free(session);
        return ERR_NOMEM;
    }
    BIO_set_mem_eof_return(session->in, -1); /* empty: more may come */
    SSL_set_bio(session->ssl, session->in, session->out);
    SSL_set_accept_state(session->ssl);
    session->tls = io_tls_keep(tls);
    *ret_session = session;
    return 0;
}

void io_tls_session_free(struct io_tls_session *session)
{
    if (!session)
        return;
    SSL_free(session->ssl);
    io_tls_free(session->tls);
    mem_free(session);
}

bool io_tls_session_feed(struct io_tls_session *session, struct bytes wire)
{
    return BIO_write(session->in, wire.data, (int)wire.len) == (int)wire.len;
}

static enum io_tls_state state_of(struct io_tls_session *session, int result)
{
    int fault = SSL_get_error(session->ssl, result);
    ERR_clear_error();
    switch (fault) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return IO_TLS_GOES_ON;
    case SSL_ERROR_ZERO_RETURN:
        return IO_TLS_ENDED;
    default:
        return IO_TLS_FAILED;
    }
}

enum io_tls_state io_tls_session_read(size_t *ret_len, struct io_tls_session *session,
                                      uint8_t *ret_data, size_t len)
{
    *ret_len = 0;
    ERR_clear_error();
    int result = SSL_read_ex(session->ssl, ret_data, len, ret_len);
    return result > 0 ? IO_TLS_GOES_ON : state_of(session, result);
}

enum io_tls_state io_tls_session_write(struct io_tls_session *session, struct buf *plain,
                                       struct buf *wire)
{
    enum io_tls_state state = IO_TLS_GOES_ON;
    size_t sent = 0;
    io_tls_session_collect(session, wire);
    while (sent < plain->len && state == IO_TLS_GOES_ON && SSL_is_init_finished(session->ssl)) {
        size_t len = plain->len - sent, written = 0;
        ERR_clear_error();
        /* A memory BIO takes everything, keeps the memory for it, and clears that each time it is emptied. */
        int result = SSL_write_ex(session->ssl, plain->data + sent,
                                  len < IO_TLS_PIECE ? len : IO_TLS_PIECE, &written);
        if (result <= 0)
            state = state_of(session, result);
        sent += written;
        io_tls_session_collect(session, wire);
        if (result <= 0 && state == IO_TLS_GOES_ON)
            break;
    }
    if (sent) {
        memmove(plain->data, plain->data + sent, plain->len - sent);
        plain->len -= sent;
    }
    return state == IO_TLS_GOES_ON ? IO_TLS_GOES_ON : IO_TLS_FAILED;
}

size_t io_tls_session_unsent(const struct io_tls_session *session)
{
    return BIO_ctrl_pending(session->out);
}

void io_tls_session_finish(struct io_tls_session *session)
{
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
}

void io_tls_session_collect(struct io_tls_session *session, struct buf *wire)
{
    char *data = NULL;
    long len = BIO_get_mem_data(session->out, &data);
    if (len <= 0)
        return;
    buf_append(wire, data, (size_t)len);
    (void)BIO_reset(session->out);
}

bool io_tls_session_pending(const struct io_tls_session *session)
{
    return BIO_pending(session->in) > 0 || SSL_pending(session->ssl) > 0;
}
