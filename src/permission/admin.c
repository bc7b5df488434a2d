/* Who may begin and accept an extension on a permissioned network (GoQuorum, permission/core/cache.go: CheckIfAdminAccount). */
#include "permission/permission.h"

static bool is_active(const struct permission_model *m, struct bytes full)
{
    const struct permission_org *org = permission_org(m, full);
    if (!org || org->status == PERMISSION_ORG_SUSPENDED)
        return false;
    const struct permission_org *top = permission_org(m, org->ultimate);
    return !top || top->status != PERMISSION_ORG_SUSPENDED;
}

static bool is_admin_role(const struct permission_model *m, struct bytes org, struct bytes name)
{
    const struct permission_role *role = permission_role(m, org, name);
    return role && role->active && role->admin;
}

bool permission_is_admin(const struct permission *permission, const struct address *account)
{
    const struct permission_model *m = permission_model_of(permission);
    const struct permission_config *config = permission_config_of(permission);
    const struct permission_account *a = permission_account(m, account);
    if (!permission_enabled(permission))
        return true;
    if (!a || a->status != PERMISSION_ACCOUNT_ACTIVE || !is_active(m, a->org))
        return false;
    return bytes_equal(a->role, bytes_str(config->network_role)) ||
           bytes_equal(a->role, bytes_str(config->org_role)) || is_admin_role(m, a->org, a->role) ||
           is_admin_role(m, permission_org(m, a->org)->ultimate, a->role);
}
