/* Text of the loops of egg_sample_update.c, which compiles it once for each width of vectors through
 * egg_simd_variants_impl.h. */

#include "host/egg_simd_impl.h"

/* sum[blocks * LANES / 2] += the picked rows of credit, each times its events. */
INLINE void K(add_block)(int32_t *sum, const int16_t *credit, uint32_t padded, const egg_pick *pick, uint32_t picks,
                         uint32_t blocks) {
    V32 acc[8];
    for (uint32_t b = 0; b < blocks; b++) acc[b] = *(const V32 *)(sum + b * LANES / 2u);
    for (uint32_t i = 0; i < picks; i++) {
        const int16_t *row = credit + (size_t)pick[i].row * padded * 2u;
        for (uint32_t b = 0; b < blocks; b++)
            acc[b] = DOT2(acc[b], *(const V32 *)(const void *)(row + b * LANES), pick[i].events);
    }
    for (uint32_t b = 0; b < blocks; b++) *(V32 *)(sum + b * LANES / 2u) = acc[b];
}

TARGET static void K(add)(int32_t *sum, const int16_t *credit, uint32_t padded, const egg_pick *pick, uint32_t picks) {
    uint32_t j = 0;
    for (; j + 4u * LANES <= padded; j += 4u * LANES) K(add_block)(sum + j, credit + 2u * j, padded, pick, picks, 8);
    for (; j < padded; j += LANES / 2u) K(add_block)(sum + j, credit + 2u * j, padded, pick, picks, 1);
}

TARGET static void K(take)(int32_t *restrict sum, int16_t *restrict step, uint32_t padded) {
    for (uint32_t j = 0; j < padded; j++) {
        step[j] = (int16_t)egg_clamp(sum[j], EGG_STEP_MAX);
        sum[j] = 0;
    }
}

static const credit_kernel K(credit) = {K(add), K(take)};
