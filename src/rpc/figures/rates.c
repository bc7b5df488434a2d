#include "rpc/figures/rates.h"

/* What of a rate is left after a step without events: e to the power of -5 s / 1, 5 and 15 min. */
static const double left[] = {0.9200444146293233, 0.9834714538216175, 0.9944598480048967};

static double power(double base, uint64_t exponent)
{
    double result = 1;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}

void rpc_rates_advance(struct rpc_rates *rates, uint64_t now_ns)
{
    double *const averages[] = {&rates->m1, &rates->m5, &rates->m15};
    if (!rates->began_ns)
        rates->began_ns = rates->stepped_ns = now_ns;
    uint64_t steps = (now_ns - rates->stepped_ns) / RPC_RATE_STEP_NS;
    if (!steps)
        return;
    double now = (double)rates->uncounted * 1e9 / (double)RPC_RATE_STEP_NS;
    for (size_t i = 0; i < BASE_COUNT(averages); i++) {
        double rate = *averages[i];
        rate = rates->stepped ? now + left[i] * (rate - now) : now;
        *averages[i] = rate * power(left[i], steps - 1);
    }
    rates->stepped = true;
    rates->uncounted = 0;
    rates->stepped_ns += steps * RPC_RATE_STEP_NS;
}

double rpc_rates_mean(const struct rpc_rates *rates, uint64_t count, uint64_t now_ns)
{
    uint64_t ns = now_ns - rates->began_ns;
    return rates->began_ns && ns ? (double)count * 1e9 / (double)ns : 0;
}
