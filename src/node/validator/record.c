#include "node/validator/record.h"

#include "crypto/keccak.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* At the beginning of each file, in this machine's byte order: the file never leaves the machine. */
struct head {
    char magic[8];
    uint64_t sequence;
    uint64_t len;
    uint8_t checksum[32]; /* Keccak-256 of sequence, length and content */
};

static const char magic[8] = {'Q', 'R', 'E', 'C', 'O', 'R', 'D', '1'};

enum slot_state {
    SLOT_FRESH, /* never written */
    SLOT_GOOD,
    SLOT_DAMAGED, /* a write that was cut off, or a fault of the disk */
};

static void checksum(uint8_t ret_sum[32], const struct head *head, struct bytes content)
{
    struct crypto_keccak256 k;
    struct hash256 hash;
    crypto_keccak256_init(&k);
    crypto_keccak256_update(&k, bytes_of(&head->sequence, 2 * sizeof(uint64_t)));
    crypto_keccak256_update(&k, content);
    crypto_keccak256_final(&k, &hash);
    memcpy(ret_sum, hash.b, 32);
}

static int read_slot(int fd, struct buf *ret_content, uint64_t *ret_sequence,
                     enum slot_state *ret_state)
{
    static const struct head zero;
    struct head head;
    *ret_state = SLOT_DAMAGED;
    ssize_t got = pread(fd, &head, sizeof(head), 0);
    if (got < 0)
        return err_from_errno(errno);
    if (got == 0 || (got == (ssize_t)sizeof(head) && memcmp(&head, &zero, sizeof(head)) == 0)) {
        *ret_state = SLOT_FRESH;
        return ERR_OK;
    }
    if (got != (ssize_t)sizeof(head) || memcmp(head.magic, magic, sizeof(magic)) != 0 ||
        head.len > NODE_RECORD_MAX)
        return ERR_OK;
    uint8_t *content = buf_extend(ret_content, head.len);
    if (!content && head.len)
        return ERR_NOMEM;
    got = pread(fd, content, head.len, sizeof(head));
    if (got < 0)
        return err_from_errno(errno);
    uint8_t sum[32];
    if (got != (ssize_t)head.len)
        return ERR_OK;
    checksum(sum, &head, buf_bytes(ret_content));
    if (memcmp(sum, head.checksum, 32) != 0)
        return ERR_OK;
    *ret_sequence = head.sequence;
    *ret_state = SLOT_GOOD;
    return ERR_OK;
}

