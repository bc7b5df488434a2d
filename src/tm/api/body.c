/*
 * Bodies of JSON. A payload is one long text of base64, which a reader of JSON would check character by character and copy:
 * such values of the outermost object are cut out before, and looked up where they lie (tm_json_bytes). What is left is read
 * as always; when it is not as expected, the whole is.
 */
#include "tm/api/request.h"

enum {
    LONG_TEXT = 1024,   /* from this many characters on a value is cut out */
    SCANNED_MAX = 4096, /* texts in one body; one with more has no long payload worth it */
};

/* Whether a text of JSON may hold these bytes as they are, which then stand for themselves. */
static bool is_plain(struct bytes text)
{
    uint8_t bad = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bad |= (uint8_t)((c < ' ') | (c == '\\') | (c == '"') | (c >= 0x80));
    }
    return !bad;
}

struct cut {
    struct tm_request *request;
    struct bytes body;
    size_t at, copied; /* copied: up to there the body is in `rest` */
    struct buf rest;
    struct bytes name; /* the last text that a value may follow */
    unsigned depth;
};

/* The text that begins at the quote; false when it has escapes or does not end. */
static bool take_text(struct cut *c, struct bytes *ret_text)
{
    const uint8_t *from = c->body.data + c->at + 1;
    const uint8_t *end = memchr(from, '"', c->body.len - c->at - 1);
    if (!end)
        return false;
    *ret_text = bytes_of(from, (size_t)(end - from));
    c->at += ret_text->len + 2;
    return is_plain(*ret_text);
}

static void set_aside(struct cut *c, struct bytes text)
{
    struct tm_request *request = c->request;
    size_t from = (size_t)(text.data - c->body.data);
    if (request->aside_count == TM_ASIDE_MAX || c->name.len == 0)
        return;
    request->asides[request->aside_count++] = (struct tm_aside){c->name, text};
    buf_append(&c->rest, c->body.data + c->copied, from - c->copied);
    c->copied = from + text.len;
}

/* Cuts the body. False when it is nothing for this. */
static bool cut_body(struct cut *c)
{
    bool value = false; /* a ':' stands before */
    for (size_t texts = 0; c->at < c->body.len;) {
        uint8_t ch = c->body.data[c->at];
        struct bytes text;
        if (ch == '"') {
            if (++texts > SCANNED_MAX || !take_text(c, &text))
                return false;
            if (value && c->depth == 1 && text.len >= LONG_TEXT)
                set_aside(c, text);
            c->name = c->depth == 1 && !value ? text : bytes_none();
            value = false;
            continue;
        }
        c->depth += (ch == '{') | (ch == '[');
        c->depth -= (ch == '}') | (ch == ']');
        if (ch == ':')
            value = true;
        else if (ch > ' ')
            value = false;
        c->at++;
    }
    buf_append(&c->rest, c->body.data + c->copied, c->body.len - c->copied);
    return c->request->aside_count > 0 && buf_status(&c->rest) == 0;
}

json_t *tm_body_load(struct tm_request *request, json_error_t *error)
{
    struct bytes body = request->http->body;
    json_t *json = NULL;
    if (body.len >= LONG_TEXT) {
        struct cut c = {.request = request, .body = body, .rest = BUF_INIT};
        if (cut_body(&c))
            json = json_loadb((const char *)c.rest.data, c.rest.len, JSON_REJECT_DUPLICATES, error);
        buf_release(&c.rest);
        if (json)
            return json;
        request->aside_count = 0;
    }
    return json_loadb((const char *)body.data, body.len, 0, error);
}

bool tm_body_aside(const struct tm_request *request, const char *name, struct bytes *ret_text)
{
    for (size_t i = 0; i < request->aside_count; i++)
        if (bytes_equal(request->asides[i].name, bytes_str(name))) {
            *ret_text = request->asides[i].text;
            return true;
        }
    return false;
}
