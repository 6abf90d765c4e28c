/* Private to the core: limits, rounding shifts and polynomials, each written once (SPEC.md, top, and section 6).
 *
 * The macros are expressions without side effects. They serve an int32_t and a GNU vector of 32-bit elements alike, so
 * the loops of egg_loss.c and those of host/egg_simd_readout_impl.h share one text. */
#ifndef EGG_MATH_PRIVATE_H
#define EGG_MATH_PRIVATE_H

#include "base/egg_types.h"

/* The core relies on >> of a negative number being an arithmetic shift, as on every compiler that it supports. */
typedef char egg_math_needs_arithmetic_shift[(-1 >> 1) == -1 ? 1 : -1];

/* One bit of fitness or loss, in 1/4096 bit. */
#define EGG_ONE_BIT 4096

/* What a rounding shift by n >= 1 adds: half of the last bit that remains. */
#define EGG_ROUND_HALF(n) (1 << ((n) - 1))
/* rs(x, n) of SPEC.md for n >= 1. */
#define EGG_ROUND_SHIFT(x, n) (((x) + EGG_ROUND_HALF(n)) >> (n))

#define EGG_SIGMA_SHIFT 8 /* sigma of weights is in 1/256 weight unit */

/* SPEC.md section 6. f = 0..4095: 65536 * 2^(-f / 4096), relative error below 1e-4. */
#define EGG_EXP2_POLY(f) (65536 - (((f) * (45329 - (((f) * (15158 - (((f) * 2597) >> 12))) >> 12))) >> 12))
/* u = 0..32767 in 1/32768: 4096 * log2(1 + u), error below 2. */
#define EGG_LOG2_POLY(u) \
    (((u) * (47144 - (((u) * (22208 - (((u) * (10522 - (((u) * 2690) >> 15))) >> 15))) >> 15))) >> 18)

static inline int32_t egg_clamp(int32_t x, int32_t limit) {
    return x > limit ? limit : x < -limit ? -limit : x;
}

/* rs(x, n) of SPEC.md for n = 0..30, if |x| + 2^(n-1) < 2^31. */
static inline int32_t egg_round_shift(int32_t x, uint32_t n) {
    return n == 0 ? x : (x + (int32_t)(1u << (n - 1u))) >> n;
}

/* |x|, also of INT32_MIN. */
static inline uint32_t egg_abs(int32_t x) {
    return x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
}

/* Entries that a row of n neurons takes in a workspace. */
static inline uint32_t egg_padded(uint32_t n) {
    return (n + (EGG_ROW_ALIGN - 1u)) & ~(EGG_ROW_ALIGN - 1u);
}

/* Entries that a row of credit takes for n neurons: an even number, so that updates can take two at a time. */
static inline uint32_t egg_credit_row(uint32_t n) {
    return (egg_padded(n) + 1u) & ~1u;
}

/* Sets n bytes to 0. A loop, because the core has no library. */
static inline void egg_zero(void *p, size_t n) {
    uint8_t *b = (uint8_t *)p;
    while (n-- > 0) *b++ = 0;
}

/* Copies n bytes. */
static inline void egg_copy(void *to, const void *from, size_t n) {
    uint8_t *t = (uint8_t *)to;
    const uint8_t *f = (const uint8_t *)from;
    while (n-- > 0) *t++ = *f++;
}

/* The segment of a recording in which tick t lies; segments <= ticks. */
static inline uint32_t egg_segment_of(uint32_t t, uint32_t segments, uint32_t ticks) {
    return t * segments / ticks;
}

/* The same for one tick after the other, without a division: small cores lack that instruction. Start with {0, 0}. */
typedef struct {
    uint32_t segment; /* of the current tick */
    uint32_t rest;    /* (t * segments) modulo ticks */
} egg_segment_walk;

/* Goes on to the next tick. */
static inline void egg_segment_next(egg_segment_walk *walk, uint32_t segments, uint32_t ticks) {
    walk->rest += segments;
    if (walk->rest >= ticks) walk->rest -= ticks, walk->segment++;
}

/* Keeps a function out of its callers, whose registers or stack would not suffice otherwise. */
#if defined(__GNUC__)
#define EGG_NOINLINE __attribute__((noinline))
#else
#define EGG_NOINLINE
#endif

#endif
