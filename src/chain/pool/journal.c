/* Local transactions on disk: the file that grows, and its renewal. */
#include "base/mem.h"
#include "chain/pool/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Appended bytes after which the file is due to be written anew even if little of it is done,
     * some 600,000 transfers. */
    JOURNAL_DUE = 64 << 20,
    WRITE_AT_ONCE = 1 << 20,
};

struct chain_pool_rotation {
    struct chain_tx **txs;
    size_t count;
    char *path; /* of the new file */
    int fd;
    uint64_t written;
    int status;
    struct buf since; /* came after the beginning */
};

/* --- Files --- */

static int fail(struct err_detail *detail, const char *what, const char *path)
{
    int errnum = errno;
    return err_set(detail, err_from_errno(errnum), "transaction journal %s: cannot %s: %s", path,
                   what, strerror(errnum));
}

static int write_all(int fd, struct bytes data, const char *path, struct err_detail *detail)
{
    while (data.len) {
        ssize_t n = write(fd, data.data, data.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(detail, "write", path);
        data = bytes_slice(data, (size_t)n, data.len - (size_t)n);
    }
    return ERR_OK;
}

/* --- Appending --- */

void chain_pool_journal_note(struct chain_pool *pool, const struct chain_tx *tx)
{
    struct pool_journal *journal = &pool->journal;
    if (journal->fd < 0)
        return;
    chain_tx_write(&journal->pending, tx);
    if (journal->rotation)
        chain_tx_write(&journal->rotation->since, tx);
}

void chain_pool_journal_flush(struct chain_pool *pool)
{
    struct pool_journal *journal = &pool->journal;
    if (journal->pending.len == 0)
        return;
    struct err_detail detail;
    int rc = buf_status(&journal->pending);
    if (rc != ERR_OK)
        err_set(&detail, rc, "transaction journal %s: %s", journal->path, err_text(rc));
    else
        rc = write_all(journal->fd, buf_bytes(&journal->pending), journal->path, &detail);
    if (rc != ERR_OK && journal->status == ERR_OK) {
        journal->status = rc;
        journal->detail = detail;
    }
    journal->appended += journal->pending.len;
    if (journal->pending.capacity > WRITE_AT_ONCE)
        buf_release(&journal->pending);
    buf_clear(&journal->pending);
}

int chain_pool_journal_status(struct chain_pool *pool, struct err_detail *detail)
{
    int rc = pool->journal.status;
    pool->journal.status = ERR_OK;
    if (rc != ERR_OK && detail)
        *detail = pool->journal.detail;
    return rc;
}

bool chain_pool_journal_due(const struct chain_pool *pool)
{
    const struct pool_journal *journal = &pool->journal;
    return journal->fd >= 0 && !journal->rotation &&
           (journal->status != ERR_OK || journal->appended > JOURNAL_DUE + 2 * journal->live);
}

/* --- Writing anew --- */

static void free_rotation(struct chain_pool_rotation *rotation)
{
    for (size_t i = 0; i < rotation->count; i++)
        chain_tx_unref(rotation->txs[i]);
    if (rotation->fd >= 0) { /* it did not get into place */
        close(rotation->fd);
        unlink(rotation->path);
    }
    mem_free(rotation->txs);
    mem_free(rotation->path);
    buf_release(&rotation->since);
    mem_free(rotation);
}

static char *copy_path(const char *path, const char *suffix)
{
    size_t size = strlen(path) + strlen(suffix) + 1;
    char *copy = mem_alloc(size);
    if (copy)
        snprintf(copy, size, "%s%s", path, suffix);
    return copy;
}

static void collect(struct chain_pool *pool, struct chain_pool_rotation *rotation)
{
    const struct pool_heap *all = &pool->heaps[POOL_WIDEST];
    for (size_t i = 0; i < all->count; i++) {
        if (!all->items[i].account->local)
            continue;
        for (struct pool_tx *entry = all->items[i].account->first; entry; entry = entry->after)
            rotation->txs[rotation->count++] = chain_tx_ref(entry->tx);
    }
}

int chain_pool_journal_begin(struct chain_pool *pool, struct chain_pool_rotation **ret_rotation)
{
    assert(pool->journal.path && !pool->journal.rotation);
    struct chain_pool_rotation *rotation = mem_alloc_zeroed(1, sizeof(*rotation));
    if (!rotation)
        return ERR_NOMEM;
    rotation->fd = -1;
    rotation->status = ERR_USAGE; /* until it is written */
    rotation->path = copy_path(pool->journal.path, ".new");
    rotation->txs = mem_alloc(pool->local_count * sizeof(struct chain_tx *));
    if (!rotation->path || !rotation->txs) {
        free_rotation(rotation);
        return ERR_NOMEM;
    }
    collect(pool, rotation);
    pool->journal.rotation = *ret_rotation = rotation;
    return ERR_OK;
}

static int write_txs(struct chain_pool_rotation *rotation, struct err_detail *detail)
{
    struct buf b = BUF_INIT;
    int rc = ERR_OK;
    for (size_t i = 0; i < rotation->count && rc == ERR_OK; i++) {
        chain_tx_write(&b, rotation->txs[i]);
        if ((rc = buf_status(&b)) == ERR_OK &&
            (b.len >= WRITE_AT_ONCE || i + 1 == rotation->count)) {
            rc = write_all(rotation->fd, buf_bytes(&b), rotation->path, detail);
            rotation->written += b.len;
            buf_clear(&b);
        }
    }
    buf_release(&b);
    if (rc == ERR_OK && fsync(rotation->fd) != 0)
        rc = fail(detail, "sync", rotation->path);
    return rc;
}

int chain_pool_rotation_write(struct chain_pool_rotation *rotation, struct err_detail *detail)
{
    rotation->fd = open(rotation->path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    rotation->status = rotation->fd < 0 ? fail(detail, "make the file", rotation->path)
                                        : write_txs(rotation, detail);
    return rotation->status;
}

static int put_in_place(struct pool_journal *journal, struct chain_pool_rotation *rotation,
                        struct err_detail *detail)
{
    int rc = buf_status(&rotation->since);
    if (rc == ERR_OK)
        rc = write_all(rotation->fd, buf_bytes(&rotation->since), rotation->path, detail);
    if (rc == ERR_OK && rename(rotation->path, journal->path) != 0)
        rc = fail(detail, "rename to its place", rotation->path);
    if (rc != ERR_OK)
        return rc;
    if (journal->fd >= 0)
        close(journal->fd);
    journal->fd = rotation->fd;
    rotation->fd = -1;
    journal->live = rotation->written;
    journal->appended = rotation->since.len;
    return ERR_OK;
}

int chain_pool_journal_end(struct chain_pool *pool, struct chain_pool_rotation *rotation,
                           struct err_detail *detail)
{
    assert(pool->journal.rotation == rotation);
    int rc = rotation->status;
    if (rc == ERR_OK)
        rc = put_in_place(&pool->journal, rotation, detail);
    else
        err_set(detail, rc, "transaction journal %s: it was not written", rotation->path);
    pool->journal.rotation = NULL;
    if (rc != ERR_OK) /* not due again at once */
        pool->journal.live = pool->journal.appended;
    free_rotation(rotation);
    return rc;
}

int chain_pool_journal_open(struct chain_pool *pool, const char *path, struct err_detail *detail)
{
    assert(!pool->journal.path);
    struct chain_pool_rotation *rotation;
    pool->journal.path = copy_path(path, "");
    if (!pool->journal.path)
        return ERR_NOMEM;
    int rc = chain_pool_journal_begin(pool, &rotation);
    if (rc == ERR_OK) {
        rc = chain_pool_rotation_write(rotation, detail);
        int ended = chain_pool_journal_end(pool, rotation, rc == ERR_OK ? detail : NULL);
        rc = rc != ERR_OK ? rc : ended;
    }
    if (rc != ERR_OK) {
        mem_free(pool->journal.path);
        pool->journal.path = NULL;
    }
    return rc;
}

void chain_pool_journal_release(struct chain_pool *pool)
{
    struct pool_journal *journal = &pool->journal;
    assert(!journal->rotation);
    if (journal->fd >= 0)
        close(journal->fd);
    mem_free(journal->path);
    buf_release(&journal->pending);
}
