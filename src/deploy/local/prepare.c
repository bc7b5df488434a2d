#include "deploy/local/prepare.h"

#include "base/file.h"
#include "base/mem.h"
#include "deploy/local/founders.h"
#include "deploy/local/nodes.h"
#include "deploy/local/ports.h"
#include "deploy/local/run.h"
#include "deploy/local/tm_config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 16 * 1024 * 1024 }; /* a genesis with many accounts */

struct preparation {
    struct deploy_site *site;
    const struct deploy_programs *programs;
    const struct deploy_secrets *secrets;
    deploy_step_fn *step;
    void *context;
    bool look_only;     /* writes nothing: for a plan */
    bool keys_missing;  /* and so what follows from them is not known yet */
    struct buf genesis; /* the text of genesis.json */
    struct buf nodes;   /* the text of static-nodes.json */
};

static void tell(const struct preparation *p, bool made, const char *format, ...) BASE_PRINTF(3, 4);
static void tell(const struct preparation *p, bool made, const char *format, ...)
{
    char text[256];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    p->step(p->context, text, made);
}

/* --- Programs --- */

static int find_program(char *ret_path, const char *folder, const char *name,
                        struct err_detail *detail)
{
    deploy_path(ret_path, "%s/%s", folder, name);
    if (access(ret_path, X_OK) == 0)
        return ERR_OK;
    return err_set(detail, ERR_NOTFOUND, "%s is not there; build or install it beside quorate",
                   ret_path);
}

int deploy_programs_find(struct deploy_programs *ret_programs, bool needs_tm,
                         struct err_detail *detail)
{
    char self[DEPLOY_PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length < 0)
        return err_set(detail, ERR_IO, "/proc/self/exe: %s", strerror(errno));
    if (length > DEPLOY_PATH_MAX - 32)
        return err_set(detail, ERR_INPUT, "quorate is installed under too long a path");
    self[length] = 0;
    *strrchr(self, '/') = 0;
    int status = find_program(ret_programs->node, self, "quorate-node", detail);
    if (status == ERR_OK && needs_tm)
        status = find_program(ret_programs->tm, self, "quorate-tm", detail);
    return status;
}

/* --- Files that are written when they differ --- */

static int write_if_new(const struct preparation *p, bool *ret_written, const char *path,
                        struct bytes content, bool is_private, struct err_detail *detail)
{
    struct buf old = BUF_INIT;
    bool same = access(path, F_OK) == 0 && file_read(path, FILE_MAX_BYTES, &old, NULL) == ERR_OK &&
                bytes_equal(buf_bytes(&old), content);
    mem_wipe(old.data, old.len);
    buf_release(&old);
    *ret_written = !same;
    if (same || p->look_only)
        return ERR_OK;
    return is_private ? file_write_private(path, content, detail)
                      : file_write(path, content, detail);
}

/* --- Keys --- */

static bool has_keys(const struct preparation *p, const struct deploy_site_peer *peer)
{
    bool all = p->secrets != NULL;
    for (int kind = DEPLOY_SECRET_QUORUM;
         all && kind <= (peer->has_tm ? DEPLOY_SECRET_TRANSACTION : DEPLOY_SECRET_QUORUM); kind++) {
        char path[DEPLOY_SECRETS_PATH_MAX + 1];
        json_t *fields = NULL;
        deploy_secret_path(path, peer->organization, peer->peer, (enum deploy_secret_kind)kind);
        all = deploy_secrets_read(p->secrets, &fields, path, NULL) != ERR_NOTFOUND;
        deploy_secrets_drop(fields);
    }
    return all;
}

