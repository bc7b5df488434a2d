#include "deploy/network/check.h"
#include "deploy/network/placeholder.h"
#include "deploy/network/schema.h"
#include "deploy/yaml.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

struct walk {
    struct deploy_report *report;
    enum deploy_target target;
    char path[512]; /* of the field that is read, "network.organizations[0].name" */
    size_t length;
    int status; /* ERR_NOMEM once that happened */
};

/* Steps into a field; the return value steps back out of it by leave. Too deep a path is cut. */
static size_t enter(struct walk *walk, const char *name)
{
    size_t before = walk->length;
    int written =
        snprintf(walk->path + before, sizeof(walk->path) - before, "%s%s", before ? "." : "", name);
    walk->length = before + (size_t)written;
    if (walk->length >= sizeof(walk->path))
        walk->length = sizeof(walk->path) - 1;
    return before;
}

static size_t enter_item(struct walk *walk, size_t index)
{
    size_t before = walk->length;
    int written = snprintf(walk->path + before, sizeof(walk->path) - before, "[%zu]", index);
    walk->length = before + (size_t)written;
    if (walk->length >= sizeof(walk->path))
        walk->length = sizeof(walk->path) - 1;
    return before;
}

static void leave(struct walk *walk, size_t before)
{
    walk->length = before;
    walk->path[before] = 0;
}

#define COMPLAIN(walk, severity, place, remedy, ...)                                               \
    deploy_report_add((walk)->report, severity, place, (walk)->path, remedy, __VA_ARGS__)

static void *allocate(struct walk *walk, size_t count, size_t size)
{
    void *memory = arena_alloc_zeroed(walk->report->arena, count ? count : 1, size);
    if (!memory)
        walk->status = ERR_NOMEM;
    return memory;
}

/* What a message may show of a value. */
static const char *shown(const struct deploy_field *field, const struct deploy_yaml *node)
{
    return field->secret ? "(secret)" : node->text;
}

static bool expect_scalar(struct walk *walk, const struct deploy_field *field,
                          const struct deploy_yaml *node)
{
    if (node->kind != DEPLOY_YAML_SCALAR) {
        COMPLAIN(walk, DEPLOY_ERROR, node->place, field->help, "must be one value, not %s",
                 deploy_yaml_kind_text(node->kind));
        return false;
    }
    if (strstr(node->text, "{{")) {
        COMPLAIN(walk, DEPLOY_ERROR, node->place,
                 "write the value itself, or a reference: env:NAME or file:PATH",
                 "has a template expression ({{ }}) in it; values are taken as they stand");
        return false;
    }
    return true;
}

static void read_text(struct walk *walk, const struct deploy_field *field,
                      const struct deploy_yaml *node, struct deploy_text *ret)
{
    if (!expect_scalar(walk, field, node))
        return;
    if (field->secret && !node->quoted && node->text[0] == '0' && node->text[1] &&
        strspn(node->text, "01234567") == strlen(node->text))
        COMPLAIN(walk, DEPLOY_WARNING, node->place, "quote it",
                 "is an octal number to Ansible, which would change it; taken here as it stands");
    *ret = (struct deploy_text){.text = node->text, .place = node->place};
}

static void read_number(struct walk *walk, const struct deploy_field *field,
                        const struct deploy_yaml *node, struct deploy_number *ret)
{
    if (!expect_scalar(walk, field, node))
        return;
    uint64_t value = 0;
    size_t digits = strspn(node->text, "0123456789");
    bool fits = digits > 0 && digits <= 19 && !node->text[digits] &&
                sscanf(node->text, "%" SCNu64, &value) == 1;
    uint64_t high = field->high ? field->high : UINT64_MAX;
    if (!fits || value < field->low || value > high) {
        char remedy[96];
        snprintf(remedy, sizeof(remedy), "write a number from %llu to %llu",
                 (unsigned long long)field->low, (unsigned long long)high);
        COMPLAIN(walk, DEPLOY_ERROR, node->place, remedy, "is not such a number: \"%.60s\"",
                 shown(field, node));
        return;
    }
    *ret = (struct deploy_number){.value = value, .given = true, .place = node->place};
}

