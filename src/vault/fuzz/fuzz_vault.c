/* Any answer of a vault, read in every way. */
#include "base/fuzz/fuzz.h"
#include "vault/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    json_t *answer, *part;
    char text[64];
    enum vault_kv kv;
    if (vault_answer_parse(&answer, bytes_of(data, len)) < 0)
        return 0;
    vault_answer_errors(text, sizeof(text), answer);
    vault_answer_policies(text, sizeof(text), answer);
    (void)vault_answer_token(answer);
    (void)!vault_answer_engine(&kv, answer);
    for (kv = VAULT_KV_1; kv <= VAULT_KV_2; kv++)
        if (vault_answer_fields(&part, answer, kv) == 0)
            vault_drop(part);
    if (vault_answer_names(&part, answer) == 0)
        vault_drop(part);
    vault_drop(answer);
    return 0;
}
