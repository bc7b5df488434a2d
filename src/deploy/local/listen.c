#include "deploy/local/listen.h"

#include "deploy/local/founders.h"
#include "deploy/local/port.h"
#include "deploy/local/supervisor.h"

#include <stdio.h>
#include <unistd.h>

enum {
    PORT_TRIES = 50, /* those of a network that has just been killed are let go soon */
    PORT_PAUSE_US = 100000,
};

/* What a port is for, in a person's words, and the program that listens there. */
static const struct {
    const char *words, *program;
} kinds[DEPLOY_PORT_KINDS] = {
    [DEPLOY_PORT_P2P_KIND] = {"of its node for other nodes", "node"},
    [DEPLOY_PORT_RPC_KIND] = {"of its node for JSON-RPC", "node"},
    [DEPLOY_PORT_RAFT_KIND] = {"of its node for Raft", "node"},
    [DEPLOY_PORT_TM_KIND] = {"of its transaction manager", "tm"},
    [DEPLOY_PORT_DB_KIND] = {"of its database", "db"},
};

/* --- What to say --- */

static void name_holder(char *ret, size_t size, uint16_t port)
{
    char name[DEPLOY_HOLDER_MAX];
    pid_t pid;
    if (deploy_port_holder(name, &pid, port))
        snprintf(ret, size, "%s (process %d)", name, (int)pid);
    else
        snprintf(ret, size, "another program");
}

/* The cluster's own log says where its members are. */
static bool is_in_raft_log(const struct deploy_site *site, const struct deploy_site_peer *peer,
                           enum deploy_port_kind kind)
{
    return site->network->config->consensus.value == DEPLOY_RAFT &&
           (kind == DEPLOY_PORT_P2P_KIND || kind == DEPLOY_PORT_RAFT_KIND) &&
           deploy_founders_chain(site, peer->name);
}

int deploy_listen_taken(const struct deploy_site *site, const struct deploy_site_peer *peer,
                        enum deploy_port_kind kind, struct err_detail *detail)
{
    char holder[DEPLOY_HOLDER_MAX + 40];
    uint16_t ports[DEPLOY_PORT_KINDS];
    deploy_ports_by_kind(ports, peer);
    name_holder(holder, sizeof(holder), ports[kind]);
    if (is_in_raft_log(site, peer, kind))
        return err_set(detail, ERR_BUSY,
                       "port %u of %s is in use by %s: end it (`ss -ltnp` shows who listens "
                       "where); the other members of the Raft cluster know the node by this port, "
                       "%s, so it cannot have another one",
                       ports[kind], peer->name, holder, kinds[kind].words);
    return err_set(detail, ERR_BUSY,
                   "port %u of %s is in use by %s: end it (`ss -ltnp` shows who listens where), or "
                   "write another port %s in the network file%s",
                   ports[kind], peer->name, holder, kinds[kind].words,
                   deploy_ports_is_published(peer, kind)
                       ? ""
                       : ", or have another one chosen by `quorate up --new-ports`");
}

/* --- Programs that run --- */

static const char *text_of(const json_t *row, const char *field)
{
    const char *text = json_string_value(json_object_get(row, field));
    return text ? text : "";
}

static bool is_resting(const json_t *row)
{
    return strcmp(text_of(row, "state"), "resting") == 0;
}

/* NULL: it does not run. `program` NULL: any of the peer's. */
static const json_t *row_of(const json_t *processes, const struct deploy_site_peer *peer,
                            const char *program)
{
    size_t i, length = strlen(peer->name);
    const json_t *row;
    json_array_foreach((json_t *)processes, i, row)
    {
        const char *name = text_of(row, "name");
        if (strncmp(name, peer->name, length) == 0 && name[length] == ' ' &&
            (!program || strcmp(name + length + 1, program) == 0))
            return row;
    }
    return NULL;
}

/* Whether nothing has happened to it since `row` was answered: then what listens is another. */
static bool is_the_same(const struct deploy_site *site, const json_t *row)
{
    static const char *const fields[] = {"name", "state", "pid", "restarts"};
    size_t i;
    json_t *rows, *now;
    bool found = false;
    deploy_supervisor_processes(&rows, site->folder, NULL); /* none is */
    json_array_foreach(rows, i, now)
    {
        bool same = true;
        for (size_t j = 0; j < BASE_COUNT(fields); j++)
            same &= json_equal(json_object_get(now, fields[j]), json_object_get(row, fields[j]));
        found |= same;
    }
    json_decref(rows);
    return found;
}

/* It does not serve, and another process listens at its port. */
static bool is_lost(const struct deploy_site *site, const json_t *row, uint16_t port)
{
    char name[DEPLOY_HOLDER_MAX];
    pid_t holder;
    if (!row || strcmp(text_of(row, "state"), "ready") == 0 || !deploy_port_taken(port))
        return false;
    bool other = is_resting(row) || (deploy_port_holder(name, &holder, port) &&
                                     holder != json_integer_value(json_object_get(row, "pid")));
    return other && is_the_same(site, row);
}

/* Whether it may be a program of a network that is ending: one of those names, or nobody's any more. */
static bool may_be_let_go(uint16_t port)
{
    char name[DEPLOY_HOLDER_MAX];
    pid_t pid;
    return !deploy_port_holder(name, &pid, port) || strncmp(name, "quorate", 7) == 0 ||
           strcmp(name, "mariadbd") == 0;
}

