/* Java's key stores of the old form. Their last bytes are a hash of all others: it is put right, so that what stands before
 * is read. The passwords are those of the corpus; what opens is PEM without a NUL. */
#include "io/keystore.h"

#include <openssl/sha.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(const uint8_t *data, size_t size, const char *password)
{
    struct buf b = BUF_INIT, hashed = BUF_INIT;
    struct io_keystore store;
    struct err_detail detail = {""};
    size_t len = size < SHA_DIGEST_LENGTH ? 0 : size - SHA_DIGEST_LENGTH;
    buf_append(&b, data, len);
    for (const char *p = password; *p; p++) {
        buf_append_byte(&hashed, 0);
        buf_append_byte(&hashed, (uint8_t)*p);
    }
    buf_append_text(&hashed, "Mighty Aphrodite");
    buf_append(&hashed, data, len);
    uint8_t digest[SHA_DIGEST_LENGTH];
    SHA1(hashed.data, hashed.len, digest);
    buf_append(&b, digest, sizeof(digest));
    if (buf_status(&b) == 0 && buf_status(&hashed) == 0 && b.len > 3 && b.data[0] == 0xfe) {
        int status = io_keystore_read(&store, buf_bytes(&b), password, &detail);
        if (status == 0) {
            if (store.certificate.len && memchr(store.certificate.data, 0, store.certificate.len))
                abort();
            io_keystore_release(&store);
        } else if (!detail.text[0]) {
            abort();
        }
    }
    buf_release(&b);
    buf_release(&hashed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 16)
        return 0;
    try(data, size, "secret1");
    try(data, size, "secret2");
    return 0;
}
