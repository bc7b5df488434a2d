/* The media types between a node and its manager: one endpoint speaks several, and answers in the one it was asked in. */
#ifndef TMPROTO_MEDIA_H
#define TMPROTO_MEDIA_H

#include "base/bytes.h"

/* X(NAME, "type") */
#define TMPROTO_MEDIA_LIST(X)                                                                      \
    X(JSON, "application/json")                                                                    \
    X(JSON_2_1, "application/vnd.tessera-2.1+json")                                                \
    X(JSON_3_0, "application/vnd.tessera-3.0+json")                                                \
    X(JSON_4_0, "application/vnd.tessera-4.0+json")                                                \
    X(OCTETS, "application/octet-stream")                                                          \
    X(TEXT, "text/plain")

enum tmproto_media {
#define X(name, type) TMPROTO_MEDIA_##name,
    TMPROTO_MEDIA_LIST(X)
#undef X
        TMPROTO_MEDIA_COUNT
};

const char *tmproto_media_type(enum tmproto_media media);
/* The type of a Content-Type header: parameters behind ';' and the case of letters do not count. False for a type that
 * is not in the list. */
bool tmproto_media_parse(enum tmproto_media *ret_media, struct bytes header) BASE_NODISCARD;

#endif
