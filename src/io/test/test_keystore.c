/* Key stores that keytool (JDK 17) made: the old form and PKCS#12, of keys and of trusted certificates. */
#include "io/keystore.h"

#include "base/base64.h"
#include "base/mem.h"
#include "io/tls.h"
#include "tests/support/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* -genkeypair -storetype JKS -keyalg EC; password "secret1" */
static const char key_jks[] =
    "/u3+7QAAAAIAAAABAAAAAQAHdGVzc2VyYQAAAaIi2kAWAAAAfzB9MA4GCisGAQQBKgIRAQEFAARrIWahqSc878WpBkcP"
    "RBuwlwAfFqUQtKa8SFb8w1hN1VQAAhKBNKeviXfa644VOqkcRhKjecgiOae1KUFi2AX7vtm8ZDExvlZBcmjt6PnYYU+u"
    "EDAVfgibiBYYI+sZ/jEw354/ejfFhJEdwvoAAAABAAVYLjUwOQAAAUAwggE8MIHkoAMCAQICCQCnD4Lp9zNyTjAKBggq"
    "hkjOPQQDAjASMRAwDgYDVQQDEwdtYW5hZ2VyMCAXDTI2MTEyODE1NTA1OFoYDzIxMjYxMTA0MTU1MDU4WjASMRAwDgYD"
    "VQQDEwdtYW5hZ2VyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEbsq6TJVkvIy9x7Kl2ufgJVA7CcAnq66XvllEIet8"
    "5Uy85UEuPRBKstuqz6vX/pEBh+LDXbo3Lqitki8csEIe6qMhMB8wHQYDVR0OBBYEFK7mb1PpZQmH7zcOReJBBKMyWHmV"
    "MAoGCCqGSM49BAMCA0cAMEQCIEaOPGj1eVR3s74Ze060sVMh4UibbdR+83BXaewP3SG3AiBMOl39xStVYk08+o67R+SW"
    "Cj3McGKlenMEByeJN/ZfGCd03KHvIisBnwXC9cudUN7dBZYI";
/* -importcert -storetype JKS of its certificate; password "secret2" */
static const char trust_jks[] =
    "/u3+7QAAAAIAAAABAAAAAgACY2EAAAGiItpH4AAFWC41MDkAAAFAMIIBPDCB5KADAgECAgkApw+C6fczck4wCgYIKoZI"
    "zj0EAwIwEjEQMA4GA1UEAxMHbWFuYWdlcjAgFw0yNjExMjgxNTUwNThaGA8yMTI2MTEwNDE1NTA1OFowEjEQMA4GA1UE"
    "AxMHbWFuYWdlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABG7KukyVZLyMvceypdrn4CVQOwnAJ6uul75ZRCHrfOVM"
    "vOVBLj0QSrLbqs+r1/6RAYfiw126Ny6orZIvHLBCHuqjITAfMB0GA1UdDgQWBBSu5m9T6WUJh+83DkXiQQSjMlh5lTAK"
    "BggqhkjOPQQDAgNHADBEAiBGjjxo9XlUd7O+GXtOtLFTIeFIm23UfvNwV2nsD90htwIgTDpd/cUrVWJNPPqOu0fklgo9"
    "zHBipXpzBAcniTf2XxiUFUZAQtIYndO/myyT1fa+DNjDuA==";
