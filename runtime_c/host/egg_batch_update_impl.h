/* Text of the loops of egg_batch_update.c, which compiles it once for each width of vectors through
 * egg_simd_variants_impl.h. They are plain loops, which the compiler vectorises. */

/* Fills the tables of 32 pairs: table[nibble of a sign word of a row][its bits][column] is the sum of f a b over the
 * four pairs of the nibble. */
TARGET static void K(fill)(update_memory *mem, const int8_t *fitness_bytes, uint32_t pairs) {
    for (uint32_t nibble = 0; nibble < 8; nibble++) {
        int16_t (*table)[COLUMNS] = mem->table[nibble];
        int16_t fa[4][COLUMNS];
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t p = 4u * nibble + k;
            int16_t value = p < pairs ? fitness_bytes[p] : 0;
            for (uint32_t j = 0; j < COLUMNS; j++) fa[k][j] = (int16_t)((mem->a[j] >> p) & 1u ? value : -value);
        }
        for (uint32_t j = 0; j < COLUMNS; j++) table[0][j] = (int16_t)-(fa[0][j] + fa[1][j] + fa[2][j] + fa[3][j]);
        for (uint32_t k = 0; k < 4; k++)
            for (uint32_t bits = 0; bits < 1u << k; bits++)
                for (uint32_t j = 0; j < COLUMNS; j++)
                    table[bits | 1u << k][j] = (int16_t)(table[bits][j] + 2 * fa[k][j]);
    }
}

/* Adds 32 pairs to the sums of n rows: eight rows of tables for each. */
TARGET static void K(add_word)(update_memory *mem, uint32_t n, egg_key key, uint32_t word) {
    for (uint32_t i = 0; i < n; i++) mem->b[i] = egg_rng_signs(key, mem->row[i], word);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t b = mem->b[i];
        const int16_t *t0 = mem->table[0][b & 15u], *t1 = mem->table[1][(b >> 4) & 15u];
        const int16_t *t2 = mem->table[2][(b >> 8) & 15u], *t3 = mem->table[3][(b >> 12) & 15u];
        const int16_t *t4 = mem->table[4][(b >> 16) & 15u], *t5 = mem->table[5][(b >> 20) & 15u];
        const int16_t *t6 = mem->table[6][(b >> 24) & 15u], *t7 = mem->table[7][b >> 28];
        int16_t *restrict sum = mem->sum[i];
        for (uint32_t j = 0; j < COLUMNS; j++)
            sum[j] = (int16_t)(sum[j] + t0[j] + t1[j] + t2[j] + t3[j] + t4[j] + t5[j] + t6[j] + t7[j]);
    }
}

/* Adds the 16-bit sums to sum[rows][cols], and sets them to 0. */
TARGET static void K(widen)(update_memory *mem, uint32_t n, uint32_t columns, int32_t *sum, uint32_t cols) {
    for (uint32_t i = 0; i < n; i++) {
        int32_t *restrict out = sum + (size_t)mem->row[i] * cols;
        for (uint32_t j = 0; j < columns; j++) out[j] += mem->sum[i][j];
        for (uint32_t j = 0; j < COLUMNS; j++) mem->sum[i][j] = 0;
    }
}

/* Turns the sums into steps: clamp(rs(sum * m, shift), EGG_STEP_MAX). */
TARGET static void K(rate)(const update_memory *mem, uint32_t n, egg_learning_rate rate, int32_t *sum, uint32_t cols) {
    int32_t m = rate.m, shift = rate.n, half = rate.n > 0 ? EGG_ROUND_HALF(rate.n) : 0;
    for (uint32_t i = 0; i < n; i++) {
        int32_t *row = sum + (size_t)mem->row[i] * cols;
        for (uint32_t j = 0; j < cols; j++) {
            row[j] = egg_clamp((row[j] * m + half) >> shift, EGG_STEP_MAX);
        }
    }
}

static const update_kernel K(update) = {K(fill), K(add_word), K(widen), K(rate)};
