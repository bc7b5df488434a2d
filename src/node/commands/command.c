#include "node/commands/command.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/pool.h"
#include "node/log/log.h"
#include "node/manager.h"
#include "node/tell.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int node_fatal(const char *format, ...)
{
    char text[1024];
    struct stat out, err;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "Fatal: %s\n", text);
    if (fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 &&
        (out.st_dev != err.st_dev || out.st_ino != err.st_ino))
        printf("Fatal: %s\n", text);
    fflush(stdout);
    return NODE_EXIT_FATAL;
}

int node_no_topic(const char *name)
{
    fprintf(stderr, "No help topic for '%.200s'\n", name);
    return NODE_EXIT_NO_TOPIC;
}

/* --- Elapsed time, as Go prints it --- */

static void print_done(const char *what, double since, const char *end)
{
    double took = base_now_seconds() - since;
    if (took < 1e-3)
        printf("%s done in %.3fµs%s\n", what, took * 1e6, end);
    else if (took < 1)
        printf("%s done in %.6fms%s\n", what, took * 1e3, end);
    else
        printf("%s done in %.9fs%s\n", what, took, end);
}

/* --- Opening --- */

/*
 * GoQuorum reads --override.berlin for Ethereum's main network alone: on every other it goes by the configuration that `init`
 * wrote (core/genesis.go). Obeying the flag here would leave such a network, ignoring it would leave who gave it in the
 * dark: it must say what is the case.
 */
static int check_berlin(const struct chain *chain, uint64_t wanted, struct err_detail *detail)
{
    const struct chain_optional *berlin = &chain_configuration(chain)->blocks[CHAIN_BLOCK_BERLIN];
    char is[32] = "not set";
    if (berlin->set && berlin->value == wanted)
        return ERR_OK;
    if (berlin->set)
        snprintf(is, sizeof(is), "at block %llu", (unsigned long long)berlin->value);
    return err_set(
        detail, ERR_USAGE,
        "--override.berlin %llu: by its genesis file this chain's Berlin fork is %s, and that "
        "stands, as in GoQuorum: leave the flag out, or write \"berlinBlock\": %llu into the "
        "genesis file's config and give it "
        "to init once more, on every node",
        (unsigned long long)wanted, is, (unsigned long long)wanted);
}

int node_open_chain(struct chain **ret_chain, const struct node_config *config,
                    const struct node_datadir *dir, struct bytes genesis, struct pool *pool,
                    const struct chain_payloads *payloads, struct err_detail *detail)
{
    char path[NODE_PATH_MAX];
    int status = node_datadir_path(dir, path, "quorate", detail);
    if (status != ERR_OK)
        return status;
    struct chain_options options = {
        .path = path,
        .genesis = genesis,
        .archive = strcmp(config->gcmode, "archive") == 0,
        .overrides = {.istanbul_block_period = config->blockperiod,
                      .istanbul_request_timeout = config->requesttimeout,
                      .allowed_future_time = config->allowedfuture},
        .revert_reasons = config->revertreason,
        .pool = pool,
        .payloads = payloads,
    };
    status = chain_open(ret_chain, &options, detail);
    if (status == ERR_OK && node_config_given(config, "override.berlin"))
        status = check_berlin(*ret_chain, config->override_berlin, detail);
    if (status == ERR_USAGE) {
        chain_free(*ret_chain);
        *ret_chain = NULL;
    }
    return status;
}

struct opened {
    struct node_datadir dir;
    struct pool *pool;
    struct node_manager *manager;
    struct chain *chain;
};

static void close_all(struct opened *o)
{
    chain_free(o->chain);
    node_manager_free(o->manager);
    pool_free(o->pool);
    node_datadir_close(&o->dir);
}

