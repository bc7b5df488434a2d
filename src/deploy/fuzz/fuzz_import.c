/*
 * Key material that an operator brings along: whatever it is, it is taken whole and fits, or it is refused.
 * The first byte says which material; a zero byte parts the file from its key.
 */
#include "base/fuzz/fuzz.h"
#include "deploy/keys/change.h"

#include <stdlib.h>

static json_t *stored;

static int read_none(void *context, json_t **ret_fields, const char *path,
                     struct err_detail *detail)
{
    (void)context, (void)ret_fields;
    return err_set(detail, ERR_NOTFOUND, "there is no %s", path);
}

static int keep(void *context, const char *path, json_t *fields, struct err_detail *detail)
{
    (void)context, (void)path, (void)detail;
    json_decref(stored);
    stored = json_deep_copy(fields); /* the caller wipes its own */
    return ERR_OK;
}

static int read_kept(void *context, json_t **ret_fields, const char *path,
                     struct err_detail *detail)
{
    (void)context, (void)path, (void)detail;
    *ret_fields = json_deep_copy(stored);
    return ERR_OK;
}

static void close_nothing(void *context)
{
    (void)context;
}

static const struct deploy_secrets_ops empty = {
    .read = read_none, .write = keep, .close = close_nothing};
static const struct deploy_secrets_ops full = {
    .read = read_kept, .write = keep, .close = close_nothing};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Accounts are left out: their key files have a target of their own, and are slow by intention. */
    static const enum deploy_material materials[] = {DEPLOY_NODEKEY, DEPLOY_TM, DEPLOY_CERTIFICATE,
                                                     DEPLOY_AUTHORITY};
    static struct deploy_organization organization = {.name = {.text = "carrier"}};
    static struct deploy_peer peer = {.name = {.text = "node"}};
    const struct deploy_owner owner = {.organization = &organization, .peer = &peer};
    struct deploy_secrets secrets = {.ops = &empty, .name = "the fuzzer"};
    struct err_detail detail = {""};
    if (size == 0)
        return 0;
    enum deploy_material material = materials[data[0] % BASE_COUNT(materials)];
    const uint8_t *zero = memchr(data + 1, 0, size - 1);
    size_t first = zero ? (size_t)(zero - data - 1) : size - 1;
    const struct deploy_import in = {.content = bytes_of(data + 1, first),
                                     .key = zero ? bytes_of(zero + 1, size - first - 2)
                                                 : bytes_none()};
    stored = NULL;
    int status = deploy_keys_change(&secrets, &owner, material, &in, false, &detail);
    if ((status == ERR_OK) != (stored != NULL))
        abort();
    if (status == ERR_OK && material == DEPLOY_NODEKEY) { /* and is read again without complaint */
        struct deploy_identity identity;
        secrets.ops = &full;
        if (deploy_keys_read(&identity, &secrets, &owner, &detail) != ERR_OK)
            abort();
    }
    json_decref(stored);
    return 0;
}
