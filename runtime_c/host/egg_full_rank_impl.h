/* Text of the loops of egg_full_rank.c, which compiles it once for each width of vectors through
 * egg_simd_variants_impl.h. They are plain loops, which the compiler vectorises. */

/* word[n]: the noise values of counters from 4 * first on, four bytes in a word. A value is the number of bits that are
 * set in a random byte, minus 4. */
TARGET static void K(noise)(egg_key key, uint32_t first, uint32_t n, uint32_t *word) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t v = egg_rng_word(key, first + i);
        v -= (v >> 1) & 0x55555555u;
        v = (v & 0x33333333u) + ((v >> 2) & 0x33333333u);
        v = (v + (v >> 4)) & 0x0F0F0F0Fu;
        word[i] = ((v | 0x80808080u) - 0x04040404u) ^ 0x80808080u; /* - 4 in each byte */
    }
}

/* x = clamp(rs(sigma * x, 8), limit) */
TARGET static void K(perturb)(int16_t *x, size_t n, int32_t sigma, int32_t limit) {
    for (size_t i = 0; i < n; i++) {
        x[i] = (int16_t)egg_clamp(EGG_ROUND_SHIFT(x[i] * sigma, EGG_SIGMA_SHIFT), limit);
    }
}

/* out = x + sign * y */
TARGET static void K(mix)(int16_t *restrict out, const int16_t *x, const int16_t *y, int16_t sign, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = (int16_t)(x[i] + sign * y[i]);
}

/* sum += f * e */
TARGET static void K(add)(int16_t *restrict sum, const int8_t *e, int16_t f, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) sum[i] = (int16_t)(sum[i] + (int16_t)(f * (int16_t)e[i]));
}

static const full_kernel K(full) = {K(noise), K(perturb), K(mix), K(add)};
