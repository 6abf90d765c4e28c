/* Sums of signed fitness without a multiply: sum over p of f_p * sign_p for the 32 pairs of a word takes eight
 * look-ups, one for four pairs (DESIGN.md section 9). */
#ifndef EGG_TABLE_H
#define EGG_TABLE_H

#include "egg_types.h"

#define EGG_TABLE 128u /* entries: 8 groups of 4 pairs, 16 sign patterns each; |sum| <= 4 * 127 */

/* f of up to 32 pairs; flip: bit p set turns the sign of pair p. */
static inline void egg_table_fill(const int8_t *f, uint32_t pairs, uint32_t flip, int16_t *table) {
    for (uint32_t p0 = 0; p0 < 32; p0 += 4, table += 16) {
        int32_t sum = 0;
        for (uint32_t i = 0; i < 4; i++) {
            int32_t x = p0 + i < pairs ? f[p0 + i] : 0;
            if ((flip >> (p0 + i)) & 1u) x = -x;
            sum -= x;
            for (uint32_t bits = 0; bits < 1u << i; bits++) table[bits | 1u << i] = (int16_t)(2 * x);
        }
        table[0] = (int16_t)sum; /* all signs - */
        for (uint32_t i = 0; i < 4; i++)
            for (uint32_t bits = 0; bits < 1u << i; bits++)
                table[bits | 1u << i] = (int16_t)(table[bits] + table[bits | 1u << i]);
    }
}

/* Bit p of signs: pair p has sign +. */
static inline int32_t egg_table_sum(const int16_t *table, uint32_t signs) {
    int32_t sum = table[signs & 15u] + table[16u + ((signs >> 4) & 15u)];
    sum += table[32u + ((signs >> 8) & 15u)] + table[48u + ((signs >> 12) & 15u)];
    sum += table[64u + ((signs >> 16) & 15u)] + table[80u + ((signs >> 20) & 15u)];
    return sum + table[96u + ((signs >> 24) & 15u)] + table[112u + (signs >> 28)];
}

#endif
