/* The enclave's work, done in this process. */
#include "base/mem.h"
#include "crypto/random.h"
#include "crypto/sha3.h"
#include "tm/enclave/enclave_priv.h"

struct master {
    uint8_t b[TM_ENCRYPTOR_SHARED_MAX];
    size_t len;
};

static struct bytes master_bytes(const struct master *m)
{
    return bytes_of(m->b, m->len);
}

/* Random bytes in the arena. */
static int random_bytes(struct bytes *ret, struct arena *arena, size_t len)
{
    uint8_t *data = arena_alloc(arena, len);
    int status = data ? crypto_random(data, len) : ERR_NOMEM;
    if (status == 0)
        *ret = bytes_of(data, len);
    return status;
}

static int seal(const struct tm_enclave *enclave, struct bytes *ret_box, struct arena *arena,
                struct bytes data, struct bytes nonce, struct bytes key)
{
    uint8_t *box = arena_alloc(arena, data.len + TM_ENCRYPTOR_MAC);
    int status = box ? tm_encryptor_seal(&enclave->encryptor, box, data, nonce, key) : ERR_NOMEM;
    if (status == 0)
        *ret_box = bytes_of(box, data.len + TM_ENCRYPTOR_MAC);
    return status;
}

/* Opens a box with what own key `own` shares with `theirs`: DONE, NOT_OPENED, BAD_KEY or a failure. */
static int open_master(struct tm_enclave *enclave, struct master *ret_master, struct bytes box,
                       struct bytes nonce, size_t own, struct bytes theirs,
                       struct err_detail *detail)
{
    struct bytes shared;
    if (box.len < TM_ENCRYPTOR_MAC || box.len - TM_ENCRYPTOR_MAC > sizeof(ret_master->b))
        return TM_ENCLAVE_NOT_OPENED;
    int status = tm_enclave_shared(enclave, &shared, own, theirs, detail);
    if (status)
        return status;
    status = tm_encryptor_open(&enclave->encryptor, ret_master->b, box, nonce, shared);
    if (status < 0)
        return tm_enclave_fail(detail, status);
    ret_master->len = box.len - TM_ENCRYPTOR_MAC;
    return status ? TM_ENCLAVE_DONE : TM_ENCLAVE_NOT_OPENED;
}

/* The master key of a payload that is stored here, however it came (spec, ACOTH security hash). */
static int stored_master(struct tm_enclave *enclave, struct master *ret_master,
                         const struct tmproto_payload *p, struct err_detail *detail)
{
    size_t own = tm_enclave_own(enclave, p->sender);
    if (p->boxes.count == 0)
        return TM_ENCLAVE_MALFORMED;
    if (own != SIZE_MAX && p->recipients.count)
        return open_master(enclave, ret_master, p->boxes.items[0], p->recipient_nonce, own,
                           p->recipients.items[0], detail);
    for (size_t i = 0; i < enclave->key_count; i++) {
        int status = open_master(enclave, ret_master, p->boxes.items[0], p->recipient_nonce, i,
                                 p->sender, detail);
        if (status <= 0)
            return status;
    }
    return TM_ENCLAVE_NOT_OPENED;
}

static int security_hash(struct tm_enclave *enclave, uint8_t ret_hash[TMPROTO_HASH_SIZE],
                         struct bytes cipher_text, const struct tmproto_payload *affected,
                         struct err_detail *detail)
{
    struct master master;
    int status = stored_master(enclave, &master, affected, detail);
    if (status)
        return status;
    struct bytes parts[3] = {cipher_text, affected->cipher_text, master_bytes(&master)};
    crypto_sha3_512(ret_hash, parts, 3);
    mem_wipe(&master, sizeof(master));
    return 0;
}

static bool have_affected(const struct tmproto_payload *p, struct bytes hash)
{
    for (size_t i = 0; i < p->affected_count; i++)
        if (bytes_equal(p->affected[i].hash, hash))
            return true;
    return false;
}

