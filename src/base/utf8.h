/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/bytes.h"

/* How many bytes at the beginning of `text` are whole, valid characters: text.len when all is well. */
size_t utf8_valid_length(struct bytes text);

#endif