static int open_slot(struct node_record *record, const char *prefix, int i,
                     struct err_detail *detail)
{
    char path[4096];
    struct stat st;
    int len = snprintf(path, sizeof(path), "%s.%d", prefix, i);
    if (len >= (int)sizeof(path))
        return err_set(detail, ERR_LIMIT, "the path %s.%d is too long", prefix, i);
    if (i == 0)
        memcpy(record->path, path, (size_t)len + 1);
    record->files[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    if (record->files[i] < 0)
        return err_set(detail, err_from_errno(errno), "open %s: %s", path, strerror(errno));
    if (fstat(record->files[i], &st) == 0 && !S_ISREG(st.st_mode))
        return err_set(detail, ERR_INPUT, "%s is no regular file: move it away", path);
    if (fstat(record->files[i], &st) == 0 && st.st_size < NODE_RECORD_ROOM) {
        /* Not every file system can reserve; then a full disk is met later. */
        int error = posix_fallocate(record->files[i], 0, NODE_RECORD_ROOM);
        if (error == ENOSPC)
            return err_set(detail, ERR_NOSPACE,
                           "%s: no space left on the disk: free some, or move the "
                           "data directory",
                           path);
        if (error == 0 && fsync(record->files[i]) != 0)
            return err_set(detail, err_from_errno(errno), "sync %s: %s", path, strerror(errno));
    }
    return ERR_OK;
}

/* The first is written first: beside an empty one there is its first record, or the beginning of it, and nothing else. */
static bool was_lost(const enum slot_state state[2], const uint64_t sequence[2])
{
    return (state[0] == SLOT_FRESH && state[1] != SLOT_FRESH) ||
           (state[1] == SLOT_FRESH && state[0] == SLOT_GOOD && sequence[0] > 1);
}

static int read_newest(struct node_record *record, struct buf *ret_last, struct err_detail *detail)
{
    struct buf content[2] = {BUF_INIT, BUF_INIT};
    uint64_t sequence[2] = {0, 0}; /* 0: damaged or fresh */
    enum slot_state state[2] = {SLOT_FRESH, SLOT_FRESH};
    int status = ERR_OK;
    for (int i = 0; i < 2 && status == ERR_OK; i++)
        status = read_slot(record->files[i], &content[i], &sequence[i], &state[i]);
    if (status != ERR_OK) {
        err_set(detail, status, "read %s: %s", record->path, err_text(status));
    } else if (was_lost(state, sequence)) {
        status = err_set(
            detail, ERR_CORRUPT,
            "of %s and .1 one is empty: what this validator has signed last is not known. Once its "
            "peers are at a later block than it was, remove both files",
            record->path);
    } else if (state[0] == SLOT_FRESH || state[1] == SLOT_FRESH) {
        /* The files were being made: nothing was signed yet. From here on both hold something. */
        record->sequence = 0;
        record->next = 0;
        status = node_record_write(record, bytes_none(), detail);
        if (status == ERR_OK)
            status = node_record_write(record, bytes_none(), detail);
    } else if (state[0] == SLOT_DAMAGED && state[1] == SLOT_DAMAGED) {
        status = err_set(
            detail, ERR_CORRUPT,
            "%s and .1 are damaged: what this validator has signed last is not known. Once its "
            "peers are at a later block than it was, remove both files",
            record->path);
    } else {
        int newest = sequence[1] > sequence[0];
        record->sequence = sequence[newest];
        record->next = 1 - newest;
        buf_append_bytes(ret_last, buf_bytes(&content[newest]));
        status = buf_status(ret_last);
    }
    buf_release(&content[0]);
    buf_release(&content[1]);
    return status;
}

int node_record_open(struct node_record *ret_record, const char *prefix, struct buf *ret_last,
                     struct err_detail *detail)
{
    struct node_record record = {.files = {-1, -1}};
    int status = ERR_OK;
    for (int i = 0; i < 2 && status == ERR_OK; i++)
        status = open_slot(&record, prefix, i, detail);
    if (status == ERR_OK)
        status = read_newest(&record, ret_last, detail);
    if (status == ERR_OK)
        *ret_record = record;
    else
        node_record_close(&record);
    return status;
}

void node_record_close(struct node_record *record)
{
    for (int i = 0; i < 2; i++) {
        if (record->files[i] >= 0)
            close(record->files[i]);
        record->files[i] = -1;
    }
}

int node_record_write(struct node_record *record, struct bytes content, struct err_detail *detail)
{
    if (content.len > NODE_RECORD_MAX)
        return err_set(detail, ERR_LIMIT, "a consensus record of %zu bytes is over the limit",
                       content.len);
    struct head head = {.sequence = record->sequence + 1, .len = content.len};
    memcpy(head.magic, magic, sizeof(magic));
    checksum(head.checksum, &head, content);
    struct iovec parts[2] = {{&head, sizeof(head)}, {(void *)(uintptr_t)content.data, content.len}};
    int fd = record->files[record->next];
    ssize_t written = pwritev(fd, parts, 2, 0);
    if (written != (ssize_t)(sizeof(head) + content.len)) {
        int error = written < 0 ? errno : ENOSPC;
        return err_set(detail, err_from_errno(error), "write %s: %s", record->path,
                       strerror(error));
    }
    if (fdatasync(fd) != 0)
        return err_set(detail, err_from_errno(errno), "sync %s: %s", record->path, strerror(errno));
    record->sequence++;
    record->next = 1 - record->next;
    return ERR_OK;
}
