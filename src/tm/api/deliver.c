/* The durable queue: what a party that was out of reach did not get, pushed when it is back. */
#include "tm/api/request.h"

#include "base/mem.h"

enum {
    IDLE_MS = 2000,   /* between looks at the queue, while there is something in it */
    EMPTY_MS = 60000, /* and while there is nothing: another process may put something there */
    PAGE = 64,        /* payloads under way at a time */
    PAUSE_MAX_MS = TM_STORE_AHEAD_MAX_MS, /* between attempts at one party */
};

struct item {
    struct delivering *all;
    struct tm_store_delivery what;
    struct tm_push push;
    struct tmproto_payload payload;
};

struct delivering {
    struct tm_api *api;
    struct arena arena;
    struct item *items;
    size_t count, left;
    bool empty; /* nothing will be due for as long as anything can be put off */
};

static void finish(struct delivering *d)
{
    struct tm_api *api = d->api;
    if (--d->left > 0)
        return;
    bool full = d->count == PAGE, empty = d->empty && !api->queued;
    arena_release(&d->arena);
    mem_free(d);
    api->busy--;
    api->delivering = false;
    if (!api->draining)
        io_timer_start(&api->deliver, full ? 0 : empty ? EMPTY_MS : IDLE_MS);
}

void tm_deliver_queued(struct tm_api *api)
{
    api->queued = true;
    if (api->started && !api->delivering && !api->draining)
        io_timer_start(&api->deliver, IDLE_MS);
}

static void on_noted(void *context, const struct tm_store_answer *a)
{
    (void)a; /* what could not be noted is tried again, and recognised by the party */
    finish(context);
}

static void postpone(struct item *item)
{
    struct tm_api *api = item->all->api;
    uint64_t pause = item->what.attempts < 9 ? 1000ull << item->what.attempts : PAUSE_MAX_MS;
    item->what.attempts++;
    item->what.next_try =
        io_loop_wall_ms(api->options.loop) + (pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS);
    if (tm_store_postpone(api->options.store, &item->what, on_noted, item->all) < 0)
        finish(item->all);
}

static void delivered(struct item *item)
{
    if (tm_store_delivered(item->all->api->options.store, item->what.hash, item->what.recipient,
                           on_noted, item->all) < 0)
        finish(item->all);
}

static void on_pushed(void *context, struct tm_push *push)
{
    struct item *item = context;
    if (push->status == 200 || push->status == 201) {
        tm_log(push->api, TM_LOG_INFO, "a queued payload was delivered to %s", push->url);
        delivered(item);
    } else {
        postpone(item);
    }
}

static void on_payload(void *context, const struct tm_store_answer *a)
{
    struct item *item = context;
    struct tm_api *api = item->all->api;
    struct err_detail detail;
    const char *why;
    bool cbor;
    if (a->status == TM_STORE_ABSENT) {
        delivered(item); /* deleted meanwhile */
        return;
    }
    item->push =
        (struct tm_push){.api = api,
                         .node = tm_network_find(api->options.network, item->what.recipient),
                         .recipient = item->what.recipient,
                         .done = on_pushed,
                         .context = item,
                         .arena = &item->all->arena};
    int status = a->status < 0 || a->count == 0 || !item->push.node ? ERR_IO : 0;
    if (status == 0)
        status = tm_decode_stored(&item->all->arena, &item->payload, &a->payloads[0], &detail);
    if (status == 0 && !tm_push_encode(&item->push, &item->payload, &cbor, &why, &status)) {
        buf_release(&item->push.body);
        status = ERR_UNSUPPORTED;
    }
    if (status == 0)
        status =
            tm_push_begin(&item->push, "push", TMPROTO_MEDIA_OCTETS, cbor, api->options.push_ms);
    if (status < 0)
        postpone(item);
}

static void on_later(void *context, const struct tm_store_answer *a)
{
    struct delivering *d = context;
    d->empty = a->status == TM_STORE_DONE && a->count == 0;
    finish(d);
}

/* Nothing is due: is there anything at all? */
static void look_ahead(struct delivering *d)
{
    struct tm_api *api = d->api;
    uint64_t end = io_loop_wall_ms(api->options.loop) + PAUSE_MAX_MS;
    d->left = 1;
    api->queued = false; /* what is put there from now on is said again */
    if (tm_store_deliveries(api->options.store, end, 1, on_later, d) < 0)
        finish(d);
}

static void on_due(void *context, const struct tm_store_answer *a)
{
    struct delivering *d = context;
    if (a->status == TM_STORE_DONE && a->count == 0) {
        look_ahead(d);
        return;
    }
    size_t count = a->status == TM_STORE_DONE ? a->count : 0;
    d->items = count ? arena_alloc_zeroed(&d->arena, count, sizeof(*d->items)) : NULL;
    d->count = d->items ? count : 0;
    d->left = d->count + 1;
    for (size_t i = 0; i < d->count; i++) {
        d->items[i].all = d;
        d->items[i].what = a->deliveries[i];
        d->items[i].what.hash = arena_copy(&d->arena, a->deliveries[i].hash);
        d->items[i].what.recipient = arena_copy(&d->arena, a->deliveries[i].recipient);
        if (tm_store_get(d->api->options.store, d->items[i].what.hash, on_payload, &d->items[i]) <
            0)
            d->left--;
    }
    finish(d);
}

void tm_deliver(void *context)
{
    struct tm_api *api = context;
    struct delivering *d = api->delivering ? NULL : mem_alloc_zeroed(1, sizeof(*d));
    if (!d) {
        io_timer_start(&api->deliver, IDLE_MS);
        return;
    }
    d->api = api;
    arena_init_limited(&d->arena, TM_API_MEMORY_MAX);
    api->delivering = true;
    api->busy++;
    if (tm_store_deliveries(api->options.store, io_loop_wall_ms(api->options.loop), PAGE, on_due,
                            d) < 0) {
        d->left = 1;
        finish(d);
    }
}
