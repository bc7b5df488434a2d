#include "tm/config/config.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/quote.h"
#include "tm/config/config_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAMES_MAX = 64 };

const char *tm_app_name(enum tm_app app)
{
    static const char *const names[] = {
#define X(name, text) text,
        TM_APP_LIST(X)
#undef X
    };
    return names[app];
}

const char *tm_copy_text(struct tm_config *config, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = arena_alloc(&config->arena, size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

int tm_note(struct tm_reader *r, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct tm_texts *notes = &r->config->notes;
    if (notes->count == r->note_room) {
        size_t room = r->note_room ? r->note_room * 2 : 8;
        const char **items = arena_alloc(&r->config->arena, room * sizeof(*items));
        if (!items)
            return err_set(r->detail, ERR_NOMEM, "out of memory");
        if (notes->count)
            memcpy(items, notes->items, notes->count * sizeof(*items));
        notes->items = items;
        r->note_room = room;
    }
    const char *copy = tm_copy_text(r->config, text);
    if (!copy)
        return err_set(r->detail, ERR_NOMEM, "out of memory");
    notes->items[notes->count++] = copy;
    return 0;
}

/* --- One member --- */

static int fault(struct tm_reader *r, const char *where, const char *name, const char *what)
{
    return err_set(r->detail, ERR_USAGE, "configuration: %s%s%s: %s", where, where[0] ? "." : "",
                   name, what);
}

static int read_text(struct tm_reader *r, json_t *value, const char **ret_text)
{
    char number[32];
    const char *text = json_string_value(value);
    if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        text = number;
    } else if (json_is_boolean(value)) {
        text = json_is_true(value) ? "true" : "false";
    }
    if (!text)
        return ERR_USAGE;
    *ret_text = tm_copy_text(r->config, text);
    return *ret_text ? 0 : ERR_NOMEM;
}

static bool read_bool(json_t *value, bool *ret_bool)
{
    const char *text = json_string_value(value);
    if (json_is_boolean(value))
        *ret_bool = json_is_true(value);
    else if (text && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
        *ret_bool = text[0] == 't';
    else
        return false;
    return true;
}

static bool read_number(json_t *value, uint64_t *ret_number)
{
    const char *text = json_string_value(value);
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *ret_number = (uint64_t)json_integer_value(value);
        return true;
    }
    if (!text || !*text || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
        return false;
    *ret_number = strtoull(text, NULL, 10);
    return true;
}

static int read_texts(struct tm_reader *r, json_t *value, const char *where,
                      struct tm_texts *ret_texts)
{
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_array(value) || json_array_size(value) > TM_CONFIG_LIST_MAX)
        return fault(r, "", where, "a list of texts is expected");
    size_t count = json_array_size(value);
    const char **items = arena_alloc(&r->config->arena, (count + 1) * sizeof(*items));
    if (!items)
        return err_set(r->detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        int status = read_text(r, json_array_get(value, i), &items[i]);
        if (status < 0)
            return fault(r, "", where, "a list of texts is expected");
    }
    *ret_texts = (struct tm_texts){items, count};
    return 0;
}

static int read_member(struct tm_reader *r, json_t *value, const char *where,
                       const struct tm_member *member, void *target)
{
    void *field = (uint8_t *)target + member->offset;
    char path[128];
    int status;
    switch (member->kind) {
    case TM_MEMBER_TEXT:
        status = read_text(r, value, field);
        return status == ERR_USAGE ? fault(r, where, member->name, "a text is expected") : status;
    case TM_MEMBER_BOOL:
        return read_bool(value, field) ? 0
                                       : fault(r, where, member->name, "true or false is expected");
    case TM_MEMBER_NUMBER:
        return read_number(value, field) ? 0
                                         : fault(r, where, member->name, "a number is expected");
    case TM_MEMBER_TEXTS:
        snprintf(path, sizeof(path), "%s%s%s", where, where[0] ? "." : "", member->name);
        return read_texts(r, value, path, field);
    case TM_MEMBER_REFUSED:
        (void)fault(r, where, member->name, member->help);
        return ERR_UNSUPPORTED;
    case TM_MEMBER_OTHER:
        break;
    }
    return 0;
}

/* The override of the command line that has made this member; NULL when none has. */
static const char *overridden(const struct tm_reader *r, const char *where, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s%s%.100s", where, where[0] ? "." : "", name);
    size_t len = strlen(path);
    for (size_t i = 0; r->overrides && i < r->overrides->count; i++) {
        const char *o = r->overrides->items[i];
        if (strncmp(o, path, len) == 0 && o[len] && strchr(".[=", o[len]))
            return o;
    }
    return NULL;
}

static int unknown(struct tm_reader *r, const char *where, const char *name,
                   const struct tm_member *members, size_t count)
{
    const char *names[NAMES_MAX];
    size_t known = 0;
    for (size_t i = 0; i < count && known < NAMES_MAX; i++)
        names[known++] = members[i].name;
    const char *nearest = options_nearest(name, names, known);
    const char *override = overridden(r, where, name);
    if (override)
        return err_set(r->detail, ERR_USAGE,
                       "override %.200s: %.100s is no member that is known%s%s%s", override, name,
                       nearest ? " (did you mean " : "", nearest ? nearest : "",
                       nearest ? "?)" : "");
    return tm_note(r,
                   "configuration: %s%s%.100s is no member that is known, and has no effect%s%s%s",
                   where, where[0] ? "." : "", name, nearest ? " (did you mean " : "",
                   nearest ? nearest : "", nearest ? "?)" : "");
}

int tm_read_members(struct tm_reader *r, json_t *object, const char *where,
                    const struct tm_member *members, size_t count, void *target)
{
    const char *name;
    json_t *value;
    if (!object || json_is_null(object))
        return 0;
    if (!json_is_object(object))
        return fault(r, "", where[0] ? where : "the whole", "an object is expected");
    json_object_foreach(object, name, value)
    {
        size_t i = 0;
        while (i < count && strcmp(members[i].name, name) != 0)
            i++;
        int status = 0;
        if (i == count)
            status = unknown(r, where, name, members, count);
        else if (!json_is_null(value))
            status = read_member(r, value, where, &members[i], target);
        if (status < 0)
            return status;
    }
    return 0;
}

/* --- The whole --- */

#define AT(field) offsetof(struct tm_config, field)

static const struct tm_member top_members[] = {
    {"mode", TM_MEMBER_OTHER, 0, NULL},
    {"version", TM_MEMBER_OTHER, 0, NULL},
    {"useWhiteList", TM_MEMBER_BOOL, AT(white_list), NULL},
    {"disablePeerDiscovery", TM_MEMBER_BOOL, AT(no_discovery), NULL},
    {"bootstrapNode", TM_MEMBER_BOOL, AT(bootstrap), NULL},
    {"jdbc", TM_MEMBER_OTHER, 0, NULL},
    {"serverConfigs", TM_MEMBER_OTHER, 0, NULL},
    {"server", TM_MEMBER_OTHER, 0, NULL},
    {"unixSocketFile", TM_MEMBER_OTHER, 0, NULL},
    {"peer", TM_MEMBER_OTHER, 0, NULL},
    {"keys", TM_MEMBER_OTHER, 0, NULL},
    {"alwaysSendTo", TM_MEMBER_TEXTS, AT(always_send_to), NULL},
    {"features", TM_MEMBER_OTHER, 0, NULL},
    {"encryptor", TM_MEMBER_OTHER, 0, NULL},
    {"residentGroups", TM_MEMBER_OTHER, 0, NULL},
    {"delivery", TM_MEMBER_OTHER, 0, NULL},
};

static const struct tm_member jdbc_members[] = {
    {"username", TM_MEMBER_TEXT, AT(jdbc_username), NULL},
    {"password", TM_MEMBER_TEXT, AT(jdbc_password), NULL},
    {"passwordFile", TM_MEMBER_TEXT, AT(jdbc_password_file), NULL}, /* ours */
    {"url", TM_MEMBER_TEXT, AT(jdbc_url), NULL},
    {"autoCreateTables", TM_MEMBER_BOOL, AT(create_tables), NULL},
    {"fetchSize", TM_MEMBER_OTHER, 0, NULL}, /* pages have their own size here */
};

static const struct tm_member feature_members[] = {
    {"enableRemoteKeyValidation", TM_MEMBER_BOOL, AT(validate_keys), NULL},
    {"enablePrivacyEnhancements", TM_MEMBER_BOOL, AT(enhanced_privacy), NULL},
    {"enableMultiplePrivateStates", TM_MEMBER_BOOL, AT(multiple_states), NULL},
};

static const struct tm_member encryptor_members[] = {
    {"type", TM_MEMBER_TEXT, offsetof(struct tm_config_encryptor, type), NULL},
    {"properties", TM_MEMBER_OTHER, 0, NULL},
};

static const struct tm_member encryptor_properties[] = {
    {"symmetricCipher", TM_MEMBER_TEXT, offsetof(struct tm_config_encryptor, symmetric_cipher),
     NULL},
    {"ellipticCurve", TM_MEMBER_TEXT, offsetof(struct tm_config_encryptor, elliptic_curve), NULL},
    {"nonceLength", TM_MEMBER_TEXT, offsetof(struct tm_config_encryptor, nonce_length), NULL},
    {"sharedKeyLength", TM_MEMBER_TEXT, offsetof(struct tm_config_encryptor, shared_key_length),
     NULL},
};

static const struct tm_member group_members[] = {
    {"name", TM_MEMBER_TEXT, offsetof(struct tm_config_group, name), NULL},
    {"description", TM_MEMBER_TEXT, offsetof(struct tm_config_group, description), NULL},
    {"members", TM_MEMBER_TEXTS, offsetof(struct tm_config_group, members), NULL},
};

static int read_peers(struct tm_reader *r, json_t *value)
{
    if (!value || json_is_null(value))
        return 0;
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count > TM_CONFIG_LIST_MAX)
        return fault(r, "", "peer", "a list of objects with a url is expected");
    const char **urls = arena_alloc(&r->config->arena, (count + 1) * sizeof(*urls));
    if (!urls)
        return err_set(r->detail, ERR_NOMEM, "out of memory");
    static const struct tm_member members[] = {{"url", TM_MEMBER_TEXT, 0, NULL}};
    for (size_t i = 0; i < count; i++) {
        char where[48];
        snprintf(where, sizeof(where), "peer[%zu]", i);
        urls[i] = NULL;
        int status = tm_read_members(r, json_array_get(value, i), where, members, 1, &urls[i]);
        if (status < 0)
            return status;
        if (!urls[i] ||
            (strncmp(urls[i], "http://", 7) != 0 && strncmp(urls[i], "https://", 8) != 0))
            return err_set(r->detail, ERR_USAGE,
                           "configuration: %s.url: http://host:port or https://host:port is "
                           "expected, not %.200s",
                           where, urls[i] ? urls[i] : "nothing");
    }
    r->config->peers = (struct tm_texts){urls, count};
    return 0;
}

