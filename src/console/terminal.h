/* A person at a terminal: editing, history, completion; and lines of a pipe. */
#ifndef CONSOLE_TERMINAL_H
#define CONSOLE_TERMINAL_H

#include "console/engine.h"

/* Prompts, evaluates, until `exit` or the end of input. `history`: a file, or NULL. ERR_NOMEM. */
int console_terminal_run(struct console_engine *engine, const char *history,
                         struct err_detail *detail) BASE_NODISCARD;
/* For console_engine_options. */
const char *console_terminal_ask(void *context, const char *prompt, bool hidden);
void console_terminal_clear_history(void *context);

/* How many brackets of the text are open; below 0: more are closed. */
int console_open_brackets(struct bytes text);
/* Whether a line may stand in the history: none that could have a password. */
bool console_may_remember(const char *line);

#endif
