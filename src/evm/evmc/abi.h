/*
 * The binary interface of EVMC, version 12: how Ethereum clients load virtual machines as shared
 * libraries (github.com/ethereum/evmc). Layouts, numbers and the order of fields are the
 * interface's; they must never change here while EVMC_ABI_VERSION is 12.
 *
 * The client is the host: it owns the accounts and runs nested calls itself. It calls `execute` for
 * each frame, also from within its `call`, so several executions of one machine may be under way on
 * one thread.
 */
#ifndef EVM_EVMC_ABI_H
#define EVM_EVMC_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVMC_ABI_VERSION = 12 };

/* Big-endian. */
struct evmc_bytes32 {
    uint8_t bytes[32];
};

struct evmc_address {
    uint8_t bytes[20];
};

enum evmc_call_kind {
    EVMC_CALL,
    EVMC_DELEGATECALL,
    EVMC_CALLCODE,
    EVMC_CREATE,
    EVMC_CREATE2,
    EVMC_EOFCREATE, /* not for this machine */
};

enum evmc_flags {
    EVMC_STATIC = 1,
    EVMC_DELEGATED =
        2, /* EIP-7702: code_address is the delegate, not the account that was called */
};

struct evmc_message {
    enum evmc_call_kind kind;
    uint32_t flags;
    int32_t depth;
    int64_t gas;
    struct evmc_address recipient;
    struct evmc_address sender;
    const uint8_t *input_data; /* the init code where kind is one of the creations */
    size_t input_size;
    struct evmc_bytes32 value;
    struct evmc_bytes32 create2_salt;
    struct evmc_address code_address;
    const uint8_t *code; /* not used here: `execute` has parameters for it */
    size_t code_size;
};

struct evmc_tx_context {
    struct evmc_bytes32 tx_gas_price;
    struct evmc_address tx_origin;
    struct evmc_address block_coinbase;
    int64_t block_number;
    int64_t block_timestamp;
    int64_t block_gas_limit;
    struct evmc_bytes32 block_prev_randao;
    struct evmc_bytes32 chain_id;
    struct evmc_bytes32 block_base_fee;
    struct evmc_bytes32 blob_base_fee;
    const struct evmc_bytes32 *blob_hashes;
    size_t blob_hashes_count;
    const void *initcodes; /* of a container format that this machine has not */
    size_t initcodes_count;
};

enum evmc_status_code {
    EVMC_SUCCESS = 0,
    EVMC_FAILURE = 1,
    EVMC_REVERT = 2,
    EVMC_OUT_OF_GAS = 3,
    EVMC_INVALID_INSTRUCTION = 4,
    EVMC_UNDEFINED_INSTRUCTION = 5,
    EVMC_STACK_OVERFLOW = 6,
    EVMC_STACK_UNDERFLOW = 7,
    EVMC_BAD_JUMP_DESTINATION = 8,
    EVMC_INVALID_MEMORY_ACCESS = 9,
    EVMC_CALL_DEPTH_EXCEEDED = 10,
    EVMC_STATIC_MODE_VIOLATION = 11,
    EVMC_PRECOMPILE_FAILURE = 12,
    EVMC_CONTRACT_VALIDATION_FAILURE = 13,
    EVMC_ARGUMENT_OUT_OF_RANGE = 14,
    EVMC_INSUFFICIENT_BALANCE = 17,
    EVMC_INTERNAL_ERROR = -1,
    EVMC_REJECTED = -2,
    EVMC_OUT_OF_MEMORY = -3,
};

struct evmc_result {
    enum evmc_status_code status_code;
    int64_t gas_left;
    int64_t gas_refund;
    const uint8_t *output_data; /* until `release`, which may be NULL */
    size_t output_size;
    void (*release)(const struct evmc_result *result);
    struct evmc_address create_address;
    uint8_t padding[4];
};

/* What a write did to a slot. X, Y, Z are different values other than 0; original -> current ->
 * new. */
