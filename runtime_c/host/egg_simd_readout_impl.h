/* Readout and fitness of members, one in each 32-bit lane: those of the even or of the odd pairs of a block.
 * Included by egg_simd_pairs_impl.h for each width of vectors. */

/* x[outputs] = sum over neurons of count * weight, for one of the 8 vectors of counts. */
TARGET static void K(readout)(const egg_simd_job *job, uint32_t vector, V32 *x) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t quads = (job->listed + 3u) / 4u, outputs = egg_simd_columns(c);
    const V32 *counts = (const V32 *)(void *)job->counts + vector;
    for (uint32_t j = 0; j < outputs; j += EGG_SIMD_COLUMNS) {
        const int32_t *w = (const int32_t *)(const void *)job->packed + j;
        V32 sum[EGG_SIMD_COLUMNS];
        for (uint32_t i = 0; i < EGG_SIMD_COLUMNS; i++) sum[i] = (V32){0};
        for (uint32_t q = 0; q < quads; q++, w += outputs) {
            V32 n = counts[q * 8u];
            for (uint32_t i = 0; i < EGG_SIMD_COLUMNS; i++) sum[i] = DOT4(sum[i], n, w[i]);
        }
        for (uint32_t i = 0; i < EGG_SIMD_COLUMNS; i++) x[j + i] = sum[i];
    }
}

/* x where the pairs have sign + in a sign word, else -x; for the even or the odd pairs of block u. */
INLINE V32 K(signed)(V32 x, const uint32_t *words, uint32_t stride, uint32_t pair0, uint32_t u, uint32_t odd) {
    V16 zero = {0}, flip = SELECT(SIGNS(K(bits)(words, stride, pair0, u)), zero, zero - 1);
    V32 minus = odd ? ODD(flip) : EVEN(flip);
    return (x ^ minus) - minus;
}

/* Estimator batch: adds the perturbation of rank r to the readout. `set`: spikes of the neurons whose b is +. */
INLINE void K(perturb_readout)(const egg_simd_job *job, const egg_simd_signs *w, uint32_t pair0, uint32_t u,
                               uint32_t odd, uint32_t r, V32 set, V32 spikes, int32_t sign, V32 *x) {
    const egg_net_config *c = &job->gen->net->config;
    uint32_t size = c->layer[0].size;
    V32 sum = 2 * set - spikes;
    sum += K(signed)((V32){0} + c->ticks, w->b + r * (size + 1u) + size, w->stride, pair0, u, odd);
    V32 s = EGG_ROUND_SHIFT(sum * (int32_t)job->gen->sigma.readout, EGG_SIGMA_SHIFT);
    V32 most = (V32){0} + (int32_t)(EGG_READOUT_LIMIT / job->ranks);
    s = PICK(s > most, most, s);
    s = PICK(s < -most, -most, s) * sign;
    for (uint32_t j = 0; j < c->outputs; j++)
        x[j] += K(signed)(s, w->out + r * c->outputs + j, w->stride, pair0, u, odd);
}

/* Fitness of the members in the lanes, whose logits are x[outputs] (SPEC.md section 6). */
INLINE V32 K(fitness)(const egg_simd_job *job, const V32 *x, V32 spikes) {
    uint32_t outputs = job->gen->net->config.outputs;
    V32 cost = spikes * (int32_t)job->gen->es.penalty, most = (V32){0} + EGG_LOSS_MAX;
    if (job->gen->es.fitness == EGG_FITNESS_ACCURACY) {
        V32 right = (V32){0} - 1;
        for (uint32_t j = 0; j < outputs; j++)
            if (j != job->label) right &= j < job->label ? x[job->label] > x[j] : x[job->label] >= x[j];
        V32 f = (right & EGG_ONE_BIT) - cost;
        f = PICK(f > most, most, f);
        return PICK(f < -most, -most, f);
    }
    V32 max = x[0], sum = {0}, log = {0};
    for (uint32_t j = 1; j < outputs; j++) max = PICK(x[j] > max, x[j], max);
    for (uint32_t j = 0; j < outputs; j++) {
        U32 d = (U32)max - (U32)x[j];
        V32 near = (V32)(d < 16u * EGG_ONE_BIT), f = (V32)d & (EGG_ONE_BIT - 1);
        V32 y = EGG_EXP2_POLY(f);
        sum += (y >> (((V32)d >> 12) & 15)) & near;
    }
    for (int32_t n = 4; n > 0; n >>= 1) { /* sum < 2^23: halve it until it is below 2^17 */
        V32 large = (V32)(sum >= (65536 << n));
        sum = PICK(large, sum >> n, sum);
        log += large & (EGG_ONE_BIT * n);
    }
    V32 u = (sum - 65536) >> 1;
    log += EGG_LOG2_POLY(u);
    U32 d = (U32)max - (U32)x[job->label];
    V32 loss = log + PICK(d < EGG_LOSS_MAX, (V32)d, most) + cost;
    return -PICK(loss > most, most, loss);
}
