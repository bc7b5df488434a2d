#include "deploy/local/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ANSWER_MAX = 1 << 20,
    ANSWER_SECONDS = 10,
    LOCK_TRIES = 300,   /* each of 10 ms */
    LISTEN_TRIES = 500, /* likewise: longer than for the lock */
    EXIT_ANOTHER = 2,   /* of a supervisor that found another one */
};

static int connect_control(int *ret_fd, const char *folder, struct err_detail *detail)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", folder);
    if (length < 0 || (size_t)length >= sizeof(address.sun_path))
        return err_set(detail, ERR_INPUT, "%s is too long a path for a socket", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(detail, ERR_IO, "socket: %s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        int problem = errno;
        close(fd);
        if (problem == ENOENT || problem == ECONNREFUSED)
            return err_set(detail, ERR_NOTFOUND, "no network runs in %s", folder);
        return err_set(detail, ERR_IO, "%s: %s", address.sun_path, strerror(problem));
    }
    *ret_fd = fd;
    return ERR_OK;
}

static int read_line(struct buf *answer, int fd)
{
    char byte;
    while (answer->len < ANSWER_MAX) {
        ssize_t n = read(fd, &byte, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        if (byte == '\n')
            return buf_status(answer);
        buf_append_byte(answer, (uint8_t)byte);
    }
    return ERR_LIMIT;
}

int deploy_supervisor_ask(struct buf *answer, const char *folder, const char *command,
                          struct err_detail *detail)
{
    int fd;
    char line[512];
    size_t before = answer->len;
    int status = connect_control(&fd, folder, detail);
    if (status != ERR_OK)
        return status;
    int length = snprintf(line, sizeof(line), "%s\n", command);
    status = write(fd, line, (size_t)length) == length ? read_line(answer, fd) : ERR_IO;
    close(fd);
    if (status != ERR_OK)
        return err_set(detail, status, "the supervisor in %s gives no answer to %s", folder,
                       command);
    const char *text = buf_text(answer) + before;
    if (strncmp(text, "error: ", 7) == 0)
        return err_set(detail, ERR_USAGE, "%s", text + 7);
    return ERR_OK;
}

int deploy_supervisor_processes(json_t **ret_rows, const char *folder, struct err_detail *detail)
{
    struct buf answer = BUF_INIT;
    json_t *root = NULL;
    *ret_rows = NULL;
    int status = deploy_supervisor_ask(&answer, folder, "status", detail);
    if (status == ERR_OK) {
        root = json_loadb((const char *)answer.data, answer.len, 0, NULL);
        *ret_rows = json_incref(json_object_get(root, "processes"));
        if (!*ret_rows)
            status = err_set(detail, ERR_IO, "the supervisor in %s says nothing of its processes",
                             folder);
    }
    json_decref(root);
    buf_release(&answer);
    return status;
}

/* One supervisor a folder, although two operators begin at once. The lock ends with the process; one that is just ending is waited for. */
static int take_lock(const char *folder, struct err_detail *detail)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/supervisor.lock", folder);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), fd;
    if (lock < 0)
        return err_set(detail, err_from_errno(errno), "cannot open %s: %s", path, strerror(errno));
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(lock, LOCK_EX | LOCK_NB) == 0)
            return ERR_OK;
        if (connect_control(&fd, folder, NULL) == ERR_OK) {
            close(fd);
            break;
        }
        usleep(10000);
    }
    return err_set(detail, ERR_BUSY, "the network in %s runs already", folder);
}

/* In the new process: a session of its own, and a log in place of the terminal. */
static void become_supervisor(const char *folder, int report)
{
    char path[4096];
    struct err_detail detail = {""};
    snprintf(path, sizeof(path), "%s/supervisor.log", folder);
    int null = open("/dev/null", O_RDONLY);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (setsid() < 0 || null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 ||
        dup2(log, 2) < 0) {
        dprintf(report, "%s: %s", path, strerror(errno));
        _exit(1);
    }
    int status = take_lock(folder, &detail);
    if (status == ERR_OK)
        status = deploy_supervise(folder, &detail);
    if (status != ERR_OK)
        dprintf(report, "%s", detail.text);
    _exit(status == ERR_OK ? 0 : status == ERR_BUSY ? EXIT_ANOTHER : 1);
}

static int report_of(int report, struct err_detail *detail)
{
    char text[400];
    ssize_t n = read(report, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    return err_set(detail, ERR_IO, "the supervisor ended: %s", text);
}

/* Until it listens, or has ended with a message on the pipe. ERR_BUSY: another one does. */
static int await(const char *folder, pid_t pid, int report, struct err_detail *detail)
{
    bool another = false;
    for (int i = 0; i < LISTEN_TRIES; i++) {
        int fd, how;
        if (connect_control(&fd, folder, NULL) == ERR_OK) {
            close(fd);
            another |= waitpid(pid, &how, WNOHANG) == pid;
            return another ? ERR_BUSY : ERR_OK;
        }
        if (!another && waitpid(pid, &how, WNOHANG) == pid) {
            another = WIFEXITED(how) && WEXITSTATUS(how) == EXIT_ANOTHER;
            if (!another)
                return report_of(report, detail);
        }
        usleep(10000);
    }
    return err_set(detail, ERR_IO, "the supervisor in %s does not listen; see %s/supervisor.log",
                   folder, folder);
}

int deploy_supervisor_start(const char *folder, struct err_detail *detail)
{
    int ends[2], fd;
    struct err_detail ignored;
    if (connect_control(&fd, folder, &ignored) == ERR_OK) {
        close(fd);
        return err_set(detail, ERR_BUSY, "the network in %s runs already", folder);
    }
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set(detail, ERR_IO, "pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        become_supervisor(folder, ends[1]);
    close(ends[1]);
    int status = pid < 0 ? err_set(detail, ERR_IO, "fork: %s", strerror(errno))
                         : await(folder, pid, ends[0], detail);
    close(ends[0]);
    return status;
}

int deploy_supervisor_stop(const char *folder, struct err_detail *detail)
{
    struct buf answer = BUF_INIT;
    int status = deploy_supervisor_ask(&answer, folder, "stop", detail);
    buf_release(&answer);
    for (int i = 0; status == ERR_OK && i < 6000; i++) {
        int fd;
        struct err_detail ignored;
        if (connect_control(&fd, folder, &ignored) != ERR_OK)
            return ERR_OK;
        close(fd);
        usleep(10000);
    }
    if (status == ERR_OK)
        status = err_set(detail, ERR_IO, "the network in %s does not end; see %s/supervisor.log",
                         folder, folder);
    return status;
}
