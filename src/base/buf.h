/*
 * Owned bytes that grow. An append that fails marks the buffer and leaves its content; later
 * appends do nothing, so that a writer checks once, at the end, with buf_status.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/bytes.h"
#include "base/error.h"

struct buf {
    uint8_t *data;
    size_t len;
    size_t capacity;
    int status; /* 0, or the first failure */
};

#define BUF_INIT {NULL, 0, 0, 0}

void buf_init(struct buf *b);
/* Frees the content; the buffer is empty and usable again. */
void buf_release(struct buf *b);
/* Empty, keeping the memory, and clears the failure mark. */
void buf_clear(struct buf *b);

void buf_append(struct buf *b, const void *data, size_t len);
void buf_append_bytes(struct buf *b, struct bytes data);
void buf_append_byte(struct buf *b, uint8_t byte);
void buf_append_text(struct buf *b, const char *text);
void buf_append_format(struct buf *b, const char *format, ...) BASE_PRINTF(2, 3);
/* Room for `len` more bytes at the end, counted as content already; NULL when out of memory. Valid
 * until the next append. */
uint8_t *buf_extend(struct buf *b, size_t len);
/* Makes sure that `len` more bytes fit. */
int buf_reserve(struct buf *b, size_t len) BASE_NODISCARD;

static inline int buf_status(const struct buf *b)
{
    return b->status;
}

/* Borrowed view, valid until the next append or release. */
static inline struct bytes buf_bytes(const struct buf *b)
{
    return bytes_of(b->data, b->len);
}

/* The content as a C string (an end mark is put behind it, not counted), "" when out of memory. */
const char *buf_text(struct buf *b);

#endif
