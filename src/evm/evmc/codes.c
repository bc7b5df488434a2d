#include "evm/evmc/codes.h"

#include "base/mem.h"

static size_t slot_of(struct bytes code)
{
    uint64_t mixed = ((uintptr_t)code.data ^ code.len << 20) * 0x9e3779b97f4a7c15;
    return mixed >> 58; /* 64 slots */
}

static_assert(EVMC_CODES == 64, "slot_of gives six bits");

static bool keep(struct evmc_codes *c, struct evmc_code *slot, struct bytes code)
{
    uint8_t *copy = mem_realloc(slot->copy, code.len);
    if (!copy)
        return false;
    memcpy(copy, code.data, code.len);
    *slot = (struct evmc_code){code.data, code.len, copy, ++c->names};
    return true;
}

bool evmc_codes_identify(struct evmc_codes *c, struct hash256 *ret_id, struct bytes code)
{
    if (code.len == 0 || code.len > EVMC_CODE_SIZE_MAX)
        return false;
    struct evmc_code *slot = &c->codes[slot_of(code)];
    bool same = slot->place == code.data && slot->len == code.len &&
                memcmp(slot->copy, code.data, code.len) == 0;
    if (!same && !keep(c, slot, code))
        return false;
    *ret_id = (struct hash256){{0}};
    memcpy(ret_id->b, &slot->name, sizeof(slot->name));
    return true;
}

void evmc_codes_release(struct evmc_codes *c)
{
    for (size_t i = 0; i < EVMC_CODES; i++)
        mem_free(c->codes[i].copy);
    *c = (struct evmc_codes){.names = c->names};
}
