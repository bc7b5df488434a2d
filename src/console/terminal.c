#include "console/terminal.h"

#include "base/file.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_LINES = 1000, HISTORY_FILE_MAX = 16 << 20, WORD_MAX = 256 };

/* libedit's callbacks have no context of their own, and there is one terminal. */
static struct {
    struct console_engine *engine;
    EditLine *edit;
    History *history;
    const char *history_path;
    unsigned open; /* brackets */
    char prompt[64];
    bool interrupted;     /* by Ctrl-C, while the line was typed */
    struct termios shown; /* as the terminal was found */
} terminal;

/* --- Text --- */

int console_open_brackets(struct bytes text)
{
    int open = 0;
    uint8_t quote = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (quote) {
            if (c == '\\')
                i++;
            else if (c == quote)
                quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '{' || c == '(' || c == '[') {
            open++;
        } else if (c == '}' || c == ')' || c == ']') {
            open--;
        }
    }
    return open;
}

bool console_may_remember(const char *line)
{
    static const char *const secret[] = {
        "personal.newAccount",
        "personal.unlockAccount",
        "personal.sign",
        "personal.sendTransaction",
        "personal.importRawKey",
        "personal_",
        "importRawKey",
        "assword",
        "assphrase",
    };
    if (line[0] == ' ' || line[0] == 0)
        return false;
    for (size_t i = 0; i < BASE_COUNT(secret); i++)
        if (strstr(line, secret[i]))
            return false;
    return true;
}

static bool is_exit(const char *line)
{
    line += strspn(line, " \t");
    if (strncmp(line, "exit", 4) != 0)
        return false;
    line += 4;
    return line[strspn(line, " \t\r\n;")] == 0;
}

static const char *make_prompt(unsigned open)
{
    size_t dots = open * 3 < 48 ? open * 3 : 48;
    if (open == 0)
        return "> ";
    memset(terminal.prompt, '.', dots);
    memcpy(terminal.prompt + dots, " ", 2);
    return terminal.prompt;
}

/* --- Asking --- */

const char *console_terminal_ask(void *context, const char *prompt, bool hidden)
{
    static char line[1024];
    struct termios shown, quiet;
    bool is_terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    (void)context;
    if (is_terminal) {
        quiet = shown;
        quiet.c_lflag |= ICANON | ECHO;
        if (hidden)
            quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    if (!is_terminal && hidden)
        fputs("!! Unsupported terminal, password will be echoed.\n", stdout);
    fputs(prompt, stdout);
    fflush(stdout);
    const char *got = fgets(line, sizeof(line), stdin);
    if (is_terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        if (hidden)
            fputc('\n', stdout);
    }
    if (!is_terminal)
        fputc('\n', stdout);
    if (got)
        line[strcspn(line, "\r\n")] = 0;
    return got;
}

void console_terminal_clear_history(void *context)
{
    HistEvent event;
    (void)context;
    if (terminal.history)
        history(terminal.history, &event, H_CLEAR);
    if (terminal.history_path && unlink(terminal.history_path) == 0)
        puts("history file deleted");
}

/* --- Editing --- */

static char *edit_prompt(EditLine *edit)
{
    (void)edit;
    return (char *)(uintptr_t)make_prompt(terminal.open);
}

/* Timers go on while nothing is typed. */
static int read_character(EditLine *edit, wchar_t *ret_character)
{
    mbstate_t state = {0};
    for (;;) {
        char byte;
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
        int wait = console_engine_timers(terminal.engine);
        int ready = poll(&in, 1, wait);
        if (ready < 0 && errno == EINTR) {
            el_set(edit, EL_REFRESH); /* another size, or back from a stop */
            continue;
        }
        if (ready < 0)
            return -1;
        if (ready == 0)
            continue;
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n <= 0)
            return (int)n;
        size_t len = mbrtowc(ret_character, &byte, 1, &state);
        if (len == (size_t)-1) {
            memset(&state, 0, sizeof(state));
            *ret_character = L'?';
            return 1;
        }
        if (len != (size_t)-2)
            return 1;
    }
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '$';
}

