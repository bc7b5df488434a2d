/* eth: logs. */
#include "rpc/access/psi.h"
#include "rpc/methods/methods.h"
#include "rpc/methods/subscribe.h"
#include "rpc/run/lookup.h"

enum {
    /* Bytes of one answer: above it the client is told to ask for less. GoQuorum has no limit and runs out of memory. */
    LOGS_ANSWER_MAX = 64 * 1024 * 1024,
};

struct search {
    struct rpc_call *call;
    bool too_large;
};

static int found(void *context, const struct chain_log *log)
{
    struct search *s = context;
    struct rpc_position position = {
        .block_hash = log->block_hash, .number = log->number, .index = log->transaction_index};
    rpc_item(s->call->out);
    rpc_write_log(s->call->out, log->log, &position, &log->transaction_hash, log->index);
    s->too_large = s->call->out->len > LOGS_ANSWER_MAX;
    return s->too_large || rpc_is_gone(s->call);
}

/* The blocks to look at; false: none, which gives no logs. */
static int choose_blocks(struct rpc_call *call, struct chain_reader *reader,
                         struct chain_log_filter *ret_filter, bool *ret_any)
{
    const struct rpc_filter *wanted = call->args[0].filter;
    struct hash256 hash;
    uint64_t head;
    *ret_any = true;
    if (wanted->has_block_hash && hash256_is_zero(&wanted->block_hash)) {
        *ret_any =
            false; /* which the reference takes for none: it looks at the first block alone */
        return 0;
    }
    if (wanted->has_block_hash) {
        int status = chain_reader_number(reader, &ret_filter->from, &wanted->block_hash);
        ret_filter->to = ret_filter->from;
        if (status == ERR_NOTFOUND)
            return rpc_fail(call, RPC_CODE_ERROR, "unknown block");
        return status ? rpc_reader_fail(call, reader, status) : 0;
    }
    int status = chain_reader_head(reader, &head, &hash);
    if (status)
        return rpc_reader_fail(call, reader, status);
    ret_filter->from = wanted->from.kind == RPC_AT_NUMBER ? wanted->from.number : head;
    ret_filter->to = wanted->to.kind == RPC_AT_NUMBER ? wanted->to.number : head;
    if (ret_filter->to > head)
        ret_filter->to = head;
    *ret_any = ret_filter->from <= ret_filter->to;
    return 0;
}

static int search(struct rpc_call *call, struct chain_reader *reader)
{
    const struct rpc_filter *wanted = call->args[0].filter;
    struct chain_log_filter filter = {.addresses = wanted->addresses,
                                      .address_count = wanted->address_count,
                                      .topic_count = wanted->topic_count};
    struct search s = {call, false};
    bool any;
    filter.psi = call->psi;
    int status = choose_blocks(call, reader, &filter, &any);
    if (status)
        return status;
    for (size_t i = 0; i < wanted->topic_count && i < ETH_TOPICS_MAX; i++) {
        filter.topics[i].topics = wanted->topics[i].topics;
        filter.topics[i].count = wanted->topics[i].count;
    }
    buf_append_byte(call->out, '[');
    /* No log has more than four topics. */
    if (any && wanted->topic_count <= ETH_TOPICS_MAX)
        status = chain_reader_logs(reader, &filter, found, &s);
    if (s.too_large)
        return rpc_fail(call, RPC_CODE_TOO_LARGE,
                        "query returned more than %d MB of logs: ask for fewer blocks",
                        LOGS_ANSWER_MAX >> 20);
    buf_append_byte(call->out, ']');
    return status ? rpc_reader_fail(call, reader, status) : 0;
}

int rpc_get_logs(struct rpc_call *call)
{
    struct chain_reader reader;
    int status = rpc_psi(call);
    if (status == 0)
        status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    status = search(call, &reader);
    chain_reader_close(&reader);
    return status;
}

static const struct rpc_method methods[] = {
    {"eth_getLogs",
     {{"filter", RPC_FILTER}},
     .work = rpc_get_logs,
     .reads = true,
     .result = "array of logs"},
};

const struct rpc_method_list rpc_methods_logs = {methods, BASE_COUNT(methods)};
