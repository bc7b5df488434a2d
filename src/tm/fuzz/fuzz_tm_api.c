/*
 * A request to any application of a manager, in either dialect: the first byte chooses (application, then dialect or
 * recovery), the rest is the request as it comes from the wire, head and body. Every request is answered, whatever it says.
 *
 * Each has a manager of its own over one store in memory: no input can tell it of another manager that a later one calls.
 */
#include "base/fuzz/fuzz.h"
#include "base/mem.h"
#include "tm/api/api.h"

#include <stdlib.h>

enum { INPUT_MAX = 1 << 18, MODES = 3 };

static const char config_text[] =
    "{\"serverConfigs\":[{\"app\":\"P2P\",\"serverAddress\":\"http://127.0.0.1:9\"},"
    "{\"app\":\"Q2T\",\"serverAddress\":\"unix:/q\"},"
    "{\"app\":\"ThirdParty\",\"serverAddress\":\"http://127.0.0.1:8\",\"cors\":{"
    "\"allowedOrigins\":[\"http://*.example\"]}},"
    "{\"app\":\"ADMIN\",\"serverAddress\":\"http://127.0.0.1:7\"}],"
    "\"jdbc\":{\"url\":\"memory\"},\"peer\":[],\"features\":{\"enablePrivacyEnhancements\":true},"
    "\"keys\":{\"keyData\":[{\"privateKeyPath\":\"k\",\"publicKeyPath\":\"p\"}]}}";

static struct tm_config config;
static struct io_loop *loop;
static struct tm_enclave *enclave;
static struct tm_store *store;
static struct io_http_client *client;

/* Keys of two pairs: 01 02 … 20 and 21 22 … 40. */
static void add_key(uint8_t first)
{
    uint8_t key[32];
    struct crypto_secret *secret;
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(first + i);
    require(crypto_secret_copy(&secret, bytes_of(key, sizeof(key))) == 0);
    require(tm_enclave_add_key(enclave, bytes_none(), secret, NULL) == 0);
}

static void make(void)
{
    struct tm_encryptor e;
    struct err_detail detail;
    struct tm_store_options options = {.url = "memory", .create_tables = true};
    struct io_http_client_options http = {.connections_max = 4, .host_connections_max = 4};
    require(tm_config_parse(&config, bytes_str(config_text), NULL, &detail) == 0);
    require(io_loop_new(&loop) == 0);
    tm_encryptor_init_nacl(&e);
    require(tm_enclave_new(&enclave, &e) == 0);
    add_key(0x01);
    add_key(0x21);
    require(tm_store_open(&store, loop, &options, &detail) == 0);
    require(io_http_client_new(&client, loop, &http) == 0);
}

/* As the server makes it; the client has gone, so that the answer is dropped. NULL: not HTTP. */
static struct io_http_request *read_request(struct bytes data)
{
    struct io_http_request *request = mem_alloc_zeroed(1, sizeof(*request));
    if (!request)
        abort();
    buf_append_bytes(&request->memory, data);
    struct bytes all = buf_bytes(&request->memory);
    size_t len = io_http_head_length(all, 0);
    if (len == 0 || io_http_head_read(&request->head, bytes_slice(all, 0, len)) != IO_HTTP_OK) {
        buf_release(&request->memory);
        mem_free(request);
        return NULL;
    }
    request->body = bytes_slice(all, len, all.len - len);
    struct bytes target = request->head.target;
    const uint8_t *mark = target.len ? memchr(target.data, '?', target.len) : NULL;
    size_t path = mark ? (size_t)(mark - target.data) : target.len;
    request->path = bytes_slice(target, 0, path);
    request->has_query = mark != NULL;
    if (mark)
        request->query = bytes_slice(target, path + 1, target.len - path - 1);
    return request;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum tm_app apps[] = {TM_APP_Q2T, TM_APP_P2P, TM_APP_THIRD_PARTY, TM_APP_ADMIN};
    struct tm_network *network;
    struct tm_api *api;
    if (size < 1 || size > INPUT_MAX)
        return 0;
    if (!loop)
        make();
    struct io_http_request *request = read_request(bytes_of(data + 1, size - 1));
    if (!request)
        return 0;
    unsigned mode = data[0] / BASE_COUNT(apps) % MODES;
    struct tm_config own = config;
    own.constellation = mode == 1;
    struct tm_network_options peers = {.url = "http://127.0.0.1:9/", .discovery = true};
    require(tm_network_new(&network, &peers) == 0);
    require(tm_network_set_keys(network, tm_enclave_keys(enclave)) == 0);
    struct tm_api_options options = {.loop = loop,
                                     .enclave = enclave,
                                     .store = store,
                                     .network = network,
                                     .client = client,
                                     .config = &own,
                                     .version = "0",
                                     .push_ms = 1000,
                                     .info_ms = 1000,
                                     .recovering = mode == 2};
    require(tm_api_new(&api, &options) == 0);
    tm_api_serve(api, apps[data[0] % BASE_COUNT(apps)], request);
    while (tm_api_busy(api) > 0)
        io_loop_turn(loop, true);
    tm_api_free(api);
    tm_network_free(network);
    return 0;
}