static int read_groups(struct tm_reader *r, json_t *value)
{
    if (!value || json_is_null(value))
        return 0;
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count > TM_CONFIG_LIST_MAX)
        return fault(r, "", "residentGroups", "a list of objects is expected");
    struct tm_config_group *groups =
        arena_alloc_zeroed(&r->config->arena, count + 1, sizeof(*groups));
    if (!groups)
        return err_set(r->detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        groups[i].description = "";
        int status = tm_read_members(r, json_array_get(value, i), "residentGroups", group_members,
                                     BASE_COUNT(group_members), &groups[i]);
        if (status < 0)
            return status;
        if (!groups[i].name || !groups[i].name[0])
            return fault(r, "residentGroups", "name", "is missing");
    }
    r->config->groups = groups;
    r->config->group_count = count;
    return 0;
}

static int read_modes(struct tm_reader *r, json_t *root)
{
    const char *mode = json_string_value(json_object_get(root, "mode"));
    if (mode && strcmp(mode, "tessera") != 0) {
        (void)fault(r, "", "mode", "only \"tessera\" is served; orion is Besu's, before 25.1.0");
        return ERR_UNSUPPORTED;
    }
    json_t *delivery = json_object_get(root, "delivery");
    const char *text = json_string_value(delivery);
    if (delivery && !json_is_null(delivery)) {
        if (!text || (strcmp(text, "queued") != 0 && strcmp(text, "direct") != 0))
            return fault(r, "", "delivery", "\"direct\" (the default) or \"queued\" is expected");
        r->config->queued = strcmp(text, "queued") == 0;
    }
    return 0;
}