/* the first one, -importkeystore -deststoretype PKCS12 */
static const char key_p12[] =
    "MIID8gIBAzCCA5wGCSqGSIb3DQEHAaCCA40EggOJMIIDhTCCASwGCSqGSIb3DQEHAaCCAR0EggEZMIIBFTCCAREGCyqG"
    "SIb3DQEMCgECoIG9MIG6MGYGCSqGSIb3DQEFDTBZMDgGCSqGSIb3DQEFDDArBBRjCIVNYpWPg+2pyTvebqapCcogxAIC"
    "JxACASAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEDC18apbnSGV8HwOhmxGNYcEUG7jkFmQb0dG9U1ra5NAPuxJ"
    "MY8vAAjNbRkX0PpJHmCsu4KeDE+xApAflcncf4VuYHvMBNS6nE7kzsfzP006IRqygouip6ezo1pZNgdmyKybMUIwHQYJ"
    "KoZIhvcNAQkUMRAeDgB0AGUAcwBzAGUAcgBhMCEGCSqGSIb3DQEJFTEUBBJUaW1lIDE3OTU4ODEwNjE2MzQwggJRBgkq"
    "hkiG9w0BBwagggJCMIICPgIBADCCAjcGCSqGSIb3DQEHATBmBgkqhkiG9w0BBQ0wWTA4BgkqhkiG9w0BBQwwKwQU2XlQ"
    "50Kejlwfhla2XCwJ5x3fixoCAicQAgEgMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBCTYzGfSGDHifXE1bXGMl1J"
    "gIIBwJNv14ESybuKT2gWVADwKXZ3ClmzTavv6UewoY1U/sU/C1o6D2VeR51vemFOv3hy0S6FIqeFz141jeUBELxHW1VQ"
    "afK2w5qac/QaTAeUOorJK0jiRngHlkSEMpDKeCCvTnEHL3Q9rrUDkJo56DvJodorupnY28DexY/7oOLwgrfjyylbw7AE"
    "uf+re+0l5l5NqBZ5srXbdpXKnahGEcfkcnSqHlBF8FEmkjPMc+44UvYpf1TBUO+rEI7rUWMmu9vKpWL9Sxj7JVS0QyfJ"
    "280nVswXSvVSNEcIaLQRXs+hdyLI5NbpYwgWcDFasANhS1VibNAxgeL2q8fe5+ZrsFLnGuIhA6alac0f5AFStN0/p8Rk"
    "ymchTt/Ct610qsvKYbmLQ8Zgvneeyp545d9ttizFOu/C4PKkmcfCdrQSduNMtxdso+Pv5zlUFD8PwScxS+FCZzUb1NGz"
    "R55yL2eUWfcEAxAwgVQj96Q5KVCJDWfvuo/2DFo1+CaGnu/rM9WTbCrv1BRbGBOGojEI2TYXP76nrv/u1HkN37FMpRqq"
    "2Pcj9hc6PzyFPAqRX0/RSfalYYc12qJgQZEOU+CYPrujGwsURqkwTTAxMA0GCWCGSAFlAwQCAQUABCB62qH5WE6Jl1rB"
    "ixPTQLF2QvNRDUi/ksfjWzYqSMMz4wQUoCftzNoQekugV99QojumwvpghdgCAicQ";
/* the same with -Dkeystore.pkcs12.legacy: certificates behind RC2 */
static const char old_p12[] =
    "MIIDUgIBAzCCAwsGCSqGSIb3DQEHAaCCAvwEggL4MIIC9DCB4QYJKoZIhvcNAQcBoIHTBIHQMIHNMIHKBgsqhkiG9w0B"
    "DAoBAqB3MHUwKQYKKoZIhvcNAQwBAzAbBBQVdCQWNQsC9k5CB8QJ15egB8ER7QIDAMNQBEgX4qa23HtFchsLVCnUUUoN"
    "C4/MxEaRXALyVOJwcHhlCIDW6j10ocEXhewQui8rX5BKB/dZEssLyzWAHhxohJ9sYojgLScZqm0xQjAdBgkqhkiG9w0B"
    "CRQxEB4OAHQAZQBzAHMAZQByAGEwIQYJKoZIhvcNAQkVMRQEElRpbWUgMTc5NTg4MTA2NDQ0NDCCAgwGCSqGSIb3DQEH"
    "BqCCAf0wggH5AgEAMIIB8gYJKoZIhvcNAQcBMCkGCiqGSIb3DQEMAQYwGwQUt5Wn+yCouF+ItrdcjP1QQ1ishggCAwDD"
    "UICCAbiyIKW8Cck1JlGdXIf3Nqjwhaj5ExsFcR7Eh1kzf3sP9O4gaBqQWxfQtcmWx0Ij0sSyQLCnHIdthPA7gdiffT0e"
    "ZmL/tYFYsnWsbvKFSLJgXRTstmE6w6eCaxuBexnVAdOhKoWhOsXqXbksIm0QFudK4PAtHgNcztgGeHfuvs5NcSQpOo1f"
    "ichfhwm0IzNAKo0CtMhV6Uy8hX7RhTByvYnixh+AatCVgwvCAuLh4K3XAHalNjhi9rBxySPOfYccwGNLxaGlIrGAO6vv"
    "I4h8GlR/eubZCmNQJaNPO4FL+Bo/TutWJ0xNNwptaBka5LvMydKKnuycOiMmo2+VzteJfAWp9Cq7iIhZIfP5zLnXzBQE"
    "W8Gvpkc/wd0Fprnk+He39hyQd9+c/tSUFeZN/DBYsiu6lfVSJkbxbaZr5bUpXTynv6tmUYDVYB+btXQmDrvgCUe4KNYW"
    "8SdPudPdCbuUwph/Q4LQmHSiwv1Dkv/2yozwMyWd73qXl+7Pb6yuXu1wnENpD9wQmpdv2+wv33kSWOe+3tg7eUlnk8Vh"
    "yflWA3TzvkAc9t5l2Vtd0+pg+NbbVfGklPz/jphPkDA+MCEwCQYFKw4DAhoFAAQUau6uIWnYAIYfPD/p6RVFJzTDH6AE"
    "FI3gyfEQXpf70MbPhPIc6SWCSn0yAgMBhqA=";
