#include "deploy/keys/bundle.h"

#include "base/base64.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/keccak.h"
#include "crypto/nacl.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    NODE_DIGITS = 128,
    SIGNATURE_BYTES = 65,
    ACCOUNT_TEXT = 42,
    FINGERPRINT_BYTES = 16,
};

static const char head[] = "quorate bundle\n";

/* --- The hash that is signed --- */

static int digest_of(struct hash256 *ret, const json_t *root)
{
    const char *name;
    json_t *peer, *copy = json_deep_copy(root);
    json_object_foreach(json_object_get(copy, "peers"), name, peer)
    {
        json_object_del(peer, "signature");
    }
    char *text = copy ? json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(copy);
    if (!text)
        return ERR_NOMEM;
    struct crypto_keccak256 k;
    crypto_keccak256_init(&k);
    crypto_keccak256_update(&k, bytes_str(head));
    crypto_keccak256_update(&k, bytes_str(text));
    crypto_keccak256_final(&k, ret);
    free(text); /* from malloc, by jansson */
    return ERR_OK;
}

static void print_fingerprint(char ret[DEPLOY_FINGERPRINT_TEXT], const struct hash256 *digest)
{
    char digits[2 * FINGERPRINT_BYTES + 1] = {0};
    hex_encode(digits, bytes_of(digest->b, FINGERPRINT_BYTES));
    for (size_t i = 0; i < FINGERPRINT_BYTES / 2; i++)
        snprintf(ret + 5 * i, DEPLOY_FINGERPRINT_TEXT - 5 * i, "%.4s%s", digits + 4 * i,
                 i + 1 < FINGERPRINT_BYTES / 2 ? "-" : "");
}

/* --- Writing --- */

static json_t *describe(const struct deploy_identity *identity)
{
    char node[NODE_DIGITS + 1] = {0}, account[ACCOUNT_TEXT + 1] = "0x";
    hex_encode(node, bytes_of(identity->node.b, sizeof(identity->node.b)));
    hex_encode(account + 2, bytes_of(identity->account.b, sizeof(identity->account.b)));
    account[ACCOUNT_TEXT] = 0;
    return json_pack("{s:s, s:s, s:s}", "node", node, "account", account, "manager",
                     identity->tm_public);
}

static int sign(json_t *peer, const struct deploy_secrets *store,
                const struct deploy_organization *organization, const struct deploy_peer *owner,
                const struct hash256 *digest, struct err_detail *detail)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1], digits[2 * SIGNATURE_BYTES + 1] = {0};
    struct crypto_private_key key;
    struct crypto_signature signature;
    json_t *fields = NULL;
    const char *text = NULL;
    deploy_secret_path(path, organization, owner, DEPLOY_SECRET_QUORUM);
    int status = deploy_secrets_read(store, &fields, path, detail);
    if (status == ERR_OK)
        status = deploy_secrets_field(&text, fields, path, "nodekey", detail);
    if (status == ERR_OK) {
        bool good = strlen(text) == 2 * sizeof(key.b) &&
                    hex_decode_exact(text, key.b, sizeof(key.b)) &&
                    crypto_ecdsa_sign(&signature, digest, &key);
        mem_wipe(&key, sizeof(key));
        status =
            good ? ERR_OK
                 : err_set(detail, ERR_CORRUPT, "the secret %s: nodekey is no private key", path);
    }
    deploy_secrets_drop(fields);
    if (status != ERR_OK)
        return status;
    uint8_t bytes[SIGNATURE_BYTES];
    memcpy(bytes, signature.rs, sizeof(signature.rs));
    bytes[SIGNATURE_BYTES - 1] = signature.recovery_id;
    hex_encode(digits, bytes_of(bytes, sizeof(bytes)));
    return json_object_set_new(peer, "signature", json_string(digits)) == 0
               ? ERR_OK
               : err_set(detail, ERR_NOMEM, "out of memory");
}

int deploy_bundle_make(struct deploy_bundle *ret_bundle, const struct deploy_secrets *store,
                       const struct deploy_organization *organization, struct bytes authority,
                       const struct deploy_bundle_peer *peers, size_t count,
                       struct err_detail *detail)
{
    struct hash256 digest;
    json_t *all = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(all, peers[i].peer->name.text, describe(peers[i].identity));
    json_t *root =
        json_pack("{s:i, s:s, s:s%, s:o}", "quorate-bundle", 1, "organization",
                  organization->name.text, "authority",
                  authority.data ? (const char *)authority.data : "", authority.len, "peers", all);
    int status = root && digest_of(&digest, root) == ERR_OK
                     ? ERR_OK
                     : err_set(detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; status == ERR_OK && i < count; i++)
        status = sign(json_object_get(all, peers[i].peer->name.text), store, organization,
                      peers[i].peer, &digest, detail);
    if (status != ERR_OK) {
        json_decref(root);
        return status;
    }
    *ret_bundle = (struct deploy_bundle){.root = root};
    print_fingerprint(ret_bundle->fingerprint, &digest);
    return ERR_OK;
}

