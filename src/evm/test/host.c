#include "evm/test/host.h"

#include "crypto/keccak.h"
#include "evm/precompile/precompile.h"

/* One change: what stood at a place of the host before. */
struct undo {
    void *place;
    size_t size;
    uint8_t old[256];
};

static struct evm_test_host *of(void *host)
{
    return host;
}

/* Called first by every operation: the place where failures are injected. */
static int begin(struct evm_test_host *h)
{
    return h->fail_at && --h->fail_at == 0 ? ERR_IO : 0;
}

static int change(struct evm_test_host *h, void *place, size_t size)
{
    struct undo u = {.place = place, .size = size};
    assert(size <= sizeof(u.old));
    memcpy(u.old, place, size);
    buf_append(&h->undo, &u, sizeof(u));
    return buf_status(&h->undo);
}

#define CHANGE(h, thing) change((h), &(thing), sizeof(thing))

static void roll_back(struct evm_test_host *h, size_t mark)
{
    while (h->undo.len > mark) {
        struct undo u;
        h->undo.len -= sizeof(u);
        memcpy(&u, h->undo.data + h->undo.len, sizeof(u));
        memcpy(u.place, u.old, u.size);
    }
}

struct evm_test_account *evm_test_find(struct evm_test_host *h, struct address a)
{
    for (size_t i = 0; i < h->account_count; i++)
        if (address_equal(&h->accounts[i].address, &a))
            return &h->accounts[i];
    return NULL;
}

/* The account's place, made on demand; NULL when the world is full. */
static struct evm_test_account *account_place(struct evm_test_host *h, const struct address *a)
{
    struct evm_test_account *account = evm_test_find(h, *a);
    if (account || h->account_count == EVM_TEST_ACCOUNTS)
        return account;
    account = &h->accounts[h->account_count++];
    *account = (struct evm_test_account){.address = *a};
    return account;
}

static struct evm_test_slot *slot_place(struct evm_test_host *h, const struct address *a,
                                        const struct u256 *key)
{
    for (size_t i = 0; i < h->slot_count; i++)
        if (address_equal(&h->slots[i].address, a) && u256_equal(&h->slots[i].key, key))
            return &h->slots[i];
    if (h->slot_count == EVM_TEST_SLOTS)
        return NULL;
    struct evm_test_slot *slot = &h->slots[h->slot_count++];
    *slot = (struct evm_test_slot){.address = *a, .key = *key};
    return slot;
}

static bool is_empty(const struct evm_test_account *account)
{
    return account->nonce == 0 && u256_is_zero(&account->balance) && account->code.len == 0;
}

static bool is_there(const struct evm_test_host *h, const struct evm_test_account *account)
{
    return account && account->exists && !(h->fork >= FORK_SPURIOUS && is_empty(account));
}

static int account_exists(void *host, const struct address *a, bool *ret_exists)
{
    struct evm_test_host *h = of(host);
    *ret_exists = is_there(h, evm_test_find(h, *a));
    return begin(h);
}

static int access_account(void *host, const struct address *a, bool *ret_cold)
{
    struct evm_test_host *h = of(host);
    struct evm_test_account *account = account_place(h, a);
    int err = begin(h);
    if (err || !account)
        return err ? err : ERR_LIMIT;
    *ret_cold = !account->warm && !(h->precompiles && evm_is_precompile(h->fork, a));
    err = CHANGE(h, account->warm);
    account->warm = true;
    return err;
}

static int get_balance(void *host, const struct address *a, struct u256 *ret_balance)
{
    struct evm_test_host *h = of(host);
    const struct evm_test_account *account = evm_test_find(h, *a);
    *ret_balance = account ? account->balance : u256_from(0);
    return begin(h);
}

static int get_code(void *host, const struct address *a, struct bytes *ret_code)
{
    struct evm_test_host *h = of(host);
    const struct evm_test_account *account = evm_test_find(h, *a);
    *ret_code = account ? account->code : bytes_none();
    return begin(h);
}

static int get_code_size(void *host, const struct address *a, size_t *ret_size)
{
    struct bytes code;
    int err = get_code(host, a, &code);
    *ret_size = code.len;
    return err;
}

