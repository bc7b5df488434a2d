/*
 * The load: each connection sends its share of the transactions when they are due, whatever became
 * of the others; latency counts from when one was due, so a sender that is held up does not hide
 * it.
 */
#include "load.h"

#include "base/clock.h"
#include "base/hex.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct lane {
    struct load *load;
    size_t number, lanes;
    pthread_t thread;
};

static void wait_until(const struct load *load, double due)
{
    double left = load->start + due - base_now_seconds();
    if (left <= 0)
        return;
    struct timespec t = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
    nanosleep(&t, NULL);
}

/* Counts what an answer says: every "result" is a transaction taken, every "message" one
 * refused. */
static void count_answer(struct load *load, struct bytes answer, size_t asked)
{
    size_t taken = 0;
    const char *end = (const char *)answer.data + answer.len;
    for (const char *at = (const char *)answer.data; (at = strstr(at, "\"result\":")) && at < end;
         at++)
        taken++;
    load->accepted += taken;
    load->refused += asked - taken;
    const char *message = strstr((const char *)answer.data, "\"message\":\"");
    if (message && message < end && !atomic_flag_test_and_set(&load->has_refusal))
        snprintf(load->first_refusal, sizeof(load->first_refusal), "%.*s",
                 (int)strcspn(message + 11, "\""), message + 11);
}

static void append_request(struct buf *b, const struct planned *tx, size_t id)
{
    buf_append_format(b,
                      "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"eth_sendRawTransaction\","
                      "\"params\":[\"",
                      id);
    hex_append(b, bytes_of(tx->raw, tx->size));
    buf_append_text(b, "\"]}");
}

/* A lane has every `lanes`-th sender, so that a sender's transactions keep their order. */
static bool is_mine(const struct lane *lane, size_t index)
{
    return index % lane->load->options.senders % lane->lanes == lane->number;
}

static void *run_lane(void *context)
{
    struct lane *lane = context;
    struct load *load = lane->load;
    struct client c;
    struct err_detail detail;
    struct buf body = BUF_INIT;
    size_t batch = load->options.batch, id = 0;
    if (client_init(&c, load->urls[lane->number % load->url_count], &detail) != ERR_OK)
        return NULL;
    for (size_t i = 0; i < load->count;) {
        size_t taken = 0;
        double due = 0;
        buf_clear(&body);
        if (batch > 1)
            buf_append_text(&body, "[");
        for (; i < load->count && taken < batch; i++) {
            if (!is_mine(lane, i))
                continue;
            if (taken++)
                buf_append_text(&body, ",");
            append_request(&body, &load->txs[i], id++);
            due = load->txs[i].due;
        }
        if (batch > 1)
            buf_append_text(&body, "]");
        if (!taken)
            break;
        struct bytes answer;
        wait_until(load, due);
        if (client_post(&c, buf_bytes(&body), &answer, &detail) == ERR_OK)
            count_answer(load, answer, taken);
        else
            load->refused += taken;
    }
    buf_release(&body);
    client_release(&c);
    return NULL;
}

static int split(const char *text, char ***ret_words, size_t *ret_count)
{
    char **words = calloc(strlen(text) + 1, sizeof(char *));
    size_t count = 0;
    while (words && *text) {
        size_t len = strcspn(text, ",");
        if (len && !(words[count++] = strndup(text, len)))
            return ERR_NOMEM;
        text += len + (text[len] == ',');
    }
    *ret_words = words;
    *ret_count = count;
    return words ? ERR_OK : ERR_NOMEM;
}

