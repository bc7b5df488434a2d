#include "vault/answer.h"

int vault_answer_parse(json_t **ret_answer, struct bytes body)
{
    *ret_answer = NULL;
    if (body.len == 0)
        return 0;
    json_t *answer = json_loadb((const char *)body.data, body.len, 0, NULL);
    if (!json_is_object(answer)) {
        vault_drop(answer);
        return ERR_INPUT;
    }
    *ret_answer = answer;
    return 0;
}

/* Joins texts with commas, as many as there is room for. */
static void join(char *ret_text, size_t size, const json_t *texts)
{
    size_t at = 0, index;
    json_t *item;
    json_array_foreach(texts, index, item)
    {
        const char *text = json_string_value(item);
        size_t len = text ? strlen(text) : 0;
        size_t comma = at ? 2 : 0;
        if (len == 0 || at + comma + len >= size)
            continue;
        memcpy(ret_text + at, ", ", comma);
        at += comma;
        for (size_t i = 0; i < len; i++)
            ret_text[at++] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
    }
    ret_text[at] = 0;
}

void vault_answer_errors(char *ret_text, size_t size, const json_t *answer)
{
    join(ret_text, size, json_object_get(answer, "errors"));
}

const char *vault_answer_token(const json_t *answer)
{
    const char *token =
        json_string_value(json_object_get(json_object_get(answer, "auth"), "client_token"));
    return token && token[0] ? token : NULL;
}

void vault_answer_policies(char *ret_text, size_t size, const json_t *answer)
{
    join(ret_text, size, json_object_get(json_object_get(answer, "data"), "policies"));
}

int vault_answer_engine(enum vault_kv *ret_kv, const json_t *answer)
{
    const json_t *data = json_object_get(answer, "data");
    const char *type = json_string_value(json_object_get(data, "type"));
    const char *version =
        json_string_value(json_object_get(json_object_get(data, "options"), "version"));
    if (!type)
        return ERR_INPUT;
    if (strcmp(type, "kv") != 0 && strcmp(type, "generic") != 0)
        return ERR_UNSUPPORTED;
    *ret_kv = version && strcmp(version, "2") == 0 ? VAULT_KV_2 : VAULT_KV_1;
    return 0;
}

int vault_answer_fields(json_t **ret_fields, const json_t *answer, enum vault_kv kv)
{
    json_t *fields = json_object_get(answer, "data");
    if (kv == VAULT_KV_2) {
        bool deleted = json_is_null(json_object_get(fields, "data"));
        fields = json_object_get(fields, "data");
        if (deleted)
            return ERR_NOTFOUND;
    }
    if (!json_is_object(fields))
        return ERR_INPUT;
    *ret_fields = json_incref(fields);
    return 0;
}

int vault_answer_names(json_t **ret_names, const json_t *answer)
{
    json_t *names = json_object_get(json_object_get(answer, "data"), "keys");
    size_t index;
    json_t *name;
    if (!json_is_array(names))
        return ERR_INPUT;
    json_array_foreach(names, index, name)
    {
        if (!json_is_string(name))
            return ERR_INPUT;
    }
    *ret_names = json_incref(names);
    return 0;
}
