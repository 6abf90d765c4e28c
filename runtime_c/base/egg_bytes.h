/* CRC-32, and little-endian fields at any address: the byte formats of frames and checkpoints. */
#ifndef EGG_BYTES_H
#define EGG_BYTES_H

#include "base/egg_types.h"

/* CRC-32 as zlib computes it. Start with crc = 0. Longer data may come in pieces: pass the result of one piece as the
 * `crc` of the next. */
uint32_t egg_crc32(uint32_t crc, const void *data, size_t bytes);

/* Reads an unsigned field of 2 or 4 bytes. */
static inline uint32_t egg_get16(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t egg_get32(const uint8_t *p) {
    return egg_get16(p) | egg_get16(p + 2) << 16;
}

/* Writes the low 2 or 4 bytes of x. Returns the address behind the field. */
static inline uint8_t *egg_put16(uint8_t *p, uint32_t x) {
    *p++ = (uint8_t)x;
    *p++ = (uint8_t)(x >> 8);
    return p;
}

static inline uint8_t *egg_put32(uint8_t *p, uint32_t x) {
    return egg_put16(egg_put16(p, x), x >> 16);
}

#endif
