/* The store's two threads: one writes, one reads. Requests go to them in queues and come back in one. */
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "tm/store/store_priv.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

enum {
    GIVE_UP_MS = 4000,
    PAUSE_FIRST_MS = 20, /* before a connection is tried again; doubled each time … */
    PAUSE_MOST_MS = 1000,
    COMMIT_BYTES = 64 << 20, /* of the payloads of one commit */
    NAMED_MAX = 16,          /* hashes that are made at once: twice the widest registers */
};

static void queue_init(struct tm_store_queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void queue_put(struct tm_store_queue *q, struct tm_store_request *r)
{
    r->next = NULL;
    *q->end = r;
    q->end = &r->next;
}

static struct tm_store_request *queue_take(struct tm_store_queue *q)
{
    struct tm_store_request *r = q->first;
    if (r) {
        q->first = r->next;
        if (!q->first)
            q->end = &q->first;
    }
    return r;
}

void tm_store_request_free(struct tm_store_request *r)
{
    arena_release(&r->arena);
    mem_free(r);
}

/* On the loop: hands out answers. */
static void deliver(struct tm_store *store)
{
    struct tm_store_queue done;
    pthread_mutex_lock(&store->lock);
    done = store->done;
    if (!done.first)
        done.end = &done.first;
    queue_init(&store->done);
    pthread_mutex_unlock(&store->lock);
    while (done.first) {
        struct tm_store_request *r = done.first;
        done.first = r->next;
        if (r->fn) {
            r->answer.hash = r->payload.hash;
            r->fn(r->context, &r->answer);
        } else if (store->note) {
            store->note(store->note_context, r->detail.text);
        }
        pthread_mutex_lock(&store->lock);
        store->pending -= r->fn != NULL;
        store->queued_bytes -= r->size;
        pthread_mutex_unlock(&store->lock);
        tm_store_request_free(r);
    }
}

static void ring(void *context)
{
    struct tm_store_bell *bell = context;
    struct tm_store *store = bell->store;
    if (!store) { /* closed meanwhile */
        mem_free(bell);
        return;
    }
    pthread_mutex_lock(&store->lock);
    bell->rung = false;
    pthread_mutex_unlock(&store->lock);
    deliver(store);
}

/* From a thread: puts answers on their way to the loop. */
static void send_back(struct tm_store *store, struct tm_store_queue *answers)
{
    struct timespec moment = {0, 1000000};
    if (!answers->first)
        return;
    pthread_mutex_lock(&store->lock);
    *store->done.end = answers->first;
    store->done.end = answers->end;
    bool must_ring = !store->bell->rung;
    store->bell->rung = true;
    pthread_mutex_unlock(&store->lock);
    queue_init(answers);
    /* an answer must not be lost for want of some bytes: wait for them */
    while (must_ring && io_loop_post(store->loop, ring, store->bell) < 0)
        nanosleep(&moment, NULL);
}

/* A note as a request without function. Without memory it is left out. */
static void send_note(struct tm_store *store, const char *text)
{
    struct tm_store_request *r = mem_alloc_zeroed(1, sizeof(*r));
    struct tm_store_queue one;
    if (!r)
        return;
    arena_init(&r->arena);
    err_set(&r->detail, 0, "%s", text);
    queue_init(&one);
    queue_put(&one, r);
    send_back(store, &one);
}

static void finish(struct tm_store_request *r, int status, const struct err_detail *cause)
{
    if (status < 0) {
        tm_store_request_reset(r);
        r->detail = *cause;
        r->answer.message = r->detail.text;
        r->answer.status = status;
    }
}

/* Answers those of a list that have waited too long; the others stay. */
static void give_up(struct tm_store *store, struct tm_store_queue *list, bool all,
                    const struct err_detail *cause)
{
    struct tm_store_queue stay, gone;
    struct tm_store_request *r;
    uint64_t now = base_now_ms();
    queue_init(&stay);
    queue_init(&gone);
    while ((r = queue_take(list))) {
        bool late = all || now >= r->deadline;
        if (late)
            finish(r, ERR_IO, cause);
        queue_put(late ? &gone : &stay, r);
    }
    *list = stay;
    if (!list->first)
        queue_init(list);
    send_back(store, &gone);
}

static void rest(struct tm_store *store, struct tm_store_thread *t)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    t->pause_ms = t->pause_ms ? 2 * t->pause_ms : PAUSE_FIRST_MS;
    if (t->pause_ms > PAUSE_MOST_MS)
        t->pause_ms = PAUSE_MOST_MS;
    until.tv_nsec += (long)t->pause_ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&store->lock);
    bool stopping = store->stopping;
    while (!store->stopping &&
           pthread_cond_timedwait(&t->resting, &store->lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&store->lock);
    if (stopping) /* what waits may still be done, until it is given up */
        nanosleep(&(struct timespec){0, PAUSE_FIRST_MS * 1000000}, NULL);
}

