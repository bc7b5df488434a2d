/*
 * private replay GENESIS: rebuilds the private state from the chain and the manager's payloads.
 * private check GENESIS: does the same beside it, and says where the stored one is another.
 *
 * Every block is executed again, into a chain of its own (geth/quorate.replay), which then takes the place of the old one
 * (geth/quorate.before). An interrupted run goes on where it was.
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

struct replay {
    const struct node_config *config;
    struct node_datadir dir;
    struct pool *threads;
    struct node_manager *manager;
    struct chain *old, *new;
    uint64_t compared, gone; /* private roots; gone: the old state is not kept any more */
    uint64_t parted;         /* the first block whose roots differ; 0: none */
    struct hash256 transaction, old_root, new_root;
    time_t told;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* --- Comparing --- */

static bool same_receipt(const struct chain_private_receipt *a,
                         const struct chain_private_receipt *b)
{
    if (!a || !b)
        return a == b;
    return a->is_inner == b->is_inner && a->receipt.success == b->receipt.success &&
           a->receipt.cumulative_gas == b->receipt.cumulative_gas &&
           a->receipt.log_count == b->receipt.log_count &&
           memcmp(&a->receipt.bloom, &b->receipt.bloom, sizeof(a->receipt.bloom)) == 0;
}

/* The first private transaction with another outcome; when none is seen to have one, the first that is private. */
static int find_transaction(struct replay *r, struct chain_reader *old, struct chain_reader *new,
                            const struct chain_block *block)
{
    struct arena arena;
    struct chain_private_receipts a, b;
    const struct eth_body *body = &block->body->body;
    bool found = false;
    arena_init(&arena);
    int err =
        chain_reader_private_receipts(old, &a, &arena, chain_psi_private(), block->header.number);
    if (!err)
        err = chain_reader_private_receipts(new, &b, &arena, chain_psi_private(),
                                            block->header.number);
    for (size_t i = body->transaction_count; i-- > 0 && !err;)
        if (chain_has_payload(&body->transactions[i]))
            r->transaction = block->body->hashes[i];
    for (size_t i = 0; i < body->transaction_count && !err && !found; i++) {
        found = !same_receipt(chain_private_receipt_of(&a, i), chain_private_receipt_of(&b, i));
        if (found)
            r->transaction = block->body->hashes[i];
    }
    arena_release(&arena);
    return err;
}

static int compare(struct replay *r, struct chain_reader *old, struct chain_reader *new,
                   const struct chain_block *block)
{
    struct state_reader a, b;
    uint64_t number = block->header.number;
    int err = chain_reader_private_state(old, &a, chain_psi_private(), number);
    if (err == ERR_NOTFOUND) {
        r->gone++;
        return 0;
    }
    if (!err)
        err = chain_reader_private_state(new, &b, chain_psi_private(), number);
    if (err)
        return err;
    r->compared++;
    if (r->parted || hash256_equal(&a.root.hash, &b.root.hash))
        return 0;
    r->parted = number;
    r->old_root = a.root.hash;
    r->new_root = b.root.hash;
    return find_transaction(r, old, new, block);
}

/* --- Replaying --- */

static int replay_block(struct replay *r, uint64_t number, struct err_detail *detail)
{
    struct chain_reader old, new;
    struct chain_block *block = NULL;
    enum chain_verdict verdict;
    int err = chain_reader_open(&old, r->old);
    if (err)
        return err_set(detail, err, "%s", old.detail.text);
    err = chain_reader_block(&old, &block, number);
    if (err)
        err_set(detail, err, "%s", *old.detail.text ? old.detail.text : err_text(err));
    if (!err)
        err = chain_commit(r->new, &verdict, detail, block);
    if (!err && verdict != CHAIN_VALID)
        err = ERR_CORRUPT;
    if (!err && (err = chain_reader_open(&new, r->new)) == 0) {
        err = compare(r, &old, &new, block);
        chain_reader_close(&new);
    }
    chain_block_unref(block);
    chain_reader_close(&old);
    return err && !*detail->text ? err_set(detail, err, "%s", err_text(err)) : err;
}

static uint64_t height(struct chain *chain)
{
    struct chain_head head;
    chain_head(chain, &head);
    uint64_t number = head.block->header.number;
    chain_head_release(&head);
    return number;
}

static int replay_all(struct replay *r)
{
    struct err_detail detail = {""};
    uint64_t last = height(r->old);
    for (uint64_t number = height(r->new) + 1; number <= last; number++) {
        if (interrupted)
            return node_fatal("interrupted: the same command goes on from here");
        if (replay_block(r, number, &detail) != ERR_OK)
            return node_fatal("block %llu: %s", (unsigned long long)number, detail.text);
        time_t now = time(NULL);
        if (now - r->told >= PROGRESS_SECONDS) {
            r->told = now;
            NODE_LOG(NODE_LOG_INFO, "Replayed", node_number("number", number),
                     node_number("of", last));
        }
    }
    return NODE_EXIT_OK;
}

