/* What a tracer may call: the functions of `log` and `db`, and those without an object. Wrong positions give nothing, as in the
 * reference, which cannot throw there. */
#include "base/decimal.h"
#include "base/hex.h"
#include "crypto/keccak.h"
#include "eth/address.h"
#include "tracejs/engine_priv.h"

#include <stdlib.h>

/* --- Values --- */

void tracejs_push_bytes(duk_context *duk, struct bytes bytes)
{
    void *place = duk_push_fixed_buffer(duk, bytes.len);
    if (bytes.len)
        memcpy(place, bytes.data, bytes.len);
}

/* The library reads numbers and decimal texts quickly, hex digit by digit. */
void tracejs_push_big(duk_context *duk, const uint8_t word[32])
{
    static const uint64_t exact = 1ull << 53; /* of a double */
    struct u256 value = u256_load(word);
    char text[DECIMAL_U256_MAX];
    duk_get_global_string(duk, "bigInt");
    if (u256_is_u64(&value) && value.w[0] < exact) {
        duk_push_number(duk, (double)value.w[0]);
    } else {
        decimal_format_u256(text, &value);
        duk_push_string(duk, text);
    }
    duk_call(duk, 1);
}

/* A buffer of either kind; nothing of anything else. */
static struct bytes buffer_at(duk_context *duk, duk_idx_t index)
{
    duk_size_t len = 0;
    const void *data = duk_get_buffer_data(duk, index, &len);
    return data ? bytes_of(data, len) : bytes_none();
}

/* The low bytes of a text of hex, or of a buffer, as common.HexToHash and BytesToHash. */
static void fill_right(uint8_t *out, size_t size, struct bytes from)
{
    size_t len = from.len < size ? from.len : size;
    memset(out, 0, size);
    if (len)
        memcpy(out + size - len, from.data + from.len - len, len);
}

/* common.FromHex: an odd digit stands alone; what is no hex is nothing. The caller releases. */
static void read_hex(struct buf *b, const char *text)
{
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    size_t len = strlen(text), at = 0;
    for (size_t i = 0; i < len; i++)
        if (!strchr("0123456789abcdefABCDEF", text[i]))
            return;
    for (at = 0; at < len; at += at == 0 && len % 2 ? 1 : 2) {
        char pair[3] = {text[at], len % 2 && at == 0 ? 0 : text[at + 1], 0};
        buf_append_byte(b, (uint8_t)strtoul(pair, NULL, 16));
    }
}

static void take_fixed(duk_context *duk, duk_idx_t index, uint8_t *out, size_t size)
{
    struct buf hex = BUF_INIT;
    if (duk_is_string(duk, index)) {
        read_hex(&hex, duk_get_string(duk, index));
        fill_right(out, size, buf_bytes(&hex));
    } else {
        fill_right(out, size, buffer_at(duk, index));
    }
    buf_release(&hex);
}

/* --- What the node is asked --- */

/* The answer is the engine's until the next one. A node that is gone ends the process. */
static struct bytes look(duk_context *duk, enum tracejs_kind kind, struct bytes key)
{
    struct tracejs_engine *engine = tracejs_engine_of(duk);
    enum tracejs_kind said;
    if (tracejs_send(engine->talk, kind, key) != ERR_OK ||
        tracejs_receive(engine->talk, &said, &engine->found, 0) != ERR_OK || said != TRACEJS_ANSWER)
        _Exit(1);
    return buf_bytes(&engine->found);
}

static duk_ret_t push_looked_up(duk_context *duk, enum tracejs_kind kind, struct bytes key)
{
    tracejs_push_bytes(duk, look(duk, kind, key));
    return 1;
}

static duk_ret_t push_big_looked_up(duk_context *duk, enum tracejs_kind kind, struct bytes key)
{
    uint8_t word[32];
    fill_right(word, sizeof(word), look(duk, kind, key));
    tracejs_push_big(duk, word);
    return 1;
}