/* Anything that is not exactly `false` (in any case of letters) means true: BAF's rule for `lock`. */
static void read_switch(struct walk *walk, const struct deploy_field *field,
                        const struct deploy_yaml *node, struct deploy_switch *ret)
{
    if (!expect_scalar(walk, field, node))
        return;
    static const char *const yes[] = {"true", "yes", "on"};
    static const char *const no[] = {"false", "no", "off"};
    for (size_t i = 0; i < BASE_COUNT(yes); i++) {
        if (strcasecmp(node->text, yes[i]) == 0 || strcasecmp(node->text, no[i]) == 0) {
            bool value = strcasecmp(node->text, yes[i]) == 0;
            *ret = (struct deploy_switch){.value = value, .given = true, .place = node->place};
            return;
        }
    }
    *ret = (struct deploy_switch){.value = true, .given = true, .place = node->place};
    if (!deploy_placeholder_is(node->text))
        COMPLAIN(walk, DEPLOY_ERROR, node->place, "write true or false",
                 "is neither true nor false: \"%.60s\"", shown(field, node));
}

static void list_words(char *ret_text, size_t size, const char *const *words)
{
    size_t length = 0;
    ret_text[0] = 0;
    for (size_t i = 0; words[i] && length < size; i++)
        length +=
            (size_t)snprintf(ret_text + length, size - length, "%s%s", i ? ", " : "", words[i]);
}

/* `tm_tls: off` is a boolean to YAML 1.1, and tools that rewrite the file leave its other spellings. */
static int word_of_boolean(const struct deploy_field *field, const char *text)
{
    if (strcmp(field->name, "tm_tls") != 0)
        return -1;
    if (strcasecmp(text, "false") == 0 || strcasecmp(text, "no") == 0)
        return DEPLOY_TLS_OFF;
    if (strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 ||
        strcasecmp(text, "on") == 0)
        return DEPLOY_TLS_STRICT;
    return -1;
}

static void read_choice(struct walk *walk, const struct deploy_field *field,
                        const struct deploy_yaml *node, struct deploy_choice *ret)
{
    if (!expect_scalar(walk, field, node))
        return;
    for (int i = 0; field->words[i]; i++) {
        if (strcasecmp(field->words[i], node->text) != 0)
            continue;
        if (strcmp(field->words[i], node->text) != 0)
            COMPLAIN(walk, DEPLOY_WARNING, node->place, "write it in lower case",
                     "\"%s\" is read as %s", node->text, field->words[i]);
        *ret = (struct deploy_choice){.value = i, .given = true, .place = node->place};
        return;
    }
    int boolean = word_of_boolean(field, node->text);
    if (boolean >= 0) {
        COMPLAIN(walk, DEPLOY_WARNING, node->place, "write \"strict\" or \"off\"",
                 "%s is read as %s", node->text, field->words[boolean]);
        *ret = (struct deploy_choice){.value = boolean, .given = true, .place = node->place};
        return;
    }
    char remedy[160] = "choose one of ";
    list_words(remedy + strlen(remedy), sizeof(remedy) - strlen(remedy), field->words);
    COMPLAIN(walk, DEPLOY_ERROR, node->place, remedy, "\"%.60s\" is not one of its values",
             node->text);
}

/* A text with commas: each word begins at its own column. */
static void split_text(struct walk *walk, const struct deploy_yaml *node, struct deploy_texts *ret)
{
    size_t commas = 0;
    for (const char *c = node->text; *c; c++)
        commas += *c == ',';
    struct deploy_text *items = allocate(walk, commas + 1, sizeof(*items));
    if (!items)
        return;
    ret->items = items;
    for (const char *at = node->text;;) {
        while (*at == ' ')
            at++;
        size_t length = strcspn(at, ", ");
        struct bytes copy = arena_copy(walk->report->arena, bytes_of(at, length + 1));
        if (!copy.data) {
            walk->status = ERR_NOMEM;
            return;
        }
        ((char *)copy.data)[length] = 0;
        if (length)
            items[ret->count++] = (struct deploy_text){(const char *)copy.data, node->place};
        at += length + strspn(at + length, " ");
        if (*at != ',')
            break;
        at++;
    }
}

