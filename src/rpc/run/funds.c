/*
 * Until Berlin the reference looks at the price of the gas, then at the gas itself, then at the value (core/state_transition.go);
 * the machine, as later releases of geth, at all that the sender pays, before the gas.
 */
#include "rpc/run/funds.h"

#include "base/decimal.h"
#include "crypto/address.h"

enum {
    COST_LIMBS = 5,  /* gas times price: 64 and 256 bits */
    COST_TEXT = 100, /* of 97 digits */
};

struct cost {
    uint64_t limbs[COST_LIMBS]; /* the lowest first */
};

static struct cost cost_of(uint64_t gas, const struct u256 *price)
{
    struct cost cost;
    unsigned __int128 carry = 0;
    for (size_t i = 0; i < COST_LIMBS - 1; i++) {
        carry += (unsigned __int128)gas * price->w[i];
        cost.limbs[i] = (uint64_t)carry;
        carry >>= 64;
    }
    cost.limbs[COST_LIMBS - 1] = (uint64_t)carry;
    return cost;
}

static bool can_pay(const struct u256 *have, const struct cost *cost)
{
    const struct u256 low = {{cost->limbs[0], cost->limbs[1], cost->limbs[2], cost->limbs[3]}};
    return cost->limbs[COST_LIMBS - 1] == 0 && !u256_less(have, &low);
}

/* Divided by ten; the remainder. */
static char take_digit(struct cost *cost)
{
    unsigned __int128 rest = 0;
    for (size_t i = COST_LIMBS; i-- > 0;) {
        rest = rest << 64 | cost->limbs[i];
        cost->limbs[i] = (uint64_t)(rest / 10);
        rest %= 10;
    }
    return (char)('0' + (int)rest);
}

static const char *format_cost(char room[COST_TEXT], struct cost cost)
{
    static const struct cost nothing;
    size_t at = COST_TEXT - 1;
    room[at] = '\0';
    do
        room[--at] = take_digit(&cost);
    while (memcmp(&cost, &nothing, sizeof(cost)) != 0);
    return room + at;
}

int rpc_funds_explain(struct rpc_simulation *s)
{
    const struct state_account *account;
    const struct u256 none = u256_from(0);
    if (s->result.verdict != EXEC_INSUFFICIENT_FUNDS || s->environment.block.fork >= FORK_LONDON)
        return 0;
    int status = state_view_account(s->machine->view, &account, &s->args->from);
    if (status)
        return status;
    const struct u256 *have = account ? &account->balance : &none;
    const struct cost cost = cost_of(s->tx.gas_limit, &s->tx.max_fee);
    uint64_t least = eth_transaction_intrinsic_gas(&s->tx, s->environment.block.fork).gas;
    char from[CRYPTO_ADDRESS_TEXT], held[DECIMAL_U256_MAX], room[COST_TEXT];
    crypto_address_checksum(from, &s->args->from);
    decimal_format_u256(held, have);
    if (!can_pay(have, &cost)) {
        err_set(&s->why, 0, "%s: address %s have %s want %s", exec_verdict_text(s->result.verdict),
                from, held, format_cost(room, cost));
    } else if (s->tx.gas_limit < least) {
        s->result.verdict = EXEC_INTRINSIC_GAS;
        err_set(&s->why, 0, "%s: have %llu, want %llu", exec_verdict_text(s->result.verdict),
                (unsigned long long)s->tx.gas_limit, (unsigned long long)least);
    } else {
        err_set(&s->why, 0, "insufficient funds for transfer: address %s", from);
    }
    return 0;
}
