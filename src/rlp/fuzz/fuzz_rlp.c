/* Any bytes: the validator and a walk with the reader must say the same, what is accepted must be
 * what the writer writes, and typed reads must accept only what their writers write. */
#include "base/fuzz/fuzz.h"
#include "rlp/rlp.h"

/* Whether `b` has just what the reader passed over since `begin`. */
static void require_same(const struct rlp_reader *r, const uint8_t *begin, struct buf *b)
{
    if (rlp_ok(r))
        require(bytes_equal(buf_bytes(b), bytes_of(begin, (size_t)(r->at - begin))));
    buf_clear(b);
}

static void try_typed_reads(const struct rlp_reader *r)
{
    struct buf b = BUF_INIT;
    struct rlp_reader try = *r;
    rlp_write_u64(&b, rlp_read_u64(&try, NULL));
    require_same(&try, r->at, &b);

    try = *r;
    struct u256 value = rlp_read_u256(&try, NULL);
    rlp_write_u256(&b, &value);
    require_same(&try, r->at, &b);

    try = *r;
    rlp_write_bool(&b, rlp_read_bool(&try, NULL));
    require_same(&try, r->at, &b);

    try = *r;
    struct hash256 hash = rlp_read_hash(&try, NULL);
    rlp_write_hash(&b, &hash);
    require_same(&try, r->at, &b);

    try = *r;
    struct address address;
    bool there = rlp_read_optional_address(&try, &address, NULL);
    rlp_write_optional_address(&b, there ? &address : NULL);
    require_same(&try, r->at, &b);
    buf_release(&b);
}

static void copy_item(struct rlp_reader *r, struct buf *b)
{
    if (rlp_peek(r) != RLP_LIST) {
        try_typed_reads(r);
        rlp_write_bytes(b, rlp_read_bytes(r, NULL));
        return;
    }
    struct rlp_reader counter = *r;
    rlp_enter(&counter, NULL);
    size_t expected = rlp_count(&counter, 0, NULL), count = 0;
    size_t list = rlp_begin(b);
    rlp_enter(r, NULL);
    for (; rlp_more(r); count++)
        copy_item(r, b);
    rlp_leave(r, NULL);
    rlp_end_list(b, list);
    require(!rlp_ok(r) || count == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct buf copy = BUF_INIT;
    struct rlp_reader r;
    rlp_reader_init(&r, input);
    copy_item(&r, &copy);
    struct err_detail detail;
    int status = rlp_finish(&r, &detail, "input");
    require(rlp_validate(input) == r.status);
    require((status == ERR_OK) == (r.status == RLP_OK));
    require(buf_status(&copy) == ERR_OK);
    require(status != ERR_OK || bytes_equal(buf_bytes(&copy), input));
    buf_release(&copy);
    return 0;
}
