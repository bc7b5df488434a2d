/* What a manager says of its resident groups: any bytes are a list of private states, no two alike, or are refused with a reason. */
#include "base/fuzz/fuzz.h"
#include "privacy/privacy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chain_psis psis = {.count = 0};
    struct err_detail detail = {""};
    struct arena arena;
    arena_init(&arena);
    int status = privacy_parse_groups(&psis, bytes_of(data, size), &arena, &detail);
    if (status ? detail.text[0] == '\0' : psis.count > CHAIN_PSIS_MAX)
        abort();
    for (size_t i = 0; i < psis.count; i++) {
        const struct chain_psi *psi = &psis.list[i];
        if (chain_psi_of(&psis, psi->name) != psi)
            abort();
        for (size_t k = 0; k < psi->member_count; k++)
            if (chain_psi_of_member(&psis, psi->members[k]) != psi)
                abort();
    }
    arena_release(&arena);
    return 0;
}
