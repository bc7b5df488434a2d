/* The object, the handshake, one exchange. */
#include "base/clock.h"
#include "base/mem.h"
#include "privacy/internal.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

static uint64_t system_clock(void *context)
{
    (void)context;
    return base_now_ms();
}

int privacy_new(struct privacy_tm **ret_tm, const struct privacy_options *options)
{
    pthread_condattr_t attributes;
    struct privacy_tm *tm = mem_alloc_zeroed(1, sizeof(*tm));
    if (!tm)
        return ERR_NOMEM;
    tm->options = *options;
    if (!tm->options.clock_ms)
        tm->options.clock_ms = system_clock;
    tm->end = &tm->first;
    pthread_mutex_init(&tm->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&tm->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    *ret_tm = tm;
    return 0;
}

void privacy_free(struct privacy_tm *tm)
{
    if (!tm)
        return;
    privacy_ahead_free(tm);
    privacy_cache_clear(tm);
    pthread_cond_destroy(&tm->changed);
    pthread_mutex_destroy(&tm->lock);
    mem_free(tm);
}

void privacy_stop(struct privacy_tm *tm)
{
    pthread_mutex_lock(&tm->lock);
    tm->stopped = true;
    pthread_cond_broadcast(&tm->changed);
    pthread_mutex_unlock(&tm->lock);
}

uint64_t privacy_now(const struct privacy_tm *tm)
{
    return tm->options.clock_ms(tm->options.context);
}

bool privacy_pause(struct privacy_tm *tm, uint64_t ms)
{
    uint64_t until = system_clock(NULL) + ms;
    struct timespec t = {.tv_sec = (time_t)(until / 1000),
                         .tv_nsec = (long)(until % 1000) * 1000000};
    pthread_mutex_lock(&tm->lock);
    while (!tm->stopped && system_clock(NULL) < until)
        pthread_cond_timedwait(&tm->changed, &tm->lock, &t);
    bool stopped = tm->stopped;
    pthread_mutex_unlock(&tm->lock);
    return stopped;
}

bool privacy_has(const struct privacy_tm *tm, enum privacy_feature feature)
{
    return tm->features & feature;
}

bool privacy_is_tessera(const struct privacy_tm *tm)
{
    return tm->is_tessera;
}

/* --- Exchanges --- */

int privacy_ask(struct privacy_tm *tm, struct privacy_answer *ret_answer,
                const struct privacy_request *request, struct err_detail *detail)
{
    struct err_detail cause = {""};
    *ret_answer = (struct privacy_answer){.body = BUF_INIT};
    int err = tm->options.exchange(tm->options.exchange_context, ret_answer, request, &cause);
    if (err == PRIVACY_FAILED && !tm->options.is_light)
        return err_set(detail, err, "unable to submit request (method:%s,path:%s). Cause: %s",
                       request->method, request->path, cause.text);
    if (err)
        return err_set(detail, err, "%s", cause.text);
    if (ret_answer->status == 200 || ret_answer->status == 201)
        return 0;
    int len = ret_answer->body.len < 400 ? (int)ret_answer->body.len : 400;
    return err_set(detail, PRIVACY_FAILED, "%u status: %.*s", ret_answer->status, len,
                   (const char *)ret_answer->body.data);
}

int privacy_ask_json(struct privacy_tm *tm, struct privacy_answer *ret_answer, const char *method,
                     const char *path, struct bytes body, struct err_detail *detail)
{
    bool sends = strcmp(path, "/send") == 0 || strcmp(path, "/sendsignedtx") == 0;
    const char *type = tm->features & PRIVACY_MANDATORY && sends
                           ? "application/vnd.tessera-4.0+json"
                       : tm->features & PRIVACY_MULTITENANCY ? "application/vnd.tessera-2.1+json"
                                                             : "application/json";
    const struct privacy_field fields[] = {
        {"User-Agent", "quorum-v24.4.1"}, {"Accept", type}, {"Content-Type", type}};
    const struct privacy_request request = {.method = method,
                                            .path = path,
                                            .fields = fields,
                                            .field_count = BASE_COUNT(fields),
                                            .body = body,
                                            .has_body = strcmp(method, "POST") == 0};
    return privacy_ask(tm, ret_answer, &request, detail);
}

static int get(struct privacy_tm *tm, struct privacy_answer *ret_answer, const char *path,
               struct err_detail *detail)
{
    static const struct privacy_field fields[] = {{"User-Agent", "Go-http-client/1.1"}};
    const struct privacy_request request = {
        .method = "GET", .path = path, .fields = fields, .field_count = BASE_COUNT(fields)};
    return privacy_ask(tm, ret_answer, &request, detail);
}

/* --- Handshake --- */

/* The highest of ["1.0", "2.0", …]; of anything else 1.0. */
static void read_versions(struct privacy_tm *tm, struct bytes text)
{
    json_error_t error;
    unsigned best = 100;
    json_t *list = json_loadb((const char *)text.data, text.len, JSON_DISABLE_EOF_CHECK, &error);
    for (size_t i = 0; i < json_array_size(list); i++) {
        unsigned major, minor;
        const char *version = json_string_value(json_array_get(list, i));
        if (version && sscanf(version, "%4u.%4u", &major, &minor) == 2 && minor < 100 &&
            major * 100 + minor > best)
            best = major * 100 + minor;
    }
    json_decref(list);
    tm->features = (best >= 200 ? PRIVACY_ENHANCEMENTS : 0u) |
                   (best >= 201 ? PRIVACY_MULTITENANCY : 0u) | (best >= 300 ? PRIVACY_STATES : 0u) |
                   (best >= 400 ? PRIVACY_MANDATORY : 0u);
}

int privacy_open(struct privacy_tm *tm, struct err_detail *detail)
{
    struct privacy_answer answer;
    struct err_detail cause = {""};
    if (tm->options.is_light) {
        tm->is_tessera = true;
        tm->features = PRIVACY_ENHANCEMENTS;
        return 0;
    }
    int err = get(tm, &answer, "/upcheck", &cause);
    bool ready = !err && answer.status == 200;
    unsigned status = answer.status;
    buf_release(&answer.body);
    if (err == PRIVACY_FAILED && status == 0)
        return err_set(detail, PRIVACY_FAILED, "unable to connect to private tx manager due to: %s",
                       cause.text);
    if (err && err != PRIVACY_FAILED)
        return err_set(detail, err, "%s", cause.text);
    if (!ready)
        return err_set(detail, PRIVACY_FAILED, "private transaction manager is not ready");
    err = get(tm, &answer, "/version", &cause);
    tm->is_tessera = !err;
    buf_release(&answer.body);
    tm->features = 0;
    if (tm->is_tessera) {
        err = get(tm, &answer, "/version/api", &cause);
        if (!err)
            read_versions(tm, buf_bytes(&answer.body));
        buf_release(&answer.body);
    }
    return err && err != PRIVACY_FAILED ? err_set(detail, err, "%s", cause.text) : 0;
}