/* --- log --- */

static duk_ret_t op_to_number(duk_context *duk)
{
    duk_push_int(duk, tracejs_engine_of(duk)->step.op);
    return 1;
}

static duk_ret_t op_to_string(duk_context *duk)
{
    duk_push_string(duk, tracejs_engine_of(duk)->step.op_name);
    return 1;
}

static duk_ret_t op_is_push(duk_context *duk)
{
    uint8_t op = tracejs_engine_of(duk)->step.op;
    duk_push_boolean(duk, op >= 0x60 && op <= 0x7f);
    return 1;
}

static duk_ret_t stack_length(duk_context *duk)
{
    duk_push_uint(duk, tracejs_engine_of(duk)->step.stack_size);
    return 1;
}

static duk_ret_t stack_peek(duk_context *duk)
{
    static const uint8_t zero[32];
    const struct tracejs_engine *engine = tracejs_engine_of(duk);
    int index = duk_get_int(duk, 0);
    bool there = index >= 0 && (uint32_t)index < engine->step.stack_size;
    tracejs_push_big(duk, there ? engine->words.data + 32 * (size_t)index : zero);
    return 1;
}

/* With the zeros that the instruction adds. */
static bool read_memory(duk_context *duk, int begin, int end, struct buf *b)
{
    struct tracejs_engine *engine = tracejs_engine_of(duk);
    const struct buf *memory = &tracejs_frame_of(engine)->memory;
    if (begin < 0 || end <= begin || (uint64_t)end > engine->step.memory_size)
        return false;
    size_t from = (size_t)begin, len = (size_t)end - from;
    uint8_t *out = buf_extend(b, len);
    if (!out)
        return false;
    memset(out, 0, len);
    if (from < memory->len)
        memcpy(out, memory->data + from, memory->len - from < len ? memory->len - from : len);
    return true;
}

static duk_ret_t memory_slice(duk_context *duk)
{
    struct buf b = BUF_INIT;
    (void)read_memory(duk, duk_get_int(duk, 0), duk_get_int(duk, 1), &b);
    tracejs_push_bytes(duk, buf_bytes(&b));
    buf_release(&b);
    return 1;
}

static duk_ret_t memory_get_uint(duk_context *duk)
{
    int at = duk_get_int(duk, 0);
    struct buf b = BUF_INIT;
    uint8_t word[32] = {0};
    if (at <= INT32_MAX - 32 && read_memory(duk, at, at + 32, &b))
        memcpy(word, b.data, sizeof(word));
    buf_release(&b);
    tracejs_push_big(duk, word);
    return 1;
}

static duk_ret_t contract_caller(duk_context *duk)
{
    tracejs_push_bytes(duk, bytes_of(tracejs_engine_of(duk)->step.caller.b, 20));
    return 1;
}

static duk_ret_t contract_address(duk_context *duk)
{
    tracejs_push_bytes(duk, bytes_of(tracejs_engine_of(duk)->step.address.b, 20));
    return 1;
}

static duk_ret_t contract_value(duk_context *duk)
{
    tracejs_push_big(duk, tracejs_engine_of(duk)->step.value);
    return 1;
}

static duk_ret_t contract_input(duk_context *duk)
{
    tracejs_push_bytes(duk, buf_bytes(&tracejs_frame_of(tracejs_engine_of(duk))->input));
    return 1;
}

static duk_ret_t get_pc(duk_context *duk)
{
    duk_push_number(duk, (double)tracejs_engine_of(duk)->step.pc);
    return 1;
}

static duk_ret_t get_gas(duk_context *duk)
{
    duk_push_number(duk, (double)tracejs_engine_of(duk)->step.gas);
    return 1;
}

static duk_ret_t get_cost(duk_context *duk)
{
    duk_push_number(duk, (double)tracejs_engine_of(duk)->step.cost);
    return 1;
}

