/* Chains in files, as `geth export` and `geth import` have them: RLP of block after block. */
#include "chain/chain_priv.h"
#include "chain/import_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

enum { BUFFER_SIZE = 1 << 18 };

static bool is_compressed(const char *path)
{
    size_t length = strlen(path);
    return length >= 3 && strcmp(path + length - 3, ".gz") == 0;
}

/* --- Import --- */

struct input {
    const char *path;
    gzFile file; /* reads files that are not compressed as they are */
    uint64_t index;
    struct buf block;
    bool (*progress)(void *context, const struct chain_progress *progress);
    void *context;
};

/* 1: read, 0: the file ended before the first byte. */
static int read_exactly(struct input *in, size_t len, struct err_detail *detail)
{
    uint8_t *at = buf_extend(&in->block, len);
    if (!at)
        return err_set(detail, ERR_NOMEM, "%s: out of memory", in->path);
    int got = gzread(in->file, at, (unsigned)len);
    int code;
    const char *text = gzerror(in->file, &code);
    if (got == (int)len)
        return 1;
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR))
        return err_set(detail, ERR_INPUT, "%s: block %" PRIu64 " of the file: %s", in->path,
                       in->index, text);
    if (got == 0 && in->block.len == len)
        return 0;
    return err_set(detail, ERR_INPUT,
                   "%s: the file ends in the middle of its block %" PRIu64
                   "; it was not written to its end",
                   in->path, in->index);
}

/* The whole item, header included, into in->block. */
static int read_item(struct input *in, struct err_detail *detail)
{
    buf_clear(&in->block);
    int got = read_exactly(in, 1, detail);
    if (got <= 0)
        return got;
    uint8_t first = in->block.data[0];
    if (first < 0xc0)
        return err_set(detail, ERR_INPUT,
                       "%s: block %" PRIu64 " of the file is no RLP list: not an exported chain",
                       in->path, in->index);
    size_t size = first - 0xc0u;
    if (first > 0xf7) {
        size_t digits = first - 0xf7u;
        got = read_exactly(in, digits, detail);
        if (got <= 0)
            return got;
        size = 0;
        for (size_t i = 0; i < digits; i++)
            size = size >> (CHAR_BIT * (sizeof(size) - 1)) ? SIZE_MAX
                                                           : size << 8 | in->block.data[1 + i];
    }
    if (size > CHAIN_BLOCK_SIZE_MAX)
        return err_set(detail, ERR_LIMIT,
                       "%s: block %" PRIu64 " of the file has %zu bytes, at most %d are accepted",
                       in->path, in->index, size, CHAIN_BLOCK_SIZE_MAX);
    return size ? read_exactly(in, size, detail) : 1;
}

static int next_of_file(void *context, struct chain_block **ret_block, struct err_detail *detail)
{
    struct input *in = context;
    int got = read_item(in, detail);
    if (got <= 0)
        return got;
    int err = chain_block_decode(ret_block, buf_bytes(&in->block), detail);
    if (err)
        return err_prefix(detail, err, "%s: block %" PRIu64 " of the file", in->path, in->index);
    in->index++;
    return 0;
}

static bool tell(void *context, const struct chain_progress *progress)
{
    const struct input *in = context;
    return !in->progress || in->progress(in->context, progress);
}

int chain_import_file(struct chain *chain, const char *path,
                      bool (*progress)(void *context, const struct chain_progress *progress),
                      void *context, struct err_detail *detail)
{
    struct input in = {.path = path, .progress = progress, .context = context};
    struct chain_progress done = {0};
    enum chain_verdict verdict;
    struct err_detail unused;
    if (!detail)
        detail = &unused;
    in.file = gzopen(path, "rb");
    if (!in.file) {
        int err = errno ? err_from_errno(errno) : ERR_NOMEM;
        return err_set(detail, err, "%s: %s", path, errno ? strerror(errno) : err_text(err));
    }
    gzbuffer(in.file, BUFFER_SIZE);
    buf_init(&in.block);
    const struct chain_source source = {next_of_file, tell, &in};
    int err = chain_import_source(chain, &verdict, &done, detail, &source);
    if (!err && verdict != CHAIN_VALID)
        err = err_prefix(detail, ERR_INPUT, "%s", path);
    buf_release(&in.block);
    gzclose(in.file);
    return err;
}

/* --- Export --- */

struct output {
    const char *path;
    gzFile file;
    struct buf pending;
    struct err_detail *detail;
};

static int flush(struct output *out)
{
    int err = buf_status(&out->pending);
    if (err)
        return err_set(out->detail, err, "%s: %s", out->path, err_text(err));
    if (out->pending.len &&
        gzwrite(out->file, out->pending.data, (unsigned)out->pending.len) <= 0) {
        int code;
        const char *text = gzerror(out->file, &code);
        err = code == Z_ERRNO ? err_from_errno(errno) : ERR_IO;
        return err_set(out->detail, err, "%s: %s", out->path,
                       code == Z_ERRNO ? strerror(errno) : text);
    }
    buf_clear(&out->pending);
    return 0;
}

static int export_block(struct output *out, struct chain_reader *reader, uint64_t number)
{
    struct bytes header, body;
    int err = chain_reader_header_rlp(reader, &header, number);
    if (!err)
        err = chain_reader_body_rlp(reader, &body, number);
    if (err == ERR_NOTFOUND)
        return err_set(out->detail, err, "export failed on #%" PRIu64 ": not found", number);
    if (err)
        return err_set(out->detail, err, "%s", reader->detail.text);
    size_t list = rlp_begin(&out->pending);
    buf_append_bytes(&out->pending, header);
    buf_append_bytes(&out->pending, body);
    rlp_end_list(&out->pending, list);
    return out->pending.len >= BUFFER_SIZE ? flush(out) : buf_status(&out->pending);
}

static int export_blocks(struct output *out, struct chain *chain, uint64_t first, uint64_t last)
{
    struct chain_reader reader;
    int err = chain_reader_open(&reader, chain);
    if (err)
        return err_set(out->detail, err, "%s", reader.detail.text);
    for (uint64_t number = first; number <= last && !err; number++)
        err = export_block(out, &reader, number);
    chain_reader_close(&reader);
    return err ? err : flush(out);
}

int chain_export_file(struct chain *chain, const char *path, uint64_t first, uint64_t last,
                      bool append, struct err_detail *detail)
{
    char temporary[PATH_MAX];
    struct err_detail unused;
    struct output out = {.path = path, .detail = detail ? detail : &unused};
    if (first > last)
        return err_set(detail, ERR_USAGE,
                       "export failed: first (%" PRIu64 ") is greater than last (%" PRIu64 ")",
                       first, last);
    /* A new file appears whole or not at all. */
    int size = snprintf(temporary, sizeof(temporary), "%s%s", path, append ? "" : ".part");
    if (size < 0 || (size_t)size >= sizeof(temporary))
        return err_set(detail, ERR_USAGE, "%s: the path is too long", path);
    char mode[4] = {append ? 'a' : 'w', 'b', is_compressed(path) ? '\0' : 'T', '\0'};
    out.file = gzopen(temporary, mode);
    if (!out.file)
        return err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
    buf_init(&out.pending);
    int err = export_blocks(&out, chain, first, last);
    buf_release(&out.pending);
    if (gzclose(out.file) != Z_OK && !err)
        err = err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
    if (append)
        return err;
    if (!err && rename(temporary, path))
        err = err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
    if (err)
        unlink(temporary);
    return err;
}
