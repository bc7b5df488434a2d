#include "tm/main/main.h"

#include <malloc.h>
#include <signal.h>

enum { KEPT = 8 << 20, MAPPED_FROM = 1 << 20 };

/* A payload of 64 KiB passes through some buffers of its size. glibc gives each back to the kernel at once, and a sixth of
 * a send's time goes into getting fresh pages. */
static void keep_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT);
#endif
}

int tm_main(int argc, char **argv)
{
    keep_memory();
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on files is an error of a write, not the end */
    const char *name = argc > 0 ? argv[0] : "";
    const char *slash = strrchr(name, '/');
    if (slash)
        name = slash + 1;
    if (strcmp(name, "constellation-node") == 0)
        return tm_constellation(argc - 1, argv + 1);
    return tm_tessera(argc > 0 ? argc - 1 : 0, argv + 1);
}
