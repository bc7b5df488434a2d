#include "tmproto/reader.h"

void tmproto_reader_init(struct tmproto_reader *r, struct arena *arena, struct bytes data)
{
    *r = (struct tmproto_reader){.left = data, .arena = arena};
}

static void poison(struct tmproto_reader *r, int status, const char *what)
{
    if (r->status == 0) {
        r->status = status;
        r->what = what;
    }
    r->left = bytes_none();
}

static uint64_t read_u64(struct tmproto_reader *r, const char *what)
{
    uint64_t value;
    if (r->left.len < sizeof(value)) {
        poison(r, ERR_INPUT, what);
        return 0;
    }
    memcpy(&value, r->left.data, sizeof(value));
    r->left = bytes_slice(r->left, sizeof(value), r->left.len - sizeof(value));
    return __builtin_bswap64(value);
}

uint64_t tmproto_read_count(struct tmproto_reader *r, size_t least, const char *what)
{
    uint64_t count = read_u64(r, what);
    if (count > r->left.len / least) {
        poison(r, ERR_INPUT, what);
        return 0;
    }
    if (least > 1 && count > TMPROTO_LIST_MAX) {
        poison(r, ERR_LIMIT, what);
        return 0;
    }
    return count;
}

struct bytes tmproto_read_field(struct tmproto_reader *r, const char *what)
{
    uint64_t len = tmproto_read_count(r, 1, what);
    struct bytes field = bytes_slice(r->left, 0, len);
    r->left = bytes_slice(r->left, len, r->left.len - len);
    return field;
}

void *tmproto_read_room(struct tmproto_reader *r, size_t count, size_t size)
{
    void *room = r->status == 0 ? arena_alloc(r->arena, count * size) : NULL;
    if (!room)
        poison(r, ERR_NOMEM, "memory");
    return room;
}

struct tmproto_list tmproto_read_array(struct tmproto_reader *r, const char *what)
{
    uint64_t count = tmproto_read_count(r, sizeof(uint64_t), what);
    struct bytes *items = count ? tmproto_read_room(r, count, sizeof(*items)) : NULL;
    if (!items)
        return (struct tmproto_list){NULL, 0};
    for (uint64_t i = 0; i < count; i++)
        items[i] = tmproto_read_field(r, what);
    return (struct tmproto_list){items, count};
}

int tmproto_reader_end(const struct tmproto_reader *r, struct err_detail *detail)
{
    if (r->status == ERR_INPUT)
        return err_set(detail, ERR_INPUT, "%s: the length does not fit the bytes that are there",
                       r->what);
    if (r->status == ERR_LIMIT)
        return err_set(detail, ERR_LIMIT, "%s: more than %d entries", r->what, TMPROTO_LIST_MAX);
    return r->status == 0 ? 0 : err_set(detail, r->status, "%s", err_text(r->status));
}

void tmproto_write_count(struct buf *b, uint64_t count)
{
    count = __builtin_bswap64(count);
    buf_append(b, &count, sizeof(count));
}

void tmproto_write_field(struct buf *b, struct bytes field)
{
    tmproto_write_count(b, field.len);
    buf_append_bytes(b, field);
}

void tmproto_write_array(struct buf *b, struct tmproto_list list)
{
    tmproto_write_count(b, list.count);
    for (size_t i = 0; i < list.count; i++)
        tmproto_write_field(b, list.items[i]);
}
