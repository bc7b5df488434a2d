#include "io/address.h"

#include "base/mem.h"
#include "io/internal.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_ip(struct io_address *address, const void *ip, uint8_t len)
{
    const uint8_t *b = ip;
    if (len == 16 && memcmp(b, mapped_prefix, 12) == 0) {
        b += 12;
        len = 4;
    }
    *address = (struct io_address){.ip_len = len};
    memcpy(address->ip, b, len);
}

void io_address_from(struct io_address *ret_address, const struct sockaddr *from)
{
    *ret_address = (struct io_address){0};
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)from;
        set_ip(ret_address, &in->sin_addr, 4);
        ret_address->port = ntohs(in->sin_port);
    } else if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)from;
        set_ip(ret_address, &in6->sin6_addr, 16);
        ret_address->port = ntohs(in6->sin6_port);
    }
}

void io_address_to(const struct io_address *address, bool v6, struct sockaddr_storage *ret_to)
{
    memset(ret_to, 0, sizeof(*ret_to));
    if (address->ip_len == 4 && !v6) {
        struct sockaddr_in *in = (void *)ret_to;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        memcpy(&in->sin_addr, address->ip, 4);
        return;
    }
    struct sockaddr_in6 *in6 = (void *)ret_to;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address->port);
    if (address->ip_len == 4) {
        memcpy(&in6->sin6_addr, mapped_prefix, 12);
        memcpy((uint8_t *)&in6->sin6_addr + 12, address->ip, 4);
    } else {
        memcpy(&in6->sin6_addr, address->ip, 16);
    }
}

void io_address_format_ip(char ret_text[IO_ADDRESS_TEXT], const struct io_address *address)
{
    ret_text[0] = 0;
    if (address->ip_len)
        inet_ntop(address->ip_len == 4 ? AF_INET : AF_INET6, address->ip, ret_text,
                  IO_ADDRESS_TEXT);
}

void io_address_format(char ret_text[IO_ADDRESS_TEXT], const struct io_address *address)
{
    char ip[INET6_ADDRSTRLEN];
    ret_text[0] = 0;
    if (!address->ip_len)
        return;
    inet_ntop(address->ip_len == 4 ? AF_INET : AF_INET6, address->ip, ip, sizeof(ip));
    snprintf(ret_text, IO_ADDRESS_TEXT, address->ip_len == 4 ? "%s:%u" : "[%s]:%u", ip,
             address->port);
}

bool io_address_parse_ip(struct io_address *ret_address, const char *text)
{
    uint8_t ip[16];
    if (inet_pton(AF_INET, text, ip) == 1)
        set_ip(ret_address, ip, 4);
    else if (inet_pton(AF_INET6, text, ip) == 1)
        set_ip(ret_address, ip, 16);
    else
        return false;
    return true;
}

bool io_address_same_ip(const struct io_address *a, const struct io_address *b)
{
    return a->ip_len == b->ip_len && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool io_address_equal(const struct io_address *a, const struct io_address *b)
{
    return a->port == b->port && io_address_same_ip(a, b);
}

/* The networks that are not the Internet: first bytes, how many bits of them count, length of the IP. */
struct network {
    uint8_t prefix[16];
    uint8_t bits, ip_len;
};

static const struct network loopback_networks[] = {
    {{127}, 8, 4},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 16},
};

static const struct network lan_networks[] = {
    {{0}, 8, 4},            /* "this" */
    {{10}, 8, 4},           /* private */
    {{172, 16}, 12, 4},     /* private */
    {{192, 168}, 16, 4},    /* private */
    {{169, 254}, 16, 4},    /* link-local */
    {{0xfe, 0x80}, 10, 16}, /* link-local */
    {{0xfc}, 7, 16},        /* unique local */
};

static bool within(const struct io_address *address, const struct network *networks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct network *n = &networks[i];
        unsigned whole = n->bits / 8, rest = n->bits % 8;
        if (address->ip_len != n->ip_len || memcmp(address->ip, n->prefix, whole) != 0)
            continue;
        if (!rest || ((address->ip[whole] ^ n->prefix[whole]) >> (8 - rest)) == 0)
            return true;
    }
    return false;
}

bool io_address_is_loopback(const struct io_address *address)
{
    return within(address, loopback_networks, BASE_COUNT(loopback_networks));
}

bool io_address_is_lan(const struct io_address *address)
{
    return io_address_is_loopback(address) ||
           within(address, lan_networks, BASE_COUNT(lan_networks));
}

