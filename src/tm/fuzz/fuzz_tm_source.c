/* What a migration reads as text: H2's SCRIPT and Berkeley DB's dump. The first byte chooses. */
#include "base/fuzz/fuzz.h"
#include "tm/store/source.h"

#include <stdlib.h>

static uint64_t sum;

/* Touches every byte, so that the sanitizer sees spans that lie. */
static void touch(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        sum += b.data[i];
}

static int row(void *context, const struct tm_source_row *row, struct err_detail *detail)
{
    (void)context;
    (void)detail;
    touch(row->payload.hash);
    touch(row->payload.data);
    touch(row->raw.hash);
    touch(row->raw.cipher_text);
    touch(row->raw.encrypted_key);
    touch(row->raw.nonce);
    touch(row->raw.sender);
    touch(row->group.id);
    touch(row->group.lookup_id);
    touch(row->group.data);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tm_source source = {row, NULL, NULL};
    struct err_detail detail = {""};
    if (size == 0)
        return 0;
    struct bytes text = bytes_of(data + 1, size - 1);
    int status = data[0] & 1 ? tm_source_read_dump(&source, text, &detail)
                             : tm_source_read_h2(&source, text, &detail);
    if (status != 0 && (status != ERR_INPUT || !detail.text[0]))
        abort();
    return 0;
}
