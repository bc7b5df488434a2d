#include "base/mem.h"
#include "base/pool.h"
#include "evmtool/evmtool.h"
#include "evmtool/statetest.h"
#include "evmtool/world.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool as_json, trace, plain;
static const char *fork_option, *filter;
static uint64_t workers;

static const struct options_row rows[] = {
    {"fork", "NAME", OPTIONS_TEXT, &fork_option, "Only the cases of this fork (Frontier … Osaka)."},
    {"filter", "TEXT", OPTIONS_TEXT, &filter, "Only tests whose name contains this."},
    {"json", NULL, OPTIONS_SWITCH, &as_json,
     "The results as a JSON array, one object a case, in place of the summary."},
    {"trace", NULL, OPTIONS_SWITCH, &trace,
     "Every instruction to standard error, as EIP-3155 lines; implies --workers 1."},
    {"plain", NULL, OPTIONS_SWITCH, &plain, "Use the plain interpreter, the twin of the fast one."},
    {"workers", "N", OPTIONS_NUMBER, &workers, "Threads; one per processor when it is left out."},
};

/* What came of one file: text to print, in the order of files whatever thread ran it. */
struct file_result {
    char *path;
    struct buf text;
    size_t passed, failed;
    int error; /* of the file as a whole */
    struct err_detail detail;
};

struct run {
    struct evmtool_statetest_options options;
    struct file_result *files;
    size_t count, capacity;
    struct evmtool_world **worlds; /* one per worker */
    pthread_mutex_t lock;          /* of what follows */
    size_t done;
    time_t last_progress;
};

/* --- Which files --- */

static int add_file(struct run *run, const char *path)
{
    if (MEM_RESERVE(run->files, run->capacity, run->count + 1, 64))
        return ERR_NOMEM;
    size_t size = strlen(path) + 1;
    char *copy = mem_alloc(size);
    if (!copy)
        return ERR_NOMEM;
    memcpy(copy, path, size);
    run->files[run->count++] = (struct file_result){.path = copy, .text = BUF_INIT};
    return ERR_OK;
}

static int add_path(struct run *run, const char *path, struct err_detail *detail);

static int add_folder(struct run *run, const char *path, struct err_detail *detail)
{
    struct dirent **entries;
    int status = ERR_OK, count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return err_set(detail, ERR_IO, "cannot read the folder %s", path);
    for (int i = 0; i < count; i++) {
        struct buf name = BUF_INIT;
        buf_append_format(&name, "%s/%s", path, entries[i]->d_name);
        const char *below = buf_text(&name);
        struct stat st;
        size_t len = strlen(entries[i]->d_name);
        bool is_json = len > 5 && strcmp(entries[i]->d_name + len - 5, ".json") == 0;
        if (status == ERR_OK && entries[i]->d_name[0] != '.' && stat(below, &st) == 0 &&
            (S_ISDIR(st.st_mode) || is_json))
            status = add_path(run, below, detail);
        buf_release(&name);
        free(entries[i]); /* scandir's, from malloc */
    }
    free(entries); /* the same, from malloc */
    return status;
}

static int add_path(struct run *run, const char *path, struct err_detail *detail)
{
    struct stat st;
    if (strcmp(path, "-") != 0 && stat(path, &st) != 0)
        return err_set(detail, ERR_NOTFOUND, "%s: no such file or folder", path);
    if (strcmp(path, "-") != 0 && S_ISDIR(st.st_mode))
        return add_folder(run, path, detail);
    int status = add_file(run, path);
    return status ? err_set(detail, status, "out of memory") : ERR_OK;
}

/* --- One file --- */

static void append_json(struct file_result *file, const struct evmtool_statetest_result *result)
{
    json_t *root = evmtool_json_from_bytes(bytes_of(result->root.b, sizeof(result->root.b)));
    json_t *object = json_pack("{s:s, s:b, s:s, s:i, s:s, s:o, s:s}", "name", result->test, "pass",
                               (int)result->pass, "fork", result->fork, "index", (int)result->index,
                               "error", result->cause, "stateRoot", root, "file", file->path);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    if (text)
        buf_append_format(&file->text, "%s\n", text);
    else
        file->error = err_set(&file->detail, ERR_NOMEM, "out of memory");
    free(text); /* jansson's, from malloc */
    json_decref(object);
}

static void on_case(void *context, const struct evmtool_statetest_result *result)
{
    struct file_result *file = context;
    if (result->pass)
        file->passed++;
    else
        file->failed++;
    if (as_json)
        append_json(file, result);
    else if (!result->pass)
        buf_append_format(&file->text, "FAILED %s: %s [%s %zu]: %s\n", file->path, result->test,
                          result->fork, result->index, result->cause);
}