/* For commands that work on a chain that is there; `executes`: blocks, too. Prints what is wrong. */
static int open_all(struct opened *ret_opened, const struct node_config *config, bool executes)
{
    struct err_detail detail = {""};
    struct opened o = {.dir = {.lock = -1}};
    int status = node_datadir_open(&o.dir, config->datadir, &detail);
    if (status != ERR_OK)
        return node_fatal("Failed to create the protocol stack: %s", detail.text);
    status = pool_new(&o.pool, 0);
    if (status != ERR_OK)
        err_set(&detail, status, "threads: %s", err_text(status));
    else
        status = node_manager_open(&o.manager, config, &detail);
    if (status == ERR_OK)
        status = node_open_chain(&o.chain, config, &o.dir, bytes_none(), o.pool,
                                 node_manager_payloads(o.manager), &detail);
    if (status == ERR_OK && executes)
        status = node_manager_serve(o.manager, o.chain, &detail);
    if (status != ERR_OK) {
        close_all(&o);
        return node_fatal("%s", detail.text);
    }
    *ret_opened = o;
    return NODE_EXIT_OK;
}

/* --- init --- */

static int read_genesis(struct buf *json, const char *path)
{
    struct err_detail detail = {""};
    if (access(path, R_OK) != 0)
        return node_fatal("Failed to read genesis file: open %s: %s", path,
                          node_system_text(errno));
    int status = file_read(path, CHAIN_GENESIS_SIZE_MAX, json, &detail);
    return status == ERR_OK ? NODE_EXIT_OK
                            : node_fatal("Failed to read genesis file: %s", detail.text);
}

/* What the reference's `init` leaves beside the chain: scripts read the node key from there. Prints what fails. */
static int make_keys(const struct node_config *config, const struct node_datadir *dir)
{
    struct crypto_private_key key;
    struct err_detail detail = {""};
    char path[NODE_PATH_MAX];
    int status = node_key_load(&key, dir, config, &detail);
    mem_wipe(&key, sizeof(key));
    if (status == ERR_OK)
        status = node_datadir_root_path(dir, path, "keystore", &detail);
    if (status == ERR_OK)
        status = file_make_folders(*config->keystore ? config->keystore : path, 0700, &detail);
    return status == ERR_OK ? NODE_EXIT_OK : node_fatal("%s", detail.text);
}

static int write_genesis(const struct node_config *config, struct bytes json)
{
    struct node_datadir dir = {.lock = -1};
    struct err_detail detail = {""};
    struct chain *chain = NULL;
    int status = node_datadir_open(&dir, config->datadir, &detail);
    if (status != ERR_OK)
        return node_fatal("%s: %s",
                          status == ERR_BUSY ? "Failed to create the protocol stack"
                                             : "Failed to open database",
                          detail.text);
    status = node_open_chain(&chain, config, &dir, json, NULL, NULL, &detail);
    if (status == ERR_OK && make_keys(config, &dir) != NODE_EXIT_OK) {
        chain_free(chain);
        node_datadir_close(&dir);
        return NODE_EXIT_FATAL;
    }
    if (status == ERR_OK)
        NODE_LOG(NODE_LOG_INFO, "Successfully wrote genesis state",
                 node_text("database", "chaindata"),
                 node_hash("hash", &chain_genesis_of(chain)->hash));
    chain_free(chain);
    node_datadir_close(&dir);
    if (status == ERR_OK)
        return NODE_EXIT_OK;
    /* The reference says what differs without saying where. */
    const char *what = strstr(detail.text, "quorate: ");
    return node_fatal("Failed to write genesis block: %s",
                      what && status == ERR_INPUT ? what + strlen("quorate: ") : detail.text);
}

static int init_chain(const struct node_config *config, struct bytes json)
{
    struct err_detail detail = {""};
    struct chain_genesis *genesis;
    struct chain_overrides none = {0};
    int status = chain_genesis_new(&genesis, json, &none, &detail);
    if (status != ERR_OK)
        return node_fatal("%s", detail.text); /* "invalid genesis file: …" */
    status = chain_config_check_init(genesis->config, genesis->header.extra, &detail);
    chain_genesis_free(genesis);
    return status == ERR_OK ? write_genesis(config, json) : node_fatal("%s", detail.text);
}

