#include "deploy/backup/hold.h"

#include "deploy/local/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct nodes {
    pid_t ids[DEPLOY_PEERS_MAX];
    size_t count;
};

static bool is_wanted(const char *process, const struct deploy_site_peer *only)
{
    size_t length = strlen(process);
    if (length < 5 || strcmp(process + length - 5, " node") != 0)
        return false;
    return !only ||
           (strlen(only->name) == length - 5 && strncmp(process, only->name, length - 5) == 0);
}

static int find_nodes(struct nodes *nodes, const struct deploy_site *site,
                      const struct deploy_site_peer *only, struct err_detail *detail)
{
    json_t *processes, *row;
    size_t i;
    int status = deploy_supervisor_processes(&processes, site->folder, detail);
    json_array_foreach(processes, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        pid_t pid = (pid_t)json_integer_value(json_object_get(row, "pid"));
        if (name && pid > 0 && nodes->count < DEPLOY_PEERS_MAX && is_wanted(name, only))
            nodes->ids[nodes->count++] = pid;
    }
    json_decref(processes);
    return status == ERR_NOTFOUND ? ERR_OK : status; /* a network that is down stands still */
}

/* In a process of its own: waits for the end of the pipe, which comes with the end of the one that holds. */
static void keep(const struct nodes *nodes, int pipe)
{
    char byte;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid();
    while (read(pipe, &byte, 1) < 0 && errno == EINTR)
        continue;
    for (size_t i = 0; i < nodes->count; i++)
        (void)kill(nodes->ids[i], SIGCONT);
    _exit(0);
}

int deploy_hold_nodes(struct deploy_hold *hold, const struct deploy_site *site,
                      const struct deploy_site_peer *only, struct err_detail *detail)
{
    struct nodes nodes = {.count = 0};
    int ends[2];
    *hold = (struct deploy_hold){.keeper = 0, .release = -1};
    int status = find_nodes(&nodes, site, only, detail);
    if (status != ERR_OK || nodes.count == 0)
        return status;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(detail, ERR_IO, "pipe: %s", strerror(errno));
    pid_t keeper = fork();
    if (keeper == 0) {
        close(ends[1]);
        keep(&nodes, ends[0]);
    }
    close(ends[0]);
    if (keeper < 0) {
        close(ends[1]);
        return err_set(detail, ERR_IO, "fork: %s", strerror(errno));
    }
    *hold = (struct deploy_hold){.keeper = keeper, .release = ends[1]};
    for (size_t i = 0; i < nodes.count; i++)
        (void)kill(nodes.ids[i], SIGSTOP); /* one that has ended stands still */
    return ERR_OK;
}

void deploy_hold_release(struct deploy_hold *hold)
{
    if (!hold->keeper)
        return;
    close(hold->release);
    while (waitpid(hold->keeper, NULL, 0) < 0 && errno == EINTR)
        continue;
    hold->keeper = 0;
}
