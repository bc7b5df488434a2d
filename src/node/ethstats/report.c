#include "node/ethstats/report.h"

#include "base/decimal.h"
#include "rpc/json/encode.h"
#include "rpc/json/json.h"

#include <stdio.h>
#include <time.h>

static void begin(struct buf *b, const char *command)
{
    buf_append_format(b, "{\"emit\":[\"%s\",{", command);
}

static void finish(struct buf *b)
{
    buf_append_text(b, "}]}");
}

static void write_text(struct buf *b, const char *key, struct bytes text)
{
    rpc_key(b, key);
    rpc_json_write_string(b, text);
}

static void write_words(struct buf *b, const char *key, const char *text)
{
    write_text(b, key, bytes_str(text));
}

static void write_number(struct buf *b, const char *key, uint64_t number)
{
    rpc_key(b, key);
    buf_append_format(b, "%llu", (unsigned long long)number);
}

/* A number in quotes. */
static void write_quoted(struct buf *b, const char *key, const struct u256 *number)
{
    char text[DECIMAL_U256_MAX];
    decimal_format_u256(text, number);
    write_words(b, key, text);
}

/* The processor as Go names it. */
static const char *architecture(void)
{
#if defined(__x86_64__)
    return "amd64";
#elif defined(__aarch64__)
    return "arm64";
#else
    return "unknown";
#endif
}

/* "eth/66, eth/65, istanbul/100": the versions of a name from the newest on, which is GoQuorum's order, not that of the wire. */
static void write_protocols(struct buf *b, const struct node_ethstats_info *info)
{
    const struct p2p_protocol *all = info->protocols;
    struct buf list = BUF_INIT;
    for (size_t first = 0, next; first < info->protocol_count; first = next) {
        next = first + 1;
        while (next < info->protocol_count && strcmp(all[next].name, all[first].name) == 0)
            next++;
        for (size_t i = next; i > first; i--)
            buf_append_format(&list, "%s%s/%u", list.len ? ", " : "", all[i - 1].name,
                              all[i - 1].version);
    }
    write_text(b, "protocol", buf_bytes(&list));
    buf_release(&list);
}

void node_ethstats_write_hello(struct buf *b, const struct node_ethstats_info *info)
{
    begin(b, "hello");
    write_text(b, "id", info->target->name);
    rpc_key(b, "info");
    buf_append_byte(b, '{');
    write_text(b, "name", info->target->name);
    write_words(b, "node", info->client);
    write_number(b, "port", info->port);
    rpc_key(b, "net");
    buf_append_format(b, "\"%llu\"", (unsigned long long)info->network_id);
    write_protocols(b, info);
    write_words(b, "api", "No");
    write_words(b, "os", "linux");
    write_words(b, "os_v", architecture());
    write_words(b, "client", "0.1.1"); /* the version of the protocol with the service */
    rpc_put_bool(b, "canUpdateHistory", true);
    buf_append_byte(b, '}');
    write_text(b, "secret", info->target->secret);
    finish(b);
}

/* In the form of Go's times, which the server only gives back. */
void node_ethstats_write_ping(struct buf *b, struct bytes name, uint64_t wall_ms)
{
    char day[32] = "", text[64];
    struct tm parts;
    time_t seconds = (time_t)(wall_ms / 1000);
    if (gmtime_r(&seconds, &parts))
        strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &parts);
    snprintf(text, sizeof(text), "%s.%03u +0000 UTC", day, (unsigned)(wall_ms % 1000));
    begin(b, "node-ping");
    write_words(b, "clientTime", text);
    write_text(b, "id", name);
    finish(b);
}

void node_ethstats_write_latency(struct buf *b, struct bytes name, uint64_t ms)
{
    struct u256 number = u256_from(ms);
    begin(b, "latency");
    write_text(b, "id", name);
    write_quoted(b, "latency", &number);
    finish(b);
}

static void write_transactions(struct buf *b, const struct chain_body *body)
{
    size_t count = body ? body->body.transaction_count : 0;
    rpc_key(b, "transactions");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < count; i++) {
        rpc_item(b);
        buf_append_text(b, "{\"hash\":");
        rpc_write_hash(b, &body->hashes[i]);
        buf_append_byte(b, '}');
    }
    buf_append_byte(b, ']');
}

static void write_one(struct buf *b, const struct node_ethstats_block *block)
{
    const struct eth_header *header = &block->block->header;
    buf_append_byte(b, '{');
    write_number(b, "number", header->number);
    rpc_put_hash(b, "hash", &block->block->hash);
    rpc_put_hash(b, "parentHash", &header->parent_hash);
    write_number(b, "timestamp", header->timestamp);
    rpc_put_address(b, "miner", &block->author);
    write_number(b, "gasUsed", header->gas_used);
    write_number(b, "gasLimit", header->gas_limit);
    write_quoted(b, "difficulty", &header->difficulty);
    write_quoted(b, "totalDifficulty", &block->total_difficulty);
    write_transactions(b, block->block->body);
    rpc_put_hash(b, "transactionsRoot", &header->transactions_root);
    rpc_put_hash(b, "stateRoot", &header->state_root);
    rpc_key(b, "uncles"); /* no engine of Quorum's has any */
    buf_append_text(b, "[]}");
}

void node_ethstats_write_block(struct buf *b, struct bytes name,
                               const struct node_ethstats_block *block)
{
    begin(b, "block");
    rpc_key(b, "block");
    write_one(b, block);
    write_text(b, "id", name);
    finish(b);
}

void node_ethstats_begin_history(struct buf *b)
{
    begin(b, "history");
    rpc_key(b, "history");
    buf_append_byte(b, '[');
}

void node_ethstats_add_history(struct buf *b, const struct node_ethstats_block *block)
{
    rpc_item(b);
    write_one(b, block);
}

void node_ethstats_end_history(struct buf *b, struct bytes name)
{
    buf_append_byte(b, ']');
    write_text(b, "id", name);
    finish(b);
}

void node_ethstats_write_pending(struct buf *b, struct bytes name, size_t pending)
{
    begin(b, "pending");
    write_text(b, "id", name);
    rpc_key(b, "stats");
    buf_append_format(b, "{\"pending\":%zu}", pending);
    finish(b);
}

void node_ethstats_write_stats(struct buf *b, struct bytes name,
                               const struct node_ethstats_figures *figures)
{
    begin(b, "stats");
    write_text(b, "id", name);
    rpc_key(b, "stats");
    buf_append_byte(b, '{');
    rpc_put_bool(b, "active", true);
    rpc_put_bool(b, "syncing", figures->syncing);
    rpc_put_bool(b, "mining", figures->mining);
    write_number(b, "hashrate", 0);
    write_number(b, "peers", figures->peers);
    write_number(b, "gasPrice", figures->gas_price);
    write_number(b, "uptime", 100); /* a percentage that GoQuorum does not measure either */
    buf_append_byte(b, '}');
    finish(b);
}