/* the second one as PKCS12, legacy */
static const char trust_p12[] =
    "MIICXgIBAzCCAhcGCSqGSIb3DQEHAaCCAggEggIEMIICADCCAfwGCSqGSIb3DQEHBqCCAe0wggHpAgEAMIIB4gYJKoZI"
    "hvcNAQcBMCkGCiqGSIb3DQEMAQYwGwQUvVDDuHqyh5PwkXLTWFEEiAgxz3cCAwDDUICCAahWSJlbVZKVDloov4Go9g0D"
    "OmeX9r+lP5LqD4nMhDFyONt2P42EO4nsHaBu/4bH9i/7Cy0q9ObA8aj7a+F7wc8M9WXtXRuG96LtWUpBdG78V9M6/X1o"
    "muMrQWWUaCmLwpqmpkNDJNwTt0dCvGvpR4wWox8I6yMBTs/Y2yJpwvMSLC7GqWgEPZxz+Iq6/V5IJDjmAT4j2i95Yfww"
    "MtAYW4MMWGA3g0JLpMdBuaXwMxD5CxefGePE6PdKg22xVgT1XycZUeZTvYEi4uHRLgeP1b3kUnPEUKljJF4LEaH2ce2W"
    "4xqgbA1kjtwsGIrTZtO+MXqUsio0bY7hMKhJEW09Srq4QdTIRom+EKh+s5AzaxMAV2KdvQodOZAHGW7izSpeqzwlRD8I"
    "VJl3F2KgctdEMYgvRk0KXqBHFmsexhsebLLo5unmzD1q4p9sWCmIYTfYWVApBkPO1CsqWyc5GS2p62tE5ee7jmU7d1vj"
    "si/6QOxH5g0txTEmjKJ3IMYpJa63mUB9eCheZxkUz1E+ZDpIGwL7CFlfj8baNqPSNWiMToy771UsQG5u31CUMD4wITAJ"
    "BgUrDgMCGgUABBTGQIlvAXEjulubLLUpHiTkrwSrKgQU3QrOCRUOjVr41sgBnt3u9+JKLcgCAwGGoA==";
/* the certificate */
static const char certificate[] =
    "MIIBPDCB5KADAgECAgkApw+C6fczck4wCgYIKoZIzj0EAwIwEjEQMA4GA1UEAxMHbWFuYWdlcjAgFw0yNjExMjgxNTUw"
    "NThaGA8yMTI2MTEwNDE1NTA1OFowEjEQMA4GA1UEAxMHbWFuYWdlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABG7K"
    "ukyVZLyMvceypdrn4CVQOwnAJ6uul75ZRCHrfOVMvOVBLj0QSrLbqs+r1/6RAYfiw126Ny6orZIvHLBCHuqjITAfMB0G"
    "A1UdDgQWBBSu5m9T6WUJh+83DkXiQQSjMlh5lTAKBggqhkjOPQQDAgNHADBEAiBGjjxo9XlUd7O+GXtOtLFTIeFIm23U"
    "fvNwV2nsD90htwIgTDpd/cUrVWJNPPqOu0fklgo9zHBipXpzBAcniTf2Xxg=";

