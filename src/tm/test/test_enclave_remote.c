/* The enclave as another process (here a thread with a loop of its own): the same answers, and what happens when it goes
 * away, lies, or is silent. The messages that were sent become the fuzz target's corpus. */
#include "base/mem.h"
#include "io/loop.h"
#include "tm/enclave/remote.h"
#include "tm/enclave/remote_wire.h"
#include "tm/test/enclave_kit.h"
#include "tm/test/store_kit.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct other {
    char folder[64], path[96];
    struct tm_enclave *enclave;
    struct io_loop *loop;
    struct tm_enclave_server *server;
    pthread_t thread;
};

static void *serve(void *context)
{
    struct other *o = context;
    io_loop_run(o->loop);
    return NULL;
}

static void start(struct other *o)
{
    struct err_detail detail = {""};
    assert_int_equal(io_loop_new(&o->loop), 0);
    if (tm_enclave_serve(&o->server, o->loop, o->enclave, o->path, &detail) < 0)
        fail_msg("%s", detail.text);
    assert_int_equal(pthread_create(&o->thread, NULL, serve, o), 0);
}

static void stop_loop(void *context)
{
    io_loop_stop(context);
}

static void stop(struct other *o)
{
    assert_int_equal(io_loop_post(o->loop, stop_loop, o->loop), 0);
    pthread_join(o->thread, NULL);
    tm_enclave_server_free(o->server);
    io_loop_free(o->loop);
}

static void make(struct other *o)
{
    kit_folder_make(o->folder);
    snprintf(o->path, sizeof(o->path), "%s/enclave", o->folder);
    o->enclave = kit_enclave(2);
}

static void remove_other(struct other *o)
{
    tm_enclave_free(o->enclave);
    kit_folder_remove(o->folder);
}