/* Makes sure of a session; false after a pause when there is none. */
static bool have_session(struct tm_store *store, struct tm_store_thread *t)
{
    if (t->session && t->session->lost) {
        tm_session_close(t->session);
        t->session = NULL;
    }
    if (t->session)
        return true;
    int status = tm_session_open(&t->session, &store->place, false, NULL, NULL, NULL, &t->trouble);
    if (status < 0) {
        t->session = NULL;
        if (t->pause_ms == 0) {
            char text[600];
            snprintf(text, sizeof(text), "the database cannot be reached, trying again: %s",
                     t->trouble.text);
            send_note(store, text);
        }
        __atomic_store_n(&t->available, false, __ATOMIC_RELAXED);
        rest(store, t);
        return false;
    }
    if (t->pause_ms)
        send_note(store, "the database is reached again");
    t->pause_ms = 0;
    __atomic_store_n(&t->available, true, __ATOMIC_RELAXED);
    return true;
}

/* Runs a list in one transaction. 0, or a failure after which nothing of it is done, or known to be. */
static int run_together(struct tm_store *store, struct tm_session *session,
                        struct tm_store_queue *list, struct err_detail *detail)
{
    int status = session->ops->write(session, list->first, detail);
    if (status == 0)
        __atomic_add_fetch(&store->commits, 1, __ATOMIC_RELAXED);
    for (struct tm_store_request *r = list->first; status < 0 && session->lost && r; r = r->next)
        r->again = true;
    return status;
}

/* Each for itself, after one of them spoilt it for all. Stops when the connection is lost: the rest stays in the list. */
static void run_apart(struct tm_store *store, struct tm_store_thread *t,
                      struct tm_store_queue *list)
{
    while (list->first && !t->session->lost) {
        struct tm_store_queue one;
        struct tm_store_request *r = queue_take(list);
        struct err_detail detail = {""};
        queue_init(&one);
        queue_put(&one, r);
        int status = run_together(store, t->session, &one, &detail);
        if (status < 0 && t->session->lost) { /* back in front */
            t->trouble = detail;
            r->next = list->first;
            list->first = r;
            if (!r->next)
                list->end = &r->next;
            return;
        }
        finish(r, status, &detail);
        send_back(store, &one);
    }
}

static void write_list(struct tm_store *store, struct tm_store_thread *t,
                       struct tm_store_queue *list)
{
    while (list->first) {
        if (!have_session(store, t)) {
            give_up(store, list, false, &t->trouble);
            continue;
        }
        struct err_detail detail = {""};
        int status = run_together(store, t->session, list, &detail);
        if (status == 0) {
            send_back(store, list);
        } else if (t->session->lost) {
            t->trouble = detail;
            give_up(store, list, false, &detail);
        } else if (list->first->next) {
            run_apart(store, t, list);
        } else {
            finish(list->first, status, &detail);
            send_back(store, list);
        }
    }
}

static void read_list(struct tm_store *store, struct tm_store_thread *t,
                      struct tm_store_queue *list)
{
    struct tm_store_queue answers;
    queue_init(&answers);
    while (list->first) {
        if (!have_session(store, t)) {
            send_back(store, &answers);
            give_up(store, list, false, &t->trouble);
            continue;
        }
        struct tm_store_request *r = list->first;
        struct err_detail detail = {""};
        tm_store_request_reset(r);
        int status = t->session->ops->run(t->session, r, &detail);
        if (status < 0 && t->session->lost && base_now_ms() < r->deadline) {
            t->trouble = detail;
            continue;
        }
        finish(r, status, &detail);
        queue_put(&answers, queue_take(list));
    }
    send_back(store, &answers);
}

/* Takes what waits, up to one commit's worth; waits for some. False at the end. */
static bool take(struct tm_store *store, struct tm_store_thread *t, struct tm_store_queue *list)
{
    size_t count = 0, bytes = 0;
    queue_init(list);
    pthread_mutex_lock(&store->lock);
    while (!t->waiting.first && !store->stopping)
        pthread_cond_wait(&t->work, &store->lock);
    while (t->waiting.first && count < TM_STORE_COMMIT_MAX && bytes < COMMIT_BYTES) {
        struct tm_store_request *r = queue_take(&t->waiting);
        bytes += r->size;
        count++;
        queue_put(list, r);
    }
    pthread_mutex_unlock(&store->lock);
    return list->first != NULL;
}

/* Makes the hashes that are missing: as many as have come, at once. */
static void name_payloads(struct tm_store_request *r)
{
    uint8_t hashes[NAMED_MAX][TMPROTO_HASH_SIZE];
    struct bytes texts[NAMED_MAX];
    struct tm_store_request *named[NAMED_MAX];
    while (r) {
        size_t count = 0;
        for (; r && count < NAMED_MAX; r = r->next) {
            if (!r->unnamed)
                continue;
            named[count] = r;
            texts[count++] = r->cipher_text;
        }
        tmproto_payload_hash_many(hashes, texts, count);
        for (size_t i = 0; i < count; i++) {
            memcpy((uint8_t *)(uintptr_t)named[i]->payload.hash.data, hashes[i], sizeof(hashes[i]));
            named[i]->unnamed = false;
        }
    }
}

