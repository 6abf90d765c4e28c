#include "nv.h"

#include "cpu.h"

static volatile const uint8_t *at(uint32_t offset) {
    return nv_start + offset;
}

bool nv_holds(uint32_t offset, size_t n, uint32_t unit) {
    return offset <= board_nv.bytes && n <= board_nv.bytes - offset && ((offset | n) & (unit - 1u)) == 0;
}

bool nv_erased(uint32_t offset) {
    for (uint32_t i = 0; i < board_nv.erase; i += 4)
        if (REG(nv_start + offset + i) != 0xFFFFFFFFu) return false;
    return true;
}

bool nv_reads(uint32_t offset, const void *bytes, size_t n) {
    const uint8_t *expected = bytes;
    for (uint32_t i = 0; i < n; i++)
        if (*at(offset + i) != expected[i]) return false;
    return true;
}

bool board_nv_read(uint32_t offset, void *bytes, size_t n) {
    uint8_t *to = bytes;
    if (!nv_holds(offset, n, 1)) return false;
    for (uint32_t i = 0; i < n; i++) to[i] = *at(offset + i);
    return true;
}
