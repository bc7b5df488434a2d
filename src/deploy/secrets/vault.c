#include "deploy/secrets/vault.h"

#include "base/mem.h"
#include "deploy/keys/keys.h"
#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

struct place {
    struct vault *vault;
    const char *mount;
    char prefix[DEPLOY_SECRETS_PATH_MAX + 1]; /* "<mount>/<namespace>/" */
    enum vault_kv kv;
};

struct store {
    struct place *places; /* one an organization */
    size_t count;
    int lock;
};

static void close_store(void *argument)
{
    struct store *store = argument;
    for (size_t i = 0; i < store->count; i++)
        vault_close(store->places[i].vault);
    if (store->lock >= 0)
        close(store->lock);
    mem_free(store->places);
    mem_free(store);
}

/* The organization's vault that a path belongs to, and what is left of the path behind the mount. */
static int find(const struct place **ret_place, const char **ret_rest, const struct store *store,
                const char *path, struct err_detail *detail)
{
    for (size_t i = 0; i < store->count; i++) {
        const struct place *place = &store->places[i];
        if (strncmp(path, place->prefix, strlen(place->prefix)) == 0) {
            *ret_place = place;
            *ret_rest = path + strlen(place->mount) + 1;
            return ERR_OK;
        }
    }
    return err_set(detail, ERR_INPUT, "%s belongs to no organization's vault", path);
}

static int read_secret(void *argument, json_t **ret_fields, const char *path,
                       struct err_detail *detail)
{
    const struct place *place;
    const char *rest;
    int status = find(&place, &rest, argument, path, detail);
    return status == ERR_OK
               ? vault_read(place->vault, ret_fields, place->mount, rest, place->kv, 0, detail)
               : status;
}

static int write_secret(void *argument, const char *path, json_t *fields, struct err_detail *detail)
{
    const struct place *place;
    const char *rest;
    int status = find(&place, &rest, argument, path, detail);
    return status == ERR_OK
               ? vault_write(place->vault, place->mount, rest, place->kv, fields, false, detail)
               : status;
}

static int may_write(void *argument, const char *path, struct err_detail *detail)
{
    const struct place *place;
    const char *rest;
    int status = find(&place, &rest, argument, path, detail);
    return status == ERR_OK ? vault_may_write(place->vault, place->mount, rest, place->kv, detail)
                            : status;
}

static int count_versions(void *argument, uint64_t *ret_count, const char *path,
                          struct err_detail *detail)
{
    const struct place *place;
    const char *rest;
    int status = find(&place, &rest, argument, path, detail);
    return status == ERR_OK
               ? vault_versions(place->vault, ret_count, place->mount, rest, place->kv, detail)
               : status;
}

/* It stands beside them. A token that may not see it has none in its list. */
static int list_authority(json_t *paths, const struct place *place, struct err_detail *detail)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1 + sizeof("authority")];
    json_t *fields = NULL;
    snprintf(path, sizeof(path), "%sauthority", place->prefix);
    int status = vault_read(place->vault, &fields, place->mount, path + strlen(place->mount) + 1,
                            place->kv, 0, detail);
    if (status == ERR_OK)
        json_array_append_new(paths, json_string(path));
    deploy_secrets_drop(fields);
    return status == ERR_NOTFOUND || status == ERR_IO ? ERR_OK : status;
}

/* Appends the paths below "<namespace>/crypto", which are two deep: peer, then secret. */
static int list_place(json_t *paths, const struct place *place, struct err_detail *detail)
{
    char folder[DEPLOY_SECRETS_PATH_MAX + 1], path[DEPLOY_SECRETS_PATH_MAX + 1];
    json_t *peers = NULL, *peer, *name;
    size_t i, j;
    snprintf(folder, sizeof(folder), "%scrypto", place->prefix + strlen(place->mount) + 1);
    int status = vault_list(place->vault, &peers, place->mount, folder, place->kv, detail);
    json_array_foreach(peers, i, peer)
    {
        json_t *names = NULL;
        int length = (int)strcspn(json_string_value(peer), "/");
        snprintf(path, sizeof(path), "%.150s/%.*s", folder, length < 64 ? length : 64,
                 json_string_value(peer));
        if (status == ERR_OK)
            status = vault_list(place->vault, &names, place->mount, path, place->kv, detail);
        json_array_foreach(names, j, name)
        {
            json_array_append_new(
                paths, json_sprintf("%s/%s/%s", place->mount, path, json_string_value(name)));
        }
        json_decref(names);
    }
    json_decref(peers);
    return status == ERR_OK ? list_authority(paths, place, detail) : status;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

static int list_secrets(void *argument, json_t **ret_paths, struct err_detail *detail)
{
    const struct store *store = argument;
    json_t *found = json_array(), *paths = json_array();
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < store->count; i++)
        status = list_place(found, &store->places[i], detail);
    size_t count = json_array_size(found);
    json_t **items = mem_alloc_zeroed(count + 1, sizeof(json_t *));
    if (status == ERR_OK && !items)
        status = err_set(detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; status == ERR_OK && i < count; i++)
        items[i] = json_array_get(found, i);
    if (status == ERR_OK)
        qsort(items, count, sizeof(json_t *), by_text);
    for (size_t i = 0; status == ERR_OK && i < count; i++)
        json_array_append(paths, items[i]);
    mem_free(items);
    json_decref(found);
    if (status == ERR_OK)
        *ret_paths = paths;
    else
        json_decref(paths);
    return status;
}