bool io_address_is_unspecified(const struct io_address *address)
{
    static const uint8_t zero[16];
    return memcmp(address->ip, zero, sizeof(zero)) == 0;
}

struct io_resolve {
    uv_getaddrinfo_t request;
    io_resolve_fn *fn; /* NULL: nobody wants to know any more */
    void *context;
    char host[IO_HOST_MAX + 1];
};

/* The first IPv4 address, or else the first one. */
static bool choose(struct io_address *ret_address, const struct addrinfo *list)
{
    bool found = false;
    for (; list; list = list->ai_next) {
        if (list->ai_family == AF_INET || (!found && list->ai_family == AF_INET6)) {
            io_address_from(ret_address, list->ai_addr);
            ret_address->port = 0;
            found = true;
        }
        if (list->ai_family == AF_INET)
            break;
    }
    return found;
}

/* "localhost" and the names below it are this machine, whatever a resolver or /etc/hosts says (RFC 6761, section 6.3): a bare
 * system has neither. */
static const char *name_to_ask(const char *host)
{
    static const char local[] = "localhost";
    size_t len = strlen(host), local_len = sizeof(local) - 1;
    if (len && host[len - 1] == '.')
        len--;
    if (len < local_len || strncasecmp(host + len - local_len, local, local_len) != 0)
        return host;
    return len == local_len || host[len - local_len - 1] == '.' ? "127.0.0.1" : host;
}

static void no_such_host(char *ret_text, size_t size, const char *host)
{
    snprintf(ret_text, size, "lookup %s: no such host", host);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct io_resolve *resolve = request->data;
    struct io_address address;
    char message[IO_HOST_MAX + 64];
    if (!resolve->fn) {
        /* cancelled */
    } else if (status == 0 && choose(&address, list)) {
        resolve->fn(resolve->context, 0, &address, NULL);
    } else if (status == 0 || status == UV_EAI_NONAME || status == UV_EAI_NODATA) {
        no_such_host(message, sizeof(message), resolve->host);
        resolve->fn(resolve->context, ERR_NOTFOUND, NULL, message);
    } else {
        snprintf(message, sizeof(message), "lookup %s: %s", resolve->host, uv_strerror(status));
        resolve->fn(resolve->context, ERR_IO, NULL, message);
    }
    uv_freeaddrinfo(list);
    mem_free(resolve);
}

int io_resolve(struct io_resolve **ret_resolve, struct io_loop *loop, const char *host,
               io_resolve_fn *fn, void *context)
{
    size_t len = strlen(host);
    if (len == 0 || len > IO_HOST_MAX)
        return ERR_INPUT;
    struct io_resolve *resolve = mem_alloc_zeroed(1, sizeof(*resolve));
    if (!resolve)
        return ERR_NOMEM;
    resolve->request.data = resolve;
    resolve->fn = fn;
    resolve->context = context;
    memcpy(resolve->host, host, len);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int status = uv_getaddrinfo(&loop->uv, &resolve->request, on_resolved,
                                name_to_ask(resolve->host), NULL, &hints);
    if (status < 0) {
        mem_free(resolve);
        return status == UV_ENOMEM ? ERR_NOMEM : status == UV_EINVAL ? ERR_INPUT : ERR_IO;
    }
    *ret_resolve = resolve;
    return 0;
}

void io_resolve_cancel(struct io_resolve *resolve)
{
    if (!resolve)
        return;
    resolve->fn = NULL;
    uv_cancel((uv_req_t *)&resolve->request);
}

int io_resolve_now(struct io_address *ret_address, const char *host, struct err_detail *detail)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
    char message[IO_HOST_MAX + 64];
    int status = getaddrinfo(name_to_ask(host), NULL, &hints, &list);
    if (status != 0 && status != EAI_NONAME && status != EAI_NODATA)
        return err_set(detail, ERR_IO, "lookup %s: %s", host, gai_strerror(status));
    bool found = status == 0 && choose(ret_address, list);
    if (list)
        freeaddrinfo(list);
    if (found)
        return 0;
    no_such_host(message, sizeof(message), host);
    return err_set(detail, ERR_NOTFOUND, "%s", message);
}

const char *io_bind_text(int status)
{
    return status == UV_EADDRINUSE      ? "bind: address already in use"
           : status == UV_EADDRNOTAVAIL ? "bind: cannot assign requested address"
           : status == UV_EACCES        ? "bind: permission denied"
                                        : uv_strerror(status);
}
