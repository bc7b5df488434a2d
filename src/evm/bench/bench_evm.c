/*
 * Speed of the machine on real contracts, beside another one.
 *
 *   bench_evm [--ours PATH] [--vs PATH] [--only NAME] [--samples N] [FILE|FOLDER...]
 *
 * The programs are state tests (JSON); each input of each is run through EVMC's interface, as a
 * client would: our libquorate-evm.so, and the other library with each of its interpreters ("--vs"
 * names one in the manner of libevmone.so: as it comes, and with the option "advanced"). They take
 * turns, a few milliseconds each, and the figures are the fastest and the middle one of N samples,
 * so that what else the machine does disturbs all alike. All get the same host, with storage that is
 * empty and cold at the beginning of each run. Time is the processor's.
 *
 * Without more words: libquorate-evm.so beside this program, and the public suite's main programs
 * (github.com/ipsilon/evm-benchmarks, benchmarks/main) in $QUORATE_FIXTURES or ../shared/fixtures.
 */
#include "evm/evmc/abi.h"

#include "base/buf.h"
#include "base/fork.h"
#include "base/hex.h"

#include <dirent.h>
#include <dlfcn.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

enum {
    MACHINES_MAX = 3,
    SAMPLES_MAX = 101,
    SAMPLE_NANOSECONDS = 4000000,
    SLOTS = 1 << 12, /* of the host's storage; the programs use a few dozen */

};

static const enum evmc_revision london = (enum evmc_revision)FORK_LONDON; /* the programs' fork */

/* The host. */

struct slot {
    bool used, warm;
    struct evmc_bytes32 key, value;
};

struct evmc_host_context {
    struct slot slots[SLOTS];
    unsigned used[SLOTS];
    unsigned used_count;
};

static struct slot *slot_of(struct evmc_host_context *c, const struct evmc_bytes32 *key)
{
    uint64_t head, tail;
    memcpy(&head, key->bytes, 8);
    memcpy(&tail, key->bytes + 24, 8);
    unsigned i = (unsigned)((head ^ tail) * 0x9e3779b97f4a7c15 >> 52) % SLOTS;
    while (c->slots[i].used && memcmp(&c->slots[i].key, key, sizeof(*key)) != 0)
        i = (i + 1) % SLOTS;
    if (!c->slots[i].used) {
        c->slots[i] = (struct slot){.used = true, .key = *key};
        c->used[c->used_count++] = i;
    }
    return &c->slots[i];
}

static void forget_storage(struct evmc_host_context *c)
{
    while (c->used_count)
        c->slots[c->used[--c->used_count]].used = false;
}

static bool account_exists(struct evmc_host_context *c, const struct evmc_address *a)
{
    (void)c, (void)a;
    return true;
}

static struct evmc_bytes32 get_storage(struct evmc_host_context *c, const struct evmc_address *a,
                                       const struct evmc_bytes32 *key)
{
    (void)a;
    return slot_of(c, key)->value;
}

static enum evmc_storage_status set_storage(struct evmc_host_context *c,
                                            const struct evmc_address *a,
                                            const struct evmc_bytes32 *key,
                                            const struct evmc_bytes32 *value)
{
    (void)a;
    slot_of(c, key)->value = *value;
    return EVMC_STORAGE_ASSIGNED;
}

static struct evmc_bytes32 no_word(struct evmc_host_context *c, const struct evmc_address *a)
{
    (void)c, (void)a;
    return (struct evmc_bytes32){{0}};
}

static size_t get_code_size(struct evmc_host_context *c, const struct evmc_address *a)
{
    (void)c, (void)a;
    return 0;
}

static size_t copy_code(struct evmc_host_context *c, const struct evmc_address *a, size_t offset,
                        uint8_t *buffer, size_t size)
{
    (void)c, (void)a, (void)offset, (void)buffer, (void)size;
    return 0;
}

static bool selfdestruct(struct evmc_host_context *c, const struct evmc_address *a,
                         const struct evmc_address *beneficiary)
{
    (void)c, (void)a, (void)beneficiary;
    return false;
}

