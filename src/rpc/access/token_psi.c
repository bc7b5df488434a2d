/* Private states in the scopes of an access token (GoQuorum, multitenancy/authorization.go):
 * psi://<private state>?node.eoa=0x…&self.eoa=0x…; 0x0 is any account. */
#include "rpc/access/token_psi.h"

#include "base/hex.h"

static bool same(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        uint8_t x = a.data[i], y = b.data[i];
        if (x != y && ((x | 0x20) != (y | 0x20) || (x | 0x20) < 'a' || (x | 0x20) > 'z'))
            return false;
    }
    return true;
}

bool rpc_token_psi_parse(struct rpc_token_psi *ret, struct bytes scope)
{
    static const char prefix[] = "psi://";
    const size_t len = sizeof(prefix) - 1;
    if (scope.len < len || !same(bytes_slice(scope, 0, len), bytes_str(prefix)))
        return false;
    scope = bytes_slice(scope, len, scope.len - len);
    size_t end = 0;
    while (end < scope.len && !memchr("/?#", scope.data[end], 3))
        end++;
    ret->psi = bytes_slice(scope, 0, end);
    while (end < scope.len && scope.data[end] != '?')
        end++;
    ret->query = end < scope.len ? bytes_slice(scope, end + 1, scope.len - end - 1) : bytes_none();
    return ret->psi.len > 0;
}

bool rpc_token_psi_is(const struct rpc_token_psi *granted, struct bytes psi)
{
    return same(granted->psi, psi);
}

bool rpc_token_psi_may_send(const struct rpc_token_psi *granted, const struct address *account,
                            bool is_raw)
{
    const struct bytes name = bytes_str(is_raw ? "self.eoa=" : "node.eoa=");
    char text[43] = "0x";
    hex_encode(text + 2, bytes_of(account->b, sizeof(account->b)));
    for (size_t at = 0; at < granted->query.len;) {
        size_t end = at;
        while (end < granted->query.len && granted->query.data[end] != '&')
            end++;
        struct bytes item = bytes_slice(granted->query, at, end - at);
        if (item.len > name.len && memcmp(item.data, name.data, name.len) == 0) {
            struct bytes value = bytes_slice(item, name.len, item.len - name.len);
            if (same(value, bytes_str("0x0")) || same(value, bytes_of(text, 42)))
                return true;
        }
        at = end + 1;
    }
    return false;
}
