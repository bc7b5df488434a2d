/* What the files of the store's front share. Not for others. */
#ifndef TM_STORE_STORE_PRIV_H
#define TM_STORE_STORE_PRIV_H

#include "tm/store/request.h"

#include <pthread.h>

struct tm_store_queue {
    struct tm_store_request *first, **end;
};

struct tm_store_thread {
    pthread_t thread;
    bool running;
    pthread_cond_t work;    /* a request, or the end */
    pthread_cond_t resting; /* the end, while it waits to connect again */
    struct tm_store_queue waiting;
    /* the thread's own: */
    struct tm_session *session;
    unsigned pause_ms; /* of the last pause before connecting again, 0 = connected */
    struct err_detail trouble;
    bool available; /* read by others */
};

/* What is posted to the loop. It lives until it has rung, which may be after the store was closed. */
struct tm_store_bell {
    struct tm_store *store;
    bool rung; /* is on its way; under the lock */
};

struct tm_store {
    struct io_loop *loop;
    void (*note)(void *context, const char *text);
    void *note_context;
    uint64_t give_up_ms;
    struct tm_store_place place;
    struct buf description;
    struct tm_store_bell *bell;
    struct tm_store_thread writer, reader;
    uint64_t commits;

    pthread_mutex_t lock; /* of the queues, and what follows */
    struct tm_store_queue done;
    size_t pending, queued_bytes;
    bool stopping;
};

void tm_store_submit(struct tm_store *store, struct tm_store_request *r);
void tm_store_request_free(struct tm_store_request *r);

#endif
