/* Sums of signed fitness without a multiply: sum over p of f_p * sign_p for the 32 pairs of a word takes eight
 * look-ups, one for four pairs (DESIGN.md section 9). */
#ifndef EGG_TABLE_H
#define EGG_TABLE_H

#include "egg_types.h"

#define EGG_TABLE 128u /* entries: 8 groups of 4 pairs, 16 sign patterns each; |sum| <= 4 * 127 */

/* f of up to 32 pairs; flip: bit p set turns the sign of pair p. */
void egg_table_fill(const int8_t *f, uint32_t pairs, uint32_t flip, int16_t *table);

/* sum[n] += sum over the pairs of f, with the signs of words[n] ^ flip: bit set = +. */
void egg_table_add(const int16_t *table, const uint32_t *words, uint32_t flip, uint32_t n, int32_t *sum);

/* step[n] = clamp(rs(sum[n] * m, shift), limit), and sum is 0 again. */
void egg_table_steps(int32_t *sum, uint32_t n, int32_t m, uint32_t shift, int32_t limit, int16_t *step);

#endif
