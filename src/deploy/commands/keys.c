/* `quorate keys`: what is in the store of secrets, made anew, or brought along. */
#include "deploy/commands/keys_show.h"

#include "base/file.h"
#include "base/mem.h"
#include "deploy/commands/cluster.h"
#include "deploy/json.h"
#include "deploy/keys/change.h"
#include "deploy/local/founders.h"

#include <stdio.h>
#include <unistd.h>

static const char *data = DEPLOY_DATA_DEFAULT, *passphrase_file, *network_file;
static const char *key_file, *authority_file, *file_passphrase;
static bool as_json;

static const struct options_row rows[] = {
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"passphrase-file", "FILE", OPTIONS_TEXT, &passphrase_file,
     "of the store of secrets (default: the key file beside it)"},
    {"json", NULL, OPTIONS_SWITCH, &as_json, "list and show: as JSON"},
    {"network", "FILE", OPTIONS_TEXT, &network_file,
     "import: the network file, before the first `up`"},
    {"key", "FILE", OPTIONS_TEXT, &key_file,
     "import of a certificate or an authority: its key, PEM"},
    {"authority", "FILE", OPTIONS_TEXT, &authority_file,
     "import of a certificate: who signed it, PEM (default: the last of its chain)"},
    {"file-passphrase", "FILE", OPTIONS_TEXT, &file_passphrase,
     "import of an account or a tm key that is locked: the file of its passphrase"},
};

enum { IMPORT_MAX = 256 << 10 }; /* bytes of a file that is brought along */

struct work {
    struct deploy_context context;
    bool is_cluster;
    struct deploy_cluster_options options;
    struct deploy_cluster_context cluster;
    struct deploy_secrets secrets;
    char path[DEPLOY_PATH_MAX]; /* of the store */
};

/* A peer, wherever it runs. */
struct holder {
    const char *name;
    struct deploy_owner owner;
    const struct deploy_site_peer *here; /* NULL on clusters */
};

/* --- Beginning and ending --- */

static int open_network(struct work *w, struct err_detail *detail)
{
    char kept[DEPLOY_PATH_MAX];
    w->is_cluster = !network_file && deploy_cluster_was(kept, data);
    if (w->is_cluster) {
        w->options = (struct deploy_cluster_options){.data = data, .image = "", .vault = true};
        return deploy_cluster_open(&w->cluster, kept, &w->options, detail);
    }
    return network_file ? deploy_context_open(&w->context, network_file, data, detail)
                        : deploy_context_reopen(&w->context, data, detail);
}

static int begin(struct work *w, struct err_detail *detail)
{
    *w = (struct work){.is_cluster = false};
    int status = open_network(w, detail);
    if (w->is_cluster)
        return status == ERR_OK
                   ? deploy_cluster_store(&w->secrets, w->path, w->cluster.cluster, detail)
                   : status;
    if (status == ERR_OK && !network_file && !deploy_context_has_secrets(w->context.site))
        status = err_set(detail, ERR_NOTFOUND, "%s has no store of secrets; `quorate up` makes it",
                         w->context.site->folder);
    if (status == ERR_OK && network_file)
        status = deploy_site_make(w->context.site, detail);
    if (status == ERR_OK)
        status =
            deploy_context_secrets(&w->secrets, w->path, w->context.site, passphrase_file, detail);
    return status;
}

static void end(struct work *w)
{
    deploy_secrets_close(&w->secrets);
    if (w->is_cluster)
        deploy_cluster_close(&w->cluster);
    else
        deploy_context_release(&w->context);
}

/* --- Peers --- */

static size_t count_of(const struct work *w)
{
    return w->is_cluster ? w->cluster.cluster->count : w->context.site->count;
}

/* False for one of an organization that others run. */
static bool holder_at(struct holder *ret, const struct work *w, size_t index)
{
    if (!w->is_cluster) {
        const struct deploy_site_peer *peer = &w->context.site->peers[index];
        *ret = (struct holder){peer->name, deploy_site_owner(w->context.site, peer), peer};
        return true;
    }
    const struct deploy_cluster_peer *peer = &w->cluster.cluster->peers[index];
    *ret = (struct holder){peer->name, deploy_cluster_owner(w->cluster.cluster, peer), NULL};
    return !peer->organization->external.value;
}

static int find(struct holder *ret, const struct work *w, const char *name,
                struct err_detail *detail)
{
    const struct deploy_site_peer *peer = NULL;
    size_t index = 0;
    int status = w->is_cluster ? deploy_cluster_find(&index, w->cluster.cluster, name, detail)
                               : deploy_context_peer(&peer, &w->context, name, detail);
    if (status == ERR_OK && peer)
        index = (size_t)(peer - w->context.site->peers);
    if (status == ERR_OK && !holder_at(ret, w, index))
        status = err_set(detail, ERR_USAGE, "%s is external: its operator has its keys", name);
    return status;
}

/* --- Looking --- */

