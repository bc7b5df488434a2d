/*
 * The transaction managers of a recorded network (tm-wire.jsonl.gz), as each node saw its own: the payloads that it
 * can give out, and the answers to requests, in the order they were made.
 */
#ifndef TESTS_SUPPORT_RECORDED_TM_H
#define TESTS_SUPPORT_RECORDED_TM_H

#include "base/buf.h"

#include <jansson.h>

struct recorded_tm;

/* That of peer `peer`. Fails the running test when it cannot be read. */
struct recorded_tm *recorded_tm_open(const char *network, unsigned peer);
void recorded_tm_close(struct recorded_tm *tm);

/* What it answers for a payload's hash (base64): the members of an answer to GET /transaction/…, whether it was asked
 * for over the wire, or the node had sent it itself; NULL: not a party. Borrowed. */
const json_t *recorded_tm_payload(const struct recorded_tm *tm, const char *hash);

/*
 * The answer to a request: of GET /transaction/… by the hash; of others the first recorded one with the same method, path
 * and body that has not been given yet, else the last of them. False: there is none.
 */
bool recorded_tm_answer(struct recorded_tm *tm, const char *method, const char *path,
                        struct bytes body, unsigned *ret_status, struct buf *answer);

/* The hash (base64) of the payload that the node sent, by its bytes in base64; NULL: it did not send it. */
const char *recorded_tm_key(const struct recorded_tm *tm, const char *payload);

#endif
