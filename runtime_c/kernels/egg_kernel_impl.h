/* Text of the hot loops: egg_kernel.c compiles it once for each width of vectors, through egg_simd_variants_impl.h,
 * which defines K(name), TARGET, LANE_BYTES and EGG_INLINE.
 *
 * A LANE is a vector of int16_t. In the scalar form (LANE_BYTES 0) it is one int32_t that holds an int16_t value. As no
 * sum leaves 16 bits (SPEC.md section 5), the text is the same for both. */

#if LANE_BYTES
typedef int16_t K(lane) __attribute__((vector_size(LANE_BYTES), aligned(2), may_alias));
typedef int8_t K(lane8) __attribute__((vector_size(LANE_BYTES / 2), aligned(1), may_alias));
typedef uint32_t K(lane32) __attribute__((vector_size(LANE_BYTES), aligned(4), may_alias));
typedef int16_t K(bits) __attribute__((vector_size(LANE_BYTES < 32 ? LANE_BYTES : 32), aligned(2), may_alias));
#define BITS (sizeof(K(bits)) / 2u) /* pairs whose bits a vector separates at once: at most 16 */
#define LANE K(lane)
#define LANE32 K(lane32)
#define LANES (LANE_BYTES / 2u)
#define WORD_LANES (LANE_BYTES / 4u)
#define LOAD(p) (*(const LANE *)(p))
#if LANE_BYTES == 64 /* one instruction, where GCC would need seven for a conversion of this width */
#define LOAD8(p) ((LANE)_mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(p))))
#elif LANE_BYTES == 32
#define LOAD8(p) ((LANE)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(p))))
#else
#define LOAD8(p) __builtin_convertvector(*(const K(lane8) *)(p), LANE)
#endif
#define LOAD32(p) (*(const LANE32 *)(p))
#define STORE(p, x) (*(LANE *)(p) = (x))
#define GE(x, y) ((x) >= (y))
#define ZERO ((LANE){0})
#else
#define LANE int32_t
#define LANE32 uint32_t
#define LANES 1u
#define WORD_LANES 1u
#define LOAD(p) ((int32_t)*(p))
#define LOAD8(p) ((int32_t)*(p))
#define LOAD32(p) (*(p))
#define STORE(p, x) (*(p) = (int16_t)(x))
#define GE(x, y) (-((x) >= (y)))
#define ZERO 0
#endif
#define BLOCK 4u /* LANEs of columns that `current` keeps in registers */

/* One tick of currents for `blocks` LANEs of columns, a constant at each call below. Rows are summed in 16 bits, 256 at
 * a time: 256 * 127 < 32768. */
TARGET static inline EGG_INLINE const uint8_t *K(current_block)(const uint8_t *stream, const int8_t *w, uint32_t cols,
                                                                uint32_t bias, int32_t limit, int16_t *current,
                                                                uint32_t blocks) {
    int32_t sum[BLOCK * LANES];
    LANE acc[BLOCK];
    int32_t index = -1;
    const int8_t *row = w + (size_t)bias * cols;
    for (uint32_t j = 0; j < blocks * LANES; j++) sum[j] = row[j];
    int32_t event;
    do {
        for (uint32_t b = 0; b < blocks; b++) acc[b] = ZERO;
        uint32_t n = 0;
        while ((event = egg_stream_next(&stream, &index)) >= 0) {
            row = w + (size_t)event * cols;
            for (uint32_t b = 0; b < blocks; b++) acc[b] += LOAD8(row + b * LANES);
            if (++n == 256) break;
        }
        for (uint32_t b = 0; b < blocks; b++) {
            int16_t part[LANES];
            STORE(part, acc[b]);
            for (uint32_t j = 0; j < LANES; j++) sum[b * LANES + j] += part[j];
        }
    } while (event >= 0);
    for (uint32_t j = 0; j < blocks * LANES; j++) current[j] = (int16_t)egg_clamp(sum[j], limit);
    return stream;
}