static int seal_affected(struct tm_enclave *enclave, struct tmproto_payload *p, struct arena *arena,
                         const struct tm_enclave_metadata *m, struct err_detail *detail)
{
    struct tmproto_affected *list = arena_alloc(arena, m->affected_count * sizeof(*list));
    if (!list)
        return tm_enclave_fail(detail, ERR_NOMEM);
    p->affected = list;
    for (size_t i = 0; i < m->affected_count; i++) {
        if (have_affected(p, m->affected[i].hash))
            continue;
        uint8_t *hash = arena_alloc(arena, TMPROTO_HASH_SIZE);
        int status =
            hash ? security_hash(enclave, hash, p->cipher_text, m->affected[i].payload, detail)
                 : tm_enclave_fail(detail, ERR_NOMEM);
        if (status)
            return status;
        list[p->affected_count++] =
            (struct tmproto_affected){m->affected[i].hash, bytes_of(hash, TMPROTO_HASH_SIZE)};
    }
    return 0;
}

/* One box for each recipient, all under one nonce. */
static int seal_boxes(struct tm_enclave *enclave, struct tmproto_payload *p, struct arena *arena,
                      const struct master *master, size_t own, struct tmproto_list recipients,
                      struct err_detail *detail)
{
    struct bytes *boxes = arena_alloc(arena, recipients.count * sizeof(*boxes));
    int status =
        boxes ? random_bytes(&p->recipient_nonce, arena, enclave->encryptor.nonce_len) : ERR_NOMEM;
    for (size_t i = 0; status == 0 && i < recipients.count; i++) {
        struct bytes shared;
        status = tm_enclave_shared(enclave, &shared, own, recipients.items[i], detail);
        if (status == TM_ENCLAVE_BAD_KEY)
            p->recipients = (struct tmproto_list){&recipients.items[i], 1};
        if (status == 0)
            status =
                seal(enclave, &boxes[i], arena, master_bytes(master), p->recipient_nonce, shared);
    }
    if (status == 0) {
        p->boxes = (struct tmproto_list){boxes, recipients.count};
        p->recipients = recipients;
    }
    return status < 0 ? tm_enclave_fail(detail, status) : status;
}

static int check_counts(size_t len, struct tmproto_list recipients,
                        const struct tm_enclave_metadata *m, struct err_detail *detail)
{
    if (recipients.count > TM_ENCLAVE_RECIPIENTS_MAX)
        return err_set(detail, ERR_LIMIT, "%zu recipients; at most %d are possible",
                       recipients.count, TM_ENCLAVE_RECIPIENTS_MAX);
    if (m->affected_count > TM_ENCLAVE_AFFECTED_MAX)
        return err_set(detail, ERR_LIMIT, "%zu affected transactions; at most %d are possible",
                       m->affected_count, TM_ENCLAVE_AFFECTED_MAX);
    if (len > TMPROTO_PAYLOAD_MAX - TM_ENCRYPTOR_MAC)
        return err_set(detail, ERR_LIMIT, "a payload of %zu bytes; at most %d are possible", len,
                       TMPROTO_PAYLOAD_MAX - TM_ENCRYPTOR_MAC);
    return 0;
}

/* All but cipher text, its nonce and the sender, which are there. */
static int complete(struct tm_enclave *enclave, struct tmproto_payload *ret_payload,
                    struct tmproto_payload *p, struct arena *arena, const struct master *master,
                    size_t own, struct tmproto_list recipients, const struct tm_enclave_metadata *m,
                    struct err_detail *detail)
{
    int status = seal_boxes(enclave, p, arena, master, own, recipients, detail);
    if (status == TM_ENCLAVE_BAD_KEY)
        ret_payload->recipients = p->recipients;
    if (status == 0)
        status = seal_affected(enclave, p, arena, m, detail);
    if (status)
        return status;
    p->privacy = m->privacy;
    p->exec_hash = m->exec_hash;
    p->mandatory = m->mandatory;
    p->group = m->group;
    if (tmproto_payload_size(p) > TMPROTO_PAYLOAD_MAX)
        return err_set(detail, ERR_LIMIT,
                       "the sealed payload has %zu bytes; at most %d are possible",
                       tmproto_payload_size(p), TMPROTO_PAYLOAD_MAX);
    *ret_payload = *p;
    return 0;
}

