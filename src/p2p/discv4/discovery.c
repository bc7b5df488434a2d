#include "p2p/discv4/discovery.h"

#include "base/mem.h"
#include "crypto/keccak.h"
#include "p2p/discv4/record.h"

enum {
    /* Milliseconds; the protocol's and geth's values. */
    REPLY_TIMEOUT = 500,
    BOND_LIFE = 24 * 60 * 60 * 1000,
    REFRESH = 30 * 60 * 1000,
    REFRESH_EMPTY = 10 * 1000, /* while nobody is known */
    REFRESH_SMALL = 30 * 1000, /* while there are fewer than FEW */
    FEW = P2P_BUCKET_SIZE,
    REVALIDATE = 10 * 1000,
    EXPIRATION = 20, /* seconds */

    VERSION = 4,
    MAX_FAILURES = 5, /* findnode queries in a row that a node may leave unanswered */
    ALPHA = 3,        /* queries under way at once */
    LOW_PORT = 1024,  /* nodes at ports up to here are not believed: other services are there */
    MAX_BOOT = 32,
    MAX_BONDS = 1024, /* endpoints whose proofs are remembered; the oldest go */
    MAX_PINGS = 64,   /* pings under way: those beyond are not sent */
    LOOKUPS = 4,      /* of one refresh: one for this node itself, the others random */
};

/* What is known of an endpoint: id and IP. */
struct bond {
    struct hash256 id;
    struct io_address ip;
    uint64_t pong_at, ping_at; /* when the last valid one came from there; 0: never */
};

/* A ping that is under way. */
struct ping {
    struct hash256 id, hash;
    struct p2p_enode node; /* goes into the table when it answers, if add is set */
    uint64_t until;
    bool used, add, revalidates;
};

enum candidate_state { FRESH, BONDING, ASKED, DONE };

/* A node of a lookup. */
struct candidate {
    struct p2p_enode node;
    enum candidate_state state;
    uint64_t until;
    size_t answered; /* nodes in its answers so far */
};

struct p2p_discovery {
    struct p2p_discovery_options options;
    struct p2p_enode boot[MAX_BOOT];
    struct p2p_table table;
    struct buf record, packet;
    uint64_t sequence; /* of the record */
    uint64_t random;

    struct bond bonds[MAX_BONDS];
    size_t bond_count;
    struct ping pings[MAX_PINGS];

    unsigned lookups_left; /* of the refresh under way */
    bool looking;
    struct crypto_public_key target_key;
    struct hash256 target;
    struct candidate candidates[P2P_BUCKET_SIZE]; /* nearest first */
    size_t candidate_count;

    uint64_t refresh_at, revalidate_at;
};

