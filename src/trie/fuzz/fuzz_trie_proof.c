/*
 * Checking proofs. The input is a mode and what follows:
 *
 *     even    key length, key, then nodes (each a length of 2 bytes, the data), checked under the
 *             hash of the first node: any bytes may come, and structure matters
 *     odd     the number of a key of a small trie, then changes to its proof (node, offset, byte):
 *             the proof is accepted, with the right value, if and only if nothing differs
 */
#include "base/fuzz/fuzz.h"
#include "crypto/keccak.h"
#include "trie/trie.h"

enum { NODES_MAX = 32, KEYS = 64 };

static struct bytes take(struct bytes *input, size_t len)
{
    struct bytes taken = bytes_slice(*input, 0, len < input->len ? len : input->len);
    *input = bytes_slice(*input, taken.len, input->len - taken.len);
    return taken;
}

static unsigned take_byte(struct bytes *input)
{
    struct bytes byte = take(input, 1);
    return byte.len ? *byte.data : 0;
}

static void check_any(struct bytes input)
{
    struct bytes key = take(&input, take_byte(&input)), nodes[NODES_MAX], value;
    struct hash256 root = {{0}};
    size_t count = 0;
    while (input.len && count < NODES_MAX) {
        size_t len = take_byte(&input);
        nodes[count++] = take(&input, len << 8 | take_byte(&input));
    }
    if (count)
        crypto_keccak256(&root, nodes[0]);
    enum trie_verdict verdict = trie_verify(&value, &root, key, nodes, count);
    require(*trie_verdict_text(verdict) != 'u');
    require(verdict != TRIE_PRESENT || value.len > 0);
    require(count || verdict == TRIE_PROOF_SHORT);
}

/* Keys 0 … KEYS - 1 with a few bytes each; those that are multiples of 3 are not in the trie. */
static struct bytes key_of(unsigned index, uint8_t memory[8])
{
    memory[0] = (uint8_t)(index % 5 * 0x33);
    memory[1] = (uint8_t)(index * 29);
    memory[2] = (uint8_t)index;
    return bytes_of(memory, index % 7 ? 3 : 2);
}

static void check_changed(struct bytes input)
{
    struct arena arena;
    struct trie t;
    struct trie_proof proof;
    struct hash256 root;
    uint8_t memory[8], values[KEYS];
    struct bytes expected = bytes_none(), value = bytes_none();
    arena_init(&arena);
    trie_init(&t, &arena, TRIE_PLAIN, NULL, 0, NULL, NULL);
    memset(values, 0xa5, sizeof(values));
    for (unsigned i = 0; i < KEYS; i++)
        if (i % 3)
            require(trie_put(&t, key_of(i, memory), bytes_of(values, i), 0) == ERR_OK);
    struct bytes key = key_of(take_byte(&input) % KEYS, memory);
    require(trie_hash(&t, &root) == ERR_OK);
    require(trie_prove(&t, &proof, &arena, key) == ERR_OK);
    (void)!trie_get(&t, &expected, NULL, key); /* absent: stays empty */
    bool differs = false;
    while (input.len) {
        struct bytes *node = &proof.nodes[take_byte(&input) % proof.count];
        struct bytes copy = arena_copy(&arena, *node);
        unsigned offset = take_byte(&input), change = take_byte(&input);
        require(copy.data);
        ((uint8_t *)(uintptr_t)copy.data)[offset % copy.len] ^= (uint8_t)change;
        *node = copy;
    }
    struct trie_proof original;
    require(trie_prove(&t, &original, &arena, key) == ERR_OK);
    for (size_t i = 0; i < proof.count; i++)
        differs |= !bytes_equal(proof.nodes[i], original.nodes[i]);
    enum trie_verdict verdict = trie_verify(&value, &root, key, proof.nodes, proof.count);
    require(verdict == (differs        ? TRIE_PROOF_WRONG_HASH
                        : expected.len ? TRIE_PRESENT
                                       : TRIE_ABSENT));
    require(differs || bytes_equal(value, expected));
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    if (size == 0)
        return 0;
    if (take_byte(&input) % 2)
        check_changed(input);
    else
        check_any(input);
    return 0;
}
