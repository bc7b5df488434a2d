/* `quorate demo`: a network, a contract that is private between two of its peers, and what each peer sees of it. */
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/address.h"
#include "deploy/commands/bring.h"
#include "deploy/commands/table.h"
#include "deploy/local/ipc.h"
#include "deploy/local/rpc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * A contract that keeps a number, which is 42 at first. Called without data it answers the number; data of 32 bytes
 * is the new one.
 *
 *     SSTORE(0, 42); return the code that follows: 24 bytes at 17
 *     CALLDATASIZE ? SSTORE(0, CALLDATALOAD(0)) : return SLOAD(0)
 */
static const char creation[] = "0x602a600055601860116000396018" /* SSTORE, CODECOPY */
                               "6000f3"                         /* RETURN */
                               "3615600c57600035600055005b"     /* set */
                               "60005460005260206000f3";        /* get */
static const char new_number[] =
    "0x000000000000000000000000000000000000000000000000000000000000002b"; /* 43 */

enum { ANSWER_TRIES = 1500, ANSWER_PAUSE_US = 20000, SEND_TRIES = 100, SEND_PAUSE_US = 200000 };

static const char *data = DEPLOY_DATA_DEFAULT, *passphrase_file;

static const struct options_row rows[] = {
    {"data", "FOLDER", OPTIONS_TEXT, &data,
     "where the network lives (default " DEPLOY_DATA_DEFAULT ")"},
    {"passphrase-file", "FILE", OPTIONS_TEXT, &passphrase_file,
     "encrypt the secrets under this file's first line (default: a key file beside them)"},
};

struct demo {
    const struct deploy_site *site;
    const struct deploy_secrets *secrets;
    struct io_http_caller *caller;
    size_t maker, partner; /* the two between whom the contract is private */
    char contract[64];
    uint64_t block;       /* of the last transaction */
    json_t *transactions; /* hashes */
};

/* The first peer with a transaction manager, and the one after the next: neighbours are left out, to be outsiders. */
static int choose_parties(struct demo *demo, struct err_detail *detail)
{
    size_t able[3], count = 0;
    for (size_t i = 0; i < demo->site->count && count < BASE_COUNT(able); i++)
        if (demo->site->peers[i].has_tm)
            able[count++] = i;
    if (count < 2)
        return err_set(detail, ERR_UNSUPPORTED,
                       "the demonstration needs two peers with a transaction manager, and the "
                       "file has %zu",
                       count);
    demo->maker = able[0];
    demo->partner = able[count - 1];
    return ERR_OK;
}

static int read_passphrase(char *ret_text, size_t size, const struct demo *demo, size_t index,
                           struct err_detail *detail)
{
    const struct deploy_site_peer *peer = &demo->site->peers[index];
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    const char *text;
    json_t *fields = NULL;
    deploy_secret_path(path, peer->organization, peer->peer, DEPLOY_SECRET_QUORUM);
    int status = deploy_secrets_read(demo->secrets, &fields, path, detail);
    if (status != ERR_OK)
        return status;
    status = deploy_secrets_field(&text, fields, path, "gethpassword", detail);
    if (status == ERR_OK)
        snprintf(ret_text, size, "%s", text);
    deploy_secrets_drop(fields);
    return status;
}

/* Sends from the account of one party, private for the other. `to` is NULL for a creation. */
static int send(struct demo *demo, size_t from, size_t to_party, const char *to, const char *input,
                struct err_detail *detail)
{
    const struct deploy_site_peer *peers = demo->site->peers;
    char account[CRYPTO_ADDRESS_TEXT], passphrase[DEPLOY_PATH_MAX];
    json_t *hash = NULL;
    int status = read_passphrase(passphrase, sizeof(passphrase), demo, from, detail);
    if (status != ERR_OK)
        return status;
    crypto_address_checksum(account, &peers[from].identity.account);
    json_t *call = json_pack("{s:s, s:s, s:s, s:[s]}", "from", account, "gas", "0x493e0", "data",
                             input, "privateFor", peers[to_party].identity.tm_public);
    if (to)
        json_object_set_new(call, "to", json_string(to));
    /* The other's manager may not be known yet, right after both have begun. */
    for (int i = 0; i < SEND_TRIES; i++) {
        status = deploy_ipc(&hash, &peers[from], "personal_sendTransaction",
                            json_pack("[O, s]", call, passphrase), detail);
        if (status != ERR_INPUT)
            break;
        usleep(SEND_PAUSE_US);
    }
    json_decref(call);
    mem_wipe(passphrase, sizeof(passphrase));
    if (status == ERR_OK && !json_is_string(hash))
        status = err_set(detail, ERR_INPUT, "%s answered no transaction", peers[from].name);
    if (status == ERR_OK)
        json_array_append_new(demo->transactions, hash);
    else
        json_decref(hash);
    return status;
}

