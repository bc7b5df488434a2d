#include "tm/store/migrate.h"

#include "base/base64.h"
#include "crypto/sha3.h"
#include "tm/store/source.h"

#include <stdio.h>

enum {
    COMMIT_ROWS = 256,
    COMMIT_BYTES = 16 << 20,
    ARENA_LIMIT = 8 * TMPROTO_PAYLOAD_MAX, /* what reading and opening one payload may take */
};

struct migration {
    const struct tm_migrate_options *options;
    struct tm_migrate_progress progress;
    struct tm_session *session;
    size_t open_rows, open_bytes; /* of the transaction under way */
    struct arena arena;
};

static void complain(struct migration *m, struct bytes hash, const char *what)
{
    char text[64 + 4 * TM_STORE_HASH_MAX + 512], name[2 * TM_STORE_HASH_MAX] = "";
    if (!m->options->complain)
        return;
    if (hash.len <= TM_STORE_HASH_MAX) {
        base64_encode(name, hash);
        name[base64_length(hash.len)] = 0;
    }
    snprintf(text, sizeof(text), "%s: %s", hash.len ? name : "a row without hash", what);
    m->options->complain(m->options->context, text);
}

static void report(struct migration *m)
{
    if (m->options->progress)
        m->options->progress(m->options->context, &m->progress);
}

static int commit(struct migration *m, struct err_detail *detail)
{
    if (m->open_rows == 0)
        return 0;
    m->open_rows = m->open_bytes = 0;
    int status = m->session->ops->commit(m->session, detail);
    if (status == 0)
        report(m);
    return status;
}

/* A hash names its cipher text: SHA3-512, or SHA-512/256 in orion mode. */
static bool is_hash_of(struct bytes hash, struct bytes cipher_text)
{
    uint8_t made[TMPROTO_HASH_SIZE];
    struct hash256 orion;
    if (hash.len == sizeof(orion.b)) {
        crypto_sha512_256(&orion, cipher_text);
        return bytes_equal(hash, bytes_of(orion.b, sizeof(orion.b)));
    }
    tmproto_payload_hash(made, cipher_text);
    return bytes_equal(hash, bytes_of(made, sizeof(made)));
}

/* Whether a payload may be stored; *ret_foreign when none of our keys opens it. 1, 0, or a failure. */
static int check_payload(struct migration *m, bool *ret_foreign, const struct tm_store_payload *row,
                         struct err_detail *detail)
{
    struct tmproto_payload payload;
    struct bytes data;
    struct err_detail why = {""};
    arena_clear(&m->arena);
    *ret_foreign = false;
    int status = tmproto_payload_decode(&payload, &m->arena, row->codec, row->data, &why);
    if (status == ERR_NOMEM)
        return err_set(detail, status, "out of memory");
    if (status < 0) {
        complain(m, row->hash, why.text);
        return 0;
    }
    if (!is_hash_of(row->hash, payload.cipher_text)) {
        complain(m, row->hash, "the hash is not that of the cipher text");
        return 0;
    }
    if (!m->options->enclave)
        return 1;
    status = tm_enclave_decrypt_any(m->options->enclave, &data, NULL, &m->arena, &payload, detail);
    *ret_foreign = status > 0;
    return status < 0 ? status : 1;
}

static int check_raw(struct migration *m, bool *ret_foreign, const struct tm_store_raw *row,
                     struct err_detail *detail)
{
    struct bytes data;
    struct tm_enclave_raw raw = {row->cipher_text, row->encrypted_key, row->nonce, row->sender};
    arena_clear(&m->arena);
    *ret_foreign = false;
    if (!is_hash_of(row->hash, row->cipher_text)) {
        complain(m, row->hash, "the hash is not that of the cipher text (raw)");
        return 0;
    }
    if (!m->options->enclave)
        return 1;
    int status = tm_enclave_decrypt_raw(m->options->enclave, &data, &m->arena, &raw, detail);
    *ret_foreign = status > 0;
    return status < 0 ? status : 1;
}

static int run(struct migration *m, struct tm_store_request *r, struct err_detail *detail)
{
    arena_clear(&r->arena);
    tm_store_request_reset(r);
    return m->session->ops->run(m->session, r, detail);
}

/* Whether what is stored under the name of r is the same. Leaves r as it was, but for its answer. */
static int compare(struct migration *m, bool *ret_same, struct tm_store_request *r,
                   const struct tm_source_row *row, struct err_detail *detail)
{
    bool raw = row->kind == TM_SOURCE_RAW;
    r->op = raw ? TM_STORE_OP_GET_RAW : TM_STORE_OP_GET;
    r->key = raw ? row->raw.hash : row->payload.hash;
    int status = run(m, r, detail);
    if (status < 0)
        return status;
    *ret_same = r->answer.count == 1 &&
                (raw ? bytes_equal(r->answer.raws[0].cipher_text, row->raw.cipher_text) &&
                           bytes_equal(r->answer.raws[0].encrypted_key, row->raw.encrypted_key)
                     : bytes_equal(r->answer.payloads[0].data, row->payload.data));
    return 0;
}