static void the_same(void **unused)
{
    (void)unused;
    struct other o;
    struct tm_enclave *far, *bob = kit_enclave(1);
    struct err_detail detail = {""};
    struct arena arena;
    struct tmproto_payload a, b, sent;
    struct tm_enclave_raw raw;
    struct bytes data, key, box;
    uint8_t hash[64];
    bool invalid[1] = {true};
    make(&o);
    assert_int_equal(tm_enclave_add_forwarding(o.enclave, tm_enclave_default_key(bob), NULL), 0);
    start(&o);
    arena_init(&arena);
    struct tm_encryptor nacl, ec;
    tm_encryptor_init_nacl(&nacl);
    assert_int_equal(tm_enclave_connect(&far, &nacl, o.path, &detail), 0);
    assert_int_equal(tm_enclave_keys(far).count, 2);
    assert_int_equal(tm_enclave_forwarding(far).count, 1);
    assert_true(bytes_equal(tm_enclave_default_key(far), tm_enclave_default_key(o.enclave)));
    struct bytes to[2] = {tm_enclave_default_key(bob), tm_enclave_default_key(far)};
    struct tmproto_list both = {to, 2};
    struct tm_enclave_metadata m = {.privacy = TMPROTO_PRIVATE_STATE_VALIDATION,
                                    .exec_hash = bytes_str("root")};
    assert_int_equal(tm_enclave_encrypt(far, &a, &arena, bytes_str("A"), to[1], both, &m, &detail),
                     0);
    tmproto_payload_hash(hash, a.cipher_text);
    struct tm_enclave_affected known = {bytes_of(hash, 64), &a};
    m.affected = &known;
    m.affected_count = 1;
    assert_int_equal(tm_enclave_encrypt(far, &b, &arena, bytes_str("B"), to[1], both, &m, &detail),
                     0);
    assert_int_equal(tm_enclave_invalid_hashes(far, invalid, &b, &known, 1, &detail), 0);
    assert_false(invalid[0]);
    assert_int_equal(tm_enclave_invalid_hashes(o.enclave, invalid, &b, &known, 1, &detail), 0);
    assert_false(invalid[0]);
    assert_int_equal(tm_enclave_decrypt(far, &data, &arena, &b, to[1], &detail), 0);
    assert_true(bytes_equal(data, bytes_str("B")));
    assert_int_equal(tm_enclave_decrypt_any(far, &data, &key, &arena, &b, &detail), 0);
    assert_true(bytes_equal(key, to[1]));
    assert_int_equal(tmproto_payload_for(&sent, &arena, &b, to[0]), 0);
    assert_int_equal(tm_enclave_decrypt(bob, &data, &arena, &sent, to[0], &detail), 0);
    assert_int_equal(tm_enclave_decrypt_any(far, &data, NULL, &arena, &sent, &detail),
                     TM_ENCLAVE_NOT_OPENED);
    assert_int_equal(tm_enclave_find_key(far, &key, &b, 1, &detail), 0);
    assert_true(bytes_equal(key, to[1]));
    assert_int_equal(tm_enclave_find_key(far, &key, &b, 7, &detail), TM_ENCLAVE_MALFORMED);
    assert_int_equal(tm_enclave_new_box(far, &box, &arena, &b, to[0], &detail), 0);
    assert_int_equal(box.len, 48);
    assert_int_equal(tm_enclave_encrypt_raw(far, &raw, &arena, bytes_str("R"), to[1], &detail), 0);
    assert_int_equal(tm_enclave_decrypt_raw(far, &data, &arena, &raw, &detail), 0);
    assert_true(bytes_equal(data, bytes_str("R")));
    assert_int_equal(tm_enclave_encrypt_from_raw(far, &a, &arena, &raw, both,
                                                 &(struct tm_enclave_metadata){.affected = NULL},
                                                 &detail),
                     0);
    assert_true(bytes_equal(a.cipher_text, raw.cipher_text));
    struct bytes bad = bytes_str("zz");
    assert_int_equal(tm_enclave_encrypt(far, &a, &arena, bytes_str("A"), to[1],
                                        (struct tmproto_list){&bad, 1},
                                        &(struct tm_enclave_metadata){.affected = NULL}, &detail),
                     TM_ENCLAVE_BAD_KEY);
    assert_true(bytes_equal(a.recipients.items[0], bad));
    assert_int_equal(tm_enclave_encrypt_raw(far, &raw, &arena, bytes_str("R"), to[0], &detail),
                     TM_ENCLAVE_NOT_OURS);
    struct crypto_secret *secret;
    assert_int_equal(crypto_secret_copy(&secret, bytes_str("k")), 0);
    assert_int_equal(tm_enclave_add_key(far, bytes_none(), secret, &detail), ERR_USAGE);
    assert_int_equal(tm_encryptor_init(&ec, "EC", NULL, NULL, NULL, NULL, &detail), 0);
    struct tm_enclave *wrong;
    assert_int_equal(tm_enclave_connect(&wrong, &ec, o.path, &detail), ERR_IO);
    assert_non_null(strstr(detail.text, "another encryptor"));

    /* a large one in many reads */
    uint8_t *large = mem_alloc_zeroed(1, 1 << 20);
    assert_int_equal(tm_enclave_encrypt(far, &a, &arena, bytes_of(large, 1 << 20), to[1], both,
                                        &(struct tm_enclave_metadata){.affected = NULL}, &detail),
                     0);
    assert_int_equal(tm_enclave_decrypt(far, &data, &arena, &a, to[1], &detail), 0);
    assert_int_equal(data.len, 1 << 20);
    mem_free(large);

    /* it is restarted: the next call connects again; it is gone: an error that names it */
    stop(&o);
    start(&o);
    assert_int_equal(tm_enclave_decrypt(far, &data, &arena, &b, to[1], &detail), 0);
    stop(&o);
    assert_int_equal(tm_enclave_decrypt(far, &data, &arena, &b, to[1], &detail), ERR_IO);
    assert_non_null(strstr(detail.text, o.path));
    assert_int_equal(tm_enclave_check(far, &detail), ERR_IO);
    start(&o);
    assert_int_equal(tm_enclave_check(far, &detail), 0);
    stop(&o);
    tm_enclave_free(far);
    tm_enclave_free(bob);
    remove_other(&o);
    arena_release(&arena);
}

/* One that answers what it should not. */
static void lies(void **unused)
{
    (void)unused;
    static const struct {
        const char *bytes;
        size_t len;
    } answers[] = {{"\xff\xff\xff\xff", 4},
                   {"\0\0\0\x02xx", 6},
                   {"\0\0\0\x08\0\0\0\x63\0\0\0\0", 12},
                   {"\0\0\0\x0c\0\0\0\0\0\0\0\0\0\0\0\0", 16},
                   {"", 0}};
    char folder[64];
    kit_folder_make(folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/liar", folder);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    for (size_t i = 0; i < BASE_COUNT(answers); i++) {
        struct tm_encryptor nacl;
        struct tm_enclave *far;
        struct err_detail detail = {""};
        tm_encryptor_init_nacl(&nacl);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            char request[64];
            int fd = accept(listener, NULL, NULL);
            if (read(fd, request, sizeof(request)) > 0 &&
                write(fd, answers[i].bytes, answers[i].len) < 0)
                _exit(1);
            close(fd);
            _exit(0);
        }
        assert_int_equal(tm_enclave_connect(&far, &nacl, address.sun_path, &detail), ERR_IO);
        assert_non_null(strstr(detail.text, address.sun_path));
    }
    close(listener);
    kit_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_same), cmocka_unit_test(lies)};
    return cmocka_run_group_tests_name("tm enclave remote", tests, NULL, NULL);
}
