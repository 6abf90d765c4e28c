/* Non-volatile memory that is mapped, so that it is read like any other: what such boards share of board_nv_*.
 * memory.ld gives nv_start (and nv_bytes, where the driver takes it from there). nv_mapped.c has board_nv_read() and
 * the functions below; erasing and writing are the driver's. A board without such memory takes nv_none.c instead. */
#ifndef NV_H
#define NV_H

#include "board.h"

extern uint8_t nv_start[], nv_bytes[];

/* Whether [offset, offset + n) lies in the region and is made of whole units (bytes, a power of two). */
bool nv_holds(uint32_t offset, size_t n, uint32_t unit);

/* Whether the erase unit at `offset` reads as erased. */
bool nv_erased(uint32_t offset);

/* Whether n bytes at `offset` read as these. */
bool nv_reads(uint32_t offset, const void *bytes, size_t n);

/* Four bytes at any address as the word that flash takes. */
static inline uint32_t nv_word(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

#endif
