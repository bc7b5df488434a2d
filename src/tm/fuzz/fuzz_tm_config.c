/* A configuration, as an operator's tools write it: Tessera's when it begins with '{', a sealed value of one when it begins with
 * "ENC(", else Constellation's. */
#include "base/fuzz/fuzz.h"
#include "tm/config/config.h"
#include "tm/config/config_priv.h"

#include <stdlib.h>

static bool contains(const uint8_t *data, size_t size, const char *word)
{
    return memmem(data, size, word, strlen(word)) != NULL;
}

static void open_sealed(const uint8_t *data, size_t size)
{
    struct buf text = BUF_INIT, plain = BUF_INIT;
    struct err_detail detail = {""};
    buf_append(&text, data, size);
    if (buf_status(&text) == 0 && !memchr(data, 0, size) && tm_is_sealed(buf_text(&text)) &&
        tm_open_sealed(&plain, buf_text(&text), bytes_str("quince"), &detail) < 0 &&
        !detail.text[0])
        abort();
    buf_release(&text);
    buf_release(&plain);
}

static void constellation(const uint8_t *data, size_t size)
{
    struct tm_config config;
    struct err_detail detail = {""};
    char flag[] = "--othernodes=http://a:1/,http://b:2/";
    char *flags[] = {flag};
    /* these two name files that are read */
    if (contains(data, size, "alwayssendto") || contains(data, size, "archivalPublicKeyPath"))
        return;
    int status =
        tm_config_constellation_parse(&config, bytes_of(data, size), size % 2, flags, &detail);
    if (status == 0)
        tm_config_release(&config);
    else if (!detail.text[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tm_config config;
    struct err_detail detail;
    const char *override = "serverConfigs[0].sslConfig.tls=OFF";
    struct tm_overrides overrides = {&override, size % 2};
    if (size > 1 << 16 || size == 0)
        return 0;
    if (size > 4 && memcmp(data, "ENC(", 4) == 0)
        open_sealed(data, size);
    else if (data[0] != '{')
        constellation(data, size);
    else if (tm_config_parse(&config, bytes_of(data, size), &overrides, &detail) == 0)
        tm_config_release(&config);
    return 0;
}
