#include "deploy/local/process.h"

#include "deploy/local/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    ARGUMENTS_MAX = 128,
    ENVIRONMENT_MAX = 1024,
};

const char *deploy_state_name(enum deploy_state state)
{
    static const char *const names[] = {
#define X(name, text) text,
        DEPLOY_STATE_LIST(X)
#undef X
    };
    return names[state];
}

static size_t texts_of(char **ret, size_t max, const struct deploy_child *child, const char *name)
{
    const json_t *texts = json_object_get(child->row, name);
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(texts) && count < max; i++)
        ret[count++] = (char *)json_string_value(json_array_get(texts, i));
    ret[count] = NULL;
    return count;
}

/* The supervisor's own, and what the row adds to it. */
static void environment_of(char *ret[ENVIRONMENT_MAX + 1], const struct deploy_child *child)
{
    size_t count = texts_of(ret, ENVIRONMENT_MAX, child, "environment");
    for (size_t i = 0; environ[i] && count < ENVIRONMENT_MAX; i++)
        ret[count++] = environ[i];
    ret[count] = NULL;
}

/* In the child, between fork and exec: only what is safe there. */
static void become(const char *program, char *const *arguments, char *const *environment, int log,
                   pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDONLY);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it died before that */
        _exit(127);
    if (null >= 0 && dup2(null, 0) >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0)
        execve(program, arguments, environment);
    _exit(127);
}

pid_t deploy_child_spawn(const struct deploy_child *child)
{
    char *arguments[ARGUMENTS_MAX + 1], *environment[ENVIRONMENT_MAX + 1];
    const char *program = json_string_value(json_object_get(child->row, "program"));
    environment_of(environment, child);
    if (texts_of(arguments, ARGUMENTS_MAX, child, "arguments") == 0) {
        errno = EINVAL;
        return -1;
    }
    int log = open(child->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        return -1;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(program ? program : arguments[0], arguments, environment, log, parent);
    close(log);
    return pid;
}

bool deploy_child_serves(const struct deploy_child *child)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(child->ready);
    if (length >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, child->ready, length + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool serves = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return serves;
}

/* The program keeps writing at the end of the same file, so its content is copied and the file emptied. */
void deploy_child_rotate(const struct deploy_child *child)
{
    char old[4096];
    struct stat info;
    if (stat(child->log, &info) != 0 || info.st_size < DEPLOY_LOG_MAX)
        return;
    snprintf(old, sizeof(old), "%s.1", child->log);
    int from = open(child->log, O_RDWR | O_CLOEXEC);
    int to = open(old, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = 1;
    while (from >= 0 && to >= 0 && n > 0)
        n = sendfile(to, from, NULL, 16 << 20);
    if (n == 0 && ftruncate(from, 0) != 0)
        unlink(old); /* not set aside after all */
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
}
