#include "base/mem.h"
#include "chain/chain_priv.h"

int chain_call(struct chain_reader *reader, enum evm_status *ret_status, struct buf *output,
               uint64_t number, const struct address *to, struct bytes input, uint64_t gas)
{
    struct eth_header header;
    struct state_reader state;
    struct state_view *view = NULL;
    struct exec *x = NULL;
    struct chain_environment *env = mem_alloc(sizeof(*env));
    int err = env ? chain_reader_header(reader, &header, number) : ERR_NOMEM;
    if (!err)
        err = chain_reader_state(reader, &state, number);
    if (!err)
        err = state_view_new(&view, &state);
    if (!err)
        err = exec_new(&x);
    if (!err)
        err = chain_environment_init(env, reader, &header);
    if (!err) {
        const struct evm_message message = {.kind = EVM_CALL,
                                            .gas = (int64_t)gas,
                                            .recipient = *to,
                                            .code_address = *to,
                                            .input = input};
        const struct u256 price = u256_from(0);
        struct evm_result result;
        env->is_call = true;
        exec_begin_block(x, &env->block, view, &env->hooks);
        err = exec_message(x, &result, &message, &price);
        if (!err) {
            *ret_status = result.status;
            buf_append_bytes(output, result.output);
            err = buf_status(output);
        }
    }
    exec_free(x);
    state_view_free(view);
    mem_free(env);
    return err;
}
