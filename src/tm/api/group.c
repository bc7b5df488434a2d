/*
 * Privacy groups (spec 3.5). A group's encoding: F(name) F(description) A(members) F(seed) F(type) F(state).
 */
#include "tm/api/request.h"

#include "base/base64.h"
#include "crypto/keccak.h"
#include "crypto/random.h"
#include "tmproto/reader.h"

#include <stdio.h>

enum { SEED_SIZE = 20 };

struct group {
    struct bytes id, lookup_id, name, description, seed, type, state;
    struct tmproto_list members;
};

/* --- The encoding --- */

static int decode_group(struct arena *arena, struct group *ret_group, struct bytes data)
{
    struct tmproto_reader r;
    tmproto_reader_init(&r, arena, data);
    ret_group->name = tmproto_read_field(&r, "name");
    ret_group->description = tmproto_read_field(&r, "description");
    ret_group->members = tmproto_read_array(&r, "members");
    ret_group->seed = tmproto_read_field(&r, "seed");
    ret_group->type = tmproto_read_field(&r, "type");
    ret_group->state = tmproto_read_field(&r, "state");
    return tmproto_reader_end(&r, NULL);
}

static void encode_group(struct buf *b, const struct group *g)
{
    tmproto_write_field(b, g->name);
    tmproto_write_field(b, g->description);
    tmproto_write_array(b, g->members);
    tmproto_write_field(b, g->seed);
    tmproto_write_field(b, g->type);
    tmproto_write_field(b, g->state);
}

bool tm_group_members(struct arena *arena, struct tmproto_list *ret_members, struct bytes data)
{
    struct group g;
    struct bytes copy = arena_copy(arena, data);
    if (!copy.data || decode_group(arena, &g, copy) < 0 ||
        !bytes_equal(g.state, bytes_str("ACTIVE")))
        return false;
    *ret_members = g.members;
    return true;
}

/* --- Identifiers --- */

/* Java's Arrays.hashCode. */
static int32_t java_hash(struct bytes key)
{
    uint32_t r = 1;
    for (size_t i = 0; i < key.len; i++)
        r = 31 * r + (uint32_t)(int32_t)(int8_t)key.data[i];
    return (int32_t)r;
}

/* Members without doubles, in the order that identifiers are made in. */
static struct tmproto_list sorted(struct arena *arena, struct tmproto_list members)
{
    struct bytes *items = arena_alloc(arena, (members.count + 1) * sizeof(*items));
    size_t count = 0;
    for (size_t i = 0; items && i < members.count; i++) {
        if (tmproto_list_find((struct tmproto_list){items, count}, members.items[i]) != SIZE_MAX)
            continue;
        size_t at = count++;
        int32_t hash = java_hash(members.items[i]);
        while (at > 0 && java_hash(items[at - 1]) > hash) {
            items[at] = items[at - 1];
            at--;
        }
        items[at] = members.items[i];
    }
    return (struct tmproto_list){items, count};
}

/* As Tessera writes it: the length of more than 255 bytes is little-endian and ends at its first zero byte. */
static void rlp_head(struct buf *b, size_t len, uint8_t small, uint8_t large)
{
    if (len < 56) {
        buf_append_byte(b, (uint8_t)(small + len));
        return;
    }
    uint8_t bytes[8];
    size_t count = 0;
    if (len < 256) {
        bytes[count++] = (uint8_t)len;
    } else {
        for (size_t left = len; left && (uint8_t)left; left >>= 8)
            bytes[count++] = (uint8_t)left;
    }
    buf_append_byte(b, (uint8_t)(large + count));
    buf_append(b, bytes, count);
}

static void rlp_text(struct buf *b, struct bytes text)
{
    if (text.len != 1 || text.data[0] >= 0x80)
        rlp_head(b, text.len, 0x80, 0xb7);
    buf_append_bytes(b, text);
}

/* Keccak-256 of the list of keys, and of the seed when there is one. */
static struct bytes make_id(struct arena *arena, struct tmproto_list keys, const struct bytes *seed)
{
    struct buf content = BUF_INIT, list = BUF_INIT;
    for (size_t i = 0; i < keys.count; i++)
        rlp_text(&content, keys.items[i]);
    if (seed)
        rlp_text(&content, *seed);
    rlp_head(&list, content.len, 0xc0, 0xf7);
    buf_append_bytes(&list, buf_bytes(&content));
    struct hash256 *id = arena_alloc(arena, sizeof(*id));
    if (id)
        crypto_keccak256(id, buf_bytes(&list));
    bool ok = id && buf_status(&content) == 0 && buf_status(&list) == 0;
    buf_release(&content);
    buf_release(&list);
    return ok ? bytes_of(id->b, sizeof(id->b)) : bytes_none();
}

