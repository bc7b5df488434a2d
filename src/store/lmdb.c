/*
 * The store on disk: one LMDB environment in a folder (data.mdb, lock.mdb).
 *
 * The map is made far larger than any store gets, since it costs address space only; the file grows
 * with what is written. Pages are written with pwrite, never through the map, so that a stray
 * pointer cannot damage the store.
 */
#include "base/mem.h"
#include "store/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DEFAULT_MAP_SIZE  ((uint64_t)1 << 40)
#define SMALLEST_MAP_SIZE ((uint64_t)1 << 28)
enum { DEFAULT_READERS = 1024 };

struct lmdb_store {
    struct store base;
    MDB_env *env;
    char *path;
    int lock; /* the folder, locked while this store may write; -1 = none */
    MDB_dbi tables[STORE_TABLES_MAX];
};

struct lmdb_txn {
    struct store_txn base;
    MDB_txn *txn;
    MDB_cursor *append[STORE_TABLES_MAX]; /* at the end of a table; closed with the transaction */
};

struct lmdb_cursor {
    struct store_cursor base;
    MDB_cursor *cursor;
};

static MDB_val val_of(struct bytes b)
{
    return (MDB_val){b.len, (void *)(uintptr_t)b.data};
}

static struct bytes bytes_of_val(const MDB_val *v)
{
    return bytes_of(v->mv_data, v->mv_size);
}

static bool is_full(const char *path)
{
    enum { LITTLE = 1 << 20 };
    struct statvfs disk;
    return statvfs(path, &disk) == 0 && disk.f_bavail * disk.f_frsize < LITTLE;
}

/* The code for LMDB's, with a message that says what to do. */
static int failed(const struct lmdb_store *store, struct err_detail *detail, int rc)
{
    const char *path = store->path;
    if (rc == EIO && is_full(path))
        rc = ENOSPC; /* what LMDB says of a write that took a part of its bytes */
    switch (rc) {
    case MDB_MAP_FULL:
        return err_set(detail, ERR_NOSPACE, "%s: the store has reached its map size; raise it",
                       path);
    case ENOSPC:
    case EDQUOT:
        return err_set(detail, ERR_NOSPACE, "%s: no space left on the disk; make room and restart",
                       path);
    case MDB_INVALID:
        return err_set(detail, ERR_CORRUPT,
                       "%s: data.mdb is not a store; move it away or restore it", path);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        return err_set(detail, ERR_CORRUPT,
                       "%s: data.mdb is damaged (%s); restore the folder from a copy", path,
                       mdb_strerror(rc));
    case MDB_VERSION_MISMATCH:
        return err_set(detail, ERR_UNSUPPORTED, "%s: written by another version of LMDB", path);
    case MDB_READERS_FULL:
        return err_set(detail, ERR_BUSY,
                       "%s: too many read transactions at once; raise max_readers", path);
    case MDB_MAP_RESIZED:
        return err_set(detail, ERR_BUSY, "%s: another process made the store larger; open it again",
                       path);
    case EAGAIN:
    case EBUSY:
        return err_set(detail, ERR_BUSY, "%s: in use by another process", path);
    case MDB_TXN_FULL:
        return err_set(detail, ERR_LIMIT, "%s: too many changes in one transaction", path);
    case ENOMEM:
        return err_set(detail, ERR_NOMEM, "%s: out of memory", path);
    default:
        return err_set(detail, rc > 0 ? err_from_errno(rc) : ERR_IO, "%s: %s", path,
                       mdb_strerror(rc));
    }
}

static int txn_failed(struct store_txn *txn, int rc)
{
    return rc == MDB_NOTFOUND ? ERR_NOTFOUND
                              : failed((struct lmdb_store *)txn->store, txn->detail, rc);
}

static void lmdb_free(struct store *base)
{
    struct lmdb_store *store = (struct lmdb_store *)base;
    if (store->env)
        mdb_env_close(store->env);
    if (store->lock >= 0)
        close(store->lock);
    mem_free(store->path);
    mem_free(store);
}

static int lmdb_sync(struct store *base, struct err_detail *detail)
{
    struct lmdb_store *store = (struct lmdb_store *)base;
    int rc = mdb_env_sync(store->env, 1);
    return rc ? failed(store, detail, rc) : ERR_OK;
}

