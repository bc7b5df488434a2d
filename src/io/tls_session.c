#include "io/tls_internal.h"

#include "base/mem.h"
#include "io/address.h"

#include <openssl/err.h>
#include <stdio.h>

struct io_tls_session {
    struct io_tls *tls;
    SSL *ssl;
    BIO *in, *out; /* owned by `ssl` */
    /* A client's. */
    struct io_tls_check check;
    char host[IO_HOST_MAX + 1];
};

static struct io_tls_session *make(struct io_tls *tls)
{
    struct io_tls_session *session = mem_alloc_zeroed(1, sizeof(*session));
    if (session)
        session->tls = io_tls_keep(tls);
    return session;
}

static int attach(struct io_tls_session *session, SSL_CTX *context)
{
    session->ssl = SSL_new(context);
    session->in = BIO_new(BIO_s_mem());
    session->out = BIO_new(BIO_s_mem());
    if (!session->ssl || !session->in || !session->out) {
        BIO_free(session->in);
        BIO_free(session->out);
        return ERR_NOMEM;
    }
    BIO_set_mem_eof_return(session->in, -1); /* empty: more may come */
    SSL_set_bio(session->ssl, session->in, session->out);
    return 0;
}

static int finish_making(struct io_tls_session **ret_session, struct io_tls_session *session,
                         int status)
{
    if (status == 0)
        *ret_session = session;
    else
        io_tls_session_free(session);
    return status;
}

int io_tls_session_new(struct io_tls_session **ret_session, struct io_tls *tls)
{
    assert(tls->server);
    struct io_tls_session *session = make(tls);
    if (!session)
        return ERR_NOMEM;
    int status = attach(session, tls->server);
    if (status == 0)
        SSL_set_accept_state(session->ssl);
    return finish_making(ret_session, session, status);
}

/* The name for the other side to choose its certificate by, and for ours to find in it. */
static bool name_host(struct io_tls_session *session, const char *host)
{
    struct io_address address;
    X509_VERIFY_PARAM *param = SSL_get0_param(session->ssl);
    snprintf(session->host, sizeof(session->host), "%s", host);
    session->check.host = session->host;
    bool is_ip = io_address_parse_ip(&address, host);
    if (!is_ip && SSL_set_tlsext_host_name(session->ssl, host) != 1)
        return false;
    if (session->tls->any_host)
        return true;
    return (is_ip ? X509_VERIFY_PARAM_set1_ip_asc(param, host)
                  : X509_VERIFY_PARAM_set1_host(param, host, 0)) == 1;
}

static int begin(struct io_tls_session *session, SSL_CTX *context, const char *host)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (!io_tls_apply(session->tls, context, &session->check))
        return ERR_CRYPTO;
    int status = attach(session, context);
    if (status == 0 && !name_host(session, host))
        status = ERR_CRYPTO;
    if (status == 0) {
        SSL_set_connect_state(session->ssl);
        (void)SSL_do_handshake(session->ssl); /* up to where it wants an answer */
        ERR_clear_error();
    }
    return status;
}

int io_tls_session_dial(struct io_tls_session **ret_session, struct io_tls *tls, const char *host)
{
    struct io_tls_session *session = make(tls);
    if (!session)
        return ERR_NOMEM;
    session->check = (struct io_tls_check){.tls = tls};
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int status = context ? begin(session, context, host) : ERR_NOMEM;
    SSL_CTX_free(context); /* the SSL has its own reference */
    ERR_clear_error();
    return finish_making(ret_session, session, status);
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
    unsigned long code = fault == SSL_ERROR_SSL ? ERR_peek_last_error() : 0;
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    if (reason && !session->check.detail.text[0]) /* else it says why a certificate is refused */
        (void)err_set(&session->check.detail, ERR_CRYPTO, "TLS failed: %s", reason);
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

const char *io_tls_session_fault(const struct io_tls_session *session)
{
    return session->check.detail.text[0] ? session->check.detail.text : "TLS failed";
}

bool io_tls_session_pending(const struct io_tls_session *session)
{
    return BIO_pending(session->in) > 0 || SSL_pending(session->ssl) > 0;
}
