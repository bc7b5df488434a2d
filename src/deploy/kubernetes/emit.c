#include "deploy/kubernetes/emit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 2 };

/* Words that YAML 1.1 takes for something else than a text. */
static const char *const taken[] = {"y",    "n",     "yes",  "no",  "on", "off",
                                    "true", "false", "null", "inf", "nan"};

static bool is_plain(const char *text)
{
    if (!isalpha((unsigned char)text[0]) && text[0] != '/')
        return false;
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("./_-", *c))
            return false;
    for (size_t i = 0; i < BASE_COUNT(taken); i++)
        if (strcasecmp(taken[i], text) == 0)
            return false;
    return true;
}

/* JSON's quoted form is YAML's too. */
static void emit_scalar(struct buf *out, const json_t *value)
{
    const char *text = json_string_value(value);
    if (text && is_plain(text)) {
        buf_append_text(out, text);
        return;
    }
    char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    if (!json)
        out->status = ERR_NOMEM;
    else
        buf_append_text(out, json);
    free(json); /* from malloc, by jansson */
}

static void indent(struct buf *out, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        buf_append_byte(out, ' ');
}

static bool is_block(const json_t *value)
{
    return (json_is_object(value) && json_object_size(value)) ||
           (json_is_array(value) && json_array_size(value));
}

/* The depth is that of models in this program: a few levels. */
// NOLINTNEXTLINE(misc-no-recursion)
static void emit_block(struct buf *out, const json_t *value, size_t depth, bool begun)
{
    const char *key;
    json_t *member;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        json_t *name = json_string(key);
        if (!begun)
            indent(out, depth);
        begun = false;
        emit_scalar(out, name);
        json_decref(name);
        buf_append_byte(out, ':');
        buf_append_byte(out, is_block(member) ? '\n' : ' ');
        if (is_block(member))
            emit_block(out, member, depth + STEP, false);
        else
            emit_scalar(out, member), buf_append_byte(out, '\n');
    }
    json_array_foreach(value, i, member)
    {
        indent(out, depth);
        buf_append_text(out, "- ");
        if (json_is_object(member) && is_block(member))
            emit_block(out, member, depth + STEP, true);
        else
            emit_scalar(out, member), buf_append_byte(out, '\n');
    }
}

void deploy_emit_yaml(struct buf *out, const json_t *value)
{
    if (is_block(value))
        emit_block(out, value, 0, false);
    else
        emit_scalar(out, value), buf_append_byte(out, '\n');
}
