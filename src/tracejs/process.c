#include "tracejs/process.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STREAM_ROOM = 64 << 10 }; /* bytes of steps that are sent together */

struct tracejs_process {
    int stream, talk;
    pid_t pid;
    uint64_t deadline;
    tracejs_look_fn *look;
    void *context;
    struct buf out, message, answer, thrown;
    bool has_thrown;
};

/* With its ends of the pairs as standard input and output, no other file and no environment. */
static int spawn(pid_t *ret_pid, const char *program, int stream, int talk)
{
    char name[] = "quorate-node", argument[] = TRACEJS_ARGUMENT;
    char *arguments[] = {name, argument, NULL}, *environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ERR_NOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ERR_NOMEM;
    }
    int failed = posix_spawn_file_actions_adddup2(&actions, stream, STDIN_FILENO);
    failed |= posix_spawn_file_actions_adddup2(&actions, talk, STDOUT_FILENO);
    failed |= posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    failed |= posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    failed |= posix_spawnattr_setsigmask(&attributes, &none);
    if (!failed)
        failed = posix_spawn(ret_pid, program, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed ? ERR_IO : ERR_OK;
}

int tracejs_start(struct tracejs_process **ret_process, const char *program, uint64_t deadline,
                  tracejs_look_fn *look, void *context)
{
    int stream[2] = {-1, -1}, talk[2] = {-1, -1};
    struct tracejs_process *p = mem_alloc_zeroed(1, sizeof(*p));
    if (!p)
        return ERR_NOMEM;
    *p = (struct tracejs_process){.deadline = deadline, .look = look, .context = context};
    int status = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) == 0 &&
                         socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk) == 0
                     ? spawn(&p->pid, program, stream[1], talk[1])
                     : ERR_IO;
    if (stream[1] >= 0)
        close(stream[1]);
    if (talk[1] >= 0)
        close(talk[1]);
    p->stream = stream[0];
    p->talk = talk[0];
    if (status == ERR_OK)
        *ret_process = p;
    else
        tracejs_end(p);
    return status;
}

/* --- What the engine says --- */

static int answer(struct tracejs_process *p, enum tracejs_kind kind)
{
    buf_clear(&p->answer);
    int status = p->look(p->context, kind, buf_bytes(&p->message), &p->answer);
    if (status == 0)
        status = buf_status(&p->answer);
    return status ? status : tracejs_send(p->talk, TRACEJS_ANSWER, buf_bytes(&p->answer));
}

/* Takes one message; *ret_kind is DONE or THROWN, with `message`, or another that has been seen to. */
static int listen_once(struct tracejs_process *p, enum tracejs_kind *ret_kind)
{
    int status = tracejs_receive(p->talk, ret_kind, &p->message, p->deadline);
    if (status != ERR_OK || *ret_kind == TRACEJS_DONE || *ret_kind == TRACEJS_THROWN)
        return status;
    if (*ret_kind >= TRACEJS_LOOK_BALANCE)
        return answer(p, *ret_kind);
    if (*ret_kind != TRACEJS_THROWN_BEFORE || p->has_thrown)
        return ERR_IO;
    p->has_thrown = true;
    buf_append_bytes(&p->thrown, buf_bytes(&p->message));
    return buf_status(&p->thrown);
}

/* Until there is room in the stream, or something was said, which is seen to. */
static int wait_for_room(struct tracejs_process *p)
{
    struct pollfd wanted[2] = {{.fd = p->stream, .events = POLLOUT},
                               {.fd = p->talk, .events = POLLIN}};
    enum tracejs_kind kind;
    uint64_t now = base_now_ms();
    if (now >= p->deadline)
        return ERR_LIMIT;
    uint64_t left = p->deadline - now;
    if (poll(wanted, 2, left > 1000 ? 1000 : (int)left) < 0 && errno != EINTR)
        return ERR_IO;
    if (!(wanted[1].revents & (POLLIN | POLLHUP)))
        return ERR_OK;
    int status = listen_once(p, &kind);
    bool early = kind == TRACEJS_DONE || kind == TRACEJS_THROWN; /* of what was not asked yet */
    return status == ERR_OK && early ? ERR_IO : status;
}

static int flush(struct tracejs_process *p)
{
    size_t at = 0;
    int status = buf_status(&p->out);
    while (status == ERR_OK && at < p->out.len) {
        ssize_t sent =
            send(p->stream, p->out.data + at, p->out.len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0)
            at += (size_t)sent;
        else if (errno == EAGAIN)
            status = wait_for_room(p);
        else if (errno != EINTR)
            status = ERR_IO;
    }
    buf_clear(&p->out);
    return status;
}

int tracejs_push(struct tracejs_process *p, enum tracejs_kind kind, struct bytes payload)
{
    if (payload.len > TRACEJS_MESSAGE_MAX)
        return ERR_LIMIT;
    tracejs_append(&p->out, kind, payload);
    return p->out.len < STREAM_ROOM ? buf_status(&p->out) : flush(p);
}

int tracejs_ask(struct tracejs_process *p, enum tracejs_kind kind, struct bytes payload,
                struct buf *ret_text)
{
    enum tracejs_kind said = TRACEJS_KINDS;
    if (payload.len > TRACEJS_MESSAGE_MAX)
        return ERR_LIMIT;
    tracejs_append(&p->out, kind, payload);
    int status = flush(p);
    while (status == ERR_OK && said != TRACEJS_DONE && said != TRACEJS_THROWN)
        status = listen_once(p, &said);
    if (status != ERR_OK)
        return status;
    buf_append_bytes(ret_text, buf_bytes(&p->message));
    status = buf_status(ret_text);
    return status != ERR_OK ? status : said == TRACEJS_DONE ? TRACEJS_FINE : TRACEJS_THREW;
}

const char *tracejs_thrown(struct tracejs_process *p)
{
    return p->has_thrown ? buf_text(&p->thrown) : NULL;
}

void tracejs_end(struct tracejs_process *p)
{
    if (!p)
        return;
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (p->stream >= 0)
        close(p->stream);
    if (p->talk >= 0)
        close(p->talk);
    buf_release(&p->out);
    buf_release(&p->message);
    buf_release(&p->answer);
    buf_release(&p->thrown);
    mem_free(p);
}
