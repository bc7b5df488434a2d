#include "base/percent.h"

#include <string.h>

/* Whatever the locale says. */
static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

void percent_append(struct buf *b, struct bytes text, const char *also)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (is_unreserved(c) || (c && strchr(also, c)))
            buf_append_byte(b, c);
        else
            buf_append_format(b, "%%%02X", c);
    }
}
