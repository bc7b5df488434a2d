#include "evmtool/evmtool.h"

int main(int argc, char **argv)
{
    return evmtool_main(argc, argv);
}
