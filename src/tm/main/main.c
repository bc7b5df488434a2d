#include "tm/main/main.h"

int tm_main(int argc, char **argv)
{
    const char *name = argc > 0 ? argv[0] : "";
    const char *slash = strrchr(name, '/');
    if (slash)
        name = slash + 1;
    if (strcmp(name, "constellation-node") == 0)
        return tm_constellation(argc - 1, argv + 1);
    return tm_tessera(argc > 0 ? argc - 1 : 0, argv + 1);
}
