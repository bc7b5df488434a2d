#include "node/config/config.h"

#include "base/hex.h"
#include "base/options.h"
#include "node/ethstats/target.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static const struct node_flag *find_flag(const char *name, size_t len)
{
    for (size_t i = 0; i < node_flag_count; i++)
        if (strlen(node_flags[i].name) == len && memcmp(node_flags[i].name, name, len) == 0)
            return &node_flags[i];
    return NULL;
}

/* Go's duration: numbers with a unit each, decimals allowed ("1.5h", "1h0m0s"), or "0". */
static bool parse_duration(const char *text, uint64_t *ret_ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ns", 1e-6}, {"us", 1e-3}, {"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 3.6e6}};
    double total = 0;
    if (strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return true;
    }
    if (!*text)
        return false;
    while (*text) {
        if ((*text < '0' || *text > '9') && *text != '.')
            return false;
        char *end;
        double value = strtod(text, &end);
        size_t len = strspn(end, "nusmh"), unit = 0;
        while (unit < BASE_COUNT(units) && !(strlen(units[unit].unit) == len && end != text &&
                                             memcmp(units[unit].unit, end, len) == 0))
            unit++;
        if (unit == BASE_COUNT(units))
            return false;
        total += value * units[unit].ms;
        text = end + len;
    }
    if (total > 9.2e12) /* Go's limit, 292 years */
        return false;
    *ret_ms = (uint64_t)total;
    return true;
}

static int set_flag(struct node_config *config, const struct node_flag *flag, const char *value,
                    struct err_detail *detail)
{
    bool kept = flag->use == NODE_FLAG_OBEYED || flag->use == NODE_FLAG_ALIAS;
    void *target = (char *)config + flag->offset;
    uint64_t number = 0;
    double decimal;
    char *end;
    bool on = strcmp(value, "true") == 0 || strcmp(value, "1") == 0 || strcmp(value, "t") == 0 ||
              strcmp(value, "T") == 0 || strcmp(value, "TRUE") == 0 || strcmp(value, "True") == 0;
    switch (flag->kind) {
    case NODE_FLAG_SWITCH:
        if (!on && strcmp(value, "false") != 0 && strcmp(value, "0") != 0 &&
            strcmp(value, "f") != 0 && strcmp(value, "F") != 0 && strcmp(value, "FALSE") != 0 &&
            strcmp(value, "False") != 0)
            return err_set(detail, ERR_USAGE,
                           "invalid boolean value \"%.80s\" for -%s: parse error", value,
                           flag->name);
        if (kept)
            *(bool *)target = on;
        return ERR_OK;
    case NODE_FLAG_TEXT:
        if (kept)
            *(const char **)target = value;
        return ERR_OK;
    case NODE_FLAG_NUMBER:
        /* Some of the reference's numbers are signed; none of those is of use here below zero. */
        if (!hex_u64(value[0] == '-' && !kept ? value + 1 : value, &number))
            return err_set(detail, ERR_USAGE, "invalid value \"%.80s\" for flag -%s: parse error",
                           value, flag->name);
        break;
    case NODE_FLAG_DECIMAL:
        decimal = strtod(value, &end);
        if (!*value || *end || !(decimal >= 0))
            return err_set(detail, ERR_USAGE, "invalid value \"%.80s\" for flag -%s: parse error",
                           value, flag->name);
        if (kept)
            *(double *)target = decimal;
        return ERR_OK;
    case NODE_FLAG_DURATION:
        if (!parse_duration(value, &number))
            return err_set(detail, ERR_USAGE, "invalid value \"%.80s\" for flag -%s: parse error",
                           value, flag->name);
        break;
    }
    if (kept)
        *(uint64_t *)target = number;
    return ERR_OK;
}

void node_config_defaults(struct node_config *config)
{
    static char datadir[4096];
    struct err_detail detail;
    memset(config, 0, sizeof(*config));
    for (size_t i = 0; i < node_flag_count; i++)
        if (node_flags[i].fallback) {
            int status = set_flag(config, &node_flags[i], node_flags[i].fallback, &detail);
            assert(status == ERR_OK);
            (void)status;
        }
    config->static_nodes = config->trusted_nodes = "";
    const char *home = getenv("HOME");
    snprintf(datadir, sizeof(datadir), "%s/.ethereum", home ? home : "");
    config->datadir = datadir;
}

/* The reference checks some texts while it reads them. */
static int check_text(const struct node_flag *flag, const char *value, struct err_detail *detail)
{
    static const char *const modes[] = {"full", "fast", "snap", "light"};
    if (strcmp(flag->name, "syncmode") != 0)
        return ERR_OK;
    for (size_t i = 0; i < BASE_COUNT(modes); i++)
        if (strcmp(value, modes[i]) == 0)
            return ERR_OK;
    return err_set(detail, ERR_USAGE,
                   "invalid value \"%.80s\" for flag -syncmode: unknown sync mode \"%.80s\", want "
                   "\"full\", \"fast\" or \"light\"",
                   value, value);
}

