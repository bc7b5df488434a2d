/* `quorate add-org`, `add-peer`, `remove-peer`, `promote` and `demote`: who is in a running network, and who votes. Each
 * alters the network file, so that a later `up` comes to the same, and the network, and waits for the outcome. */
#include "base/file.h"
#include "deploy/commands/bring.h"
#include "deploy/commands/cluster.h"
#include "deploy/commands/table.h"
#include "deploy/local/members.h"
#include "deploy/network/edit.h"

#include <stdio.h>

static const char *data = DEPLOY_DATA_DEFAULT, *passphrase_file;
static struct deploy_cluster_words cluster;
static bool validator;
static uint64_t wait_seconds = DEPLOY_WAIT_SECONDS;

#define COMMON_ROWS                                                                                \
    {"data", "FOLDER", OPTIONS_TEXT, &data,                                                        \
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},                                 \
        {"passphrase-file", "FILE", OPTIONS_TEXT, &passphrase_file,                                \
         "of the store of secrets (default: the key file beside it)"},                             \
        {"wait", "SECONDS", OPTIONS_NUMBER, &wait_seconds,                                         \
         "how long to wait for blocks and votes (default 60)"}

static const struct options_row add_rows[] = {
    {"validator", NULL, OPTIONS_SWITCH, &validator, "voted in as soon as it has the chain"},
    COMMON_ROWS,
    DEPLOY_CLUSTER_ROWS(cluster),
};
static const struct options_row rows[] = {COMMON_ROWS, DEPLOY_CLUSTER_ROWS(cluster)};

static bool is_raft(const struct deploy_context *context)
{
    return context->network->config->consensus.value == DEPLOY_RAFT;
}

static int bring_up(struct deploy_context *context, struct err_detail *detail)
{
    const struct deploy_bring options = {.passphrase_file = passphrase_file,
                                         .wait_seconds = wait_seconds};
    return deploy_bring_up(context, &options, detail);
}

/* Reads an altered file as if it were the one at `path`; it must have `peers` peers. Written when it has. */
static int take_over(struct deploy_context *ret_context, const char *path, const struct buf *text,
                     size_t peers, struct err_detail *detail)
{
    char draft[DEPLOY_PATH_MAX];
    *ret_context = (struct deploy_context){.content = BUF_INIT};
    arena_init(&ret_context->arena);
    snprintf(draft, sizeof(draft), "%.1000s.new", path);
    int status = file_write(draft, buf_bytes(text), detail);
    if (status != ERR_OK)
        return status;
    status = deploy_context_open(ret_context, draft, data, detail);
    if (status == ERR_OK && ret_context->site->count != peers)
        status = err_set(detail, ERR_INPUT,
                         "%s is laid out in a way that is not altered here; alter it by hand, "
                         "then `quorate up`",
                         path);
    if (status == ERR_OK)
        status =
            rename(draft, path) == 0 ? ERR_OK : err_set(detail, ERR_IO, "cannot write %s", path);
    if (status != ERR_OK)
        (void)remove(draft);
    return status;
}

static size_t index_of(const struct deploy_context *context, const struct deploy_site_peer *peer)
{
    return (size_t)(peer - context->site->peers);
}

static int find(size_t *ret_index, const struct deploy_context *context, const char *name,
                struct err_detail *detail)
{
    const struct deploy_site_peer *peer = NULL;
    int status = deploy_context_peer(&peer, context, name, detail);
    if (status == ERR_OK)
        *ret_index = index_of(context, peer);
    return status;
}

/* --- Coming --- */

/* A validator of Raft votes from the beginning; one of the others is voted in once it has the chain. */
static int join(struct deploy_context *context, const char *name, struct err_detail *detail)
{
    size_t index = 0;
    int status = find(&index, context, name, detail);
    if (status == ERR_OK && is_raft(context)) {
        status = deploy_context_identities(context, passphrase_file, index, detail);
        if (status == ERR_OK)
            status = deploy_members_raft_add(context->site, index, validator, detail);
    }
    if (status == ERR_OK)
        status = bring_up(context, detail);
    if (status == ERR_OK && validator && !is_raft(context)) {
        status = deploy_members_vote(context->site, index, true, wait_seconds, detail);
        if (status == ERR_OK)
            printf("%s is a validator\n", context->site->peers[index].name);
    }
    if (status == ERR_OK) {
        printf("\n");
        deploy_table_summary(context->site);
    }
    return status;
}

