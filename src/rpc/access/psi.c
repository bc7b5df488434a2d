#include "rpc/access/psi.h"

#include "rpc/access/token.h"
#include "rpc/json/json.h"

#include <stdio.h>

/* --- What is named --- */

/* What is too long is cut to more than a name can have: it is nobody's. */
static void set_name(struct rpc_access *access, struct bytes name)
{
    size_t len = name.len < sizeof(access->psi) - 1 ? name.len : sizeof(access->psi) - 1;
    if (len)
        memcpy(access->psi, name.data, len);
    access->psi[len] = '\0';
    if (strlen(access->psi) != len)
        memset(access->psi, '?', sizeof(access->psi) - 1);
}

static int digit_of(uint8_t c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* As queries are escaped: '+' and %XX. False: it has no value by this name. */
static bool find_in_query(struct bytes query, const char *name, uint8_t *ret, size_t room,
                          size_t *ret_len)
{
    size_t at = 0, len = strlen(name);
    while (at < query.len) {
        size_t end = at;
        while (end < query.len && query.data[end] != '&')
            end++;
        if (end - at > len && memcmp(query.data + at, name, len) == 0 &&
            query.data[at + len] == '=') {
            size_t n = 0;
            for (size_t i = at + len + 1; i < end && n < room; i++) {
                uint8_t c = query.data[i];
                bool escaped = c == '%' && i + 2 < end && digit_of(query.data[i + 1]) >= 0 &&
                               digit_of(query.data[i + 2]) >= 0;
                if (escaped) {
                    c = (uint8_t)(digit_of(query.data[i + 1]) << 4 | digit_of(query.data[i + 2]));
                    i += 2;
                }
                ret[n++] = c == '+' && !escaped ? ' ' : c;
            }
            *ret_len = n;
            return n > 0;
        }
        at = end + 1;
    }
    return false;
}

void rpc_psi_of_http(struct rpc_access *access, const struct io_http_request *request)
{
    static const char *const fields[] = {"quorum-psi", "psi"};
    uint8_t value[RPC_PSI_ROOM];
    size_t len;
    for (size_t i = 0; i < BASE_COUNT(fields); i++) {
        const struct bytes *field = io_http_head_field(&request->head, fields[i]);
        if (field && field->len) {
            set_name(access, *field);
            return;
        }
    }
    if (request->has_query && find_in_query(request->query, "PSI", value, sizeof(value), &len))
        set_name(access, bytes_of(value, len));
}

int rpc_psi_begin(struct rpc_call *call)
{
    struct rpc_access *access = &call->access;
    if (access->psi_in_id && call->id.len && rpc_json_kind(call->id) == RPC_JSON_STRING) {
        struct bytes id = rpc_json_string(call->id, call->arena);
        const uint8_t *slash = id.len ? memchr(id.data, '/', id.len) : NULL;
        if (slash && slash != id.data)
            set_name(access, bytes_slice(id, 0, (size_t)(slash - id.data)));
    }
    if (!call->backend->multitenancy || !access->grant)
        return 0;
    if (access->psi[0])
        return rpc_grant_has_psi(access->grant, bytes_str(access->psi))
                   ? 0
                   : rpc_fail(call, RPC_CODE_ERROR, "not authorized");
    struct bytes only;
    const char *why = rpc_grant_only_psi(access->grant, &only);
    if (why)
        return rpc_fail(call, RPC_CODE_ERROR, "%s", why);
    set_name(access, only);
    return 0;
}

/* --- Whose it is --- */

int rpc_psi(struct rpc_call *call)
{
    const struct chain_psis *psis = call->backend->psis;
    call->psi = call->access.psi[0] ? bytes_str(call->access.psi) : chain_psi_private();
    if (!psis && !bytes_equal(call->psi, chain_psi_private()))
        return rpc_fail(call, RPC_CODE_ERROR,
                        "only the 'private' psi is supported by the default private state manager");
    call->group = psis ? chain_psi_of(psis, call->psi) : NULL;
    if (psis && !call->group)
        return rpc_fail(call, RPC_CODE_ERROR, "unable to find private state for context psi %s",
                        call->access.psi[0] ? call->access.psi : "private");
    return 0;
}

bool rpc_psi_sees(const struct rpc_call *call, const struct chain_payload *payload)
{
    if (!payload->is_party || !call->group)
        return payload->is_party;
    for (size_t i = 0; i < payload->managed_count; i++)
        if (chain_psi_has(call->group, payload->managed_parties[i]))
            return true;
    return false;
}

int rpc_psi_check_send(struct rpc_call *call, struct bytes *from_key, const struct address *account,
                       bool is_raw)
{
    int status = rpc_psi(call);
    if (status || !call->group)
        return status;
    if (from_key->len == 0 && call->group->member_count)
        *from_key = call->group->members[0];
    if (!chain_psi_has(call->group, *from_key) && is_raw)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "The PrivateFrom address does not match the specified private state (%.*s)",
                        (int)call->psi.len, (const char *)call->psi.data);
    if (!chain_psi_has(call->group, *from_key))
        return rpc_fail(call, RPC_CODE_ERROR,
                        "The PrivateFrom (%.*s) address does not match the specified private state "
                        "(%.*s) ",
                        (int)(from_key->len < 512 ? from_key->len : 512),
                        (const char *)from_key->data, (int)call->psi.len,
                        (const char *)call->psi.data);
    if (call->backend->multitenancy && call->access.grant &&
        !rpc_grant_may_send(call->access.grant, call->psi, account, is_raw))
        return rpc_fail(call, RPC_CODE_ERROR, "not authorized");
    return 0;
}
