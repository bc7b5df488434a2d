/*
 * migrate --from PLACE [EXPORT FILE ...]: brings what a GoQuorum node has into the data directory.
 *
 * PLACE is geth's data directory (keys, static nodes, permission files) or an export file. The chain comes from export
 * files: each block is executed and its roots compared, blocks that are there are passed over, so that an interrupted
 * run goes on where it was. Nothing in PLACE is changed.
 */
#include "base/file.h"
#include "base/hex.h"
#include "base/pool.h"
#include "node/commands/command.h"
#include "node/log/log.h"
#include "node/manager.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PROGRESS_SECONDS = 2 };

struct migration {
    const struct node_config *config;
    struct node_datadir dir;
    struct node_copied files;
    uint64_t known, blocks; /* of those read */
    time_t told;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
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
            code = node_fatal("%s", detail.text); /* which names the file */
        else if (m->blocks == 0 && !interrupted)
            code = node_fatal("%s: there is no block in it: export the chain again", files[i]);
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
           "Blocks:  %llu checked and imported, %llu there already\n"
           "States:  %s\n",
           m->files.copied, m->files.same, (unsigned long long)head.block->header.number, hash,
           root, (unsigned long long)(m->blocks - m->known), (unsigned long long)m->known,
           strcmp(m->config->gcmode, "archive") == 0
               ? "of every block that was imported"
               : "of the last blocks; of an archive node give --gcmode archive here, too");
    chain_head_release(&head);
}

static int no_chain(const struct migration *m, const char *place)
{
    return node_fatal(
        "there is no chain in %s: make one with 'init GENESIS --datadir %s', with the "
        "genesis file of %s",
        m->dir.root, m->dir.root, place);
}

/* Nothing was done here since `init`: its node key is nobody's, and gives way to the old one. */
static bool is_new(const struct migration *m, struct chain *chain)
{
    static const char *const names[] = {"quorate-consensus.0", "quorate-consensus.1"};
    char path[NODE_PATH_MAX];
    struct chain_head head;
    chain_head(chain, &head);
    bool is = head.block->header.number == 0;
    chain_head_release(&head);
    for (size_t i = 0; i < BASE_COUNT(names) && is; i++)
        is = node_datadir_path(&m->dir, path, names[i], NULL) == ERR_OK && !file_is_there(path);
    return is;
}

static int take_files(struct migration *m, struct chain *chain, const char *place)
{
    return is_folder(place) ? node_copy_files(&m->files, place, m->dir.root, is_new(m, chain))
                            : NODE_EXIT_OK;
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
        code = take_files(m, chain, place);
    bool ready = chain && code == NODE_EXIT_OK;
    if (ready) {
        code = import_files(m, chain, count, files);
        report(m, chain);
    }
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
        return node_fatal("open %s: %s", config->from, node_system_text(errno));
    if (node_datadir_open(&m.dir, config->datadir, &detail) != ERR_OK)
        return node_fatal("%s", detail.text);
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    bool folder = is_folder(config->from);
    int code = folder ? take_chain(&m, config->from, count, arguments)
                      : take_chain(&m, config->from, 1, one);
    node_datadir_close(&m.dir);
    return code;
}
