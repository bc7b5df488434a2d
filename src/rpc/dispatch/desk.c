#include "rpc/dispatch/desk.h"

#include "rpc/dispatch/priv.h"

struct rpc_desk *rpc_main_desk(struct rpc *rpc)
{
    return &rpc->desks[0];
}

struct rpc_desk *rpc_desk_at(struct rpc *rpc, size_t index)
{
    assert(index + 1 < rpc->desk_count);
    return &rpc->desks[1 + index];
}

struct rpc_head *rpc_head_of(const struct rpc_call *call)
{
    return &call->desk->head;
}

static bool open_desk(struct rpc *rpc, struct rpc_desk *desk)
{
    *desk = (struct rpc_desk){.rpc = rpc};
    if (io_thread_new(&desk->thread, "rpc"))
        return false;
    desk->loop = io_thread_loop(desk->thread);
    if (io_mailbox_new(&desk->inbox, desk->loop, rpc_exchange_arrived, desk)) {
        io_thread_free(desk->thread);
        return false;
    }
    return true;
}

size_t rpc_desks_open(struct rpc *rpc)
{
    struct rpc_desk *main = rpc_main_desk(rpc);
    size_t wanted = rpc->backend->desks < RPC_DESKS_MAX ? rpc->backend->desks : RPC_DESKS_MAX;
    if (wanted && !main->inbox &&
        io_mailbox_new(&main->inbox, main->loop, rpc_exchange_arrived, main))
        return 0;
    while (rpc->desk_count <= wanted && open_desk(rpc, &rpc->desks[rpc->desk_count]))
        rpc->desk_count++;
    return rpc->desk_count - 1;
}

static void drop_head(void *context)
{
    struct rpc_desk *desk = context;
    rpc_head_drop(&desk->head);
}

void rpc_desks_head(struct rpc *rpc)
{
    rpc_head_drop(&rpc_main_desk(rpc)->head);
    for (size_t i = 1; i < rpc->desk_count; i++) {
        struct rpc_desk *desk = &rpc->desks[i];
        if (atomic_load(&desk->head.is_open) && io_loop_post(desk->loop, drop_head, desk))
            continue; /* it looks itself before it answers */
    }
}

static void empty_inbox(void *context)
{
    struct rpc_desk *desk = context;
    io_mailbox_free(desk->inbox);
    desk->inbox = NULL;
    rpc_head_release(&desk->head);
    rpc_exchange_spare_release(desk);
}

void rpc_desks_close(struct rpc *rpc)
{
    struct rpc_desk *main = rpc_main_desk(rpc);
    rpc->closing = true;
    if (main->inbox)
        io_mailbox_empty(main->inbox);
    for (size_t i = 1; i < rpc->desk_count; i++) {
        io_thread_call(rpc->desks[i].thread, empty_inbox, &rpc->desks[i]);
        io_thread_free(rpc->desks[i].thread);
    }
    rpc->desk_count = 1;
    empty_inbox(main);
}
