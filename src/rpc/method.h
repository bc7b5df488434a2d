/*
 * The table: one row describes each method, and everything goes by it: dispatch, parsing of parameters, rpc_modules,
 * documentation, fuzzing. A namespace's rows stand in its file of methods/.
 */
#ifndef RPC_METHOD_H
#define RPC_METHOD_H

#include "base/arena.h"
#include "privacy/privacy.h"
#include "rpc/rpc.h"

#include <stdatomic.h>

enum { RPC_PARAMS_MAX = 6 };

/* X(NAME, "Go's name of the type", "what it is, for the documentation"). Go's names stand in messages. */
#define RPC_TYPE_LIST(X)                                                                           \
    X(NONE, "", "")                                                                                \
    X(ADDRESS, "common.Address", "20 bytes, hex")                                                  \
    X(HASH, "common.Hash", "32 bytes, hex")                                                        \
    X(BLOCK, "rpc.BlockNumber", "block number, hex, or latest, earliest, pending")                 \
    X(BLOCK_OR_HASH, "rpc.BlockNumberOrHash", "block number or tag, or block hash, or an object")  \
    X(BOOL, "bool", "true or false")                                                               \
    X(TEXT, "string", "text")                                                                      \
    X(ID, "rpc.ID", "text")                                                                        \
    X(TEXTS, "[]string", "array of texts")                                                         \
    X(BYTES, "hexutil.Bytes", "bytes, hex")                                                        \
    X(BASE64, "[]uint8", "bytes, base64")                                                          \
    X(UINT, "hexutil.Uint", "number, hex")                                                         \
    X(NUMBER, "uint64", "number, decimal")                                                         \
    X(NATURAL, "uint", "number, decimal")                                                          \
    X(NUMBER8, "uint8", "number, decimal")                                                         \
    X(NUMBER16, "uint16", "number, decimal")                                                       \
    X(U64, "hexutil.Uint64", "number, hex")                                                        \
    X(BIG, "hexutil.Big", "number of 256 bits at most, hex")                                       \
    X(CALL, "ethapi.CallArgs", "a call: from, to, gas, gasPrice, value, data, accessList")         \
    X(SEND, "ethapi.SendTxArgs", "a transaction: from, to, gas, gasPrice, value, nonce, data")     \
    X(SEND_ASYNC, "ethapi.AsyncSendTxArgs", "a transaction, with callbackUrl")                     \
    X(SEND_RAW, "ethapi.SendRawTxArgs", "privateFor, privateFrom, privacyFlag, mandatoryFor")      \
    X(FILTER, "filters.FilterCriteria", "logs: fromBlock, toBlock or blockHash, address, topics")  \
    X(TRACE, "tracers.TraceConfig", "how to trace: tracer, timeout, disableStack, …")              \
    X(TRACE_CALL, "tracers.TraceCallConfig", "how to trace, with stateOverrides")                  \
    X(TRACE_FILE, "tracers.StdTraceConfig", "how to trace into files, with txHash")                \
    X(OVERRIDE, "ethapi.StateOverride", "accounts to change first, by address")                    \
    X(INT, "int", "number, decimal, with a sign")                                                  \
    X(REWARDS, "[]float64", "array of percentages, ascending")                                     \
    X(ANY, "interface {}", "anything")

enum rpc_type {
#define X(name, go, text) RPC_##name,
    RPC_TYPE_LIST(X)
#undef X
};

struct rpc_param {
    const char *name;
    enum rpc_type type;
    bool optional;
};

struct rpc_ahead;    /* rpc/dispatch/ahead.h */
struct rpc_desk;     /* rpc/dispatch/desk.h */
struct rpc_machine;  /* rpc/run/machine.h */
struct rpc_override; /* rpc/run/override.h */

enum rpc_block_kind { RPC_AT_NONE, RPC_AT_LATEST, RPC_AT_PENDING, RPC_AT_NUMBER, RPC_AT_HASH };

struct rpc_block_id {
    enum rpc_block_kind kind;
    bool canonical; /* with a hash: it must be of the canonical chain */
    uint64_t number;
    struct hash256 hash;
};

