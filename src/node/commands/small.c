/* Commands that need no node: dumpconfig, removedb, license, show-deprecated-flags; and those of geth's that have
 * nothing to do here. */
#include "node/commands/command.h"

#include "base/file.h"
#include "node/config/file.h"
#include "node/log/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

int node_run_dumpconfig(const struct node_config *config, size_t count, char **arguments)
{
    struct buf b = BUF_INIT;
    node_config_file_write(&b, config);
    FILE *out = count ? fopen(arguments[0], "w") : stdout;
    if (!out) {
        buf_release(&b);
        return node_fatal("open %s: %s", arguments[0], node_system_text(errno));
    }
    bool written = fwrite(b.data, 1, b.len, out) == b.len;
    if (out != stdout)
        written = fclose(out) == 0 && written;
    buf_release(&b);
    return written ? NODE_EXIT_OK : node_fatal("the configuration cannot be written");
}

/* --- removedb --- */

/* 1: yes, 0: no, -1: nobody answers. */
static int confirmed(const char *path)
{
    char line[16];
    printf("Remove full node state database (%s)? [y/n] ", path);
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        return -1;
    return line[0] == 'y' || line[0] == 'Y';
}

int node_run_removedb(const struct node_config *config, size_t count, char **arguments)
{
    struct node_datadir dir;
    struct err_detail detail = {""};
    struct stat st;
    char path[NODE_PATH_MAX];
    (void)count;
    (void)arguments;
    if (stat(config->datadir, &st) != 0) {
        NODE_LOG(NODE_LOG_INFO, "Full node state database missing",
                 node_text("path", config->datadir));
        return NODE_EXIT_OK;
    }
    if (node_datadir_open(&dir, config->datadir, &detail) != ERR_OK)
        return node_fatal("Failed to create the protocol stack: %s", detail.text);
    int code = NODE_EXIT_OK;
    if (node_datadir_path(&dir, path, "quorate", &detail) != ERR_OK) {
        code = node_fatal("%s", detail.text);
    } else if (stat(path, &st) != 0) {
        NODE_LOG(NODE_LOG_INFO, "Full node state database missing", node_text("path", path));
    } else {
        int answer = confirmed(path);
        if (answer < 0)
            code = node_fatal("EOF");
        else if (answer && file_remove_folder(path, &detail) != ERR_OK)
            code = node_fatal("%s", detail.text);
        else
            NODE_LOG(NODE_LOG_INFO,
                     answer ? "Database successfully deleted" : "Database deletion skipped",
                     node_text("path", path));
    }
    node_datadir_close(&dir);
    return code;
}

/* --- Texts --- */

int node_run_license(const struct node_config *config, size_t count, char **arguments)
{
    (void)config;
    (void)count;
    (void)arguments;
    puts("Quorate is licensed under the Apache License, Version 2.0; you may not use it except in\n"
         "compliance with the License. You may obtain a copy of the License at\n\n"
         "    http://www.apache.org/licenses/LICENSE-2.0\n\n"
         "Unless required by applicable law or agreed to in writing, software distributed under "
         "the\n"
         "License is distributed on an \"AS IS\" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY "
         "KIND,\n"
         "either express or implied. See the License for the specific language governing "
         "permissions\n"
         "and limitations under the License.");
    return NODE_EXIT_OK;
}

int node_run_deprecated(const struct node_config *config, size_t count, char **arguments)
{
    (void)config;
    (void)count;
    (void)arguments;
    puts("--------------------------------------------------------------------\n"
         "The following flags are deprecated and will be removed in the future!\n"
         "--------------------------------------------------------------------\n");
    for (size_t i = 0; i < node_flag_count; i++)
        if (node_flags[i].use == NODE_FLAG_ALIAS)
            printf("    --%s\n        (deprecated, use --%s)\n", node_flags[i].name,
                   node_flags[i].help);
    return NODE_EXIT_OK;
}

const char *node_absent_command(const char *name)
{
    static const struct {
        const char *name, *why;
    } absent[] = {
        {"db", "it inspects geth's own database"},
        {"snapshot", "the state is one flat store here, and is pruned as it grows"},
        {"wallet", "presale wallets are not supported; see account import"},
        {"makedag", "there is no proof of work here"},
        {"makecache", "there is no proof of work here"},
        {"import-preimages", "addresses and slots are kept beside the state here"},
        {"export-preimages", "addresses and slots are kept beside the state here"},
        {"version-check", "it would ask a public server of go-ethereum's"},
    };
    for (size_t i = 0; i < BASE_COUNT(absent); i++)
        if (strcmp(absent[i].name, name) == 0)
            return absent[i].why;
    return NULL;
}
