/*
 * Multiple private states: one for each tenant of the node's transaction manager (GoQuorum, core/state_processor.go handleMPS,
 * core/mps/multiple_psr.go). Stored beside them, under the name "private states":
 *
 *     RLP [[identifier, instance, block that made it], …]
 *
 * A tenant's state is made, as a copy of "empty", by the first block in which it is party to something; until then the two are the
 * same, and reads as of earlier blocks go to "empty". What "empty" has are the accounts, without code, of the contracts that
 * nobody here is party to.
 */
#include "chain/private/priv.h"

#include "base/mem.h"

static const char record_name[] = "private states";
/* What an upgraded chain had before: [number of its last block, [address, …]], for "empty" in the next one. */
static const char seed_name[] = "private states' accounts";

enum { RECORDS_MIN = 8 };

/* --- Tenants --- */

const struct chain_psi *chain_psi_of(const struct chain_psis *psis, struct bytes name)
{
    for (size_t i = 0; psis && i < psis->count; i++)
        if (bytes_equal(psis->list[i].name, name))
            return &psis->list[i];
    return NULL;
}

bool chain_psi_has(const struct chain_psi *psi, struct bytes key)
{
    for (size_t i = 0; i < psi->member_count; i++)
        if (bytes_equal(psi->members[i], key))
            return true;
    return false;
}

const struct chain_psi *chain_psi_of_member(const struct chain_psis *psis, struct bytes key)
{
    for (size_t i = 0; psis && i < psis->count; i++)
        if (chain_psi_has(&psis->list[i], key))
            return &psis->list[i];
    return NULL;
}

void chain_set_psis(struct chain *chain, const struct chain_psis *psis)
{
    chain->psis = psis;
}

/* --- What is stored of them --- */

static struct chain_private_record *find_record(struct chain_private *p, struct bytes name)
{
    for (size_t i = 0; i < p->record_count; i++)
        if (bytes_equal(bytes_str(p->records[i].name), name))
            return &p->records[i];
    return NULL;
}

static struct chain_private_record *add_record(struct chain_private *p)
{
    if (MEM_RESERVE(p->records, p->record_capacity, p->record_count + 1, RECORDS_MIN))
        return NULL;
    struct chain_private_record *record = &p->records[p->record_count];
    *record = (struct chain_private_record){.instance = CHAIN_INSTANCE_TENANTS +
                                                        2 * (uint32_t)p->record_count++};
    return record;
}

static bool read_record(struct rlp_reader *r, struct chain_private_record *record)
{
    rlp_enter(r, "private state");
    struct bytes name = rlp_read_bytes(r, "identifier");
    record->instance = (uint32_t)rlp_read_u64(r, "instance");
    record->since = rlp_read_u64(r, "since");
    rlp_leave(r, "private state");
    bool good = rlp_ok(r) && name.len > 0 && name.len <= CHAIN_PSI_MAX;
    if (good) {
        memcpy(record->name, name.data, name.len);
        record->name[name.len] = '\0';
    }
    return good;
}

static int load_records(struct chain_private *p, struct store_txn *txn)
{
    struct rlp_reader r;
    struct bytes stored;
    p->record_count = 0;
    int err = chain_info_get(txn, &stored, record_name);
    if (err)
        return err == ERR_NOTFOUND ? 0 : err;
    rlp_reader_init(&r, stored);
    rlp_enter(&r, "private states");
    while (rlp_more(&r)) {
        struct chain_private_record *record = add_record(p);
        if (!record)
            return ERR_NOMEM;
        if (!read_record(&r, record))
            return ERR_CORRUPT;
    }
    return rlp_ok(&r) ? 0 : ERR_CORRUPT;
}

int chain_private_write_states(struct store_txn *txn, const struct chain_private *p)
{
    struct buf record = BUF_INIT;
    if (!p->psis || !p->records_changed)
        return 0;
    size_t whole = rlp_begin(&record);
    for (size_t i = 0; i < p->record_count; i++) {
        size_t list = rlp_begin(&record);
        rlp_write_bytes(&record, bytes_str(p->records[i].name));
        rlp_write_u64(&record, p->records[i].instance);
        rlp_write_u64(&record, p->records[i].since);
        rlp_end_list(&record, list);
    }
    rlp_end_list(&record, whole);
    int err = buf_status(&record);
    if (!err)
        err = chain_info_put(txn, record_name, buf_bytes(&record));
    buf_release(&record);
    return err;
}

int chain_private_write_upgrade(struct store_txn *txn, struct bytes seed)
{
    struct chain_private_record record = {.name = "private", .instance = CHAIN_INSTANCE_PRIVATE};
    static const struct chain_psis none;
    const struct chain_private p = {
        .psis = &none, .records = &record, .record_count = 1, .records_changed = true};
    int err = chain_private_write_states(txn, &p);
    return err ? err : chain_info_put(txn, seed_name, seed);
}