static duk_ret_t get_depth(duk_context *duk)
{
    duk_push_uint(duk, tracejs_engine_of(duk)->step.depth);
    return 1;
}

static duk_ret_t get_refund(duk_context *duk)
{
    duk_push_number(duk, (double)tracejs_engine_of(duk)->step.refund);
    return 1;
}

static duk_ret_t get_error(duk_context *duk)
{
    const struct tracejs_step *step = &tracejs_engine_of(duk)->step;
    if (!step->has_error)
        return 0; /* undefined */
    duk_push_string(duk, step->error);
    return 1;
}

/* --- db --- */

static struct bytes address_at(duk_context *duk, struct address *place, duk_idx_t index)
{
    fill_right(place->b, sizeof(place->b), buffer_at(duk, index));
    return bytes_of(place->b, sizeof(place->b));
}

static duk_ret_t db_balance(duk_context *duk)
{
    struct address a;
    return push_big_looked_up(duk, TRACEJS_LOOK_BALANCE, address_at(duk, &a, 0));
}

static duk_ret_t db_nonce(duk_context *duk)
{
    struct address a;
    uint64_t nonce = 0;
    struct bytes got = look(duk, TRACEJS_LOOK_NONCE, address_at(duk, &a, 0));
    if (got.len == sizeof(nonce))
        memcpy(&nonce, got.data, sizeof(nonce));
    duk_push_number(duk, (double)nonce);
    return 1;
}

static duk_ret_t db_code(duk_context *duk)
{
    struct address a;
    return push_looked_up(duk, TRACEJS_LOOK_CODE, address_at(duk, &a, 0));
}

static duk_ret_t db_state(duk_context *duk)
{
    uint8_t key[20 + 32];
    fill_right(key, 20, buffer_at(duk, 0));
    fill_right(key + 20, 32, buffer_at(duk, 1));
    return push_looked_up(duk, TRACEJS_LOOK_STATE, bytes_of(key, sizeof(key)));
}

static duk_ret_t db_exists(duk_context *duk)
{
    struct address a;
    struct bytes got = look(duk, TRACEJS_LOOK_EXISTS, address_at(duk, &a, 0));
    duk_push_boolean(duk, got.len == 1 && got.data[0]);
    return 1;
}

/* --- Without an object --- */

static duk_ret_t to_hex(duk_context *duk)
{
    struct bytes bytes = buffer_at(duk, 0);
    struct buf text = BUF_INIT;
    buf_append_text(&text, "0x");
    char *hex = (char *)buf_extend(&text, 2 * bytes.len);
    if (hex)
        hex_encode(hex, bytes);
    duk_push_lstring(duk, (const char *)text.data, text.len);
    buf_release(&text);
    return 1;
}

static duk_ret_t to_word(duk_context *duk)
{
    uint8_t word[32];
    take_fixed(duk, 0, word, sizeof(word));
    tracejs_push_bytes(duk, bytes_of(word, sizeof(word)));
    return 1;
}

static duk_ret_t to_address(duk_context *duk)
{
    struct address a;
    take_fixed(duk, 0, a.b, sizeof(a.b));
    tracejs_push_bytes(duk, bytes_of(a.b, sizeof(a.b)));
    return 1;
}

static duk_ret_t to_contract(duk_context *duk)
{
    struct address from, made;
    int nonce = duk_get_int(duk, 1);
    take_fixed(duk, 0, from.b, sizeof(from.b));
    eth_create_address(&made, &from, (uint64_t)nonce);
    tracejs_push_bytes(duk, bytes_of(made.b, sizeof(made.b)));
    return 1;
}

