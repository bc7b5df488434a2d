#include "io/http_client.h"

#include "base/clock.h"
#include "base/mem.h"
#include "io/internal.h"
#include "io/tls_internal.h"

#include <curl/curl.h>

enum {
    SPARE_MAX = 64,    /* handles that are kept for the next calls */
    IDLE_SECONDS = 60, /* a connection that was idle for longer is not used again */
    KEPT_BODY = 65536, /* bytes of an answer that a spare handle keeps the room of */
};

/* What a request needs on libcurl's side, for either kind of caller. */
struct transfer {
    CURL *easy;
    struct curl_slist *fields;
    struct io_tls *tls; /* of the client, borrowed */
    struct io_tls_check check;
    struct buf answer;
    size_t answer_max;
    bool too_large;
    const atomic_uint_fast64_t *ends_at;
    char message[CURL_ERROR_SIZE];
};

struct io_http_call {
    struct transfer transfer;
    struct io_http_client *client;
    struct io_http_call *next, **back;
    io_http_done_fn *done;
    void *context;
};

struct socket_watch {
    uv_poll_t poll;
    struct io_http_client *client;
    curl_socket_t fd;
};

struct io_http_client {
    struct io_loop *loop;
    CURLM *multi;
    struct io_timer timer;
    struct io_tls *tls;
    struct io_http_call *calls; /* under way */
    struct io_http_call *spare;
    size_t count, spare_count;
    unsigned depth; /* of functions that go on with the client after a callback */
    bool freed;
};

struct io_http_caller {
    struct transfer transfer;
    struct io_tls *tls;
};

const char *io_http_fault_text(enum io_http_fault fault)
{
    static const char *const texts[] = {
#define X(name, text) text,
        IO_HTTP_FAULT_LIST(X)
#undef X
    };
    return texts[fault];
}

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    return pthread_once(&once, init_curl) == 0;
}

/* --- Transfers --- */

static size_t on_body(char *data, size_t one, size_t len, void *argument)
{
    (void)one;
    struct transfer *transfer = argument;
    if (len > transfer->answer_max - transfer->answer.len) {
        transfer->too_large = true;
        return 0;
    }
    buf_append(&transfer->answer, data, len);
    return buf_status(&transfer->answer) ? 0 : len;
}

/* Not 0: libcurl gives up. */
static int on_progress(void *argument, curl_off_t total, curl_off_t now, curl_off_t sent_total,
                       curl_off_t sent)
{
    const struct transfer *transfer = argument;
    uint64_t end = transfer->ends_at ? atomic_load(transfer->ends_at) : 0;
    (void)total;
    (void)now;
    (void)sent_total;
    (void)sent;
    return end && base_now_ms() >= end;
}

static CURLcode on_tls(CURL *easy, void *context, void *argument)
{
    (void)easy;
    struct transfer *transfer = argument;
    return io_tls_apply(transfer->tls, context, &transfer->check) ? CURLE_OK
                                                                  : CURLE_SSL_CERTPROBLEM;
}

static bool has_field(const struct io_http_call_options *options, const char *name)
{
    for (size_t i = 0; i < options->field_count; i++)
        if (io_http_same_name(bytes_str(options->fields[i].name), name))
            return true;
    return false;
}

static bool add_field(struct transfer *transfer, struct buf *line)
{
    struct curl_slist *list =
        buf_status(line) ? NULL : curl_slist_append(transfer->fields, buf_text(line));
    if (!list)
        return false;
    transfer->fields = list;
    return true;
}

/* The caller's fields, and without those that libcurl would put in by itself. */
static int make_fields(struct transfer *transfer, const struct io_http_call_options *options)
{
    static const char *const unwanted[] = {"Accept", "Expect", "Content-Type", "User-Agent"};
    struct buf line = BUF_INIT;
    bool ok = true;
    for (size_t i = 0; ok && i < options->field_count; i++) {
        const struct io_http_field *field = &options->fields[i];
        buf_clear(&line);
        if (field->value[0])
            buf_append_format(&line, "%s: %s", field->name, field->value);
        else
            buf_append_format(&line, "%s;", field->name);
        ok = add_field(transfer, &line);
    }
    for (size_t i = 0; ok && i < BASE_COUNT(unwanted); i++) {
        if (has_field(options, unwanted[i]))
            continue;
        buf_clear(&line);
        buf_append_format(&line, "%s:", unwanted[i]);
        ok = add_field(transfer, &line);
    }
    buf_release(&line);
    return ok ? 0 : ERR_NOMEM;
}