/* `peer` NULL: an organization with a peer of its name. One that is in the file already is only completed. */
static int add(const char *path, const char *organization, const char *peer,
               struct err_detail *detail)
{
    struct deploy_context before, after;
    struct buf text = BUF_INIT;
    char name[72];
    int status = deploy_context_open(&before, path, data, detail);
    const struct deploy_organization *owner = NULL;
    snprintf(name, sizeof(name), "%.35s/%.35s", organization, peer ? peer : organization);
    for (size_t i = 0; status == ERR_OK && i < before.network->organizations.count; i++)
        if (strcmp(before.network->organizations.items[i].name.text, organization) == 0)
            owner = &before.network->organizations.items[i];
    if (status == ERR_OK && deploy_site_find(before.site, name)) {
        status = join(&before, name, detail);
        deploy_context_release(&before);
        return status;
    }
    if (status == ERR_OK && !peer && owner)
        status = err_set(detail, ERR_EXISTS, "%s is in %s already; `quorate add-peer` adds to it",
                         organization, path);
    if (status == ERR_OK && peer && !owner)
        status =
            err_set(detail, ERR_NOTFOUND, "there is no organization %s in %s", organization, path);
    if (status == ERR_OK && peer)
        status = deploy_edit_add_peer(
            &text, buf_bytes(&before.content), before.network, owner,
            &(const struct deploy_edit_peer){.name = peer, .validator = validator}, detail);
    else if (status == ERR_OK)
        deploy_edit_add_organization(&text, buf_bytes(&before.content), before.network,
                                     organization, validator);
    if (status == ERR_OK) {
        status = take_over(&after, path, &text, before.site->count + 1, detail);
        if (status == ERR_OK)
            status = join(&after, name, detail);
        deploy_context_release(&after);
    }
    buf_release(&text);
    deploy_context_release(&before);
    return status;
}

/* --- Going --- */

static int leave(struct deploy_context *context, size_t index, struct err_detail *detail)
{
    bool is = false;
    int status = deploy_context_identities(context, passphrase_file, DEPLOY_MAKE_NONE, detail);
    if (status != ERR_OK)
        return status;
    if (is_raft(context))
        return deploy_members_raft_remove(context->site, index, wait_seconds, detail);
    status = deploy_members_is_validator(&is, context->site, index, detail);
    if (status == ERR_OK && is)
        status = deploy_members_vote(context->site, index, false, wait_seconds, detail);
    return status;
}

static int remove_peer(const char *path, const char *name, struct err_detail *detail)
{
    struct deploy_context before, after;
    struct buf text = BUF_INIT;
    size_t index = 0;
    int status = deploy_context_open(&before, path, data, detail);
    if (status == ERR_OK)
        status = deploy_context_is_made(&before, detail);
    if (status == ERR_OK)
        status = find(&index, &before, name, detail);
    if (status == ERR_OK)
        status = deploy_edit_remove_peer(&text, buf_bytes(&before.content), before.network,
                                         before.site->peers[index].peer, detail);
    if (status == ERR_OK)
        status = leave(&before, index, detail);
    if (status == ERR_OK) {
        status = take_over(&after, path, &text, before.site->count - 1, detail);
        if (status == ERR_OK)
            status = bring_up(&after, detail);
        deploy_context_release(&after);
    }
    if (status == ERR_OK)
        printf("%s is gone from the network; its data stays in %s\n",
               before.site->peers[index].name, before.site->peers[index].folder);
    buf_release(&text);
    deploy_context_release(&before);
    return status;
}

/* --- Votes --- */

/* The file says so first, as a node makes blocks only when it was started to; out of the set it goes before that. */
static int set_type(const char *path, size_t index, struct deploy_context *before, bool in,
                    struct err_detail *detail)
{
    struct deploy_context after;
    struct buf text = BUF_INIT;
    if (before->site->peers[index].validator == in)
        return bring_up(before, detail);
    deploy_edit_set_type(&text, buf_bytes(&before->content), before->site->peers[index].peer, in);
    int status = take_over(&after, path, &text, before->site->count, detail);
    if (status == ERR_OK)
        status = bring_up(&after, detail);
    deploy_context_release(&after);
    buf_release(&text);
    return status;
}

