/* A line of the log, letter by letter as GoQuorum writes it (log/format.go). */
#include "base/hex.h"
#include "base/utf8.h"
#include "crypto/address.h"
#include "node/log/log.h"
#include "node/log/priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    MESSAGE_WIDTH = 40, /* messages that are shorter are padded, where fields follow */
    VALUE_WIDTH = 40,   /* … and values, to the widest of their key so far up to this */
    KEY_SLOTS = 128,    /* keys whose width is remembered; there are fewer in the program */
    SCRATCH = 96,       /* the longest value that is not a text is a hash */
};

static struct {
    size_t place_width; /* of the longest place so far */
    struct {
        const char *key;
        size_t width;
    } widths[KEY_SLOTS];
} seen;

static const struct {
    const char *aligned, *json;
    unsigned colour; /* ANSI's */
} levels[] = {
    {"CRIT ", "crit", 35}, {"ERROR", "eror", 31}, {"WARN ", "warn", 33},
    {"INFO ", "info", 32}, {"DEBUG", "dbug", 36}, {"TRACE", "trce", 34},
};

static_assert((int)CRYPTO_ADDRESS_TEXT <= (int)SCRATCH, "room");

struct out {
    char *text;
    size_t len, size;
};

static void put(struct out *o, const char *text, size_t len)
{
    size_t room = o->size - 1 - o->len;
    if (len > room)
        len = room;
    memcpy(o->text + o->len, text, len);
    o->len += len;
    o->text[o->len] = 0;
}

static void put_text(struct out *o, const char *text)
{
    put(o, text, strlen(text));
}

static void put_spaces(struct out *o, size_t count)
{
    while (count--)
        put(o, " ", 1);
}

static void put_coloured(struct out *o, unsigned colour, const char *text)
{
    char begin[16];
    snprintf(begin, sizeof(begin), "\x1b[%um", colour);
    put_text(o, colour ? begin : "");
    put_text(o, text);
    put_text(o, colour ? "\x1b[0m" : "");
}

/* --- Characters --- */

/* The first character of a text that is not empty; 0 when it is none, and then one byte is passed over. */
static uint32_t next_character(const char *text, size_t *ret_len)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t len = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
    static const unsigned char bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    if (strnlen(text, len) < len || utf8_valid_length(bytes_of(text, len)) < len) {
        *ret_len = 1;
        return 0;
    }
    uint32_t character = *at & bits[len];
    for (size_t i = 1; i < len; i++)
        character = character << 6 | (at[i] & 0x3f);
    *ret_len = len;
    return character;
}

static size_t width_of(const char *text)
{
    size_t width = 0, len;
    for (; *text; text += len, width++)
        next_character(text, &len);
    return width;
}

/* Of those beyond ASCII: letters and pictures. Spaces, what changes the direction, and other signs that one does not see are
 * written as numbers: a peer's name must not disguise a line. */
static bool is_printable(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x80, 0xa0},       {0xad, 0xad},        {0x61c, 0x61c},   {0x180e, 0x180e},
        {0x2000, 0x200f},   {0x2028, 0x202f},    {0x205f, 0x206f}, {0x3000, 0x3000},
        {0xe000, 0xf8ff},   {0xfeff, 0xfeff},    {0xfff0, 0xfffb}, {0xfffe, 0xffff},
        {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff},
    };
    for (size_t i = 0; i < BASE_COUNT(hidden); i++)
        if (character >= hidden[i].first && character <= hidden[i].last)
            return false;
    return true;
}

/* --- Texts --- */

/* As strconv.Quote does. */
static void put_quoted(struct out *o, const char *text)
{
    static const char names[] = "abtnvfr"; /* of the characters from 7 on */
    size_t len;
    put(o, "\"", 1);
    for (; *text; text += len) {
        uint32_t c = next_character(text, &len);
        char escaped[16];
        if (c == '"' || c == '\\')
            snprintf(escaped, sizeof(escaped), "\\%c", (char)c);
        else if (c >= 7 && c <= 13)
            snprintf(escaped, sizeof(escaped), "\\%c", names[c - 7]);
        else if (c == 0 || c < ' ' || c == 127)
            snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned)(unsigned char)*text);
        else if (c > 127 && !is_printable(c))
            snprintf(escaped, sizeof(escaped), c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
        else {
            put(o, text, len);
            continue;
        }
        put_text(o, escaped);
    }
    put(o, "\"", 1);
}

/* As encoding/json does, with its precautions for texts that end up in a web page. */
static void put_json_text(struct out *o, const char *text)
{
    size_t len;
    put(o, "\"", 1);
    for (; *text; text += len) {
        uint32_t c = next_character(text, &len);
        char escaped[16];
        if (c == '"' || c == '\\')
            snprintf(escaped, sizeof(escaped), "\\%c", (char)c);
        else if (c == '\n' || c == '\t' || c == '\r')
            snprintf(escaped, sizeof(escaped), "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else if (c == 0)
            snprintf(escaped, sizeof(escaped), "\\ufffd");
        else if (c < ' ' || c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029)
            snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)c);
        else {
            put(o, text, len);
            continue;
        }
        put_text(o, escaped);
    }
    put(o, "\"", 1);
}

