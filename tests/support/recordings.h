/*
 * The recordings of GoQuorum networks (fixtures/recordings/<network>/…; their README says what each file holds), for tests.
 * A file whose name ends in .gz is unpacked. Everything here fails the running test when a file cannot be read.
 */
#ifndef TESTS_SUPPORT_RECORDINGS_H
#define TESTS_SUPPORT_RECORDINGS_H

#include "base/buf.h"

#include <jansson.h>

/* Skips the running test, and says so, unless that network was recorded here. */
void recordings_require(const char *network);

/* Replaces the content of `ret` by the file's. */
void recordings_read(const char *network, const char *file, struct buf *ret);

/* The parsed file. Freed by json_decref. */
json_t *recordings_json(const char *network, const char *file);

/* Calls fn for each line of a file of JSON lines (rpc.jsonl.gz, wire.jsonl, blocks.jsonl). Returns how many. */
size_t recordings_lines(const char *network, const char *file,
                        void (*fn)(const json_t *line, void *context), void *context);

/* The lines of rpc.jsonl.gz that ask for `method` and were answered without error. */
size_t recordings_answers(const char *network, const char *method,
                          void (*fn)(const json_t *params, const json_t *result, void *context),
                          void *context);

/* Calls fn for each block of chain.rlp.gz, in order; `block` is its RLP [header, transactions, uncles]. The first is
 * block 1 or genesis, as `geth export` wrote it. Returns how many. */
size_t recordings_blocks(const char *network, void (*fn)(struct bytes block, void *context),
                         void *context);

#endif
