/* Messages between a manager and an enclave that is a process of its own. Pure: bytes in, bytes out. Not for others. */
#ifndef TM_ENCLAVE_REMOTE_WIRE_H
#define TM_ENCLAVE_REMOTE_WIRE_H

#include "tm/enclave/enclave.h"

/*
 *   message   4 bytes of length, big-endian, then that many bytes
 *   request   1 byte: the function; then its arguments
 *   answer    4 bytes: its result, signed; F(message); then what it returns when the result is DONE
 *
 * F(x) is 4 bytes of length and x; a list is 4 bytes of count and F of each; a payload is F of its LEGACY encoding.
 */
enum tm_enclave_call {
    TM_ENCLAVE_CALL_HELLO = 1, /* → encryptor, own keys, always-send-to */
    TM_ENCLAVE_CALL_ENCRYPT,
    TM_ENCLAVE_CALL_ENCRYPT_RAW,
    TM_ENCLAVE_CALL_ENCRYPT_FROM_RAW,
    TM_ENCLAVE_CALL_DECRYPT_RAW,
    TM_ENCLAVE_CALL_DECRYPT,
    TM_ENCLAVE_CALL_DECRYPT_ANY,
    TM_ENCLAVE_CALL_FIND_KEY,
    TM_ENCLAVE_CALL_NEW_BOX,
    TM_ENCLAVE_CALL_INVALID_HASHES,
};

struct tm_wire {
    struct bytes left;
    struct arena *arena;
    int status; /* ERR_INPUT or ERR_NOMEM once something was wrong */
};

uint32_t tm_wire_read_u32(struct tm_wire *w);
struct bytes tm_wire_read(struct tm_wire *w);
struct tmproto_list tm_wire_read_list(struct tm_wire *w);
struct tmproto_payload tm_wire_read_payload(struct tm_wire *w);
struct tm_enclave_raw tm_wire_read_raw(struct tm_wire *w);

void tm_wire_write_u32(struct buf *b, uint32_t n);
void tm_wire_write(struct buf *b, struct bytes data);
void tm_wire_write_list(struct buf *b, struct tmproto_list list);
void tm_wire_write_payload(struct buf *b, const struct tmproto_payload *payload);
void tm_wire_write_raw(struct buf *b, const struct tm_enclave_raw *raw);
void tm_wire_write_metadata(struct buf *b, const struct tm_enclave_metadata *m);
void tm_wire_write_affected(struct buf *b, const struct tm_enclave_affected *list, size_t count);

/* Does what a request (without its length) asks, and appends the answer (without its length). ERR_NOMEM when there is
 * no memory for an answer. */
int tm_enclave_serve_message(struct tm_enclave *enclave, struct buf *answer,
                             struct bytes request) BASE_NODISCARD;

#endif
