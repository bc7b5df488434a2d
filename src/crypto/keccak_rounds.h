/*
 * Keccak-f[1600] once, for every width: no include guard, because each implementation includes it
 * with its own idea of a lane. Before it, define
 *
 *   LANE              the type: one lane, or the same lane of several states side by side
 *   LANE_TARGET       attributes of every function, such as the instruction set
 *   lane_xor3(a, b, c), lane_rotate(a, n), lane_chi(a, b, c) = a ^ (~b & c), lane_constant(round)
 *
 * The state lives in 25 variables; a round reads one set of them and writes another, so that theta,
 * rho, pi and chi need no separate moves.
 */

#define ROUND_FN static inline __attribute__((always_inline)) LANE_TARGET

ROUND_FN LANE keccak_column(const LANE *a)
{
    return lane_xor3(lane_xor3(a[0], a[5], a[10]), a[15], a[20]);
}

ROUND_FN void keccak_row(LANE *e, LANE b0, LANE b1, LANE b2, LANE b3, LANE b4)
{
    e[0] = lane_chi(b0, b1, b2);
    e[1] = lane_chi(b1, b2, b3);
    e[2] = lane_chi(b2, b3, b4);
    e[3] = lane_chi(b3, b4, b0);
    e[4] = lane_chi(b4, b0, b1);
}

ROUND_FN void keccak_round(LANE e[25], const LANE a[25], LANE constant)
{
    LANE c0 = keccak_column(a), c1 = keccak_column(a + 1), c2 = keccak_column(a + 2),
         c3 = keccak_column(a + 3), c4 = keccak_column(a + 4);
    LANE r0 = lane_rotate(c0, 1), r1 = lane_rotate(c1, 1), r2 = lane_rotate(c2, 1),
         r3 = lane_rotate(c3, 1), r4 = lane_rotate(c4, 1);

/* Lane i of column x after theta and rho. */
#define MIXED(i, c, r, by) lane_rotate(lane_xor3(a[i], c, r), by)
    keccak_row(e, lane_xor3(a[0], c4, r1), MIXED(6, c0, r2, 44), MIXED(12, c1, r3, 43),
               MIXED(18, c2, r4, 21), MIXED(24, c3, r0, 14));
    e[0] = lane_xor(e[0], constant);
    keccak_row(e + 5, MIXED(3, c2, r4, 28), MIXED(9, c3, r0, 20), MIXED(10, c4, r1, 3),
               MIXED(16, c0, r2, 45), MIXED(22, c1, r3, 61));
    keccak_row(e + 10, MIXED(1, c0, r2, 1), MIXED(7, c1, r3, 6), MIXED(13, c2, r4, 25),
               MIXED(19, c3, r0, 8), MIXED(20, c4, r1, 18));
    keccak_row(e + 15, MIXED(4, c3, r0, 27), MIXED(5, c4, r1, 36), MIXED(11, c0, r2, 10),
               MIXED(17, c1, r3, 15), MIXED(23, c2, r4, 56));
    keccak_row(e + 20, MIXED(2, c1, r3, 62), MIXED(8, c2, r4, 55), MIXED(14, c3, r0, 39),
               MIXED(15, c4, r1, 41), MIXED(21, c0, r2, 2));
#undef MIXED
}

/* All 24 rounds, on a state in variables of the caller. */
ROUND_FN void keccak_rounds(LANE a[25])
{
    for (unsigned round = 0; round < 24; round += 2) {
        LANE e[25];
        keccak_round(e, a, lane_constant(round));
        keccak_round(a, e, lane_constant(round + 1));
    }
}

#undef ROUND_FN