static const struct deploy_secrets_ops ops = {
    .read = read_secret,
    .write = write_secret,
    .may_write = may_write,
    .versions = count_versions,
    .list = list_secrets,
    .close = close_store,
};

int deploy_secrets_vault_login(struct vault **ret_vault,
                               const struct deploy_organization *organization,
                               struct err_detail *detail)
{
    const struct deploy_vault *vault = organization->vault;
    if (!vault || !vault->url.text)
        return err_set(detail, ERR_USAGE, "it has no vault.url in the network file");
    if (!vault->allow_plain_http.value && vault_is_plain(vault->url.text))
        return err_set(detail, ERR_USAGE,
                       "vault.url is %s: by plain http tokens and keys would go in clear; use "
                       "https, or write vault.allow_plain_http: true",
                       vault->url.text);
    struct buf token = BUF_INIT;
    struct vault_options options = {.url = vault->url.text,
                                    .plain_http = vault->allow_plain_http.value,
                                    .ca_path = getenv("VAULT_CACERT"),
                                    .role = getenv("VAULT_ROLE_ID"),
                                    .secret_id = getenv("VAULT_SECRET_ID")};
    int status = ERR_OK;
    if (vault->root_token.text) {
        status = deploy_reference_read(&token, &vault->root_token, detail);
        options.token = buf_text(&token);
    } else if (options.role && options.secret_id) {
        options.auth = VAULT_AUTH_APPROLE;
    } else {
        status = err_set(detail, ERR_USAGE,
                         "write vault.root_token: env:NAME or file:PATH, or export VAULT_ROLE_ID "
                         "and VAULT_SECRET_ID");
    }
    if (status == ERR_OK)
        status = vault_open(ret_vault, &options, detail);
    mem_wipe(token.data, token.capacity);
    buf_release(&token);
    return status;
}

static int open_place(struct place *place, const struct deploy_organization *organization,
                      struct err_detail *detail)
{
    char names[64];
    if (!organization->vault || !organization->vault->url.text)
        return err_set(detail, ERR_USAGE, "it has no vault.url in the network file");
    place->mount =
        organization->vault->secret_path.text ? organization->vault->secret_path.text : "secret";
    deploy_namespace(names, sizeof(names), organization);
    snprintf(place->prefix, sizeof(place->prefix), "%.150s/%s/", place->mount, names);
    int status = deploy_secrets_vault_login(&place->vault, organization, detail);
    if (status == ERR_OK)
        status = vault_engine(place->vault, &place->kv, place->mount, detail);
    return status;
}

static int take_lock(struct store *store, const char *path, struct err_detail *detail)
{
    store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock < 0)
        return err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
    if (flock(store->lock, LOCK_EX | LOCK_NB) != 0)
        return err_set(detail, ERR_BUSY, "%s is held by another quorate; wait for it to end", path);
    return ERR_OK;
}

int deploy_secrets_vault_open(struct deploy_secrets *ret_secrets,
                              const struct deploy_network *network, const char *lock,
                              struct err_detail *detail)
{
    struct store *store = mem_alloc_zeroed(1, sizeof(*store));
    if (!store)
        return err_set(detail, ERR_NOMEM, "out of memory");
    store->lock = -1;
    store->places = mem_alloc_zeroed(network->organizations.count, sizeof(*store->places));
    int status = store->places ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
    if (status == ERR_OK && lock)
        status = take_lock(store, lock, detail);
    for (size_t i = 0; status == ERR_OK && i < network->organizations.count; i++) {
        const struct deploy_organization *organization = &network->organizations.items[i];
        store->count = i + 1;
        status = open_place(&store->places[i], organization, detail);
        if (status != ERR_OK)
            (void)err_prefix(detail, status, "organization %s", organization->name.text);
    }
    if (status != ERR_OK) {
        close_store(store);
        return status;
    }
    *ret_secrets =
        (struct deploy_secrets){.ops = &ops, .store = store, .name = lock ? lock : "the vault"};
    return ERR_OK;
}