enum evmc_storage_status {
    EVMC_STORAGE_ASSIGNED,          /* none of those below: nothing new, or one more change */
    EVMC_STORAGE_ADDED,             /* 0 -> 0 -> Z */
    EVMC_STORAGE_DELETED,           /* X -> X -> 0 */
    EVMC_STORAGE_MODIFIED,          /* X -> X -> Z */
    EVMC_STORAGE_DELETED_ADDED,     /* X -> 0 -> Z */
    EVMC_STORAGE_MODIFIED_DELETED,  /* X -> Y -> 0 */
    EVMC_STORAGE_DELETED_RESTORED,  /* X -> 0 -> X */
    EVMC_STORAGE_ADDED_DELETED,     /* 0 -> Y -> 0 */
    EVMC_STORAGE_MODIFIED_RESTORED, /* X -> Y -> X */
};

enum evmc_access_status {
    EVMC_ACCESS_COLD,
    EVMC_ACCESS_WARM,
};

struct evmc_host_context; /* the client's own */

struct evmc_host_interface {
    bool (*account_exists)(struct evmc_host_context *, const struct evmc_address *);
    struct evmc_bytes32 (*get_storage)(struct evmc_host_context *, const struct evmc_address *,
                                       const struct evmc_bytes32 *key);
    enum evmc_storage_status (*set_storage)(struct evmc_host_context *, const struct evmc_address *,
                                            const struct evmc_bytes32 *key,
                                            const struct evmc_bytes32 *value);
    struct evmc_bytes32 (*get_balance)(struct evmc_host_context *, const struct evmc_address *);
    size_t (*get_code_size)(struct evmc_host_context *, const struct evmc_address *);
    struct evmc_bytes32 (*get_code_hash)(struct evmc_host_context *, const struct evmc_address *);
    size_t (*copy_code)(struct evmc_host_context *, const struct evmc_address *, size_t offset,
                        uint8_t *buffer, size_t size);
    bool (*selfdestruct)(struct evmc_host_context *, const struct evmc_address *,
                         const struct evmc_address *beneficiary);
    struct evmc_result (*call)(struct evmc_host_context *, const struct evmc_message *);
    struct evmc_tx_context (*get_tx_context)(struct evmc_host_context *);
    struct evmc_bytes32 (*get_block_hash)(struct evmc_host_context *, int64_t number);
    void (*emit_log)(struct evmc_host_context *, const struct evmc_address *, const uint8_t *data,
                     size_t size, const struct evmc_bytes32 *topics, size_t topic_count);
    enum evmc_access_status (*access_account)(struct evmc_host_context *,
                                              const struct evmc_address *);
    enum evmc_access_status (*access_storage)(struct evmc_host_context *,
                                              const struct evmc_address *,
                                              const struct evmc_bytes32 *key);
    struct evmc_bytes32 (*get_transient_storage)(struct evmc_host_context *,
                                                 const struct evmc_address *,
                                                 const struct evmc_bytes32 *key);
    void (*set_transient_storage)(struct evmc_host_context *, const struct evmc_address *,
                                  const struct evmc_bytes32 *key, const struct evmc_bytes32 *value);
};

enum evmc_set_option_result {
    EVMC_SET_OPTION_SUCCESS,
    EVMC_SET_OPTION_INVALID_NAME,
    EVMC_SET_OPTION_INVALID_VALUE,
};

/* The forks from Frontier (0) to Osaka (14) in the order of base/fork.h; one for experiments. */
enum evmc_revision {
    EVMC_FRONTIER = 0,
    EVMC_OSAKA = 14,
    EVMC_EXPERIMENTAL = 15,
};

enum evmc_capabilities {
    EVMC_CAPABILITY_EVM1 = 1,
};

struct evmc_vm {
    const int abi_version;
    const char *name;
    const char *version;
    void (*destroy)(struct evmc_vm *vm);
    struct evmc_result (*execute)(struct evmc_vm *vm, const struct evmc_host_interface *host,
                                  struct evmc_host_context *context, enum evmc_revision revision,
                                  const struct evmc_message *message, const uint8_t *code,
                                  size_t code_size);
    uint32_t (*get_capabilities)(struct evmc_vm *vm);
    enum evmc_set_option_result (*set_option)(struct evmc_vm *vm, const char *name,
                                              const char *value);
};

/* Makes a machine; NULL when out of memory. The name is the one that EVMC's loader derives from
 * "libquorate-evm.so". Option: "interpreter" is "fast" (at first) or "plain". One thread at a time
 * may use a machine. */
struct evmc_vm *evmc_create_quorate_evm(void);

#endif
