/* A MariaDB server of the test's own, in a temporary folder, on a port of 127.0.0.1. */
#ifndef TM_TEST_MYSQL_SERVER_H
#define TM_TEST_MYSQL_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct mysql_server {
    char folder[64];
    unsigned port;
    pid_t pid;
};

/* Skips the running test, and says so, when no server is installed. */
void mysql_server_require(void);
/* Makes the server's files (some seconds) and starts it. */
void mysql_server_make(struct mysql_server *server);
void mysql_server_start(struct mysql_server *server);
/* By signal 9. */
void mysql_server_kill(struct mysql_server *server);
void mysql_server_remove(struct mysql_server *server);

/* Runs a statement as root. */
void mysql_server_run(const struct mysql_server *server, const char *sql);
/* The first column of the first row, as a number; -1 when there is none. */
long long mysql_server_number(const struct mysql_server *server, const char *sql);
/* jdbc:mysql://127.0.0.1:PORT/NAME. */
void mysql_server_url(const struct mysql_server *server, char ret_url[128], const char *name);

#endif