/* Seals data under a new master key. */
static int seal_data(struct tm_enclave *enclave, struct master *ret_master, struct bytes *ret_nonce,
                     struct bytes *ret_cipher_text, struct arena *arena, struct bytes data)
{
    ret_master->len = enclave->encryptor.shared_len;
    int status = crypto_random(ret_master->b, ret_master->len);
    if (status == 0)
        status = random_bytes(ret_nonce, arena, enclave->encryptor.nonce_len);
    if (status == 0)
        status = seal(enclave, ret_cipher_text, arena, data, *ret_nonce, master_bytes(ret_master));
    return status;
}

static int encrypt(struct tm_enclave *enclave, struct tmproto_payload *ret_payload,
                   struct arena *arena, struct bytes data, struct bytes sender,
                   struct tmproto_list recipients, const struct tm_enclave_metadata *metadata,
                   struct err_detail *detail)
{
    struct master master;
    struct tmproto_payload p = {0};
    size_t own = tm_enclave_own(enclave, sender);
    int status = check_counts(data.len, recipients, metadata, detail);
    if (status < 0)
        return status;
    if (own == SIZE_MAX)
        return TM_ENCLAVE_NOT_OURS;
    p.sender = sender;
    status = seal_data(enclave, &master, &p.nonce, &p.cipher_text, arena, data);
    if (status < 0)
        tm_enclave_fail(detail, status);
    else
        status =
            complete(enclave, ret_payload, &p, arena, &master, own, recipients, metadata, detail);
    mem_wipe(&master, sizeof(master));
    return status;
}

static int encrypt_raw(struct tm_enclave *enclave, struct tm_enclave_raw *ret_raw,
                       struct arena *arena, struct bytes data, struct bytes sender,
                       struct err_detail *detail)
{
    static const struct tm_enclave_metadata plain;
    struct master master;
    struct tm_enclave_raw raw = {.sender = sender};
    struct bytes shared;
    size_t own = tm_enclave_own(enclave, sender);
    int status = check_counts(data.len, (struct tmproto_list){NULL, 0}, &plain, detail);
    if (status < 0)
        return status;
    if (own == SIZE_MAX)
        return TM_ENCLAVE_NOT_OURS;
    status = seal_data(enclave, &master, &raw.nonce, &raw.cipher_text, arena, data);
    if (status == 0)
        status = tm_enclave_shared(enclave, &shared, own, sender, detail);
    if (status == 0)
        status = seal(enclave, &raw.encrypted_key, arena, master_bytes(&master), raw.nonce, shared);
    mem_wipe(&master, sizeof(master));
    if (status == 0)
        *ret_raw = raw;
    return status < 0 ? tm_enclave_fail(detail, status) : status;
}

static int raw_master(struct tm_enclave *enclave, struct master *ret_master, size_t *ret_own,
                      const struct tm_enclave_raw *raw, struct err_detail *detail)
{
    *ret_own = tm_enclave_own(enclave, raw->sender);
    return *ret_own == SIZE_MAX ? TM_ENCLAVE_NOT_OURS
                                : open_master(enclave, ret_master, raw->encrypted_key, raw->nonce,
                                              *ret_own, raw->sender, detail);
}

static int encrypt_from_raw(struct tm_enclave *enclave, struct tmproto_payload *ret_payload,
                            struct arena *arena, const struct tm_enclave_raw *raw,
                            struct tmproto_list recipients,
                            const struct tm_enclave_metadata *metadata, struct err_detail *detail)
{
    struct master master;
    size_t own;
    int status = check_counts(raw->cipher_text.len, recipients, metadata, detail);
    if (status == 0)
        status = raw_master(enclave, &master, &own, raw, detail);
    if (status)
        return status;
    struct tmproto_payload p = {
        .sender = raw->sender, .cipher_text = raw->cipher_text, .nonce = raw->nonce};
    status = complete(enclave, ret_payload, &p, arena, &master, own, recipients, metadata, detail);
    mem_wipe(&master, sizeof(master));
    return status;
}

