#include "chain/private/priv.h"

#include "base/mem.h"

#include <stdlib.h>

enum { AFFECTED_MIN = 16 };

const struct address chain_marker_address = {{[19] = 0x7a}};

struct chain_payload_hash chain_payload_hash_of(struct bytes data)
{
    struct chain_payload_hash hash = {{0}};
    size_t len = data.len < sizeof(hash.b) ? data.len : sizeof(hash.b);
    if (len)
        memcpy(hash.b + sizeof(hash.b) - len, data.data + data.len - len, len);
    return hash;
}

bool chain_payload_hash_is_zero(const struct chain_payload_hash *hash)
{
    static const struct chain_payload_hash zero;
    return memcmp(hash, &zero, sizeof(zero)) == 0;
}

static bool hash_is_zero(const struct hash256 *hash)
{
    static const struct hash256 zero;
    return hash256_equal(hash, &zero);
}

/* --- Views --- */

static int set_view(struct state_view **view, const struct state_reader *reader)
{
    if (!*view)
        return state_view_new(view, reader);
    state_view_reset(*view, reader);
    return 0;
}

void chain_private_use(struct chain_private *p, struct chain_private_side *side)
{
    p->side = side;
    p->view = side->view;
    p->notes = side->notes;
}

int chain_private_open(struct chain_private *p)
{
    struct chain_private_side *side = p->side;
    if (side->is_open)
        return 0;
    int err = set_view(&side->view, &side->state);
    if (!err)
        err = set_view(&side->notes, &side->notes_state);
    side->is_open = !err;
    if (!err)
        chain_private_use(p, side);
    if (!err && !side->is_own)
        err = chain_private_branch(p, side);
    return err;
}

static int open_readers(struct chain_private_side *side, struct chain *chain, struct store_txn *txn)
{
    int err =
        state_reader_open(&side->state, &chain->db, txn, chain_private_instance(side->instance));
    return err ? err
               : state_reader_open(&side->notes_state, &chain->db, txn,
                                   chain_private_instance(side->instance + 1));
}

int chain_private_begin(struct chain_private *p, struct chain *chain, struct store_txn *txn,
                        uint64_t number)
{
    p->psis = chain->config->is_mps ? chain->psis : NULL;
    p->own.instance = chain->config->is_mps ? CHAIN_INSTANCE_EMPTY : CHAIN_INSTANCE_PRIVATE;
    p->own.is_own = true;
    p->is_given = p->discards = p->records_changed = false;
    chain_private_use(p, &p->own);
    int err = open_readers(&p->own, chain, txn);
    if (!err && p->psis)
        err = chain_private_load_states(p, txn, number);
    for (size_t i = 0; p->psis && i < p->other_count && !err; i++)
        err = open_readers(&p->others[i], chain, txn);
    if (!err && p->psis)
        err = chain_private_load_seed(p, txn, number);
    return err;
}

static void close_side(struct chain_private_side *side)
{
    if (side->has_update)
        state_update_release(&side->update);
    if (side->has_notes_update)
        state_update_release(&side->notes_update);
    side->has_update = side->has_notes_update = false;
    if (side->view)
        state_view_reset(side->view, NULL);
    if (side->notes)
        state_view_reset(side->notes, NULL);
    side->is_open = false;
}

void chain_private_close(struct chain_private *p)
{
    close_side(&p->own);
    for (size_t i = 0; i < p->other_count; i++)
        close_side(&p->others[i]);
}

static void free_views(struct chain_private_side *side)
{
    state_view_free(side->view);
    state_view_free(side->notes);
}

void chain_private_release(struct chain_private *p)
{
    chain_private_close(p);
    free_views(&p->own);
    for (size_t i = 0; i < p->other_count; i++)
        free_views(&p->others[i]);
    exec_free(p->inner);
    arena_release(&p->arena);
    mem_free(p->others);
    mem_free(p->records);
    mem_free(p->affected);
    buf_release(&p->entries);
    *p = (struct chain_private){.payloads = NULL};
}

/* --- Readers --- */