/* PrivateTxArgs, a part of SendTxArgs. */
struct rpc_private {
    bool is_given; /* privateFor is there, were it empty */
    struct bytes from;
    struct privacy_keys for_, mandatory_for;
    uint64_t flag;
};

/* CallArgs and SendTxArgs. */
struct rpc_transaction {
    bool has_from, has_to, has_gas, has_gas_price, has_value, has_nonce, has_data, has_access_list;
    bool has_input, has_chain_id, has_max_fee, has_max_tip, has_authorizations;
    bool
        pays_base_fee; /* type 2: `gas_price` is then the most that is paid, `max_tip` what is given beside the base fee */
    struct address from, to;
    uint64_t gas, nonce;
    struct u256 gas_price, value;
    struct u256 max_fee, max_tip; /* EIP-1559 */
    struct bytes data;            /* what is executed: `input` when both are given */
    struct bytes other;           /* `data` when both are given */
    struct u256 chain_id;
    const struct eth_access *access_list;
    size_t access_count;
    struct bytes
        authorizations; /* JSON: read where the fork has such a thing (rpc_param_authorizations) */
    struct rpc_private private;
};

struct rpc_topics {
    struct hash256 *topics;
    size_t count; /* 0 = any */
};

struct rpc_filter {
    bool has_block_hash;
    struct hash256 block_hash;
    struct rpc_block_id from, to; /* RPC_AT_NONE: not given */
    struct address *addresses;
    size_t address_count;
    struct rpc_topics *topics;
    size_t topic_count;
};

/* TraceConfig, TraceCallConfig and StdTraceConfig. */
struct rpc_trace_config {
    bool no_memory, no_stack, no_storage, no_return_data, debug;
    bool has_tracer, has_timeout, has_reexec, has_berlin, has_transaction;
    int64_t limit;
    struct bytes tracer, timeout;
    uint64_t reexec;
    struct hash256 transaction;
    const struct rpc_override *overrides;
    size_t override_count;
};

/* A parameter as it was read; memory is the call's. */
struct rpc_value {
    bool given;        /* false: an optional one that is missing or null */
    struct bytes json; /* its text */
    union {
        struct address address;
        struct hash256 hash;
        struct rpc_block_id block;
        bool boolean;
        struct bytes bytes; /* BYTES, and characters of TEXT and ID */
        uint64_t number;
        struct u256 big;
        struct rpc_transaction *transaction;
        struct rpc_filter *filter;
        int64_t integer;
        struct rpc_trace_config *trace;
        struct {
            const struct rpc_override *list;
            size_t count;
        } override;
        struct {
            const double *list;
            size_t count;
        } rewards;
    };
};

enum {
    RPC_CODE_PARSE = -32700,
    RPC_CODE_INVALID_REQUEST = -32600,
    RPC_CODE_NOT_FOUND = -32601,
    RPC_CODE_PARAMS = -32602,
    RPC_CODE_ERROR = -32000,     /* everything else */
    RPC_CODE_FORBIDDEN = -32001, /* by the access token, or for want of one */
    RPC_CODE_TOO_LARGE = -32003,
    RPC_CODE_REVERTED = 3,
};

/* What methods return: 0, a failure of this machine (ERR_…), or this. */
enum {
    RPC_FAILED = 1,
    RPC_LATER =
        2, /* by `quick`: the worker must do it; by `run`: a second round. Nothing has been written */
    RPC_WAIT =
        3, /* by `run`: another call holds the account (rpc_is_held); `run` is called again behind it */
};

