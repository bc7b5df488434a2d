/* The pages of --help and of the manual, from the tables of commands and flags. */
#include "base/options.h"
#include "node/config/config.h"

enum { HELP_INDENT = 30 };

/* What it does, and what holds without it. */
static void flag_text(struct buf *b, const struct node_flag *flag)
{
    buf_append_format(b, "%s%s",
                      flag->use == NODE_FLAG_ALIAS     ? "now --"
                      : flag->use == NODE_FLAG_REFUSED ? "refused: "
                                                       : "",
                      flag->help);
    if (flag->fallback && *flag->fallback)
        buf_append_format(b, " (default: %s)", flag->fallback);
}

/* First word: what `help WORD` finds it by. */
static const char *const commands[][2] = {
    {"account list", "print the accounts and their key files"},
    {"account new", "make an account; its password is asked for, or in the file of --password"},
    {"account update ACCOUNT ...", "open its key file and write it with another password"},
    {"account import KEYFILE", "make an account of a private key, 64 hexadecimal digits in a file"},
    {"attach [ENDPOINT]",
     "a console at a running node: a unix socket, http://, ws://, https://, wss://"},
    {"backup TARGET", "make TARGET a data directory as this one is now, while a node works on it"},
    {"console", "the node with a console"},
    {"dumpconfig [FILE]", "print what is in force as a configuration file"},
    {"dumpgenesis", "print the genesis block's configuration as JSON"},
    {"export FILE [FIRST LAST]", "write the chain, or a part, as RLP (.gz: compressed)"},
    {"import FILE ...", "read such files and execute them"},
    {"init GENESIS",
     "write block 0 from GoQuorum's genesis file into the data directory, and a node key"},
    {"js SCRIPT ...", "the node, with scripts that run in its console"},
    {"license", "print the licence"},
    {"migrate --from PLACE [FILE ...]", "take over from geth: keys, peers and the exported chain"},
    {"mpsdbupgrade", "make the private state that there is one of several (isMPS)"},
    {"private replay GENESIS",
     "rebuild the private state from the chain and the manager's payloads"},
    {"private check GENESIS", "do so beside the chain, and say where the stored one is another"},
    {"private audit OWN [OTHER ...]",
     "compare private contracts with their parties, over the managers or at other endpoints"},
    {"removedb", "delete the chain, after asking; keys and peers' files stay"},
    {"show-deprecated-flags", "print the older names of flags"},
    {"version", "print the versions"},
    {"help [COMMAND]", "print this, or one command's lines"},
};

static bool is_of_command(const char *row, const char *name)
{
    size_t len = strcspn(row, " ");
    return strlen(name) == len && memcmp(row, name, len) == 0;
}

bool node_command_help(struct buf *b, const char *program, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < BASE_COUNT(commands); i++) {
        if (!is_of_command(commands[i][0], name))
            continue;
        if (!found)
            buf_append_format(b, "%s - usage: %s [OPTION ...] %s ...\n\n", program, program, name);
        found = true;
        options_help_row(b, commands[i][0], HELP_INDENT, commands[i][1]);
    }
    if (found)
        buf_append_format(b, "\nOptions may stand before and behind the command: %s --help\n",
                          program);
    return found;
}

static void flags_help(struct buf *b)
{
    struct buf name = BUF_INIT, text = BUF_INIT;
    const char *section = NULL;
    for (size_t i = 0; i < node_flag_count; i++) {
        const struct node_flag *flag = &node_flags[i];
        if (!section || strcmp(section, flag->section) != 0)
            buf_append_format(b, "\n%s:\n", flag->section);
        section = flag->section;
        buf_clear(&name);
        buf_clear(&text);
        buf_append_format(&name, "--%s%s", flag->name,
                          flag->kind == NODE_FLAG_SWITCH ? "" : " value");
        flag_text(&text, flag);
        options_help_row(b, buf_text(&name), HELP_INDENT, buf_text(&text));
    }
    buf_release(&name);
    buf_release(&text);
}

void node_config_help(struct buf *b, const char *program)
{
    buf_append_format(b,
                      "%s - keeps a Quorum chain and agrees with its peers (as geth of GoQuorum "
                      "24.4.1)\n\nusage: %s [OPTION ...] [COMMAND [ARGUMENT ...]]\n\n"
                      "Without a command the node runs.\n\ncommands:\n",
                      program, program);
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        options_help_row(b, commands[i][0], HELP_INDENT, commands[i][1]);
    flags_help(b);
    buf_append_text(
        b, "\nExit code 0: ended as asked. 1: wrong use, or a failure that a message names.\n");
}

static void flags_man(struct buf *b)
{
    buf_append_text(b, ".SH OPTIONS\n");
    struct buf text = BUF_INIT;
    const char *section = NULL;
    for (size_t i = 0; i < node_flag_count; i++) {
        const struct node_flag *flag = &node_flags[i];
        if (!section || strcmp(section, flag->section) != 0) {
            buf_append_text(b, ".SS ");
            options_troff(b, flag->section);
            buf_append_byte(b, '\n');
        }
        section = flag->section;
        buf_append_text(b, ".TP\n\\fB\\-\\-");
        options_troff(b, flag->name);
        buf_append_text(b, flag->kind == NODE_FLAG_SWITCH ? "\\fR\n" : "\\fR \\fIvalue\\fR\n");
        buf_clear(&text);
        flag_text(&text, flag);
        options_troff(b, buf_text(&text));
        buf_append_byte(b, '\n');
    }
    buf_release(&text);
}

void node_config_man(struct buf *b)
{
    buf_append_text(
        b, ".TH QUORATE\\-NODE 1\n.SH NAME\nquorate\\-node \\- keeps a Quorum chain and agrees "
           "with its peers\n.SH SYNOPSIS\n.B quorate\\-node\n[OPTION ...] [COMMAND "
           "[ARGUMENT ...]]\n.SH DESCRIPTION\nTakes the place of GoQuorum's geth 24.4.1: its "
           "options, genesis files and data directory. Called by the name\n.B geth\nit is the "
           "same; called\n.B bootnode\nit only answers the discovery.\n.SH COMMANDS\n");
    for (size_t i = 0; i < BASE_COUNT(commands); i++) {
        buf_append_text(b, ".TP\n.B ");
        options_troff(b, commands[i][0]);
        buf_append_byte(b, '\n');
        options_troff(b, commands[i][1]);
        buf_append_byte(b, '\n');
    }
    flags_man(b);
    buf_append_text(
        b, ".SH EXIT STATUS\n0: ended as asked. 1: wrong use, or a failure that a message "
           "names.\n.SH SIGNALS\nSIGINT and SIGTERM stop the node: nothing committed is lost, "
           "as nothing is by SIGKILL.\n");
}
