#include "evm/analysis.h"

#include "base/mem.h"
#include "evm/fast/translate.h"
#include "evm/opcodes.h"

enum {
    PROBES_MAX = 16, /* analyses looked at in a bucket: codes made to collide cost only a miss */
};

int evm_fast_new(struct evm_fast **ret_fast)
{
    struct evm_fast *fast = mem_alloc_zeroed(1, sizeof(*fast));
    if (!fast)
        return ERR_NOMEM;
    fast->translator = evm_translator_new();
    if (!fast->translator) {
        mem_free(fast);
        return ERR_NOMEM;
    }
    struct u256 one = u256_from(1);
    u256_modulus_init(&fast->modulus, &one);
    *ret_fast = fast;
    return 0;
}

static void analysis_free(struct evm_analysis *a)
{
    mem_free(a->targets);
    while (a->runs) {
        struct evm_run *next = a->runs->next;
        mem_free(a->runs);
        a->runs = next;
    }
    mem_free(a);
}

void evm_fast_free(struct evm_fast *fast)
{
    if (!fast)
        return;
    while (fast->newest) {
        struct evm_analysis *a = fast->newest;
        fast->newest = a->older;
        analysis_free(a);
    }
    evm_translator_free(fast->translator);
    mem_free(fast);
}

/* Marks the valid destinations of the code in a->index and returns their number. */
static size_t mark_destinations(struct evm_destinations *index, const uint8_t *code, size_t size)
{
    for (size_t pc = 0; pc < size; pc++) {
        uint8_t op = code[pc];
        if (op == EVM_OP_JUMPDEST)
            index[pc / 64].bits |= 1ull << pc % 64;
        else if ((int8_t)op >= EVM_OP_PUSH1) /* PUSH1 … PUSH32 end where bytes turn negative */
            pc += op - EVM_OP_PUSH1 + 1u;
    }
    uint64_t count = 0;
    for (size_t i = 0; i <= size / 64; i++) {
        index[i].before = count;
        count += (uint64_t)__builtin_popcountll(index[i].bits);
    }
    return count;
}

static void list_targets(struct evm_analysis *a)
{
    const union evm_word *untranslated = evm_fast_code()->untranslated;
    struct evm_target *next = a->targets;
    for (size_t i = 0; i <= a->code_size / 64; i++)
        for (uint64_t bits = a->index[i].bits; bits; bits &= bits - 1)
            *next++ = (struct evm_target){untranslated, (uint32_t)(i * 64 + __builtin_ctzll(bits))};
    a->entry = (struct evm_target){untranslated, 0};
}

static struct evm_analysis *analysis_new(struct bytes code)
{
    /* One allocation with index and copy behind it; a second one when the targets are counted. */
    size_t index_size = (code.len / 64 + 1) * sizeof(struct evm_destinations);
    size_t size = sizeof(struct evm_analysis) + index_size + code.len + EVM_CODE_PADDING;
    struct evm_analysis *a = mem_alloc(size);
    if (!a)
        return NULL;
    memset(a, 0, sizeof(*a) + index_size);
    a->index = (struct evm_destinations *)(a + 1);
    uint8_t *copy = (uint8_t *)a->index + index_size;
    if (code.len)
        memcpy(copy, code.data, code.len);
    memset(copy + code.len, 0, EVM_CODE_PADDING);
    a->code = copy;
    a->code_size = code.len;

    size_t targets_size = mark_destinations(a->index, copy, code.len) * sizeof(struct evm_target);
    a->targets = mem_alloc(targets_size);
    if (!a->targets) {
        mem_free(a);
        return NULL;
    }
    a->bytes = size + targets_size;
    list_targets(a);
    return a;
}

/* Codes without a hash are told apart by their length and a few words of them; then compared. */
static uint64_t sample(struct bytes code)
{
    uint64_t key = code.len;
    for (size_t i = 0; i < 8 && code.len >= 8; i++) {
        uint64_t word;
        memcpy(&word, code.data + (code.len - 8) * i / 7, sizeof(word));
        key = (key ^ word) * 0x9e3779b97f4a7c15;
        key ^= key >> 32;
    }
    return key;
}

