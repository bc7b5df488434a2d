#include "io/parcel.h"

#include "base/list.h"
#include "base/mem.h"
#include "io/stream_internal.h"

#include <fcntl.h>
#include <unistd.h>

bool io_stream_pack(struct io_stream *stream, struct io_parcel *ret_parcel)
{
    uv_os_fd_t fd;
    if (stream->dead || stream->finishing || stream->broken || stream->writing ||
        stream->wire.len || !stream->open || uv_fileno(&stream->uv.handle, &fd) < 0)
        return false;
    if (stream->tail.len) {
        buf_append_bytes(&stream->out, buf_bytes(&stream->tail));
        buf_release(&stream->tail);
    }
    int copy = buf_status(&stream->out) ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return false;
    *ret_parcel = (struct io_parcel){.fd = copy,
                                     .is_pipe = stream->uv.handle.type == UV_NAMED_PIPE,
                                     .tls = stream->tls,
                                     .out = stream->out,
                                     .peer = stream->peer,
                                     .local = stream->local};
    buf_init(&stream->out);
    stream->tls = NULL;
    io_stream_close(stream);
    return true;
}

int io_parcel_open(struct io_stream **ret_stream, struct io_loop *loop, struct io_parcel *parcel)
{
    struct io_stream *stream = io_stream_make(loop, parcel->is_pipe);
    if (!stream) {
        io_parcel_drop(parcel);
        return ERR_NOMEM;
    }
    int status = parcel->is_pipe ? uv_pipe_open(&stream->uv.pipe, parcel->fd)
                                 : uv_tcp_open(&stream->uv.tcp, parcel->fd);
    if (status < 0) {
        io_stream_close(stream);
        io_parcel_drop(parcel);
        return ERR_IO;
    }
    stream->open = true;
    stream->tls = parcel->tls;
    stream->out = parcel->out;
    stream->peer = parcel->peer;
    stream->local = parcel->local;
    io_stream_wake(stream);
    parcel->fd = -1;
    parcel->tls = NULL;
    buf_init(&parcel->out);
    *ret_stream = stream;
    return 0;
}

void io_parcel_drop(struct io_parcel *parcel)
{
    if (parcel->fd >= 0)
        close(parcel->fd);
    io_tls_session_free(parcel->tls);
    buf_release(&parcel->out);
    *parcel = (struct io_parcel){.fd = -1};
}

/* --- With bytes --- */

struct letter {
    struct io_mail mail;
    struct io_parcel parcel;
    struct buf bytes;
};

bool io_stream_send(struct io_stream *stream, struct io_mailbox *to, struct buf *bytes)
{
    struct letter *letter = buf_status(bytes) ? NULL : mem_alloc(sizeof(*letter));
    if (!letter || !io_stream_pack(stream, &letter->parcel)) {
        mem_free(letter);
        return false;
    }
    letter->bytes = *bytes;
    buf_init(bytes);
    io_mailbox_send(to, &letter->mail);
    return true;
}

int io_stream_receive(struct io_stream **ret_stream, struct buf *ret_bytes, struct io_loop *loop,
                      struct io_mail *mail)
{
    struct letter *letter = LIST_OWNER(mail, struct letter, mail);
    struct io_parcel parcel = letter->parcel;
    *ret_bytes = letter->bytes;
    mem_free(letter);
    return io_parcel_open(ret_stream, loop, &parcel);
}

void io_stream_refuse(struct io_mail *mail)
{
    struct letter *letter = LIST_OWNER(mail, struct letter, mail);
    io_parcel_drop(&letter->parcel);
    buf_release(&letter->bytes);
    mem_free(letter);
}
