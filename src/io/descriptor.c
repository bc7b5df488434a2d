#include "io/descriptor.h"

#include "io/stream_internal.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    LEFT = 256,     /* for what is no stranger; of fewer than twice as many, half */
    MOST = 1 << 20, /* where there is no limit */
};

void io_descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    rlim_t most = limit.rlim_max < MOST ? limit.rlim_max : MOST;
    if (limit.rlim_cur >= most)
        return;
    limit.rlim_cur = most;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

bool io_stream_is_last(const struct io_stream *stream)
{
    struct rlimit limit;
    uv_os_fd_t fd;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || uv_fileno(&stream->uv.handle, &fd) < 0)
        return false;
    /* The system gives the lowest that is free: all below it are taken. The stream's own says less, for streams that go to other threads go by a copy,
     * and leave theirs to the next. */
    int next = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (next < 0)
        return true;
    close(next);
    rlim_t left = limit.rlim_cur / 2 < LEFT ? limit.rlim_cur / 2 : LEFT;
    return (rlim_t)next >= limit.rlim_cur - left;
}
