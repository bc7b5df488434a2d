/* What three GoQuorum validators said in a live network, played to our machine in the place of the fourth: it comes to the
 * same blocks. */
#include "consensus/test/replay.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void in_the_fourth_place(void **state)
{
    (void)state;
    static struct replay p;
    replay_setup(&p, "wire-ibft", ISTANBUL_IBFT);
    replay_play(&p, &ibft_machine);
    replay_teardown(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_the_fourth_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
