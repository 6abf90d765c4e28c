/* Text of the loops over lanes of pairs, included by egg_group.c once for each vector width, as egg_lanes_body.h is.
 * Two blocks of LANES pairs are at work at once. */

#include "egg_lanes_body.h"

#undef BLOCKS
#undef WORDS
#define BLOCKS 2u
#define WORDS ((BLOCKS * LANES + 31u) / 32u) /* sign words of the pairs at work */

/* s[n] = clamp(rs(projection * sigma, 8), limit) in place; twice that for the averaging neuron */
TARGET static void K(scale)(const egg_group_job *job, uint32_t n, int32_t sigma, int32_t limit) {
    uint32_t twice = job->average ? 1 : 0;
    int16_t *s = job->s;
    for (uint32_t i = 0; i < n; i++) {
        int32_t x = (s[i] * sigma + 128) >> 8;
        x = x > limit ? limit : x;
        x = x < -limit ? -limit : x;
        s[i] = (int16_t)(x * (1 << twice));
    }
}

/* out[WORDS][n]: sign words of the pairs from pair0; draws some more, to have whole vectors only */
TARGET static void K(draw)(egg_key key, uint32_t n, uint32_t pair0, uint32_t *out, uint32_t stride) {
    for (uint32_t w = 0; w < WORDS; w++, out += stride)
        for (uint32_t i = 0; i < n; i += EGG_GROUP_DRAWN)
            for (uint32_t j = i; j < i + EGG_GROUP_DRAWN; j++) out[j] = egg_rng_signs(key, j, pair0 / 32u + w);
}

/* The part of a sign word, words[WORDS][stride], that block u of the lanes from pair0 has. */
INLINE uint32_t K(bits)(const uint32_t *words, uint32_t stride, uint32_t pair0, uint32_t u) {
    return words[u * LANES / 32u * stride] >> ((pair0 + u * LANES) % 32u);
}

typedef struct {
    V16 v, n, ref;
} K(neuron);

/* The membrane after a tick's leak and current (DESIGN.md section 5).
 * With leak shift 1, v - (v >> 1) + i is (v + 1 + 2 i) >> 1, the rounded average of v and 2 i, which a vector unit has
 * in one instruction. It is unsigned, so v is held as v + 2^15, and i comes as 2 i + 2^15; |i| < 2^14, so it fits. */
INLINE V16 K(leak)(V16 v, V16 i, uint32_t k, uint32_t average) {
    return average ? (V16)AVERAGE(v, i) : (V16)((v - (v >> k)) + i);
}

/* One tick; `last` is threshold - 1, in the form of the membrane. */
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

/* sample: each neuron's spikes for every pattern of segment signs, with a vector's lanes holding patterns. Bit s of a
 * pattern is the sign of segment s. Four neurons at a time, to hide the latency of the ticks. */
INLINE void K(run_patterns)(const egg_group_job *job, uint32_t refractory, uint32_t average) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t ticks = c->ticks, segments = job->gen->es.segments, k = c->layer[0].leak_shift;
    V16 zero = (V16){0} + (int16_t)(average ? INT16_MIN : 0), last = zero + (int16_t)(c->layer[0].threshold - 1);
    int16_t sigma = (int16_t)(average ? 2 * job->gen->sigma.hidden : job->gen->sigma.hidden);
    for (uint32_t part = 0; part < EGG_GROUP_PATTERNS; part += LANES) {
        V16 pert[EGG_TICKS_MAX];
        for (uint32_t t = 0; t < ticks; t++)
            for (uint32_t i = 0; i < LANES; i++)
                pert[t][i] = (int16_t)((part + i) >> (t * segments / ticks) & 1u ? sigma : -sigma);
        for (uint32_t h = 0; h < c->layer[0].size; h += 4) {
            K(neuron) x[4];
            for (uint32_t i = 0; i < 4; i++) {
                x[i].v = zero;
                x[i].n = x[i].ref = (V16){0};
            }
            for (uint32_t t = 0; t < ticks; t++)
                for (uint32_t i = 0; i < 4; i++)
                    K(tick)(&x[i], pert[t] + job->base[(h + i) * ticks + t], last, k, refractory, average);
            for (uint32_t i = 0; i < 4; i++) *(V16 *)(job->tables + (h + i) * EGG_GROUP_PATTERNS + part) = x[i].n;
        }
    }
}

