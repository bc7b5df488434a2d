/* The files of a data directory beside the chain: keys, peers, permissions, extensions. */
#include "base/file.h"
#include "base/mem.h"
#include "node/commands/command.h"
#include "node/log/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { COPY_MAX = 16 << 20 };

/* Copies unless it is there; what is no regular file, or a link to a disk that is not mounted, is an error, so that no copy lacks a
 * key without a word; another file under the name is an error, because either may be the right one, unless it is to be
 * replaced. */
static int copy_file(struct node_copied *copied, const char *from, const char *to, bool replace)
{
    struct buf theirs = BUF_INIT, ours = BUF_INIT;
    struct err_detail detail = {""};
    struct stat st;
    if (!file_is_there(from))
        return NODE_EXIT_OK;
    int status = file_read_regular(from, COPY_MAX, &theirs, &detail);
    int code = NODE_EXIT_OK;
    bool there = stat(to, &st) == 0;
    if (status == ERR_OK && there)
        status = file_read_regular(to, COPY_MAX, &ours, &detail);
    if (status == ERR_OK && there && bytes_equal(buf_bytes(&ours), buf_bytes(&theirs))) {
        copied->same++;
    } else if (status == ERR_OK && there && !replace) {
        code = node_fatal("%s and %s differ: remove the one that is wrong", from, to);
    } else if (status == ERR_OK) {
        status = file_write_private(to, buf_bytes(&theirs), &detail);
        copied->copied += status == ERR_OK;
        if (status == ERR_OK)
            NODE_LOG(NODE_LOG_INFO, "Copied", node_text("file", to));
    }
    mem_wipe(theirs.data, theirs.len); /* keys are among them */
    mem_wipe(ours.data, ours.len);
    buf_release(&theirs);
    buf_release(&ours);
    return status == ERR_OK ? code : node_fatal("%s", detail.text);
}

static int copy_keystore(struct node_copied *copied, const char *place, const char *root)
{
    char from[NODE_PATH_MAX], to[NODE_PATH_MAX], source[NODE_PATH_MAX + 300],
        target[NODE_PATH_MAX + 300];
    struct err_detail detail = {""};
    snprintf(from, sizeof(from), "%.4000s/keystore", place);
    snprintf(to, sizeof(to), "%.4000s/keystore", root);
    DIR *folder = opendir(from);
    if (!folder && errno == ENOENT)
        return file_is_there(from) ? node_fatal("%s is a link to what is not there", from)
                                   : NODE_EXIT_OK;
    if (!folder)
        return node_fatal("%s: %s", from, node_system_text(errno));
    int code = file_make_folders(to, 0700, &detail) == ERR_OK ? NODE_EXIT_OK
                                                              : node_fatal("%s", detail.text);
    const struct dirent *entry;
    struct stat st;
    while (code == NODE_EXIT_OK && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(source, sizeof(source), "%s/%.255s", from, entry->d_name);
        snprintf(target, sizeof(target), "%s/%.255s", to, entry->d_name);
        if (stat(source, &st) == 0 && !S_ISREG(st.st_mode))
            continue; /* a folder is no key */
        code = copy_file(copied, source, target, false);
    }
    closedir(folder);
    return code;
}

int node_copy_files(struct node_copied *copied, const char *place, const char *root,
                    bool replace_key)
{
    static const char *const names[] = {
        "geth/nodekey",
        "nodekey",
        "geth/static-nodes.json",
        "static-nodes.json",
        "geth/trusted-nodes.json",
        "trusted-nodes.json",
        "permissioned-nodes.json",
        "disallowed-nodes.json",
        "permission-config.json",
        "geth/activeExtensions.json",
    };
    char from[NODE_PATH_MAX + 64], to[NODE_PATH_MAX + 64];
    int code = NODE_EXIT_OK;
    for (size_t i = 0; i < BASE_COUNT(names) && code == NODE_EXIT_OK; i++) {
        snprintf(from, sizeof(from), "%s/%s", place, names[i]);
        snprintf(to, sizeof(to), "%s/%s", root, names[i]);
        code = copy_file(copied, from, to, replace_key && i == 0);
    }
    return code == NODE_EXIT_OK ? copy_keystore(copied, place, root) : code;
}
