#include "consensus/test/replay.h"

#include "base/hex.h"
#include "consensus/istanbul/hash.h"
#include "consensus/istanbul/header_check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
    FRAME_OFFSET =
        0x32 -
        CONSENSUS_IBFT, /* of codes in frames: istanbul begins at 33 among these capabilities */
    FIRST_HEAD = 2,     /* where the chain stood when the recorder joined */
};

static int sign(void *context, const struct hash256 *digest, uint8_t ret[CONSENSUS_SEAL_SIZE])
{
    struct replay *p = context;
    struct crypto_signature signature;
    if (!crypto_ecdsa_sign(&signature, digest, &p->key))
        return -1;
    memcpy(ret, signature.rs, 64);
    ret[64] = signature.recovery_id;
    return 0;
}

static void on_block(const json_t *line, void *context)
{
    struct replay *p = context;
    size_t n = p->block_count++;
    assert_true(n < REPLAY_BLOCKS_MAX);
    assert_int_equal(hex_decode(json_string_value(json_object_get(line, "rlp")), &p->blocks[n]),
                     ERR_OK);
    struct rlp_reader r;
    rlp_reader_init(&r, buf_bytes(&p->blocks[n]));
    rlp_enter(&r, "block");
    eth_header_read(&p->headers[n], &r);
    assert_true(rlp_ok(&r));
    assert_int_equal(p->headers[n].number, n);
    assert_int_equal(istanbul_block_hash(&p->headers[n], &p->hashes[n]), ERR_OK);
}

static void step(struct replay *p, struct consensus_event event);

static void say_head(struct replay *p)
{
    struct istanbul_params params;
    istanbul_params_at(&p->config, p->head + 1, &params);
    struct consensus_event e = {
        .kind = CONSENSUS_HEAD,
        .head = {.number = p->head,
                 .hash = p->hashes[p->head],
                 .time = p->headers[p->head].timestamp,
                 .validators = &p->snapshot.set,
                 .params = &params},
    };
    assert_int_equal(istanbul_author(p->engine, &p->headers[p->head], &e.head.proposer),
                     ISTANBUL_VALID);
    step(p, e);
}

static enum consensus_verdict check(struct replay *p, const struct consensus_block *block)
{
    struct rlp_reader r;
    struct eth_header header;
    rlp_reader_init(&r, block->rlp);
    rlp_enter(&r, "block");
    eth_header_read(&header, &r);
    struct istanbul_header_check c = {
        .config = &p->config,
        .parent = &p->headers[p->head],
        .parent_hash = &p->hashes[p->head],
        .validators = &p->snapshot.set,
        .now = header.timestamp,
        .proposal = true,
    };
    return istanbul_check_header(&c, &header) == ISTANBUL_VALID ? CONSENSUS_CHECK_OK
                                                                : CONSENSUS_CHECK_BAD;
}

static void move_head(struct replay *p)
{
    p->head++;
    assert_int_equal(istanbul_snapshot_apply(&p->snapshot, &p->config, &p->headers[p->head],
                                             &p->hashes[p->head]),
                     ISTANBUL_VALID);
}

/* The block with the seals put in is one that anybody takes. */
static void expect_final(struct replay *p, const struct consensus_effect *e)
{
    struct rlp_reader r;
    struct eth_header header;
    rlp_reader_init(&r, e->commit.block->rlp);
    rlp_enter(&r, "block");
    eth_header_read(&header, &r);
    struct istanbul_seal seals[8];
    assert_true(e->commit.seal_count <= 8);
    for (size_t i = 0; i < e->commit.seal_count; i++)
        memcpy(seals[i].b, e->commit.seals[i].b, sizeof(seals[i].b));
    struct buf extra = BUF_INIT;
    assert_int_equal(istanbul_extra_put_commits(&extra, p->engine, header.extra,
                                                (uint32_t)e->commit.round, seals,
                                                e->commit.seal_count),
                     ERR_OK);
    header.extra = buf_bytes(&extra);
    assert_int_equal(istanbul_check_seals(p->engine, &header, &p->snapshot.set), ISTANBUL_VALID);
    buf_release(&extra);
}

