#include "port.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Below those that the system gives to connections and to who asks for any, and those of ports.py: a program that is started a second later, or
 * again, finds its port free. */
enum { FIRST = 12000, COUNT = 8000 };

/* A socket with that port; -1: somebody has it. 0: any. */
static int bind_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

int port_take(uint16_t *ret_port)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    int fd = bind_to(0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

uint16_t port_free(void)
{
    for (int i = 0; i < COUNT; i++) {
        uint16_t random;
        assert_int_equal(getrandom(&random, sizeof(random), 0), sizeof(random));
        uint16_t port = (uint16_t)(FIRST + random % COUNT);
        int fd = bind_to(port);
        if (fd < 0)
            continue;
        close(fd);
        return port;
    }
    fail_msg("no port from %d on is free", FIRST);
    return 0;
}
