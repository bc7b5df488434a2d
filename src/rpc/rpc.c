/* The object that answers: its methods by name, who may call what, what it keeps, what it counts. */
#include "rpc/dispatch/priv.h"

#include "base/mem.h"
#include "rpc/methods/subscribe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ERROR_TEXT_MAX = 1024,
    NAMESPACES_MAX = 32, /* bits of rpc_access */
};

/* --- Namespaces and methods --- */

/* Those of spec §11.3, whether or not all their methods are there. */
static const char *const namespaces[] = {
    "admin", "clique", "debug", "eth",  "istanbul",         "miner",           "net",   "personal",
    "rpc",   "txpool", "web3",  "raft", "quorumPermission", "quorumExtension", "qlight"};
static_assert(BASE_COUNT(namespaces) <= NAMESPACES_MAX, "a bit for each namespace");

const char *const *rpc_namespaces(size_t *ret_count)
{
    *ret_count = BASE_COUNT(namespaces);
    return namespaces;
}

static int namespace_index(struct bytes name)
{
    for (size_t i = 0; i < BASE_COUNT(namespaces); i++)
        if (bytes_equal(name, bytes_str(namespaces[i])))
            return (int)i;
    return -1;
}

struct rpc_access rpc_access_all(void)
{
    return (struct rpc_access){.namespaces = UINT32_MAX, .subscriptions = true};
}

struct rpc_access rpc_access_parse(const char *list, struct buf *unknown)
{
    struct rpc_access access = {.namespaces = 1u << namespace_index(bytes_str("rpc"))};
    while (*list) {
        size_t len = strcspn(list, ",");
        struct bytes name = bytes_of(list, len);
        while (name.len && name.data[0] == ' ')
            name = bytes_slice(name, 1, name.len - 1);
        while (name.len && name.data[name.len - 1] == ' ')
            name.len--;
        int index = namespace_index(name);
        if (index >= 0) {
            access.namespaces |= 1u << index;
        } else if (name.len && unknown) {
            if (unknown->len)
                buf_append_text(unknown, ",");
            buf_append_bytes(unknown, name);
        }
        list += len + (list[len] != 0);
    }
    return access;
}

