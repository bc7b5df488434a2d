/* `quorate init`: a commented network.yaml, from flags or a few questions. */
#include "base/file.h"
#include "deploy/deploy.h"
#include "deploy/network/starter.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { ANSWER_MAX = 1024 };

static const char *consensus_word = "qbft";
static const char *manager_word = "tessera";
static const char *names = "carrier,manufacturer,store,warehouse";
static const char *output = "network.yaml";
static bool kubernetes, ask;

static const struct options_row rows[] = {
    {"consensus", "NAME", OPTIONS_TEXT, &consensus_word, "raft, ibft or qbft (default qbft)"},
    {"transaction-manager", "NAME", OPTIONS_TEXT, &manager_word,
     "tessera, constellation or none (default tessera)"},
    {"organizations", "NAMES", OPTIONS_TEXT, &names,
     "names with commas between (default carrier,manufacturer,store,warehouse)"},
    {"kubernetes", NULL, OPTIONS_SWITCH, &kubernetes,
     "with the fields that clusters need, to be filled in"},
    {"ask", NULL, OPTIONS_SWITCH, &ask, "ask for the values of the options above"},
    {"output", "FILE", OPTIONS_TEXT, &output,
     "where to write (default network.yaml, - for standard output)"},
};

static char answers[3][ANSWER_MAX];

/* An empty line, or the end of the input, keeps what is there. */
static void question(const char **value, const char *text, size_t index)
{
    printf("%s [%s]: ", text, *value);
    fflush(stdout);
    if (!fgets(answers[index], sizeof(answers[index]), stdin))
        return;
    answers[index][strcspn(answers[index], "\r\n")] = 0;
    if (answers[index][0])
        *value = answers[index];
}

static int word_index(int *ret_index, const char *what, const char *word, const char *const *words,
                      size_t count, struct err_detail *detail)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            *ret_index = (int)i;
            return ERR_OK;
        }
    }
    const char *near = options_nearest(word, words, count);
    return err_set(detail, ERR_USAGE, "%s: there is no %.40s%s%s%s", what, word,
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int split_names(const char **ret_names, size_t *ret_count, char *text,
                       struct err_detail *detail)
{
    size_t count = 0;
    for (char *at = text; *at;) {
        size_t length = strcspn(at, ",");
        bool last = at[length] == 0;
        at[length] = 0;
        if (count == DEPLOY_STARTER_ORGANIZATIONS_MAX)
            return err_set(detail, ERR_USAGE, "--organizations takes at most %d names",
                           DEPLOY_STARTER_ORGANIZATIONS_MAX);
        ret_names[count++] = at;
        at += length + !last;
    }
    if (!count)
        return err_set(detail, ERR_USAGE, "--organizations: give at least one name");
    *ret_count = count;
    return ERR_OK;
}

static int write_file(const struct buf *text, struct err_detail *detail)
{
    if (strcmp(output, "-") == 0) {
        fwrite(text->data, 1, text->len, stdout);
        return ERR_OK;
    }
    if (access(output, F_OK) == 0)
        return err_set(detail, ERR_EXISTS, "%s exists; remove it, or name another with --output",
                       output);
    int status = file_write(output, buf_bytes(text), detail);
    if (status == ERR_OK)
        printf("wrote %s; next: %s check %s\n", output, program_invocation_name, output);
    return status;
}

/* A name that the check would refuse is refused here, with the check's own words. */
static int check_own(const struct buf *text, struct err_detail *detail)
{
    struct arena arena;
    struct deploy_report report;
    const struct deploy_network *network;
    enum deploy_target target = DEPLOY_LOCAL;
    arena_init(&arena);
    deploy_report_init(&report, output, &arena);
    int status = deploy_network_parse(&network, buf_bytes(text), &target, &report);
    if (status != ERR_OK)
        err_set(detail, status, "%s", err_text(status));
    for (size_t i = 0; status == ERR_OK && i < report.count; i++)
        if (report.problems[i].severity == DEPLOY_ERROR)
            status = err_set(detail, ERR_USAGE, "--organizations: %s; %s",
                             report.problems[i].message, report.problems[i].remedy);
    arena_release(&arena);
    return status;
}

static int make(struct err_detail *detail)
{
    static const char *const consensus_words[] = {"raft", "ibft", "qbft"};
    static const char *const manager_words[] = {"tessera", "constellation", "none"};
    const char *organizations[DEPLOY_STARTER_ORGANIZATIONS_MAX];
    char copy[ANSWER_MAX];
    struct deploy_starter starter = {.organizations = organizations, .cluster = kubernetes};
    int consensus = 0, manager = 0;
    if (strlen(names) >= sizeof(copy))
        return err_set(detail, ERR_USAGE, "--organizations is too long");
    memcpy(copy, names, strlen(names) + 1);
    int status = word_index(&consensus, "--consensus", consensus_word, consensus_words,
                            BASE_COUNT(consensus_words), detail);
    if (status == ERR_OK)
        status = word_index(&manager, "--transaction-manager", manager_word, manager_words,
                            BASE_COUNT(manager_words), detail);
    if (status == ERR_OK)
        status = split_names(organizations, &starter.count, copy, detail);
    if (status != ERR_OK)
        return status;
    starter.consensus = (enum deploy_consensus)consensus;
    starter.transaction_manager = (enum deploy_tm)manager;
    struct buf text = BUF_INIT;
    deploy_starter_format(&text, &starter);
    status = buf_status(&text) == ERR_OK ? check_own(&text, detail)
                                         : err_set(detail, ERR_NOMEM, "out of memory");
    if (status == ERR_OK)
        status = write_file(&text, detail);
    buf_release(&text);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail;
    (void)argv;
    if (argc != 0)
        return deploy_refuse("init takes no arguments");
    if (ask) {
        question(&consensus_word, "Consensus: raft, ibft or qbft", 0);
        question(&manager_word, "Transaction manager: tessera, constellation or none", 1);
        question(&names, "Organizations, with commas between", 2);
    }
    int status = make(&detail);
    return deploy_end(status, &detail);
}

const struct commands_command deploy_init = {
    .text = {"init", "", "write a commented network.yaml to start from",
             "Without options: four organizations with a validator each, QBFT and Tessera's "
             "dialect, for one machine. An existing file is never overwritten."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
