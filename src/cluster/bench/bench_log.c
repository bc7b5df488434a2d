/*
 * The Raft log at a restart: a million entries that no snapshot has made old yet, and the ordinary case, a few hundred behind a
 * snapshot. What a batch costs to write is the disk's figure, and printed beside it.
 */
#include "base/clock.h"
#include "cluster/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENTRIES = 1000000, BATCH = 1000, ENTRY_SIZE = 600 /* a block of one transfer */ };

static void require(int status, const struct err_detail *why)
{
    if (status != ERR_OK) {
        fprintf(stderr, "bench_log: %s\n", why->text);
        exit(1);
    }
}

static void append(struct cluster_log *log, uint64_t first, size_t count)
{
    static uint8_t block[ENTRY_SIZE];
    static struct raft_entry entries[BATCH];
    struct err_detail why;
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct raft_entry){
            .term = 1, .index = first + i, .data = bytes_of(block, sizeof(block))};
    struct raft_ready r = {.has_hard = true,
                           .sync = true,
                           .hard = {1, 1, first - 1},
                           .entries = entries,
                           .entry_count = count};
    require(cluster_log_write(log, &r, &why), &why);
}

static void reopen(const char *path, const char *title)
{
    struct cluster_log *log;
    struct err_detail why;
    double began = base_now_seconds();
    require(cluster_log_open(&log, path, 1, &why), &why);
    double took = base_now_seconds() - began;
    printf("%-34s %9zu entries, file of %4.0f MB: read in %7.1f ms\n", title,
           cluster_log_content(log)->entry_count, (double)cluster_log_size(log) / 1e6, took * 1e3);
    cluster_log_close(log);
}

int main(void)
{
    char folder[] = "/tmp/bench-log-XXXXXX", path[64];
    struct cluster_log *log;
    struct err_detail why;
    uint64_t nodes[] = {1, 2, 3};
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/log", folder);
    require(cluster_log_open(&log, path, 1, &why), &why);
    cluster_log_forget(log);
    double began = base_now_seconds();
    for (uint64_t i = 0; i < ENTRIES; i += BATCH)
        append(log, 1 + i, BATCH);
    printf("written: %d entries of %d bytes in batches of %d, each durable: %.1f s\n", ENTRIES,
           ENTRY_SIZE, BATCH, base_now_seconds() - began);
    cluster_log_close(log);
    reopen(path, "without a snapshot");

    require(cluster_log_open(&log, path, 1, &why), &why);
    cluster_log_forget(log);
    struct raft_snapshot snapshot = {
        .index = ENTRIES - 250, .term = 1, .data = bytes_str("state"), .conf = {nodes, NULL, 3, 0}};
    require(cluster_log_snapshot(log, &snapshot, &why), &why);
    cluster_log_close(log);
    reopen(path, "behind a snapshot");
    unlink(path);
    rmdir(folder);
    return 0;
}
