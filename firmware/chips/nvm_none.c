/* board_nvm for a board that stores no checkpoints: the device then refuses the commands SAVE and LOAD. */
#include "board.h"

const board_nvm_info board_nvm = {0, 0, 0};

bool board_nvm_read(uint32_t offset, void *bytes, size_t n) {
    (void)offset, (void)bytes, (void)n;
    return false;
}

bool board_nvm_erase(uint32_t offset) {
    (void)offset;
    return false;
}

bool board_nvm_write(uint32_t offset, const void *bytes, size_t n) {
    (void)offset, (void)bytes, (void)n;
    return false;
}
