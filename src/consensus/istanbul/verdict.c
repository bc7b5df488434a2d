#include "consensus/istanbul/verdict.h"

const char *istanbul_verdict_text(enum istanbul_verdict verdict)
{
    switch (verdict) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return text;
        ISTANBUL_VERDICT_LIST(X)
#undef X
    }
    return "unknown";
}
