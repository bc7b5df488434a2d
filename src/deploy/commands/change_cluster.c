/* `quorate add-peer`, `remove-peer`, `promote` and `demote` on clusters: the file is altered, and `up` makes it true. */
#include "base/file.h"
#include "deploy/commands/cluster.h"
#include "deploy/deploy.h"
#include "deploy/local/site.h"
#include "deploy/network/edit.h"

#include <stdio.h>

struct change {
    const char *path;
    const struct deploy_cluster_words *words;
    struct deploy_cluster_words known; /* with the images that run */
    struct deploy_cluster_options options;
    struct deploy_cluster_context before;
};

/* What is there: the file, the releases' images. */
static int begin(struct change *c, const char *path, const struct deploy_cluster_words *words,
                 struct err_detail *detail)
{
    *c = (struct change){.path = path, .words = words, .known = *words};
    c->options = (struct deploy_cluster_options){
        .data = words->data,
        .image = words->image,
        .database_image = words->database_image,
        .vault = true,
    };
    int status = deploy_cluster_open(&c->before, path, &c->options, detail);
    if (status == ERR_OK && (!words->image || !words->database_image))
        deploy_target_images(&c->known.image, &c->known.database_image, c->before.cluster,
                             &c->before.arena);
    return status;
}

static int end(struct change *c, int status, struct err_detail *detail)
{
    deploy_cluster_close(&c->before);
    return deploy_end(status, detail);
}

/* The altered file takes the old one's place when it can be read and has that many peers. */
static int take_over(const struct change *c, const struct buf *text, size_t peers,
                     struct err_detail *detail)
{
    char draft[DEPLOY_PATH_MAX];
    struct deploy_cluster_context after;
    deploy_path(draft, "%.1000s.new", c->path);
    int status = file_write(draft, buf_bytes(text), detail);
    if (status != ERR_OK)
        return status;
    status = deploy_cluster_open(&after, draft, &c->options, detail);
    if (status == ERR_OK && after.cluster->count != peers)
        status = err_set(detail, ERR_INPUT,
                         "%s is laid out in a way that is not altered here; alter it by hand, "
                         "then `quorate up`",
                         c->path);
    deploy_cluster_close(&after);
    if (status == ERR_OK && rename(draft, c->path) != 0)
        status = err_set(detail, ERR_IO, "cannot write %s", c->path);
    if (status != ERR_OK)
        (void)remove(draft);
    return status;
}

static int bring_up(const struct change *c, struct err_detail *detail)
{
    struct deploy_cluster_options options = c->options;
    struct deploy_cluster_context context;
    const struct deploy_target_options target = {.charts =
                                                     c->words->charts ? c->words->charts : "charts",
                                                 .checkout = c->words->checkout,
                                                 .wait_seconds = c->words->wait_seconds};
    struct deploy_changes changes = {0};
    options.image = c->known.image;
    options.database_image = c->known.database_image;
    int status = deploy_cluster_open(&context, c->path, &options, detail);
    if (status == ERR_OK)
        status = deploy_target_up(&context, &target, &changes, detail);
    deploy_cluster_close(&context);
    return status;
}

/* Votes as the file stands now. */
static int vote(const struct change *c, const char *name, bool in, struct err_detail *detail)
{
    struct deploy_cluster_context context;
    size_t index = 0;
    int status = deploy_cluster_open(&context, c->path, &c->options, detail);
    if (status == ERR_OK)
        status = deploy_cluster_find(&index, context.cluster, name, detail);
    if (status == ERR_OK)
        status = deploy_cluster_prepare(context.cluster, true, detail);
    if (status == ERR_OK)
        status = deploy_target_vote(context.cluster, index, in, c->words->wait_seconds, detail);
    if (status == ERR_OK)
        printf("%s is %s\n", context.cluster->peers[index].name,
               in ? "a validator" : "no validator any more");
    deploy_cluster_close(&context);
    return status;
}

static bool is_raft(const struct change *c)
{
    return c->before.network->config->consensus.value == DEPLOY_RAFT;
}

/* --- Coming --- */

static const struct deploy_organization *organization_of(const struct deploy_network *network,
                                                         const char *name)
{
    for (size_t i = 0; i < network->organizations.count; i++)
        if (strcmp(network->organizations.items[i].name.text, name) == 0)
            return &network->organizations.items[i];
    return NULL;
}

