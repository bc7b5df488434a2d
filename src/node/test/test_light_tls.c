/* TLS of light clients and their server: who is let in by each --qlight.tls.clientauth, cipher suites, faults. */
#include "base/file.h"
#include "io/stream.h"
#include "node/config/config.h"
#include "node/light/tls.h"
#include "tests/support/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct filed {
    struct pair pair;
    char certificate_path[128], key_path[128];
};

static char folder[] = "/tmp/quorate-light-tls-XXXXXX";
static struct filed authority, server_pair, client_pair, foreign;
static struct io_loop *loop;
static struct err_detail detail;

static void write_file(const char *path, struct bytes text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.data, 1, text.len, f), text.len);
    fclose(f);
}

static void make(struct filed *filed, const char *name, const char *host,
                 const struct filed *issuer)
{
    pair_make(&filed->pair, name, host, issuer ? &issuer->pair : NULL);
    snprintf(filed->certificate_path, sizeof(filed->certificate_path), "%s/%s.pem", folder, name);
    snprintf(filed->key_path, sizeof(filed->key_path), "%s/%s.key", folder, name);
    write_file(filed->certificate_path, buf_bytes(&filed->pair.certificate));
    write_file(filed->key_path, buf_bytes(&filed->pair.key));
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    make(&authority, "authority", NULL, NULL);
    make(&server_pair, "server", "127.0.0.1", &authority);
    make(&client_pair, "client", "client", &authority);
    make(&foreign, "foreign", "127.0.0.1", NULL);
    return io_loop_new(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    struct filed *all[] = {&authority, &server_pair, &client_pair, &foreign};
    for (size_t i = 0; i < BASE_COUNT(all); i++) {
        pair_release(&all[i]->pair);
        unlink(all[i]->certificate_path);
        unlink(all[i]->key_path);
    }
    rmdir(folder);
    io_loop_free(loop);
    return 0;
}

static struct node_light_config defaults(void)
{
    struct node_config config;
    node_config_defaults(&config);
    config.light.tls = config.light.rpc_tls = true;
    return config.light;
}

static struct node_light_config server_of(const struct filed *own)
{
    struct node_light_config config = defaults();
    config.tls_cert = own->certificate_path;
    config.tls_key = own->key_path;
    return config;
}

static struct node_light_config client_of(const struct filed *own)
{
    struct node_light_config config = defaults();
    config.tls_cacerts = authority.certificate_path;
    config.tls_cert = own ? own->certificate_path : "";
    config.tls_key = own ? own->key_path : "";
    return config;
}

/* --- A connection with a byte each way, or none --- */

struct end {
    struct io_stream *stream;
    bool read, closed;
};

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    (void)stream;
    (void)data;
    ((struct end *)context)->read = true;
}

static void on_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    struct end *end = context;
    (void)stream;
    (void)status;
    (void)message;
    end->stream = NULL;
    end->closed = true;
}

static const struct io_stream_ops ops = {.read = on_read, .closed = on_closed};

static void on_accept(void *context, struct io_stream *stream)
{
    struct end *end = context;
    end->stream = stream;
    io_stream_accept(stream, &ops, end);
    (void)io_stream_write(stream, bytes_str("s"));
}

static bool connect_with(struct io_tls *server, struct io_tls *client)
{
    struct end here = {NULL}, there = {NULL};
    struct io_listener *listener;
    assert_int_equal(
        io_listen_tls(&listener, loop, "127.0.0.1", 0, server, on_accept, &there, &detail), ERR_OK);
    assert_int_equal(io_connect_tls(&here.stream, loop, "127.0.0.1",
                                    io_listener_address(listener)->port, client, 0, &ops, &here),
                     ERR_OK);
    (void)io_stream_write(here.stream, bytes_str("c"));
    while (!(here.read && there.read) && !(here.closed && there.closed))
        io_loop_turn(loop, true);
    bool good = here.read && there.read;
    io_stream_close(here.stream);
    io_stream_close(there.stream);
    io_listener_close(listener);
    io_tls_free(server);
    io_tls_free(client);
    return good;
}

static bool connects(const struct node_light_config *server, const struct node_light_config *client)
{
    struct io_tls *listening, *dialling;
    assert_int_equal(node_light_server_tls(&listening, server, &detail), ERR_OK);
    assert_int_equal(node_light_client_tls(&dialling, client, &detail), ERR_OK);
    return connect_with(listening, dialling);
}

static void test_client_authentication(void **state)
{
    (void)state;
    static const struct {
        bool nobody, other, known;
    } lets_in[] = {{true, true, true},
                   {true, true, true},
                   {false, true, true},
                   {true, false, true},
                   {false, false, true}};
    struct node_light_config server = server_of(&server_pair);
    struct node_light_config nobody = client_of(NULL), other = client_of(&foreign),
                             known = client_of(&client_pair);
    server.tls_cacerts = authority.certificate_path;
    for (size_t i = 0; i < BASE_COUNT(lets_in); i++) {
        server.tls_clientauth = i;
        assert_int_equal(connects(&server, &nobody), lets_in[i].nobody);
        assert_int_equal(connects(&server, &other), lets_in[i].other);
        assert_int_equal(connects(&server, &known), lets_in[i].known);
    }
    server.tls_cacerts = "";
    assert_true(connects(&server, &nobody)); /* nobody is asked then */
}

