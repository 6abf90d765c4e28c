/* Reads and checks non-volatile memory that is mapped into the address space. */
#include "chips/nvm.h"

#include "common/cpu.h"

static volatile const uint8_t *at(uint32_t offset) {
    return nvm_start + offset;
}

bool nvm_holds(uint32_t offset, size_t n, uint32_t unit) {
    return offset <= board_nvm.bytes && n <= board_nvm.bytes - offset && ((offset | n) & (unit - 1u)) == 0;
}

bool nvm_is_erased(uint32_t offset) {
    for (uint32_t i = 0; i < board_nvm.erase; i += 4)
        if (REG(nvm_start + offset + i) != 0xFFFFFFFFu) return false;
    return true;
}

bool nvm_equals(uint32_t offset, const void *bytes, size_t n) {
    const uint8_t *expected = bytes;
    for (uint32_t i = 0; i < n; i++)
        if (*at(offset + i) != expected[i]) return false;
    return true;
}

bool board_nvm_read(uint32_t offset, void *bytes, size_t n) {
    uint8_t *to = bytes;
    if (!nvm_holds(offset, n, 1)) return false;
    for (uint32_t i = 0; i < n; i++) to[i] = *at(offset + i);
    return true;
}
