#include "deploy/yaml.h"

#include "base/utf8.h"

#include <libfyaml.h>
#include <stdio.h>

/* libfyaml's nodes are copied into plain ones, so that nobody else meets the library. */
struct reading {
    struct deploy_report *report;
    size_t nodes;
    bool refused; /* a limit was met and reported */
};

static struct deploy_place place_of(struct fy_token *token)
{
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    if (!mark)
        return (struct deploy_place){0, 0};
    return (struct deploy_place){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

static struct deploy_place place_of_node(struct fy_node *node)
{
    struct deploy_place place = place_of(fy_node_get_scalar_token(node));
    enum fy_node_style style = fy_node_get_style(node);
    if (place.line && (style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED))
        place.column--; /* the token begins behind its quote */
    return place;
}

static int refuse(struct reading *reading, struct deploy_place place, const char *message)
{
    if (!reading->refused)
        deploy_report_add(reading->report, DEPLOY_ERROR, place, "", "", "%s", message);
    reading->refused = true;
    return ERR_INPUT;
}

static int copy_node(const struct deploy_yaml **ret_node, struct reading *reading,
                     struct fy_node *source, unsigned depth);

static int copy_text(const char **ret_text, struct reading *reading, struct fy_node *source,
                     struct deploy_place place)
{
    size_t len = 0;
    const char *data = fy_node_get_scalar(source, &len);
    if (len && memchr(data, 0, len))
        return refuse(reading, place, "the text has a zero byte in it");
    char *text = arena_alloc(reading->report->arena, len + 1);
    if (!text)
        return ERR_NOMEM;
    if (len)
        memcpy(text, data, len);
    text[len] = 0;
    *ret_text = text;
    return ERR_OK;
}

static bool reads_as_null(const char *text)
{
    return !text[0] || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
           strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

static int copy_scalar(struct deploy_yaml *node, struct reading *reading, struct fy_node *source)
{
    enum fy_node_style style = fy_node_get_style(source);
    int status = copy_text(&node->text, reading, source, node->place);
    if (status != ERR_OK)
        return status;
    node->quoted = style != FYNS_PLAIN && style != FYNS_ANY;
    node->kind = !node->quoted && reads_as_null(node->text) ? DEPLOY_YAML_NULL : DEPLOY_YAML_SCALAR;
    return ERR_OK;
}

/* Lists and mappings begin where their first item does. */
static void begin_at(struct deploy_yaml *node, struct deploy_place place)
{
    if (!node->place.line)
        node->place = place;
}

static int copy_list(struct deploy_yaml *node, struct reading *reading, struct fy_node *source,
                     unsigned depth)
{
    node->kind = DEPLOY_YAML_LIST;
    size_t count = (size_t)fy_node_sequence_item_count(source);
    node->items = arena_alloc_zeroed(reading->report->arena, count + 1, sizeof(*node->items));
    if (!node->items)
        return ERR_NOMEM;
    void *walk = NULL;
    for (struct fy_node *item;
         node->count < count && (item = fy_node_sequence_iterate(source, &walk));) {
        int status = copy_node(&node->items[node->count], reading, item, depth + 1);
        if (status != ERR_OK)
            return status;
        begin_at(node, node->items[node->count++]->place);
    }
    return ERR_OK;
}

static bool has_key(const struct deploy_yaml *node, const char *key)
{
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->keys[i], key) == 0)
            return true;
    return false;
}

static int copy_pair(struct deploy_yaml *node, struct reading *reading, struct fy_node_pair *pair,
                     unsigned depth)
{
    struct fy_node *key = fy_node_pair_key(pair);
    if (!key || fy_node_get_type(key) != FYNT_SCALAR || fy_node_is_alias(key))
        return refuse(reading, node->place, "a name must be plain text");
    size_t at = node->count;
    struct deploy_place place = place_of_node(key);
    node->key_places[at] = place;
    int status = copy_text(&node->keys[at], reading, key, place);
    if (status != ERR_OK)
        return status;
    begin_at(node, place);
    if (has_key(node, node->keys[at])) {
        deploy_report_add(reading->report, DEPLOY_ERROR, place, node->keys[at],
                          "remove one of the two", "stands here for the second time");
        reading->refused = true;
        return ERR_INPUT;
    }
    struct fy_node *value = fy_node_pair_value(pair);
    if (value) {
        status = copy_node(&node->items[at], reading, value, depth + 1);
        if (status != ERR_OK)
            return status;
        struct deploy_yaml *copied = (struct deploy_yaml *)node->items[at];
        begin_at(copied, place);
    } else {
        struct deploy_yaml *empty = arena_alloc_zeroed(reading->report->arena, 1, sizeof(*empty));
        if (!empty)
            return ERR_NOMEM;
        empty->place = place;
        node->items[at] = empty;
    }
    node->count++;
    return ERR_OK;
}

static int copy_mapping(struct deploy_yaml *node, struct reading *reading, struct fy_node *source,
                        unsigned depth)
{
    node->kind = DEPLOY_YAML_MAPPING;
    size_t count = (size_t)fy_node_mapping_item_count(source);
    struct arena *arena = reading->report->arena;
    if (count > 1000) /* names are compared with each other */
        return refuse(reading, node->place, "a mapping has over 1,000 names");
    node->items = arena_alloc_zeroed(arena, count + 1, sizeof(*node->items));
    node->keys = arena_alloc_zeroed(arena, count + 1, sizeof(*node->keys));
    node->key_places = arena_alloc_zeroed(arena, count + 1, sizeof(*node->key_places));
    if (!node->items || !node->keys || !node->key_places)
        return ERR_NOMEM;
    void *walk = NULL;
    for (struct fy_node_pair *pair;
         node->count < count && (pair = fy_node_mapping_iterate(source, &walk));) {
        int status = copy_pair(node, reading, pair, depth);
        if (status != ERR_OK)
            return status;
    }
    return ERR_OK;
}

static int copy_node(const struct deploy_yaml **ret_node, struct reading *reading,
                     struct fy_node *source, unsigned depth)
{
    struct deploy_place place = place_of_node(source);
    if (depth > DEPLOY_YAML_DEPTH_MAX)
        return refuse(reading, place, "nested deeper than 32 levels");
    if (++reading->nodes > DEPLOY_YAML_NODES_MAX)
        return refuse(reading, place, "more than 65,536 values, aliases counted each time");
    struct deploy_yaml *node = arena_alloc_zeroed(reading->report->arena, 1, sizeof(*node));
    if (!node)
        return ERR_NOMEM;
    node->place = place;
    *ret_node = node;
    if (fy_node_is_alias(source)) {
        source = fy_node_resolve_alias(source);
        if (!source)
            return refuse(reading, place, "an alias (*name) without its anchor (&name)");
    }
    switch (fy_node_get_type(source)) {
    case FYNT_SCALAR:
        return copy_scalar(node, reading, source);
    case FYNT_SEQUENCE:
        return copy_list(node, reading, source, depth);
    case FYNT_MAPPING:
        return copy_mapping(node, reading, source, depth);
    }
    return ERR_INPUT;
}

static void report_diagnostics(struct deploy_report *report, struct fy_diag *diag)
{
    void *walk = NULL;
    size_t before = report->count;
    for (struct fy_diag_error *error; (error = fy_diag_errors_iterate(diag, &walk));) {
        struct deploy_place place = {error->line > 0 ? (uint32_t)error->line : 0,
                                     error->column > 0 ? (uint32_t)error->column : 0};
        deploy_report_add(report, DEPLOY_ERROR, place, "",
                          "check the indentation and the quotes of this line and of the one above",
                          "not YAML: %s", error->msg);
    }
    if (report->count == before)
        deploy_report_add(report, DEPLOY_ERROR, (struct deploy_place){0, 0}, "",
                          "`quorate init` writes a network file", "is empty, or no YAML document");
}

/* What libfyaml must not get: it takes time without end for some of it. */
static bool is_readable(struct reading *reading, struct bytes content)
{
    struct deploy_place place = {1, 1};
    size_t valid = utf8_valid_length(content);
    const uint8_t *zero = content.len ? memchr(content.data, 0, content.len) : NULL;
    size_t until = zero ? (size_t)(zero - content.data) : valid;
    if (content.len > DEPLOY_YAML_MAX) {
        (void)refuse(reading, (struct deploy_place){0, 0}, "larger than 1 MiB");
        return false;
    }
    if (!zero && valid == content.len)
        return true;
    for (size_t i = 0; i < until; i++) {
        place.column = content.data[i] == '\n' ? 1 : place.column + 1;
        place.line += content.data[i] == '\n';
    }
    (void)refuse(reading, place, zero ? "a zero byte" : "not UTF-8 from here on");
    return false;
}

/* A line that begins a document ("---", in the first column), and whether a line has anything else than a comment or a directive. */
static bool is_mark(const char *line, size_t length)
{
    return length >= 3 && strncmp(line, "---", 3) == 0 &&
           (length == 3 || strchr(" \t\r", line[3]) != NULL);
}

static bool is_content(const char *line, size_t length)
{
    size_t blank = 0;
    while (blank < length && strchr(" \t\r", line[blank]))
        blank++;
    return blank < length && line[blank] != '#' && line[0] != '%';
}

/* Only the first document would be read. */
static bool is_one_document(struct reading *reading, struct bytes content)
{
    const char *text = (const char *)content.data;
    bool begun = false;
    uint32_t line = 1;
    for (size_t at = 0; at < content.len; line++) {
        const char *end = memchr(text + at, '\n', content.len - at);
        size_t length = end ? (size_t)(end - text) - at : content.len - at;
        if (begun && is_mark(text + at, length)) {
            (void)refuse(reading, (struct deploy_place){line, 1},
                         "a second document begins here; a network is one: remove this line and "
                         "what follows, or give it a file of its own");
            return false;
        }
        begun |= is_mark(text + at, length) || is_content(text + at, length);
        at += length + 1;
    }
    return true;
}

int deploy_yaml_parse(const struct deploy_yaml **ret_root, struct bytes content,
                      struct deploy_report *report)
{
    *ret_root = NULL;
    struct reading reading = {.report = report};
    if (!is_readable(&reading, content) || !is_one_document(&reading, content))
        return report->status;
    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&quiet);
    if (!diag)
        return ERR_NOMEM;
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg config = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_ALLOW_DUPLICATE_KEYS,
        .diag = diag,
    };
    struct fy_document *document = fy_document_build_from_string(
        &config, content.len ? (const char *)content.data : "", content.len);
    int status = ERR_OK;
    if (!document)
        report_diagnostics(report, diag);
    else if (fy_document_root(document))
        status = copy_node(ret_root, &reading, fy_document_root(document), 0);
    else
        deploy_report_add(report, DEPLOY_ERROR, (struct deploy_place){0, 0}, "",
                          "`quorate init` writes a network file", "is empty");
    if (document)
        fy_document_destroy(document);
    fy_diag_destroy(diag);
    if (reading.refused)
        *ret_root = NULL;
    return status == ERR_NOMEM ? ERR_NOMEM : ERR_OK;
}

const char *deploy_yaml_kind_text(enum deploy_yaml_kind kind)
{
    switch (kind) {
    case DEPLOY_YAML_NULL:
        return "nothing";
    case DEPLOY_YAML_SCALAR:
        return "text";
    case DEPLOY_YAML_LIST:
        return "a list";
    case DEPLOY_YAML_MAPPING:
        return "a mapping";
    }
    return "";
}
