#include "consensus/istanbul/extra.h"

#include "rlp/rlp.h"

#include <stdlib.h>

enum { VALIDATOR_ITEM = 21 }; /* an address in RLP: 0x94 and its bytes */

/* A list of addresses, kept as it lies. */
static struct bytes read_validators(struct rlp_reader *r, size_t *ret_count)
{
    struct rlp_reader list = *r;
    struct bytes content = rlp_read_list(r, "validators");
    rlp_enter(&list, "validators");
    size_t count = 0;
    for (; rlp_more(&list); count++)
        (void)rlp_read_address(&list, "validator");
    rlp_leave(&list, "validators");
    if (!rlp_ok(&list))
        rlp_fail(r, list.status, "validators");
    *ret_count = count;
    return content;
}

/* A list of strings, kept as it lies. */
static struct bytes read_seals(struct rlp_reader *r, size_t *ret_count)
{
    struct rlp_reader list = *r;
    struct bytes content = rlp_read_list(r, "seals");
    rlp_enter(&list, "seals");
    size_t count = 0;
    for (; rlp_more(&list); count++)
        (void)rlp_read_bytes(&list, "seal");
    rlp_leave(&list, "seals");
    if (!rlp_ok(&list))
        rlp_fail(r, list.status, "seals");
    *ret_count = count;
    return content;
}

static void read_ibft(struct istanbul_extra *extra, struct rlp_reader *r)
{
    rlp_enter(r, "extra data");
    extra->validators = read_validators(r, &extra->validator_count);
    extra->seal = rlp_read_bytes(r, "seal");
    extra->seals = read_seals(r, &extra->seal_count);
    rlp_leave(r, "extra data");
}

static void read_vote(struct istanbul_extra *extra, struct rlp_reader *r)
{
    rlp_enter(r, "vote");
    extra->has_vote = rlp_more(r);
    if (extra->has_vote) {
        extra->candidate = rlp_read_address(r, "candidate");
        uint64_t vote = rlp_read_u64(r, "vote");
        if (vote > UINT8_MAX)
            rlp_fail(r, RLP_OVERFLOW, "vote");
        extra->vote = (uint8_t)vote;
    }
    rlp_leave(r, "vote");
}

static void read_qbft(struct istanbul_extra *extra, struct rlp_reader *r)
{
    rlp_enter(r, "extra data");
    extra->vanity = rlp_read_bytes(r, "vanity");
    extra->validators = read_validators(r, &extra->validator_count);
    read_vote(extra, r);
    uint64_t round = rlp_read_u64(r, "round");
    if (round > UINT32_MAX)
        rlp_fail(r, RLP_OVERFLOW, "round");
    extra->round = (uint32_t)round;
    extra->seals = read_seals(r, &extra->seal_count);
    rlp_leave(r, "extra data");
}

bool istanbul_extra_decode(struct istanbul_extra *ret_extra, enum istanbul_engine form,
                           struct bytes data)
{
    struct istanbul_extra extra = {.form = form};
    if (form == ISTANBUL_IBFT) {
        if (data.len < ISTANBUL_VANITY_SIZE)
            return false;
        extra.vanity = bytes_slice(data, 0, ISTANBUL_VANITY_SIZE);
        data = bytes_slice(data, ISTANBUL_VANITY_SIZE, data.len - ISTANBUL_VANITY_SIZE);
    }
    struct rlp_reader r;
    rlp_reader_init(&r, data);
    if (form == ISTANBUL_IBFT)
        read_ibft(&extra, &r);
    else
        read_qbft(&extra, &r);
    if (rlp_finish(&r, NULL, "extra data") != ERR_OK)
        return false;
    *ret_extra = extra;
    return true;
}

static void write_list(struct buf *b, struct bytes content)
{
    size_t list = rlp_begin(b);
    rlp_write_raw(b, content);
    rlp_end_list(b, list);
}

