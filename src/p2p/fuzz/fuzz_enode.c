/* Any text as a node URL: what is accepted, printed, is accepted again and is the same; what is not, says why. */
#include "base/fuzz/fuzz.h"
#include "base/mem.h"
#include "p2p/enode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct p2p_enode enode, again;
    struct err_detail detail = {""};
    char *text = mem_alloc(size + 1), printed[P2P_ENODE_TEXT];
    memcpy(text, data, size);
    text[size] = 0;
    int status = p2p_enode_parse(&enode, text, &detail);
    if (status == 0) {
        p2p_enode_format(printed, &enode);
        require(p2p_enode_parse(&again, printed, &detail) == 0);
        require(memcmp(&enode, &again, sizeof(enode)) == 0);
    } else {
        require(status == ERR_INPUT && detail.text[0]);
    }
    mem_free(text);
    return 0;
}