int chain_private_find_instance(struct chain_reader *reader, uint32_t *ret_instance,
                                struct bytes psi, uint64_t number)
{
    struct rlp_reader r;
    struct bytes stored;
    *ret_instance = reader->chain->config->is_mps ? CHAIN_INSTANCE_EMPTY : CHAIN_INSTANCE_PRIVATE;
    if (!reader->chain->config->is_mps)
        return 0;
    int err = chain_info_get(reader->txn, &stored, record_name);
    if (err)
        return err == ERR_NOTFOUND ? 0 : err;
    rlp_reader_init(&r, stored);
    rlp_enter(&r, "private states");
    while (rlp_more(&r)) {
        struct chain_private_record record;
        if (!read_record(&r, &record))
            return ERR_CORRUPT;
        if (bytes_equal(bytes_str(record.name), psi) && record.since <= number)
            *ret_instance = record.instance;
    }
    return rlp_ok(&r) ? 0 : ERR_CORRUPT;
}

/* --- A block begins --- */

/* The accounts that "empty" takes over from the time before there were several states. */
int chain_private_load_seed(struct chain_private *p, struct store_txn *txn, uint64_t number)
{
    struct rlp_reader r;
    struct bytes stored;
    int err = chain_info_get(txn, &stored, seed_name);
    if (err)
        return err == ERR_NOTFOUND ? 0 : err;
    rlp_reader_init(&r, stored);
    rlp_enter(&r, "accounts");
    if (rlp_read_u64(&r, "block") + 1 != number)
        return rlp_ok(&r) ? 0 : ERR_CORRUPT;
    rlp_enter(&r, "addresses");
    err = chain_private_open(p);
    while (!err && rlp_more(&r)) {
        struct address address;
        struct bytes bytes = rlp_read_bytes(&r, "address");
        if (bytes.len != sizeof(address.b))
            return ERR_CORRUPT;
        memcpy(address.b, bytes.data, bytes.len);
        err = state_view_set_nonce(p->view, &address, 1);
    }
    if (!err)
        state_view_end_transaction(p->view, true);
    return err ? err : rlp_ok(&r) ? 0 : ERR_CORRUPT;
}

static int make_sides(struct chain_private *p)
{
    if (p->other_count == p->psis->count)
        return 0;
    p->others = mem_alloc_zeroed(p->psis->count, sizeof(*p->others));
    if (!p->others)
        return ERR_NOMEM;
    p->other_count = p->psis->count;
    for (size_t i = 0; i < p->other_count; i++)
        p->others[i].psi = &p->psis->list[i];
    return 0;
}

int chain_private_load_states(struct chain_private *p, struct store_txn *txn, uint64_t number)
{
    int err = make_sides(p);
    if (!err)
        err = load_records(p, txn);
    if (err)
        return err;
    for (size_t i = 0; i < p->record_count; i++)
        if (p->records[i].since >= number && p->records[i].since != UINT64_MAX) {
            p->records[i].since = UINT64_MAX; /* its block was taken back */
            p->records_changed = true;
        }
    for (size_t i = 0; i < p->other_count; i++) {
        struct chain_private_side *side = &p->others[i];
        const struct chain_private_record *record = find_record(p, side->psi->name);
        side->is_own = record && record->since < number;
        side->instance = CHAIN_INSTANCE_EMPTY;
        if (side->is_own)
            side->instance = record->instance;
    }
    return 0;
}

/* --- A state of its own --- */

struct copying {
    struct state_view *from, *to;
};

static int copy_account(void *context, const struct address *address)
{
    const struct copying *c = context;
    const struct state_account *account;
    int err = state_view_account(c->from, &account, address);
    return err || !account ? err : state_view_set_nonce(c->to, address, account->nonce);
}

/* As the running block left "empty" so far: what is stored, and what the block has added. */
static int copy_empty(struct chain_private *p, struct chain_private_side *side)
{
    struct copying c = {p->own.view, side->view};
    struct state_update update;
    int err = state_reader_each_address(&p->own.state, copy_account, &c);
    if (err)
        return err;
    err = state_update_init(&update, p->own.view, NULL);
    if (err)
        return err;
    for (size_t i = 0; i < update.account_count && !err; i++)
        err = copy_account(&c, &update.accounts[i].address);
    state_update_release(&update);
    if (!err)
        state_view_end_transaction(side->view, true);
    return err;
}

