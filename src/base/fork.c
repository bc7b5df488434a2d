#include "base/fork.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    const char *aliases;
} forks[] = {
#define X(name, text, aliases) {text, aliases},
    FORK_LIST(X)
#undef X
};

const char *fork_name(enum fork fork)
{
    return forks[fork].name;
}

static bool is_one_of(const char *words, const char *name)
{
    size_t len = strlen(name);
    while (*words) {
        size_t word = strcspn(words, " ");
        if (word == len && strncasecmp(words, name, len) == 0)
            return true;
        words += word;
        words += strspn(words, " ");
    }
    return false;
}

bool fork_from_name(const char *name, enum fork *ret_fork)
{
    if (!*name)
        return false;
    for (int i = 0; i < FORK_COUNT; i++) {
        if (strcasecmp(forks[i].name, name) == 0 || is_one_of(forks[i].aliases, name)) {
            *ret_fork = (enum fork)i;
            return true;
        }
    }
    return false;
}
