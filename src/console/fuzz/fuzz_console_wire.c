/* What a server sends: HTTP responses, WebSocket frames, JSON; in two parts, cut anywhere, as from a socket. */
#include "console/wire.h"

#include "base/fuzz/fuzz.h"
#include "console/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct bytes all = bytes_of(data + 2, size - 2);
    size_t cut = all.len ? data[0] % (all.len + 1) : 0;
    bool closed = data[1] & 1;
    struct console_http http = {0};
    struct console_frame frame;
    struct console_scan whole = {0}, parts = {0};
    struct buf body = BUF_INIT;

    enum console_wire got = console_http_read(&http, &body, all, closed);
    if (got == CONSOLE_WIRE_DONE) {
        assert(http.used <= all.len && body.len <= all.len);
    } else {
        assert(got == CONSOLE_WIRE_BAD || body.len == 0);
    }
    buf_release(&body);

    if (console_frame_read(&frame, all) == CONSOLE_WIRE_DONE)
        assert(frame.used <= all.len && frame.payload.len < frame.used);

    /* A value ends at the same place whether it comes at once or in parts. */
    enum console_wire once = console_json_end(&whole, all);
    enum console_wire twice = console_json_end(&parts, bytes_slice(all, 0, cut));
    if (twice == CONSOLE_WIRE_MORE)
        twice = console_json_end(&parts, all);
    assert(once == twice && (once != CONSOLE_WIRE_DONE || whole.at == parts.at));
    return 0;
}
