#include "deploy/local/words.h"

#include "base/mem.h"
#include "deploy/local/supervisor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TAIL = 2048 };

/* The last line of a log that is not empty. */
static void read_line(char ret_line[TAIL + 1], const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    off_t from = size > TAIL ? size - TAIL : 0;
    ssize_t length = fd >= 0 ? pread(fd, ret_line, TAIL, from) : 0;
    if (fd >= 0)
        close(fd);
    while (length > 0 && ret_line[length - 1] == '\n')
        length--;
    ret_line[length > 0 ? length : 0] = 0;
    const char *last = strrchr(ret_line, '\n');
    if (last)
        memmove(ret_line, last + 1, strlen(last + 1) + 1);
}

void deploy_last_words(char ret_text[DEPLOY_WORDS_MAX], const struct deploy_site *site)
{
    char path[DEPLOY_PATH_MAX], line[TAIL + 1];
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
        read_line(line, path);
        if (*line)
            snprintf(ret_text, DEPLOY_WORDS_MAX, ": %.90s ends with \"%.250s\"", name, line);
    }
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
