#include "recordings.h"

#include "fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

enum { PATH_LENGTH = 4096, PIECE = 1 << 16 };

void recordings_require(const char *network)
{
    char below[PATH_LENGTH];
    snprintf(below, sizeof(below), "recordings/%s", network);
    fixtures_require(below, "the project's recordings of GoQuorum networks");
}

static void path_of(char ret[PATH_LENGTH], const char *network, const char *file)
{
    int len = snprintf(ret, PATH_LENGTH, "%s/recordings/%s/%s", fixtures_folder(), network, file);
    if (len < 0 || len >= PATH_LENGTH)
        fail_msg("path too long: %s/%s", network, file);
}

/* zlib reads what is not packed as it is. */
void recordings_read(const char *network, const char *file, struct buf *ret)
{
    char path[PATH_LENGTH];
    path_of(path, network, file);
    gzFile in = gzopen(path, "rb");
    if (!in)
        fail_msg("cannot open %s", path);
    buf_clear(ret);
    for (;;) {
        if (buf_reserve(ret, PIECE) != ERR_OK)
            fail_msg("out of memory");
        int got = gzread(in, ret->data + ret->len, PIECE);
        if (got < 0)
            fail_msg("cannot read %s", path);
        if (got == 0)
            break;
        ret->len += (size_t)got;
    }
    gzclose(in);
}

json_t *recordings_json(const char *network, const char *file)
{
    char path[PATH_LENGTH];
    path_of(path, network, file);
    return fixtures_json(path);
}

/* Calls fn for each line that has `word` in it, all lines without one: a file of 60 MB is asked for one method at a time,
 * and parsing is what takes long. */
static size_t each_line(const char *network, const char *file, const char *word,
                        void (*fn)(const json_t *line, void *context), void *context)
{
    struct buf content = BUF_INIT;
    recordings_read(network, file, &content);
    size_t count = 0, at = 0;
    while (at < content.len) {
        const char *text = (const char *)content.data + at;
        const char *end = memchr(text, '\n', content.len - at);
        size_t len = end ? (size_t)(end - text) : content.len - at;
        at += len + 1;
        if (len == 0 || (word && !memmem(text, len, word, strlen(word))))
            continue;
        json_error_t error;
        json_t *line = json_loadb(text, len, JSON_ALLOW_NUL, &error);
        if (!line)
            fail_msg("%s/%s: byte %zu: %s", network, file, at, error.text);
        fn(line, context);
        count++;
        json_decref(line);
    }
    buf_release(&content);
    return count;
}

size_t recordings_lines(const char *network, const char *file,
                        void (*fn)(const json_t *line, void *context), void *context)
{
    return each_line(network, file, NULL, fn, context);
}

struct answers {
    const char *method;
    void (*fn)(const json_t *params, const json_t *result, void *context);
    void *context;
    size_t count;
};

static void on_exchange(const json_t *line, void *context)
{
    struct answers *a = context;
    const char *method = json_string_value(json_object_get(line, "method"));
    const json_t *result = json_object_get(line, "result");
    if (!method || !result || strcmp(method, a->method) != 0)
        return;
    a->fn(json_object_get(line, "params"), result, a->context);
    a->count++;
}

size_t recordings_answers(const char *network, const char *method,
                          void (*fn)(const json_t *params, const json_t *result, void *context),
                          void *context)
{
    struct answers a = {method, fn, context, 0};
    char word[128];
    int len = snprintf(word, sizeof(word), "\"%s\"", method);
    assert_true(len > 0 && (size_t)len < sizeof(word));
    each_line(network, "rpc.jsonl.gz", word, on_exchange, &a);
    return a.count;
}

/* Bytes of the RLP list at `at`: the lengths here are of our own recordings, yet never read past the end. */
static size_t list_size(const struct buf *content, size_t at)
{
    size_t left = content->len - at, header = 1;
    uint8_t first = content->data[at];
    if (first < 0xc0)
        fail_msg("no list at byte %zu", at);
    size_t size = first - 0xc0u;
    if (first > 0xf7) {
        size_t digits = first - 0xf7u;
        size = 0;
        for (size_t i = 1; i <= digits && i < left; i++)
            size = size << 8 | content->data[at + i];
        header += digits;
    }
    if (header > left || size > left - header)
        fail_msg("the list at byte %zu is cut off", at);
    return header + size;
}

size_t recordings_blocks(const char *network, void (*fn)(struct bytes block, void *context),
                         void *context)
{
    struct buf content = BUF_INIT;
    recordings_read(network, "chain.rlp.gz", &content);
    size_t count = 0;
    for (size_t at = 0, size; at < content.len; at += size, count++) {
        size = list_size(&content, at);
        fn(bytes_of(content.data + at, size), context);
    }
    buf_release(&content);
    return count;
}
