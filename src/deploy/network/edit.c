#include "deploy/network/edit.h"

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
                        const char *name, bool validator)
{
    int n = (int)indent;
    buf_append_format(out,
                      "%*s- peer:\n"
                      "%*s  name: %s\n"
                      "%*s  subject: \"O=%s,OU=%s,L=51.50/-0.13/London,C=GB\"\n"
                      "%*s  type: %s\n"
                      "%*s  lock: true\n",
                      n, "", n, "", name, n, "", name, name, n, "",
                      validator ? "validator" : "non-validator", n, "");
    if (network->config->consensus.value == DEPLOY_RAFT)
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
    append_peer(out, last.indent + 4, network, name, validator);
    append_range(out, text, last.end, text.len);
}

int deploy_edit_add_peer(struct buf *out, struct bytes text, const struct deploy_network *network,
                         const struct deploy_organization *organization, const char *name,
                         bool validator, struct err_detail *detail)
{
    const struct deploy_peers *peers =
        organization->services ? &organization->services->peers : NULL;
    if (!peers || peers->count == 0)
        return err_set(detail, ERR_INPUT, "%s has no list `peers` to put one into",
                       organization->name.text);
    struct item last = item_at(text, peers->items[peers->count - 1].name.place.line);
    append_range(out, text, 0, last.end);
    end_line(out);
    append_peer(out, last.indent, network, name, validator);
    append_range(out, text, last.end, text.len);
    return buf_status(out);
}

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
