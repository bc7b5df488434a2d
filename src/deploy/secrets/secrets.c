#include "deploy/secrets/secrets.h"

#include "base/mem.h"

int deploy_secrets_read(const struct deploy_secrets *secrets, json_t **ret_fields, const char *path,
                        struct err_detail *detail)
{
    return secrets->ops->read(secrets->store, ret_fields, path, detail);
}

int deploy_secrets_field(const char **ret_text, const json_t *fields, const char *path,
                         const char *field, struct err_detail *detail)
{
    const char *text = json_string_value(json_object_get(fields, field));
    if (!text || !text[0])
        return err_set(detail, ERR_CORRUPT, "the secret %s has no %s; restore it from a backup",
                       path, field);
    *ret_text = text;
    return ERR_OK;
}

static int check_fields(const char *path, json_t *fields, struct err_detail *detail)
{
    const char *name;
    json_t *value;
    size_t length = strlen(path);
    if (length == 0 || length > DEPLOY_SECRETS_PATH_MAX)
        return err_set(detail, ERR_LIMIT, "the path of a secret has %zu characters", length);
    json_object_foreach(fields, name, value)
    {
        if (!json_is_string(value))
            return err_set(detail, ERR_INPUT, "%s: %s is no text", path, name);
        if (json_string_length(value) > DEPLOY_SECRETS_VALUE_MAX)
            return err_set(detail, ERR_LIMIT, "%s: %s is longer than 64 KiB", path, name);
    }
    return ERR_OK;
}

int deploy_secrets_write(const struct deploy_secrets *secrets, const char *path, json_t *fields,
                         struct err_detail *detail)
{
    int status = check_fields(path, fields, detail);
    return status == ERR_OK ? secrets->ops->write(secrets->store, path, fields, detail) : status;
}

int deploy_secrets_may_write(const struct deploy_secrets *secrets, const char *path,
                             struct err_detail *detail)
{
    return secrets->ops->may_write ? secrets->ops->may_write(secrets->store, path, detail) : ERR_OK;
}

int deploy_secrets_versions(const struct deploy_secrets *secrets, uint64_t *ret_count,
                            const char *path, struct err_detail *detail)
{
    return secrets->ops->versions(secrets->store, ret_count, path, detail);
}

int deploy_secrets_list(const struct deploy_secrets *secrets, json_t **ret_paths,
                        struct err_detail *detail)
{
    return secrets->ops->list(secrets->store, ret_paths, detail);
}

void deploy_secrets_drop(json_t *fields)
{
    const char *name;
    json_t *value;
    json_object_foreach(fields, name, value)
    {
        if (json_is_string(value))
            mem_wipe((char *)json_string_value(value), json_string_length(value));
    }
    json_decref(fields);
}

void deploy_secrets_close(struct deploy_secrets *secrets)
{
    if (secrets->store)
        secrets->ops->close(secrets->store);
    *secrets = (struct deploy_secrets){0};
}
