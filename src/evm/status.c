#include "evm/evm.h"

static const char *const status_texts[] = {
#define X(name, text) text,
    EVM_STATUS_LIST(X)
#undef X
};

const char *evm_status_text(enum evm_status status)
{
    return status_texts[status];
}
