/* What a transaction manager answers: any bytes are a payload or are not, and a payload keeps within its arena. */
#include "base/fuzz/fuzz.h"
#include "privacy/config.h"
#include "privacy/privacy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chain_payload payload;
    struct privacy_notes notes;
    struct eth_transaction tx;
    struct privacy_config config;
    struct err_detail detail;
    struct arena arena;
    int err;
    arena_init(&arena);
    if (privacy_parse_payload(&payload, bytes_of(data, size), &arena, &err)) {
        if (err || !payload.is_party || payload.data.len > size)
            abort();
        if (chain_private_parse(&tx, &arena, payload.data, &err) && tx.type != ETH_LEGACY)
            abort();
    }
    (void)chain_private_parse(&tx, &arena, bytes_of(data, size), &err);
    if (privacy_parse_notes(&notes, bytes_of(data, size), &arena, &err))
        for (size_t i = 0; i < notes.count; i++)
            if (err || notes.list[i].text.len > size || notes.list[i].from.len > size)
                abort();
    privacy_config_init(&config);
    if (privacy_config_parse(&config, bytes_of(data, size), "file", &detail) &&
        detail.text[0] == '\0')
        abort();
    arena_release(&arena);
    return 0;
}
