#include "deploy/local/supervisor.h"

#include "base/file.h"
#include "base/mem.h"
#include "deploy/local/process.h"
#include "io/signal.h"
#include "io/stream.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CHILDREN_MAX =
        2048,     /* three for each of the most peers of a machine, and some that are ending */
    POLL_MS = 20, /* between looks at whether a starting process serves */
    ROTATE_MS = 60000,
    COMMAND_MAX = 256,
    PROCESSES_MAX = 16 << 20, /* bytes of processes.json */
};

struct supervisor {
    const char *folder;
    struct io_loop *loop;
    struct io_listener *listener;
    struct io_signal *child_signal, *term_signal, *int_signal;
    struct io_timer poll, rotate;
    struct deploy_child *children[CHILDREN_MAX];
    size_t count;
    bool stopping;
};

static void say(const char *format, ...) BASE_PRINTF(1, 2);
static void say(const char *format, ...)
{
    char stamp[32], text[512];
    struct tm broken;
    time_t now = time(NULL);
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", localtime_r(&now, &broken));
    fprintf(stderr, "%s %s\n", stamp, text);
}

static void set_state(struct deploy_child *child, enum deploy_state state)
{
    child->state = state;
    child->since = io_loop_now(child->supervisor->loop);
}

static struct deploy_child *find_child(const struct supervisor *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (!s->children[i]->gone && strcmp(s->children[i]->name, name) == 0)
            return s->children[i];
    return NULL;
}

/* --- Starting --- */

static void start_waiting(struct supervisor *s);

static void rest(struct deploy_child *child)
{
    set_state(child, DEPLOY_STATE_RESTING);
    io_timer_start(&child->timer, child->backoff);
    child->backoff =
        child->backoff * 2 < DEPLOY_BACKOFF_MAX_MS ? child->backoff * 2 : DEPLOY_BACKOFF_MAX_MS;
}

static void start(struct deploy_child *child)
{
    child->pid = deploy_child_spawn(child);
    if (child->pid < 0) {
        child->pid = 0;
        say("%s cannot be started: %s", child->name, strerror(errno));
        rest(child);
        return;
    }
    say("%s started, process %d", child->name, (int)child->pid);
    set_state(child, DEPLOY_STATE_STARTING);
    if (!io_timer_started(&child->supervisor->poll))
        io_timer_start(&child->supervisor->poll, POLL_MS);
}

/* What a process is to take the place of has sockets and files until it has ended. */
static bool is_ending(const struct supervisor *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->children[i]->gone && s->children[i]->pid > 0 &&
            strcmp(s->children[i]->name, name) == 0)
            return true;
    return false;
}

static void start_waiting(struct supervisor *s)
{
    for (size_t i = 0; !s->stopping && i < s->count; i++) {
        struct deploy_child *child = s->children[i];
        const struct deploy_child *needed = child->after[0] ? find_child(s, child->after) : NULL;
        if (child->state == DEPLOY_STATE_WAITING && !is_ending(s, child->name) &&
            (!needed || needed->state == DEPLOY_STATE_READY))
            start(child);
    }
}

static void rested(void *context)
{
    struct deploy_child *child = context;
    if (child->state == DEPLOY_STATE_STOPPING) { /* its time to end is over */
        say("%s does not end; killed", child->name);
        kill(child->pid, SIGKILL);
        return;
    }
    if (child->state == DEPLOY_STATE_RESTING && !child->supervisor->stopping) {
        set_state(child, DEPLOY_STATE_WAITING);
        start_waiting(child->supervisor);
    }
}

static void look_for_ready(void *context)
{
    struct supervisor *s = context;
    bool more = false;
    for (size_t i = 0; i < s->count; i++) {
        struct deploy_child *child = s->children[i];
        if (child->state != DEPLOY_STATE_STARTING)
            continue;
        if (deploy_child_serves(child)) {
            say("%s is ready", child->name);
            set_state(child, DEPLOY_STATE_READY);
        } else {
            more = true;
        }
    }
    start_waiting(s);
    if (more && !io_timer_started(&s->poll))
        io_timer_start(&s->poll, POLL_MS);
}

static void rotate_logs(void *context)
{
    struct supervisor *s = context;
    for (size_t i = 0; i < s->count; i++)
        deploy_child_rotate(s->children[i]);
    io_timer_start(&s->rotate, ROTATE_MS);
}

/* --- Ending --- */

static void child_free(struct deploy_child *child)
{
    io_timer_stop(&child->timer);
    json_decref(child->row);
    mem_free(child);
}

static void forget(struct supervisor *s, size_t index)
{
    child_free(s->children[index]);
    memmove(&s->children[index], &s->children[index + 1],
            (s->count - index - 1) * sizeof(*s->children));
    s->count--;
}

static bool runs(const struct deploy_child *child)
{
    return child->pid > 0;
}

static void end(struct deploy_child *child)
{
    if (!runs(child)) {
        io_timer_stop(&child->timer);
        set_state(child, DEPLOY_STATE_STOPPED);
        return;
    }
    if (child->state == DEPLOY_STATE_STOPPING)
        return;
    kill(child->pid, SIGTERM);
    set_state(child, DEPLOY_STATE_STOPPING);
    io_timer_start(&child->timer, DEPLOY_STOP_MS);
}

