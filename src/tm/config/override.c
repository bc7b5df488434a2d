/* One value of the configuration set from the command line: a path of members and indices, '=', a text. */
#include "tm/config/config_priv.h"

enum { NAME_MAX_LEN = 64, DEPTH_MAX = 8 };

/* One step of a path: "member", or "[index]". */
struct step {
    char name[NAME_MAX_LEN];
    size_t index;
    bool is_index;
};

static bool next_step(const char **path, struct step *ret_step)
{
    const char *p = *path;
    ret_step->is_index = *p == '[';
    if (ret_step->is_index) {
        size_t digits = strspn(p + 1, "0123456789");
        if (digits == 0 || digits > 5 || p[1 + digits] != ']')
            return false;
        ret_step->index = 0;
        for (size_t i = 0; i < digits; i++)
            ret_step->index = ret_step->index * 10 + (size_t)(p[1 + i] - '0');
        p += digits + 2;
    } else {
        size_t len = strcspn(p, ".[=");
        if (len == 0 || len >= NAME_MAX_LEN)
            return false;
        memcpy(ret_step->name, p, len);
        ret_step->name[len] = 0;
        p += len;
    }
    if (*p == '.')
        p++;
    *path = p;
    return true;
}

/* What stands at the step in `parent`; made when it is missing: a list if an index follows. */
static json_t *descend(json_t *parent, const struct step *step, bool next_is_index)
{
    json_t *child =
        step->is_index ? json_array_get(parent, step->index) : json_object_get(parent, step->name);
    if (next_is_index ? json_is_array(child) : json_is_object(child))
        return child;
    if (child && !json_is_null(child))
        return NULL;
    child = next_is_index ? json_array() : json_object();
    int status = -1;
    if (step->is_index && json_is_array(parent) && step->index <= json_array_size(parent))
        status = step->index < json_array_size(parent)
                     ? json_array_set_new(parent, step->index, child)
                     : json_array_append_new(parent, child);
    else if (!step->is_index && json_is_object(parent))
        status = json_object_set_new(parent, step->name, child);
    else
        json_decref(child);
    return status == 0 ? child : NULL;
}

static bool set(json_t *parent, const struct step *step, const char *value)
{
    json_t *text = json_string(value);
    if (!text)
        return false;
    if (!step->is_index && json_is_object(parent))
        return json_object_set_new(parent, step->name, text) == 0;
    if (step->is_index && json_is_array(parent) && step->index < json_array_size(parent))
        return json_array_set_new(parent, step->index, text) == 0;
    if (step->is_index && json_is_array(parent) && step->index == json_array_size(parent))
        return json_array_append_new(parent, text) == 0;
    json_decref(text);
    return false;
}

int tm_apply_override(json_t *root, const char *override, struct err_detail *detail)
{
    const char *path = override, *equals = strchr(override, '=');
    json_t *at = root;
    struct step step;
    bool ok = equals && next_step(&path, &step) && !step.is_index;
    for (size_t depth = 0; ok && *path != '='; depth++) {
        bool index_follows = *path == '[';
        at = depth < DEPTH_MAX ? descend(at, &step, index_follows) : NULL;
        ok = at && next_step(&path, &step);
    }
    if (!ok || path != equals || !set(at, &step, equals + 1))
        return err_set(
            detail, ERR_USAGE,
            "override %.*s: no such place in the configuration (KEY=VALUE with a KEY like "
            "jdbc.username or serverConfigs[1].sslConfig.tls)",
            equals ? (int)(equals - override) : 100, override);
    return 0;
}
