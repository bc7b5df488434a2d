#include "node/manager.h"

#include "base/clock.h"
#include "base/mem.h"
#include "node/light/payloads.h"
#include "node/log/log.h"
#include "privacy/config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_NO_ANSWER = 112 }; /* GoQuorum's */

struct node_manager {
    struct privacy_wire *wire;
    struct node_light_remote *remote; /* in its place, of a QLight client */
    struct privacy_tm *tm;
    struct chain_payloads payloads;
    struct arena arena; /* of `psis` */
    struct chain_psis psis;
    bool has_psis;
    pthread_mutex_t lock; /* of what follows */
    struct node_manager_state state;
    uint64_t since; /* when the block began to wait */
};

static void keep_event(struct node_manager *manager, bool waits, const char *text)
{
    pthread_mutex_lock(&manager->lock);
    if (waits && !manager->state.waits)
        manager->since = base_now_ms();
    manager->state.waits = waits;
    manager->state.failures += waits;
    err_set(&manager->state.why, 0, "%s", text);
    pthread_mutex_unlock(&manager->lock);
}

void node_manager_look(struct node_manager *manager, struct node_manager_state *ret_state)
{
    *ret_state = (struct node_manager_state){.waits = false};
    if (!manager)
        return;
    pthread_mutex_lock(&manager->lock);
    *ret_state = manager->state;
    if (ret_state->waits)
        ret_state->waited_ms = base_now_ms() - manager->since + 1; /* 0 is for nobody waits */
    pthread_mutex_unlock(&manager->lock);
}

/* On the chain's thread. What is committed is durable, so that the node may end here. */
static void on_event(void *context, enum privacy_event event, const char *text)
{
    const struct node_manager *manager = context;
    if (event != PRIVACY_GIVEN_UP)
        keep_event(context, event == PRIVACY_UNREACHABLE, text);
    switch (event) {
    case PRIVACY_UNREACHABLE:
        NODE_LOG(NODE_LOG_ERROR,
                 manager->remote
                     ? "The QLight server gives no payload: a block waits for it"
                     : "The private transaction manager gives no answer: a block waits for it",
                 node_text("err", text));
        break;
    case PRIVACY_BACK:
        NODE_LOG(NODE_LOG_WARN, manager->remote ? "The QLight server answers again"
                                                : "The private transaction manager answers again");
        break;
    case PRIVACY_GIVEN_UP:
        NODE_LOG(NODE_LOG_CRIT,
                 manager->remote ? "Failed to fetch data from the QLight server"
                                 : "Failed to fetch data from the private transaction manager",
                 node_text("err", text));
        _exit(EXIT_NO_ANSWER);
    }
}

static int read_config(struct privacy_config *ret, const struct node_config *config,
                       struct err_detail *detail)
{
    const struct {
        const char *name, *value;
    } flags[] = {
        {"socket", config->ptm_socket},
        {"url", config->ptm_url},
        {"timeout", config->ptm_timeout},
        {"dialtimeout", config->ptm_dialtimeout},
        {"http.idletimeout", config->ptm_idletimeout},
        {"http.writebuffersize", config->ptm_writebuffer},
        {"http.readbuffersize", config->ptm_readbuffer},
        {"tls.mode", config->ptm_tls_mode},
        {"tls.rootca", config->ptm_tls_rootca},
        {"tls.clientcert", config->ptm_tls_clientcert},
        {"tls.clientkey", config->ptm_tls_clientkey},
        {"tls.insecureskipverify", config->ptm_tls_insecure ? "true" : ""},
    };
    privacy_config_init(ret);
    int status = privacy_config_read(ret, getenv("PRIVATE_CONFIG"), detail);
    for (size_t i = 0; i < BASE_COUNT(flags) && status == ERR_OK; i++)
        if (flags[i].value && *flags[i].value)
            status = privacy_config_flag(ret, flags[i].name, flags[i].value, detail);
    return status == ERR_OK ? privacy_config_check(ret, detail) : status;
}

static int open_wire(struct node_manager *manager, const struct privacy_config *found,
                     const struct node_config *config, struct err_detail *detail)
{
    int status = privacy_wire_new(&manager->wire, found, detail);
    if (status != ERR_OK)
        return status;
    const struct privacy_options options = {.exchange = privacy_wire_exchange,
                                            .exchange_context = manager->wire,
                                            .event = on_event,
                                            .context = manager,
                                            .exit_on_failure = config->ptm_exitonfailure};
    status = privacy_new(&manager->tm, &options);
    if (status == ERR_OK)
        status = privacy_open(manager->tm, detail);
    if (status == ERR_OK)
        NODE_LOG(NODE_LOG_INFO, "Target private transaction manager",
                 node_text("distribution",
                           privacy_is_tessera(manager->tm) ? "Tessera" : "Constellation"),
                 node_text("at", *found->socket ? found->socket : found->url));
    return status;
}

