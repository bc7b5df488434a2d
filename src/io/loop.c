#include "io/loop.h"

#include "base/mem.h"
#include "io/internal.h"
#include "io/stream.h"

#include <signal.h>
#include <time.h>

static struct io_post *next_post(struct io_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct io_post *node = loop->batch;
    if (node)
        loop->batch = node->next;
    pthread_mutex_unlock(&loop->lock);
    return node;
}

/* Those that were there at the beginning: what they post waits for the next turn. */
static void run_posts(struct io_loop *loop)
{
    struct io_post *node;
    pthread_mutex_lock(&loop->lock);
    if (!loop->batch) {
        loop->batch = loop->posts;
        loop->posts = NULL;
        loop->posts_end = &loop->posts;
    }
    pthread_mutex_unlock(&loop->lock);
    while ((node = next_post(loop))) {
        io_fn *fn = node->fn;
        void *context = node->context;
        if (node->owned)
            mem_free(node);
        fn(context);
        io_streams_flush_early(loop);
    }
}

static void on_wake(uv_async_t *async)
{
    run_posts(async->data);
}

static void on_timer(uv_timer_t *timer)
{
    io_timers_run(timer->data);
}

/* Timers are armed here and nowhere else: libuv would serve one that is armed for "now" again and again before it
 * looks at any socket. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct io_loop *loop = prepare->data;
    io_streams_flush(loop);
    uint64_t wait = 0;
    if (loop->dirty || io_timers_next(loop, &wait))
        uv_timer_start(&loop->timer, on_timer, loop->dirty ? 0 : wait, 0);
    else
        uv_timer_stop(&loop->timer);
}

int io_loop_new(struct io_loop **ret_loop)
{
    struct io_loop *loop = mem_alloc_zeroed(1, sizeof(*loop));
    uint8_t *buffer = mem_alloc(IO_READ_BUFFER);
    if (!loop || !buffer || uv_loop_init(&loop->uv) < 0) {
        mem_free(loop);
        mem_free(buffer);
        return ERR_NOMEM;
    }
    signal(SIGPIPE, SIG_IGN);
    loop->read_buffer = buffer;
    loop->posts_end = &loop->posts;
    loop->finishing_end = &loop->finishing;
    pthread_mutex_init(&loop->lock, NULL);
    loop->wake.data = loop->prepare.data = loop->timer.data = loop;
    if (uv_async_init(&loop->uv, &loop->wake, on_wake) < 0) {
        uv_loop_close(&loop->uv);
        pthread_mutex_destroy(&loop->lock);
        mem_free(buffer);
        mem_free(loop);
        return ERR_IO;
    }
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_timer_init(&loop->uv, &loop->timer);
    *ret_loop = loop;
    return 0;
}

void io_loop_free(struct io_loop *loop)
{
    if (!loop)
        return;
    while (loop->posts || loop->batch)
        run_posts(loop);
    io_streams_flush(loop); /* last words, as far as the system takes them at once */
    io_streams_drop(loop);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    /* What is left are closings, and name resolutions that a thread is still at. */
    while (uv_loop_alive(&loop->uv)) /* a stop that was still to come ends one run */
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    int status = uv_loop_close(&loop->uv);
    assert(status == 0);
    (void)status;
    pthread_mutex_destroy(&loop->lock);
    mem_free(loop->read_buffer);
    mem_free(loop);
}

void io_loop_run(struct io_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void io_loop_stop(struct io_loop *loop)
{
    uv_stop(&loop->uv);
}

void io_loop_turn(struct io_loop *loop, bool wait)
{
    uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

uint64_t io_loop_now(const struct io_loop *loop)
{
    return uv_now(&loop->uv);
}

uint64_t io_loop_wall_ms(const struct io_loop *loop)
{
    (void)loop;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void io_loop_post_node(struct io_loop *loop, struct io_post *node)
{
    node->next = NULL;
    pthread_mutex_lock(&loop->lock);
    *loop->posts_end = node;
    loop->posts_end = &node->next;
    pthread_mutex_unlock(&loop->lock);
    uv_async_send(&loop->wake);
}

/* True when it was in the list; *ret_end, where the list ends, is kept right. */
static bool take_back(struct io_post **list, struct io_post ***ret_end, struct io_post *node)
{
    struct io_post **at = list;
    while (*at && *at != node)
        at = &(*at)->next;
    if (!*at)
        return false;
    *at = node->next;
    if (ret_end && *ret_end == &node->next)
        *ret_end = at;
    return true;
}

void io_loop_unpost(struct io_loop *loop, struct io_post *node)
{
    pthread_mutex_lock(&loop->lock);
    if (!take_back(&loop->posts, &loop->posts_end, node))
        (void)take_back(&loop->batch, NULL, node);
    pthread_mutex_unlock(&loop->lock);
}

int io_loop_post(struct io_loop *loop, io_fn *fn, void *context)
{
    struct io_post *node = mem_alloc(sizeof(*node));
    if (!node)
        return ERR_NOMEM;
    *node = (struct io_post){.fn = fn, .context = context, .owned = true};
    io_loop_post_node(loop, node);
    return 0;
}
