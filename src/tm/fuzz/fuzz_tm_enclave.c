/* Messages to an enclave: whatever comes, there is an answer, and it is read without harm. */
#include "base/fuzz/fuzz.h"
#include "tm/enclave/remote_wire.h"

#include <stdlib.h>

static struct tm_enclave *enclave;

static void make(void)
{
    static uint8_t key[32] = {1, 2, 3};
    struct tm_encryptor e;
    struct crypto_secret *secret;
    tm_encryptor_init_nacl(&e);
    if (tm_enclave_new(&enclave, &e) < 0 || crypto_secret_copy(&secret, bytes_of(key, 32)) < 0 ||
        tm_enclave_add_key(enclave, bytes_none(), secret, NULL) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf answer = BUF_INIT;
    struct arena arena;
    if (!enclave)
        make();
    if (tm_enclave_serve_message(enclave, &answer, bytes_of(data, size)) < 0)
        abort();
    arena_init(&arena);
    struct tm_wire w = {buf_bytes(&answer), &arena, 0};
    int status = (int)tm_wire_read_u32(&w);
    (void)tm_wire_read(&w);
    if (w.status || status >= TM_ENCLAVE_OUTCOMES)
        abort();
    if (status == TM_ENCLAVE_DONE && size &&
        (data[0] == TM_ENCLAVE_CALL_ENCRYPT || data[0] == TM_ENCLAVE_CALL_ENCRYPT_FROM_RAW))
        (void)tm_wire_read_payload(&w);
    arena_release(&arena);
    buf_release(&answer);
    return 0;
}
