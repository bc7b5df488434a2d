#include "base/mem.h"
#include "chain/chain_priv.h"

#include <inttypes.h>

void chain_sections_init(struct chain_sections *sections)
{
    pthread_mutex_init(&sections->lock, NULL);
}

void chain_sections_release(struct chain_sections *sections)
{
    for (size_t i = 0; i < CHAIN_SECTIONS_KEPT; i++)
        mem_free(sections->list[i].rows);
    pthread_mutex_destroy(&sections->lock);
}

int chain_header_bloom(struct chain_reader *reader, struct eth_bloom *ret_bloom,
                       struct bytes record, uint64_t number)
{
    enum { BEFORE = 6 }; /* parent, uncles, beneficiary, three roots */
    struct rlp_reader r;
    struct bytes bloom = bytes_none();
    if (record.len > CHAIN_HEADER_PREFIX) {
        rlp_reader_init(&r,
                        bytes_slice(record, CHAIN_HEADER_PREFIX, record.len - CHAIN_HEADER_PREFIX));
        rlp_enter(&r, "header");
        for (int i = 0; i < BEFORE; i++)
            rlp_skip(&r, "header");
        bloom = rlp_read_bytes(&r, "bloom");
    }
    if (bloom.len != sizeof(ret_bloom->b))
        return err_set(&reader->detail, ERR_CORRUPT,
                       "stored block %" PRIu64
                       ": the header has no bloom; restore the data directory from a copy, or "
                       "remove it and import or synchronize again",
                       number);
    memcpy(ret_bloom->b, bloom.data, sizeof(ret_bloom->b));
    return 0;
}

bool chain_bloom_fits(const struct eth_bloom *bloom, const struct chain_bloom_query *query)
{
    for (size_t s = 0; s < query->set_count; s++) {
        bool any = query->sets[s].count == 0;
        for (size_t i = 0; i < query->sets[s].count && !any; i++)
            any = eth_bloom_has(bloom, &query->sets[s].values[i]);
        if (!any)
            return false;
    }
    return true;
}

/* --- Making a section --- */

/* Puts a block's bloom into the column `at`. */
static void turn(struct chain_section *section, const struct eth_bloom *bloom, size_t at)
{
    for (size_t i = 0; i < sizeof(bloom->b) / 8; i++) {
        uint64_t word;
        memcpy(&word, bloom->b + 8 * i, sizeof(word));
        size_t row = CHAIN_BLOOM_ROWS - 64 * (i + 1);
        for (word = __builtin_bswap64(word); word; word &= word - 1)
            section->rows[row + (size_t)__builtin_ctzll(word)][at / 64] |= (uint64_t)1 << at % 64;
    }
}

static int fill(struct chain_reader *reader, struct chain_section *section)
{
    struct store_cursor *cursor;
    struct bytes key, record;
    struct eth_bloom bloom;
    uint64_t first = section->number * CHAIN_SECTION;
    memset(section->rows, 0, CHAIN_BLOOM_ROWS * sizeof(*section->rows));
    int err = store_cursor_new(&cursor, reader->txn, CHAIN_HEADERS);
    if (err)
        return err;
    err = store_cursor_seek(cursor, &key, &record, bytes_of(&first, sizeof(first)));
    for (size_t i = 0; i < CHAIN_SECTION && !err; i++) {
        if (store_id_of_key(key) != first + i)
            err = err_set(&reader->detail, ERR_CORRUPT, "stored block %" PRIu64 " is missing",
                          first + i);
        else
            err = chain_header_bloom(reader, &bloom, record, first + i);
        if (err)
            break;
        turn(section, &bloom, i);
        if (i + 1 < CHAIN_SECTION)
            err = store_cursor_next(cursor, &key, &record);
    }
    store_cursor_free(cursor);
    return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
}

/* The section's place, or that of the one that was used longest ago. */
static struct chain_section *place_of(struct chain_sections *sections, uint64_t number)
{
    struct chain_section *place = &sections->list[0];
    for (size_t i = 0; i < CHAIN_SECTIONS_KEPT; i++) {
        struct chain_section *at = &sections->list[i];
        if (at->rows && at->number == number)
            return at;
        if (at->last_use < place->last_use)
            place = at;
    }
    return place;
}

/* Under the lock. */
static int find_section(struct chain_reader *reader, struct chain_section **ret_section,
                        uint64_t number, const struct hash256 *last)
{
    struct chain_sections *sections = &reader->chain->sections;
    struct chain_section *section = place_of(sections, number);
    section->last_use = ++sections->uses;
    *ret_section = section;
    if (section->rows && section->number == number && hash256_equal(&section->last, last))
        return 0;
    if (!section->rows)
        section->rows = mem_alloc(CHAIN_BLOOM_ROWS * sizeof(*section->rows));
    if (!section->rows)
        return ERR_NOMEM;
    section->number = number;
    section->last = *last;
    int err = fill(reader, section);
    if (err) { /* nothing of it is used */
        mem_free(section->rows);
        section->rows = NULL;
        section->last_use = 0;
    }
    return err;
}

/* --- Looking into it --- */

static void match(const struct chain_section *section, uint64_t blocks[CHAIN_SECTION_WORDS],
                  const struct chain_bloom_query *query)
{
    memset(blocks, 0xff, CHAIN_SECTION_WORDS * sizeof(*blocks));
    for (size_t s = 0; s < query->set_count; s++) {
        uint64_t any[CHAIN_SECTION_WORDS] = {0};
        if (query->sets[s].count == 0)
            continue;
        for (size_t i = 0; i < query->sets[s].count; i++) {
            const uint16_t *bits = query->sets[s].values[i].bits;
            for (size_t w = 0; w < CHAIN_SECTION_WORDS; w++)
                any[w] |= section->rows[bits[0]][w] & section->rows[bits[1]][w] &
                          section->rows[bits[2]][w];
        }
        for (size_t w = 0; w < CHAIN_SECTION_WORDS; w++)
            blocks[w] &= any[w];
    }
}

int chain_section_match(struct chain_reader *reader, uint64_t ret_blocks[CHAIN_SECTION_WORDS],
                        uint64_t number, const struct chain_bloom_query *query)
{
    struct chain_sections *sections = &reader->chain->sections;
    struct chain_section *section;
    struct hash256 last;
    int err = chain_reader_hash(reader, &last, number * CHAIN_SECTION + CHAIN_SECTION - 1);
    if (err)
        return err;
    pthread_mutex_lock(&sections->lock);
    err = find_section(reader, &section, number, &last);
    if (!err)
        match(section, ret_blocks, query);
    pthread_mutex_unlock(&sections->lock);
    return err;
}