static int read_store(struct io_keystore *ret_store, const char *text, const char *password,
                      struct err_detail *detail)
{
    struct buf data = BUF_INIT;
    assert_int_equal(base64_decode(&data, bytes_str(text)), 0);
    int status = io_keystore_read(ret_store, buf_bytes(&data), password, detail);
    buf_release(&data);
    return status;
}

/* PEM has the lines of base64 between its own. */
static bool holds_certificate(const struct buf *pem)
{
    struct buf joined = BUF_INIT;
    for (size_t i = 0; i < pem->len; i++)
        if (pem->data[i] != '\n')
            buf_append_byte(&joined, pem->data[i]);
    bool holds = strstr(buf_text(&joined), certificate) != NULL;
    buf_release(&joined);
    return holds;
}

static void test_keys(void **state)
{
    const char *const stores[] = {key_jks, key_p12, old_p12};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(stores); i++) {
        struct io_keystore store;
        struct err_detail detail = {""};
        struct io_tls *tls;
        int status = read_store(&store, stores[i], "secret1", &detail);
        if (status < 0)
            fail_msg("store %zu: %s", i, detail.text);
        assert_true(holds_certificate(&store.certificate));
        assert_true(holds_certificate(&store.trusted));
        struct io_tls_options options = {.server = true,
                                         .certificate = buf_bytes(&store.certificate),
                                         .key = buf_bytes(&store.key),
                                         .authorities = buf_bytes(&store.trusted)};
        assert_int_equal(io_tls_new(&tls, &options, &detail), 0); /* the key is the certificate's */
        io_tls_free(tls);
        io_keystore_release(&store);
    }
}

static void test_trusted(void **state)
{
    const char *const stores[] = {trust_jks, trust_p12};
    (void)state;
    for (size_t i = 0; i < BASE_COUNT(stores); i++) {
        struct io_keystore store;
        struct err_detail detail = {""};
        int status = read_store(&store, stores[i], "secret2", &detail);
        if (status < 0)
            fail_msg("store %zu: %s", i, detail.text);
        assert_true(holds_certificate(&store.trusted));
        assert_int_equal(store.key.len, 0);
        assert_int_equal(store.certificate.len, 0);
        io_keystore_release(&store);
    }
}

static void test_wrong(void **state)
{
    struct io_keystore store;
    struct err_detail detail = {""};
    struct buf data = BUF_INIT;
    (void)state;
    assert_int_equal(read_store(&store, key_jks, "secret2", &detail), ERR_INPUT);
    assert_non_null(strstr(detail.text, "password"));
    assert_int_equal(read_store(&store, key_jks, NULL, &detail), ERR_INPUT);
    assert_int_equal(read_store(&store, key_jks, "pass\xc3\xbc", &detail), ERR_UNSUPPORTED);
    assert_int_equal(read_store(&store, key_p12, "secret2", &detail), ERR_INPUT);
    assert_int_equal(read_store(&store, "AAAA", "x", &detail), ERR_INPUT);
    assert_int_equal(base64_decode(&data, bytes_str(key_jks)), 0);
    for (size_t len = 0; len < data.len; len++) /* cut off anywhere */
        assert_int_equal(io_keystore_read(&store, bytes_of(data.data, len), "secret1", &detail),
                         ERR_INPUT);
    buf_release(&data);
}

static void test_write(void **state)
{
    struct buf data = BUF_INIT;
    struct pair made;
    struct err_detail detail = {""};
    struct io_keystore store;
    (void)state;
    pair_make(&made, "manager", "127.0.0.1", NULL);
    struct bytes pem = buf_bytes(&made.certificate), key = buf_bytes(&made.key);
    assert_int_equal(io_keystore_write(&data, pem, key, "tessera", "pw", &detail), 0);
    assert_int_equal(io_keystore_read(&store, buf_bytes(&data), "pw", &detail), 0);
    assert_true(bytes_equal(buf_bytes(&store.certificate), pem));
    io_keystore_release(&store);
    buf_clear(&data);
    assert_int_equal(io_keystore_write(&data, key, key, "a", "pw", &detail), ERR_INPUT);
    pair_release(&made);
    buf_release(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_trusted),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
