#include "node/config/file.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/hex.h"
#include "node/config/toml.h"
#include "p2p/enode.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum kind {
    SAME,    /* the flag's own text */
    INVERSE, /* NoPruning: --gcmode archive */
    NANOS,   /* nanoseconds, of a flag that is a duration */
    SECONDS, /* nanoseconds, of a flag in seconds */
    HOST,    /* an address, which switches the service on that stands in `fixed` */
    PORT,    /* ":30303" */
    LIST,    /* of a flag with commas */
    LIST_ON, /* the same, shown where it is not empty */
    FIXED,   /* nothing here for it to tune; shown as `fixed` */
    NODES,   /* a list of enode URLs, of a file in the data directory where it is empty */
    HIDDEN,  /* read, as a text of the flag, but not shown by dumpconfig */
    WHEN_ON, /* a switch or a text that is shown where it is on, or not empty */
};

struct row {
    const char *table, *key;
    enum kind kind;
    const char *flag, *fixed;
};

#define E_    "Eth"
#define M_    "Eth.Miner"
#define H_    "Eth.Ethash"
#define T_    "Eth.TxPool"
#define G_    "Eth.GPO"
#define I_    "Eth.Istanbul"
#define N_    "Node"
#define P_    "Node.P2P"
#define Q_    "Node.QP2P" /* shown by a server of light clients */
#define TIME_ "Node.HTTPTimeouts"
#define X_    "Metrics"