int chain_private_open_at(struct chain_reader *reader, struct state_reader *ret_state,
                          struct state_reader *ret_notes, struct bytes psi, uint64_t number)
{
    uint32_t instance;
    int err = chain_private_find_instance(reader, &instance, psi, number);
    if (!err)
        err = state_reader_open_at(ret_state, &reader->chain->db, reader->txn,
                                   chain_private_instance(instance), number);
    if (!err && ret_notes)
        err = state_reader_open_at(ret_notes, &reader->chain->db, reader->txn,
                                   chain_private_instance(instance + 1), number);
    return err;
}

int chain_reader_private_state(struct chain_reader *reader, struct state_reader *ret_state,
                               struct bytes psi, uint64_t number)
{
    return chain_private_open_at(reader, ret_state, NULL, psi, number);
}

int chain_reader_private_root(struct chain_reader *reader, struct hash256 *ret_root,
                              struct bytes psi, uint64_t number)
{
    struct state_reader state;
    int err = chain_reader_private_state(reader, &state, psi, number);
    if (!err)
        *ret_root = state.root.hash;
    return err;
}

/* --- Before the message --- */

/* Nobody's business but the parties': the nonce is counted, intrinsic gas paid. */
void chain_private_keep_out(struct chain_environment *env, const struct eth_transaction *tx,
                            struct exec_run *run)
{
    run->nothing = run->intrinsic_only = run->hide_gas = true;
    /* The reference pays the coinbase here, a fixed beneficiary only for creations. */
    if (!tx->is_creation && !env->rules.private_gas_fix)
        run->fee_recipient = env->block.coinbase;
}

/* The refusals before anything runs (prepare of core/state_transition_pmh.go). */
static void prepare(struct chain_private *p, const struct eth_transaction *tx, struct exec_run *run,
                    enum exec_verdict *verdict, struct err_detail *why)
{
    bool enhanced = p->environment->rules.privacy_enhancements;
    if (!enhanced && p->payload.flag != CHAIN_STANDARD_PRIVATE) {
        struct chain_payload_hash hash = chain_payload_hash_of(tx->data);
        char text[96] = {0}; /* 88 characters */
        base64_encode(text, bytes_of(hash.b, sizeof(hash.b)));
        *verdict = EXEC_REFUSED;
        err_set(why, 0,
                "Privacy enhanced transaction received while privacy enhancements are disabled. "
                "Please check your node configuration. EPH=%s",
                text);
        return;
    }
    if (p->payload.flag == CHAIN_STATE_VALIDATION && hash_is_zero(&p->payload.exec_hash)) {
        /* As the reference: nothing comes back of the gas, and a creation does not count. */
        bool fixed = p->environment->rules.private_gas_fix;
        p->fails = run->nothing = true;
        run->unsettled = !fixed;
        run->keep_nonce = tx->is_creation && !fixed;
    }
    p->verifies = enhanced;
}

bool chain_private_waits(const struct chain *chain, const struct chain_block *block)
{
    const struct eth_body *body = &block->body->body;
    bool waits = false;
    for (size_t i = 0; chain->payloads && i < body->transaction_count && !waits; i++)
        waits = chain_has_payload(&body->transactions[i]);
    return waits;
}

void chain_private_expect(const struct chain_private *p, size_t count,
                          const struct eth_transaction *(*at)(const void *list, size_t index),
                          const void *list)
{
    struct buf hashes = BUF_INIT;
    if (!p->payloads || !p->payloads->expect)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct eth_transaction *tx = at(list, i);
        if (!chain_has_payload(tx))
            continue;
        const struct chain_payload_hash hash = chain_payload_hash_of(tx->data);
        buf_append(&hashes, &hash, sizeof(hash));
    }
    if (buf_status(&hashes) == 0)
        p->payloads->expect(p->payloads->context,
                            (const struct chain_payload_hash *)(const void *)hashes.data,
                            hashes.len / CHAIN_PAYLOAD_HASH);
    buf_release(&hashes);
}

