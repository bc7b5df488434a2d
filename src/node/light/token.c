#include "node/light/token.h"

#include "base/mem.h"

#include <pthread.h>
#include <string.h>

struct node_light_token {
    pthread_mutex_t lock; /* of `value` */
    char value[NODE_LIGHT_TOKEN_MAX + 1];
    void (*changed)(void *context, const char *token);
    void *context;
};

static int check(struct bytes value, struct err_detail *detail)
{
    if (value.len > NODE_LIGHT_TOKEN_MAX)
        return err_set(detail, ERR_INPUT, "the token has %zu bytes; it may have %d", value.len,
                       NODE_LIGHT_TOKEN_MAX);
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] < 0x20 || value.data[i] > 0x7e)
            return err_set(detail, ERR_INPUT,
                           "the token has a character at %zu that the field Authorization cannot "
                           "have; it is to be as in \"bearer eyJ…\"",
                           i);
    return ERR_OK;
}

static void keep(struct node_light_token *token, struct bytes value)
{
    pthread_mutex_lock(&token->lock);
    mem_wipe(token->value, sizeof(token->value));
    if (value.len)
        memcpy(token->value, value.data, value.len);
    pthread_mutex_unlock(&token->lock);
}

int node_light_token_new(struct node_light_token **ret_token, const char *value,
                         struct err_detail *detail)
{
    struct bytes text = bytes_str(value ? value : "");
    int status = check(text, detail);
    if (status != ERR_OK)
        return err_prefix(detail, status, "--qlight.client.token.value");
    struct node_light_token *token = mem_alloc_zeroed(1, sizeof(*token));
    if (!token)
        return err_set(detail, ERR_NOMEM, "out of memory");
    pthread_mutex_init(&token->lock, NULL);
    keep(token, text);
    *ret_token = token;
    return ERR_OK;
}

void node_light_token_free(struct node_light_token *token)
{
    if (!token)
        return;
    pthread_mutex_destroy(&token->lock);
    mem_wipe(token, sizeof(*token));
    mem_free(token);
}

void node_light_token_watch(struct node_light_token *token,
                            void (*changed)(void *context, const char *token), void *context)
{
    token->changed = changed;
    token->context = context;
}

int node_light_token_set(struct node_light_token *token, struct bytes value,
                         struct err_detail *detail)
{
    int status = check(value, detail);
    if (status != ERR_OK)
        return status;
    keep(token, value);
    /* It is changed on this thread alone, so that it stays as it is meanwhile. */
    if (token->changed)
        token->changed(token->context, token->value);
    return ERR_OK;
}

void node_light_token_get(struct node_light_token *token, struct buf *ret_value)
{
    pthread_mutex_lock(&token->lock);
    buf_append_text(ret_value, token->value);
    pthread_mutex_unlock(&token->lock);
}
