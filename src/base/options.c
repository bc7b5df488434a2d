#include "base/options.h"

#include "base/hex.h"

#include <string.h>

enum { LONGEST_NAME = 64, HELP_COLUMN = 26, HELP_WIDTH = 80 };

/* Levenshtein distance; words over LONGEST_NAME are far from everything. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), row[LONGEST_NAME + 1];
    if (n > LONGEST_NAME || m > LONGEST_NAME)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < least ? change : least;
        }
    }
    return row[m];
}

const char *options_nearest(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2; /* farther is a guess, not a help */
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, names[i]);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}

static const struct options_row *find_row(const struct options_row *rows, size_t count,
                                          const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return &rows[i];
    return NULL;
}

static int unknown_option(const char *name, const struct options_row *rows, size_t count,
                          struct err_detail *detail)
{
    const char *names[64];
    size_t n = count < BASE_COUNT(names) ? count : BASE_COUNT(names);
    for (size_t i = 0; i < n; i++)
        names[i] = rows[i].name;
    const char *near = options_nearest(name, names, n);
    if (near)
        return err_set(detail, ERR_USAGE, "unknown option --%s; did you mean --%s?", name, near);
    return err_set(detail, ERR_USAGE, "unknown option --%s", name);
}

static int set_switch(const struct options_row *row, const char *value, struct err_detail *detail)
{
    bool *target = row->target;
    if (!value || strcmp(value, "true") == 0)
        *target = true;
    else if (strcmp(value, "false") == 0)
        *target = false;
    else
        return err_set(detail, ERR_USAGE,
                       "--%s is a switch: it takes no value but true or false, not '%s'", row->name,
                       value);
    return ERR_OK;
}

static int set_value(const struct options_row *row, const char *value, struct err_detail *detail)
{
    if (row->kind == OPTIONS_TEXT) {
        *(const char **)row->target = value;
        return ERR_OK;
    }
    if (!hex_u64(value, row->target))
        return err_set(detail, ERR_USAGE, "--%s needs a whole number, not '%s'", row->name, value);
    return ERR_OK;
}

/* One option at argv[*at], which may take the argument behind it. */
static int parse_one(int *at, int argc, char **argv, const struct options_row *rows, size_t count,
                     struct err_detail *detail)
{
    const char *name = argv[*at] + (argv[*at][1] == '-' ? 2 : 1);
    size_t len = strcspn(name, "=");
    const char *value = name[len] ? name + len + 1 : NULL;
    const struct options_row *row = find_row(rows, count, name, len);
    if (!row) {
        char bare[LONGEST_NAME];
        size_t keep = len < sizeof(bare) - 1 ? len : sizeof(bare) - 1;
        memcpy(bare, name, keep);
        bare[keep] = 0;
        return unknown_option(bare, rows, count, detail);
    }
    if (row->kind == OPTIONS_SWITCH)
        return set_switch(row, value, detail);
    if (!value) {
        if (*at + 1 == argc)
            return err_set(detail, ERR_USAGE, "--%s needs a value: --%s %s", row->name, row->name,
                           row->argument);
        value = argv[++*at];
    }
    return set_value(row, value, detail);
}

int options_parse(size_t *ret_count, int argc, char **argv, const struct options_row *rows,
                  size_t row_count, struct err_detail *detail)
{
    size_t kept = 0;
    bool ended = false;
    for (int i = 0; i < argc; i++) {
        bool is_option = !ended && argv[i][0] == '-' && argv[i][1] != 0;
        if (is_option && strcmp(argv[i], "--") == 0) {
            ended = true;
        } else if (is_option) {
            int status = parse_one(&i, argc, argv, rows, row_count, detail);
            if (status != ERR_OK)
                return status;
        } else {
            argv[kept++] = argv[i];
        }
    }
    *ret_count = kept;
    return ERR_OK;
}

/* Appends `text` wrapped at the width and ends the line; the first begins at `column` already. */
static void wrap(struct buf *b, const char *text, size_t column, size_t indent)
{
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word > HELP_WIDTH) {
            buf_append_format(b, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            buf_append_byte(b, ' ');
            column++;
        }
        buf_append(b, text, word);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    buf_append_byte(b, '\n');
}

void options_help_row(struct buf *b, const char *name, size_t indent, const char *help)
{
    size_t width = 2 + strlen(name);
    buf_append_format(b, "  %s", name);
    if (width + 1 > indent)
        buf_append_format(b, "\n%*s", (int)indent, "");
    else
        buf_append_format(b, "%*s", (int)(indent - width), "");
    wrap(b, help, indent, indent);
}

void options_help(struct buf *b, const char *program, const struct options_command *command,
                  const struct options_row *rows, size_t row_count)
{
    buf_append_format(b, "usage: %s %s%s%s%s\n\n", program, command->name,
                      row_count ? " [OPTION ...]" : "", *command->arguments ? " " : "",
                      command->arguments);
    wrap(b, command->summary, 0, 0);
    if (*command->details) {
        buf_append_byte(b, '\n');
        wrap(b, command->details, 0, 0);
    }
    if (row_count)
        buf_append_text(b, "\noptions:\n");
    struct buf name = BUF_INIT;
    for (size_t i = 0; i < row_count; i++) {
        buf_clear(&name);
        buf_append_format(&name, "--%s%s%s", rows[i].name, rows[i].argument ? " " : "",
                          rows[i].argument ? rows[i].argument : "");
        options_help_row(b, buf_text(&name), HELP_COLUMN, rows[i].help);
    }
    buf_release(&name);
}

/* It reads a dash as a hyphen that a line may be broken at, a backslash as its own, and a dot at the
 * line's start as a request. */
void options_troff(struct buf *b, const char *text)
{
    if (*text == '.')
        buf_append_text(b, "\\&");
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            buf_append_byte(b, '\\');
        buf_append_byte(b, (uint8_t)*text);
    }
}

void options_man(struct buf *b, const char *program, const struct options_command *command,
                 const struct options_row *rows, size_t row_count)
{
    buf_append_text(b, ".SS ");
    options_troff(b, program);
    buf_append_format(b, " %s%s ", command->name, row_count ? " [OPTION ...]" : "");
    options_troff(b, command->arguments);
    buf_append_byte(b, '\n');
    options_troff(b, command->summary);
    buf_append_byte(b, '\n');
    options_troff(b, command->details);
    buf_append_text(b, *command->details ? "\n" : "");
    for (size_t i = 0; i < row_count; i++) {
        buf_append_text(b, ".TP\n\\fB\\-\\-");
        options_troff(b, rows[i].name);
        buf_append_text(b, "\\fR");
        if (rows[i].argument)
            buf_append_format(b, " \\fI%s\\fR", rows[i].argument);
        buf_append_byte(b, '\n');
        options_troff(b, rows[i].help);
        buf_append_byte(b, '\n');
    }
}
