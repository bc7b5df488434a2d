#include "base/base64.h"

#include "base/mem.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(char *ret_text, struct bytes data)
{
    const uint8_t *at = data.data;
    size_t left = data.len;
    char *to = ret_text;
    for (; left >= 3; left -= 3, at += 3, to += 4) {
        uint32_t group = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
        to[0] = alphabet[group >> 18];
        to[1] = alphabet[group >> 12 & 63];
        to[2] = alphabet[group >> 6 & 63];
        to[3] = alphabet[group & 63];
    }
    if (left) {
        uint32_t group = (uint32_t)at[0] << 16 | (left > 1 ? (uint32_t)at[1] << 8 : 0);
        to[0] = alphabet[group >> 18];
        to[1] = alphabet[group >> 12 & 63];
        to[2] = left > 1 ? alphabet[group >> 6 & 63] : '=';
        to[3] = '=';
    }
}

void base64_append(struct buf *b, struct bytes data)
{
    char *to = (char *)buf_extend(b, base64_length(data.len));
    if (to)
        base64_encode(to, data);
}

/* The value of a character, or 0xff. Made when the program is built: no order of initialisation to think of. */
#define V(c, v) [(uint8_t)(c)] = (v) + 1
static const uint8_t values[256] = {
    V('A', 0),  V('B', 1),  V('C', 2),  V('D', 3),  V('E', 4),  V('F', 5),  V('G', 6),  V('H', 7),
    V('I', 8),  V('J', 9),  V('K', 10), V('L', 11), V('M', 12), V('N', 13), V('O', 14), V('P', 15),
    V('Q', 16), V('R', 17), V('S', 18), V('T', 19), V('U', 20), V('V', 21), V('W', 22), V('X', 23),
    V('Y', 24), V('Z', 25), V('a', 26), V('b', 27), V('c', 28), V('d', 29), V('e', 30), V('f', 31),
    V('g', 32), V('h', 33), V('i', 34), V('j', 35), V('k', 36), V('l', 37), V('m', 38), V('n', 39),
    V('o', 40), V('p', 41), V('q', 42), V('r', 43), V('s', 44), V('t', 45), V('u', 46), V('v', 47),
    V('w', 48), V('x', 49), V('y', 50), V('z', 51), V('0', 52), V('1', 53), V('2', 54), V('3', 55),
    V('4', 56), V('5', 57), V('6', 58), V('7', 59), V('8', 60), V('9', 61), V('+', 62), V('/', 63),
};
#undef V

/* Characters without the padding; false when padding or length are not possible. */
static bool body_length(size_t *ret_len, struct bytes text)
{
    size_t len = text.len;
    if (len % 4 == 0 && len > 0 && text.data[len - 1] == '=')
        len -= text.data[len - 2] == '=' ? 2 : 1;
    *ret_len = len;
    return len % 4 != 1;
}

bool base64_decode_into(uint8_t *ret_data, size_t *ret_len, struct bytes text)
{
    size_t len;
    if (!body_length(&len, text))
        return false;
    const uint8_t *at = text.data, *end = len ? text.data + len / 4 * 4 : at;
    uint8_t *to = ret_data;
    uint8_t bad = 0;
    for (; at < end; at += 4, to += 3) {
        uint8_t v[4] = {values[at[0]], values[at[1]], values[at[2]], values[at[3]]};
        bad |= (uint8_t)((v[0] == 0) | (v[1] == 0) | (v[2] == 0) | (v[3] == 0));
        uint32_t group = (v[0] - 1u) << 18 | (v[1] - 1u) << 12 | (v[2] - 1u) << 6 | (v[3] - 1u);
        to[0] = (uint8_t)(group >> 16);
        to[1] = (uint8_t)(group >> 8);
        to[2] = (uint8_t)group;
    }
    size_t left = len % 4;
    if (left) {
        uint32_t group = 0;
        for (size_t i = 0; i < left; i++) {
            bad |= values[at[i]] == 0;
            group |= (uint32_t)(uint8_t)(values[at[i]] - 1) << (18 - 6 * i);
        }
        *to++ = (uint8_t)(group >> 16);
        if (left == 3)
            *to++ = (uint8_t)(group >> 8);
    }
    if (bad)
        return false;
    *ret_len = (size_t)(to - ret_data);
    return true;
}

int base64_decode(struct buf *b, struct bytes text)
{
    size_t old = b->len, len;
    if (buf_status(b) < 0 || buf_reserve(b, base64_room(text.len)) < 0)
        return ERR_NOMEM;
    if (!base64_decode_into(b->data + old, &len, text))
        return ERR_INPUT;
    b->len = old + len;
    return 0;
}

bool base64_decode_exact(void *ret_data, size_t len, struct bytes text)
{
    size_t body, got;
    uint8_t room[BASE64_EXACT_MAX + 4];
    assert(len <= BASE64_EXACT_MAX);
    if (!body_length(&body, text) || body / 4 * 3 + (body % 4 ? body % 4 - 1 : 0) != len)
        return false;
    bool good = base64_decode_into(room, &got, text);
    if (good && len)
        memcpy(ret_data, room, len);
    mem_wipe(room, sizeof(room)); /* keys come this way */
    return good;
}
