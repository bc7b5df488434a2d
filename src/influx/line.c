#include "influx/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REAL_DIGITS = 17, REAL_TEXT = 400 }; /* the longest double without an exponent */

/* --- Tags --- */

bool influx_fits(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < ' ' || text.data[i] == 0x7f)
            return false;
    return text.len > 0 && text.data[text.len - 1] != '\\';
}

static int order(struct bytes a, struct bytes b)
{
    int by_bytes = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return by_bytes ? by_bytes : (a.len > b.len) - (a.len < b.len);
}

/* Into its place; false: there is no room. */
static bool put(struct influx_tags *tags, const struct influx_tag *tag)
{
    size_t at = 0;
    while (at < tags->count && order(tags->items[at].key, tag->key) < 0)
        at++;
    bool same = at < tags->count && order(tags->items[at].key, tag->key) == 0;
    if (!same && tags->count == INFLUX_TAGS_MAX)
        return false;
    if (!same)
        memmove(&tags->items[at + 1], &tags->items[at],
                (tags->count++ - at) * sizeof(tags->items[0]));
    tags->items[at] = *tag;
    return true;
}

void influx_tags_read(struct influx_tags *ret_tags, const char *list,
                      void (*left_out)(void *context, struct bytes part), void *context)
{
    ret_tags->count = 0;
    while (*list) {
        size_t len = strcspn(list, ",");
        size_t key = strcspn(list, "=,");
        struct bytes part = bytes_of(list, len);
        bool pair = key < len && !memchr(list + key + 1, '=', len - key - 1);
        struct influx_tag tag = {bytes_of(list, key), bytes_none()};
        if (pair)
            tag.value = bytes_of(list + key + 1, len - key - 1);
        if (len &&
            (!pair || !influx_fits(tag.key) || !influx_fits(tag.value) || !put(ret_tags, &tag)) &&
            left_out)
            left_out(context, part);
        list += len + (list[len] == ',');
    }
}

/* --- Lines --- */

static void escape(struct buf *b, struct bytes text, const char *special)
{
    for (size_t i = 0; i < text.len; i++) {
        if (strchr(special, text.data[i]))
            buf_append_byte(b, '\\');
        buf_append_byte(b, text.data[i]);
    }
}

void influx_line_begin(struct influx_line *line, struct buf *b, const char *name,
                       const struct influx_tags *tags)
{
    *line = (struct influx_line){.b = b, .start = b->len};
    escape(b, bytes_str(name), ", ");
    for (size_t i = 0; i < tags->count; i++) {
        buf_append_byte(b, ',');
        escape(b, tags->items[i].key, ",= ");
        buf_append_byte(b, '=');
        escape(b, tags->items[i].value, ",= ");
    }
}

static void begin_field(struct influx_line *line, const char *key)
{
    buf_append_byte(line->b, line->has_field ? ',' : ' ');
    escape(line->b, bytes_str(key), ",= ");
    buf_append_byte(line->b, '=');
    line->has_field = true;
}

void influx_line_integer(struct influx_line *line, const char *key, uint64_t value)
{
    begin_field(line, key);
    buf_append_format(line->b, "%llui",
                      (unsigned long long)(value > INT64_MAX ? INT64_MAX : value));
}

void influx_line_real(struct influx_line *line, const char *key, double value)
{
    char text[REAL_TEXT];
    int digits = 0;
    if (value - value != 0) /* infinite, or no number */
        return;
    do
        snprintf(text, sizeof(text), "%.*e", digits++, value);
    while (digits < REAL_DIGITS && strtod(text, NULL) != value);
    int behind =
        digits - 1 - (int)strtol(strchr(text, 'e') + 1, NULL, 10); /* digits behind the point */
    snprintf(text, sizeof(text), "%.*f", behind > 0 ? behind : 0, value);
    begin_field(line, key);
    buf_append_text(line->b, text);
}

void influx_line_end(struct influx_line *line, uint64_t ns)
{
    if (!line->has_field) {
        line->b->len = line->start;
        return;
    }
    if (ns)
        buf_append_format(line->b, " %llu", (unsigned long long)ns);
    buf_append_byte(line->b, '\n');
}
