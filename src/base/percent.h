/* Text in a URL: what is not unreserved (RFC 3986, section 2.3) stands as % and two digits. */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include "base/buf.h"

/* Appends it, with the characters of `also` as they are. Fails as `b` does: buf_status. */
void percent_append(struct buf *b, struct bytes text, const char *also);

#endif
