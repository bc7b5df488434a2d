/* A store under test: calls that wait for their answers. */
#ifndef TM_TEST_STORE_KIT_H
#define TM_TEST_STORE_KIT_H

#include "tm/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka comes last, it needs those
#include <cmocka.h>

struct kit {
    struct io_loop *loop;
    struct tm_store *store;
    char notes[4096];
    char folder[64];
    /* the last answer, copied */
    int status;
    char message[512];
    size_t count;
    bool more;
    struct tm_store_payload *payloads;
    struct tm_store_raw *raws;
    struct tm_store_group *groups;
    struct tm_store_staged *staged;
    struct tm_store_delivery *deliveries;
    struct arena arena;
    size_t waiting;
};

/* A folder under /tmp that kit_folder_remove takes away with all files in it. */
void kit_folder_make(char ret_path[64]);
void kit_folder_remove(const char *path);

void kit_open(struct kit *k, const struct tm_store_options *options);
int kit_try_open(struct kit *k, const struct tm_store_options *options, struct err_detail *detail);
void kit_close(struct kit *k);

/* The function to give to a call; then kit_wait(k, what the call returned) gives the answer's status. */
void kit_answer(void *context, const struct tm_store_answer *answer);
int kit_wait(struct kit *k, int status);

/* Payload number n: hash and content follow from it; `len` bytes. */
struct tm_store_payload kit_payload(struct arena *arena, uint64_t n, size_t len);

#endif
