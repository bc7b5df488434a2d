/*
 * What a command line of geth v24.4.1 says, as one struct, and the table that reads it.
 *
 * Every flag of geth is known. What this version does with it stands in the table: most are obeyed; some
 * tune something that is done otherwise here and are accepted in silence; some ask for what is not here, and
 * are refused, with what to do instead.
 */
#ifndef NODE_CONFIG_CONFIG_H
#define NODE_CONFIG_CONFIG_H

#include "base/buf.h"
#include "node/config/light.h"

struct node_config {
    /* files */
    const char *datadir, *ipcpath, *nodekey, *nodekeyhex;
    /* accounts */
    const char *keystore, *unlock, *password;
    bool lightkdf, allow_insecure_unlock;
    bool ipcdisable;
    /* network */
    uint64_t networkid, port, maxpeers, maxpendpeers;
    const char *identity, *bootnodes, *nat, *netrestrict, *authorizationlist;
    const char *static_nodes,
        *trusted_nodes; /* of the configuration file: in place of the data directory's files */
    bool nodiscover, permissioned;
    bool offline;   /* no flag: listens to nobody, dials nobody */
    bool no_listen; /* a light client, or an empty ListenAddr in the file: dials only */
    /* chain */
    const char *syncmode, *gcmode;
    bool exitwhensynced, dev;
    uint64_t dev_period;      /* seconds */
    uint64_t override_berlin; /* where it is given */
    /* validator */
    bool mine;
    uint64_t gasprice, gastarget, gaslimit, blockperiod, requesttimeout, allowedfuture;
    const char *extradata, *etherbase;
    bool emitcheckpoints;
    /* raft */
    bool raft, raftdnsenable;
    uint64_t raftport, raftblocktime, raftjoinexisting;
    const char *raftlogdir;
    /* pool */
    const char *pool_locals, *pool_journal;
    bool pool_nolocals;
    uint64_t pool_rejournal_ms, pool_lifetime_ms, pool_pricelimit, pool_pricebump;
    uint64_t pool_accountslots, pool_globalslots, pool_accountqueue, pool_globalqueue;
    /* RPC */
    bool http, ws, allow_unprotected, revertreason;
    const char *ws_addr, *ws_api, *ws_origins, *ws_prefix;
    uint64_t ws_port;
    double rpc_txfeecap; /* ether */
    bool graphql;
    const char *graphql_vhosts, *graphql_cors;
    const char *http_addr, *http_api, *http_cors, *http_vhosts, *http_prefix;
    uint64_t http_port, rpc_gascap, calltimeout;
    const char *rpc_tls_cert, *rpc_tls_key, *rpc_tls_clientca;
    const char *rpc_auth_jwks, *rpc_auth_cacert, *rpc_auth_issuer, *rpc_auth_audience;
    /* private transactions */
    const char *ptm_socket, *ptm_url, *ptm_timeout, *ptm_dialtimeout, *ptm_idletimeout;
    const char *ptm_writebuffer, *ptm_readbuffer, *ptm_tls_mode, *ptm_tls_rootca;
    const char *ptm_tls_clientcert, *ptm_tls_clientkey;
    bool ptm_tls_insecure, ptm_exitonfailure, privacymarker, multitenancy;
    struct node_light_config light; /* --qlight.* */
    /* log */
    uint64_t verbosity;
    const char *vmodule, *log_backtrace;
    bool log_json, log_debug, metrics, influxdb, pprof;
    const char *metrics_addr, *pprof_addr;
    const char *influxdb_endpoint, *influxdb_database, *influxdb_username, *influxdb_password;
    const char *influxdb_tags;
    uint64_t metrics_port, pprof_port;
    const char *ethstats;
    /* console */
    const char *exec, *preload, *jspath, *rpcclitoken, *rpcclitls_cert, *rpcclitls_cacert;
    const char *rpcclitls_ciphersuites;
    bool rpcclitls_insecureskipverify;
    /* commands */
    const char *config_file, *from;
    bool nocompaction, help, version;
    bool dump_iterative, dump_nocode, dump_nostorage, dump_incompletes;
    /* bootnode */
    const char *boot_addr, *genkey;
    bool writeaddress;
    uint64_t given[8]; /* bit i: flag i of the table stood on the command line */
};

/* What the program does with a flag. None is read and left alone without a word, but those that have nothing to tune. */
enum node_flag_use {
    NODE_FLAG_OBEYED,
    NODE_FLAG_SILENT,  /* nothing here for it to tune */
    NODE_FLAG_ALIAS,   /* an older name; obeyed, with a warning that gives the new one (`help`) */
    NODE_FLAG_REFUSED, /* would make it another node than this version can be */
};

enum node_flag_kind {
    NODE_FLAG_SWITCH,
    NODE_FLAG_TEXT,
    NODE_FLAG_NUMBER,
    NODE_FLAG_DECIMAL,  /* a double */
    NODE_FLAG_DURATION, /* Go's: 1h30m, 300ms; kept in ms */
};

struct node_flag {
    const char *section; /* heading in --help; flags of a section are together */
    const char *name;
    enum node_flag_kind kind;
    enum node_flag_use use;
    size_t offset;        /* in struct node_config; meaningless unless obeyed or an alias */
    const char *fallback; /* the default as text; NULL: false, 0 or none */
    const char *help;
    const char *remedy; /* of a refused one: what to do instead; NULL: to leave it out */
};

extern const struct node_flag node_flags[];
extern const size_t node_flag_count;

/* Every default. ERR_NOMEM is not possible; the texts are constants, but for the data directory, which lies
 * in a static buffer (the user's home). */
void node_config_defaults(struct node_config *config);

/* Reads argv[0 … argc - 1] (without the program's name). What is no flag is moved to the front of argv, its
 * number returned. ERR_USAGE with geth's words: `flag provided but not defined: -x`, `invalid value "abc" for
 * flag -http.port: parse error`, … */
int node_config_parse(struct node_config *config, size_t *ret_count, int argc, char **argv,
                      struct err_detail *detail) BASE_NODISCARD;

/* As if the flag stood on the command line; `value` is kept. ERR_USAGE as above. */
int node_config_set(struct node_config *config, const char *name, const char *value,
                    struct err_detail *detail) BASE_NODISCARD;

struct node_flag_value {
    enum node_flag_kind kind;
    bool on;
    const char *text;
    uint64_t number; /* of a duration: ms */
    double decimal;
};
/* What a flag is now; false when it is none that is obeyed. */
bool node_config_get(const struct node_config *config, const char *name,
                     struct node_flag_value *ret_value);

/* Whether a flag stood on the command line, with a value other than false or nothing. */
bool node_config_given(const struct node_config *config, const char *name);

/* The address of --nat extip:IP; NULL: none is given. */
const char *node_config_external_ip(const struct node_config *config);

/* Checks what one flag says about another; ERR_USAGE with geth's message ("--gcmode must be either 'full' or
 * 'archive'", …), which the caller prints after "Fatal: ". Calls `warn` for each thing that a person should
 * know. */
int node_config_check(const struct node_config *config,
                      void (*warn)(void *context, const char *message), void *context,
                      struct err_detail *detail) BASE_NODISCARD;

/* Usage and every flag, for a terminal; the same as a page of the manual. */
void node_config_help(struct buf *b, const char *program);
void node_config_man(struct buf *b);
/* The lines of one command; false when there is none of that name. */
bool node_command_help(struct buf *b, const char *program, const char *name);

#endif
