#include "chain/chain_priv.h"

const struct chain_engine_ops *chain_engine_ops(enum chain_engine_kind kind)
{
    static const struct chain_engine_ops *const engines[] = {
        [CHAIN_ENGINE_FAKE] = &chain_engine_fake,
        [CHAIN_ENGINE_CLIQUE] = &chain_engine_clique,
        [CHAIN_ENGINE_ISTANBUL] = &chain_engine_istanbul,
    };
    return engines[kind];
}

const char *chain_verdict_text(enum chain_verdict verdict)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CHAIN_VERDICT_LIST(X)
#undef X
    };
    return texts[verdict];
}

int chain_author(struct chain *chain, struct address *ret_author, const struct eth_header *header)
{
    return chain->engine->author(chain, ret_author, header);
}
