/* Private to the core: two 16-bit halves in a 32-bit word, for cores without vector units.
 *
 * Any such core computes with plain words. Arm cores with DSP instructions (Cortex-M4, M7) use those instead: the same
 * numbers in fewer instructions. */
#ifndef EGG_PACKED16_PRIVATE_H
#define EGG_PACKED16_PRIVATE_H

#include "base/egg_types.h"

#define EGG_HALVES_ONE 0x00010001u        /* times x: x in both halves, also for a negative x */
#define EGG_HALVES_PLUS_MINUS 0xFFFF0001u /* times x: x in the low half, -x in the high half */

/* A word that may lie on an array of int8_t or int16_t. */
#if defined(__GNUC__)
typedef uint32_t egg_word __attribute__((may_alias));
#else
typedef uint32_t egg_word;
#endif

/* Adds one or two rows of int8_t to a sum. A row is `words` words of four columns each, x[words] and y[words]; y may be
 * NULL. acc[2 * words] holds, for each word, the sums of its even columns and those of its odd columns. At most 256
 * rows can be added up; then egg_packed16_sum() reads the sums. */
void egg_packed16_add_rows(egg_word *acc, const egg_word *x, const egg_word *y, uint32_t words);

/* Returns the sum in the low half of x, an entry of acc above, after `rows` rows. */
static inline int32_t egg_packed16_sum(uint32_t x, uint32_t rows) {
#if defined(__ARM_FEATURE_DSP)
    (void)rows;
    return (int16_t)x;
#else
    return (int32_t)(x & 0xFFFFu) - (int32_t)(128u * rows); /* each row was added with an offset of 128 */
#endif
}

/* Runs two membranes of a LIF neuron, one in each half of a word, over `ticks` >= 1, with leak shift 1 and an even
 * threshold. A half holds x = v - threshold + 2^14, where v is the membrane. In each tick x = (x + 2 * current +
 * drive) >> 1, and bit 14 says that the membrane spikes. egg_pair.c proves the bounds. current has a stride of `size`
 * entries from tick to tick; drive[ticks] differs between the halves. Returns the spikes of both halves. */
uint32_t egg_packed16_halving(const int16_t *current, const uint32_t *drive, uint32_t ticks, uint32_t size,
                              uint32_t threshold);

/* An entry of a list of columns, as an update visits them: the 12 rounding bits of the column above its number. */
#define EGG_TOUCHED_SHIFT 20u
#define EGG_TOUCHED_COLUMN 1023u

/* The step of a row: sum over k < count of factor[k] * x[k][n]. Either writes it to y[n] and returns y, and sets *times
 * to 1; or, if only one factor is not 0, returns that x[k] and sets *times to its factor. */
const int16_t *egg_packed16_combine(const int16_t *x, const int16_t *factor, uint32_t count, uint32_t n, int16_t *y,
                                    int32_t *times);

/* Stochastic rounding into one row of weights (SPEC.md section 9): the step of column touched[i] is times * step[i].
 * row_word is the random word of the row. */
void egg_packed16_learn(int8_t *w, const uint32_t *touched, uint32_t n, const int16_t *step, int32_t times,
                        uint32_t row_word);

#endif
