#include "base/hex.h"

#include <string.h>
#if defined(__SSE2__)
#    include <emmintrin.h>
#endif

static const char digits[] = "0123456789abcdef";

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool has_prefix(const char *text)
{
    return text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

/* The digits of four bytes, the first in the lowest: all at once, a byte of the result each. */
static uint64_t eight_digits(uint32_t four)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t x = four;
    x = (x | x << 16) & 0x0000ffff0000ffff;
    x = (x | x << 8) & 0x00ff00ff00ff00ff; /* a byte in each pair */
    x = (x >> 4 | x << 8) & 0x0f0f0f0f0f0f0f0f;
    uint64_t letters = (x + 6 * ones) >> 4 & ones; /* 1 from ten on */
    return x + '0' * ones + letters * ('a' - '0' - 10);
}

#if defined(__SSE2__)
/* The digits of 16 bytes; what eight_digits does, with all at once. */
static void digits_of_16(char *ret_text, const uint8_t *data)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)data);
    const __m128i nibble = _mm_set1_epi8(15), nine = _mm_set1_epi8(9), zero = _mm_set1_epi8('0'),
                  letter = _mm_set1_epi8('a' - '0' - 10);
    __m128i high = _mm_and_si128(_mm_srli_epi16(x, 4), nibble), low = _mm_and_si128(x, nibble);
    __m128i half[2] = {_mm_unpacklo_epi8(high, low), _mm_unpackhi_epi8(high, low)};
    for (int i = 0; i < 2; i++) {
        __m128i more = _mm_and_si128(_mm_cmpgt_epi8(half[i], nine), letter);
        __m128i text = _mm_add_epi8(_mm_add_epi8(half[i], zero), more);
        _mm_storeu_si128((__m128i *)(void *)(ret_text + (ptrdiff_t)16 * i), text);
    }
}
#endif

void hex_encode(char *ret_text, struct bytes data)
{
    size_t i = 0;
#if defined(__SSE2__)
    for (; i + 16 <= data.len; i += 16)
        digits_of_16(ret_text + 2 * i, data.data + i);
#endif
    for (; i + 4 <= data.len; i += 4) {
        uint32_t four;
        memcpy(&four, data.data + i, sizeof(four));
        uint64_t text = eight_digits(four);
        memcpy(ret_text + 2 * i, &text, sizeof(text));
    }
    for (; i < data.len; i++) {
        ret_text[2 * i] = digits[data.data[i] >> 4];
        ret_text[2 * i + 1] = digits[data.data[i] & 15];
    }
}

void hex_append(struct buf *b, struct bytes data)
{
    buf_append(b, "0x", 2);
    uint8_t *at = buf_extend(b, 2 * data.len);
    if (at)
        hex_encode((char *)at, data);
}

static bool decode(const char *text, uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = digit_value(text[2 * i]), low = high < 0 ? -1 : digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        data[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool hex_decode_exact(const char *text, void *ret_data, size_t len)
{
    if (has_prefix(text))
        text += 2;
    return strlen(text) == 2 * len && decode(text, ret_data, len);
}

int hex_decode(const char *text, struct buf *b)
{
    if (has_prefix(text))
        text += 2;
    size_t len = strlen(text);
    if (len % 2)
        return ERR_INPUT;
    size_t before = b->len;
    uint8_t *at = buf_extend(b, len / 2);
    if (!at)
        return buf_status(b);
    if (decode(text, at, len / 2))
        return ERR_OK;
    b->len = before;
    return ERR_INPUT;
}

static bool decimal(const char *text, struct u256 *ret_value)
{
    struct u256 value = {{0}}, ten = u256_from(10);
    if (!*text)
        return false;
    for (; *text; text++) {
        struct u256 digit = u256_from((uint64_t)(*text - '0'));
        if (*text < '0' || *text > '9' || !u256_mul_checked(&value, &value, &ten) ||
            !u256_add_checked(&value, &value, &digit))
            return false;
    }
    *ret_value = value;
    return true;
}

bool hex_u256(const char *text, struct u256 *ret_value)
{
    if (!has_prefix(text))
        return decimal(text, ret_value);
    text += 2;
    if (!*text)
        return false;
    struct u256 value = {{0}};
    for (; *text; text++) {
        int digit = digit_value(*text);
        if (digit < 0 || value.w[3] >> 60)
            return false;
        u256_shift_left(&value, &value, 4);
        value.w[0] |= (uint64_t)digit;
    }
    *ret_value = value;
    return true;
}

bool hex_u64(const char *text, uint64_t *ret_value)
{
    struct u256 value;
    if (!hex_u256(text, &value) || !u256_is_u64(&value))
        return false;
    *ret_value = value.w[0];
    return true;
}

void hex_format_u256(char *ret_text, const struct u256 *value)
{
    uint8_t be[32];
    char text[65];
    u256_store(be, value);
    hex_encode(text, bytes_of(be, sizeof(be)));
    text[64] = 0;
    size_t from = strspn(text, "0");
    if (from == 64)
        from = 63;
    ret_text[0] = '0';
    ret_text[1] = 'x';
    memcpy(ret_text + 2, text + from, 65 - from);
}