static size_t common_prefix(const char *words)
{
    size_t len = strcspn(words, "\n");
    for (const char *w = words + len; *w;) {
        w++;
        size_t same = 0;
        while (same < len && w[same] == words[same])
            same++;
        len = same;
        w += strcspn(w, "\n");
    }
    return len;
}

static unsigned char complete(EditLine *edit, int key)
{
    const LineInfo *line = el_line(edit);
    const char *begin = line->cursor;
    char word[WORD_MAX];
    struct buf words = BUF_INIT;
    (void)key;
    while (begin > line->buffer && is_word(begin[-1]))
        begin--;
    size_t len = (size_t)(line->cursor - begin);
    if (len == 0 || len >= sizeof(word))
        return CC_ERROR;
    memcpy(word, begin, len);
    word[len] = 0;
    console_engine_complete(terminal.engine, &words, word);
    const char *all = buf_text(&words);
    size_t prefix = common_prefix(all);
    unsigned char result = CC_ERROR;
    if (prefix > len) {
        char more[WORD_MAX];
        snprintf(more, sizeof(more), "%.*s", (int)(prefix - len), all + len);
        result = el_insertstr(edit, more) == 0 ? CC_REFRESH : CC_ERROR;
    } else if (strchr(all, '\n')) {
        printf("\n%s\n", all);
        result = CC_REDISPLAY;
    }
    buf_release(&words);
    return result;
}

/* Ctrl-C: what was typed is dropped, also the lines of an expression that is not complete. */
static unsigned char abort_line(EditLine *edit, int key)
{
    (void)edit;
    (void)key;
    terminal.interrupted = true;
    return CC_EOF;
}

/* A program that ends while a line is being typed (the node beside the console) leaves the terminal as it found it. */
static void restore_terminal(void)
{
    if (terminal.edit)
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal.shown);
}

/* A line with its end, borrowed; NULL at the end of input. */
static const char *edit_line(void)
{
    int count;
    terminal.interrupted = false;
    /* Before the prompt is there: libedit does it behind, and a Ctrl-C in between would end the program. */
    el_set(terminal.edit, EL_PREP_TERM, 1);
    const char *line = el_gets(terminal.edit, &count);
    return line && count > 0 ? line : NULL;
}

static const char *plain_line(struct buf *line)
{
    int c = 0;
    fputs(make_prompt(terminal.open), stdout);
    fflush(stdout);
    buf_clear(line);
    while (c != '\n' && (c = getchar()) != EOF)
        buf_append_byte(line, (uint8_t)c);
    fputc('\n', stdout);
    return line->len ? buf_text(line) : NULL;
}

/* --- The history's file: what was typed, a command after the other, as geth writes it --- */

static const char edit_magic[] =
    "_HiStOrY_V2_\n"; /* of libedit's own form, which older versions wrote */

static void load_history(const char *path)
{
    HistEvent event;
    struct buf text = BUF_INIT;
    struct err_detail detail = {""};
    size_t first = 0, lines = 0;
    if (file_read(path, HISTORY_FILE_MAX, &text, &detail) != ERR_OK || text.len == 0) {
        buf_release(&text);
        return;
    }
    buf_append_byte(&text, '\n');
    const char *all = buf_text(&text);
    if (strncmp(all, edit_magic, strlen(edit_magic)) == 0) {
        history(terminal.history, &event, H_LOAD, path);
    } else {
        for (first = text.len; first > 0 && lines <= HISTORY_LINES; first--)
            lines += all[first - 1] == '\n';
        for (char *line = (char *)text.data + first, *end; (end = strchr(line, '\n'));
             line = end + 1) {
            *end = 0;
            if (*line)
                history(terminal.history, &event, H_ENTER, line);
        }
    }
    buf_release(&text);
}

