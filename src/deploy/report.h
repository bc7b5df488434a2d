/*
 * Everything that is wrong with what a person wrote, at once: where, what, and what to do about it.
 * Later stages go on after a problem as far as they can, so that one reading finds them all.
 */
#ifndef DEPLOY_REPORT_H
#define DEPLOY_REPORT_H

#include "base/arena.h"
#include "base/buf.h"

#include <jansson.h>

enum deploy_severity { DEPLOY_ERROR, DEPLOY_WARNING, DEPLOY_NOTE };

/* A place in a file; line 0 means the file as a whole. Lines and columns are counted from 1. */
struct deploy_place {
    uint32_t line;
    uint32_t column;
};

struct deploy_problem {
    enum deploy_severity severity;
    struct deploy_place place;
    const char *path;    /* "network.organizations[0].name"; "" for the file */
    const char *message; /* what is wrong, without a full stop */
    const char *remedy;  /* what to do; "" where the message says it already */
};

enum {
    DEPLOY_REPORT_MAX = 500, /* problems that are kept; a file with more is not read by a person */
};

struct deploy_report {
    const char *file; /* borrowed: how the messages name it */
    struct arena *arena;
    struct deploy_problem *problems; /* in the order of discovery until deploy_report_sort */
    size_t count;
    size_t capacity;
    size_t dropped; /* beyond DEPLOY_REPORT_MAX */
    int status;     /* 0, or ERR_NOMEM: a problem could not be kept */
};

/* Texts of problems live in `arena`, which is borrowed like `file`. */
void deploy_report_init(struct deploy_report *report, const char *file, struct arena *arena);

/* `path` and `remedy` are copied. */
void deploy_report_add(struct deploy_report *report, enum deploy_severity severity,
                       struct deploy_place place, const char *path, const char *remedy,
                       const char *format, ...) BASE_PRINTF(6, 7);

size_t deploy_report_count(const struct deploy_report *report, enum deploy_severity severity);

/* By line and column; problems of one place stay in their order. */
void deploy_report_sort(struct deploy_report *report);

/* For people: a paragraph a problem, and a last line with the numbers. `color` uses ANSI colours. */
void deploy_report_print(struct buf *b, const struct deploy_report *report, bool color);
/* For commands that go on: a line on standard error with the number of warnings and the command that shows them; none without a
 * warning. `options` go before the file: "" or "--kubernetes ". */
void deploy_report_hint(const struct deploy_report *report, const char *options);
/* For commands that only look: all problems on standard error, where one is a warning. */
void deploy_report_show(const struct deploy_report *report);
/* [{severity, line, column, path, message, remedy}]; NULL when out of memory. */
json_t *deploy_report_problems(const struct deploy_report *report);
/* For scripts: {"file", "errors", "warnings", "problems"}. */
void deploy_report_json(struct buf *b, const struct deploy_report *report);

#endif
