/* Configuration files: any bytes are read or refused. */
#include "base/fuzz/fuzz.h"
#include "node/config/toml.h"

static int take(void *context, const char *table, const char *key,
                const struct node_toml_value *value, struct err_detail *detail)
{
    size_t *sum = context;
    (void)detail;
    assert(*key && value->text);
    *sum += strlen(table) + strlen(key) + strlen(value->text);
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t sum = 0;
    struct err_detail detail = {""};
    int status = node_toml_read(bytes_of(data, size), take, &sum, &detail);
    assert(status == ERR_OK || (status == ERR_INPUT && strncmp(detail.text, "line ", 5) == 0));
    return 0;
}
