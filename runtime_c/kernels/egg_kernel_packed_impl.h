/* Hot loops of cores without vector units, which work on two 16-bit halves of a word at once. egg_kernel.c includes
 * this text behind the scalar kernels. They give the bits of the scalar kernels, which do the rest of the work. */
#include "kernels/egg_packed16_private.h"

/* A word holds four columns of int8. The sums of the even and of the odd columns are kept in the memory of the result
 * until all rows are added. The scalar kernel takes over if there are more rows than a half can sum, or if rows do not
 * start on a word's border. */
static const uint8_t *current_packed(const uint8_t *stream, const int8_t *w, uint32_t cols, uint32_t bias,
                                     int32_t limit, int16_t *current) {
    if ((((uintptr_t)w | (uintptr_t)current | cols) & 3u) != 0)
        return current_portable(stream, w, cols, bias, limit, current);
    const egg_word *matrix = (const egg_word *)(const void *)w, *waiting = NULL;
    egg_word *acc = (egg_word *)(void *)current;
    const uint8_t *at = stream;
    uint32_t words = cols / 4u, rows = 0;
    int32_t index = -1, event = (int32_t)bias;
    for (uint32_t j = 0; j < 2 * words; j++) acc[j] = 0;
    do {
        const egg_word *row = matrix + (uint32_t)event * words;
        if (++rows > 256u) return current_portable(stream, w, cols, bias, limit, current);
        if (waiting != NULL) {
            egg_packed16_add_rows(acc, waiting, row, words);
            waiting = NULL;
        } else {
            waiting = row;
        }
        event = egg_stream_next(&at, &index);
    } while (event >= 0);
    if (waiting != NULL) egg_packed16_add_rows(acc, waiting, NULL, words);
    for (; words > 0; words--, acc += 2, current += 4) {
        uint32_t even = acc[0], odd = acc[1];
        current[0] = (int16_t)egg_clamp(egg_packed16_sum(even, rows), limit);
        current[1] = (int16_t)egg_clamp(egg_packed16_sum(odd, rows), limit);
        current[2] = (int16_t)egg_clamp(egg_packed16_sum(even >> 16, rows), limit);
        current[3] = (int16_t)egg_clamp(egg_packed16_sum(odd >> 16, rows), limit);
    }
    return at;
}

/* As the scalar kernel, with EGG_SIGN_WORDS = 1; but the planes become numbers for two pairs at a time. */
static const uint8_t *project_packed(const uint8_t *stream, const uint32_t *noise, egg_key key, uint32_t bias,
                                     uint32_t word0, uint32_t words, int16_t *c) {
    uint32_t plane[EGG_BIT_PLANES], p0 = 0, p1 = 0, p2 = 0, p3 = 0, total = 0, top = 0;
    uint32_t left = 15;                                                  /* signs that p0..p3 can still take */
    uint32_t k0 = key.k0 | 1u, step = k0 << 8, k1 = key.k1 + word0 * k0; /* of egg_rng_signs(), row by row */
    int32_t index = -1, event = (int32_t)bias;
    (void)words, (void)noise; /* only hosts have a cache of noise */
    do {
        uint32_t x = egg_rng_mix((uint32_t)event * step + k1), carry;
        EGG_BIT_COUNTER_ADD(p0, p1, p2, p3, x, carry);
        event = egg_stream_next(&stream, &index);
        if (--left == 0 || event < 0) {
            total += 15u - left;
            EGG_BIT_COUNTER_CARRY(uint32_t, 0, plane, top, total, p0, p1, p2, p3, carry);
            left = 15;
        }
    } while (event >= 0);
    for (uint32_t p = 0; p < 16; p++) {
        uint32_t sum = 0;
        for (uint32_t j = top; j-- > 0;) sum = 2 * sum + ((plane[j] >> p) & EGG_HALVES_ONE);
        c[p] = (int16_t)(2 * (int32_t)(sum & 0xFFFFu) - (int32_t)total);
        c[p + 16] = (int16_t)(2 * (int32_t)(sum >> 16) - (int32_t)total);
    }
    return stream;
}

/* Few weights change in a generation. The others cost only the test. */
static void round_row_packed(int8_t *w, const int16_t *step, uint32_t row_bits, const uint16_t *column_bits,
                             uint32_t n) {
    for (const int8_t *end = w + n; w != end; w++) {
        int32_t move = (*step++ + (int32_t)((row_bits + *column_bits++) & 4095u)) >> 12;
        if (move != 0) *w = (int8_t)egg_clamp(*w + move, EGG_WEIGHT_MAX);
    }
}

/* add_scaled and combine are NULL: they serve hosts. On these cores egg_sample.c computes credit by table, and
 * egg_packed16_combine() takes the place of combine. */
static const egg_kernels kernels_packed = {
    current_packed, lif_portable, respond_portable, project_packed,   dot_portable, expand_portable,
    NULL,           NULL,         round_row_packed, add_wide_portable};
