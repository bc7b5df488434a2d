/* The instructions that see or change accounts, through the host. */
#include "evm/heavy.h"

int evm_access_cost(struct evm_frame *f, int64_t *gas, const struct address *a)
{
    if (f->rules->cold_account == 0)
        return 0;
    bool cold;
    int err = f->evm->ops->access_account(f->evm->host, a, &cold);
    if (!err && cold)
        *gas += f->rules->cold_account;
    return err;
}

/* Pays for the access of the account that the top word names. */
static int pay_account(struct evm_frame *f, struct address *ret_account)
{
    int64_t gas = 0;
    *ret_account = evm_word_to_address(f->sp - 1);
    int err = evm_access_cost(f, &gas, ret_account);
    return err ? err : evm_pay(f, gas, f->memory_size);
}

int evm_op_balance(struct evm_frame *f)
{
    struct address account;
    int outcome = pay_account(f, &account);
    return outcome ? outcome : f->evm->ops->get_balance(f->evm->host, &account, f->sp - 1);
}

int evm_op_selfbalance(struct evm_frame *f)
{
    struct u256 balance;
    int err = f->evm->ops->get_balance(f->evm->host, &f->message.recipient, &balance);
    if (!err)
        *f->sp++ = balance;
    return err;
}

int evm_op_extcodesize(struct evm_frame *f)
{
    struct address account;
    int outcome = pay_account(f, &account);
    if (outcome)
        return outcome;
    size_t size;
    int err = f->evm->ops->get_code_size(f->evm->host, &account, &size);
    if (!err)
        f->sp[-1] = u256_from(size);
    return err;
}

int evm_op_extcodehash(struct evm_frame *f)
{
    struct address account;
    int outcome = pay_account(f, &account);
    if (outcome)
        return outcome;
    struct hash256 hash;
    int err = f->evm->ops->get_code_hash(f->evm->host, &account, &hash);
    if (!err)
        f->sp[-1] = u256_load(hash.b);
    return err;
}

int evm_op_extcodecopy(struct evm_frame *f)
{
    const struct u256 *to = f->sp - 2, *from = f->sp - 3, *size = f->sp - 4;
    struct address account = evm_word_to_address(f->sp - 1);
    int64_t gas = 0;
    int err = evm_access_cost(f, &gas, &account);
    if (err)
        return err;
    int outcome = evm_pay_copy(f, to, size, gas);
    if (outcome)
        return outcome;
    struct bytes code;
    err = f->evm->ops->get_code(f->evm->host, &account, &code);
    if (err)
        return err;
    evm_copy_padded(f, to, from, size, code);
    f->sp -= 4;
    return EVM_NEXT;
}

/* Only the 256 blocks before this one have a hash (Yellow Paper 9.4.2). */
int evm_op_blockhash(struct evm_frame *f)
{
    struct u256 *word = f->sp - 1;
    uint64_t now = f->evm->context->number, number = word->w[0];
    struct hash256 hash = {{0}};
    if (u256_is_u64(word) && number < now && now - number <= 256) {
        int err = f->evm->ops->get_block_hash(f->evm->host, number, &hash);
        if (err)
            return err;
    }
    *word = u256_load(hash.b);
    return EVM_NEXT;
}

int evm_op_sload(struct evm_frame *f)
{
    struct u256 value;
    bool cold;
    int err =
        f->evm->ops->get_storage(f->evm->host, &f->message.recipient, f->sp - 1, &value, &cold);
    if (err)
        return err;
    int outcome = evm_pay(f, cold ? f->rules->cold_slot : 0, f->memory_size);
    if (outcome == EVM_NEXT)
        f->sp[-1] = value;
    return outcome;
}

/* What a write costs and refunds; `refund` may be negative. */
struct sstore_price {
    int64_t gas;
    int64_t refund;
};

/* Yellow Paper, appendix G: G_sset, G_sreset, R_sclear. */
static struct sstore_price price_plain(const struct evm_sstore_gas *table,
                                       const struct u256 *current, const struct u256 *value)
{
    bool was_zero = u256_is_zero(current), is_zero = u256_is_zero(value);
    return (struct sstore_price){.gas = was_zero && !is_zero ? table->set : table->reset,
                                 .refund = !was_zero && is_zero ? table->clear_refund : 0};
}

/* EIP-1283 and EIP-2200: by the value at the start of the transaction, too. */
static struct sstore_price price_net(const struct evm_sstore_gas *table,
                                     const struct evm_storage_change *change,
                                     const struct u256 *value)
{
    struct sstore_price price = {.gas = table->dirty};
    bool fresh = u256_is_zero(&change->original);
    if (u256_equal(&change->current, value))
        return price;
    if (u256_equal(&change->original, &change->current)) {
        price.gas = fresh ? table->set : table->reset;
        if (!fresh && u256_is_zero(value))
            price.refund = table->clear_refund;
        return price;
    }
    if (!fresh && u256_is_zero(&change->current))
        price.refund -= table->clear_refund;
    if (!fresh && u256_is_zero(value))
        price.refund += table->clear_refund;
    if (u256_equal(&change->original, value))
        price.refund += (fresh ? table->set : table->reset) - table->dirty;
    return price;
}

