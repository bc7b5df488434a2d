/* debug: blocks as they are stored. */
#include "rpc/methods/methods.h"
#include "rpc/run/lookup.h"

static int write_block_rlp(struct rpc_call *call, struct chain_reader *reader, uint64_t number)
{
    struct bytes header, body;
    int status = chain_reader_header_rlp(reader, &header, number);
    if (status == 0)
        status = chain_reader_body_rlp(reader, &body, number);
    if (status == ERR_NOTFOUND)
        return rpc_fail(call, RPC_CODE_ERROR, "block #%llu not found", (unsigned long long)number);
    if (status)
        return rpc_reader_fail(call, reader, status);
    struct buf block = BUF_INIT;
    size_t list = rlp_begin(&block);
    buf_append_bytes(&block, header);
    buf_append_bytes(&block, body);
    rlp_end_list(&block, list);
    status = buf_status(&block);
    if (status == 0) { /* without 0x, as GoQuorum prints it */
        buf_append_byte(call->out, '"');
        uint8_t *to = buf_extend(call->out, block.len * 2);
        if (to)
            hex_encode((char *)to, buf_bytes(&block));
        buf_append_byte(call->out, '"');
    }
    buf_release(&block);
    return status;
}

static int get_block_rlp(struct rpc_call *call)
{
    struct chain_reader reader;
    struct hash256 hash;
    int status = rpc_reader_open(call, &reader);
    if (status)
        return status;
    /* rpc.BlockNumber(number): what does not fit into 63 bits is negative, and -1 the latest block, -2 the pending one. */
    uint64_t number = call->args[0].number;
    status = number >= UINT64_MAX - 1 ? chain_reader_head(&reader, &number, &hash) : 0;
    if (status == 0)
        status = write_block_rlp(call, &reader, number);
    else
        status = rpc_reader_fail(call, &reader, status);
    chain_reader_close(&reader);
    return status;
}

static const struct rpc_method methods[] = {
    {"debug_getBlockRlp",
     {{"number", RPC_NUMBER}},
     .work = get_block_rlp,
     .result = "the block's RLP, hex without 0x"},
};

const struct rpc_method_list rpc_methods_debug = {methods, BASE_COUNT(methods)};
