#include "deploy/local/port.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    FILES_LEFT = 256, /* open files that reservations leave to the rest of the program */
    LISTENING = 0x0a, /* TCP_LISTEN, as /proc/net/tcp has it */
};

bool deploy_port_taken(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    bool taken = bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0;
    close(fd);
    return taken;
}

/* --- Reserving --- */

/* Whether so many files may be open; a network of hundreds of peers needs more than the usual limit. */
static bool may_open(rlim_t files)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    if (files > limit.rlim_cur && files <= limit.rlim_max) {
        limit.rlim_cur = files + FILES_LEFT < limit.rlim_max ? files + FILES_LEFT : limit.rlim_max;
        return setrlimit(RLIMIT_NOFILE, &limit) == 0;
    }
    return files <= limit.rlim_cur;
}

/* A name without a file: nobody has to remove it, and it is gone with the last process that has it. */
static int bind_name(uint16_t port)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "quorate/port/%u",
                          (unsigned)port);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (!may_open((rlim_t)fd + FILES_LEFT)) {
        close(fd);
        return -1;
    }
    if (bind(fd, (const struct sockaddr *)&address, size) == 0)
        return fd;
    int problem = errno;
    close(fd);
    errno = problem;
    return -1;
}

bool deploy_port_reserve(uint16_t port)
{
    /* This process's, which are its own until it ends: sockets that are not closed. */
    static uint8_t own[65536 / 8];
    if (own[port / 8] >> (port % 8) & 1)
        return true;
    errno = 0;
    if (bind_name(port) < 0)
        return errno != EADDRINUSE;
    own[port / 8] |= (uint8_t)(1u << (port % 8));
    return true;
}

/* --- Who listens --- */

/* The number of the listening socket; 0: none in that table. */
static unsigned long find_socket(const char *table, uint16_t port)
{
    char line[512];
    unsigned long inode = 0;
    FILE *file = fopen(table, "re");
    while (file && inode == 0 && fgets(line, sizeof(line), file)) {
        /* slot: address:port address:port state queues timer retransmits user timeout inode */
        unsigned at, state;
        unsigned long number;
        if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu", &at,
                   &state, &number) == 3 &&
            at == port && state == LISTENING)
            inode = number;
    }
    if (file)
        fclose(file);
    return inode;
}

static bool has_file(const char *process, const char *wanted)
{
    char path[64], target[64];
    bool found = false;
    const struct dirent *entry;
    snprintf(path, sizeof(path), "/proc/%.20s/fd", process);
    DIR *folder = opendir(path);
    while (folder && !found && (entry = readdir(folder))) {
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
        target[length > 0 ? length : 0] = 0;
        found = strcmp(target, wanted) == 0;
    }
    if (folder)
        closedir(folder);
    return found;
}

static bool read_name(char ret_name[DEPLOY_HOLDER_MAX], const char *process)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%.20s/comm", process);
    FILE *file = fopen(path, "re");
    bool good = file && fgets(ret_name, DEPLOY_HOLDER_MAX, file);
    if (good)
        ret_name[strcspn(ret_name, "\n")] = 0;
    if (file)
        fclose(file);
    return good;
}

bool deploy_port_holder(char ret_name[DEPLOY_HOLDER_MAX], pid_t *ret_pid, uint16_t port)
{
    char wanted[64];
    bool found = false;
    const struct dirent *entry;
    unsigned long inode = find_socket("/proc/net/tcp", port);
    if (!inode)
        inode = find_socket("/proc/net/tcp6", port);
    DIR *processes = inode ? opendir("/proc") : NULL;
    snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    while (processes && !found && (entry = readdir(processes))) {
        if (!isdigit((unsigned char)entry->d_name[0]) || !has_file(entry->d_name, wanted))
            continue;
        *ret_pid = (pid_t)strtol(entry->d_name, NULL, 10);
        found = read_name(ret_name, entry->d_name);
    }
    if (processes)
        closedir(processes);
    return found;
}