static struct evmc_result no_call(struct evmc_host_context *c, const struct evmc_message *message)
{
    (void)c;
    return (struct evmc_result){.status_code = EVMC_SUCCESS, .gas_left = message->gas};
}

static struct evmc_tx_context get_tx_context(struct evmc_host_context *c)
{
    (void)c;
    return (struct evmc_tx_context){.block_number = 1, .block_gas_limit = 1000000000};
}

static struct evmc_bytes32 get_block_hash(struct evmc_host_context *c, int64_t number)
{
    (void)c, (void)number;
    return (struct evmc_bytes32){{0}};
}

static void emit_log(struct evmc_host_context *c, const struct evmc_address *a, const uint8_t *data,
                     size_t size, const struct evmc_bytes32 *topics, size_t topic_count)
{
    (void)c, (void)a, (void)data, (void)size, (void)topics, (void)topic_count;
}

static enum evmc_access_status access_account(struct evmc_host_context *c,
                                              const struct evmc_address *a)
{
    (void)c, (void)a;
    return EVMC_ACCESS_WARM;
}

static enum evmc_access_status access_storage(struct evmc_host_context *c,
                                              const struct evmc_address *a,
                                              const struct evmc_bytes32 *key)
{
    (void)a;
    struct slot *slot = slot_of(c, key);
    enum evmc_access_status status = slot->warm ? EVMC_ACCESS_WARM : EVMC_ACCESS_COLD;
    slot->warm = true;
    return status;
}

static const struct evmc_host_interface host = {
    .account_exists = account_exists,
    .get_storage = get_storage,
    .set_storage = set_storage,
    .get_balance = no_word,
    .get_code_size = get_code_size,
    .get_code_hash = no_word,
    .copy_code = copy_code,
    .selfdestruct = selfdestruct,
    .call = no_call,
    .get_tx_context = get_tx_context,
    .get_block_hash = get_block_hash,
    .emit_log = emit_log,
    .access_account = access_account,
    .access_storage = access_storage,
};

/* The machines. */

struct machine {
    const char *name;
    struct evmc_vm *vm;
    double samples[SAMPLES_MAX]; /* nanoseconds of a run */
};

struct bench {
    struct machine machines[MACHINES_MAX];
    int machine_count;
    int samples;
    const char *only;
    double log_of_ratios, log_of_middle_ratios, worst;
    int programs;
    struct evmc_host_context context;
};

/* "libquorate-evm.so" has evmc_create_quorate_evm, libevmone.so evmc_create_evmone. */
static struct evmc_vm *load(const char *path)
{
    char symbol[128] = "evmc_create_";
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (strncmp(base, "lib", 3) == 0)
        base += 3;
    size_t len = strlen(symbol);
    for (; *base && *base != '.' && len < sizeof(symbol) - 1; base++)
        symbol[len++] = *base == '-' ? '_' : *base;
    void *library = dlopen(path, RTLD_NOW);
    struct evmc_vm *(*create)(void) = NULL;
    if (library)
        *(void **)&create = dlsym(library, symbol);
    struct evmc_vm *vm = create ? create() : NULL;
    if (!vm || vm->abi_version != EVMC_ABI_VERSION) {
        fprintf(stderr, "bench_evm: %s: %s\n", path, library ? "no such machine" : dlerror());
        exit(2);
    }
    return vm;
}

static void add_machine(struct bench *b, const char *name, const char *path, const char *option)
{
    struct machine *m = &b->machines[b->machine_count++];
    m->name = name;
    m->vm = load(path);
    if (option && m->vm->set_option(m->vm, option, "") != EVMC_SET_OPTION_SUCCESS) {
        fprintf(stderr, "bench_evm: %s: option %s is not known\n", path, option);
        exit(2);
    }
}

/* Running. */

