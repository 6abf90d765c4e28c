/* Hot loops of cores without vector units, included by egg_kernel.c behind the scalar ones, whose bits they give: two
 * lanes in a word. The other kernels are the scalar ones. */
#include "egg_lanes.h"

/* Four columns of int8 in a word: sums of the even and of the odd ones take the place of the result meanwhile. More
 * rows than a lane can sum, or rows that are not on a word's border, go to the scalar kernel. */
static const uint8_t *current_mcu(const uint8_t *stream, const int8_t *w, uint32_t cols, uint32_t bias, int32_t limit,
                                  int16_t *current) {
    if ((((uintptr_t)w | (uintptr_t)current | cols) & 3u) != 0)
        return current_portable(stream, w, cols, bias, limit, current);
    const egg_word *matrix = (const egg_word *)(const void *)w, *waits = NULL;
    egg_word *acc = (egg_word *)(void *)current;
    const uint8_t *at = stream;
    uint32_t words = cols / 4u, rows = 0;
    int32_t index = -1, event = (int32_t)bias;
    for (uint32_t j = 0; j < 2 * words; j++) acc[j] = 0;
    do {
        const egg_word *row = matrix + (uint32_t)event * words;
        if (++rows > 256u) return current_portable(stream, w, cols, bias, limit, current);
        if (waits != NULL) {
            egg_lanes_add_rows(acc, waits, row, words);
            waits = NULL;
        } else {
            waits = row;
        }
        event = egg_stream_next(&at, &index);
    } while (event >= 0);
    if (waits != NULL) egg_lanes_add_rows(acc, waits, NULL, words);
    for (; words > 0; words--, acc += 2, current += 4) {
        uint32_t even = acc[0], odd = acc[1];
        current[0] = (int16_t)egg_clamp(egg_lane_sum(even, rows), limit);
        current[1] = (int16_t)egg_clamp(egg_lane_sum(odd, rows), limit);
        current[2] = (int16_t)egg_clamp(egg_lane_sum(even >> 16, rows), limit);
        current[3] = (int16_t)egg_clamp(egg_lane_sum(odd >> 16, rows), limit);
    }
    return at;
}

/* Bit-sliced counts as in the scalar kernel, EGG_WORDS = 1; the planes become numbers two pairs a step. */
static const uint8_t *project_mcu(const uint8_t *stream, const uint32_t *noise, egg_key key, uint32_t bias,
                                  uint32_t word0, uint32_t words, int16_t *c) {
    uint32_t plane[16], p0 = 0, p1 = 0, p2 = 0, p3 = 0, total = 0, low = 15, top = 0;
    uint32_t k0 = key.k0 | 1u, step = k0 << 8, k1 = key.k1 + word0 * k0; /* egg_rng_signs() of a row */
    int32_t index = -1, event = (int32_t)bias;
    (void)words, (void)noise; /* a cache of hashes is a host's */
    do {
        uint32_t x = egg_rng_mix((uint32_t)event * step + k1);
        uint32_t carry = p0 & x;
        p0 ^= x;
        x = p1 & carry;
        p1 ^= carry;
        carry = p2 & x;
        p2 ^= x;
        p3 ^= carry;
        event = egg_stream_next(&stream, &index);
        if (--low == 0 || event < 0) { /* p3..p0 is full: add it to the planes */
            uint32_t digit[4], j = 0;
            digit[0] = p0, digit[1] = p1, digit[2] = p2, digit[3] = p3;
            total += 15u - low;
            for (carry = 0; j < 4 || (total >> j) != 0; j++) {
                uint32_t d = j < 4 ? digit[j] : 0;
                uint32_t q = j < top ? plane[j] : 0;
                plane[j] = q ^ d ^ carry;
                carry = (q & d) | (carry & (q ^ d));
            }
            top = j;
            p0 = p1 = p2 = p3 = 0;
            low = 15;
        }
    } while (event >= 0);
    for (uint32_t p = 0; p < 16; p++) {
        uint32_t sum = 0;
        for (uint32_t j = top; j-- > 0;) sum = 2 * sum + ((plane[j] >> p) & EGG_LANE_ONES);
        c[p] = (int16_t)(2 * (int32_t)(sum & 0xFFFFu) - (int32_t)total);
        c[p + 16] = (int16_t)(2 * (int32_t)(sum >> 16) - (int32_t)total);
    }
    return stream;
}

/* Only the segments with events, two at a time. */
static void combine_mcu(const int16_t *x, const int16_t *factor, uint32_t count, uint32_t n, int16_t *y) {
    int32_t f[EGG_SEGMENTS_MAX + 1u];
    const int16_t *from[EGG_SEGMENTS_MAX + 1u];
    uint32_t used = 0;
    for (uint32_t k = 0; k < count; k++, x += n)
        if (factor[k] != 0) f[used] = factor[k], from[used++] = x;
    f[used] = 0, from[used] = y; /* the second one of a last step */
    for (uint32_t k = 0; k == 0 || k < used; k += 2) {
        const int16_t *a = used == 0 ? y : from[k], *b = used < 2 ? y : from[k + 1];
        int32_t fa = used == 0 ? 0 : f[k], fb = used < 2 ? 0 : f[k + 1], old = k > 0;
        for (int16_t *to = y, *end = y + n; to != end; to++) {
            int32_t sum = fa * *a++ + fb * *b++;
            *to = (int16_t)(old ? *to + sum : sum);
        }
    }
}

/* Few weights move in a generation, so most need no more than the test of that. */
static void round_row_mcu(int8_t *w, const int16_t *step, uint32_t rho, const uint16_t *kappa, uint32_t n) {
    for (const int8_t *end = w + n; w != end; w++) {
        int32_t move = (*step++ + (int32_t)((rho + *kappa++) & 4095u)) >> 12;
        if (move != 0) *w = (int8_t)egg_clamp(*w + move, 127);
    }
}

/* add_scaled is for credit pair by pair, which egg_sample.c does by table here. */
static const egg_kernels kernels_mcu = {current_mcu, lif_portable, project_mcu,   dot_portable,     expand_portable,
                                        NULL,        combine_mcu,  round_row_mcu, add_wide_portable};