struct rpc_call {
    const struct rpc_backend *backend;
    struct rpc *rpc;
    struct rpc_desk *desk; /* where it is answered (desk.h) */
    struct rpc_access access;
    struct bytes id;               /* as it stands in the request; empty: none */
    struct bytes psi;              /* after rpc_psi (psi.h): the private state that it is about */
    const struct chain_psi *group; /* likewise; NULL: there is one state only */
    struct rpc_session *session;   /* NULL: no notifications can be sent */
    const struct rpc_method *method;
    struct rpc_value args[RPC_PARAMS_MAX];
    struct arena *arena;         /* of the exchange; cleared behind each call */
    struct buf *out;             /* the result is appended here, as JSON */
    void *state;                 /* from `work` to `run` */
    struct rpc_machine *machine; /* of the thread it is on; NULL on the worker for light methods */
    struct eth_transaction
        *inner; /* signed; from the first round to the second, which hides it in a marker */
    /* Between rpc_hold and the call's end. */
    bool is_holding;
    struct address held;
    struct rpc_call *next_holding;
    struct rpc_ahead *ahead; /* of a batch; else NULL */
    uint64_t now;            /* by io_loop_now, when the message came */
    const atomic_bool *gone; /* set when nobody waits for the answer any more; NULL: never */
    /* The error, when RPC_FAILED. */
    int code;
    struct bytes data;      /* of a revert, hex by the writer; data NULL = none */
    struct bytes json_data; /* in its place, JSON; len 0 = none */
    struct bytes text;
};

/* Sets the error; returns RPC_FAILED. The text is cut at a kilobyte. */
int rpc_fail(struct rpc_call *call, int code, const char *format, ...) BASE_PRINTF(3, 4);
/* Has the server of a QLight client answer in place of this node (backend->proxy is there); nothing has been written yet. Where waiting is allowed. */
int rpc_ask_server(struct rpc_call *call) BASE_NODISCARD;

/* Whether nobody waits for the answer any more. On any thread. */
static inline bool rpc_is_gone(const struct rpc_call *call)
{
    return call->gone && atomic_load_explicit(call->gone, memory_order_relaxed);
}

/* On the loop: the worker that has least to do, whose machine the call then has; NULL: there is none, and it has the
 * loop's. */
struct io_worker *rpc_choose_worker(struct rpc_call *call);
/* The call goes on on the loop, with its machine. */
void rpc_stay_on_loop(struct rpc_call *call);

/* On the loop: from now to the call's end nobody else takes a nonce of the account. Whoever is about to take one asks
 * first whether another call holds it. */
void rpc_hold(struct rpc_call *call, const struct address *account);
bool rpc_is_held(const struct rpc_call *call, const struct address *account);

typedef int rpc_method_fn(struct rpc_call *call);

struct rpc_method {
    const char *name; /* with its namespace */
    struct rpc_param params[RPC_PARAMS_MAX];
    /* On the loop, first: an answer that is at hand (or RPC_LATER); NULL: there is none. */
    rpc_method_fn *quick;
    /* On the worker, for what may take longer than a millisecond; NULL: nothing to do there. Must not touch what
     * belongs to the loop's thread: of the backend only the chain, through readers. */
    rpc_method_fn *work;
    /* On the loop; after `work` when that gave 0. NULL: `work` has written the result. */
    rpc_method_fn *run;
    /* A second round, on the worker and on the loop, when `run` gave RPC_LATER. */
    rpc_method_fn *again_work, *again_run;
    /* May be answered at any desk: by `quick`; by `run`, where there is nothing else; by a light `work`, where there is no `run`. These keep to what
     * `work` keeps to, and to the head of the desk. */
    bool anywhere;
    /* `work` takes well below a millisecond, a signature at most: it does not wait behind long calls. */
    bool light;
    /* `work` may wait for the transaction manager: other calls do not wait behind it. */
    bool waits;
    bool
        reads; /* `work` only reads, and nothing waits for it: it is left out when nobody waits for the answer */
    /* A QLight client has its server do it (backend.proxy), with the parameters as they came. */
    bool proxied;
    const char *result; /* for the documentation */
};

struct rpc_method_list {
    const struct rpc_method *methods;
    size_t count;
};

/* All of them, by namespace. */
extern const struct rpc_method_list *const rpc_method_lists[];
extern const size_t rpc_method_list_count;

/* The names of all namespaces; the bit of a namespace in rpc_access is its index. */
const char *const *rpc_namespaces(size_t *ret_count);
/* The namespaces that the backend has. */
uint32_t rpc_available(const struct rpc_backend *backend);

const char *rpc_type_go_name(enum rpc_type type);

/* Reads `params` (any JSON value, or none) for the method: the values into call->args, or the error as GoQuorum
 * words it. Returns 0, RPC_FAILED or ERR_NOMEM. */
int rpc_params_read(struct rpc_call *call, struct bytes params) BASE_NODISCARD;

#endif
