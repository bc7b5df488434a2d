#include "base/mem.h"
#include "io/descriptor.h"
#include "node/commands/command.h"
#include "node/config/file.h"
#include "node/dev.h"
#include "node/log/filter.h"
#include "node/log/log.h"
#include "tracejs/engine.h"
#include "tracejs/process.h"

#include <stdio.h>
#include <unistd.h>

static int print_page(void (*page)(struct buf *b))
{
    struct buf b = BUF_INIT;
    page(&b);
    fputs(buf_text(&b), stdout);
    buf_release(&b);
    return NODE_EXIT_OK;
}

static void help_page(struct buf *b)
{
    node_config_help(b, "quorate-node");
}

/* `help COMMAND`, `COMMAND --help`: its lines. */
static int print_topic(const char *name)
{
    struct buf b = BUF_INIT;
    int code = NODE_EXIT_OK;
    if (strcmp(name, "help") == 0 || strcmp(name, "h") == 0)
        help_page(&b);
    else if (node_absent_command(name))
        buf_append_format(&b, "%s: not in quorate-node: %s\n", name, node_absent_command(name));
    else if (!node_command_help(&b, "quorate-node", name))
        code = node_no_topic(name);
    fputs(buf_text(&b), stdout);
    buf_release(&b);
    return code;
}

static void warn(void *context, const char *message)
{
    (void)context;
    NODE_LOG(NODE_LOG_WARN, message);
}

static int usage_error(const struct err_detail *detail, bool bootnode)
{
    if (bootnode) {
        fprintf(stderr, "%s\nUsage of bootnode: bootnode --help\n", detail->text);
        return NODE_EXIT_USAGE;
    }
    printf("Incorrect Usage. %s\n\n", detail->text);
    print_page(help_page);
    fflush(stdout);
    fprintf(stderr, "%s\n", detail->text);
    return NODE_EXIT_FATAL;
}

static int run_command(const struct node_config *config, size_t count, char **words)
{
    for (size_t i = 0; i < node_command_count; i++)
        if (strcmp(node_commands[i].name, words[0]) == 0)
            return node_commands[i].run(config, count - 1, words + 1);
    const char *why = node_absent_command(words[0]);
    if (why)
        return node_fatal("the command '%s' is not in quorate-node: %s", words[0], why);
    fprintf(stderr, "invalid command: \"%.200s\"\n", words[0]);
    return NODE_EXIT_FATAL;
}

static int run(const struct node_config *config, size_t count, char **words)
{
    return count > 0 ? run_command(config, count, words) : node_run(config);
}

static int run_dev(struct node_config *config, size_t count, char **words)
{
    static struct node_dev dev; /* too large for a stack */
    struct err_detail detail = {""};
    const char *command = count > 0 ? words[0] : "";
    if (!node_dev_is_for(command))
        return node_dev_allows(config, command)
                   ? run(config, count, words)
                   : node_fatal("Developer chains are ephemeral: '%s' needs --datadir", command);
    int code = node_dev_begin(&dev, config, &detail) == ERR_OK ? run(config, count, words)
                                                               : node_fatal("%s", detail.text);
    node_dev_end(&dev);
    return code;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Reads the flags once to learn of --config, then the file, so that the flags win when they are read again. */
static int apply_file(struct node_config *config, int argc, char **argv)
{
    struct err_detail detail = {""};
    struct node_config first = *config;
    size_t count;
    char **copy = mem_alloc((size_t)(argc + 1) * sizeof(*copy));
    if (!copy)
        return node_fatal("out of memory");
    memcpy(copy, argv, (size_t)argc * sizeof(*copy));
    int status = node_config_parse(&first, &count, argc, copy, &detail);
    mem_free(copy);
    if (status != ERR_OK || !*first.config_file)
        return NODE_EXIT_OK; /* what is wrong is said by the second reading */
    return node_config_file_read(config, first.config_file, &detail) == ERR_OK
               ? NODE_EXIT_OK
               : node_fatal("%s", detail.text);
}

static int set_log_places(const struct node_config *config, struct err_detail *detail)
{
    int status = node_log_set_vmodule(config->vmodule, detail);
    if (status != ERR_OK)
        return err_prefix(detail, status, "invalid value \"%.200s\" for flag -vmodule",
                          config->vmodule);
    if (!*config->log_backtrace)
        return ERR_OK;
    status = node_log_set_backtrace(config->log_backtrace, detail);
    return status == ERR_OK
               ? ERR_OK
               : err_prefix(detail, status, "invalid value \"%.200s\" for flag -log.backtrace",
                            config->log_backtrace);
}

int node_main(int argc, char **argv)
{
    struct node_config config;
    struct err_detail detail = {""};
    size_t count = 0;
    bool bootnode = argc > 0 && strcmp(base_name(argv[0]), "bootnode") == 0;
    if (argc == 2 && strcmp(argv[1], TRACEJS_ARGUMENT) == 0)
        return tracejs_serve(STDIN_FILENO, STDOUT_FILENO);
    mem_keep_freed(); /* blocks in full and logs are answers of some hundred kB */
    io_descriptors_raise();
    node_config_defaults(&config);
    if (argc > 1 && strcmp(argv[1], "--man") == 0)
        return print_page(node_config_man);
    if (argc > 1 && apply_file(&config, argc - 1, argv + 1) != NODE_EXIT_OK)
        return NODE_EXIT_FATAL;
    if (argc > 0 && node_config_parse(&config, &count, argc - 1, argv + 1, &detail) != ERR_OK)
        return usage_error(&detail, bootnode);
    char **words = argv + 1;
    bool asks = count > 0 && (strcmp(words[0], "help") == 0 || strcmp(words[0], "h") == 0);
    if (config.help || asks)
        return print_topic(count > asks ? words[asks] : "help");
    if (config.version) {
        printf("quorate-node %s (GoQuorum %s)\n", QUORATE_VERSION, NODE_QUORUM_VERSION);
        return NODE_EXIT_OK;
    }
    node_log_setup(config.verbosity > NODE_LOG_TRACE ? NODE_LOG_TRACE
                                                     : (enum node_log_level)config.verbosity,
                   config.log_json ? NODE_LOG_JSON : node_log_form_of_stderr(), config.log_debug);
    if (set_log_places(&config, &detail) != ERR_OK)
        return usage_error(&detail, bootnode);
    if (node_config_check(&config, warn, NULL, &detail) != ERR_OK)
        return node_fatal("%s", detail.text);
    if (node_light_settle(&config))
        NODE_LOG(NODE_LOG_INFO, "The node is configured to run as a qlight client. 'maxpeers' is "
                                "overridden to `1` and the P2P listener is disabled.");
    if (bootnode)
        return node_run_bootnode(&config);
    return config.dev ? run_dev(&config, count, words) : run(&config, count, words);
}
