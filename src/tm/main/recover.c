#include "tm/main/recover.h"

#include "io/timer.h"

#include <stdio.h>

enum {
    DISCOVERY_MS = 10000, /* for other managers to tell of themselves */
    STEP = 10000,
    PAGE = 256,
};

struct recovery {
    struct io_loop *loop;
    struct tm_api *api;
    struct tm_store *store;
    void (*log)(void *context, enum tm_log level, const char *text);
    struct io_timer timer;
    bool done;
    int result;
    uint64_t stage, step_total;
    /* A page of staged payloads, copied, and the place behind it. */
    struct tm_store_staged *rows;
    size_t count, next;
    struct tm_store_staged last;
    uint8_t last_hash[TM_STORE_HASH_MAX];
    bool more, started;
    uint64_t taken, refused;
    struct arena page;
};

static void next_step(struct recovery *r);
static void next_page(struct recovery *r);
static void take_next(struct recovery *r);

static void say(struct recovery *r, const char *text, uint64_t a, uint64_t b)
{
    char line[256];
    snprintf(line, sizeof(line), text, (unsigned long long)a, (unsigned long long)b);
    r->log(NULL, TM_LOG_INFO, line);
}

static void worse(struct recovery *r, int result)
{
    if (result > r->result)
        r->result = result;
}

static void finish(struct recovery *r, int result)
{
    worse(r, result);
    r->done = true;
    io_loop_stop(r->loop);
}

/* --- Taking, in order of the stages --- */

static void on_cleared(void *context, const struct tm_store_answer *a)
{
    struct recovery *r = context;
    finish(r, a->status < 0 ? TM_RECOVERY_FAILURE : TM_RECOVERY_SUCCESS);
}

static void all_taken(struct recovery *r)
{
    say(r, "recovery: %llu payloads were stored, %llu refused", r->taken, r->refused);
    if (r->refused)
        worse(r, r->taken ? TM_RECOVERY_PARTIAL : TM_RECOVERY_FAILURE);
    if (tm_store_staged_clear(r->store, on_cleared, r) < 0)
        finish(r, TM_RECOVERY_FAILURE);
}

static void on_taken(void *context, unsigned status)
{
    struct recovery *r = context;
    if (status == 200 || status == 201)
        r->taken++;
    else
        r->refused++;
    r->next++;
    take_next(r);
}

static void take_next(struct recovery *r)
{
    if (r->next < r->count) {
        if (tm_api_accept(r->api, r->rows[r->next].data, on_taken, r) < 0)
            finish(r, TM_RECOVERY_FAILURE);
        return;
    }
    if (r->more)
        next_page(r);
    else
        all_taken(r);
}

static void on_page(void *context, const struct tm_store_answer *a)
{
    struct recovery *r = context;
    if (a->status < 0) {
        finish(r, TM_RECOVERY_FAILURE);
        return;
    }
    r->rows = arena_alloc_zeroed(&r->page, a->count + 1, sizeof(*r->rows));
    r->count = r->rows ? a->count : 0;
    r->next = 0;
    r->more = a->more && r->count > 0;
    for (size_t i = 0; i < r->count; i++) {
        r->rows[i] = a->staged[i];
        r->rows[i].data = arena_copy(&r->page, a->staged[i].data);
    }
    if (r->count) {
        const struct tm_store_staged *last = &a->staged[r->count - 1];
        r->last = *last;
        memcpy(r->last_hash, last->hash.data, last->hash.len);
        r->last.hash = bytes_of(r->last_hash, last->hash.len);
        r->last.data = bytes_none();
        r->started = true;
    }
    take_next(r);
}

static void next_page(struct recovery *r)
{
    arena_clear(&r->page);
    if (tm_store_staged_page(r->store, r->started ? &r->last : NULL, PAGE, on_page, r) < 0)
        finish(r, TM_RECOVERY_FAILURE);
}

/* --- Putting them in order --- */

static void on_left(void *context, const struct tm_store_answer *a)
{
    struct recovery *r = context;
    if (a->status < 0) {
        finish(r, TM_RECOVERY_FAILURE);
        return;
    }
    if (a->count) {
        say(r, "recovery: %llu payloads build on others that nobody has", a->count, 0);
        worse(r, r->step_total ? TM_RECOVERY_PARTIAL : TM_RECOVERY_FAILURE);
    }
    next_page(r);
}

static void on_step(void *context, const struct tm_store_answer *a)
{
    struct recovery *r = context;
    if (a->status < 0) {
        finish(r, TM_RECOVERY_FAILURE);
    } else if (a->count == 0) {
        if (tm_store_staged_count(r->store, true, on_left, r) < 0)
            finish(r, TM_RECOVERY_FAILURE);
    } else {
        r->step_total += a->count;
        next_step(r);
    }
}

static void next_step(struct recovery *r)
{
    if (tm_store_stage_step(r->store, ++r->stage, STEP, on_step, r) < 0)
        finish(r, TM_RECOVERY_FAILURE);
}

/* --- Asking --- */

static void on_requested(void *context, size_t failed, size_t count)
{
    struct recovery *r = context;
    say(r, "recovery: %llu requests to other managers, %llu failed", count, failed);
    if (failed)
        worse(r, failed == count ? TM_RECOVERY_FAILURE : TM_RECOVERY_PARTIAL);
    next_step(r);
}

static void on_discovered(void *context)
{
    struct recovery *r = context;
    if (tm_api_request_all(r->api, on_requested, r) < 0)
        finish(r, TM_RECOVERY_FAILURE);
}

static void on_counted(void *context, const struct tm_store_answer *a)
{
    struct recovery *r = context;
    if (a->status < 0 || a->count > 0) {
        r->log(
            NULL, TM_LOG_ERROR,
            "recovery: the staging tables are not empty: an earlier recovery was broken off; empty "
            "ST_AFFECTED_TRANSACTION and ST_TRANSACTION first");
        finish(r, TM_RECOVERY_FAILURE);
        return;
    }
    r->log(NULL, TM_LOG_INFO, "recovery: waiting for other managers to tell of themselves");
    io_timer_start(&r->timer, DISCOVERY_MS);
}

int tm_recover(struct io_loop *loop, struct tm_api *api, struct tm_store *store,
               void (*log)(void *context, enum tm_log level, const char *text))
{
    struct recovery r = {.loop = loop, .api = api, .store = store, .log = log};
    arena_init(&r.page);
    io_timer_init(&r.timer, loop, on_discovered, &r);
    if (tm_store_staged_count(store, false, on_counted, &r) < 0)
        return TM_RECOVERY_FAILURE;
    io_loop_run(loop); /* a signal ends it too */
    if (!r.done)
        r.result = TM_RECOVERY_FAILURE;
    io_timer_stop(&r.timer);
    while (!r.done && tm_store_pending(store) > 0)
        io_loop_turn(loop, true);
    arena_release(&r.page);
    return r.result;
}
