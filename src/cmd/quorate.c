#include "deploy/deploy.h"

int main(int argc, char **argv)
{
    return deploy_main(argc, argv);
}
