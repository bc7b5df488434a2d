#include "node/ethstats/session.h"

#include "rpc/json/json.h"

#include <stdio.h>
#include <stdlib.h>

void node_ethstats_init(struct node_ethstats_session *session)
{
    *session = (struct node_ethstats_session){.state = NODE_ETHSTATS_CLOSED};
    buf_init(&session->primus);
}

void node_ethstats_release(struct node_ethstats_session *session)
{
    buf_release(&session->primus);
}

void node_ethstats_open(struct node_ethstats_session *session, uint64_t now)
{
    session->state = NODE_ETHSTATS_LOGIN;
    session->todo = NODE_ETHSTATS_HELLO;
    session->opened = now;
    session->pinging = session->is_reading = false;
    session->strange_count = 0;
    session->heard = 0;
}

void node_ethstats_closed(struct node_ethstats_session *session)
{
    session->state = NODE_ETHSTATS_CLOSED;
    session->todo = 0;
}

static void end(struct node_ethstats_session *s, const char *message, const char *why)
{
    s->state = NODE_ETHSTATS_CLOSED;
    s->todo = NODE_ETHSTATS_END;
    s->end.message = message;
    s->end.why = why;
}

static void begin_report(struct node_ethstats_session *s, uint64_t now)
{
    s->todo |= NODE_ETHSTATS_PING;
    s->pinging = true;
    s->pinged = now;
    s->report_due = now + NODE_ETHSTATS_REPORT_MS;
    s->heard = 0;
}

uint64_t node_ethstats_due(const struct node_ethstats_session *session)
{
    if (session->state == NODE_ETHSTATS_CLOSED)
        return UINT64_MAX;
    if (session->state == NODE_ETHSTATS_LOGIN)
        return session->opened + NODE_ETHSTATS_LOGIN_MS;
    return session->pinging ? session->pinged + NODE_ETHSTATS_PONG_MS : session->report_due;
}

void node_ethstats_tick(struct node_ethstats_session *session, uint64_t now)
{
    if (now < node_ethstats_due(session))
        return;
    if (session->state == NODE_ETHSTATS_LOGIN)
        end(session, "Stats login failed", "timed out");
    else if (session->pinging)
        end(session, session->is_first ? "Initial stats report failed" : "Full stats report failed",
            "ping timed out");
    else
        begin_report(session, now);
}

void node_ethstats_new_head(struct node_ethstats_session *session)
{
    if (session->state == NODE_ETHSTATS_OPEN)
        session->todo |= NODE_ETHSTATS_BLOCK | NODE_ETHSTATS_PENDING;
}

void node_ethstats_new_transactions(struct node_ethstats_session *session, uint64_t now)
{
    if (session->state != NODE_ETHSTATS_OPEN || now < session->pending_next)
        return;
    session->pending_next = now + NODE_ETHSTATS_PENDING_MS;
    session->todo |= NODE_ETHSTATS_PENDING;
}

void node_ethstats_history_done(struct node_ethstats_session *session)
{
    session->is_reading = false;
}

unsigned node_ethstats_take(struct node_ethstats_session *session)
{
    unsigned may = NODE_ETHSTATS_HELLO | NODE_ETHSTATS_PING | NODE_ETHSTATS_PRIMUS |
                   NODE_ETHSTATS_STRANGE | NODE_ETHSTATS_END;
    if (!session->pinging)
        may |= NODE_ETHSTATS_LATENCY | NODE_ETHSTATS_BLOCK | NODE_ETHSTATS_PENDING |
               NODE_ETHSTATS_STATS | NODE_ETHSTATS_HISTORY;
    unsigned taken = session->todo & may;
    session->todo &= ~taken;
    session->is_reading |= (taken & NODE_ETHSTATS_HISTORY) != 0;
    return taken;
}

/* --- Messages --- */

static bool is_text(struct bytes value)
{
    return value.len && rpc_json_kind(value) == RPC_JSON_STRING;
}

/* Whether a value is that string. None that is asked for is written with escapes by anybody. */
static bool says(struct bytes value, const char *word)
{
    return is_text(value) && bytes_equal(bytes_slice(value, 1, value.len - 2), bytes_str(word));
}

/* The members of {"emit":[…]}, the first two of them; how many there are. 0: it is none, or empty. */
static size_t read_emit(struct bytes ret_items[2], struct bytes message)
{
    struct rpc_json_walk walk;
    struct bytes list = rpc_json_find(message, "emit"), item;
    size_t count = 0;
    if (list.len == 0 || rpc_json_kind(list) != RPC_JSON_ARRAY)
        return 0;
    rpc_json_walk_begin(&walk, list);
    for (; rpc_json_element(&walk, &item); count++)
        if (count < 2)
            ret_items[count] = item;
    return count;
}

/* "primus::ping::<anything>"; each "ping" in it becomes a "pong", as at GoQuorum's. False: it is something else. */
static bool answer_primus(struct node_ethstats_session *s, struct bytes value)
{
    static const char prefix[] = "\"primus::ping::";
    const size_t len = sizeof(prefix) - 1;
    if (!is_text(value) || value.len < len || memcmp(value.data, prefix, len) != 0)
        return false;
    buf_clear(&s->primus);
    buf_append_bytes(&s->primus, value);
    for (size_t i = 0; i + 4 <= s->primus.len; i++)
        if (memcmp(s->primus.data + i, "ping", 4) == 0)
            s->primus.data[i + 1] = 'o';
    if (buf_status(&s->primus) == 0)
        s->todo |= NODE_ETHSTATS_PRIMUS;
    return true;
}