static struct bytes lookup_id(struct arena *arena, struct tmproto_list members)
{
    static const uint8_t constant[SEED_SIZE] = {0x53, 0x75, 0xba, 0x87, 0x1e, 0x5c, 0x3d,
                                                0x0f, 0x1d, 0x05, 0x5b, 0x5d, 0xa0, 0xac,
                                                0x02, 0xea, 0x03, 0x5b, 0xed, 0x38};
    struct bytes with = bytes_of(constant, SEED_SIZE);
    return make_id(arena, sorted(arena, members), &with);
}

/* --- Answers --- */

static void write_group(struct buf *b, const struct group *g)
{
    buf_append_text(b, "{\"privacyGroupId\":\"");
    base64_append(b, g->id);
    buf_append_text(b, "\",\"name\":");
    tm_write_text(b, g->name);
    buf_append_text(b, ",\"description\":");
    tm_write_text(b, g->description);
    buf_append_text(b, ",\"type\":");
    tm_write_text(b, g->type);
    buf_append_text(b, ",\"members\":");
    tm_write_list(b, g->members);
    buf_append_byte(b, '}');
}

static void answer_group(struct tm_request *request, const struct group *g)
{
    struct buf body = BUF_INIT;
    write_group(&body, g);
    tm_answer_json(request, 200, &body);
}

/* --- Making and ending one: its members hear of it before it is stored --- */

struct changing {
    struct tm_request *request;
    struct group group;
    struct bytes encoded;
    struct tm_push *pushes;
    size_t push_count, left;
    bool deletes;
    struct bytes from;
};

static void on_changed(void *context, const struct tm_store_answer *a)
{
    struct changing *c = context;
    struct buf body = BUF_INIT;
    if (a->status < 0) {
        tm_fail_error(c->request, a->status, a->message);
    } else if (c->deletes) {
        buf_append_byte(&body, '"');
        base64_append(&body, c->group.id);
        buf_append_byte(&body, '"');
        tm_answer_json(c->request, 200, &body);
    } else {
        answer_group(c->request, &c->group);
    }
}

static void store_change(struct changing *c)
{
    struct tm_store_group row = {
        .id = c->group.id, .lookup_id = c->group.lookup_id, .data = c->encoded};
    int status = tm_store_put_group(c->request->api->options.store, &row, on_changed, c);
    if (status < 0)
        tm_fail_error(c->request, status, NULL);
}

static void on_told(void *context, struct tm_push *push)
{
    struct changing *c = context;
    (void)push;
    if (--c->left > 0)
        return;
    for (size_t i = 0; i < c->push_count; i++) {
        const struct tm_push *p = &c->pushes[i];
        if (p->status == 200 || p->status == 201)
            continue;
        if (p->status == 0)
            tm_fail(c->request, 410, "Connection error while communicating with %s", p->url);
        else
            tm_fail(c->request, 500, "Unable to push privacy group to recipient url %s", p->url);
        return;
    }
    store_change(c);
}

static void tell_members(struct changing *c)
{
    struct tm_api *api = c->request->api;
    struct arena *arena = &c->request->arena;
    struct buf encoded = BUF_INIT;
    encode_group(&encoded, &c->group);
    c->encoded = arena_copy(arena, buf_bytes(&encoded));
    bool ok = buf_status(&encoded) == 0 && c->encoded.data;
    buf_release(&encoded);
    c->pushes = arena_alloc_zeroed(arena, c->group.members.count + 1, sizeof(*c->pushes));
    if (!ok || !c->pushes) {
        tm_fail_error(c->request, ERR_NOMEM, NULL);
        return;
    }
    for (size_t i = 0; i < c->group.members.count; i++) {
        struct bytes key = c->group.members.items[i];
        if (tm_enclave_has_key(api->options.enclave, key))
            continue;
        const struct tm_network_node *node = tm_network_find(api->options.network, key);
        if (!node) {
            tm_fail_named(c->request, 404, "Recipient not found for key: ", key, "");
            return;
        }
        if (!tmproto_versions_have(node->versions, TMPROTO_V3)) {
            tm_fail_named(
                c->request, 403,
                "Transactions with privacy group is not currently supported on recipient ", key,
                "");
            return;
        }
        c->pushes[c->push_count++] = (struct tm_push){.api = api,
                                                      .node = node,
                                                      .recipient = key,
                                                      .done = on_told,
                                                      .context = c,
                                                      .arena = arena};
    }
    c->left = c->push_count + 1;
    for (size_t i = 0; i < c->push_count; i++) {
        buf_append_bytes(&c->pushes[i].body, c->encoded);
        if (tm_push_begin(&c->pushes[i], "pushPrivacyGroup", TMPROTO_MEDIA_OCTETS, true,
                          api->options.push_ms) < 0)
            c->left--;
    }
    on_told(c, NULL);
}

