/* The genesis block once; afterwards only whether it is still the same, which quorate-node itself looks at. */
#include "base/base64.h"
#include "base/file.h"
#include "init/init.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char *datadir, *genesis_path, *nodes_path, *node_program = "quorate-node";

static const struct options_row rows[] = {
    {"datadir", "FOLDER", OPTIONS_TEXT, &datadir, "the node's data directory"},
    {"genesis", "FILE", OPTIONS_TEXT, &genesis_path, "the genesis file: JSON, or that in base64"},
    {"static-nodes", "FILE", OPTIONS_TEXT, &nodes_path,
     "becomes static-nodes.json of the data directory"},
    {"node", "PROGRAM", OPTIONS_TEXT, &node_program, "what takes quorate-node's place"},
};

static int read_genesis(struct buf *ret_json, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int status = file_read(genesis_path, INIT_FILE_MAX, &text, detail);
    struct bytes content = buf_bytes(&text);
    while (content.len && strchr(" \r\n\t", content.data[content.len - 1]))
        content.len--;
    if (status == ERR_OK && content.len && content.data[0] == '{')
        buf_append(ret_json, content.data, content.len);
    else if (status == ERR_OK && base64_decode(ret_json, content) != ERR_OK)
        status = err_set(detail, ERR_INPUT, "%s: neither JSON nor base64", genesis_path);
    if (status == ERR_OK && ret_json->status != ERR_OK)
        status = err_set(detail, ret_json->status, "out of memory");
    buf_release(&text);
    return status;
}

static int copy_nodes(struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    char path[INIT_PATH_MAX];
    int status = init_path(path, datadir, "static-nodes.json", detail);
    if (status == ERR_OK)
        status = file_read(nodes_path, INIT_FILE_MAX, &text, detail);
    if (status == ERR_OK)
        status = file_write(path, buf_bytes(&text), detail);
    buf_release(&text);
    return status;
}

static int prepare(char ret_path[INIT_PATH_MAX], struct err_detail *detail)
{
    struct buf json = BUF_INIT;
    int status = file_make_folders(datadir, 0700, detail);
    if (status == ERR_OK)
        status = read_genesis(&json, detail);
    if (status == ERR_OK)
        status = init_path(ret_path, datadir, "genesis.json", detail);
    if (status == ERR_OK)
        status = file_write(ret_path, buf_bytes(&json), detail);
    if (status == ERR_OK && nodes_path)
        status = copy_nodes(detail);
    buf_release(&json);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    char path[INIT_PATH_MAX];
    (void)argv;
    if (argc || !datadir || !genesis_path)
        return init_complain(err_set(&detail, ERR_USAGE, "genesis needs --datadir and --genesis"),
                             &detail);
    int status = prepare(path, &detail);
    if (status != ERR_OK)
        return init_complain(status, &detail);
    const char *const words[] = {node_program, "--datadir", datadir, "init", path, NULL};
    execvp(node_program, (char *const *)(uintptr_t)words);
    return init_complain(err_set(&detail, ERR_IO, "%s: %s", node_program, strerror(errno)),
                         &detail);
}

const struct commands_command init_genesis = {
    .text = {"genesis", "", "write the genesis block, or see that it is the same",
             "A data directory with another genesis block is left alone, and an error."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
