/* The table of methods as documents: what rpc_discover answers, and docs/. */
#ifndef RPC_METHODS_DOCUMENT_H
#define RPC_METHODS_DOCUMENT_H

#include "rpc/method.h"

/* Appends an OpenRPC document of all methods, by name. ERR_NOMEM. */
int rpc_document_openrpc(struct buf *b) BASE_NODISCARD;
/* Appends the page of all methods, a table for each namespace. ERR_NOMEM. */
int rpc_document_page(struct buf *b) BASE_NODISCARD;

#endif
