#include "permission/model.h"

#include "base/mem.h"
#include "crypto/keccak.h"

void permission_model_init(struct permission_model *model)
{
    map_init(&model->orgs, sizeof(struct hash256), sizeof(struct permission_org));
    map_init(&model->nodes, sizeof(struct hash256), sizeof(struct permission_node));
    map_init(&model->roles, sizeof(struct hash256), sizeof(struct permission_role));
    map_init(&model->accounts, sizeof(struct address), sizeof(struct permission_account));
}

/* Every record's first text is the start of the one allocation that holds all of its texts. */
static void free_texts(struct bytes first)
{
    mem_free((void *)(uintptr_t)first.data);
}

void permission_model_clear(struct permission_model *model)
{
    for (size_t i = 0; i < map_count(&model->orgs); i++)
        free_texts(permission_org_at(model, i)->id);
    for (size_t i = 0; i < map_count(&model->nodes); i++)
        free_texts(permission_node_at(model, i)->org);
    for (size_t i = 0; i < map_count(&model->roles); i++)
        free_texts(permission_role_at(model, i)->org);
    for (size_t i = 0; i < map_count(&model->accounts); i++)
        free_texts(permission_account_at(model, i)->org);
    map_clear(&model->orgs);
    map_clear(&model->nodes);
    map_clear(&model->roles);
    map_clear(&model->accounts);
}

void permission_model_release(struct permission_model *model)
{
    permission_model_clear(model);
    map_release(&model->orgs);
    map_release(&model->nodes);
    map_release(&model->roles);
    map_release(&model->accounts);
}

/* Replaces each text by a copy; all copies are in one allocation, which the first points to. */
static int copy_texts(struct bytes **texts, size_t count)
{
    size_t total = 1, at = 0;
    for (size_t i = 0; i < count; i++) {
        if (texts[i]->len > PERMISSION_TEXT_MAX)
            return ERR_LIMIT;
        total += texts[i]->len;
    }
    uint8_t *copy = mem_alloc(total);
    if (!copy)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (texts[i]->len)
            memcpy(copy + at, texts[i]->data, texts[i]->len);
        texts[i]->data = copy + at;
        at += texts[i]->len;
    }
    return ERR_OK;
}

/* Two texts with a byte between them that keeps pairs apart. */
static struct hash256 key_of(struct bytes a, struct bytes b)
{
    struct crypto_keccak256 k;
    struct hash256 key;
    uint64_t len = a.len;
    crypto_keccak256_init(&k);
    crypto_keccak256_update(&k, bytes_of(&len, sizeof(len)));
    crypto_keccak256_update(&k, a);
    crypto_keccak256_update(&k, b);
    crypto_keccak256_final(&k, &key);
    return key;
}

/* Room for a record: the one that is there, or zeros. */
static int make_room(struct map *map, void **ret_value, const void *key)
{
    bool added;
    if (map_count(map) >= PERMISSION_RECORDS_MAX && !map_get(map, key))
        return ERR_LIMIT;
    *ret_value = map_put(map, key, &added);
    return *ret_value ? ERR_OK : ERR_NOMEM;
}

int permission_put_org(struct permission_model *model, const struct permission_org *org)
{
    struct permission_org copy = *org;
    struct buf full = BUF_INIT;
    void *value = NULL;
    if (org->parent.len) {
        buf_append_bytes(&full, org->parent);
        buf_append_byte(&full, '.');
    }
    buf_append_bytes(&full, org->id);
    copy.full = buf_bytes(&full);
    struct bytes *texts[] = {&copy.id, &copy.full, &copy.parent, &copy.ultimate};
    int status = buf_status(&full);
    struct hash256 key = key_of(copy.full, bytes_none());
    if (status == ERR_OK)
        status = copy_texts(texts, BASE_COUNT(texts));
    if (status == ERR_OK) {
        status = make_room(&model->orgs, &value, &key);
        if (status == ERR_OK)
            free_texts(((struct permission_org *)value)->id);
        else
            free_texts(copy.id);
    }
    if (status == ERR_OK)
        *(struct permission_org *)value = copy;
    buf_release(&full);
    return status;
}

int permission_put_node(struct permission_model *model, const struct permission_node *node)
{
    struct permission_node copy = *node;
    struct bytes *texts[] = {&copy.org, &copy.url};
    struct hash256 key = key_of(node->org, node->url);
    void *value = NULL;
    int status = copy_texts(texts, BASE_COUNT(texts));
    if (status != ERR_OK)
        return status;
    status = make_room(&model->nodes, &value, &key);
    free_texts(status == ERR_OK ? ((struct permission_node *)value)->org : copy.org);
    if (status == ERR_OK)
        *(struct permission_node *)value = copy;
    return status;
}