static bool is_needed(const struct supervisor *s, const struct deploy_child *child)
{
    for (size_t i = 0; i < s->count; i++)
        if (runs(s->children[i]) && strcmp(s->children[i]->after, child->name) == 0)
            return true;
    return false;
}

/* Each when nothing runs that needs it; the loop ends when nothing runs. */
static void go_on_stopping(struct supervisor *s)
{
    bool any = false;
    for (size_t i = 0; i < s->count; i++) {
        any |= runs(s->children[i]);
        if (!is_needed(s, s->children[i]))
            end(s->children[i]);
    }
    if (!any)
        io_loop_stop(s->loop);
}

static void stop(void *context)
{
    struct supervisor *s = context;
    if (!s->stopping)
        say("stopping");
    s->stopping = true;
    go_on_stopping(s);
}

static void ended(struct deploy_child *child, int how)
{
    struct supervisor *s = child->supervisor;
    bool asked = child->state == DEPLOY_STATE_STOPPING;
    uint64_t ran = io_loop_now(s->loop) - child->since;
    io_timer_stop(&child->timer);
    child->pid = 0;
    if (WIFSIGNALED(how))
        say("%s ended by signal %d", child->name, WTERMSIG(how));
    else
        say("%s ended with exit code %d", child->name, WEXITSTATUS(how));
    if (s->stopping || child->gone) {
        set_state(child, DEPLOY_STATE_STOPPED);
    } else if (asked && child->again) {
        child->again = false;
        child->restarts++;
        set_state(child, DEPLOY_STATE_WAITING);
    } else {
        if (child->state == DEPLOY_STATE_READY && ran > DEPLOY_BACKOFF_FORGET_MS)
            child->backoff = DEPLOY_BACKOFF_FIRST_MS;
        child->restarts++;
        rest(child);
    }
}

static void reap(void *context)
{
    struct supervisor *s = context;
    for (size_t i = 0; i < s->count;) {
        struct deploy_child *child = s->children[i];
        int how;
        if (runs(child) && waitpid(child->pid, &how, WNOHANG) == child->pid)
            ended(child, how);
        if (child->gone && !runs(child))
            forget(s, i);
        else
            i++;
    }
    if (s->stopping)
        go_on_stopping(s);
    else
        start_waiting(s);
}

/* --- processes.json --- */

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text ? text : "";
}

static int add_child(struct supervisor *s, json_t *row)
{
    if (s->count == CHILDREN_MAX)
        return ERR_LIMIT;
    struct deploy_child *child = mem_alloc_zeroed(1, sizeof(*child));
    if (!child)
        return ERR_NOMEM;
    child->supervisor = s;
    child->row = json_incref(row);
    child->name = text_of(row, "name");
    child->log = text_of(row, "log");
    child->ready = text_of(row, "ready");
    child->after = text_of(row, "after");
    child->backoff = DEPLOY_BACKOFF_FIRST_MS;
    io_timer_init(&child->timer, s->loop, rested, child);
    set_state(child, DEPLOY_STATE_WAITING);
    s->children[s->count++] = child;
    return ERR_OK;
}

/* What is gone or different ends (and is forgotten then); what is new waits for its turn. */
static int merge(struct supervisor *s, const json_t *rows)
{
    size_t i;
    json_t *row;
    for (i = 0; i < s->count; i++) {
        bool same = false;
        size_t j;
        json_array_foreach(rows, j, row)
        {
            same |= json_equal(row, s->children[i]->row);
        }
        if (!same && !s->children[i]->gone) {
            s->children[i]->gone = true;
            end(s->children[i]);
        }
    }
    int status = ERR_OK;
    json_array_foreach(rows, i, row)
    {
        if (status == ERR_OK && !find_child(s, text_of(row, "name")))
            status = add_child(s, row);
    }
    return status;
}

static int load(struct supervisor *s, struct err_detail *detail)
{
    char path[4096];
    struct buf text = BUF_INIT;
    json_error_t error;
    json_t *rows = NULL;
    snprintf(path, sizeof(path), "%s/processes.json", s->folder);
    int status = file_read(path, PROCESSES_MAX, &text, detail);
    if (status == ERR_OK) {
        rows = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
        if (!json_is_array(rows))
            status = err_set(detail, ERR_INPUT, "%s is no list of processes", path);
    }
    if (status == ERR_OK) {
        status = merge(s, rows);
        if (status != ERR_OK)
            err_set(detail, status, "%s: %s", path, err_text(status));
    }
    json_decref(rows);
    buf_release(&text);
    return status;
}

/* --- Commands --- */

struct visitor {
    struct supervisor *supervisor;
    char line[COMMAND_MAX];
    size_t length;
};

