/* Reading a journal of transactions, piece by piece, up to its end or its first fault. */
#include "base/mem.h"
#include "chain/pool/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_AT_ONCE = 1 << 20 };

struct chain_pool_journal_reader {
    int fd;
    char *path;
    struct buf content; /* read, and not decoded before `at` */
    size_t at;
    uint64_t offset; /* in the file, of content.data */
    bool is_quorum;
    uint64_t arrival;
    bool ended; /* nothing is left in the file */
    int fault;  /* found, not told yet */
    struct err_detail detail;
};

/* The size of the item that begins here, as far as its header is there; 0 when more is needed. */
static uint64_t item_size(struct bytes b)
{
    if (b.len == 0)
        return 0;
    unsigned first = b.data[0];
    unsigned base = first < 0xc0 ? 0x80 : 0xc0;
    if (first < base)
        return 1;
    if (first - base <= 55)
        return 1 + (uint64_t)(first - base);
    unsigned bytes = first - base - 55;
    uint64_t size = 0;
    if (b.len < 1 + (size_t)bytes)
        return 0;
    for (unsigned i = 0; i < bytes; i++)
        size = size << 8 | b.data[1 + i];
    return size > UINT64_MAX - 9 ? UINT64_MAX : size + 1 + bytes;
}

/* One transaction from the front. 0 with *ret_tx NULL: more bytes are needed. */
static int decode_one(struct bytes content, bool is_quorum, uint64_t arrival,
                      struct chain_tx **ret_tx, size_t *ret_size, struct err_detail *detail)
{
    uint64_t size = item_size(content);
    *ret_tx = NULL;
    *ret_size = 0;
    if (size > CHAIN_TX_SIZE_MAX)
        return err_set(detail, ERR_INPUT, "an item of %llu bytes", (unsigned long long)size);
    if (size == 0 || size > content.len)
        return ERR_OK;
    struct rlp_reader r;
    rlp_reader_init(&r, bytes_slice(content, 0, size));
    int rc = chain_tx_read(ret_tx, &r, is_quorum, arrival, detail);
    if (rc == ERR_OK)
        *ret_size = size;
    return rc;
}

int chain_pool_journal_decode(struct bytes content, bool is_quorum, struct chain_tx **ret_txs,
                              size_t max, size_t *ret_count, size_t *ret_sound,
                              struct err_detail *detail)
{
    int rc = ERR_OK;
    size_t at = 0, count = 0, size;
    while (rc == ERR_OK && count < max && at < content.len) {
        struct bytes rest = bytes_slice(content, at, content.len - at);
        rc = decode_one(rest, is_quorum, 0, &ret_txs[count], &size, detail);
        if (rc == ERR_OK && !ret_txs[count])
            rc = err_set(detail, ERR_INPUT, "the end of a transaction is missing");
        if (rc == ERR_OK) {
            count++;
            at += size;
        }
    }
    *ret_count = count;
    *ret_sound = at;
    return rc == ERR_OK ? ERR_OK : err_prefix(detail, rc, "at byte %zu", at);
}

int chain_pool_journal_reader_new(struct chain_pool_journal_reader **ret_reader, const char *path,
                                  bool is_quorum, uint64_t now, struct err_detail *detail)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is not waited for */
    if (fd < 0) {
        int errnum = errno;
        return err_set(detail, err_from_errno(errnum), "transaction journal %s: %s", path,
                       strerror(errnum));
    }
    if (fstat(fd, &info) == 0 && !S_ISREG(info.st_mode)) {
        close(fd);
        return err_set(detail, ERR_IO, "transaction journal %s: no regular file", path);
    }
    struct chain_pool_journal_reader *reader = mem_alloc_zeroed(1, sizeof(*reader));
    char *copy = mem_alloc(strlen(path) + 1);
    if (!reader || !copy) {
        mem_free(reader);
        mem_free(copy);
        close(fd);
        return ERR_NOMEM;
    }
    memcpy(copy, path, strlen(path) + 1);
    reader->fd = fd;
    reader->path = copy;
    reader->is_quorum = is_quorum;
    reader->arrival = now;
    buf_init(&reader->content);
    *ret_reader = reader;
    return ERR_OK;
}

void chain_pool_journal_reader_free(struct chain_pool_journal_reader *reader)
{
    if (!reader)
        return;
    close(reader->fd);
    mem_free(reader->path);
    buf_release(&reader->content);
    mem_free(reader);
}

static int read_more(struct chain_pool_journal_reader *reader, struct err_detail *detail)
{
    struct buf *content = &reader->content;
    if (reader->at) {
        memmove(content->data, content->data + reader->at, content->len - reader->at);
        content->len -= reader->at;
        reader->offset += reader->at;
        reader->at = 0;
    }
    int rc = buf_reserve(content, READ_AT_ONCE);
    if (rc != ERR_OK)
        return rc;
    ssize_t n;
    do
        n = read(reader->fd, content->data + content->len, READ_AT_ONCE);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        int errnum = errno;
        return err_set(detail, err_from_errno(errnum), "transaction journal %s: cannot read: %s",
                       reader->path, strerror(errnum));
    }
    reader->ended = n == 0;
    content->len += (size_t)n;
    return ERR_OK;
}

/* One transaction, NULL at the end or at a fault, which is kept. */
static int next_tx(struct chain_pool_journal_reader *reader, struct chain_tx **ret_tx,
                   struct err_detail *detail)
{
    size_t size;
    for (;;) {
        struct bytes rest =
            bytes_slice(buf_bytes(&reader->content), reader->at, reader->content.len - reader->at);
        int rc =
            decode_one(rest, reader->is_quorum, reader->arrival, ret_tx, &size, &reader->detail);
        reader->at += size;
        if (rc == ERR_NOMEM || *ret_tx)
            return rc;
        if (rc == ERR_OK && reader->ended && rest.len)
            rc = err_set(&reader->detail, ERR_CORRUPT, "the end of a transaction is missing");
        if (rc != ERR_OK) {
            reader->fault =
                err_prefix(&reader->detail, ERR_CORRUPT, "transaction journal %s: at byte %llu",
                           reader->path, (unsigned long long)(reader->offset + reader->at));
            buf_clear(&reader->content);
            reader->at = 0;
            reader->ended = true;
        }
        if (reader->ended)
            return ERR_OK;
        if ((rc = read_more(reader, detail)) != ERR_OK)
            return rc;
    }
}

int chain_pool_journal_read(struct chain_pool_journal_reader *reader, struct chain_tx **ret_txs,
                            size_t max, size_t *ret_count, struct err_detail *detail)
{
    size_t count = 0;
    while (count < max) {
        int rc = next_tx(reader, &ret_txs[count], detail);
        if (rc != ERR_OK) {
            while (count)
                chain_tx_unref(ret_txs[--count]);
            return rc;
        }
        if (!ret_txs[count])
            break;
        count++;
    }
    if (count == 0 && reader->fault) {
        int fault = reader->fault;
        reader->fault = ERR_OK;
        if (detail)
            *detail = reader->detail;
        return fault;
    }
    *ret_count = count;
    return ERR_OK;
}
