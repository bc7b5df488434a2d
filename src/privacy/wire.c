/* HTTP over a unix socket or a URL: one libcurl connection for each thread that asks at a time, kept for the next. */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "io/http_client.h"
#include "privacy/config.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

enum {
    CALLERS_KEPT = 16,
    FIELDS_MAX = 6,
    PEM_MAX = 1 << 20,
    SOCKET_TIMEOUT_MS = 5000, /* fixed in the reference */
};

struct privacy_wire {
    struct privacy_config config;
    char socket[2 * PRIVACY_TEXT_MAX];
    char base[PRIVACY_TEXT_MAX]; /* "http://host:port", no '/' at the end */
    struct io_tls *tls;
    atomic_uint_fast64_t ends_at; /* by base_now_ms; 0: the node does not end */
    pthread_mutex_t lock;
    struct io_http_caller *idle[CALLERS_KEPT];
    size_t idle_count;
};

/* --- TLS --- */

static int read_folder(struct buf *authorities, const char *path, struct err_detail *detail)
{
    char file[2 * PRIVACY_TEXT_MAX];
    DIR *dir = opendir(path);
    int err = 0;
    if (!dir)
        return err_set(detail, ERR_INPUT, "%s: the folder cannot be read", path);
    for (struct dirent *entry; !err && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        err = file_read(file, PEM_MAX, authorities, detail);
        buf_append_byte(authorities, '\n');
    }
    closedir(dir);
    return err;
}

/* A file, a folder, or several with commas. */
static int read_authorities(struct buf *authorities, const char *list, struct err_detail *detail)
{
    char path[PRIVACY_TEXT_MAX];
    struct stat info;
    int err = 0;
    while (*list && !err) {
        size_t len = strcspn(list, ",");
        snprintf(path, sizeof(path), "%.*s", (int)len, list);
        if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
            err = read_folder(authorities, path, detail);
        else
            err = file_read(path, PEM_MAX, authorities, detail);
        buf_append_byte(authorities, '\n');
        list += len + (list[len] == ',');
    }
    return err;
}

static bool trust_all(void *context, const struct io_tls_peer *peer, struct err_detail *detail)
{
    (void)context;
    (void)peer;
    (void)detail;
    return true;
}

static int make_tls(struct privacy_wire *wire, struct err_detail *detail)
{
    const struct privacy_config *config = &wire->config;
    struct buf certificate = BUF_INIT, key = BUF_INIT, authorities = BUF_INIT;
    int err = 0;
    if (*config->client_cert)
        err = file_read(config->client_cert, PEM_MAX, &certificate, detail);
    if (!err && *config->client_key)
        err = file_read(config->client_key, PEM_MAX, &key, detail);
    if (!err && *config->root_ca)
        err = read_authorities(&authorities, config->root_ca, detail);
    if (!err) {
        const struct io_tls_options options = {
            .certificate = buf_bytes(&certificate),
            .key = buf_bytes(&key),
            .authorities = buf_bytes(&authorities),
            .system_authorities = true,
            .any_host = config->insecure_skip_verify,
            .judge = config->insecure_skip_verify ? trust_all : NULL,
        };
        err = io_tls_new(&wire->tls, &options, detail);
    }
    mem_wipe(key.data, key.len);
    buf_release(&certificate);
    buf_release(&key);
    buf_release(&authorities);
    return err;
}

/* --- Life --- */

int privacy_wire_new(struct privacy_wire **ret_wire, const struct privacy_config *config,
                     struct err_detail *detail)
{
    struct privacy_wire *wire = mem_alloc_zeroed(1, sizeof(*wire));
    if (!wire)
        return err_set(detail, ERR_NOMEM, "out of memory");
    wire->config = *config;
    pthread_mutex_init(&wire->lock, NULL);
    if (*config->socket && *config->work_dir)
        snprintf(wire->socket, sizeof(wire->socket), "%s/%s", config->work_dir, config->socket);
    else
        snprintf(wire->socket, sizeof(wire->socket), "%s", config->socket);
    snprintf(wire->base, sizeof(wire->base), "%s", *config->socket ? "http://c" : config->url);
    for (size_t len = strlen(wire->base); len && wire->base[len - 1] == '/'; len--)
        wire->base[len - 1] = '\0';
    int err = config->tls ? make_tls(wire, detail) : 0;
    if (err)
        privacy_wire_free(wire);
    else
        *ret_wire = wire;
    return err;
}

