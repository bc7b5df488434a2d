/*
 * The program's log: lines on standard error in geth's readable form, so that whoever reads a GoQuorum
 * node's log reads this one, and tools that parse the former parse the latter:
 *
 *   INFO [11-23|19:10:01.000] Imported new chain segment               number=12 hash=4b0570..f50eb4
 *
 * in colours on a terminal, or, with --log.json, one JSON object a line. Only the program logs; libraries report to it. Thread-safe;
 * a line is one write.
 */
#ifndef NODE_LOG_LOG_H
#define NODE_LOG_LOG_H

#include "base/types.h"

/* geth's --verbosity numbers: 0 prints nothing but what ends the program. */
enum node_log_level {
    NODE_LOG_CRIT = 0,
    NODE_LOG_ERROR = 1,
    NODE_LOG_WARN = 2,
    NODE_LOG_INFO = 3,
    NODE_LOG_DEBUG = 4,
    NODE_LOG_TRACE = 5,
};

enum node_log_kind {
    NODE_LOG_TEXT,   /* quoted where it has to be */
    NODE_LOG_NUMBER, /* with thousands separators from 100,000 on */
    NODE_LOG_BIG, /* the same, and in JSON a text: what geth has as a big integer, as blocks' numbers are */
    NODE_LOG_REAL,    /* three decimals */
    NODE_LOG_HASH,    /* first and last three bytes; in JSON all */
    NODE_LOG_ADDRESS, /* in full, with its checksum */
    NODE_LOG_DURATION, /* nanoseconds, written as Go does, and cut to three decimals: 1m2.345s, 17ms */
    NODE_LOG_AGE,      /* seconds, at most three units of years, months, … : 6y3mo2w */
};

/* One key=value; borrowed for the call. Made with the functions below. */
struct node_log_field {
    const char *key;
    enum node_log_kind kind;
    union {
        const char *text;
        uint64_t number;
        double real;
        const struct hash256 *hash;
        const struct address *address;
    };
};

static inline struct node_log_field node_text(const char *key, const char *text)
{
    return (struct node_log_field){.key = key, .kind = NODE_LOG_TEXT, .text = text};
}
static inline struct node_log_field node_number(const char *key, uint64_t number)
{
    return (struct node_log_field){.key = key, .kind = NODE_LOG_NUMBER, .number = number};
}
static inline struct node_log_field node_big(const char *key, uint64_t number)
{
    return (struct node_log_field){.key = key, .kind = NODE_LOG_BIG, .number = number};
}
static inline struct node_log_field node_real(const char *key, double real)
{
    return (struct node_log_field){.key = key, .kind = NODE_LOG_REAL, .real = real};
}
static inline struct node_log_field node_flag(const char *key, bool is)
{
    return node_text(key, is ? "true" : "false");
}
static inline struct node_log_field node_hash(const char *key, const struct hash256 *hash)
{
    return (struct node_log_field){.key = key, .kind = NODE_LOG_HASH, .hash = hash};
}
static inline struct node_log_field node_address(const char *key, const struct address *address)
{
    return (struct node_log_field){.key = key, .kind = NODE_LOG_ADDRESS, .address = address};
}
static inline struct node_log_field node_micros(const char *key, uint64_t us)
{
    return (struct node_log_field){.key = key, .kind = NODE_LOG_DURATION, .number = us * 1000};
}
static inline struct node_log_field node_millis(const char *key, uint64_t ms)
{
    return node_micros(key, ms * 1000);
}
/* Since `then` till `now`, both in seconds since 1970. */
static inline struct node_log_field node_age(const char *key, uint64_t then, uint64_t now)
{
    return (struct node_log_field){
        .key = key, .kind = NODE_LOG_AGE, .number = now > then ? now - then : 0};
}

/* Where a line is written: a source file as the compiler names it, or as a library that reports; `file` NULL: nowhere. */
struct node_log_place {
    const char *file;
    unsigned line;
};

enum node_log_form {
    NODE_LOG_PLAIN,
    NODE_LOG_COLOURED, /* for a terminal: the level and the keys in the level's colour */
    NODE_LOG_JSON,     /* an object a line, its keys in order of their letters */
};

/* That of standard error: coloured when it is a terminal and $TERM is not "dumb". */
enum node_log_form node_log_form_of_stderr(void);
/* Once, before other threads run. `level` is the highest that is printed; `origins`: each line says its place. */
void node_log_setup(enum node_log_level level, enum node_log_form form, bool origins);
/* debug_verbosity: any time, any thread. */
void node_log_set_level(enum node_log_level level);
/* By the level, or by a rule of --vmodule (filter.h). */
bool node_log_enabled(enum node_log_level level, const char *file);

void node_log_write(enum node_log_level level, struct node_log_place place, const char *message,
                    const struct node_log_field *fields, size_t count);

/* A line before it is written. Borrowed. */
struct node_log_line {
    enum node_log_level level;
    uint64_t wall_ns; /* since 1970; printed in UTC or local time as the process is set */
    const struct node_log_place *place; /* NULL: it is not said */
    const char *message;
    const struct node_log_field *fields;
    size_t count;
};

enum { NODE_LOG_LINE_MAX = 8192 }; /* a longer line is cut */

/* Its text without an end, in `ret_line` of `size` bytes, cut where it does not fit. Remembers how wide the values of each key have
 * been: one call at a time. */
size_t node_log_format(char *ret_line, size_t size, enum node_log_form form,
                       const struct node_log_line *line);

/* NODE_LOG(NODE_LOG_INFO, "message", node_number("number", 1), …) */
#define NODE_LOG(level, message, ...) NODE_LOG_OF(__FILE__, level, message, ##__VA_ARGS__)
/* The same for what a library reports, in its name: "p2p/server.c". */
#define NODE_LOG_OF(file, level, message, ...)                                                     \
    do {                                                                                           \
        if (node_log_enabled((level), (file))) {                                                   \
            const struct node_log_field node_log_fields_[] = {{.key = NULL}, ##__VA_ARGS__};       \
            node_log_write((level), (struct node_log_place){(file), __LINE__}, (message),          \
                           node_log_fields_ + 1, BASE_COUNT(node_log_fields_) - 1);                \
        }                                                                                          \
    } while (0)

#endif