/* Its views read an instance of its own from now on, which has nothing yet. */
static int move_in(struct chain_private *p, struct chain_private_side *side, uint32_t instance)
{
    const struct state_reader *empty = &p->own.state;
    int err =
        state_reader_open(&side->state, empty->db, empty->txn, chain_private_instance(instance));
    if (!err)
        err = state_reader_open(&side->notes_state, empty->db, empty->txn,
                                chain_private_instance(instance + 1));
    if (err)
        return err;
    side->instance = instance;
    state_view_reset(side->view, &side->state);
    state_view_reset(side->notes, &side->notes_state);
    return 0;
}

int chain_private_branch(struct chain_private *p, struct chain_private_side *side)
{
    struct chain_private_record *record = find_record(p, side->psi->name);
    if (!record) {
        record = add_record(p);
        if (!record)
            return ERR_NOMEM;
        memcpy(record->name, side->psi->name.data, side->psi->name.len);
    }
    record->since = p->environment->block.number;
    p->records_changed = true;
    chain_private_use(p, &p->own);
    int err = chain_private_open(p);
    if (!err)
        err = move_in(p, side, record->instance);
    if (!err)
        err = copy_empty(p, side);
    side->is_own = !err;
    chain_private_use(p, side);
    return err;
}

/* --- A transaction --- */

int chain_private_find_parties(struct chain_private *p, const struct chain_payload_hash *hash)
{
    int err = 0;
    p->received = (struct chain_payload){.is_party = false};
    for (size_t i = 0; i < p->other_count; i++)
        p->others[i].is_party = false;
    if (!chain_payload_hash_is_zero(hash))
        err = p->payloads->receive(p->payloads->context, &p->received, hash, &p->arena);
    if (err || !p->received.is_party)
        return err;
    for (size_t i = 0; i < p->received.managed_count; i++) {
        const struct chain_psi *psi = chain_psi_of_member(p->psis, p->received.managed_parties[i]);
        if (!psi)
            return ERR_INPUT; /* the manager has got a key since this node asked whose its keys are */
        p->others[psi - p->psis->list].is_party = true;
    }
    return 0;
}

static int run_side(struct chain_private *p, struct chain_private_side *side,
                    enum exec_verdict *ret_verdict, struct err_detail *why,
                    const struct eth_transaction *tx, const struct address *sender,
                    uint64_t gas_used)
{
    struct exec_result result = {0};
    chain_private_use(p, side);
    p->is_given = side->is_party;
    p->discards = true;
    exec_begin_block(p->inner, &p->environment->block, p->block_view, &p->environment->hooks);
    int err = exec_transaction(p->inner, &result, why, tx, sender, 0);
    p->is_given = p->discards = false;
    *ret_verdict = result.verdict;
    if (err || result.verdict != EXEC_VALID || !side->is_party || !result.has_other_receipt)
        return err;
    struct eth_receipt *receipt = &result.other_receipt;
    receipt->cumulative_gas = gas_used;
    err = chain_private_extend(p, receipt);
    if (!err && (!receipt->success || receipt->log_count))
        chain_private_append(p, p->index, false, receipt, side->psi->name);
    return err;
}

static int prepare(struct chain_private *p, struct err_detail *why,
                   const struct eth_transaction *tx)
{
    struct chain_payload_hash hash = chain_payload_hash_of(tx->data);
    int err = p->inner ? 0 : exec_new(&p->inner);
    if (!err)
        err = chain_private_find_parties(p, &hash);
    if (err == ERR_INPUT)
        return err_set(why, err,
                       "the private transaction manager names a party that is in none of its "
                       "resident groups: restart the node when the groups have changed");
    return err ? err_set(why, err, "the private transaction manager gave no answer: %s",
                         err_text(err))
               : 0;
}

int chain_private_run_states(struct chain_private *p, enum exec_verdict *ret_verdict,
                             struct err_detail *why, const struct eth_transaction *tx,
                             const struct address *sender, uint64_t gas_left, uint64_t gas_used)
{
    *ret_verdict = EXEC_VALID;
    arena_clear(&p->arena);
    chain_private_use(p, &p->own);
    /* What the block has no room for the run for everybody refuses. */
    if (!eth_transaction_is_private(tx) || tx->gas_limit > gas_left)
        return 0;
    int err = prepare(p, why, tx);
    /* Parties first: a transaction that is refused is refused by the first. What others see of it is a contract without
     * code, and of calls nothing. */
    for (int parties = 1; parties >= 0 && !err && *ret_verdict == EXEC_VALID; parties--)
        for (size_t i = 0; i < p->other_count && !err && *ret_verdict == EXEC_VALID; i++) {
            struct chain_private_side *side = &p->others[i];
            if (side->is_party == (parties == 1) &&
                (side->is_party || (tx->is_creation && side->is_own)))
                err = run_side(p, side, ret_verdict, why, tx, sender, gas_used);
        }
    chain_private_use(p, &p->own);
    return err;
}
