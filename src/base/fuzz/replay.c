/*
 * Runs a fuzz target over its kept corpus, without a fuzzer: every file of every folder named, then
 * a few thousand small mutations of them from a fixed seed, so that each target does real work in
 * every run.
 */
#include "base/file.h"
#include "base/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { LARGEST_INPUT = 1 << 22, MUTATIONS_PER_FILE = 20 };

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* A copy of exactly the size, so that the address sanitizer sees a read past the end. */
static void run_one(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        exit(1);
    if (size)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_mutations(struct buf *b)
{
    for (int i = 0; i < MUTATIONS_PER_FILE && b->len; i++) {
        size_t at = random_next() % b->len;
        uint8_t old = b->data[at];
        size_t len = i % 4 ? b->len : random_next() % b->len;
        b->data[at] = (uint8_t)random_next();
        run_one(b->data, len);
        if (i % 2)
            b->data[at] = old;
    }
}

static int run_folder(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0) {
        fprintf(stderr, "%s: cannot read the corpus folder\n", path);
        return -1;
    }
    int files = 0;
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            char name[4096];
            struct buf b = BUF_INIT;
            struct err_detail detail;
            snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
            if (file_read(name, LARGEST_INPUT, &b, &detail) != ERR_OK) {
                fprintf(stderr, "%s\n", detail.text);
                exit(1);
            }
            run_one(b.data, b.len);
            run_mutations(&b);
            buf_release(&b);
            files++;
        }
        free(entries[i]);
    }
    free(entries);
    return files;
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++) {
        int n = run_folder(argv[i]);
        if (n < 0)
            return 1;
        files += n;
    }
    printf("%d inputs\n", files);
    return files > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
