#include "cluster/log.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

enum { HARD = 1, ENTRY, SNAPSHOT, RECEIVED, MEMBER };
enum { MAGIC_SIZE = 8, HEAD_SIZE = 9, REWRITE_FACTOR = 4 };
static const char magic[] = "QRAFTLG1";

/* Where a live entry's record lies. */
struct place {
    uint64_t index, offset;
    uint32_t size;
};

struct cluster_log {
    char path[PATH_MAX];
    int fd;
    uint64_t id, size;
    struct raft_hard_state hard;
    struct buf snapshot; /* the last one's payload; empty: none */
    uint64_t snapshot_index;
    struct place *places; /* of the live entries, by index */
    size_t count, capacity;
    struct buf out;

    /* What was read. */
    struct buf file;
    struct arena arena;
    struct raft_snapshot decoded;
    struct raft_entry *entries;
    struct cluster_log_content content;
};

/* --- Numbers --- */

static void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static uint64_t get_u64(const uint8_t *from)
{
    return get_u32(from) | (uint64_t)get_u32(from + 4) << 32;
}

static void append_u64(struct buf *b, uint64_t value)
{
    uint8_t le[8];
    put_u32(le, (uint32_t)value);
    put_u32(le + 4, (uint32_t)(value >> 32));
    buf_append(b, le, sizeof(le));
}

/* --- Records --- */

static size_t begin_record(struct buf *b, uint8_t type)
{
    size_t at = b->len;
    static const uint8_t zeros[HEAD_SIZE - 1];
    buf_append(b, zeros, sizeof(zeros));
    buf_append_byte(b, type);
    return at;
}

static void end_record(struct buf *b, size_t at)
{
    if (buf_status(b) != ERR_OK)
        return;
    put_u32(b->data + at, (uint32_t)(b->len - at - HEAD_SIZE));
    put_u32(b->data + at + 4, (uint32_t)crc32_z(0, b->data + at + 8, b->len - at - 8));
}

static void write_hard(struct buf *b, const struct raft_hard_state *hard)
{
    size_t at = begin_record(b, HARD);
    append_u64(b, hard->term);
    append_u64(b, hard->vote);
    append_u64(b, hard->commit);
    end_record(b, at);
}

static void write_member(struct buf *b, uint64_t id)
{
    size_t at = begin_record(b, MEMBER);
    append_u64(b, id);
    end_record(b, at);
}

/* Length of a sound record at the beginning of `data`, 0: none. */
static size_t sound_record(struct bytes data)
{
    if (data.len < HEAD_SIZE)
        return 0;
    uint64_t len = get_u32(data.data);
    if (len > RAFT_MESSAGE_MAX || len + HEAD_SIZE > data.len ||
        crc32_z(0, data.data + 8, (size_t)len + 1) != get_u32(data.data + 4))
        return 0;
    return (size_t)len + HEAD_SIZE;
}

/* --- The live entries --- */

static void forget_from(struct cluster_log *log, uint64_t index)
{
    while (log->count && log->places[log->count - 1].index >= index)
        log->count--;
}

static void forget_to(struct cluster_log *log, uint64_t index)
{
    size_t gone = 0;
    while (gone < log->count && log->places[gone].index <= index)
        gone++;
    log->count -= gone;
    if (gone)
        memmove(log->places, log->places + gone, log->count * sizeof(*log->places));
}

static int reserve(struct cluster_log *log, size_t more)
{
    return MEM_RESERVE(log->places, log->capacity, log->count + more, 256);
}

static void remember(struct cluster_log *log, uint64_t index, uint64_t offset, size_t size)
{
    forget_from(log, index);
    log->places[log->count++] = (struct place){index, offset, (uint32_t)size};
}

/* --- Writing --- */

static int fail(struct cluster_log *log, struct err_detail *detail, int errnum, const char *what)
{
    return err_set(detail, err_from_errno(errnum), "%s: %s: %s", log->path, what, strerror(errnum));
}