static int vote(const char *path, const char *name, bool in, struct err_detail *detail)
{
    struct deploy_context context;
    size_t index = 0;
    int status = deploy_context_open(&context, path, data, detail);
    if (status == ERR_OK)
        status = deploy_context_is_made(&context, detail);
    if (status == ERR_OK)
        status = find(&index, &context, name, detail);
    if (status == ERR_OK && is_raft(&context) && !in)
        status = err_set(detail, ERR_UNSUPPORTED,
                         "a member of a Raft cluster that votes cannot be made a learner; "
                         "`quorate remove-peer` it, and add it without --validator");
    if (status == ERR_OK)
        status = deploy_context_identities(&context, passphrase_file, DEPLOY_MAKE_NONE, detail);
    if (status == ERR_OK && is_raft(&context))
        status = deploy_members_raft_promote(context.site, index, wait_seconds, detail);
    if (status == ERR_OK && !in)
        status = deploy_members_vote(context.site, index, false, wait_seconds, detail);
    if (status == ERR_OK)
        status = set_type(path, index, &context, in, detail);
    if (status == ERR_OK && in && !is_raft(&context))
        status = deploy_members_vote(context.site, index, true, wait_seconds, detail);
    if (status == ERR_OK)
        printf("%s is %s\n", context.site->peers[index].name,
               in ? "a validator" : "no validator any more");
    deploy_context_release(&context);
    return status;
}

/* --- The commands --- */

static const struct deploy_cluster_words *cluster_words(void)
{
    cluster.data = data;
    cluster.wait_seconds =
        wait_seconds == DEPLOY_WAIT_SECONDS ? DEPLOY_CLUSTER_WAIT_SECONDS : wait_seconds;
    return &cluster;
}

static int run_add_org(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    if (argc == 2 && deploy_cluster_is(argv[0]))
        return deploy_cluster_run_add(argv[0], cluster_words(), argv[1]);
    int status = argc == 2 ? add(argv[0], argv[1], NULL, &detail)
                           : err_set(&detail, ERR_USAGE,
                                     "add-org takes a file and a name: quorate add-org "
                                     "network.yaml customs");
    return deploy_end(status, &detail);
}

static int run_add_peer(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    if (argc == 3 && deploy_cluster_is(argv[0]))
        return deploy_cluster_run_add_peer(argv[0], cluster_words(), argv[1], argv[2], validator);
    int status = argc == 3 ? add(argv[0], argv[1], argv[2], &detail)
                           : err_set(&detail, ERR_USAGE,
                                     "add-peer takes a file, an organization and a name: quorate "
                                     "add-peer network.yaml carrier carrier2");
    return deploy_end(status, &detail);
}

static int run_remove_peer(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    if (argc == 2 && deploy_cluster_is(argv[0]))
        return deploy_cluster_run_remove_peer(argv[0], cluster_words(), argv[1]);
    int status = argc == 2 ? remove_peer(argv[0], argv[1], &detail)
                           : err_set(&detail, ERR_USAGE,
                                     "remove-peer takes a file and a peer: quorate remove-peer "
                                     "network.yaml carrier");
    return deploy_end(status, &detail);
}

static int run_vote(size_t argc, char **argv, bool in)
{
    struct err_detail detail = {""};
    if (argc == 2 && deploy_cluster_is(argv[0]))
        return deploy_cluster_run_vote(argv[0], cluster_words(), argv[1], in);
    int status = argc == 2 ? vote(argv[0], argv[1], in, &detail)
                           : err_set(&detail, ERR_USAGE,
                                     "%s takes a file and a peer: quorate %s network.yaml carrier",
                                     in ? "promote" : "demote", in ? "promote" : "demote");
    return deploy_end(status, &detail);
}

static int run_promote(size_t argc, char **argv)
{
    return run_vote(argc, argv, true);
}

static int run_demote(size_t argc, char **argv)
{
    return run_vote(argc, argv, false);
}

const struct commands_command deploy_add_org = {
    .text = {"add-org", "FILE NAME", "add an organization with one peer to the running network",
             "Writes it into the file, makes its keys, starts it and waits until it has the "
             "chain. Interrupted and done again, it completes."},
    .rows = add_rows,
    .row_count = BASE_COUNT(add_rows),
    .run = run_add_org,
};

const struct commands_command deploy_add_peer = {
    .text = {"add-peer", "FILE ORGANIZATION NAME", "add a peer to an organization",
             "As add-org, in an organization that is in the file."},
    .rows = add_rows,
    .row_count = BASE_COUNT(add_rows),
    .run = run_add_peer,
};

const struct commands_command deploy_remove_peer = {
    .text = {"remove-peer", "FILE PEER", "take a peer out of the running network",
             "It is voted out first if it is a validator, and stays if the others could not agree "
             "without it. Its data and keys stay."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run_remove_peer,
};

const struct commands_command deploy_promote = {
    .text = {"promote", "FILE PEER", "make a peer a validator",
             "All validators of the file vote for it; waits until it is one. In a Raft cluster: "
             "makes a learner vote."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run_promote,
};

const struct commands_command deploy_demote = {
    .text = {"demote", "FILE PEER", "make a validator a mere member",
             "All validators of the file vote it out; waits until it is out."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run_demote,
};
