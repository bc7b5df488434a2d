/* A peer's own MariaDB server: what the pod's `mysql-init` and its image do, on this machine. */
#include "deploy/local/prepare_priv.h"

#include "base/file.h"
#include "deploy/local/database.h"
#include "deploy/local/run.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { REMOVE_TRIES = 200, REMOVE_PAUSE_US = 100000 };

static const char folders[] = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin";

static bool find_in(char *ret_path, const char *list, const char *name)
{
    while (list && *list) {
        size_t length = strcspn(list, ":");
        if (length && length + strlen(name) + 2 < DEPLOY_PATH_MAX) {
            deploy_path(ret_path, "%.*s/%s", (int)length, list, name);
            if (access(ret_path, X_OK) == 0)
                return true;
        }
        list += length + (list[length] == ':');
    }
    return false;
}

static int find(char *ret_path, const char *name, struct err_detail *detail)
{
    if (find_in(ret_path, getenv("PATH"), name) || find_in(ret_path, folders, name))
        return ERR_OK;
    return err_set(detail, ERR_NOTFOUND,
                   "%s is not there, and database: mysql needs it; install MariaDB's server "
                   "(Debian: mariadb-server-core), or leave `database` out of the network file",
                   name);
}

int deploy_database_find(struct deploy_programs *ret_programs, struct err_detail *detail)
{
    int status = find(ret_programs->database, "mariadbd", detail);
    return status == ERR_OK ? find(ret_programs->database_install, "mariadb-install-db", detail)
                            : status;
}

static int run(const char *const *arguments, const char *what, struct err_detail *detail)
{
    struct buf output = BUF_INIT;
    int code = 0;
    int status = deploy_run(&code, &output, arguments, detail);
    if (status == ERR_OK && code != 0)
        status = err_set(detail, ERR_IO, "%s ended with %d: %.300s", what, code, buf_text(&output));
    buf_release(&output);
    return status;
}

static int write_script(const struct preparation *p, const struct deploy_site_peer *peer,
                        struct err_detail *detail)
{
    char script[DEPLOY_PATH_MAX + 32], password[DEPLOY_PATH_MAX + 32];
    deploy_path(script, "%s/database.sql", peer->secrets);
    deploy_path(password, "%s/db-password", peer->secrets);
    const char *const arguments[] = {p->programs->init,
                                     "mysql",
                                     "--script",
                                     script,
                                     "--database",
                                     DEPLOY_DATABASE_NAME,
                                     "--user",
                                     peer->identity.database_user,
                                     "--password-file",
                                     password,
                                     NULL};
    return run(arguments, "quorate-init mysql", detail);
}

/* Drafts of those who were killed on their way; who still writes into one ends soon. */
static int remove_drafts(const char *folder, struct err_detail *detail)
{
    char pattern[DEPLOY_PATH_MAX + 32];
    glob_t found;
    int status = ERR_OK;
    deploy_path(pattern, "%s/new-*", folder);
    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
        return ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < found.gl_pathc; i++)
        for (int tries = 0; tries < REMOVE_TRIES; tries++) {
            status = file_remove_folder(found.gl_pathv[i], detail);
            if (status == ERR_OK)
                break;
            usleep(REMOVE_PAUSE_US);
        }
    globfree(&found);
    return status;
}

/* Made beside its place and then moved there, so that one that is there is whole. */
static int install(const struct preparation *p, const struct deploy_site_peer *peer,
                   struct err_detail *detail)
{
    char folder[DEPLOY_PATH_MAX], draft[DEPLOY_PATH_MAX + 32], data[DEPLOY_PATH_MAX + 32];
    char data_option[DEPLOY_PATH_MAX + 64], temporary_option[DEPLOY_PATH_MAX + 64];
    deploy_path(folder, "%s/db", peer->folder);
    deploy_path(draft, "%s/new-XXXXXX", folder);
    deploy_path(data, "%s/data", folder);
    if (access(data, F_OK) == 0)
        return ERR_OK;
    int status = remove_drafts(folder, detail);
    if (status == ERR_OK && !mkdtemp(draft))
        status = err_set(detail, err_from_errno(errno), "%s: %s", draft, strerror(errno));
    if (status != ERR_OK)
        return status;
    deploy_path(data_option, "--datadir=%s", draft);
    deploy_path(temporary_option, "--tmpdir=%s/tmp", folder);
    /* Root is who root is here; nobody else is there before the script has run. */
    const char *const arguments[] = {p->programs->database_install,
                                     "--no-defaults",
                                     data_option,
                                     temporary_option,
                                     "--auth-root-authentication-method=socket",
                                     "--skip-test-db",
                                     "--skip-name-resolve",
                                     "--innodb-flush-log-at-trx-commit=0",
                                     "--innodb-log-file-size=16M",
                                     getuid() == 0 ? "--user=root" : NULL,
                                     NULL};
    status = run(arguments, "mariadb-install-db", detail);
    if (status == ERR_OK && rename(draft, data) != 0)
        status = err_set(detail, err_from_errno(errno), "%s: %s", data, strerror(errno));
    if (status != ERR_OK)
        (void)file_remove_folder(draft, NULL); /* what failed is told already */
    return status;
}

