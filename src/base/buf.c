#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

void buf_init(struct buf *b)
{
    *b = (struct buf)BUF_INIT;
}

void buf_release(struct buf *b)
{
    mem_free(b->data);
    buf_init(b);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->status = ERR_OK;
}

int buf_reserve(struct buf *b, size_t len)
{
    if (b->status)
        return b->status;
    if (len <= b->capacity - b->len)
        return ERR_OK;
    if (len > SIZE_MAX / 2 - b->len)
        return b->status = ERR_LIMIT;
    size_t want = b->len + len;
    size_t capacity = b->capacity ? b->capacity : 64;
    while (capacity < want)
        capacity *= 2;
    uint8_t *data = mem_realloc(b->data, capacity);
    if (!data)
        return b->status = ERR_NOMEM;
    b->data = data;
    b->capacity = capacity;
    return ERR_OK;
}

uint8_t *buf_extend(struct buf *b, size_t len)
{
    if (buf_reserve(b, len) != ERR_OK)
        return NULL;
    /* Nothing may be asked of an empty buffer: NULL then, and no arithmetic on it. */
    uint8_t *at = b->data ? b->data + b->len : NULL;
    b->len += len;
    return at;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    uint8_t *at = buf_extend(b, len);
    if (at)
        memcpy(at, data, len);
}

void buf_append_bytes(struct buf *b, struct bytes data)
{
    buf_append(b, data.data, data.len);
}

void buf_append_byte(struct buf *b, uint8_t byte)
{
    buf_append(b, &byte, 1);
}

void buf_append_text(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_append_format(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n > 0 && buf_reserve(b, (size_t)n + 1) == ERR_OK) {
        vsnprintf((char *)b->data + b->len, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

const char *buf_text(struct buf *b)
{
    if (buf_reserve(b, 1) != ERR_OK)
        return "";
    b->data[b->len] = 0;
    return (const char *)b->data;
}
