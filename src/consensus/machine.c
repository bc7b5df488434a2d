#include "consensus/machine.h"

#include "base/mem.h"
#include "consensus/istanbul/hash.h"
#include "eth/header.h"

#include <stdarg.h>
#include <stdio.h>

int consensus_block_new(struct consensus_block **ret_block, struct bytes rlp,
                        struct err_detail *detail)
{
    /* One piece of memory for the block and its bytes. */
    struct consensus_block *block = mem_alloc(sizeof(*block) + rlp.len);
    if (!block)
        return err_set(detail, ERR_NOMEM, "block: out of memory");
    uint8_t *copy = (uint8_t *)(block + 1);
    if (rlp.len)
        memcpy(copy, rlp.data, rlp.len);

    struct eth_header header;
    struct rlp_reader r;
    rlp_reader_init(&r, bytes_of(copy, rlp.len));
    rlp_enter(&r, "block");
    eth_header_read(&header, &r);
    struct bytes transactions = rlp_read_list(&r, "transactions");
    while (rlp_more(&r))
        rlp_skip(&r, "rest");
    rlp_leave(&r, "block");
    int status = rlp_finish(&r, detail, "block");
    if (!status)
        status = istanbul_block_hash(&header, &block->hash);
    if (status) {
        mem_free(block);
        return status;
    }
    block->parent = header.parent_hash;
    block->coinbase = header.coinbase;
    block->number = header.number;
    block->time = header.timestamp;
    block->empty = transactions.len == 0;
    block->rlp = bytes_of(copy, rlp.len);
    block->references = 1;
    *ret_block = block;
    return 0;
}

struct consensus_block *consensus_block_ref(struct consensus_block *block)
{
    block->references++;
    return block;
}

void consensus_block_unref(struct consensus_block *block)
{
    if (!block)
        return;
    assert(block->references > 0);
    if (--block->references == 0)
        mem_free(block);
}

/* ---- effects ---- */

void consensus_effects_clear(struct consensus_effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        struct consensus_effect *e = &effects->items[i];
        if (e->kind == CONSENSUS_CHECK)
            consensus_block_unref(e->check.block);
        else if (e->kind == CONSENSUS_COMMIT)
            consensus_block_unref(e->commit.block);
    }
    effects->count = 0;
    arena_clear(&effects->arena);
}

void consensus_effects_release(struct consensus_effects *effects)
{
    consensus_effects_clear(effects);
    arena_release(&effects->arena);
    mem_free(effects->items);
    *effects = (struct consensus_effects){0};
}

static struct consensus_effect *append(struct consensus_effects *effects,
                                       enum consensus_effect_kind kind)
{
    if (MEM_RESERVE(effects->items, effects->capacity, effects->count + 1, 16))
        return NULL;
    struct consensus_effect *e = &effects->items[effects->count++];
    *e = (struct consensus_effect){.kind = kind};
    return e;
}

/* The copy's data is NULL only when out of memory or when there is nothing to copy. */
static bool copy_bytes(struct consensus_effects *effects, struct bytes from, struct bytes *ret_copy)
{
    *ret_copy = arena_copy(&effects->arena, from);
    return ret_copy->data || from.len == 0;
}

bool consensus_emit_broadcast(struct consensus_effects *effects, unsigned code,
                              struct bytes payload, const struct address *except)
{
    struct bytes copy;
    struct consensus_effect *e =
        copy_bytes(effects, payload, &copy) ? append(effects, CONSENSUS_BROADCAST) : NULL;
    if (!e)
        return false;
    e->broadcast.code = code;
    e->broadcast.payload = copy;
    if (except)
        e->broadcast.except = *except;
    return true;
}

bool consensus_emit_send(struct consensus_effects *effects, const struct address *to, unsigned code,
                         struct bytes payload)
{
    struct bytes copy;
    struct consensus_effect *e =
        copy_bytes(effects, payload, &copy) ? append(effects, CONSENSUS_SEND) : NULL;
    if (!e)
        return false;
    e->send.to = *to;
    e->send.code = code;
    e->send.payload = copy;
    return true;
}

bool consensus_emit_timer(struct consensus_effects *effects, uint64_t token, uint64_t after_ms)
{
    struct consensus_effect *e = append(effects, CONSENSUS_TIMER);
    if (!e)
        return false;
    e->timer.token = token;
    e->timer.after_ms = after_ms;
    return true;
}

bool consensus_emit_stop(struct consensus_effects *effects, uint64_t token)
{
    struct consensus_effect *e = append(effects, CONSENSUS_STOP);
    if (!e)
        return false;
    e->timer.token = token;
    return true;
}

bool consensus_emit_build(struct consensus_effects *effects, uint64_t number, uint64_t time,
                          uint64_t due_ms)
{
    struct consensus_effect *e = append(effects, CONSENSUS_BUILD);
    if (!e)
        return false;
    e->build.number = number;
    e->build.time = time;
    e->build.due_ms = due_ms;
    return true;
}

bool consensus_emit_check(struct consensus_effects *effects, struct consensus_block *block)
{
    struct consensus_effect *e = append(effects, CONSENSUS_CHECK);
    if (!e)
        return false;
    e->check.block = consensus_block_ref(block);
    return true;
}

bool consensus_emit_commit(struct consensus_effects *effects, struct consensus_block *block,
                           uint64_t round, const struct consensus_seal *seals, size_t seal_count)
{
    struct bytes copy;
    bool copied = copy_bytes(effects, bytes_of(seals, seal_count * sizeof(*seals)), &copy);
    struct consensus_effect *e = copied ? append(effects, CONSENSUS_COMMIT) : NULL;
    if (!e)
        return false;
    e->commit.block = consensus_block_ref(block);
    e->commit.round = round;
    e->commit.seals = (const struct consensus_seal *)copy.data;
    e->commit.seal_count = seal_count;
    return true;
}

bool consensus_emit_record(struct consensus_effects *effects, struct bytes bytes)
{
    struct bytes copy;
    struct consensus_effect *e =
        copy_bytes(effects, bytes, &copy) ? append(effects, CONSENSUS_RECORD) : NULL;
    if (!e)
        return false;
    e->record.bytes = copy;
    return true;
}

bool consensus_emit_alarm(struct consensus_effects *effects, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct bytes copy;
    bool copied = copy_bytes(effects, bytes_of(text, strlen(text) + 1), &copy);
    struct consensus_effect *e = copied ? append(effects, CONSENSUS_ALARM) : NULL;
    if (!e)
        return false;
    e->alarm.text = (const char *)copy.data;
    return true;
}

/* ---- machines ---- */

int consensus_machine_new(struct consensus_machine **ret_machine,
                          const struct consensus_machine_ops *ops,
                          const struct consensus_options *options, struct err_detail *detail)
{
    struct consensus_machine *machine = NULL;
    int status = ops->make(&machine, options, detail);
    if (status)
        return status;
    machine->ops = ops;
    *ret_machine = machine;
    return 0;
}

void consensus_machine_free(struct consensus_machine *machine)
{
    if (machine)
        machine->ops->free(machine);
}

int consensus_machine_step(struct consensus_machine *machine, const struct consensus_event *event,
                           struct consensus_effects *ret_effects)
{
    return machine->ops->step(machine, event, ret_effects);
}

void consensus_machine_status(const struct consensus_machine *machine,
                              struct consensus_status *ret_status)
{
    *ret_status = (struct consensus_status){.state = ""};
    machine->ops->status(machine, ret_status);
}
