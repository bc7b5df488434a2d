#include "rpc/machine.h"

int rpc_machine_begin(struct rpc_machine *machine, const struct state_reader *state)
{
    int status = machine->exec ? 0 : exec_new(&machine->exec);
    if (status)
        return status;
    if (!machine->view)
        return state_view_new(&machine->view, state);
    state_view_reset(machine->view, state);
    return 0;
}

struct chain_block *rpc_machine_find(struct rpc_machine *machine, const struct hash256 *hash)
{
    for (size_t i = 0; i < RPC_KEPT_BLOCKS; i++)
        if (machine->blocks[i] && hash256_equal(&machine->blocks[i]->hash, hash))
            return chain_block_ref(machine->blocks[i]);
    return NULL;
}

void rpc_machine_keep(struct rpc_machine *machine, struct chain_block *block)
{
    if (chain_block_size(block) > RPC_KEPT_SIZE_MAX)
        return;
    chain_block_unref(machine->blocks[machine->next]);
    machine->blocks[machine->next] = chain_block_ref(block);
    machine->next = (machine->next + 1) % RPC_KEPT_BLOCKS;
}

void rpc_machine_release(struct rpc_machine *machine)
{
    for (size_t i = 0; i < RPC_KEPT_BLOCKS; i++)
        chain_block_unref(machine->blocks[i]);
    state_view_free(machine->view);
    chain_private_release(&machine->private);
    exec_free(machine->exec);
    *machine = (struct rpc_machine){.exec = NULL};
}
