/* The running manager: everything opened in order, served, and closed in the reverse. */
#include "base/mem.h"
#include "io/http.h"
#include "io/signal.h"
#include "io/timer.h"
#include "tm/api/api.h"
#include "tm/enclave/remote.h"
#include "tm/main/influx.h"
#include "tm/main/main.h"
#include "tm/main/recover.h"
#include "tm/main/trust.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef QUORATE_VERSION
#    define QUORATE_VERSION "0"
#endif

enum {
    CONNECTIONS_MAX = 4096,       /* of one application */
    HELD_MAX = 1 << 30,           /* bytes of requests under way: thirty of the largest */
    CLIENT_CONNECTIONS = 1024,    /* to all other managers */
    CLIENT_HOST_CONNECTIONS = 16, /* to one of them */
    READ_MS = 60000,
    WRITE_MS = 60000,
    IDLE_MS = 300000,
    DRAIN_MS = 10000, /* that what was accepted may take when the program is stopped */
    DRAIN_LOOK_MS = 20,
    THRIFT_MS = 60000,      /* between two looks at memory that was freed */
    THRIFT_LEAST = 8 << 20, /* bytes that are worth giving back */
};

struct application {
    struct running *running;
    enum tm_app app;
    struct io_http_server *server;
    struct tm_trust_store *trust;
    struct tm_influx *influx;
};

struct running {
    const struct tm_config *config;
    struct io_loop *loop;
    struct tm_enclave *enclave;
    struct tm_store *store;
    struct tm_network *network;
    struct tm_trust_store *client_trust;
    struct io_http_client *client;
    struct tm_api *api;
    struct application applications[TM_CONFIG_SERVERS_MAX];
    size_t count;
    struct io_signal *term, *interrupt;
    struct io_timer drain, thrift;
    uint64_t drain_until;
    bool stopping;
    bool at_store; /* the opening has come to the database */
};

/* --- The log --- */

static int log_most = TM_LOG_INFO;

static void choose_log(const struct tm_config *config)
{
    if (config->verbosity)
        log_most = config->verbosity[0] - '0';
    if (getenv("QUORATE_TM_DEBUG"))
        log_most = TM_LOG_DEBUG;
}

