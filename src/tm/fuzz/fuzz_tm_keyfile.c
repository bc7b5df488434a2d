/* Key files, and settings of Argon2: what is read can be written, and is read the same again. Locked ones are not opened: that
 * takes as long as the file says. */
#include "base/fuzz/fuzz.h"
#include "tm/enclave/keyfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tm_keyfile file, again;
    struct crypto_argon2 options;
    struct crypto_secret *secret;
    struct tm_encryptor e;
    struct err_detail detail = {""};
    struct buf text = BUF_INIT, second = BUF_INIT;
    if (size > TM_KEYFILE_MAX_TEXT)
        return 0;
    if (tm_keyfile_parse_options(&options, bytes_of(data, size), &detail) < 0)
        require(detail.text[0]);
    detail.text[0] = 0;
    if (tm_keyfile_parse(&file, bytes_of(data, size), &detail) < 0) {
        require(detail.text[0]);
        return 0;
    }
    tm_keyfile_format(&text, &file);
    require(buf_status(&text) == 0);
    require(tm_keyfile_parse(&again, buf_bytes(&text), &detail) == 0);
    tm_keyfile_format(&second, &again);
    require(bytes_equal(buf_bytes(&text), buf_bytes(&second)));
    tm_encryptor_init_nacl(&e);
    if (!file.locked &&
        tm_keyfile_open(&secret, &e, &file, bytes_none(), &detail) == TM_KEYFILE_OPEN)
        crypto_secret_free(secret);
    buf_release(&text);
    buf_release(&second);
    return 0;
}
