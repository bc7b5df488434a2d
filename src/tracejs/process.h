/*
 * The node's end: a process of its own for each trace. The engine cannot be stopped from within (a client may write
 * `while (true);`), and what it is given is a stranger's code: a process can be ended, has limits of its own, and sees
 * nothing but its sockets.
 */
#ifndef TRACEJS_PROCESS_H
#define TRACEJS_PROCESS_H

#include "tracejs/wire.h"

/* The only argument of the program when it is to be the other end, with the sockets as standard input and output (engine.h). */
#define TRACEJS_ARGUMENT "--tracer-engine"

struct tracejs_process;

/* What JavaScript looks up: appends to ret_answer, or leaves it empty. 0 or a failure, which ends the exchange. */
typedef int tracejs_look_fn(void *context, enum tracejs_kind kind, struct bytes key,
                            struct buf *ret_answer);

enum tracejs_outcome {
    TRACEJS_FINE,
    TRACEJS_THREW, /* the text is in ret_text */
};

/* Starts `program` with that argument. `look` is called from the two functions below. Not after `deadline` (ms of the monotonic
 * clock) will anything be waited for. ERR_IO, ERR_NOMEM. */
int tracejs_start(struct tracejs_process **ret_process, const char *program, uint64_t deadline,
                  tracejs_look_fn *look, void *context) BASE_NODISCARD;
/* Sends a step that does not wait, by and by. ERR_LIMIT: there was no room by the deadline; ERR_IO: the process has ended, which it
 * does when it needs too much memory; what `look` returned. */
int tracejs_push(struct tracejs_process *process, enum tracejs_kind kind,
                 struct bytes payload) BASE_NODISCARD;
/* Sends what waits, and waits: an outcome, with the JSON of RESULT or what was thrown in `ret_text`. Failures as above. */
int tracejs_ask(struct tracejs_process *process, enum tracejs_kind kind, struct bytes payload,
                struct buf *ret_text) BASE_NODISCARD;
/* What a step has thrown that was not waited for; NULL: nothing, so far. */
const char *tracejs_thrown(struct tracejs_process *process);
/* Ends it, whatever it does. NULL is fine. */
void tracejs_end(struct tracejs_process *process);

#endif
