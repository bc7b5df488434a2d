/*
 * JSON as requests have it (RFC 8259), read in place.
 *
 * A scanner checks bytes as they come and finds where a value ends, so that a stream of values needs no other
 * framing. What has passed it is read through spans of its text: nothing is copied, numbers and ids keep their
 * form. Strings are not checked to be UTF-8, as Go does not.
 */
#ifndef RPC_JSON_JSON_H
#define RPC_JSON_JSON_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    RPC_JSON_DEPTH_MAX = 10000, /* Go's limit (encoding/json, maxNestingDepth); a bit each */
};

enum rpc_json_status {
    RPC_JSON_MORE,  /* the value is not complete */
    RPC_JSON_VALUE, /* it is */
    RPC_JSON_BAD,
};

struct rpc_json_scanner {
    uint8_t state;
    uint8_t literal, literal_at; /* which of true, false, null; characters of it seen */
    uint8_t hex_left;            /* digits of \uXXXX */
    bool begun;                  /* something but white space has come */
    uint32_t depth;
    uint8_t stack[(RPC_JSON_DEPTH_MAX + 7) / 8]; /* a bit for each open value: 1 = object */
};

void rpc_json_scanner_init(struct rpc_json_scanner *s);
/* Takes bytes up to the end of the value; *ret_used tells how many. A number at the top level ends at the byte
 * behind it, which is not taken. */
enum rpc_json_status rpc_json_scan(struct rpc_json_scanner *s, size_t *ret_used, struct bytes data);
/* No more bytes come: VALUE when what came is one (a number), BAD when it is the beginning of one, MORE when there
 * was only white space. */
enum rpc_json_status rpc_json_scan_end(const struct rpc_json_scanner *s);

/* The first value of `text`, without white space around it. */
enum rpc_json_status rpc_json_first(struct bytes *ret_value, struct bytes text);

/* --- Values: all below take text that has passed the scanner --- */

enum rpc_json_kind {
    RPC_JSON_NULL,
    RPC_JSON_BOOL,
    RPC_JSON_NUMBER,
    RPC_JSON_STRING,
    RPC_JSON_ARRAY,
    RPC_JSON_OBJECT,
};

/* `value` is without white space around it, as are all that these functions return. */
enum rpc_json_kind rpc_json_kind(struct bytes value);
/* As Go's messages name it: "number", "string", … */
const char *rpc_json_kind_name(enum rpc_json_kind kind);

struct rpc_json_walk {
    struct bytes rest;
};

/* Over the elements of an array or the members of an object. */
void rpc_json_walk_begin(struct rpc_json_walk *walk, struct bytes value);
bool rpc_json_element(struct rpc_json_walk *walk, struct bytes *ret_value);
/* The key with its quotes. */
bool rpc_json_member(struct rpc_json_walk *walk, struct bytes *ret_key, struct bytes *ret_value);

/* Of an array its elements, of an object its members. */
size_t rpc_json_count(struct bytes value);

/* The value of an object's first member of that name, as rpc_json_key_is compares; len 0: there is none, or `value` is no object. */
struct bytes rpc_json_find(struct bytes value, const char *name);

/* Whether a key with its quotes is `name`, in any case of letters (as Go matches the fields of its structs). */
bool rpc_json_key_is(struct bytes key, const char *name);

/* The characters of a string, escapes resolved as Go does (a lone surrogate becomes U+FFFD); without escapes they
 * are the text itself. data is NULL when out of memory. */
struct bytes rpc_json_string(struct bytes value, struct arena *arena);

/* --- Writing --- */

/* With quotes and escapes, as Go writes it: also <, > and & are escaped; bytes that are no UTF-8 become U+FFFD. */
void rpc_json_write_string(struct buf *b, struct bytes text);

#endif