static void *write_thread(void *context)
{
    struct tm_store *store = context;
    struct tm_store_queue list;
    while (take(store, &store->writer, &list)) {
        name_payloads(list.first);
        write_list(store, &store->writer, &list);
    }
    return NULL;
}

static void *read_thread(void *context)
{
    struct tm_store *store = context;
    struct tm_store_queue list;
    while (take(store, &store->reader, &list))
        read_list(store, &store->reader, &list);
    return NULL;
}

void tm_store_submit(struct tm_store *store, struct tm_store_request *r)
{
    struct tm_store_thread *t = r->op < TM_STORE_OP_WRITES ? &store->writer : &store->reader;
    r->deadline = base_now_ms() + store->give_up_ms;
    pthread_mutex_lock(&store->lock);
    bool idle = !t->waiting.first;
    queue_put(&t->waiting, r);
    store->pending++;
    store->queued_bytes += r->size;
    if (idle)
        pthread_cond_signal(&t->work);
    pthread_mutex_unlock(&store->lock);
}

static int start_thread(struct tm_store *store, struct tm_store_thread *t, void *(*fn)(void *))
{
    int failed = pthread_create(&t->thread, NULL, fn, store);
    t->running = failed == 0;
    return failed ? err_from_errno(failed) : 0;
}

static void thread_init(struct tm_store_thread *t)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&t->work, NULL);
    pthread_cond_init(&t->resting, &attributes);
    pthread_condattr_destroy(&attributes);
    queue_init(&t->waiting);
}

static void join(struct tm_store_thread *t)
{
    if (t->running)
        pthread_join(t->thread, NULL);
    tm_session_close(t->session);
    pthread_cond_destroy(&t->work);
    pthread_cond_destroy(&t->resting);
}

void tm_store_close(struct tm_store *store)
{
    if (!store)
        return;
    pthread_mutex_lock(&store->lock);
    store->stopping = true;
    pthread_cond_signal(&store->writer.work);
    pthread_cond_signal(&store->reader.work);
    pthread_cond_signal(&store->writer.resting);
    pthread_cond_signal(&store->reader.resting);
    pthread_mutex_unlock(&store->lock);
    join(&store->writer);
    join(&store->reader);
    deliver(store);
    if (store->bell && store->bell->rung)
        store->bell->store = NULL; /* freed when it rings */
    else
        mem_free(store->bell);
    pthread_mutex_destroy(&store->lock);
    tm_store_place_release(&store->place);
    buf_release(&store->description);
    mem_free(store);
}

int tm_store_open(struct tm_store **ret_store, struct io_loop *loop,
                  const struct tm_store_options *options, struct err_detail *detail)
{
    struct tm_store *store = mem_alloc_zeroed(1, sizeof(*store));
    if (!store)
        return err_set(detail, ERR_NOMEM, "out of memory");
    store->loop = loop;
    store->note = options->note;
    store->note_context = options->note_context;
    store->give_up_ms = options->give_up_ms ? options->give_up_ms : GIVE_UP_MS;
    pthread_mutex_init(&store->lock, NULL);
    thread_init(&store->writer);
    thread_init(&store->reader);
    queue_init(&store->done);
    store->bell = mem_alloc_zeroed(1, sizeof(*store->bell));
    int status = store->bell ? tm_store_place_init(&store->place, options, detail)
                             : err_set(detail, ERR_NOMEM, "out of memory");
    if (store->bell)
        store->bell->store = store;
    if (status == 0 && store->place.note[0] && store->note)
        store->note(store->note_context, store->place.note);
    if (status == 0)
        status = tm_session_open(&store->writer.session, &store->place, true, store->note,
                                 store->note_context, &store->description, detail);
    if (status == 0)
        status =
            tm_session_open(&store->reader.session, &store->place, false, NULL, NULL, NULL, detail);
    store->writer.available = store->reader.available = true;
    if (status == 0 && ((status = start_thread(store, &store->writer, write_thread)) < 0 ||
                        (status = start_thread(store, &store->reader, read_thread)) < 0))
        err_set(detail, status, "the database's threads: %s", err_text(status));
    if (status == 0 && buf_status(&store->description) < 0)
        status = err_set(detail, ERR_NOMEM, "out of memory");
    if (status < 0)
        tm_store_close(store);
    else
        *ret_store = store;
    return status;
}

const char *tm_store_description(const struct tm_store *store)
{
    return buf_text((struct buf *)(uintptr_t)&store->description);
}

bool tm_store_available(const struct tm_store *store)
{
    return __atomic_load_n(&store->writer.available, __ATOMIC_RELAXED) &&
           __atomic_load_n(&store->reader.available, __ATOMIC_RELAXED);
}

size_t tm_store_pending(const struct tm_store *store)
{
    struct tm_store *s = (struct tm_store *)(uintptr_t)store;
    pthread_mutex_lock(&s->lock);
    size_t pending = s->pending;
    pthread_mutex_unlock(&s->lock);
    return pending;
}

uint64_t tm_store_commits(const struct tm_store *store)
{
    return __atomic_load_n(&store->commits, __ATOMIC_RELAXED);
}
