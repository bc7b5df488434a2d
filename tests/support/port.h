/* Ports of this machine that nobody listens on. */
#ifndef TESTS_SUPPORT_PORT_H
#define TESTS_SUPPORT_PORT_H

#include <stdint.h>

/* A TCP socket that has one on the loopback interface, and does not listen; to be closed. */
int port_take(uint16_t *ret_port);
/* One that was free a moment ago, for a program that is to be started. */
uint16_t port_free(void);

#endif