static void read_texts(struct walk *walk, const struct deploy_field *field,
                       const struct deploy_yaml *node, struct deploy_texts *ret)
{
    ret->place = node->place;
    if (node->kind == DEPLOY_YAML_SCALAR) {
        if (!expect_scalar(walk, field, node))
            return;
        if (field->commas || field->kind == DEPLOY_FIELD_PORTS) {
            split_text(walk, node, ret);
            return;
        }
        ret->items = allocate(walk, 1, sizeof(*ret->items));
        if (ret->items)
            ret->items[ret->count++] = (struct deploy_text){node->text, node->place};
        return;
    }
    if (node->kind != DEPLOY_YAML_LIST) {
        COMPLAIN(walk, DEPLOY_ERROR, node->place, field->help, "must be a list, not %s",
                 deploy_yaml_kind_text(node->kind));
        return;
    }
    ret->is_list = true;
    ret->items = allocate(walk, node->count, sizeof(*ret->items));
    for (size_t i = 0; ret->items && i < node->count; i++) {
        size_t before = enter_item(walk, i);
        if (expect_scalar(walk, field, node->items[i]))
            ret->items[ret->count++] =
                (struct deploy_text){node->items[i]->text, node->items[i]->place};
        leave(walk, before);
    }
}

/* ambassadorPorts: "15010,15011", {ports: [15010]}, {portRange: {from: 15010, to: 15043}}. */
static void read_ports(struct walk *walk, const struct deploy_field *field,
                       const struct deploy_yaml *node, struct deploy_env *env)
{
    if (node->kind != DEPLOY_YAML_MAPPING) {
        read_texts(walk, field, node, &env->ambassador_ports);
        return;
    }
    static const struct deploy_field bound = {
        .name = "port", .kind = DEPLOY_FIELD_NUMBER, .low = 1, .high = 65535, .help = "a port"};
    for (size_t i = 0; i < node->count; i++) {
        const struct deploy_yaml *value = node->items[i];
        size_t before = enter(walk, node->keys[i]);
        if (strcmp(node->keys[i], "ports") == 0) {
            read_texts(walk, field, value, &env->ambassador_ports);
        } else if (strcmp(node->keys[i], "portRange") == 0 && value->kind == DEPLOY_YAML_MAPPING) {
            for (size_t j = 0; j < value->count; j++) {
                bool from = strcmp(value->keys[j], "from") == 0;
                if (from || strcmp(value->keys[j], "to") == 0)
                    read_number(walk, &bound, value->items[j],
                                from ? &env->port_from : &env->port_to);
            }
        } else {
            COMPLAIN(walk, DEPLOY_ERROR, node->key_places[i],
                     "write ports: [15010, 15011] or portRange: {from: 15010, to: 15020}",
                     "is neither ports nor portRange");
        }
        leave(walk, before);
    }
}

static void read_object(struct walk *walk, const struct deploy_object *object,
                        const struct deploy_yaml *node, void *target);

static void read_objects(struct walk *walk, const struct deploy_field *field,
                         const struct deploy_yaml *node, void *target)
{
    /* The three lists have one shape: items, count, place. */
    struct deploy_peers *list = target;
    list->place = node->place;
    if (node->kind != DEPLOY_YAML_LIST) {
        COMPLAIN(walk, DEPLOY_ERROR, node->place, field->help, "must be a list, not %s",
                 deploy_yaml_kind_text(node->kind));
        return;
    }
    char *items = allocate(walk, node->count, field->object->size);
    if (!items)
        return;
    for (size_t i = 0; i < node->count; i++) {
        size_t before = enter_item(walk, i);
        read_object(walk, field->object, node->items[i], items + i * field->object->size);
        leave(walk, before);
    }
    list->items = (struct deploy_peer *)(void *)items;
    list->count = node->count;
}

