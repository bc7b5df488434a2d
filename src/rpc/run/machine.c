#include "rpc/run/machine.h"

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

void rpc_machine_release(struct rpc_machine *machine)
{
    state_view_free(machine->view);
    chain_private_release(&machine->private);
    exec_free(machine->exec);
    *machine = (struct rpc_machine){.exec = NULL};
}

void rpc_kept_init(struct rpc_kept *kept)
{
    pthread_mutex_init(&kept->lock, NULL);
}

void rpc_kept_release(struct rpc_kept *kept)
{
    for (size_t i = 0; i < RPC_KEPT_BLOCKS; i++)
        chain_block_unref(kept->blocks[i]);
    pthread_mutex_destroy(&kept->lock);
}

struct chain_block *rpc_kept_find(struct rpc_kept *kept, const struct hash256 *hash)
{
    struct chain_block *block = NULL;
    pthread_mutex_lock(&kept->lock);
    for (size_t i = 0; i < RPC_KEPT_BLOCKS && !block; i++)
        if (kept->blocks[i] && hash256_equal(&kept->blocks[i]->hash, hash))
            block = chain_block_ref(kept->blocks[i]);
    pthread_mutex_unlock(&kept->lock);
    return block;
}

void rpc_kept_add(struct rpc_kept *kept, struct chain_block *block)
{
    if (chain_block_size(block) > RPC_KEPT_SIZE_MAX)
        return;
    pthread_mutex_lock(&kept->lock);
    struct chain_block *old = kept->blocks[kept->next];
    kept->blocks[kept->next] = chain_block_ref(block);
    kept->next = (kept->next + 1) % RPC_KEPT_BLOCKS;
    pthread_mutex_unlock(&kept->lock);
    chain_block_unref(old);
}