/* What is the same for all requests of a handle. */
static int set_constants(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;
#define SET(option, value)                                                                         \
    if (code == CURLE_OK)                                                                          \
    code = curl_easy_setopt(easy, option, value)
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS);
    SET(CURLOPT_ERRORBUFFER, transfer->message);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, transfer);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L); /* a session taken up again would not be judged again */
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (transfer->tls) {
        SET(CURLOPT_CAINFO, NULL);
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
        SET(CURLOPT_SSL_CTX_DATA, transfer);
        SET(CURLOPT_SSL_VERIFYHOST, transfer->tls->any_host ? 0L : 2L);
    }
    return code == CURLE_OK ? 0 : ERR_NOMEM;
}

static int set_request(struct transfer *transfer, const struct io_http_call_options *options)
{
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;
    bool is_head = strcmp(options->method, "HEAD") == 0;
    SET(CURLOPT_URL, options->url);
    SET(CURLOPT_UNIX_SOCKET_PATH, options->unix_path);
    if (options->has_body) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body.len);
        SET(CURLOPT_POSTFIELDS, options->body.len ? (const char *)options->body.data : "");
    } else {
        SET(CURLOPT_HTTPGET, 1L);
        SET(CURLOPT_NOBODY, is_head ? 1L : 0L);
    }
    SET(CURLOPT_FRESH_CONNECT, options->own_connection ? 1L : 0L);
    SET(CURLOPT_FORBID_REUSE, options->own_connection ? 1L : 0L);
    SET(CURLOPT_CUSTOMREQUEST, options->method);
    SET(CURLOPT_HTTPHEADER, transfer->fields);
    /* 0 would be libcurl's own 300 seconds */
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(options->connect_ms ? options->connect_ms
                                          : options->total_ms ? options->total_ms
                                                              : 300000));
    SET(CURLOPT_TIMEOUT_MS, (long)options->total_ms);
    SET(CURLOPT_NOPROGRESS, options->ends_at ? 0L : 1L);
#undef SET
    return code == CURLE_OK ? 0 : ERR_NOMEM;
}

static int transfer_init(struct transfer *transfer, struct io_tls *tls)
{
    transfer->tls = tls;
    transfer->check.tls = tls;
    buf_init(&transfer->answer);
    transfer->easy = ready() ? curl_easy_init() : NULL;
    return transfer->easy ? set_constants(transfer) : ERR_NOMEM;
}

static void transfer_release(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->fields);
    buf_release(&transfer->answer);
}

static bool is_url(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

static int transfer_prepare(struct transfer *transfer, const struct io_http_call_options *options)
{
    if (!is_url(options->url))
        return ERR_INPUT;
    curl_slist_free_all(transfer->fields);
    transfer->fields = NULL;
    if (transfer->answer.capacity > KEPT_BODY)
        buf_release(&transfer->answer);
    buf_clear(&transfer->answer);
    transfer->answer_max = options->answer_max;
    transfer->too_large = false;
    transfer->ends_at = options->ends_at;
    transfer->message[0] = 0;
    transfer->check.detail.text[0] = 0;
    transfer->check.host = options->url;
    int status = make_fields(transfer, options);
    return status < 0 ? status : set_request(transfer, options);
}

static enum io_http_fault fault_of(const struct transfer *transfer, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return IO_HTTP_FAULT_NONE;
    case CURLE_URL_MALFORMAT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return IO_HTTP_FAULT_NAME;
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
        return IO_HTTP_FAULT_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return IO_HTTP_FAULT_TLS;
    case CURLE_OPERATION_TIMEDOUT:
        return IO_HTTP_FAULT_TIMEOUT;
    case CURLE_WRITE_ERROR:
        return transfer->too_large ? IO_HTTP_FAULT_TOO_LARGE : IO_HTTP_FAULT_MEMORY;
    case CURLE_ABORTED_BY_CALLBACK:
        return IO_HTTP_FAULT_STOPPED;
    case CURLE_OUT_OF_MEMORY:
        return IO_HTTP_FAULT_MEMORY;
    case CURLE_UNSUPPORTED_PROTOCOL: /* libcurl's word for HTTP/0.9 */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        return IO_HTTP_FAULT_MALFORMED;
    default:
        return IO_HTTP_FAULT_BROKEN;
    }
}

