#include "deploy/keys/keys.h"

#include "base/mem.h"
#include "crypto/keccak.h"
#include "deploy/keys/keys_priv.h"

/* How far one goes with what is missing. */
enum mode { READ, ENSURE, LOOK };

struct walk {
    const struct deploy_secrets *secrets;
    const struct deploy_owner *owner;
    enum mode mode;
    bool missing, made;
    struct deploy_identity identity;
    struct err_detail *detail;
};

/* A secret's texts and its key among them are the hash's input, so none can be found from it. */
static uint64_t mark_of(const json_t *fields, const char *const *names, size_t count)
{
    struct crypto_keccak256 k;
    struct hash256 hash;
    uint64_t mark;
    crypto_keccak256_init(&k);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_object_get(fields, names[i]));
        if (text)
            crypto_keccak256_update(&k, bytes_of(text, strlen(text) + 1));
    }
    crypto_keccak256_final(&k, &hash);
    memcpy(&mark, hash.b, sizeof(mark));
    return mark;
}

static void set_marks(struct deploy_identity *identity, const json_t *fields,
                      enum deploy_secret_kind kind)
{
    static const char *const quorum[] = {"nodekey", "keystore", "gethpassword"};
    static const char *const database[] = {"nodekey", "db_user", "db_password"};
    static const char *const transaction[] = {"tm.pub", "tm.key"};
    static const char *const certs[] = {"rootcapem", "ambassadorcrt", "ambassadorkey"};
    static const char *const *const names[] = {quorum, transaction, certs};
    static const size_t counts[] = {BASE_COUNT(quorum), BASE_COUNT(transaction), BASE_COUNT(certs)};
    identity->marks[kind] = mark_of(fields, names[kind], counts[kind]);
    if (kind == DEPLOY_SECRET_QUORUM)
        identity->database_mark = mark_of(fields, database, BASE_COUNT(database));
}

/* --- One secret --- */

/* The authority is made before the first certificate that it signs. */
static int find_authority(struct walk *walk, json_t **ret_fields)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    json_t *fields = NULL;
    deploy_secret_path(path, walk->owner->organization, NULL, DEPLOY_SECRET_AUTHORITY);
    int status = deploy_secrets_read(walk->secrets, &fields, path, walk->detail);
    if (status == ERR_OK) {
        status = deploy_check_authority(fields, path, walk->detail);
    } else if (status == ERR_NOTFOUND) {
        status = deploy_make_authority(&fields, walk->owner, walk->detail);
        if (status == ERR_OK)
            status = deploy_secrets_write(walk->secrets, path, fields, walk->detail);
    }
    if (status != ERR_OK)
        deploy_secrets_drop(fields);
    else
        *ret_fields = fields;
    return status;
}

static int make(struct walk *walk, json_t **ret_fields, const char *path,
                enum deploy_secret_kind kind)
{
    json_t *authority = NULL;
    int status = ERR_OK;
    if (kind == DEPLOY_SECRET_QUORUM)
        status = deploy_make_quorum(ret_fields, walk->owner->peer, walk->detail);
    else if (kind == DEPLOY_SECRET_TRANSACTION)
        status = deploy_make_transaction(ret_fields, walk->detail);
    else
        status = find_authority(walk, &authority);
    if (status == ERR_OK && authority)
        status = deploy_make_certs(ret_fields, authority, walk->owner, walk->detail);
    deploy_secrets_drop(authority);
    if (status != ERR_OK)
        return err_prefix(walk->detail, status, "%s", path);
    status = deploy_secrets_write(walk->secrets, path, *ret_fields, walk->detail);
    if (status != ERR_OK)
        deploy_secrets_drop(*ret_fields);
    else
        walk->made = true;
    return status;
}