/* --- Reading --- */

static const char *text_of(const json_t *object, const char *name, size_t length)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text && strlen(text) == length ? text : NULL;
}

static bool read_identity(struct deploy_identity *ret, const json_t *peer)
{
    const char *node = text_of(peer, "node", NODE_DIGITS);
    const char *account = text_of(peer, "account", ACCOUNT_TEXT);
    const char *manager = json_string_value(json_object_get(peer, "manager"));
    uint8_t key[sizeof(ret->node.b)], box[CRYPTO_NACL_KEY];
    *ret = (struct deploy_identity){0};
    if (!node || !account || !manager || strncmp(account, "0x", 2) != 0 ||
        !hex_decode_exact(node, key, sizeof(key)) ||
        !crypto_public_key_parse(&ret->node, bytes_of(key, sizeof(key))) ||
        !hex_decode_exact(account + 2, ret->account.b, sizeof(ret->account.b)))
        return false;
    if (*manager && (strlen(manager) != DEPLOY_TM_KEY_TEXT - 1 ||
                     !base64_decode_exact(box, sizeof(box), bytes_str(manager))))
        return false;
    snprintf(ret->tm_public, sizeof(ret->tm_public), "%s", manager);
    crypto_address_of(&ret->node_address, &ret->node);
    return true;
}

static bool is_signed(const json_t *peer, const struct deploy_identity *identity,
                      const struct hash256 *digest)
{
    const char *text = text_of(peer, "signature", 2 * SIGNATURE_BYTES);
    uint8_t bytes[SIGNATURE_BYTES];
    return text && hex_decode_exact(text, bytes, sizeof(bytes)) &&
           crypto_ecdsa_verify(&identity->node, digest, bytes);
}

static int check(const json_t *root, const struct hash256 *digest, struct err_detail *detail)
{
    const char *organization = json_string_value(json_object_get(root, "organization"));
    const json_t *peers = json_object_get(root, "peers");
    const char *name;
    json_t *peer;
    if (json_integer_value(json_object_get(root, "quorate-bundle")) != 1)
        return err_set(detail, ERR_INPUT,
                       "is no bundle of this version; `quorate bundle` makes one");
    if (!organization || !json_is_string(json_object_get(root, "authority")) ||
        !json_is_object(peers) || json_object_size(peers) == 0)
        return err_set(detail, ERR_INPUT, "lacks its organization, authority or peers");
    json_object_foreach((json_t *)(uintptr_t)peers, name, peer)
    {
        struct deploy_identity identity;
        if (!read_identity(&identity, peer))
            return err_set(detail, ERR_INPUT, "peer %.60s: no key, account or manager's key", name);
        if (!is_signed(peer, &identity, digest))
            return err_set(detail, ERR_INPUT,
                           "peer %.60s: the signature is not by its node key; the file was altered",
                           name);
    }
    return ERR_OK;
}

int deploy_bundle_parse(struct deploy_bundle *ret_bundle, struct bytes text,
                        struct err_detail *detail)
{
    json_error_t error;
    struct hash256 digest;
    if (text.len > DEPLOY_BUNDLE_MAX)
        return err_set(detail, ERR_INPUT, "is larger than %d bytes", DEPLOY_BUNDLE_MAX);
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return err_set(detail, ERR_INPUT, "line %d: %.100s", error.line, error.text);
    int status = digest_of(&digest, root) == ERR_OK ? check(root, &digest, detail)
                                                    : err_set(detail, ERR_NOMEM, "out of memory");
    if (status != ERR_OK) {
        json_decref(root);
        return status;
    }
    *ret_bundle = (struct deploy_bundle){.root = root};
    print_fingerprint(ret_bundle->fingerprint, &digest);
    return ERR_OK;
}

void deploy_bundle_release(struct deploy_bundle *bundle)
{
    json_decref(bundle->root);
    bundle->root = NULL;
}

const char *deploy_bundle_organization(const struct deploy_bundle *bundle)
{
    return json_string_value(json_object_get(bundle->root, "organization"));
}

const char *deploy_bundle_authority(const struct deploy_bundle *bundle)
{
    return json_string_value(json_object_get(bundle->root, "authority"));
}

bool deploy_bundle_identity(struct deploy_identity *ret_identity,
                            const struct deploy_bundle *bundle, const char *peer)
{
    return read_identity(ret_identity,
                         json_object_get(json_object_get(bundle->root, "peers"), peer));
}
