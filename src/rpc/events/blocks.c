/* New blocks as they are told: read by a worker, given out on the loop. */
#include "base/mem.h"
#include "rpc/events/priv.h"
#include "rpc/json/encode.h"
#include "rpc/run/lookup.h"

/* A thing to tell, in `text`. */
struct item {
    enum rpc_event_kind kind;
    size_t at, len;            /* the head or log */
    struct hash256 hash;       /* of a head */
    const struct eth_log *log; /* of a log: what criteria look at; in the arena */
    uint64_t number;           /* its block */
    const char
        *psi; /* whose log it is (or public, and told to that private state); NULL: everybody's */
};

/* What there is to tell. */
struct items {
    struct buf list; /* struct item each */
    struct buf text;
    struct arena arena;
    bool removed;    /* logs of blocks that were taken back */
    const char *psi; /* whose logs are being added; NULL: everybody's */
};

struct rpc_event_blocks {
    struct rpc_events *events;
    uint64_t from, to;
    bool heads;      /* whether these are wanted */
    struct buf psis; /* char[RPC_PSI_ROOM] each: the private states that logs are wanted of */
    uint64_t next;   /* the first block that has not been read */
    struct items items;
    int status;
};

struct rpc_removed {
    struct rpc_removed *next;
    struct items items;
};

static void items_init(struct items *items, bool removed)
{
    buf_init(&items->list);
    buf_init(&items->text);
    arena_init(&items->arena);
    items->removed = removed;
}

static void items_release(struct items *items)
{
    buf_release(&items->list);
    buf_release(&items->text);
    arena_release(&items->arena);
}

/* --- On the worker --- */

static struct item *add_item(struct items *items, enum rpc_event_kind kind)
{
    struct item *item = (struct item *)(void *)buf_extend(&items->list, sizeof(*item));
    if (item)
        *item = (struct item){.kind = kind, .at = items->text.len};
    return item;
}

static int found_log(void *context, const struct chain_log *log)
{
    struct items *items = context;
    struct rpc_position position = {.block_hash = log->block_hash,
                                    .number = log->number,
                                    .index = log->transaction_index,
                                    .removed = items->removed};
    struct item *item = add_item(items, RPC_EVENT_LOGS);
    struct eth_log *copy = arena_alloc(&items->arena, sizeof(*copy));
    if (!item || !copy)
        return ERR_NOMEM;
    *copy = *log->log; /* whose spans end with this call; the data are in the text */
    copy->data = bytes_none();
    struct bytes topics = arena_copy(
        &items->arena, bytes_of(log->log->topics, copy->topic_count * sizeof(struct hash256)));
    copy->topics = (const struct hash256 *)(const void *)topics.data;
    if (copy->topic_count && !copy->topics)
        return ERR_NOMEM;
    if (items->removed && items->text.len >= RPC_EVENT_SIZE_MAX)
        return ERR_LIMIT;
    rpc_write_log(&items->text, log->log, &position, &log->transaction_hash, log->index);
    item->len = items->text.len - item->at;
    item->log = copy;
    item->number = log->number;
    item->psi = items->psi;
    return buf_status(&items->text);
}

static int read_block(struct rpc_event_blocks *job, struct chain_reader *reader, uint64_t number)
{
    struct hash256 hash;
    struct eth_header header;
    struct items *items = &job->items;
    struct chain_log_filter filter = {.from = number, .to = number};
    int status = chain_reader_hash(reader, &hash, number);
    if (status == 0 && job->heads) {
        status = chain_reader_header(reader, &header, number);
        struct item *item = status == 0 ? add_item(items, RPC_EVENT_HEADS) : NULL;
        if (!item)
            return status ? status : ERR_NOMEM;
        rpc_write_new_head(&items->text, &header, &hash);
        item->len = items->text.len - item->at;
        item->hash = hash;
    }
    for (size_t at = 0; at < job->psis.len && status == 0; at += RPC_PSI_ROOM) {
        items->psi = (const char *)job->psis.data + at;
        filter.psi = bytes_str(items->psi);
        status = chain_reader_logs(reader, &filter, found_log, items);
    }
    return status ? status : buf_status(&items->text);
}

static void work(void *context)
{
    struct rpc_event_blocks *job = context;
    struct chain_reader reader;
    job->status = chain_reader_open(&reader, job->events->backend->chain);
    if (job->status)
        return;
    for (; job->next <= job->to && job->items.text.len < RPC_EVENT_SIZE_MAX; job->next++) {
        job->status = read_block(job, &reader, job->next);
        if (job->status)
            break;
    }
    chain_reader_close(&reader);
}

/* --- On the loop --- */

static bool has_address(const struct rpc_filter *wanted, const struct address *address)
{
    for (size_t i = 0; i < wanted->address_count; i++)
        if (memcmp(wanted->addresses[i].b, address->b, sizeof(address->b)) == 0)
            return true;
    return wanted->address_count == 0;
}

static bool has_topic(const struct rpc_topics *wanted, const struct hash256 *topic)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (memcmp(wanted->topics[i].b, topic->b, sizeof(topic->b)) == 0)
            return true;
    return wanted->count == 0;
}

static bool fits(const struct rpc_event_target *t, const struct item *item)
{
    const struct rpc_filter *wanted = t->criteria;
    if (t->never || (item->psi && strcmp(t->psi, item->psi) != 0))
        return false;
    if (!wanted)
        return true;
    if ((wanted->from.kind == RPC_AT_NUMBER && item->number < wanted->from.number) ||
        (wanted->to.kind == RPC_AT_NUMBER && item->number > wanted->to.number) ||
        !has_address(wanted, &item->log->address) || wanted->topic_count > item->log->topic_count)
        return false;
    for (size_t i = 0; i < wanted->topic_count; i++)
        if (!has_topic(&wanted->topics[i], &item->log->topics[i]))
            return false;
    return true;
}

