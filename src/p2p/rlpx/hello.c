#include "p2p/rlpx/hello.h"

#include "rlp/rlp.h"

#include <stdlib.h>

const char *p2p_reason_text(enum p2p_reason reason)
{
    switch ((int)reason) {
#define X(name, code, text)                                                                        \
    case code:                                                                                     \
        return text;
        P2P_REASON_LIST(X)
#undef X
    }
    return "unknown reason";
}

void p2p_hello_encode(struct buf *out, const struct p2p_hello *hello)
{
    size_t list = rlp_begin(out);
    rlp_write_u64(out, hello->version);
    rlp_write_bytes(out, bytes_str(hello->name));
    size_t capabilities = rlp_begin(out);
    for (size_t i = 0; i < hello->capability_count; i++) {
        size_t capability = rlp_begin(out);
        rlp_write_bytes(out, bytes_str(hello->capabilities[i].name));
        rlp_write_u64(out, hello->capabilities[i].version);
        rlp_end_list(out, capability);
    }
    rlp_end_list(out, capabilities);
    rlp_write_u64(out, hello->port);
    rlp_write_bytes(out, bytes_of(hello->key.b, sizeof(hello->key.b)));
    rlp_end_list(out, list);
}

/* Copies what fits, printable. */
static void take_text(char *ret_text, size_t size, struct bytes text)
{
    size_t len = text.len < size - 1 ? text.len : size - 1;
    for (size_t i = 0; i < len; i++)
        ret_text[i] = text.data[i] >= 0x20 && text.data[i] < 0x7f ? (char)text.data[i] : '.';
    ret_text[len] = 0;
}

static void read_capabilities(struct rlp_reader *r, struct p2p_hello *hello)
{
    rlp_enter(r, "capabilities");
    while (rlp_more(r)) {
        rlp_enter(r, "capability");
        struct bytes name = rlp_read_bytes(r, "name");
        uint64_t version = rlp_read_u64(r, "version");
        rlp_leave(r, "capability");
        if (name.len == 0 || name.len > P2P_CAPABILITY_NAME_MAX || version > UINT32_MAX ||
            hello->capability_count == P2P_CAPABILITIES_MAX)
            continue;
        struct p2p_capability *capability = &hello->capabilities[hello->capability_count++];
        take_text(capability->name, sizeof(capability->name), name);
        capability->version = (uint32_t)version;
    }
    rlp_leave(r, "capabilities");
}

enum p2p_reason p2p_hello_decode(struct p2p_hello *ret_hello, struct bytes payload)
{
    static const struct crypto_public_key zero;
    struct rlp_reader r;
    if (payload.len > P2P_HELLO_MAX)
        return P2P_PROTOCOL_BREACH;
    *ret_hello = (struct p2p_hello){0};
    rlp_reader_init(&r, payload);
    rlp_enter(&r, "Hello");
    ret_hello->version = rlp_read_u64(&r, "version");
    take_text(ret_hello->name, sizeof(ret_hello->name), rlp_read_bytes(&r, "name"));
    read_capabilities(&r, ret_hello);
    ret_hello->port = rlp_read_u64(&r, "port");
    struct bytes key = rlp_read_bytes(&r, "key");
    while (rlp_more(&r))
        rlp_skip(&r, "later field");
    rlp_leave(&r, "Hello");
    if (rlp_finish(&r, NULL, "Hello") < 0)
        return P2P_PROTOCOL_BREACH;
    if (key.len != sizeof(zero.b) || memcmp(key.data, zero.b, sizeof(zero.b)) == 0)
        return P2P_BAD_IDENTITY;
    memcpy(ret_hello->key.b, key.data, sizeof(zero.b));
    return P2P_REQUESTED;
}

void p2p_disconnect_encode(struct buf *out, enum p2p_reason reason)
{
    size_t list = rlp_begin(out);
    rlp_write_u64(out, (uint64_t)reason);
    rlp_end_list(out, list);
}

enum p2p_reason p2p_disconnect_decode(struct bytes payload)
{
    struct rlp_reader r;
    rlp_reader_init(&r, payload);
    bool list = rlp_peek(&r) == RLP_LIST;
    if (list)
        rlp_enter(&r, "Disconnect");
    uint64_t reason = rlp_read_u64(&r, "reason");
    if (list)
        rlp_leave(&r, "Disconnect");
    if (rlp_finish(&r, NULL, "Disconnect") < 0 || reason > UINT8_MAX)
        return P2P_REQUESTED;
    return (enum p2p_reason)reason;
}

static int compare(const void *a, const void *b)
{
    const struct p2p_capability *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->version > y->version) - (x->version < y->version);
}

void p2p_capabilities_sort(struct p2p_capability *capabilities, size_t count)
{
    qsort(capabilities, count, sizeof(*capabilities), compare);
}

size_t p2p_windows(struct p2p_window *ret_windows, const struct p2p_offer *offers,
                   size_t offer_count, const struct p2p_capability *theirs, size_t their_count)
{
    size_t count = 0;
    uint32_t offset = P2P_BASE_LENGTH;
    for (size_t i = 0; i < their_count; i++) {
        size_t offer = 0;
        while (offer < offer_count && (offers[offer].version != theirs[i].version ||
                                       strcmp(offers[offer].name, theirs[i].name) != 0))
            offer++;
        if (offer == offer_count)
            continue;
        /* Of one name the versions come in ascending order, so a later one takes the place. */
        if (count && strcmp(offers[ret_windows[count - 1].offer].name, theirs[i].name) == 0)
            offset -= ret_windows[--count].length;
        ret_windows[count++] =
            (struct p2p_window){.offer = offer, .offset = offset, .length = offers[offer].length};
        offset += offers[offer].length;
    }
    return count;
}
