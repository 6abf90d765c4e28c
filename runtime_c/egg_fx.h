/* Private inline arithmetic: the only place where limits and rounding shifts are written (DESIGN.md, top). */
#ifndef EGG_FX_H
#define EGG_FX_H

#include "egg_types.h"

/* The core relies on >> of a negative number being arithmetic, as on every compiler it supports. */
typedef char egg_fx_needs_arithmetic_shift[(-1 >> 1) == -1 ? 1 : -1];

static inline int32_t egg_clamp(int32_t x, int32_t limit) {
    return x > limit ? limit : x < -limit ? -limit : x;
}

/* rs(x, n): rounding shift, n 0..30, |x| + 2^(n-1) < 2^31. */
static inline int32_t egg_round_shift(int32_t x, uint32_t n) {
    return n == 0 ? x : (x + (int32_t)(1u << (n - 1u))) >> n;
}

static inline uint32_t egg_abs(int32_t x) {
    return x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
}

/* Padded length of a neuron array in a workspace. */
static inline uint32_t egg_pad(uint32_t n) {
    return (n + (EGG_PAD - 1u)) & ~(EGG_PAD - 1u);
}

/* Sets n bytes to zero; a loop, since there is no libc. */
static inline void egg_zero(void *p, size_t n) {
    uint8_t *b = (uint8_t *)p;
    while (n-- > 0) *b++ = 0;
}

static inline void egg_copy(void *to, const void *from, size_t n) {
    uint8_t *t = (uint8_t *)to;
    const uint8_t *f = (const uint8_t *)from;
    while (n-- > 0) *t++ = *f++;
}

#endif
