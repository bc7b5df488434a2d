/* `keys` of the configuration, and the vaults that they lie in. */
#include "base/mem.h"
#include "tm/config/config_priv.h"

#include <stdio.h>

#define AT(field) offsetof(struct tm_config_key, field)

#define ONLY_HASHICORP "is not served: only HashiCorp Vault is; put the key there or into a file"

static const struct tm_member key_members[] = {
    {"privateKey", TM_MEMBER_TEXT, AT(private_key), NULL},
    {"publicKey", TM_MEMBER_TEXT, AT(public_key), NULL},
    {"config", TM_MEMBER_OTHER, 0, NULL},
    {"privateKeyPath", TM_MEMBER_TEXT, AT(private_path), NULL},
    {"publicKeyPath", TM_MEMBER_TEXT, AT(public_path), NULL},
    {"hashicorpVaultPublicKeyId", TM_MEMBER_TEXT, AT(vault_public), NULL},
    {"hashicorpVaultPrivateKeyId", TM_MEMBER_TEXT, AT(vault_private), NULL},
    {"hashicorpVaultSecretEngineName", TM_MEMBER_TEXT, AT(vault_engine), NULL},
    {"hashicorpVaultSecretName", TM_MEMBER_TEXT, AT(vault_secret), NULL},
    {"hashicorpVaultSecretVersion", TM_MEMBER_NUMBER, AT(vault_version), NULL},
    {"azureVaultPublicKeyId", TM_MEMBER_REFUSED, 0, ONLY_HASHICORP},
    {"azureVaultPrivateKeyId", TM_MEMBER_REFUSED, 0, ONLY_HASHICORP},
    {"azureVaultPublicKeyVersion", TM_MEMBER_REFUSED, 0, ONLY_HASHICORP},
    {"azureVaultPrivateKeyVersion", TM_MEMBER_REFUSED, 0, ONLY_HASHICORP},
    {"awsSecretsManagerPublicKeyId", TM_MEMBER_REFUSED, 0, ONLY_HASHICORP},
    {"awsSecretsManagerPrivateKeyId", TM_MEMBER_REFUSED, 0, ONLY_HASHICORP},
};

static const struct tm_member keys_members[] = {
    {"keyData", TM_MEMBER_OTHER, 0, NULL},
    {"passwords", TM_MEMBER_TEXTS, offsetof(struct tm_config, passwords), NULL},
    {"passwordFile", TM_MEMBER_TEXT, offsetof(struct tm_config, password_file), NULL},
    {"keyVaultConfigs", TM_MEMBER_OTHER, 0, NULL},
    {"keyVaultConfig", TM_MEMBER_OTHER, 0, NULL},
    {"hashicorpKeyVaultConfig", TM_MEMBER_OTHER, 0, NULL},
    {"azureKeyVaultConfig", TM_MEMBER_REFUSED, 0, ONLY_HASHICORP},
};

#define JKS_STORE "is a Java store; give caPath, certificatePath and keyPath (PEM) instead"

static const struct tm_member vault_members[] = {
    {"url", TM_MEMBER_TEXT, offsetof(struct tm_config_vault, url), NULL},
    {"approlePath", TM_MEMBER_TEXT, offsetof(struct tm_config_vault, approle_path), NULL},
    {"kubernetesRole", TM_MEMBER_TEXT, offsetof(struct tm_config_vault, kubernetes_role), NULL},
    {"kubernetesPath", TM_MEMBER_TEXT, offsetof(struct tm_config_vault, kubernetes_path), NULL},
    {"caPath", TM_MEMBER_TEXT, offsetof(struct tm_config_vault, ca_path), NULL},
    {"certificatePath", TM_MEMBER_TEXT, offsetof(struct tm_config_vault, certificate_path), NULL},
    {"keyPath", TM_MEMBER_TEXT, offsetof(struct tm_config_vault, key_path), NULL},
    {"tlsKeyStorePath", TM_MEMBER_REFUSED, 0, JKS_STORE},
    {"tlsTrustStorePath", TM_MEMBER_REFUSED, 0, JKS_STORE},
};

