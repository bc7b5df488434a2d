#include "node/log/log.h"

#include "node/log/filter.h"
#include "node/log/priv.h"

#include <execinfo.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES_MAX = 64 }; /* of a stack */

static struct {
    pthread_mutex_t lock;
    _Atomic(enum node_log_level) level;
    enum node_log_form form;
    bool origins;
} log_state = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = NODE_LOG_INFO};

enum node_log_form node_log_form_of_stderr(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && (!terminal || strcmp(terminal, "dumb") != 0) ? NODE_LOG_COLOURED
                                                                                 : NODE_LOG_PLAIN;
}

void node_log_setup(enum node_log_level level, enum node_log_form form, bool origins)
{
    log_state.level = level;
    log_state.form = form;
    log_state.origins = origins;
}

void node_log_set_level(enum node_log_level level)
{
    log_state.level = level;
}

const char *node_log_short_name(const char *file)
{
    const char *root = strstr(file, "src/");
    return root ? root + strlen("src/") : file;
}

bool node_log_enabled(enum node_log_level level, const char *file)
{
    return level <= log_state.level || (int)level <= node_log_level_of(node_log_short_name(file));
}

void node_log_write(enum node_log_level level, struct node_log_place place, const char *message,
                    const struct node_log_field *fields, size_t count)
{
    void *frames[FRAMES_MAX];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct node_log_line line = {
        .level = level,
        .wall_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec,
        .place = log_state.origins ? &place : NULL,
        .message = message,
        .fields = fields,
        .count = count,
    };
    char text[NODE_LOG_LINE_MAX];
    pthread_mutex_lock(&log_state.lock);
    size_t len = node_log_format(text, sizeof(text) - 1, log_state.form, &line);
    text[len++] = '\n';
    /* Nobody can be told that the log is gone. */
    ssize_t written = write(STDERR_FILENO, text, len);
    (void)written;
    if (node_log_wants_backtrace(node_log_short_name(place.file), place.line))
        backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
    pthread_mutex_unlock(&log_state.lock);
}
