/* Base64 of RFC 4648, section 4: the standard alphabet, padded, on one line. It is how keys, hashes and payloads
 * stand in every JSON text of a transaction manager. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

#include <stdbool.h>

/* Characters of the text of `len` bytes, without end mark. */
static inline size_t base64_length(size_t len)
{
    return (len + 2) / 3 * 4;
}

/* Writes base64_length(data.len) characters, no end mark. */
void base64_encode(char *ret_text, struct bytes data);
/* Appends the text. Fails as `b` does: buf_status. */
void base64_append(struct buf *b, struct bytes data);

/* Appends what `text` stands for. As Java's decoder does, padding may be left out as a whole and bits that are cut
 * off may be set; white space, other characters and anything behind the padding are ERR_INPUT. ERR_NOMEM. `b` is as it
 * was after a failure. */
int base64_decode(struct buf *b, struct bytes text) BASE_NODISCARD;
enum { BASE64_EXACT_MAX = 512 };
/* The same into exactly `len` bytes, at most BASE64_EXACT_MAX; false when it is not base64 or of another length. */
bool base64_decode_exact(void *ret_data, size_t len, struct bytes text) BASE_NODISCARD;
/* The same into memory of at least base64_room(text.len) bytes; the number written in *ret_len. */
bool base64_decode_into(uint8_t *ret_data, size_t *ret_len, struct bytes text) BASE_NODISCARD;

/* Most bytes that a text of `len` characters stands for. */
static inline size_t base64_room(size_t len)
{
    return len / 4 * 3 + 3;
}

#endif
