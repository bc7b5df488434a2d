#include "deploy/local/run.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 64 * 1024 };

static int start(pid_t *ret_pid, int *ret_pipe, const char *const *arguments,
                 struct err_detail *detail)
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(detail, ERR_IO, "pipe: %s", strerror(errno));
    int failed = posix_spawn_file_actions_init(&actions);
    if (!failed)
        failed = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    if (!failed)
        failed = posix_spawn(ret_pid, arguments[0], &actions, NULL,
                             (char *const *)(uintptr_t)arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        return err_set(detail, err_from_errno(failed), "%s: %s", arguments[0], strerror(failed));
    }
    *ret_pipe = ends[0];
    return ERR_OK;
}

static void read_output(struct buf *output, int pipe)
{
    char part[4096];
    for (size_t room = OUTPUT_MAX;;) {
        ssize_t n = read(pipe, part, sizeof(part));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        size_t taken = (size_t)n < room ? (size_t)n : room;
        buf_append(output, part, taken);
        room -= taken;
    }
}

int deploy_run(int *ret_code, struct buf *output, const char *const *arguments,
               struct err_detail *detail)
{
    pid_t pid;
    int pipe = -1, ended = 0;
    int status = start(&pid, &pipe, arguments, detail);
    if (status != ERR_OK)
        return status;
    read_output(output, pipe);
    close(pipe);
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
        continue;
    *ret_code = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
    return buf_status(output) == ERR_OK
               ? ERR_OK
               : err_set(detail, ERR_NOMEM, "%s: out of memory", arguments[0]);
}