static uint64_t next_random(struct p2p_discovery *d)
{
    uint64_t z = d->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* ---- bonds ---- */

static struct bond *find_bond(struct p2p_discovery *d, const struct hash256 *id,
                              const struct io_address *ip)
{
    for (size_t i = 0; i < d->bond_count; i++) {
        if (hash256_equal(&d->bonds[i].id, id) && io_address_same_ip(&d->bonds[i].ip, ip))
            return &d->bonds[i];
    }
    return NULL;
}

static uint64_t last_seen(const struct bond *bond)
{
    return bond->pong_at > bond->ping_at ? bond->pong_at : bond->ping_at;
}

static struct bond *make_bond(struct p2p_discovery *d, const struct hash256 *id,
                              const struct io_address *ip)
{
    struct bond *bond = find_bond(d, id, ip);
    if (bond)
        return bond;
    if (d->bond_count < MAX_BONDS) {
        bond = &d->bonds[d->bond_count++];
    } else {
        bond = &d->bonds[0];
        for (size_t i = 1; i < MAX_BONDS; i++) {
            /* A proof is worth more than a ping that anybody can send. */
            bool less = !d->bonds[i].pong_at != !bond->pong_at
                            ? !d->bonds[i].pong_at
                            : last_seen(&d->bonds[i]) < last_seen(bond);
            bond = less ? &d->bonds[i] : bond;
        }
    }
    *bond = (struct bond){.id = *id, .ip = *ip};
    return bond;
}

static bool recent(uint64_t at, uint64_t now)
{
    return at && now - at < BOND_LIFE;
}

static bool proved(struct p2p_discovery *d, const struct hash256 *id, const struct io_address *ip,
                   uint64_t now)
{
    const struct bond *bond = find_bond(d, id, ip);
    return bond && recent(bond->pong_at, now);
}

/* ---- sending ---- */

static bool send_packet(struct p2p_discovery *d, const struct io_address *to,
                        const struct p2p_packet *p, struct hash256 *ret_hash)
{
    buf_clear(&d->packet);
    if (p2p_packet_encode(&d->packet, p, &d->options.key, ret_hash) < 0)
        return false;
    d->options.send(d->options.context, to, buf_bytes(&d->packet));
    return true;
}

static struct io_address address_of(const struct p2p_enode *node)
{
    struct io_address address = node->ip;
    address.port = node->udp;
    return address;
}

static struct ping *find_ping(struct p2p_discovery *d, const struct hash256 *id)
{
    for (size_t i = 0; i < MAX_PINGS; i++) {
        if (d->pings[i].used && hash256_equal(&d->pings[i].id, id))
            return &d->pings[i];
    }
    return NULL;
}

static void send_ping(struct p2p_discovery *d, const struct p2p_enode *node, bool add,
                      bool revalidates, uint64_t now, uint64_t seconds)
{
    struct ping *ping = NULL;
    for (size_t i = 0; i < MAX_PINGS && !ping; i++)
        ping = d->pings[i].used ? NULL : &d->pings[i];
    if (!ping || find_ping(d, &node->id))
        return;
    const struct p2p_enode *self = &d->options.self;
    struct io_address to = address_of(node);
    struct p2p_packet p = {
        .type = P2P_PACKET_PING,
        .version = VERSION,
        .from = {self->ip, self->udp, self->tcp},
        .to = {node->ip, node->udp, 0},
        .expiration = seconds + EXPIRATION,
        .sequence = d->sequence,
    };
    struct hash256 hash;
    if (send_packet(d, &to, &p, &hash))
        *ping = (struct ping){node->id, hash, *node, now + REPLY_TIMEOUT, true, add, revalidates};
}

/* ---- lookups ---- */

static void add_candidate(struct p2p_discovery *d, const struct p2p_enode *node)
{
    size_t at = d->candidate_count;
    if (hash256_equal(&node->id, &d->table.self))
        return;
    for (size_t i = 0; i < d->candidate_count; i++) {
        if (hash256_equal(&d->candidates[i].node.id, &node->id))
            return;
    }
    while (at > 0 &&
           p2p_distance_compare(&d->target, &node->id, &d->candidates[at - 1].node.id) < 0)
        at--;
    if (at == P2P_BUCKET_SIZE)
        return;
    d->candidate_count += d->candidate_count < P2P_BUCKET_SIZE;
    memmove(&d->candidates[at + 1], &d->candidates[at],
            (d->candidate_count - 1 - at) * sizeof(*d->candidates));
    d->candidates[at] = (struct candidate){.node = *node, .state = FRESH};
}

static void start_lookup(struct p2p_discovery *d, bool of_self)
{
    const struct p2p_enode *closest[P2P_BUCKET_SIZE];
    if (of_self) {
        d->target_key = d->options.self.key;
    } else {
        for (size_t i = 0; i < sizeof(d->target_key.b); i += 8) {
            uint64_t random = next_random(d);
            memcpy(d->target_key.b + i, &random, 8);
        }
    }
    crypto_keccak256(&d->target, bytes_of(d->target_key.b, sizeof(d->target_key.b)));
    d->candidate_count = 0;
    d->looking = true;
    size_t count = p2p_table_closest(&d->table, &d->target, closest, P2P_BUCKET_SIZE);
    for (size_t i = 0; i < count; i++)
        add_candidate(d, closest[i]);
    for (size_t i = 0; count == 0 && i < d->options.boot_count; i++)
        add_candidate(d, &d->boot[i]);
}

static void ask(struct p2p_discovery *d, struct candidate *c, uint64_t now, uint64_t seconds)
{
    struct bond *bond = find_bond(d, &c->node.id, &c->node.ip);
    /* It answers only when it has seen our proof, which it asks for when we ping it. */
    if (c->state == FRESH &&
        (!bond || !recent(bond->ping_at, now) || !recent(bond->pong_at, now))) {
        send_ping(d, &c->node, true, false, now, seconds);
        c->state = BONDING;
        c->until = now + 2 * REPLY_TIMEOUT;
        return;
    }
    struct p2p_packet p = {
        .type = P2P_PACKET_FINDNODE, .target = d->target_key, .expiration = seconds + EXPIRATION};
    struct io_address to = address_of(&c->node);
    struct hash256 hash;
    (void)send_packet(d, &to, &p, &hash);
    c->state = ASKED;
    c->until = now + REPLY_TIMEOUT;
}

/* A query has had its time. */
static void finish_query(struct p2p_discovery *d, struct candidate *c)
{
    struct p2p_table_entry *entry = p2p_table_find(&d->table, &c->node.id);
    c->state = DONE;
    if (!entry)
        return;
    entry->failures = c->answered ? 0 : entry->failures + 1;
    if (entry->failures > MAX_FAILURES)
        p2p_table_remove(&d->table, &c->node.id);
}

static void run_lookup(struct p2p_discovery *d, uint64_t now, uint64_t seconds)
{
    unsigned under_way = 0;
    for (size_t i = 0; i < d->candidate_count; i++) {
        struct candidate *c = &d->candidates[i];
        if (c->state == BONDING && c->until <= now && proved(d, &c->node.id, &c->node.ip, now))
            ask(d, c, now, seconds);
        else if (c->state == BONDING && c->until <= now)
            c->state = DONE; /* it is not there */
        else if (c->state == ASKED && c->until <= now)
            finish_query(d, c);
        under_way += c->state == BONDING || c->state == ASKED;
    }
    for (size_t i = 0; i < d->candidate_count && under_way < ALPHA; i++) {
        if (d->candidates[i].state == FRESH) {
            ask(d, &d->candidates[i], now, seconds);
            under_way++;
        }
    }
    d->looking = under_way > 0;
}

/* ---- packets that come ---- */

static void on_ping(struct p2p_discovery *d, const struct io_address *from,
                    const struct p2p_enode *sender, const struct p2p_packet *p, uint64_t now,
                    uint64_t seconds)
{
    struct p2p_packet pong = {
        .type = P2P_PACKET_PONG,
        .to = {*from, from->port, p->from.tcp},
        .reply_to = p->hash,
        .expiration = seconds + EXPIRATION,
        .sequence = d->sequence,
    };
    struct hash256 hash;
    (void)send_packet(d, from, &pong, &hash);
    if (proved(d, &sender->id, from, now))
        (void)p2p_table_add(&d->table, sender);
    else
        send_ping(d, sender, true, false, now, seconds);
    make_bond(d, &sender->id, from)->ping_at = now;
}

static void on_pong(struct p2p_discovery *d, const struct io_address *from,
                    const struct p2p_enode *sender, const struct p2p_packet *p, uint64_t now)
{
    struct ping *ping = find_ping(d, &sender->id);
    if (!ping || !hash256_equal(&ping->hash, &p->reply_to) ||
        !io_address_same_ip(&ping->node.ip, from))
        return;
    ping->used = false;
    make_bond(d, &sender->id, from)->pong_at = now;
    if (ping->add)
        (void)p2p_table_add(&d->table, &ping->node);
    for (size_t i = 0; i < d->candidate_count; i++) {
        struct candidate *c = &d->candidates[i];
        if (c->state == BONDING && hash256_equal(&c->node.id, &sender->id))
            c->until = now + REPLY_TIMEOUT; /* time for its ping, and our answer */
    }
}

/* What a node says about another is not believed when it could not know, or could do harm (geth's netutil.CheckRelayIP). */
static bool relay_good(const struct io_address *sender, const struct io_address *ip)
{
    static const uint8_t broadcast[4] = {255, 255, 255, 255};
    if (ip->ip_len == 0 || io_address_is_unspecified(ip))
        return false;
    if ((ip->ip_len == 4 && (ip->ip[0] >= 224 || memcmp(ip->ip, broadcast, 4) == 0)) ||
        (ip->ip_len == 16 && ip->ip[0] == 0xff))
        return false;
    if (io_address_is_loopback(ip) && !io_address_is_loopback(sender))
        return false;
    return !io_address_is_lan(ip) || io_address_is_lan(sender);
}

static void on_findnode(struct p2p_discovery *d, const struct io_address *from,
                        const struct p2p_enode *sender, const struct p2p_packet *p, uint64_t now,
                        uint64_t seconds)
{
    /* Without a proof that it is there, the answer, many times as long, could be aimed at somebody else. */
    if (!proved(d, &sender->id, from, now))
        return;
    const struct p2p_enode *closest[P2P_BUCKET_SIZE];
    struct p2p_packet answer = {.type = P2P_PACKET_NEIGHBORS, .expiration = seconds + EXPIRATION};
    struct hash256 target, hash;
    bool sent = false;
    crypto_keccak256(&target, bytes_of(p->target.b, sizeof(p->target.b)));
    size_t count = p2p_table_closest(&d->table, &target, closest, P2P_BUCKET_SIZE);
    for (size_t i = 0; i < count; i++) {
        if (!relay_good(from, &closest[i]->ip))
            continue;
        answer.nodes[answer.node_count++] = (struct p2p_neighbor){
            {closest[i]->ip, closest[i]->udp, closest[i]->tcp}, closest[i]->key};
        if (answer.node_count == P2P_NEIGHBORS_MAX) {
            (void)send_packet(d, from, &answer, &hash);
            answer.node_count = 0;
            sent = true;
        }
    }
    if (answer.node_count || !sent)
        (void)send_packet(d, from, &answer, &hash);
}

static void on_neighbors(struct p2p_discovery *d, const struct io_address *from,
                         const struct p2p_enode *sender, const struct p2p_packet *p, uint64_t now,
                         uint64_t seconds)
{
    struct candidate *c = NULL;
    for (size_t i = 0; i < d->candidate_count && !c; i++) {
        if (d->candidates[i].state == ASKED &&
            hash256_equal(&d->candidates[i].node.id, &sender->id) &&
            io_address_same_ip(&d->candidates[i].node.ip, from))
            c = &d->candidates[i];
    }
    if (!c || !d->looking) /* nobody asked for it */
        return;
    c->answered += p->node_count ? p->node_count : P2P_BUCKET_SIZE;
    if (c->answered >= P2P_BUCKET_SIZE)
        finish_query(d, c);
    for (size_t i = 0; i < p->node_count; i++) {
        const struct p2p_neighbor *n = &p->nodes[i];
        struct crypto_public_key key;
        struct p2p_enode node;
        if (n->endpoint.udp <= LOW_PORT || !relay_good(from, &n->endpoint.ip) ||
            !crypto_public_key_parse(&key, bytes_of(n->key.b, sizeof(n->key.b))))
            continue;
        p2p_enode_make(&node, &key, &n->endpoint.ip, n->endpoint.tcp, n->endpoint.udp);
        add_candidate(d, &node);
    }
    run_lookup(d, now, seconds);
}

void p2p_discovery_receive(struct p2p_discovery *d, const struct io_address *from,
                           struct bytes data, uint64_t now, uint64_t seconds)
{
    struct p2p_packet p;
    struct p2p_enode sender;
    if (p2p_packet_decode(&p, data) != P2P_PACKET_OK)
        return;
    if (p.type != P2P_PACKET_ENR_RESPONSE && p.expiration < seconds)
        return; /* an old packet, played again */
    p2p_enode_make(&sender, &p.sender, from, p.from.tcp, from->port);
    if (hash256_equal(&sender.id, &d->table.self))
        return;
    switch (p.type) {
    case P2P_PACKET_PING:
        on_ping(d, from, &sender, &p, now, seconds);
        break;
    case P2P_PACKET_PONG:
        on_pong(d, from, &sender, &p, now);
        break;
    case P2P_PACKET_FINDNODE:
        on_findnode(d, from, &sender, &p, now, seconds);
        break;
    case P2P_PACKET_NEIGHBORS:
        on_neighbors(d, from, &sender, &p, now, seconds);
        break;
    case P2P_PACKET_ENR_REQUEST:
        if (proved(d, &sender.id, from, now)) {
            struct p2p_packet answer = {.type = P2P_PACKET_ENR_RESPONSE,
                                        .reply_to = p.hash,
                                        .record = buf_bytes(&d->record)};
            struct hash256 hash;
            (void)send_packet(d, from, &answer, &hash);
        }
        break;
    case P2P_PACKET_ENR_RESPONSE: /* never asked for */
        break;
    }
}

/* ---- time ---- */

static void expire_pings(struct p2p_discovery *d, uint64_t now)
{
    for (size_t i = 0; i < MAX_PINGS; i++) {
        struct ping *ping = &d->pings[i];
        if (!ping->used || ping->until > now)
            continue;
        ping->used = false;
        if (ping->revalidates)
            p2p_table_remove(&d->table, &ping->id);
    }
}

uint64_t p2p_discovery_tick(struct p2p_discovery *d, uint64_t now, uint64_t seconds)
{
    expire_pings(d, now);
    if (d->revalidate_at <= now) {
        const struct p2p_enode *oldest = p2p_table_oldest(&d->table, next_random(d));
        if (oldest)
            send_ping(d, oldest, true, true, now, seconds);
        d->revalidate_at = now + REVALIDATE;
    }
    if (d->refresh_at <= now) {
        d->lookups_left = LOOKUPS;
        for (size_t i = 0; i < d->options.boot_count; i++) {
            if (!p2p_table_find(&d->table, &d->boot[i].id))
                send_ping(d, &d->boot[i], true, false, now, seconds);
        }
        d->refresh_at = now + REFRESH;
    }
    if (d->looking)
        run_lookup(d, now, seconds);
    while (!d->looking && d->lookups_left) {
        start_lookup(d, d->lookups_left-- == LOOKUPS);
        run_lookup(d, now, seconds);
    }
    size_t known = p2p_table_count(&d->table);
    uint64_t wait_refresh = known == 0 ? REFRESH_EMPTY : known < FEW ? REFRESH_SMALL : REFRESH;
    if (!d->looking && d->refresh_at > now + wait_refresh)
        d->refresh_at = now + wait_refresh;
    bool busy = d->looking;
    for (size_t i = 0; i < MAX_PINGS && !busy; i++)
        busy = d->pings[i].used;
    uint64_t next = d->revalidate_at < d->refresh_at ? d->revalidate_at : d->refresh_at;
    uint64_t wait = next > now ? next - now : 1;
    return busy && wait > REPLY_TIMEOUT / 4 ? REPLY_TIMEOUT / 4 : wait;
}

/* ---- life ---- */

void p2p_discovery_add_boot(struct p2p_discovery *d, const struct p2p_enode *node)
{
    if (node->ip.ip_len == 0 || node->udp == 0 || d->options.boot_count == MAX_BOOT)
        return;
    d->boot[d->options.boot_count++] = *node;
    d->refresh_at = 0;
}

int p2p_discovery_new(struct p2p_discovery **ret_discovery,
                      const struct p2p_discovery_options *options)
{
    struct p2p_discovery *d = mem_alloc_zeroed(1, sizeof(*d));
    if (!d)
        return ERR_NOMEM;
    d->options = *options;
    d->random = options->seed;
    d->sequence = 1;
    d->options.boot_count = 0;
    for (size_t i = 0; i < options->boot_count; i++)
        p2p_discovery_add_boot(d, &options->boot_nodes[i]);
    p2p_table_init(&d->table, &options->self.id);
    struct p2p_record record = {.sequence = d->sequence, .node = options->self};
    int status = p2p_record_encode(&d->record, &record, &options->key);
    if (status < 0)
        p2p_discovery_free(d);
    else
        *ret_discovery = d;
    return status;
}

void p2p_discovery_free(struct p2p_discovery *discovery)
{
    if (!discovery)
        return;
    buf_release(&discovery->record);
    buf_release(&discovery->packet);
    mem_wipe(&discovery->options.key, sizeof(discovery->options.key));
    mem_free(discovery);
}

size_t p2p_discovery_candidates(struct p2p_discovery *d, struct p2p_enode *ret_nodes, size_t max)
{
    size_t seen = 0, count = 0;
    for (size_t b = 0; b < P2P_BUCKETS; b++) {
        for (size_t i = 0; i < d->table.buckets[b].count; i++) {
            const struct p2p_enode *node = &d->table.buckets[b].entries[i].node;
            if (node->tcp == 0)
                continue;
            /* Each of those seen so far is among the chosen with the same chance. */
            size_t at = seen++ < max ? count++ : next_random(d) % seen;
            if (at < max)
                ret_nodes[at] = *node;
        }
    }
    return count;
}

size_t p2p_discovery_count(const struct p2p_discovery *discovery)
{
    return p2p_table_count(&discovery->table);
}

int p2p_discovery_set_record(struct p2p_discovery *d, struct bytes record, uint64_t sequence)
{
    struct buf copy = BUF_INIT;
    buf_append_bytes(&copy, record);
    if (buf_status(&copy) != ERR_OK) {
        buf_release(&copy);
        return ERR_NOMEM;
    }
    buf_release(&d->record);
    d->record = copy;
    d->sequence = sequence;
    return ERR_OK;
}

struct bytes p2p_discovery_record(const struct p2p_discovery *discovery)
{
    return buf_bytes(&discovery->record);
}
