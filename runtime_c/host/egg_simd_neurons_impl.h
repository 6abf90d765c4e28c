/* LIF neurons with a pair, or a pattern of segment signs, in each lane. Two blocks of LANES pairs run at once.
 * Included by egg_simd_pairs_impl.h for each width of vectors. */

#include "host/egg_simd_impl.h"

#undef BLOCKS
#undef WORDS
#define BLOCKS 2u
#define WORDS ((BLOCKS * LANES + 31u) / 32u) /* sign words of the pairs that run at once */

/* The bits of block u of the lanes from pair0 on, out of sign words [WORDS][stride]. */
INLINE uint32_t K(bits)(const uint32_t *words, uint32_t stride, uint32_t pair0, uint32_t u) {
    return words[u * LANES / 32u * stride] >> ((pair0 + u * LANES) % 32u);
}

/* A neuron in each lane. */
typedef struct {
    V16 v, n, ref; /* membrane, spikes so far, refractory ticks left */
} K(neuron);

/* The membrane after the leak and the current of a tick (SPEC.md section 5).
 * The averaging neuron: with leak shift 1, v - (v >> 1) + i = (v + 1 + 2 i) >> 1. That is the rounded average of v and
 * 2 i, for which vector units have one instruction. The instruction is unsigned, so v is kept as v + 2^15, and i comes
 * as 2 i + 2^15, which fits because |i| < 2^14. */
INLINE V16 K(leak)(V16 v, V16 i, uint32_t k, uint32_t average) {
    return average ? (V16)AVERAGE(v, i) : (V16)((v - (v >> k)) + i);
}

/* One tick. `last` is threshold - 1, in the form of the membrane. */
INLINE void K(tick)(K(neuron) * x, V16 i, V16 last, uint32_t k, uint32_t refractory, uint32_t average) {
    MASK spike, ready;
    if (refractory > 0) {
        ready = GT((V16){0} + 1, x->ref);
        x->ref = SELECT(ready, (V16){0}, x->ref - 1);
        i = SELECT(ready, i, (V16){0});
    }
    x->v = K(leak)(x->v, i, k, average);
    spike = average ? GT_UNSIGNED(x->v, last) : GT(x->v, last);
    if (refractory > 0) {
        spike &= ready;
        x->ref = SELECT(spike, (V16){0} + (int16_t)refractory, x->ref);
    }
    x->v = SUB_IF(spike, x->v, (last - (int16_t)(average ? INT16_MIN : 0)) + 1);
    x->n = SUB_IF(spike, x->n, ((V16){0} - 1));
}

/* Estimator sample: the spikes of each neuron for every pattern of segment signs, with a pattern in each lane. Bit s of
 * a pattern is the sign of segment s. Runs four neurons at a time, to hide the latency of the instructions. */
INLINE void K(run_patterns)(const egg_simd_job *job, uint32_t refractory, uint32_t average) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t ticks = c->ticks, segments = job->gen->es.segments, k = c->layer[0].leak_shift;
    V16 zero = (V16){0} + (int16_t)(average ? INT16_MIN : 0), last = zero + (int16_t)(c->layer[0].threshold - 1);
    int16_t sigma = (int16_t)(average ? 2 * job->gen->sigma.hidden : job->gen->sigma.hidden);
    for (uint32_t part = 0; part < EGG_SIMD_PATTERNS; part += LANES) {
        V16 pert[EGG_TICKS_MAX];
        for (uint32_t t = 0; t < ticks; t++) {
            uint32_t segment = egg_segment_of(t, segments, ticks);
            for (uint32_t i = 0; i < LANES; i++) pert[t][i] = (int16_t)((part + i) >> segment & 1u ? sigma : -sigma);
        }
        for (uint32_t h = 0; h < c->layer[0].size; h += 4) {
            K(neuron) x[4];
            for (uint32_t i = 0; i < 4; i++) {
                x[i].v = zero;
                x[i].n = x[i].ref = (V16){0};
            }
            for (uint32_t t = 0; t < ticks; t++)
                for (uint32_t i = 0; i < 4; i++)
                    K(tick)(&x[i], pert[t] + job->base[(h + i) * ticks + t], last, k, refractory, average);
            for (uint32_t i = 0; i < 4; i++) *(V16 *)(job->tables + (h + i) * EGG_SIMD_PATTERNS + part) = x[i].n;
        }
    }
}