static void read_part(struct walk *walk, const struct deploy_field *field,
                      const struct deploy_yaml *node, void **target)
{
    void *object = allocate(walk, 1, field->object->size);
    if (!object)
        return;
    read_object(walk, field->object, node, object);
    if (node->kind == DEPLOY_YAML_MAPPING)
        *target = object;
}

static void read_field(struct walk *walk, const struct deploy_object *object,
                       const struct deploy_field *field, const struct deploy_yaml *node,
                       void *target)
{
    void *at = (char *)target + field->offset;
    if (node->kind == DEPLOY_YAML_SCALAR && deploy_placeholder_is(node->text))
        deploy_placeholder_report(walk->report, walk->path, node, field,
                                  object->cluster && walk->target == DEPLOY_LOCAL);
    switch (field->kind) {
    case DEPLOY_FIELD_TEXT:
        read_text(walk, field, node, at);
        break;
    case DEPLOY_FIELD_NUMBER:
        read_number(walk, field, node, at);
        break;
    case DEPLOY_FIELD_SWITCH:
        read_switch(walk, field, node, at);
        break;
    case DEPLOY_FIELD_CHOICE:
        read_choice(walk, field, node, at);
        break;
    case DEPLOY_FIELD_TEXTS:
        read_texts(walk, field, node, at);
        break;
    case DEPLOY_FIELD_PORTS:
        read_ports(walk, field, node, target);
        break;
    case DEPLOY_FIELD_OBJECT:
        read_part(walk, field, node, at);
        break;
    case DEPLOY_FIELD_OBJECTS:
        read_objects(walk, field, node, at);
        break;
    case DEPLOY_FIELD_MARKER:
        COMPLAIN(walk, DEPLOY_ERROR, node->place, "leave it empty, or leave it out",
                 "opens an item and has nothing behind it");
        break;
    case DEPLOY_FIELD_FREE:
        break;
    }
}

/* Defaults, before anything is read. */
static void prepare(const struct deploy_object *object, void *target)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct deploy_field *field = &object->fields[i];
        void *at = (char *)target + field->offset;
        if (field->kind == DEPLOY_FIELD_NUMBER && field->value)
            ((struct deploy_number *)at)->value = field->value - 1;
        else if (field->kind == DEPLOY_FIELD_CHOICE)
            ((struct deploy_choice *)at)->value = (int)field->value - 1;
        else if (field->kind == DEPLOY_FIELD_SWITCH)
            ((struct deploy_switch *)at)->value = field->value - 1;
    }
}

static bool is_there(const struct deploy_yaml *node, const char *name)
{
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->keys[i], name) == 0)
            return node->items[i]->kind != DEPLOY_YAML_NULL;
    return false;
}

/* As read_switch reads it. */
static bool is_external(const struct deploy_yaml *node)
{
    static const char *const no[] = {"false", "no", "off"};
    const char *text = NULL;
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->keys[i], "external") == 0 && node->items[i]->kind == DEPLOY_YAML_SCALAR)
            text = node->items[i]->text;
    for (size_t i = 0; text && i < BASE_COUNT(no); i++)
        if (strcasecmp(no[i], text) == 0)
            return false;
    return text != NULL;
}

static void demand_fields(struct walk *walk, const struct deploy_object *object,
                          const struct deploy_yaml *node)
{
    if (object->cluster && walk->target == DEPLOY_LOCAL)
        return;
    for (size_t i = 0; i < object->count; i++) {
        const struct deploy_field *field = &object->fields[i];
        bool needed = field->need == DEPLOY_ALWAYS ||
                      (walk->target == DEPLOY_KUBERNETES &&
                       (field->need == DEPLOY_ON_CLUSTER ||
                        (field->need == DEPLOY_ON_OWN_CLUSTER && !is_external(node))));
        if (!needed || is_there(node, field->name))
            continue;
        size_t before = enter(walk, field->name);
        COMPLAIN(walk, DEPLOY_ERROR, node->place, field->help, "is missing");
        leave(walk, before);
    }
}

