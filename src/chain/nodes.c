#include "chain/nodes.h"
#include "state/guide.h"

void chain_nodes_release(struct chain_nodes *nodes)
{
    state_guide_free(nodes->guide);
    *nodes = (struct chain_nodes){.guide = NULL};
}

/* The roots of the last states, when the head is another one. Gives the head's number. */
static int follow(struct chain_nodes *nodes, uint64_t *ret_number, struct chain_reader *reader)
{
    uint64_t number;
    struct hash256 head;
    int err = chain_reader_head(reader, &number, &head);
    if (!err)
        *ret_number = number;
    if (err || (nodes->guide && hash256_equal(&head, &nodes->head)))
        return err;
    if (!nodes->guide)
        err = state_guide_new(&nodes->guide);
    if (!err)
        state_guide_clear_roots(nodes->guide);
    for (uint64_t i = number < STATE_GUIDE_ROOTS ? 0 : number - STATE_GUIDE_ROOTS + 1;
         !err && i <= number; i++) {
        struct state_reader state;
        err = chain_reader_state(reader, &state, i);
        if (!err)
            err = state_guide_root(nodes->guide, &state.root);
        else if (err == ERR_NOTFOUND)
            err = ERR_OK; /* pruned */
    }
    if (!err)
        nodes->head = head;
    return err;
}

int chain_nodes_get(struct chain_nodes *nodes, struct buf *b, struct chain_reader *reader,
                    const struct hash256 *hash)
{
    uint64_t number;
    struct state_reader state;
    int err = follow(nodes, &number, reader);
    if (!err)
        err = chain_reader_state(reader, &state, number);
    return err ? err : state_guide_node(nodes->guide, b, &state, hash);
}
