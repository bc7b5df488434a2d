/*
 * Import of a chain of plain transfers, as `geth import` does it: a file of RLP, every header and
 * seal checked, every sender recovered, every block executed and committed durably.
 *
 *     bench_import [transfers [per block [file [genesis]]]]
 *
 * The chain is made first (QBFT, one validator, 16 accounts); `file` and `genesis` keep it for another
 * program to import.
 */
#include "chain/test/maker.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static double cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static void make_chain(struct maker *m, const char *file, uint64_t transfers, uint64_t per_block)
{
    struct store *store;
    struct chain *chain;
    struct err_detail detail = {""};
    maker_must(store_memory_new(&store, chain_tables, CHAIN_TABLES), "store", NULL);
    const struct chain_options options = {.store = store, .genesis = buf_bytes(&m->genesis)};
    maker_must(chain_open(&chain, &options, &detail), "open", &detail);
    uint64_t blocks = 0;
    for (uint64_t done = 0; done < transfers; done += per_block, blocks++)
        maker_extend(m, chain, transfers - done < per_block ? transfers - done : per_block);
    maker_must(chain_export_file(chain, file, 1, blocks, false, &detail), "export", &detail);
    printf("made %llu blocks of %llu transfers\n", (unsigned long long)blocks,
           (unsigned long long)per_block);
    chain_free(chain);
    store_free(store);
}

static void import(const struct maker *m, const char *file, const char *folder, uint64_t transfers)
{
    struct chain *chain;
    struct pool *pool;
    struct err_detail detail = {""};
    maker_must(pool_new(&pool, 0), "threads", NULL);
    const struct chain_options options = {
        .path = folder, .genesis = buf_bytes(&m->genesis), .archive = true, .pool = pool};
    maker_must(chain_open(&chain, &options, &detail), "open", &detail);
    double start = base_now_seconds(), start_cpu = cpu();
    maker_must(chain_import_file(chain, file, NULL, NULL, &detail), "import", &detail);
    double took = base_now_seconds() - start, took_cpu = cpu() - start_cpu;
    printf("import: %.0f transfers/s, %.3f s, %.3f s of CPU (%.1f us each) on %u threads\n",
           (double)transfers / took, took, took_cpu, took_cpu * 1e6 / (double)transfers,
           pool_workers(pool));
    chain_free(chain);
    pool_free(pool);
}

int main(int argc, char **argv)
{
    uint64_t transfers = argc > 1 ? strtoull(argv[1], NULL, 0) : 16000;
    uint64_t per_block = argc > 2 ? strtoull(argv[2], NULL, 0) : 500;
    char folder[] = "/tmp/bench-import-XXXXXX", own_file[64], store[64];
    struct err_detail detail = {""};
    struct maker m;
    if (!mkdtemp(folder) || per_block == 0)
        return 1;
    snprintf(own_file, sizeof(own_file), "%s/chain.rlp", folder);
    snprintf(store, sizeof(store), "%s/store", folder);
    const char *file = argc > 3 ? argv[3] : own_file;
    maker_init(&m, true, 1, 16, 1, "", "");
    if (argc > 4)
        maker_must(file_write(argv[4], buf_bytes(&m.genesis), &detail), "genesis", &detail);
    make_chain(&m, file, transfers, per_block);
    for (int i = 0; i < 3; i++) {
        import(&m, file, store, transfers);
        (void)file_remove_folder(store, NULL);
    }
    maker_release(&m);
    (void)file_remove_folder(folder, NULL);
    return 0;
}