static uint64_t key_of(const struct evm_frame *f)
{
    uint64_t key;
    if (f->code_hash)
        memcpy(&key, f->code_hash->b, sizeof(key));
    else
        key = sample(bytes_of(f->code, f->code_size));
    return key + f->rules->fork;
}

static bool is_of_frame(const struct evm_analysis *a, uint64_t key, const struct evm_frame *f)
{
    if (a->key != key || a->rules != f->rules || a->code_size != f->code_size ||
        a->has_hash != (f->code_hash != NULL))
        return false;
    if (f->code_hash)
        return hash256_equal(&a->hash, f->code_hash);
    return f->code_size == 0 || memcmp(a->code, f->code, f->code_size) == 0;
}

/* The list by latest use. */
static void list_remove(struct evm_fast *fast, struct evm_analysis *a)
{
    *(a->newer ? &a->newer->older : &fast->newest) = a->older;
    *(a->older ? &a->older->newer : &fast->oldest) = a->newer;
}

static void list_add(struct evm_fast *fast, struct evm_analysis *a)
{
    a->newer = NULL;
    a->older = fast->newest;
    *(fast->newest ? &fast->newest->newer : &fast->oldest) = a;
    fast->newest = a;
}

static struct evm_analysis **bucket_of(struct evm_fast *fast, uint64_t key)
{
    return &fast->buckets[key % EVM_ANALYSES_BUCKETS];
}

static void drop(struct evm_fast *fast, struct evm_analysis *a)
{
    struct evm_analysis **link = bucket_of(fast, a->key);
    while (*link != a)
        link = &(*link)->next_in_bucket;
    *link = a->next_in_bucket;
    list_remove(fast, a);
    fast->bytes -= a->bytes;
    analysis_free(a);
}

static void mark_used(struct evm_frame *top, bool used)
{
    for (struct evm_frame *f = top; f; f = f->parent)
        if (f->analysis)
            ((struct evm_analysis *)f->analysis)->in_use = used;
}

/* Brings the cache down to half its size (so that this is rare), as far as frames allow. */
static void shrink(struct evm_fast *fast, struct evm_frame *top)
{
    mark_used(top, true);
    struct evm_analysis *a = fast->oldest;
    while (a && fast->bytes > EVM_ANALYSES_BYTES_MAX / 2) {
        struct evm_analysis *newer = a->newer;
        if (!a->in_use)
            drop(fast, a);
        a = newer;
    }
    mark_used(top, false);
}

static struct evm_analysis *find(struct evm_fast *fast, uint64_t key, const struct evm_frame *f)
{
    struct evm_analysis *a = *bucket_of(fast, key);
    for (int i = 0; a && i < PROBES_MAX; i++, a = a->next_in_bucket)
        if (is_of_frame(a, key, f))
            return a;
    return NULL;
}

int evm_analysis_attach(struct evm_frame *frame)
{
    struct evm_fast *fast = frame->evm->fast;
    uint64_t key = key_of(frame);
    struct evm_analysis *a = find(fast, key, frame);
    if (a) {
        list_remove(fast, a);
    } else {
        if (fast->bytes > EVM_ANALYSES_BYTES_MAX)
            shrink(fast, frame);
        a = analysis_new(bytes_of(frame->code, frame->code_size));
        if (!a)
            return ERR_NOMEM;
        a->key = key;
        a->rules = frame->rules;
        a->has_hash = frame->code_hash != NULL;
        if (frame->code_hash)
            a->hash = *frame->code_hash;
        struct evm_analysis **bucket = bucket_of(fast, key);
        a->next_in_bucket = *bucket;
        *bucket = a;
        fast->bytes += a->bytes;
    }
    list_add(fast, a);
    frame->analysis = a;
    return 0;
}
