/* What another party's node asks and answers in an audit: any bytes are a question or an answer, which are written as they are read, or none. */
#include "base/fuzz/fuzz.h"
#include "node/audit/note.h"

#include <stdlib.h>

static void question(struct bytes text)
{
    struct node_audit_question q, again;
    char topic[NODE_AUDIT_TOPIC_SIZE];
    struct buf written = BUF_INIT;
    if (!node_audit_read_question(&q, text))
        return;
    node_audit_topic(topic, &q);
    if (strlen(topic) + 1 != NODE_AUDIT_TOPIC_SIZE)
        abort();
    node_audit_write_question(&written, &q);
    if (!node_audit_read_question(&again, buf_bytes(&written)) || strcmp(q.id, again.id) != 0 ||
        q.kind != again.kind || q.block != again.block ||
        !hash256_equal(&q.block_hash, &again.block_hash) ||
        !hash256_equal(&q.transaction, &again.transaction) ||
        memcmp(q.payload.b, again.payload.b, sizeof(q.payload.b)) != 0 ||
        !address_equal(&q.contract, &again.contract) ||
        memcmp(q.salt, again.salt, sizeof(q.salt)) != 0 || !hash256_equal(&q.digest, &again.digest))
        abort();
    buf_release(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum node_audit_answer answer, again;
    uint64_t head, same;
    struct buf written = BUF_INIT;
    question(bytes_of(data, size));
    if (node_audit_read_answer(&answer, &head, bytes_of(data, size))) {
        node_audit_write_answer(&written, answer, head);
        if (!node_audit_read_answer(&again, &same, buf_bytes(&written)) || again != answer ||
            same != head)
            abort();
    }
    buf_release(&written);
    return 0;
}