/* Some of what it says, for the log; what is not printed there, or would be taken for more than a word, is left out. */
static void strange(struct node_ethstats_session *s, struct bytes command)
{
    size_t len = 0;
    if (s->strange_count++ >= NODE_ETHSTATS_STRANGE_TOLD)
        return;
    for (size_t i = 1; i + 1 < command.len && len < sizeof(s->strange) - 1; i++)
        if (command.data[i] > ' ' && command.data[i] < 127 && command.data[i] != '"')
            s->strange[len++] = (char)command.data[i];
    s->strange[len] = 0;
    s->todo |= NODE_ETHSTATS_STRANGE;
}

static void on_pong(struct node_ethstats_session *s, uint64_t now)
{
    if (!s->pinging) {
        end(s, "Stats server pinger seems to have died", NULL);
        return;
    }
    s->pinging = s->is_first = false;
    s->latency_ms = (now - s->pinged) / 2;
    s->todo |=
        NODE_ETHSTATS_LATENCY | NODE_ETHSTATS_BLOCK | NODE_ETHSTATS_PENDING | NODE_ETHSTATS_STATS;
}

/* As Go reads numbers into a double, and a double into a block's number. */
static uint64_t block_number(struct bytes value)
{
    char text[32];
    if (value.len >= sizeof(text))
        return UINT64_MAX;
    snprintf(text, sizeof(text), "%.*s", (int)value.len, (const char *)value.data);
    double number = strtod(text, NULL);
    return number >= 0 && number < 9007199254740992.0 /* 2^53 */ ? (uint64_t)number : UINT64_MAX;
}

static void read_list(struct node_ethstats_session *s, struct bytes list)
{
    struct rpc_json_walk walk;
    struct bytes item;
    size_t count = 0;
    rpc_json_walk_begin(&walk, list);
    while (rpc_json_element(&walk, &item)) {
        if (rpc_json_kind(item) != RPC_JSON_NUMBER) {
            end(s, "Invalid stats history block number", NULL);
            return;
        }
        if (count < NODE_ETHSTATS_HISTORY_MAX)
            s->asked[count++] = block_number(item);
    }
    s->asked_count = count;
    s->todo |= NODE_ETHSTATS_HISTORY;
}

static void on_history(struct node_ethstats_session *s, const struct bytes items[2])
{
    if (s->is_reading || s->todo & NODE_ETHSTATS_HISTORY) {
        strange(s, items[0]); /* one at a time */
        return;
    }
    if (rpc_json_kind(items[1]) != RPC_JSON_OBJECT) {
        s->asked_count = 0;
        s->todo |= NODE_ETHSTATS_HISTORY;
        return;
    }
    struct bytes list = rpc_json_find(items[1], "list");
    if (list.len == 0 || rpc_json_kind(list) != RPC_JSON_ARRAY)
        end(s, "Invalid stats history block list", NULL);
    else
        read_list(s, list);
}

static void on_login(struct node_ethstats_session *s, const struct bytes *items, size_t count,
                     uint64_t now)
{
    if (count != 1 || !says(items[0], "ready")) {
        end(s, "Stats login failed", "unauthorized");
        return;
    }
    s->state = NODE_ETHSTATS_OPEN;
    s->is_first = true;
    begin_report(s, now);
}

static void on_message(struct node_ethstats_session *s, struct bytes value, uint64_t now)
{
    struct bytes items[2];
    if (rpc_json_kind(value) != RPC_JSON_OBJECT) {
        end(s, "Failed to decode stats server message", NULL);
        return;
    }
    size_t count = read_emit(items, value);
    if (count == 0)
        end(s, "Stats server sent non-broadcast", NULL);
    else if (!is_text(items[0]))
        end(s, "Invalid stats server message type", NULL);
    else if (count == 2 && says(items[0], "node-pong"))
        on_pong(s, now);
    else if (count == 2 && says(items[0], "history"))
        on_history(s, items);
    else
        strange(s, items[0]);
}

void node_ethstats_message(struct node_ethstats_session *session, struct bytes text, uint64_t now)
{
    struct node_ethstats_session *s = session;
    struct bytes value, items[2];
    if (s->state == NODE_ETHSTATS_CLOSED)
        return;
    s->heard += text.len + 64;
    if (s->heard > NODE_ETHSTATS_HEARD_MAX) {
        end(s, "Stats server sends too much", NULL);
        return;
    }
    bool is_json = rpc_json_first(&value, text) == RPC_JSON_VALUE;
    if (s->state == NODE_ETHSTATS_LOGIN) {
        size_t count =
            is_json && rpc_json_kind(value) == RPC_JSON_OBJECT ? read_emit(items, value) : 0;
        on_login(s, items, count, now);
    } else if (!is_json) {
        end(s, "Failed to retrieve stats server message", "it is no JSON");
    } else if (!answer_primus(s, value)) {
        on_message(s, value, now);
    }
}
