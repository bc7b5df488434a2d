#include "chain/test/built.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct chain *built_open_memory(const struct maker *m, struct store **ret_store, bool archive,
                                uint64_t keep)
{
    struct chain *chain;
    struct err_detail detail = {""};
    maker_must(store_memory_new(ret_store, chain_tables, CHAIN_TABLES), "store", NULL);
    const struct chain_options options = {.store = *ret_store,
                                          .genesis = buf_bytes(&m->genesis),
                                          .archive = archive,
                                          .keep_states = keep};
    maker_must(chain_open(&chain, &options, &detail), "open", &detail);
    return chain;
}

uint64_t built_head_number(struct chain *chain)
{
    struct chain_head head;
    chain_head(chain, &head);
    uint64_t number = head.block->header.number;
    chain_head_release(&head);
    return number;
}

void built_expect(struct chain *chain, struct chain_block *block, enum chain_verdict wanted,
                  const char *text)
{
    enum chain_verdict verdict = CHAIN_VALID;
    struct err_detail why = {""};
    uint64_t before = built_head_number(chain);
    assert_int_equal(chain_commit(chain, &verdict, &why, block), 0);
    if (verdict != wanted || !strstr(why.text, text))
        fail_msg("%s: %s, wanted %s: %s", chain_verdict_text(verdict), why.text,
                 chain_verdict_text(wanted), text);
    assert_int_equal(built_head_number(chain), before + (wanted == CHAIN_VALID));
}