static const struct row rows[] = {
    {E_, "NetworkId", SAME, "networkid", 0},
    {E_, "SyncMode", SAME, "syncmode", 0},
    {E_, "EthDiscoveryURLs", FIXED, 0, "[]"},
    {E_, "SnapDiscoveryURLs", FIXED, 0, "[]"},
    {E_, "NoPruning", INVERSE, "gcmode", 0},
    {E_, "NoPrefetch", FIXED, 0, "false"},
    {E_, "TxLookupLimit", FIXED, 0, "2350000"},
    {E_, "LightPeers", FIXED, 0, "100"},
    {E_, "UltraLightFraction", FIXED, 0, "75"},
    {E_, "DatabaseCache", FIXED, 0, "768"},
    {E_, "DatabaseFreezer", FIXED, 0, "\"\""},
    {E_, "TrieCleanCache", FIXED, 0, "154"},
    {E_, "TrieCleanCacheJournal", FIXED, 0, "\"triecache\""},
    {E_, "TrieCleanCacheRejournal", FIXED, 0, "3600000000000"},
    {E_, "TrieDirtyCache", FIXED, 0, "256"},
    {E_, "TrieTimeout", FIXED, 0, "3600000000000"},
    {E_, "SnapshotCache", FIXED, 0, "102"},
    {E_, "Preimages", FIXED, 0, "true"},
    {E_, "EnablePreimageRecording", FIXED, 0, "false"},
    {E_, "OverrideBerlin", HIDDEN, "override.berlin", 0},
    {E_, "RaftMode", SAME, "raft", 0},
    {E_, "EnableNodePermission", SAME, "permissioned", 0},
    {E_, "EWASMInterpreter", FIXED, 0, "\"\""},
    {E_, "EVMInterpreter", FIXED, 0, "\"\""},
    {E_, "RPCGasCap", SAME, "rpc.gascap", 0},
    {E_, "RPCTxFeeCap", SAME, "rpc.txfeecap", 0},
    {E_, "EVMCallTimeOut", SECONDS, "vm.calltimeout", 0},
    {M_, "GasFloor", SAME, "miner.gastarget", 0},
    {M_, "GasCeil", SAME, "miner.gaslimit", 0},
    {M_, "GasPrice", SAME, "miner.gasprice", 0},
    {M_, "Recommit", FIXED, 0, "3000000000"},
    {M_, "Noverify", FIXED, 0, "false"},
    {M_, "AllowedFutureBlockTime", SAME, "allowedfutureblocktime", 0},
    {M_, "ExtraData", HIDDEN, "miner.extradata", 0},
    {H_, "CacheDir", FIXED, 0, "\"ethash\""},
    {H_, "CachesInMem", FIXED, 0, "2"},
    {H_, "CachesOnDisk", FIXED, 0, "3"},
    {H_, "CachesLockMmap", FIXED, 0, "false"},
    {H_, "DatasetDir", FIXED, 0, "\"\""},
    {H_, "DatasetsInMem", FIXED, 0, "1"},
    {H_, "DatasetsOnDisk", FIXED, 0, "2"},
    {H_, "DatasetsLockMmap", FIXED, 0, "false"},
    {H_, "PowMode", FIXED, 0, "0"},
    {H_, "NotifyFull", FIXED, 0, "false"},
    {T_, "Locals", LIST, "txpool.locals", 0},
    {T_, "NoLocals", SAME, "txpool.nolocals", 0},
    {T_, "Journal", SAME, "txpool.journal", 0},
    {T_, "Rejournal", NANOS, "txpool.rejournal", 0},
    {T_, "PriceLimit", SAME, "txpool.pricelimit", 0},
    {T_, "PriceBump", SAME, "txpool.pricebump", 0},
    {T_, "AccountSlots", SAME, "txpool.accountslots", 0},
    {T_, "GlobalSlots", SAME, "txpool.globalslots", 0},
    {T_, "AccountQueue", SAME, "txpool.accountqueue", 0},
    {T_, "GlobalQueue", SAME, "txpool.globalqueue", 0},
    {T_, "Lifetime", NANOS, "txpool.lifetime", 0},
    {G_, "Blocks", FIXED, 0, "20"},
    {G_, "Percentile", FIXED, 0, "60"},
    {G_, "MaxPrice", FIXED, 0, "500000000000"},
    {I_, "RequestTimeout", SAME, "istanbul.requesttimeout", 0},
    {I_, "BlockPeriod", SAME, "istanbul.blockperiod", 0},
    {I_, "ProposerPolicy", FIXED, 0, "\"id = 0\\n\""},
    {I_, "Epoch", FIXED, 0, "30000"},
    {I_, "Ceil2Nby3Block", FIXED, 0, "0"},
    {I_, "TestQBFTBlock", FIXED, 0, "0"},
    {I_, "Transitions", FIXED, 0, "[]"},
    {N_, "DataDir", SAME, "datadir", 0},
    {N_, "RaftLogDir", SAME, "raftlogdir", 0},
    {N_, "IPCPath", SAME, "ipcpath", 0},
    {N_, "HTTPHost", HOST, "http.addr", "http"},
    {N_, "HTTPPort", SAME, "http.port", 0},
    {N_, "HTTPCors", LIST_ON, "http.corsdomain", 0},
    {N_, "HTTPVirtualHosts", LIST, "http.vhosts", 0},
    {N_, "HTTPModules", LIST, "http.api", "[\"net\", \"web3\", \"eth\"]"},
    {N_, "WSHost", HOST, "ws.addr", "ws"},
    {N_, "WSPort", SAME, "ws.port", 0},
    {N_, "WSOrigins", LIST_ON, "ws.origins", 0},
    {N_, "WSModules", LIST, "ws.api", "[\"net\", \"web3\", \"eth\"]"},
    {N_, "GraphQLCors", LIST_ON, "graphql.corsdomain", 0},
    {N_, "GraphQLVirtualHosts", LIST, "graphql.vhosts", "[\"localhost\"]"},
    {N_, "UserIdent", HIDDEN, "identity", 0},
    {N_, "KeyStoreDir", HIDDEN, "keystore", 0},
    {N_, "InsecureUnlockAllowed", HIDDEN, "allow-insecure-unlock", 0},
    {N_, "UseLightweightKDF", HIDDEN, "lightkdf", 0},
    {N_, "HTTPPathPrefix", HIDDEN, "http.rpcprefix", 0},
    {N_, "WSPathPrefix", HIDDEN, "ws.rpcprefix", 0},
    {N_, "AllowUnprotectedTxs", HIDDEN, "rpc.allow-unprotected-txs", 0},
    {N_, "ExternalSigner", HIDDEN, "signer", 0},
    {P_, "MaxPeers", SAME, "maxpeers", 0},
    {P_, "MaxPendingPeers", HIDDEN, "maxpendpeers", 0},
    {P_, "NoDiscovery", SAME, "nodiscover", 0},
    {P_, "BootstrapNodes", LIST, "bootnodes", 0},
    {P_, "BootstrapNodesV5", FIXED, 0, "[]"},
    {P_, "StaticNodes", NODES, 0, 0},
    {P_, "TrustedNodes", NODES, 0, 0},
    {P_, "NetRestrict", LIST_ON, "netrestrict", 0},
    {P_, "ListenAddr", PORT, "port", 0},
    {P_, "EnableMsgEvents", FIXED, 0, "false"},
    {Q_, "MaxPeers", SAME, "qlight.server.p2p.maxpeers", 0},
    {Q_, "NoDiscovery", FIXED, 0, "true"},
    {Q_, "BootstrapNodes", FIXED, 0, "[]"},
    {Q_, "StaticNodes", FIXED, 0, "[]"},
    {Q_, "TrustedNodes", FIXED, 0, "[]"},
    {Q_, "NetRestrict", LIST_ON, "qlight.server.p2p.netrestrict", 0},
    {Q_, "ListenAddr", PORT, "qlight.server.p2p.port", 0},
    {Q_, "NoDial", FIXED, 0, "true"},
    {Q_, "EnableMsgEvents", FIXED, 0, "false"},
    {Q_, "EnableNodePermission", WHEN_ON, "qlight.server.p2p.permissioning", 0},
    {TIME_, "ReadTimeout", FIXED, 0, "30000000000"},
    {TIME_, "WriteTimeout", FIXED, 0, "30000000000"},
    {TIME_, "IdleTimeout", FIXED, 0, "120000000000"},
    {"Ethstats", "URL", WHEN_ON, "ethstats", 0},
    {X_, "Enabled", WHEN_ON, "metrics", 0},
    {X_, "EnabledExpensive", HIDDEN, "metrics.expensive", 0},
    {X_, "HTTP", SAME, "metrics.addr", "\"127.0.0.1\""},
    {X_, "Port", SAME, "metrics.port", "6060"},
    {X_, "EnableInfluxDB", WHEN_ON, "metrics.influxdb", 0},
    {X_, "InfluxDBEndpoint", SAME, "metrics.influxdb.endpoint", 0},
    {X_, "InfluxDBDatabase", SAME, "metrics.influxdb.database", 0},
    {X_, "InfluxDBUsername", SAME, "metrics.influxdb.username", 0},
    {X_, "InfluxDBPassword", SAME, "metrics.influxdb.password", 0},
    {X_, "InfluxDBTags", SAME, "metrics.influxdb.tags", 0},
};