static int run_init(const struct node_config *config, size_t count, char **arguments)
{
    struct buf json = BUF_INIT;
    if (count == 0)
        return node_fatal("Must supply path to genesis JSON file");
    int code = read_genesis(&json, arguments[0]);
    if (code == NODE_EXIT_OK)
        code = init_chain(config, buf_bytes(&json));
    buf_release(&json);
    return code;
}

/* --- export and import --- */

static bool whole_number(const char *text, uint64_t *ret_number)
{
    return text[0] != '-' && text[1] != 'x' && hex_u64(text, ret_number);
}

static int run_export(const struct node_config *config, size_t count, char **arguments)
{
    struct err_detail detail = {""};
    struct opened o;
    uint64_t first = 0, last = 0;
    if (count == 0)
        return node_fatal("This command requires an argument.");
    if (count >= 3 && (!whole_number(arguments[1], &first) || !whole_number(arguments[2], &last)))
        return node_fatal("Export error in parsing parameters: block number not an integer");
    if (first > INT64_MAX || last > INT64_MAX)
        return node_fatal("Export error: block number must be greater than 0");
    int code = open_all(&o, config, false);
    if (code != NODE_EXIT_OK)
        return code;
    struct chain_head head;
    chain_head(o.chain, &head);
    uint64_t number = head.block->header.number;
    chain_head_release(&head);
    double since = base_now_seconds();
    if (count < 3)
        last = number;
    if (last > number)
        code = node_fatal("Export error: block number %llu larger than head block %llu",
                          (unsigned long long)last, (unsigned long long)number);
    else if (first > last)
        code = node_fatal("Export error: export failed: first (%llu) is greater than last (%llu)",
                          (unsigned long long)first, (unsigned long long)last);
    else {
        NODE_LOG(NODE_LOG_INFO, "Exporting blockchain", node_text("file", arguments[0]));
        if (chain_export_file(o.chain, arguments[0], first, last, count >= 3, &detail) != ERR_OK)
            code = node_fatal("Export error: %s", detail.text);
    }
    close_all(&o);
    if (code != NODE_EXIT_OK)
        return code;
    NODE_LOG(NODE_LOG_INFO, "Exported blockchain", node_text("file", arguments[0]));
    print_done("Export", since, "");
    return code;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signum)
{
    (void)signum;
    interrupted = 1;
}

/* As GoQuorum: what came since the last line, at most every so often. */
enum { TOLD_SECONDS = 8 };

struct import_log {
    struct chain *chain;
    double last;
    struct chain_progress now, told;
};

static void tell_import(struct import_log *log)
{
    struct chain_head head;
    double now = base_now_seconds();
    struct node_segment segment = {
        .blocks = (log->now.blocks - log->now.known) - (log->told.blocks - log->told.known),
        .transactions = log->now.transactions - log->told.transactions,
        .gas = log->now.gas - log->told.gas,
        .took_us = (uint64_t)((now - log->last) * 1e6),
        .known = log->now.known - log->told.known,
    };
    log->told = log->now;
    log->last = now;
    if (segment.blocks == 0)
        return;
    chain_head(log->chain, &head);
    segment.last = head.block;
    node_tell_segment(&segment);
    chain_head_release(&head);
}

static bool import_progress(void *context, const struct chain_progress *progress)
{
    struct import_log *log = context;
    log->now = *progress;
    if (base_now_seconds() - log->last >= TOLD_SECONDS)
        tell_import(log);
    return !interrupted;
}