int evm_op_sstore(struct evm_frame *f)
{
    const struct evm_sstore_gas *table = &f->rules->sstore;
    const struct u256 *key = f->sp - 1, *value = f->sp - 2;
    if (f->message.is_static)
        return evm_fail(f, EVM_WRITE_PROTECTION);
    if (table->sentry && f->gas <= table->sentry)
        return evm_fail(f, EVM_OUT_OF_GAS);
    struct evm_storage_change change;
    bool cold;
    int err =
        f->evm->ops->set_storage(f->evm->host, &f->message.recipient, key, value, &change, &cold);
    if (err)
        return err;
    struct sstore_price price =
        table->net ? price_net(table, &change, value) : price_plain(table, &change.current, value);
    f->evm->step_change = &change;
    int outcome = evm_pay(f, price.gas + (cold ? table->cold : 0), f->memory_size);
    f->evm->step_change = NULL;
    if (outcome == EVM_NEXT) {
        f->refund += price.refund;
        f->sp -= 2;
    }
    return outcome;
}

/* EIP-1153 */
int evm_op_tload(struct evm_frame *f)
{
    struct u256 value;
    int err = f->evm->ops->get_transient(f->evm->host, &f->message.recipient, f->sp - 1, &value);
    if (!err)
        f->sp[-1] = value;
    return err;
}

int evm_op_tstore(struct evm_frame *f)
{
    if (f->message.is_static)
        return evm_halt(f, EVM_WRITE_PROTECTION);
    int err = f->evm->ops->set_transient(f->evm->host, &f->message.recipient, f->sp - 1, f->sp - 2);
    if (!err)
        f->sp -= 2;
    return err;
}

static int emit_log(struct evm_frame *f, size_t topic_count)
{
    const struct u256 *offset = f->sp - 1, *size = f->sp - 2;
    int64_t gas;
    size_t memory_size;
    if (!evm_memory_cost(f, &gas, &memory_size, offset, size))
        return evm_fail(f, EVM_OUT_OF_GAS);
    int outcome = evm_pay(f, gas + EVM_GAS_LOG_BYTE * (int64_t)size->w[0], memory_size);
    if (outcome)
        return outcome;
    if (f->message.is_static)
        return evm_halt(f, EVM_WRITE_PROTECTION);
    struct hash256 topics[EVM_TOPICS_MAX];
    for (size_t i = 0; i < topic_count; i++)
        u256_store(topics[i].b, f->sp - 3 - i);
    int err = f->evm->ops->emit_log(f->evm->host, &f->message.recipient, topics, topic_count,
                                    evm_memory(f, offset, size));
    if (!err)
        f->sp -= 2 + topic_count;
    return err;
}

int evm_op_log0(struct evm_frame *f)
{
    return emit_log(f, 0);
}

int evm_op_log1(struct evm_frame *f)
{
    return emit_log(f, 1);
}

int evm_op_log2(struct evm_frame *f)
{
    return emit_log(f, 2);
}

int evm_op_log3(struct evm_frame *f)
{
    return emit_log(f, 3);
}

int evm_op_log4(struct evm_frame *f)
{
    return emit_log(f, 4);
}

/* Sending to an account that is not there yet costs its creation, from EIP-150 on, and from EIP-161
 * on only if there is something to send. */
static int beneficiary_cost(struct evm_frame *f, int64_t *gas, const struct address *beneficiary)
{
    const struct evm *evm = f->evm;
    if (f->rules->selfdestruct_new == 0)
        return 0;
    if (f->rules->new_account_only_for_value) {
        struct u256 balance;
        int err = evm->ops->get_balance(evm->host, &f->message.recipient, &balance);
        if (err || u256_is_zero(&balance))
            return err;
    }
    bool exists;
    int err = evm->ops->account_exists(evm->host, beneficiary, &exists);
    if (!err && !exists)
        *gas += f->rules->selfdestruct_new;
    return err;
}

int evm_op_selfdestruct(struct evm_frame *f)
{
    const struct evm *evm = f->evm;
    struct address beneficiary = evm_word_to_address(f->sp - 1);
    if (f->message.is_static)
        return evm_fail(f, EVM_WRITE_PROTECTION);
    int64_t gas = 0;
    if (f->rules->cold_beneficiary) {
        bool cold;
        int err = evm->ops->access_account(evm->host, &beneficiary, &cold);
        if (err)
            return err;
        gas = cold ? f->rules->cold_beneficiary : 0;
        if (gas > f->gas)
            return evm_fail(f, EVM_OUT_OF_GAS);
    }
    int err = beneficiary_cost(f, &gas, &beneficiary);
    if (err)
        return err;
    int outcome = evm_pay(f, gas, f->memory_size);
    if (outcome)
        return outcome;
    bool first;
    err = evm->ops->selfdestruct(evm->host, &f->message.recipient, &beneficiary, &first);
    if (err)
        return err;
    f->refund += first ? f->rules->selfdestruct_refund : 0;
    f->sp--;
    return evm_halt(f, EVM_SUCCESS);
}
