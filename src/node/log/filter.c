#include "node/log/filter.h"

#include <pthread.h>
#include <regex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rule {
    regex_t files;
    int level;
};

static struct {
    pthread_mutex_t lock;
    atomic_uint count; /* of rules; read without the lock as well */
    struct rule rules[NODE_LOG_RULES_MAX];
    atomic_uint line; /* of the backtrace; 0: none */
    char file[NODE_LOG_PATTERN_MAX];
} filter = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- Text --- */

/* The piece up to `end` (or the text's end) without blanks around it; false when it is empty or too long. */
static bool cut(char ret_text[NODE_LOG_PATTERN_MAX], const char *text, size_t len)
{
    while (len && *text == ' ') {
        text++;
        len--;
    }
    while (len && text[len - 1] == ' ')
        len--;
    if (len == 0 || len >= NODE_LOG_PATTERN_MAX)
        return false;
    memcpy(ret_text, text, len);
    ret_text[len] = 0;
    return true;
}

static bool parse_number(int *ret_number, const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (*end || end == text || number < -1000000 || number > 1000000)
        return false;
    *ret_number = (int)number;
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), tail = strlen(end);
    return len >= tail && strcmp(text + len - tail, end) == 0;
}

/* --- Rules --- */

/* The expression for a pattern: each part is a folder, * any number of them, the last one a file when it says so. */
static bool compile(regex_t *ret_files, const char *pattern)
{
    char text[4 * NODE_LOG_PATTERN_MAX] = "";
    size_t len = 0;
    for (const char *at = pattern; *at;) {
        size_t part = strcspn(at, "/");
        if (part == 1 && *at == '*') {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "(/.*)?");
        } else if (part) {
            text[len++] = '/';
            for (size_t i = 0; i < part; i++) {
                if (strchr("\\^$.|?*+()[]{}", at[i]))
                    text[len++] = '\\';
                text[len++] = at[i];
            }
            text[len] = 0;
        }
        at += part + (at[part] == '/');
    }
    snprintf(text + len, sizeof(text) - len, "%s", ends_with(pattern, ".c") ? "$" : "/[^/]+\\.c$");
    return regcomp(ret_files, text, REG_EXTENDED | REG_NOSUB) == 0;
}

static int bad_rules(struct err_detail *detail)
{
    return err_set(detail, ERR_INPUT, "expect comma-separated list of filename=N");
}

/* One of the list; *ret_count grows when it says anything. */
static int add_rule(struct rule *rules, unsigned *ret_count, const char *text, size_t len,
                    struct err_detail *detail)
{
    char pattern[NODE_LOG_PATTERN_MAX], number[NODE_LOG_PATTERN_MAX];
    const char *equals = memchr(text, '=', len);
    size_t first = equals ? (size_t)(equals - text) : 0;
    int level;
    if (!equals || memchr(equals + 1, '=', len - first - 1) || !cut(pattern, text, first) ||
        !cut(number, equals + 1, len - first - 1) || !parse_number(&level, number))
        return bad_rules(detail);
    if (level <= 0)
        return ERR_OK;
    if (*ret_count == NODE_LOG_RULES_MAX)
        return err_set(detail, ERR_LIMIT, "at most %d rules", NODE_LOG_RULES_MAX);
    if (!compile(&rules[*ret_count].files, pattern))
        return bad_rules(detail);
    rules[(*ret_count)++].level = level;
    return ERR_OK;
}

static void drop(struct rule *rules, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        regfree(&rules[i].files);
}

int node_log_set_vmodule(const char *text, struct err_detail *detail)
{
    struct rule rules[NODE_LOG_RULES_MAX];
    unsigned count = 0;
    int status = ERR_OK;
    while (*text && status == ERR_OK) {
        size_t len = strcspn(text, ",");
        if (len)
            status = add_rule(rules, &count, text, len, detail);
        text += len + (text[len] == ',');
    }
    if (status != ERR_OK) {
        drop(rules, count);
        return status;
    }
    pthread_mutex_lock(&filter.lock);
    drop(filter.rules, filter.count);
    memcpy(filter.rules, rules, count * sizeof(*rules));
    filter.count = count;
    pthread_mutex_unlock(&filter.lock);
    return ERR_OK;
}

int node_log_level_of(const char *file)
{
    char path[NODE_LOG_PATTERN_MAX];
    int level = 0;
    if (atomic_load_explicit(&filter.count, memory_order_relaxed) == 0)
        return 0;
    snprintf(path, sizeof(path), "/%s", file);
    pthread_mutex_lock(&filter.lock);
    for (unsigned i = 0; i < filter.count; i++) {
        if (regexec(&filter.rules[i].files, path, 0, NULL, 0) == 0 && filter.rules[i].level > level)
            level = filter.rules[i].level;
    }
    pthread_mutex_unlock(&filter.lock);
    return level;
}

/* --- Stacks --- */

int node_log_set_backtrace(const char *place, struct err_detail *detail)
{
    char file[NODE_LOG_PATTERN_MAX], number[NODE_LOG_PATTERN_MAX];
    const char *colon = strchr(place, ':');
    int line;
    if (!colon || strchr(colon + 1, ':') || !cut(file, place, (size_t)(colon - place)) ||
        !cut(number, colon + 1, strlen(colon + 1)) || !ends_with(file, ".c") ||
        !parse_number(&line, number))
        return err_set(detail, ERR_INPUT, "expect file.c:234");
    pthread_mutex_lock(&filter.lock);
    memcpy(filter.file, file, sizeof(filter.file));
    filter.line = line > 0 ? (unsigned)line : 0;
    pthread_mutex_unlock(&filter.lock);
    return ERR_OK;
}

bool node_log_wants_backtrace(const char *file, unsigned line)
{
    if (line == 0 || atomic_load_explicit(&filter.line, memory_order_relaxed) != line)
        return false;
    const char *slash = strrchr(file, '/');
    pthread_mutex_lock(&filter.lock);
    bool wanted = filter.line == line && strcmp(slash ? slash + 1 : file, filter.file) == 0;
    pthread_mutex_unlock(&filter.lock);
    return wanted;
}
