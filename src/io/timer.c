/* A pairing heap: starting and stopping cost next to nothing, and it needs no memory of its own. */
#include "io/timer.h"

#include "io/internal.h"

static bool before(const struct io_timer *a, const struct io_timer *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static struct io_timer *meld(struct io_timer *a, struct io_timer *b)
{
    if (!a)
        return b;
    if (!b)
        return a;
    if (before(b, a)) {
        struct io_timer *other = a;
        a = b;
        b = other;
    }
    b->next = a->child;
    if (a->child)
        a->child->back = b;
    b->back = a;
    a->child = b;
    return a;
}

/* Melds the siblings two by two, then all from the right. */
static struct io_timer *meld_siblings(struct io_timer *first)
{
    struct io_timer *pairs = NULL; /* linked by `next`, newest first */
    while (first) {
        struct io_timer *a = first, *b = first->next;
        first = b ? b->next : NULL;
        a->next = a->back = NULL;
        if (b)
            b->next = b->back = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    struct io_timer *root = NULL;
    while (pairs) {
        struct io_timer *next = pairs->next;
        pairs->next = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

void io_timer_init(struct io_timer *timer, struct io_loop *loop, io_fn *fn, void *context)
{
    *timer = (struct io_timer){.loop = loop, .fn = fn, .context = context};
}

void io_timer_start(struct io_timer *timer, uint64_t after_ms)
{
    struct io_loop *loop = timer->loop;
    io_timer_stop(timer);
    /* The turn's time may be old by what its callbacks took. */
    uint64_t now = after_ms ? uv_hrtime() / 1000000 : uv_now(&loop->uv);
    timer->due = now + after_ms;
    timer->order = loop->timer_order++;
    timer->child = timer->next = timer->back = NULL;
    timer->started = true;
    loop->timers = meld(loop->timers, timer);
}

void io_timer_stop(struct io_timer *timer)
{
    if (!timer->started)
        return;
    struct io_loop *loop = timer->loop;
    timer->started = false;
    struct io_timer *children = meld_siblings(timer->child);
    if (loop->timers == timer) {
        loop->timers = children;
        return;
    }
    if (timer->back->child == timer)
        timer->back->child = timer->next;
    else
        timer->back->next = timer->next;
    if (timer->next)
        timer->next->back = timer->back;
    loop->timers = meld(loop->timers, children);
}

void io_timers_run(struct io_loop *loop)
{
    uint64_t now = uv_now(&loop->uv), order = loop->timer_order;
    /* Those that are started meanwhile wait for the next turn. */
    while (loop->timers && loop->timers->due <= now && loop->timers->order < order) {
        struct io_timer *timer = loop->timers;
        io_timer_stop(timer);
        timer->fn(timer->context);
    }
}

bool io_timers_next(const struct io_loop *loop, uint64_t *ret_wait)
{
    if (!loop->timers)
        return false;
    uint64_t now = uv_now(&loop->uv), due = loop->timers->due;
    *ret_wait = due > now ? due - now : 0;
    return true;
}