static const struct {
    const char *table, *type; /* as Go names it in messages */
} tables[] = {
    {E_, "ethconfig.Config"},    {M_, "miner.Config"},    {H_, "ethash.Config"},
    {T_, "core.TxPoolConfig"},   {G_, "gasprice.Config"}, {I_, "istanbul.Config"},
    {N_, "node.Config"},         {P_, "p2p.Config"},      {Q_, "p2p.Config"},
    {TIME_, "rpc.HTTPTimeouts"}, {X_, "metrics.Config"},  {"Ethstats", "main.ethstatsConfig"},
};

/* --- Reading --- */

struct reading {
    struct node_config *config;
    struct arena *arena;
};

static int set(struct reading *r, const char *flag, const char *value, struct err_detail *detail)
{
    struct bytes copy = arena_copy(r->arena, bytes_of(value, strlen(value) + 1));
    return copy.data ? node_config_set(r->config, flag, (const char *)copy.data, detail)
                     : err_set(detail, ERR_NOMEM, "out of memory");
}

static int divide(struct reading *r, const struct row *row, const char *value, uint64_t by,
                  const char *unit, struct err_detail *detail)
{
    uint64_t number;
    char text[40];
    if (!hex_u64(value, &number))
        return err_set(detail, ERR_INPUT, "%s is a number of nanoseconds", row->key);
    snprintf(text, sizeof(text), "%llu%s", (unsigned long long)(number / by), unit);
    return set(r, row->flag, text, detail);
}

static const char **nodes_of(struct node_config *config, const struct row *row)
{
    return strcmp(row->key, "StaticNodes") == 0 ? &config->static_nodes : &config->trusted_nodes;
}

