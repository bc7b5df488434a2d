#include "base/file.h"
#include "base/hex.h"
#include "evmtool/evmtool.h"
#include "evmtool/t8n.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *alloc_in = "alloc.json", *env_in = "env.json", *txs_in = "txs.json";
static const char *folder = "", *alloc_out = "alloc.json", *result_out = "result.json";
static const char *body_out = "", *fork_option = "Osaka", *reward_option = "0";
static uint64_t chain_id_option = 1, verbosity;
static bool trace, trace_memory, trace_no_stack, trace_return_data;

static const struct options_row rows[] = {
    {"input.alloc", "FILE", OPTIONS_TEXT, &alloc_in,
     "The accounts before; \"stdin\" takes member \"alloc\" of the object on standard input."},
    {"input.env", "FILE", OPTIONS_TEXT, &env_in, "The block; \"stdin\": member \"env\"."},
    {"input.txs", "FILE", OPTIONS_TEXT, &txs_in,
     "The transactions: JSON, or (name ending in .rlp) a JSON string of RLP; \"stdin\": member "
     "\"txs\" or \"txsRlp\"."},
    {"output.basedir", "FOLDER", OPTIONS_TEXT, &folder,
     "Where output files go; made when missing."},
    {"output.alloc", "FILE", OPTIONS_TEXT, &alloc_out,
     "The accounts after; \"stdout\" and \"stderr\" print them, \"\" leaves them out."},
    {"output.result", "FILE", OPTIONS_TEXT, &result_out, "Roots, receipts, rejected transactions."},
    {"output.body", "FILE", OPTIONS_TEXT, &body_out, "RLP of the transactions in the block."},
    {"state.fork", "NAME", OPTIONS_TEXT, &fork_option, "The rules: Frontier … Osaka."},
    {"state.chainid", "N", OPTIONS_NUMBER, &chain_id_option, "The chain id."},
    {"state.reward", "WEI", OPTIONS_TEXT, &reward_option,
     "What the miner gets; -1: no reward, and the coinbase is not touched."},
    {"trace", NULL, OPTIONS_SWITCH, &trace,
     "Each transaction's instructions to trace-<index>-<hash>.jsonl in the output folder."},
    {"trace.memory", NULL, OPTIONS_SWITCH, &trace_memory, "With the memory."},
    {"trace.nostack", NULL, OPTIONS_SWITCH, &trace_no_stack, "Without the stack."},
    {"trace.returndata", NULL, OPTIONS_SWITCH, &trace_return_data, "With the return data."},
    {"verbosity", "N", OPTIONS_NUMBER, &verbosity, "Taken for compatibility; nothing is logged."},
};

/* --- Input --- */

/* The files in JSON; members of one object where they come from standard input. */
struct documents {
    json_t *standard_input;
    json_t *alloc, *env, *txs; /* owned unless they are members of it */
    const char *txs_rlp;       /* member of one of them */
};

static bool is_stdin(const char *name)
{
    return strcmp(name, "stdin") == 0;
}

/* A file, or a member of standard input, which may be missing (NULL). */
static int load(json_t **ret_json, struct documents *d, const char *name, const char *member,
                struct err_detail *detail)
{
    if (!is_stdin(name))
        return evmtool_json_load(ret_json, name, detail);
    if (!d->standard_input) {
        int status = evmtool_json_load(&d->standard_input, "-", detail);
        if (status != ERR_OK)
            return status;
    }
    *ret_json = json_incref(json_object_get(d->standard_input, member));
    return ERR_OK;
}

static int load_documents(struct documents *d, struct err_detail *detail)
{
    int status = load(&d->alloc, d, alloc_in, "alloc", detail);
    if (status == ERR_OK)
        status = load(&d->env, d, env_in, "env", detail);
    if (status == ERR_OK)
        status = load(&d->txs, d, txs_in, "txs", detail);
    if (status != ERR_OK)
        return status;
    size_t len = strlen(txs_in);
    if (is_stdin(txs_in)) {
        const char *text = json_string_value(json_object_get(d->standard_input, "txsRlp"));
        d->txs_rlp = text && *text ? text : NULL;
    } else if (len > 4 && strcmp(txs_in + len - 4, ".rlp") == 0) {
        d->txs_rlp = json_string_value(d->txs);
        if (!d->txs_rlp)
            return err_set(detail, ERR_INPUT, "%s: must be a JSON string of hexadecimal RLP",
                           txs_in);
    }
    return ERR_OK;
}