/* batch: the neurons that the pairs' spikes depend on, `pairs` of them from pair0. No membrane is below `low` or above
 * `high`, those of the least and the greatest current; once members may differ, the bounds enclose both who spikes and
 * who does not. */
TARGET static uint32_t K(settle)(const egg_group_job *job, uint32_t pair0, uint32_t pairs) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t ticks = c->ticks, size = c->layer[0].size, padded = egg_pad(size), k = c->layer[0].leak_shift, lives = 0;
    int16_t most[EGG_TICKS_MAX] = {0};
    for (uint32_t r = 0; r < job->ranks; r++)
        for (uint32_t t = 0; t < ticks; t++) {
            const int16_t *s = job->s + (r * ticks + t) * 32u * EGG_WORDS + pair0 % (32u * EGG_WORDS);
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
            egg_group_live *live = &job->live[lives];
            live->neuron = (uint16_t)(h + i);
            live->first = (uint8_t)first[i];
            live->end = (uint8_t)end[i];
            live->rest = (uint8_t)rest[i];
            lives += (end[i] | rest[i]) != 0 || c->readout != EGG_READOUT_INTEGRATE;
        }
    }
    return lives;
}

/* Fills the tables; returns the neurons that spike in any pattern. */
TARGET static uint32_t K(patterns)(const egg_group_job *job) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t lives = 0;
    if (job->average)
        K(run_patterns)(job, 0, 1);
    else
        K(run_patterns)(job, c->layer[0].refractory, 0);
    for (uint32_t h = 0; h < c->layer[0].size; h++) {
        const int16_t *table = job->tables + h * EGG_GROUP_PATTERNS;
        int16_t any = 0;
        for (uint32_t i = 0; i < EGG_GROUP_PATTERNS; i++) any |= table[i];
        job->live[lives].neuron = (uint16_t)h;
        lives += any != 0 || c->readout != EGG_READOUT_INTEGRATE;
    }
    return lives;
}

/* table[index], table of EGG_GROUP_PATTERNS */
INLINE V16 K(look)(const int16_t *table, V16 index) {
#if LANE_BYTES == 64
    return (V16)_mm512_permutexvar_epi16((__m512i)index, *(const __m512i_u *)(const void *)table);
#elif LANE_BYTES == 32
    __m256i low = *(const __m256i_u *)(const void *)table, high = *(const __m256i_u *)(const void *)(table + 16);
    low = _mm256_permute4x64_epi64(_mm256_packus_epi16(low, low), 0x88); /* as bytes, in both halves */
    high = _mm256_permute4x64_epi64(_mm256_packus_epi16(high, high), 0x88);
    __m256i byte = (__m256i)(index | INT16_MIN); /* the upper byte of a lane picks 0 */
    return SELECT(index > 15, (V16)_mm256_shuffle_epi8(high, byte), (V16)_mm256_shuffle_epi8(low, byte));
#else
    V16 out;
    for (uint32_t i = 0; i < LANES; i++) out[i] = table[(uint16_t)index[i]];
    return out;
#endif
}

/* sample: the pattern of segment signs of the pairs' members of sign + */
INLINE void K(pattern_of)(const egg_group_job *job, uint32_t pair0, const egg_group_signs *signs, V16 *pattern) {
    for (uint32_t u = 0; u < BLOCKS; u++) {
        pattern[u] = (V16){0};
        for (uint32_t s = 0; s < job->gen->es.segments; s++) {
            MASK set = SIGNS(K(bits)(signs->z + s, signs->stride, pair0, u));
            pattern[u] |= SELECT(set, (V16){0} + (int16_t)(1 << s), (V16){0});
        }
    }
}

