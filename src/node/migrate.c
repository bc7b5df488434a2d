/*
 * migrate --from PLACE [EXPORT FILE ...]: brings what a GoQuorum node has into the data directory.
 *
 * PLACE is geth's data directory (keys, static nodes, permission files) or an export file. The chain comes from export
 * files: each block is executed and its roots compared, blocks that are there are passed over, so that an interrupted
 * run goes on where it was. Nothing in PLACE is changed.
 */
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/pool.h"
#include "node/command.h"
#include "node/log.h"
#include "node/manager.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum { COPY_MAX = 16 << 20, PROGRESS_SECONDS = 2 };

struct migration {
    const struct node_config *config;
    struct node_datadir dir;
    unsigned copied, same;
    uint64_t known, blocks; /* of those read */
    time_t told;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* --- Files --- */

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Copies unless it is there; another file under the name is an error, because either may be the right one. */
static int copy_file(struct migration *m, const char *from, const char *to)
{
    struct buf theirs = BUF_INIT, ours = BUF_INIT;
    struct err_detail detail = {""};
    struct stat st;
    if (stat(from, &st) != 0 || !S_ISREG(st.st_mode))
        return NODE_EXIT_OK;
    int status = file_read(from, COPY_MAX, &theirs, &detail);
    int code = NODE_EXIT_OK;
    if (status == ERR_OK && stat(to, &st) == 0) {
        status = file_read(to, COPY_MAX, &ours, &detail);
        if (status == ERR_OK && !bytes_equal(buf_bytes(&ours), buf_bytes(&theirs)))
            code = node_fatal("%s and %s differ: remove the one that is wrong", from, to);
        m->same += code == NODE_EXIT_OK;
    } else if (status == ERR_OK) {
        status = file_write_private(to, buf_bytes(&theirs), &detail);
        m->copied += status == ERR_OK;
        if (status == ERR_OK)
            NODE_LOG(NODE_LOG_INFO, "Copied", node_text("file", to));
    }
    mem_wipe(theirs.data, theirs.len); /* keys are among them */
    mem_wipe(ours.data, ours.len);
    buf_release(&theirs);
    buf_release(&ours);
    return status == ERR_OK ? code : node_fatal("%s", detail.text);
}

static int copy_keystore(struct migration *m, const char *place)
{
    char from[NODE_PATH_MAX], to[NODE_PATH_MAX], source[NODE_PATH_MAX + 300],
        target[NODE_PATH_MAX + 300];
    struct err_detail detail = {""};
    snprintf(from, sizeof(from), "%.4000s/keystore", place);
    snprintf(to, sizeof(to), "%.4000s/keystore", m->dir.root);
    DIR *folder = opendir(from);
    if (!folder)
        return errno == ENOENT ? NODE_EXIT_OK : node_fatal("%s: %s", from, strerror(errno));
    int code = file_make_folders(to, 0700, &detail) == ERR_OK ? NODE_EXIT_OK
                                                              : node_fatal("%s", detail.text);
    const struct dirent *entry;
    while (code == NODE_EXIT_OK && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(source, sizeof(source), "%s/%.255s", from, entry->d_name);
        snprintf(target, sizeof(target), "%s/%.255s", to, entry->d_name);
        code = copy_file(m, source, target);
    }
    closedir(folder);
    return code;
}

static int copy_files(struct migration *m, const char *place)
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
        snprintf(to, sizeof(to), "%s/%s", m->dir.root, names[i]);
        code = copy_file(m, from, to);
    }
    return code == NODE_EXIT_OK ? copy_keystore(m, place) : code;
}

/* --- The chain --- */

static bool progress(void *context, const struct chain_progress *p)
{
    struct migration *m = context;
    time_t now = time(NULL);
    if (now - m->told >= PROGRESS_SECONDS) {
        m->told = now;
        NODE_LOG(NODE_LOG_INFO, "Checked and imported", node_number("blocks", p->blocks),
                 node_number("txs", p->transactions), node_number("number", p->head),
                 node_number("known", p->known));
    }
    m->known = p->known;
    m->blocks = p->blocks;
    return !interrupted;
}

