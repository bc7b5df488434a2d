#include "deploy/kubernetes/tool.h"

#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMPLAINT_MAX = 600 }; /* of standard error, in a message */

void deploy_tool_add(struct deploy_tool *tool, ...)
{
    va_list values;
    size_t count = 0;
    while (tool->arguments[count])
        count++;
    va_start(values, tool);
    for (const char *text; (text = va_arg(values, const char *));) {
        assert(count < DEPLOY_TOOL_ARGUMENTS_MAX);
        tool->arguments[count++] = text;
    }
    va_end(values);
    tool->arguments[count] = NULL;
}

/* Files in memory for the three streams: nothing waits for the other's end of a pipe. */
struct streams {
    int ends[3];
};

static void close_streams(struct streams *s)
{
    for (size_t i = 0; i < BASE_COUNT(s->ends); i++)
        if (s->ends[i] >= 0)
            close(s->ends[i]);
}

static int open_streams(struct streams *s, struct bytes input, struct err_detail *detail)
{
    *s = (struct streams){{-1, -1, -1}};
    for (size_t i = 0; i < BASE_COUNT(s->ends); i++) {
        s->ends[i] = memfd_create("quorate-tool", MFD_CLOEXEC);
        if (s->ends[i] < 0)
            return err_set(detail, ERR_IO, "memfd_create: %s", strerror(errno));
    }
    for (size_t done = 0; done < input.len;) {
        ssize_t n = write(s->ends[0], input.data + done, input.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(detail, ERR_IO, "a file in memory: %s", strerror(errno));
        done += (size_t)n;
    }
    if (lseek(s->ends[0], 0, SEEK_SET) != 0)
        return err_set(detail, ERR_IO, "a file in memory: %s", strerror(errno));
    return ERR_OK;
}

static int start(pid_t *ret_pid, const struct deploy_tool *tool, const struct streams *s,
                 struct err_detail *detail)
{
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init(&actions);
    for (int i = 0; !failed && i < 3; i++)
        failed = posix_spawn_file_actions_adddup2(&actions, s->ends[i], i);
    if (!failed)
        failed = posix_spawnp(ret_pid, tool->arguments[0], &actions, NULL,
                              (char *const *)(uintptr_t)tool->arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed == ENOENT)
        return err_set(detail, ERR_NOTFOUND, "%s is not there; install it, or put it into PATH",
                       tool->arguments[0]);
    return failed ? err_set(detail, err_from_errno(failed), "%s: %s", tool->arguments[0],
                            strerror(failed))
                  : ERR_OK;
}

static int read_stream(struct buf *out, int end, size_t max, struct err_detail *detail)
{
    off_t size = lseek(end, 0, SEEK_END);
    if (size < 0 || (uint64_t)size > max)
        return err_set(detail, ERR_LIMIT, "a tool printed more than %zu bytes", max);
    if (size == 0)
        return ERR_OK;
    uint8_t *place = buf_extend(out, (size_t)size);
    if (!place)
        return err_set(detail, ERR_NOMEM, "out of memory");
    for (off_t done = 0; done < size;) {
        ssize_t n = pread(end, place + done, (size_t)(size - done), done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(detail, ERR_IO, "a file in memory: %s", strerror(errno));
        done += n;
    }
    return ERR_OK;
}

/* What it was to do: the first word behind the options that name cluster or folder, each with a value. */
static const char *command_of(const struct deploy_tool *tool)
{
    size_t i = 1;
    while (tool->arguments[i] && tool->arguments[i][0] == '-' && tool->arguments[i + 1])
        i += 2;
    return tool->arguments[i] ? tool->arguments[i] : "";
}

/* The end of what it complained of, on one line. */
static int complain(const struct deploy_tool *tool, int code, int end, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    if (read_stream(&text, end, DEPLOY_TOOL_OUTPUT_MAX, detail) != ERR_OK)
        buf_clear(&text);
    while (text.len && text.data[text.len - 1] == '\n')
        text.len--;
    size_t from = text.len > COMPLAINT_MAX ? text.len - COMPLAINT_MAX : 0;
    for (size_t i = from; i < text.len; i++)
        if (text.data[i] == '\n')
            text.data[i] = ' ';
    int status =
        err_set(detail, ERR_IO, "%s %s ended with %d: %.*s", tool->arguments[0], command_of(tool),
                code, (int)(text.len - from), (const char *)text.data + from);
    buf_release(&text);
    return status;
}

int deploy_tool_run(const struct deploy_tool *tool, struct buf *output, int *ret_code,
                    struct err_detail *detail)
{
    struct streams s;
    pid_t pid = 0;
    int ended = 0;
    int status = open_streams(&s, tool->input, detail);
    if (status == ERR_OK)
        status = start(&pid, tool, &s, detail);
    if (status == ERR_OK) {
        while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
            continue;
        int code = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
        if (ret_code)
            *ret_code = code;
        else if (code)
            status = complain(tool, code, s.ends[2], detail);
    }
    if (status == ERR_OK && output)
        status = read_stream(output, s.ends[1], DEPLOY_TOOL_OUTPUT_MAX, detail);
    close_streams(&s);
    return status;
}