static int run_import(const struct node_config *config, size_t count, char **arguments)
{
    struct opened o;
    char last[512] = ""; /* of the errors: what the reference ends with */
    if (count == 0)
        return node_fatal("This command requires an argument.");
    int code = open_all(&o, config, true);
    if (code != NODE_EXIT_OK)
        return code;
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    double since = base_now_seconds();
    for (size_t i = 0; i < count && !interrupted; i++) {
        struct err_detail detail = {""};
        struct import_log log = {.chain = o.chain, .last = base_now_seconds()};
        NODE_LOG(NODE_LOG_INFO, "Importing blockchain", node_text("file", arguments[i]));
        int status = access(arguments[i], R_OK) == 0
                         ? chain_import_file(o.chain, arguments[i], import_progress, &log, &detail)
                         : err_set(&detail, ERR_NOTFOUND, "open %s: %s", arguments[i],
                                   node_system_text(errno));
        tell_import(&log);
        if (status != ERR_OK) {
            NODE_LOG(NODE_LOG_ERROR, "Import error", node_text("file", arguments[i]),
                     node_text("err", detail.text));
            code = NODE_EXIT_FATAL;
            snprintf(last, sizeof(last), "%s", detail.text);
        }
    }
    if (interrupted) {
        NODE_LOG(NODE_LOG_INFO, "Interrupted during import, stopping at next batch");
        NODE_LOG(NODE_LOG_ERROR, "Import error", node_text("err", "interrupted"));
        snprintf(last, sizeof(last), "interrupted");
        code = NODE_EXIT_FATAL;
    }
    if (*last)
        fprintf(stderr, "%s\n", last);
    close_all(&o);
    print_done("Import", since, ".");
    return code;
}

/* --- small ones --- */

static int run_dumpgenesis(const struct node_config *config, size_t count, char **arguments)
{
    struct opened o;
    struct buf b = BUF_INIT;
    (void)count;
    (void)arguments;
    int code = open_all(&o, config, false);
    if (code != NODE_EXIT_OK)
        return code;
    chain_config_write(&b, chain_configuration(o.chain));
    puts(buf_text(&b));
    buf_release(&b);
    close_all(&o);
    return code;
}

static void tell_block(void *context, uint64_t number, const struct hash256 *hash)
{
    char text[2 * sizeof(hash->b) + 1] = {0};
    (void)context;
    hex_encode(text, bytes_of(hash->b, sizeof(hash->b)));
    printf("Processing block %llu with hash 0x%s\n", (unsigned long long)number, text);
}

static int run_mpsdbupgrade(const struct node_config *config, size_t count, char **arguments)
{
    struct opened o;
    struct err_detail detail = {""};
    (void)arguments;
    if (count)
        return node_fatal("mpsdbupgrade takes no argument");
    int code = open_all(&o, config, false);
    if (code != NODE_EXIT_OK)
        return code;
    int status = chain_private_upgrade(o.chain, tell_block, NULL, &detail);
    close_all(&o);
    if (status != ERR_OK)
        return node_fatal("%s", detail.text);
    printf("MPS DB upgrade finished successfully.\n");
    return NODE_EXIT_OK;
}

static int run_version(const struct node_config *config, size_t count, char **arguments)
{
    (void)count;
    (void)arguments;
    printf("Geth\nVersion: %s\nQuorum Version: %s\nArchitecture: amd64\nNetwork Id: %llu\n"
           "Quorate Version: %s\nOperating System: linux\n",
           NODE_GETH_VERSION, NODE_QUORUM_VERSION, (unsigned long long)config->networkid,
           QUORATE_VERSION);
    return NODE_EXIT_OK;
}

const struct node_command node_commands[] = {
    {"init", run_init},
    {"export", run_export},
    {"import", run_import},
    {"version", run_version},
    {"dump", node_run_dump},
    {"dumpgenesis", run_dumpgenesis},
    {"mpsdbupgrade", run_mpsdbupgrade},
    {"account", node_run_account},
    {"attach", node_run_attach},
    {"console", node_run_console},
    {"js", node_run_js},
    {"dumpconfig", node_run_dumpconfig},
    {"removedb", node_run_removedb},
    {"license", node_run_license},
    {"migrate", node_run_migrate},
    {"backup", node_run_backup},
    {"private", node_run_private},
    {"show-deprecated-flags", node_run_deprecated},
};

const size_t node_command_count = BASE_COUNT(node_commands);