/* Every one must be good, as in the reference: a file's wrong entries are only logged. */
static int take_nodes(struct reading *r, const struct row *row, const char *list,
                      struct err_detail *detail)
{
    struct bytes copy = arena_copy(r->arena, bytes_of(list, strlen(list) + 1));
    if (!copy.data)
        return err_set(detail, ERR_NOMEM, "out of memory");
    for (const char *at = list; *at;) {
        char text[P2P_ENODE_TEXT_MAX];
        struct p2p_enode node;
        struct err_detail why = {""};
        size_t len = strcspn(at, ",");
        snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text) - 1),
                 at);
        if (p2p_enode_parse(&node, text, &why) != ERR_OK)
            return err_set(detail, ERR_INPUT, "%s: %.100s: %.100s", row->key, text, why.text);
        at += len + (at[len] == ',');
    }
    *nodes_of(r->config, row) = (const char *)copy.data;
    return ERR_OK;
}

/* Numbers and truth stand without quotes, texts with. */
static int check_kind(const struct row *row, const struct node_toml_value *value,
                      struct err_detail *detail)
{
    static const char *const names[] = {"string", "number", "decimal", "boolean", "list"};
    struct node_config none;
    struct node_flag_value is;
    if (row->kind != SAME && row->kind != HIDDEN && row->kind != WHEN_ON)
        return ERR_OK;
    node_config_defaults(&none);
    if (!node_config_get(&none, row->flag, &is))
        return ERR_OK;
    enum node_toml_kind wanted = is.kind == NODE_FLAG_SWITCH ? NODE_TOML_BOOL
                                 : is.kind == NODE_FLAG_TEXT ? NODE_TOML_TEXT
                                                             : NODE_TOML_NUMBER;
    bool decimal = is.kind == NODE_FLAG_DECIMAL && value->kind == NODE_TOML_DECIMAL;
    return value->kind == wanted || decimal ? ERR_OK
                                            : err_set(detail, ERR_INPUT, "%s is a %s, not a %s",
                                                      row->key, names[wanted], names[value->kind]);
}

static int apply(struct reading *r, const struct row *row, const struct node_toml_value *value,
                 struct err_detail *detail)
{
    const char *text = value->text;
    int status = check_kind(row, value, detail);
    if (status != ERR_OK)
        return status;
    switch (row->kind) {
    case SAME:
    case LIST:
    case LIST_ON:
    case HIDDEN:
    case WHEN_ON:
        return set(r, row->flag, text, detail);
    case INVERSE:
        return set(r, row->flag, strcmp(text, "true") == 0 ? "archive" : "full", detail);
    case NANOS:
        return divide(r, row, text, 1, "ns", detail);
    case SECONDS:
        return divide(r, row, text, 1000000000, "", detail);
    case HOST:
        if (*text)
            status = set(r, row->fixed, "true", detail);
        return status == ERR_OK && *text ? set(r, row->flag, text, detail) : status;
    case PORT:
        if (!*text && strcmp(row->flag, "port") == 0) {
            r->config->no_listen = true;
            return ERR_OK;
        }
        text = strrchr(text, ':') ? strrchr(text, ':') + 1 : text;
        return set(r, row->flag, text, detail);
    case NODES:
        return take_nodes(r, row, text, detail);
    case FIXED:
        break;
    }
    return ERR_OK;
}

static int take(void *context, const char *table, const char *key,
                const struct node_toml_value *value, struct err_detail *detail)
{
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        if (strcmp(rows[i].table, table) == 0 && strcmp(rows[i].key, key) == 0)
            return apply(context, &rows[i], value, detail);
    for (size_t i = 0; i < BASE_COUNT(tables); i++)
        if (strcmp(tables[i].table, table) == 0)
            return err_set(detail, ERR_INPUT, "field '%s' is not defined in %s", key,
                           tables[i].type);
    return err_set(detail, ERR_INPUT, "field '%s' is not defined in main.gethConfig",
                   *table ? table : key);
}

int node_config_file_read(struct node_config *config, const char *path, struct err_detail *detail)
{
    static struct arena arena; /* its texts are the configuration's, until the program ends */
    static bool made;
    struct buf text = BUF_INIT;
    if (!made)
        arena_init(&arena);
    made = true;
    struct reading r = {config, &arena};
    if (access(path, R_OK) != 0)
        return err_set(detail, ERR_NOTFOUND, "open %s: no such file or directory", path);
    int status = file_read(path, NODE_TOML_MAX, &text, detail);
    if (status == ERR_OK) {
        status = node_toml_read(buf_bytes(&text), take, &r, detail);
        char before[512];
        snprintf(before, sizeof(before), "%.380s", detail->text);
        if (status != ERR_OK)
            err_set(detail, status, "%.120s, %s", path, before);
    }
    buf_release(&text);
    return status;
}