/* As K(lif): a neuron of sign - sees the opposite pattern, and so does a member of sign -. */
INLINE void K(look_up)(const egg_group_job *job, uint32_t h, uint32_t pair0, const egg_group_signs *signs,
                       const V16 *pattern, V16 count[2][BLOCKS]) {
    const int16_t *table = job->tables + h * EGG_GROUP_PATTERNS, all = EGG_GROUP_PATTERNS - 1;
    for (uint32_t u = 0; u < BLOCKS; u++) {
        MASK sign = SIGNS(K(bits)(signs->a + h, signs->stride, pair0, u));
        V16 seen = SELECT(sign, pattern[u], pattern[u] ^ all);
        count[0][u] = K(look)(table, seen);
        count[1][u] = K(look)(table, seen ^ all);
    }
}

/* What the lanes sum up over neurons, for each sign and block: spikes, and spikes where the readout's b is +1. */
typedef struct {
    V16 spikes[2][BLOCKS], projection[EGG_RANK_MAX][2][BLOCKS];
} K(totals);

/* Spikes of a neuron: count[sign][block]. Runs it twice, with base + pert and base - pert for the pairs whose sign is
 * +; the other pairs have the two counts swapped. Before `first` no member spikes. `ranks`, `refractory` and `average`
 * are constants at each call that matters. */
