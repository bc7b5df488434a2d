/* Datagrams. */
#ifndef IO_UDP_H
#define IO_UDP_H

#include "io/address.h"

struct io_udp;

enum { IO_UDP_MAX = 2048 }; /* longer datagrams come in cut to this; discv4's are at most 1280 */

/* `data` is valid during the call. */
typedef void io_udp_fn(void *context, const struct io_address *from, struct bytes data);

/* As io_listen_tcp. */
int io_udp_open(struct io_udp **ret_udp, struct io_loop *loop, const char *host, uint16_t port,
                io_udp_fn *fn, void *context, struct err_detail *detail) BASE_NODISCARD;
const struct io_address *io_udp_address(const struct io_udp *udp);
/* Sent at once or, when the system has no room for it, lost, as datagrams may be. */
void io_udp_send(struct io_udp *udp, const struct io_address *to, struct bytes data);
/* NULL is fine. */
void io_udp_close(struct io_udp *udp);

#endif
