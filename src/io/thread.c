#include "io/thread.h"

#include "base/mem.h"
#include "io/internal.h"

struct io_thread {
    struct io_loop *loop;
    pthread_t thread;
};

static void *serve(void *context)
{
    struct io_thread *thread = context;
    io_loop_run(thread->loop);
    return NULL;
}

int io_thread_new(struct io_thread **ret_thread, const char *name)
{
    struct io_thread *thread = mem_alloc_zeroed(1, sizeof(*thread));
    if (!thread)
        return ERR_NOMEM;
    int status = io_loop_new(&thread->loop);
    if (status == 0 && pthread_create(&thread->thread, NULL, serve, thread) != 0)
        status = ERR_IO;
    if (status) {
        io_loop_free(thread->loop);
        mem_free(thread);
        return status;
    }
    (void)pthread_setname_np(thread->thread, name);
    *ret_thread = thread;
    return 0;
}

struct io_loop *io_thread_loop(const struct io_thread *thread)
{
    return thread->loop;
}

/* --- Calls --- */

struct call {
    io_fn *fn;
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static void run_call(void *context)
{
    struct call *call = context;
    call->fn(call->context);
    pthread_mutex_lock(&call->lock);
    call->is_done = true;
    pthread_cond_signal(&call->done);
    pthread_mutex_unlock(&call->lock);
}

void io_thread_call(struct io_thread *thread, io_fn *fn, void *context)
{
    struct call call = {.fn = fn, .context = context};
    struct io_post post = {.fn = run_call, .context = &call};
    pthread_mutex_init(&call.lock, NULL);
    pthread_cond_init(&call.done, NULL);
    io_loop_post_node(thread->loop, &post);
    pthread_mutex_lock(&call.lock);
    while (!call.is_done)
        pthread_cond_wait(&call.done, &call.lock);
    pthread_mutex_unlock(&call.lock);
    pthread_cond_destroy(&call.done);
    pthread_mutex_destroy(&call.lock);
}

static void stop(void *context)
{
    io_loop_stop(context);
}

void io_thread_free(struct io_thread *thread)
{
    if (!thread)
        return;
    struct io_post post = {.fn = stop, .context = thread->loop};
    io_loop_post_node(thread->loop, &post);
    pthread_join(thread->thread, NULL);
    io_loop_free(thread->loop);
    mem_free(thread);
}