int node_config_set(struct node_config *config, const char *name, const char *value,
                    struct err_detail *detail)
{
    const struct node_flag *flag = find_flag(name, strlen(name));
    assert(flag);
    size_t index = (size_t)(flag - node_flags);
    assert(index / 64 < BASE_COUNT(config->given));
    /* "--raft=false" and "--ptm.url ''" ask for nothing. */
    if (*value && strcmp(value, "false") != 0)
        config->given[index / 64] |= (uint64_t)1 << index % 64;
    if (flag->use == NODE_FLAG_OBEYED && flag->offset == offsetof(struct node_config, port))
        config->no_listen = false;
    int status = check_text(flag, value, detail);
    return status == ERR_OK ? set_flag(config, flag, value, detail) : status;
}

bool node_config_get(const struct node_config *config, const char *name,
                     struct node_flag_value *ret_value)
{
    const struct node_flag *flag = find_flag(name, strlen(name));
    if (!flag || flag->use != NODE_FLAG_OBEYED)
        return false;
    const void *at = (const char *)config + flag->offset;
    struct node_flag_value v = {.kind = flag->kind, .text = ""};
    switch (flag->kind) {
    case NODE_FLAG_SWITCH:
        v.on = *(const bool *)at;
        break;
    case NODE_FLAG_TEXT:
        v.text = *(const char *const *)at;
        break;
    case NODE_FLAG_DECIMAL:
        v.decimal = *(const double *)at;
        break;
    case NODE_FLAG_NUMBER:
    case NODE_FLAG_DURATION:
        v.number = *(const uint64_t *)at;
        break;
    }
    *ret_value = v;
    return true;
}

/* geth's words, and the nearest name when there is one. */
static int unknown_flag(const char *name, size_t len, struct err_detail *detail)
{
    const char *names[512], *near = NULL;
    char word[81];
    size_t count = 0;
    for (; count < node_flag_count && count < BASE_COUNT(names); count++)
        names[count] = node_flags[count].name;
    snprintf(word, sizeof(word), "%.*s", (int)(len < 80 ? len : 80), name);
    near = options_nearest(word, names, count);
    return err_set(detail, ERR_USAGE, "flag provided but not defined: -%s%s%s%s", word,
                   near ? " (did you mean --" : "", near ? near : "", near ? "?)" : "");
}

/* One flag at argv[*at], which may take the argument behind it. */
static int parse_one(struct node_config *config, int *at, int argc, char **argv,
                     struct err_detail *detail)
{
    const char *name = argv[*at] + (argv[*at][1] == '-' ? 2 : 1);
    size_t len = strcspn(name, "=");
    const char *value = name[len] ? name + len + 1 : NULL;
    if (len == 0 || name[0] == '-')
        return err_set(detail, ERR_USAGE, "bad flag syntax: %.80s", argv[*at]);
    const struct node_flag *flag = find_flag(name, len);
    if (!flag)
        return unknown_flag(name, len, detail);
    if (!value && flag->kind == NODE_FLAG_SWITCH)
        value = "true";
    if (!value) {
        if (*at + 1 == argc)
            return err_set(detail, ERR_USAGE, "flag needs an argument: -%s", flag->name);
        value = argv[++*at];
    }
    return node_config_set(config, flag->name, value, detail);
}

int node_config_parse(struct node_config *config, size_t *ret_count, int argc, char **argv,
                      struct err_detail *detail)
{
    size_t kept = 0;
    bool ended = false;
    for (int i = 0; i < argc; i++) {
        bool is_flag = !ended && argv[i][0] == '-' && argv[i][1] != 0;
        if (is_flag && strcmp(argv[i], "--") == 0) {
            ended = true;
        } else if (is_flag) {
            int status = parse_one(config, &i, argc, argv, detail);
            if (status != ERR_OK)
                return status;
        } else if (argv[i][0]) {
            argv[kept++] = argv[i]; /* charts pass empty words: they mean nothing */
        }
    }
    *ret_count = kept;
    return ERR_OK;
}

static bool was_given(const struct node_config *config, size_t index)
{
    return config->given[index / 64] >> index % 64 & 1;
}

bool node_config_given(const struct node_config *config, const char *name)
{
    const struct node_flag *flag = find_flag(name, strlen(name));
    assert(flag);
    return was_given(config, (size_t)(flag - node_flags));
}

/* What cannot be obeyed: refused, or warned about. */
static int check_uses(const struct node_config *config,
                      void (*warn)(void *context, const char *message), void *context,
                      struct err_detail *detail)
{
    for (size_t i = 0; i < node_flag_count; i++) {
        char message[256];
        if (!was_given(config, i))
            continue;
        const struct node_flag *flag = &node_flags[i];
        if (flag->use == NODE_FLAG_REFUSED)
            return err_set(detail, ERR_USAGE,
                           "--%s (%s) is not in this version of quorate-node: %s", flag->name,
                           flag->help, flag->remedy ? flag->remedy : "leave it out");
        if (flag->use != NODE_FLAG_ALIAS)
            continue;
        snprintf(message, sizeof(message),
                 "The flag --%s is deprecated and will be removed, please use --%s", flag->name,
                 flag->help);
        warn(context, message);
    }
    return ERR_OK;
}

