#include "p2p/test/eth_world.h"

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

void world_open(struct world *w, size_t count, size_t have)
{
    net_init(&w->net);
    w->chain = net_make_chain(count, 2, count, 0);
    w->count = count;
    w->node = net_add(&w->net, w->chain, have);
    w->link = net_connect(&w->net, w->node, NULL, P2P_ETH_66);
}

void world_close(struct world *w)
{
    net_release(&w->net);
    net_free_blocks(w->chain, w->count);
}

struct p2p_eth_status world_own_status(struct net_link *link)
{
    struct arena arena;
    struct p2p_eth_message m;
    arena_init(&arena);
    assert_int_equal(link->codes[P2P_ETH_STATUS], 1);
    assert_int_equal(p2p_eth_decode(&m, &arena, P2P_ETH_66, P2P_ETH_STATUS,
                                    buf_bytes(&link->latest[P2P_ETH_STATUS]), NULL),
                     ERR_OK);
    arena_release(&arena);
    return m.status;
}

void world_give(struct net_link *link, const struct p2p_eth_message *m)
{
    struct buf b = BUF_INIT;
    p2p_eth_encode(&b, P2P_ETH_66, m);
    net_give(link, (unsigned)m->code, buf_bytes(&b));
    buf_release(&b);
}

void world_give_hex(struct net_link *link, unsigned code, const char *hex)
{
    struct buf b = BUF_INIT;
    assert_int_equal(hex_decode(hex, &b), ERR_OK);
    net_give(link, code, buf_bytes(&b));
    buf_release(&b);
}

void world_give_status(struct net_link *link, const struct p2p_eth_status *status)
{
    struct p2p_eth_message m = {.code = P2P_ETH_STATUS, .status = *status};
    world_give(link, &m);
}

void world_shake_hands(struct net_link *link)
{
    struct p2p_eth_status status = world_own_status(link);
    world_give_status(link, &status);
    assert_false(link->closing);
}
