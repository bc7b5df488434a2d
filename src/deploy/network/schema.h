/*
 * The fields of network.yaml as tables: one object of the file is one struct of network.h is one table here.
 * Sources: BAF 0.8.1's guide and playbooks, Bevel 1.1's JSON schema and playbooks; `since` says which fields are ours.
 */
#ifndef DEPLOY_NETWORK_SCHEMA_H
#define DEPLOY_NETWORK_SCHEMA_H

#include "deploy/network/network.h"

#include <stddef.h>

enum deploy_field_kind {
    DEPLOY_FIELD_TEXT,    /* struct deploy_text: the scalar's own text */
    DEPLOY_FIELD_NUMBER,  /* struct deploy_number: decimal */
    DEPLOY_FIELD_SWITCH,  /* struct deploy_switch */
    DEPLOY_FIELD_CHOICE,  /* struct deploy_choice: one of `words` */
    DEPLOY_FIELD_TEXTS,   /* struct deploy_texts: a list, or one text (with commas when `commas`) */
    DEPLOY_FIELD_OBJECT,  /* pointer to the struct of `object`, NULL when absent */
    DEPLOY_FIELD_OBJECTS, /* items, count, place: a list of them */
    DEPLOY_FIELD_PORTS,   /* ambassadorPorts: text or object */
    DEPLOY_FIELD_MARKER,  /* "- peer:" before the fields of an item: nothing behind it */
    DEPLOY_FIELD_FREE,    /* read by nothing here, any form: known, so not warned about */
};

/* When a field must be there. Conditions between fields are check_*.c's. */
/* ON_CLUSTER of organizations that others run as well; ON_OWN_CLUSTER of ours alone. */
enum deploy_need { DEPLOY_OPTIONAL, DEPLOY_ALWAYS, DEPLOY_ON_CLUSTER, DEPLOY_ON_OWN_CLUSTER };

struct deploy_object;

struct deploy_field {
    const char *name;
    enum deploy_field_kind kind;
    enum deploy_need need;
    size_t offset;            /* of the value in the object's struct */
    const char *const *words; /* choices, ended by NULL; documented values of texts */
    uint64_t low, high;       /* numbers: bounds; `high` 0 = none */
    uint64_t value;           /* numbers and choices: 1 + the default, 0 = none */
    const struct deploy_object *object;
    bool secret;      /* never shown in a message */
    bool commas;      /* texts: one text is split at commas */
    const char *help; /* for people: the JSON schema's description */
};

struct deploy_object {
    const char *name; /* for the JSON schema's definitions */
    size_t size;
    size_t place; /* offset of its struct deploy_place, or SIZE_MAX */
    bool cluster; /* means nothing on one machine */
    const struct deploy_field *fields;
    size_t count;
};

/* `network`, the root of all. */
extern const struct deploy_object deploy_schema_network;

/* The field of that name, or NULL. */
const struct deploy_field *deploy_schema_find(const struct deploy_object *object, const char *name);
/* The name nearest to an unknown one, or NULL. */
const char *deploy_schema_nearest(const struct deploy_object *object, const char *name);

/* JSON Schema (draft 7) of the whole file, for editors. */
void deploy_schema_json(struct buf *b);

#endif
