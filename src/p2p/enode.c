#include "p2p/enode.h"

#include "base/hex.h"
#include "crypto/keccak.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const char scheme[] = "enode://";

static void set_key(struct p2p_enode *enode, const struct crypto_public_key *key)
{
    enode->key = *key;
    crypto_keccak256(&enode->id, bytes_of(key->b, sizeof(key->b)));
}

/* `hex` has `len` characters. The texts are those of Go's and geth's decoders. */
static int parse_key(struct p2p_enode *enode, const char *hex, size_t len,
                     struct err_detail *detail)
{
    struct crypto_public_key key;
    char digits[129];
    for (size_t i = 0; i < len; i++) {
        if (!isxdigit((unsigned char)hex[i]))
            return err_set(detail, ERR_INPUT,
                           "invalid public key (encoding/hex: invalid byte: U+%04X '%c')",
                           (unsigned char)hex[i], isprint((unsigned char)hex[i]) ? hex[i] : '?');
    }
    if (len % 2)
        return err_set(detail, ERR_INPUT,
                       "invalid public key (encoding/hex: odd length hex string)");
    if (len != 128)
        return err_set(detail, ERR_INPUT, "invalid public key (wrong length, want 128 hex chars)");
    memcpy(digits, hex, len);
    digits[len] = 0;
    if (!hex_decode_exact(digits, key.b, sizeof(key.b)) ||
        !crypto_public_key_parse(&key, bytes_of(key.b, sizeof(key.b))))
        return err_set(detail, ERR_INPUT, "invalid public key (invalid secp256k1 public key)");
    set_key(enode, &key);
    return 0;
}