int chain_private_receive(struct chain_private *p, struct chain_payload *ret_payload,
                          const struct chain_payload_hash *hash)
{
    int err = p->payloads->receive(p->payloads->context, ret_payload, hash, &p->arena);
    if (err || !p->viewer || !ret_payload->is_party)
        return err;
    for (size_t i = 0; i < ret_payload->managed_count; i++)
        if (chain_psi_has(p->viewer, ret_payload->managed_parties[i]))
            return 0;
    *ret_payload = (struct chain_payload){.is_party = false};
    return 0;
}

static int begin_private(struct chain_private *p, const struct eth_transaction *tx,
                         struct exec_run *run, enum exec_verdict *verdict, struct err_detail *why)
{
    struct chain_payload_hash hash = chain_payload_hash_of(tx->data);
    int err = chain_private_open(p);
    p->payload = (struct chain_payload){.is_party = false};
    run->discard = p->discards;
    if (p->psis && p->is_given)
        p->payload = p->received;
    else if (!err && !p->psis && !chain_payload_hash_is_zero(&hash))
        err = chain_private_receive(p, &p->payload, &hash);
    if (err)
        return err_set(why, err, "the private transaction manager gave no answer: %s",
                       err_text(err));
    run->intrinsic_only = run->hide_gas = true;
    run->free = p->is_inner;
    if (!tx->is_creation && (!p->payload.is_party || p->payload.data.len == 0)) {
        chain_private_keep_out(p->environment, tx, run);
        if (!p->payload.is_party)
            return 0;
    }
    run->view = p->view;
    run->notes = p->notes;
    run->input = p->payload.is_party ? p->payload.data : bytes_none();
    p->view_checkpoint = state_view_checkpoint(p->view);
    p->notes_checkpoint = state_view_checkpoint(p->notes);
    if (p->payload.is_party)
        prepare(p, tx, run, verdict, why);
    return 0;
}

static bool has_less(int *ret_err, struct state_view *view, const struct address *address,
                     const struct u256 *value)
{
    const struct state_account *account;
    *ret_err = state_view_account(view, &account, address);
    return !*ret_err && (account ? u256_less(&account->balance, value) : !u256_is_zero(value));
}

/* A call on a private contract, whose value the reference takes from the sender's private account, once the public one has it. A private
 * transaction that is simulated may have none, which is said elsewhere. */
static int begin_call(struct chain_private *p, const struct eth_transaction *tx,
                      const struct address *sender, struct exec_run *run,
                      enum exec_verdict *verdict, struct err_detail *why)
{
    int err = 0;
    if (!p->is_dual)
        return 0;
    run->view = p->view;
    run->notes = p->notes;
    if (p->simulation || u256_is_zero(&tx->value) ||
        has_less(&err, p->block_view, sender, &tx->value) || err ||
        !has_less(&err, p->view, sender, &tx->value))
        return err;
    *verdict = EXEC_REFUSED;
    err_set(why, 0, "insufficient balance for transfer");
    return 0;
}

int chain_private_before(struct chain_private *p, const struct eth_transaction *tx,
                         const struct address *sender, struct exec_run *run,
                         enum exec_verdict *verdict, struct err_detail *why)
{
    p->tx = tx;
    p->is_private = p->fails = p->verifies = false;
    p->affected_count = 0;
    if (!p->payloads)
        return begin_call(p, tx, sender, run, verdict, why);
    if (!p->is_inner && !p->psis) {
        p->has_inner_receipt = false;
        arena_clear(&p->arena);
    }
    if (eth_transaction_is_private(tx)) {
        p->is_private = true;
        return begin_private(p, tx, run, verdict, why);
    }
    bool marker = p->environment->rules.privacy_precompile && chain_is_marker(tx);
    if (marker && !u256_is_zero(&tx->value)) {
        /* The reference takes it from the sender's private account, which has nothing. */
        *verdict = EXEC_REFUSED;
        err_set(why, 0, "insufficient balance for transfer");
    }
    return 0;
}

/* --- The message --- */

