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

void rpc_machine_release(struct rpc_machine *machine)
{
    state_view_free(machine->view);
    exec_free(machine->exec);
    *machine = (struct rpc_machine){NULL, NULL};
}
