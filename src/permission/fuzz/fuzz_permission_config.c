/* permission-config.json: any bytes are a configuration that keeps its promises, or are refused with a message. */
#include "base/fuzz/fuzz.h"
#include "permission/config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct permission_config config;
    struct err_detail detail = {""};
    int status = permission_config_parse(&config, bytes_of(data, size), &detail);
    if (status == ERR_OK) {
        if (config.admin_count == 0 || config.breadth == 0 || config.depth == 0 ||
            address_is_zero(&config.interface))
            abort();
        permission_config_release(&config);
    } else if (detail.text[0] == '\0') {
        abort();
    }
    return 0;
}
