/*
 * The program's log: lines on standard error in geth's readable form, so that whoever reads a GoQuorum
 * node's log reads this one, and tools that parse the former parse the latter:
 *
 *   INFO [11-23|19:10:01.000] Imported new chain segment               number=12 hash=4b0570..f50eb4
 *
 * or, with --log.json, one JSON object a line. Only the program logs; libraries report to it. Thread-safe;
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
    NODE_LOG_TEXT,    /* quoted where it has to be */
    NODE_LOG_NUMBER,  /* with thousands separators from 100,000 on */
    NODE_LOG_HASH,    /* first and last three bytes */
    NODE_LOG_ADDRESS, /* in full */
    NODE_LOG_MILLIS,  /* a duration, written as geth does: 1.234s, 17ms */
};

/* One key=value; borrowed for the call. Made with the functions below. */
struct node_log_field {
    const char *key;
    enum node_log_kind kind;
    union {
        const char *text;
        uint64_t number;
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
static inline struct node_log_field node_hash(const char *key, const struct hash256 *hash)
{
    return (struct node_log_field){.key = key, .kind = NODE_LOG_HASH, .hash = hash};
}
static inline struct node_log_field node_address(const char *key, const struct address *address)
{
    return (struct node_log_field){.key = key, .kind = NODE_LOG_ADDRESS, .address = address};
}
static inline struct node_log_field node_millis(const char *key, uint64_t ms)
{
    return (struct node_log_field){.key = key, .kind = NODE_LOG_MILLIS, .number = ms};
}

/* Where a line is written: a source file as the compiler names it, or as a library that reports; `file` NULL: nowhere. */
struct node_log_place {
    const char *file;
    unsigned line;
};

/* Once, before other threads run. `level` is the highest that is printed; `origins`: each line says its place. */
void node_log_setup(enum node_log_level level, bool json, bool origins);
/* debug_verbosity: any time, any thread. */
void node_log_set_level(enum node_log_level level);
/* By the level, or by a rule of --vmodule (filter.h). */
bool node_log_enabled(enum node_log_level level, const char *file);

void node_log_write(enum node_log_level level, struct node_log_place place, const char *message,
                    const struct node_log_field *fields, size_t count);

/* The line without its end, for tests; `wall_ms` is milliseconds since 1970, printed in UTC or local
 * time as the process is set; `place` NULL: it is not said. Appends to `ret_line` of `size` bytes, cut where it does not
 * fit. */
size_t node_log_format(char *ret_line, size_t size, bool json, enum node_log_level level,
                       uint64_t wall_ms, const struct node_log_place *place, const char *message,
                       const struct node_log_field *fields, size_t count);

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
