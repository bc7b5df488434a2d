#include "node/tell.h"

#include "node/chain_thread.h"
#include "node/log/log.h"

#include <time.h>

enum { AGE_TOLD = 60 }; /* seconds that a block is old, if it is said */

void node_tell_segment(const struct node_segment *segment)
{
    const struct eth_header *header = &segment->last->header;
    uint64_t now = (uint64_t)time(NULL);
    double gas = (double)segment->gas, us = (double)(segment->took_us ? segment->took_us : 1);
    struct node_log_field fields[9] = {
        node_number("blocks", segment->blocks), node_number("txs", segment->transactions),
        node_real("mgas", gas / 1e6),           node_micros("elapsed", segment->took_us),
        node_real("mgasps", gas / us),          node_big("number", header->number),
        node_hash("hash", &segment->last->hash)};
    size_t count = 7;
    if (header->timestamp + AGE_TOLD < now)
        fields[count++] = node_age("age", header->timestamp, now);
    if (segment->known)
        fields[count++] = node_number("ignored", segment->known);
    if (node_log_enabled(NODE_LOG_INFO, __FILE__))
        node_log_write(NODE_LOG_INFO, (struct node_log_place){__FILE__, __LINE__},
                       "Imported new chain segment", fields, count);
}

void node_tell_built(const struct node_built *built)
{
    const struct chain_block *block = built->block;
    NODE_LOG(NODE_LOG_INFO, "Commit new mining work", node_big("number", block->header.number),
             node_hash("sealhash", &block->hash), node_number("uncles", 0),
             node_number("txs", built->transactions), node_number("gas", block->header.gas_used),
             node_micros("elapsed", built->took_us), node_number("offered", built->offered));
}

void node_tell_sealed(const struct chain_block *block, uint64_t took_ms)
{
    NODE_LOG(NODE_LOG_INFO, "Successfully sealed new block",
             node_big("number", block->header.number), node_hash("sealhash", &block->hash),
             node_hash("hash", &block->hash), node_millis("elapsed", took_ms));
    NODE_LOG(NODE_LOG_INFO, "🔨 mined potential block", node_number("number", block->header.number),
             node_hash("hash", &block->hash));
}
