/* Any bytes as the log that shares a contract's state (all before the first '{') and as the payload with it: what is taken is one account under
 * the log's address, and what is refused leaves nothing. */
#include "chain/private/priv.h"

#include "base/fuzz/fuzz.h"

static const struct hash256 topic = {{0x67, 0xa9, 0x25, 0x39, 0xf3, 0xcb, 0xd7, 0xc5,
                                      0xa9, 0xb3, 0x6c, 0x23, 0xc0, 0xe2, 0xbe, 0xce,
                                      0xb2, 0x7d, 0x2e, 0x1b, 0x3c, 0xd8, 0xed, 0xa0,
                                      0x2c, 0x62, 0x36, 0x89, 0x26, 0x7a, 0xe7, 0x1e}};

static int receive(void *context, struct chain_payload *ret, const struct chain_payload_hash *hash,
                   struct arena *arena)
{
    (void)hash;
    (void)arena;
    *ret = (struct chain_payload){
        .is_party = true, .data = *(const struct bytes *)context, .flag = CHAIN_PARTY_PROTECTION};
    return 0;
}

static int is_own_vote(void *context, bool *ret_own, const struct chain_payload_hash *vote,
                       const struct address *management, struct arena *arena)
{
    (void)context;
    (void)vote;
    (void)management;
    (void)arena;
    *ret_own = true;
    return 0;
}

/* What the view has; at most the one account. */
static void check(struct state_view *view, size_t most)
{
    struct arena arena;
    struct state_dump_account *accounts;
    size_t count;
    arena_init(&arena);
    require(state_view_dump(view, &accounts, &count, &arena) == 0);
    require(count <= most);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *brace = size ? memchr(data, '{', size) : NULL;
    size_t first = brace ? (size_t)(brace - data) : size;
    struct bytes payload = bytes_of(data + first, size - first);
    const struct chain_payloads payloads = {&payload, receive, is_own_vote};
    const struct eth_log log = {.topics = &topic, .topic_count = 1, .data = bytes_of(data, first)};
    const struct eth_receipt receipt = {.success = true, .logs = &log, .log_count = 1};
    struct chain_private p = {.payloads = &payloads};
    arena_init(&p.arena);
    require(state_view_new(&p.own.view, NULL) == 0 && state_view_new(&p.own.notes, NULL) == 0);
    p.side = &p.own;
    p.view = p.own.view;
    p.notes = p.own.notes;
    require(chain_private_extend(&p, &receipt) == 0);
    check(p.view, 1);
    check(p.notes, 1);
    require(chain_private_extend(&p, &receipt) == 0); /* now it may be there */
    check(p.view, 1);
    chain_private_release(&p);
    return 0;
}