static duk_ret_t to_contract2(duk_context *duk)
{
    struct address from, made;
    struct hash256 salt, hash;
    struct buf hex = BUF_INIT;
    struct bytes code = buffer_at(duk, 2);
    take_fixed(duk, 0, from.b, sizeof(from.b));
    take_fixed(duk, 1, salt.b, sizeof(salt.b));
    if (duk_is_string(duk, 2)) {
        read_hex(&hex, duk_get_string(duk, 2));
        code = buf_bytes(&hex);
    }
    crypto_keccak256(&hash, code);
    buf_release(&hex);
    eth_create2_address(&made, &from, &salt, &hash);
    tracejs_push_bytes(duk, bytes_of(made.b, sizeof(made.b)));
    return 1;
}

/* The nine of Istanbul, on every fork, as the reference has it. */
static duk_ret_t is_precompiled(duk_context *duk)
{
    static const uint8_t zeros[19];
    struct address a;
    address_at(duk, &a, 0);
    duk_push_boolean(duk, memcmp(a.b, zeros, sizeof(zeros)) == 0 && a.b[19] >= 1 && a.b[19] <= 9);
    return 1;
}

static duk_ret_t slice(duk_context *duk)
{
    struct bytes bytes = buffer_at(duk, 0);
    int begin = duk_get_int(duk, 1), end = duk_get_int(duk, 2);
    bool good = begin >= 0 && begin <= end && (size_t)end <= bytes.len;
    tracejs_push_bytes(duk, good ? bytes_slice(bytes, (size_t)begin, (size_t)(end - begin))
                                 : bytes_none());
    return 1;
}

/* --- Where they stand --- */

static const duk_function_list_entry op_functions[] = {{"toNumber", op_to_number, 0},
                                                       {"toString", op_to_string, 0},
                                                       {"isPush", op_is_push, 0},
                                                       {NULL}};
static const duk_function_list_entry stack_functions[] = {
    {"length", stack_length, 0}, {"peek", stack_peek, 1}, {NULL}};
static const duk_function_list_entry memory_functions[] = {
    {"slice", memory_slice, 2}, {"getUint", memory_get_uint, 1}, {NULL}};
static const duk_function_list_entry contract_functions[] = {{"getCaller", contract_caller, 0},
                                                             {"getAddress", contract_address, 0},
                                                             {"getValue", contract_value, 0},
                                                             {"getInput", contract_input, 0},
                                                             {NULL}};
static const duk_function_list_entry log_functions[] = {{"getPC", get_pc, 0},
                                                        {"getGas", get_gas, 0},
                                                        {"getCost", get_cost, 0},
                                                        {"getDepth", get_depth, 0},
                                                        {"getRefund", get_refund, 0},
                                                        {"getError", get_error, 0},
                                                        {NULL}};
static const duk_function_list_entry db_functions[] = {
    {"getBalance", db_balance, 1}, {"getNonce", db_nonce, 1}, {"getCode", db_code, 1},
    {"getState", db_state, 2},     {"exists", db_exists, 1},  {NULL}};
static const duk_function_list_entry global_functions[] = {{"toHex", to_hex, 1},
                                                           {"toWord", to_word, 1},
                                                           {"toAddress", to_address, 1},
                                                           {"toContract", to_contract, 2},
                                                           {"toContract2", to_contract2, 3},
                                                           {"isPrecompiled", is_precompiled, 1},
                                                           {"slice", slice, 3},
                                                           {NULL}};

static void put_object(duk_context *duk, const char *name, const duk_function_list_entry *functions)
{
    duk_push_object(duk);
    duk_put_function_list(duk, -1, functions);
    duk_put_prop_string(duk, -2, name);
}

void tracejs_push_natives(duk_context *duk)
{
    duk_push_global_object(duk);
    duk_put_function_list(duk, -1, global_functions);
    duk_pop(duk);
    duk_push_object(duk);
    duk_push_object(duk);
    duk_put_function_list(duk, -1, log_functions);
    put_object(duk, "op", op_functions);
    put_object(duk, "stack", stack_functions);
    put_object(duk, "memory", memory_functions);
    put_object(duk, "contract", contract_functions);
    duk_put_prop_string(duk, -2, "log");
    put_object(duk, "db", db_functions);
}