static int read_root(struct tm_reader *r, json_t *root)
{
    struct tm_config *config = r->config;
    json_t *encryptor = json_object_get(root, "encryptor");
    int status = tm_read_members(r, root, "", top_members, BASE_COUNT(top_members), config);
    if (status == 0)
        status = read_modes(r, root);
    if (status == 0)
        status = tm_read_members(r, json_object_get(root, "jdbc"), "jdbc", jdbc_members,
                                 BASE_COUNT(jdbc_members), config);
    if (status == 0)
        status = tm_read_members(r, json_object_get(root, "features"), "features", feature_members,
                                 BASE_COUNT(feature_members), config);
    if (status == 0)
        status = tm_read_members(r, encryptor, "encryptor", encryptor_members,
                                 BASE_COUNT(encryptor_members), &config->encryptor);
    if (status == 0)
        status = tm_read_members(r, json_object_get(encryptor, "properties"),
                                 "encryptor.properties", encryptor_properties,
                                 BASE_COUNT(encryptor_properties), &config->encryptor);
    if (status == 0)
        status = read_peers(r, json_object_get(root, "peer"));
    if (status == 0)
        status = read_groups(r, json_object_get(root, "residentGroups"));
    if (status == 0)
        status = tm_read_servers(r, root);
    return status < 0 ? status : tm_read_keys(r, root);
}