static int open_remote(struct node_manager *manager, const struct node_config *config,
                       struct err_detail *detail)
{
    int status = node_light_remote_new(&manager->remote, &config->light, detail);
    if (status != ERR_OK)
        return status;
    const struct privacy_options options = {
        .exchange = node_light_exchange,
        .exchange_context = (void *)(uintptr_t)node_light_remote_proxy(manager->remote),
        .event = on_event,
        .context = manager,
        .exit_on_failure = config->ptm_exitonfailure,
        .is_light = true};
    status = privacy_new(&manager->tm, &options);
    if (status == ERR_OK)
        status = privacy_open(manager->tm, detail);
    if (status == ERR_OK)
        NODE_LOG(NODE_LOG_INFO, "Private payloads and transactions go by the QLight server",
                 node_text("at", node_light_remote_name(manager->remote)));
    return status;
}

int node_manager_open(struct node_manager **ret_manager, const struct node_config *config,
                      struct err_detail *detail)
{
    struct privacy_config found = {.used = false};
    bool is_light = config->light.client;
    *ret_manager = NULL;
    int status = is_light ? ERR_OK : read_config(&found, config, detail);
    if (status != ERR_OK)
        return err_prefix(detail, status, "Error initialising Private Transaction Manager");
    if (!found.used && !is_light)
        return status;
    struct node_manager *manager = mem_alloc_zeroed(1, sizeof(*manager));
    if (!manager)
        return err_set(detail, ERR_NOMEM, "out of memory");
    pthread_mutex_init(&manager->lock, NULL);
    arena_init(&manager->arena);
    status = is_light ? open_remote(manager, config, detail)
                      : open_wire(manager, &found, config, detail);
    if (status != ERR_OK) {
        node_manager_free(manager);
        return status == PRIVACY_FAILED ? ERR_IO : status == ERR_NOTFOUND ? ERR_INPUT : status;
    }
    manager->payloads = privacy_payloads(manager->tm);
    *ret_manager = manager;
    return ERR_OK;
}

void node_manager_free(struct node_manager *manager)
{
    if (!manager)
        return;
    privacy_free(manager->tm);
    privacy_wire_free(manager->wire);
    node_light_remote_free(manager->remote);
    pthread_mutex_destroy(&manager->lock);
    arena_release(&manager->arena);
    mem_free(manager);
}

void node_manager_stop(struct node_manager *manager)
{
    if (!manager)
        return;
    privacy_stop(manager->tm);
    privacy_wire_stop(manager->wire);
    node_light_remote_stop(manager->remote);
}

struct privacy_tm *node_manager_tm(struct node_manager *manager)
{
    return manager ? manager->tm : NULL;
}

struct node_light_remote *node_manager_remote(struct node_manager *manager)
{
    return manager ? manager->remote : NULL;
}

const struct chain_payloads *node_manager_payloads(const struct node_manager *manager)
{
    return manager ? &manager->payloads : NULL;
}

const struct chain_psis *node_manager_psis(const struct node_manager *manager)
{
    return manager && manager->has_psis ? &manager->psis : NULL;
}

static int find_tenants(struct node_manager *manager, struct chain *chain,
                        struct err_detail *detail)
{
    if (!manager)
        return err_set(detail, ERR_INPUT,
                       "cannot instantiate MultiplePrivateStateManager while the transaction "
                       "manager does not support multiple private states (there is none: name it "
                       "by PRIVATE_CONFIG or --ptm.socket)");
    if (manager->remote)
        return err_set(detail, ERR_INPUT,
                       "a QLight client has one private state, that of --qlight.client.psi: its "
                       "genesis file is to be without isMPS");
    int status = privacy_groups(manager->tm, &manager->psis, &manager->arena, detail);
    if (status != ERR_OK)
        return status == PRIVACY_FAILED ? ERR_INPUT : status;
    manager->has_psis = true;
    chain_set_psis(chain, &manager->psis);
    for (size_t i = 0; i < manager->psis.count; i++) {
        char name[CHAIN_PSI_MAX + 1], keys[24];
        const struct chain_psi *psi = &manager->psis.list[i];
        snprintf(name, sizeof(name), "%.*s", (int)psi->name.len, (const char *)psi->name.data);
        snprintf(keys, sizeof(keys), "%zu", psi->member_count);
        NODE_LOG(NODE_LOG_INFO, "Private state", node_text("psi", name), node_text("keys", keys));
    }
    return ERR_OK;
}

int node_manager_serve(struct node_manager *manager, struct chain *chain, struct err_detail *detail)
{
    const struct chain_config *config = chain_configuration(chain);
    if (manager && config->blocks[CHAIN_BLOCK_PRIVACY_ENHANCEMENTS].set &&
        !privacy_has(manager->tm, PRIVACY_ENHANCEMENTS))
        return err_set(
            detail, ERR_INPUT,
            "Cannot start quorum with privacy enhancements enabled while the transaction "
            "manager does not support it");
    return config->is_mps ? find_tenants(manager, chain, detail) : ERR_OK;
}