static int lmdb_begin(struct store *base, struct store_txn **ret_txn, bool write,
                      struct err_detail *detail)
{
    struct lmdb_store *store = (struct lmdb_store *)base;
    struct lmdb_txn *txn = mem_alloc_zeroed(1, sizeof(*txn));
    if (!txn)
        return failed(store, detail, ENOMEM);
    unsigned flags = write ? 0 : MDB_RDONLY;
    int rc = mdb_txn_begin(store->env, NULL, flags, &txn->txn), dead;
    if (rc == MDB_READERS_FULL && mdb_reader_check(store->env, &dead) == 0 && dead > 0)
        rc = mdb_txn_begin(store->env, NULL, flags, &txn->txn); /* killed readers made room */
    if (rc) {
        mem_free(txn);
        return failed(store, detail, rc);
    }
    *ret_txn = &txn->base;
    return ERR_OK;
}

static int lmdb_commit(struct store_txn *base)
{
    struct lmdb_txn *txn = (struct lmdb_txn *)base;
    int rc = mdb_txn_commit(txn->txn);
    int status = rc ? txn_failed(base, rc) : ERR_OK;
    mem_free(txn);
    return status;
}

static void lmdb_abort(struct store_txn *base)
{
    struct lmdb_txn *txn = (struct lmdb_txn *)base;
    mdb_txn_abort(txn->txn);
    mem_free(txn);
}

static MDB_dbi table_of(const struct store_txn *txn, unsigned table)
{
    return ((const struct lmdb_store *)txn->store)->tables[table];
}

static int lmdb_get(struct store_txn *base, struct bytes *ret_value, unsigned table,
                    struct bytes key)
{
    MDB_val k = val_of(key), v;
    int rc = mdb_get(((struct lmdb_txn *)base)->txn, table_of(base, table), &k, &v);
    if (rc)
        return txn_failed(base, rc);
    *ret_value = bytes_of_val(&v);
    return ERR_OK;
}

/* Appending through a cursor that stays at the end saves the way down from the root. */
static int append(struct lmdb_txn *txn, unsigned table, MDB_val *key, MDB_val *value)
{
    int rc = 0;
    if (!txn->append[table])
        rc = mdb_cursor_open(txn->txn, table_of(&txn->base, table), &txn->append[table]);
    if (rc == 0)
        rc = mdb_cursor_put(txn->append[table], key, value, MDB_APPEND);
    assert(rc != MDB_KEYEXIST);
    return rc;
}

static int lmdb_put(struct store_txn *base, unsigned table, struct bytes key, struct bytes value,
                    enum store_put mode)
{
    struct lmdb_txn *txn = (struct lmdb_txn *)base;
    MDB_val k = val_of(key), v = val_of(value);
    int rc = mode == STORE_APPEND ? append(txn, table, &k, &v)
                                  : mdb_put(txn->txn, table_of(base, table), &k, &v,
                                            mode == STORE_INSERT ? MDB_NOOVERWRITE : 0);
    if (rc == MDB_KEYEXIST)
        return err_set(base->detail, ERR_EXISTS, "a key is in its table already");
    return rc ? txn_failed(base, rc) : ERR_OK;
}

static int lmdb_delete(struct store_txn *base, unsigned table, struct bytes key)
{
    MDB_val k = val_of(key);
    int rc = mdb_del(((struct lmdb_txn *)base)->txn, table_of(base, table), &k, NULL);
    return rc ? txn_failed(base, rc) : ERR_OK;
}

static int lmdb_count(struct store_txn *base, uint64_t *ret_count, unsigned table)
{
    MDB_stat stat;
    int rc = mdb_stat(((struct lmdb_txn *)base)->txn, table_of(base, table), &stat);
    if (rc)
        return txn_failed(base, rc);
    *ret_count = stat.ms_entries;
    return ERR_OK;
}

