/*
 * Command lines as tables: one row an option gives parsing, --help and the man page.
 *
 * Accepted: --name value, --name=value, -name (as Go programs take it), "--" ends the options.
 * Options and other arguments may be mixed.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/buf.h"

enum options_kind {
    OPTIONS_SWITCH, /* bool *: present, or =true / =false */
    OPTIONS_TEXT,   /* const char **: borrowed from argv */
    OPTIONS_NUMBER, /* uint64_t *: decimal or 0x… */
};

struct options_row {
    const char *name;     /* without dashes */
    const char *argument; /* what --help calls the value; NULL for switches */
    enum options_kind kind;
    void *target; /* keeps its value when the option is absent: set the default before */
    const char *help;
};

/* A program's subcommand, for its usage text and man page. */
struct options_command {
    const char *name;      /* "statetest" */
    const char *arguments; /* "FILE|FOLDER ..." */
    const char *summary;   /* one line */
    const char *details;   /* sentences; may be "" */
};

/* Fills the targets. The arguments that are no options are moved, in order, to the front of argv
 * (from index 0); their number is returned in ret_count. ERR_USAGE with a message that names the
 * option and, for an unknown one, the nearest known name. */
int options_parse(size_t *ret_count, int argc, char **argv, const struct options_row *rows,
                  size_t row_count, struct err_detail *detail) BASE_NODISCARD;

/* Usage, summary, details and options of one subcommand, for a terminal of 80 columns. */
void options_help(struct buf *b, const char *program, const struct options_command *command,
                  const struct options_row *rows, size_t row_count);
/* The same as a section of a man page (troff). */
void options_man(struct buf *b, const char *program, const struct options_command *command,
                 const struct options_row *rows, size_t row_count);

typedef void options_page_fn(struct buf *b, const char *program,
                             const struct options_command *command, const struct options_row *rows,
                             size_t row_count); /* one of these two */

/* A line of such pages, and those that it is broken into: `name` behind two spaces, `help` from column `indent` on; a name
 * that does not leave a space before it has a line of its own. */
void options_help_row(struct buf *b, const char *name, size_t indent, const char *help);
/* `text` as troff is to show it. */
void options_troff(struct buf *b, const char *text);

/* The name among `names` that is nearest to `word`, or NULL when none is near (for "did you mean").
 */
const char *options_nearest(const char *word, const char *const *names, size_t count);

#endif
