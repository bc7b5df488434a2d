#include "deploy/local/words.h"

#include "base/file.h"
#include "deploy/local/supervisor.h"

#include <stdio.h>
#include <string.h>

enum { TAIL = 2048 };

/* The last line of a log that is not empty; "" when there is none. Valid as long as `text`. */
static const char *last_line(struct buf *text, const char *path)
{
    buf_clear(text);
    if (file_read_end(path, TAIL, text, NULL) != ERR_OK)
        return "";
    while (text->len && text->data[text->len - 1] == '\n')
        text->len--;
    const char *all = buf_text(text), *last = strrchr(all, '\n');
    return last ? last + 1 : all;
}

void deploy_last_words(char ret_text[DEPLOY_WORDS_MAX], const struct deploy_site *site)
{
    char path[DEPLOY_PATH_MAX];
    struct buf log = BUF_INIT;
    size_t i;
    json_t *processes, *row;
    ret_text[0] = 0;
    if (deploy_supervisor_processes(&processes, site->folder, NULL) != ERR_OK)
        return;
    json_array_foreach(processes, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        const char *state = json_string_value(json_object_get(row, "state"));
        const char *program = name ? strchr(name, ' ') : NULL;
        if (*ret_text || !program || !state || strcmp(state, "resting") != 0)
            continue;
        deploy_path(path, "%.700s/%.*s/logs/%s.log", site->folder, (int)(program - name), name,
                    program + 1);
        const char *line = last_line(&log, path);
        if (*line)
            snprintf(ret_text, DEPLOY_WORDS_MAX, ": %.90s ends with \"%.250s\"", name, line);
    }
    buf_release(&log);
    json_decref(processes);
}

void deploy_other_network(char ret_text[DEPLOY_WORDS_MAX], const struct deploy_site *site,
                          const struct deploy_site_peer *peer, struct io_http_caller *caller)
{
    const struct deploy_bootnode *bootnode = site->network->config->bootnode;
    char url[DEPLOY_PATH_MAX];
    json_t *theirs = NULL, *ours = NULL;
    ret_text[0] = 0;
    if (!bootnode || !bootnode->url.text)
        return;
    deploy_path(url, "http://%.900s:%llu/", bootnode->url.text,
                (unsigned long long)bootnode->rpcport.value);
    if (deploy_rpc_at(&theirs, caller, url, "net_version", NULL, NULL) == ERR_OK &&
        deploy_rpc(&ours, caller, peer->rpc, "net_version", NULL, NULL) == ERR_OK &&
        json_is_string(theirs) && json_is_string(ours) && !json_equal(theirs, ours))
        snprintf(ret_text, DEPLOY_WORDS_MAX,
                 "; the network's id is %.20s, this peer's %.20s: write network_id: %.20s under "
                 "config",
                 json_string_value(theirs), json_string_value(ours), json_string_value(theirs));
    json_decref(theirs);
    json_decref(ours);
}
