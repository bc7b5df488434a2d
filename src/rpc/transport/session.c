#include "rpc/transport/session.h"

#include "rpc/dispatch/priv.h"

void rpc_session_init(struct rpc_session *session, struct rpc *rpc, struct rpc_access access)
{
    *session = (struct rpc_session){.rpc = rpc, .access = access};
    session->access.subscriptions = true;
    buf_init(&session->held);
    buf_init(&session->marks);
}

static bool has(struct bytes text, const char *word)
{
    return text.len && memmem(text.data, text.len, word, strlen(word));
}

/* Each method's name has the word, and only an escape could hide it. */
bool rpc_may_subscribe(struct bytes message)
{
    return has(message, "ubscribe") || has(message, "\\u");
}

static void forget_held(struct rpc_session *session)
{
    io_sum_change(&session->rpc->written, &session->counted, 0);
    buf_release(&session->held);
    buf_release(&session->marks);
}

void rpc_session_release(struct rpc_session *session)
{
    rpc_events_leave(session);
    forget_held(session);
}

void rpc_session_tell(struct rpc_session *session, struct bytes text)
{
    if (session->overran)
        return;
    if (session->asking == 0) {
        session->send(session->context, text);
    } else {
        buf_append_bytes(&session->held, text);
        buf_append(&session->marks, &text.len, sizeof(text.len));
        if (session->held.len > RPC_ANSWER_SHARE)
            io_sum_change(&session->rpc->written, &session->counted, session->held.len);
    }
    size_t unread = session->held.len + session->unread(session->context);
    if (buf_status(&session->held) || buf_status(&session->marks) || unread > RPC_UNREAD_MAX ||
        (unread > RPC_ANSWER_SHARE && rpc_is_full(session->rpc))) {
        session->overran = true;
        rpc_events_overrun(session->rpc);
    }
}

struct rpc_exchange *rpc_session_ask(struct rpc_session *session, struct buf *message,
                                     rpc_answer_fn *fn, void *context)
{
    session->asking++;
    return rpc_ask_as(session->rpc, session->access, session, message, fn, context);
}

void rpc_session_answered(struct rpc_session *session)
{
    assert(session->asking > 0);
    if (--session->asking || session->held.len == 0)
        return;
    size_t at = 0, len;
    for (size_t i = 0; i + sizeof(len) <= session->marks.len; i += sizeof(len)) {
        memcpy(&len, session->marks.data + i, sizeof(len));
        session->send(session->context, bytes_slice(buf_bytes(&session->held), at, len));
        at += len;
    }
    forget_held(session);
}
