#include "deploy/local/prepare_priv.h"

#include "base/file.h"
#include "base/mem.h"
#include "deploy/json.h"
#include "deploy/local/founders.h"
#include "deploy/local/nodes.h"
#include "deploy/local/ports.h"
#include "deploy/local/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

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

/* --- Files that are written when they differ --- */

int deploy_write_if_new(const struct preparation *p, bool *ret_written, const char *path,
                        struct bytes content, bool is_private, struct err_detail *detail)
{
    struct buf old = BUF_INIT;
    bool same = access(path, F_OK) == 0 && file_read(path, DEPLOY_FILE_MAX, &old, NULL) == ERR_OK &&
                bytes_equal(buf_bytes(&old), content);
    mem_wipe(old.data, old.len);
    buf_release(&old);
    *ret_written = !same;
    if (same || p->look_only)
        return ERR_OK;
    return is_private ? file_write_private(path, content, detail)
                      : file_write(path, content, detail);
}

/* A file of the folder. */
static int write_json(const struct preparation *p, const char *name, const json_t *value,
                      bool is_private, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    struct buf text = BUF_INIT;
    bool written;
    deploy_site_path(path, p->site, name);
    deploy_json_append(&text, value);
    int status = buf_status(&text) == ERR_OK
                     ? deploy_write_if_new(p, &written, path, buf_bytes(&text), is_private, detail)
                     : err_set(detail, ERR_NOMEM, "out of memory");
    buf_release(&text);
    return status;
}

/* --- Keys --- */

/* A node that lives on a chain is known by its key, and its account may hold something: none is made in their place. */
static int refuse_new_keys(const struct preparation *p, const struct deploy_site_peer *peer,
                           struct err_detail *detail)
{
    if (!deploy_founders_chain(p->site, peer->name))
        return ERR_OK;
    return err_set(detail, ERR_NOTFOUND,
                   "they are not in the store of secrets (%s/secrets, or the vault), and the node "
                   "lives on a chain by them; put the store back from a backup, or begin anew with "
                   "`quorate down --purge`",
                   p->site->folder);
}

static int prepare_keys(struct preparation *p, struct err_detail *detail)
{
    for (size_t i = 0; i < p->site->count; i++) {
        struct deploy_site_peer *peer = &p->site->peers[i];
        const struct deploy_owner owner = deploy_site_owner(p->site, peer);
        bool made = false;
        int status = p->look_only
                         ? deploy_keys_check(&made, p->secrets, &owner, detail)
                         : deploy_keys_ensure(&peer->identity, &made, p->secrets, &owner, detail);
        if (status == ERR_OK && p->look_only && made)
            status = refuse_new_keys(p, peer, detail);
        else if (status == ERR_OK && p->look_only)
            status = deploy_keys_read(&peer->identity, p->secrets, &owner, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "keys of %s", peer->name);
        p->keys_missing |= made && p->look_only;
        tell(p, made, "keys of %s", peer->name);
    }
    return ERR_OK;
}

/* --- Genesis and static nodes --- */

static int make_genesis(struct preparation *p, struct err_detail *detail)
{
    json_t *founders = NULL;
    int status = deploy_founders_find(&founders, p->site, detail);
    if (status == ERR_OK)
        status = deploy_founders_genesis(&p->genesis, p->site, founders, detail);
    if (status == ERR_OK)
        status = write_json(p, "founders.json", founders, false, detail);
    json_decref(founders);
    return status;
}

/* The genesis that data lives on is never replaced: another one is another network. */
static int keep_genesis(struct preparation *p, const char *path, struct err_detail *detail)
{
    struct buf old = BUF_INIT;
    if (access(path, F_OK) != 0)
        return ERR_OK;
    int status = file_read(path, DEPLOY_FILE_MAX, &old, detail);
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
    return deploy_write_if_new(p, &written, path->text, buf_bytes(content), false, detail);
}

static int prepare_genesis(struct preparation *p, struct err_detail *detail)
{
    const struct deploy_config *config = p->site->network->config;
    char path[DEPLOY_PATH_MAX];
    bool written = false;
    deploy_site_path(path, p->site, "genesis.json");
    int status = config->bootnode
                     ? file_read(config->genesis.text, DEPLOY_FILE_MAX, &p->genesis, detail)
                     : make_genesis(p, detail);
    if (status == ERR_OK)
        status = keep_genesis(p, path, detail);
    if (status == ERR_OK)
        status = deploy_write_if_new(p, &written, path, buf_bytes(&p->genesis), false, detail);
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
                     ? file_read(config->staticnodes.text, DEPLOY_FILE_MAX, &p->nodes, detail)
                     : deploy_nodes_format(&p->nodes, p->site, detail);
    if (status != ERR_OK)
        return status;
    deploy_site_path(path, p->site, "static-nodes.json");
    status = deploy_write_if_new(p, &written, path, buf_bytes(&p->nodes), false, detail);
    if (status == ERR_OK && !config->bootnode)
        status = copy_out(p, &config->staticnodes, &p->nodes, detail);
    if (status == ERR_OK)
        tell(p, written, "static nodes");
    return status;
}