static int get_code_hash(void *host, const struct address *a, struct hash256 *ret_hash)
{
    struct evm_test_host *h = of(host);
    const struct evm_test_account *account = evm_test_find(h, *a);
    *ret_hash = (struct hash256){{0}};
    if (is_there(h, account))
        crypto_keccak256(ret_hash, account->code);
    return begin(h);
}

/* EIP-7702: 0xef0100 and an address. */
static bool read_delegation(struct bytes code, struct address *ret_target)
{
    static const uint8_t prefix[] = {0xef, 0x01, 0x00};
    if (code.len != 23 || memcmp(code.data, prefix, sizeof(prefix)) != 0)
        return false;
    memcpy(ret_target->b, code.data + sizeof(prefix), sizeof(ret_target->b));
    return true;
}

static int get_delegation(void *host, const struct address *a, bool *ret_delegated,
                          struct address *ret_target)
{
    struct bytes code;
    int err = get_code(host, a, &code);
    *ret_delegated = read_delegation(code, ret_target);
    return err;
}

static int touch_slot(struct evm_test_host *h, struct evm_test_slot *slot, bool *ret_cold)
{
    int err = begin(h);
    if (err || !slot)
        return err ? err : ERR_LIMIT;
    *ret_cold = !slot->warm;
    err = change(h, slot, sizeof(*slot));
    slot->warm = true;
    return err;
}

static int get_storage(void *host, const struct address *a, const struct u256 *key,
                       struct u256 *ret_value, bool *ret_cold)
{
    struct evm_test_slot *slot = slot_place(of(host), a, key);
    int err = touch_slot(of(host), slot, ret_cold);
    if (!err)
        *ret_value = slot->current;
    return err;
}

static int set_storage(void *host, const struct address *a, const struct u256 *key,
                       const struct u256 *value, struct evm_storage_change *ret_change,
                       bool *ret_cold)
{
    struct evm_test_slot *slot = slot_place(of(host), a, key);
    int err = touch_slot(of(host), slot, ret_cold);
    if (err)
        return err;
    *ret_change = (struct evm_storage_change){slot->original, slot->current};
    slot->current = *value;
    return 0;
}

static int get_transient(void *host, const struct address *a, const struct u256 *key,
                         struct u256 *ret_value)
{
    bool cold;
    const struct evm_test_slot *slot = slot_place(of(host), a, key);
    int err = begin(of(host));
    (void)cold;
    if (err || !slot)
        return err ? err : ERR_LIMIT;
    *ret_value = slot->transient;
    return 0;
}

static int set_transient(void *host, const struct address *a, const struct u256 *key,
                         const struct u256 *value)
{
    struct evm_test_slot *slot = slot_place(of(host), a, key);
    int err = begin(of(host));
    if (err || !slot)
        return err ? err : ERR_LIMIT;
    err = CHANGE(of(host), slot->transient);
    slot->transient = *value;
    return err;
}

static int move_value(struct evm_test_host *h, struct evm_test_account *from,
                      struct evm_test_account *to, struct u256 value)
{
    int err = CHANGE(h, from->balance);
    if (!err)
        err = change(h, to, sizeof(*to));
    if (err)
        return err;
    u256_sub(&from->balance, &from->balance, &value);
    u256_add(&to->balance, &to->balance, &value);
    to->exists = true;
    return 0;
}

static int selfdestruct(void *host, const struct address *a, const struct address *beneficiary,
                        bool *ret_first)
{
    struct evm_test_host *h = of(host);
    struct evm_test_account *account = account_place(h, a), *to = account_place(h, beneficiary);
    int err = begin(h);
    if (err || !account || !to)
        return err ? err : ERR_LIMIT;
    *ret_first = !account->destroyed;
    if (account != to)
        err = move_value(h, account, to, account->balance);
    if (!err)
        err = change(h, account, sizeof(*account));
    account->balance = u256_from(0);
    account->destroyed = true;
    return err;
}