static int lmdb_cursor_new(struct store_cursor **ret_cursor, struct store_txn *base, unsigned table)
{
    struct lmdb_cursor *cursor = mem_alloc_zeroed(1, sizeof(*cursor));
    if (!cursor)
        return txn_failed(base, ENOMEM);
    int rc =
        mdb_cursor_open(((struct lmdb_txn *)base)->txn, table_of(base, table), &cursor->cursor);
    if (rc) {
        mem_free(cursor);
        return txn_failed(base, rc);
    }
    *ret_cursor = &cursor->base;
    return ERR_OK;
}

static void lmdb_cursor_free(struct store_cursor *base)
{
    struct lmdb_cursor *cursor = (struct lmdb_cursor *)base;
    mdb_cursor_close(cursor->cursor);
    mem_free(cursor);
}

static int lmdb_cursor_move(struct store_cursor *base, struct bytes *ret_key,
                            struct bytes *ret_value, enum store_move move, struct bytes key)
{
    static const MDB_cursor_op ops[] = {
        [STORE_MOVE_FIRST] = MDB_FIRST,    [STORE_MOVE_LAST] = MDB_LAST,
        [STORE_MOVE_SEEK] = MDB_SET_RANGE, [STORE_MOVE_NEXT] = MDB_NEXT,
        [STORE_MOVE_PREV] = MDB_PREV,
    };
    MDB_val k = val_of(key), v;
    int rc = mdb_cursor_get(((struct lmdb_cursor *)base)->cursor, &k, &v, ops[move]);
    if (rc)
        return txn_failed(base->txn, rc);
    *ret_key = bytes_of_val(&k);
    *ret_value = bytes_of_val(&v);
    return ERR_OK;
}

static const struct store_ops lmdb_ops = {
    .free = lmdb_free,
    .sync = lmdb_sync,
    .begin = lmdb_begin,
    .commit = lmdb_commit,
    .abort = lmdb_abort,
    .get = lmdb_get,
    .put = lmdb_put,
    .delete = lmdb_delete,
    .count = lmdb_count,
    .cursor_new = lmdb_cursor_new,
    .cursor_free = lmdb_cursor_free,
    .cursor_move = lmdb_cursor_move,
};

/* Not ERR_NOTFOUND: what is there may be on a disk that is not mounted, and nothing is to be made in its place. */
static int leads_nowhere(const char *path, struct err_detail *detail)
{
    return err_set(detail, ERR_IO,
                   "%s is a link to what is not there; mount the disk it leads to, or remove it",
                   path);
}

/* Makes the folder and locks it. A lock of flock belongs to the open file, so a second store of the
 * same process is kept out too, which LMDB could not bear. */
static int lock_folder(struct lmdb_store *store, struct err_detail *detail)
{
    const char *path = store->path;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        int errnum = errno;
        return err_set(detail, err_from_errno(errnum), "cannot make the folder %s: %s", path,
                       strerror(errnum));
    }
    store->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->lock < 0) {
        int errnum = errno;
        if (errnum == ENOENT)
            return leads_nowhere(path, detail);
        return err_set(detail, err_from_errno(errnum), "cannot open the folder %s: %s", path,
                       strerror(errnum));
    }
    if (flock(store->lock, LOCK_EX | LOCK_NB) != 0)
        return err_set(detail, errno == EWOULDBLOCK ? ERR_BUSY : err_from_errno(errno),
                       "%s: in use by another process; stop it or choose another folder", path);
    return ERR_OK;
}

/* What LMDB would fail at with an errno that names nothing, or wait for. */
static int check_files(const struct lmdb_store *store, struct err_detail *detail)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        char path[PATH_MAX];
        struct stat info;
        if (snprintf(path, sizeof(path), "%s/%s", store->path, names[i]) >= (int)sizeof(path))
            return err_set(detail, ERR_LIMIT, "%s: the path is too long", store->path);
        if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
            return err_set(detail, ERR_CORRUPT,
                           "%s: %s is no regular file; move it away or restore it", store->path,
                           names[i]);
        if (stat(path, &info) != 0 && errno == ENOENT && lstat(path, &info) == 0)
            return leads_nowhere(path, detail);
    }
    return ERR_OK;
}