void istanbul_extra_write(struct buf *b, const struct istanbul_extra *extra)
{
    if (extra->form == ISTANBUL_IBFT)
        buf_append_bytes(b, extra->vanity);
    size_t list = rlp_begin(b);
    if (extra->form == ISTANBUL_QBFT)
        rlp_write_bytes(b, extra->vanity);
    write_list(b, extra->validators);
    if (extra->form == ISTANBUL_IBFT) {
        rlp_write_bytes(b, extra->seal);
    } else {
        size_t vote = rlp_begin(b);
        if (extra->has_vote) {
            rlp_write_address(b, &extra->candidate);
            rlp_write_u64(b, extra->vote);
        }
        rlp_end_list(b, vote);
        rlp_write_u64(b, extra->round);
    }
    write_list(b, extra->seals);
    rlp_end_list(b, list);
}

struct address istanbul_extra_validator(const struct istanbul_extra *extra, size_t i)
{
    struct address address;
    struct bytes item = bytes_slice(extra->validators, i * VALIDATOR_ITEM, VALIDATOR_ITEM);
    memcpy(address.b, item.data + 1, sizeof(address.b));
    return address;
}

bool istanbul_extra_next_seal(struct bytes *rest, struct bytes *ret_seal)
{
    if (rest->len == 0)
        return false;
    struct rlp_reader r;
    rlp_reader_init(&r, *rest);
    *ret_seal = rlp_read_bytes(&r, "seal");
    *rest = bytes_of(r.at, rlp_left(&r));
    return rlp_ok(&r);
}

static int compare_addresses(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct address));
}

/* The content of the list, ascending; marks `b` when out of memory. */
static void append_validators(struct buf *b, const struct address *validators, size_t count)
{
    uint8_t *items = buf_extend(b, count * VALIDATOR_ITEM);
    if (!items)
        return;
    for (size_t i = 0; i < count; i++) {
        items[i * VALIDATOR_ITEM] = 0x80 + sizeof(struct address);
        memcpy(items + i * VALIDATOR_ITEM + 1, validators[i].b, sizeof(struct address));
    }
    qsort(items, count, VALIDATOR_ITEM, compare_addresses);
}

void istanbul_extra_prepare(struct buf *b, enum istanbul_engine form, struct bytes vanity,
                            const struct address *validators, size_t validator_count,
                            const struct address *candidate, bool authorize)
{
    uint8_t padded[ISTANBUL_VANITY_SIZE] = {0};
    if (vanity.len)
        memcpy(padded, vanity.data, vanity.len < sizeof(padded) ? vanity.len : sizeof(padded));
    struct buf list = BUF_INIT;
    if (validator_count)
        append_validators(&list, validators, validator_count);
    struct istanbul_extra extra = {
        .form = form,
        .vanity = bytes_of(padded, sizeof(padded)),
        .validators = buf_bytes(&list),
        .validator_count = validator_count,
    };
    if (candidate) {
        extra.has_vote = true;
        extra.candidate = *candidate;
        extra.vote = authorize ? 0xff : 0;
    }
    istanbul_extra_write(b, &extra);
    if (buf_status(&list) != ERR_OK)
        b->status = buf_status(&list);
    buf_release(&list);
}

int istanbul_extra_put_seal(struct buf *b, struct bytes extra, const struct istanbul_seal *seal)
{
    struct istanbul_extra decoded;
    if (!istanbul_extra_decode(&decoded, ISTANBUL_IBFT, extra))
        return ERR_INPUT;
    decoded.seal = bytes_of(seal->b, sizeof(seal->b));
    istanbul_extra_write(b, &decoded);
    return buf_status(b);
}

int istanbul_extra_put_commits(struct buf *b, enum istanbul_engine form, struct bytes extra,
                               uint32_t round, const struct istanbul_seal *seals, size_t seal_count)
{
    struct istanbul_extra decoded;
    if (!istanbul_extra_decode(&decoded, form, extra))
        return ERR_INPUT;
    struct buf list = BUF_INIT;
    for (size_t i = 0; i < seal_count; i++)
        rlp_write_bytes(&list, bytes_of(seals[i].b, sizeof(seals[i].b)));
    int status = buf_status(&list);
    if (status == ERR_OK) {
        decoded.round = round;
        decoded.seals = buf_bytes(&list);
        decoded.seal_count = seal_count;
        istanbul_extra_write(b, &decoded);
        status = buf_status(b);
    }
    buf_release(&list);
    return status;
}
