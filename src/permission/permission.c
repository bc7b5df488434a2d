#include "permission/permission.h"

#include "base/mem.h"
#include "permission/load.h"

#include <stdatomic.h>

enum {
    BLOCKS_MAX = 1024
}; /* whose events are read one by one; behind more, everything is asked for */

struct permission {
    struct permission_options options;
    struct permission_model model;
    struct permission_events *events;
    struct permission_asker asker;
    enum permission_phase phase;
    uint64_t seen; /* the model is that of this block */
    bool stale;    /* the model is not whole: read it anew */
    bool reached;  /* the height from which permissions hold */
    struct buf url;
    atomic_bool checking; /* transactions of blocks are checked */
    atomic_bool current;  /* those of blocks that the network has agreed on, too */

    /* Of the thread that executes. */
    struct chain_permission gate;
    struct exec *exec;
    struct buf input, output;
};

/* --- Blocks --- */

#define TRANSACTION_ALLOWED "transactionAllowed(address,address,uint256,uint256,uint256,bytes)"

static void describe(struct permission_value values[6], const struct eth_transaction *tx,
                     const struct address *sender)
{
    static const struct address nobody;
    values[0] = (struct permission_value){.address = *sender};
    values[1] = (struct permission_value){.address = tx->is_creation ? nobody : tx->to};
    values[2] = (struct permission_value){.number = tx->value};
    values[3] = (struct permission_value){.number = tx->max_fee};
    values[4] = (struct permission_value){.number = u256_from(tx->gas_limit)};
    values[5] = (struct permission_value){.text = tx->data};
}

/* Nothing at the address: a block from before the contracts. */
static int gate_allows(void *context, bool *ret_allowed, bool agreed,
                       const struct exec_block *block, struct state_view *view,
                       const struct eth_transaction *tx, const struct address *sender)
{
    struct permission *p = context;
    struct permission_value in[6], out[PERMISSION_VALUES_MAX];
    if (!atomic_load(&p->checking) || (agreed && !atomic_load(&p->current)))
        return ERR_OK;
    int status = p->exec ? ERR_OK : exec_new(&p->exec);
    if (status != ERR_OK)
        return status;
    describe(in, tx, sender);
    status = permission_ask_view(p->exec, block, view, &p->options.config.interface, &p->input,
                                 &p->output, TRANSACTION_ALLOWED, in, "(bool)", out, NULL);
    if (status == ERR_NOTFOUND)
        return ERR_OK;
    if (status != ERR_OK && status != ERR_INPUT)
        return status;
    *ret_allowed = status == ERR_OK && !u256_is_zero(&out[0].number);
    return ERR_OK;
}

const struct chain_permission *permission_gate(struct permission *permission)
{
    return &permission->gate;
}

void permission_is_current(struct permission *permission)
{
    atomic_store(&permission->current, true);
}

/* --- Life --- */

int permission_new(struct permission **ret_permission, const struct permission_options *options)
{
    struct permission *p = mem_alloc_zeroed(1, sizeof(*p));
    if (!p) {
        struct permission_config config = options->config;
        permission_config_release(&config);
        return ERR_NOMEM;
    }
    p->options = *options;
    p->asker.chain = options->chain;
    p->gate = (struct chain_permission){p, gate_allows};
    permission_model_init(&p->model);
    int status = permission_events_new(&p->events, &p->options.config, options->raft);
    if (status != ERR_OK) {
        permission_free(p);
        return status;
    }
    *ret_permission = p;
    return ERR_OK;
}

void permission_free(struct permission *permission)
{
    struct permission *p = permission;
    if (!p)
        return;
    permission_asker_release(&p->asker);
    permission_events_free(p->events);
    permission_model_release(&p->model);
    permission_config_release(&p->options.config);
    exec_free(p->exec);
    buf_release(&p->input);
    buf_release(&p->output);
    buf_release(&p->url);
    mem_free(p);
}

/* --- Following the chain --- */

static void report(const struct permission *p, const char *message)
{
    if (p->options.report)
        p->options.report(p->options.context, message);
}

static int take_receipts(struct permission *p, const struct eth_receipt *receipts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < receipts[i].log_count; k++) {
            enum permission_node_change change;
            int status =
                permission_take_log(p->events, &p->model, &receipts[i].logs[k], &change, &p->url);
            if (status != ERR_OK)
                return status;
            if (change != PERMISSION_NO_CHANGE && p->options.node_changed)
                p->options.node_changed(p->options.context, change, buf_text(&p->url));
        }
    return ERR_OK;
}

/* Whether a block may have events of the managers. */
static bool may_tell(const struct permission *p, const struct eth_header *header)
{
    const struct permission_config *c = &p->options.config;
    const struct address *managers[] = {&c->orgs, &c->nodes, &c->roles, &c->accounts};
    for (size_t i = 0; i < BASE_COUNT(managers); i++)
        if (eth_bloom_test(&header->bloom, bytes_of(managers[i]->b, 20)))
            return true;
    return false;
}

static int take_block(struct permission *p, struct chain_reader *reader, struct arena *arena,
                      uint64_t number)
{
    struct eth_header header;
    struct eth_receipt *receipts;
    size_t count;
    int status = chain_reader_header(reader, &header, number);
    if (status != ERR_OK || !may_tell(p, &header))
        return status;
    status = chain_reader_receipts(reader, &receipts, &count, arena, number);
    if (status == ERR_OK)
        status = take_receipts(p, receipts, count);
    return status;
}

