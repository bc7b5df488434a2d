#include "p2p/test/recording.h"

#include "base/mem.h"
#include "tests/support/fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Calls fn for each JSON object of a file of one a line. */
static void each_line(const char *name, const char *file,
                      void (*fn)(struct recording *r, const json_t *line), struct recording *r)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/recordings/%s/%s", fixtures_folder(), name, file);
    FILE *stream = fopen(path, "r");
    if (!stream)
        fail_msg("%s cannot be opened", path);
    json_error_t error;
    json_t *line;
    while ((line = json_loadf(stream, JSON_DISABLE_EOF_CHECK, &error))) {
        fn(r, line);
        json_decref(line);
    }
    fclose(stream);
}

static void add_message(struct recording *r, const json_t *line)
{
    const char *direction = json_string_value(json_object_get(line, "dir"));
    if (!direction)
        return; /* the handshake */
    r->messages = mem_realloc(r->messages, (r->count + 1) * sizeof(*r->messages));
    struct recorded *m = &r->messages[r->count++];
    m->out = strcmp(direction, "out") == 0;
    m->code = (uint64_t)json_integer_value(json_object_get(line, "code"));
    buf_init(&m->payload);
    assert_true(fixtures_hex(line, "rlp", &m->payload));
}

static void add_block(struct recording *r, const json_t *line)
{
    r->blocks = mem_realloc(r->blocks, (r->block_count + 1) * sizeof(*r->blocks));
    struct buf *b = &r->blocks[r->block_count];
    assert_int_equal(json_integer_value(json_object_get(line, "number")), r->block_count);
    r->block_count++;
    buf_init(b);
    assert_true(fixtures_hex(line, "rlp", b));
}

void recording_load(struct recording *ret_recording, const char *name)
{
    char folder[256];
    snprintf(folder, sizeof(folder), "recordings/%s", name);
    fixtures_require(folder, "the recordings of the reference programs");
    *ret_recording = (struct recording){NULL, 0, NULL, 0};
    each_line(name, "wire.jsonl", add_message, ret_recording);
    each_line(name, "blocks.jsonl", add_block, ret_recording);
    assert_true(ret_recording->count > 0 && ret_recording->block_count > 0);
}

void recording_free(struct recording *recording)
{
    for (size_t i = 0; i < recording->count; i++)
        buf_release(&recording->messages[i].payload);
    for (size_t i = 0; i < recording->block_count; i++)
        buf_release(&recording->blocks[i]);
    mem_free(recording->messages);
    mem_free(recording->blocks);
}

struct bytes recording_find(const struct recording *recording, bool out, uint64_t code)
{
    for (size_t i = 0; i < recording->count; i++)
        if (recording->messages[i].out == out && recording->messages[i].code == code)
            return buf_bytes(&recording->messages[i].payload);
    fail_msg("no message with code %llu", (unsigned long long)code);
    return bytes_none();
}
