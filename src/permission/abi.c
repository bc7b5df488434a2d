#include "permission/abi.h"

#include "crypto/keccak.h"

enum { WORD = 32 };

enum kind { STRING, ADDRESS, BOOL, NUMBER };

/* The next type of a list in parentheses, or false behind the last. */
static bool next_type(const char **at, enum kind *ret_kind)
{
    const char *p = *at;
    if (*p == ')' || *p == '\0')
        return false;
    size_t len = strcspn(p, ",)");
    *ret_kind = strncmp(p, "string", 6) == 0 || strncmp(p, "bytes", 5) == 0 ? STRING
                : strncmp(p, "address", 7) == 0                             ? ADDRESS
                : strncmp(p, "bool", 4) == 0                                ? BOOL
                                                                            : NUMBER;
    *at = p + len + (p[len] == ',');
    return true;
}

static const char *types_of(const char *signature)
{
    const char *open = strchr(signature, '(');
    assert(open);
    return open + 1;
}

size_t permission_abi_count(const char *signature)
{
    enum kind kind;
    size_t count = 0;
    for (const char *at = types_of(signature); next_type(&at, &kind);)
        count++;
    return count;
}

static void append_number(struct buf *b, const struct u256 *number)
{
    uint8_t word[WORD];
    u256_store(word, number);
    buf_append(b, word, sizeof(word));
}

static void append_small(struct buf *b, uint64_t value)
{
    struct u256 number = u256_from(value);
    append_number(b, &number);
}

static size_t padded(size_t len)
{
    return (len + WORD - 1) / WORD * WORD;
}

void permission_abi_encode(struct buf *b, const char *signature,
                           const struct permission_value *values)
{
    static const uint8_t zeros[WORD];
    enum kind kind;
    const char *at = types_of(signature);
    size_t tail = permission_abi_count(signature) * WORD;
    for (size_t i = 0; next_type(&at, &kind); i++) {
        if (kind == STRING) {
            append_small(b, tail);
            tail += WORD + padded(values[i].text.len);
        } else if (kind == ADDRESS) {
            buf_append(b, zeros, WORD - 20);
            buf_append(b, values[i].address.b, 20);
        } else {
            append_number(b, &values[i].number);
        }
    }
    at = types_of(signature);
    for (size_t i = 0; next_type(&at, &kind); i++) {
        if (kind != STRING)
            continue;
        append_small(b, values[i].text.len);
        buf_append_bytes(b, values[i].text);
        buf_append(b, zeros, padded(values[i].text.len) - values[i].text.len);
    }
}

void permission_abi_topic(struct hash256 *ret_topic, const char *signature)
{
    crypto_keccak256(ret_topic, bytes_str(signature));
}

void permission_abi_call(struct buf *b, const char *signature,
                         const struct permission_value *values)
{
    struct hash256 hash;
    permission_abi_topic(&hash, signature);
    buf_append(b, hash.b, 4);
    permission_abi_encode(b, signature, values);
}

/* A word that is an offset or a length within `max`. */
static bool read_size(struct bytes data, size_t at, size_t max, size_t *ret_size)
{
    if (data.len < WORD || at > data.len - WORD)
        return false;
    struct u256 number = u256_load(data.data + at);
    if (!u256_is_u64(&number) || number.w[0] > max)
        return false;
    *ret_size = number.w[0];
    return true;
}

static bool read_text(struct bytes data, size_t head, struct bytes *ret_text)
{
    size_t offset, len;
    if (!read_size(data, head, data.len, &offset) || !read_size(data, offset, data.len, &len) ||
        len > data.len - offset - WORD)
        return false;
    *ret_text = bytes_slice(data, offset + WORD, len);
    return true;
}

bool permission_abi_decode(struct permission_value ret_values[PERMISSION_VALUES_MAX],
                           const char *signature, struct bytes data)
{
    struct permission_value values[PERMISSION_VALUES_MAX] = {0};
    enum kind kind;
    size_t count = permission_abi_count(signature);
    const char *at = types_of(signature);
    assert(count <= PERMISSION_VALUES_MAX);
    if (data.len < count * WORD)
        return false;
    for (size_t i = 0; next_type(&at, &kind); i++) {
        const uint8_t *word = data.data + i * WORD;
        if (kind == STRING && !read_text(data, i * WORD, &values[i].text))
            return false;
        if (kind == ADDRESS)
            memcpy(values[i].address.b, word + WORD - 20, 20);
        if (kind == NUMBER || kind == BOOL)
            values[i].number = u256_load(word);
        if (kind == BOOL && (!u256_is_u64(&values[i].number) || values[i].number.w[0] > 1))
            return false;
    }
    memcpy(ret_values, values, sizeof(values));
    return true;
}
