#include "deploy/keys/change.h"

#include "deploy/keys/change_priv.h"
#include "deploy/keys/keys_priv.h"

#include <stdio.h>

static const struct {
    const char *word;
    enum deploy_secret_kind secret;
} materials[] = {
#define X(name, text, kind, help) {text, DEPLOY_SECRET_##kind},
    DEPLOY_MATERIAL_LIST(X)
#undef X
};

const char *deploy_material_word(enum deploy_material material)
{
    return materials[material].word;
}

int deploy_material_of(const char *word)
{
    for (int i = 0; i < DEPLOY_MATERIALS; i++)
        if (strcmp(materials[i].word, word) == 0)
            return i;
    return -1;
}

enum deploy_secret_kind deploy_material_secret(enum deploy_material material)
{
    return materials[material].secret;
}

int deploy_set_text(json_t *fields, const char *name, struct bytes text, struct err_detail *detail)
{
    json_t *value = json_stringn((const char *)text.data, text.len);
    if (value && json_object_set_new(fields, name, value) == 0)
        return ERR_OK;
    return err_set(detail, value ? ERR_NOMEM : ERR_INPUT, "%s is no text", name);
}

/* The field's value stays under the next number. */
int deploy_keep_former(json_t *fields, const char *field, struct err_detail *detail)
{
    char name[32];
    unsigned count = deploy_former_count(fields, field);
    if (count == DEPLOY_FORMER_MAX)
        return err_set(detail, ERR_LIMIT, "%u former ones are kept already", count);
    snprintf(name, sizeof(name), "%s.%u", field, count + 1);
    return json_object_set(fields, name, json_object_get(fields, field)) == 0
               ? ERR_OK
               : err_set(detail, ERR_NOMEM, "out of memory");
}

struct bytes deploy_first_line(struct bytes text)
{
    size_t length = 0;
    while (length < text.len && text.data[length] != '\n' && text.data[length] != '\r')
        length++;
    return bytes_of(text.data, length);
}

/* --- The secret around it --- */

static int make_whole(json_t **ret_fields, const struct deploy_secrets *secrets,
                      const struct deploy_owner *owner, enum deploy_secret_kind kind,
                      struct err_detail *detail)
{
    (void)secrets;
    switch (kind) {
    case DEPLOY_SECRET_QUORUM:
        return deploy_make_quorum(ret_fields, owner->peer, detail);
    case DEPLOY_SECRET_TRANSACTION:
        return deploy_make_transaction(ret_fields, detail);
    case DEPLOY_SECRET_CERTS:
    case DEPLOY_SECRET_AUTHORITY:
        *ret_fields = json_object();
        return *ret_fields ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

static int check(const json_t *fields, const char *path, enum deploy_secret_kind kind,
                 struct err_detail *detail)
{
    struct deploy_identity ignored;
    switch (kind) {
    case DEPLOY_SECRET_QUORUM:
        return deploy_check_quorum(&ignored, fields, path, detail);
    case DEPLOY_SECRET_TRANSACTION:
        return deploy_check_transaction(&ignored, fields, path, detail);
    case DEPLOY_SECRET_CERTS:
        return deploy_check_certs(&ignored, fields, path, detail);
    case DEPLOY_SECRET_AUTHORITY:
        return deploy_check_authority(fields, path, detail);
    }
    return ERR_OK;
}

static int alter(json_t *fields, const struct deploy_secrets *secrets,
                 const struct deploy_owner *owner, enum deploy_material material,
                 const struct deploy_import *import, bool keep, struct err_detail *detail)
{
    switch (material) {
    case DEPLOY_NODEKEY:
        return deploy_change_nodekey(fields, import, detail);
    case DEPLOY_ACCOUNT:
        return deploy_change_account(fields, import, keep, detail);
    case DEPLOY_PASSPHRASE:
        return deploy_change_passphrase(fields, import, detail);
    case DEPLOY_TM:
        return deploy_change_tm(fields, import, keep, detail);
    case DEPLOY_CERTIFICATE:
        return deploy_change_certificate(fields, secrets, owner, import, detail);
    case DEPLOY_AUTHORITY:
        return deploy_change_authority(fields, owner, import, detail);
    case DEPLOY_DATABASE:
        return deploy_change_database(fields, import, detail);
    case DEPLOY_MATERIALS:
        break;
    }
    return ERR_OK;
}

int deploy_keys_change(const struct deploy_secrets *secrets, const struct deploy_owner *owner,
                       enum deploy_material material, const struct deploy_import *import, bool used,
                       struct err_detail *detail)
{
    enum deploy_secret_kind kind = deploy_material_secret(material);
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    json_t *fields = NULL;
    deploy_secret_path(path, owner->organization, owner->peer, kind);
    int status = deploy_secrets_read(secrets, &fields, path, detail);
    bool is_new = status == ERR_NOTFOUND;
    if (is_new && import)
        status = make_whole(&fields, secrets, owner, kind, detail);
    else if (is_new)
        return err_set(detail, ERR_NOTFOUND,
                       "there is no secret %s yet; `quorate up` makes what is missing", path);
    if (status == ERR_OK)
        status = alter(fields, secrets, owner, material, import, used && !is_new, detail);
    if (status == ERR_OK) {
        status = check(fields, path, kind, detail);
        if (status == ERR_CORRUPT && import)
            status = ERR_INPUT; /* it is what was brought along that does not fit */
    }
    if (status == ERR_OK)
        status = deploy_secrets_write(secrets, path, fields, detail);
    deploy_secrets_drop(fields);
    return status;
}
