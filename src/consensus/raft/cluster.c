#include "consensus/raft/cluster.h"

#include "rlp/rlp.h"

#include <arpa/inet.h>
#include <stdio.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* 16 bytes, IPv4 in mapped form, as Go's net.IP. */
static bool parse_ip(const char *host, uint8_t ret_ip[16])
{
    memcpy(ret_ip, mapped, sizeof(mapped));
    return inet_pton(AF_INET, host, ret_ip + 12) == 1 || inet_pton(AF_INET6, host, ret_ip) == 1;
}

static bool format_ip(char ret_host[RAFT_HOST_MAX + 1], struct bytes ip)
{
    if (ip.len == 16 && memcmp(ip.data, mapped, sizeof(mapped)) == 0)
        ip = bytes_slice(ip, 12, 4);
    if (ip.len != 4 && ip.len != 16)
        return false;
    return inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.data, ret_host, RAFT_HOST_MAX) != NULL;
}

/* Whether the host is an IP and not a name. */
static bool host_is_ip(const char *host)
{
    uint8_t ip[16];
    return parse_ip(host, ip);
}

void raft_address_url(struct buf *b, const struct raft_address *a)
{
    bool v6 = strchr(a->host, ':') != NULL;
    buf_append_format(b, "http://%s%s%s:%u", v6 ? "[" : "", a->host, v6 ? "]" : "", a->raft_port);
}

/* --- Addresses --- */

static void write_address(struct buf *b, const struct raft_address *a, bool named)
{
    uint8_t ip[16];
    size_t list = rlp_begin(b);
    rlp_write_u64(b, a->id);
    rlp_write_bytes(b, bytes_of(a->node, sizeof(a->node)));
    if (named)
        rlp_write_bytes(b, bytes_none());
    else if (parse_ip(a->host, ip))
        rlp_write_bytes(b, bytes_of(ip, sizeof(ip)));
    rlp_write_u64(b, a->p2p_port);
    rlp_write_u64(b, a->raft_port);
    if (named)
        rlp_write_bytes(b, bytes_str(a->host));
    rlp_end_list(b, list);
}

void raft_address_write(struct buf *b, const struct raft_address *address)
{
    write_address(b, address, !host_is_ip(address->host));
}

static uint16_t read_u16(struct rlp_reader *r, const char *name)
{
    uint64_t value = rlp_read_u64(r, name);
    if (value > UINT16_MAX)
        rlp_fail(r, RLP_OVERFLOW, name);
    return (uint16_t)value;
}

static void read_address(struct rlp_reader *r, struct raft_address *a)
{
    *a = (struct raft_address){.id = 0};
    rlp_enter(r, "address");
    a->id = read_u16(r, "raftId");
    rlp_read_fixed(r, a->node, sizeof(a->node), "nodeId");
    struct bytes ip = rlp_read_bytes(r, "ip");
    a->p2p_port = read_u16(r, "p2pPort");
    a->raft_port = read_u16(r, "raftPort");
    if (rlp_more(r)) {
        struct bytes host = rlp_read_bytes(r, "hostname");
        if (host.len > RAFT_HOST_MAX || (host.len && memchr(host.data, 0, host.len)))
            rlp_fail(r, RLP_TOO_MANY_BYTES, "hostname");
        else if (host.len)
            memcpy(a->host, host.data, host.len);
        while (rlp_more(r))
            rlp_skip(r, "more");
    } else if (rlp_ok(r) && !format_ip(a->host, ip)) {
        rlp_fail(r, RLP_TOO_FEW_BYTES, "ip");
    }
    rlp_leave(r, "address");
}

int raft_address_decode(struct raft_address *ret_address, struct bytes input,
                        struct err_detail *detail)
{
    struct rlp_reader r;
    struct raft_address a;
    rlp_reader_init(&r, input);
    read_address(&r, &a);
    int status = rlp_finish(&r, detail, "address of a raft member");
    if (status == ERR_OK)
        *ret_address = a;
    return status;
}

/* --- Snapshots --- */

void raft_cluster_write(struct buf *b, const struct raft_cluster *c)
{
    bool named = false;
    for (size_t i = 0; i < c->count; i++)
        named |= !host_is_ip(c->members[i].host);
    size_t all = rlp_begin(b), list = rlp_begin(b);
    for (size_t i = 0; i < c->count; i++)
        write_address(b, &c->members[i], named);
    rlp_end_list(b, list);
    list = rlp_begin(b);
    for (size_t i = 0; i < c->removed_count; i++)
        rlp_write_u64(b, c->removed[i]);
    rlp_end_list(b, list);
    rlp_write_bytes(b, bytes_of(c->head.b, sizeof(c->head.b)));
    rlp_end_list(b, all);
}

static int read_members(struct rlp_reader *r, struct raft_cluster *c, struct arena *arena)
{
    rlp_enter(r, "members");
    size_t count = rlp_count(r, 70, "members");
    if (count > RAFT_MEMBERS_MAX)
        return ERR_LIMIT;
    c->members = arena_alloc_zeroed(arena, count + 1, sizeof(*c->members));
    if (!c->members)
        return ERR_NOMEM;
    while (rlp_more(r))
        read_address(r, &c->members[c->count++]);
    rlp_leave(r, "members");
    return ERR_OK;
}

static int read_removed(struct rlp_reader *r, struct raft_cluster *c, struct arena *arena)
{
    rlp_enter(r, "removed");
    size_t count = rlp_count(r, 1, "removed");
    if (count > RAFT_REMOVED_MAX)
        return ERR_LIMIT;
    c->removed = arena_alloc_zeroed(arena, count + 1, sizeof(*c->removed));
    if (!c->removed)
        return ERR_NOMEM;
    while (rlp_more(r))
        c->removed[c->removed_count++] = read_u16(r, "raftId");
    rlp_leave(r, "removed");
    return ERR_OK;
}

int raft_cluster_decode(struct raft_cluster *ret_cluster, struct arena *arena, struct bytes input,
                        struct err_detail *detail)
{
    struct rlp_reader r;
    struct raft_cluster c = {.count = 0};
    rlp_reader_init(&r, input);
    rlp_enter(&r, "snapshot");
    int status = read_members(&r, &c, arena);
    if (status == ERR_OK)
        status = read_removed(&r, &c, arena);
    if (status != ERR_OK)
        return err_set(detail, status, "a raft snapshot's members: %s", err_text(status));
    c.head = rlp_read_hash(&r, "head");
    while (rlp_more(&r))
        rlp_skip(&r, "more");
    rlp_leave(&r, "snapshot");
    status = rlp_finish(&r, detail, "raft snapshot");
    if (status == ERR_OK)
        *ret_cluster = c;
    return status;
}

/* --- Extra data --- */

void raft_extra_write(struct buf *b, uint16_t id, const uint8_t signature[65])
{
    static const uint8_t vanity[RAFT_EXTRA_VANITY];
    char digits[8];
    snprintf(digits, sizeof(digits), "%x", id);
    buf_append(b, vanity, sizeof(vanity));
    size_t list = rlp_begin(b);
    rlp_write_bytes(b, bytes_str(digits));
    rlp_write_bytes(b, bytes_of(signature, 65));
    rlp_end_list(b, list);
}
