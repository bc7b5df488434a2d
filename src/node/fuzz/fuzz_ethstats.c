/* Any bytes as what an ethstats server says, a message a line: nothing piles up, what has ended stays ended, and what is sent back
 * is JSON. */
#include "node/ethstats/session.h"
#include "rpc/json/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check(struct node_ethstats_session *s, unsigned todo, bool had_ended)
{
    struct bytes value;
    require(s->asked_count <= NODE_ETHSTATS_HISTORY_MAX);
    require(memchr(s->strange, 0, sizeof(s->strange)) != NULL);
    require(!had_ended || todo == 0);
    if (todo & NODE_ETHSTATS_PRIMUS)
        require(rpc_json_first(&value, buf_bytes(&s->primus)) == RPC_JSON_VALUE);
    if (todo & NODE_ETHSTATS_END)
        require(todo == NODE_ETHSTATS_END && s->end.message && node_ethstats_due(s) == UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct node_ethstats_session s;
    struct bytes rest = bytes_of(data, size);
    uint64_t now = 0;
    bool has_ended = false;
    node_ethstats_init(&s);
    node_ethstats_open(&s, now);
    while (rest.len) {
        const uint8_t *end = memchr(rest.data, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.data) : rest.len;
        now += len; /* so that pings come and go */
        node_ethstats_message(&s, bytes_slice(rest, 0, len), now);
        unsigned todo = node_ethstats_take(&s);
        check(&s, todo, has_ended);
        has_ended |= (todo & NODE_ETHSTATS_END) != 0;
        if (todo & NODE_ETHSTATS_HISTORY && len & 1)
            node_ethstats_history_done(&s);
        node_ethstats_tick(&s, now);
        len += end != NULL;
        rest = bytes_slice(rest, len, rest.len - len);
    }
    node_ethstats_release(&s);
    return 0;
}
