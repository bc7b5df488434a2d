#include "deploy/network/edit.h"

#include <stdio.h>

/* A range of lines, from `begin` up to `end` in bytes, and the indentation of its first. */
struct item {
    size_t begin, end, indent;
};

static size_t line_start(struct bytes text, uint32_t line)
{
    size_t at = 0;
    for (uint32_t i = 1; i < line && at < text.len; i++) {
        const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
        at = end ? (size_t)(end - text.data) + 1 : text.len;
    }
    return at;
}

static size_t next_line(struct bytes text, size_t at)
{
    const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
    return end ? (size_t)(end - text.data) + 1 : text.len;
}

static size_t indent_at(struct bytes text, size_t at)
{
    size_t n = 0;
    while (at + n < text.len && text.data[at + n] == ' ')
        n++;
    return n;
}

/* Nothing, or only a comment. */
static bool is_blank(struct bytes text, size_t at)
{
    at += indent_at(text, at);
    return at >= text.len || text.data[at] == '\n' || text.data[at] == '\r' || text.data[at] == '#';
}

static bool begins_item(struct bytes text, size_t at)
{
    at += indent_at(text, at);
    return at + 1 < text.len && text.data[at] == '-' && text.data[at + 1] == ' ';
}

/* The item of a list that a line is in: back to the dash, on to what stands no deeper than it. */
static struct item item_at(struct bytes text, uint32_t line)
{
    struct item item = {.begin = line_start(text, line)};
    while (line > 1 && !begins_item(text, item.begin))
        item.begin = line_start(text, --line);
    item.indent = indent_at(text, item.begin);
    item.end = next_line(text, item.begin);
    for (size_t at = item.end; at < text.len; at = next_line(text, at)) {
        if (is_blank(text, at))
            continue;
        if (indent_at(text, at) <= item.indent)
            break;
        item.end = next_line(text, at);
    }
    return item;
}

static void append_range(struct buf *out, struct bytes text, size_t from, size_t to)
{
    buf_append(out, text.data + from, to - from);
}

/* A line may lack its end at the end of the file. */
static void end_line(struct buf *out)
{
    if (out->len && out->data[out->len - 1] != '\n')
        buf_append_byte(out, '\n');
}

static void append_peer(struct buf *out, size_t indent, const struct deploy_network *network,
                        const struct deploy_edit_peer *peer)
{
    int n = (int)indent;
    const char *name = peer->name;
    buf_append_format(out,
                      "%*s- peer:\n"
                      "%*s  name: %s\n"
                      "%*s  subject: \"O=%s,OU=%s,L=51.50/-0.13/London,C=GB\"\n"
                      "%*s  type: %s\n"
                      "%*s  lock: true\n",
                      n, "", n, "", name, n, "", name, name, n, "",
                      peer->validator ? "validator" : "non-validator", n, "");
    if (!peer->ports && network->config->consensus.value == DEPLOY_RAFT)
        buf_append_format(out, "%*s  raft:\n%*s    port: 50401\n", n, "", n, "");
}

void deploy_edit_add_organization(struct buf *out, struct bytes text,
                                  const struct deploy_network *network, const char *name,
                                  bool validator)
{
    const struct deploy_organizations *all = &network->organizations;
    struct item last = item_at(text, all->items[all->count - 1].place.line);
    int n = (int)last.indent;
    append_range(out, text, 0, last.end);
    end_line(out);
    buf_append_format(out,
                      "%*s- organization:\n"
                      "%*s  name: %s\n"
                      "%*s  services:\n"
                      "%*s    peers:\n",
                      n, "", n, "", name, n, "", n, "");
    const struct deploy_edit_peer peer = {.name = name, .validator = validator};
    append_peer(out, last.indent + 4, network, &peer);
    append_range(out, text, last.end, text.len);
}

/* --- Ports --- */

static bool is_published_by(const struct deploy_port *port, uint64_t number)
{
    return port && port->ambassador.given && port->ambassador.value == number;
}

static bool is_published(const struct deploy_network *network, uint64_t number)
{
    struct deploy_peer_at at;
    for (size_t i = 0; deploy_peer_at(&at, network, i); i++)
        if (is_published_by(at.peer->p2p, number) || is_published_by(at.peer->rpc, number) ||
            is_published_by(at.peer->raft, number) || is_published_by(at.peer->tm, number))
            return true;
    return false;
}