/* The events of the blocks since `seen`. */
static int follow(struct permission *p, uint64_t head)
{
    struct chain_reader reader;
    struct arena arena;
    int status = chain_reader_open(&reader, p->options.chain);
    if (status != ERR_OK)
        return status;
    arena_init(&arena);
    for (uint64_t n = p->seen + 1; n <= head && status == ERR_OK; n++) {
        status = take_block(p, &reader, &arena, n);
        arena_clear(&arena);
        if (status == ERR_OK)
            p->seen = n;
    }
    arena_release(&arena);
    chain_reader_close(&reader);
    return status;
}

static int load(struct permission *p, uint64_t head, struct err_detail *detail)
{
    int status = permission_load(&p->asker, &p->model, &p->options.config, p->options.raft, detail);
    p->stale = status != ERR_OK;
    if (status == ERR_OK)
        p->seen = head;
    return status;
}

/* Whether the contracts stand and are filled. */
static int find_phase(struct permission *p, struct err_detail *detail)
{
    struct permission_value out[PERMISSION_VALUES_MAX];
    int status = permission_ask(&p->asker, &p->options.config.interface, "getNetworkBootStatus()",
                                NULL, "(bool)", out, detail);
    if (status == ERR_NOTFOUND)
        p->phase = PERMISSION_NO_CONTRACTS;
    else if (status == ERR_OK)
        p->phase = u256_is_zero(&out[0].number) ? PERMISSION_NOT_BOOTED : PERMISSION_READY;
    return status == ERR_NOTFOUND ? ERR_OK : status;
}

int permission_head(struct permission *permission, bool removed, enum permission_phase *ret_phase,
                    struct err_detail *detail)
{
    struct permission *p = permission;
    struct chain_head head;
    chain_head(p->options.chain, &head);
    uint64_t number = head.block->header.number, time = head.block->header.timestamp;
    chain_head_release(&head);
    const struct chain_config *config = chain_configuration(p->options.chain);
    bool was_ready = p->phase == PERMISSION_READY && !removed && !p->stale;
    int status = ERR_OK;
    permission_asker_move(&p->asker);
    p->reached = p->reached || !config->blocks[CHAIN_BLOCK_QIP714].set ||
                 chain_config_rules(config, number, time).permissions;
    if (!was_ready) {
        p->stale = true;
        status = find_phase(p, detail);
    }
    if (status == ERR_OK && p->phase == PERMISSION_READY) {
        bool near = was_ready && number >= p->seen && number - p->seen <= BLOCKS_MAX;
        status = near ? follow(p, number) : load(p, number, detail);
        if (near && status != ERR_OK) {
            report(p, err_text(status));
            status = load(p, number, detail);
        }
    }
    atomic_store(&p->checking, p->options.config.enhanced && permission_enabled(p));
    *ret_phase = p->phase;
    return status;
}

const struct permission_config *permission_config_of(const struct permission *permission)
{
    return &permission->options.config;
}

const struct permission_model *permission_model_of(const struct permission *permission)
{
    return &permission->model;
}

struct permission_asker *permission_asker_of(struct permission *permission)
{
    return &permission->asker;
}

bool permission_is_raft(const struct permission *permission)
{
    return permission->options.raft;
}

bool permission_uses_dns(const struct permission *permission)
{
    return permission->options.dns;
}

/* --- Checks --- */

bool permission_enabled(const struct permission *permission)
{
    return permission->reached && permission->phase == PERMISSION_READY;
}

static bool ask_bool(struct permission *p, const char *question,
                     const struct permission_value *values)
{
    struct permission_value out[PERMISSION_VALUES_MAX];
    return permission_ask(&p->asker, &p->options.config.interface, question, values, "(bool)", out,
                          NULL) == ERR_OK &&
           !u256_is_zero(&out[0].number);
}

bool permission_allows_transaction(struct permission *permission, const struct eth_transaction *tx,
                                   const struct address *sender)
{
    struct permission_value values[6];
    if (!permission_enabled(permission))
        return true;
    if (!permission->options.config.enhanced)
        return permission_allows(&permission->model, &permission->options.config, sender,
                                 tx->is_creation);
    describe(values, tx, sender);
    return ask_bool(permission, TRANSACTION_ALLOWED, values);
}

bool permission_allows_connection(struct permission *permission, const char *hex_key,
                                  const char *ip, uint16_t port)
{
    if (!permission->options.config.enhanced)
        return permission_allows_node(&permission->model, hex_key);
    struct permission_value values[] = {
        {.text = bytes_str(hex_key)}, {.text = bytes_str(ip)}, {.number = u256_from(port)}};
    return ask_bool(permission, "connectionAllowed(string,string,uint16)", values);
}

bool permission_allows_here(const struct permission *permission, const struct address *sender)
{
    return !permission_enabled(permission) ||
           permission_allows_sender(&permission->model, permission->options.node, sender);
}

int permission_pending_of(struct permission *permission, struct bytes org,
                          struct permission_pending *ret_pending)
{
    struct permission_value in = {.text = org}, out[PERMISSION_VALUES_MAX];
    int status =
        permission_ask(&permission->asker, &permission->options.config.interface,
                       "getPendingOp(string)", &in, "(string,string,address,uint256)", out, NULL);
    if (status == ERR_OK)
        *ret_pending =
            (struct permission_pending){out[0].text, out[1].text, out[2].address,
                                        u256_is_u64(&out[3].number) ? out[3].number.w[0] : 0};
    return status;
}
