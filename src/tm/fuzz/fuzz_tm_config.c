/* A configuration, as an operator's tools write it. */
#include "tm/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tm_config config;
    struct err_detail detail;
    const char *override = "serverConfigs[0].sslConfig.tls=OFF";
    struct tm_overrides overrides = {&override, size % 2};
    if (size <= 1 << 16 && tm_config_parse(&config, bytes_of(data, size), &overrides, &detail) == 0)
        tm_config_release(&config);
    return 0;
}
