/* JavaScript with the console's library in it. Blocks; belongs to one thread. */
#ifndef CONSOLE_ENGINE_H
#define CONSOLE_ENGINE_H

#include "console/client.h"

struct console_engine;

enum {
    CONSOLE_SCRIPT_MAX = 64 << 20, /* bytes of a script's file */
    CONSOLE_TIMERS_MAX = 4096,
};

struct console_engine_options {
    struct console_client *client;
    const char *docroot;
    bool colour; /* what is printed is for a terminal */
    /* One line from the person, in memory of the caller, or NULL at the end; `hidden`: not shown. May be NULL. */
    const char *(*ask)(void *context, const char *prompt, bool hidden);
    void (*clear_history)(void *context);
    void *context;
};

/* Asks the node which namespaces it has. ERR_NOMEM, ERR_INPUT: the library did not load, with its message. */
int console_engine_new(struct console_engine **ret_engine,
                       const struct console_engine_options *options,
                       struct err_detail *detail) BASE_NODISCARD;
void console_engine_free(struct console_engine *engine);

/* Runs statements and prints the value of the last, or what was thrown, to standard output. */
void console_engine_evaluate(struct console_engine *engine, struct bytes text);
/* Runs statements; the last one's value as a text in ret_text. False: something was thrown. */
bool console_engine_text(struct console_engine *engine, struct buf *ret_text, const char *code);
/* Runs a script's file. ERR_NOTFOUND, …; ERR_INPUT with what it threw. */
int console_engine_run_file(struct console_engine *engine, const char *path,
                            struct err_detail *detail) BASE_NODISCARD;

/* Calls the functions of timers that are due; returns the ms until the next, -1: none. */
int console_engine_timers(struct console_engine *engine);

/* The words that could stand for `word` ("eth.bl"), separated by new lines. */
void console_engine_complete(struct console_engine *engine, struct buf *ret_words,
                             const char *word);

/* The library's sources (js/), generated. */
struct console_script {
    const char *name;
    const unsigned char *text;
    size_t len;
};
extern const struct console_script console_scripts[];
extern const size_t console_script_count;

#endif
