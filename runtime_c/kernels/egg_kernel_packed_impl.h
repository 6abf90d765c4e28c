/* Hot loops of cores without vector units, which work on two 16-bit halves of a word at once. egg_kernel.c includes
 * this text behind the scalar kernels. They give the bits of the scalar kernels, which do the rest of the work. */
#include "kernels/egg_packed16_private.h"

/* The scalar kernel takes over where the packed one cannot. */
static const uint8_t *current_packed(const uint8_t *stream, const int8_t *w, uint32_t cols, uint32_t bias,
                                     int32_t limit, int16_t *current) {
    const uint8_t *end = egg_packed16_current(stream, w, cols, bias, limit, current);
    return end != NULL ? end : current_portable(stream, w, cols, bias, limit, current);
}

/* The common run, without a perturbation. */
static uint32_t lif_packed(const int16_t *current, uint32_t ticks, uint32_t size, uint32_t threshold,
                           uint32_t leak_shift, uint32_t refractory, const int16_t *s, const int16_t *a, uint32_t ranks,
                           int16_t *count, uint8_t *spikes) {
    if (ranks > 0 || refractory > 0 || spikes != NULL)
        return lif_portable(current, ticks, size, threshold, leak_shift, refractory, s, a, ranks, count, spikes);
    uint32_t total = 0;
    for (uint32_t h = 0; h < size; h++, total += (uint16_t)*count++) {
        const int16_t *i = current++;
        int32_t v = 0, n = 0, th = (int32_t)threshold;
        for (uint32_t t = ticks; t > 0; t--, i += size) {
            v += *i - (v >> leak_shift);
            if (v >= th) v -= th, n++;
        }
        *count = (int16_t)n;
    }
    return total;
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

/* Those that are NULL serve hosts alone. The estimators of these cores call egg_packed16_respond(), or
 * egg_respond_portable(), and egg_packed16_combine(), so that firmware without an estimator does not hold its loops. */
static const egg_kernels kernels_packed = {current_packed,
                                           lif_packed,
                                           NULL,
                                           project_packed,
                                           dot_portable,
                                           expand_portable,
                                           NULL,
                                           NULL,
                                           round_row_packed,
                                           add_wide_portable,
#if EGG_CONVOLUTIONS
                                           egg_packed16_convolve,
                                           convolve_wide_portable,
                                           egg_packed16_collect
#else
                                           NULL,
                                           NULL,
                                           NULL
#endif
};
