/* Logs of many blocks: which blocks may have some, by their blooms, then their receipts. */
#include "chain/private/priv.h"

#include <inttypes.h>

enum {
    /* Blocks of a section that must be wanted for it to be made: fewer are looked at one by one. */
    SECTION_LEAST = 512,
};

struct search {
    struct chain_reader *reader;
    const struct chain_log_filter *filter;
    struct chain_bloom_query query;
    struct arena arena; /* of one block */
    bool has_private;
    uint64_t
        next_private; /* the next block with receipts that only this node has; UINT64_MAX: none */
    int (*found)(void *context, const struct chain_log *log);
    void *context;
};

/* --- One block --- */

static bool log_fits(const struct eth_log *log, const struct chain_log_filter *filter)
{
    bool any = filter->address_count == 0;
    for (size_t i = 0; i < filter->address_count && !any; i++)
        any = address_equal(&log->address, &filter->addresses[i]);
    if (log->topic_count < filter->topic_count)
        return false;
    for (size_t t = 0; t < filter->topic_count && any; t++) {
        any = filter->topics[t].count == 0;
        for (size_t i = 0; i < filter->topics[t].count && !any; i++)
            any = hash256_equal(&log->topics[t], &filter->topics[t].topics[i]);
    }
    return any;
}

static int tell_log(struct search *s, struct chain_log *log, struct chain_block **block,
                    size_t index)
{
    /* Only when a log fits: for the transactions' hashes. */
    int err = *block ? 0 : chain_reader_block(s->reader, block, log->number);
    if (err)
        return err;
    if (index >= (*block)->body->body.transaction_count)
        return err_set(&s->reader->detail, ERR_CORRUPT,
                       "stored block %" PRIu64 ": there are more receipts than transactions",
                       log->number);
    log->block_hash = (*block)->hash;
    log->transaction_hash = (*block)->body->hashes[index];
    log->transaction_index = (uint32_t)index;
    return s->found(s->context, log);
}

static int block_logs(struct search *s, uint64_t number, const struct chain_private_receipts *own)
{
    struct eth_receipt *receipts;
    size_t count;
    struct chain_block *block = NULL;
    struct chain_log log = {.number = number};
    int err = chain_reader_plain_receipts(s->reader, &receipts, &count, &s->arena, number);
    if (err)
        return err;
    for (size_t i = 0; i < own->count; i++) /* what everybody sees of these has no logs */
        if (own->list[i].index < count)
            receipts[own->list[i].index] = own->list[i].receipt;
    for (size_t i = 0; i < count && !err; i++)
        for (size_t k = 0; k < receipts[i].log_count && !err; k++, log.index++) {
            log.log = &receipts[i].logs[k];
            if (log_fits(log.log, s->filter))
                err = tell_log(s, &log, &block, i);
        }
    chain_block_unref(block);
    return err;
}

/* The block from `number` on that has private receipts. */
static int seek_private(struct search *s, uint64_t number)
{
    struct store_cursor *cursor;
    struct bytes key;
    int err = store_cursor_new(&cursor, s->reader->txn, CHAIN_PRIVATE);
    if (err)
        return err;
    err = store_cursor_seek(cursor, &key, NULL, bytes_of(&number, sizeof(number)));
    s->next_private = err ? UINT64_MAX : store_id_of_key(key);
    store_cursor_free(cursor);
    return err == ERR_NOTFOUND ? 0 : err;
}

/* By its blooms, then itself. ERR_NOTFOUND: past the head. */
static int look_at(struct search *s, uint64_t number)
{
    struct bytes record;
    struct eth_bloom bloom;
    struct chain_private_receipts own = {.count = 0};
    int err = store_get_id(s->reader->txn, &record, CHAIN_HEADERS, number);
    if (err)
        return err;
    arena_clear(&s->arena);
    err = chain_header_bloom(s->reader, &bloom, record, number);
    if (!err && s->has_private && number > s->next_private)
        err = seek_private(s, number);
    if (!err && s->has_private && number == s->next_private)
        err = chain_reader_private_receipts(s->reader, &own, &s->arena, s->filter->psi, number);
    if (!err && (chain_bloom_fits(&bloom, &s->query) ||
                 (own.count && chain_bloom_fits(&own.bloom, &s->query))))
        err = block_logs(s, number, &own);
    return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
}

