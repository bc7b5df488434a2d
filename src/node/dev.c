#include "node/dev.h"

#include "base/file.h"
#include "base/hex.h"
#include "node/commands/command.h"
#include "node/log/log.h"
#include "node/unlock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* core.DeveloperGenesisBlock, params.AllCliqueProtocolChanges: every fork that GoQuorum knows, from the first block on. */
static const char genesis_format[] =
    "{\"config\": {\"chainId\": 10, \"isQuorum\": false, \"homesteadBlock\": 0, \"eip150Block\": "
    "0, \"eip155Block\": 0,"
    " \"eip158Block\": 0, \"byzantiumBlock\": 0, \"constantinopleBlock\": 0,"
    " \"petersburgBlock\": 0, \"istanbulBlock\": 0, \"muirGlacierBlock\": 0, \"berlinBlock\": 0,"
    " \"clique\": {\"period\": %llu, \"epoch\": 30000}, \"txnSizeLimit\": 32,"
    " \"maxCodeSizeConfig\": [{\"block\": 0, \"size\": 32}], \"qip714Block\": 0},"
    " \"difficulty\": \"0x1\", \"gasLimit\": \"0xaf79e0\", \"timestamp\": \"0x0\","
    " \"extraData\": \"0x%064d%s%0130d\", \"alloc\": {";

static void write_genesis(struct buf *b, const struct node_config *config,
                          const struct address *faucet)
{
    char hex[2 * sizeof(faucet->b) + 1] = {0};
    hex_encode(hex, bytes_of(faucet->b, sizeof(faucet->b)));
    buf_append_format(b, genesis_format, (unsigned long long)config->dev_period, 0, hex, 0);
    for (int precompiled = 1; precompiled <= 9; precompiled++)
        buf_append_format(b, "\"%040x\": {\"balance\": \"0x1\"}, ", precompiled);
    /* All of 256 bits but the nine above. */
    buf_append_format(b, "\"%s\": {\"balance\": \"0x%s\"}}}", hex,
                      "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7");
}

/* The first line of --password, or nothing, as geth takes it. */
static int with_password(struct accounts *accounts, const struct node_config *config,
                         int (*use)(struct accounts *accounts, struct address *account,
                                    struct bytes password, struct err_detail *detail),
                         struct address *account, struct err_detail *detail)
{
    struct node_passwords passwords;
    int status = node_passwords_read(&passwords, config, detail);
    if (status != ERR_OK)
        return status;
    struct bytes password = passwords.count ? node_passwords_get(&passwords, 0) : bytes_none();
    status = use(accounts, account, password, detail);
    node_passwords_release(&passwords);
    return status;
}

static int create(struct accounts *accounts, struct address *account, struct bytes password,
                  struct err_detail *detail)
{
    int result = accounts_create(accounts, account, NULL, password, detail);
    return result == ACCOUNTS_OK ? ERR_OK
                                 : err_prefix(detail, ERR_IO, "Failed to create developer account");
}

static int unlock(struct accounts *accounts, struct address *account, struct bytes password,
                  struct err_detail *detail)
{
    int result = accounts_unlock(accounts, account, password, 0, 0, detail);
    if (result != ACCOUNTS_OK && !*detail->text)
        err_set(detail, ERR_INPUT, "%s", accounts_result_text((enum accounts_result)result));
    return result == ACCOUNTS_OK
               ? ERR_OK
               : err_prefix(detail, ERR_INPUT, "Failed to unlock developer account");
}

/* --miner.etherbase, the first of the folder, or a new one. */
static int choose_account(struct node_dev *dev, struct address *ret_account,
                          const struct node_config *config, struct err_detail *detail)
{
    struct accounts *accounts;
    int status = node_accounts_open(&accounts, config, detail);
    if (status != ERR_OK)
        return status;
    if (*config->etherbase)
        status = node_account_find(ret_account, accounts, config->etherbase, detail);
    else if (!accounts_at(accounts, ret_account, 0))
        status = with_password(accounts, config, create, ret_account, detail);
    accounts_free(accounts);
    if (status == ERR_OK)
        crypto_address_checksum(dev->account, ret_account);
    return status;
}