/* As other managers are to call the newcomer's: by the name and port of the organization's last peer, with its own name. */
static void manager_url(char *ret, size_t size, const struct change *c,
                        const struct deploy_organization *organization, const char *name)
{
    const struct deploy_peers *peers = &organization->services->peers;
    const struct deploy_cluster *cluster = c->before.cluster;
    struct deploy_peer peer = peers->items[peers->count - 1];
    struct deploy_cluster_address address;
    struct deploy_cluster_peer at = {.organization = organization, .peer = &peer};
    peer.name.text = name;
    deploy_cluster_address(&address, cluster, &at, peer.tm, DEPLOY_PORT_TESSERA);
    snprintf(ret, size, "%s://%.255s:%u",
             c->before.network->config->tm_tls.value == DEPLOY_TLS_STRICT ? "https" : "http",
             address.host, (unsigned)address.port);
}

static bool lists_managers(const struct deploy_network *network)
{
    return network->config->transaction_manager.value == DEPLOY_TESSERA &&
           network->config->tm_nodes.is_list && network->config->tm_nodes.count;
}

/* Two edits of one file: the one that stands further down is made first, so that the places of the other stay true. */
static int write_newcomer(struct buf *text, const struct change *c,
                          const struct deploy_organization *organization,
                          const struct deploy_edit_peer *peer, struct err_detail *detail)
{
    const struct deploy_network *network = c->before.network;
    const struct bytes old = buf_bytes(&c->before.content);
    char url[512];
    struct buf half = BUF_INIT;
    if (!lists_managers(network) || !organization->services || !organization->services->peers.count)
        return deploy_edit_add_peer(text, old, network, organization, peer, detail);
    manager_url(url, sizeof(url), c, organization, peer->name);
    bool managers_first =
        network->config->tm_nodes.place.line > organization->services->peers.place.line;
    int status = ERR_OK;
    if (managers_first)
        deploy_edit_add_manager(&half, old, network, url);
    else
        status = deploy_edit_add_peer(&half, old, network, organization, peer, detail);
    if (status == ERR_OK && managers_first)
        status = deploy_edit_add_peer(text, buf_bytes(&half), network, organization, peer, detail);
    else if (status == ERR_OK)
        deploy_edit_add_manager(text, buf_bytes(&half), network, url);
    buf_release(&half);
    return status;
}

static int add_to_file(const struct change *c, const char *organization, const char *peer,
                       bool validator, struct err_detail *detail)
{
    const struct deploy_organization *owner = organization_of(c->before.network, organization);
    const struct deploy_edit_peer newcomer = {.name = peer, .validator = validator, .ports = true};
    struct buf text = BUF_INIT;
    int status = ERR_OK;
    if (!owner)
        return err_set(detail, ERR_NOTFOUND, "there is no organization %s in %s", organization,
                       c->path);
    if (owner->external.value)
        return err_set(detail, ERR_USAGE, "%s is external: its operator adds peers to it",
                       organization);
    status = write_newcomer(&text, c, owner, &newcomer, detail);
    if (status == ERR_OK)
        status = take_over(c, &text, c->before.cluster->count + 1, detail);
    buf_release(&text);
    return status;
}

int deploy_cluster_run_add_peer(const char *path, const struct deploy_cluster_words *words,
                                const char *organization, const char *peer, bool validator)
{
    struct err_detail detail = {""};
    struct change c;
    char name[DEPLOY_CLUSTER_NAME_MAX];
    size_t index = 0;
    snprintf(name, sizeof(name), "%.60s/%.60s", organization, peer);
    int status = begin(&c, path, words, &detail);
    if (status == ERR_OK && deploy_cluster_find(&index, c.before.cluster, name, NULL) != ERR_OK)
        status = add_to_file(&c, organization, peer, validator, &detail);
    if (status == ERR_OK)
        status = bring_up(&c, &detail);
    if (status == ERR_OK && validator)
        status = vote(&c, name, true, &detail);
    return end(&c, status, &detail);
}

/* --- Going --- */

static int remove_manager(struct buf *text, const struct change *c, const struct bytes old,
                          size_t index)
{
    const struct deploy_network *network = c->before.network;
    const struct deploy_cluster_peer *peer = &c->before.cluster->peers[index];
    struct deploy_cluster_address address;
    deploy_cluster_address(&address, c->before.cluster, peer, peer->peer->tm, DEPLOY_PORT_TESSERA);
    size_t length = strlen(address.host);
    for (size_t i = 0;
         lists_managers(network) && peer->has_tm && i < network->config->tm_nodes.count; i++) {
        const char *at = strstr(network->config->tm_nodes.items[i].text, "://");
        if (!at || strncmp(at + 3, address.host, length) != 0 || !strchr(":/", at[3 + length]))
            continue;
        deploy_edit_remove_manager(text, old, network, i);
        return buf_status(text);
    }
    buf_append_bytes(text, old);
    return buf_status(text);
}