int permission_put_role(struct permission_model *model, const struct permission_role *role)
{
    struct permission_role copy = *role;
    struct bytes *texts[] = {&copy.org, &copy.role};
    struct hash256 key = key_of(role->org, role->role);
    void *value = NULL;
    int status = copy_texts(texts, BASE_COUNT(texts));
    if (status != ERR_OK)
        return status;
    status = make_room(&model->roles, &value, &key);
    free_texts(status == ERR_OK ? ((struct permission_role *)value)->org : copy.org);
    if (status == ERR_OK)
        *(struct permission_role *)value = copy;
    return status;
}

int permission_put_account(struct permission_model *model, const struct permission_account *account)
{
    struct permission_account copy = *account;
    struct bytes *texts[] = {&copy.org, &copy.role};
    void *value = NULL;
    int status = copy_texts(texts, BASE_COUNT(texts));
    if (status != ERR_OK)
        return status;
    status = make_room(&model->accounts, &value, &account->address);
    free_texts(status == ERR_OK ? ((struct permission_account *)value)->org : copy.org);
    if (status == ERR_OK)
        *(struct permission_account *)value = copy;
    return status;
}

const struct permission_org *permission_org(const struct permission_model *model, struct bytes full)
{
    struct hash256 key = key_of(full, bytes_none());
    return map_get(&model->orgs, &key);
}

const struct permission_node *permission_node(const struct permission_model *model,
                                              struct bytes url)
{
    for (size_t i = 0; i < map_count(&model->nodes); i++)
        if (bytes_equal(permission_node_at(model, i)->url, url))
            return permission_node_at(model, i);
    return NULL;
}

const struct permission_role *permission_role(const struct permission_model *model,
                                              struct bytes org, struct bytes role)
{
    struct hash256 key = key_of(org, role);
    return map_get(&model->roles, &key);
}

const struct permission_account *permission_account(const struct permission_model *model,
                                                    const struct address *address)
{
    return map_get(&model->accounts, address);
}

/* --- Checks --- */

static bool org_active(const struct permission_model *model, const struct permission_org *org)
{
    if (!org || org->status == PERMISSION_ORG_SUSPENDED)
        return false;
    const struct permission_org *ultimate = permission_org(model, org->ultimate);
    return !ultimate || ultimate->status != PERMISSION_ORG_SUSPENDED;
}

enum permission_access permission_access_of(const struct permission_model *model,
                                            const struct permission_config *config,
                                            const struct address *account)
{
    const struct permission_account *a = permission_account(model, account);
    if (!a || a->status != PERMISSION_ACCOUNT_ACTIVE)
        return PERMISSION_READ_ONLY;
    const struct permission_org *org = permission_org(model, a->org);
    if (!org_active(model, org))
        return PERMISSION_READ_ONLY;
    if (bytes_equal(a->role, bytes_str(config->network_role)) ||
        bytes_equal(a->role, bytes_str(config->org_role)))
        return PERMISSION_FULL_ACCESS;
    const struct permission_role *role = permission_role(model, a->org, a->role);
    if (!role || !role->active)
        role = permission_role(model, org->ultimate, a->role);
    return role && role->active ? (enum permission_access)role->access : PERMISSION_READ_ONLY;
}

bool permission_allows(const struct permission_model *model, const struct permission_config *config,
                       const struct address *sender, bool is_creation)
{
    switch (permission_access_of(model, config, sender)) {
    case PERMISSION_TRANSACT:
        return !is_creation;
    case PERMISSION_CONTRACT_DEPLOY:
    case PERMISSION_FULL_ACCESS:
        return true;
    default:
        return false;
    }
}

static bool is_approved(const struct permission_node *node, const char *hex_key)
{
    return node->status == PERMISSION_NODE_APPROVED &&
           memmem(node->url.data, node->url.len, hex_key, strlen(hex_key)) != NULL;
}

bool permission_allows_node(const struct permission_model *model, const char *hex_key)
{
    for (size_t i = 0; i < map_count(&model->nodes); i++)
        if (is_approved(permission_node_at(model, i), hex_key))
            return true;
    return false;
}

bool permission_allows_sender(const struct permission_model *model, const char *hex_key,
                              const struct address *sender)
{
    const struct permission_account *account = permission_account(model, sender);
    if (!account)
        return true;
    const struct permission_org *home = permission_org(model, account->org);
    for (size_t i = 0; home && i < map_count(&model->nodes); i++) {
        const struct permission_node *node = permission_node_at(model, i);
        const struct permission_org *org = permission_org(model, node->org);
        if (org && bytes_equal(org->ultimate, home->ultimate) && is_approved(node, hex_key))
            return true;
    }
    return false;
}