void privacy_wire_stop(struct privacy_wire *wire)
{
    if (wire)
        atomic_store(&wire->ends_at, base_now_ms() + PRIVACY_END_MS);
}

void privacy_wire_free(struct privacy_wire *wire)
{
    if (!wire)
        return;
    for (size_t i = 0; i < wire->idle_count; i++)
        io_http_caller_free(wire->idle[i]);
    io_tls_free(wire->tls);
    pthread_mutex_destroy(&wire->lock);
    mem_free(wire);
}

static int take_caller(struct privacy_wire *wire, struct io_http_caller **ret_caller)
{
    *ret_caller = NULL;
    pthread_mutex_lock(&wire->lock);
    if (wire->idle_count)
        *ret_caller = wire->idle[--wire->idle_count];
    pthread_mutex_unlock(&wire->lock);
    return *ret_caller ? 0 : io_http_caller_new(ret_caller, wire->tls);
}

static void give_caller(struct privacy_wire *wire, struct io_http_caller *caller)
{
    pthread_mutex_lock(&wire->lock);
    bool kept = wire->idle_count < CALLERS_KEPT;
    if (kept)
        wire->idle[wire->idle_count++] = caller;
    pthread_mutex_unlock(&wire->lock);
    if (!kept)
        io_http_caller_free(caller);
}

/* --- An exchange --- */

static void keep_field(char *to, size_t size, const struct io_http_reply *reply, const char *name)
{
    const char *value = io_http_reply_field(reply, name);
    snprintf(to, size, "%s", value ? value : "");
}

static int run(struct privacy_wire *wire, struct io_http_caller *caller, const char *url,
               struct privacy_answer *ret_answer, const struct privacy_request *request,
               struct err_detail *detail)
{
    struct io_http_field fields[FIELDS_MAX];
    struct io_http_reply reply;
    bool local = *wire->socket;
    assert(request->field_count <= FIELDS_MAX);
    for (size_t i = 0; i < request->field_count; i++)
        fields[i] = (struct io_http_field){request->fields[i].name, request->fields[i].value};
    const struct io_http_call_options options = {
        .method = request->method,
        .url = url,
        .unix_path = local ? wire->socket : NULL,
        .fields = fields,
        .field_count = request->field_count,
        .body = request->body,
        .has_body = request->has_body,
        .connect_ms = wire->config.dial_timeout_s * 1000,
        .total_ms = local ? SOCKET_TIMEOUT_MS : wire->config.timeout_s * 1000,
        .answer_max = PRIVACY_ANSWER_MAX,
        .ends_at = &wire->ends_at,
    };
    int err = io_http_caller_run(&reply, caller, &options);
    if (err)
        return err_set(detail, err, "%s: %s", url, err_text(err));
    if (reply.fault == IO_HTTP_FAULT_STOPPED)
        return err_set(detail, PRIVACY_FAILED, "the node ends");
    if (reply.fault == IO_HTTP_FAULT_MEMORY)
        return err_set(detail, ERR_NOMEM, "out of memory");
    if (reply.fault != IO_HTTP_FAULT_NONE)
        return err_set(detail, PRIVACY_FAILED, "%s",
                       reply.message[0] ? reply.message : io_http_fault_text(reply.fault));
    ret_answer->status = reply.status;
    buf_append_bytes(&ret_answer->body, reply.body);
    keep_field(ret_answer->sender, sizeof(ret_answer->sender), &reply, "tesserasender");
    keep_field(ret_answer->parties, sizeof(ret_answer->parties), &reply, "tesseramanagedparties");
    return buf_status(&ret_answer->body);
}

int privacy_wire_exchange(void *context, struct privacy_answer *ret_answer,
                          const struct privacy_request *request, struct err_detail *detail)
{
    struct privacy_wire *wire = context;
    struct io_http_caller *caller;
    char url[2 * PRIVACY_TEXT_MAX];
    snprintf(url, sizeof(url), "%s%s", wire->base, request->path);
    int err = take_caller(wire, &caller);
    if (err)
        return err_set(detail, err, "%s", err_text(err));
    err = run(wire, caller, url, ret_answer, request, detail);
    give_caller(wire, caller);
    return err;
}