static void log_line(void *context, enum tm_log level, const char *text)
{
    static const char *const names[] = {"ERROR", "WARN ", "INFO ", "DEBUG"};
    (void)context;
    if ((int)level > log_most)
        return;
    struct timespec now;
    struct tm tm;
    char at[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S", &tm);
    printf("%s.%03ld %s %s\n", at, now.tv_nsec / 1000000, names[level], text);
    fflush(stdout);
}

static void note_store(void *context, const char *text)
{
    log_line(context, TM_LOG_WARN, text);
}

/* --- Servers --- */

static void on_request(void *context, struct io_http_request *request)
{
    struct application *a = context;
    tm_api_serve(a->running->api, a->app, request);
}

/* "http://host:port" in parts. */
static uint16_t split(const char *address, char *ret_host, size_t size)
{
    const char *from = strstr(address, "://") + 3;
    const char *colon = strrchr(from, ':');
    size_t len = (size_t)(colon - from);
    if (len >= 2 && from[0] == '[') { /* of IPv6 */
        from++;
        len -= 2;
    }
    snprintf(ret_host, size, "%.*s", (int)len, from);
    return (uint16_t)strtoul(colon + 1, NULL, 10);
}

/* A bindingAddress is bound as it is. Without one the address is what others see, which need not be this machine's: then
 * all interfaces are, as Tessera does in either case. */
static int listen_tcp(struct application *a, const struct tm_config_server *config,
                      struct err_detail *detail)
{
    char host[256], ip[IO_ADDRESS_TEXT] = "";
    uint16_t port = split(config->binding ? config->binding : config->address, host, sizeof(host));
    struct io_address at;
    struct io_tls *tls = NULL;
    int status = 0;
    if (io_resolve_now(&at, host, detail) == 0)
        io_address_format_ip(ip, &at);
    else if (config->binding)
        return err_prefix(detail, ERR_INPUT, "bindingAddress %s", config->binding);
    if (config->tls.strict)
        status = tm_trust_tls(&tls, &a->trust, config, true, detail);
    for (int i = 0; status == 0 && i < 2; i++) {
        const char *to = i == 0 ? ip : "";
        status = tls ? io_http_listen_tls(a->server, to, port, tls, detail)
                     : io_http_listen_tcp(a->server, to, port, detail);
        if (status == 0 || config->binding || i == 1)
            break;
        status = 0;
    }
    io_tls_free(tls);
    return status;
}

static int start_server(struct running *r, const struct tm_config_server *config,
                        struct err_detail *detail)
{
    struct application *a = &r->applications[r->count++];
    *a = (struct application){.running = r, .app = config->app};
    struct io_http_options options = {.context = a,
                                      .request = on_request,
                                      .body_max = TM_API_BODY_MAX,
                                      .connections_max = CONNECTIONS_MAX,
                                      .held_max = HELD_MAX,
                                      .read_ms = READ_MS,
                                      .write_ms = WRITE_MS,
                                      .idle_ms = IDLE_MS};
    int status = io_http_new(&a->server, r->loop, &options);
    if (status < 0)
        return err_set(detail, status, "out of memory");
    const char *at = config->binding ? config->binding : config->address;
    status = strncmp(at, "unix:", 5) == 0 ? io_http_listen_unix(a->server, at + 5, detail)
                                          : listen_tcp(a, config, detail);
    if (status == 0 && config->has_influx)
        status = tm_influx_start(&a->influx, r->loop, r->api, config, log_line, detail);
    return status;
}

static int start_servers(struct running *r, bool recover, struct err_detail *detail)
{
    for (size_t i = 0; i < r->config->server_count; i++) {
        const struct tm_config_server *config = &r->config->servers[i];
        if (config->app == TM_APP_ENCLAVE || (recover && config->app != TM_APP_P2P))
            continue;
        int status = start_server(r, config, detail);
        if (status < 0)
            return err_prefix(detail, status, "%s", tm_app_name(config->app));
    }
    return 0;
}

static void on_thrift(void *context)
{
    struct running *r = context;
    (void)mem_give_back(THRIFT_LEAST);
    io_timer_start(&r->thrift, THRIFT_MS);
}

/* --- Stopping --- */

static void look_drained(void *context)
{
    struct running *r = context;
    if (tm_api_busy(r->api) == 0 || io_loop_now(r->loop) >= r->drain_until)
        io_loop_stop(r->loop);
    else
        io_timer_start(&r->drain, DRAIN_LOOK_MS);
}

static void on_stop(void *context)
{
    struct running *r = context;
    if (r->stopping) { /* told twice: at once */
        io_loop_stop(r->loop);
        return;
    }
    r->stopping = true;
    log_line(NULL, TM_LOG_INFO, "stopping: what was accepted is finished");
    tm_api_drain(r->api);
    r->drain_until = io_loop_now(r->loop) + DRAIN_MS;
    look_drained(r);
}

/* --- All of it --- */

static int open_store(struct running *r, struct err_detail *detail)
{
    const struct tm_config *c = r->config;
    struct tm_store_options options = {.url = c->jdbc_url,
                                       .username = c->jdbc_username,
                                       .password = c->jdbc_password,
                                       .create_tables = c->create_tables,
                                       .note = note_store};
    int status = tm_store_open(&r->store, r->loop, &options, detail);
    if (c->jdbc_password) /* the store has its own, in locked memory */
        mem_wipe((char *)(uintptr_t)c->jdbc_password, strlen(c->jdbc_password));
    return status;
}

static int make_network(struct running *r, struct err_detail *detail)
{
    const struct tm_config_server *p2p = tm_config_server_of(r->config, TM_APP_P2P);
    struct tm_network_options options = {.url = p2p->address,
                                         .peers = r->config->peers.items,
                                         .peer_count = r->config->peers.count,
                                         .discovery = !r->config->no_discovery};
    int status = tm_network_new(&r->network, &options);
    if (status == 0)
        status = tm_network_set_keys(r->network, tm_enclave_keys(r->enclave));
    if (status < 0)
        return err_set(detail, status, "peers: %s", err_text(status));
    struct io_http_client_options client = {.connections_max = CLIENT_CONNECTIONS,
                                            .host_connections_max = CLIENT_HOST_CONNECTIONS};
    if (p2p->tls.strict) {
        status = tm_trust_tls(&client.tls, &r->client_trust, p2p, false, detail);
        if (status < 0)
            return status;
    }
    status = io_http_client_new(&r->client, r->loop, &client);
    io_tls_free(client.tls);
    return status < 0 ? err_set(detail, status, "out of memory") : 0;
}

static int make_api(struct running *r, bool recover, struct err_detail *detail)
{
    const struct tm_config_server *p2p = tm_config_server_of(r->config, TM_APP_P2P);
    uint64_t info = (p2p->party_info_interval * 3 + 3) / 4; /* as Tessera: three quarters */
    struct tm_api_options options = {.loop = r->loop,
                                     .enclave = r->enclave,
                                     .store = r->store,
                                     .network = r->network,
                                     .client = r->client,
                                     .config = r->config,
                                     .version = QUORATE_VERSION,
                                     .push_ms = p2p->push_timeout ? p2p->push_timeout : info,
                                     .info_ms = info,
                                     .recovering = recover,
                                     .log = log_line};
    int status = tm_api_new(&r->api, &options);
    return status < 0 ? err_set(detail, status, "out of memory") : 0;
}

static void close_all(struct running *r)
{
    for (size_t i = 0; i < r->count; i++) {
        tm_influx_stop(r->applications[i].influx);
        io_http_free(r->applications[i].server);
    }
    io_http_client_free(r->client);
    tm_store_close(r->store);
    tm_api_free(r->api);
    for (size_t i = 0; i < r->count; i++)
        tm_trust_free(r->applications[i].trust);
    tm_trust_free(r->client_trust);
    tm_network_free(r->network);
    tm_enclave_free(r->enclave);
    io_signal_free(r->term);
    io_signal_free(r->interrupt);
    io_timer_stop(&r->drain);
    io_timer_stop(&r->thrift);
    io_loop_free(r->loop);
}

static int open_all(struct running *r, bool recover, struct err_detail *detail)
{
    int status = io_loop_new(&r->loop);
    if (status < 0)
        return err_set(detail, status, "%s", err_text(status));
    io_timer_init(&r->drain, r->loop, look_drained, r);
    io_timer_init(&r->thrift, r->loop, on_thrift, r);
    io_timer_start(&r->thrift, THRIFT_MS);
    status = tm_load_enclave(&r->enclave, r->config, detail);
    r->at_store = status == 0;
    if (status == 0)
        status = tm_check_residents(r->config, r->enclave, detail);
    if (status == 0)
        status = open_store(r, detail);
    r->at_store &= status < 0;
    if (status == 0)
        status = make_network(r, detail);
    if (status == 0)
        status = make_api(r, recover, detail);
    if (status == 0) /* before anybody can send what a signal would cut off */
        status = io_signal_new(&r->term, r->loop, SIGTERM, on_stop, r);
    if (status == 0)
        status = io_signal_new(&r->interrupt, r->loop, SIGINT, on_stop, r);
    if (status == 0)
        status = start_servers(r, recover, detail);
    return status;
}

static void stop_loop(void *context)
{
    io_loop_stop(context);
}

/* The process that holds the keys, and serves them to a manager of its own. */
static int run_enclave(const struct tm_config *config)
{
    struct err_detail detail = {""};
    struct io_loop *loop = NULL;
    struct io_signal *term = NULL;
    struct tm_enclave *enclave = NULL;
    struct tm_enclave_server *server = NULL;
    const char *address = config->servers[0].address;
    int status =
        strncmp(address, "unix:", 5) == 0
            ? io_loop_new(&loop)
            : err_set(&detail, ERR_UNSUPPORTED,
                      "ENCLAVE: an enclave apart is served over unix:PATH, not %s", address);
    if (status == 0)
        status = tm_load_enclave(&enclave, config, &detail);
    if (status == 0)
        status = io_signal_new(&term, loop, SIGTERM, stop_loop, loop);
    if (status == 0)
        status = tm_enclave_serve(&server, loop, enclave, address + 5, &detail);
    if (status == 0) {
        log_line(NULL, TM_LOG_INFO, "serving the enclave");
        io_loop_run(loop);
    } else {
        fprintf(stderr, "%s\n", detail.text[0] ? detail.text : err_text(status));
    }
    io_signal_free(term);
    tm_enclave_server_free(server);
    tm_enclave_free(enclave);
    io_loop_free(loop);
    return status < 0 ? TM_EXIT_OTHER : TM_EXIT_OK;
}

int tm_run(const struct tm_config *config, bool recover)
{
    choose_log(config);
    if (config->server_count == 1 && config->servers[0].app == TM_APP_ENCLAVE)
        return run_enclave(config);
    struct running r = {.config = config};
    struct err_detail detail = {""};
    char text[600];
    int result = TM_EXIT_OK;
    for (size_t i = 0; i < config->notes.count; i++)
        log_line(NULL, TM_LOG_WARN, config->notes.items[i]);
    int status = open_all(&r, recover, &detail);
    if (status < 0) {
        fprintf(stderr, "%s\n", detail.text[0] ? detail.text : err_text(status));
        result = r.at_store            ? TM_EXIT_SERVICE
                 : status == ERR_USAGE ? TM_EXIT_CONFIG
                                       : TM_EXIT_OTHER;
        if (!r.loop)
            return result;
    } else {
        snprintf(text, sizeof(text), "serving: %s, %zu keys, %s", tm_network_url(r.network),
                 tm_enclave_keys(r.enclave).count, tm_store_description(r.store));
        log_line(NULL, TM_LOG_INFO, text);
        tm_api_start(r.api);
        if (recover)
            result = tm_recover(r.loop, r.api, r.store, log_line);
        else
            io_loop_run(r.loop);
        tm_api_drain(r.api);
    }
    close_all(&r);
    return result;
}
