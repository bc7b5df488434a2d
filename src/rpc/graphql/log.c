/* Log, and looking for logs. */
#include "rpc/graphql/things.h"
#include "rpc/json/json.h"

int rpc_gql_logs(struct gql_run *run, struct gql_result *ret, struct bytes json,
                 struct gql_transaction *transaction)
{
    struct rpc_json_walk walk;
    struct bytes item;
    size_t at = 0, count = rpc_json_count(json);
    struct gql_log *logs = rpc_gql_alloc(run, count + 1, sizeof(*logs));
    int status = logs ? rpc_gql_list(run, ret, count) : ERR_NOMEM;
    if (status)
        return status;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_element(&walk, &item)) {
        struct gql_transaction *of =
            transaction
                ? transaction
                : rpc_gql_transaction_of(run, rpc_json_find(item, "transactionHash"), bytes_none());
        if (!of)
            return ERR_NOMEM;
        logs[at] = (struct gql_log){item, of};
        ret->items[at] = (struct gql_result){.kind = GQL_IS_OBJECT, .object = &logs[at]};
        at++;
    }
    return 0;
}

/* --- The filter, as eth_getLogs has it --- */

static void append_quoted(struct buf *b, struct bytes text)
{
    buf_append_byte(b, '"');
    buf_append_bytes(b, text);
    buf_append_byte(b, '"');
}

static void append_list(struct buf *b, const struct gql_value *list)
{
    buf_append_byte(b, '[');
    for (const struct gql_value *item = list->first; item; item = item->next) {
        if (item != list->first)
            buf_append_byte(b, ',');
        if (item->kind == GQL_LIST)
            append_list(b, item);
        else
            append_quoted(b, item->characters);
    }
    buf_append_byte(b, ']');
}

static void append_filter(struct buf *b, const struct gql_value *filter, struct bytes block_hash)
{
    bool any = block_hash.len > 0;
    buf_append_text(b, "[{");
    if (block_hash.len) {
        buf_append_text(b, "\"blockHash\":");
        buf_append_bytes(b, block_hash);
    }
    for (const struct gql_value *member = filter->first; member; member = member->next) {
        if (any)
            buf_append_byte(b, ',');
        any = true;
        append_quoted(b, gql_is(member->key, "addresses") ? bytes_str("address") : member->key);
        buf_append_byte(b, ':');
        if (member->kind == GQL_LIST)
            append_list(b, member);
        else
            append_quoted(b, member->characters);
    }
    buf_append_text(b, "}]");
}

int rpc_gql_find_logs(struct gql_run *run, struct gql_result *ret, const struct gql_value *filter,
                      struct bytes block_hash)
{
    struct buf params = BUF_INIT;
    struct bytes json = bytes_none();
    append_filter(&params, filter, block_hash);
    int status = buf_status(&params);
    if (status == 0)
        status = rpc_gql_ask(run, &json, "eth_getLogs", buf_bytes(&params));
    buf_release(&params);
    return status ? status : rpc_gql_logs(run, ret, json, NULL);
}

/* --- Fields --- */

static int place(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_log *log = asked->object;
    return rpc_gql_decimal(run, ret, rpc_gql_number(rpc_json_find(log->json, "logIndex")));
}

static int account(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_log *log = asked->object;
    return rpc_gql_account_of(run, ret, rpc_json_find(log->json, "address"), asked->arguments);
}

static int topics(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_log *log = asked->object;
    return rpc_gql_scalars(run, ret, rpc_json_find(log->json, "topics"));
}

static int data(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_log *log = asked->object;
    (void)run;
    return gql_json(ret, rpc_json_find(log->json, "data"));
}

static int transaction(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_log *log = asked->object;
    (void)run;
    return gql_object(ret, log->transaction);
}

static const struct gql_field fields[] = {
    {"index", "Int!", "Its place among the logs of the block.", place},
    {"account", "Account!", "The contract that wrote it.", account, NULL, GQL_AT_BLOCK},
    {"topics", "[Bytes32!]!", "Up to four words by which it can be found.", topics},
    {"data", "Bytes!", "What else it says.", data},
    {"transaction", "Transaction!", "In whose run it was written.", transaction},
};

const struct gql_type rpc_gql_log = {
    .name = "Log", .text = "An event of a contract.", .kind = GQL_TYPE_OBJECT, GQL_FIELDS(fields)};