static int emit_log(void *host, const struct address *a, const struct hash256 *topics,
                    size_t topic_count, struct bytes data)
{
    struct evm_test_host *h = of(host);
    int err = begin(h);
    if (err || h->log_count == EVM_TEST_LOGS)
        return err ? err : ERR_LIMIT;
    err = CHANGE(h, h->log_count);
    if (err)
        return err;
    struct evm_test_log *log = &h->logs[h->log_count++];
    *log = (struct evm_test_log){.address = *a, .topic_count = topic_count};
    memcpy(log->topics, topics, topic_count * sizeof(*topics));
    log->data = arena_copy(&h->arena, data);
    return data.len && !log->data.data ? ERR_NOMEM : 0;
}

static int get_block_hash(void *host, uint64_t number, struct hash256 *ret_hash)
{
    crypto_keccak256(ret_hash, bytes_of(&number, sizeof(number)));
    return begin(of(host));
}

static int finish(struct evm_entry *entry, enum evm_status status, int64_t gas_left)
{
    entry->action = EVM_ENTER_DONE;
    entry->result = (struct evm_result){.status = status, .gas_left = gas_left};
    return 0;
}

/* Remembers where to roll back to. */
static int mark(struct evm_test_host *h)
{
    buf_append(&h->marks, &h->undo.len, sizeof(h->undo.len));
    return buf_status(&h->marks);
}

static size_t last_mark(struct evm_test_host *h)
{
    size_t length;
    h->marks.len -= sizeof(length);
    memcpy(&length, h->marks.data + h->marks.len, sizeof(length));
    return length;
}

/* Yellow Paper (86): of the RLP of the list of creator and nonce. */
static void create_address(struct address *ret, const struct address *creator, uint64_t nonce)
{
    uint8_t rlp[32] = {0}, be[32];
    struct u256 word = u256_from(nonce);
    size_t nonce_len = u256_byte_length(&word), len = 22;
    u256_store(be, &word);
    rlp[1] = 0x80 + 20;
    memcpy(rlp + 2, creator->b, 20);
    if (nonce && nonce < 0x80) {
        rlp[len++] = (uint8_t)nonce;
    } else {
        rlp[len++] = (uint8_t)(0x80 + nonce_len);
        memcpy(rlp + len, be + 32 - nonce_len, nonce_len);
        len += nonce_len;
    }
    rlp[0] = (uint8_t)(0xc0 + len - 1);
    struct hash256 hash;
    crypto_keccak256(&hash, bytes_of(rlp, len));
    memcpy(ret->b, hash.b + 12, 20);
}

/* EIP-1014 */
static void create2_address(struct address *ret, const struct evm_message *m)
{
    uint8_t text[85] = {0xff};
    struct hash256 hash;
    memcpy(text + 1, m->sender.b, 20);
    memcpy(text + 21, m->salt.b, 32);
    crypto_keccak256(&hash, m->input);
    memcpy(text + 53, hash.b, 32);
    crypto_keccak256(&hash, bytes_of(text, sizeof(text)));
    memcpy(ret->b, hash.b + 12, 20);
}

static int enter_create(struct evm_test_host *h, struct evm_message *m, struct evm_entry *entry)
{
    struct evm_test_account *creator = account_place(h, &m->sender);
    if (!creator)
        return ERR_LIMIT;
    if (creator->nonce == UINT64_MAX)
        return finish(entry, EVM_NONCE_OVERFLOW, m->gas);
    if (m->kind == EVM_CREATE)
        create_address(&m->recipient, &m->sender, creator->nonce);
    else
        create2_address(&m->recipient, m);
    int err = CHANGE(h, creator->nonce);
    creator->nonce++;
    struct evm_test_account *created = account_place(h, &m->recipient);
    if (err || !created)
        return err ? err : ERR_LIMIT;
    err = CHANGE(h, created->warm);
    created->warm = true;
    if (err)
        return err;
    if (created->nonce || created->code.len)
        return finish(entry, EVM_ADDRESS_COLLISION, 0);
    err = mark(h);
    if (!err)
        err = move_value(h, creator, created, m->value);
    if (err)
        return err;
    created->nonce = h->fork >= FORK_SPURIOUS;
    entry->action = EVM_ENTER_RUN;
    entry->code = m->input;
    entry->code_hash = NULL;
    return 0;
}