static void report_unknown(struct walk *walk, const struct deploy_object *object,
                           const struct deploy_yaml *node, size_t index)
{
    char remedy[128] = "it is not read by anything; remove it, or correct its name";
    const char *near = deploy_schema_nearest(object, node->keys[index]);
    if (near)
        snprintf(remedy, sizeof(remedy), "did you mean %s?", near);
    COMPLAIN(walk, DEPLOY_WARNING, node->key_places[index], remedy, "is no known field");
}

static void read_object(struct walk *walk, const struct deploy_object *object,
                        const struct deploy_yaml *node, void *target)
{
    prepare(object, target);
    if (object->place != SIZE_MAX)
        *(struct deploy_place *)(void *)((char *)target + object->place) = node->place;
    if (node->kind != DEPLOY_YAML_MAPPING) {
        COMPLAIN(walk, DEPLOY_ERROR, node->place, "", "must be a mapping with fields, not %s",
                 deploy_yaml_kind_text(node->kind));
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        size_t before = enter(walk, node->keys[i]);
        const struct deploy_field *field = deploy_schema_find(object, node->keys[i]);
        if (!field)
            report_unknown(walk, object, node, i);
        else if (node->items[i]->kind != DEPLOY_YAML_NULL)
            read_field(walk, object, field, node->items[i], target);
        leave(walk, before);
    }
    demand_fields(walk, object, node);
}

static const struct deploy_yaml *member(const struct deploy_yaml *node, const char *name)
{
    for (size_t i = 0; node->kind == DEPLOY_YAML_MAPPING && i < node->count; i++)
        if (strcmp(node->keys[i], name) == 0)
            return node->items[i];
    return NULL;
}

/* Needed before the model is there: what is missing depends on it. */
static enum deploy_target target_of(const struct deploy_yaml *network)
{
    const struct deploy_yaml *organizations = member(network, "organizations");
    if (organizations && organizations->kind == DEPLOY_YAML_LIST)
        for (size_t i = 0; i < organizations->count; i++)
            if (member(organizations->items[i], "k8s"))
                return DEPLOY_KUBERNETES;
    return DEPLOY_LOCAL;
}

enum deploy_target deploy_network_target(const struct deploy_network *network)
{
    for (size_t i = 0; i < network->organizations.count; i++)
        if (network->organizations.items[i].k8s)
            return DEPLOY_KUBERNETES;
    return DEPLOY_LOCAL;
}

int deploy_network_parse(const struct deploy_network **ret_network, struct bytes content,
                         const enum deploy_target *target, struct deploy_report *report)
{
    const struct deploy_yaml *root = NULL;
    *ret_network = NULL;
    int status = deploy_yaml_parse(&root, content, report);
    if (status != ERR_OK || !root)
        return status;
    const struct deploy_yaml *node = member(root, "network");
    if (!node) {
        deploy_report_add(report, DEPLOY_ERROR, root->place, "network",
                          "a network file begins with \"network:\"; `quorate init` writes one",
                          "is missing at the top of the file");
        return report->status;
    }
    struct walk walk = {.report = report, .target = target ? *target : target_of(node)};
    struct deploy_network *network = allocate(&walk, 1, sizeof(*network));
    if (!network)
        return ERR_NOMEM;
    enter(&walk, "network");
    read_object(&walk, &deploy_schema_network, node, network);
    if (walk.status == ERR_OK && node->kind == DEPLOY_YAML_MAPPING)
        deploy_network_check(network, walk.target, report);
    deploy_report_sort(report);
    *ret_network = node->kind == DEPLOY_YAML_MAPPING ? network : NULL;
    return walk.status != ERR_OK ? walk.status : report->status;
}
