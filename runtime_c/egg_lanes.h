/* Private: two 16-bit lanes in a 32-bit word, for cores without vector units. Plain words on any of them; Arm's DSP
 * instructions (Cortex-M4, M7) where there are any: the same numbers in fewer instructions. */
#ifndef EGG_LANES_H
#define EGG_LANES_H

#include "egg_types.h"

#define EGG_LANE_ONES 0x00010001u /* times x: x in both lanes, also for a negative x */
#define EGG_LANE_PAIR 0xFFFF0001u /* times x: x in the low lane, -x in the high one */

/* A word that may lie on an array of int8 or int16. */
#if defined(__GNUC__)
typedef uint32_t egg_word __attribute__((may_alias));
#else
typedef uint32_t egg_word;
#endif

/* Adds four int8 in a word to the sums of the even and of the odd ones. Up to 256 such adds; then egg_lane_sum(). */
static inline void egg_lanes_add_bytes(uint32_t *even, uint32_t *odd, uint32_t bytes) {
#if defined(__ARM_FEATURE_DSP)
    __asm__("sxtab16 %0, %0, %1" : "+r"(*even) : "r"(bytes));
    __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(*odd) : "r"(bytes));
#else
    bytes ^= 0x80808080u; /* b + 128: no sign to extend */
    *even += bytes & 0x00FF00FFu;
    *odd += (bytes >> 8) & 0x00FF00FFu;
#endif
}

/* The sum in the low lane of x, after `adds` times egg_lanes_add_bytes(). */
static inline int32_t egg_lane_sum(uint32_t x, uint32_t adds) {
#if defined(__ARM_FEATURE_DSP)
    (void)adds;
    return (int16_t)x;
#else
    return (int32_t)(x & 0xFFFFu) - (int32_t)(128u * adds);
#endif
}

#endif
