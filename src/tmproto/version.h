/* The versions that managers announce to each other, in the header tesseraSupportedApiVersions of every request
 * between them, and to their node at /version/api. */
#ifndef TMPROTO_VERSION_H
#define TMPROTO_VERSION_H

#include "base/buf.h"

#include <stdbool.h>

#define TMPROTO_VERSION_HEADER "tesseraSupportedApiVersions"

/* X(NAME, "as a header says it", "as /version/api says it"), what it adds */
#define TMPROTO_VERSION_LIST(X)                                                                    \
    X(V1, "v1", "1.0")                                                                             \
    X(V2, "v2", "2.0")    /* enhanced privacy */                                                   \
    X(V2_1, "2.1", "2.1") /* managed parties and sender in answers */                              \
    X(V3, "3.0", "3.0")   /* privacy groups */                                                     \
    X(V4, "4.0", "4.0")   /* mandatory recipients */                                               \
    X(V5, "5.0", "5.0")   /* CBOR */

enum tmproto_version {
#define X(name, header, api) TMPROTO_##name,
    TMPROTO_VERSION_LIST(X)
#undef X
        TMPROTO_VERSIONS
};

/* A set: bit 1 << version. An empty one is a peer that announces nothing: Constellation, or Tessera before 0.11. */
typedef unsigned tmproto_versions;

enum { TMPROTO_VERSIONS_ALL = (1 << TMPROTO_VERSIONS) - 1 };

static inline bool tmproto_versions_have(tmproto_versions set, enum tmproto_version version)
{
    return set >> version & 1;
}

/* Adds what one header line names; unknown versions are passed over. */
tmproto_versions tmproto_versions_parse(tmproto_versions set, struct bytes header);
/* Appends the header's value: "v1,v2,2.1", no blanks. */
void tmproto_versions_format(struct buf *b, tmproto_versions set);
/* Appends the answer of /version/api: ["1.0","2.0"]. */
void tmproto_versions_format_api(struct buf *b, tmproto_versions set);

#endif