static int write_all(int fd, uint64_t offset, struct bytes data)
{
    while (data.len) {
        ssize_t n = pwrite(fd, data.data, data.len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        offset += (uint64_t)n;
        data = bytes_slice(data, (size_t)n, data.len - (size_t)n);
    }
    return 0;
}

/* `out` behind what is there, durably. A failed write is cut off, so that a later one begins at the same place. */
static int append_out(struct cluster_log *log, struct err_detail *detail)
{
    if (buf_status(&log->out) != ERR_OK)
        return err_set(detail, ERR_NOMEM, "%s: %s", log->path, err_text(ERR_NOMEM));
    int errnum = write_all(log->fd, log->size, buf_bytes(&log->out));
    if (errnum == 0 && fdatasync(log->fd) != 0)
        errnum = errno;
    if (errnum) {
        int ignored = ftruncate(log->fd, (off_t)log->size);
        (void)ignored; /* the next start cuts it off as well */
        return fail(log, detail, errnum, "it cannot be written");
    }
    log->size += log->out.len;
    return ERR_OK;
}

static int keep_snapshot(struct cluster_log *log, const struct raft_snapshot *s)
{
    struct buf payload = BUF_INIT;
    raft_snapshot_write(&payload, s);
    if (buf_status(&payload) != ERR_OK) {
        buf_release(&payload);
        return ERR_NOMEM;
    }
    buf_release(&log->snapshot);
    log->snapshot = payload;
    log->snapshot_index = s->index;
    return ERR_OK;
}

int cluster_log_write(struct cluster_log *log, const struct raft_ready *r,
                      struct err_detail *detail)
{
    struct buf *b = &log->out;
    buf_clear(b);
    if (reserve(log, r->entry_count) != ERR_OK)
        return err_set(detail, ERR_NOMEM, "%s: %s", log->path, err_text(ERR_NOMEM));
    if (r->snapshot) {
        size_t at = begin_record(b, RECEIVED);
        raft_snapshot_write(b, &r->snapshot->snapshot);
        end_record(b, at);
    }
    size_t first = b->len;
    for (size_t i = 0; i < r->entry_count; i++) {
        size_t at = begin_record(b, ENTRY);
        raft_entry_write(b, &r->entries[i]);
        end_record(b, at);
    }
    if (r->has_hard)
        write_hard(b, &r->hard);
    if (b->len == 0)
        return ERR_OK;
    uint64_t before = log->size;
    int status = append_out(log, detail);
    if (status == ERR_OK && r->snapshot) {
        status = keep_snapshot(log, &r->snapshot->snapshot);
        log->count = 0;
    }
    for (size_t i = 0; i < r->entry_count && status == ERR_OK; i++) {
        size_t size = get_u32(b->data + first) + HEAD_SIZE;
        remember(log, r->entries[i].index, before + first, size);
        first += size;
    }
    if (r->has_hard)
        log->hard = r->hard;
    return status;
}

/* --- Writing anew --- */

static void write_live(struct cluster_log *log, struct buf *b, struct place *moved)
{
    buf_append(b, magic, MAGIC_SIZE);
    write_member(b, log->id);
    if (log->snapshot.len) {
        size_t at = begin_record(b, SNAPSHOT);
        buf_append_bytes(b, buf_bytes(&log->snapshot));
        end_record(b, at);
    }
    for (size_t i = 0; i < log->count; i++) {
        moved[i] = log->places[i];
        moved[i].offset = b->len;
        uint8_t *room = buf_extend(b, log->places[i].size);
        ssize_t n =
            room ? pread(log->fd, room, log->places[i].size, (off_t)log->places[i].offset) : -1;
        if (n != (ssize_t)log->places[i].size && b->status == ERR_OK)
            b->status = ERR_IO;
    }
    write_hard(b, &log->hard);
}

static int sync_folder(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof(copy), "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int errnum = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return errnum;
}

/* A whole new file in place of the old one, locked as that was. */
static int replace(struct cluster_log *log, struct bytes content, struct err_detail *detail)
{
    char temporary[PATH_MAX + 8];
    snprintf(temporary, sizeof(temporary), "%s.new", log->path);
    int fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(log, detail, errno, "it cannot be written anew");
    int errnum = write_all(fd, 0, content);
    if (errnum == 0 &&
        (fsync(fd) != 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || rename(temporary, log->path) != 0))
        errnum = errno;
    if (errnum) {
        close(fd);
        unlink(temporary);
        return fail(log, detail, errnum, "it cannot be written anew");
    }
    if (log->fd >= 0)
        close(log->fd);
    log->fd = fd;
    log->size = content.len;
    errnum = sync_folder(log->path);
    return errnum ? fail(log, detail, errnum, "its folder cannot be synced") : ERR_OK;
}

static int rewrite(struct cluster_log *log, struct err_detail *detail)
{
    struct buf b = BUF_INIT;
    struct place *moved = mem_alloc((log->count + 1) * sizeof(*moved));
    int status = moved ? ERR_OK : ERR_NOMEM;
    if (status == ERR_OK) {
        write_live(log, &b, moved);
        status = buf_status(&b);
    }
    if (status == ERR_OK)
        status = replace(log, buf_bytes(&b), detail);
    else
        err_set(detail, status, "%s: it cannot be written anew: %s", log->path, err_text(status));
    if (status == ERR_OK && log->count)
        memcpy(log->places, moved, log->count * sizeof(*moved));
    mem_free(moved);
    buf_release(&b);
    return status;
}

static uint64_t live_size(const struct cluster_log *log)
{
    uint64_t size = log->snapshot.len;
    for (size_t i = 0; i < log->count; i++)
        size += log->places[i].size;
    return size;
}

int cluster_log_snapshot(struct cluster_log *log, const struct raft_snapshot *s,
                         struct err_detail *detail)
{
    buf_clear(&log->out);
    size_t at = begin_record(&log->out, SNAPSHOT);
    raft_snapshot_write(&log->out, s);
    end_record(&log->out, at);
    int status = append_out(log, detail);
    if (status == ERR_OK)
        status = keep_snapshot(log, s);
    if (status != ERR_OK)
        return status;
    forget_to(log, s->index);
    if (log->size < CLUSTER_LOG_SMALL || log->size < REWRITE_FACTOR * live_size(log))
        return ERR_OK;
    return rewrite(log, detail);
}

uint64_t cluster_log_size(const struct cluster_log *log)
{
    return log->size;
}

/* --- Reading --- */

static int damaged(struct cluster_log *log, struct err_detail *detail, uint64_t offset,
                   const char *why)
{
    return err_set(detail, ERR_CORRUPT,
                   "%s: at byte %" PRIu64 ": %s. The chain is not touched: remove this member from "
                   "the cluster (raft_removePeer), move the file away, add it again (raft_addPeer) "
                   "and start it with --raftjoinexisting",
                   log->path, offset, why);
}

static int take_entry(struct cluster_log *log, uint64_t offset, struct bytes payload)
{
    struct raft_entry e;
    int status = raft_entry_decode(&e, payload, NULL);
    if (status == ERR_OK)
        status = reserve(log, 1);
    if (status != ERR_OK)
        return status;
    uint64_t last = log->count ? log->places[log->count - 1].index : log->snapshot_index;
    if (e.index <= log->snapshot_index || e.index > last + 1)
        return ERR_INPUT;
    remember(log, e.index, offset, payload.len + HEAD_SIZE);
    return ERR_OK;
}

static int take_snapshot(struct cluster_log *log, struct bytes payload, bool received)
{
    struct raft_snapshot s;
    int status = raft_snapshot_decode(&s, &log->arena, payload, NULL);
    if (status == ERR_OK)
        status = keep_snapshot(log, &s);
    if (status != ERR_OK)
        return status;
    if (received)
        log->count = 0;
    else
        forget_to(log, s.index);
    return ERR_OK;
}

static int take_record(struct cluster_log *log, uint64_t offset, uint8_t type, struct bytes payload)
{
    const uint8_t *at = payload.data;
    switch (type) {
    case HARD:
        if (payload.len != 24)
            return ERR_INPUT;
        log->hard = (struct raft_hard_state){get_u64(at), get_u64(at + 8), get_u64(at + 16)};
        return ERR_OK;
    case ENTRY:
        return take_entry(log, offset, payload);
    case SNAPSHOT:
    case RECEIVED:
        return take_snapshot(log, payload, type == RECEIVED);
    case MEMBER:
        return payload.len == 8 && get_u64(at) == log->id ? ERR_OK : ERR_EXISTS;
    default:
        return ERR_INPUT;
    }
}

/* Whether a sound record begins anywhere behind what could not be read: then that is damage, not an end. */
static bool sound_behind(struct bytes rest)
{
    for (size_t at = 1; at + HEAD_SIZE < rest.len; at++)
        if (rest.data[at + 8] >= HARD && rest.data[at + 8] <= MEMBER &&
            sound_record(bytes_slice(rest, at, rest.len - at)))
            return true;
    return false;
}

static int read_records(struct cluster_log *log, struct err_detail *detail)
{
    struct bytes all = buf_bytes(&log->file);
    uint64_t at = MAGIC_SIZE;
    if (all.len < MAGIC_SIZE || memcmp(all.data, magic, MAGIC_SIZE) != 0)
        return damaged(log, detail, 0, "it is no raft log");
    while (at < all.len) {
        struct bytes rest = bytes_slice(all, (size_t)at, all.len - (size_t)at);
        size_t size = sound_record(rest);
        if (!size) {
            if (sound_behind(rest))
                return damaged(log, detail, at, "a record is damaged");
            break;
        }
        int status =
            take_record(log, at, rest.data[8], bytes_slice(rest, HEAD_SIZE, size - HEAD_SIZE));
        if (status == ERR_EXISTS)
            return err_set(detail, ERR_EXISTS,
                           "%s is the log of another raft id than %" PRIu64
                           ": a member that joins needs a folder without one (--raftlogdir)",
                           log->path, log->id);
        if (status == ERR_NOMEM)
            return err_set(detail, status, "%s: %s", log->path, err_text(status));
        if (status != ERR_OK)
            return damaged(log, detail, at, "a record does not fit those before it");
        at += size;
    }
    log->size = at;
    log->content.cut = all.len - at;
    return ERR_OK;
}

static int fill_content(struct cluster_log *log, struct err_detail *detail)
{
    struct cluster_log_content *c = &log->content;
    int status = ERR_OK;
    c->hard = log->hard;
    c->entries = log->entries = mem_alloc((log->count + 1) * sizeof(*log->entries));
    if (!log->entries)
        status = ERR_NOMEM;
    for (size_t i = 0; i < log->count && status == ERR_OK; i++)
        status = raft_entry_decode(&log->entries[i],
                                   bytes_slice(buf_bytes(&log->file),
                                               (size_t)log->places[i].offset + HEAD_SIZE,
                                               log->places[i].size - HEAD_SIZE),
                                   detail);
    c->entry_count = log->count;
    if (status == ERR_OK && log->snapshot.len) {
        status =
            raft_snapshot_decode(&log->decoded, &log->arena, buf_bytes(&log->snapshot), detail);
        c->snapshot = &log->decoded;
    }
    return status == ERR_OK ? ERR_OK
                            : err_set(detail, status, "%s: %s", log->path, err_text(status));
}

static int read_file(struct cluster_log *log, struct err_detail *detail)
{
    int status = file_read_regular(log->path, SIZE_MAX, &log->file, detail);
    if (status == ERR_OK)
        status = read_records(log, detail);
    if (status == ERR_OK && log->content.cut && ftruncate(log->fd, (off_t)log->size) != 0)
        status = fail(log, detail, errno, "its unfinished end cannot be cut off");
    return status == ERR_OK ? fill_content(log, detail) : status;
}

static int make_file(struct cluster_log *log, struct err_detail *detail)
{
    struct buf b = BUF_INIT;
    log->content.fresh = true;
    buf_append(&b, magic, MAGIC_SIZE);
    write_member(&b, log->id);
    int status = buf_status(&b);
    if (status == ERR_OK)
        status = replace(log, buf_bytes(&b), detail);
    buf_release(&b);
    return status;
}

int cluster_log_open(struct cluster_log **ret_log, const char *path, uint64_t id,
                     struct err_detail *detail)
{
    struct cluster_log *log = mem_alloc_zeroed(1, sizeof(*log));
    if (!log || strlen(path) >= sizeof(log->path)) {
        mem_free(log);
        return err_set(detail, log ? ERR_LIMIT : ERR_NOMEM, "%s: the path is too long", path);
    }
    memcpy(log->path, path, strlen(path) + 1);
    log->id = id;
    arena_init(&log->arena);
    log->fd = open(path, O_RDWR | O_CLOEXEC);
    int status = ERR_OK;
    if (log->fd < 0)
        status = errno == ENOENT ? make_file(log, detail)
                                 : fail(log, detail, errno, "it cannot be opened");
    else if (flock(log->fd, LOCK_EX | LOCK_NB) != 0)
        status = err_set(detail, ERR_BUSY, "%s is in use by another process", path);
    else
        status = read_file(log, detail);
    if (status != ERR_OK) {
        cluster_log_close(log);
        return status;
    }
    *ret_log = log;
    return ERR_OK;
}

const struct cluster_log_content *cluster_log_content(const struct cluster_log *log)
{
    return &log->content;
}

void cluster_log_forget(struct cluster_log *log)
{
    buf_release(&log->file);
    arena_release(&log->arena);
    arena_init(&log->arena);
    mem_free(log->entries);
    log->entries = NULL;
    log->content = (struct cluster_log_content){.fresh = log->content.fresh};
}

void cluster_log_close(struct cluster_log *log)
{
    if (!log)
        return;
    cluster_log_forget(log);
    arena_release(&log->arena);
    if (log->fd >= 0)
        close(log->fd);
    buf_release(&log->snapshot);
    buf_release(&log->out);
    mem_free(log->places);
    mem_free(log);
}