static int open_data(struct tm_enclave *enclave, struct bytes *ret_data, struct arena *arena,
                     struct bytes cipher_text, struct bytes nonce, struct master *master,
                     struct err_detail *detail)
{
    size_t len = cipher_text.len - TM_ENCRYPTOR_MAC;
    struct arena_mark mark = arena_mark(arena);
    if (cipher_text.len < TM_ENCRYPTOR_MAC)
        return TM_ENCLAVE_NOT_OPENED;
    uint8_t *data = arena_alloc(arena, len);
    int status = data ? tm_encryptor_open(&enclave->encryptor, data, cipher_text, nonce,
                                          master_bytes(master))
                      : ERR_NOMEM;
    mem_wipe(master, sizeof(*master));
    if (status == 1)
        *ret_data = bytes_of(data, len);
    else
        arena_rewind(arena, mark);
    return status < 0 ? tm_enclave_fail(detail, status)
           : status   ? TM_ENCLAVE_DONE
                      : TM_ENCLAVE_NOT_OPENED;
}

static int decrypt_raw(struct tm_enclave *enclave, struct bytes *ret_data, struct arena *arena,
                       const struct tm_enclave_raw *raw, struct err_detail *detail)
{
    struct master master;
    size_t own;
    int status = raw_master(enclave, &master, &own, raw, detail);
    return status
               ? status
               : open_data(enclave, ret_data, arena, raw->cipher_text, raw->nonce, &master, detail);
}

/* Which box own key `own` opens, and with whom: spec, "Which box to open when decrypting". */
static int choose_box(const struct tm_enclave *enclave, struct bytes *ret_box,
                      struct bytes *ret_partner, const struct tmproto_payload *p, size_t own)
{
    struct bytes key = enclave->keys[own];
    bool validated = p->privacy == TMPROTO_PRIVATE_STATE_VALIDATION;
    size_t box = tmproto_list_find(p->recipients, key);
    *ret_partner = p->sender;
    if (!validated && p->recipients.count == 0) {
        box = 0;
    } else if (!validated && bytes_equal(key, p->sender) && box == SIZE_MAX) {
        /* records of Constellation and early Tesseras, whose sender made no box for itself */
        box = 0;
        *ret_partner = p->recipients.items[0];
    } else if (box == SIZE_MAX) {
        return TM_ENCLAVE_NOT_LISTED;
    }
    if (box >= p->boxes.count)
        return TM_ENCLAVE_MALFORMED;
    *ret_box = p->boxes.items[box];
    return 0;
}

static int decrypt_with(struct tm_enclave *enclave, struct bytes *ret_data, struct arena *arena,
                        const struct tmproto_payload *p, size_t own, struct err_detail *detail)
{
    struct master master;
    struct bytes box, partner;
    int status = choose_box(enclave, &box, &partner, p, own);
    if (status == 0)
        status = open_master(enclave, &master, box, p->recipient_nonce, own, partner, detail);
    if (status == 0)
        status = open_data(enclave, ret_data, arena, p->cipher_text, p->nonce, &master, detail);
    return status == TM_ENCLAVE_BAD_KEY ? TM_ENCLAVE_NOT_OPENED : status;
}

static int decrypt(struct tm_enclave *enclave, struct bytes *ret_data, struct arena *arena,
                   const struct tmproto_payload *payload, struct bytes key,
                   struct err_detail *detail)
{
    size_t own = tm_enclave_own(enclave, key);
    return own == SIZE_MAX ? TM_ENCLAVE_NOT_OURS
                           : decrypt_with(enclave, ret_data, arena, payload, own, detail);
}

