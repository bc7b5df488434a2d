#include "io/worker.h"

#include "base/mem.h"
#include "io/internal.h"

struct job {
    struct job *next;
    io_fn *work, *done;
    void *context;
};

struct queue {
    struct job *first, **end;
};

struct io_worker {
    struct io_loop *loop;
    pthread_t thread;
    pthread_mutex_t lock; /* of all but `pending` */
    pthread_cond_t work;  /* a job, or the end */
    pthread_cond_t idle;  /* a job has been finished */
    struct queue waiting, finished;
    struct io_post post; /* on its way to the loop while `posted` */
    bool running, posted, stop;
    size_t pending;
};

static void put(struct queue *queue, struct job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

static struct job *take_all(struct queue *queue)
{
    struct job *first = queue->first;
    queue->first = NULL;
    queue->end = &queue->first;
    return first;
}

static void *serve(void *context)
{
    struct io_worker *worker = context;
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        while (!worker->waiting.first && !worker->stop)
            pthread_cond_wait(&worker->work, &worker->lock);
        struct job *job = worker->waiting.first;
        if (!job)
            break;
        worker->waiting.first = job->next;
        if (!job->next)
            worker->waiting.end = &worker->waiting.first;
        worker->running = true;
        pthread_mutex_unlock(&worker->lock);

        job->work(job->context);

        pthread_mutex_lock(&worker->lock);
        worker->running = false;
        put(&worker->finished, job);
        if (!worker->posted) {
            worker->posted = true;
            io_loop_post_node(worker->loop, &worker->post);
        }
        pthread_cond_signal(&worker->idle);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

static void call_done(void *context)
{
    struct io_worker *worker = context;
    pthread_mutex_lock(&worker->lock);
    worker->posted = false;
    struct job *job = take_all(&worker->finished);
    pthread_mutex_unlock(&worker->lock);
    while (job) {
        struct job *next = job->next;
        worker->pending--;
        if (job->done)
            job->done(job->context);
        mem_free(job);
        job = next;
    }
}

int io_worker_new(struct io_worker **ret_worker, struct io_loop *loop)
{
    struct io_worker *worker = mem_alloc_zeroed(1, sizeof(*worker));
    if (!worker)
        return ERR_NOMEM;
    worker->loop = loop;
    worker->waiting.end = &worker->waiting.first;
    worker->finished.end = &worker->finished.first;
    worker->post = (struct io_post){.fn = call_done, .context = worker};
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->work, NULL);
    pthread_cond_init(&worker->idle, NULL);
    if (pthread_create(&worker->thread, NULL, serve, worker) != 0) {
        pthread_cond_destroy(&worker->idle);
        pthread_cond_destroy(&worker->work);
        pthread_mutex_destroy(&worker->lock);
        mem_free(worker);
        return ERR_IO;
    }
    *ret_worker = worker;
    return 0;
}

void io_worker_free(struct io_worker *worker)
{
    if (!worker)
        return;
    while (worker->pending) {
        pthread_mutex_lock(&worker->lock);
        while (worker->waiting.first || worker->running)
            pthread_cond_wait(&worker->idle, &worker->lock);
        bool posted = worker->posted;
        pthread_mutex_unlock(&worker->lock);
        if (posted)
            io_loop_unpost(worker->loop, &worker->post);
        call_done(worker);
    }
    pthread_mutex_lock(&worker->lock);
    worker->stop = true;
    pthread_cond_signal(&worker->work);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->idle);
    pthread_cond_destroy(&worker->work);
    pthread_mutex_destroy(&worker->lock);
    mem_free(worker);
}

int io_worker_run(struct io_worker *worker, io_fn *work, io_fn *done, void *context)
{
    struct job *job = mem_alloc(sizeof(*job));
    if (!job)
        return ERR_NOMEM;
    *job = (struct job){.work = work, .done = done, .context = context};
    worker->pending++;
    pthread_mutex_lock(&worker->lock);
    put(&worker->waiting, job);
    pthread_cond_signal(&worker->work);
    pthread_mutex_unlock(&worker->lock);
    return 0;
}

size_t io_worker_pending(const struct io_worker *worker)
{
    return worker->pending;
}