static void make_reply(struct io_http_reply *ret_reply, struct transfer *transfer, CURLcode code)
{
    enum io_http_fault fault = fault_of(transfer, code);
    *ret_reply = (struct io_http_reply){.fault = fault, .message = "", .handle = transfer->easy};
    if (fault == IO_HTTP_FAULT_NONE) {
        long status = 0;
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        ret_reply->status = (unsigned)status;
        ret_reply->body = buf_bytes(&transfer->answer);
        return;
    }
    long error = 0;
    if (fault == IO_HTTP_FAULT_CONNECT)
        curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);
    ret_reply->error = (int)error;
    ret_reply->message = transfer->check.detail.text[0] ? transfer->check.detail.text
                         : transfer->message[0]         ? transfer->message
                                                        : curl_easy_strerror(code);
}

const char *io_http_reply_field(const struct io_http_reply *reply, const char *name)
{
    struct curl_header *header;
    CURL *easy = (CURL *)(uintptr_t)reply->handle;
    if (reply->fault != IO_HTTP_FAULT_NONE ||
        curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

/* --- On the loop --- */

static void call_free(struct io_http_call *call)
{
    transfer_release(&call->transfer);
    mem_free(call);
}

/* Out of the calls under way; the handle is kept for another one, or freed. */
static void call_end(struct io_http_call *call)
{
    struct io_http_client *client = call->client;
    curl_multi_remove_handle(client->multi, call->transfer.easy);
    *call->back = call->next;
    if (call->next)
        call->next->back = call->back;
    client->count--;
}

static void call_spare(struct io_http_call *call)
{
    struct io_http_client *client = call->client;
    if (client->spare_count == SPARE_MAX || client->freed) {
        call_free(call);
        return;
    }
    call->next = client->spare;
    client->spare = call;
    client->spare_count++;
}

static void client_destroy(struct io_http_client *client)
{
    struct io_http_call *next;
    for (struct io_http_call *call = client->spare; call; call = next) {
        next = call->next;
        call_free(call);
    }
    curl_multi_cleanup(client->multi);
    io_timer_stop(&client->timer);
    io_tls_free(client->tls);
    mem_free(client);
}

static void leave(struct io_http_client *client)
{
    client->depth--;
    if (client->depth == 0 && client->freed)
        client_destroy(client);
}

/* Tells the calls that have ended. */
static void look(struct io_http_client *client)
{
    CURLMsg *message;
    int left;
    while (!client->freed && (message = curl_multi_info_read(client->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct io_http_call *call;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        struct io_http_reply reply;
        make_reply(&reply, &call->transfer, code);
        call_end(call);
        call->done(call->context, &reply);
        call_spare(call);
    }
}

static void act(struct io_http_client *client, curl_socket_t fd, int events)
{
    int running;
    client->depth++;
    curl_multi_socket_action(client->multi, fd, events, &running);
    look(client);
    leave(client);
}

static void on_timer(void *context)
{
    act(context, CURL_SOCKET_TIMEOUT, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct socket_watch *watch = poll->data;
    int flags = 0;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    if (status < 0)
        flags = CURL_CSELECT_ERR;
    act(watch->client, watch->fd, flags);
}

static void on_watch_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static struct socket_watch *watch_new(struct io_http_client *client, curl_socket_t fd)
{
    struct socket_watch *watch = mem_alloc_zeroed(1, sizeof(*watch));
    if (!watch)
        return NULL;
    watch->client = client;
    watch->fd = fd;
    watch->poll.data = watch;
    if (uv_poll_init_socket(&client->loop->uv, &watch->poll, fd) < 0) {
        mem_free(watch);
        return NULL;
    }
    curl_multi_assign(client->multi, fd, watch);
    return watch;
}

/* What libcurl wants to know of a socket. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *argument, void *socket)
{
    (void)easy;
    struct io_http_client *client = argument;
    struct socket_watch *watch = socket;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            curl_multi_assign(client->multi, fd, NULL);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        }
        return 0;
    }
    if (!watch)
        watch = watch_new(client, fd);
    if (!watch)
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&watch->poll, events, on_poll) < 0 ? -1 : 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *argument)
{
    (void)multi;
    struct io_http_client *client = argument;
    if (timeout_ms < 0)
        io_timer_stop(&client->timer);
    else
        io_timer_start(&client->timer, (uint64_t)timeout_ms);
    return 0;
}

int io_http_client_new(struct io_http_client **ret_client, struct io_loop *loop,
                       const struct io_http_client_options *options)
{
    struct io_http_client *client = mem_alloc_zeroed(1, sizeof(*client));
    if (!client)
        return ERR_NOMEM;
    client->loop = loop;
    io_timer_init(&client->timer, loop, on_timer, client);
    client->multi = ready() ? curl_multi_init() : NULL;
    if (!client->multi) {
        mem_free(client);
        return ERR_NOMEM;
    }
    client->tls = io_tls_keep(options->tls);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      (long)options->connections_max);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long)options->host_connections_max);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)options->connections_max);
    *ret_client = client;
    return 0;
}

void io_http_client_free(struct io_http_client *client)
{
    if (!client)
        return;
    client->depth++;
    while (client->calls)
        io_http_call_cancel(client->calls);
    client->freed = true;
    leave(client);
}

static struct io_http_call *call_new(struct io_http_client *client)
{
    struct io_http_call *call = client->spare;
    if (call) {
        client->spare = call->next;
        client->spare_count--;
        return call;
    }
    call = mem_alloc_zeroed(1, sizeof(*call));
    if (!call)
        return NULL;
    call->client = client;
    if (transfer_init(&call->transfer, client->tls) < 0 ||
        curl_easy_setopt(call->transfer.easy, CURLOPT_PRIVATE, call) != CURLE_OK) {
        call_free(call);
        return NULL;
    }
    return call;
}

int io_http_call(struct io_http_call **ret_call, struct io_http_client *client,
                 const struct io_http_call_options *options, io_http_done_fn *done, void *context)
{
    assert(!client->freed);
    struct io_http_call *call = call_new(client);
    if (!call)
        return ERR_NOMEM;
    int status = transfer_prepare(&call->transfer, options);
    if (status == 0 && curl_multi_add_handle(client->multi, call->transfer.easy) != CURLM_OK)
        status = ERR_NOMEM;
    if (status < 0) {
        call_spare(call);
        return status;
    }
    call->done = done;
    call->context = context;
    call->next = client->calls;
    call->back = &client->calls;
    if (call->next)
        call->next->back = &call->next;
    client->calls = call;
    client->count++;
    if (ret_call)
        *ret_call = call;
    return 0;
}

void io_http_call_cancel(struct io_http_call *call)
{
    if (!call)
        return;
    call_end(call);
    call_spare(call);
}

size_t io_http_client_calls(const struct io_http_client *client)
{
    return client->count;
}

/* --- On a thread of the caller's --- */

int io_http_caller_new(struct io_http_caller **ret_caller, struct io_tls *tls)
{
    struct io_http_caller *caller = mem_alloc_zeroed(1, sizeof(*caller));
    if (!caller)
        return ERR_NOMEM;
    caller->tls = io_tls_keep(tls);
    int status = transfer_init(&caller->transfer, tls);
    if (status < 0) {
        io_http_caller_free(caller);
        return status;
    }
    *ret_caller = caller;
    return 0;
}

void io_http_caller_free(struct io_http_caller *caller)
{
    if (!caller)
        return;
    transfer_release(&caller->transfer);
    io_tls_free(caller->tls);
    mem_free(caller);
}

int io_http_caller_run(struct io_http_reply *ret_reply, struct io_http_caller *caller,
                       const struct io_http_call_options *options)
{
    int status = transfer_prepare(&caller->transfer, options);
    if (status < 0)
        return status;
    make_reply(ret_reply, &caller->transfer, curl_easy_perform(caller->transfer.easy));
    return 0;
}
