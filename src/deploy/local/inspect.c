#include "deploy/local/inspect.h"

#include "base/file.h"
#include "deploy/local/founders.h"
#include "deploy/local/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MAX_BYTES = 16 * 1024 * 1024,
};

/* --- Folders --- */

/* That a folder could be made at `path`, or written into. */
static int check_folder(const char *path, struct err_detail *detail)
{
    char above[DEPLOY_PATH_MAX];
    struct stat info;
    snprintf(above, sizeof(above), "%s", path);
    while (stat(above, &info) != 0 && errno == ENOENT) {
        char *slash = strrchr(above, '/');
        if (!slash || slash == above) {
            snprintf(above, sizeof(above), "%s", slash ? "/" : ".");
            break;
        }
        *slash = 0;
    }
    if (stat(above, &info) == 0 && !S_ISDIR(info.st_mode))
        return err_set(detail, ERR_EXISTS, "%s: %s is no folder", path, above);
    if (access(above, W_OK | X_OK) != 0)
        return err_set(detail, err_from_errno(errno), "%s cannot be written: %s: %s", path, above,
                       strerror(errno));
    return ERR_OK;
}

/* Where the genesis or the static nodes are copied to. */
static int check_copy(const struct deploy_text *path, struct err_detail *detail)
{
    char folder[DEPLOY_PATH_MAX];
    struct stat info;
    if (!path->text)
        return ERR_OK;
    if (strlen(path->text) >= sizeof(folder))
        return err_set(detail, ERR_INPUT, "%.80s...: too long a path", path->text);
    if (stat(path->text, &info) == 0 && !S_ISREG(info.st_mode))
        return err_set(detail, ERR_EXISTS, "%s is no file", path->text);
    snprintf(folder, sizeof(folder), "%s", path->text);
    char *slash = strrchr(folder, '/');
    if (slash == folder)
        slash[1] = 0;
    else if (slash)
        *slash = 0;
    return check_folder(slash ? folder : ".", detail);
}

/* --- The files of a network that is there already --- */

/* The node's own opinion, in a data directory that is thrown away. */
static int check_genesis(const char *genesis, const struct deploy_programs *programs,
                         struct err_detail *detail)
{
    char folder[] = "/dev/shm/quorate-try-XXXXXX";
    struct buf output = BUF_INIT;
    int code = 0;
    if (!mkdtemp(folder))
        return err_set(detail, err_from_errno(errno), "%s: %s", folder, strerror(errno));
    const char *const arguments[] = {programs->node, "--datadir", folder, "init", genesis, NULL};
    int status = deploy_run(&code, &output, arguments, detail);
    if (status == ERR_OK && code != 0)
        status = err_set(detail, ERR_INPUT, "%s is no genesis: %.300s", genesis, buf_text(&output));
    (void)file_remove_folder(folder, NULL); /* in memory: gone with the power at the latest */
    buf_release(&output);
    return status;
}

/* Whether the genesis is the one that an earlier `up` has looked at. */
static bool is_taken_over(const struct deploy_site *site)
{
    char path[DEPLOY_PATH_MAX];
    struct buf ours = BUF_INIT, theirs = BUF_INIT;
    deploy_site_path(path, site, "genesis.json");
    bool same =
        file_read(path, FILE_MAX_BYTES, &ours, NULL) == ERR_OK &&
        file_read(site->network->config->genesis.text, FILE_MAX_BYTES, &theirs, NULL) == ERR_OK &&
        bytes_equal(buf_bytes(&ours), buf_bytes(&theirs));
    buf_release(&ours);
    buf_release(&theirs);
    return same;
}

static int check_static_nodes(const char *path, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    json_error_t error;
    json_t *nodes = NULL;
    int status = file_read(path, FILE_MAX_BYTES, &text, detail);
    if (status == ERR_OK) {
        nodes = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
        bool good = json_is_array(nodes);
        for (size_t i = 0; good && i < json_array_size(nodes); i++) {
            const char *node = json_string_value(json_array_get(nodes, i));
            good = node && strncmp(node, "enode://", 8) == 0;
        }
        if (!good)
            status = err_set(detail, ERR_INPUT, "%s is no list of enodes", path);
    }
    json_decref(nodes);
    buf_release(&text);
    return status;
}

static int check_files(const struct deploy_site *site, const struct deploy_programs *programs,
                       struct err_detail *detail)
{
    const struct deploy_config *config = site->network->config;
    int status = check_folder(site->folder, detail);
    if (status == ERR_OK)
        status = check_folder(site->memory, detail);
    if (status == ERR_OK && !config->bootnode) {
        status = check_copy(&config->genesis, detail);
        return status == ERR_OK ? check_copy(&config->staticnodes, detail) : status;
    }
    if (status == ERR_OK)
        status = check_static_nodes(config->staticnodes.text, detail);
    return status == ERR_OK && !is_taken_over(site)
               ? check_genesis(config->genesis.text, programs, detail)
               : status;
}

static void no_step(void *context, const char *what, bool made)
{
    (void)context, (void)what, (void)made;
}

int deploy_inspect(struct deploy_site *site, const struct deploy_programs *programs,
                   const struct deploy_secrets *secrets, struct err_detail *detail)
{
    bool missing = false;
    int status = check_files(site, programs, detail);
    return status == ERR_OK ? deploy_prepare_plan(site, secrets, &missing, no_step, NULL, detail)
                            : status;
}