static int list(struct err_detail *detail)
{
    struct work w;
    json_t *all = json_array();
    int status = begin(&w, detail);
    for (size_t i = 0; status == ERR_OK && i < count_of(&w); i++) {
        struct holder holder;
        json_t *one = NULL;
        if (!holder_at(&holder, &w, i))
            continue;
        status = deploy_keys_describe(&one, &w.secrets, &holder.owner, holder.name, detail);
        if (status == ERR_OK)
            json_array_append_new(all, one);
    }
    if (status == ERR_OK && as_json)
        status = deploy_json_print(all, detail);
    else if (status == ERR_OK)
        deploy_keys_print_table(all);
    json_decref(all);
    end(&w);
    return status;
}

static int show(const char *name, struct err_detail *detail)
{
    struct work w;
    struct holder holder;
    json_t *one = NULL;
    int status = begin(&w, detail);
    if (status == ERR_OK)
        status = find(&holder, &w, name, detail);
    if (status == ERR_OK)
        status = deploy_keys_describe(&one, &w.secrets, &holder.owner, holder.name, detail);
    if (status == ERR_OK && as_json)
        status = deploy_json_print(one, detail);
    else if (status == ERR_OK)
        deploy_keys_print_one(one);
    json_decref(one);
    end(&w);
    return status;
}

/* --- Changing --- */

/* A validator is its key: the others would go on waiting for the old one. */
static int check_living(const struct work *w, const struct deploy_site_peer *peer,
                        enum deploy_material material, struct err_detail *detail)
{
    if (material != DEPLOY_NODEKEY || !deploy_founders_chain(w->context.site, peer->name))
        return ERR_OK;
    if (w->context.network->config->consensus.value == DEPLOY_RAFT)
        return err_set(detail, ERR_USAGE,
                       "%s is a member of its cluster by this key; `quorate remove-peer` it, and "
                       "add another with `quorate add-peer`",
                       peer->name);
    if (peer->validator)
        return err_set(detail, ERR_USAGE,
                       "%s is a validator by this key; `quorate demote` it first, and `promote` it "
                       "again after `quorate up`",
                       peer->name);
    return ERR_OK;
}

/* What pods take up as they begin again, and nothing in the chain, the payloads or the volumes hangs on. */
static int check_cluster(const char *name, enum deploy_material material, struct err_detail *detail)
{
    return material == DEPLOY_CERTIFICATE || material == DEPLOY_AUTHORITY
               ? ERR_OK
               : err_set(detail, ERR_UNSUPPORTED,
                         "%s runs on a cluster, where certificate and authority are renewed; for "
                         "another node key, account or manager's key `quorate add-peer` a peer and "
                         "`remove-peer` this one",
                         name);
}

static int change_one(const struct work *w, const struct holder *holder,
                      enum deploy_material material, const struct deploy_import *import,
                      struct err_detail *detail)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    uint64_t versions = 0;
    enum deploy_secret_kind kind = deploy_material_secret(material);
    bool used = !holder->here || deploy_founders_chain(w->context.site, holder->name);
    if (kind != DEPLOY_SECRET_QUORUM && !holder->owner.has_tm)
        return err_set(detail, ERR_USAGE, "%s has no transaction manager", holder->name);
    int status = holder->here ? check_living(w, holder->here, material, detail)
                              : check_cluster(holder->name, material, detail);
    if (status == ERR_OK)
        status = deploy_keys_change(&w->secrets, &holder->owner, material, import, used, detail);
    deploy_secret_path(path, holder->owner.organization, holder->owner.peer, kind);
    if (status == ERR_OK)
        status = deploy_secrets_versions(&w->secrets, &versions, path, detail);
    if (status != ERR_OK)
        return err_prefix(detail, status, "%s of %s", deploy_material_word(material), holder->name);
    printf("%s %s of %s: version %llu of %s\n", import ? "took" : "made",
           deploy_material_word(material), holder->name, (unsigned long long)versions, path);
    return ERR_OK;
}

/* A new authority signs the certificates of all managers of its organization anew. */
static int sign_again(const struct work *w, const struct deploy_organization *organization,
                      struct err_detail *detail)
{
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < count_of(w); i++) {
        struct holder holder;
        if (!holder_at(&holder, w, i) || holder.owner.organization != organization ||
            !holder.owner.has_tm)
            continue;
        status =
            deploy_keys_change(&w->secrets, &holder.owner, DEPLOY_CERTIFICATE, NULL, true, detail);
        if (status == ERR_NOTFOUND) /* it has none yet, and gets one by `up` */
            status = ERR_OK;
        else if (status == ERR_OK)
            printf("signed the certificate of %s anew\n", holder.name);
    }
    return status;
}

static void tell_next(const struct work *w)
{
    if (w->is_cluster)
        printf("next: quorate up, as ever; it begins the pods that read it again, one at a time\n");
    else
        printf("next: quorate up --detach --data %s %s%s; it restarts what reads it\n", data,
               network_file ? "" : data, network_file ? network_file : "/network.yaml");
}

