/* Waits for what a program needs, then becomes that program: there is no shell in the image to do it. */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "init/init.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char *wait_for, *folder;
static uint64_t limit = 300;

static const struct options_row rows[] = {
    {"wait", "PLACES", OPTIONS_TEXT, &wait_for,
     "unix:PATH or tcp:HOST:PORT that must take connections first, separated by commas"},
    {"folder", "FOLDER", OPTIONS_TEXT, &folder, "is made when it is not there, mode 0700"},
    {"limit", "SECONDS", OPTIONS_NUMBER, &limit, "how long to wait at most (default: 300)"},
};

static bool reach(int family, const struct sockaddr *address, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && connect(fd, address, len) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

static bool reach_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    return reach(AF_UNIX, (struct sockaddr *)&address, sizeof(address));
}

static bool reach_tcp(const char *place)
{
    char host[256];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    const char *colon = strrchr(place, ':');
    bool good = false;
    if (!colon || (size_t)(colon - place) >= sizeof(host))
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - place), place);
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return false;
    for (struct addrinfo *a = found; a && !good; a = a->ai_next)
        good = reach(a->ai_family, a->ai_addr, a->ai_addrlen);
    freeaddrinfo(found);
    return good;
}

static int await_one(const char *place, uint64_t until_ms, struct err_detail *detail)
{
    bool local = strncmp(place, "unix:", 5) == 0;
    if (!local && (strncmp(place, "tcp:", 4) != 0 || !strchr(place + 4, ':')))
        return err_set(detail, ERR_USAGE, "--wait: %s: unix:PATH or tcp:HOST:PORT is expected",
                       place);
    for (;;) {
        if (local ? reach_unix(place + 5) : reach_tcp(place + 4))
            return ERR_OK;
        if (base_now_ms() >= until_ms)
            return err_set(detail, ERR_IO, "%s takes no connections after %llu s", place,
                           (unsigned long long)limit);
        nanosleep(&(struct timespec){0, 200000000}, NULL);
    }
}

static int await_all(struct err_detail *detail)
{
    char places[INIT_PATH_MAX], *rest = NULL;
    if (!wait_for)
        return ERR_OK;
    if (strlen(wait_for) >= sizeof(places))
        return err_set(detail, ERR_LIMIT, "--wait is too long");
    memcpy(places, wait_for, strlen(wait_for) + 1);
    uint64_t until_ms = base_now_ms() + 1000 * (limit < 86400 ? limit : 86400);
    int status = ERR_OK;
    for (char *place = strtok_r(places, ",", &rest); place && status == ERR_OK;
         place = strtok_r(NULL, ",", &rest))
        status = await_one(place, until_ms, detail);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    int status = ERR_OK;
    if (argc == 0)
        status = err_set(&detail, ERR_USAGE, "run needs a program behind --");
    if (status == ERR_OK && folder)
        status = file_make_folders(folder, 0700, &detail);
    if (status == ERR_OK)
        status = await_all(&detail);
    if (status != ERR_OK)
        return init_complain(status, &detail);
    char **words = mem_alloc_zeroed(argc + 1, sizeof(*words)); /* with an end mark */
    if (!words)
        return init_complain(err_set(&detail, ERR_NOMEM, "out of memory"), &detail);
    memcpy(words, argv, argc * sizeof(*words));
    execvp(words[0], words);
    status = err_set(&detail, ERR_IO, "%s: %s", words[0], strerror(errno));
    mem_free(words);
    return init_complain(status, &detail);
}

const struct commands_command init_run = {
    .text = {"run", "-- PROGRAM [ARGUMENT ...]", "wait for what a program needs, then run it",
             "The program takes this one's place, and gets its signals."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