static int compare_methods(const void *a, const void *b)
{
    const struct rpc_method *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* bsearch over names that have no end mark; NULL: there is none. */
static const struct rpc_method **place_of(const struct rpc *rpc, struct bytes name)
{
    size_t low = 0, high = rpc->method_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = bytes_compare(name, bytes_str(rpc->methods[middle]->name));
        if (order == 0)
            return &rpc->methods[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct rpc_method *rpc_find_method(const struct rpc *rpc, struct bytes name)
{
    const struct rpc_method **place = place_of(rpc, name);
    return place ? *place : NULL;
}

bool rpc_may_call(const struct rpc *rpc, struct rpc_access access, struct bytes method)
{
    const uint8_t *line = memchr(method.data, '_', method.len);
    int index = line ? namespace_index(bytes_of(method.data, (size_t)(line - method.data))) : -1;
    return index >= 0 && (access.namespaces & rpc->available) >> index & 1;
}

int rpc_new(struct rpc **ret_rpc, const struct rpc_backend *backend)
{
    struct rpc *rpc = mem_alloc_zeroed(1, sizeof(*rpc));
    if (!rpc)
        return ERR_NOMEM;
    rpc->backend = backend;
    rpc->waiting_end = &rpc->waiting;
    rpc->desks[0] = (struct rpc_desk){.rpc = rpc, .loop = backend->loop};
    rpc->desk_count = 1;
    rpc->available = rpc_available(backend);
    for (size_t i = 0; i < rpc_method_list_count; i++)
        rpc->method_count += rpc_method_lists[i]->count;
    rpc->methods = mem_alloc(rpc->method_count * sizeof(const struct rpc_method *));
    if (!rpc->methods) {
        mem_free(rpc);
        return ERR_NOMEM;
    }
    size_t at = 0;
    for (size_t i = 0; i < rpc_method_list_count; i++)
        for (size_t k = 0; k < rpc_method_lists[i]->count; k++)
            rpc->methods[at++] = &rpc_method_lists[i]->methods[k];
    qsort(rpc->methods, rpc->method_count, sizeof(const struct rpc_method *), compare_methods);
    if (rpc_proxy_rows(rpc)) {
        mem_free(rpc->methods);
        mem_free(rpc);
        return ERR_NOMEM;
    }
    rpc_kept_init(&rpc->kept);
    rpc_texts_init(&rpc->texts);
    rpc_events_init(&rpc->events, rpc, backend);
    rpc->extension = (struct rpc_extension){.rpc = rpc, .backend = backend};
    *ret_rpc = rpc;
    return 0;
}

void rpc_free(struct rpc *rpc)
{
    if (!rpc)
        return;
    rpc_desks_close(rpc);
    assert(rpc->under_way == 0 && !rpc->waiting);
    rpc_async_release(&rpc->async);
    rpc_extension_release(&rpc->extension);
    rpc_events_release(&rpc->events);
    for (size_t i = 0; i < RPC_WORKERS_MAX; i++)
        rpc_machine_release(&rpc->machines[i]);
    for (size_t i = 0; i < RPC_WAITERS_MAX; i++)
        rpc_machine_release(&rpc->waiting_machines[i]);
    rpc_kept_release(&rpc->kept);
    rpc_texts_release(&rpc->texts);
    rpc_figures_release(&rpc->figures);
    mem_free(rpc->methods);
    mem_free(rpc->proxied);
    mem_free(rpc);
}

struct io_loop *rpc_loop(const struct rpc *rpc)
{
    return rpc->backend->loop;
}

struct rpc_kept *rpc_kept_of(struct rpc *rpc)
{
    return &rpc->kept;
}

struct rpc_texts *rpc_texts_of(struct rpc *rpc)
{
    return &rpc->texts;
}

struct rpc_events *rpc_events_of(struct rpc *rpc)
{
    return &rpc->events;
}

struct rpc_async *rpc_async_of(struct rpc *rpc)
{
    return &rpc->async;
}

struct rpc_extension *rpc_extension_of(struct rpc *rpc)
{
    return &rpc->extension;
}

int rpc_fail(struct rpc_call *call, int code, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list list;
    va_start(list, format);
    int len = vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    if (len < 0)
        len = 0;
    if ((size_t)len >= sizeof(text))
        len = sizeof(text) - 1;
    call->code = code;
    call->data = bytes_none();
    call->text = arena_copy(call->arena, bytes_of(text, (size_t)len));
    if (!call->text.data)
        call->text = bytes_str("out of memory");
    return RPC_FAILED;
}

/* --- Counting --- */

int rpc_count_calls(struct rpc *rpc)
{
    return rpc_figures_init(&rpc->figures, rpc->method_count);
}

void rpc_call_counts(struct rpc *rpc, uint64_t *ret_good, uint64_t *ret_bad)
{
    struct rpc_figures *figures = &rpc->figures;
    *ret_good = *ret_bad = 0;
    if (!rpc_figures_wanted(figures))
        return;
    pthread_mutex_lock(&figures->lock);
    *ret_good = figures->good;
    *ret_bad = figures->bad;
    pthread_mutex_unlock(&figures->lock);
}

void rpc_call_timers(struct rpc *rpc,
                     void (*fn)(void *context, const char *name, const struct rpc_timer *timer),
                     void *context)
{
    struct rpc_figures *figures = &rpc->figures;
    struct rpc_timer timer;
    char name[128];
    if (!rpc_figures_wanted(figures))
        return;
    if (rpc_figures_read_all(figures, &timer))
        fn(context, "all", &timer);
    for (size_t i = 0; i < 2 * figures->method_count; i++) {
        bool good = i % 2 == 0;
        if (!rpc_figures_read(figures, i / 2, good, &timer))
            continue;
        snprintf(name, sizeof(name), "%s/%s", rpc->methods[i / 2]->name,
                 good ? "success" : "failure");
        fn(context, name, &timer);
    }
}

void rpc_count_call(struct rpc_exchange *x, bool good)
{
    const struct rpc_method **place = place_of(x->rpc, bytes_str(x->call.method->name));
    if (place)
        rpc_figures_add(&x->rpc->figures, (size_t)(place - x->rpc->methods), good, x->began_ns);
}
