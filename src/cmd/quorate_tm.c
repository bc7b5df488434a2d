#include "tm/main/main.h"

int main(int argc, char **argv)
{
    return tm_main(argc, argv);
}