static int run_precompile(struct evm_test_host *h, const struct evm_message *m,
                          struct evm_entry *entry)
{
    entry->action = EVM_ENTER_DONE;
    return evm_precompile_run(h->fork, &m->code_address, m->input, m->gas, &h->precompile,
                              &entry->result);
}

static int enter(void *host, struct evm_message *m, struct evm_entry *entry)
{
    struct evm_test_host *h = of(host);
    int err = begin(h);
    if (err)
        return err;
    if (m->kind == EVM_CREATE || m->kind == EVM_CREATE2)
        return enter_create(h, m, entry);
    struct evm_test_account *from = account_place(h, &m->sender);
    struct evm_test_account *to = account_place(h, &m->recipient);
    const struct evm_test_account *code = evm_test_find(h, m->code_address);
    struct address target;
    if (!from || !to)
        return ERR_LIMIT;
    size_t before = h->undo.len;
    if (m->kind == EVM_CALL)
        err = move_value(h, from, to, m->value);
    if (err)
        return err;
    if (h->precompiles && evm_is_precompile(h->fork, &m->code_address)) {
        err = run_precompile(h, m, entry);
        if (!err && entry->result.status != EVM_SUCCESS)
            roll_back(h, before);
        return err;
    }
    if (code && h->fork >= FORK_PRAGUE && read_delegation(code->code, &target))
        code = evm_test_find(h, target);
    if (!code || code->code.len == 0)
        return finish(entry, EVM_SUCCESS, m->gas);
    buf_append(&h->marks, &before, sizeof(before));
    entry->action = EVM_ENTER_RUN;
    struct hash256 *code_hash = &h->code_hashes[code - h->accounts];
    crypto_keccak256(code_hash, code->code);
    entry->code = code->code;
    entry->code_hash = code_hash;
    return buf_status(&h->marks);
}

/* Charges for the code and keeps it, or says why not. */
static int store_code(struct evm_test_host *h, const struct evm_message *m, struct evm_result *r)
{
    int64_t gas = 200 * (int64_t)r->output.len;
    if (h->fork >= FORK_LONDON && r->output.len && r->output.data[0] == 0xef)
        r->status = EVM_INVALID_CODE_PREFIX;
    else if (h->fork >= FORK_SPURIOUS && r->output.len > 24576)
        r->status = EVM_CODE_SIZE_EXCEEDED;
    else if (gas > r->gas_left && h->fork >= FORK_HOMESTEAD)
        r->status = EVM_CODE_STORE_OUT_OF_GAS;
    if (r->status != EVM_SUCCESS) {
        r->gas_left = r->gas_refund = 0;
        return 0;
    }
    struct evm_test_account *account = evm_test_find(h, m->recipient);
    r->created = m->recipient;
    if (gas > r->gas_left)
        return 0; /* Frontier: without code */
    r->gas_left -= gas;
    int err = CHANGE(h, account->code);
    account->code = arena_copy(&h->arena, r->output);
    if (!err && r->output.len && !account->code.data)
        err = ERR_NOMEM;
    return err;
}

static int leave(void *host, const struct evm_message *m, struct evm_result *r)
{
    struct evm_test_host *h = of(host);
    int err = begin(h);
    if (!err && r->status == EVM_SUCCESS && (m->kind == EVM_CREATE || m->kind == EVM_CREATE2))
        err = store_code(h, m, r);
    size_t before = last_mark(h);
    if (!err && r->status != EVM_SUCCESS)
        roll_back(h, before);
    return err;
}

const struct evm_host_ops evm_test_host_ops = {
    .account_exists = account_exists,
    .access_account = access_account,
    .get_balance = get_balance,
    .get_code = get_code,
    .get_code_size = get_code_size,
    .get_code_hash = get_code_hash,
    .get_delegation = get_delegation,
    .get_storage = get_storage,
    .set_storage = set_storage,
    .get_transient = get_transient,
    .set_transient = set_transient,
    .selfdestruct = selfdestruct,
    .emit_log = emit_log,
    .get_block_hash = get_block_hash,
    .enter = enter,
    .leave = leave,
};

