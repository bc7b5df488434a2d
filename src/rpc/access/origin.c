#include "rpc/access/origin.h"

#include <string.h>

/* --- Lists of names --- */

struct bytes rpc_trim(struct bytes text)
{
    while (text.len && text.data[0] == ' ')
        text = bytes_slice(text, 1, text.len - 1);
    while (text.len && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool same(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

/* Whether `name` fits an entry, which may have one '*' for any characters. */
static bool fits(struct bytes entry, struct bytes name)
{
    const uint8_t *star = entry.len ? memchr(entry.data, '*', entry.len) : NULL;
    if (!star)
        return same(entry, name);
    size_t before = (size_t)(star - entry.data), after = entry.len - before - 1;
    return name.len >= before + after &&
           same(bytes_slice(entry, 0, before), bytes_slice(name, 0, before)) &&
           same(bytes_slice(entry, before + 1, after), bytes_slice(name, name.len - after, after));
}

bool rpc_list_has(const char *list, struct bytes name)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        struct bytes entry = rpc_trim(bytes_of(list, len));
        if (entry.len && fits(entry, name))
            return true;
        list += len + (list[len] != 0);
    }
    return false;
}

bool rpc_list_has_all(const char *list)
{
    return rpc_list_has(list, bytes_str("*")) && strchr(list, '*');
}

/* --- Origins --- */

struct origin {
    struct bytes scheme, host, port; /* len 0: it has none */
};

static const uint8_t *find(struct bytes text, const char *part)
{
    size_t len = strlen(part);
    for (size_t i = 0; i + len <= text.len; i++)
        if (memcmp(text.data + i, part, len) == 0)
            return text.data + i;
    return NULL;
}

/* "https://name:port", or "name:port". */
static struct origin split(struct bytes text)
{
    struct origin origin = {.host = text};
    const uint8_t *mark = find(text, "://");
    if (mark) {
        size_t len = (size_t)(mark - text.data);
        origin.scheme = bytes_slice(text, 0, len);
        origin.host = bytes_slice(text, len + 3, text.len - len - 3);
        const uint8_t *slash =
            origin.host.len ? memchr(origin.host.data, '/', origin.host.len) : NULL;
        if (slash)
            origin.host.len = (size_t)(slash - origin.host.data);
    }
    size_t at = origin.host.len;
    while (at > 0 && origin.host.data[at - 1] != ':' && origin.host.data[at - 1] != ']')
        at--;
    if (at > 0 && origin.host.data[at - 1] == ':') {
        origin.port = bytes_slice(origin.host, at, origin.host.len - at);
        origin.host.len = at - 1;
    }
    return origin;
}

static bool allows(struct bytes entry, struct bytes name)
{
    return entry.len == 0 || same(entry, name);
}

bool rpc_origin_may(const char *list, struct bytes origin)
{
    struct origin browser = split(rpc_trim(origin));
    if (rpc_list_has_all(list))
        return true;
    while (*list) {
        size_t len = strcspn(list, ",");
        struct bytes entry = rpc_trim(bytes_of(list, len));
        struct origin rule = split(entry);
        if (entry.len && allows(rule.scheme, browser.scheme) && allows(rule.host, browser.host) &&
            allows(rule.port, browser.port))
            return true;
        list += len + (list[len] != 0);
    }
    return false;
}
