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

/* Adds `words` words of four int8 from each of two rows to acc[2 * words]: sums of the even and of the odd ones of each
 * word. y may be NULL. Up to 256 rows; then egg_lane_sum(). */
void egg_lanes_add_rows(egg_word *acc, const egg_word *x, const egg_word *y, uint32_t words);

/* The sum in the low lane of x, after so many rows. */
static inline int32_t egg_lane_sum(uint32_t x, uint32_t rows) {
#if defined(__ARM_FEATURE_DSP)
    (void)rows;
    return (int16_t)x;
#else
    return (int32_t)(x & 0xFFFFu) - (int32_t)(128u * rows);
#endif
}

/* A LIF neuron with leak shift 1 and an even threshold, over ticks >= 1, in lanes x = v - threshold + 2^14 (egg_pair.c
 * proves the bounds): x = (x + 2 * current + drive) >> 1, and bit 14 says "spike". current has a stride of `size`.
 * Returns the spikes of both lanes. */
uint32_t egg_lanes_halving(const int16_t *current, const uint32_t *drive, uint32_t ticks, uint32_t size,
                           uint32_t threshold);

#endif