static int usage(struct tm_reader *r, const char *what)
{
    return err_set(r->detail, ERR_USAGE, "configuration: keys: %s", what);
}

static int append(const char *text, size_t len, void *context)
{
    buf_append(context, text, len);
    return buf_status(context) ? -1 : 0;
}

static int read_key(struct tm_reader *r, json_t *value, size_t index, struct tm_config_key *key)
{
    char where[48];
    snprintf(where, sizeof(where), "keys.keyData[%zu]", index);
    int status = tm_read_members(r, value, where, key_members, BASE_COUNT(key_members), key);
    if (status < 0)
        return status;
    json_t *config = json_object_get(value, "config");
    if (json_is_object(config)) {
        struct buf text = BUF_INIT;
        if (json_dump_callback(config, append, &text, JSON_COMPACT) == 0)
            key->inline_config = tm_copy_text(r->config, buf_text(&text));
        if (text.data)
            mem_wipe(text.data, text.capacity);
        buf_release(&text);
        if (!key->inline_config)
            return err_set(r->detail, ERR_NOMEM, "out of memory");
    }
    bool vault = key->vault_secret && key->vault_engine && key->vault_private && key->vault_public;
    if (!(key->private_key && key->public_key) && !key->inline_config && !vault &&
        !key->private_path)
        return err_set(r->detail, ERR_USAGE,
                       "configuration: %s: privateKey with publicKey, config with publicKey, "
                       "privateKeyPath with publicKeyPath, or the four hashicorpVault members",
                       where);
    return 0;
}

static int read_vaults(struct tm_reader *r, json_t *keys)
{
    struct tm_config_vault *vault = &r->config->vault;
    vault->approle_path = "approle";
    vault->kubernetes_path = "kubernetes";
    json_t *old = json_object_get(keys, "hashicorpKeyVaultConfig");
    int status = tm_read_members(r, old, "keys.hashicorpKeyVaultConfig", vault_members,
                                 BASE_COUNT(vault_members), vault);
    json_t *list = json_object_get(keys, "keyVaultConfigs");
    json_t *one = json_object_get(keys, "keyVaultConfig");
    size_t count = json_is_array(list) ? json_array_size(list) : 0;
    for (size_t i = 0; status == 0 && i < count + (json_is_object(one) ? 1 : 0); i++) {
        json_t *entry = i < count ? json_array_get(list, i) : one;
        json_t *type = json_object_get(entry, "keyVaultType");
        if (!type)
            type = json_object_get(entry, "keyVaultConfigType");
        const char *text = json_string_value(type);
        if (!text || strcmp(text, "HASHICORP") != 0)
            return err_set(
                r->detail, ERR_UNSUPPORTED,
                "configuration: keys.keyVaultConfigs: keyVaultType %.40s " ONLY_HASHICORP,
                text ? text : "(none)");
        status = tm_read_members(r, json_object_get(entry, "properties"),
                                 "keys.keyVaultConfigs.properties", vault_members,
                                 BASE_COUNT(vault_members), vault);
    }
    return status;
}

int tm_read_keys(struct tm_reader *r, json_t *root)
{
    json_t *keys = json_object_get(root, "keys");
    int status =
        tm_read_members(r, keys, "keys", keys_members, BASE_COUNT(keys_members), r->config);
    if (status == 0)
        status = read_vaults(r, keys);
    if (status < 0)
        return status;
    if (r->config->passwords.count && r->config->password_file)
        return usage(r, "passwords and passwordFile cannot stand together");
    json_t *list = json_object_get(keys, "keyData");
    size_t count = json_is_array(list) ? json_array_size(list) : 0;
    if ((list && !json_is_null(list) && !json_is_array(list)) || count > TM_CONFIG_LIST_MAX)
        return usage(r, "keyData: a list of objects is expected");
    r->config->keys = arena_alloc_zeroed(&r->config->arena, count + 1, sizeof(*r->config->keys));
    if (!r->config->keys)
        return err_set(r->detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; status == 0 && i < count; i++)
        status = read_key(r, json_array_get(list, i), i, &r->config->keys[i]);
    r->config->key_count = count;
    return status;
}
