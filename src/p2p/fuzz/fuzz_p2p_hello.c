/* Any bytes as Hello and as Disconnect. A Hello that is accepted, written again, says the same; its capabilities give windows
 * that lie one behind the other. */
#include "base/fuzz/fuzz.h"
#include "p2p/rlpx/hello.h"

static const struct p2p_offer offers[] = {
    {"eth", 65, 17}, {"eth", 66, 17}, {"istanbul", 100, 22}, {"snap", 1, 8}};
enum { OFFERS = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct p2p_hello hello, back;
    struct buf b = BUF_INIT;
    enum p2p_reason reason = p2p_hello_decode(&hello, bytes_of(data, size));
    require(reason == P2P_REQUESTED || reason == P2P_BAD_IDENTITY || reason == P2P_PROTOCOL_BREACH);
    if (reason == P2P_REQUESTED) {
        p2p_hello_encode(&b, &hello);
        if (b.len <= P2P_HELLO_MAX) {
            require(p2p_hello_decode(&back, buf_bytes(&b)) == P2P_REQUESTED);
            require(memcmp(&hello, &back, sizeof(hello)) == 0);
        }
        struct p2p_window windows[OFFERS];
        p2p_capabilities_sort(hello.capabilities, hello.capability_count);
        size_t count =
            p2p_windows(windows, offers, OFFERS, hello.capabilities, hello.capability_count);
        uint32_t next = P2P_BASE_LENGTH;
        require(count <= 3);
        for (size_t i = 0; i < count; i++) {
            require(windows[i].offset == next &&
                    windows[i].length == offers[windows[i].offer].length);
            next += windows[i].length;
        }
    }
    reason = p2p_disconnect_decode(bytes_of(data, size));
    require((unsigned)reason <= UINT8_MAX && p2p_reason_text(reason));
    buf_clear(&b);
    p2p_disconnect_encode(&b, reason);
    require(p2p_disconnect_decode(buf_bytes(&b)) == reason);
    buf_release(&b);
    return 0;
}
