/* Key files: whatever is accepted keeps to the bounds, and reads the same after it was written. */
#include "base/fuzz/fuzz.h"
#include "crypto/keystore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct crypto_keystore first, second;
    struct err_detail detail = {""};
    int status = crypto_keystore_parse(&first, bytes_of(data, size), &detail);
    if (status) {
        require(status == ERR_INPUT || status == ERR_UNSUPPORTED || status == ERR_LIMIT);
        require(memcmp(detail.text, "key file: ", 10) == 0);
        return 0;
    }
    require(first.salt_len <= sizeof(first.salt));
    require(first.ciphertext_len >= 1 && first.ciphertext_len <= sizeof(first.ciphertext));
    require((uint64_t)first.n * first.r * first.p <= CRYPTO_KEYSTORE_MAX_SCRYPT_WORK);
    require(first.iterations <= CRYPTO_KEYSTORE_MAX_PBKDF2_WORK);

    struct buf text = BUF_INIT;
    crypto_keystore_format(&text, &first);
    require(buf_status(&text) == ERR_OK);
    require(crypto_keystore_parse(&second, buf_bytes(&text), NULL) == ERR_OK);
    require(memcmp(&first, &second, sizeof(first)) == 0);
    buf_release(&text);
    return 0;
}
