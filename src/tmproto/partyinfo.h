/*
 * What managers tell each other about who is where (Constellation and Tessera, the same bytes):
 *
 *   F(own URL), count, then F(key) F(URL) of each, A(URLs of parties)       F and A as in payload.h
 */
#ifndef TMPROTO_PARTYINFO_H
#define TMPROTO_PARTYINFO_H

#include "tmproto/payload.h"

enum {
    /* A network of 1,000 members with ten keys each takes about 1 MB. */
    TMPROTO_PARTYINFO_MAX = 4 << 20,
    TMPROTO_URL_MAX = 2048, /* bytes of one URL */
};

struct tmproto_party_key {
    struct bytes key;
    struct bytes url;
};

/* All spans borrow. */
struct tmproto_partyinfo {
    struct bytes url;
    const struct tmproto_party_key *keys;
    size_t key_count;
    struct tmproto_list parties;
};

/* Spans borrow `data` and `arena`. URLs are any bytes without control characters; whoever dials them checks more.
 * Bytes behind the end are ignored. ERR_INPUT with what is wrong in `detail`, ERR_LIMIT, ERR_NOMEM. */
int tmproto_partyinfo_decode(struct tmproto_partyinfo *ret_info, struct arena *arena,
                             struct bytes data, struct err_detail *detail) BASE_NODISCARD;
/* Appends the encoding. Fails as `b` does: buf_status. */
void tmproto_partyinfo_encode(struct buf *b, const struct tmproto_partyinfo *info);

#endif