static void release_documents(struct documents *d)
{
    json_decref(d->alloc);
    json_decref(d->env);
    json_decref(d->txs);
    json_decref(d->standard_input);
}

static int read_txs(struct evmtool_t8n *t, const struct documents *d, struct arena *arena,
                    struct err_detail *detail)
{
    int status = d->txs_rlp ? evmtool_t8n_read_txs_rlp(t, d->txs_rlp, arena, detail)
                 : d->txs   ? evmtool_t8n_read_txs(t, d->txs, arena, detail)
                            : ERR_OK; /* no member: an empty block */
    return status ? err_prefix(detail, status, "%s", txs_in) : ERR_OK;
}

static int read_documents(struct evmtool_t8n *t, const struct documents *d, struct arena *arena,
                          struct err_detail *detail)
{
    int status = d->alloc ? evmtool_alloc_read(&t->alloc, d->alloc, arena, detail)
                          : err_set(detail, ERR_INPUT, "no \"alloc\"");
    if (status != ERR_OK)
        return err_prefix(detail, status, "%s", alloc_in);
    status = d->env ? evmtool_t8n_read_env(&t->env, d->env, arena, detail)
                    : err_set(detail, ERR_INPUT, "no \"env\"");
    if (status == ERR_OK)
        status = evmtool_t8n_complete_env(t, detail);
    if (status != ERR_OK)
        return err_prefix(detail, status, "%s", env_in);
    return read_txs(t, d, arena, detail);
}

static int read_options(struct evmtool_t8n *t, struct err_detail *detail)
{
    t->chain_id = u256_from(chain_id_option);
    if (!fork_from_name(fork_option, &t->fork))
        return err_set(detail, ERR_USAGE, "--state.fork: no fork is called '%.80s'", fork_option);
    t->has_reward = strcmp(reward_option, "-1") != 0;
    if (t->has_reward && !hex_u64(reward_option, &t->reward))
        return err_set(detail, ERR_USAGE, "--state.reward needs a number of wei or -1, not '%.40s'",
                       reward_option);
    return ERR_OK;
}

/* --- Output --- */

static void full_path(struct buf *b, const char *name)
{
    buf_clear(b);
    buf_append_format(b, "%s%s%s", folder, *folder ? "/" : "", name);
}

/* The documents for standard output (or error) are members of one object, as geth prints them. */
struct streams {
    json_t *out, *err;
};

static int write_file(const char *name, const char *text, struct err_detail *detail)
{
    struct buf path = BUF_INIT;
    full_path(&path, name);
    int status = file_write(buf_text(&path), bytes_str(text), detail);
    buf_release(&path);
    return status;
}

/* Takes `json`. */
static int put(struct streams *s, const char *name, const char *member, json_t *json,
               struct err_detail *detail)
{
    int status = json ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
    json_t *stream = strcmp(name, "stdout") == 0   ? s->out
                     : strcmp(name, "stderr") == 0 ? s->err
                                                   : NULL;
    if (status == ERR_OK && stream) {
        status = json_object_set(stream, member, json) == 0 ? ERR_OK : ERR_NOMEM;
    } else if (status == ERR_OK && *name) {
        char *text = json_dumps(json, JSON_INDENT(1) | JSON_ENCODE_ANY);
        status =
            text ? write_file(name, text, detail) : err_set(detail, ERR_NOMEM, "out of memory");
        free(text); /* jansson's, from malloc */
    }
    json_decref(json);
    return status;
}

static json_t *body_json(const struct evmtool_t8n_result *result)
{
    struct buf b = BUF_INIT;
    evmtool_t8n_body(&b, result);
    json_t *json = buf_status(&b) ? NULL : evmtool_json_from_bytes(buf_bytes(&b));
    buf_release(&b);
    return json;
}

static void print_stream(FILE *stream, json_t *object)
{
    if (json_object_size(object)) {
        json_dumpf(object, stream, JSON_INDENT(1));
        fputc('\n', stream);
    }
    json_decref(object);
}