/* What a driver would do, at once. */
static void step(struct replay *p, struct consensus_event event)
{
    struct consensus_effects effects = {0};
    assert_int_equal(consensus_machine_step(p->machine, &event, &effects), ERR_OK);
    for (size_t i = 0; i < effects.count; i++) {
        const struct consensus_effect *e = &effects.items[i];
        switch (e->kind) {
        case CONSENSUS_CHECK:
            p->checked++;
            step(p, (struct consensus_event){.kind = CONSENSUS_CHECKED,
                                             .checked = {.hash = e->check.block->hash,
                                                         .verdict = check(p, e->check.block)}});
            break;
        case CONSENSUS_COMMIT:
            assert_int_equal(e->commit.block->number, p->head + 1);
            assert_true(hash256_equal(&e->commit.block->hash, &p->hashes[p->head + 1]));
            expect_final(p, e);
            p->committed++;
            p->rounds += e->commit.round > 0;
            move_head(p);
            say_head(p);
            break;
        case CONSENSUS_BUILD:
            p->built++;
            break;
        case CONSENSUS_RECORD:
            p->recorded++;
            break;
        default:
            break;
        }
    }
    consensus_effects_release(&effects);
}

bool replay_message(const struct replay *p, const json_t *line, unsigned *ret_code,
                    struct buf *ret_payload)
{
    unsigned code = (unsigned)json_integer_value(json_object_get(line, "code")) - FRAME_OFFSET;
    bool wanted = p->engine == ISTANBUL_IBFT
                      ? code == CONSENSUS_IBFT
                      : code >= CONSENSUS_QBFT_PRE_PREPARE && code <= CONSENSUS_QBFT_ROUND_CHANGE;
    if (!wanted || strcmp(json_string_value(json_object_get(line, "dir")), "in") != 0)
        return false;
    *ret_code = code;
    assert_int_equal(hex_decode(json_string_value(json_object_get(line, "rlp")), ret_payload),
                     ERR_OK);
    return true;
}

static void on_frame(const json_t *line, void *context)
{
    struct replay *p = context;
    struct buf payload = BUF_INIT;
    unsigned code;
    if (replay_message(p, line, &code, &payload))
        step(p, (struct consensus_event){
                    .kind = CONSENSUS_MESSAGE,
                    .message = {.from = p->peer, .code = code, .payload = buf_bytes(&payload)}});
    buf_release(&payload);
}

static void address_at(const json_t *network, const char *list, size_t i, struct address *ret)
{
    const json_t *text = json_array_get(json_object_get(network, list), i);
    assert_true(hex_decode_exact(json_string_value(text), ret->b, sizeof(ret->b)));
}

void replay_setup(struct replay *p, const char *network, enum istanbul_engine engine)
{
    recordings_require(network);
    *p = (struct replay){.network = network, .engine = engine};
    istanbul_config_init(&p->config);
    p->config.qbft_block = engine == ISTANBUL_QBFT ? 0 : ISTANBUL_NEVER;
    p->config.block_period = 1;
    p->config.request_timeout_ms = 2000;
    json_t *json = recordings_json(network, "network.json");
    const json_t *keys = json_object_get(json, "node_keys");
    assert_true(hex_decode_exact(json_string_value(json_array_get(keys, 3)), p->key.b, 32));
    address_at(json, "node_addresses", 0, &p->peer);
    address_at(json, "node_addresses", 3, &p->self);
    json_decref(json);
    recordings_lines(network, "blocks.jsonl", on_block, p);
    istanbul_snapshot_init(&p->snapshot);
    assert_int_equal(istanbul_snapshot_genesis(&p->snapshot, &p->config, &p->headers[0]),
                     ISTANBUL_VALID);
    assert_true(istanbul_set_has(&p->snapshot.set, &p->self));
}

void replay_teardown(struct replay *p)
{
    istanbul_snapshot_release(&p->snapshot);
    for (size_t i = 0; i < p->block_count; i++)
        buf_release(&p->blocks[i]);
}

void replay_play(struct replay *p, const struct consensus_machine_ops *ops)
{
    while (p->head < FIRST_HEAD)
        move_head(p);
    struct consensus_options options = {.self = p->self, .sign = sign, .sign_context = p};
    assert_int_equal(consensus_machine_new(&p->machine, ops, &options, NULL), ERR_OK);
    say_head(p);
    recordings_lines(p->network, "wire.jsonl", on_frame, p);
    print_message("%zu blocks committed (%zu in a later round), head %zu of %zu; %zu proposals "
                  "checked, %zu blocks asked for, %zu records\n",
                  p->committed, p->rounds, p->head, p->block_count - 1, p->checked, p->built,
                  p->recorded);
    assert_int_equal(p->head, p->block_count - 1);
    consensus_machine_free(p->machine);
}
