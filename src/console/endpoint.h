/* Where the node of a console is: a unix socket's path, or a URL. */
#ifndef CONSOLE_ENDPOINT_H
#define CONSOLE_ENDPOINT_H

#include "base/buf.h"

enum {
    CONSOLE_HOST_MAX = 255,
    CONSOLE_ENDPOINT_SHOWN = 512,
    CONSOLE_ENDPOINT_PATH = 4096,
};

enum console_transport { CONSOLE_IPC, CONSOLE_HTTP, CONSOLE_WS };

struct console_endpoint {
    enum console_transport transport;
    bool tls;
    char host[CONSOLE_HOST_MAX + 1]; /* without brackets */
    char port[8];
    char path[CONSOLE_ENDPOINT_PATH]; /* the socket's; or what stands behind the host, '/' first */
    struct buf url;                   /* scheme in small letters, host, port and path */
    struct buf basic; /* the URL's user, for the header Authorization; empty: none */
    const char *psi;  /* within the text that was read: ?PSI=… behind a path; NULL: none */
};

/* A path, ipc:path, http://, https://, ws://, wss://, with user:password@ before the host or not. Released by
 * console_endpoint_release. ERR_USAGE, in words that do not show the user; ERR_NOMEM. */
int console_endpoint_read(struct console_endpoint *ret_endpoint, const char *text,
                          struct err_detail *detail) BASE_NODISCARD;
void console_endpoint_release(struct console_endpoint *endpoint);

/* For messages: stars in the place of a URL's password, as in Go's, and cut. */
void console_endpoint_shown(char ret_text[CONSOLE_ENDPOINT_SHOWN], const char *text);

#endif
