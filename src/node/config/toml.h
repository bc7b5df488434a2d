/*
 * The part of TOML that geth's configuration files are written in (`geth dumpconfig`): tables, keys, strings of either
 * kind, whole numbers, decimals, truth, arrays of one of these, comments. Dates, inline tables and strings of several
 * lines are refused.
 */
#ifndef NODE_CONFIG_TOML_H
#define NODE_CONFIG_TOML_H

#include "base/buf.h"

enum {
    NODE_TOML_MAX = 1 << 20, /* bytes of a file; a real one has 5,000 */
    NODE_TOML_NAME_MAX = 64, /* of a table or a key */
};

enum node_toml_kind {
    NODE_TOML_TEXT,
    NODE_TOML_NUMBER,
    NODE_TOML_DECIMAL,
    NODE_TOML_BOOL,
    NODE_TOML_LIST
};

struct node_toml_value {
    enum node_toml_kind kind;
    /* Characters of a text; a number or truth as it is written (without underscores); the elements of a list, with
     * commas between. Valid during the call. */
    const char *text;
};

/* Calls fn for each `key = value`, with the name of its table ("" before the first, "Eth.Miner"). fn returns ERR_OK or
 * fails with `detail` set; the line's number is put before it. ERR_INPUT: "line 3: …". ERR_NOMEM. */
int node_toml_read(struct bytes text,
                   int (*fn)(void *context, const char *table, const char *key,
                             const struct node_toml_value *value, struct err_detail *detail),
                   void *context, struct err_detail *detail) BASE_NODISCARD;

#endif
