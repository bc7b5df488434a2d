#include "p2p/istanbul.h"

#include "base/mem.h"
#include "consensus/istanbul/set.h"
#include "crypto/keccak.h"
#include "p2p/eth/known.h"
#include "rlp/rlp.h"

struct ist_peer {
    struct ist_peer *next;
    struct address address;
    unsigned version;
    void *link;
    bool ready;
    unsigned held; /* seconds until it is ready; 0: it is, or its Status has not come */
    struct p2p_known known;
};

struct p2p_istanbul {
    struct p2p_istanbul_options options;
    struct ist_peer *peers;
    struct p2p_known known;
    /* Who ended a connection over a message, and has not spoken since; `times` 0: free. */
    struct wary {
        struct address address;
        unsigned times;
    } wary[P2P_ISTANBUL_WARY];
    unsigned wary_next;
};

int p2p_istanbul_new(struct p2p_istanbul **ret_istanbul, const struct p2p_istanbul_options *options)
{
    struct p2p_istanbul *ist = mem_alloc_zeroed(1, sizeof(*ist));
    if (!ist)
        return ERR_NOMEM;
    ist->options = *options;
    /* The newest half at least is remembered. */
    p2p_known_init(&ist->known, 2 * P2P_ISTANBUL_KNOWN);
    *ret_istanbul = ist;
    return ERR_OK;
}

static void free_peer(struct ist_peer *peer)
{
    p2p_known_release(&peer->known);
    mem_free(peer);
}

void p2p_istanbul_free(struct p2p_istanbul *ist)
{
    if (!ist)
        return;
    while (ist->peers) {
        struct ist_peer *peer = ist->peers;
        ist->peers = peer->next;
        free_peer(peer);
    }
    p2p_known_release(&ist->known);
    mem_free(ist);
}

static struct ist_peer *find(const struct p2p_istanbul *ist, const struct address *address)
{
    for (struct ist_peer *peer = ist->peers; peer; peer = peer->next)
        if (address_equal(&peer->address, address))
            return peer;
    return NULL;
}

int p2p_istanbul_opened(struct p2p_istanbul *ist, const struct address *address, unsigned version,
                        void *link)
{
    if (find(ist, address))
        return ERR_OK;
    struct ist_peer *peer = mem_alloc_zeroed(1, sizeof(*peer));
    if (!peer)
        return ERR_NOMEM;
    peer->address = *address;
    peer->version = version;
    peer->link = link;
    p2p_known_init(&peer->known, 2 * P2P_ISTANBUL_KNOWN);
    peer->next = ist->peers;
    ist->peers = peer;
    return ERR_OK;
}

static struct wary *find_wary(struct p2p_istanbul *ist, const struct address *address)
{
    for (size_t i = 0; i < P2P_ISTANBUL_WARY; i++)
        if (ist->wary[i].times && address_equal(&ist->wary[i].address, address))
            return &ist->wary[i];
    return NULL;
}

static void remember_refusal(struct p2p_istanbul *ist, const struct address *address)
{
    struct wary *known = find_wary(ist, address);
    if (known) {
        known->times++;
        return;
    }
    ist->wary[ist->wary_next] = (struct wary){*address, 1};
    ist->wary_next = (ist->wary_next + 1) % P2P_ISTANBUL_WARY;
}

static unsigned seconds_of_silence(const struct wary *wary)
{
    unsigned seconds = P2P_ISTANBUL_HOLD_FIRST;
    for (unsigned i = 1; i < wary->times && seconds < P2P_ISTANBUL_HOLD_MAX; i++)
        seconds *= 2;
    return seconds < P2P_ISTANBUL_HOLD_MAX ? seconds : P2P_ISTANBUL_HOLD_MAX;
}

static void make_ready(struct p2p_istanbul *ist, struct ist_peer *peer)
{
    peer->ready = true;
    peer->held = 0;
    if (ist->options.peer)
        ist->options.peer(ist->options.context, &peer->address, false);
}

bool p2p_istanbul_ready(struct p2p_istanbul *ist, const struct address *address)
{
    struct ist_peer *peer = find(ist, address);
    if (!peer || peer->ready)
        return false;
    const struct wary *wary = find_wary(ist, address);
    if (wary)
        peer->held = seconds_of_silence(wary);
    else
        make_ready(ist, peer);
    return wary != NULL;
}

bool p2p_istanbul_second(struct p2p_istanbul *ist)
{
    bool more = false;
    for (struct ist_peer *peer = ist->peers, *next; peer; peer = next) {
        next = peer->next;
        if (peer->held && --peer->held == 0)
            make_ready(ist, peer);
        else
            more = more || peer->held;
    }
    return more;
}