static int check_nat(const char *nat, struct err_detail *detail)
{
    static const char *const words[] = {"", "any", "auto", "on", "none", "off", "upnp"};
    struct in6_addr six;
    struct in_addr four;
    for (size_t i = 0; i < BASE_COUNT(words); i++)
        if (strcmp(nat, words[i]) == 0)
            return ERR_OK;
    if (strncmp(nat, "pmp", 3) == 0 && (nat[3] == 0 || nat[3] == ':'))
        return ERR_OK;
    if (strncmp(nat, "extip:", 6) == 0 || strncmp(nat, "ip:", 3) == 0) {
        const char *ip = strchr(nat, ':') + 1;
        if (inet_pton(AF_INET, ip, &four) == 1 || inet_pton(AF_INET6, ip, &six) == 1)
            return ERR_OK;
        return err_set(detail, ERR_USAGE, "Option nat: invalid IP address");
    }
    return err_set(detail, ERR_USAGE, "Option nat: unknown mechanism \"%.40s\"", nat);
}

const char *node_config_external_ip(const struct node_config *config)
{
    const char *nat = config->nat;
    return strncmp(nat, "extip:", 6) == 0 || strncmp(nat, "ip:", 3) == 0 ? strchr(nat, ':') + 1
                                                                         : NULL;
}

static int check_ethstats(const char *value, struct err_detail *detail)
{
    struct node_ethstats_target target;
    if (!*value || node_ethstats_target_read(&target, value, detail) == ERR_OK)
        return ERR_OK;
    return err_prefix(detail, ERR_USAGE, "Failed to register the Ethereum Stats service");
}

static int check_raft(const struct node_config *config, struct err_detail *detail)
{
    if (!config->raft)
        return ERR_OK;
    if (config->exitwhensynced)
        return err_set(detail, ERR_USAGE, "raft consensus does not support --exitwhensynced");
    if (config->raftport == 0 || config->raftport > 65535)
        return err_set(detail, ERR_USAGE, "--raftport %llu is no port: it must be 1 to 65535",
                       (unsigned long long)config->raftport);
    if (config->raftblocktime == 0 || config->raftblocktime > 3600000)
        return err_set(detail, ERR_USAGE, "--raftblocktime must be 1 to 3600000 milliseconds");
    if (config->raftjoinexisting > 65535)
        return err_set(detail, ERR_USAGE, "--raftjoinexisting: a raft id is 65535 at most");
    return ERR_OK;
}

int node_config_check(const struct node_config *config,
                      void (*warn)(void *context, const char *message), void *context,
                      struct err_detail *detail)
{
    int status = check_uses(config, warn, context, detail);
    if (status == ERR_OK)
        status = check_nat(config->nat, detail);
    if (status != ERR_OK)
        return status;
    if (strcmp(config->gcmode, "full") != 0 && strcmp(config->gcmode, "archive") != 0)
        return err_set(detail, ERR_USAGE, "--gcmode must be either 'full' or 'archive'");
    if (*config->nodekey && *config->nodekeyhex)
        return err_set(detail, ERR_USAGE,
                       "Options \"nodekey\" and \"nodekeyhex\" are mutually exclusive");
    if (config->port > 65535)
        return err_set(detail, ERR_USAGE, "--port %llu is no port: it must be at most 65535",
                       (unsigned long long)config->port);
    if (config->ws_port > 65535)
        return err_set(detail, ERR_USAGE, "--ws.port %llu is no port: it must be at most 65535",
                       (unsigned long long)config->ws_port);
    if (config->http_port > 65535)
        return err_set(detail, ERR_USAGE, "--http.port %llu is no port: it must be at most 65535",
                       (unsigned long long)config->http_port);
    status = check_raft(config, detail);
    if (status == ERR_OK)
        status = check_ethstats(config->ethstats, detail);
    if (status == ERR_OK)
        status = node_light_check(config, detail);
    if (status != ERR_OK)
        return status;
    if (config->networkid == 1)
        return err_set(detail, ERR_USAGE,
                       "Cannot start quorum with network id 1, which is Ethereum's: choose "
                       "another with --networkid");
    if (strcmp(config->syncmode, "full") != 0)
        warn(context, "Only full synchronisation is done: --syncmode is taken as full");
    if (config->gasprice == 0)
        warn(context,
             "Sanitizing invalid miner gas price: --miner.gasprice is taken as 1000000000");
    if (config->influxdb && !config->metrics)
        warn(context, "--metrics.influxdb has no effect without --metrics");
    if (node_config_given(config, "nodekeyhex"))
        warn(context, "--nodekeyhex shows the key to every user of this machine: use --nodekey");
    return ERR_OK;
}
