#include "console/text.h"

enum {
    BAD = 0xfffd, /* what stands for that which cannot be shown */
    HIGH = 0xd800,
    LOW = 0xdc00,
    PAIRS_END = 0xe000,
};

static void put(struct buf *b, uint32_t c)
{
    if (c < 0x80) {
        buf_append_byte(b, (uint8_t)c);
        return;
    }
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
    buf_append_byte(b, (uint8_t)(first[more] | c >> 6 * more));
    while (more--)
        buf_append_byte(b, (uint8_t)(0x80 | (c >> 6 * more & 0x3f)));
}

/* One character at the beginning of `text`, which has one byte at least; halves of pairs are let through. Returns its length; 0: it
 * is none. */
static size_t take(uint32_t *ret_c, struct bytes text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint8_t b = text.data[0];
    size_t more = b < 0x80 ? 0 : b >= 0xc2 && b < 0xe0 ? 1 : b >= 0xe0 && b < 0xf0 ? 2 : 3;
    uint32_t c = more == 0 ? b : b & (0x3fu >> more);
    if (b >= 0x80 && (b < 0xc2 || b > 0xf4))
        return 0;
    if (text.len <= more)
        return 0;
    for (size_t i = 1; i <= more; i++) {
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (text.data[i] & 0x3f);
    }
    if (c < least[more] || c > 0x10ffff)
        return 0;
    *ret_c = c;
    return more + 1;
}

static struct bytes behind(struct bytes text, size_t count)
{
    return bytes_slice(text, count, text.len - count);
}

void console_text_to_engine(struct buf *b, struct bytes utf8)
{
    while (utf8.len) {
        uint32_t c = BAD;
        size_t len = take(&c, utf8);
        if (len == 0 || (c >= HIGH && c < PAIRS_END))
            c = BAD;
        if (c > 0xffff) {
            put(b, HIGH + (c - 0x10000) / 0x400);
            c = LOW + (c - 0x10000) % 0x400;
        }
        put(b, c);
        utf8 = behind(utf8, len ? len : 1);
    }
}

void console_text_from_engine(struct buf *b, struct bytes text)
{
    while (text.len) {
        uint32_t c = BAD, low;
        size_t len = take(&c, text), more = 0;
        if (len == 0)
            c = BAD;
        text = behind(text, len ? len : 1);
        if (c >= HIGH && c < LOW && text.len && (more = take(&low, text)) && low >= LOW &&
            low < PAIRS_END) {
            c = 0x10000 + (c - HIGH) * 0x400 + (low - LOW);
            text = behind(text, more);
        }
        put(b, c >= HIGH && c < PAIRS_END ? BAD : c);
    }
}
