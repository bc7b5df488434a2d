#include "deploy/commands/context.h"

#include "base/file.h"
#include "base/mem.h"
#include "deploy/keys/keys.h"
#include "deploy/secrets/vault.h"
#include "deploy/yaml.h"

#include <stdio.h>
#include <unistd.h>

static void print_problems(struct deploy_report *report)
{
    struct buf b = BUF_INIT;
    deploy_report_print(&b, report, isatty(STDERR_FILENO));
    fputs(buf_text(&b), stderr);
    buf_release(&b);
}

int deploy_context_open(struct deploy_context *context, const char *path, const char *data,
                        struct err_detail *detail)
{
    const enum deploy_target target = DEPLOY_LOCAL;
    *context = (struct deploy_context){.content = BUF_INIT};
    arena_init(&context->arena);
    deploy_report_init(&context->report, path, &context->arena);
    int status = file_read(path, DEPLOY_YAML_MAX, &context->content, detail);
    if (status == ERR_OK) {
        status = deploy_network_parse(&context->network, buf_bytes(&context->content), &target,
                                      &context->report);
        if (status != ERR_OK)
            return err_set(detail, status, "%s: %s", path, err_text(status));
    }
    if (status != ERR_OK)
        return status;
    if (deploy_report_count(&context->report, DEPLOY_ERROR)) {
        print_problems(&context->report);
        return err_set(detail, ERR_INPUT, "%s has errors; nothing was touched", path);
    }
    return deploy_site_new(&context->site, context->network, data, &context->arena, detail);
}

int deploy_context_reopen(struct deploy_context *context, const char *data,
                          struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    snprintf(path, sizeof(path), "%s/network.yaml", data);
    if (access(path, F_OK) != 0) {
        *context = (struct deploy_context){.content = BUF_INIT};
        arena_init(&context->arena);
        return err_set(detail, ERR_NOTFOUND,
                       "there is no network in %s; `quorate up` makes one, --data names its folder",
                       data);
    }
    return deploy_context_open(context, path, data, detail);
}

int deploy_context_peer(const struct deploy_site_peer **ret_peer,
                        const struct deploy_context *context, const char *name,
                        struct err_detail *detail)
{
    *ret_peer = deploy_site_find(context->site, name);
    return *ret_peer ? ERR_OK
                     : err_set(detail, ERR_NOTFOUND,
                               "there is no peer %s; `quorate status` lists them", name);
}

void deploy_context_release(struct deploy_context *context)
{
    buf_release(&context->content);
    arena_release(&context->arena);
}

int deploy_context_passphrase(struct buf *passphrase, const char *path, struct err_detail *detail)
{
    char reference[DEPLOY_PATH_MAX + 8];
    snprintf(reference, sizeof(reference), "file:%s", path);
    int status =
        deploy_reference_read(passphrase, &(struct deploy_text){.text = reference}, detail);
    if (status == ERR_OK && passphrase->len == 0)
        status = err_set(detail, ERR_INPUT, "%s: its first line, the passphrase, is empty", path);
    return status;
}

int deploy_context_secrets(struct deploy_secrets *ret_secrets, char *path,
                           const struct deploy_site *site, const char *passphrase_file,
                           struct err_detail *detail)
{
    char key_path[DEPLOY_PATH_MAX], mark[DEPLOY_PATH_MAX];
    struct buf passphrase = BUF_INIT;
    struct deploy_secrets_key key = {.key_file = key_path};
    int status = ERR_OK;
    deploy_site_path(mark, site, DEPLOY_SECRETS_IN_VAULT);
    if (access(mark, F_OK) == 0) {
        deploy_site_path(path, site, "secrets.lock");
        return deploy_secrets_vault_open(ret_secrets, site->network, path, detail);
    }
    deploy_site_path(path, site, "secrets");
    deploy_site_path(key_path, site, "secrets.key");
    if (passphrase_file) {
        status = deploy_context_passphrase(&passphrase, passphrase_file, detail);
        key = (struct deploy_secrets_key){.passphrase = buf_bytes(&passphrase)};
    }
    if (status == ERR_OK)
        status = deploy_secrets_file_open(ret_secrets, path, &key, detail);
    mem_wipe(passphrase.data, passphrase.len);
    buf_release(&passphrase);
    return status;
}

int deploy_context_identities(struct deploy_context *context, const char *passphrase_file,
                              size_t make, struct err_detail *detail)
{
    struct deploy_secrets secrets;
    char path[DEPLOY_PATH_MAX];
    int status = deploy_context_secrets(&secrets, path, context->site, passphrase_file, detail);
    if (status != ERR_OK)
        return status;
    for (size_t i = 0; status == ERR_OK && i < context->site->count; i++) {
        struct deploy_site_peer *peer = &context->site->peers[i];
        const struct deploy_owner owner = deploy_site_owner(context->site, peer);
        status = i == make ? deploy_keys_ensure(&peer->identity, NULL, &secrets, &owner, detail)
                           : deploy_keys_read(&peer->identity, &secrets, &owner, detail);
    }
    deploy_secrets_close(&secrets);
    return status;
}

int deploy_context_is_made(const struct deploy_context *context, struct err_detail *detail)
{
    return deploy_context_has_secrets(context->site)
               ? ERR_OK
               : err_set(detail, ERR_NOTFOUND,
                         "there is no network in %s; `quorate up` makes one, --data names its "
                         "folder",
                         context->site->folder);
}

bool deploy_context_has_secrets(const struct deploy_site *site)
{
    char path[DEPLOY_PATH_MAX];
    deploy_site_path(path, site, "secrets");
    if (access(path, F_OK) == 0)
        return true;
    deploy_site_path(path, site, DEPLOY_SECRETS_IN_VAULT);
    return access(path, F_OK) == 0;
}

int deploy_context_may_use_vault(const struct deploy_site *site, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    deploy_site_path(path, site, "secrets");
    return access(path, F_OK) != 0
               ? ERR_OK
               : err_set(detail, ERR_EXISTS,
                         "the secrets of this network are in %s already, and stay there", path);
}

int deploy_context_use_vault(const struct deploy_site *site, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    deploy_site_path(path, site, DEPLOY_SECRETS_IN_VAULT);
    return file_write(path, bytes_str("the vaults of the network file\n"), detail);
}
