#include "node/log/log.h"

#include "base/hex.h"
#include "node/log/filter.h"

#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    MESSAGE_WIDTH = 40, /* geth pads messages that short, where fields follow */
    VALUE_WIDTH = 40,   /* … and values, to the widest of their key so far up to this */
    KEY_SLOTS = 64,     /* keys whose width is remembered; there are fewer in the program */
    LINE_MAX_ = 4096,   /* a longer line is cut */
    FRAMES_MAX = 64,    /* of a stack */
};

static struct {
    pthread_mutex_t lock;
    _Atomic(enum node_log_level) level;
    bool json, origins;
    size_t place_width; /* of the longest place so far */
    struct {
        const char *key;
        size_t width;
    } widths[KEY_SLOTS];
} log_state = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = NODE_LOG_INFO};

static const struct {
    const char *aligned, *json;
} level_names[] = {
    {"CRIT ", "crit"}, {"ERROR", "eror"}, {"WARN ", "warn"},
    {"INFO ", "info"}, {"DEBUG", "dbug"}, {"TRACE", "trce"},
};

void node_log_setup(enum node_log_level level, bool json, bool origins)
{
    log_state.level = level;
    log_state.json = json;
    log_state.origins = origins;
}

void node_log_set_level(enum node_log_level level)
{
    log_state.level = level;
}

/* "../src/node/raft/raft.c", as the compiler has it, is "node/raft/raft.c" here. */
static const char *short_name(const char *file)
{
    const char *root = strstr(file, "src/");
    return root ? root + strlen("src/") : file;
}

bool node_log_enabled(enum node_log_level level, const char *file)
{
    return level <= log_state.level || (int)level <= node_log_level_of(short_name(file));
}

struct line {
    char *text;
    size_t len, size;
};

static void put(struct line *l, const char *text, size_t len)
{
    size_t room = l->size - 1 - l->len;
    if (len > room)
        len = room;
    memcpy(l->text + l->len, text, len);
    l->len += len;
    l->text[l->len] = 0;
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

static void put_spaces(struct line *l, size_t count)
{
    while (count--)
        put(l, " ", 1);
}

static size_t format_number(char *ret_text, uint64_t number)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    if (number < 100000) {
        memcpy(ret_text, digits, (size_t)len + 1);
        return (size_t)len;
    }
    size_t out = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            ret_text[out++] = ',';
        ret_text[out++] = digits[i];
    }
    ret_text[out] = 0;
    return out;
}

/* The value as plain text; texts are returned as they are, the others are written to `scratch`. */
static const char *value_text(const struct node_log_field *f, bool json, char scratch[96])
{
    switch (f->kind) {
    case NODE_LOG_TEXT:
        return f->text ? f->text : "";
    case NODE_LOG_NUMBER:
        if (json)
            snprintf(scratch, 96, "%llu", (unsigned long long)f->number);
        else
            format_number(scratch, f->number);
        break;
    case NODE_LOG_HASH:
        if (json) {
            memcpy(scratch, "0x", 2);
            hex_encode(scratch + 2, bytes_of(f->hash->b, 32));
            scratch[66] = 0;
        } else {
            hex_encode(scratch, bytes_of(f->hash->b, 3));
            memcpy(scratch + 6, "..", 2);
            hex_encode(scratch + 8, bytes_of(f->hash->b + 29, 3));
            scratch[14] = 0;
        }
        break;
    case NODE_LOG_ADDRESS:
        memcpy(scratch, "0x", 2);
        hex_encode(scratch + 2, bytes_of(f->address->b, 20));
        scratch[42] = 0;
        break;
    case NODE_LOG_MILLIS:
        if (f->number < 1000)
            snprintf(scratch, 96, "%llums", (unsigned long long)f->number);
        else
            snprintf(scratch, 96, "%llu.%03llus", (unsigned long long)(f->number / 1000),
                     (unsigned long long)(f->number % 1000));
        break;
    }
    return scratch;
}

static bool needs_quotes(const char *text)
{
    if (*text == 0)
        return true;
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == '=' || *text == '"' || *text == 127)
            return true;
    return false;
}

static void put_quoted(struct line *l, const char *text)
{
    put(l, "\"", 1);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        char escaped[8];
        if (c == '"' || c == '\\')
            snprintf(escaped, sizeof(escaped), "\\%c", c);
        else if (c == '\n' || c == '\t' || c == '\r')
            snprintf(escaped, sizeof(escaped), "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else if (c < ' ' || c == 127)
            snprintf(escaped, sizeof(escaped), "\\u%04x", c);
        else
            snprintf(escaped, sizeof(escaped), "%c", c);
        put_text(l, escaped);
    }
    put(l, "\"", 1);
}