static int open_env(struct lmdb_store *store, const struct store_lmdb_options *options,
                    uint64_t map_size)
{
    static const unsigned sync_flags[] = {
        [STORE_SYNC_COMMIT] = 0,
        [STORE_SYNC_LAZY] = MDB_NOMETASYNC,
        [STORE_SYNC_NONE] = MDB_NOSYNC,
    };
    unsigned readers = options->max_readers ? options->max_readers : DEFAULT_READERS;
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | sync_flags[options->sync] |
                     (options->read_only ? MDB_RDONLY : 0);
    int rc = mdb_env_create(&store->env);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(store->env, STORE_TABLES_MAX);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(store->env, readers);
    if (rc == 0)
        rc = mdb_env_set_mapsize(store->env, map_size);
    if (rc == 0)
        rc = mdb_env_open(store->env, store->path, flags, 0600);
    if (rc && store->env) {
        mdb_env_close(store->env); /* a failed open leaves nothing else to do */
        store->env = NULL;
    }
    return rc;
}

/* A map as large as the system grants. */
static int open_env_largest(struct lmdb_store *store, const struct store_lmdb_options *options,
                            struct err_detail *detail)
{
    uint64_t map_size = options->map_size ? options->map_size : DEFAULT_MAP_SIZE;
    int rc = open_env(store, options, map_size);
    while (rc == ENOMEM && !options->map_size && map_size > SMALLEST_MAP_SIZE) {
        map_size /= 2;
        rc = open_env(store, options, map_size);
    }
    if (rc == ENOENT)
        return err_set(detail, ERR_NOTFOUND, "%s: there is no store", store->path);
    if (rc == ENOMEM)
        return err_set(detail, ERR_LIMIT,
                       "%s: no address space for a map of %llu bytes; raise the limit (ulimit -v)",
                       store->path, (unsigned long long)map_size);
    return rc ? failed(store, detail, rc) : ERR_OK;
}

/*
 * Reading a page behind the end of the file would kill the process. A file may be short for a good
 * reason (pages given back in the transaction that took them are never written) or because its end
 * was lost. Holes make both readable; LMDB finds an empty page damaged where it needs one.
 */
static int fill_to_size(struct lmdb_store *store, bool read_only, struct err_detail *detail)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    mdb_filehandle_t fd;
    int rc = mdb_env_info(store->env, &info);
    if (rc == 0)
        rc = mdb_env_stat(store->env, &stat);
    if (rc == 0)
        rc = mdb_env_get_fd(store->env, &fd);
    if (rc == 0 && fstat(fd, &file) != 0)
        rc = errno;
    if (rc)
        return failed(store, detail, rc);
    uint64_t size = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    if ((uint64_t)file.st_size >= size)
        return ERR_OK;
    if (read_only)
        return err_set(detail, ERR_CORRUPT,
                       "%s: data.mdb is shorter than its content; open it for writing once, or "
                       "restore the folder from a copy",
                       store->path);
    return ftruncate(fd, (off_t)size) == 0 ? ERR_OK : failed(store, detail, errno);
}

static int open_table(struct lmdb_store *store, MDB_txn *txn, unsigned index,
                      const struct store_table *table, bool read_only, struct err_detail *detail)
{
    unsigned wanted = table->key == STORE_KEY_U64 ? MDB_INTEGERKEY : 0, found;
    int rc = mdb_dbi_open(txn, table->name, wanted | (read_only ? 0 : MDB_CREATE),
                          &store->tables[index]);
    if (rc == MDB_NOTFOUND)
        return err_set(detail, ERR_UNSUPPORTED, "%s: the store has no table %s", store->path,
                       table->name);
    if (rc == 0)
        rc = mdb_dbi_flags(txn, store->tables[index], &found);
    if (rc)
        return failed(store, detail, rc);
    if (wanted != (found & MDB_INTEGERKEY))
        return err_set(detail, ERR_UNSUPPORTED,
                       "%s: table %s has keys of another kind; written by another version",
                       store->path, table->name);
    return ERR_OK;
}

