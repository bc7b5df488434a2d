#include "deploy/local/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 64 * 1024 };

/* In the child, between fork and exec: only what is safe there. It ends with the one that waits for it, however that ends: nobody else
 * would, and what it has locked must be free when the command is given again. */
static void become(const char *const *arguments, int output, int failure, pid_t parent)
{
    int null = open("/dev/null", O_RDONLY), problem = EIO;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before that */
        _exit(127);
    if (null >= 0 && dup2(null, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0) {
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        problem = errno;
    }
    if (write(failure, &problem, sizeof(problem)) < 0)
        _exit(126);
    _exit(127);
}

static int start(pid_t *ret_pid, int *ret_pipe, const char *const *arguments,
                 struct err_detail *detail)
{
    int ends[2], failure[2], problem = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(detail, ERR_IO, "pipe: %s", strerror(errno));
    if (pipe2(failure, O_CLOEXEC) != 0) {
        int errnum = errno;
        close(ends[0]);
        close(ends[1]);
        return err_set(detail, ERR_IO, "pipe: %s", strerror(errnum));
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(arguments, ends[1], failure[1], parent);
    if (pid < 0)
        problem = errno;
    close(ends[1]);
    close(failure[1]);
    /* Empty when the program has begun. */
    ssize_t n = pid > 0 ? read(failure[0], &problem, sizeof(problem)) : 0;
    while (n < 0 && errno == EINTR)
        n = read(failure[0], &problem, sizeof(problem));
    close(failure[0]);
    if (problem) {
        close(ends[0]);
        if (pid > 0)
            (void)waitpid(pid, NULL, 0);
        return err_set(detail, err_from_errno(problem), "%s: %s", arguments[0], strerror(problem));
    }
    *ret_pid = pid;
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
    pid_t pid = -1;
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
