#include "pair.h"

#include "io/certificate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct bytes of(const struct pair *issuer, bool key)
{
    return issuer ? buf_bytes(key ? &issuer->key : &issuer->certificate) : bytes_none();
}

void pair_make(struct pair *ret_pair, const char *name, const char *host, const struct pair *issuer)
{
    struct io_certificate_options options = {
        .name = name,
        .hosts = &host,
        .host_count = host ? 1 : 0,
        .days = 365,
        .authority = !host,
        .issuer_certificate = of(issuer, false),
        .issuer_key = of(issuer, true),
    };
    struct err_detail detail = {""};
    buf_init(&ret_pair->certificate);
    buf_init(&ret_pair->key);
    assert_int_equal(io_certificate_new(&ret_pair->certificate, &ret_pair->key, &options, &detail),
                     0);
}

void pair_release(struct pair *pair)
{
    buf_release(&pair->certificate);
    buf_release(&pair->key);
}
