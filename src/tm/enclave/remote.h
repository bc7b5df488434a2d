/*
 * The enclave as a process of its own, over a unix socket. Messages are pure (remote_wire.c): a request is the name of
 * a function with its arguments, an answer its result; both behind 4 bytes of length. What runs in the other process is
 * the same enclave.
 */
#ifndef TM_ENCLAVE_REMOTE_H
#define TM_ENCLAVE_REMOTE_H

#include "io/loop.h"
#include "tm/enclave/enclave.h"

enum {
    /* A whole message: a payload, the data of it, and as much of affected ones. */
    TM_ENCLAVE_MESSAGE_MAX = 64 << 20,
    TM_ENCLAVE_CONNECTIONS_MAX = 64,
};

/* The manager's side: an enclave whose functions ask the process that listens at `path`. It must be there: ERR_IO with
 * a message otherwise, or when it is another encryptor than `e`. A connection that was lost is made anew at the next
 * call. tm_enclave_add_… fail with ERR_USAGE: keys are the other process's. */
int tm_enclave_connect(struct tm_enclave **ret_enclave, const struct tm_encryptor *e,
                       const char *path, struct err_detail *detail) BASE_NODISCARD;

/* The other side: serves `enclave`, which stays the caller's, on a unix socket (mode 0600). */
struct tm_enclave_server;
int tm_enclave_serve(struct tm_enclave_server **ret_server, struct io_loop *loop,
                     struct tm_enclave *enclave, const char *path,
                     struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void tm_enclave_server_free(struct tm_enclave_server *server);

#endif