static int parse(struct tm_config *config, struct bytes text, const struct tm_overrides *overrides,
                 struct err_detail *detail)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return err_set(detail, ERR_INPUT, "not JSON: line %d, column %d: %s", error.line,
                       error.column, quote_cut(error.text));
    int status = json_is_object(root) ? 0 : err_set(detail, ERR_INPUT, "an object is expected");
    for (size_t i = 0; status == 0 && overrides && i < overrides->count; i++)
        status = tm_apply_override(root, overrides->items[i], detail);
    struct tm_reader r = {.config = config, .detail = detail, .overrides = overrides};
    if (status == 0)
        status = read_root(&r, root);
    json_decref(root);
    return status < 0 ? status : tm_config_check(config, detail);
}

int tm_config_parse(struct tm_config *ret_config, struct bytes text,
                    const struct tm_overrides *overrides, struct err_detail *detail)
{
    memset(ret_config, 0, sizeof(*ret_config));
    arena_init_limited(&ret_config->arena, 16 * TM_CONFIG_MAX_TEXT);
    int status = parse(ret_config, text, overrides, detail);
    if (status < 0)
        tm_config_release(ret_config);
    return status;
}

/* The database's password, in a file of its own: its first line. */
static int read_password(struct tm_config *config, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    if (!config->jdbc_password_file)
        return 0;
    if (config->jdbc_password && config->jdbc_password[0])
        return err_set(detail, ERR_USAGE,
                       "configuration: jdbc: password and passwordFile cannot stand together");
    int status = file_read(config->jdbc_password_file, TM_CONFIG_MAX_PASSWORD, &text, detail);
    if (status == 0) {
        size_t len = 0;
        while (len < text.len && text.data[len] != '\n' && text.data[len] != '\r' && text.data[len])
            len++;
        char *copy = arena_alloc_zeroed(&config->arena, len + 1, 1);
        if (copy)
            memcpy(copy, text.data, len);
        config->jdbc_password = copy;
        status = copy ? 0 : err_set(detail, ERR_NOMEM, "out of memory");
    }
    if (text.data)
        mem_wipe(text.data, text.len);
    buf_release(&text);
    return status;
}

int tm_config_load(struct tm_config *ret_config, const char *path,
                   const struct tm_overrides *overrides, tm_config_ask_fn *ask,
                   struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int status = file_read(path, TM_CONFIG_MAX_TEXT, &text, detail);
    if (status == 0) {
        status = tm_config_parse(ret_config, buf_bytes(&text), overrides, detail);
        if (status == 0 && ((status = read_password(ret_config, detail)) < 0 ||
                            (status = tm_config_open_sealed(ret_config, ask, detail)) < 0))
            tm_config_release(ret_config);
        if (status < 0)
            (void)err_prefix(detail, status, "%s", path);
    }
    buf_release(&text);
    return status;
}

void tm_config_release(struct tm_config *config)
{
    arena_release(&config->arena);
    memset(config, 0, sizeof(*config));
}

const struct tm_config_server *tm_config_server_of(const struct tm_config *config, enum tm_app app)
{
    for (size_t i = 0; i < config->server_count; i++)
        if (config->servers[i].app == app)
            return &config->servers[i];
    return NULL;
}
