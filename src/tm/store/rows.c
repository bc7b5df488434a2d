/* Rows of answers, copied into their request. */
#include "tm/store/request.h"

/* The next place in an array of the answer. Arrays grow by doubling within the arena: what is left behind is at most as
 * much again. */
static void *place(struct tm_store_request *r, const void *array, size_t size)
{
    if (r->answer.count == r->room) {
        size_t room = r->room ? 2 * r->room : 8;
        void *longer = arena_alloc_zeroed(&r->arena, room, size);
        if (!longer)
            return NULL;
        if (r->answer.count)
            memcpy(longer, array, r->answer.count * size);
        r->room = room;
        return longer;
    }
    return (void *)(uintptr_t)array;
}

static bool copy(struct tm_store_request *r, struct bytes *ret, struct bytes data)
{
    *ret = arena_copy(&r->arena, data);
    r->bytes += data.len;
    return ret->data || data.len == 0;
}

int tm_store_add_payload(struct tm_store_request *r, const struct tm_store_payload *row)
{
    struct tm_store_payload *rows = place(r, r->answer.payloads, sizeof(*rows));
    struct tm_store_payload new = *row;
    if (!rows || !copy(r, &new.hash, row->hash) || !copy(r, &new.data, row->data))
        return ERR_NOMEM;
    r->answer.payloads = rows;
    rows[r->answer.count++] = new;
    return 0;
}

int tm_store_add_raw(struct tm_store_request *r, const struct tm_store_raw *row)
{
    struct tm_store_raw *rows = place(r, r->answer.raws, sizeof(*rows));
    struct tm_store_raw new = *row;
    if (!rows || !copy(r, &new.hash, row->hash) || !copy(r, &new.cipher_text, row->cipher_text) ||
        !copy(r, &new.encrypted_key, row->encrypted_key) || !copy(r, &new.nonce, row->nonce) ||
        !copy(r, &new.sender, row->sender))
        return ERR_NOMEM;
    r->answer.raws = rows;
    rows[r->answer.count++] = new;
    return 0;
}

int tm_store_add_group(struct tm_store_request *r, const struct tm_store_group *row)
{
    struct tm_store_group *rows = place(r, r->answer.groups, sizeof(*rows));
    struct tm_store_group new = *row;
    if (!rows || !copy(r, &new.id, row->id) || !copy(r, &new.lookup_id, row->lookup_id) ||
        !copy(r, &new.data, row->data))
        return ERR_NOMEM;
    r->answer.groups = rows;
    rows[r->answer.count++] = new;
    return 0;
}

int tm_store_add_staged(struct tm_store_request *r, const struct tm_store_staged *row)
{
    struct tm_store_staged *rows = place(r, r->answer.staged, sizeof(*rows));
    struct tm_store_staged new = *row;
    if (!rows || !copy(r, &new.hash, row->hash) || !copy(r, &new.data, row->data))
        return ERR_NOMEM;
    r->answer.staged = rows;
    rows[r->answer.count++] = new;
    return 0;
}

int tm_store_add_delivery(struct tm_store_request *r, const struct tm_store_delivery *row)
{
    struct tm_store_delivery *rows = place(r, r->answer.deliveries, sizeof(*rows));
    struct tm_store_delivery new = *row;
    if (!rows || !copy(r, &new.hash, row->hash) || !copy(r, &new.recipient, row->recipient))
        return ERR_NOMEM;
    r->answer.deliveries = rows;
    rows[r->answer.count++] = new;
    return 0;
}

void tm_store_request_reset(struct tm_store_request *r)
{
    r->answer = (struct tm_store_answer){.message = ""};
    r->room = r->bytes = 0;
}