/* Estimator sample: fills job->tables, and lists the neurons that spike in any pattern. Returns their number. */
TARGET static uint32_t K(patterns)(const egg_simd_job *job) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t listed = 0;
    if (job->average)
        K(run_patterns)(job, 0, 1);
    else
        K(run_patterns)(job, c->layer[0].refractory, 0);
    for (uint32_t h = 0; h < c->layer[0].size; h++) {
        const int16_t *table = job->tables + h * EGG_SIMD_PATTERNS;
        int16_t any = 0;
        for (uint32_t i = 0; i < EGG_SIMD_PATTERNS; i++) any |= table[i];
        job->neurons[listed].neuron = (uint16_t)h;
        listed += any != 0 || c->readout != EGG_READOUT_INTEGRATE;
    }
    return listed;
}

/* Estimator batch: lists the neurons that some of `pairs` pairs from pair0 on must run (egg_simd_neuron). Runs two
 * bounds of all members' membranes, `low` and `high`, with the least and the greatest current. Once members may spike
 * differently, the bounds enclose those that spike and those that do not. Returns the number of neurons. */
TARGET static uint32_t K(find_movable)(const egg_simd_job *job, uint32_t pair0, uint32_t pairs) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t ticks = c->ticks, size = c->layer[0].size, padded = egg_padded(size), k = c->layer[0].leak_shift,
             listed = 0;
    int16_t most[EGG_TICKS_MAX] = {0};
    for (uint32_t r = 0; r < job->ranks; r++)
        for (uint32_t t = 0; t < ticks; t++) {
            const int16_t *s = job->s + (r * ticks + t) * 32u * EGG_SIGN_WORDS + pair0 % (32u * EGG_SIGN_WORDS);
            int16_t top = 0;
            for (uint32_t p = 0; p < pairs; p++) {
                int16_t x = (int16_t)(s[p] < 0 ? -s[p] : s[p]);
                top = x > top ? x : top;
            }
            most[t] = (int16_t)(most[t] + (job->average ? top / 2 : top));
        }
    V16 last = (V16){0} + (int16_t)(c->layer[0].threshold - 1), zero = {0};
    for (uint32_t h = 0; h < size; h += LANES) {
        V16 low = zero, high = zero, first = zero, end = zero, rest = zero;
        MASK seen = GT(zero, zero);
        for (uint32_t t = 0; t < ticks; t++) {
            V16 i = *(const V16 *)(job->shared + t * padded + h);
            low = K(leak)(low, i - most[t], k, 0);
            high = K(leak)(high, i + most[t], k, 0);
            MASK some = GT(high, last), all = GT(low, last), open = some & ~all;
            first = SELECT(some & ~seen, zero + (int16_t)t, first);
            seen |= some;
            end = SELECT(open, zero + (int16_t)(t + 1), end);
            rest = SELECT(open, zero, SUB_IF(all, rest, zero - 1));
            low = SUB_IF(all, low, last + 1);
            low = SELECT(open & GT(low, zero), zero, low);
            high = SUB_IF(some, high, last + 1);
            high = SELECT(open & GT(last, high), last, high);
        }
        for (uint32_t i = 0; i < LANES && h + i < size; i++) {
            egg_simd_neuron *at = &job->neurons[listed];
            at->neuron = (uint16_t)(h + i);
            at->first = (uint8_t)first[i];
            at->end = (uint8_t)end[i];
            at->rest = (uint8_t)rest[i];
            listed += (end[i] | rest[i]) != 0 || c->readout != EGG_READOUT_INTEGRATE;
        }
    }
    return listed;
}

/* table[index] in each lane; the table has EGG_SIMD_PATTERNS entries. */
INLINE V16 K(look)(const int16_t *table, V16 index) {
#if LANE_BYTES == 64
    return (V16)_mm512_permutexvar_epi16((__m512i)index, *(const __m512i_u *)(const void *)table);
#elif LANE_BYTES == 32
    __m256i low = *(const __m256i_u *)(const void *)table, high = *(const __m256i_u *)(const void *)(table + 16);
    low = _mm256_permute4x64_epi64(_mm256_packus_epi16(low, low), 0x88); /* as bytes, the same in both halves */
    high = _mm256_permute4x64_epi64(_mm256_packus_epi16(high, high), 0x88);
    __m256i byte = (__m256i)(index | INT16_MIN); /* so that the upper byte of each lane becomes 0 */
    return SELECT(index > 15, (V16)_mm256_shuffle_epi8(high, byte), (V16)_mm256_shuffle_epi8(low, byte));
#else
    V16 out;
    for (uint32_t i = 0; i < LANES; i++) out[i] = table[(uint16_t)index[i]];
    return out;
#endif
}

