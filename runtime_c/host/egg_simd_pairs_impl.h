/* Text of the loops of egg_simd_pairs.c, which compiles it once for each width of vectors through
 * egg_simd_variants_impl.h. */

#include "host/egg_simd_neurons_impl.h"
#include "host/egg_simd_readout_impl.h"

/* Turns projections s[n] into perturbations: clamp(rs(s * sigma, 8), limit). Doubles them for the averaging neuron. */
TARGET static void K(scale)(const egg_simd_job *job, uint32_t n, int32_t sigma, int32_t limit) {
    uint32_t twice = job->average ? 1 : 0;
    int16_t *s = job->s;
    for (uint32_t i = 0; i < n; i++) {
        int32_t x = egg_clamp(EGG_ROUND_SHIFT(s[i] * sigma, EGG_SIGMA_SHIFT), limit);
        s[i] = (int16_t)(x * (1 << twice));
    }
}

/* Draws the sign words out[WORDS][n] of the pairs from pair0 on; and some behind them, so that all vectors are full. */
TARGET static void K(draw)(egg_key key, uint32_t n, uint32_t pair0, uint32_t *out, uint32_t stride) {
    for (uint32_t w = 0; w < WORDS; w++, out += stride)
        for (uint32_t i = 0; i < n; i += EGG_SIMD_DRAWN)
            for (uint32_t j = i; j < i + EGG_SIMD_DRAWN; j++) out[j] = egg_rng_signs(key, j, pair0 / 32u + w);
}

/* Draws the sign words of the pairs from pair0 on; estimator batch. The parts lie in the order in which they are drawn,
 * because each may write beyond its end. */
INLINE egg_simd_signs K(draw_batch)(const egg_simd_job *job, uint32_t pair0) {
    const egg_generation *gen = job->gen;
    const egg_net_config *c = &gen->net->config;
    uint32_t size = c->layer[0].size, rows = size + 1u, ranks = job->ranks;
    egg_simd_signs w = {job->words, job->words + ranks * size, NULL, NULL, egg_simd_stride(c, ranks)};
    w.out = w.b + ranks * rows;
    for (uint32_t r = 0; r < ranks; r++)
        K(draw)(egg_rng_key(gen->seed, gen->generation, 0, 0, EGG_NOISE_A, r), size, pair0, w.a + r * size, w.stride);
    if (c->readout != EGG_READOUT_INTEGRATE) {
        w.b = NULL;
        return w;
    }
    for (uint32_t r = 0; r < ranks; r++)
        K(draw)(egg_rng_key(gen->seed, gen->generation, 0, 1, EGG_NOISE_B, r), rows, pair0, w.b + r * rows, w.stride);
    for (uint32_t r = 0; r < ranks; r++)
        K(draw)(egg_rng_key(gen->seed, gen->generation, 0, 1, EGG_NOISE_A, r), c->outputs, pair0,
                w.out + r * c->outputs, w.stride);
    return w;
}

/* The same for estimator sample. */
INLINE egg_simd_signs K(draw_sample)(const egg_simd_job *job, uint32_t pair0) {
    const egg_generation *gen = job->gen;
    const egg_net_config *c = &gen->net->config;
    uint32_t size = c->layer[0].size;
    egg_simd_signs w = {job->words, NULL, job->words + size, job->words + size + c->outputs, egg_simd_stride(c, 1)};
    K(draw)(egg_rng_key(gen->seed, gen->generation, job->position, 0, EGG_NOISE_A, 0), size, pair0, w.a, w.stride);
    K(draw)(egg_rng_key(gen->seed, gen->generation, job->position, 1, EGG_NOISE_LOGIT, 0), c->outputs, pair0, w.out,
            w.stride);
    K(draw)(egg_rng_key(gen->seed, gen->generation, job->position, 0, EGG_NOISE_Z, 0), gen->es.segments, pair0, w.z,
            w.stride);
    return w;
}

/* Sums over neurons, for each sign of the members and each block: all spikes, and the spikes of those neurons whose
 * sign b in the readout is +. */
typedef struct {
    V16 spikes[2][BLOCKS], projection[EGG_RANK_MAX][2][BLOCKS];
} K(totals);

/* All neurons of the list. Writes job->counts: the spikes of four neurons in the bytes of a 32-bit lane, as
 * [listed / 4][sign][block][even or odd pairs]. */