static struct evmc_result run_once(struct bench *b, struct evmc_vm *vm, struct bytes code,
                                   struct bytes input)
{
    struct evmc_message message = {
        .kind = EVMC_CALL, .gas = 1000000000, .input_data = input.data, .input_size = input.len};
    forget_storage(&b->context);
    struct evmc_result result =
        vm->execute(vm, &host, &b->context, london, &message, code.data, code.len);
    if (result.release)
        result.release(&result);
    return result;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double sample(struct bench *b, struct evmc_vm *vm, struct bytes code, struct bytes input,
                     int repetitions)
{
    double start = now();
    for (int i = 0; i < repetitions; i++)
        (void)run_once(b, vm, code, input);
    return (now() - start) / repetitions;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* All machines in turn, as often as asked; sorts the samples. */
static void measure(struct bench *b, struct bytes code, struct bytes input)
{
    double first = sample(b, b->machines[0].vm, code, input, 1);
    first = sample(b, b->machines[0].vm, code, input, 1 + (int)(100000 / first));
    int repetitions = 1 + (int)(SAMPLE_NANOSECONDS / first);
    for (int i = 0; i < b->samples; i++)
        for (int k = 0; k < b->machine_count; k++)
            b->machines[k].samples[i] = sample(b, b->machines[k].vm, code, input, repetitions);
    for (int k = 0; k < b->machine_count; k++)
        qsort(b->machines[k].samples, (size_t)b->samples, sizeof(double), compare);
}

static void run_program(struct bench *b, const char *name, struct bytes code, struct bytes input)
{
    if (b->only && !strstr(name, b->only))
        return;
    struct evmc_result ours = run_once(b, b->machines[0].vm, code, input);
    for (int k = 1; k < b->machine_count; k++) {
        struct evmc_result result = run_once(b, b->machines[k].vm, code, input);
        if (result.status_code != ours.status_code || result.gas_left != ours.gas_left) {
            fprintf(stderr, "bench_evm: %s: results differ: status %d and %d, gas %lld and %lld\n",
                    name, ours.status_code, result.status_code, (long long)ours.gas_left,
                    (long long)result.gas_left);
            exit(1);
        }
    }
    measure(b, code, input);
    double gas = 1e9 - (double)ours.gas_left;
    printf("%-40s", name);
    for (int k = 0; k < b->machine_count; k++)
        printf(" %9.1f", gas / b->machines[k].samples[0] * 1e3);
    if (b->machine_count > 1) {
        double best = INFINITY, middle = INFINITY;
        for (int k = 1; k < b->machine_count; k++) {
            best = fmin(best, b->machines[k].samples[0]);
            middle = fmin(middle, b->machines[k].samples[b->samples / 2]);
        }
        double ratio = best / b->machines[0].samples[0];
        double middle_ratio = middle / b->machines[0].samples[b->samples / 2];
        printf(" %8.2f %8.2f", ratio, middle_ratio);
        b->log_of_ratios += log(ratio);
        b->log_of_middle_ratios += log(middle_ratio);
        b->worst = fmin(b->worst, ratio);
        b->programs++;
    }
    printf("\n");
    fflush(stdout);
}

/* The state tests. */

static _Noreturn void not_a_test(const char *path)
{
    fprintf(stderr, "bench_evm: %s: not a state test\n", path);
    exit(2);
}

static struct bytes decode(const json_t *text, struct buf *b, const char *path)
{
    buf_clear(b);
    if (!json_is_string(text) || hex_decode(json_string_value(text), b) != 0)
        not_a_test(path);
    return buf_bytes(b);
}

/* The code of the transaction's recipient. */
static const json_t *code_of(const json_t *test)
{
    const char *to = json_string_value(json_object_get(json_object_get(test, "transaction"), "to"));
    const char *address;
    json_t *account;
    json_object_foreach(json_object_get(test, "pre"), address,
                        account) if (to && strcasecmp(address, to) ==
                                               0) return json_object_get(account, "code");
    return NULL;
}

static void run_test(struct bench *b, const char *path, const char *name, const json_t *test)
{
    struct buf code = BUF_INIT, input = BUF_INIT;
    const json_t *labels = json_object_get(json_object_get(test, "_info"), "labels");
    const json_t *data = json_object_get(json_object_get(test, "transaction"), "data");
    decode(code_of(test), &code, path);
    size_t i;
    const json_t *item;
    json_array_foreach(data, i, item)
    {
        char number[24], full_name[160];
        snprintf(number, sizeof(number), "%zu", i);
        const char *label = json_string_value(json_object_get(labels, number));
        snprintf(full_name, sizeof(full_name), "%s/%s", name, label ? label : number);
        run_program(b, full_name, buf_bytes(&code), decode(item, &input, path));
    }
    buf_release(&code);
    buf_release(&input);
}

static void run_file(struct bench *b, const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (!root) {
        fprintf(stderr, "bench_evm: %s:%d: %s\n", path, error.line, error.text);
        exit(2);
    }
    const char *name;
    json_t *test;
    json_object_foreach(root, name, test) run_test(b, path, name, test);
    json_decref(root);
}

static int is_json(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static void run_path(struct bench *b, const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
        run_file(b, path);
        return;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, is_json, alphasort);
    if (count < 0) {
        fprintf(stderr, "bench_evm: %s: cannot be read\n", path);
        exit(2);
    }
    for (int i = 0; i < count; i++) {
        char file[4096];
        snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
        run_file(b, file);
        free(entries[i]);
    }
    free(entries);
}

static const char *default_folder(char path[4096])
{
    const char *fixtures = getenv("QUORATE_FIXTURES");
    snprintf(path, 4096, "%s/evm-benchmarks/benchmarks/main",
             fixtures ? fixtures : "../shared/fixtures");
    return path;
}

static const char *default_machine(char path[4096], const char *program)
{
    const char *end = strrchr(program, '/');
    snprintf(path, 4096, "%.*s/libquorate-evm.so", end ? (int)(end - program) : 1,
             end ? program : ".");
    return path;
}

static void print_head(const struct bench *b)
{
    printf("%-40s", "million gas per second");
    for (int k = 0; k < b->machine_count; k++)
        printf(" %9s", b->machines[k].name);
    printf(b->machine_count > 1 ? "    ratio   middle\n" : "\n");
}

static void print_means(const struct bench *b)
{
    if (b->programs == 0)
        return;
    printf("%-70s %8.2f %8.2f\n", "geometric mean", exp(b->log_of_ratios / b->programs),
           exp(b->log_of_middle_ratios / b->programs));
    printf("%-70s %8.2f\n", "worst", b->worst);
}

int main(int argc, char **argv)
{
    static struct bench b = {.samples = 15, .worst = INFINITY};
    static char ours_path[4096], folder[4096];
    const char *ours = default_machine(ours_path, argv[0]), *vs = NULL;
    int i = 1;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--ours") == 0)
            ours = argv[i + 1];
        else if (strcmp(argv[i], "--vs") == 0)
            vs = argv[i + 1];
        else if (strcmp(argv[i], "--only") == 0)
            b.only = argv[i + 1];
        else if (strcmp(argv[i], "--samples") == 0)
            b.samples = (int)strtol(argv[i + 1], NULL, 10);
        else
            break;
    }
    if ((i < argc && strncmp(argv[i], "--", 2) == 0) || b.samples < 1 || b.samples > SAMPLES_MAX) {
        fprintf(stderr,
                "usage: bench_evm [--ours PATH] [--vs PATH] [--only NAME] [--samples 1…%d] "
                "[FILE|FOLDER...]\n",
                SAMPLES_MAX);
        return 2;
    }
    add_machine(&b, "ours", ours, NULL);
    if (vs) {
        add_machine(&b, "other", vs, NULL);
        add_machine(&b, "advanced", vs, "advanced");
    }
    print_head(&b);
    if (i == argc)
        run_path(&b, default_folder(folder));
    for (; i < argc; i++)
        run_path(&b, argv[i]);
    print_means(&b);
    return 0;
}