TARGET static const uint8_t *K(current)(const uint8_t *stream, const int8_t *w, uint32_t cols, uint32_t bias,
                                        int32_t limit, int16_t *current) {
    const uint8_t *end = stream;
    uint32_t j = 0;
    for (; j + BLOCK * LANES <= cols; j += BLOCK * LANES)
        end = K(current_block)(stream, w + j, cols, bias, limit, current + j, BLOCK);
    for (; j + LANES <= cols; j += LANES) end = K(current_block)(stream, w + j, cols, bias, limit, current + j, 1);
#if LANE_BYTES
    if (j == cols) return end;
    int32_t sum[LANES], event, index = -1; /* the last columns, fewer than a LANE holds */
    const int8_t *row = w + (size_t)bias * cols + j;
    uint32_t left = cols - j;
    for (uint32_t k = 0; k < left; k++) sum[k] = row[k];
    end = stream;
    while ((event = egg_stream_next(&end, &index)) >= 0) {
        row = w + (size_t)event * cols + j;
        for (uint32_t k = 0; k < left; k++) sum[k] += row[k];
    }
    for (uint32_t k = 0; k < left; k++) current[j + k] = (int16_t)egg_clamp(sum[k], limit);
#endif
    return end;
}

/* One tick of a neuron with current i; returns -1 if it spikes, else 0. `refractory` is a constant where it is 0. */
TARGET static inline EGG_INLINE LANE K(tick)(LANE *v, LANE *ref, LANE i, int16_t th, uint32_t k, int16_t refractory) {
    LANE blocked = ZERO;
    if (refractory > 0) {
        blocked = GE(*ref, 1);
        *ref += blocked;
        i &= ~blocked;
    }
    *v = (*v - (*v >> k)) + i;
    LANE spike = GE(*v, th) & ~blocked;
    *v -= spike & th;
    if (refractory > 0) *ref |= spike & refractory; /* it was 0 */
    return spike;
}

/* A layer over all ticks. `ranks` and `refractory` are constants at each call below, so that the common case has no
 * tests in its loop. */
TARGET static inline EGG_INLINE uint32_t K(lif_run)(const int16_t *current, uint32_t ticks, uint32_t size, int16_t th,
                                                    uint32_t k, int16_t refractory, const int16_t *s, const int16_t *a,
                                                    uint32_t ranks, int16_t *count, uint8_t *spikes) {
    uint32_t padded = egg_padded(size);
    uint32_t total = 0;
    for (uint32_t h = 0; h < padded; h += LANES) {
        LANE v = ZERO, n = ZERO, ref = ZERO, a0 = ZERO;
        if (ranks > 0) a0 = LOAD(a + h);
        for (uint32_t t = 0; t < ticks; t++) {
            LANE i = LOAD(current + (size_t)t * padded + h);
            if (ranks > 0) i += s[t] * a0;
            for (uint32_t r = 1; r < ranks; r++) i += s[r * ticks + t] * LOAD(a + r * padded + h);
            LANE spike = K(tick)(&v, &ref, i, th, k, refractory);
            n -= spike;
            if (spikes != NULL) STORE(count + h, -spike);
            if (spikes != NULL)
                for (uint32_t j = 0; j < LANES && h + j < size; j++) spikes[t * size + h + j] = (uint8_t)count[h + j];
        }
        STORE(count + h, n);
        for (uint32_t j = 0; j < LANES; j++) total += (uint16_t)count[h + j];
    }
    return total;
}

TARGET static uint32_t K(lif)(const int16_t *current, uint32_t ticks, uint32_t size, uint32_t threshold,
                              uint32_t leak_shift, uint32_t refractory, const int16_t *s, const int16_t *a,
                              uint32_t ranks, int16_t *count, uint8_t *spikes) {
    int16_t th = (int16_t)threshold, ref = (int16_t)refractory;
    /* Without vector units egg_pair.c runs the common case, and flash is too scarce for special forms here. */
    if (EGG_ROW_ALIGN > 1 && refractory == 0 && spikes == NULL && ranks == 1)
        return K(lif_run)(current, ticks, size, th, leak_shift, 0, s, a, 1, count, NULL);
    if (EGG_ROW_ALIGN > 1 && refractory == 0 && spikes == NULL)
        return K(lif_run)(current, ticks, size, th, leak_shift, 0, s, a, ranks, count, NULL);
    return K(lif_run)(current, ticks, size, th, leak_shift, ref, s, a, ranks, count, spikes);
}