static int put(struct migration *m, const struct tm_source_row *row, bool foreign,
               struct err_detail *detail)
{
    static const enum tm_store_op ops[] = {[TM_SOURCE_PAYLOAD] = TM_STORE_OP_PUT,
                                           [TM_SOURCE_RAW] = TM_STORE_OP_PUT_RAW,
                                           [TM_SOURCE_GROUP] = TM_STORE_OP_PUT_GROUP};
    struct tm_store_request r = {.op = ops[row->kind],
                                 .payload = row->payload,
                                 .raw = row->raw,
                                 .group = row->group,
                                 .limit = 1};
    bool same = true;
    arena_init(&r.arena);
    int status = run(m, &r, detail);
    int outcome = r.answer.status;
    if (status == 0 && outcome == TM_STORE_EXISTS)
        status = compare(m, &same, &r, row, detail);
    arena_release(&r.arena);
    if (status < 0)
        return status;
    if (!same) {
        m->progress.conflict++;
        complain(m, row->kind == TM_SOURCE_RAW ? row->raw.hash : row->payload.hash,
                 "something else is stored under this hash already");
        return 0;
    }
    m->progress.stored += outcome == TM_STORE_DONE;
    m->progress.present += outcome == TM_STORE_EXISTS;
    m->progress.raws += row->kind == TM_SOURCE_RAW;
    m->progress.groups += row->kind == TM_SOURCE_GROUP;
    m->progress.foreign += foreign;
    if (foreign)
        complain(m, row->kind == TM_SOURCE_RAW ? row->raw.hash : row->payload.hash,
                 "none of the configured keys opens it (it has been stored)");
    return 0;
}

static int take_row(void *context, const struct tm_source_row *row, struct err_detail *detail)
{
    struct migration *m = context;
    bool foreign = false;
    int good = 1, status = 0;
    if (m->options->stop && m->options->stop(m->options->context))
        return err_set(detail, ERR_BUSY,
                       "broken off; what was committed stays, and starting again goes on");
    m->progress.seen++;
    struct bytes hash = row->kind == TM_SOURCE_RAW ? row->raw.hash : row->payload.hash;
    if (row->trouble) {
        complain(m, hash, row->trouble);
        good = 0;
    } else if (hash.len > TM_STORE_HASH_MAX || row->group.id.len > TM_STORE_HASH_MAX) {
        complain(m, bytes_none(), "its hash is too long");
        good = 0;
    } else if (row->kind == TM_SOURCE_PAYLOAD) {
        good = check_payload(m, &foreign, &row->payload, detail);
    } else if (row->kind == TM_SOURCE_RAW) {
        good = check_raw(m, &foreign, &row->raw, detail);
    }
    if (good < 0)
        return good;
    if (!good) {
        m->progress.damaged++;
        return 0;
    }
    if (m->open_rows == 0)
        status = m->session->ops->begin(m->session, detail);
    if (status == 0)
        status = put(m, row, foreign, detail);
    if (status < 0) {
        m->session->ops->rollback(m->session);
        m->open_rows = 0;
        return status;
    }
    m->open_rows++;
    m->open_bytes += row->payload.data.len + row->raw.cipher_text.len;
    return m->open_rows >= COMMIT_ROWS || m->open_bytes >= COMMIT_BYTES ? commit(m, detail) : 0;
}

static void take_total(void *context, uint64_t total)
{
    struct migration *m = context;
    m->progress.total = total;
}

int tm_migrate(struct tm_migrate_progress *ret_progress, const struct tm_migrate_options *options,
               struct err_detail *detail)
{
    struct migration m = {.options = options};
    struct tm_source source = {take_row, take_total, &m};
    struct tm_store_place place;
    struct tm_store_options to = options->to;
    to.beside_h2 = true;
    int status = tm_store_place_init(&place, &to, detail);
    if (status < 0)
        return err_prefix(detail, status, "the new database");
    arena_init_limited(&m.arena, ARENA_LIMIT);
    status = tm_session_open(&m.session, &place, true, options->to.note, options->to.note_context,
                             NULL, detail);
    if (status < 0) {
        err_prefix(detail, status, "the new database");
    } else {
        status = tm_source_read(&source, options->from, options->from_username,
                                options->from_password, detail);
        /* what was read before a failure of the source is good, and stays */
        struct err_detail ending = {""};
        int ended = commit(&m, status < 0 ? &ending : detail);
        if (status == 0)
            status = ended;
        report(&m);
    }
    tm_session_close(m.session);
    arena_release(&m.arena);
    tm_store_place_release(&place);
    *ret_progress = m.progress;
    return status;
}