/* A line that says how far it is, once a second, where somebody watches. */
static void show_progress(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    time_t now = time(NULL);
    run->done++;
    if (now != run->last_progress && !trace && isatty(STDERR_FILENO)) {
        if (run->last_progress)
            fprintf(stderr, "\r%zu of %zu files", run->done, run->count);
        run->last_progress = now;
    }
    pthread_mutex_unlock(&run->lock);
}

static void run_file(void *context, size_t index, unsigned worker)
{
    struct run *run = context;
    struct file_result *file = &run->files[index];
    int status = evmtool_statetest_file(run->worlds[worker], file->path, &run->options, on_case,
                                        file, &file->detail);
    if (status != ERR_OK)
        file->error = status;
    show_progress(run);
}

/* --- The whole --- */

static int run_all(struct run *run, struct err_detail *detail)
{
    struct pool *pool = NULL;
    int status = pool_new(&pool, trace ? 1 : (unsigned)workers);
    if (status != ERR_OK)
        return err_set(detail, status, "cannot start threads: %s", err_text(status));
    unsigned count = pool_workers(pool);
    run->worlds = mem_alloc_zeroed(count, sizeof(struct evmtool_world *));
    if (!run->worlds)
        status = ERR_NOMEM;
    for (unsigned i = 0; i < count && status == ERR_OK; i++)
        status = evmtool_world_new(&run->worlds[i]);
    if (status == ERR_OK)
        pool_run(pool, run->count, run_file, run);
    for (unsigned i = 0; i < count && run->worlds; i++)
        evmtool_world_free(run->worlds[i]);
    mem_free(run->worlds);
    pool_free(pool);
    return status ? err_set(detail, status, "%s", err_text(status)) : ERR_OK;
}

static int print_results(struct run *run)
{
    size_t passed = 0, failed = 0, unreadable = 0;
    const char *separator = "[\n";
    if (run->last_progress && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    for (size_t i = 0; i < run->count; i++) {
        struct file_result *file = &run->files[i];
        passed += file->passed;
        failed += file->failed;
        if (!as_json) {
            fputs(buf_text(&file->text), stdout);
        } else {
            for (char *line = (char *)(uintptr_t)buf_text(&file->text), *end; *line;
                 line = end + 1) {
                end = strchr(line, '\n');
                printf("%s  %.*s", separator, (int)(end - line), line);
                separator = ",\n";
            }
        }
        if (file->error) {
            unreadable++;
            evmtool_complain(file->error, &file->detail);
        }
    }
    if (as_json)
        printf("%s]\n", separator[0] == '[' ? "[" : "\n");
    else
        printf("%zu passed, %zu failed\n", passed, failed);
    return unreadable ? COMMANDS_INPUT : failed ? COMMANDS_FAILED : COMMANDS_OK;
}

static void release(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        mem_free(run->files[i].path);
        buf_release(&run->files[i].text);
    }
    mem_free(run->files);
    pthread_mutex_destroy(&run->lock);
}

static int set_options(struct evmtool_statetest_options *options, struct err_detail *detail)
{
    *options = (struct evmtool_statetest_options){
        .all_forks = !fork_option, .filter = filter, .trace = trace, .plain = plain};
    if (fork_option && !fork_from_name(fork_option, &options->fork))
        return err_set(detail, ERR_USAGE, "--fork: no fork is called '%.80s'; there are %s to %s",
                       fork_option, fork_name(FORK_FRONTIER), fork_name(FORK_OSAKA));
    if (workers > 1024)
        return err_set(detail, ERR_USAGE, "--workers: at most 1024");
    return ERR_OK;
}

static int run_statetest(size_t argc, char **argv)
{
    struct err_detail detail;
    struct run run = {.lock = PTHREAD_MUTEX_INITIALIZER};
    int status = set_options(&run.options, &detail);
    if (status == ERR_OK && argc == 0)
        status = err_set(&detail, ERR_USAGE,
                         "statetest: name the files or folders to run (\"-\": standard input)");
    for (size_t i = 0; i < argc && status == ERR_OK; i++)
        status = add_path(&run, argv[i], &detail);
    if (status == ERR_OK && run.count == 0)
        status = err_set(&detail, ERR_INPUT, "no .json file under %s", argv[0]);
    if (status == ERR_OK)
        status = run_all(&run, &detail);
    int code = status == ERR_OK ? print_results(&run) : evmtool_complain(status, &detail);
    release(&run);
    return code;
}

const struct commands_command evmtool_statetest = {
    {"statetest", "FILE|FOLDER ...", "run state tests and say which cases fail",
     "Files are in the format of ethereum/tests and execution-spec-tests; folders are searched for "
     ".json files; \"-\" is standard input. Files run in parallel. Each case must end in the state "
     "root and the logs that the file expects, and a transaction that must be refused must be "
     "refused for the expected reason."},
    rows,
    BASE_COUNT(rows),
    run_statetest,
};
