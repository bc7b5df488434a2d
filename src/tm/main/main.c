#include "tm/main/main.h"

#include "base/mem.h"
#include "io/descriptor.h"

#include <signal.h>

int tm_main(int argc, char **argv)
{
    io_descriptors_raise();
    mem_keep_freed(); /* a payload of 64 KiB passes through some buffers of its size: a sixth of a send's time */
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on files is an error of a write, not the end */
    const char *name = argc > 0 ? argv[0] : "";
    const char *slash = strrchr(name, '/');
    if (slash)
        name = slash + 1;
    if (strcmp(name, "constellation-node") == 0)
        return tm_constellation(argc - 1, argv + 1);
    return tm_tessera(argc > 0 ? argc - 1 : 0, argv + 1);
}