static bool needs_quotes(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= '"' || *text == '=' || (unsigned char)*text > '~')
            return true;
    return false;
}

/* --- Values --- */

static void write_number(char text[SCRATCH], uint64_t number)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    size_t out = 0;
    for (int i = 0; i < len; i++) {
        if (number >= 100000 && i > 0 && (len - i) % 3 == 0)
            text[out++] = ',';
        text[out++] = digits[i];
    }
    text[out] = 0;
}

static void write_hash(char text[SCRATCH], const struct hash256 *hash, bool whole)
{
    if (whole) {
        memcpy(text, "0x", 2);
        hex_encode(text + 2, bytes_of(hash->b, 32));
        text[66] = 0;
        return;
    }
    hex_encode(text, bytes_of(hash->b, 3));
    memcpy(text + 6, "..", 2);
    hex_encode(text + 8, bytes_of(hash->b + 29, 3));
    text[14] = 0;
}

/* `ns` in units of 10^digits of them: the decimals there are, but three at most. */
static int write_fraction(char *text, size_t size, uint64_t ns, unsigned digits, const char *unit)
{
    char decimals[12];
    uint64_t scale = 1;
    for (unsigned i = 0; i < digits; i++)
        scale *= 10;
    int len = snprintf(decimals, sizeof(decimals), "%0*u", (int)digits, (unsigned)(ns % scale));
    while (len && decimals[len - 1] == '0')
        len--;
    if (len > 3)
        len = 3;
    return snprintf(text, size, "%llu%s%.*s%s", (unsigned long long)(ns / scale), len ? "." : "",
                    len, decimals, unit);
}

static void write_duration(char text[SCRATCH], uint64_t ns)
{
    const uint64_t second = 1000000000;
    if (ns < second) {
        if (ns >= 1000000)
            write_fraction(text, SCRATCH, ns, 6, "ms");
        else if (ns >= 1000)
            write_fraction(text, SCRATCH, ns, 3, "µs");
        else
            snprintf(text, SCRATCH, ns ? "%uns" : "%us", (unsigned)ns);
        return;
    }
    uint64_t minutes = ns / (60 * second);
    size_t len = 0;
    if (minutes >= 60)
        len += (size_t)snprintf(text, SCRATCH, "%lluh", (unsigned long long)(minutes / 60));
    if (minutes > 0)
        len += (size_t)snprintf(text + len, SCRATCH - len, "%um", (unsigned)(minutes % 60));
    write_fraction(text + len, SCRATCH - len, ns % (60 * second), 9, "s");
}

static void write_age(char text[SCRATCH], uint64_t seconds)
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {
        {12 * 30 * 86400, "y"},
        {30 * 86400, "mo"},
        {7 * 86400, "w"},
        {86400, "d"},
        {3600, "h"},
        {60, "m"},
        {1, "s"},
    };
    size_t len = 0, count = 0;
    snprintf(text, SCRATCH, "0");
    for (size_t i = 0; i < BASE_COUNT(units) && count < 3; i++) {
        if (seconds < units[i].seconds)
            continue;
        len += (size_t)snprintf(text + len, SCRATCH - len, "%llu%s",
                                (unsigned long long)(seconds / units[i].seconds), units[i].name);
        seconds %= units[i].seconds;
        count++;
    }
}

/* The value as plain text; texts are returned as they are, the others are written to `scratch`. */
static const char *value_text(const struct node_log_field *f, bool json, char scratch[SCRATCH])
{
    switch (f->kind) {
    case NODE_LOG_TEXT:
        return f->text ? f->text : "";
    case NODE_LOG_NUMBER:
    case NODE_LOG_BIG:
        if (json)
            snprintf(scratch, SCRATCH, "%llu", (unsigned long long)f->number);
        else
            write_number(scratch, f->number);
        break;
    case NODE_LOG_REAL:
        snprintf(scratch, SCRATCH, "%.3f", f->real);
        break;
    case NODE_LOG_HASH:
        write_hash(scratch, f->hash, json);
        break;
    case NODE_LOG_ADDRESS:
        crypto_address_checksum(scratch, f->address);
        break;
    case NODE_LOG_DURATION:
        write_duration(scratch, f->number);
        break;
    case NODE_LOG_AGE:
        write_age(scratch, f->number);
        break;
    }
    return scratch;
}

/* The width that values of this key are padded to, after one of `len` characters. */
static size_t key_width(const char *key, size_t len)
{
    for (size_t i = 0; i < KEY_SLOTS; i++) {
        if (!seen.widths[i].key)
            seen.widths[i].key = key;
        if (strcmp(seen.widths[i].key, key) != 0)
            continue;
        if (len > seen.widths[i].width && len <= VALUE_WIDTH)
            seen.widths[i].width = len;
        return seen.widths[i].width;
    }
    return 0;
}

