/*
 * The frames of WebSocket (RFC 6455), and its opening handshake. Pure: bytes in, messages out. websocket.h puts it
 * on a stream.
 */
#ifndef IO_WEBSOCKET_FRAME_H
#define IO_WEBSOCKET_FRAME_H

#include "base/buf.h"
#include "io/http_head.h"

enum {
    IO_WEBSOCKET_CONTROL_MAX = 125, /* bytes of a control frame's payload (section 5.5) */
    IO_WEBSOCKET_HEADER_MAX = 14,
    IO_WEBSOCKET_KEY_LEN = 24,    /* of Sec-WebSocket-Key */
    IO_WEBSOCKET_ACCEPT_LEN = 28, /* of Sec-WebSocket-Accept */
    IO_WEBSOCKET_MASKED = 0x80,
    /* Empty or tiny fragments cost more than they carry: a message of n fragments is held to be an attack above this. */
    IO_WEBSOCKET_FRAGMENTS_MAX = 65536,
};

enum io_websocket_opcode {
    IO_WEBSOCKET_CONTINUATION = 0,
    IO_WEBSOCKET_TEXT = 1,
    IO_WEBSOCKET_BINARY = 2,
    IO_WEBSOCKET_CLOSE = 8,
    IO_WEBSOCKET_PING = 9,
    IO_WEBSOCKET_PONG = 10,
};

/* Section 7.4.1. */
enum io_websocket_code {
    IO_WEBSOCKET_NORMAL = 1000,
    IO_WEBSOCKET_GOING_AWAY = 1001,
    IO_WEBSOCKET_PROTOCOL_ERROR = 1002,
    IO_WEBSOCKET_NO_CODE = 1005, /* never sent: a close frame without a code */
    IO_WEBSOCKET_INVALID_UTF8 = 1007,
    IO_WEBSOCKET_TOO_BIG = 1009,
    IO_WEBSOCKET_TRY_LATER = 1013, /* of the registry that section 11.7 begins */
};

enum io_websocket_event {
    IO_WEBSOCKET_MORE,    /* all bytes are taken */
    IO_WEBSOCKET_MESSAGE, /* a message is complete */
    IO_WEBSOCKET_CONTROL, /* a control frame: control_opcode, control */
    IO_WEBSOCKET_WRONG,   /* `code` says why; nothing more may be read */
};

/* Reads what one side sends. */
struct io_websocket_reader {
    bool from_client; /* whose frames must be masked (section 5.1) */
    size_t message_max;
    uint8_t header[IO_WEBSOCKET_HEADER_MAX];
    uint8_t header_len, header_want;
    bool in_payload;
    uint8_t opcode; /* of the frame under way */
    bool last;      /* it ends its message */
    uint8_t mask[4];
    uint64_t left;          /* of its payload */
    uint64_t done;          /* of its payload, for the mask */
    uint8_t message_opcode; /* 0: none is under way */
    uint32_t fragments;
    uint8_t utf8; /* where in a character the text stands */
    uint8_t control[IO_WEBSOCKET_CONTROL_MAX];
    uint8_t control_len;
    enum io_websocket_opcode control_opcode;
    uint16_t code; /* of WRONG; and of a close frame, NO_CODE without one */
};

void io_websocket_reader_init(struct io_websocket_reader *reader, bool from_client,
                              size_t message_max);
/*
 * Takes bytes up to the next event; *ret_used tells how many. Payloads of data frames are appended to `message`,
 * unmasked; with MESSAGE it is whole, and the caller takes or clears it. Failures of `message` stay in it.
 */
enum io_websocket_event io_websocket_read(struct io_websocket_reader *reader, struct buf *message,
                                          size_t *ret_used, struct bytes data);

/* The header of a frame that is not masked and ends its message; returns its length. A client says MASKED in its second byte,
 * and puts the mask behind it. */
size_t io_websocket_header(uint8_t ret_header[IO_WEBSOCKET_HEADER_MAX],
                           enum io_websocket_opcode opcode, uint64_t len);

/* Whether a request asks for WebSocket, well or badly. */
bool io_websocket_is_wanted(const struct io_http_head *head);
/*
 * Checks the opening handshake (section 4.2.1); writes the answer's Sec-WebSocket-Accept with its end mark. Returns
 * 101, or the status to refuse it with: 405 (no GET) or 400.
 */
unsigned io_websocket_handshake(char ret_accept[IO_WEBSOCKET_ACCEPT_LEN + 1],
                                const struct io_http_head *head);
/* A client's end of it (section 4.1): what must stand in the answer to its key. */
void io_websocket_accept(char ret_accept[IO_WEBSOCKET_ACCEPT_LEN + 1],
                         const char key[IO_WEBSOCKET_KEY_LEN]);
/* Whether the answer agrees to WebSocket by that, and to nothing that was not asked for. */
bool io_websocket_is_accepted(const struct io_http_head *head, unsigned status, const char *accept);

#endif