static int prepare_keys(struct preparation *p, struct err_detail *detail)
{
    for (size_t i = 0; i < p->site->count; i++) {
        struct deploy_site_peer *peer = &p->site->peers[i];
        bool made = p->look_only && !has_keys(p, peer);
        p->keys_missing |= made;
        int status = made
                         ? ERR_OK
                         : deploy_keys_ensure(&peer->identity, &made, p->secrets,
                                              peer->organization, peer->peer, peer->has_tm, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "keys of %s", peer->name);
        tell(p, made, "keys of %s", peer->name);
    }
    return ERR_OK;
}

/* --- Genesis and static nodes --- */

static int make_genesis(struct preparation *p, struct err_detail *detail)
{
    json_t *founders = NULL;
    char path[DEPLOY_PATH_MAX];
    bool written;
    int status = deploy_founders_find(&founders, p->site, detail);
    char *text = status == ERR_OK ? json_dumps(founders, JSON_INDENT(2)) : NULL;
    deploy_site_path(path, p->site, "founders.json");
    if (status == ERR_OK)
        status = deploy_founders_genesis(&p->genesis, p->site, founders, detail);
    if (status == ERR_OK)
        status = text ? write_if_new(p, &written, path, bytes_str(text), false, detail)
                      : err_set(detail, ERR_NOMEM, "out of memory");
    free(text); /* from malloc, by jansson */
    json_decref(founders);
    return status;
}

/* The genesis that data lives on is never replaced: another one is another network. */
static int keep_genesis(struct preparation *p, const char *path, struct err_detail *detail)
{
    struct buf old = BUF_INIT;
    if (access(path, F_OK) != 0)
        return ERR_OK;
    int status = file_read(path, FILE_MAX_BYTES, &old, detail);
    bool same = status == ERR_OK && bytes_equal(buf_bytes(&old), buf_bytes(&p->genesis));
    buf_release(&old);
    for (size_t i = 0; status == ERR_OK && !same && i < p->site->count; i++)
        if (deploy_founders_chain(p->site, p->site->peers[i].name))
            status = err_set(detail, ERR_EXISTS,
                             "the network file asks for another genesis than %s, which %s lives "
                             "on; undo the change of consensus, chain_id, block_period, validators "
                             "or accounts, or begin anew with `quorate down --purge`",
                             path, p->site->peers[i].name);
    return status;
}

static int copy_out(const struct preparation *p, const struct deploy_text *path,
                    const struct buf *content, struct err_detail *detail)
{
    char folder[DEPLOY_PATH_MAX];
    bool written;
    if (!path->text || p->look_only)
        return ERR_OK;
    snprintf(folder, sizeof(folder), "%s", path->text);
    char *slash = strrchr(folder, '/');
    if (slash && slash != folder) {
        *slash = 0;
        int status = file_make_folders(folder, 0755, detail);
        if (status != ERR_OK)
            return status;
    }
    return write_if_new(p, &written, path->text, buf_bytes(content), false, detail);
}

static int prepare_genesis(struct preparation *p, struct err_detail *detail)
{
    const struct deploy_config *config = p->site->network->config;
    char path[DEPLOY_PATH_MAX];
    bool written = false;
    deploy_site_path(path, p->site, "genesis.json");
    int status = config->bootnode
                     ? file_read(config->genesis.text, FILE_MAX_BYTES, &p->genesis, detail)
                     : make_genesis(p, detail);
    if (status == ERR_OK)
        status = keep_genesis(p, path, detail);
    if (status == ERR_OK)
        status = write_if_new(p, &written, path, buf_bytes(&p->genesis), false, detail);
    if (status == ERR_OK && !config->bootnode)
        status = copy_out(p, &config->genesis, &p->genesis, detail);
    if (status == ERR_OK)
        tell(p, written, "genesis");
    return status;
}