static void answer_status(struct supervisor *s, struct buf *answer)
{
    json_t *processes = json_array();
    uint64_t now = io_loop_now(s->loop);
    for (size_t i = 0; i < s->count; i++) {
        const struct deploy_child *child = s->children[i];
        json_array_append_new(processes,
                              json_pack("{s:s, s:s, s:i, s:I, s:i}", "name", child->name, "state",
                                        deploy_state_name(child->state), "pid", (int)child->pid,
                                        "since", (json_int_t)((now - child->since) / 1000),
                                        "restarts", (int)child->restarts));
    }
    json_t *root = json_pack("{s:i, s:o}", "pid", (int)getpid(), "processes", processes);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    buf_append_text(answer, text ? text : "error: out of memory");
    free(text); /* from malloc, by jansson */
    json_decref(root);
}

static void answer_restart(struct supervisor *s, struct buf *answer, const char *name)
{
    struct deploy_child *child = find_child(s, name);
    if (!child) {
        buf_append_format(answer, "error: there is no process %s", name);
        return;
    }
    child->again = true;
    end(child);
    if (!runs(child)) {
        child->again = false;
        set_state(child, DEPLOY_STATE_WAITING);
        start_waiting(s);
    }
    buf_append_text(answer, "ok");
}

static void answer_reload(struct supervisor *s, struct buf *answer)
{
    struct err_detail detail = {""};
    if (load(s, &detail) != ERR_OK) {
        buf_append_format(answer, "error: %s", detail.text);
        return;
    }
    reap(s);
    buf_append_text(answer, "ok");
}

static void obey(struct visitor *visitor, struct io_stream *stream)
{
    struct supervisor *s = visitor->supervisor;
    struct buf answer = BUF_INIT;
    const char *line = visitor->line;
    if (strcmp(line, "status") == 0)
        answer_status(s, &answer);
    else if (strcmp(line, "reload") == 0)
        answer_reload(s, &answer);
    else if (strcmp(line, "stop") == 0)
        buf_append_text(&answer, "ok");
    else if (strncmp(line, "restart ", 8) == 0)
        answer_restart(s, &answer, line + 8);
    else
        buf_append_text(&answer, "error: no such command");
    buf_append_byte(&answer, '\n');
    (void)io_stream_write(stream, buf_bytes(&answer)); /* a broken stream ends by itself */
    buf_release(&answer);
    if (strcmp(line, "stop") == 0)
        stop(s);
}

static void visitor_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct visitor *visitor = context;
    for (size_t i = 0; i < data.len; i++) {
        if (data.data[i] == '\n') {
            visitor->line[visitor->length] = 0;
            visitor->length = 0;
            obey(visitor, stream);
        } else if (visitor->length + 1 < sizeof(visitor->line)) {
            visitor->line[visitor->length++] = (char)data.data[i];
        }
    }
}

static void visitor_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream, (void)status, (void)message;
    mem_free(context);
}

static const struct io_stream_ops visitor_ops = {.read = visitor_read, .closed = visitor_closed};

static void accept_visitor(void *context, struct io_stream *stream)
{
    struct visitor *visitor = mem_alloc_zeroed(1, sizeof(*visitor));
    if (!visitor)
        return;
    visitor->supervisor = context;
    io_stream_accept(stream, &visitor_ops, visitor);
}

/* --- The whole --- */

static int open_all(struct supervisor *s, struct err_detail *detail)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/control.sock", s->folder);
    int status = io_loop_new(&s->loop);
    if (status != ERR_OK)
        return err_set(detail, status, "event loop: %s", err_text(status));
    io_timer_init(&s->poll, s->loop, look_for_ready, s);
    io_timer_init(&s->rotate, s->loop, rotate_logs, s);
    status = io_listen_unix(&s->listener, s->loop, path, accept_visitor, s, detail);
    if (status == ERR_BUSY)
        return err_set(detail, ERR_BUSY, "the network in %s runs already", s->folder);
    if (status == ERR_OK && (io_signal_new(&s->child_signal, s->loop, SIGCHLD, reap, s) != ERR_OK ||
                             io_signal_new(&s->term_signal, s->loop, SIGTERM, stop, s) != ERR_OK ||
                             io_signal_new(&s->int_signal, s->loop, SIGINT, stop, s) != ERR_OK))
        status = err_set(detail, ERR_NOMEM, "signals: out of memory");
    return status == ERR_OK ? load(s, detail) : status;
}

static void close_all(struct supervisor *s)
{
    while (s->count)
        forget(s, s->count - 1);
    io_listener_close(s->listener);
    io_signal_free(s->child_signal);
    io_signal_free(s->term_signal);
    io_signal_free(s->int_signal);
    io_loop_free(s->loop);
}

int deploy_supervise(const char *folder, struct err_detail *detail)
{
    struct supervisor *s = mem_alloc_zeroed(1, sizeof(*s));
    if (!s)
        return err_set(detail, ERR_NOMEM, "out of memory");
    s->folder = folder;
    int status = open_all(s, detail);
    if (status == ERR_OK) {
        start_waiting(s);
        io_timer_start(&s->rotate, ROTATE_MS);
        io_loop_run(s->loop);
        io_timer_stop(&s->poll);
        io_timer_stop(&s->rotate);
        say("stopped");
    }
    close_all(s);
    mem_free(s);
    return status;
}