static void test_servers(void **state)
{
    (void)state;
    struct node_light_config client = client_of(NULL), server = server_of(&server_pair);
    struct node_light_config other = server_of(&foreign);
    assert_true(connects(&server, &client));
    assert_false(connects(&other, &client));
}

static void test_cipher_suites(void **state)
{
    (void)state;
    struct node_light_config client = client_of(NULL), server = server_of(&server_pair);
    server.tls_ciphersuites = " TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,,"
                              "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305 ,"
                              "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_RC4_128_SHA";
    assert_true(connects(&server, &client));
}

/* Of JSON-RPC: its own authorities, or any certificate. */
static void test_rpc(void **state)
{
    (void)state;
    struct node_light_config config = defaults(), server = server_of(&server_pair),
                             other = server_of(&foreign);
    struct io_tls *listening, *dialling;
    for (int i = 0; i < 3; i++) {
        config.rpc_tls_cacert = i == 1 ? authority.certificate_path : "";
        config.rpc_tls_insecureskipverify = i == 2;
        assert_int_equal(node_light_server_tls(&listening, &server, &detail), ERR_OK);
        assert_int_equal(node_light_rpc_tls(&dialling, &config, &detail), ERR_OK);
        assert_int_equal(connect_with(listening, dialling), i > 0);
        assert_int_equal(node_light_server_tls(&listening, &other, &detail), ERR_OK);
        assert_int_equal(node_light_rpc_tls(&dialling, &config, &detail), ERR_OK);
        assert_int_equal(connect_with(listening, dialling), i == 2);
    }
}

static void test_none(void **state)
{
    (void)state;
    struct node_light_config config = server_of(&server_pair);
    struct io_tls *tls;
    config.tls = config.rpc_tls = false;
    assert_int_equal(node_light_server_tls(&tls, &config, &detail), ERR_OK);
    assert_null(tls);
    assert_int_equal(node_light_client_tls(&tls, &config, &detail), ERR_OK);
    assert_null(tls);
    assert_int_equal(node_light_rpc_tls(&tls, &config, &detail), ERR_OK);
    assert_null(tls);
}

#define SERVER_FAULT "QLight TLS - unable to read server tls configuration: "
#define CLIENT_FAULT "Unable to load the specified tls configuration: "

static void fails(int (*fn)(struct io_tls **, const struct node_light_config *,
                            struct err_detail *),
                  const struct node_light_config *config, const char *why)
{
    struct io_tls *tls;
    assert_int_not_equal(fn(&tls, config, &detail), ERR_OK);
    assert_null(tls);
    if (!strstr(detail.text, why))
        fail_msg("\"%s\", not \"%s\"", detail.text, why);
}

static void test_faults(void **state)
{
    (void)state;
    struct node_light_config c = server_of(&server_pair);
    c.tls_cert = "/none/x.pem";
    fails(node_light_server_tls, &c, SERVER_FAULT "cannot open /none/x.pem: ");
    c = server_of(&server_pair);
    c.tls_key = foreign.key_path;
    fails(node_light_server_tls, &c, SERVER_FAULT "the private key is not that of the certificate");
    c = server_of(&server_pair);
    c.tls_clientauth = 5;
    c.tls_cacerts = authority.certificate_path;
    fails(node_light_server_tls, &c, SERVER_FAULT "Invalid ClientAuth value: 5");
    c = server_of(&server_pair);
    c.tls_ciphersuites = "TLS_RSA_WITH_AES_128_CBC_SHA, NONE_SUCH";
    fails(node_light_server_tls, &c, SERVER_FAULT "not supported cipher suite NONE_SUCH");
    c.tls_ciphersuites = "TLS_RSA_WITH_RC4_128_SHA";
    fails(node_light_server_tls, &c, SERVER_FAULT "none of the cipher suites of TLS 1.2 is there");
    c = client_of(NULL);
    c.tls_cacerts = "/none/x.pem";
    fails(node_light_client_tls, &c, CLIENT_FAULT "cannot open /none/x.pem: ");
    c.tls_cacerts = client_pair.key_path;
    fails(node_light_client_tls, &c, CLIENT_FAULT "there is no certificate in the list");
    c.rpc_tls_cacert = "/none/x.pem";
    fails(node_light_rpc_tls, &c, "--qlight.client.rpc.tls: cannot open /none/x.pem: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_authentication),
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_cipher_suites),
        cmocka_unit_test(test_rpc),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