int deploy_database_prepare(struct preparation *p, const struct deploy_site_peer *peer,
                            struct err_detail *detail)
{
    char temporary[DEPLOY_PATH_MAX + 32];
    int status = write_script(p, peer, detail);
    /* Of its own: a server that starts removes all temporary tables where its own would be, also those of a server that runs. */
    deploy_path(temporary, "%s/db/tmp", peer->folder);
    if (status == ERR_OK)
        status = file_make_folders(temporary, 0700, detail);
    return status == ERR_OK ? install(p, peer, detail) : status;
}

int deploy_database_kept(const struct deploy_site *site, struct err_detail *detail)
{
    static const struct {
        const char *file, *what;
        bool database, constellation;
    } kinds[] = {
        {"tm/payloads.db", "SQLite, of Tessera's dialect", false, false},
        {"tm/payloads.quorate.sqlite", "SQLite, of Constellation's dialect", false, true},
        {"db/data", "a database server", true, false},
    };
    bool constellation = site->network->config->transaction_manager.value == DEPLOY_CONSTELLATION;
    for (size_t i = 0; i < site->count; i++) {
        const struct deploy_site_peer *peer = &site->peers[i];
        for (size_t j = 0; peer->has_tm && j < BASE_COUNT(kinds); j++) {
            char path[DEPLOY_PATH_MAX + 64];
            deploy_path(path, "%s/%s", peer->folder, kinds[j].file);
            if (kinds[j].database == peer->database &&
                (peer->database || kinds[j].constellation == constellation))
                continue;
            if (access(path, F_OK) == 0)
                return err_set(detail, ERR_EXISTS,
                               "the private payloads of %s are in %s (%s), and the network file "
                               "asks for another place; undo the change of database or "
                               "transaction_manager, or begin anew with `quorate down --purge`",
                               peer->name, path, kinds[j].what);
        }
    }
    return ERR_OK;
}

void deploy_database_describe(struct deploy_process *process, const struct deploy_site_peer *peer,
                              const struct deploy_programs *programs)
{
    /* Small: a peer has few clients, one at a time; what is asked for again is in the manager's own memory. */
    static const char *const fixed[] = {
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--skip-log-bin",
        "--performance-schema=OFF",
        "--max-allowed-packet=64M",
        "--innodb-buffer-pool-size=16M",
        "--innodb-log-buffer-size=2M",
        "--innodb-log-file-size=16M",
        "--key-buffer-size=64K",
        "--aria-pagecache-buffer-size=1M",
        "--table-open-cache=64",
        "--max-connections=64",
    };
    struct buf *arguments = &process->arguments;
    snprintf(process->name, sizeof(process->name), "%s db", peer->name);
    snprintf(process->program, sizeof(process->program), "%s", programs->database);
    deploy_path(process->log, "%s/logs/db.log", peer->folder);
    deploy_path(process->ready, "%s/db/db.sock", peer->folder);
    process->mark = peer->identity.database_mark;
    deploy_process_add(arguments, "%s", programs->database);
    deploy_process_add(arguments, "--no-defaults"); /* first, or the machine's own files are read */
    deploy_process_add(arguments, "--datadir=%s/db/data", peer->folder);
    deploy_process_add(arguments, "--tmpdir=%s/db/tmp", peer->folder);
    deploy_process_add(arguments, "--socket=%s/db/db.sock", peer->folder);
    deploy_process_add(arguments, "--pid-file=%s/db/db.pid", peer->folder);
    deploy_process_add(arguments, "--port=%u", peer->db);
    deploy_process_add(arguments, "--init-file=%s/database.sql", peer->secrets);
    for (size_t i = 0; i < BASE_COUNT(fixed); i++)
        deploy_process_add(arguments, "%s", fixed[i]);
    if (getuid() == 0)
        deploy_process_add(arguments, "--user=root");
}