/* The first port from *next on that the proxy opens and nobody has; 0: there is none. */
static uint64_t free_port(uint64_t *next, const struct deploy_network *network)
{
    const struct deploy_env *env = network->env;
    bool lists = env && (env->ambassador_ports.count || env->port_from.given);
    for (; *next < 65536; ++*next) {
        char digits[8];
        bool open = !lists || (env->port_from.given && *next >= env->port_from.value &&
                               *next <= env->port_to.value);
        snprintf(digits, sizeof(digits), "%u", (unsigned)*next);
        for (size_t i = 0; lists && !open && i < env->ambassador_ports.count; i++)
            open = strcmp(env->ambassador_ports.items[i].text, digits) == 0;
        if (open && !is_published(network, *next))
            return (*next)++;
    }
    return 0;
}

/* Of the published ports the lowest: new ones are looked for from there. */
static uint64_t lowest(const struct deploy_peer *peer)
{
    const struct deploy_port *const ports[] = {peer->p2p, peer->rpc, peer->raft};
    uint64_t low = 65535;
    for (size_t i = 0; i < BASE_COUNT(ports); i++)
        if (ports[i] && ports[i]->ambassador.given && ports[i]->ambassador.value < low)
            low = ports[i]->ambassador.value;
    return low == 65535 ? 15000 : low;
}

static int append_ports(struct buf *out, size_t indent, const struct deploy_network *network,
                        const struct deploy_peer *like, struct err_detail *detail)
{
    const struct {
        const char *name;
        const struct deploy_port *port;
    } all[] = {{"p2p", like->p2p},        {"rpc", like->rpc}, {"ws", like->ws},
               {"raft", like->raft},      {"db", like->db},   {"transaction_manager", like->tm},
               {"metrics", like->metrics}};
    bool tessera = network->config->transaction_manager.value == DEPLOY_TESSERA;
    uint64_t next = lowest(like);
    int n = (int)indent + 2;
    for (size_t i = 0; i < BASE_COUNT(all); i++) {
        const struct deploy_port *port = all[i].port;
        if (!port)
            continue;
        buf_append_format(out, "%*s%s:\n", n, "", all[i].name);
        if (port->port.given)
            buf_append_format(out, "%*s  port: %u\n", n, "", (unsigned)port->port.value);
        if (port->clientport.given)
            buf_append_format(out, "%*s  clientport: %u\n", n, "",
                              (unsigned)port->clientport.value);
        if (!port->ambassador.given)
            continue;
        /* Tessera's is one for all: the proxy tells hosts apart there. */
        uint64_t published =
            port == like->tm && tessera ? port->ambassador.value : free_port(&next, network);
        if (!published)
            return err_set(detail, ERR_INPUT,
                           "all ports that the proxy opens are taken; add to "
                           "network.env.ambassadorPorts");
        buf_append_format(out, "%*s  ambassador: %u\n", n, "", (unsigned)published);
    }
    return ERR_OK;
}

int deploy_edit_add_peer(struct buf *out, struct bytes text, const struct deploy_network *network,
                         const struct deploy_organization *organization,
                         const struct deploy_edit_peer *peer, struct err_detail *detail)
{
    const struct deploy_peers *peers =
        organization->services ? &organization->services->peers : NULL;
    if (!peers || peers->count == 0)
        return err_set(detail, ERR_INPUT, "%s has no list `peers` to put one into",
                       organization->name.text);
    const struct deploy_peer *like = &peers->items[peers->count - 1];
    struct item last = item_at(text, like->name.place.line);
    append_range(out, text, 0, last.end);
    end_line(out);
    append_peer(out, last.indent, network, peer);
    int status = peer->ports ? append_ports(out, last.indent, network, like, detail) : ERR_OK;
    append_range(out, text, last.end, text.len);
    return status == ERR_OK ? buf_status(out) : status;
}

/* --- Transaction managers --- */