/* --- Lines --- */

static void put_fields(struct out *o, unsigned colour, const struct node_log_field *fields,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char scratch[SCRATCH];
        const char *text = value_text(&fields[i], false, scratch);
        put(o, " ", i ? 1 : 0);
        put_coloured(o, colour, fields[i].key);
        put(o, "=", 1);
        size_t before = o->len;
        if (needs_quotes(text))
            put_quoted(o, text);
        else
            put_text(o, text);
        size_t wrote = width_of(o->text + before), width = key_width(fields[i].key, wrote);
        if (i + 1 < count && width > wrote)
            put_spaces(o, width - wrote);
    }
}

/* RFC 3339 with as many decimals as there are. */
static void write_stamp(char text[SCRATCH], const struct tm *tm, unsigned ns)
{
    size_t n = strftime(text, SCRATCH, "%Y-%m-%dT%H:%M:%S", tm);
    if (ns) {
        n += (size_t)snprintf(text + n, SCRATCH - n, ".%09u", ns);
        while (text[n - 1] == '0')
            n--;
    }
    long minutes = tm->tm_gmtoff / 60;
    snprintf(text + n, SCRATCH - n, "Z");
    if (minutes)
        snprintf(text + n, SCRATCH - n, "%c%02ld:%02ld", minutes < 0 ? '-' : '+',
                 labs(minutes) / 60 % 100, labs(minutes) % 60);
}

/* The field whose key follows `last` in the alphabet; of two with the same key the later one. */
static const struct node_log_field *next_field(const struct node_log_field *fields, size_t count,
                                               const char *last)
{
    const struct node_log_field *next = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].key, last) > 0 && (!next || strcmp(fields[i].key, next->key) <= 0))
            next = &fields[i];
    return next;
}

static void put_json(struct out *o, const struct node_log_line *line, const struct tm *tm)
{
    char stamp[SCRATCH], scratch[SCRATCH];
    write_stamp(stamp, tm, (unsigned)(line->wall_ns % 1000000000));
    const struct node_log_field own[] = {node_text("lvl", levels[line->level].json),
                                         node_text("msg", line->message), node_text("t", stamp)};
    const char *last = "";
    put(o, "{", 1);
    for (;;) {
        const struct node_log_field *f = next_field(own, BASE_COUNT(own), last),
                                    *other = next_field(line->fields, line->count, last);
        if (other && (!f || strcmp(other->key, f->key) <= 0))
            f = other;
        if (!f)
            break;
        put(o, ",", *last ? 1 : 0);
        put_json_text(o, f->key);
        put(o, ":", 1);
        const char *text = value_text(f, true, scratch);
        if (f->kind == NODE_LOG_NUMBER || f->kind == NODE_LOG_REAL)
            put_text(o, text);
        else
            put_json_text(o, text);
        last = f->key;
    }
    put(o, "}", 1);
}

/* "|node/raft.c:123"; returns the blanks that line it up with the longest so far. */
static size_t put_place(struct out *o, const struct node_log_place *place)
{
    char text[SCRATCH];
    int len = snprintf(text, sizeof(text), "%s:%u", node_log_short_name(place->file), place->line);
    size_t width = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    put(o, "|", 1);
    put(o, text, width);
    if (seen.place_width < width)
        seen.place_width = width;
    return seen.place_width - width;
}

static void put_terminal(struct out *o, const struct node_log_line *line, const struct tm *tm,
                         unsigned colour)
{
    char head[48];
    snprintf(head, sizeof(head), "[%02d-%02d|%02d:%02d:%02d.%03u", (tm->tm_mon + 1) % 100,
             tm->tm_mday % 100, tm->tm_hour % 100, tm->tm_min % 100, tm->tm_sec % 100,
             (unsigned)(line->wall_ns / 1000000 % 1000));
    put_coloured(o, colour, levels[line->level].aligned);
    put_text(o, head);
    size_t blanks = line->place ? put_place(o, line->place) : 0;
    put_text(o, "] ");
    put_spaces(o, blanks);
    put_text(o, line->message);
    put(o, " ", 1);
    size_t width = width_of(line->message);
    if (line->count && width < MESSAGE_WIDTH)
        put_spaces(o, MESSAGE_WIDTH - width);
    put_fields(o, colour, line->fields, line->count);
}

size_t node_log_format(char *ret_line, size_t size, enum node_log_form form,
                       const struct node_log_line *line)
{
    struct out o = {ret_line, 0, size};
    time_t seconds = (time_t)(line->wall_ns / 1000000000);
    struct tm tm;
    ret_line[0] = 0;
    localtime_r(&seconds, &tm);
    if (form == NODE_LOG_JSON)
        put_json(&o, line, &tm);
    else
        put_terminal(&o, line, &tm, form == NODE_LOG_COLOURED ? levels[line->level].colour : 0);
    return o.len;
}
