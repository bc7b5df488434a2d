/* Account. */
#include "rpc/graphql/things.h"

const struct gql_input rpc_gql_at_block[1] = {
    {"block", "Long", "The account as of this block; of the latest when it is not given.",
     .hex = true}};

int rpc_gql_account_of(struct gql_run *run, struct gql_result *ret, struct bytes address,
                       const struct gql_value *arguments)
{
    const struct gql_value *block = gql_given(arguments, "block");
    struct gql_account *account = rpc_gql_alloc(run, 1, sizeof(*account));
    struct bytes at = block ? rpc_gql_quoted(run, block) : bytes_str("\"latest\"");
    if (!account || !at.data)
        return ERR_NOMEM;
    *account = (struct gql_account){address, at};
    return gql_object(ret, account);
}

int rpc_gql_account_at(struct gql_run *run, struct gql_result *ret,
                       const struct gql_value *arguments, struct bytes at)
{
    struct gql_account *account = rpc_gql_alloc(run, 1, sizeof(*account));
    struct bytes json = rpc_gql_quoted(run, gql_given(arguments, "address"));
    if (!account || !json.data)
        return ERR_NOMEM;
    *account = (struct gql_account){json, at};
    return gql_object(ret, account);
}

/* As it is answered: with lower letters, however it was asked for. */
static int address(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_account *account = asked->object;
    uint8_t *copy = rpc_gql_alloc(run, 1, account->address.len);
    for (size_t i = 0; copy && i < account->address.len; i++) {
        uint8_t c = account->address.data[i];
        copy[i] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    }
    return gql_json(ret, bytes_of(copy, account->address.len));
}

/* Of the account, and of its slot where there is one. */
static int ask(struct gql_run *run, const struct gql_asked *asked, struct gql_result *ret)
{
    const struct gql_account *account = asked->object;
    const struct gql_value *slot = gql_given(asked->arguments, "slot");
    struct bytes text = slot ? slot->characters : bytes_none(), json;
    const char *quote = slot ? "\"" : "";
    int status =
        rpc_gql_ask(run, &json, asked->field->key,
                    rpc_gql_format(run, "[%.*s,%s%.*s%s%s%.*s]", (int)account->address.len,
                                   (const char *)account->address.data, quote, (int)text.len,
                                   (const char *)text.data, quote, slot ? "," : "",
                                   (int)account->at.len, (const char *)account->at.data));
    return status ? status : gql_json(ret, json);
}

static const struct gql_input slots[] = {
    {"slot", "Bytes32!", "The place in its storage.", .preset = NULL}};

static const struct gql_field fields[] = {
    {"address", "Address!", "Its address.", address},
    {"balance", "BigInt!", "What it has, in wei.", ask, "eth_getBalance"},
    {"transactionCount", "Long!",
     "How many transactions it has sent, or, of a contract, how many contracts it has made: its "
     "nonce.",
     ask, "eth_getTransactionCount"},
    {"code", "Bytes!", "Its code; none but of a contract.", ask, "eth_getCode"},
    {"storage", "Bytes32!", "What stands at a place in its storage.", ask, "eth_getStorageAt",
     GQL_INPUTS(slots)},
};

const struct gql_type rpc_gql_account = {.name = "Account",
                                         .text = "An account as it is after a block.",
                                         .kind = GQL_TYPE_OBJECT,
                                         GQL_FIELDS(fields)};
