#include "rpc/json/texts.h"

#include "base/mem.h"

void rpc_texts_init(struct rpc_texts *texts)
{
    pthread_mutex_init(&texts->lock, NULL);
}

void rpc_texts_release(struct rpc_texts *texts)
{
    for (size_t i = 0; i < RPC_TEXTS_MAX; i++)
        mem_free(texts->list[i].data);
    pthread_mutex_destroy(&texts->lock);
}

static const struct rpc_text *find(const struct rpc_texts *texts, const struct hash256 *block)
{
    for (size_t i = 0; i < RPC_TEXTS_MAX; i++)
        if (texts->list[i].data && hash256_equal(&texts->list[i].block, block))
            return &texts->list[i];
    return NULL;
}

bool rpc_texts_append(struct rpc_texts *texts, struct buf *out, const struct hash256 *block)
{
    pthread_mutex_lock(&texts->lock);
    const struct rpc_text *text = find(texts, block);
    if (text)
        buf_append(out, text->data, text->len);
    pthread_mutex_unlock(&texts->lock);
    return text != NULL;
}

void rpc_texts_add(struct rpc_texts *texts, const struct hash256 *block, struct bytes text)
{
    uint8_t *data =
        text.len >= RPC_TEXT_MIN && text.len <= RPC_TEXT_MAX ? mem_alloc(text.len) : NULL;
    if (!data)
        return;
    memcpy(data, text.data, text.len);
    pthread_mutex_lock(&texts->lock);
    if (!find(texts, block)) {
        struct rpc_text *place = &texts->list[texts->next];
        uint8_t *old = place->data;
        *place = (struct rpc_text){*block, data, text.len};
        texts->next = (texts->next + 1) % RPC_TEXTS_MAX;
        data = old;
    }
    pthread_mutex_unlock(&texts->lock);
    mem_free(data);
}