/* --- Many --- */

static int add_private(struct search *s, uint64_t blocks[CHAIN_SECTION_WORDS], uint64_t first)
{
    int err = s->has_private ? seek_private(s, first) : 0;
    while (!err && s->has_private && s->next_private < first + CHAIN_SECTION) {
        uint64_t at = s->next_private - first;
        blocks[at / 64] |= (uint64_t)1 << at % 64;
        err = seek_private(s, s->next_private + 1);
    }
    return err ? err : s->has_private ? seek_private(s, first) : 0;
}

/* Blocks from … to, all of one section. ERR_NOTFOUND: it is not complete. */
static int search_section(struct search *s, uint64_t from, uint64_t to)
{
    uint64_t blocks[CHAIN_SECTION_WORDS], number = from / CHAIN_SECTION;
    uint64_t first = number * CHAIN_SECTION;
    int err = chain_section_match(s->reader, blocks, number, &s->query);
    if (!err)
        err = add_private(s, blocks, first);
    for (size_t w = 0; w < CHAIN_SECTION_WORDS && !err; w++)
        for (uint64_t left = blocks[w]; left && !err; left &= left - 1) {
            uint64_t at = first + 64 * w + (uint64_t)__builtin_ctzll(left);
            if (at >= from && at <= to)
                err = look_at(s, at);
        }
    return err;
}

static int search_blocks(struct search *s, uint64_t from, uint64_t to)
{
    int err = 0;
    for (uint64_t number = from; !err; number++) {
        err = look_at(s, number);
        if (number == to)
            break;
    }
    return err;
}

static int search(struct search *s)
{
    uint64_t number = s->filter->from, to = s->filter->to;
    int err = 0;
    while (number <= to && !err) {
        uint64_t last = number | (CHAIN_SECTION - 1);
        uint64_t until = last < to ? last : to;
        err = until - number + 1 >= SECTION_LEAST ? search_section(s, number, until) : ERR_NOTFOUND;
        if (err == ERR_NOTFOUND)
            err = search_blocks(s, number, until);
        if (until == UINT64_MAX)
            break;
        number = until + 1;
    }
    return err == ERR_NOTFOUND ? 0 : err; /* past the head */
}

/* --- What is looked for --- */

static int add_set(struct search *s, struct arena *arena, const void *values, size_t size,
                   size_t count)
{
    struct eth_bloom_bits *bits = arena_alloc(arena, (count + 1) * sizeof(*bits));
    if (!bits)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        bits[i] = eth_bloom_bits_of(bytes_of((const uint8_t *)values + i * size, size));
    s->query.sets[s->query.set_count].values = bits;
    s->query.sets[s->query.set_count++].count = count;
    return 0;
}

int chain_reader_logs(struct chain_reader *reader, const struct chain_log_filter *filter,
                      int (*found)(void *context, const struct chain_log *log), void *context)
{
    struct search s = {.reader = reader,
                       .filter = filter,
                       .has_private = reader->chain->payloads != NULL,
                       .found = found,
                       .context = context};
    struct arena arena;
    arena_init(&arena);
    arena_init(&s.arena);
    int err = add_set(&s, &arena, filter->addresses, sizeof(struct address), filter->address_count);
    for (size_t t = 0; t < filter->topic_count && !err; t++)
        err = add_set(&s, &arena, filter->topics[t].topics, sizeof(struct hash256),
                      filter->topics[t].count);
    if (!err)
        err = search(&s);
    arena_release(&s.arena);
    arena_release(&arena);
    return err;
}
