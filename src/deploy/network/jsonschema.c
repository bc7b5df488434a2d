#include "deploy/network/schema.h"

#include "deploy/json.h"

/* The JSON form of one table. Objects are few and shallow enough to stand in line: no definitions, no references. */
static json_t *object_schema(const struct deploy_object *object);

static json_t *text_schema(void)
{
    return json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean");
}

static json_t *choice_schema(const struct deploy_field *field)
{
    json_t *words = json_array();
    for (size_t i = 0; field->words[i]; i++)
        json_array_append_new(words, json_string(field->words[i]));
    return json_pack("{s:o}", "enum", words);
}

static json_t *number_schema(const struct deploy_field *field)
{
    json_t *schema = json_pack("{s:s, s:I}", "type", "integer", "minimum", (json_int_t)field->low);
    if (field->high)
        json_object_set_new(schema, "maximum", json_integer((json_int_t)field->high));
    return schema;
}

static json_t *field_schema(const struct deploy_field *field)
{
    switch (field->kind) {
    case DEPLOY_FIELD_TEXT:
        return text_schema();
    case DEPLOY_FIELD_NUMBER:
        return number_schema(field);
    case DEPLOY_FIELD_SWITCH:
        return json_pack("{s:[s,s]}", "type", "boolean", "string");
    case DEPLOY_FIELD_CHOICE:
        return choice_schema(field);
    case DEPLOY_FIELD_TEXTS:
        return json_pack("{s:[{s:[s,s]},{s:s, s:o}]}", "anyOf", "type", "string", "null", "type",
                         "array", "items", text_schema());
    case DEPLOY_FIELD_PORTS:
        return json_pack("{s:[s,s,s,s]}", "type", "string", "integer", "array", "object");
    case DEPLOY_FIELD_OBJECT:
        return object_schema(field->object);
    case DEPLOY_FIELD_OBJECTS:
        return json_pack("{s:s, s:o}", "type", "array", "items", object_schema(field->object));
    case DEPLOY_FIELD_MARKER:
        return json_pack("{s:s}", "type", "null");
    case DEPLOY_FIELD_FREE:
        return json_object();
    }
    return NULL;
}

static json_t *object_schema(const struct deploy_object *object)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    for (size_t i = 0; i < object->count; i++) {
        const struct deploy_field *field = &object->fields[i];
        json_t *schema = field_schema(field);
        json_object_set_new(schema, "description", json_string(field->help));
        json_object_set_new(properties, field->name, schema);
        if (field->need == DEPLOY_ALWAYS)
            json_array_append_new(required, json_string(field->name));
    }
    json_t *schema = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
    if (json_array_size(required))
        json_object_set(schema, "required", required);
    json_decref(required);
    return schema;
}

void deploy_schema_json(struct buf *b)
{
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:{s:o}, s:[s]}", "$schema", "http://json-schema.org/draft-07/schema#",
        "title", "network.yaml of a Quorum network", "type", "object", "properties", "network",
        object_schema(&deploy_schema_network), "required", "network");
    deploy_json_append(b, root);
    buf_append_byte(b, '\n');
    json_decref(root);
}