int chain_private_view_of(struct chain_private *p, struct state_view **ret_view,
                          struct state_view *current, const struct address *address)
{
    const struct state_account *account;
    *ret_view = current;
    int err = state_view_account(p->view, &account, address);
    if (!err && account) {
        *ret_view = p->view;
    } else if (!err) {
        err = state_view_account(p->block_view, &account, address);
        if (!err && account)
            *ret_view = p->block_view;
    }
    return err;
}

int chain_private_view_now(struct chain_private *p, struct state_view **ret_view,
                           struct state_view *current, const struct address *address)
{
    *ret_view = current;
    return p->side && p->side->is_open && (p->is_private || p->is_dual)
               ? chain_private_view_of(p, ret_view, current, address)
               : 0;
}

static struct chain_affected *find_affected(struct chain_private *p, const struct address *address)
{
    for (size_t i = 0; i < p->affected_count; i++)
        if (address_equal(&p->affected[i].address, address))
            return &p->affected[i];
    return NULL;
}

static int add_affected(struct chain_private *p, const struct address *address, bool created)
{
    struct chain_affected *known = find_affected(p, address);
    if (known) {
        known->created |= created;
        return 0;
    }
    if (MEM_RESERVE(p->affected, p->affected_capacity, p->affected_count + 1, AFFECTED_MIN))
        return ERR_NOMEM;
    p->affected[p->affected_count++] =
        (struct chain_affected){.address = *address, .created = created};
    return 0;
}

int chain_private_entered(struct chain_private *p, const struct evm_message *message)
{
    bool created = message->kind == EVM_CREATE || message->kind == EVM_CREATE2;
    if (!p->is_private && !p->simulation)
        return 0;
    int err = add_affected(p, &message->code_address, created);
    if (err || !created || !p->is_private || !p->payload.is_party ||
        p->payload.flag == CHAIN_STANDARD_PRIVATE)
        return err;
    const struct chain_metadata metadata = {.creation = chain_payload_hash_of(p->tx->data),
                                            .flag = p->payload.flag};
    return chain_private_note(p, &message->recipient, &metadata);
}

/* --- After it --- */

struct encoded {
    struct address address;
    size_t size;
    uint8_t rlp[STATE_ACCOUNT_RLP_MAX];
};

static int by_address(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct address));
}

/* The root of a trie of the accounts of all affected contracts, under their addresses. */
static int affected_root(struct chain_private *p, bool *ret_has, struct hash256 *ret_root)
{
    size_t count = p->affected_count;
    struct encoded *accounts = mem_alloc((count + 1) * sizeof(*accounts));
    struct trie_pair *pairs = mem_alloc((count + 1) * sizeof(*pairs));
    int err = accounts && pairs ? 0 : ERR_NOMEM;
    *ret_has = true;
    for (size_t i = 0; i < count && !err; i++) {
        struct state_view *view = p->block_view;
        accounts[i].address = p->affected[i].address;
        if (p->is_private || p->is_dual)
            err = chain_private_view_of(p, &view, p->view, &accounts[i].address);
        if (!err)
            err = state_view_encode(view, accounts[i].rlp, &accounts[i].size, &accounts[i].address);
        if (!err && accounts[i].size == 0)
            *ret_has = false;
    }
    if (!err && *ret_has) {
        qsort(accounts, count, sizeof(*accounts), by_address);
        for (size_t i = 0; i < count; i++)
            pairs[i] = (struct trie_pair){bytes_of(accounts[i].address.b, sizeof(struct address)),
                                          bytes_of(accounts[i].rlp, accounts[i].size)};
        err = trie_root_of_pairs(ret_root, pairs, count);
    }
    mem_free(accounts);
    mem_free(pairs);
    return err;
}

static bool is_announced(const struct chain_payload *payload,
                         const struct chain_payload_hash *creation)
{
    for (size_t i = 0; i < payload->affected_count; i++)
        if (memcmp(&payload->affected[i], creation, sizeof(*creation)) == 0)
            return true;
    return false;
}