/* Decimal digits only, up to 65535. */
static bool parse_port(const char *text, size_t len, uint16_t *ret_port)
{
    uint32_t port = 0;
    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        port = port * 10 + (uint32_t)(text[i] - '0');
        if (port > UINT16_MAX)
            return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

/* The first value of a name in a query, percent signs decoded: its length, or 0 when there is none. */
static size_t query_value(const char *query, const char *name, char *ret_value, size_t size)
{
    size_t name_len = strlen(name);
    while (*query) {
        size_t len = strcspn(query, "&");
        if (len > name_len && strncmp(query, name, name_len) == 0 && query[name_len] == '=') {
            size_t n = 0;
            for (size_t i = name_len + 1; i < len && n + 1 < size; i++) {
                const char *at = query + i;
                if (*at == '%' && i + 2 < len && isxdigit((unsigned char)at[1]) &&
                    isxdigit((unsigned char)at[2])) {
                    char pair[3] = {at[1], at[2], 0};
                    ret_value[n++] = (char)strtoul(pair, NULL, 16);
                    i += 2;
                } else {
                    ret_value[n++] = *at == '+' ? ' ' : *at;
                }
            }
            ret_value[n] = 0;
            return n;
        }
        query += len;
        query += *query == '&';
    }
    return 0;
}

/* The pieces of a URL, within it. */
struct pieces {
    const char *user, *host, *port, *query;
    size_t user_len, host_len, port_len;
};

/* Splits what follows "enode://". */
static int split(struct pieces *p, const char *url, const char *rest, struct err_detail *detail)
{
    size_t authority = strcspn(rest, "/?#");
    const char *end = rest + authority, *at = NULL;
    for (const char *c = rest; c < end; c++)
        at = *c == '@' ? c : at;
    if (!at)
        return err_set(detail, ERR_INPUT, "does not contain node ID");
    *p =
        (struct pieces){.user = rest, .user_len = (size_t)(at - rest), .host = at + 1, .query = ""};
    const char *colon = NULL;
    if (*p->host == '[') {
        const char *close = memchr(p->host, ']', (size_t)(end - p->host));
        if (!close)
            return err_set(detail, ERR_INPUT, "parse \"%.300s\": missing ']' in host", url);
        p->host++;
        p->host_len = (size_t)(close - p->host);
        colon = close + 1;
    } else {
        colon = memchr(p->host, ':', (size_t)(end - p->host));
        p->host_len = (size_t)((colon ? colon : end) - p->host);
        colon = colon ? colon : end;
    }
    if (colon < end) {
        p->port = colon + 1;
        p->port_len = (size_t)(end - p->port);
        if (*colon != ':' || strspn(p->port, "0123456789") < p->port_len)
            return err_set(detail, ERR_INPUT, "parse \"%.300s\": invalid port \"%.*s\" after host",
                           url, (int)(end - colon), colon);
    }
    const char *query = end + strcspn(end, "?#");
    if (*query == '?')
        p->query = query + 1;
    return 0;
}

static int parse_host(struct p2p_enode *enode, const struct pieces *p, const char *url,
                      struct err_detail *detail)
{
    char host[IO_HOST_MAX + 1];
    if (p->host_len > IO_HOST_MAX)
        return err_set(detail, ERR_INPUT, "host name longer than %d characters", IO_HOST_MAX);
    memcpy(host, p->host, p->host_len);
    host[p->host_len] = 0;
    if (io_address_parse_ip(&enode->ip, host))
        return 0;
    if (p->host > url && p->host[-1] == '[')
        return err_set(detail, ERR_INPUT, "lookup %s: no such host", host);
    for (size_t i = 0; i < p->host_len; i++) {
        if (!isalnum((unsigned char)host[i]) && !strchr("-._", host[i]))
            return err_set(detail, ERR_INPUT, "parse \"%.300s\": invalid character in host name",
                           url);
    }
    memcpy(enode->host, host, p->host_len + 1);
    return 0;
}

static int parse_complete(struct p2p_enode *enode, const char *url, struct err_detail *detail)
{
    struct pieces p = {0};
    char value[32];
    char query[P2P_ENODE_TEXT_MAX];
    if (strncasecmp(url, scheme, sizeof(scheme) - 1) != 0)
        return err_set(detail, ERR_INPUT, "invalid URL scheme, want \"enode\"");
    int status = split(&p, url, url + sizeof(scheme) - 1, detail);
    if (status == 0)
        status = parse_key(enode, p.user, p.user_len, detail);
    if (status == 0)
        status = parse_host(enode, &p, url, detail);
    if (status < 0)
        return status;
    snprintf(query, sizeof(query), "%.*s", (int)strcspn(p.query, "#"), p.query);
    size_t raft = query_value(query, "raftport", value, sizeof(value));
    uint16_t raft_port = 0;
    bool raft_good = parse_port(value, raft, &raft_port);
    if (p.host_len == 0 && raft == 0)
        return err_set(detail, ERR_INPUT, "lookup : no such host");
    if (!p.port || !parse_port(p.port, p.port_len, &enode->tcp))
        return err_set(detail, ERR_INPUT, "invalid port");
    enode->udp = enode->tcp;
    size_t disc = query_value(query, "discport", value, sizeof(value));
    if (disc && !parse_port(value, disc, &enode->udp))
        return err_set(detail, ERR_INPUT, "invalid discport in query");
    if (raft && !raft_good)
        return err_set(detail, ERR_INPUT, "invalid raftport in query");
    if (p.host_len == 0)
        return err_set(detail, ERR_INPUT, "empty hostname in raft url");
    enode->raft = raft_port;
    return 0;
}

int p2p_enode_parse(struct p2p_enode *ret_enode, const char *text, struct err_detail *detail)
{
    struct p2p_enode enode = {0};
    size_t len = strlen(text);
    if (len >= P2P_ENODE_TEXT_MAX)
        return err_set(detail, ERR_INPUT, "node URL longer than %d characters",
                       P2P_ENODE_TEXT_MAX - 1);
    const char *hex =
        strncasecmp(text, scheme, sizeof(scheme) - 1) == 0 ? text + sizeof(scheme) - 1 : text;
    size_t digits = strspn(hex, "0123456789abcdefABCDEF");
    int status = digits && !hex[digits] ? parse_key(&enode, hex, digits, detail)
                                        : parse_complete(&enode, text, detail);
    if (status == 0)
        *ret_enode = enode;
    return status;
}

void p2p_enode_make(struct p2p_enode *ret_enode, const struct crypto_public_key *key,
                    const struct io_address *ip, uint16_t tcp, uint16_t udp)
{
    *ret_enode = (struct p2p_enode){.tcp = tcp, .udp = udp};
    set_key(ret_enode, key);
    if (ip)
        ret_enode->ip = *ip;
    ret_enode->ip.port = 0;
}

bool p2p_enode_incomplete(const struct p2p_enode *enode)
{
    return !enode->host[0] && enode->ip.ip_len == 0;
}

void p2p_enode_format(char ret_text[P2P_ENODE_TEXT], const struct p2p_enode *enode)
{
    char key[129], address[IO_HOST_MAX + IO_ADDRESS_TEXT], ports[2][24] = {"", ""};
    hex_encode(key, bytes_of(enode->key.b, sizeof(enode->key.b)));
    key[128] = 0;
    if (p2p_enode_incomplete(enode)) {
        snprintf(ret_text, P2P_ENODE_TEXT, "enode://%s", key);
        return;
    }
    struct io_address ip = enode->ip;
    ip.port = enode->tcp;
    if (enode->host[0])
        snprintf(address, sizeof(address), "%s:%u", enode->host, enode->tcp);
    else
        io_address_format(address, &ip);
    if (enode->udp != enode->tcp)
        snprintf(ports[0], sizeof(ports[0]), "?discport=%u", enode->udp);
    if (enode->raft)
        snprintf(ports[1], sizeof(ports[1]), "%craftport=%u", ports[0][0] ? '&' : '?', enode->raft);
    int len =
        snprintf(ret_text, P2P_ENODE_TEXT, "enode://%s@%s%s%s", key, address, ports[0], ports[1]);
    assert(len < P2P_ENODE_TEXT);
    (void)len;
}

void p2p_enode_address(struct address *ret_address, const struct p2p_enode *enode)
{
    memcpy(ret_address->b, enode->id.b + 12, sizeof(ret_address->b));
}
