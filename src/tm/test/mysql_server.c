#include "tm/test/mysql_server.h"

#include "tests/support/port.h"
#include "tm/test/store_kit.h"

#include <fcntl.h>
#include <mysql.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *find(const char *name)
{
    static char paths[2][96];
    static unsigned turn;
    static const char *const folders[] = {"/usr/sbin", "/usr/bin", "/usr/local/bin"};
    char *path = paths[turn++ % 2];
    for (size_t i = 0; i < BASE_COUNT(folders); i++) {
        snprintf(path, sizeof(paths[0]), "%s/%s", folders[i], name);
        if (access(path, X_OK) == 0)
            return path;
    }
    return NULL;
}

void mysql_server_require(void)
{
    if (find("mariadbd") && find("mariadb-install-db"))
        return;
    print_message("no MariaDB server (Debian: mariadb-server-core): skipped\n");
    skip();
}

static pid_t spawn(const struct mysql_server *server, const char *const *arguments)
{
    char log[96];
    snprintf(log, sizeof(log), "%s/log", server->folder);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        /* Not /tmp: a server that starts removes other servers' temporary tables there. */
        setenv("TMPDIR", server->folder, 1);
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    return pid;
}

static void show_log(const struct mysql_server *server)
{
    char path[96], line[512];
    snprintf(path, sizeof(path), "%s/log", server->folder);
    FILE *log = fopen(path, "r");
    while (log && fgets(line, sizeof(line), log))
        print_message("%s", line);
    if (log)
        fclose(log);
}

static MYSQL *connect_root(const struct mysql_server *server)
{
    MYSQL *db = mysql_init(NULL);
    assert_non_null(db);
    if (mysql_real_connect(db, "127.0.0.1", "root", NULL, NULL, server->port, NULL, 0))
        return db;
    mysql_close(db);
    return NULL;
}

void mysql_server_start(struct mysql_server *server)
{
    char datadir[96], port[32], sock[96], pid_file[96];
    snprintf(datadir, sizeof(datadir), "--datadir=%s/data", server->folder);
    snprintf(port, sizeof(port), "--port=%u", server->port);
    snprintf(sock, sizeof(sock), "--socket=%s/sock", server->folder);
    snprintf(pid_file, sizeof(pid_file), "--pid-file=%s/pid", server->folder);
    const char *arguments[] = {find("mariadbd"),
                               "--no-defaults",
                               "--user=root",
                               datadir,
                               port,
                               sock,
                               pid_file,
                               "--bind-address=127.0.0.1",
                               "--innodb-buffer-pool-size=16M",
                               "--innodb-log-file-size=8M",
                               "--skip-name-resolve",
                               NULL};
    server->pid = spawn(server, arguments);
    MYSQL *db = NULL;
    for (int i = 0; i < 600 && !(db = connect_root(server)); i++)
        nanosleep(&(struct timespec){0, 50000000}, NULL);
    if (!db) {
        show_log(server);
        fail_msg("the server does not start");
    }
    mysql_close(db);
}

void mysql_server_make(struct mysql_server *server)
{
    char datadir[96];
    int status = -1;
    kit_folder_make(server->folder);
    server->port = port_free();
    snprintf(datadir, sizeof(datadir), "--datadir=%s/data", server->folder);
    const char *arguments[] = {find("mariadb-install-db"),
                               "--no-defaults",
                               "--user=root",
                               datadir,
                               "--auth-root-authentication-method=normal",
                               "--skip-test-db",
                               "--skip-name-resolve",
                               "--force", /* a machine without a name in /etc/hosts */
                               NULL};
    pid_t pid = spawn(server, arguments);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0) {
        show_log(server);
        fail_msg("mariadb-install-db fails");
    }
    mysql_server_start(server);
}

void mysql_server_kill(struct mysql_server *server)
{
    kill(server->pid, SIGKILL);
    assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
    server->pid = 0;
}

void mysql_server_remove(struct mysql_server *server)
{
    if (server->pid)
        mysql_server_kill(server);
    kit_folder_remove(server->folder);
}

static MYSQL *query(const struct mysql_server *server, const char *sql)
{
    MYSQL *db = connect_root(server);
    assert_non_null(db);
    if (mysql_query(db, sql))
        fail_msg("%s: %s", sql, mysql_error(db));
    return db;
}

void mysql_server_run(const struct mysql_server *server, const char *sql)
{
    mysql_close(query(server, sql));
}

long long mysql_server_number(const struct mysql_server *server, const char *sql)
{
    MYSQL *db = query(server, sql);
    MYSQL_RES *result = mysql_store_result(db);
    MYSQL_ROW row = mysql_fetch_row(result);
    long long number = row && row[0] ? strtoll(row[0], NULL, 10) : -1;
    mysql_free_result(result);
    mysql_close(db);
    return number;
}

void mysql_server_url(const struct mysql_server *server, char ret_url[128], const char *name)
{
    snprintf(ret_url, 128, "jdbc:mysql://127.0.0.1:%u/%s", server->port, name);
}
