/* Any bytes as the frames of a client, and of a server: the same messages, control frames and faults come out whether they are fed at once or in
 * pieces; no message is larger than what is allowed; what was read can be written and is read the same. And as the head of a server's answer, which never agrees by chance. */
#include "io/websocket_frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGE_MAX = 4096 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* All events as bytes. */
static void read_all(struct buf *events, struct bytes input, size_t piece, bool from_client)
{
    struct io_websocket_reader reader;
    struct buf message = BUF_INIT;
    io_websocket_reader_init(&reader, from_client, MESSAGE_MAX);
    size_t at = 0;
    while (at < input.len) {
        size_t used, len = input.len - at < piece ? input.len - at : piece;
        enum io_websocket_event event =
            io_websocket_read(&reader, &message, &used, bytes_slice(input, at, len));
        require(used <= len && message.len <= MESSAGE_MAX);
        require(event != IO_WEBSOCKET_MORE || used == len);
        at += used;
        if (event == IO_WEBSOCKET_MORE)
            continue;
        buf_append_byte(events, (uint8_t)event);
        if (event == IO_WEBSOCKET_MESSAGE) {
            buf_append_bytes(events, buf_bytes(&message));
            buf_clear(&message);
        } else if (event == IO_WEBSOCKET_CONTROL) {
            require(reader.control_len <= IO_WEBSOCKET_CONTROL_MAX);
            buf_append_byte(events, (uint8_t)reader.control_opcode);
            buf_append(events, reader.control, reader.control_len);
        } else {
            buf_append_format(events, "%u", reader.code);
            break;
        }
    }
    buf_release(&message);
}

static void write_and_read(struct bytes payload)
{
    uint8_t header[IO_WEBSOCKET_HEADER_MAX];
    struct io_websocket_reader reader;
    struct buf wire = BUF_INIT, message = BUF_INIT;
    size_t used;
    buf_append(&wire, header, io_websocket_header(header, IO_WEBSOCKET_BINARY, payload.len));
    buf_append_bytes(&wire, payload);
    io_websocket_reader_init(&reader, false, SIZE_MAX);
    require(io_websocket_read(&reader, &message, &used, buf_bytes(&wire)) == IO_WEBSOCKET_MESSAGE);
    require(used == wire.len && bytes_equal(buf_bytes(&message), payload));
    buf_release(&wire);
    buf_release(&message);
}

static void read_in_pieces(struct bytes input, bool from_client)
{
    struct buf whole = BUF_INIT, pieces = BUF_INIT, threes = BUF_INIT;
    read_all(&whole, input, SIZE_MAX, from_client);
    read_all(&pieces, input, 1, from_client);
    read_all(&threes, input, 3, from_client);
    require(bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)));
    require(bytes_equal(buf_bytes(&whole), buf_bytes(&threes)));
    buf_release(&whole);
    buf_release(&pieces);
    buf_release(&threes);
}

static void read_answer(struct bytes input)
{
    struct io_http_head head;
    unsigned status = 0;
    char accept[IO_WEBSOCKET_ACCEPT_LEN + 1];
    /* A key that no corpus has an answer to. */
    io_websocket_accept(accept, "AAAAAAAAAAAAAAAAAAAAAA==");
    if (io_http_reply_head_read(&head, &status, input) != IO_HTTP_OK)
        return;
    require(status < 1000 && head.field_count <= IO_HTTP_FIELDS_MAX);
    require(!io_websocket_is_accepted(&head, status, accept));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    read_in_pieces(input, true);
    read_in_pieces(input, false);
    read_answer(input);
    write_and_read(input);
    return 0;
}