void evm_test_host_init(struct evm_test_host *h, enum fork fork)
{
    *h = (struct evm_test_host){.fork = fork, .precompiles = true};
    arena_init(&h->arena);
}

void evm_test_host_release(struct evm_test_host *h)
{
    arena_release(&h->arena);
    buf_release(&h->undo);
    buf_release(&h->marks);
    buf_release(&h->precompile);
}

struct address evm_test_address(unsigned n)
{
    return (struct address){
        {[17] = (uint8_t)(n >> 16), [18] = (uint8_t)(n >> 8), [19] = (uint8_t)n}};
}

struct evm_test_account *evm_test_account(struct evm_test_host *h, struct address a,
                                          uint64_t balance, struct bytes code)
{
    struct evm_test_account *account = account_place(h, &a);
    assert(account);
    account->exists = true;
    account->balance = u256_from(balance);
    account->code = code;
    return account;
}

struct evm_test_slot *evm_test_slot(struct evm_test_host *h, struct address a, uint64_t key,
                                    uint64_t value)
{
    struct u256 word = u256_from(key);
    struct evm_test_slot *slot = slot_place(h, &a, &word);
    assert(slot);
    slot->original = slot->current = u256_from(value);
    return slot;
}

uint64_t evm_test_storage(struct evm_test_host *h, struct address a, uint64_t key)
{
    struct u256 word = u256_from(key);
    const struct evm_test_slot *slot = slot_place(h, &a, &word);
    assert(slot && u256_is_u64(&slot->current));
    return slot->current.w[0];
}

static bool accounts_equal(const struct evm_test_account *a, const struct evm_test_account *b)
{
    return address_equal(&a->address, &b->address) && a->exists == b->exists &&
           a->warm == b->warm && a->destroyed == b->destroyed && a->nonce == b->nonce &&
           u256_equal(&a->balance, &b->balance) && bytes_equal(a->code, b->code);
}

static bool slots_equal(const struct evm_test_slot *a, const struct evm_test_slot *b)
{
    return address_equal(&a->address, &b->address) && u256_equal(&a->key, &b->key) &&
           u256_equal(&a->current, &b->current) && u256_equal(&a->transient, &b->transient) &&
           a->warm == b->warm;
}

static bool logs_equal(const struct evm_test_log *a, const struct evm_test_log *b)
{
    return address_equal(&a->address, &b->address) && a->topic_count == b->topic_count &&
           memcmp(a->topics, b->topics, a->topic_count * sizeof(*a->topics)) == 0 &&
           bytes_equal(a->data, b->data);
}

/* A place that was made and rolled back is the same as none. */
static bool covers(const struct evm_test_host *a, const struct evm_test_host *b)
{
    for (size_t i = 0; i < a->account_count; i++) {
        const struct evm_test_account none = {.address = a->accounts[i].address};
        const struct evm_test_account *other =
            evm_test_find((struct evm_test_host *)b, a->accounts[i].address);
        if (!accounts_equal(&a->accounts[i], other ? other : &none))
            return false;
    }
    for (size_t i = 0; i < a->slot_count; i++) {
        const struct evm_test_slot *slot = &a->slots[i], *other = NULL;
        const struct evm_test_slot none = {.address = slot->address, .key = slot->key};
        for (size_t j = 0; j < b->slot_count && !other; j++)
            if (address_equal(&b->slots[j].address, &slot->address) &&
                u256_equal(&b->slots[j].key, &slot->key))
                other = &b->slots[j];
        if (!slots_equal(slot, other ? other : &none))
            return false;
    }
    return true;
}

bool evm_test_host_equal(const struct evm_test_host *a, const struct evm_test_host *b)
{
    if (a->log_count != b->log_count || !covers(a, b) || !covers(b, a))
        return false;
    for (size_t i = 0; i < a->log_count; i++)
        if (!logs_equal(&a->logs[i], &b->logs[i]))
            return false;
    return true;
}
