/* What a unix socket sends: JSON, in two parts, cut anywhere. */
#include "console/json_end.h"

#include "base/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct bytes all = bytes_of(data + 1, size - 1);
    size_t cut = data[0] % (all.len + 1);
    struct console_scan whole = {0}, parts = {0};
    /* A value ends at the same place whether it comes at once or in parts. */
    enum console_json once = console_json_end(&whole, all);
    enum console_json twice = console_json_end(&parts, bytes_slice(all, 0, cut));
    if (twice == CONSOLE_JSON_MORE)
        twice = console_json_end(&parts, all);
    assert(once == twice && (once != CONSOLE_JSON_DONE || whole.at == parts.at));
    assert(whole.at <= all.len);
    return 0;
}