TARGET static inline EGG_INLINE void K(respond_run)(const egg_response_run *run, uint32_t s, bool together,
                                                    int16_t refractory, int16_t *response) {
    uint32_t padded = egg_padded(run->size), k = run->leak_shift;
    int16_t th = (int16_t)run->threshold, sigma = (int16_t)run->sigma;
    for (uint32_t h = 0; h < padded; h += LANES) {
        LANE v = LOAD(run->membrane + h), ref = ZERO, sum = ZERO;
        if (refractory > 0) ref = LOAD(run->blocked + h);
        LANE more = v, less = v, more_ref = ref, less_ref = ref;
        const int16_t *current = run->current + (size_t)run->starts[s] * padded + h;
        for (uint32_t t = run->starts[s]; t < run->starts[s + 1u]; t++, current += padded) {
            LANE i = LOAD(current);
            K(tick)(&v, &ref, i, th, k, refractory);
            sum -= K(tick)(&more, &more_ref, i + sigma, th, k, refractory);
            sum += K(tick)(&less, &less_ref, i - sigma, th, k, refractory);
        }
        STORE(run->membrane + h, v);
        if (refractory > 0) STORE(run->blocked + h, ref);
        for (uint32_t after = s + 1u; after < run->segments; after++) {
            if (!together) {
                STORE(response + (after - 1u) * padded + h, sum);
                sum = ZERO;
            }
            for (uint32_t t = run->starts[after]; t < run->starts[after + 1u]; t++, current += padded) {
                LANE i = LOAD(current);
                sum -= K(tick)(&more, &more_ref, i, th, k, refractory);
                sum += K(tick)(&less, &less_ref, i, th, k, refractory);
            }
        }
        STORE(response + (together ? 0 : (run->segments - 1u) * padded) + h, sum);
    }
}

TARGET static void K(respond)(const egg_response_run *run, uint32_t s, bool together, int16_t *response) {
    if (EGG_ROW_ALIGN > 1 && run->refractory == 0)
        K(respond_run)(run, s, together, 0, response);
    else
        K(respond_run)(run, s, together, (int16_t)run->refractory, response);
}

/* One tick of projections for WORD_LANES sign words. Counts the set bits of each pair (egg_bit_counter_private.h); with
 * n set bits among `total` signs the projection is 2 * n - total. */
TARGET static const uint8_t *K(project_lane)(const uint8_t *stream, const uint32_t *noise, egg_key key, uint32_t bias,
                                             uint32_t word0, uint32_t words, int16_t *c) {
    const LANE32 zero = {0};
    LANE32 plane[EGG_BIT_PLANES], p0 = zero, p1 = zero, p2 = zero, p3 = zero, lane;
    uint32_t total = 0, low = 0, top = 0; /* signs so far; signs in p0..p3; planes in use */
    int32_t index = -1, event = (int32_t)bias;
#if LANE_BYTES
    for (uint32_t j = 0; j < WORD_LANES; j++) lane[j] = word0 + j;
#else
    lane = word0;
#endif
    do {
        LANE32 x, carry;
        if (noise != NULL) {
            x = LOAD32(noise + (uint32_t)event * EGG_SIGN_WORDS);
        } else { /* egg_rng_signs() for a vector of words */
            x = (lane + (uint32_t)event * 256u) * (key.k0 | 1u) + key.k1;
            EGG_MIX(x);
        }
        EGG_BIT_COUNTER_ADD(p0, p1, p2, p3, x, carry);
        total++;
        low++;
        event = egg_stream_next(&stream, &index);
        if (low == 15 || event < 0) {
            EGG_BIT_COUNTER_CARRY(LANE32, zero, plane, top, total, p0, p1, p2, p3, carry);
            low = 0;
        }
    } while (event >= 0);

    for (uint32_t w = 0; w < WORD_LANES && w < words; w++) {
#if LANE_BYTES
        K(bits) bit;
        for (uint32_t i = 0; i < BITS; i++) bit[i] = (int16_t)(uint16_t)(1u << i);
        for (uint32_t p = 0; p < 32; p += BITS) {
            K(bits) sum = (K(bits)){0} - (int16_t)total;
            for (uint32_t j = 0; j < top; j++) {
                K(bits) x = (K(bits)){0} + (int16_t)(uint16_t)(plane[j][w] >> p);
                sum += ((x & bit) == bit) & (int16_t)(uint16_t)(2u << j);
            }
            *(K(bits) *)(c + 32 * w + p) = sum;
        }
#else
        for (uint32_t p = 0; p < 32; p++) c[32 * w + p] = (int16_t)-(int32_t)total;
        for (uint32_t j = 0; j < top; j++) {
            uint32_t bits = plane[j];
            for (uint32_t half = 0; half < 2; half++, bits >>= 16) {
                int16_t *out = c + 32 * w + 16 * half;
                uint16_t b = (uint16_t)bits;
                uint16_t two = (uint16_t)(2u << j);
                for (uint32_t p = 0; p < 16; p++) out[p] = (int16_t)(out[p] + (b & (1u << p) ? two : 0));
            }
        }
#endif
    }
    return stream;
}