static void save_history(const char *path)
{
    HistEvent event;
    struct buf text = BUF_INIT;
    struct err_detail detail = {""};
    for (int more = history(terminal.history, &event, H_LAST); more >= 0;
         more = history(terminal.history, &event, H_PREV)) {
        size_t len = strlen(event.str);
        while (len && strchr(" \t\r\n", event.str[len - 1]))
            len--;
        buf_append_text(&text, text.len ? "\n" : "");
        buf_append(&text, event.str, len);
    }
    /* What was typed is for its writer. When it cannot be kept the session goes on all the same. */
    if (buf_status(&text) == ERR_OK)
        (void)!file_write_private(path, buf_bytes(&text), &detail);
    buf_release(&text);
}

static int open_editor(struct err_detail *detail)
{
    HistEvent event;
    /* What is typed is UTF-8, as everything that is printed, whatever the environment says. */
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
    terminal.edit = el_init("geth", stdin, stdout, stderr);
    terminal.history = history_init();
    if (!terminal.edit || !terminal.history)
        return err_set(detail, ERR_NOMEM, "the line editor cannot be set up");
    history(terminal.history, &event, H_SETSIZE, HISTORY_LINES);
    history(terminal.history, &event, H_SETUNIQUE, 1);
    if (terminal.history_path)
        load_history(terminal.history_path);
    if (tcgetattr(STDIN_FILENO, &terminal.shown) == 0)
        atexit(restore_terminal);
    el_set(terminal.edit, EL_EDITOR, "emacs");
    el_set(terminal.edit, EL_SETTY, "-d", "-isig", NULL);
    el_set(terminal.edit, EL_SIGNAL, 1);
    el_set(terminal.edit, EL_PROMPT, edit_prompt);
    el_set(terminal.edit, EL_HIST, history, terminal.history);
    el_set(terminal.edit, EL_GETCFN, read_character);
    el_set(terminal.edit, EL_ADDFN, "console-complete", "complete a name", complete);
    el_set(terminal.edit, EL_BIND, "^I", "console-complete", NULL);
    el_set(terminal.edit, EL_ADDFN, "console-abort", "drop what was typed", abort_line);
    el_set(terminal.edit, EL_BIND, "^C", "console-abort", NULL);
    return ERR_OK;
}

static void close_editor(void)
{
    if (terminal.history)
        history_end(terminal.history);
    if (terminal.edit)
        el_end(terminal.edit);
    terminal.history = NULL;
    terminal.edit = NULL;
}

/* --- The session --- */

static void remember(struct buf *input)
{
    HistEvent event;
    if (!terminal.history || !console_may_remember(buf_text(input)))
        return;
    history(terminal.history, &event, H_ENTER, buf_text(input));
    if (terminal.history_path)
        save_history(terminal.history_path); /* Ctrl-C ends an expression with the program */
}

static void session(void)
{
    struct buf input = BUF_INIT;
    struct buf plain = BUF_INIT;
    const char *line;
    while ((line = terminal.edit ? edit_line() : plain_line(&plain)) || terminal.interrupted) {
        if (!line) {
            fputs("^C\n", stdout);
            terminal.open = 0;
            buf_clear(&input);
            continue;
        }
        if (terminal.open == 0 && is_exit(line))
            break;
        if (line[strspn(line, " \t\r\n")] == 0)
            continue;
        buf_append_text(&input, line);
        int open = console_open_brackets(buf_bytes(&input));
        terminal.open = open > 0 ? (unsigned)open : 0;
        if (open > 0)
            continue;
        remember(&input);
        console_engine_evaluate(terminal.engine, buf_bytes(&input));
        (void)console_engine_timers(terminal.engine);
        buf_clear(&input);
    }
    buf_release(&input);
    buf_release(&plain);
}

int console_terminal_run(struct console_engine *engine, const char *history_path,
                         struct err_detail *detail)
{
    int status = ERR_OK;
    terminal.engine = engine;
    terminal.history_path = history_path;
    terminal.open = 0;
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        status = open_editor(detail);
    if (status == ERR_OK)
        session();
    close_editor();
    return status;
}