static int remove_from_file(const struct change *c, size_t index, struct err_detail *detail)
{
    const struct deploy_network *network = c->before.network;
    const struct deploy_peer *peer = c->before.cluster->peers[index].peer;
    const struct bytes old = buf_bytes(&c->before.content);
    struct buf half = BUF_INIT, text = BUF_INIT;
    bool managers_first = network->config->tm_nodes.place.line > peer->name.place.line;
    int status = managers_first ? remove_manager(&half, c, old, index)
                                : deploy_edit_remove_peer(&half, old, network, peer, detail);
    if (status == ERR_OK && managers_first)
        status = deploy_edit_remove_peer(&text, buf_bytes(&half), network, peer, detail);
    else if (status == ERR_OK)
        status = remove_manager(&text, c, buf_bytes(&half), index);
    if (status == ERR_OK)
        status = take_over(c, &text, c->before.cluster->count - 1, detail);
    buf_release(&half);
    buf_release(&text);
    return status;
}

/* Before the file says so: what is refused must leave it as it was. */
static int may_leave(const struct change *c, size_t index, struct err_detail *detail)
{
    bool in = false;
    if (c->before.cluster->peers[index].organization->external.value)
        return err_set(detail, ERR_USAGE,
                       "%s is of an organization that others run: `quorate demote` votes it out, "
                       "and its operator ends it",
                       c->before.cluster->peers[index].name);
    int status = deploy_cluster_identify(c->before.cluster, detail);
    return status == ERR_OK ? deploy_target_may_leave(c->before.cluster, index, &in, detail)
                            : status;
}

int deploy_cluster_run_remove_peer(const char *path, const struct deploy_cluster_words *words,
                                   const char *name)
{
    struct err_detail detail = {""};
    struct change c;
    size_t index = 0;
    int status = begin(&c, path, words, &detail);
    if (status == ERR_OK)
        status = deploy_cluster_find(&index, c.before.cluster, name, &detail);
    if (status == ERR_OK)
        status = may_leave(&c, index, &detail);
    if (status == ERR_OK)
        status = remove_from_file(&c, index, &detail);
    if (status == ERR_OK)
        status = bring_up(&c, &detail);
    if (status == ERR_OK)
        printf("%s is gone from the network; its claims and secrets stay\n",
               c.before.cluster->peers[index].name);
    return end(&c, status, &detail);
}

/* --- Votes --- */

/* A node makes blocks only when it was started to: the file says so before it is voted in, and after it is voted out. */
static int set_type(const struct change *c, size_t index, bool in, struct err_detail *detail)
{
    const struct deploy_cluster_peer *peer = &c->before.cluster->peers[index];
    struct deploy_peer_at at;
    struct buf text = BUF_INIT;
    int status = ERR_OK;
    /* Others start theirs; one of `services.validators` is started to make blocks, whatever its type. */
    if (peer->organization->external.value || !deploy_peer_at(&at, c->before.network, index) ||
        !at.has_tm)
        return ERR_OK;
    if (peer->validator != in) {
        deploy_edit_set_type(&text, buf_bytes(&c->before.content), peer->peer, in);
        status = take_over(c, &text, c->before.cluster->count, detail);
    }
    buf_release(&text);
    return status == ERR_OK ? bring_up(c, detail) : status;
}

int deploy_cluster_run_vote(const char *path, const struct deploy_cluster_words *words,
                            const char *name, bool in)
{
    struct err_detail detail = {""};
    struct change c;
    size_t index = 0;
    int status = begin(&c, path, words, &detail);
    if (status == ERR_OK)
        status = deploy_cluster_find(&index, c.before.cluster, name, &detail);
    if (status == ERR_OK && is_raft(&c) && !in)
        status = err_set(&detail, ERR_UNSUPPORTED,
                         "a member of a Raft cluster that votes cannot be made a learner; "
                         "`quorate remove-peer` it, and add it without --validator");
    if (status == ERR_OK && !in)
        status = vote(&c, name, false, &detail);
    if (status == ERR_OK)
        status = set_type(&c, index, in, &detail);
    if (status == ERR_OK && in)
        status = vote(&c, name, true, &detail);
    return end(&c, status, &detail);
}
