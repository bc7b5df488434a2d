/* What Linux says in /proc, in the units of geth's registry (metrics/metrics.go, CollectProcessMetrics). */
#include "node/metrics/metrics.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Calls fn for each "name: value" of a file. */
static void each_number(const char *path,
                        void (*fn)(void *context, const char *name, uint64_t value), void *context)
{
    char line[256], name[64];
    unsigned long long value;
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "%63[^:]: %llu", name, &value) == 2)
            fn(context, name, value);
    if (f)
        fclose(f);
}

static void take(void *context, const char *name, uint64_t value)
{
    struct node_system *system = context;
    if (strcmp(name, "Threads") == 0)
        system->threads = value;
    else if (strcmp(name, "VmRSS") == 0)
        system->memory = value * 1024;
    else if (strcmp(name, "syscr") == 0)
        system->reads = value;
    else if (strcmp(name, "rchar") == 0)
        system->read_bytes = value;
    else if (strcmp(name, "syscw") == 0)
        system->writes = value;
    else if (strcmp(name, "wchar") == 0)
        system->written_bytes = value;
}

static uint64_t process_ms(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

void node_system_read(struct node_system *system)
{
    each_number("/proc/self/status", take, system);
    each_number("/proc/self/io", take, system);
    system->cpu_ms = process_ms();
}

static uint64_t percent(uint64_t now, uint64_t before, uint64_t ticks_per_second, uint64_t ms)
{
    return now > before ? (now - before) * 100 * 1000 / ticks_per_second / ms : 0;
}

void node_system_load(struct node_system *system, struct node_ticks *before, uint64_t now_ms)
{
    unsigned long long user = 0, nice = 0, kernel = 0, idle = 0, wait = 0;
    uint64_t hertz = (uint64_t)sysconf(_SC_CLK_TCK);
    FILE *f = fopen("/proc/stat", "r");
    bool is_read =
        f && fscanf(f, "cpu %llu %llu %llu %llu %llu", &user, &nice, &kernel, &idle, &wait) == 5;
    if (f)
        fclose(f);
    struct node_ticks now = {now_ms, is_read ? user + nice + kernel : 0, is_read ? wait : 0,
                             process_ms()};
    uint64_t ms = now_ms - before->at_ms;
    if (before->at_ms && ms) {
        system->sysload = percent(now.system, before->system, hertz, ms);
        system->syswait = percent(now.wait, before->wait, hertz, ms);
        system->procload = percent(now.process, before->process, 1000, ms);
    }
    *before = now;
}