/* Where a text in the file begins and ends, with its quotes. */
static struct item scalar_at(struct bytes text, const struct deploy_text *value)
{
    size_t at = line_start(text, value->place.line) + value->place.column - 1;
    size_t length = strlen(value->text);
    struct item scalar = {.begin = at, .end = at + length};
    if (at < text.len && (text.data[at] == '"' || text.data[at] == '\''))
        scalar.end += 2;
    else if (at > 0 && (text.data[at - 1] == '"' || text.data[at - 1] == '\'')) {
        scalar.begin--;
        scalar.end++;
    }
    if (scalar.end > text.len)
        scalar.end = text.len;
    return scalar;
}

void deploy_edit_add_manager(struct buf *out, struct bytes text,
                             const struct deploy_network *network, const char *url)
{
    const struct deploy_texts *nodes = &network->config->tm_nodes;
    if (!nodes->is_list || !nodes->count) {
        append_range(out, text, 0, text.len);
        return;
    }
    const struct deploy_text *last = &nodes->items[nodes->count - 1];
    size_t line = line_start(text, last->place.line);
    if (begins_item(text, line)) {
        size_t end = next_line(text, line);
        append_range(out, text, 0, end);
        end_line(out);
        buf_append_format(out, "%*s- \"%s\"\n", (int)indent_at(text, line), "", url);
        append_range(out, text, end, text.len);
        return;
    }
    size_t end = scalar_at(text, last).end;
    append_range(out, text, 0, end);
    buf_append_format(out, ", \"%s\"", url);
    append_range(out, text, end, text.len);
}

void deploy_edit_remove_manager(struct buf *out, struct bytes text,
                                const struct deploy_network *network, size_t index)
{
    const struct deploy_texts *nodes = &network->config->tm_nodes;
    if (!nodes->is_list || nodes->count < 2) {
        append_range(out, text, 0, text.len);
        return;
    }
    size_t line = line_start(text, nodes->items[index].place.line);
    struct item cut = scalar_at(text, &nodes->items[index]);
    if (begins_item(text, line))
        cut = (struct item){.begin = line, .end = next_line(text, line)};
    else if (index + 1 < nodes->count)
        cut.end = scalar_at(text, &nodes->items[index + 1]).begin;
    else
        cut.begin = scalar_at(text, &nodes->items[index - 1]).end;
    append_range(out, text, 0, cut.begin);
    append_range(out, text, cut.end, text.len);
}

/* --- Going --- */

static const struct deploy_organization *owner_of(const struct deploy_network *network,
                                                  const struct deploy_peer *peer, size_t *ret_count)
{
    struct deploy_peer_at at;
    const struct deploy_organization *owner = NULL;
    for (size_t i = 0; deploy_peer_at(&at, network, i); i++)
        if (at.peer == peer)
            owner = at.organization;
    *ret_count = 0;
    for (size_t i = 0; deploy_peer_at(&at, network, i); i++)
        *ret_count += at.organization == owner;
    return owner;
}

int deploy_edit_remove_peer(struct buf *out, struct bytes text,
                            const struct deploy_network *network, const struct deploy_peer *peer,
                            struct err_detail *detail)
{
    size_t count;
    const struct deploy_organization *owner = owner_of(network, peer, &count);
    if (count == 1 && network->organizations.count == 1)
        return err_set(detail, ERR_USAGE,
                       "%s is the last peer of the network; `quorate down` ends the network",
                       peer->name.text);
    struct item item = item_at(text, count == 1 ? owner->place.line : peer->name.place.line);
    append_range(out, text, 0, item.begin);
    append_range(out, text, item.end, text.len);
    return buf_status(out);
}

void deploy_edit_set_type(struct buf *out, struct bytes text, const struct deploy_peer *peer,
                          bool validator)
{
    const char *word = validator ? "validator" : "non-validator";
    if (!peer->type.given) {
        size_t at = line_start(text, peer->name.place.line), end = next_line(text, at);
        const uint8_t *name = memmem(text.data + at, end - at, "name:", 5);
        append_range(out, text, 0, end);
        end_line(out);
        buf_append_format(out, "%*stype: %s\n", name ? (int)(name - text.data - (ptrdiff_t)at) : 0,
                          "", word);
        append_range(out, text, end, text.len);
        return;
    }
    size_t at = line_start(text, peer->type.place.line) + peer->type.place.column - 1, end = at;
    while (end < text.len && !strchr(" \t\r\n#", text.data[end]))
        end++;
    append_range(out, text, 0, at);
    buf_append_text(out, word);
    append_range(out, text, end, text.len);
}
