/* A stream on its way from one loop to another: what is left of it when the first has let go of it. */
#ifndef IO_PARCEL_H
#define IO_PARCEL_H

#include "io/mailbox.h"
#include "io/stream.h"

struct io_tls_session;

struct io_parcel {
    int fd;
    bool is_pipe;
    struct io_tls_session *tls; /* NULL: none */
    struct buf out;             /* written, and not sent yet */
    struct io_address peer, local;
};

/* Takes an open stream from its owner, who hears nothing more of it. False: something of it is under way to the system, or there are no more
 * descriptors; the stream is as it was. */
bool io_stream_pack(struct io_stream *stream, struct io_parcel *ret_parcel) BASE_NODISCARD;
/* On the thread of `loop`: a stream again, to be taken with io_stream_accept or closed. The parcel is empty afterwards. ERR_NOMEM, ERR_IO. */
int io_parcel_open(struct io_stream **ret_stream, struct io_loop *loop,
                   struct io_parcel *parcel) BASE_NODISCARD;
/* Closes it. */
void io_parcel_drop(struct io_parcel *parcel);

/* Packs a stream, and sends it with bytes that have been read of it already, whose buffer is left empty. False: it cannot be packed, or there is no memory;
 * all is as it was. */
bool io_stream_send(struct io_stream *stream, struct io_mailbox *to,
                    struct buf *bytes) BASE_NODISCARD;
/* Inside the mailbox's function: what came. The bytes are the caller's to release, also when it fails as io_parcel_open does. */
int io_stream_receive(struct io_stream **ret_stream, struct buf *ret_bytes, struct io_loop *loop,
                      struct io_mail *mail) BASE_NODISCARD;
/* Likewise: closes it. */
void io_stream_refuse(struct io_mail *mail);

#endif
