#include "rpcload.h"

#include "base/mem.h"
#include "base/options.h"
#include "io/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *http, *ws, *ipc, *body;
    uint64_t connections, milliseconds, warm_milliseconds, calls;
};

/* "HOST:PORT" */
static int read_place(struct load *load, char *host, size_t host_len, const char *text,
                      struct err_detail *detail)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
    if (!colon || *end || port == 0 || port > 65535 || (size_t)(colon - text) >= host_len)
        return err_set(detail, ERR_INPUT, "%s: not of the form HOST:PORT", text);
    snprintf(host, host_len, "%.*s", (int)(colon - text), text);
    load->place = host;
    load->port = (uint16_t)port;
    return 0;
}

static int choose(struct load *load, char *host, size_t host_len, const struct options *o,
                  struct err_detail *detail)
{
    if (!!o->http + !!o->ws + !!o->ipc != 1 || !o->body)
        return err_set(detail, ERR_USAGE, "one of --http, --ws and --ipc, and --body");
    if (o->connections == 0 || o->connections > RPCLOAD_CONNECTIONS_MAX)
        return err_set(detail, ERR_USAGE, "--connections: 1 to %d", RPCLOAD_CONNECTIONS_MAX);
    load->transport = o->http ? RPCLOAD_HTTP : o->ws ? RPCLOAD_WS : RPCLOAD_IPC;
    if (o->ipc) {
        load->place = o->ipc;
        return 0;
    }
    return read_place(load, host, host_len, o->http ? o->http : o->ws, detail);
}

static void begin(void *context)
{
    struct load *load = context;
    load->measuring = true;
}

static void end(void *context)
{
    struct load *load = context;
    load->ended = true;
    io_loop_stop(load->loop);
}

static int compare(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

static uint32_t percentile(const struct load *load, size_t count, unsigned per_mille)
{
    uint32_t us;
    size_t at = count * per_mille / 1000;
    memcpy(&us, load->latencies.data + at * sizeof(us), sizeof(us));
    return us;
}

static int report(struct load *load, const struct options *o, double seconds,
                  struct err_detail *detail)
{
    size_t count = load->latencies.len / sizeof(uint32_t);
    if (load->failure[0])
        return err_set(detail, ERR_IO, "%s", load->failure);
    if (buf_status(&load->latencies))
        return ERR_NOMEM;
    if (count == 0)
        return err_set(detail, ERR_IO, "no answer within the time");
    qsort(load->latencies.data, count, sizeof(uint32_t), compare);
    printf("{\"connections\": %zu, \"calls_per_second\": %.1f, \"p50_us\": %u, \"p99_us\": %u, "
           "\"answer_bytes\": %llu}\n",
           load->open, (double)count * (double)o->calls / seconds, percentile(load, count, 500),
           percentile(load, count, 990), (unsigned long long)(load->bytes / count));
    return 0;
}

static int run(struct load *load, const struct options *o, struct err_detail *detail)
{
    struct io_timer begin_timer, end_timer;
    int status = io_loop_new(&load->loop);
    if (status)
        return status;
    load->connections = mem_alloc_zeroed(o->connections, sizeof(*load->connections));
    status = load->connections ? load_make_request(load, o->body) : ERR_NOMEM;
    while (status == 0 && load->count < o->connections)
        status = connection_open(&load->connections[load->count++], load);
    io_timer_init(&begin_timer, load->loop, begin, load);
    io_timer_init(&end_timer, load->loop, end, load);
    if (status == 0) {
        io_timer_start(&begin_timer, o->warm_milliseconds);
        io_timer_start(&end_timer, o->warm_milliseconds + o->milliseconds);
        io_loop_run(load->loop);
        status = report(load, o, (double)o->milliseconds / 1000, detail);
    }
    io_timer_stop(&begin_timer);
    io_timer_stop(&end_timer);
    for (size_t i = 0; i < load->count; i++)
        connection_close(&load->connections[i]);
    mem_free(load->connections);
    buf_release(&load->request);
    buf_release(&load->latencies);
    io_loop_free(load->loop);
    return status;
}

int main(int argc, char **argv)
{
    struct options o = {
        .connections = 1, .milliseconds = 3000, .warm_milliseconds = 500, .calls = 1};
    const struct options_row rows[] = {
        {"http", "HOST:PORT", OPTIONS_TEXT, &o.http, "by HTTP"},
        {"ws", "HOST:PORT", OPTIONS_TEXT, &o.ws, "by WebSocket"},
        {"ipc", "FILE", OPTIONS_TEXT, &o.ipc, "by a unix socket"},
        {"body", "JSON", OPTIONS_TEXT, &o.body, "what is asked"},
        {"calls", "N", OPTIONS_NUMBER, &o.calls, "in one body, a batch"},
        {"connections", "N", OPTIONS_NUMBER, &o.connections, "at a time"},
        {"milliseconds", "N", OPTIONS_NUMBER, &o.milliseconds, "that are measured"},
        {"warm", "N", OPTIONS_NUMBER, &o.warm_milliseconds, "milliseconds before that"},
    };
    struct err_detail detail = {.text = "out of memory"};
    struct load load = {.request = BUF_INIT, .latencies = BUF_INIT};
    char host[256];
    size_t left;
    int status = options_parse(&left, argc - 1, argv + 1, rows, BASE_COUNT(rows), &detail);
    if (status == 0 && left)
        status = err_set(&detail, ERR_USAGE, "%s: what is this?", argv[1]);
    if (status == 0)
        status = choose(&load, host, sizeof(host), &o, &detail);
    if (status == 0)
        status = run(&load, &o, &detail);
    if (status)
        fprintf(stderr, "rpcload: %s\n", detail.text);
    return status == 0 ? 0 : status == ERR_USAGE ? 2 : 1;
}
