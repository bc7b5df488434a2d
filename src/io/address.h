/* Addresses of sockets, their text, and the resolution of names. */
#ifndef IO_ADDRESS_H
#define IO_ADDRESS_H

#include "base/bytes.h"
#include "io/loop.h"

struct io_address {
    uint8_t ip
        [16]; /* the first 4 bytes for IPv4, zero behind; an IPv4 address in IPv6 form is made IPv4 */
    uint8_t ip_len; /* 4, 16, or 0: unknown, or a unix socket */
    uint16_t port;
};

enum {
    IO_ADDRESS_TEXT = 56, /* longest "[…]:65535" with its end mark */
    IO_HOST_MAX = 253,    /* characters of a DNS name (RFC 1035, 2.3.4, in text form) */
};

/* "1.2.3.4:30303", "[::1]:30303"; "" when unknown. */
void io_address_format(char ret_text[IO_ADDRESS_TEXT], const struct io_address *address);
/* Without port and brackets. */
void io_address_format_ip(char ret_text[IO_ADDRESS_TEXT], const struct io_address *address);
/* An IP as text, without brackets; sets the port to 0. False when it is none. */
bool io_address_parse_ip(struct io_address *ret_address, const char *text) BASE_NODISCARD;
bool io_address_equal(const struct io_address *a, const struct io_address *b);
bool io_address_same_ip(const struct io_address *a, const struct io_address *b);
/* Loopback, link-local or of a private range (RFC 1918, RFC 4193): geth's netutil.IsLAN. */
bool io_address_is_lan(const struct io_address *address);
bool io_address_is_loopback(const struct io_address *address);
/* 0.0.0.0 or ::, or unknown. */
bool io_address_is_unspecified(const struct io_address *address);

/*
 * Resolution of a name (or an IP as text) by the system's resolver, off the loop. `fn` gets 0 and the first
 * address (IPv4 before IPv6, port 0), or ERR_NOTFOUND / ERR_IO and a message.
 */
struct io_resolve;
typedef void io_resolve_fn(void *context, int status, const struct io_address *address,
                           const char *message);

/* `host` is copied. *ret_resolve is valid until fn is called or io_resolve_cancel. ERR_NOMEM, ERR_INPUT (no
 * name), ERR_IO. fn is never called before this returns. */
int io_resolve(struct io_resolve **ret_resolve, struct io_loop *loop, const char *host,
               io_resolve_fn *fn, void *context) BASE_NODISCARD;
/* fn will not be called. NULL is fine. */
void io_resolve_cancel(struct io_resolve *resolve);

/* Blocks, up to the resolver's own timeouts: for programs that are starting. ERR_NOTFOUND, ERR_IO. */
int io_resolve_now(struct io_address *ret_address, const char *host,
                   struct err_detail *detail) BASE_NODISCARD;

#endif
