#include "base/file.h"
#include "base/hex.h"
#include "evmtool/evmtool.h"
#include "evmtool/world.h"

#include <ctype.h>
#include <string.h>

static const char *code_text, *code_file, *input_text, *input_file, *fork_option = "Osaka";
static const char *sender_text = "0x73656e646572", *receiver_text = "0x7265636569766572";
static const char *value_text = "0", *price_text = "0", *prestate;
static uint64_t gas = 10000000000u;
static bool create, trace, trace_memory, plain, as_json, dump;

static const struct options_row rows[] = {
    {"code", "HEX", OPTIONS_TEXT, &code_text, "The bytecode."},
    {"codefile", "FILE", OPTIONS_TEXT, &code_file,
     "The bytecode, as hexadecimal text; \"-\" is standard input."},
    {"input", "HEX", OPTIONS_TEXT, &input_text, "Call data."},
    {"inputfile", "FILE", OPTIONS_TEXT, &input_file, "Call data, as hexadecimal text."},
    {"gas", "N", OPTIONS_NUMBER, &gas, "Gas to spend; 10,000,000,000 when left out."},
    {"fork", "NAME", OPTIONS_TEXT, &fork_option, "The rules: Frontier … Osaka (the default)."},
    {"sender", "ADDRESS", OPTIONS_TEXT, &sender_text, "Who calls."},
    {"receiver", "ADDRESS", OPTIONS_TEXT, &receiver_text, "Where the code runs."},
    {"value", "WEI", OPTIONS_TEXT, &value_text, "Wei sent along; the sender has enough."},
    {"price", "WEI", OPTIONS_TEXT, &price_text, "What GASPRICE says."},
    {"prestate", "FILE", OPTIONS_TEXT, &prestate,
     "Accounts to begin with: a JSON object as in genesis \"alloc\", or a file that has one."},
    {"create", NULL, OPTIONS_SWITCH, &create, "The code is init code of a new contract."},
    {"trace", NULL, OPTIONS_SWITCH, &trace,
     "Each instruction to standard error, as EIP-3155 lines."},
    {"trace.memory", NULL, OPTIONS_SWITCH, &trace_memory, "With the memory."},
    {"plain", NULL, OPTIONS_SWITCH, &plain, "Use the plain interpreter."},
    {"dump", NULL, OPTIONS_SWITCH, &dump, "Prints the accounts afterwards."},
    {"json", NULL, OPTIONS_SWITCH, &as_json, "The result as a JSON object."},
};

/* Code and input come from argument or file; spaces and line ends in files do not matter. */
static int read_hex(struct bytes *ret_bytes, const char *name, const char *text, const char *path,
                    struct arena *arena, struct err_detail *detail)
{
    struct buf file = BUF_INIT;
    int status = ERR_OK;
    if (path) {
        status = file_read(path, EVMTOOL_JSON_MAX, &file, detail);
        size_t kept = 0;
        for (size_t i = 0; i < file.len; i++)
            if (!isspace(file.data[i]))
                file.data[kept++] = file.data[i];
        file.len = kept;
        text = buf_text(&file);
    }
    if (status == ERR_OK && text) {
        json_t *value = json_string(text);
        status = evmtool_json_bytes(ret_bytes, value, path ? path : name, arena, detail);
        json_decref(value);
    }
    buf_release(&file);
    return status;
}

/* An address may be given short: zeros are put before it, as geth does. */
static int read_address(struct address *ret_address, const char *name, const char *text,
                        struct err_detail *detail)
{
    struct buf b = BUF_INIT;
    int status = hex_decode(text, &b);
    if (status == ERR_OK && b.len <= sizeof(ret_address->b)) {
        *ret_address = (struct address){{0}};
        memcpy(ret_address->b + sizeof(ret_address->b) - b.len, b.data, b.len);
    } else {
        status = err_set(detail, ERR_USAGE, "--%s needs an address, not '%.80s'", name, text);
    }
    buf_release(&b);
    return status;
}

static int read_wei(struct u256 *ret_wei, const char *name, const char *text,
                    struct err_detail *detail)
{
    if (hex_u256(text, ret_wei))
        return ERR_OK;
    return err_set(detail, ERR_USAGE, "--%s needs a number of wei, not '%.80s'", name, text);
}

/* What the command line asks for. */
struct job {
    enum fork fork;
    struct bytes code, input;
    struct u256 price;
    struct evm_message message;
    struct evmtool_alloc alloc;
};

static int read_prestate(struct job *job, struct arena *arena, struct err_detail *detail)
{
    json_t *file;
    if (!prestate)
        return ERR_OK;
    int status = evmtool_json_load(&file, prestate, detail);
    if (status != ERR_OK)
        return status;
    const json_t *alloc = json_object_get(file, "alloc");
    status = evmtool_alloc_read(&job->alloc, alloc ? alloc : file, arena, detail);
    json_decref(file);
    return status ? err_prefix(detail, status, "%s", prestate) : ERR_OK;
}