static int write_outputs(const struct evmtool_t8n *t, const struct evmtool_t8n_result *result,
                         struct evmtool_world *world, struct arena *arena,
                         struct err_detail *detail)
{
    struct streams s = {json_object(), json_object()};
    int status = s.out && s.err ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
    if (status == ERR_OK)
        status = put(&s, result_out, "result", evmtool_t8n_result_json(t, result, world), detail);
    if (status == ERR_OK)
        status = put(&s, alloc_out, "alloc", evmtool_world_dump(world, arena), detail);
    if (status == ERR_OK && *body_out)
        status = put(&s, body_out, "body", body_json(result), detail);
    print_stream(stdout, s.out);
    print_stream(stderr, s.err);
    return status;
}

/* --- Traces --- */

struct trace_file {
    struct exec_trace_options options;
    FILE *stream;
};

static int trace_begin(void *context, struct evmtool_world *world, size_t index,
                       const struct hash256 *hash, struct err_detail *detail)
{
    struct trace_file *file = context;
    struct buf path = BUF_INIT;
    char name[128], digits[65] = {0};
    hex_encode(digits, bytes_of(hash->b, sizeof(hash->b)));
    snprintf(name, sizeof(name), "trace-%zu-0x%s.jsonl", index, digits);
    full_path(&path, name);
    int status = ERR_OK;
    file->stream = fopen(buf_text(&path), "w");
    if (!file->stream)
        status = err_set(detail, err_from_errno(errno), "cannot write %s: %s", buf_text(&path),
                         strerror(errno));
    else
        evmtool_world_trace(world, file->stream, &file->options);
    buf_release(&path);
    return status;
}

static void trace_end(void *context, struct evmtool_world *world)
{
    struct trace_file *file = context;
    evmtool_world_trace(world, NULL, NULL);
    fclose(file->stream);
}

/* --- The command --- */

static int make_folder(struct err_detail *detail)
{
    if (*folder && mkdir(folder, 0755) != 0 && errno != EEXIST)
        return err_set(detail, err_from_errno(errno), "--output.basedir: cannot make %s: %s",
                       folder, strerror(errno));
    return ERR_OK;
}

static int transition(struct evmtool_t8n *t, struct evmtool_world *world, struct arena *arena,
                      struct err_detail *detail)
{
    struct evmtool_t8n_result result;
    struct trace_file file = {{trace_memory, trace_return_data, trace_no_stack}, NULL};
    struct evmtool_t8n_tracing tracing = {trace_begin, trace_end, &file};
    int status = make_folder(detail);
    if (status == ERR_OK)
        status = evmtool_t8n_apply(&result, world, t, trace ? &tracing : NULL, arena, detail);
    if (status == ERR_OK)
        status = write_outputs(t, &result, world, arena, detail);
    return status;
}

static int run_t8n(size_t argc, char **argv)
{
    struct err_detail detail;
    struct evmtool_t8n t = {0};
    struct documents documents = {0};
    struct evmtool_world *world = NULL;
    struct arena arena;
    arena_init(&arena);
    int status = argc ? err_set(&detail, ERR_USAGE, "t8n takes options only, not '%.80s'", argv[0])
                      : read_options(&t, &detail);
    if (status == ERR_OK)
        status = load_documents(&documents, &detail);
    if (status == ERR_OK)
        status = read_documents(&t, &documents, &arena, &detail);
    if (status == ERR_OK && evmtool_world_new(&world) != ERR_OK)
        status = err_set(&detail, ERR_NOMEM, "out of memory");
    if (status == ERR_OK)
        status = transition(&t, world, &arena, &detail);
    evmtool_world_free(world);
    release_documents(&documents);
    arena_release(&arena);
    return status == ERR_OK ? COMMANDS_OK : evmtool_complain(status, &detail);
}

const struct commands_command evmtool_t8n = {
    {"t8n", "", "execute one block: accounts, environment and transactions in; result out",
     "The interface is that of geth's \"evm t8n\": the same files, members and options. "
     "Transactions that cannot stand in the block are listed as rejected."},
    rows,
    BASE_COUNT(rows),
    run_t8n,
};
