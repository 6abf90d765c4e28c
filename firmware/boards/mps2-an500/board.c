/* Arm MPS2 with FPGA image AN500 (Cortex-M7), for tests in an emulator. chips/mps2.c implements the rest of board.h. */
#include "board.h"

const char board_name[] = "mps2-an500";
