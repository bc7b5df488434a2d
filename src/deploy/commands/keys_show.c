#include "deploy/commands/keys_show.h"

#include "base/hex.h"
#include "crypto/address.h"
#include "deploy/commands/table.h"

#include <stdio.h>
#include <time.h>

struct reading {
    const struct deploy_secrets *secrets;
    struct deploy_owner owner;
    json_t *object;
    struct err_detail *detail;
};

static void set_address(json_t *object, const char *name, const struct address *address)
{
    char text[CRYPTO_ADDRESS_TEXT];
    crypto_address_checksum(text, address);
    json_object_set_new(object, name, json_string(text));
}

/* Both the seconds and what a person reads. */
static void set_time(json_t *object, const char *name, int64_t seconds)
{
    char text[32];
    time_t time = (time_t)seconds;
    struct tm utc;
    strftime(text, sizeof(text), "%Y-%m-%d", gmtime_r(&time, &utc));
    json_object_set_new(object, name, json_string(text));
}

static int describe_pem(json_t **ret_object, const struct reading *r, const json_t *fields,
                        const char *path, const char *field)
{
    struct buf pem = BUF_INIT;
    struct io_certificate info;
    char digits[2 * sizeof(info.sha256) + 1] = {0};
    int status = deploy_certs_pem(&pem, fields, path, field, r->detail);
    if (status == ERR_OK)
        status = io_certificate_read(&info, buf_bytes(&pem), r->detail);
    buf_release(&pem);
    if (status != ERR_OK)
        return err_prefix(r->detail, ERR_CORRUPT, "the secret %s: %s", path, field);
    hex_encode(digits, bytes_of(info.sha256, sizeof(info.sha256)));
    json_t *object = json_pack("{s:s, s:s, s:s}", "subject", info.subject, "names", info.hosts,
                               "sha256", digits);
    set_time(object, "from", info.from);
    set_time(object, "until", info.until);
    *ret_object = object;
    return object ? ERR_OK : err_set(r->detail, ERR_NOMEM, "out of memory");
}

static unsigned count_former(const json_t *fields, const char *field)
{
    char name[32];
    unsigned count = 0;
    do
        snprintf(name, sizeof(name), "%s.%u", field, ++count);
    while (json_object_get(fields, name));
    return count - 1;
}

static int describe_quorum(const struct reading *r, const json_t *fields, const char *path,
                           json_int_t versions)
{
    struct deploy_identity identity;
    struct deploy_owner node_alone = r->owner;
    char id[2 * sizeof(identity.node.b) + 1] = {0};
    (void)path;
    node_alone.has_tm = false;
    int status = deploy_keys_read(&identity, r->secrets, &node_alone, r->detail);
    if (status != ERR_OK)
        return status;
    hex_encode(id, bytes_of(identity.node.b, sizeof(identity.node.b)));
    json_t *node = json_pack("{s:s, s:I}", "enode_id", id, "versions", versions);
    set_address(node, "address", &identity.node_address);
    json_t *account =
        json_pack("{s:i, s:I}", "former", (int)identity.former_accounts, "versions", versions);
    set_address(account, "address", &identity.account);
    /* A copy: what was read is wiped. */
    const char *user = json_string_value(json_object_get(fields, "db_user"));
    json_object_set_new(r->object, "nodekey", node);
    json_object_set_new(r->object, "account", account);
    json_object_set_new(r->object, "database",
                        json_pack("{s:s, s:I}", "user", user ? user : "", "versions", versions));
    return ERR_OK;
}

static int describe_tm(const struct reading *r, const json_t *fields, const char *path,
                       json_int_t versions)
{
    const char *public_key;
    int status = deploy_secrets_field(&public_key, fields, path, "tm.pub", r->detail);
    if (status == ERR_OK)
        json_object_set_new(r->object, "tm",
                            json_pack("{s:s, s:i, s:I}", "public_key", public_key, "former",
                                      (int)count_former(fields, "tm.pub"), "versions", versions));
    return status;
}

static int describe_certificate(const struct reading *r, const json_t *fields, const char *path,
                                json_int_t versions)
{
    json_t *certificate = NULL;
    int status = describe_pem(&certificate, r, fields, path, "ambassadorcrt");
    if (status != ERR_OK)
        return status;
    json_object_set_new(certificate, "versions", json_integer(versions));
    json_object_set_new(r->object, "certificate", certificate);
    return ERR_OK;
}

