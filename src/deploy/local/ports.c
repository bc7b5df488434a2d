/* Which ports a peer has. Once given they stay, whoever comes or goes before it in the file: they are written down in
 * <folder>/ports.json beside what the file asked for, and chosen anew only when it asks for something else. */
#include "deploy/local/ports.h"

#include "base/file.h"
#include "deploy/local/port.h"

#include <unistd.h>

enum {
    FREE_PORTS_FROM = 22000,
    FILE_MAX_BYTES = 1 << 20,
    PORT_SET_BYTES = 65536 / 8,
};

/* Ports that are given away, one bit each. */
struct ports {
    uint8_t taken[PORT_SET_BYTES];
    unsigned next_free;
};

static bool take_port(struct ports *ports, uint64_t port)
{
    if (port == 0 || port > 65535 || (ports->taken[port / 8] >> (port % 8) & 1))
        return false;
    ports->taken[port / 8] |= (uint8_t)(1u << (port % 8));
    return true;
}

static uint16_t choose_port(struct ports *ports, const struct deploy_port *wanted)
{
    if (wanted && wanted->ambassador.given && take_port(ports, wanted->ambassador.value))
        return (uint16_t)wanted->ambassador.value;
    if (wanted && wanted->port.given && take_port(ports, wanted->port.value))
        return (uint16_t)wanted->port.value;
    while (deploy_port_taken((uint16_t)ports->next_free) ||
           !deploy_port_reserve((uint16_t)ports->next_free) || !take_port(ports, ports->next_free))
        ports->next_free++;
    return (uint16_t)ports->next_free;
}

struct slot {
    uint16_t *port;
    const struct deploy_port *wanted;
    bool needed;
};

static void slots_of(struct slot ret[DEPLOY_PORT_KINDS], const struct deploy_site *site,
                     struct deploy_site_peer *peer)
{
    bool raft = site->network->config->consensus.value == DEPLOY_RAFT;
    ret[0] = (struct slot){&peer->p2p, peer->peer->p2p, true};
    ret[1] = (struct slot){&peer->rpc, peer->peer->rpc, true};
    ret[2] = (struct slot){&peer->raft, peer->peer->raft, raft};
    ret[3] = (struct slot){&peer->tm, peer->peer->tm, peer->has_tm};
    ret[4] = (struct slot){&peer->db, peer->peer->db, peer->database};
}

static json_int_t asked(const struct deploy_port *wanted)
{
    if (wanted && wanted->ambassador.given)
        return (json_int_t)wanted->ambassador.value;
    return wanted && wanted->port.given ? (json_int_t)wanted->port.value : 0;
}

/* `old` has a row for each peer. */
static void forget(uint16_t (*old)[DEPLOY_PORT_KINDS], struct deploy_site *site)
{
    for (size_t i = 0; i < site->count; i++) {
        struct slot slots[DEPLOY_PORT_KINDS];
        slots_of(slots, site, &site->peers[i]);
        for (size_t j = 0; j < DEPLOY_PORT_KINDS; j++) {
            old[i][j] = *slots[j].port;
            *slots[j].port = 0;
        }
    }
}

static void restore(struct deploy_site *site, struct ports *ports, const json_t *kept)
{
    for (size_t i = 0; i < site->count; i++) {
        const json_t *row = json_object_get(kept, site->peers[i].name);
        struct slot slots[DEPLOY_PORT_KINDS];
        slots_of(slots, site, &site->peers[i]);
        for (size_t j = 0; row && j < DEPLOY_PORT_KINDS; j++) {
            const json_t *pair = json_array_get(row, j);
            json_int_t wanted = json_integer_value(json_array_get(pair, 0));
            json_int_t given = json_integer_value(json_array_get(pair, 1));
            if (slots[j].needed && wanted == asked(slots[j].wanted) && given > 0 &&
                take_port(ports, (uint64_t)given))
                *slots[j].port = (uint16_t)given;
        }
    }
}

/* Those that this process has chosen already, unless somebody else has come to listen there. */
static void keep(struct deploy_site *site, struct ports *ports, uint16_t (*old)[DEPLOY_PORT_KINDS])
{
    for (size_t i = 0; i < site->count; i++) {
        struct slot slots[DEPLOY_PORT_KINDS];
        slots_of(slots, site, &site->peers[i]);
        for (size_t j = 0; j < DEPLOY_PORT_KINDS; j++)
            if (slots[j].needed && !*slots[j].port && !deploy_port_taken(old[i][j]) &&
                take_port(ports, old[i][j]))
                *slots[j].port = old[i][j];
    }
}