static int prepare_nodes(struct preparation *p, struct err_detail *detail)
{
    const struct deploy_config *config = p->site->network->config;
    char path[DEPLOY_PATH_MAX];
    bool written = false;
    int status = config->bootnode
                     ? file_read(config->staticnodes.text, FILE_MAX_BYTES, &p->nodes, detail)
                     : deploy_nodes_format(&p->nodes, p->site, detail);
    if (status != ERR_OK)
        return status;
    deploy_site_path(path, p->site, "static-nodes.json");
    status = write_if_new(p, &written, path, buf_bytes(&p->nodes), false, detail);
    if (status == ERR_OK && !config->bootnode)
        status = copy_out(p, &config->staticnodes, &p->nodes, detail);
    if (status == ERR_OK)
        tell(p, written, "static nodes");
    return status;
}

/* --- One peer --- */

static int write_secret(const struct preparation *p, const struct deploy_site_peer *peer,
                        const char *name, const char *text, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX + 64];
    bool written;
    deploy_path(path, "%s/%s", peer->secrets, name);
    int status = write_if_new(p, &written, path, bytes_str(text), true, detail);
    if (status == ERR_OK && chmod(path, 0400) != 0)
        status = err_set(detail, ERR_IO, "chmod 400 %s: %s", path, strerror(errno));
    return status;
}

/* Copies fields of one secret of the store to files in memory. */
static int write_fields(struct preparation *p, const struct deploy_site_peer *peer,
                        enum deploy_secret_kind kind, const char *const (*fields)[2], size_t count,
                        struct err_detail *detail)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    json_t *secret = NULL;
    deploy_secret_path(path, peer->organization, peer->peer, kind);
    int status = deploy_secrets_read(p->secrets, &secret, path, detail);
    for (size_t i = 0; status == ERR_OK && i < count; i++) {
        const char *text;
        status = deploy_secrets_field(&text, secret, path, fields[i][0], detail);
        if (status == ERR_OK)
            status = write_secret(p, peer, fields[i][1], text, detail);
    }
    if (secret)
        deploy_secrets_drop(secret);
    return status;
}

static int write_secrets(struct preparation *p, const struct deploy_site_peer *peer,
                         struct err_detail *detail)
{
    static const char *const quorum[][2] = {
        {"nodekey", "nodekey"}, {"gethpassword", "passwords.txt"}, {"keystore", "keystore_1"}};
    static const char *const transaction[][2] = {{"tm.pub", "tm.pub"}, {"tm.key", "tm.key"}};
    int status = file_make_folders(peer->secrets, 0700, detail);
    if (status == ERR_OK)
        status = write_fields(p, peer, DEPLOY_SECRET_QUORUM, quorum, BASE_COUNT(quorum), detail);
    if (status == ERR_OK && peer->has_tm)
        status = write_fields(p, peer, DEPLOY_SECRET_TRANSACTION, transaction,
                              BASE_COUNT(transaction), detail);
    return status;
}

/* The account's key file is encrypted, and belongs to the data directory. */
static int place_keystore(const struct preparation *p, const struct deploy_site_peer *peer,
                          struct err_detail *detail)
{
    char from[DEPLOY_PATH_MAX + 32], to[DEPLOY_PATH_MAX + 32], folder[DEPLOY_PATH_MAX + 32];
    struct buf text = BUF_INIT;
    bool written;
    deploy_path(from, "%s/keystore_1", peer->secrets);
    deploy_path(folder, "%s/node/keystore", peer->folder);
    deploy_path(to, "%s/node/keystore/keystore_1", peer->folder);
    int status = file_make_folders(folder, 0700, detail);
    if (status == ERR_OK)
        status = file_read(from, FILE_MAX_BYTES, &text, detail);
    if (status == ERR_OK)
        status = write_if_new(p, &written, to, buf_bytes(&text), true, detail);
    buf_release(&text);
    return status;
}