static void give_item(struct rpc_events *events, const struct items *items, const struct item *item)
{
    struct bytes text = bytes_slice(buf_bytes(&items->text), item->at, item->len);
    struct rpc_event_target *next;
    struct buf hash = BUF_INIT;
    if (item->kind == RPC_EVENT_HEADS)
        rpc_write_hash(&hash, &item->hash);
    for (struct rpc_event_target *t = events->targets[item->kind]; t; t = next) {
        next = t->next;
        if (item->kind == RPC_EVENT_LOGS && !fits(t, item))
            continue;
        /* A filter of blocks has their hashes alone. */
        bool short_form = item->kind == RPC_EVENT_HEADS && !t->session;
        if (!short_form || buf_status(&hash) == 0)
            rpc_events_give(events, t, short_form ? buf_bytes(&hash) : text);
    }
    buf_release(&hash);
}

static void give_items(struct rpc_events *events, const struct items *items)
{
    const struct item *list = (const struct item *)(const void *)items->list.data;
    if (buf_status(&items->list) || buf_status(&items->text))
        return;
    for (size_t i = 0; i < items->list.len / sizeof(*list); i++)
        give_item(events, items, &list[i]);
}

static void done(void *context)
{
    struct rpc_event_blocks *job = context;
    struct rpc_events *events = job->events;
    events->reading = NULL;
    if (buf_status(&job->psis) == 0)
        give_items(events, &job->items);
    if (job->status == 0 && job->next <= job->to) { /* there was too much for one time */
        events->from = events->waiting && events->from < job->next ? events->from : job->next;
        events->to = events->waiting && events->to > job->to ? events->to : job->to;
        events->waiting = true;
    }
    items_release(&job->items);
    buf_release(&job->psis);
    mem_free(job);
    rpc_events_read(events);
}

/* Each once; mostly there is one. */
static void collect_psis(struct rpc_event_blocks *job, const struct rpc_event_target *target)
{
    for (const struct rpc_event_target *t = target; t; t = t->next) {
        size_t at = 0;
        while (at < job->psis.len && strcmp((const char *)job->psis.data + at, t->psi) != 0)
            at += RPC_PSI_ROOM;
        if (at >= job->psis.len)
            buf_append(&job->psis, t->psi, RPC_PSI_ROOM);
    }
}

static struct rpc_event_blocks *next_job(struct rpc_events *events)
{
    struct rpc_event_blocks *job = mem_alloc_zeroed(1, sizeof(*job));
    if (!job)
        return NULL;
    job->events = events;
    job->from = job->next = events->from;
    job->to = events->to;
    job->heads = events->targets[RPC_EVENT_HEADS] != NULL;
    buf_init(&job->psis);
    collect_psis(job, events->targets[RPC_EVENT_LOGS]);
    if (job->to - job->from >= RPC_EVENT_BLOCKS_MAX)
        job->to = job->from + RPC_EVENT_BLOCKS_MAX - 1;
    events->waiting = job->to < events->to;
    events->from = job->to + 1;
    items_init(&job->items, false);
    return job;
}

static void tell_removed(struct rpc_events *events)
{
    for (const struct rpc_removed *r = events->removed; r; r = r->next)
        give_items(events, &r->items);
    rpc_events_drop_removed(events);
}

void rpc_events_drop_removed(struct rpc_events *events)
{
    rpc_removed_free(events->removed);
    events->removed = NULL;
}

void rpc_events_read(struct rpc_events *events)
{
    const struct rpc_backend *backend = events->backend;
    struct io_worker *worker = backend->light ? backend->light : backend->workers[0];
    bool wanted = events->targets[RPC_EVENT_HEADS] || events->targets[RPC_EVENT_LOGS];
    if (!wanted)
        events->waiting = false;
    if (!events->reading) /* what was read before that is told before it */
        tell_removed(events);
    if (events->reading || !events->waiting || !backend->chain)
        return;
    struct rpc_event_blocks *job = next_job(events);
    if (!job)
        return; /* the next head tries again */
    events->reading = job;
    if (worker && io_worker_run(worker, work, done, job) == 0)
        return;
    work(job);
    done(job);
}

/* --- What is taken back --- */

static void append(struct rpc_removed **list, struct rpc_removed *more)
{
    while (*list)
        list = &(*list)->next;
    *list = more;
}

void rpc_removed_read(struct rpc_removed **list, struct chain_reader *reader, uint64_t first,
                      uint64_t last)
{
    struct rpc_removed *removed = mem_alloc_zeroed(1, sizeof(*removed));
    /* Where there are several private states, of public logs only: those of this one, which has none. */
    struct chain_log_filter filter = {.from = first, .to = last, .psi = chain_psi_empty()};
    if (!removed)
        return;
    items_init(&removed->items, true);
    int status = chain_reader_logs(reader, &filter, found_log, &removed->items);
    if ((status && status != ERR_LIMIT) || removed->items.list.len == 0)
        rpc_removed_free(removed);
    else
        append(list, removed);
}

void rpc_removed_free(struct rpc_removed *list)
{
    while (list) {
        struct rpc_removed *next = list->next;
        items_release(&list->items);
        mem_free(list);
        list = next;
    }
}

void rpc_tell_removed(struct rpc *rpc, struct rpc_removed *list)
{
    struct rpc_events *events = rpc_events_of(rpc);
    append(&events->removed, list);
    if (list)
        rpc_events_read(events);
}
