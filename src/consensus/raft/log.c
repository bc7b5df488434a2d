#include "base/mem.h"
#include "consensus/raft/state.h"

struct raft_blob *raft_blob_new(struct bytes data)
{
    struct raft_blob *blob = mem_alloc(sizeof(*blob) + data.len);
    if (!blob)
        return NULL;
    blob->references = 1;
    blob->len = data.len;
    if (data.len)
        memcpy(blob->data, data.data, data.len);
    return blob;
}

void raft_blob_unref(struct raft_blob *blob)
{
    if (blob && --blob->references == 0)
        mem_free(blob);
}

void raft_entries_release(struct raft_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        raft_blob_unref(entries[i].blob);
    mem_free(entries);
}

/* --- Looking --- */

uint64_t raft_log_last(const struct raft_log *log)
{
    return log->offset + log->count;
}

int raft_log_term(const struct raft_log *log, uint64_t index, uint64_t *ret_term)
{
    *ret_term = 0;
    if (index < log->offset)
        return ERR_NOTFOUND;
    if (index > raft_log_last(log))
        return ERR_OK;
    *ret_term =
        index == log->offset ? log->offset_term : log->entries[index - log->offset - 1].term;
    return ERR_OK;
}

uint64_t raft_log_last_term(const struct raft_log *log)
{
    return log->count ? log->entries[log->count - 1].term : log->offset_term;
}

bool raft_log_matches(const struct raft_log *log, uint64_t index, uint64_t term)
{
    uint64_t have;
    return index <= raft_log_last(log) && raft_log_term(log, index, &have) == ERR_OK &&
           have == term;
}

bool raft_log_up_to_date(const struct raft_log *log, uint64_t index, uint64_t term)
{
    uint64_t last = raft_log_last_term(log);
    return term > last || (term == last && index >= raft_log_last(log));
}

/* --- Changing --- */

static void drop_from(struct raft_log *log, size_t keep)
{
    while (log->count > keep)
        raft_blob_unref(log->entries[--log->count].blob);
}

/* The copy that the log keeps: an entry without data has no blob. */
static int hold(struct raft_entry *ret, const struct raft_entry *from)
{
    *ret = *from;
    if (from->blob) {
        from->blob->references++;
        return ERR_OK;
    }
    if (!from->data.data)
        return ERR_OK;
    ret->blob = raft_blob_new(from->data);
    if (!ret->blob)
        return ERR_NOMEM;
    ret->data = bytes_of(ret->blob->data, ret->blob->len);
    return ERR_OK;
}

int raft_log_append(struct raft_log *log, const struct raft_entry *entries, size_t count)
{
    if (count == 0)
        return ERR_OK;
    uint64_t before = entries[0].index - 1;
    assert(before >= log->committed && before >= log->offset && before <= raft_log_last(log));
    size_t at = (size_t)(before - log->offset);
    int status = MEM_RESERVE(log->entries, log->capacity, at + count, 64);
    if (status != ERR_OK)
        return status;
    drop_from(log, at);
    if (log->stable > before)
        log->stable = before;
    for (size_t i = 0; i < count; i++) {
        status = hold(&log->entries[log->count], &entries[i]);
        if (status != ERR_OK)
            return status;
        log->count++;
    }
    return ERR_OK;
}

int raft_log_slice(const struct raft_log *log, uint64_t from, uint64_t to, size_t bytes,
                   struct raft_entry **ret_entries, size_t *ret_count)
{
    if (from <= log->offset)
        return ERR_NOTFOUND;
    assert(to <= raft_log_last(log) + 1);
    size_t count = 0, size = 0;
    const struct raft_entry *first = log->entries + (from - log->offset - 1);
    for (; from + count < to && count < RAFT_ENTRIES_MAX; count++) {
        size += raft_entry_size(&first[count]);
        if (count && size > bytes)
            break;
    }
    struct raft_entry *copy = NULL;
    if (count) {
        copy = mem_alloc(count * sizeof(*copy));
        if (!copy)
            return ERR_NOMEM;
        memcpy(copy, first, count * sizeof(*copy));
    }
    for (size_t i = 0; i < count; i++)
        if (copy[i].blob)
            copy[i].blob->references++;
    *ret_entries = copy;
    *ret_count = count;
    return ERR_OK;
}

void raft_log_cut(struct raft_log *log, uint64_t index)
{
    if (index <= log->offset)
        return;
    assert(index <= log->applied && index <= raft_log_last(log));
    size_t count = (size_t)(index - log->offset);
    uint64_t term = log->entries[count - 1].term;
    for (size_t i = 0; i < count; i++)
        raft_blob_unref(log->entries[i].blob);
    log->count -= count;
    memmove(log->entries, log->entries + count, log->count * sizeof(*log->entries));
    log->offset = index;
    log->offset_term = term;
}

void raft_log_reset(struct raft_log *log, uint64_t index, uint64_t term)
{
    drop_from(log, 0);
    log->offset = index;
    log->offset_term = term;
    log->stable = log->handed = log->applied = log->committed = index;
}
