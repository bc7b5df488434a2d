#include "permission/ask.h"

void permission_asker_move(struct permission_asker *asker)
{
    if (asker->open)
        chain_reader_close(&asker->reader);
    asker->open = false;
}

void permission_asker_release(struct permission_asker *asker)
{
    permission_asker_move(asker);
    exec_free(asker->exec);
    state_view_free(asker->view);
    buf_release(&asker->input);
    buf_release(&asker->output);
    *asker = (struct permission_asker){.chain = asker->chain};
}

static int open_state(struct permission_asker *asker)
{
    struct chain_reader *reader = &asker->reader;
    struct hash256 hash;
    int status = chain_reader_head(reader, &asker->number, &hash);
    if (status == ERR_OK)
        status = chain_reader_header(reader, &asker->header, asker->number);
    if (status == ERR_OK)
        status = chain_reader_state(reader, &asker->state, asker->number);
    if (status == ERR_OK && asker->view)
        state_view_reset(asker->view, &asker->state);
    else if (status == ERR_OK)
        status = state_view_new(&asker->view, &asker->state);
    if (status == ERR_OK && !asker->exec)
        status = exec_new(&asker->exec);
    if (status == ERR_OK)
        status = chain_environment_init(&asker->environment, reader, &asker->header);
    return status;
}

static int open_asker(struct permission_asker *asker, struct err_detail *detail)
{
    if (asker->open)
        return ERR_OK;
    int status = chain_reader_open(&asker->reader, asker->chain);
    if (status == ERR_OK) {
        status = open_state(asker);
        if (status != ERR_OK)
            chain_reader_close(&asker->reader);
    }
    asker->open = status == ERR_OK;
    return status == ERR_OK
               ? status
               : err_set(detail, status, "the state cannot be read: %s",
                         *asker->reader.detail.text ? asker->reader.detail.text : err_text(status));
}

int permission_ask_view(struct exec *exec, const struct exec_block *block, struct state_view *view,
                        const struct address *to, struct buf *input, struct buf *output,
                        const char *question, const struct permission_value *values,
                        const char *result,
                        struct permission_value ret_values[PERMISSION_VALUES_MAX],
                        struct err_detail *detail)
{
    struct evm_result outcome;
    buf_clear(input);
    buf_clear(output);
    permission_abi_call(input, question, values);
    int status = buf_status(input);
    if (status != ERR_OK)
        return err_set(detail, status, "%s", err_text(status));
    const struct evm_message message = {
        .kind = EVM_CALL,
        .gas = PERMISSION_ASK_GAS,
        .recipient = *to,
        .code_address = *to,
        .input = buf_bytes(input),
    };
    exec_begin_block(exec, block, view, NULL);
    status = exec_ask(exec, &outcome, &message);
    if (status != ERR_OK)
        return err_set(detail, status, "%s: %s", question, err_text(status));
    if (outcome.status != EVM_SUCCESS)
        return err_set(detail, ERR_INPUT, "execution reverted");
    if (outcome.output.len > PERMISSION_ANSWER_MAX)
        return err_set(detail, ERR_INPUT, "%s: the answer is longer than %d bytes", question,
                       PERMISSION_ANSWER_MAX);
    buf_append_bytes(output, outcome.output);
    status = buf_status(output);
    if (status != ERR_OK)
        return err_set(detail, status, "%s", err_text(status));
    if (output->len == 0)
        return err_set(detail, ERR_NOTFOUND, "no contract code at given address");
    if (!permission_abi_decode(ret_values, result, buf_bytes(output)))
        return err_set(detail, ERR_INPUT, "%s: the contract's answer is no %s", question, result);
    return ERR_OK;
}

int permission_ask(struct permission_asker *asker, const struct address *to, const char *question,
                   const struct permission_value *values, const char *result,
                   struct permission_value ret_values[PERMISSION_VALUES_MAX],
                   struct err_detail *detail)
{
    int status = open_asker(asker, detail);
    if (status != ERR_OK)
        return status;
    status =
        permission_ask_view(asker->exec, &asker->environment.block, asker->view, to, &asker->input,
                            &asker->output, question, values, result, ret_values, detail);
    if (status == ERR_NOMEM) /* the view has a part of it */
        permission_asker_move(asker);
    return status;
}