/* Until a peer has the receipt; a block's time, and what a busy machine adds. */
static int await_receipt(struct demo *demo, json_t **ret_receipt, size_t index,
                         struct err_detail *detail)
{
    const char *hash = json_string_value(
        json_array_get(demo->transactions, json_array_size(demo->transactions) - 1));
    const struct deploy_site_peer *peer = &demo->site->peers[index];
    for (int i = 0; i < ANSWER_TRIES; i++) {
        json_t *receipt = NULL;
        int status = deploy_rpc(&receipt, demo->caller, peer->rpc, "eth_getTransactionReceipt",
                                json_pack("[s]", hash), detail);
        if (status == ERR_OK && json_is_object(receipt)) {
            *ret_receipt = receipt;
            return ERR_OK;
        }
        json_decref(receipt);
        usleep(ANSWER_PAUSE_US);
    }
    return err_set(detail, ERR_IO,
                   "%s has no receipt of transaction %s after 30 seconds; see %s/logs", peer->name,
                   hash, peer->folder);
}

static int await_all(struct demo *demo, struct err_detail *detail)
{
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < demo->site->count; i++) {
        json_t *receipt = NULL;
        status = await_receipt(demo, &receipt, i, detail);
        const char *contract = json_string_value(json_object_get(receipt, "contractAddress"));
        const char *number = json_string_value(json_object_get(receipt, "blockNumber"));
        if (status == ERR_OK && i == demo->maker && contract && !demo->contract[0])
            snprintf(demo->contract, sizeof(demo->contract), "%s", contract);
        if (status == ERR_OK && (!number || !hex_u64(number, &demo->block)))
            status = err_set(detail, ERR_INPUT, "%s: a receipt without its block",
                             demo->site->peers[i].name);
        json_decref(receipt);
    }
    if (status == ERR_OK && !demo->contract[0])
        status = err_set(detail, ERR_INPUT, "no contract came into being");
    return status;
}

/* --- What a peer sees --- */

static json_t *ask(const struct demo *demo, size_t index, const char *method, json_t *params)
{
    json_t *result = NULL;
    struct err_detail ignored;
    if (deploy_rpc(&result, demo->caller, demo->site->peers[index].rpc, method, params, &ignored) !=
        ERR_OK)
        return NULL;
    return result;
}

static void add_code(struct deploy_table *table, const struct demo *demo, size_t index)
{
    json_t *code = ask(demo, index, "eth_getCode", json_pack("[s, s]", demo->contract, "latest"));
    size_t digits = json_string_length(code);
    if (digits > 2)
        deploy_table_cell(table, "%zu bytes", (digits - 2) / 2);
    else
        deploy_table_cell(table, "%s", code ? "none" : "no answer");
    json_decref(code);
}

static void add_number(struct deploy_table *table, const struct demo *demo, size_t index)
{
    json_t *word =
        ask(demo, index, "eth_call", json_pack("[{s:s}, s]", "to", demo->contract, "latest"));
    const char *text = json_string_value(word);
    if (text && strlen(text) == 66)
        deploy_table_cell(table, "%ld", strtol(text + 50, NULL, 16));
    else
        deploy_table_cell(table, "%s", text ? "nothing" : "no answer");
    json_decref(word);
}

/* The payload of the last transaction, as the peer's own transaction manager gives it out. */
static void add_payload(struct deploy_table *table, const struct demo *demo, size_t index)
{
    const json_t *hash =
        json_array_get(demo->transactions, json_array_size(demo->transactions) - 1);
    json_t *transaction =
        ask(demo, index, "eth_getTransactionByHash", json_pack("[s]", json_string_value(hash)));
    json_t *input = json_object_get(transaction, "input");
    json_t *payload =
        input ? ask(demo, index, "eth_getQuorumPayload", json_pack("[O]", input)) : NULL;
    size_t digits = json_string_length(payload);
    if (digits > 2)
        deploy_table_cell(table, "number %ld", strtol(json_string_value(payload) + 50, NULL, 16));
    else
        deploy_table_cell(table, "none");
    json_decref(payload);
    json_decref(transaction);
}