/* The width that values of this key are padded to, after one of `len` characters. */
static size_t key_width(const char *key, size_t len)
{
    for (size_t i = 0; i < KEY_SLOTS; i++) {
        if (!log_state.widths[i].key)
            log_state.widths[i].key = key;
        if (strcmp(log_state.widths[i].key, key) != 0)
            continue;
        if (len > log_state.widths[i].width && len <= VALUE_WIDTH)
            log_state.widths[i].width = len;
        return log_state.widths[i].width;
    }
    return 0;
}

static void put_terminal(struct line *l, const char *message, const struct node_log_field *fields,
                         size_t count)
{
    put_text(l, message);
    size_t length = strlen(message);
    put(l, " ", count ? 1 : 0);
    if (count && length < MESSAGE_WIDTH)
        put_spaces(l, MESSAGE_WIDTH - length);
    for (size_t i = 0; i < count; i++) {
        char scratch[96];
        const char *text = value_text(&fields[i], false, scratch);
        put(l, " ", i ? 1 : 0);
        put_text(l, fields[i].key);
        put(l, "=", 1);
        size_t before = l->len;
        if (needs_quotes(text))
            put_quoted(l, text);
        else
            put_text(l, text);
        size_t wrote = l->len - before, width = key_width(fields[i].key, wrote);
        if (i + 1 < count && width > wrote)
            put_spaces(l, width - wrote);
    }
}

static void put_json(struct line *l, enum node_log_level level, const struct tm *tm, unsigned ms,
                     const char *message, const struct node_log_field *fields, size_t count)
{
    char stamp[48];
    size_t n = strftime(stamp, sizeof(stamp), "{\"t\":\"%Y-%m-%dT%H:%M:%S", tm);
    snprintf(stamp + n, sizeof(stamp) - n, ".%03u", ms);
    put_text(l, stamp);
    strftime(stamp, sizeof(stamp), "%z\",\"lvl\":\"", tm);
    put_text(l, stamp);
    put_text(l, level_names[level].json);
    put_text(l, "\",\"msg\":");
    put_quoted(l, message);
    for (size_t i = 0; i < count; i++) {
        char scratch[96];
        const char *text = value_text(&fields[i], true, scratch);
        put_text(l, ",\"");
        put_text(l, fields[i].key);
        put_text(l, "\":");
        if (fields[i].kind == NODE_LOG_NUMBER)
            put_text(l, text);
        else
            put_quoted(l, text);
    }
    put(l, "}", 1);
}

/* "|node/raft/raft.c:123"; returns the blanks that line it up with the longest so far. */
static size_t put_place(struct line *l, const struct node_log_place *place)
{
    char text[96];
    int len = snprintf(text, sizeof(text), "%s:%u", short_name(place->file), place->line);
    size_t width = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    put(l, "|", 1);
    put(l, text, width);
    if (log_state.place_width < width)
        log_state.place_width = width;
    return log_state.place_width - width;
}

size_t node_log_format(char *ret_line, size_t size, bool json, enum node_log_level level,
                       uint64_t wall_ms, const struct node_log_place *place, const char *message,
                       const struct node_log_field *fields, size_t count)
{
    struct line l = {ret_line, 0, size};
    time_t seconds = (time_t)(wall_ms / 1000);
    unsigned ms = (unsigned)(wall_ms % 1000);
    struct tm tm;
    ret_line[0] = 0;
    localtime_r(&seconds, &tm);
    if (json) {
        put_json(&l, level, &tm, ms, message, fields, count);
        return l.len;
    }
    char head[48];
    snprintf(head, sizeof(head), "%s[%02d-%02d|%02d:%02d:%02d.%03u", level_names[level].aligned,
             (tm.tm_mon + 1) % 100, tm.tm_mday % 100, tm.tm_hour % 100, tm.tm_min % 100,
             tm.tm_sec % 100, ms);
    put_text(&l, head);
    size_t width = place ? put_place(&l, place) : 0;
    put_text(&l, "] ");
    put_spaces(&l, width);
    put_terminal(&l, message, fields, count);
    return l.len;
}

void node_log_write(enum node_log_level level, struct node_log_place place, const char *message,
                    const struct node_log_field *fields, size_t count)
{
    void *frames[FRAMES_MAX];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t wall_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    char line[LINE_MAX_];
    pthread_mutex_lock(&log_state.lock);
    size_t len = node_log_format(line, sizeof(line) - 1, log_state.json, level, wall_ms,
                                 log_state.origins ? &place : NULL, message, fields, count);
    line[len++] = '\n';
    /* Nobody can be told that the log is gone. */
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written;
    if (node_log_wants_backtrace(short_name(place.file), place.line))
        backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
    pthread_mutex_unlock(&log_state.lock);
}