static struct changing *make(struct tm_request *request)
{
    struct changing *c = arena_alloc_zeroed(&request->arena, 1, sizeof(*c));
    if (c)
        c->request = request;
    else
        tm_fail_error(request, ERR_NOMEM, NULL);
    return c;
}

static bool read_from(struct changing *c)
{
    if (!tm_json_bytes(c->request, &c->from, "from"))
        return false;
    if (c->from.len == 0)
        c->from = tm_enclave_default_key(c->request->api->options.enclave);
    return true;
}

void tm_post_create_group(struct tm_request *request)
{
    struct changing *c = make(request);
    if (!c)
        return;
    struct group *g = &c->group;
    if (!tm_json_list(request, &g->members, "addresses") || !read_from(c) ||
        !tm_json_text(request, &g->name, "name") ||
        !tm_json_text(request, &g->description, "description") ||
        !tm_json_bytes(request, &g->seed, "seed"))
        return;
    if (tmproto_list_find(g->members, c->from) == SIZE_MAX) {
        tm_fail(request, 403, "The list of members in a privacy group should include self");
        return;
    }
    if (g->seed.len == 0) {
        uint8_t *seed = arena_alloc(&request->arena, SEED_SIZE);
        if (!seed || crypto_random(seed, SEED_SIZE) < 0) {
            tm_fail_error(request, ERR_NOMEM, NULL);
            return;
        }
        g->seed = bytes_of(seed, SEED_SIZE);
    }
    g->type = bytes_str("PANTHEON");
    g->state = bytes_str("ACTIVE");
    g->id = make_id(&request->arena, sorted(&request->arena, g->members), &g->seed);
    g->lookup_id = lookup_id(&request->arena, g->members);
    tell_members(c);
}

/* --- Reading them --- */

struct finding {
    struct tm_request *request;
    struct bytes id;
    const char *type; /* NULL: any but RESIDENT */
    bool one;
    struct changing *change; /* to be ended */
};

static void group_not_found(struct finding *f)
{
    tm_fail_named(f->request, 404, "Privacy group ", f->id, " not found");
}

static void end_group(struct finding *f, const struct group *g)
{
    struct changing *c = f->change;
    if (tmproto_list_find(g->members, c->from) == SIZE_MAX) {
        tm_fail(f->request, 403, "Sender of request does not belong to this privacy group");
        return;
    }
    c->group = *g;
    c->group.state = bytes_str("DELETED");
    c->deletes = true;
    tell_members(c);
}

static void on_groups(void *context, const struct tm_store_answer *a)
{
    struct finding *f = context;
    struct arena *arena = &f->request->arena;
    struct buf body = BUF_INIT;
    size_t found = 0;
    if (a->status < 0) {
        tm_fail_error(f->request, a->status, a->message);
        return;
    }
    buf_append_byte(&body, '[');
    for (size_t i = 0; a->status == TM_STORE_DONE && i < a->count; i++) {
        struct group g = {.id = arena_copy(arena, a->groups[i].id),
                          .lookup_id = arena_copy(arena, a->groups[i].lookup_id)};
        if (decode_group(arena, &g, arena_copy(arena, a->groups[i].data)) < 0 ||
            !bytes_equal(g.state, bytes_str("ACTIVE")) ||
            (f->type && !bytes_equal(g.type, bytes_str(f->type))))
            continue;
        if (f->one) {
            buf_release(&body);
            if (f->change)
                end_group(f, &g);
            else
                answer_group(f->request, &g);
            return;
        }
        buf_append_text(&body, found++ ? "," : "");
        write_group(&body, &g);
    }
    if (f->one) {
        buf_release(&body);
        group_not_found(f);
        return;
    }
    buf_append_byte(&body, ']');
    tm_answer_json(f->request, 200, &body);
}

static struct finding *find(struct tm_request *request)
{
    struct finding *f = arena_alloc_zeroed(&request->arena, 1, sizeof(*f));
    if (f)
        f->request = request;
    else
        tm_fail_error(request, ERR_NOMEM, NULL);
    return f;
}

void tm_post_find_group(struct tm_request *request)
{
    struct finding *f = find(request);
    struct tmproto_list members;
    if (!f || !tm_json_list(request, &members, "addresses"))
        return;
    int status = tm_store_find_groups(request->api->options.store,
                                      lookup_id(&request->arena, members), on_groups, f);
    if (status < 0)
        tm_fail_error(request, status, NULL);
}