/* `quorate-node init`, whose own check is the last word on a data directory that is there. */
static int init_chain(struct preparation *p, const struct deploy_site_peer *peer, bool *ret_made,
                      struct err_detail *detail)
{
    char data[DEPLOY_PATH_MAX + 32], genesis[DEPLOY_PATH_MAX], mark[DEPLOY_PATH_MAX + 32];
    struct buf output = BUF_INIT, old = BUF_INIT;
    int code = 0, status = ERR_OK;
    deploy_path(data, "%s/node", peer->folder);
    deploy_path(mark, "%s/genesis.json", peer->folder);
    deploy_site_path(genesis, p->site, "genesis.json");
    *ret_made =
        !(access(mark, F_OK) == 0 && file_read(mark, FILE_MAX_BYTES, &old, NULL) == ERR_OK &&
          bytes_equal(buf_bytes(&old), buf_bytes(&p->genesis)));
    if (*ret_made && !p->look_only) {
        char program[DEPLOY_PATH_MAX];
        snprintf(program, sizeof(program), "%s", p->programs->node);
        const char *const arguments[] = {program, "--datadir", data, "init", genesis, NULL};
        status = deploy_run(&code, &output, arguments, detail);
        if (status == ERR_OK && code != 0)
            status = err_set(detail, ERR_INPUT, "quorate-node init for %s ended with %d: %.300s",
                             peer->name, code, buf_text(&output));
        if (status == ERR_OK)
            status = file_write(mark, buf_bytes(&p->genesis), detail);
    }
    buf_release(&output);
    buf_release(&old);
    return status;
}

static int write_configs(struct preparation *p, size_t index, bool *ret_written,
                         struct err_detail *detail)
{
    const struct deploy_site_peer *peer = &p->site->peers[index];
    char path[DEPLOY_PATH_MAX + 32];
    bool written;
    deploy_path(path, "%s/node/static-nodes.json", peer->folder);
    int status = write_if_new(p, ret_written, path, buf_bytes(&p->nodes), false, detail);
    if (status == ERR_OK && peer->has_tm) {
        struct buf config = BUF_INIT;
        deploy_path(path, "%s/tm/tessera-config.json", peer->folder);
        deploy_tm_config(&config, p->site, index);
        status = buf_status(&config) == ERR_OK
                     ? write_if_new(p, &written, path, buf_bytes(&config), false, detail)
                     : err_set(detail, ERR_NOMEM, "out of memory");
        *ret_written |= status == ERR_OK && written;
        buf_release(&config);
    }
    return status;
}

static int look_at_peer(struct preparation *p, size_t index, struct err_detail *detail)
{
    const struct deploy_site_peer *peer = &p->site->peers[index];
    bool made = !deploy_founders_chain(p->site, peer->name), config = false;
    int status = ERR_OK;
    if (!p->keys_missing)
        status = init_chain(p, peer, &made, detail);
    tell(p, made, "data of %s", peer->name);
    if (status == ERR_OK && !made && !p->keys_missing) {
        status = write_configs(p, index, &config, detail);
        if (config)
            tell(p, true, "configuration of %s", peer->name);
    }
    return status;
}

static int prepare_peer(struct preparation *p, size_t index, struct err_detail *detail)
{
    static const char *const folders[] = {"node", "tm", "logs"};
    const struct deploy_site_peer *peer = &p->site->peers[index];
    bool made = false, config;
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < BASE_COUNT(folders); i++) {
        char path[DEPLOY_PATH_MAX + 32];
        deploy_path(path, "%s/%s", peer->folder, folders[i]);
        status = file_make_folders(path, 0700, detail);
    }
    if (status == ERR_OK)
        status = write_secrets(p, peer, detail);
    if (status == ERR_OK)
        status = place_keystore(p, peer, detail);
    if (status == ERR_OK)
        status = write_configs(p, index, &config, detail);
    if (status == ERR_OK)
        status = init_chain(p, peer, &made, detail);
    if (status == ERR_OK)
        tell(p, made, "data of %s", peer->name);
    return status;
}

/* --- What the supervisor runs --- */

