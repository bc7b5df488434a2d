/* Which source it is, and a Tessera database as one. */
#include "tm/store/source.h"

#include "tm/store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE_ROWS = 256 };

/* Runs one request on a session, with what it needs cleared before. */
static int ask(struct tm_session *session, struct tm_store_request *r, struct err_detail *detail)
{
    arena_clear(&r->arena);
    tm_store_request_reset(r);
    return session->ops->run(session, r, detail);
}

/* Row `i` of what was answered, and its hash. */
static struct bytes take_row(struct tm_source_row *ret_row, enum tm_source_kind kind,
                             const struct tm_store_answer *answer, size_t i)
{
    *ret_row = (struct tm_source_row){.kind = kind};
    if (kind == TM_SOURCE_PAYLOAD)
        ret_row->payload = answer->payloads[i];
    else
        ret_row->raw = answer->raws[i];
    return kind == TM_SOURCE_PAYLOAD ? ret_row->payload.hash : ret_row->raw.hash;
}

/* A whole table, page by page in the order of its hashes. */
static int read_pages(const struct tm_source *source, struct tm_session *session,
                      struct tm_store_request *r, enum tm_source_kind kind,
                      struct err_detail *detail)
{
    uint8_t after[TM_STORE_HASH_MAX];
    r->op = kind == TM_SOURCE_PAYLOAD ? TM_STORE_OP_PAGE : TM_STORE_OP_PAGE_RAW;
    r->key = bytes_none();
    int status;
    do {
        struct bytes last = bytes_none();
        status = ask(session, r, detail);
        for (size_t i = 0; status == 0 && i < r->answer.count; i++) {
            struct tm_source_row row;
            last = take_row(&row, kind, &r->answer, i);
            status = source->row(source->context, &row, detail);
        }
        if (status == 0 && r->answer.more) {
            if (last.len > sizeof(after))
                return err_set(detail, ERR_CORRUPT, "a HASH of %zu bytes", last.len);
            memcpy(after, last.data, last.len);
            r->key = bytes_of(after, last.len);
        }
    } while (status == 0 && r->answer.more);
    return status;
}

static int read_groups(const struct tm_source *source, struct tm_session *session,
                       struct tm_store_request *r, struct err_detail *detail)
{
    r->op = TM_STORE_OP_FIND_GROUPS;
    r->key = bytes_none();
    int status = ask(session, r, detail);
    for (size_t i = 0; status == 0 && i < r->answer.count; i++) {
        struct tm_source_row row = {.kind = TM_SOURCE_GROUP, .group = r->answer.groups[i]};
        status = source->row(source->context, &row, detail);
    }
    return status;
}

static int read_tessera(const struct tm_source *source, const struct tm_store_place *place,
                        struct err_detail *detail)
{
    struct tm_session *session;
    struct tm_store_request r = {.limit = PAGE_ROWS, .op = TM_STORE_OP_COUNT};
    int status = tm_session_open(&session, place, false, NULL, NULL, NULL, detail);
    if (status < 0)
        return status;
    arena_init(&r.arena);
    status = ask(session, &r, detail);
    if (status == 0 && source->total)
        source->total(source->context, r.answer.count);
    if (status == 0)
        status = read_pages(source, session, &r, TM_SOURCE_PAYLOAD, detail);
    r.limit = PAGE_ROWS;
    if (status == 0)
        status = read_pages(source, session, &r, TM_SOURCE_RAW, detail);
    if (status == 0)
        status = read_groups(source, session, &r, detail);
    arena_release(&r.arena);
    tm_session_close(session);
    return status;
}

static int read_database(const struct tm_source *source, const char *from, const char *username,
                         const char *password, struct err_detail *detail)
{
    struct tm_store_place place;
    bool constellation = false;
    int status = tm_store_place_init(
        &place, &(struct tm_store_options){.url = from, .username = username, .password = password},
        detail);
    if (status < 0)
        return status;
    place.read_only = true;
    place.create = false;
    if (strncasecmp(from, "jdbc:h2:", 8) == 0 || strncasecmp(from, "h2:", 3) == 0)
        status =
            err_set(detail, ERR_UNSUPPORTED,
                    "H2's files are read by Java only: export them by SCRIPT and give the .sql "
                    "file (docs/tm-storage.md)");
    else if (place.product == TM_STORE_SQLITE && place.is_new)
        status = err_set(detail, ERR_NOTFOUND, "%s: no such file", place.path);
    else if (place.product == TM_STORE_SQLITE)
        status = tm_source_read_constellation_sqlite(source, &constellation, place.path, detail);
    if (status == 0 && !constellation)
        status = read_tessera(source, &place, detail);
    tm_store_place_release(&place);
    return status;
}

/* A whole file as bytes, however large: the system brings in what is read. */
static int read_mapped(const struct tm_source *source, const char *path,
                       int (*read)(const struct tm_source *, struct bytes, struct err_detail *),
                       struct err_detail *detail)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status = 0; /* a pipe is refused */
    void *text = NULL;
    if (fd < 0 || fstat(fd, &st) < 0)
        status = err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        status = err_set(
            detail, ERR_INPUT,
            "%s: not a file; give the output of `db_dump P/payload.db`, or of H2's SCRIPT", path);
    if (status == 0 && st.st_size > 0) {
        text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (text == MAP_FAILED) {
            text = NULL;
            status = err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
        } else {
            (void)madvise(text, (size_t)st.st_size, MADV_SEQUENTIAL); /* only a hint */
        }
    }
    if (status == 0) {
        status = read(source, bytes_of(text, text ? (size_t)st.st_size : 0), detail);
        if (status < 0)
            err_prefix(detail, status, "%s", path);
    }
    if (text)
        munmap(text, (size_t)st.st_size);
    if (fd >= 0)
        close(fd);
    return status;
}

/* A path without a word before it that says what it is. */
static int refuse_path(const char *path, struct err_detail *detail)
{
    if (access(path, F_OK) != 0)
        return err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
    if (tm_sqlite_is_h2(path))
        return err_prefix(detail, tm_sqlite_refuse_h2(detail), "%s", path);
    return err_set(detail, ERR_INPUT,
                   "%s: say what it is: jdbc:sqlite:FILE, FILE.sql (of H2's SCRIPT), dir:FOLDER or "
                   "bdb:FILE (of Constellation's; docs/tm-storage.md)",
                   path);
}

int tm_source_read(const struct tm_source *source, const char *from, const char *username,
                   const char *password, struct err_detail *detail)
{
    size_t len = strlen(from);
    if (strncmp(from, "dir:", 4) == 0)
        return tm_source_read_folder(source, from + 4, detail);
    if (strncmp(from, "bdb:", 4) == 0)
        return read_mapped(source, from + 4, tm_source_read_dump, detail);
    if (strncmp(from, "leveldb:", 8) == 0)
        return err_set(detail, ERR_UNSUPPORTED, "Constellation's leveldb storage is not supported");
    if (len > 4 && strcasecmp(from + len - 4, ".sql") == 0 && !strchr(from, ':'))
        return read_mapped(source, from, tm_source_read_h2, detail);
    if (!strchr(from, ':'))
        return refuse_path(from, detail);
    return read_database(source, from, username, password, detail);
}
