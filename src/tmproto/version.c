#include "tmproto/version.h"

static const struct {
    const char *header, *api;
} names[TMPROTO_VERSIONS] = {
#define X(name, header, api) [TMPROTO_##name] = {header, api},
    TMPROTO_VERSION_LIST(X)
#undef X
};

static struct bytes trim(struct bytes text)
{
    while (text.len && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_slice(text, 1, text.len - 1);
    while (text.len && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

tmproto_versions tmproto_versions_parse(tmproto_versions set, struct bytes header)
{
    while (header.len) {
        const uint8_t *comma = memchr(header.data, ',', header.len);
        size_t len = comma ? (size_t)(comma - header.data) : header.len;
        struct bytes word = trim(bytes_slice(header, 0, len));
        for (size_t i = 0; i < TMPROTO_VERSIONS; i++)
            if (bytes_equal(word, bytes_str(names[i].header)))
                set |= 1u << i;
        header = bytes_slice(header, comma ? len + 1 : len, header.len - len - (comma ? 1 : 0));
    }
    return set;
}

void tmproto_versions_format(struct buf *b, tmproto_versions set)
{
    const char *between = "";
    for (size_t i = 0; i < TMPROTO_VERSIONS; i++)
        if (tmproto_versions_have(set, (enum tmproto_version)i)) {
            buf_append_format(b, "%s%s", between, names[i].header);
            between = ",";
        }
}

void tmproto_versions_format_api(struct buf *b, tmproto_versions set)
{
    const char *between = "";
    buf_append_byte(b, '[');
    for (size_t i = 0; i < TMPROTO_VERSIONS; i++)
        if (tmproto_versions_have(set, (enum tmproto_version)i)) {
            buf_append_format(b, "%s\"%s\"", between, names[i].api);
            between = ",";
        }
    buf_append_byte(b, ']');
}