static json_t *process_json(const struct deploy_process *process)
{
    json_t *arguments = json_array();
    for (size_t at = 0; at < process->arguments.len;) {
        const char *text = (const char *)process->arguments.data + at;
        json_array_append_new(arguments, json_string(text));
        at += strlen(text) + 1;
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", process->name, "log", process->log,
                     "ready", process->ready, "after", process->after, "arguments", arguments);
}

int deploy_prepare_processes(json_t **ret_rows, const struct deploy_site *site,
                             const struct deploy_programs *programs, struct err_detail *detail)
{
    json_t *all = json_array();
    for (size_t i = 0; i < site->count; i++) {
        struct deploy_process processes[2];
        size_t count = deploy_peer_processes(processes, site, i, programs);
        for (size_t j = 0; j < count; j++) {
            json_array_append_new(all, process_json(&processes[j]));
            buf_release(&processes[j].arguments);
        }
    }
    *ret_rows = all;
    return all ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
}

static int write_processes(struct preparation *p, struct err_detail *detail)
{
    json_t *all = NULL;
    char path[DEPLOY_PATH_MAX];
    bool written;
    int status = deploy_prepare_processes(&all, p->site, p->programs, detail);
    char *text = json_dumps(all, JSON_INDENT(2));
    deploy_site_path(path, p->site, "processes.json");
    if (status == ERR_OK)
        status = text ? write_if_new(p, &written, path, bytes_str(text), true, detail)
                      : err_set(detail, ERR_NOMEM, "out of memory");
    free(text); /* from malloc, by jansson */
    json_decref(all);
    return status;
}

static int write_ports(struct preparation *p, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    bool written;
    json_t *ports = deploy_ports_json(p->site);
    char *text = json_dumps(ports, JSON_INDENT(2));
    deploy_site_path(path, p->site, "ports.json");
    int status = text ? write_if_new(p, &written, path, bytes_str(text), false, detail)
                      : err_set(detail, ERR_NOMEM, "out of memory");
    free(text); /* from malloc, by jansson */
    json_decref(ports);
    return status;
}

int deploy_prepare_plan(struct deploy_site *site, const struct deploy_secrets *secrets,
                        bool *ret_keys_missing, deploy_step_fn *step, void *context,
                        struct err_detail *detail)
{
    struct preparation p = {
        .site = site, .secrets = secrets, .step = step, .context = context, .look_only = true};
    char path[DEPLOY_PATH_MAX];
    int status = prepare_keys(&p, detail);
    if (status == ERR_OK && p.keys_missing) {
        deploy_site_path(path, site, "genesis.json");
        tell(&p, access(path, F_OK) != 0, "genesis");
        tell(&p, true, "static nodes");
    } else if (status == ERR_OK) {
        status = prepare_genesis(&p, detail);
        if (status == ERR_OK)
            status = prepare_nodes(&p, detail);
    }
    for (size_t i = 0; status == ERR_OK && i < site->count; i++)
        status = look_at_peer(&p, i, detail);
    *ret_keys_missing = p.keys_missing;
    buf_release(&p.genesis);
    buf_release(&p.nodes);
    return status;
}

int deploy_prepare(struct deploy_site *site, const struct deploy_programs *programs,
                   const struct deploy_secrets *secrets, deploy_step_fn *step, void *context,
                   struct err_detail *detail)
{
    struct preparation p = {
        .site = site, .programs = programs, .secrets = secrets, .step = step, .context = context};
    int status = prepare_keys(&p, detail);
    if (status == ERR_OK)
        status = write_ports(&p, detail);
    if (status == ERR_OK)
        status = prepare_genesis(&p, detail);
    if (status == ERR_OK)
        status = prepare_nodes(&p, detail);
    for (size_t i = 0; status == ERR_OK && i < site->count; i++)
        status = prepare_peer(&p, i, detail);
    if (status == ERR_OK)
        status = write_processes(&p, detail);
    buf_release(&p.genesis);
    buf_release(&p.nodes);
    return status;
}