/* Reuses a chain that is there, whatever its genesis. */
static int make_chain(const struct node_config *config, const struct address *faucet,
                      struct err_detail *detail)
{
    struct node_datadir dir = {.lock = -1};
    struct chain *chain = NULL;
    struct buf genesis = BUF_INIT;
    int status = node_datadir_open(&dir, config->datadir, detail);
    if (status == ERR_OK)
        status = node_open_chain(&chain, config, &dir, bytes_none(), NULL, NULL, detail);
    if (status == ERR_NOTFOUND) {
        NODE_LOG(NODE_LOG_INFO, "Writing custom genesis block");
        write_genesis(&genesis, config, faucet);
        status = node_open_chain(&chain, config, &dir, buf_bytes(&genesis), NULL, NULL, detail);
    }
    chain_free(chain);
    node_datadir_close(&dir);
    buf_release(&genesis);
    return status;
}

static int make_folder(struct node_dev *dev, struct node_config *config, struct err_detail *detail)
{
    const char *place = getenv("TMPDIR");
    place = place && *place ? place : "/tmp";
    snprintf(dev->folder, sizeof(dev->folder), "%s/quorate-dev-XXXXXX", place);
    if (!mkdtemp(dev->folder)) {
        int status =
            err_set(detail, ERR_IO, "no folder for --dev in %s: %s", place, strerror(errno));
        dev->folder[0] = 0;
        return status;
    }
    config->datadir = dev->folder;
    if (!node_config_given(config, "ipcpath")) {
        /* Where geth has it, whose data directory has no name then. */
        snprintf(dev->ipcpath, sizeof(dev->ipcpath), "%s/geth.ipc", place);
        config->ipcpath = dev->ipcpath;
    }
    config->lightkdf = true; /* nothing that outlives the program is locked */
    return ERR_OK;
}

int node_dev_begin(struct node_dev *dev, struct node_config *config, struct err_detail *detail)
{
    struct address account;
    *dev = (struct node_dev){.folder = ""};
    if (config->raft)
        return err_set(detail, ERR_USAGE, "Flags --dev, --raft can't be used at the same time");
    int status = ERR_OK;
    NODE_LOG(NODE_LOG_INFO, "Starting Geth in ephemeral dev mode...");
    if (!node_config_given(config, "datadir"))
        status = make_folder(dev, config, detail);
    if (status == ERR_OK)
        status = choose_account(dev, &account, config, detail);
    if (status == ERR_OK)
        status = make_chain(config, &account, detail);
    if (status != ERR_OK)
        return status;
    config->mine = true;
    config->etherbase = dev->account;
    config->offline = true;
    if (!node_config_given(config, "miner.gasprice"))
        config->gasprice = 1;
    return ERR_OK;
}

void node_dev_end(struct node_dev *dev)
{
    struct err_detail detail = {""};
    if (*dev->folder && file_remove_folder(dev->folder, &detail) != ERR_OK)
        NODE_LOG(NODE_LOG_WARN, "What --dev has made is still there",
                 node_text("err", detail.text));
}

int node_dev_unlock(struct accounts *accounts, const struct node_config *config,
                    struct err_detail *detail)
{
    struct address account;
    int status = node_account_find(&account, accounts, config->etherbase, detail);
    if (status == ERR_OK)
        status = with_password(accounts, config, unlock, &account, detail);
    if (status == ERR_OK)
        NODE_LOG(NODE_LOG_INFO, "Using developer account", node_text("address", config->etherbase));
    return status;
}

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, list[i]) == 0)
            return true;
    return false;
}

bool node_dev_is_for(const char *command)
{
    static const char *const nodes[] = {"", "console", "js"};
    return is_one_of(command, nodes, BASE_COUNT(nodes));
}

bool node_dev_allows(const struct node_config *config, const char *command)
{
    static const char *const chainless[] = {"attach", "version", "license",
                                            "show-deprecated-flags"};
    return node_config_given(config, "datadir") ||
           is_one_of(command, chainless, BASE_COUNT(chainless));
}
