#include "base/utf8.h"

/* By its first byte: how long a character is, and what its second byte may be (Unicode, table 3-7). */
struct lead {
    uint8_t from, to; /* first bytes */
    uint8_t length;
    uint8_t second_from, second_to;
};

static const struct lead leads[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static size_t character_length(const uint8_t *at, size_t left)
{
    for (size_t i = 0; i < BASE_COUNT(leads); i++) {
        const struct lead *lead = &leads[i];
        if (at[0] < lead->from || at[0] > lead->to)
            continue;
        if (lead->length > left)
            return 0;
        if (lead->length > 1 && (at[1] < lead->second_from || at[1] > lead->second_to))
            return 0;
        for (size_t j = 2; j < lead->length; j++)
            if ((at[j] & 0xc0) != 0x80)
                return 0;
        return lead->length;
    }
    return 0;
}

size_t utf8_valid_length(struct bytes text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t length = character_length(text.data + at, text.len - at);
        if (!length)
            break;
        at += length;
    }
    return at;
}
