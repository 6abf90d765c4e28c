/* Text of the update of `batch`, included by egg_steps.c once for each vector width: plain loops that a compiler
 * vectorises. It expects K(name) and TARGET as egg_kernel_body.h does. */

/* Tables of 32 pairs: [nibble of a row's word][bits][column] = sum over the nibble's four pairs of f a b. */
TARGET static void K(fill)(egg_steps_memory *mem, const int8_t *f, uint32_t pairs) {
    for (uint32_t nibble = 0; nibble < 8; nibble++) {
        int16_t (*table)[COLUMNS] = mem->table[nibble];
        int16_t fa[4][COLUMNS];
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t p = 4u * nibble + k;
            int16_t value = p < pairs ? f[p] : 0;
            for (uint32_t j = 0; j < COLUMNS; j++) fa[k][j] = (int16_t)((mem->a[j] >> p) & 1u ? value : -value);
        }
        for (uint32_t j = 0; j < COLUMNS; j++) table[0][j] = (int16_t)-(fa[0][j] + fa[1][j] + fa[2][j] + fa[3][j]);
        for (uint32_t k = 0; k < 4; k++)
            for (uint32_t bits = 0; bits < 1u << k; bits++)
                for (uint32_t j = 0; j < COLUMNS; j++)
                    table[bits | 1u << k][j] = (int16_t)(table[bits][j] + 2 * fa[k][j]);
    }
}

/* One word of 32 pairs into the sums of n rows: eight rows of tables each. */
TARGET static void K(add_word)(egg_steps_memory *mem, uint32_t n, egg_key key, uint32_t word) {
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

/* sum[rows][cols] += the columns' 16-bit sums, which are 0 again */
TARGET static void K(widen)(egg_steps_memory *mem, uint32_t n, uint32_t columns, int32_t *sum, uint32_t cols) {
    for (uint32_t i = 0; i < n; i++) {
        int32_t *restrict out = sum + (size_t)mem->row[i] * cols;
        for (uint32_t j = 0; j < columns; j++) out[j] += mem->sum[i][j];
        for (uint32_t j = 0; j < COLUMNS; j++) mem->sum[i][j] = 0;
    }
}

TARGET static void K(rate)(const egg_steps_memory *mem, uint32_t n, egg_rate rate, int32_t *sum, uint32_t cols) {
    int32_t m = rate.m, shift = rate.n, half = rate.n > 0 ? 1 << (rate.n - 1) : 0;
    for (uint32_t i = 0; i < n; i++) {
        int32_t *row = sum + (size_t)mem->row[i] * cols;
        for (uint32_t j = 0; j < cols; j++) {
            int32_t step = (row[j] * m + half) >> shift;
            step = step > EGG_STEP_MAX ? EGG_STEP_MAX : step;
            row[j] = step < -EGG_STEP_MAX ? -EGG_STEP_MAX : step;
        }
    }
}

static const steps_kernel K(steps) = {K(fill), K(add_word), K(widen), K(rate)};