static int describe_authority(const struct reading *r, const json_t *fields, const char *path,
                              json_int_t versions)
{
    json_t *authority = NULL;
    int status = describe_pem(&authority, r, fields, path, "rootcapem");
    if (status != ERR_OK)
        return status;
    json_object_set_new(authority, "versions", json_integer(versions));
    json_object_set_new(r->object, "authority", authority);
    return ERR_OK;
}

typedef int describe_fn(const struct reading *r, const json_t *fields, const char *path,
                        json_int_t versions);

static int describe(const struct reading *r, enum deploy_secret_kind kind, describe_fn *fn)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    json_t *fields = NULL;
    uint64_t versions = 0;
    deploy_secret_path(path, r->owner.organization, r->owner.peer, kind);
    int status = deploy_secrets_read(r->secrets, &fields, path, r->detail);
    if (status == ERR_NOTFOUND)
        return ERR_OK;
    if (status == ERR_OK)
        status = deploy_secrets_versions(r->secrets, &versions, path, r->detail);
    if (status == ERR_OK)
        status = fn(r, fields, path, (json_int_t)versions);
    deploy_secrets_drop(fields);
    return status;
}

int deploy_keys_describe(json_t **ret_object, const struct deploy_secrets *secrets,
                         const struct deploy_owner *owner, const char *name,
                         struct err_detail *detail)
{
    struct reading r = {.secrets = secrets,
                        .owner = *owner,
                        .object = json_pack("{s:s}", "peer", name),
                        .detail = detail};
    int status = r.object ? describe(&r, DEPLOY_SECRET_QUORUM, describe_quorum)
                          : err_set(detail, ERR_NOMEM, "out of memory");
    if (status == ERR_OK)
        status = describe(&r, DEPLOY_SECRET_TRANSACTION, describe_tm);
    if (status == ERR_OK)
        status = describe(&r, DEPLOY_SECRET_CERTS, describe_certificate);
    if (status == ERR_OK)
        status = describe(&r, DEPLOY_SECRET_AUTHORITY, describe_authority);
    if (status == ERR_OK)
        *ret_object = r.object;
    else
        json_decref(r.object);
    return status;
}

/* --- For people --- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static const char *const shown[][2] = {{"nodekey", "address"},   {"account", "address"},
                                       {"tm", "public_key"},     {"certificate", "subject"},
                                       {"authority", "subject"}, {"database", "user"}};

void deploy_keys_print_table(const json_t *objects)
{
    static const char *const titles[] = {"PEER", "MATERIAL", "VERSIONS", "UNTIL", "IDENTITY"};
    struct deploy_table table;
    struct buf text = BUF_INIT;
    size_t i;
    json_t *object;
    deploy_table_init(&table, titles, BASE_COUNT(titles));
    json_array_foreach(objects, i, object)
    {
        for (size_t j = 0; j < BASE_COUNT(shown); j++) {
            const json_t *item = json_object_get(object, shown[j][0]);
            if (!item)
                continue;
            deploy_table_cell(&table, "%s", text_of(object, "peer"));
            deploy_table_cell(&table, "%s", shown[j][0]);
            deploy_table_cell(&table, "%lld",
                              (long long)json_integer_value(json_object_get(item, "versions")));
            deploy_table_cell(&table, "%s", text_of(item, "until"));
            deploy_table_cell(&table, "%s", text_of(item, shown[j][1]));
        }
    }
    deploy_table_finish(&text, &table);
    fputs(buf_text(&text), stdout);
    buf_release(&text);
}

void deploy_keys_print_one(const json_t *object)
{
    const char *material, *name;
    json_t *item, *value;
    printf("%s\n", text_of(object, "peer"));
    json_object_foreach((json_t *)(uintptr_t)object, material, item)
    {
        if (!json_is_object(item))
            continue;
        printf("  %s\n", material);
        json_object_foreach(item, name, value)
        {
            if (json_is_string(value))
                printf("    %-11s %s\n", name, json_string_value(value));
            else
                printf("    %-11s %lld\n", name, (long long)json_integer_value(value));
        }
    }
}
