#include "kernels/egg_sign_sums_private.h"

#include "base/egg_math_private.h"

void egg_sign_sums_fill(const int8_t *fitness_bytes, uint32_t pairs, uint32_t flip, int16_t *table) {
    for (uint32_t p0 = 0; p0 < 32; p0 += 4, table += 16) {
        int32_t sum = 0;
        for (uint32_t i = 0; i < 4; i++) {
            int32_t x = p0 + i < pairs ? fitness_bytes[p0 + i] : 0;
            if ((flip >> (p0 + i)) & 1u) x = -x;
            sum -= x;
            for (uint32_t bits = 0; bits < 1u << i; bits++) table[bits | 1u << i] = (int16_t)(2 * x);
        }
        table[0] = (int16_t)sum; /* all signs are - */
        for (uint32_t i = 0; i < 4; i++)
            for (uint32_t bits = 0; bits < 1u << i; bits++)
                table[bits | 1u << i] = (int16_t)(table[bits] + table[bits | 1u << i]);
    }
}

static inline int32_t egg_sign_sums_look_up(const int16_t *table, uint32_t signs) {
    int32_t sum = table[signs & 15u] + table[16u + ((signs >> 4) & 15u)];
    sum += table[32u + ((signs >> 8) & 15u)] + table[48u + ((signs >> 12) & 15u)];
    sum += table[64u + ((signs >> 16) & 15u)] + table[80u + ((signs >> 20) & 15u)];
    return sum + table[96u + ((signs >> 24) & 15u)] + table[112u + (signs >> 28)];
}

void egg_sign_sums_add(const int16_t *table, const uint32_t *words, uint32_t flip, uint32_t n, int32_t *sum) {
    for (const uint32_t *end = words + n; words != end; words++) *sum++ += egg_sign_sums_look_up(table, *words ^ flip);
}

void egg_sign_sums_steps(int32_t *sum, uint32_t n, int32_t m, uint32_t shift, int32_t limit, int16_t *step) {
    int32_t half = shift == 0 ? 0 : EGG_ROUND_HALF(shift); /* egg_round_shift(), its test before the loop */
    for (const int32_t *end = sum + n; sum != end; *sum++ = 0)
        *step++ = (int16_t)egg_clamp((*sum * m + half) >> shift, limit);
}