INLINE void K(lif)(const egg_group_job *job, const egg_group_live *live, uint32_t pair0, const uint32_t *a,
                   uint32_t stride, uint32_t ranks, uint32_t refractory, uint32_t average, V16 count[2][BLOCKS]) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t h = live->neuron, ticks = c->ticks, size = c->layer[0].size, k = c->layer[0].leak_shift;
    V16 zero = (V16){0} + (int16_t)(average ? INT16_MIN : 0);
    V16 last = zero + (int16_t)(c->layer[0].threshold - 1);
    const int16_t *s = job->s + pair0 % (32u * EGG_WORDS), *base = job->base + h * ticks;
    MASK agree[EGG_RANK_MAX][BLOCKS]; /* where the sign of a rank is that of rank 0 */
    K(neuron) plus[BLOCKS], minus[BLOCKS];
    for (uint32_t u = 0; u < BLOCKS; u++) {
        plus[u].v = minus[u].v = zero;
        plus[u].n = minus[u].n = (V16){0} + (int16_t)live->rest;
        plus[u].ref = minus[u].ref = (V16){0};
        for (uint32_t r = 1; r < ranks; r++)
            agree[r][u] = SIGNS(~(K(bits)(a + h, stride, pair0, u) ^ K(bits)(a + r * size + h, stride, pair0, u)));
    }
    for (uint32_t t = 0; t < live->end; t++) {
        V16 shared = (V16){0} + base[t];
        uint32_t quiet = t < live->first;
        for (uint32_t u = 0; u < BLOCKS; u++) {
            V16 pert = *(const V16 *)(s + t * 32u * EGG_WORDS + u * LANES);
            for (uint32_t r = 1; r < ranks; r++) {
                V16 x = *(const V16 *)(s + (r * ticks + t) * 32u * EGG_WORDS + u * LANES);
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

/* All neurons of job->live: counts as bytes of four neurons a 32-bit lane, [live / 4][sign][block][even, odd pairs]. */
INLINE void K(hidden)(const egg_group_job *job, uint32_t pair0, const egg_group_signs *signs, uint32_t tables,
                      uint32_t ranks, uint32_t refractory, uint32_t average, K(totals) * totals) {
    uint32_t size = job->gen->net->config.layer[0].size;
    V32 *out = (V32 *)(void *)job->counts;
    V16 pattern[BLOCKS];
    if (tables) K(pattern_of)(job, pair0, signs, pattern);
    for (uint32_t q = 0; q < job->lives; q += 4) {
        V16 count[4][2][BLOCKS];
        for (uint32_t i = 0; i < 4; i++) {
            if (q + i >= job->lives) {
                for (uint32_t u = 0; u < BLOCKS; u++) count[i][0][u] = count[i][1][u] = (V16){0};
                continue;
            }
            const egg_group_live *live = &job->live[q + i];
            if (tables)
                K(look_up)(job, live->neuron, pair0, signs, pattern, count[i]);
            else
                K(lif)(job, live, pair0, signs->a, signs->stride, ranks, refractory, average, count[i]);
            for (uint32_t u = 0; u < BLOCKS; u++)
                for (uint32_t sign = 0; sign < 2; sign++) totals->spikes[sign][u] += count[i][sign][u];
            for (uint32_t r = 0; signs->b != NULL && r < ranks; r++)
                for (uint32_t u = 0; u < BLOCKS; u++) {
                    MASK set = SIGNS(K(bits)(signs->b + r * (size + 1u) + live->neuron, signs->stride, pair0, u));
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

/* x[outputs] = sum over neurons of count * weight, for one of the 8 vectors of counts */
TARGET static void K(readout)(const egg_group_job *job, uint32_t vector, V32 *x) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t quads = (job->lives + 3u) / 4u, outputs = egg_group_columns(c);
    const V32 *counts = (const V32 *)(void *)job->counts + vector;
    for (uint32_t j = 0; j < outputs; j += EGG_GROUP_COLUMNS) {
        const int32_t *w = (const int32_t *)(const void *)job->packed + j;
        V32 sum[EGG_GROUP_COLUMNS];
        for (uint32_t i = 0; i < EGG_GROUP_COLUMNS; i++) sum[i] = (V32){0};
        for (uint32_t q = 0; q < quads; q++, w += outputs) {
            V32 n = counts[q * 8u];
            for (uint32_t i = 0; i < EGG_GROUP_COLUMNS; i++) sum[i] = DOT4(sum[i], n, w[i]);
        }
        for (uint32_t i = 0; i < EGG_GROUP_COLUMNS; i++) x[j + i] = sum[i];
    }
}

/* Fitness of the members in the lanes (DESIGN.md section 6), logits x[outputs]. */
INLINE V32 K(fitness)(const egg_group_job *job, const V32 *x, V32 spikes) {
    uint32_t outputs = job->gen->net->config.outputs;
    V32 cost = spikes * (int32_t)job->gen->es.penalty, most = (V32){0} + EGG_LOSS_MAX;
    if (job->gen->es.fitness == EGG_FITNESS_ACCURACY) {
        V32 right = (V32){0} - 1;
        for (uint32_t j = 0; j < outputs; j++)
            if (j != job->label) right &= j < job->label ? x[job->label] > x[j] : x[job->label] >= x[j];
        V32 f = (right & 4096) - cost;
        f = PICK(f > most, most, f);
        return PICK(f < -most, -most, f);
    }
    V32 max = x[0], sum = {0}, log = {0};
    for (uint32_t j = 1; j < outputs; j++) max = PICK(x[j] > max, x[j], max);
    for (uint32_t j = 0; j < outputs; j++) {
        U32 d = (U32)max - (U32)x[j];
        V32 near = (V32)(d < 65536), f = (V32)d & 4095;
        V32 y = 65536 - ((f * (45329 - ((f * (15158 - ((f * 2597) >> 12))) >> 12))) >> 12);
        sum += (y >> (((V32)d >> 12) & 15)) & near;
    }
    for (int32_t n = 4; n > 0; n >>= 1) { /* sum < 2^23: halve it until it is below 2^17 */
        V32 large = (V32)(sum >= (65536 << n));
        sum = PICK(large, sum >> n, sum);
        log += large & (4096 * n);
    }
    V32 u = (sum - 65536) >> 1;
    log += (u * (47144 - ((u * (22208 - ((u * (10522 - ((u * 2690) >> 15))) >> 15))) >> 15))) >> 18;
    U32 d = (U32)max - (U32)x[job->label];
    V32 loss = log + PICK(d < EGG_LOSS_MAX, (V32)d, most) + cost;
    return -PICK(loss > most, most, loss);
}

/* Parts lie in the order in which they are drawn, for each may write behind its end. */
INLINE egg_group_signs K(draw_batch)(const egg_group_job *job, uint32_t pair0) {
    const egg_gen *gen = job->gen;
    const egg_net_config *c = &gen->net->config;
    uint32_t size = c->layer[0].size, rows = size + 1u, ranks = job->ranks;
    egg_group_signs w = {job->words, job->words + ranks * size, NULL, NULL, egg_group_stride(c, ranks)};
    w.out = w.b + ranks * rows;
    for (uint32_t r = 0; r < ranks; r++)
        K(draw)(egg_rng_key(gen->seed, gen->generation, 0, 0, EGG_STREAM_A, r), size, pair0, w.a + r * size, w.stride);
    if (c->readout != EGG_READOUT_INTEGRATE) {
        w.b = NULL;
        return w;
    }
    for (uint32_t r = 0; r < ranks; r++)
        K(draw)(egg_rng_key(gen->seed, gen->generation, 0, 1, EGG_STREAM_B, r), rows, pair0, w.b + r * rows, w.stride);
    for (uint32_t r = 0; r < ranks; r++)
        K(draw)(egg_rng_key(gen->seed, gen->generation, 0, 1, EGG_STREAM_A, r), c->outputs, pair0,
                w.out + r * c->outputs, w.stride);
    return w;
}

INLINE egg_group_signs K(draw_sample)(const egg_group_job *job, uint32_t pair0) {
    const egg_gen *gen = job->gen;
    const egg_net_config *c = &gen->net->config;
    uint32_t size = c->layer[0].size;
    egg_group_signs w = {job->words, NULL, job->words + size, job->words + size + c->outputs, egg_group_stride(c, 1)};
    K(draw)(egg_rng_key(gen->seed, gen->generation, job->pos, 0, EGG_STREAM_A, 0), size, pair0, w.a, w.stride);
    K(draw)(egg_rng_key(gen->seed, gen->generation, job->pos, 1, EGG_STREAM_LOGIT, 0), c->outputs, pair0, w.out,
            w.stride);
    K(draw)(egg_rng_key(gen->seed, gen->generation, job->pos, 0, EGG_STREAM_Z, 0), gen->es.segments, pair0, w.z,
            w.stride);
    return w;
}

/* x where the pairs' sign of a word is +, -x where it is -; for the even or odd pairs of block u */
INLINE V32 K(signed)(V32 x, const uint32_t *words, uint32_t stride, uint32_t pair0, uint32_t u, uint32_t odd) {
    V16 zero = {0}, flip = SELECT(SIGNS(K(bits)(words, stride, pair0, u)), zero, zero - 1);
    V32 minus = odd ? ODD(flip) : EVEN(flip);
    return (x ^ minus) - minus;
}

/* batch: adds what rank r puts on the readout. set: spikes where b is +1 */
INLINE void K(perturb_readout)(const egg_group_job *job, const egg_group_signs *w, uint32_t pair0, uint32_t u,
                               uint32_t odd, uint32_t r, V32 set, V32 spikes, int32_t sign, V32 *x) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t size = c->layer[0].size;
    V32 sum = 2 * set - spikes;
    sum += K(signed)((V32){0} + c->ticks, w->b + r * (size + 1u) + size, w->stride, pair0, u, odd);
    V32 s = (sum * (int32_t)job->gen->sigma.readout + 128) >> 8, most = (V32){0} + (1 << 19) / (int32_t)job->ranks;
    s = PICK(s > most, most, s);
    s = PICK(s < -most, -most, s) * sign;
    for (uint32_t j = 0; j < c->outputs; j++)
        x[j] += K(signed)(s, w->out + r * c->outputs + j, w->stride, pair0, u, odd);
}

/* Adds F(+) - F(-) of BLOCKS * LANES pairs from pair0 to diff. */
TARGET static void K(group)(const egg_group_job *job, uint32_t pair0, int32_t *diff) {
    const egg_gen *gen = job->gen;
    const egg_net_config *c = &gen->net->config;
    uint32_t size = c->layer[0].size, ranks = job->ranks, integrate = c->readout == EGG_READOUT_INTEGRATE;
    egg_group_signs w = job->tables != NULL ? K(draw_sample)(job, pair0) : K(draw_batch)(job, pair0);
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

    V32 x[EGG_OUTPUTS_MAX + EGG_GROUP_COLUMNS], fitness[2][BLOCKS][2];
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
        diff[p] += fitness[0][u][odd][lane] - fitness[1][u][odd][lane];
    }
}
