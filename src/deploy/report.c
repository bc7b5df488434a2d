#include "deploy/report.h"

#include "deploy/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const severity_names[] = {"error", "warning", "note"};

void deploy_report_init(struct deploy_report *report, const char *file, struct arena *arena)
{
    *report = (struct deploy_report){.file = file, .arena = arena};
}

/* The array grows inside the arena: old ones stay behind until it is released. */
static bool make_room(struct deploy_report *report)
{
    if (report->count < report->capacity)
        return true;
    size_t capacity = report->capacity ? 2 * report->capacity : 16;
    struct deploy_problem *problems =
        arena_alloc_zeroed(report->arena, capacity, sizeof(*problems));
    if (!problems)
        return false;
    if (report->count)
        memcpy(problems, report->problems, report->count * sizeof(*problems));
    report->problems = problems;
    report->capacity = capacity;
    return true;
}

/* With its end mark; NULL when out of memory. */
static const char *keep_text(struct deploy_report *report, const char *text)
{
    return (const char *)arena_copy(report->arena, bytes_of(text, strlen(text) + 1)).data;
}

void deploy_report_add(struct deploy_report *report, enum deploy_severity severity,
                       struct deploy_place place, const char *path, const char *remedy,
                       const char *format, ...)
{
    if (report->count == DEPLOY_REPORT_MAX) {
        report->dropped++;
        return;
    }
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);

    struct deploy_problem problem = {
        .severity = severity,
        .place = place,
        .path = keep_text(report, path),
        .message = keep_text(report, message),
        .remedy = keep_text(report, remedy),
    };
    if (!problem.path || !problem.message || !problem.remedy || !make_room(report)) {
        report->status = ERR_NOMEM;
        return;
    }
    report->problems[report->count++] = problem;
}

size_t deploy_report_count(const struct deploy_report *report, enum deploy_severity severity)
{
    size_t count = 0;
    for (size_t i = 0; i < report->count; i++)
        count += report->problems[i].severity == severity;
    return count;
}

static bool comes_before(const struct deploy_problem *a, const struct deploy_problem *b)
{
    if (a->place.line != b->place.line)
        return a->place.line < b->place.line;
    return a->place.column < b->place.column;
}

void deploy_report_sort(struct deploy_report *report)
{
    for (size_t i = 1; i < report->count; i++) { /* insertion keeps equal ones in order */
        struct deploy_problem problem = report->problems[i];
        size_t at = i;
        for (; at > 0 && comes_before(&problem, &report->problems[at - 1]); at--)
            report->problems[at] = report->problems[at - 1];
        report->problems[at] = problem;
    }
}

static const char *color_of(enum deploy_severity severity)
{
    switch (severity) {
    case DEPLOY_ERROR:
        return "\x1b[31m";
    case DEPLOY_WARNING:
        return "\x1b[33m";
    case DEPLOY_NOTE:
        return "\x1b[36m";
    }
    return "";
}

static void print_problem(struct buf *b, const char *file, const struct deploy_problem *problem,
                          bool color)
{
    buf_append_text(b, file);
    if (problem->place.line)
        buf_append_format(b, ":%u:%u", (unsigned)problem->place.line,
                          (unsigned)problem->place.column);
    buf_append_format(b, ": %s%s%s: ", color ? color_of(problem->severity) : "",
                      severity_names[problem->severity], color ? "\x1b[0m" : "");
    if (problem->path[0])
        buf_append_format(b, "%s: ", problem->path);
    buf_append_format(b, "%s\n", problem->message);
    if (problem->remedy[0])
        buf_append_format(b, "    %s\n", problem->remedy);
}

static void append_number(struct buf *b, size_t count, const char *name)
{
    buf_append_format(b, "%zu %s%s", count, name, count == 1 ? "" : "s");
}

void deploy_report_print(struct buf *b, const struct deploy_report *report, bool color)
{
    for (size_t i = 0; i < report->count; i++)
        print_problem(b, report->file, &report->problems[i], color);
    if (report->dropped)
        buf_append_format(b, "... and %zu more\n", report->dropped);
    buf_append_format(b, "%s: ", report->file);
    append_number(b, deploy_report_count(report, DEPLOY_ERROR), "error");
    buf_append_text(b, ", ");
    append_number(b, deploy_report_count(report, DEPLOY_WARNING), "warning");
    buf_append_text(b, "\n");
}

static json_t *problem_json(const struct deploy_problem *problem)
{
    return json_pack("{s:s, s:I, s:I, s:s, s:s, s:s}", "severity",
                     severity_names[problem->severity], "line", (json_int_t)problem->place.line,
                     "column", (json_int_t)problem->place.column, "path", problem->path, "message",
                     problem->message, "remedy", problem->remedy);
}

json_t *deploy_report_problems(const struct deploy_report *report)
{
    json_t *problems = json_array();
    for (size_t i = 0; problems && i < report->count; i++)
        json_array_append_new(problems, problem_json(&report->problems[i]));
    return problems;
}

void deploy_report_json(struct buf *b, const struct deploy_report *report)
{
    json_t *root =
        json_pack("{s:s, s:I, s:I, s:I, s:o}", "file", report->file, "errors",
                  (json_int_t)deploy_report_count(report, DEPLOY_ERROR), "warnings",
                  (json_int_t)deploy_report_count(report, DEPLOY_WARNING), "dropped",
                  (json_int_t)report->dropped, "problems", deploy_report_problems(report));
    deploy_json_append(b, root);
    buf_append_byte(b, '\n');
    json_decref(root);
}

void deploy_report_show(const struct deploy_report *report)
{
    struct buf b = BUF_INIT;
    if (deploy_report_count(report, DEPLOY_WARNING) == 0)
        return;
    deploy_report_print(&b, report, isatty(STDERR_FILENO) && !getenv("NO_COLOR"));
    fputs(buf_text(&b), stderr);
    buf_release(&b);
}

void deploy_report_hint(const struct deploy_report *report, const char *options)
{
    size_t count = deploy_report_count(report, DEPLOY_WARNING);
    if (count)
        fprintf(stderr, "note: %zu warning%s; `quorate check %s%s` shows %s\n", count,
                count == 1 ? "" : "s", options, report->file, count == 1 ? "it" : "them");
}
