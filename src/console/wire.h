/* The formats that an answer comes in, read from a buffer that grows: HTTP/1.1 responses, WebSocket frames, a JSON
 * value alone. Pure: no socket. */
#ifndef CONSOLE_WIRE_H
#define CONSOLE_WIRE_H

#include "base/buf.h"

enum console_wire {
    CONSOLE_WIRE_MORE, /* not complete */
    CONSOLE_WIRE_DONE,
    CONSOLE_WIRE_BAD,
};

struct console_http {
    unsigned status;
    char reason[64];
    bool keep_alive;
    size_t used; /* bytes of the whole response */
};

enum { CONSOLE_HEAD_MAX = 64 << 10 };

/* One response at the front of `data`; its body is appended to `body` when DONE. `closed`: nothing more comes, which
 * is the end of a body without a length. */
enum console_wire console_http_read(struct console_http *ret_http, struct buf *body,
                                    struct bytes data, bool closed);

enum console_frame_kind {
    CONSOLE_FRAME_CONTINUED = 0,
    CONSOLE_FRAME_TEXT = 1,
    CONSOLE_FRAME_BINARY = 2,
    CONSOLE_FRAME_CLOSE = 8,
    CONSOLE_FRAME_PING = 9,
    CONSOLE_FRAME_PONG = 10,
};

struct console_frame {
    unsigned kind;
    bool final;
    struct bytes payload; /* within `data` */
    size_t used;
};

/* One frame from a server (RFC 6455, section 5.2): never masked. BAD also when it is over CONSOLE_ANSWER_MAX. */
enum console_wire console_frame_read(struct console_frame *ret_frame, struct bytes data);
/* Appends a frame of a client with this mask. */
void console_frame_write(struct buf *b, enum console_frame_kind kind, struct bytes payload,
                         const uint8_t mask[4]);
/* The header Sec-WebSocket-Accept for a key. */
void console_ws_accept(char ret_text[32], const char *key);

/* How far the first JSON value of `data` reaches; scanning goes on where it stopped. Zeroed before the first call. */
struct console_scan {
    size_t at, depth;
    bool in_string, escaped;
};
enum console_wire console_json_end(struct console_scan *scan, struct bytes data);

#endif