/* --- One peer --- */

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
        !(access(mark, F_OK) == 0 && file_read(mark, DEPLOY_FILE_MAX, &old, NULL) == ERR_OK &&
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

static int look_at_peer(struct preparation *p, size_t index, struct err_detail *detail)
{
    const struct deploy_site_peer *peer = &p->site->peers[index];
    bool made = !deploy_founders_chain(p->site, peer->name), config = false;
    int status = ERR_OK;
    if (!p->keys_missing)
        status = init_chain(p, peer, &made, detail);
    tell(p, made, "data of %s", peer->name);
    if (status == ERR_OK && !made && !p->keys_missing) {
        status = deploy_material_configs(p, index, &config, detail);
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
        status = deploy_material_secrets(p, index, detail);
    if (status == ERR_OK && peer->database)
        status = deploy_database_prepare(p, peer, detail);
    if (status == ERR_OK)
        status = deploy_material_configs(p, index, &config, detail);
    if (status == ERR_OK)
        status = init_chain(p, peer, &made, detail);
    if (status == ERR_OK)
        tell(p, made, "data of %s", peer->name);
    return status;
}

/* --- What the supervisor runs --- */

static json_t *texts_json(const struct buf *texts)
{
    json_t *all = json_array();
    for (size_t at = 0; at < texts->len;) {
        const char *text = (const char *)texts->data + at;
        json_array_append_new(all, json_string(text));
        at += strlen(text) + 1;
    }
    return all;
}

static json_t *process_json(const struct deploy_process *process)
{
    char mark[17];
    snprintf(mark, sizeof(mark), "%016llx", (unsigned long long)process->mark);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "name", process->name, "program",
                     process->program, "log", process->log, "ready", process->ready, "after",
                     process->after, "mark", mark, "arguments", texts_json(&process->arguments),
                     "environment", texts_json(&process->environment));
}

int deploy_prepare_processes(json_t **ret_rows, const struct deploy_site *site,
                             const struct deploy_programs *programs, struct err_detail *detail)
{
    json_t *all = json_array();
    for (size_t i = 0; i < site->count; i++) {
        struct deploy_process processes[DEPLOY_PROCESSES_MAX];
        size_t count = deploy_peer_processes(processes, site, i, programs);
        for (size_t j = 0; j < count; j++) {
            json_array_append_new(all, process_json(&processes[j]));
            buf_release(&processes[j].arguments);
            buf_release(&processes[j].environment);
        }
    }
    *ret_rows = all;
    return all ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
}

static int write_processes(struct preparation *p, struct err_detail *detail)
{
    json_t *all = NULL;
    int status = deploy_prepare_processes(&all, p->site, p->programs, detail);
    if (status == ERR_OK)
        status = write_json(p, "processes.json", all, true, detail);
    json_decref(all);
    return status;
}

static int write_ports(struct preparation *p, struct err_detail *detail)
{
    json_t *ports = deploy_ports_json(p->site);
    int status = write_json(p, "ports.json", ports, false, detail);
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
    const bool joins = site->network->config->bootnode != NULL;
    int status = prepare_keys(&p, detail);
    if (status == ERR_OK && p.keys_missing && !joins && !deploy_founders_live(site)) {
        deploy_site_path(path, site, "genesis.json");
        tell(&p, access(path, F_OK) != 0, "genesis");
    } else if (status == ERR_OK) {
        status = prepare_genesis(&p, detail);
    }
    if (status == ERR_OK && p.keys_missing && !joins)
        tell(&p, true, "static nodes");
    else if (status == ERR_OK)
        status = prepare_nodes(&p, detail);
    for (size_t i = 0; status == ERR_OK && i < site->count; i++)
        status = look_at_peer(&p, i, detail);
    *ret_keys_missing = p.keys_missing;
    buf_release(&p.genesis);
    buf_release(&p.nodes);
    buf_release(&p.authorities);
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
    buf_release(&p.authorities);
    return status;
}