/* Estimator sample: the pattern of segment signs that the + members of the pairs have. */
INLINE void K(pattern_of)(const egg_simd_job *job, uint32_t pair0, const egg_simd_signs *signs, V16 *pattern) {
    for (uint32_t u = 0; u < BLOCKS; u++) {
        pattern[u] = (V16){0};
        for (uint32_t s = 0; s < job->gen->es.segments; s++) {
            MASK set = SIGNS(K(bits)(signs->z + s, signs->stride, pair0, u));
            pattern[u] |= SELECT(set, (V16){0} + (int16_t)(1 << s), (V16){0});
        }
    }
}

/* The spikes of neuron h, as K(lif) gives them. Neurons of sign -, and members of sign -, see the opposite pattern. */
INLINE void K(look_up)(const egg_simd_job *job, uint32_t h, uint32_t pair0, const egg_simd_signs *signs,
                       const V16 *pattern, V16 count[2][BLOCKS]) {
    const int16_t *table = job->tables + h * EGG_SIMD_PATTERNS, all = EGG_SIMD_PATTERNS - 1;
    for (uint32_t u = 0; u < BLOCKS; u++) {
        MASK sign = SIGNS(K(bits)(signs->a + h, signs->stride, pair0, u));
        V16 seen = SELECT(sign, pattern[u], pattern[u] ^ all);
        count[0][u] = K(look)(table, seen);
        count[1][u] = K(look)(table, seen ^ all);
    }
}

/* The spikes of a neuron, count[sign][block]. Runs it twice, with base + pert and with base - pert, which is right for
 * pairs whose sign is +. For the other pairs the two counts are swapped. `ranks`, `refractory` and `average` are
 * constants at each call in which speed matters. */
INLINE void K(lif)(const egg_simd_job *job, const egg_simd_neuron *listed, uint32_t pair0, const uint32_t *a,
                   uint32_t stride, uint32_t ranks, uint32_t refractory, uint32_t average, V16 count[2][BLOCKS]) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t h = listed->neuron, ticks = c->ticks, size = c->layer[0].size, k = c->layer[0].leak_shift;
    V16 zero = (V16){0} + (int16_t)(average ? INT16_MIN : 0);
    V16 last = zero + (int16_t)(c->layer[0].threshold - 1);
    const int16_t *s = job->s + pair0 % (32u * EGG_SIGN_WORDS), *base = job->base + h * ticks;
    MASK agree[EGG_RANK_MAX][BLOCKS]; /* where the sign of a rank equals that of rank 0 */
    K(neuron) plus[BLOCKS], minus[BLOCKS];
    for (uint32_t u = 0; u < BLOCKS; u++) {
        plus[u].v = minus[u].v = zero;
        plus[u].n = minus[u].n = (V16){0} + (int16_t)listed->rest;
        plus[u].ref = minus[u].ref = (V16){0};
        for (uint32_t r = 1; r < ranks; r++)
            agree[r][u] = SIGNS(~(K(bits)(a + h, stride, pair0, u) ^ K(bits)(a + r * size + h, stride, pair0, u)));
    }
    for (uint32_t t = 0; t < listed->end; t++) {
        V16 shared = (V16){0} + base[t];
        uint32_t quiet = t < listed->first;
        for (uint32_t u = 0; u < BLOCKS; u++) {
            V16 pert = *(const V16 *)(s + t * 32u * EGG_SIGN_WORDS + u * LANES);
            for (uint32_t r = 1; r < ranks; r++) {
                V16 x = *(const V16 *)(s + (r * ticks + t) * 32u * EGG_SIGN_WORDS + u * LANES);
                pert = SELECT(agree[r][u], pert + x, pert - x);
            }
            if (quiet) {
                plus[u].v = K(leak)(plus[u].v, shared + pert, k, average);
                minus[u].v = K(leak)(minus[u].v, shared - pert, k, average);
            } else {
                K(tick)(&plus[u], shared + pert, last, k, refractory, average);
                K(tick)(&minus[u], shared - pert, last, k, refractory, average);
            }
        }
    }
    for (uint32_t u = 0; u < BLOCKS; u++) {
        MASK sign = SIGNS(K(bits)(a + h, stride, pair0, u));
        count[0][u] = SELECT(sign, plus[u].n, minus[u].n);
        count[1][u] = SELECT(sign, minus[u].n, plus[u].n);
    }
}
