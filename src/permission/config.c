#include "permission/config.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <strings.h>

static int refuse(struct err_detail *detail, const char *format)
{
    char text[160];
    snprintf(text, sizeof(text), format, PERMISSION_CONFIG_FILE);
    return err_set(detail, ERR_INPUT, "%s", text);
}

/* Go finds a key whatever the case of its letters. */
static const json_t *member(const json_t *object, const char *name)
{
    const json_t *exact = json_object_get(object, name);
    const char *key;
    json_t *value;
    if (exact)
        return exact;
    json_object_foreach((json_t *)(uintptr_t)object, key,
                        value) if (strcasecmp(key, name) == 0) return value;
    return NULL;
}

static int read_address(struct address *ret, const json_t *value, const char *name,
                        struct err_detail *detail)
{
    const char *text = json_string_value(value);
    if (!text || strncasecmp(text, "0x", 2) != 0 || !hex_decode_exact(text, ret->b, 20))
        return err_set(detail, ERR_INPUT, "%s: %s must be an address: 0x and 40 hex digits",
                       PERMISSION_CONFIG_FILE, name);
    return ERR_OK;
}

static int read_addresses(struct permission_config *config, const json_t *root,
                          struct err_detail *detail)
{
    static const struct {
        const char *name;
        size_t offset;
    } rows[] = {
        {"upgrdableAddress", offsetof(struct permission_config, upgradable)},
        {"interfaceAddress", offsetof(struct permission_config, interface)},
        {"implAddress", offsetof(struct permission_config, implementation)},
        {"nodeMgrAddress", offsetof(struct permission_config, nodes)},
        {"accountMgrAddress", offsetof(struct permission_config, accounts)},
        {"roleMgrAddress", offsetof(struct permission_config, roles)},
        {"voterMgrAddress", offsetof(struct permission_config, voters)},
        {"orgMgrAddress", offsetof(struct permission_config, orgs)},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        const json_t *value = member(root, rows[i].name);
        void *to = (char *)config + rows[i].offset;
        if (!value || json_is_null(value))
            continue;
        int status = read_address(to, value, rows[i].name, detail);
        if (status != ERR_OK)
            return status;
    }
    return ERR_OK;
}

static int read_names(struct permission_config *config, const json_t *root,
                      struct err_detail *detail)
{
    static const struct {
        const char *name;
        size_t offset;
    } rows[] = {
        {"nwAdminOrg", offsetof(struct permission_config, network_org)},
        {"nwAdminRole", offsetof(struct permission_config, network_role)},
        {"orgAdminRole", offsetof(struct permission_config, org_role)},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        const json_t *value = member(root, rows[i].name);
        if (!value || json_is_null(value))
            continue;
        if (!json_is_string(value) || json_string_length(value) >= PERMISSION_NAME_MAX)
            return err_set(detail, ERR_INPUT, "%s: %s must be a text of at most %d bytes",
                           PERMISSION_CONFIG_FILE, rows[i].name, PERMISSION_NAME_MAX - 1);
        memcpy((char *)config + rows[i].offset, json_string_value(value),
               json_string_length(value) + 1);
    }
    return ERR_OK;
}

static int read_model(struct permission_config *config, const json_t *root,
                      struct err_detail *detail)
{
    const char *model = json_string_value(member(root, "permissionModel"));
    if (!model || !*model)
        return refuse(detail, "permissions model type not passed in %s. Network cannot boot up");
    config->enhanced = strcasecmp(model, "v2") == 0;
    if (!config->enhanced && strcasecmp(model, "v1") != 0)
        return refuse(detail,
                      "invalid permissions model type passed in %s. Network cannot boot up");
    return ERR_OK;
}

static int read_admins(struct permission_config *config, const json_t *root,
                       struct err_detail *detail)
{
    const json_t *list = member(root, "accounts");
    size_t count = json_array_size(list);
    if (count == 0)
        return refuse(detail, "no accounts given in %s. Network cannot boot up");
    if (count > PERMISSION_ACCOUNTS_MAX)
        return err_set(detail, ERR_INPUT, "%s: accounts has more than %d entries",
                       PERMISSION_CONFIG_FILE, PERMISSION_ACCOUNTS_MAX);
    config->admins = mem_alloc(count * sizeof(*config->admins));
    if (!config->admins)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    config->admin_count = count;
    for (size_t i = 0; i < count; i++) {
        int status = read_address(&config->admins[i], json_array_get(list, i), "accounts", detail);
        if (status != ERR_OK)
            return status;
    }
    return ERR_OK;
}

static int read_limits(struct permission_config *config, const json_t *root,
                       struct err_detail *detail)
{
    json_int_t breadth = json_integer_value(member(root, "subOrgBreadth"));
    json_int_t depth = json_integer_value(member(root, "subOrgDepth"));
    if (breadth <= 0 || depth <= 0)
        return refuse(detail, "sub org breadth depth not passed in %s. Network cannot boot up");
    config->breadth = (uint64_t)breadth;
    config->depth = (uint64_t)depth;
    return ERR_OK;
}

static int read_root(struct permission_config *config, const json_t *root,
                     struct err_detail *detail)
{
    static int (*const parts[])(struct permission_config *config, const json_t *root,
                                struct err_detail *detail) = {
        read_model, read_admins, read_limits, read_names, read_addresses,
    };
    for (size_t i = 0; i < BASE_COUNT(parts); i++) {
        int status = parts[i](config, root, detail);
        if (status != ERR_OK)
            return status;
    }
    return address_is_zero(&config->interface) ? refuse(detail, "missing contract addresses in %s")
                                               : ERR_OK;
}

int permission_config_parse(struct permission_config *ret_config, struct bytes json,
                            struct err_detail *detail)
{
    struct permission_config config = {0};
    json_error_t error;
    if (json.len > PERMISSION_CONFIG_MAX)
        return err_set(detail, ERR_INPUT, "%s is larger than %d bytes", PERMISSION_CONFIG_FILE,
                       PERMISSION_CONFIG_MAX);
    json_t *root = json_loadb((const char *)json.data, json.len, 0, &error);
    if (!json_is_object(root)) {
        int status = err_set(detail, ERR_INPUT, "%s is no JSON object: line %d, column %d: %s",
                             PERMISSION_CONFIG_FILE, root ? 1 : error.line, root ? 1 : error.column,
                             root ? "expected {" : error.text);
        json_decref(root);
        return status;
    }
    int status = read_root(&config, root, detail);
    json_decref(root);
    if (status != ERR_OK)
        permission_config_release(&config);
    else
        *ret_config = config;
    return status;
}

int permission_config_read(struct permission_config *ret_config, const char *path,
                           struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int status = file_read_regular(path, PERMISSION_CONFIG_MAX, &text, detail);
    if (status == ERR_OK)
        status = permission_config_parse(ret_config, buf_bytes(&text), detail);
    buf_release(&text);
    return status;
}

void permission_config_release(struct permission_config *config)
{
    mem_free(config->admins);
    *config = (struct permission_config){0};
}