int deploy_ports_give(struct deploy_site *site, struct arena *arena, struct err_detail *detail)
{
    struct ports *ports = arena_alloc_zeroed(arena, 1, sizeof(*ports));
    uint16_t(*old)[DEPLOY_PORT_KINDS] = arena_alloc_zeroed(arena, site->count + 1, sizeof(*old));
    struct buf text = BUF_INIT;
    char path[DEPLOY_PATH_MAX];
    int status = ports && old ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
    json_t *kept = NULL;
    deploy_site_path(path, site, "ports.json");
    if (status == ERR_OK && access(path, F_OK) == 0) {
        status = file_read(path, FILE_MAX_BYTES, &text, detail);
        kept = status == ERR_OK ? json_loadb((const char *)text.data, text.len, 0, NULL) : NULL;
        if (status == ERR_OK && !json_is_object(kept))
            status =
                err_set(detail, ERR_CORRUPT,
                        "%s is damaged; without it ports follow from the network file anew", path);
    }
    if (status == ERR_OK) {
        ports->next_free = FREE_PORTS_FROM;
        if (site->given_up)
            memcpy(ports->taken, site->given_up, sizeof(ports->taken));
        forget(old, site);
        restore(site, ports, kept);
        keep(site, ports, old);
        for (size_t i = 0; i < site->count; i++) {
            struct slot slots[DEPLOY_PORT_KINDS];
            slots_of(slots, site, &site->peers[i]);
            for (size_t j = 0; j < DEPLOY_PORT_KINDS; j++)
                if (slots[j].needed && !*slots[j].port)
                    *slots[j].port = choose_port(ports, slots[j].wanted);
            /* Those of the file and of before, too: who chooses now keeps away from them. */
            for (size_t j = 0; j < DEPLOY_PORT_KINDS; j++)
                (void)!(slots[j].needed && deploy_port_reserve(*slots[j].port));
        }
    }
    json_decref(kept);
    buf_release(&text);
    return status;
}

int deploy_ports_give_up(struct deploy_site *site, uint16_t port, struct arena *arena,
                         struct err_detail *detail)
{
    if (!site->given_up)
        site->given_up = arena_alloc_zeroed(arena, PORT_SET_BYTES, 1);
    if (!site->given_up)
        return err_set(detail, ERR_NOMEM, "out of memory");
    site->given_up[port / 8] |= (uint8_t)(1u << (port % 8));
    return ERR_OK;
}

void deploy_ports_by_kind(uint16_t ret[DEPLOY_PORT_KINDS], const struct deploy_site_peer *peer)
{
    const uint16_t all[DEPLOY_PORT_KINDS] = {peer->p2p, peer->rpc, peer->raft, peer->tm, peer->db};
    memcpy(ret, all, sizeof(all));
}

bool deploy_ports_is_published(const struct deploy_site_peer *peer, enum deploy_port_kind kind)
{
    const struct deploy_port *const wanted[DEPLOY_PORT_KINDS] = {
        peer->peer->p2p, peer->peer->rpc, peer->peer->raft, peer->peer->tm, peer->peer->db};
    uint16_t ports[DEPLOY_PORT_KINDS];
    deploy_ports_by_kind(ports, peer);
    return wanted[kind] && wanted[kind]->ambassador.given &&
           wanted[kind]->ambassador.value == ports[kind];
}

size_t deploy_ports_of(uint16_t ret[DEPLOY_PORT_KINDS], const struct deploy_site_peer *peer)
{
    uint16_t all[DEPLOY_PORT_KINDS];
    size_t count = 0;
    deploy_ports_by_kind(all, peer);
    for (size_t i = 0; i < DEPLOY_PORT_KINDS; i++)
        if (all[i])
            ret[count++] = all[i];
    return count;
}

json_t *deploy_ports_json(const struct deploy_site *site)
{
    json_t *all = json_object();
    for (size_t i = 0; i < site->count; i++) {
        struct slot slots[DEPLOY_PORT_KINDS];
        json_t *row = json_array();
        slots_of(slots, site, &site->peers[i]);
        for (size_t j = 0; j < DEPLOY_PORT_KINDS; j++)
            json_array_append_new(row,
                                  json_pack("[I, i]", asked(slots[j].wanted), (int)*slots[j].port));
        json_object_set_new(all, site->peers[i].name, row);
    }
    return all;
}
