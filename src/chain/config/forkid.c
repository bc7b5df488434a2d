#include "chain/config/forkid.h"

enum { FORKS_MAX = CHAIN_BLOCK_KEYS + CHAIN_TIME_KEYS };

/* CRC-32 as in IEEE 802.3, bit by bit: a few dozen bytes are summed. */
static uint32_t crc32_update(uint32_t crc, const uint8_t *data, size_t len)
{
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static uint32_t add_fork(uint32_t crc, uint64_t fork)
{
    uint64_t be = __builtin_bswap64(fork);
    return crc32_update(crc, (const uint8_t *)&be, sizeof(be));
}

/* A fork and whether it goes by time. */
struct moment {
    uint64_t at;
    bool is_time;
};

static void insert(struct moment *list, size_t from, size_t *count, struct moment moment)
{
    size_t i = from;
    while (i < *count && list[i].at < moment.at)
        i++;
    if (i < *count && list[i].at == moment.at)
        return;
    memmove(&list[i + 1], &list[i], (*count - i) * sizeof(*list));
    list[i] = moment;
    (*count)++;
}

/* Ascending, each once, none at 0; those by time (EIP-6122) behind those by block. */
static size_t gather(const struct chain_config *config, struct moment list[FORKS_MAX])
{
    static const bool counts[] = {
#define X(name, key, in_fork_id) in_fork_id,
        CHAIN_BLOCK_KEY_LIST(X)
#undef X
    };
    size_t count = 0;
    for (int i = 0; i < CHAIN_BLOCK_KEYS; i++)
        if (counts[i] && config->blocks[i].set && config->blocks[i].value)
            insert(list, 0, &count, (struct moment){config->blocks[i].value, false});
    size_t blocks = count;
    for (int i = 0; i < CHAIN_TIME_KEYS; i++)
        if (config->times[i].set && config->times[i].value)
            insert(list, blocks, &count, (struct moment){config->times[i].value, true});
    return count;
}

static struct chain_forkid forkid_of(uint32_t crc, uint64_t next)
{
    struct chain_forkid id = {.next = next};
    uint32_t be = __builtin_bswap32(crc);
    memcpy(id.hash, &be, sizeof(be));
    return id;
}

struct chain_forkid chain_forkid(const struct chain_config *config, const struct hash256 *genesis,
                                 uint64_t number, uint64_t timestamp)
{
    struct moment forks[FORKS_MAX];
    size_t count = gather(config, forks);
    uint32_t crc = crc32_update(0, genesis->b, sizeof(genesis->b));
    for (size_t i = 0; i < count; i++) {
        if (forks[i].at > (forks[i].is_time ? timestamp : number))
            return forkid_of(crc, forks[i].at);
        crc = add_fork(crc, forks[i].at);
    }
    return forkid_of(crc, 0);
}

const char *chain_forkid_verdict_text(enum chain_forkid_verdict verdict)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CHAIN_FORKID_VERDICT_LIST(X)
#undef X
    };
    return texts[verdict];
}

enum chain_forkid_verdict chain_forkid_check(const struct chain_config *config,
                                             const struct hash256 *genesis, uint64_t number,
                                             uint64_t timestamp, const struct chain_forkid *remote)
{
    struct moment forks[FORKS_MAX];
    uint8_t sums[FORKS_MAX + 1][4];
    size_t count = gather(config, forks), here = 0;
    uint32_t crc = crc32_update(0, genesis->b, sizeof(genesis->b));
    memcpy(sums[0], forkid_of(crc, 0).hash, 4);
    for (size_t i = 0; i < count; i++) {
        crc = add_fork(crc, forks[i].at);
        memcpy(sums[i + 1], forkid_of(crc, 0).hash, 4);
    }
    /* The reference says `>`: for one block it refuses peers that are a block behind. */
    while (here < count && (forks[here].is_time ? timestamp : number) >= forks[here].at)
        here++;
    uint64_t head = here < count && forks[here].is_time ? timestamp : number;
    if (memcmp(sums[here], remote->hash, 4) == 0)
        return remote->next > 0 && head >= remote->next ? CHAIN_FORKID_LOCAL_INCOMPATIBLE
                                                        : CHAIN_FORKID_OK;
    for (size_t i = 0; i < here; i++)
        if (memcmp(sums[i], remote->hash, 4) == 0)
            return forks[i].at == remote->next ? CHAIN_FORKID_OK : CHAIN_FORKID_REMOTE_STALE;
    for (size_t i = here + 1; i <= count; i++)
        if (memcmp(sums[i], remote->hash, 4) == 0)
            return CHAIN_FORKID_OK;
    return CHAIN_FORKID_LOCAL_INCOMPATIBLE;
}