static int read_job(struct job *job, size_t argc, char **argv, struct arena *arena,
                    struct err_detail *detail)
{
    struct evm_message *m = &job->message;
    if (argc == 1 && !code_text && !code_file)
        code_text = argv[0];
    else if (argc)
        return err_set(detail, ERR_USAGE, "run takes one code, not '%.80s'", argv[argc - 1]);
    if (code_text && code_file)
        return err_set(detail, ERR_USAGE, "--code and --codefile exclude each other");
    if (gas > INT64_MAX)
        return err_set(detail, ERR_USAGE, "--gas: at most %lld", (long long)INT64_MAX);
    if (!fork_from_name(fork_option, &job->fork))
        return err_set(detail, ERR_USAGE, "--fork: no fork is called '%.80s'", fork_option);
    int status = read_hex(&job->code, "--code", code_text, code_file, arena, detail);
    if (status == ERR_OK)
        status = read_hex(&job->input, "--input", input_text, input_file, arena, detail);
    if (status == ERR_OK)
        status = read_address(&m->sender, "sender", sender_text, detail);
    if (status == ERR_OK)
        status = read_address(&m->recipient, "receiver", receiver_text, detail);
    if (status == ERR_OK)
        status = read_wei(&m->value, "value", value_text, detail);
    if (status == ERR_OK)
        status = read_wei(&job->price, "price", price_text, detail);
    if (status == ERR_OK)
        status = read_prestate(job, arena, detail);
    m->kind = create ? EVM_CREATE : EVM_CALL;
    m->gas = (int64_t)gas;
    m->code_address = m->recipient;
    m->input = create ? job->code : job->input;
    return status;
}

static int prepare(struct evmtool_world *world, const struct job *job, struct err_detail *detail)
{
    static const struct evmtool_env env = {.gas_limit = INT64_MAX, .difficulty = {.present = true}};
    static const struct u256 chain_id = {{1}};
    static const struct u256 plenty = {{0, 0, 0, 1}};
    int status = evmtool_world_load(world, &job->alloc);
    if (status == ERR_OK)
        status = state_view_add_balance(world->view, &job->message.sender, &plenty);
    if (status == ERR_OK && !create && job->code.len)
        status = state_view_set_code(world->view, &job->message.recipient, job->code);
    if (status != ERR_OK)
        return err_set(detail, status, "%s", err_text(status));
    state_view_end_transaction(world->view, false);
    return evmtool_world_begin_block(world, job->fork, &chain_id, &env,
                                     evmtool_world_hash_of_number, NULL, detail);
}

static int print_result(const struct evm_result *result, const struct job *job)
{
    struct buf output = BUF_INIT;
    long long used = (long long)(job->message.gas - result->gas_left);
    const char *status = evm_status_text(result->status);
    hex_append(&output, result->output);
    if (as_json)
        printf("{\"status\": \"%s\", \"gasUsed\": %lld, \"refund\": %lld, \"output\": \"%s\"}\n",
               status, used, (long long)result->gas_refund, buf_text(&output));
    else
        printf("status    %s\ngas used  %lld\nrefund    %lld\noutput    %s\n", status, used,
               (long long)result->gas_refund, buf_text(&output));
    int code = buf_status(&output) == ERR_OK ? COMMANDS_OK : COMMANDS_FAILED;
    buf_release(&output);
    return result->status == EVM_SUCCESS ? code : COMMANDS_FAILED;
}

static void print_dump(struct evmtool_world *world, struct arena *arena)
{
    json_t *accounts = evmtool_world_dump(world, arena);
    json_dumpf(accounts, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(accounts);
}

static int execute(struct evmtool_world *world, const struct job *job, struct arena *arena,
                   struct err_detail *detail, int *ret_code)
{
    struct evm_result result;
    struct exec_trace_options options = {.memory = trace_memory};
    int status = prepare(world, job, detail);
    if (status != ERR_OK)
        return status;
    evm_set_plain(exec_machine(world->exec), plain);
    evmtool_world_trace(world, trace ? stderr : NULL, &options);
    status = exec_message(world->exec, &result, &job->message, &job->price);
    if (status != ERR_OK)
        return err_set(detail, status, "%s", err_text(status));
    *ret_code = print_result(&result, job);
    if (dump)
        print_dump(world, arena);
    return ERR_OK;
}

static int run_run(size_t argc, char **argv)
{
    struct err_detail detail;
    struct arena arena;
    struct job job = {0};
    struct evmtool_world *world = NULL;
    int code = COMMANDS_OK;
    arena_init(&arena);
    int status = read_job(&job, argc, argv, &arena, &detail);
    if (status == ERR_OK && evmtool_world_new(&world) != ERR_OK)
        status = err_set(&detail, ERR_NOMEM, "out of memory");
    if (status == ERR_OK)
        status = execute(world, &job, &arena, &detail, &code);
    evmtool_world_free(world);
    arena_release(&arena);
    return status == ERR_OK ? code : evmtool_complain(status, &detail);
}

const struct commands_command evmtool_run = {
    {"run", "[CODE]", "run bytecode and print what came of it",
     "The code runs at the receiver's address as one message, outside of any transaction: no "
     "intrinsic gas, no fee. Exit code 1 when it does not succeed."},
    rows,
    BASE_COUNT(rows),
    run_run,
};