/* --- Writing --- */

static void write_quoted(struct buf *b, const char *text, size_t len)
{
    buf_append_byte(b, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            buf_append_byte(b, '\\');
        if (text[i] == '\n')
            buf_append_text(b, "\\n");
        else
            buf_append_byte(b, (uint8_t)text[i]);
    }
    buf_append_byte(b, '"');
}

static void write_list(struct buf *b, const char *list)
{
    buf_append_byte(b, '[');
    for (bool first = true; *list; first = false) {
        size_t len = strcspn(list, ",");
        buf_append_text(b, first ? "" : ", ");
        write_quoted(b, list, len);
        list += len + (list[len] == ',');
    }
    buf_append_byte(b, ']');
}

static void write_row(struct buf *b, const struct node_config *config, const struct row *row)
{
    struct node_flag_value v;
    bool there = row->flag && node_config_get(config, row->flag, &v);
    bool host = row->kind == HOST;
    if (row->kind == NODES) {
        bool fixed = strcmp(row->key, "StaticNodes") == 0;
        write_list(b, fixed ? config->static_nodes : config->trusted_nodes);
    } else if (!there && (row->fixed || host)) {
        buf_append_text(b, host ? "\"\"" : row->fixed);
    } else if (!there) {
        /* A flag that this version does not keep has its default. */
        buf_append_text(b, strcmp(row->key, "RaftMode") == 0 ? "false" : "");
        if (strcmp(row->key, "RaftLogDir") == 0)
            write_quoted(b, config->datadir, strlen(config->datadir));
        else if (strcmp(row->key, "WSPort") == 0)
            buf_append_text(b, "8546");
    } else if (host) {
        struct node_flag_value on;
        bool is_on = node_config_get(config, row->fixed, &on) && on.on;
        write_quoted(b, is_on ? v.text : "", is_on ? strlen(v.text) : 0);
    } else if (row->kind == INVERSE) {
        buf_append_text(b, strcmp(v.text, "archive") == 0 ? "true" : "false");
    } else if (v.kind == NODE_FLAG_TEXT && !*v.text && row->fixed) {
        buf_append_text(b, row->fixed);
    } else if (row->kind == LIST || row->kind == LIST_ON) {
        write_list(b, v.text);
    } else if (row->kind == PORT && config->no_listen && strcmp(row->flag, "port") == 0) {
        buf_append_text(b, "\"\"");
    } else if (row->kind == PORT) {
        buf_append_format(b, "\":%llu\"", (unsigned long long)v.number);
    } else if (v.kind == NODE_FLAG_SWITCH) {
        buf_append_text(b, v.on ? "true" : "false");
    } else if (v.kind == NODE_FLAG_DECIMAL) {
        buf_append_format(b, "%.0e", v.decimal);
    } else if (v.kind == NODE_FLAG_TEXT) {
        const char *text =
            *v.text || strcmp(row->key, "RaftLogDir") != 0 ? v.text : config->datadir;
        write_quoted(b, text, strlen(text));
    } else {
        uint64_t by = row->kind == SECONDS ? 1000000000 : row->kind == NANOS ? 1000000 : 1;
        buf_append_format(b, "%llu", (unsigned long long)(v.number * by));
    }
}

static bool is_shown(const struct node_config *config, const struct row *row)
{
    struct node_flag_value v;
    if (strcmp(row->table, Q_) == 0 && !config->light.server)
        return false;
    if ((row->kind == WHEN_ON || row->kind == LIST_ON) && node_config_get(config, row->flag, &v))
        return v.kind == NODE_FLAG_SWITCH ? v.on : *v.text;
    return row->kind != HIDDEN;
}

void node_config_file_write(struct buf *b, const struct node_config *config)
{
    const char *table = "";
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        if (!is_shown(config, &rows[i]))
            continue;
        if (strcmp(rows[i].table, table) != 0) {
            table = rows[i].table;
            buf_append_format(b, "%s[%s]\n", i ? "\n" : "", table);
        }
        buf_append_format(b, "%s = ", rows[i].key);
        write_row(b, config, &rows[i]);
        buf_append_byte(b, '\n');
    }
}