/* Its engine runs. */
static void has_spoken(struct p2p_istanbul *ist, struct ist_peer *peer)
{
    struct wary *wary = find_wary(ist, &peer->address);
    if (wary)
        wary->times = 0;
    if (peer->held)
        make_ready(ist, peer);
}

void p2p_istanbul_closed(struct p2p_istanbul *ist, const struct address *address, bool refused)
{
    struct ist_peer **at = &ist->peers;
    while (*at && !address_equal(&(*at)->address, address))
        at = &(*at)->next;
    struct ist_peer *peer = *at;
    if (!peer)
        return;
    *at = peer->next;
    bool was_ready = peer->ready;
    struct address gone = peer->address;
    free_peer(peer);
    if (was_ready && refused)
        remember_refusal(ist, &gone);
    if (was_ready && ist->options.peer)
        ist->options.peer(ist->options.context, &gone, true);
}

/* What a message is known by: keccak of the payload as an RLP string. IBFT's payload is that string already. */
static struct hash256 name_of(unsigned code, struct bytes payload)
{
    struct hash256 name;
    struct crypto_keccak256 k;
    uint8_t header[RLP_HEADER_MAX];
    crypto_keccak256_init(&k);
    if (code != P2P_ISTANBUL_FIRST && !(payload.len == 1 && payload.data[0] < 0x80))
        crypto_keccak256_update(
            &k, bytes_of(header, (size_t)(rlp_put_string_header(header, payload.len) - header)));
    crypto_keccak256_update(&k, payload);
    crypto_keccak256_final(&k, &name);
    return name;
}

void p2p_istanbul_message(struct p2p_istanbul *ist, const struct address *from, unsigned code,
                          struct bytes payload)
{
    struct ist_peer *peer = find(ist, from);
    if (!peer || !(peer->ready || peer->held) || code < P2P_ISTANBUL_FIRST ||
        code > P2P_ISTANBUL_LAST)
        return;
    if (payload.len == 0) {
        ist->options.disconnect(peer->link, "an empty consensus message");
        return;
    }
    has_spoken(ist, peer);
    struct hash256 name = name_of(code, payload);
    p2p_known_add(&peer->known, &name);
    if (p2p_known_has(&ist->known, &name))
        return;
    p2p_known_add(&ist->known, &name);
    ist->options.message(ist->options.context, from, code, payload);
}

/* Versions 99 and 64 know IBFT's code only. */
static bool can_carry(const struct ist_peer *peer, unsigned code)
{
    return peer->ready && (peer->version >= 100 || code == P2P_ISTANBUL_FIRST);
}

static void send_to(struct p2p_istanbul *ist, struct ist_peer *peer, const struct hash256 *name,
                    unsigned code, struct bytes payload)
{
    p2p_known_add(&peer->known, name);
    /* A message that cannot be sent is a message that was lost: consensus lives with that. */
    (void)ist->options.send(peer->link, code, payload);
}

void p2p_istanbul_broadcast(struct p2p_istanbul *ist, const struct istanbul_set *set,
                            const struct address *except, unsigned code, struct bytes payload)
{
    struct hash256 name = name_of(code, payload);
    p2p_known_add(&ist->known, &name); /* it may come back */
    for (struct ist_peer *peer = ist->peers, *next; peer; peer = next) {
        next = peer->next;
        if (can_carry(peer, code) && istanbul_set_has(set, &peer->address) &&
            !(except && address_equal(&peer->address, except)) &&
            !p2p_known_has(&peer->known, &name))
            send_to(ist, peer, &name, code, payload);
    }
}

void p2p_istanbul_send(struct p2p_istanbul *ist, const struct address *to, unsigned code,
                       struct bytes payload)
{
    struct ist_peer *peer = find(ist, to);
    if (!peer || !can_carry(peer, code))
        return;
    struct hash256 name = name_of(code, payload);
    p2p_known_add(&ist->known, &name);
    send_to(ist, peer, &name, code, payload);
}

void p2p_istanbul_each_peer(const struct p2p_istanbul *ist,
                            void (*fn)(void *context, const struct address *address), void *context)
{
    for (const struct ist_peer *peer = ist->peers, *next; peer; peer = next) {
        next = peer->next;
        if (peer->ready)
            fn(context, &peer->address);
    }
}

bool p2p_istanbul_has(const struct p2p_istanbul *ist, const struct address *address)
{
    const struct ist_peer *peer = find(ist, address);
    return peer && peer->ready;
}
