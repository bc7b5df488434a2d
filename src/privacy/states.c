/* The tenants of a manager: its resident groups, each a private state of the node (GoQuorum, core/private_state_manager.go). */
#include "base/base64.h"
#include "privacy/internal.h"

#include <jansson.h>

static int refuse(struct err_detail *detail, const char *why)
{
    return err_set(detail, PRIVACY_FAILED,
                   "unable to decode response body for (method:GET,path:/groups/resident). Cause: "
                   "%s",
                   why);
}

static bool is_resident(const json_t *group)
{
    const char *type = json_string_value(json_object_get(group, "type"));
    return type && strcmp(type, "RESIDENT") == 0;
}

/* Of a resident group it is base64 of the name; of others the text itself. */
static int read_name(struct bytes *ret_name, const json_t *group, struct arena *arena,
                     struct err_detail *detail)
{
    const char *text = json_string_value(json_object_get(group, "privacyGroupId"));
    struct buf decoded = BUF_INIT;
    if (!text)
        return refuse(detail, "a group has no privacyGroupId");
    int err = is_resident(group) ? base64_decode(&decoded, bytes_str(text)) : 0;
    struct bytes name = is_resident(group) ? buf_bytes(&decoded) : bytes_str(text);
    if (err == ERR_NOMEM)
        err_set(detail, err, "out of memory");
    else if (err)
        err = refuse(detail, "the privacyGroupId of a resident group is no base64");
    else if (name.len == 0 || name.len > CHAIN_PSI_MAX || memchr(name.data, 0, name.len))
        err = err_set(detail, PRIVACY_FAILED,
                      "privacy group %s: its identifier has %zu bytes; 1 to %d are supported", text,
                      name.len, CHAIN_PSI_MAX);
    if (!err) {
        *ret_name = arena_copy(arena, name);
        err = ret_name->data ? 0 : err_set(detail, ERR_NOMEM, "out of memory");
    }
    buf_release(&decoded);
    return err;
}

static const char *title(const json_t *group)
{
    const char *name = json_string_value(json_object_get(group, "name"));
    return name ? name : "";
}

/* Keys count in resident groups alone. */
static int read_members(struct chain_psi *psi, const json_t *group, struct arena *arena,
                        struct err_detail *detail)
{
    const json_t *list = json_object_get(group, "members");
    size_t count = is_resident(group) ? json_array_size(list) : 0;
    struct bytes *members = arena_alloc(arena, (count + 1) * sizeof(*members));
    for (size_t i = 0; members && i < count; i++) {
        const char *key = json_string_value(json_array_get(list, i));
        if (!key)
            return refuse(detail, "a member of a group is no text");
        members[i] = arena_copy(arena, bytes_str(key));
        if (!members[i].data && *key)
            return err_set(detail, ERR_NOMEM, "out of memory");
    }
    if (!members)
        return err_set(detail, ERR_NOMEM, "out of memory");
    psi->members = members;
    psi->member_count = count;
    return 0;
}

static int check_clash(const struct chain_psis *psis, const struct chain_psi *psi,
                       const json_t *groups, const json_t *group, struct err_detail *detail)
{
    const struct chain_psi *other = chain_psi_of(psis, psi->name);
    if (other)
        return err_set(detail, PRIVACY_FAILED,
                       "privacy groups id clash id=%.*s existing.Name=%s duplicate.Name=%s",
                       (int)psi->name.len, (const char *)psi->name.data,
                       title(json_array_get(groups, (size_t)(other - psis->list))), title(group));
    for (size_t i = 0; i < psi->member_count; i++) {
        other = chain_psi_of_member(psis, psi->members[i]);
        if (other)
            return err_set(
                detail, PRIVACY_FAILED,
                "same address is part of two different groups: address=%.*s existing.Name=%s "
                "duplicate.Name=%s",
                (int)psi->members[i].len, (const char *)psi->members[i].data,
                title(json_array_get(groups, (size_t)(other - psis->list))), title(group));
    }
    return 0;
}

static int read_groups(struct chain_psis *ret_psis, const json_t *groups, struct arena *arena,
                       struct err_detail *detail)
{
    size_t count = json_array_size(groups);
    if (!json_is_array(groups) || count > CHAIN_PSIS_MAX)
        return refuse(detail, json_is_array(groups) ? "too many groups" : "it is no list");
    struct chain_psi *list = arena_alloc_zeroed(arena, count + 1, sizeof(*list));
    if (!list)
        return err_set(detail, ERR_NOMEM, "out of memory");
    struct chain_psis psis = {.list = list};
    for (size_t i = 0; i < count; i++) {
        const json_t *group = json_array_get(groups, i);
        struct chain_psi psi = {.member_count = 0};
        int err = read_name(&psi.name, group, arena, detail);
        if (!err)
            err = read_members(&psi, group, arena, detail);
        if (!err)
            err = check_clash(&psis, &psi, groups, group, detail);
        if (err)
            return err;
        list[psis.count++] = psi;
    }
    *ret_psis = psis;
    return 0;
}

int privacy_parse_groups(struct chain_psis *ret_psis, struct bytes json, struct arena *arena,
                         struct err_detail *detail)
{
    json_error_t error;
    json_t *groups = json_loadb((const char *)json.data, json.len, JSON_DISABLE_EOF_CHECK, &error);
    int err = groups ? read_groups(ret_psis, groups, arena, detail) : refuse(detail, error.text);
    json_decref(groups);
    return err;
}

int privacy_groups(struct privacy_tm *tm, struct chain_psis *ret_psis, struct arena *arena,
                   struct err_detail *detail)
{
    static const struct privacy_field fields[] = {{"User-Agent", "quorum-v24.4.1"},
                                                  {"Accept", "application/json"},
                                                  {"Content-Type", "application/json"}};
    static const struct privacy_request request = {.method = "GET",
                                                   .path = "/groups/resident",
                                                   .fields = fields,
                                                   .field_count = BASE_COUNT(fields)};
    struct privacy_answer answer;
    if (!privacy_has(tm, PRIVACY_STATES))
        return err_set(detail, PRIVACY_FAILED,
                       "cannot instantiate MultiplePrivateStateManager while the transaction "
                       "manager does not support multiple private states");
    int err = privacy_ask(tm, &answer, &request, detail);
    if (!err)
        err = privacy_parse_groups(ret_psis, buf_bytes(&answer.body), arena, detail);
    buf_release(&answer.body);
    return err;
}
