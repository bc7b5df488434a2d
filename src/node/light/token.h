/*
 * The token that a QLight client shows to its server, by p2p and by JSON-RPC (GoQuorum, qlight/token_holder.go): the value of HTTP's field
 * Authorization, so with its kind: "bearer eyJ…". It never stands in a log, nor in an error.
 */
#ifndef NODE_LIGHT_TOKEN_H
#define NODE_LIGHT_TOKEN_H

#include "base/buf.h"
#include "base/error.h"

struct node_light_token;

enum { NODE_LIGHT_TOKEN_MAX = 8192 }; /* bytes; servers of HTTP take no longer fields */

/* `value` may be empty: none yet. ERR_INPUT as node_light_token_set, ERR_NOMEM. */
int node_light_token_new(struct node_light_token **ret_token, const char *value,
                         struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void node_light_token_free(struct node_light_token *token);

/* Who is told of every change from now on, on the thread that changed it, the loop's; one at a time. `token` is valid during the call. NULL:
 * nobody. */
void node_light_token_watch(struct node_light_token *token,
                            void (*changed)(void *context, const char *token), void *context);
/* An empty one is taken: nothing is shown any more. The same one again is told, too. ERR_INPUT: longer than it may be, or with characters that no field has; ERR_NOMEM. On the loop. */
int node_light_token_set(struct node_light_token *token, struct bytes value,
                         struct err_detail *detail) BASE_NODISCARD;
/* Appends it. Any thread. Failures: buf_status(ret_value). The copy is the caller's to wipe. */
void node_light_token_get(struct node_light_token *token, struct buf *ret_value);

#endif
