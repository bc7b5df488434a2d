/* A cursor over F(x) and A(x…) (payload.h). The first short or impossible read poisons it: later reads give nothing, and
 * whoever reads checks once at the end. Not for other libraries. */
#ifndef TMPROTO_READER_H
#define TMPROTO_READER_H

#include "tmproto/payload.h"

struct tmproto_reader {
    struct bytes left;
    struct arena *arena;
    int status;       /* 0, ERR_INPUT, ERR_LIMIT, ERR_NOMEM */
    const char *what; /* the field at which it failed */
};

void tmproto_reader_init(struct tmproto_reader *r, struct arena *arena, struct bytes data);
/* A count of things that take at least `least` bytes each: 1 for plain bytes, more for entries of a list, which are at
 * most TMPROTO_LIST_MAX. */
uint64_t tmproto_read_count(struct tmproto_reader *r, size_t least, const char *what);
struct bytes tmproto_read_field(struct tmproto_reader *r, const char *what);
struct tmproto_list tmproto_read_array(struct tmproto_reader *r, const char *what);
void *tmproto_read_room(struct tmproto_reader *r, size_t count, size_t size);
int tmproto_reader_end(const struct tmproto_reader *r, struct err_detail *detail);

static inline bool tmproto_reader_more(const struct tmproto_reader *r)
{
    return r->status == 0 && r->left.len > 0;
}

void tmproto_write_count(struct buf *b, uint64_t count);
void tmproto_write_field(struct buf *b, struct bytes field);
void tmproto_write_array(struct buf *b, struct tmproto_list list);

/* cbor.c */
int tmproto_cbor_decode(struct tmproto_payload *ret_payload, struct arena *arena, struct bytes data,
                        struct err_detail *detail);
void tmproto_cbor_encode(struct buf *b, const struct tmproto_payload *payload);

#endif
