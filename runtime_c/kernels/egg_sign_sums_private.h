/* Private to the core: sums of fitness bytes with random signs, without a multiplication (SPEC.md section 9).
 *
 * The sum over the 32 pairs of a sign word of fitness_bytes[p] * sign_p takes eight look-ups, one for each group of
 * four pairs. */
#ifndef EGG_SIGN_SUMS_PRIVATE_H
#define EGG_SIGN_SUMS_PRIVATE_H

#include "base/egg_types.h"

/* Entries of a table: 8 groups of four pairs, and in each group 16 patterns of signs; |entry| <= 4 * 127. */
#define EGG_SIGN_SUMS_TABLE 128u

/* Fills table[EGG_SIGN_SUMS_TABLE] from the fitness bytes of 32 pairs. Only the first `pairs` count if there are fewer.
 * If bit p of `flip` is set, the sign of pair p is turned. */
void egg_sign_sums_fill(const int8_t *fitness_bytes, uint32_t pairs, uint32_t flip, int16_t *table);

/* sum[n] += the sum over the pairs of the table, with the signs words[n] ^ flip (bit set = +). */
void egg_sign_sums_add(const int16_t *table, const uint32_t *words, uint32_t flip, uint32_t n, int32_t *sum);

/* step[n] = clamp(rs(sum[n] * m, shift), limit), and sets sum[n] to 0. */
void egg_sign_sums_steps(int32_t *sum, uint32_t n, int32_t m, uint32_t shift, int32_t limit, int16_t *step);

#endif