/* Whether what is missing could be made: where its passphrase stands, and whether the store would take it. */
static int look(const struct walk *walk, const char *path, enum deploy_secret_kind kind)
{
    struct buf ignored = BUF_INIT;
    const struct deploy_text *passphrase = &walk->owner->peer->geth_passphrase;
    int status = ERR_OK;
    if (kind == DEPLOY_SECRET_QUORUM && passphrase->text)
        status = deploy_reference_read(&ignored, passphrase, walk->detail);
    if (ignored.data)
        mem_wipe(ignored.data, ignored.len);
    buf_release(&ignored);
    if (status == ERR_OK && walk->secrets)
        status = deploy_secrets_may_write(walk->secrets, path, walk->detail);
    if (status == ERR_OK && walk->secrets && kind == DEPLOY_SECRET_CERTS) {
        char authority[DEPLOY_SECRETS_PATH_MAX + 1];
        deploy_secret_path(authority, walk->owner->organization, NULL, DEPLOY_SECRET_AUTHORITY);
        status = deploy_secrets_may_write(walk->secrets, authority, walk->detail);
    }
    return status;
}

static int check(struct walk *walk, const json_t *fields, const char *path,
                 enum deploy_secret_kind kind)
{
    struct deploy_identity *identity = &walk->identity;
    int status = kind == DEPLOY_SECRET_QUORUM
                     ? deploy_check_quorum(identity, fields, path, walk->detail)
                 : kind == DEPLOY_SECRET_TRANSACTION
                     ? deploy_check_transaction(identity, fields, path, walk->detail)
                     : deploy_check_certs(identity, fields, path, walk->detail);
    if (status == ERR_OK)
        set_marks(identity, fields, kind);
    return status;
}

static int visit(struct walk *walk, enum deploy_secret_kind kind)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    json_t *fields = NULL;
    deploy_secret_path(path, walk->owner->organization, walk->owner->peer, kind);
    int status = walk->secrets ? deploy_secrets_read(walk->secrets, &fields, path, walk->detail)
                               : ERR_NOTFOUND;
    if (status == ERR_NOTFOUND && walk->mode == LOOK) {
        walk->missing = true;
        return look(walk, path, kind);
    }
    if (status == ERR_NOTFOUND && walk->mode == ENSURE)
        status = make(walk, &fields, path, kind);
    if (status == ERR_OK) {
        status = check(walk, fields, path, kind);
        deploy_secrets_drop(fields);
    }
    return status;
}

static int visit_all(struct walk *walk)
{
    int status = visit(walk, DEPLOY_SECRET_QUORUM);
    for (int kind = DEPLOY_SECRET_TRANSACTION;
         status == ERR_OK && walk->owner->has_tm && kind < DEPLOY_SECRET_KINDS; kind++)
        status = visit(walk, (enum deploy_secret_kind)kind);
    return status;
}

/* --- All of a peer --- */

int deploy_keys_ensure(struct deploy_identity *ret_identity, bool *ret_made,
                       const struct deploy_secrets *secrets, const struct deploy_owner *owner,
                       struct err_detail *detail)
{
    struct walk walk = {.secrets = secrets, .owner = owner, .mode = ENSURE, .detail = detail};
    int status = visit_all(&walk);
    if (status != ERR_OK)
        return status;
    *ret_identity = walk.identity;
    if (ret_made)
        *ret_made = walk.made;
    return ERR_OK;
}

int deploy_keys_read(struct deploy_identity *ret_identity, const struct deploy_secrets *secrets,
                     const struct deploy_owner *owner, struct err_detail *detail)
{
    struct walk walk = {.secrets = secrets, .owner = owner, .mode = READ, .detail = detail};
    int status = visit_all(&walk);
    if (status == ERR_OK)
        *ret_identity = walk.identity;
    return status;
}

int deploy_keys_check(bool *ret_missing, const struct deploy_secrets *secrets,
                      const struct deploy_owner *owner, struct err_detail *detail)
{
    struct walk walk = {.secrets = secrets, .owner = owner, .mode = LOOK, .detail = detail};
    int status = visit_all(&walk);
    if (status == ERR_OK)
        *ret_missing = walk.missing;
    return status;
}
