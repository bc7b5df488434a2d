#include "crypto/argon2.h"

#include "base/mem.h"

#include <argon2.h>
#include <unistd.h>

static const char *const variants[] = {
    [CRYPTO_ARGON2_D] = "d", [CRYPTO_ARGON2_I] = "i", [CRYPTO_ARGON2_ID] = "id"};

const char *crypto_argon2_variant_name(enum crypto_argon2_variant variant)
{
    return variants[variant];
}

bool crypto_argon2_variant_parse(enum crypto_argon2_variant *ret_variant, const char *name)
{
    for (size_t i = 0; i < BASE_COUNT(variants); i++)
        if (strcmp(name, variants[i]) == 0) {
            *ret_variant = (enum crypto_argon2_variant)i;
            return true;
        }
    return false;
}

int crypto_argon2_check(const struct crypto_argon2 *o, struct err_detail *detail)
{
    if (o->iterations < 1)
        return err_set(detail, ERR_INPUT, "iterations must be at least 1");
    if (o->parallelism < 1 || o->parallelism > CRYPTO_ARGON2_LANES_MAX)
        return err_set(detail, ERR_INPUT, "parallelism must be 1 to %d", CRYPTO_ARGON2_LANES_MAX);
    if (o->memory < 8 * o->parallelism)
        return err_set(detail, ERR_INPUT, "memory must be at least 8 KiB for each lane");
    if (o->version != ARGON2_VERSION_10 && o->version != ARGON2_VERSION_13)
        return err_set(detail, ERR_INPUT, "version must be 1.0 or 1.3");
    if (o->memory > CRYPTO_ARGON2_MEMORY_MAX ||
        (uint64_t)o->memory * o->iterations > CRYPTO_ARGON2_WORK_MAX)
        return err_set(detail, ERR_LIMIT,
                       "memory of %u KiB times %u iterations; at most %d KiB, and a product of %d",
                       o->memory, o->iterations, CRYPTO_ARGON2_MEMORY_MAX, CRYPTO_ARGON2_WORK_MAX);
    return 0;
}

/* libargon2 asks for its memory here; all of it in one piece. */
static int take_memory(uint8_t **ret_memory, size_t size)
{
    *ret_memory = mem_alloc(size);
    return *ret_memory ? ARGON2_OK : ARGON2_MEMORY_ALLOCATION_ERROR;
}

static void give_memory(uint8_t *memory, size_t size)
{
    (void)size; /* libargon2 has overwritten it */
    mem_free(memory);
}

int crypto_argon2_derive(uint8_t *ret_key, size_t len, const struct crypto_argon2 *o,
                         struct bytes password, struct bytes salt)
{
    static const argon2_type types[] = {
        [CRYPTO_ARGON2_D] = Argon2_d, [CRYPTO_ARGON2_I] = Argon2_i, [CRYPTO_ARGON2_ID] = Argon2_id};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t threads = processors < 1 ? 1 : (uint32_t)processors;
    argon2_context context = {
        .out = ret_key,
        .outlen = (uint32_t)len,
        .pwd = (uint8_t *)(uintptr_t)password.data,
        .pwdlen = (uint32_t)password.len,
        .salt = (uint8_t *)(uintptr_t)salt.data,
        .saltlen = (uint32_t)salt.len,
        .t_cost = o->iterations,
        .m_cost = o->memory,
        .lanes = o->parallelism,
        .threads = threads < o->parallelism ? threads : o->parallelism,
        .version = o->version,
        .allocate_cbk = take_memory,
        .free_cbk = give_memory,
    };
    int status = argon2_ctx(&context, types[o->variant]);
    switch (status) {
    case ARGON2_OK:
        return 0;
    case ARGON2_MEMORY_ALLOCATION_ERROR:
        return ERR_NOMEM;
    case ARGON2_SALT_TOO_SHORT:
        return ERR_INPUT;
    default:
        return ERR_CRYPTO;
    }
}
