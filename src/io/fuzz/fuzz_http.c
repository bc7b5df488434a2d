/* Any bytes as a request's head, and as a body in chunks: what is accepted is inside the input, means the same when it is
 * written again, and a body comes out the same whether it is fed at once or in pieces. */
#include "io/http_head.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_inside(struct bytes part, struct bytes whole)
{
    require(part.len == 0 ||
            (part.data >= whole.data && part.data + part.len <= whole.data + whole.len));
}

static void write_head(struct buf *b, const struct io_http_head *h)
{
    buf_append_bytes(b, h->method);
    buf_append_byte(b, ' ');
    buf_append_bytes(b, h->target);
    buf_append_format(b, " HTTP/1.%u\r\n", h->minor);
    for (size_t i = 0; i < h->field_count; i++) {
        buf_append_bytes(b, h->fields[i].name);
        buf_append_text(b, ": ");
        buf_append_bytes(b, h->fields[i].value);
        buf_append_text(b, "\r\n");
    }
    buf_append_text(b, "\r\n");
}

static void try_head(struct bytes input)
{
    struct io_http_head h, again;
    size_t len = io_http_head_length(input, 0);
    require(len <= input.len);
    if (!len || io_http_head_read(&h, bytes_slice(input, 0, len)) != IO_HTTP_OK)
        return;
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < h.field_count; i++) {
        require_inside(h.fields[i].name, input);
        require_inside(h.fields[i].value, input);
    }
    write_head(&b, &h);
    /* Bare line feeds and lost spaces may make it longer than what is allowed. */
    if (b.len <= IO_HTTP_HEAD_MAX) {
        require(io_http_head_read(&again, buf_bytes(&b)) == IO_HTTP_OK);
        require(again.field_count == h.field_count && again.chunked == h.chunked &&
                again.body_length == h.body_length && again.keep_alive == h.keep_alive &&
                bytes_equal(again.target, h.target));
    }
    buf_release(&b);
}

static enum io_http_verdict feed(struct bytes input, struct buf *body, size_t piece,
                                 size_t *ret_used)
{
    struct io_http_chunks chunks;
    enum io_http_verdict verdict = IO_HTTP_MORE;
    *ret_used = 0;
    io_http_chunks_init(&chunks);
    while (verdict == IO_HTTP_MORE && *ret_used < input.len) {
        size_t used, left = input.len - *ret_used;
        verdict = io_http_chunks_feed(
            &chunks, body, &used, bytes_slice(input, *ret_used, left < piece ? left : piece), 4096);
        *ret_used += used;
    }
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct buf whole = BUF_INIT, pieces = BUF_INIT;
    size_t used_whole, used_pieces;
    try_head(input);
    enum io_http_verdict verdict = feed(input, &whole, SIZE_MAX, &used_whole);
    require(verdict == feed(input, &pieces, 1, &used_pieces));
    require(used_whole == used_pieces && whole.len <= 4096);
    require(bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)));
    buf_release(&whole);
    buf_release(&pieces);
    return 0;
}