static int change(struct work *w, const char *name, enum deploy_material material,
                  const struct deploy_import *import, struct err_detail *detail)
{
    struct holder holder;
    int status = find(&holder, w, name, detail);
    if (status == ERR_OK)
        status = change_one(w, &holder, material, import, detail);
    if (status == ERR_OK && material == DEPLOY_AUTHORITY)
        status = sign_again(w, holder.owner.organization, detail);
    if (status == ERR_OK)
        tell_next(w);
    return status;
}

static int material_of(enum deploy_material *ret_material, const char *word,
                       struct err_detail *detail)
{
    const char *words[DEPLOY_MATERIALS];
    int found = deploy_material_of(word);
    for (int i = 0; i < DEPLOY_MATERIALS; i++)
        words[i] = deploy_material_word((enum deploy_material)i);
    const char *near = found < 0 ? options_nearest(word, words, DEPLOY_MATERIALS) : NULL;
    if (found < 0)
        return err_set(detail, ERR_USAGE, "there is no material %.40s%s%s%s; `quorate keys --help`",
                       word, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
    *ret_material = (enum deploy_material)found;
    return ERR_OK;
}

static int rotate(const char *name, const char *word, struct err_detail *detail)
{
    struct work w;
    enum deploy_material material = DEPLOY_NODEKEY;
    int status = material_of(&material, word, detail);
    if (status != ERR_OK)
        return status;
    status = begin(&w, detail);
    if (status == ERR_OK)
        status = change(&w, name, material, NULL, detail);
    end(&w);
    return status;
}

/* All files are read before anything is opened or made. */
static int read_files(struct buf files[4], const char *file, enum deploy_material material,
                      struct err_detail *detail)
{
    const char *const paths[] = {file, key_file, authority_file, file_passphrase};
    bool wants_key = material == DEPLOY_CERTIFICATE || material == DEPLOY_AUTHORITY;
    bool takes_passphrase = material == DEPLOY_ACCOUNT || material == DEPLOY_TM;
    int status = ERR_OK;
    if (wants_key != (key_file != NULL))
        return err_set(detail, ERR_USAGE,
                       wants_key ? "%s is imported with --key, the file of its key"
                                 : "%s is imported without --key",
                       deploy_material_word(material));
    if (authority_file && material != DEPLOY_CERTIFICATE)
        return err_set(detail, ERR_USAGE, "--authority is for the import of a certificate");
    if (file_passphrase && !takes_passphrase)
        return err_set(detail, ERR_USAGE, "--file-passphrase is for the import of account and tm");
    for (size_t i = 0; status == ERR_OK && i < BASE_COUNT(paths); i++)
        if (paths[i])
            status = file_read(paths[i], IMPORT_MAX, &files[i], detail);
    return status;
}

static int import(const char *name, const char *word, const char *file, struct err_detail *detail)
{
    struct work w;
    enum deploy_material material = DEPLOY_NODEKEY;
    struct buf files[4] = {BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT};
    int status = material_of(&material, word, detail);
    if (status == ERR_OK)
        status = read_files(files, file, material, detail);
    if (status == ERR_OK) {
        const struct deploy_import in = {buf_bytes(&files[0]), buf_bytes(&files[1]),
                                         buf_bytes(&files[2]), buf_bytes(&files[3])};
        status = begin(&w, detail);
        if (status == ERR_OK)
            status = change(&w, name, material, &in, detail);
        end(&w);
    }
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        mem_wipe(files[i].data, files[i].len);
        buf_release(&files[i]);
    }
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    int status;
    const char *what = argc ? argv[0] : "";
    if (network_file && strcmp(what, "import") != 0)
        status = err_set(&detail, ERR_USAGE, "--network is for import");
    else if (strcmp(what, "list") == 0 && argc == 1)
        status = list(&detail);
    else if (strcmp(what, "show") == 0 && argc == 2)
        status = show(argv[1], &detail);
    else if (strcmp(what, "rotate") == 0 && argc == 3)
        status = rotate(argv[1], argv[2], &detail);
    else if (strcmp(what, "import") == 0 && argc == 4)
        status = import(argv[1], argv[2], argv[3], &detail);
    else
        status = err_set(&detail, ERR_USAGE,
                         "keys list, keys show PEER, keys rotate PEER MATERIAL or keys import PEER "
                         "MATERIAL FILE is expected; `quorate keys --help` tells the materials");
    return deploy_end(status, &detail);
}

#define X(name, word, secret, text) " " word ": " text "."

const struct commands_command deploy_keys = {
    .text = {"keys", "list|show|rotate|import ...",
             "what is in the store of secrets, and change it",
             "`keys list` tells every peer's material, `keys show PEER` more of one; secrets are "
             "never told. `keys rotate PEER MATERIAL` makes a new one, `keys import PEER MATERIAL "
             "FILE` takes what there is already, before the first `up` with --network. What was "
             "there stays as a version of the store; `quorate up` then gives the new one to the "
             "programs and restarts those that read it. Materials:" DEPLOY_MATERIAL_LIST(X)},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