static void print_views(const struct demo *demo)
{
    static const char *const titles[] = {"PEER", "NAMED IN IT", "CODE", "CALL ANSWERS",
                                         "PAYLOAD OF THE LAST TRANSACTION"};
    const struct deploy_site_peer *peers = demo->site->peers;
    struct deploy_table table;
    struct buf b = BUF_INIT;
    printf("\nA contract that keeps a number, private between %s and %s.\n"
           "%s made it with 42, then %s set it to 43. What each peer sees at %s:\n\n",
           peers[demo->maker].name, peers[demo->partner].name, peers[demo->maker].name,
           peers[demo->partner].name, demo->contract);
    deploy_table_init(&table, titles, BASE_COUNT(titles));
    for (size_t i = 0; i < demo->site->count; i++) {
        bool party = i == demo->maker || i == demo->partner;
        deploy_table_cell(&table, "%s", peers[i].name);
        deploy_table_cell(&table, "%s", party ? "yes" : "no");
        add_code(&table, demo, i);
        add_number(&table, demo, i);
        add_payload(&table, demo, i);
    }
    deploy_table_finish(&b, &table);
    fputs(buf_text(&b), stdout);
    buf_release(&b);
}

/* What is on the chain is the same for all: the hash of the payload, and one state. */
static void print_public(const struct demo *demo)
{
    char number[32];
    const json_t *hash = json_array_get(demo->transactions, 1);
    size_t same = 0;
    json_t *first = NULL;
    snprintf(number, sizeof(number), "0x%llx", (unsigned long long)demo->block);
    for (size_t i = 0; i < demo->site->count; i++) {
        json_t *block = ask(demo, i, "eth_getBlockByNumber", json_pack("[s, b]", number, 0));
        json_t *root = json_object_get(block, "stateRoot");
        if (!first)
            first = json_incref(root);
        same += root && json_equal(root, first);
        json_decref(block);
    }
    json_t *transaction = ask(demo, demo->maker, "eth_getTransactionByHash",
                              json_pack("[s]", json_string_value(hash)));
    const char *input = json_string_value(json_object_get(transaction, "input"));
    printf(
        "\nOn the chain, for all: transaction %.18s... in block %llu carries %zu bytes, the hash "
        "of\n"
        "its payload (%.18s...); the public state after it is %.18s..., the same on %zu of %zu.\n",
        json_string_value(hash), (unsigned long long)demo->block,
        input ? (strlen(input) - 2) / 2 : 0, input ? input : "",
        first ? json_string_value(first) : "unknown", same, demo->site->count);
    json_decref(transaction);
    json_decref(first);
}

static void print_next(const struct deploy_site *site)
{
    printf("\nThe network runs on without this program:\n\n");
    deploy_table_summary(site);
    const char *self = program_invocation_name, *peer = site->peers[0].peer->name.text;
    const char *option = strcmp(data, DEPLOY_DATA_DEFAULT) == 0 ? "" : " --data ";
    const char *folder = *option ? data : "";
    printf("\nNext:\n"
           "    %s status%s%s\n"
           "    %s attach %s%s%s     the JavaScript console of its node\n"
           "    %s logs %s%s%s\n"
           "    %s down%s%s\n",
           self, option, folder, self, peer, option, folder, self, peer, option, folder, self,
           option, folder);
    fflush(stdout);
}

static int play(struct deploy_context *context, struct err_detail *detail)
{
    struct demo demo = {.site = context->site, .transactions = json_array()};
    const struct deploy_bring bring = {.passphrase_file = passphrase_file,
                                       .wait_seconds = DEPLOY_WAIT_SECONDS};
    struct deploy_secrets secrets;
    char path[DEPLOY_PATH_MAX];
    int status = choose_parties(&demo, detail);
    if (status == ERR_OK)
        status = deploy_bring_up(context, &bring, detail);
    if (status == ERR_OK)
        status = io_http_caller_new(&demo.caller, NULL);
    if (status == ERR_OK) {
        status = deploy_context_secrets(&secrets, path, demo.site, passphrase_file, detail);
        if (status == ERR_OK) {
            demo.secrets = &secrets;
            status = send(&demo, demo.maker, demo.partner, NULL, creation, detail);
            if (status == ERR_OK)
                status = await_all(&demo, detail);
            if (status == ERR_OK)
                status = send(&demo, demo.partner, demo.maker, demo.contract, new_number, detail);
            if (status == ERR_OK)
                status = await_all(&demo, detail);
            deploy_secrets_close(&secrets);
        }
    }
    if (status == ERR_OK) {
        print_views(&demo);
        print_public(&demo);
        print_next(demo.site);
    }
    json_decref(demo.transactions);
    io_http_caller_free(demo.caller);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    struct deploy_context context;
    if (argc != 1)
        return deploy_refuse("demo takes one file: quorate demo examples/network.yaml");
    int status = deploy_context_open(&context, argv[0], data, &detail);
    if (status == ERR_OK)
        status = play(&context, &detail);
    deploy_context_release(&context);
    return deploy_end(status, &detail);
}

const struct commands_command deploy_demo = {
    .text = {"demo", "FILE", "bring a network up and show what is private in it",
             "Makes a contract that is private between two peers, changes it, and prints what "
             "these two and all others see. The network is left running."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
