/*
 * A YAML file as a tree whose every node knows its line and column, and whose scalars keep the text that stands in
 * the file: `12345`, `01234` and `off` mean what the field's type says, not what YAML 1.1 makes of them.
 * Reading is libfyaml's; this file bounds what it may cost.
 */
#ifndef DEPLOY_YAML_H
#define DEPLOY_YAML_H

#include "deploy/report.h"

enum {
    DEPLOY_YAML_MAX = 1024 * 1024,     /* bytes of a file; a network of 500 peers has 500 KB */
    DEPLOY_YAML_DEPTH_MAX = 32,        /* the schema needs 9 */
    DEPLOY_YAML_NODES_MAX = 64 * 1024, /* after aliases are followed: no file explodes */
};

enum deploy_yaml_kind {
    DEPLOY_YAML_NULL, /* nothing, ~, null */
    DEPLOY_YAML_SCALAR,
    DEPLOY_YAML_LIST,
    DEPLOY_YAML_MAPPING,
};

struct deploy_yaml {
    enum deploy_yaml_kind kind;
    struct deploy_place place;
    const char *text; /* scalars: with end mark, and none inside */
    bool quoted;      /* scalars */
    size_t count;     /* lists: items; mappings: pairs */
    const struct deploy_yaml **items;
    const char **keys; /* mappings: one an item */
    struct deploy_place *key_places;
};

/*
 * Parses `content`; the tree lives in the report's arena. What is wrong with the text goes to the report and
 * ret_root is NULL then. ERR_NOMEM.
 */
int deploy_yaml_parse(const struct deploy_yaml **ret_root, struct bytes content,
                      struct deploy_report *report) BASE_NODISCARD;

/* "a mapping", "a list", "nothing", "text". */
const char *deploy_yaml_kind_text(enum deploy_yaml_kind kind);

#endif
