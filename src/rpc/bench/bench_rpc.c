/*
 * Requests per second over HTTP, the client in a process of its own on the same machine:
 *
 *     bench_rpc GENESIS CHAIN [SECONDS]       genesis.json and chain.rlp.gz of a recording
 *
 * Each connection asks again when it has its answer. The CPU is the server's, all threads.
 */
#include "base/file.h"
#include "chain/chain.h"
#include "io/timer.h"
#include "rpc/transport/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256 };

static void must(int status, const char *what, const struct err_detail *detail)
{
    if (status == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, detail && detail->text[0] ? detail->text : err_text(status));
    exit(1);
}

/* --- The client --- */

struct client;

struct connection {
    struct client *client;
    struct io_stream *stream;
    struct buf in;
};

struct client {
    struct io_loop *loop;
    struct buf request;
    struct connection connections[CONNECTIONS_MAX];
    uint64_t answers;
};

static void on_connected(void *context, struct io_stream *stream)
{
    struct connection *c = context;
    must(io_stream_write(stream, buf_bytes(&c->client->request)), "write", NULL);
}

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct connection *c = context;
    buf_append_bytes(&c->in, data);
    const char *text = buf_text(&c->in), *body = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");
    if (!body || !length || (size_t)(body + 4 - text) + strtoull(length + 16, NULL, 10) > c->in.len)
        return;
    c->client->answers++;
    buf_clear(&c->in);
    must(io_stream_write(stream, buf_bytes(&c->client->request)), "write", NULL);
}

static void on_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)context;
    (void)stream;
    fprintf(stderr, "connection closed: %d %s\n", status, message);
    exit(1);
}

static const struct io_stream_ops ops = {
    .connected = on_connected, .read = on_read, .closed = on_closed};

static void stop(void *context)
{
    io_loop_stop(context);
}

static void run_client(uint16_t port, const char *body, size_t connections, unsigned ms, int out)
{
    static struct client client;
    struct io_timer timer;
    must(io_loop_new(&client.loop), "loop", NULL);
    buf_append_format(&client.request,
                      "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                      "Content-Length: %zu\r\n\r\n%s",
                      strlen(body), body);
    for (size_t i = 0; i < connections; i++) {
        struct connection *c = &client.connections[i];
        c->client = &client;
        must(io_connect_tcp(&c->stream, client.loop, "127.0.0.1", port, 0, &ops, c), "connect",
             NULL);
    }
    io_timer_init(&timer, client.loop, stop, client.loop);
    io_timer_start(&timer, ms);
    io_loop_run(client.loop);
    if (write(out, &client.answers, sizeof(client.answers)) != sizeof(client.answers))
        exit(1);
    exit(0);
}

/* --- The server --- */

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
           (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
}

struct parent {
    struct io_loop *loop;
    struct io_timer timer;
    pid_t child;
};

/* Looks whether the client is done. */
static void look(void *context)
{
    struct parent *p = context;
    if (waitpid(p->child, NULL, WNOHANG) == p->child)
        io_loop_stop(p->loop);
    else
        io_timer_start(&p->timer, 20);
}

static void measure(struct io_loop *loop, uint16_t port, const char *name, const char *body,
                    size_t connections, unsigned ms)
{
    int pipes[2];
    uint64_t answers = 0;
    if (pipe(pipes))
        exit(1);
    fflush(stdout);
    struct parent p = {.loop = loop, .child = fork()};
    if (p.child == 0)
        run_client(port, body, connections, ms, pipes[1]);
    double cpu = cpu_seconds();
    io_timer_init(&p.timer, loop, look, &p);
    io_timer_start(&p.timer, 20);
    io_loop_run(loop);
    cpu = cpu_seconds() - cpu;
    if (read(pipes[0], &answers, sizeof(answers)) != sizeof(answers) || answers == 0)
        exit(1);
    close(pipes[0]);
    close(pipes[1]);
    printf("%-24s %4zu connections %9.0f/s %7.1f us of CPU each\n", name, connections,
           (double)answers * 1000 / ms, cpu * 1e6 / (double)answers);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *body;
    } requests[] = {
        {"eth_blockNumber",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\",\"params\":[]}"},
        {"eth_getBalance",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getBalance\",\"params\":["
         "\"0x8aB5FAa4440eecA31160D8ca6b386Fac3f177108\",\"latest\"]}"},
        {"eth_getBlockByNumber",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getBlockByNumber\","
         "\"params\":[\"0x1c\",true]}"},
        {"latest block", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getBlockByNumber\","
                         "\"params\":[\"latest\",false]}"},
        {"eth_call",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_call\",\"params\":[{\"to\":"
         "\"0xe296d318c58ab2c587889a7b8cb7cada33060ccb\",\"data\":\"0x70a08231"
         "0000000000000000000000008ab5faa4440eeca31160d8ca6b386fac3f177108\"},\"latest\"]}"},
        {"eth_getLogs", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{"
                        "\"fromBlock\":\"0x0\",\"toBlock\":\"latest\","
                        "\"address\":\"0xe296d318c58ab2c587889a7b8cb7cada33060ccb\"}]}"},
    };
    static const size_t connections[] = {1, 16, 256};
    struct err_detail detail = {{0}};
    struct buf genesis = BUF_INIT;
    struct chain *chain;
    struct rpc_backend backend = {
        .client_version = "bench", .network_id = 1337, .gas_cap = 25000000};
    struct rpc *rpc;
    struct rpc_http *http;
    if (argc < 3) {
        fprintf(stderr, "usage: bench_rpc GENESIS CHAIN [SECONDS]\n");
        return 2;
    }
    unsigned ms = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) * 1000 : 2000;
    char folder[] = "/tmp/bench-rpc-XXXXXX";
    must(file_read(argv[1], 1 << 20, &genesis, &detail), argv[1], &detail);
    must(mkdtemp(folder) ? 0 : ERR_IO, folder, NULL);
    struct chain_options options = {
        .path = folder, .genesis = buf_bytes(&genesis), .archive = true};
    must(chain_open(&chain, &options, &detail), "chain", &detail);
    must(chain_import_file(chain, argv[2], NULL, NULL, &detail), argv[2], &detail);
    must(io_loop_new(&backend.loop), "loop", NULL);
    must(io_worker_new(&backend.workers[0], backend.loop), "worker", NULL);
    must(io_worker_new(&backend.light, backend.loop), "worker", NULL);
    backend.chain = chain;
    must(rpc_new(&rpc, &backend), "rpc", NULL);
    struct rpc_http_options http_options = {
        .host = "127.0.0.1", .vhosts = "*", .access = rpc_access_all()};
    must(rpc_http_start(&http, rpc, &http_options, &detail), "http", &detail);
    for (size_t i = 0; i < BASE_COUNT(requests); i++)
        for (size_t k = 0; k < BASE_COUNT(connections); k++)
            measure(backend.loop, rpc_http_address(http)->port, requests[i].name, requests[i].body,
                    connections[k], ms);
    rpc_http_stop(http);
    io_worker_free(backend.workers[0]);
    io_worker_free(backend.light);
    rpc_free(rpc);
    io_loop_free(backend.loop);
    chain_free(chain);
    buf_release(&genesis);
    (void)file_remove_folder(folder, NULL);
    return 0;
}
