#include "deploy/local/listen.h"

#include "deploy/local/port.h"
#include "deploy/local/supervisor.h"

#include <stdio.h>

enum { PORTS_MAX = 3 };

int deploy_listen_taken(const struct deploy_site_peer *peer, uint16_t port,
                        struct err_detail *detail)
{
    char name[DEPLOY_HOLDER_MAX], holder[DEPLOY_HOLDER_MAX + 40];
    pid_t pid;
    if (deploy_port_holder(name, &pid, port))
        snprintf(holder, sizeof(holder), "%s (process %d)", name, (int)pid);
    else
        snprintf(holder, sizeof(holder), "another program");
    return err_set(detail, ERR_BUSY,
                   "port %u of %s is in use by %s: end it (`ss -ltnp` shows who listens where), or "
                   "write another port in the network file",
                   port, peer->name, holder);
}

static const char *text_of(const json_t *row, const char *field)
{
    const char *text = json_string_value(json_object_get(row, field));
    return text ? text : "";
}

/* The peer of "organization/peer program", and the ports at which that program listens; 0: it is none of the site's. */
static size_t ports_of(uint16_t ret_ports[PORTS_MAX], const struct deploy_site_peer **ret_peer,
                       const struct deploy_site *site, const char *process)
{
    for (size_t i = 0; i < site->count; i++) {
        const struct deploy_site_peer *peer = &site->peers[i];
        size_t length = strlen(peer->name), count = 0;
        if (strncmp(process, peer->name, length) != 0 || process[length] != ' ')
            continue;
        const char *program = process + length + 1;
        const uint16_t node[PORTS_MAX] = {peer->p2p, peer->rpc, peer->raft};
        *ret_peer = peer;
        if (strcmp(program, "tm") == 0)
            ret_ports[count++] = peer->tm;
        else if (strcmp(program, "db") == 0)
            ret_ports[count++] = peer->db;
        for (size_t j = 0; strcmp(program, "node") == 0 && j < PORTS_MAX; j++)
            if (node[j])
                ret_ports[count++] = node[j];
        return count;
    }
    return 0;
}

static bool is_resting(const json_t *row)
{
    return strcmp(text_of(row, "state"), "resting") == 0;
}

/* Whether it has rested all the while since `row` was answered: then what listens is another. */
static bool still_rests(const struct deploy_site *site, const json_t *row)
{
    size_t i;
    json_t *rows, *now;
    bool rests = false;
    deploy_supervisor_processes(&rows, site->folder, NULL); /* none rests */
    json_array_foreach(rows, i, now)
    {
        rests |= strcmp(text_of(now, "name"), text_of(row, "name")) == 0 && is_resting(now) &&
                 json_equal(json_object_get(now, "restarts"), json_object_get(row, "restarts"));
    }
    json_decref(rows);
    return rests;
}

static int check_row(const struct deploy_site *site, const json_t *row, struct err_detail *detail)
{
    uint16_t ports[PORTS_MAX];
    const struct deploy_site_peer *peer;
    size_t count = is_resting(row) ? ports_of(ports, &peer, site, text_of(row, "name")) : 0;
    for (size_t i = 0; i < count; i++)
        if (deploy_port_taken(ports[i]) && still_rests(site, row))
            return deploy_listen_taken(peer, ports[i], detail);
    return ERR_OK;
}

int deploy_listen_check(const struct deploy_site *site, struct err_detail *detail)
{
    size_t i;
    json_t *rows, *row;
    int status = ERR_OK;
    deploy_supervisor_processes(&rows, site->folder, NULL);
    json_array_foreach(rows, i, row)
    {
        if (status == ERR_OK)
            status = check_row(site, row, detail);
    }
    json_decref(rows);
    return status;
}
