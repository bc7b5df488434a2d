/* What is seen of the nodes during the load: blocks, memory, CPU. */
#include "base/clock.h"
#include "base/hex.h"
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 20 };

static void sleep_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static int ask(struct client *c, const char *method, const char *params, struct bytes *ret_answer)
{
    char body[256];
    struct err_detail detail;
    int len =
        snprintf(body, sizeof(body),
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
    return client_post(c, bytes_of(body, (size_t)len), ret_answer, &detail);
}

static bool head_number(struct client *c, uint64_t *ret_number)
{
    struct bytes answer;
    if (ask(c, "eth_blockNumber", "[]", &answer) != ERR_OK)
        return false;
    const char *result = strstr((const char *)answer.data, "\"result\":\"0x");
    if (!result)
        return false;
    *ret_number = strtoull(result + 10, NULL, 16);
    return true;
}

/* Notes the transactions of a block: every hash between the brackets of "transactions". */
static void note_block(struct load *load, struct bytes answer, double when)
{
    const char *at = strstr((const char *)answer.data, "\"transactions\":[");
    const char *end = at ? strchr(at, ']') : NULL;
    size_t count = 0;
    if (!end)
        return;
    while ((at = strstr(at, "\"0x")) && at < end) {
        struct hash256 hash;
        char digits[65] = "";
        memcpy(digits, at + 3, 64);
        at += 68;
        const size_t *index =
            hex_decode_exact(digits, hash.b, 32) ? map_get(&load->by_hash, &hash) : NULL;
        count++;
        if (index && load->txs[*index].seen == 0) {
            load->txs[*index].seen = when;
            load->seen++;
        }
    }
    load->blocks += count > 0;
    load->largest_block = count > load->largest_block ? count : load->largest_block;
}

void *watch_blocks(void *context)
{
    struct load *load = context;
    struct client c;
    struct err_detail detail;
    uint64_t last, head;
    if (client_init(&c, load->urls[0], &detail) != ERR_OK || !head_number(&c, &last)) {
        fprintf(stderr, "nodebench: %s does not tell its head\n", load->urls[0]);
        exit(1);
    }
    while (!load->stop) {
        sleep_ms(POLL_MS);
        if (!head_number(&c, &head))
            continue;
        double when = base_now_seconds() - load->start;
        for (; last < head; last++) {
            char params[64];
            struct bytes answer;
            snprintf(params, sizeof(params), "[\"0x%llx\",false]", (unsigned long long)last + 1);
            if (ask(&c, "eth_getBlockByNumber", params, &answer) != ERR_OK)
                break;
            note_block(load, answer, when > 0 ? when : 1e-9);
        }
    }
    client_release(&c);
    return NULL;
}

void *watch_memory(void *context)
{
    struct load *load = context;
    while (!load->stop) {
        for (size_t i = 0; i < load->pid_count; i++) {
            char path[64], line[256];
            unsigned long long kilobytes;
            snprintf(path, sizeof(path), "/proc/%d/status", load->pids[i]);
            FILE *file = fopen(path, "r");
            while (file && fgets(line, sizeof(line), file))
                if (sscanf(line, "VmRSS: %llu", &kilobytes) == 1 && kilobytes > load->memory_max)
                    load->memory_max = kilobytes;
            if (file)
                fclose(file);
        }
        sleep_ms(500);
    }
    return NULL;
}

double cpu_seconds(const struct load *load)
{
    double total = 0;
    for (size_t i = 0; i < load->pid_count; i++) {
        char path[64], text[1024];
        unsigned long long user, system;
        snprintf(path, sizeof(path), "/proc/%d/stat", load->pids[i]);
        FILE *file = fopen(path, "r");
        size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
        text[len] = 0;
        const char *after_name = strrchr(text, ')');
        if (after_name &&
            sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
                   &system) == 2)
            total += (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
        if (file)
            fclose(file);
    }
    return total;
}
