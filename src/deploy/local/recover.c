#include "deploy/local/recover.h"

#include "deploy/json.h"
#include "deploy/local/run.h"
#include "deploy/local/tm_config.h"

#include <stdio.h>
#include <unistd.h>

enum { RECOVERED_ALL = 0, RECOVERED_SOME = 1 }; /* exit codes of quorate-tm --recover */

static bool is_constellation(const struct deploy_site *site)
{
    return site->network->config->transaction_manager.value == DEPLOY_CONSTELLATION;
}

bool deploy_recover_needs_filling(const struct deploy_site *site,
                                  const struct deploy_site_peer *peer)
{
    return peer->database || is_constellation(site);
}

bool deploy_recover_is_marked(const struct deploy_site_peer *peer)
{
    char path[DEPLOY_PATH_MAX];
    deploy_path(path, "%s/" DEPLOY_RECOVER_MARK, peer->folder);
    return peer->has_tm && access(path, F_OK) == 0;
}

bool deploy_recover_wanted(const struct deploy_site *site)
{
    bool any = false;
    for (size_t i = 0; i < site->count; i++)
        any |= deploy_recover_is_marked(&site->peers[i]);
    return any;
}

/* --- processes.json --- */

static bool is_held_back(const struct deploy_site *site, const char *process)
{
    for (size_t i = 0; i < site->count; i++) {
        const struct deploy_site_peer *peer = &site->peers[i];
        size_t length = strlen(peer->name);
        if (deploy_recover_is_marked(peer) && strncmp(process, peer->name, length) == 0 &&
            (strcmp(process + length, " tm") == 0 || strcmp(process + length, " node") == 0))
            return true;
    }
    return false;
}

int deploy_recover_hold_back(const struct deploy_site *site, const struct deploy_programs *programs,
                             struct err_detail *detail)
{
    json_t *rows = NULL;
    char path[DEPLOY_PATH_MAX];
    int status = deploy_prepare_processes(&rows, site, programs, detail);
    if (status != ERR_OK)
        return status;
    for (size_t i = json_array_size(rows); i-- > 0;) {
        const char *name = json_string_value(json_object_get(json_array_get(rows, i), "name"));
        if (name && is_held_back(site, name))
            (void)json_array_remove(rows, i);
    }
    deploy_site_path(path, site, "processes.json");
    status = deploy_json_write(path, rows, true, detail);
    json_decref(rows);
    return status;
}

/* --- Payloads --- */

static int fill(const struct deploy_site *site, const struct deploy_site_peer *peer,
                const struct deploy_programs *programs, struct err_detail *detail)
{
    char source[DEPLOY_PATH_MAX], config[DEPLOY_PATH_MAX], url[DEPLOY_PATH_MAX + 16];
    struct buf output = BUF_INIT;
    int code = 0;
    deploy_path(source, "%s/tm/" DEPLOY_RECOVER_PAYLOADS, peer->folder);
    if (access(source, F_OK) != 0)
        return ERR_OK;
    deploy_path(config, "%s/tm/%s", peer->folder, deploy_tm_config_name(site));
    snprintf(url, sizeof(url), "jdbc:sqlite:%s", source);
    const char *const arguments[] = {programs->tm,   "migrate", "--from", url,
                                     "--configfile", config,    NULL};
    int status = deploy_run(&code, &output, arguments, detail);
    if (status == ERR_OK && code != 0)
        status = err_set(detail, ERR_INPUT, "the payloads of %s cannot be put back: %.300s",
                         peer->name, buf_text(&output));
    buf_release(&output);
    if (status == ERR_OK)
        (void)unlink(source);
    return status;
}

/* Managers that run meanwhile. */
static bool has_others(const struct deploy_site *site)
{
    for (size_t i = 0; i < site->count; i++)
        if (site->peers[i].has_tm && !deploy_recover_is_marked(&site->peers[i]))
            return true;
    return false;
}

static const char *last_line(struct buf *output)
{
    const char *text = buf_text(output), *line = text;
    for (const char *at = text; *at; at++)
        if (*at == '\n' && at[1])
            line = at + 1;
    return line;
}

static int ask_others(const struct deploy_site *site, const struct deploy_site_peer *peer,
                      const struct deploy_programs *programs, struct err_detail *detail)
{
    char config[DEPLOY_PATH_MAX];
    struct buf output = BUF_INIT;
    int code = 0;
    deploy_path(config, "%s/tm/%s", peer->folder, deploy_tm_config_name(site));
    const char *const arguments[] = {programs->tm, "--configfile", config, "--recover", NULL};
    int status = deploy_run(&code, &output, arguments, detail);
    if (status == ERR_OK && code != RECOVERED_ALL && code != RECOVERED_SOME)
        status =
            err_set(detail, ERR_INPUT,
                    "the other managers cannot be asked for payloads of %s (%.200s); `quorate up` "
                    "tries it again; remove %s/" DEPLOY_RECOVER_MARK " to go on without them",
                    peer->name, last_line(&output), peer->folder);
    buf_release(&output);
    return status;
}

static int recover(const struct deploy_site *site, const struct deploy_site_peer *peer,
                   const struct deploy_programs *programs, bool others, struct err_detail *detail)
{
    char mark[DEPLOY_PATH_MAX];
    int status = fill(site, peer, programs, detail);
    if (status == ERR_OK && others && !is_constellation(site))
        status = ask_others(site, peer, programs, detail);
    deploy_path(mark, "%s/" DEPLOY_RECOVER_MARK, peer->folder);
    if (status == ERR_OK)
        (void)unlink(mark);
    return status;
}

int deploy_recover_run(const struct deploy_site *site, const struct deploy_programs *programs,
                       deploy_step_fn *step, void *context, struct err_detail *detail)
{
    char told[200];
    bool others = has_others(site);
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < site->count; i++) {
        if (!deploy_recover_is_marked(&site->peers[i]))
            continue;
        status = recover(site, &site->peers[i], programs, others, detail);
        snprintf(told, sizeof(told), "payloads of %s%s", site->peers[i].name,
                 others && is_constellation(site)
                     ? ": those of its backup, since this dialect cannot ask the others"
                     : "");
        if (status == ERR_OK)
            step(context, told, true);
    }
    /* Without marks nothing is held back. */
    return status == ERR_OK ? deploy_recover_hold_back(site, programs, detail) : status;
}
