#include "console/console.h"

#include "console/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char welcome_code[] =
    "(function () {"
    "  var m = 'instance: ' + web3.version.node + '\\n', b;"
    "  try { m += 'coinbase: ' + eth.coinbase + '\\n'; } catch (e) {}"
    "  b = eth.getBlock(eth.blockNumber);"
    "  var raft = typeof rpc !== 'undefined' && rpc.modules.raft;"
    "  m += 'at block: ' + b.number + ' (' +"
    "       new Date(raft ? b.timestamp / 1000000 : 1000 * b.timestamp) + ')\\n';"
    "  try { m += ' datadir: ' + admin.datadir + '\\n'; } catch (e) {}"
    "  return m;"
    "})()";

static const char modules_code[] =
    "(function () {"
    "  var all = Web3.ask('rpc_modules', []);"
    "  return ' modules: ' + Object.keys(all).sort().map(function (k) {"
    "    return k + ':' + all[k];"
    "  }).join(' ') + '\\n';"
    "})()";

static void welcome(struct console_engine *engine)
{
    struct buf text = BUF_INIT, modules = BUF_INIT;
    printf("Welcome to the Geth JavaScript console!\n\n");
    if (console_engine_text(engine, &text, welcome_code))
        printf("%s", buf_text(&text));
    if (console_engine_text(engine, &modules, modules_code))
        printf("%s", buf_text(&modules));
    printf("\nTo exit, press ctrl-d\n");
    buf_release(&text);
    buf_release(&modules);
}

static int preload(struct console_engine *engine, const char *list, struct err_detail *detail)
{
    int status = ERR_OK;
    while (status == ERR_OK && list && *list) {
        char path[4096];
        size_t len = strcspn(list, ",");
        snprintf(path, sizeof(path), "%.*s", (int)len, list + strspn(list, " "));
        path[strcspn(path, ", ")] = 0;
        list += len + (list[len] == ',');
        if (!*path)
            continue;
        status = console_engine_run_file(engine, path, detail);
        if (status != ERR_OK)
            err_prefix(detail, status, "%s", path);
    }
    return status;
}

static int print_text(struct console_engine *engine, const char *code, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    bool fine = console_engine_text(engine, &text, code);
    int status = fine ? buf_status(&text) : err_set(detail, ERR_INPUT, "%.480s", buf_text(&text));
    if (status == ERR_OK)
        fwrite(text.data, 1, text.len, stdout);
    fflush(stdout);
    buf_release(&text);
    return status;
}

static int run_all(struct console_engine *engine, const struct console_options *options,
                   struct err_detail *detail)
{
    int status = preload(engine, options->preload, detail);
    for (size_t i = 0; status == ERR_OK && i < options->script_count; i++) {
        status = console_engine_run_file(engine, options->scripts[i], detail);
        if (status != ERR_OK)
            err_prefix(detail, status, "Failed to execute %s", options->scripts[i]);
    }
    if (status != ERR_OK || options->script_count)
        return status;
    if (options->print)
        return print_text(engine, options->print, detail);
    if (options->exec) {
        console_engine_evaluate(engine, bytes_str(options->exec));
        return ERR_OK;
    }
    welcome(engine);
    return console_terminal_run(engine, options->history, detail);
}

int console_run(const struct console_options *options, struct err_detail *detail)
{
    struct console_client *client = NULL;
    struct console_engine *engine = NULL;
    int status = console_client_new(&client, &options->client, detail);
    if (status != ERR_OK)
        return status;
    const char *term = getenv("TERM");
    struct console_engine_options engine_options = {
        .client = client,
        .docroot = options->docroot,
        .colour =
            isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && !(term && strcmp(term, "dumb") == 0),
        .ask = console_terminal_ask,
        .clear_history = console_terminal_clear_history,
    };
    status = console_engine_new(&engine, &engine_options, detail);
    if (status == ERR_OK)
        status = run_all(engine, options, detail);
    console_engine_free(engine);
    console_client_free(client);
    return status;
}
