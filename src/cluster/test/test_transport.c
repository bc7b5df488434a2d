/* Members that talk over real sockets, and strangers. */
#include "cluster/transport.h"
#include "consensus/raft/cluster.h"
#include "io/stream.h"
#include "io/timer.h"
#include "tests/support/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { PATIENCE_MS = 20000 };

struct member {
    struct cluster_transport *transport;
    uint64_t removed, told_removed;
    size_t messages, unreachable, arrived, failed;
    struct raft_message last;
};

static struct io_loop *loop;
static struct member members[3];
static uint16_t ports[3]; /* of this process's own: a member that comes back listens where it was */

static bool is_removed(void *context, uint64_t id)
{
    return ((struct member *)context)->removed == id && id;
}

static void on_message(void *context, const struct raft_message *m)
{
    struct member *self = context;
    self->messages++;
    self->last = *m;
}

static void on_unreachable(void *context, uint64_t id)
{
    (void)id;
    ((struct member *)context)->unreachable++;
}

static void on_snapshot(void *context, uint64_t id, bool arrived)
{
    struct member *self = context;
    (void)id;
    *(arrived ? &self->arrived : &self->failed) += 1;
}

static void on_removed(void *context, uint64_t by)
{
    ((struct member *)context)->told_removed = by;
}

static void make(size_t i, uint64_t cluster)
{
    struct err_detail why = {""};
    struct cluster_transport_options o = {.loop = loop,
                                          .id = i + 1,
                                          .cluster = cluster,
                                          .host = "127.0.0.1",
                                          .port = ports[i],
                                          .context = &members[i],
                                          .is_removed = is_removed,
                                          .message = on_message,
                                          .unreachable = on_unreachable,
                                          .snapshot = on_snapshot,
                                          .removed = on_removed};
    char url[64];
    memset(&members[i], 0, sizeof(members[i]));
    assert_int_equal(cluster_transport_new(&members[i].transport, &o), ERR_OK);
    if (cluster_transport_start(members[i].transport, &why) != ERR_OK)
        fail_msg("%s", why.text);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", ports[i]);
    cluster_transport_set_url(members[i].transport, url);
}

static void know(size_t i, size_t k)
{
    assert_int_equal(cluster_transport_add(members[i].transport, k + 1, "127.0.0.1", ports[k]),
                     ERR_OK);
}

#define UNTIL(condition)                                                                           \
    for (uint64_t end = io_loop_now(loop) + PATIENCE_MS; !(condition);) {                          \
        assert_true(io_loop_now(loop) < end);                                                      \
        io_loop_turn(loop, true);                                                                  \
    }

static int setup(void **state)
{
    (void)state;
    return io_loop_new(&loop);
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        cluster_transport_free(members[i].transport);
        members[i].transport = NULL;
    }
    io_loop_free(loop);
    return 0;
}

static void send_heartbeat(size_t from, uint64_t to, uint64_t term)
{
    const struct raft_message m = {
        .type = RAFT_HEARTBEAT, .from = from + 1, .to = to, .term = term, .commit = 5};
    cluster_transport_send(members[from].transport, &m);
}

static void streams(void **state)
{
    (void)state;
    make(0, RAFT_CLUSTER_ID);
    make(1, RAFT_CLUSTER_ID);
    know(0, 1);
    know(1, 0);
    UNTIL(cluster_transport_active(members[0].transport, 2) &&
          cluster_transport_active(members[1].transport, 1));
    send_heartbeat(0, 2, 9);
    UNTIL(members[1].messages == 1);
    assert_int_equal(members[1].last.term, 9);
    struct raft_entry entries[] = {{.term = 9, .index = 3, .data = bytes_str("a block")},
                                   {.term = 9, .index = 4}};
    struct raft_message app = {.type = RAFT_APP,
                               .from = 1,
                               .to = 2,
                               .term = 9,
                               .log_term = 8,
                               .index = 2,
                               .entries = entries,
                               .entry_count = 2};
    cluster_transport_send(members[0].transport, &app);
    app = (struct raft_message){
        .type = RAFT_APP, .from = 1, .to = 2, .term = 9, .log_term = 9, .index = 4, .commit = 4};
    cluster_transport_send(members[0].transport, &app); /* in short */
    UNTIL(members[1].messages == 3);
    assert_int_equal(members[1].last.index, 4);
    assert_int_equal(members[1].last.commit, 4);
    UNTIL(cluster_transport_all_pre_vote(members[0].transport));
    /* One goes and comes back. */
    cluster_transport_free(members[1].transport);
    UNTIL(!cluster_transport_active(members[0].transport, 2));
    make(1, RAFT_CLUSTER_ID);
    know(1, 0);
    UNTIL(cluster_transport_active(members[0].transport, 2));
}