static int open_tables(struct lmdb_store *store, const struct store_table *tables,
                       size_t table_count, bool read_only, struct err_detail *detail)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(store->env, NULL, read_only ? MDB_RDONLY : 0, &txn);
    if (rc)
        return failed(store, detail, rc);
    for (unsigned i = 0; i < table_count; i++) {
        int status = open_table(store, txn, i, &tables[i], read_only, detail);
        if (status != ERR_OK) {
            mdb_txn_abort(txn);
            return status;
        }
    }
    rc = mdb_txn_commit(txn);
    return rc ? failed(store, detail, rc) : ERR_OK;
}

static int open_all(struct lmdb_store *store, const struct store_table *tables, size_t table_count,
                    const struct store_lmdb_options *options, struct err_detail *detail)
{
    bool read_only = options->read_only;
    int status = read_only ? ERR_OK : lock_folder(store, detail), dead;
    if (status == ERR_OK)
        status = check_files(store, detail);
    if (status == ERR_OK)
        status = open_env_largest(store, options, detail);
    if (status == ERR_OK)
        status = fill_to_size(store, read_only, detail);
    if (status == ERR_OK && !read_only)
        (void)mdb_reader_check(store->env, &dead); /* frees slots of killed readers, if it can */
    if (status == ERR_OK)
        status = open_tables(store, tables, table_count, read_only, detail);
    return status;
}

/* One that is not open yet. */
static int make(struct lmdb_store **ret_store, const char *path, struct err_detail *detail)
{
    struct lmdb_store *store = mem_alloc_zeroed(1, sizeof(*store));
    size_t path_size = strlen(path) + 1;
    char *path_copy = mem_alloc(path_size);
    if (!store || !path_copy) {
        mem_free(store);
        mem_free(path_copy);
        return err_set(detail, ERR_NOMEM, "%s: out of memory", path);
    }
    memcpy(path_copy, path, path_size);
    store->path = path_copy;
    store->lock = -1;
    *ret_store = store;
    return ERR_OK;
}

int store_lmdb_new(struct store **ret_store, const char *path, const struct store_table *tables,
                   size_t table_count, const struct store_lmdb_options *options,
                   struct err_detail *detail)
{
    static const struct store_lmdb_options defaults;
    static_assert(sizeof(size_t) == sizeof(uint64_t), "LMDB's integer keys are size_t");
    struct lmdb_store *store = NULL;
    int status = make(&store, path, detail);
    if (status != ERR_OK)
        return status;
    store_setup(&store->base, &lmdb_ops, tables, table_count);
    status = open_all(store, tables, table_count, options ? options : &defaults, detail);
    if (status != ERR_OK) {
        lmdb_free(&store->base);
        return status;
    }
    *ret_store = &store->base;
    return ERR_OK;
}

/* Compacted, by a read transaction: writers go on. Where LMDB counts pages that nobody owns it does not compact; then all pages are
 * copied. */
static int copy_to(struct lmdb_store *store, int fd, const char *to, struct err_detail *detail)
{
    int rc = mdb_env_copyfd2(store->env, fd, MDB_CP_COMPACT);
    if (rc == MDB_CORRUPTED || rc == MDB_INCOMPATIBLE)
        rc = ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0
                 ? errno
                 : mdb_env_copyfd2(store->env, fd, 0);
    if (rc == 0 && fsync(fd) != 0)
        rc = errno;
    if (rc == ENOSPC || rc == EDQUOT || (rc == EIO && is_full(to)))
        return err_set(detail, ERR_NOSPACE, "cannot write %s: no space left on the disk", to);
    return rc ? failed(store, detail, rc) : ERR_OK;
}

int store_lmdb_copy(const char *path, const char *to, struct err_detail *detail)
{
    static const struct store_lmdb_options reading = {.read_only = true};
    struct lmdb_store *store = NULL;
    int status = make(&store, path, detail);
    if (status != ERR_OK)
        return status;
    status = check_files(store, detail);
    if (status == ERR_OK)
        status = open_env_largest(store, &reading, detail);
    int fd = status == ERR_OK ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (status == ERR_OK && fd < 0)
        status = err_set(detail, err_from_errno(errno), "cannot make %s: %s", to, strerror(errno));
    if (fd >= 0) {
        status = copy_to(store, fd, to, detail);
        close(fd);
        if (status != ERR_OK)
            unlink(to);
    }
    lmdb_free(&store->base);
    return status;
}
