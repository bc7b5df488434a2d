#include "base/clock.h"
#include "base/mem.h"
#include "evmtool/evmtool.h"
#include "evmtool/testtx.h"
#include "evmtool/world.h"

#include <stdlib.h>
#include <string.h>

static const char *fork_option = "Osaka";
static uint64_t seconds = 1, input_option = UINT64_MAX;
static bool plain, as_json;

static const struct options_row rows[] = {
    {"fork", "NAME", OPTIONS_TEXT, &fork_option, "The rules: Frontier … Osaka (the default)."},
    {"seconds", "N", OPTIONS_NUMBER, &seconds, "How long each input runs; 1 when left out."},
    {"data", "INDEX", OPTIONS_NUMBER, &input_option, "Only this entry of the transaction's data."},
    {"plain", NULL, OPTIONS_SWITCH, &plain, "Use the plain interpreter."},
    {"json", NULL, OPTIONS_SWITCH, &as_json, "A JSON object a line."},
};

enum { MOST_SAMPLES = 10000 };

/* One input of one test, measured. */
struct subject {
    const char *test, *label;
    struct evmtool_alloc pre;
    struct evmtool_env env;
    struct eth_transaction tx;
};

struct figures {
    double best, median; /* seconds */
    uint64_t gas;
    size_t samples;
};

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One execution on a fresh copy of the accounts; only the transaction is timed. */
static int sample(struct evmtool_world *world, const struct subject *s, enum fork fork,
                  double *ret_time, uint64_t *ret_gas, struct err_detail *detail)
{
    static const struct u256 chain_id = {{1}};
    struct exec_result result;
    int status = evmtool_world_load(world, &s->pre);
    if (status == ERR_OK)
        status = evmtool_world_begin_block(world, fork, &chain_id, &s->env,
                                           evmtool_world_hash_of_number, NULL, detail);
    if (status != ERR_OK)
        return status;
    double begin = base_now_seconds();
    status =
        exec_transaction(world->exec, &result, detail, &s->tx, &s->tx.sender, EXEC_SKIP_GAS_CAP);
    *ret_time = base_now_seconds() - begin;
    if (status == ERR_OK && result.verdict != EXEC_VALID)
        return err_set(detail, ERR_INPUT, "the transaction is refused: %s",
                       exec_verdict_text(result.verdict));
    *ret_gas = status == ERR_OK ? result.gas_used : 0;
    return status;
}

static int measure(struct evmtool_world *world, const struct subject *s, enum fork fork,
                   struct figures *ret_figures, struct err_detail *detail)
{
    double *times = mem_alloc(MOST_SAMPLES * sizeof(*times));
    struct figures f = {0};
    int status = times ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
    double end = base_now_seconds() + (double)seconds;
    while (status == ERR_OK && f.samples < MOST_SAMPLES &&
           (f.samples < 3 || base_now_seconds() < end)) {
        status = sample(world, s, fork, &times[f.samples], &f.gas, detail);
        f.samples++;
    }
    if (status == ERR_OK) {
        qsort(times, f.samples, sizeof(*times), by_time);
        f.best = times[0];
        f.median = times[f.samples / 2];
        *ret_figures = f;
    }
    mem_free(times);
    return status;
}

static void print_figures(const struct subject *s, const struct figures *f)
{
    double rate = (double)f->gas / f->median / 1e6;
    if (as_json)
        printf("{\"test\": \"%s\", \"input\": \"%s\", \"gas\": %llu, \"samples\": %zu, "
               "\"best\": %.9f, \"median\": %.9f, \"megagasPerSecond\": %.1f}\n",
               s->test, s->label, (unsigned long long)f->gas, f->samples, f->best, f->median, rate);
    else
        printf("%-22s %-24s %12llu gas %10.1f us %10.1f Mgas/s\n", s->test, s->label,
               (unsigned long long)f->gas, f->median * 1e6, rate);
    fflush(stdout);
}

/* The name that the file gives the input ("labels"), or its number. */
static const char *label_of(const json_t *test, size_t index, char ret_number[24])
{
    snprintf(ret_number, 24, "%zu", index);
    const json_t *labels = json_object_get(json_object_get(test, "_info"), "labels");
    const char *label = json_string_value(json_object_get(labels, ret_number));
    return label ? label : ret_number;
}

static int bench_test(struct evmtool_world *world, struct subject *s, const json_t *object,
                      enum fork fork, struct arena *arena, struct err_detail *detail)
{
    const json_t *transaction = json_object_get(object, "transaction");
    size_t inputs = json_array_size(json_object_get(transaction, "data"));
    int status = evmtool_env_read(&s->env, json_object_get(object, "env"), detail);
    if (status == ERR_OK)
        status = evmtool_alloc_read(&s->pre, json_object_get(object, "pre"), arena, detail);
    if (status == ERR_OK && inputs == 0)
        status = err_set(detail, ERR_INPUT, "transaction: data: must be a list");
    for (size_t i = 0; i < inputs && status == ERR_OK; i++) {
        char number[24];
        struct figures figures;
        if (input_option != UINT64_MAX && input_option != i)
            continue;
        s->label = label_of(object, i, number);
        status = evmtool_testtx_read(&s->tx, transaction, i, 0, 0, arena, detail);
        if (status == ERR_OK)
            status = measure(world, s, fork, &figures, detail);
        if (status == ERR_OK)
            print_figures(s, &figures);
    }
    return status;
}

static int bench_file(struct evmtool_world *world, const char *path, enum fork fork,
                      struct err_detail *detail)
{
    const char *name;
    json_t *file, *object;
    struct arena arena;
    int status = evmtool_json_load(&file, path, detail);
    if (status != ERR_OK)
        return status;
    arena_init(&arena);
    json_object_foreach(file, name, object)
    {
        struct subject subject = {.test = name};
        if (status == ERR_OK)
            status = bench_test(world, &subject, object, fork, &arena, detail);
        arena_clear(&arena);
    }
    arena_release(&arena);
    json_decref(file);
    return status ? err_prefix(detail, status, "%s", path) : ERR_OK;
}

static int run_bench(size_t argc, char **argv)
{
    struct err_detail detail;
    struct evmtool_world *world = NULL;
    enum fork fork;
    int status = ERR_OK;
    if (argc == 0)
        status = err_set(&detail, ERR_USAGE, "bench: name the state-test files to measure");
    else if (!fork_from_name(fork_option, &fork))
        status = err_set(&detail, ERR_USAGE, "--fork: no fork is called '%.80s'", fork_option);
    else if (evmtool_world_new(&world) != ERR_OK)
        status = err_set(&detail, ERR_NOMEM, "out of memory");
    if (world)
        evm_set_plain(exec_machine(world->exec), plain);
    for (size_t i = 0; i < argc && status == ERR_OK; i++)
        status = bench_file(world, argv[i], fork, &detail);
    evmtool_world_free(world);
    return status == ERR_OK ? COMMANDS_OK : evmtool_complain(status, &detail);
}

const struct commands_command evmtool_bench = {
    {"bench", "FILE ...", "measure how fast the transactions of state-test files execute",
     "Each input runs again and again on a fresh copy of the accounts; the median is printed. "
     "`make bench` has the comparisons with other machines."},
    rows,
    BASE_COUNT(rows),
    run_bench,
};
