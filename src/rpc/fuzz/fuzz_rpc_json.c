/* Any bytes as JSON: found the same at once and in pieces; what is accepted is walked within its bounds, its strings are
 * resolved, written and resolved again to the same. */
#include "base/fuzz/fuzz.h"
#include "rpc/json/json.h"

static void try_string(struct bytes value)
{
    struct arena arena;
    struct buf written = BUF_INIT, again = BUF_INIT;
    struct bytes part;
    arena_init(&arena);
    struct bytes text = rpc_json_string(value, &arena);
    require(text.data && text.len + 2 <= value.len);
    rpc_json_write_string(&written, text);
    require(rpc_json_first(&part, buf_bytes(&written)) == RPC_JSON_VALUE &&
            part.len == written.len);
    /* What is no UTF-8 was replaced; from now on it stays the same. */
    struct bytes clean = rpc_json_string(part, &arena);
    rpc_json_write_string(&again, clean);
    require(rpc_json_first(&part, buf_bytes(&again)) == RPC_JSON_VALUE);
    require(bytes_equal(rpc_json_string(part, &arena), clean));
    buf_release(&written);
    buf_release(&again);
    arena_release(&arena);
}

static void walk(struct bytes value, int depth)
{
    struct rpc_json_walk w;
    struct bytes key, part;
    enum rpc_json_kind kind = rpc_json_kind(value);
    if (kind == RPC_JSON_STRING)
        try_string(value);
    if ((kind != RPC_JSON_ARRAY && kind != RPC_JSON_OBJECT) || depth > 20)
        return;
    rpc_json_walk_begin(&w, value);
    while (kind == RPC_JSON_ARRAY ? rpc_json_element(&w, &part)
                                  : rpc_json_member(&w, &key, &part)) {
        require(part.len > 0 && part.data > value.data &&
                part.data + part.len < value.data + value.len);
        if (kind == RPC_JSON_OBJECT)
            try_string(key);
        walk(part, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes value = bytes_none(), again;
    struct rpc_json_scanner s;
    enum rpc_json_status whole = rpc_json_first(&value, bytes_of(data, size));
    enum rpc_json_status status = RPC_JSON_MORE;
    size_t at = 0;
    rpc_json_scanner_init(&s);
    while (status == RPC_JSON_MORE && at < size) {
        size_t used;
        status = rpc_json_scan(&s, &used, bytes_of(data + at, 1));
        at += used;
    }
    if (status == RPC_JSON_MORE)
        status = rpc_json_scan_end(&s);
    require(status == whole);
    if (whole != RPC_JSON_VALUE)
        return 0;
    require(value.data + value.len == data + at);
    require(rpc_json_first(&again, value) == RPC_JSON_VALUE && bytes_equal(value, again));
    walk(value, 0);
    return 0;
}