/* Somebody else's, when the peer does not run, and it is not let go soon. */
static bool stays_taken(uint16_t port, unsigned *tries)
{
    while (deploy_port_taken(port)) {
        if (*tries == 0 || !may_be_let_go(port))
            return true;
        --*tries;
        usleep(PORT_PAUSE_US);
    }
    return false;
}

/* --- Looking at all ports --- */

/* Called for a port that somebody else has; another status than ERR_OK ends the looking. */
typedef int taken_fn(void *context, const struct deploy_site_peer *peer, enum deploy_port_kind kind,
                     struct err_detail *detail);

enum look { STOPPED = 1, RUNNING = 2 };

static int look_at_peer(const struct deploy_site *site, const struct deploy_site_peer *peer,
                        const json_t *processes, unsigned *tries, enum look look, taken_fn *taken,
                        void *context, struct err_detail *detail)
{
    uint16_t ports[DEPLOY_PORT_KINDS];
    int status = ERR_OK;
    bool runs = row_of(processes, peer, NULL) != NULL;
    deploy_ports_by_kind(ports, peer);
    for (int kind = 0; status == ERR_OK && kind < DEPLOY_PORT_KINDS; kind++) {
        bool is_taken =
            ports[kind] &&
            (runs ? (look & RUNNING) &&
                        is_lost(site, row_of(processes, peer, kinds[kind].program), ports[kind])
                  : (look & STOPPED) && stays_taken(ports[kind], tries));
        if (is_taken)
            status = taken(context, peer, (enum deploy_port_kind)kind, detail);
    }
    return status;
}

static int look_at_all(const struct deploy_site *site, enum look look, taken_fn *taken,
                       void *context, struct err_detail *detail)
{
    json_t *processes;
    unsigned tries = PORT_TRIES;
    int status = ERR_OK;
    deploy_supervisor_processes(&processes, site->folder, NULL); /* none: all must be free */
    for (size_t i = 0; status == ERR_OK && i < site->count; i++)
        status =
            look_at_peer(site, &site->peers[i], processes, &tries, look, taken, context, detail);
    json_decref(processes);
    return status;
}

static int refuse(void *context, const struct deploy_site_peer *peer, enum deploy_port_kind kind,
                  struct err_detail *detail)
{
    return deploy_listen_taken(context, peer, kind, detail);
}

int deploy_listen_check(const struct deploy_site *site, struct err_detail *detail)
{
    return look_at_all(site, RUNNING, refuse, (void *)site, detail);
}

int deploy_listen_free(const struct deploy_site *site, struct err_detail *detail)
{
    return look_at_all(site, STOPPED, refuse, (void *)site, detail);
}

/* --- Other ports --- */

struct renewal {
    struct deploy_site *site;
    struct arena *arena;
    uint16_t (*old)[DEPLOY_PORT_KINDS]; /* of each peer */
    bool any;
};

static int give_up(void *context, const struct deploy_site_peer *peer, enum deploy_port_kind kind,
                   struct err_detail *detail)
{
    struct renewal *renewal = context;
    size_t index = (size_t)(peer - renewal->site->peers);
    if (deploy_ports_is_published(peer, kind) || is_in_raft_log(renewal->site, peer, kind))
        return deploy_listen_taken(renewal->site, peer, kind, detail);
    renewal->any = true;
    return deploy_ports_give_up(renewal->site, renewal->old[index][kind], renewal->arena, detail);
}

static void tell(const struct renewal *renewal, deploy_step_fn *step, void *context)
{
    char text[256], holder[DEPLOY_HOLDER_MAX + 40];
    for (size_t i = 0; i < renewal->site->count; i++) {
        uint16_t now[DEPLOY_PORT_KINDS];
        deploy_ports_by_kind(now, &renewal->site->peers[i]);
        for (int kind = 0; kind < DEPLOY_PORT_KINDS; kind++) {
            if (now[kind] == renewal->old[i][kind])
                continue;
            name_holder(holder, sizeof(holder), renewal->old[i][kind]);
            snprintf(text, sizeof(text), "port %u of %s (%s) in place of %u, which %s has",
                     now[kind], renewal->site->peers[i].name, kinds[kind].words,
                     renewal->old[i][kind], holder);
            step(context, text, true);
        }
    }
}

int deploy_listen_renew(bool *ret_any, struct deploy_site *site, struct arena *arena,
                        deploy_step_fn *step, void *context, struct err_detail *detail)
{
    struct renewal renewal = {site, arena, NULL, false};
    renewal.old = arena_alloc_zeroed(arena, site->count, sizeof(*renewal.old));
    if (!renewal.old)
        return err_set(detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < site->count; i++)
        deploy_ports_by_kind(renewal.old[i], &site->peers[i]);
    int status = look_at_all(site, STOPPED | RUNNING, give_up, &renewal, detail);
    if (status == ERR_OK && renewal.any)
        status = deploy_ports_give(site, arena, detail);
    if (status == ERR_OK && renewal.any)
        tell(&renewal, step, context);
    *ret_any = status == ERR_OK && renewal.any;
    return status;
}