static void report(const struct replay *r)
{
    char hex[3][65] = {"", "", ""};
    printf(
        "Blocks:  up to %llu\n"
        "Roots:   %llu private state roots compared, %llu of states that are not kept any more\n",
        (unsigned long long)height(r->new), (unsigned long long)r->compared,
        (unsigned long long)r->gone);
    if (!r->parted) {
        printf("         all the same\n");
        return;
    }
    hex_encode(hex[0], bytes_of(r->transaction.b, 32));
    hex_encode(hex[1], bytes_of(r->old_root.b, 32));
    hex_encode(hex[2], bytes_of(r->new_root.b, 32));
    printf("Parted:  first at block %llu, transaction 0x%s\n"
           "         was 0x%s\n"
           "         is  0x%s\n",
           (unsigned long long)r->parted, hex[0], hex[1], hex[2]);
}

/* --- Opening --- */

static int open_both(struct replay *r, const char *genesis, const char *old, const char *new)
{
    struct err_detail detail = {""};
    struct buf json = BUF_INIT;
    int status = file_read(genesis, CHAIN_GENESIS_SIZE_MAX, &json, &detail);
    if (status == ERR_OK)
        status = pool_new(&r->threads, 0);
    if (status == ERR_OK)
        status = node_manager_open(&r->manager, r->config, &detail);
    if (status == ERR_OK && !r->manager)
        status = err_set(&detail, ERR_USAGE,
                         "there is no private transaction manager to ask for payloads: name it by "
                         "PRIVATE_CONFIG or --ptm.socket");
    const struct chain_options was = {.path = old};
    if (status == ERR_OK)
        status = chain_open(&r->old, &was, &detail);
    if (status == ERR_OK)
        status = file_make_folders(new, 0700, &detail);
    if (status == ERR_OK) {
        const struct chain_options is = {.path = new,
                                         .sync = STORE_SYNC_COMMIT,
                                         .genesis = buf_bytes(&json),
                                         .archive = chain_is_archive(r->old),
                                         .pool = r->threads,
                                         .payloads = node_manager_payloads(r->manager)};
        status = chain_open(&r->new, &is, &detail);
        if (status == ERR_OK)
            status = node_manager_serve(r->manager, r->new, &detail);
    }
    if (status == ERR_OK &&
        !hash256_equal(&chain_genesis_of(r->old)->hash, &chain_genesis_of(r->new)->hash))
        status = err_set(&detail, ERR_INPUT, "%s: the chain in %s has another genesis block",
                         genesis, old);
    buf_release(&json);
    return status == ERR_OK ? NODE_EXIT_OK
                            : node_fatal("%s", *detail.text ? detail.text : err_text(status));
}

static void close_both(struct replay *r)
{
    chain_free(r->new);
    chain_free(r->old);
    node_manager_free(r->manager);
    pool_free(r->threads);
}

/* --- Taking its place --- */

static int swap(const char *old, const char *new, const char *before)
{
    struct stat st;
    if (stat(before, &st) == 0)
        return node_fatal(
            "%s is there from an earlier replay: remove it and give the command again", before);
    if (rename(old, before) != 0)
        return node_fatal("%s: %s", old, node_system_text(errno));
    if (rename(new, old) != 0) {
        int reason = errno;
        if (rename(before, old) != 0)
            return node_fatal("%s: %s; the old chain is in %s", new, node_system_text(reason),
                              before);
        return node_fatal("%s: %s", new, node_system_text(reason));
    }
    printf("The chain was replaced; the old one is in %s, to be removed when all is well\n",
           before);
    return NODE_EXIT_OK;
}

static int run(struct replay *r, const char *genesis, bool replace)
{
    char old[NODE_PATH_MAX], new[NODE_PATH_MAX], before[NODE_PATH_MAX];
    struct err_detail detail = {""};
    int status = node_datadir_path(&r->dir, old, "quorate", &detail);
    if (status == ERR_OK)
        status =
            node_datadir_path(&r->dir, new, replace ? "quorate.replay" : "quorate.check", &detail);
    if (status == ERR_OK)
        status = node_datadir_path(&r->dir, before, "quorate.before", &detail);
    if (status != ERR_OK)
        return node_fatal("%s", detail.text);
    int code = open_both(r, genesis, old, new);
    if (code == NODE_EXIT_OK)
        code = replay_all(r);
    if (code == NODE_EXIT_OK)
        report(r);
    close_both(r);
    if (code == NODE_EXIT_OK && replace)
        return swap(old, new, before);
    if (code == NODE_EXIT_OK && !replace && file_remove_folder(new, &detail) != ERR_OK)
        code = node_fatal("%s", detail.text);
    return code == NODE_EXIT_OK && r->parted ? NODE_EXIT_FATAL : code;
}

static int run_replay(const struct node_config *config, const char *genesis, bool replace)
{
    struct replay r = {.config = config, .dir = {.lock = -1}, .told = time(NULL)};
    struct err_detail detail = {""};
    if (node_datadir_open(&r.dir, config->datadir, &detail) != ERR_OK)
        return node_fatal("%s", detail.text);
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    int code = run(&r, genesis, replace);
    node_datadir_close(&r.dir);
    return code;
}

int node_run_private(const struct node_config *config, size_t count, char **arguments)
{
    const char *what = count ? arguments[0] : "";
    if (count == 2 && (strcmp(what, "replay") == 0 || strcmp(what, "check") == 0))
        return run_replay(config, arguments[1], *what == 'r');
    if (count >= 2 && strcmp(what, "audit") == 0)
        return node_audit(config, count - 1, arguments + 1);
    return node_fatal("private takes 'replay GENESIS', 'check GENESIS', or 'audit OWN-ENDPOINT "
                      "[OTHER-ENDPOINT …]'");
}