static void find_one(struct tm_request *request, struct changing *change)
{
    struct finding *f = find(request);
    if (!f || !tm_json_bytes(request, &f->id, "privacyGroupId"))
        return;
    f->one = true;
    f->change = change;
    int status = f->id.len && f->id.len <= TM_STORE_HASH_MAX
                     ? tm_store_get_group(request->api->options.store, f->id, on_groups, f)
                     : ERR_NOTFOUND;
    if (status == ERR_NOTFOUND)
        group_not_found(f);
    else if (status < 0)
        tm_fail_error(request, status, NULL);
}

void tm_post_retrieve_group(struct tm_request *request)
{
    find_one(request, NULL);
}

void tm_post_delete_group(struct tm_request *request)
{
    struct changing *c = make(request);
    if (c && read_from(c))
        find_one(request, c);
}

/* Resident groups are the configuration's: names of tenants' keys. */
static void answer_residents(struct tm_request *request)
{
    const struct tm_config *config = request->api->options.config;
    struct buf body = BUF_INIT;
    if (!config->multiple_states) {
        tm_fail(request, 503,
                "Multiple private state feature is not available on this privacy manager");
        return;
    }
    buf_append_byte(&body, '[');
    for (size_t i = 0; i < config->group_count; i++) {
        const struct tm_config_group *from = &config->groups[i];
        struct group g = {.id = bytes_str(from->name),
                          .name = bytes_str(from->name),
                          .description = bytes_str(from->description),
                          .type = bytes_str("RESIDENT")};
        for (size_t j = 0; j < from->members.count; j++) {
            struct bytes key;
            if (tm_decode(&request->arena, &key, bytes_str(from->members.items[j])))
                g.members = tm_list_add(&request->arena, g.members, key);
        }
        buf_append_text(&body, i ? "," : "");
        write_group(&body, &g);
    }
    buf_append_byte(&body, ']');
    tm_answer_json(request, 200, &body);
}

void tm_get_groups(struct tm_request *request)
{
    struct finding *f;
    if (io_http_same_name(request->param, "resident")) {
        answer_residents(request);
        return;
    }
    bool legacy = io_http_same_name(request->param, "legacy");
    if (!legacy && !io_http_same_name(request->param, "pantheon")) {
        tm_fail(request, 400, "groups: resident, legacy or pantheon");
        return;
    }
    if (!(f = find(request)))
        return;
    f->type = legacy ? "LEGACY" : "PANTHEON";
    int status = tm_store_find_groups(request->api->options.store, bytes_none(), on_groups, f);
    if (status < 0)
        tm_fail_error(request, status, NULL);
}

/* --- One that another manager pushes --- */

struct hearing {
    struct tm_request *request;
    struct group group;
};

static void on_heard(void *context, const struct tm_store_answer *a)
{
    struct hearing *h = context;
    if (a->status < 0)
        tm_fail_error(h->request, a->status, a->message);
    else
        tm_answer(h->request, 200, NULL, NULL);
}

static void put_heard(struct hearing *h)
{
    struct tm_store_group row = {
        .id = h->group.id, .lookup_id = h->group.lookup_id, .data = h->request->http->body};
    int status = tm_store_put_group(h->request->api->options.store, &row, on_heard, h);
    if (status < 0)
        tm_fail_error(h->request, status, NULL);
}

static void on_known(void *context, const struct tm_store_answer *a)
{
    struct hearing *h = context;
    if (a->status < 0)
        tm_fail_error(h->request, a->status, a->message);
    else if (a->status == TM_STORE_ABSENT)
        tm_answer(h->request, 200, NULL, NULL); /* an end of what was never here */
    else
        put_heard(h);
}

void tm_post_push_group(struct tm_request *request)
{
    struct hearing *h = arena_alloc_zeroed(&request->arena, 1, sizeof(*h));
    if (!h) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return;
    }
    h->request = request;
    struct group *g = &h->group;
    bool ok = decode_group(&request->arena, g, request->http->body) == 0 && g->members.count > 0;
    bool legacy = ok && bytes_equal(g->type, bytes_str("LEGACY"));
    if (!ok || (!legacy && !bytes_equal(g->type, bytes_str("PANTHEON")))) {
        tm_fail(request, 400, "not the encoding of a privacy group");
        return;
    }
    struct tmproto_list keys = sorted(&request->arena, g->members);
    g->id = make_id(&request->arena, keys, legacy ? NULL : &g->seed);
    g->lookup_id = lookup_id(&request->arena, g->members);
    if (g->id.len == 0 || g->lookup_id.len == 0) {
        tm_fail_error(request, ERR_NOMEM, NULL);
    } else if (bytes_equal(g->state, bytes_str("DELETED"))) {
        int status = tm_store_get_group(request->api->options.store, g->id, on_known, h);
        if (status < 0)
            tm_fail_error(request, status, NULL);
    } else {
        put_heard(h);
    }
}
