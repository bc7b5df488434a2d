#include "node/config/ranges.h"

#include "base/hex.h"
#include "base/mem.h"

#include <stdio.h>

static bool in_range(const struct node_range *range, const struct io_address *address)
{
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (range->first.ip_len != address->ip_len || memcmp(range->first.ip, address->ip, whole) != 0)
        return false;
    return rest == 0 || (range->first.ip[whole] ^ address->ip[whole]) >> (8 - rest) == 0;
}

bool node_ranges_have(const struct node_ranges *ranges, const struct io_address *address)
{
    for (size_t i = 0; i < ranges->count; i++)
        if (in_range(&ranges->list[i], address))
            return true;
    return ranges->count == 0;
}

static int add(struct node_ranges *ranges, const struct node_range *range,
               struct err_detail *detail)
{
    struct node_range *more = mem_realloc(ranges->list, (ranges->count + 1) * sizeof(*more));
    if (!more)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    ranges->list = more;
    more[ranges->count++] = *range;
    return ERR_OK;
}

int node_ranges_parse(struct node_ranges *ranges, const char *list, struct err_detail *detail)
{
    int status = ERR_OK;
    *ranges = (struct node_ranges){NULL, 0};
    while (*list && status == ERR_OK) {
        char text[64], ip[64];
        uint64_t bits = 0;
        struct node_range range;
        size_t len = strcspn(list, ",");
        snprintf(text, sizeof(text), "%.*s", (int)(len < 63 ? len : 63), list);
        list += len + (list[len] == ',');
        size_t before = strcspn(text, "/");
        snprintf(ip, sizeof(ip), "%.*s", (int)before, text);
        if (!text[before] || !io_address_parse_ip(&range.first, ip) ||
            !hex_u64(text + before + 1, &bits) || bits > 8 * range.first.ip_len)
            return err_set(detail, ERR_USAGE, "invalid CIDR address: %s", text);
        range.bits = (unsigned)bits;
        status = add(ranges, &range, detail);
    }
    return status;
}

void node_ranges_release(struct node_ranges *ranges)
{
    mem_free(ranges->list);
    *ranges = (struct node_ranges){NULL, 0};
}
