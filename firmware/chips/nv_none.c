/* A board without non-volatile memory for checkpoints. */
#include "board.h"

const board_nv_info board_nv = {0, 0, 0};

bool board_nv_read(uint32_t offset, void *bytes, size_t n) {
    (void)offset, (void)bytes, (void)n;
    return false;
}

bool board_nv_erase(uint32_t offset) {
    (void)offset;
    return false;
}

bool board_nv_write(uint32_t offset, const void *bytes, size_t n) {
    (void)offset, (void)bytes, (void)n;
    return false;
}