INLINE void K(hidden)(const egg_simd_job *job, uint32_t pair0, const egg_simd_signs *signs, uint32_t tables,
                      uint32_t ranks, uint32_t refractory, uint32_t average, K(totals) * totals) {
    uint32_t size = job->gen->net->config.layer[0].size;
    V32 *out = (V32 *)(void *)job->counts;
    V16 pattern[BLOCKS];
    if (tables) K(pattern_of)(job, pair0, signs, pattern);
    for (uint32_t q = 0; q < job->listed; q += 4) {
        V16 count[4][2][BLOCKS];
        for (uint32_t i = 0; i < 4; i++) {
            if (q + i >= job->listed) {
                for (uint32_t u = 0; u < BLOCKS; u++) count[i][0][u] = count[i][1][u] = (V16){0};
                continue;
            }
            const egg_simd_neuron *neuron = &job->neurons[q + i];
            if (tables)
                K(look_up)(job, neuron->neuron, pair0, signs, pattern, count[i]);
            else
                K(lif)(job, neuron, pair0, signs->a, signs->stride, ranks, refractory, average, count[i]);
            for (uint32_t u = 0; u < BLOCKS; u++)
                for (uint32_t sign = 0; sign < 2; sign++) totals->spikes[sign][u] += count[i][sign][u];
            for (uint32_t r = 0; signs->b != NULL && r < ranks; r++)
                for (uint32_t u = 0; u < BLOCKS; u++) {
                    MASK set = SIGNS(K(bits)(signs->b + r * (size + 1u) + neuron->neuron, signs->stride, pair0, u));
                    for (uint32_t sign = 0; sign < 2; sign++)
                        totals->projection[r][sign][u] += SELECT(set, count[i][sign][u], (V16){0});
                }
        }
        for (uint32_t sign = 0; sign < 2; sign++)
            for (uint32_t u = 0; u < BLOCKS; u++) {
                V16 low = count[0][sign][u] | (count[1][sign][u] << 8);
                V16 high = count[2][sign][u] | (count[3][sign][u] << 8);
                *out++ = EVEN_UNSIGNED(low) | ((V32)high << 16);
                *out++ = ODD_UNSIGNED(low) | ((V32)high & (int32_t)0xFFFF0000);
            }
    }
}

/* Adds F(+) - F(-) of BLOCKS * LANES pairs from pair0 on to fitness_diff. */
TARGET static void K(evaluate)(const egg_simd_job *job, uint32_t pair0, int32_t *fitness_diff) {
    const egg_generation *gen = job->gen;
    const egg_net_config *c = &gen->net->config;
    uint32_t size = c->layer[0].size, ranks = job->ranks, integrate = c->readout == EGG_READOUT_INTEGRATE;
    egg_simd_signs w = job->tables != NULL ? K(draw_sample)(job, pair0) : K(draw_batch)(job, pair0);
    K(totals) totals;
    for (uint32_t sign = 0; sign < 2; sign++)
        for (uint32_t u = 0; u < BLOCKS; u++) {
            totals.spikes[sign][u] = (V16){0};
            for (uint32_t r = 0; r < ranks; r++) totals.projection[r][sign][u] = (V16){0};
        }
    uint32_t refractory = c->layer[0].refractory;
    if (job->tables != NULL)
        K(hidden)(job, pair0, &w, 1, 1, 0, 0, &totals);
    else if (job->average && ranks == 1)
        K(hidden)(job, pair0, &w, 0, 1, 0, 1, &totals);
    else if (job->average)
        K(hidden)(job, pair0, &w, 0, ranks, 0, 1, &totals);
    else if (refractory == 0 && ranks == 1)
        K(hidden)(job, pair0, &w, 0, 1, 0, 0, &totals);
    else
        K(hidden)(job, pair0, &w, 0, ranks, refractory, 0, &totals);

    V32 x[EGG_OUTPUTS_MAX + EGG_SIMD_COLUMNS], fitness[2][BLOCKS][2];
    for (uint32_t v = 0; v < 4u * BLOCKS; v++) {
        uint32_t sign = v / (2u * BLOCKS), u = v / 2u % BLOCKS, odd = v % 2u;
        V16 n = totals.spikes[sign][u];
        V32 spikes = odd ? ODD_UNSIGNED(n) : EVEN_UNSIGNED(n);
        if (integrate) K(readout)(job, v, x);
        for (uint32_t j = 0; j < c->outputs; j++) {
            if (integrate)
                x[j] += c->ticks * gen->net->weights[1][size * c->outputs + j];
            else
                x[j] = (V32)(((const U32 *)(const void *)job->counts)[j / 4u * 8u + v] >> (8u * (j % 4u))) & 255;
        }
        for (uint32_t r = 0; w.b != NULL && r < ranks; r++) {
            V16 set = totals.projection[r][sign][u];
            K(perturb_readout)(job, &w, pair0, u, odd, r, odd ? ODD_UNSIGNED(set) : EVEN_UNSIGNED(set), spikes,
                               sign ? -1 : 1, x);
        }
        V32 logit = (V32){0} + (int32_t)gen->sigma.readout * (sign ? -1 : 1);
        for (uint32_t j = 0; j < c->outputs; j++) {
            x[j] <<= c->gain;
            if (job->tables != NULL && integrate) x[j] += K(signed)(logit, w.out + j, w.stride, pair0, u, odd);
        }
        fitness[sign][u][odd] = K(fitness)(job, x, spikes);
    }
    for (uint32_t p = 0; p < BLOCKS * LANES && pair0 + p < gen->es.pairs; p++) {
        uint32_t u = p / LANES, lane = p % LANES / 2u, odd = p % 2u;
        fitness_diff[p] += fitness[0][u][odd][lane] - fitness[1][u][odd][lane];
    }
}

static const pairs_kernel K(pairs) = {BLOCKS * LANES, K(average), K(scale), K(patterns), K(find_movable), K(evaluate)};
