/* What a parser of JSON says of its input, without the input. */
#ifndef BASE_QUOTE_H
#define BASE_QUOTE_H

#include <string.h>

/* Cuts the quotation at the end of jansson's messages ("… near '…'"): of a file with secrets it may be one. Returns `text`. */
static inline const char *quote_cut(char *text)
{
    char *quote = strstr(text, " near '");
    if (quote)
        *quote = 0;
    return text;
}

#endif