/* --- The report --- */

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const struct load *load, double cpu, double ended)
{
    const struct load_options *o = &load->options;
    double *latencies = calloc(load->count + 1, sizeof(double));
    size_t included = 0, in_window = 0;
    double warm = (double)o->seconds / 5, last = 0;
    for (size_t i = 0; latencies && i < load->count; i++) {
        double seen = load->txs[i].seen;
        if (seen == 0)
            continue;
        latencies[included++] = (seen - load->txs[i].due) * 1e3;
        in_window += seen > warm && seen <= (double)o->seconds;
        last = seen > last ? seen : last;
    }
    if (!latencies)
        return;
    qsort(latencies, included, sizeof(double), compare_doubles);
    double rate = o->seconds ? (double)in_window / ((double)o->seconds - warm) : 0;
    double overall = last > 0 ? (double)included / last : 0;
    double per_tx = included ? cpu * 1e3 / (double)included : 0;
#define AT(part) (included ? latencies[(size_t)((double)(included - 1) * (part))] : 0)
    const char *form =
        o->json
            ? "{\"kind\":\"%s\",\"offered\":%llu,\"seconds\":%llu,\"lead\":%llu,\"accepted\":%zu,"
              "\"refused\":%zu,\"included\":%zu,\"tx_per_s\":%.0f,\"tx_per_s_to_the_last\":%.0f,"
              "\"latency_ms\":{\"p50\":%.0f,\"p90\":%.0f,\"p99\":%.0f,\"max\":%.0f},"
              "\"cpu_ms_per_tx\":%.3f,\"memory_mb\":%.0f,\"blocks\":%llu,\"largest_block\":%zu,"
              "\"ended_after_s\":%.1f}\n"
            : "%-8s offered %llu tx/s for %llu s (%llu before), accepted %zu, refused %zu, "
              "included %zu\n"
              "  sustained  %.0f tx/s (%.0f until the last one)\n"
              "  latency    p50 %.0f  p90 %.0f  p99 %.0f  max %.0f ms\n"
              "  cpu        %.3f ms a transaction, all nodes\n"
              "  memory     %.0f MB, the largest node\n"
              "  blocks     %llu with transactions, at most %zu\n"
              "  ended      after %.1f s\n";
    printf(form, o->kind, (unsigned long long)o->rate, (unsigned long long)o->seconds,
           (unsigned long long)o->lead, load->accepted, load->refused, included, rate, overall,
           AT(0.5), AT(0.9), AT(0.99), AT(1.0), per_tx, (double)load->memory_max / 1024,
           (unsigned long long)load->blocks, load->largest_block, ended);
#undef AT
    if (load->first_refusal[0])
        fprintf(stderr, "nodebench: the first refusal: %s\n", load->first_refusal);
    free(latencies);
}

static int run(struct load *load)
{
    size_t lanes = load->url_count * load->options.connections;
    struct lane *lane = calloc(lanes, sizeof(*lane));
    pthread_t blocks, memory;
    if (!lane)
        return ERR_NOMEM;
    double cpu = cpu_seconds(load);
    load->start = base_now_seconds();
    int failed = pthread_create(&blocks, NULL, watch_blocks, load) |
                 pthread_create(&memory, NULL, watch_memory, load);
    for (size_t i = 0; i < lanes && !failed; i++) {
        lane[i] = (struct lane){.load = load, .number = i, .lanes = lanes};
        failed = pthread_create(&lane[i].thread, NULL, run_lane, &lane[i]);
    }
    for (size_t i = 0; i < lanes && !failed; i++)
        pthread_join(lane[i].thread, NULL);
    double sent = base_now_seconds();
    while (!failed && load->seen < load->accepted &&
           base_now_seconds() - sent < (double)load->options.patience)
        wait_until(load, base_now_seconds() - load->start + 0.05);
    double ended = base_now_seconds() - load->start;
    cpu = cpu_seconds(load) - cpu;
    load->stop = true;
    pthread_join(blocks, NULL);
    pthread_join(memory, NULL);
    free(lane);
    if (!failed)
        report(load, cpu, ended);
    return failed ? ERR_IO : ERR_OK;
}

int run_load(const struct load_options *options, struct err_detail *detail)
{
    struct load load = {.options = *options, .has_refusal = ATOMIC_FLAG_INIT};
    char **pids;
    if (!options->rate || !options->seconds || !options->batch || !options->connections ||
        !options->senders || options->senders > SENDERS_MAX)
        return err_set(detail, ERR_USAGE,
                       "--rate, --seconds, --batch, --connections and --senders are at least 1");
    int rc = split(options->urls, &load.urls, &load.url_count);
    if (rc == ERR_OK)
        rc = split(options->pids, &pids, &load.pid_count);
    if (rc != ERR_OK || !load.url_count)
        return err_set(detail, ERR_USAGE, "--urls says which nodes");
    load.pids = calloc(load.pid_count + 1, sizeof(int));
    for (size_t i = 0; i < load.pid_count && load.pids; i++)
        load.pids[i] = (int)strtol(pids[i], NULL, 10);
    if ((rc = plan_load(&load)) != ERR_OK)
        return err_set(detail, rc, "cannot make the transactions: %s", err_text(rc));
    return run(&load);
}