/* Whether the transaction touched what its sender said (verify of core/state_transition_pmh.go). */
static int verify(struct chain_private *p, bool *ret_good)
{
    *ret_good = true;
    int err = 0;
    for (size_t i = 0; i < p->affected_count && !err && *ret_good; i++) {
        enum chain_metadata_status status;
        struct chain_metadata metadata = {.flag = 0};
        if (p->affected[i].created)
            continue;
        err = chain_private_metadata(p, &status, &metadata, &p->affected[i].address);
        if (err || status == CHAIN_METADATA_NO_ACCOUNT)
            continue;
        *ret_good =
            status == CHAIN_METADATA_NONE
                ? p->payload.flag == CHAIN_STANDARD_PRIVATE
                : metadata.flag == p->payload.flag && is_announced(&p->payload, &metadata.creation);
    }
    if (err || !*ret_good || hash_is_zero(&p->payload.exec_hash))
        return err;
    struct hash256 root;
    err = affected_root(p, ret_good, &root);
    if (!err && *ret_good)
        *ret_good = hash256_equal(&root, &p->payload.exec_hash);
    return err;
}

static int simulate(struct chain_private *p)
{
    struct chain_simulation *s = p->simulation;
    int err = affected_root(p, &s->has_root, &s->root);
    s->count = p->affected_count;
    s->affected = arena_alloc(p->simulation_arena, (s->count + 1) * sizeof(*s->affected));
    if (!s->affected)
        return ERR_NOMEM;
    for (size_t i = 0; i < s->count && !err; i++) {
        s->affected[i] = p->affected[i];
        s->affected[i].status = CHAIN_METADATA_NO_ACCOUNT;
        if (p->is_dual)
            err = chain_private_metadata(p, &s->affected[i].status, &s->affected[i].metadata,
                                         &s->affected[i].address);
    }
    return err;
}

int chain_private_ran(struct chain_private *p, struct exec_run *run, struct evm_result *outcome)
{
    bool good = true;
    if (p->simulation)
        return simulate(p);
    if (!p->is_private || !(p->fails || (p->verifies && !run->nothing)))
        return 0;
    int err = p->fails ? 0 : verify(p, &good);
    if (err || (good && !p->fails))
        return err;
    state_view_rollback(p->view, p->view_checkpoint);
    state_view_rollback(p->notes, p->notes_checkpoint);
    *outcome = (struct evm_result){.status = EVM_REVERT, .gas_left = outcome->gas_left};
    /* As the reference: what was prepaid is gone. */
    run->unsettled = !p->environment->rules.private_gas_fix;
    return 0;
}

/* --- Calls --- */

static int begin_at(struct chain_private *p, struct chain_environment *environment,
                    struct chain_reader *reader, struct state_view *block_view, struct bytes psi,
                    uint64_t number)
{
    p->environment = environment;
    p->block_view = block_view;
    p->payloads = NULL;
    p->is_dual = p->is_private = p->is_inner = false;
    p->viewer = NULL;
    chain_private_close(p);
    p->own.is_own = true;
    chain_private_use(p, &p->own);
    return chain_private_open_at(reader, &p->own.state, &p->own.notes_state, psi, number);
}

int chain_private_begin_again(struct chain_private *p, struct chain_environment *environment,
                              struct chain_reader *reader, struct state_view *block_view,
                              const struct chain_psi *psi, uint64_t number,
                              const struct chain_payloads *payloads)
{
    int err =
        begin_at(p, environment, reader, block_view, psi ? psi->name : chain_psi_private(), number);
    if (err)
        return err;
    p->viewer = psi;
    p->payloads = payloads;
    chain_environment_set_private(environment, p);
    return 0;
}

int chain_private_begin_call(struct chain_private *p, struct chain_environment *environment,
                             struct chain_reader *reader, struct state_view *block_view,
                             struct bytes psi, uint64_t number, const struct address *to)
{
    static const struct address nobody;
    struct state_account account;
    bool exists;
    int err = begin_at(p, environment, reader, block_view, psi, number);
    if (!err)
        err = state_reader_account(&p->own.state, &account, &exists, to ? to : &nobody);
    if (err)
        return err;
    p->is_dual = exists;
    err = p->is_dual ? chain_private_open(p) : 0;
    if (!err)
        chain_environment_set_private(environment, p);
    return err;
}
