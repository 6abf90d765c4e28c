/* Helpers for boards whose non-volatile memory is mapped: the core reads it like any other memory, at nvm_start. A
 * driver adds what erases and writes it.
 *
 *   nvm_mapped.c   board_nvm_read() and the functions below, for such boards
 *   nvm_none.c     board_nvm and its three functions, for boards that store no checkpoints */
#ifndef NVM_H
#define NVM_H

#include "board.h"

/* Defined by memory.ld. The address of nvm_start is where the region begins. The address of nvm_bytes is its size, for
 * drivers that take the size from there. */
extern uint8_t nvm_start[], nvm_bytes[];

/* Returns whether the n bytes at `offset` are inside the region, and both n and offset are multiples of `unit`, a power
 * of two. */
bool nvm_holds(uint32_t offset, size_t n, uint32_t unit);

/* Returns whether all bits of the erase unit at `offset` are set. */
bool nvm_is_erased(uint32_t offset);

/* Returns whether the n bytes at `offset` equal those at `bytes`. */
bool nvm_equals(uint32_t offset, const void *bytes, size_t n);

/* Returns the four bytes at p as a word. p may have any alignment. */
static inline uint32_t nvm_word(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

#endif
