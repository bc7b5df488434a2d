#include "tm/test/store_kit.h"

#include "base/file.h"
#include "crypto/sha3.h"

#include <stdio.h>
#include <stdlib.h>

void kit_folder_make(char ret_path[64])
{
    snprintf(ret_path, 64, "/tmp/quorate-test-XXXXXX");
    assert_non_null(mkdtemp(ret_path));
}

void kit_folder_remove(const char *path)
{
    assert_int_equal(file_remove_folder(path, NULL), ERR_OK);
}

static void note(void *context, const char *text)
{
    struct kit *k = context;
    size_t len = strlen(k->notes);
    snprintf(k->notes + len, sizeof(k->notes) - len, "%s\n", text);
}

int kit_try_open(struct kit *k, const struct tm_store_options *options, struct err_detail *detail)
{
    struct tm_store_options copy = *options;
    *k = (struct kit){.status = 0};
    arena_init(&k->arena);
    copy.note = note;
    copy.note_context = k;
    assert_int_equal(io_loop_new(&k->loop), 0);
    int status = tm_store_open(&k->store, k->loop, &copy, detail);
    if (status < 0) {
        io_loop_free(k->loop);
        k->loop = NULL;
    }
    return status;
}

void kit_open(struct kit *k, const struct tm_store_options *options)
{
    struct err_detail detail = {""};
    int status = kit_try_open(k, options, &detail);
    if (status < 0)
        fail_msg("%s: %s", options->url, detail.text);
}

void kit_close(struct kit *k)
{
    tm_store_close(k->store);
    io_loop_free(k->loop);
    arena_release(&k->arena);
}

static struct bytes keep(struct kit *k, struct bytes data)
{
    struct bytes copy = arena_copy(&k->arena, data);
    return copy;
}

static void *keep_rows(struct kit *k, const void *rows, size_t count, size_t size)
{
    if (!rows)
        return NULL;
    return (void *)(uintptr_t)keep(k, bytes_of(rows, count * size)).data;
}

void kit_answer(void *context, const struct tm_store_answer *a)
{
    struct kit *k = context;
    arena_clear(&k->arena);
    k->status = a->status;
    k->count = a->count;
    k->more = a->more;
    snprintf(k->message, sizeof(k->message), "%s", a->message);
    k->payloads = keep_rows(k, a->payloads, a->count, sizeof(*a->payloads));
    k->raws = keep_rows(k, a->raws, a->count, sizeof(*a->raws));
    k->groups = keep_rows(k, a->groups, a->count, sizeof(*a->groups));
    k->staged = keep_rows(k, a->staged, a->count, sizeof(*a->staged));
    k->deliveries = keep_rows(k, a->deliveries, a->count, sizeof(*a->deliveries));
    for (size_t i = 0; k->payloads && i < k->count; i++) {
        k->payloads[i].hash = keep(k, k->payloads[i].hash);
        k->payloads[i].data = keep(k, k->payloads[i].data);
    }
    for (size_t i = 0; k->raws && i < k->count; i++) {
        struct tm_store_raw *r = &k->raws[i];
        r->hash = keep(k, r->hash);
        r->cipher_text = keep(k, r->cipher_text);
        r->encrypted_key = keep(k, r->encrypted_key);
        r->nonce = keep(k, r->nonce);
        r->sender = keep(k, r->sender);
    }
    for (size_t i = 0; k->groups && i < k->count; i++) {
        k->groups[i].id = keep(k, k->groups[i].id);
        k->groups[i].lookup_id = keep(k, k->groups[i].lookup_id);
        k->groups[i].data = keep(k, k->groups[i].data);
    }
    for (size_t i = 0; k->staged && i < k->count; i++) {
        k->staged[i].hash = keep(k, k->staged[i].hash);
        k->staged[i].data = keep(k, k->staged[i].data);
    }
    for (size_t i = 0; k->deliveries && i < k->count; i++) {
        k->deliveries[i].hash = keep(k, k->deliveries[i].hash);
        k->deliveries[i].recipient = keep(k, k->deliveries[i].recipient);
    }
    k->waiting--;
}

int kit_wait(struct kit *k, int status)
{
    if (status < 0)
        return status;
    k->waiting++;
    while (k->waiting)
        io_loop_turn(k->loop, true);
    return k->status;
}

struct tm_store_payload kit_payload(struct arena *arena, uint64_t n, size_t len)
{
    uint8_t *data = arena_alloc(arena, len), *hash = arena_alloc(arena, TMPROTO_HASH_SIZE);
    uint64_t state = n * 0x9e3779b97f4a7c15 + 1;
    struct bytes part = bytes_of(&n, sizeof(n));
    assert_non_null(data);
    assert_non_null(hash);
    for (size_t i = 0; i < len; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        data[i] = (uint8_t)(state >> 56);
    }
    crypto_sha3_512(hash, &part, 1);
    return (struct tm_store_payload){bytes_of(hash, TMPROTO_HASH_SIZE), TMPROTO_LEGACY,
                                     bytes_of(data, len), 0};
}
