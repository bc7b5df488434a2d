/*
 * Points in the line protocol of InfluxDB 1:
 *
 *   name,tag=value,other=value field=1i,another=0.25 1465839830100400200
 *
 * Pure: text and numbers in, bytes out.
 */
#ifndef INFLUX_LINE_H
#define INFLUX_LINE_H

#include "base/buf.h"

enum { INFLUX_TAGS_MAX = 64 };

struct influx_tag {
    struct bytes key, value; /* borrowed */
};

struct influx_tags {
    struct influx_tag items[INFLUX_TAGS_MAX];
    size_t count;
};

/* Whether a line can carry this as a tag's key or value. It cannot what is empty, control characters, and a backslash at the end, which would take
 * the sign behind it with it: the protocol has no escape for these. */
bool influx_fits(struct bytes text);
/* Reads "key=value,key=value"; of two with one key the last stands, and they are in the order of their keys. `left_out` (may be NULL) hears of each
 * part that is no such pair, that a line cannot carry, or is one too many. */
void influx_tags_read(struct influx_tags *ret_tags, const char *list,
                      void (*left_out)(void *context, struct bytes part), void *context);

/* One point on its way into a buffer, whose status tells of failures. */
struct influx_line {
    struct buf *b;
    size_t start;
    bool has_field;
};

void influx_line_begin(struct influx_line *line, struct buf *b, const char *name,
                       const struct influx_tags *tags);
/* At most 2^63 - 1, the most that the protocol's integers hold. */
void influx_line_integer(struct influx_line *line, const char *key, uint64_t value);
/* With as few digits as stand for no other double, and without an exponent. What is no number is left out. */
void influx_line_real(struct influx_line *line, const char *key, double value);
/* `ns` since 1970; 0: the time at which it arrives. Without a field it is no point, and taken back. */
void influx_line_end(struct influx_line *line, uint64_t ns);

#endif
