/* network.yaml as anybody may write it: it is read, or its faults are named; for either target. */
#include "base/fuzz/fuzz.h"
#include "deploy/network/network.h"

#include <stdlib.h>

static void read_for(struct bytes text, enum deploy_target target)
{
    struct arena arena;
    struct deploy_report report;
    const struct deploy_network *network;
    struct buf out = BUF_INIT;
    arena_init(&arena);
    deploy_report_init(&report, "network.yaml", &arena);
    int status = deploy_network_parse(&network, text, &target, &report);
    if (status != ERR_OK && status != ERR_NOMEM)
        abort();
    if (status == ERR_OK && !network && deploy_report_count(&report, DEPLOY_ERROR) == 0)
        abort(); /* refused without a word */
    deploy_report_print(&out, &report, true);
    buf_release(&out);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_for(bytes_of(data, size), DEPLOY_LOCAL);
    read_for(bytes_of(data, size), DEPLOY_KUBERNETES);
    return 0;
}
