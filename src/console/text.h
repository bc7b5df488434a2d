/*
 * Texts of the JavaScript engine. It keeps strings as ECMAScript has them, in units of 16 bits, each in UTF-8 of its own (CESU-8): a
 * character beyond U+FFFF is two of three bytes there, and one of four bytes everywhere else.
 */
#ifndef CONSOLE_TEXT_H
#define CONSOLE_TEXT_H

#include "base/buf.h"

/* Appends UTF-8 as the engine keeps it. Bytes that are no UTF-8 become U+FFFD. */
void console_text_to_engine(struct buf *b, struct bytes utf8);

/* Appends a string of the engine's as UTF-8. Half a pair becomes U+FFFD. */
void console_text_from_engine(struct buf *b, struct bytes text);

#endif
