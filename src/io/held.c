#include "io/held.h"

struct io_sum io_held_sum;
