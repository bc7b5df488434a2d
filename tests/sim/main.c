/*
 * usage: sim PROTOCOL FIRST COUNT [-v] [-n NODES] [--no-liars | --mixed]
 *
 * Runs seeds FIRST … FIRST + COUNT - 1 of the simulator with `qbft`, `ibft` or `switch` (from one to the other); prints each failure with the command that
 * replays it, and how fast blocks went on. Exit status 1 when a run failed.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

enum { LATE_PERCENT = 5 };

struct totals {
    uint64_t runs, failures, late, heights;
    uint64_t late_without_excuse; /* all of them ours, and honest */
    uint64_t worst_ms, worst_seed;
    double sum_periods;
};

static bool parse(int argc, char **argv, struct sim_options *o, uint64_t *ret_count)
{
    if (argc < 4)
        return false;
    if (strcmp(argv[1], "qbft") == 0)
        o->protocol = &qbft_machine;
    else if (strcmp(argv[1], "ibft") == 0)
        o->protocol = &ibft_machine;
    else if (strcmp(argv[1], "switch") == 0)
        o->protocol = NULL;
    else
        return false;
    o->seed = strtoull(argv[2], NULL, 10);
    *ret_count = strtoull(argv[3], NULL, 10);
    for (int i = 4; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            o->verbose = true;
        else if (strcmp(argv[i], "--no-liars") == 0)
            o->no_liars = true;
        else if (strcmp(argv[i], "--mixed") == 0)
            o->mixed = true;
        else if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
            o->nodes = strtoull(argv[++i], NULL, 10);
        else
            return false;
    }
    return o->nodes <= SIM_NODES_MAX;
}

static void count(struct totals *t, const struct sim_options *o, const char *protocol,
                  const struct sim_result *r)
{
    t->runs++;
    t->heights += r->heights;
    if (r->failure[0]) {
        t->failures++;
        printf("FAILED: seed %llu: %s\n  again: sim %s %llu 1 -v%s%s\n",
               (unsigned long long)o->seed, r->failure, protocol, (unsigned long long)o->seed,
               o->mixed ? " --mixed" : "", o->no_liars ? " --no-liars" : "");
        return;
    }
    double periods = (double)r->first_ms / (double)r->period_ms;
    t->sum_periods += periods;
    if (periods > 3) {
        t->late++;
        bool excused = r->liars || o->mixed;
        t->late_without_excuse += !excused;
        if (o->verbose || t->late <= 20 || !excused)
            printf("late: seed %llu: first block after %llu ms, period %llu ms%s\n",
                   (unsigned long long)o->seed, (unsigned long long)r->first_ms,
                   (unsigned long long)r->period_ms, r->liars ? ", liars" : "");
    }
    if (r->first_ms > t->worst_ms) {
        t->worst_ms = r->first_ms;
        t->worst_seed = o->seed;
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct sim_options options = {0};
    struct totals totals = {0};
    uint64_t runs = 0;
    if (!parse(argc, argv, &options, &runs)) {
        fprintf(stderr,
                "usage: sim qbft|ibft|switch FIRST COUNT [-v] [-n NODES] [--no-liars | --mixed]\n");
        return 2;
    }
    uint64_t end = options.seed + runs;
    for (; options.seed < end; options.seed++) {
        struct sim_result result;
        sim_run(&options, &result);
        count(&totals, &options, argv[1], &result);
    }
    printf("%llu runs, %llu failed, %llu blocks; after the faults: first block after %.2f periods "
           "on average, "
           "over 3 in %llu runs, at worst %llu ms (seed %llu)\n",
           (unsigned long long)totals.runs, (unsigned long long)totals.failures,
           (unsigned long long)totals.heights,
           totals.sum_periods / (double)(totals.runs ? totals.runs : 1),
           (unsigned long long)totals.late, (unsigned long long)totals.worst_ms,
           (unsigned long long)totals.worst_seed);
    /* Among honest validators of ours it is always within three periods. With liars, or half of GoQuorum's kind, it cannot
     * always be; nearly always it must. But a GoQuorum validator of IBFT that is needed waits out its timer whenever it is
     * the turn of one who is gone. */
    bool waits = options.mixed && options.protocol != &qbft_machine;
    bool often_late = !waits && totals.late * 100 > totals.runs * LATE_PERCENT && totals.late > 1;
    if (often_late)
        printf("FAILED: too often late\n");
    if (totals.late_without_excuse)
        printf("FAILED: late in %llu runs without liars\n",
               (unsigned long long)totals.late_without_excuse);
    return totals.failures || often_late || totals.late_without_excuse ? 1 : 0;
}
