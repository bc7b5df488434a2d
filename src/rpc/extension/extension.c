#include "rpc/extension/priv.h"

#include "base/mem.h"
#include "rpc/methods/private.h"

#include <stdio.h>

/* --- The list --- */

int rpc_extension_open(struct rpc *rpc, const char *path, struct err_detail *detail)
{
    struct rpc_extension *ext = rpc_extension_of(rpc);
    struct chain_head head;
    int status = extension_list_load(&ext->list, path, detail);
    if (status)
        return err_prefix(detail, status, "could not load existing extension contracts");
    size_t size = strlen(path) + 1;
    ext->path = mem_alloc(size);
    if (!ext->path)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    memcpy(ext->path, path, size);
    chain_head(ext->backend->chain, &head);
    ext->head = head.block->header.number;
    chain_head_release(&head);
    if (!ext->list.has_watched || ext->list.watched > ext->head) {
        ext->list.watched = ext->head;
        ext->list.has_watched = true;
        status = extension_list_save(&ext->list, path, detail);
    }
    ext->saved = ext->list.watched;
    ext->look = true;
    return status;
}

void rpc_extension_release(struct rpc_extension *ext)
{
    struct err_detail detail;
    /* Without the newest number the next start reads some blocks again, no more. */
    if (ext->path && ext->list.watched != ext->saved &&
        extension_list_save(&ext->list, ext->path, &detail) == 0)
        ext->saved = ext->list.watched;
    extension_list_release(&ext->list);
    mem_free(ext->path);
    ext->path = NULL;
}

/* --- Questions --- */

static const char said_nothing[] =
    "abi: attempting to unmarshall an empty string while arguments are expected";

static int refuse_nothing(struct rpc_simulation *s, const struct address *address)
{
    struct state_account account;
    struct state_reader state = s->state;
    bool exists;
    int status = state_reader_account(&state, &account, &exists, address);
    if (status == 0)
        status =
            rpc_prefer_private(s->call, &s->reader, &state, &account, &exists, s->number, address);
    struct bytes code = bytes_none();
    if (status == 0 && exists)
        status = state_reader_code(&state, &code, &account.code_hash);
    if (status)
        return rpc_reader_fail(s->call, &s->reader, status);
    return rpc_fail(s->call, RPC_CODE_ERROR,
                    code.len ? said_nothing : "no contract code at given address");
}

/* The answer as it is and its bytes by number, as Go prints them: of any length, which rpc_fail's texts have not. */
static int refuse_length(struct rpc_call *call, struct bytes output)
{
    struct buf text = BUF_INIT;
    buf_append_text(&text, "abi: improperly formatted output: ");
    buf_append_bytes(&text, output);
    buf_append_text(&text, " - Bytes: [[");
    for (size_t i = 0; i < output.len; i++)
        buf_append_format(&text, i ? " %u" : "%u", output.data[i]);
    buf_append_text(&text, "]]");
    int status = buf_status(&text);
    if (status == 0) {
        (void)rpc_fail(call, RPC_CODE_ERROR, "abi: improperly formatted output");
        call->text = arena_copy(call->arena, buf_bytes(&text));
        status = call->text.data ? RPC_FAILED : ERR_NOMEM;
    }
    buf_release(&text);
    return status;
}

/* The reference's client of contracts (accounts/abi/bind). */
static int run(struct rpc_simulation *s, const char *result,
               struct permission_value ret[PERMISSION_VALUES_MAX])
{
    int status = rpc_simulation_run(s, rpc_simulation_gas(s));
    if (status)
        return status;
    if (s->result.verdict != EXEC_VALID)
        return rpc_fail(s->call, RPC_CODE_ERROR, "err: %s",
                        *s->why.text ? s->why.text : exec_verdict_text(s->result.verdict));
    if (s->result.status != EVM_SUCCESS) /* which that client does not look at */
        return rpc_fail(s->call, RPC_CODE_ERROR, "%s", said_nothing);
    if (s->result.output.len == 0)
        return refuse_nothing(s, &s->args->to);
    if (s->result.output.len % 32 != 0)
        return refuse_length(s->call, s->result.output);
    struct bytes output = arena_copy(s->call->arena, s->result.output);
    if (!output.data)
        return ERR_NOMEM;
    if (permission_abi_decode(ret, result, output))
        return 0;
    if (strcmp(result, "(bool)") == 0)
        return rpc_fail(s->call, RPC_CODE_ERROR, "abi: improperly encoded boolean value");
    return rpc_fail(s->call, RPC_CODE_ERROR,
                    "abi: the answer of %zu bytes does not fit the type %s", output.len, result);
}

int rpc_extension_ask(struct rpc_call *call, const struct address *management,
                      const struct address *from, const char *question,
                      const struct permission_value *in, const char *result,
                      struct permission_value ret[PERMISSION_VALUES_MAX])
{
    static const struct rpc_block_id latest = {.kind = RPC_AT_LATEST};
    struct rpc_transaction args = {.has_from = from != NULL,
                                   .has_to = true,
                                   .has_gas = true,
                                   .gas = RPC_EXTENSION_GAS,
                                   .has_data = true};
    struct rpc_simulation s;
    struct buf data = BUF_INIT;
    permission_abi_call(&data, question, in);
    if (from)
        args.from = *from;
    args.to = *management;
    args.data = buf_bytes(&data);
    int status = buf_status(&data);
    if (status == 0)
        status = rpc_simulation_begin(&s, call, &args, &latest);
    if (status == 0) {
        status = run(&s, result, ret);
        rpc_simulation_end(&s);
    }
    buf_release(&data);
    return status;
}

int rpc_extension_ask_bool(struct rpc_call *call, const struct address *management,
                           const struct address *from, const char *question, bool *ret)
{
    struct permission_value out[PERMISSION_VALUES_MAX];
    int status = rpc_extension_ask(call, management, from, question, NULL, "(bool)", out);
    if (status == 0)
        *ret = !u256_is_zero(&out[0].number);
    return status;
}

int rpc_extension_ask_address(struct rpc_call *call, const struct address *management,
                              const char *question, struct address *ret)
{
    struct permission_value out[PERMISSION_VALUES_MAX];
    int status = rpc_extension_ask(call, management, NULL, question, NULL, "(address)", out);
    if (status == 0)
        *ret = out[0].address;
    return status;
}
