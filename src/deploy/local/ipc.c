#include "deploy/local/ipc.h"

#include "base/mem.h"
#include "vault/vault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    ANSWER_MAX = 16 << 20,
    ANSWER_SECONDS = 30,
};

static int connect_node(int *ret_fd, const struct deploy_site_peer *peer, struct err_detail *detail)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    /* The site refuses folders for which this would be too long. */
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.93s/node/geth.ipc", peer->folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(detail, ERR_IO, "socket: %s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        int problem = errno;
        close(fd);
        return err_set(detail, ERR_NOTFOUND, "the node of %s does not answer at %s: %s", peer->name,
                       address.sun_path, strerror(problem));
    }
    *ret_fd = fd;
    return ERR_OK;
}

static int send_all(int fd, const char *text, size_t length)
{
    while (length) {
        ssize_t n = send(fd, text, length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        text += n;
        length -= (size_t)n;
    }
    return ERR_OK;
}

/* An answer is one line. */
static int receive(struct buf *answer, int fd)
{
    while (answer->len < ANSWER_MAX) {
        uint8_t part[4096];
        ssize_t n = recv(fd, part, sizeof(part), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        buf_append(answer, part, (size_t)n);
        if (part[n - 1] == '\n')
            return buf_status(answer);
    }
    return ERR_LIMIT;
}

static int take_result(json_t **ret_result, const struct buf *answer, const char *method,
                       const char *name, struct err_detail *detail)
{
    json_t *root = json_loadb((const char *)answer->data, answer->len, 0, NULL);
    const char *message =
        json_string_value(json_object_get(json_object_get(root, "error"), "message"));
    json_t *result = json_object_get(root, "result");
    int status = ERR_OK;
    if (message)
        status = err_set(detail, ERR_INPUT, "%s: %s: %s", name, method, message);
    else if (!result)
        status = err_set(detail, ERR_INPUT, "%s: %s: no result", name, method);
    else
        *ret_result = json_incref(result);
    json_decref(root);
    return status;
}

int deploy_ipc(json_t **ret_result, const struct deploy_site_peer *peer, const char *method,
               json_t *params, struct err_detail *detail)
{
    struct buf answer = BUF_INIT;
    int fd = -1;
    json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method", method,
                                "params", params ? params : json_array());
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    vault_drop(request);
    if (!text)
        return err_set(detail, ERR_NOMEM, "%s: out of memory", method);
    int status = connect_node(&fd, peer, detail);
    if (status == ERR_OK) {
        status = send_all(fd, text, strlen(text));
        if (status == ERR_OK)
            status = receive(&answer, fd);
        if (status != ERR_OK)
            err_set(detail, status, "%s: %s: %s", peer->name, method, err_text(status));
        close(fd);
    }
    mem_wipe(text, strlen(text));
    free(text); /* from malloc, by jansson */
    if (status == ERR_OK)
        status = take_result(ret_result, &answer, method, peer->name, detail);
    buf_release(&answer);
    return status;
}
