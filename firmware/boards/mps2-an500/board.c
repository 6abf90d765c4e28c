/* Arm MPS2 with image AN500 (Cortex-M7): an emulated board only, for tests. All of it is in chips/mps2.c. */
#include "board.h"

const char board_name[] = "mps2-an500";
