#include "tmproto/media.h"

#include <strings.h>

static const char *const types[TMPROTO_MEDIA_COUNT] = {
#define X(name, type) [TMPROTO_MEDIA_##name] = type,
    TMPROTO_MEDIA_LIST(X)
#undef X
};

const char *tmproto_media_type(enum tmproto_media media)
{
    return types[media];
}

bool tmproto_media_parse(enum tmproto_media *ret_media, struct bytes header)
{
    const uint8_t *end = header.len ? memchr(header.data, ';', header.len) : NULL;
    if (end)
        header.len = (size_t)(end - header.data);
    while (header.len && header.data[header.len - 1] == ' ')
        header.len--;
    while (header.len && header.data[0] == ' ')
        header = bytes_slice(header, 1, header.len - 1);
    for (size_t i = 0; i < TMPROTO_MEDIA_COUNT; i++)
        if (header.len == strlen(types[i]) &&
            strncasecmp((const char *)header.data, types[i], header.len) == 0) {
            *ret_media = (enum tmproto_media)i;
            return true;
        }
    return false;
}