static void posts(void **state)
{
    (void)state;
    make(0, RAFT_CLUSTER_ID);
    make(1, RAFT_CLUSTER_ID);
    know(
        0,
        1); /* the other knows nobody: streams are refused, posts are not, and it learns whom to answer */
    const struct raft_message snap = {.type = RAFT_SNAP,
                                      .from = 1,
                                      .to = 2,
                                      .term = 3,
                                      .snapshot = {.index = 7, .term = 3, .data = bytes_str("s")}};
    cluster_transport_send(members[0].transport, &snap);
    UNTIL(members[0].arrived == 1);
    assert_int_equal(members[1].last.snapshot.index, 7);
    send_heartbeat(1, 1, 4);
    UNTIL(members[0].messages == 1);
    /* Nobody listens. */
    cluster_transport_free(members[1].transport);
    members[1].transport = NULL;
    cluster_transport_send(members[0].transport, &snap);
    UNTIL(members[0].failed == 1 && members[0].unreachable > 0);
}

static void a_removed_member(void **state)
{
    (void)state;
    make(0, RAFT_CLUSTER_ID);
    make(1, RAFT_CLUSTER_ID);
    members[0].removed = 2;
    know(1, 0);
    UNTIL(members[1].told_removed == 1);
    send_heartbeat(1, 1, 4);
    UNTIL(members[1].unreachable > 0);
    assert_int_equal(members[0].messages, 0);
}

static void another_cluster(void **state)
{
    (void)state;
    make(0, RAFT_CLUSTER_ID);
    make(1, 0x1001);
    know(0, 1);
    know(1, 0);
    send_heartbeat(1, 1, 4);
    UNTIL(members[1].unreachable > 0);
    assert_int_equal(members[0].messages, 0);
    assert_false(cluster_transport_active(members[0].transport, 2));
}

/* --- Strangers, byte by byte --- */

struct stranger {
    struct buf answer;
    bool closed;
};

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    (void)stream;
    buf_append_bytes(&((struct stranger *)context)->answer, data);
}

static void on_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream, (void)status, (void)message;
    ((struct stranger *)context)->closed = true;
}

static const struct io_stream_ops ops = {.read = on_read, .closed = on_closed};

static void ask(const char *request, const char *want)
{
    struct stranger s = {BUF_INIT, false};
    struct io_stream *stream;
    assert_int_equal(io_connect_tcp(&stream, loop, "127.0.0.1", ports[0], 5000, &ops, &s), ERR_OK);
    io_stream_write(stream, bytes_str(request));
    if (want) {
        UNTIL(s.closed || (s.answer.len && strstr(buf_text(&s.answer), want)));
        assert_false(s.closed);
        io_stream_close(stream);
    } else {
        UNTIL(s.closed);
    }
    buf_release(&s.answer);
}

#define HEAD                                                                                       \
    "Host: x\r\nX-Etcd-Cluster-Id: 1000\r\nX-Server-Version: 3.3.13\r\nX-Min-Cluster-Version: "    \
    "3.0.0\r\n"

static void strangers(void **state)
{
    static const char *const rows[][2] = {
        {"GET /raft/probing HTTP/1.1\r\nHost: x\r\n\r\n", "{\"OK\":true,\"Now\":\""},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"},
        {"GET /raft HTTP/1.1\r\n" HEAD "\r\n", "405 Method Not Allowed"},
        {"GET /raft/stream/msgapp/9 HTTP/1.1\r\n" HEAD "X-Server-From: 9\r\nX-Raft-To: 1\r\n\r\n",
         "error sender not found\n"},
        {"GET /raft/stream/other/9 HTTP/1.1\r\n" HEAD "\r\n", "404 Not Found"},
        {"GET /raft/stream/message/2 HTTP/1.1\r\n" HEAD "X-Server-From: 2\r\nX-Raft-To: 7\r\n\r\n",
         "to field mismatch\n"},
        {"POST /raft HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "incompatible version\n"},
        {"POST /raft HTTP/1.1\r\nHost: x\r\nX-Etcd-Cluster-Id: 7\r\nX-Server-Version: 3.3.13\r\n"
         "X-Min-Cluster-Version: 3.0.0\r\nContent-Length: 0\r\n\r\n",
         "cluster ID mismatch\n"},
        {"POST /raft HTTP/1.1\r\n" HEAD "Content-Length: 3\r\n\r\n\xff\xff\xff",
         "error unmarshalling raft message\n"},
        {"POST /raft HTTP/1.1\r\n" HEAD "Content-Length: 0\r\n\r\n", "204 No Content"},
        {"POST /raft HTTP/1.1\r\n" HEAD "Content-Length: 99999999999\r\n\r\n", NULL},
        {"\r\n\r\n\r\n", NULL},
        {"nothing that is HTTP\r\n\r\n", NULL},
    };
    (void)state;
    make(0, RAFT_CLUSTER_ID);
    know(0, 1);
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        ask(rows[i][0], rows[i][1]);
}

static int take_ports(void **state)
{
    (void)state;
    do
        for (size_t i = 0; i < 3; i++)
            ports[i] = port_free();
    while (ports[0] == ports[1] || ports[0] == ports[2] || ports[1] == ports[2]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(streams, setup, teardown),
        cmocka_unit_test_setup_teardown(posts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_removed_member, setup, teardown),
        cmocka_unit_test_setup_teardown(another_cluster, setup, teardown),
        cmocka_unit_test_setup_teardown(strangers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, take_ports, NULL);
}