static int import_files(struct migration *m, struct chain *chain, size_t count, char *const *files)
{
    int code = NODE_EXIT_OK;
    uint64_t blocks = 0, known = 0;
    for (size_t i = 0; i < count && code == NODE_EXIT_OK && !interrupted; i++) {
        struct err_detail detail = {""};
        m->blocks = m->known = 0;
        NODE_LOG(NODE_LOG_INFO, "Importing blockchain", node_text("file", files[i]));
        if (chain_import_file(chain, files[i], progress, m, &detail) != ERR_OK && !interrupted)
            code = node_fatal("%s: %s", files[i], detail.text);
        blocks += m->blocks;
        known += m->known;
    }
    m->blocks = blocks;
    m->known = known;
    if (interrupted)
        code = node_fatal("interrupted: the same command goes on from here");
    return code;
}

static void report(const struct migration *m, struct chain *chain)
{
    struct chain_head head;
    char root[65] = "", hash[65] = "";
    chain_head(chain, &head);
    hex_encode(hash, bytes_of(head.block->hash.b, 32));
    hex_encode(root, bytes_of(head.block->header.state_root.b, 32));
    printf("Files:   %u copied, %u there already\n"
           "Chain:   head %llu, 0x%s\n"
           "         state root 0x%s\n"
           "Blocks:  %llu checked and imported, %llu there already\n",
           m->copied, m->same, (unsigned long long)head.block->header.number, hash, root,
           (unsigned long long)(m->blocks - m->known), (unsigned long long)m->known);
    chain_head_release(&head);
}

static int no_chain(const struct migration *m, const char *place)
{
    return node_fatal(
        "there is no chain in %s: make one with 'init GENESIS --datadir %s', with the "
        "genesis file of %s",
        m->dir.root, m->dir.root, place);
}

static int take_chain(struct migration *m, const char *place, size_t count, char *const *files)
{
    struct err_detail detail = {""};
    struct pool *threads = NULL;
    struct node_manager *manager = NULL;
    struct chain *chain = NULL;
    int code = NODE_EXIT_OK;
    int status = pool_new(&threads, 0);
    if (status == ERR_OK) /* the private state is made anew from the manager's payloads */
        status = node_manager_open(&manager, m->config, &detail);
    if (status == ERR_OK)
        status = node_open_chain(&chain, m->config, &m->dir, bytes_none(), threads,
                                 node_manager_payloads(manager), &detail);
    if (status == ERR_OK)
        status = node_manager_serve(manager, chain, &detail);
    if (status == ERR_NOTFOUND)
        code = no_chain(m, place);
    else if (status != ERR_OK)
        code = node_fatal("%s", *detail.text ? detail.text : err_text(status));
    else
        code = import_files(m, chain, count, files);
    if (chain)
        report(m, chain);
    chain_free(chain);
    node_manager_free(manager);
    pool_free(threads);
    if (code == NODE_EXIT_OK && count == 0)
        printf("\nThe blocks themselves are in geth's own database, which only geth reads. Stop "
               "it, then:\n"
               "    geth --datadir %s export chain.rlp.gz\n"
               "    quorate-node --datadir %s migrate --from %s chain.rlp.gz\n",
               place, m->dir.root, place);
    return code;
}

int node_run_migrate(const struct node_config *config, size_t count, char **arguments)
{
    struct migration m = {.config = config, .dir = {.lock = -1}, .told = time(NULL)};
    struct err_detail detail = {""};
    char *one[] = {(char *)(uintptr_t)config->from};
    struct stat st;
    if (!*config->from)
        return node_fatal(
            "migrate takes --from with geth's data directory, or a file of its export");
    if (stat(config->from, &st) != 0)
        return node_fatal("open %s: %s", config->from, strerror(errno));
    if (node_datadir_open(&m.dir, config->datadir, &detail) != ERR_OK)
        return node_fatal("%s", detail.text);
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    bool folder = is_folder(config->from);
    int code = folder ? copy_files(&m, config->from) : NODE_EXIT_OK;
    if (code == NODE_EXIT_OK)
        code = folder ? take_chain(&m, config->from, count, arguments)
                      : take_chain(&m, config->from, 1, one);
    node_datadir_close(&m.dir);
    return code;
}