static int decrypt_any(struct tm_enclave *enclave, struct bytes *ret_data, struct bytes *ret_key,
                       struct arena *arena, const struct tmproto_payload *p,
                       struct err_detail *detail)
{
    /* a key that is neither listed nor the sender's opens only what has no list */
    for (size_t i = 0; i < enclave->key_count; i++) {
        if (p->recipients.count && !bytes_equal(enclave->keys[i], p->sender) &&
            tmproto_list_find(p->recipients, enclave->keys[i]) == SIZE_MAX)
            continue;
        int status = decrypt_with(enclave, ret_data, arena, p, i, detail);
        if (status == 0)
            *ret_key = enclave->keys[i];
        if (status <= 0)
            return status;
    }
    return TM_ENCLAVE_NOT_OPENED;
}

static int find_key(struct tm_enclave *enclave, struct bytes *ret_key,
                    const struct tmproto_payload *p, size_t box, struct err_detail *detail)
{
    if (box >= p->boxes.count)
        return TM_ENCLAVE_MALFORMED;
    /* a pair shares the same key from either side, so this holds for a sender of ours too */
    for (size_t i = 0; i < enclave->key_count; i++) {
        struct master master;
        int status = open_master(enclave, &master, p->boxes.items[box], p->recipient_nonce, i,
                                 p->sender, detail);
        mem_wipe(&master, sizeof(master));
        if (status == 0)
            *ret_key = enclave->keys[i];
        if (status <= 0)
            return status;
    }
    return TM_ENCLAVE_NOT_OPENED;
}

static int new_box(struct tm_enclave *enclave, struct bytes *ret_box, struct arena *arena,
                   const struct tmproto_payload *p, struct bytes recipient,
                   struct err_detail *detail)
{
    struct master master;
    struct bytes shared;
    size_t own = tm_enclave_own(enclave, p->sender);
    if (own == SIZE_MAX)
        return TM_ENCLAVE_NOT_OURS;
    if (p->recipients.count == 0 || p->boxes.count == 0)
        return TM_ENCLAVE_MALFORMED;
    int status = open_master(enclave, &master, p->boxes.items[0], p->recipient_nonce, own,
                             p->recipients.items[0], detail);
    if (status)
        return status == TM_ENCLAVE_BAD_KEY ? TM_ENCLAVE_NOT_OPENED : status;
    status = tm_enclave_shared(enclave, &shared, own, recipient, detail);
    if (status == 0)
        status = seal(enclave, ret_box, arena, master_bytes(&master), p->recipient_nonce, shared);
    mem_wipe(&master, sizeof(master));
    return status < 0 ? tm_enclave_fail(detail, status) : status;
}

static int invalid_hashes(struct tm_enclave *enclave, bool *ret_invalid,
                          const struct tmproto_payload *p, const struct tm_enclave_affected *known,
                          size_t known_count, struct err_detail *detail)
{
    for (size_t i = 0; i < p->affected_count; i++) {
        uint8_t hash[TMPROTO_HASH_SIZE];
        size_t at = 0;
        ret_invalid[i] = true;
        while (at < known_count && !bytes_equal(known[at].hash, p->affected[i].hash))
            at++;
        if (at == known_count)
            continue;
        int status = security_hash(enclave, hash, p->cipher_text, known[at].payload, detail);
        if (status < 0)
            return status;
        if (status == 0)
            ret_invalid[i] =
                !bytes_equal(p->affected[i].security_hash, bytes_of(hash, sizeof(hash)));
    }
    return TM_ENCLAVE_DONE;
}

const struct tm_enclave_ops tm_enclave_local_ops = {
    .encrypt = encrypt,
    .encrypt_raw = encrypt_raw,
    .encrypt_from_raw = encrypt_from_raw,
    .decrypt_raw = decrypt_raw,
    .decrypt = decrypt,
    .decrypt_any = decrypt_any,
    .find_key = find_key,
    .new_box = new_box,
    .invalid_hashes = invalid_hashes,
};