TARGET static const uint8_t *K(project)(const uint8_t *stream, const uint32_t *noise, egg_key key, uint32_t bias,
                                        uint32_t word0, uint32_t words, int16_t *c) {
    const uint8_t *end = stream;
    for (uint32_t w = 0; w < words; w += WORD_LANES)
        end = K(project_lane)(stream, noise != NULL ? noise + w : NULL, key, bias, word0 + w, words - w, c + 32 * w);
    return end;
}

TARGET static int32_t K(dot)(const int16_t *x, const int16_t *y, uint32_t n) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < n; i++) sum += (int32_t)x[i] * y[i];
    return sum;
}

TARGET static void K(expand)(const uint32_t *words, uint32_t n, uint32_t p, int16_t *x) {
    for (uint32_t i = 0; i < n; i++) x[i] = (int16_t)((int32_t)((words[i] >> p) & 1u) * 2 - 1);
}

TARGET static void K(add_scaled)(int16_t *y, const int16_t *x, int16_t k, uint32_t n) {
    for (uint32_t i = 0; i < n; i += LANES) {
        LANE sum = LOAD(y + i) + k * LOAD(x + i);
        STORE(y + i, sum);
    }
}

TARGET static void K(combine)(const int16_t *x, const int16_t *factor, uint32_t count, uint32_t n, int16_t *y) {
    uint32_t i = 0;
    for (; i + BLOCK * LANES <= n; i += BLOCK * LANES) {
        LANE acc[BLOCK];
        for (uint32_t b = 0; b < BLOCK; b++) acc[b] = ZERO;
        for (uint32_t k = 0; k < count; k++)
            for (uint32_t b = 0; b < BLOCK; b++) acc[b] += factor[k] * LOAD(x + (size_t)k * n + i + b * LANES);
        for (uint32_t b = 0; b < BLOCK; b++) STORE(y + i + b * LANES, acc[b]);
    }
    for (; i < n; i += LANES) {
        LANE acc = ZERO;
        for (uint32_t k = 0; k < count; k++) acc += factor[k] * LOAD(x + (size_t)k * n + i);
        STORE(y + i, acc);
    }
}

TARGET static void K(round_row)(int8_t *w, const int16_t *step, uint32_t row_bits, const uint16_t *column_bits,
                                uint32_t n) {
    uint32_t i = 0;
#if LANE_BYTES == 64 /* GCC narrows vectors of this width in many steps */
    for (; i + LANES <= n; i += LANES) {
        LANE x = LOAD8(w + i) +
                 ((LOAD(step + i) + ((LOAD((const int16_t *)column_bits + i) + (int16_t)row_bits) & 4095)) >> 12);
        __m512i y = _mm512_max_epi16((__m512i)x, _mm512_set1_epi16(-EGG_WEIGHT_MAX)); /* narrowing limits to 127 */
        _mm256_storeu_si256((__m256i *)(void *)(w + i), _mm512_cvtsepi16_epi8(y));
    }
#endif
    for (; i < n; i++) {
        int16_t u = (int16_t)((row_bits + column_bits[i]) & 4095u);
        int16_t x = (int16_t)(w[i] + ((int16_t)(step[i] + u) >> 12));
        x = x > EGG_WEIGHT_MAX ? EGG_WEIGHT_MAX : x;
        w[i] = (int8_t)(x < -EGG_WEIGHT_MAX ? -EGG_WEIGHT_MAX : x);
    }
}

TARGET static void K(add_wide)(int32_t *y, const int16_t *x, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) y[i] += x[i];
}

#include "kernels/egg_convolution_impl.h"

static const egg_kernels K(kernels) = {K(current),  K(lif),           K(respond), K(project),   K(dot),
                                       K(expand),   K(add_scaled),    K(combine), K(round_row), K(add_wide),
                                       K(convolve), K(convolve_wide), K(collect)};

#undef LANE
#undef BITS
#undef LANE32
#undef LANES
#undef WORD_LANES
#undef LOAD
#undef LOAD8
#undef LOAD32
#undef STORE
#undef GE
#undef ZERO
#undef BLOCK
