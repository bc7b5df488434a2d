#include "tmproto/partyinfo.h"

#include "tmproto/reader.h"

static bool is_url(struct bytes url)
{
    for (size_t i = 0; i < url.len; i++)
        if (url.data[i] < 0x20 || url.data[i] == 0x7f)
            return false;
    return url.len <= TMPROTO_URL_MAX;
}

static int check_urls(const struct tmproto_partyinfo *info, struct err_detail *detail)
{
    bool good = is_url(info->url);
    for (size_t i = 0; i < info->key_count && good; i++)
        good = is_url(info->keys[i].url);
    for (size_t i = 0; i < info->parties.count && good; i++)
        good = is_url(info->parties.items[i]);
    return good ? 0
                : err_set(detail, ERR_INPUT,
                          "party info: a URL with control characters, or of more than %d bytes",
                          TMPROTO_URL_MAX);
}

int tmproto_partyinfo_decode(struct tmproto_partyinfo *ret_info, struct arena *arena,
                             struct bytes data, struct err_detail *detail)
{
    struct tmproto_reader r;
    struct tmproto_partyinfo info = {0};
    if (data.len > TMPROTO_PARTYINFO_MAX)
        return err_set(detail, ERR_LIMIT, "party info of %zu bytes; at most %d are taken", data.len,
                       TMPROTO_PARTYINFO_MAX);
    tmproto_reader_init(&r, arena, data);
    info.url = tmproto_read_field(&r, "url");
    uint64_t count = tmproto_read_count(&r, 2 * sizeof(uint64_t), "recipients");
    struct tmproto_party_key *keys = count ? tmproto_read_room(&r, count, sizeof(*keys)) : NULL;
    for (uint64_t i = 0; keys && i < count; i++) {
        keys[i].key = tmproto_read_field(&r, "recipients");
        keys[i].url = tmproto_read_field(&r, "recipients");
    }
    info.keys = keys;
    info.key_count = keys ? count : 0;
    info.parties = tmproto_read_array(&r, "parties");
    int status = tmproto_reader_end(&r, detail);
    if (status == 0)
        status = check_urls(&info, detail);
    if (status == 0)
        *ret_info = info;
    return status;
}

void tmproto_partyinfo_encode(struct buf *b, const struct tmproto_partyinfo *info)
{
    tmproto_write_field(b, info->url);
    tmproto_write_count(b, info->key_count);
    for (size_t i = 0; i < info->key_count; i++) {
        tmproto_write_field(b, info->keys[i].key);
        tmproto_write_field(b, info->keys[i].url);
    }
    tmproto_write_array(b, info->parties);
}
