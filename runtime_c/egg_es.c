/* What both estimators share. */
#include "egg_es.h"

#include "egg_es_private.h"
#include "egg_fx.h"
#include "egg_kernel.h"
#include "egg_rng.h"

egg_status egg_gen_check(const egg_gen *gen) {
    const egg_net_config *net = &gen->net->config;
    egg_status status = egg_es_check(net, &gen->es);
    if (status != EGG_OK) return status;
    uint32_t full = gen->es.estimator == EGG_FULL;
    if (gen->sigma.hidden > (full ? 16383u : 32767u) || gen->sigma.readout > (full ? 16367u : 32767u))
        return EGG_E_SIGMA;
    for (uint32_t l = 0; l < net->layers; l++)
        if (gen->es.estimator == EGG_SAMPLE && gen->sigma.hidden > egg_forward_limit(&net->layer[l]))
            return EGG_E_SIGMA;
    uint32_t least = gen->es.estimator == EGG_SAMPLE ? 4 : 0;
    const egg_rate *rate[2] = {&gen->rate_hidden, &gen->rate_readout};
    for (uint32_t i = 0; i < 2; i++)
        if (rate[i]->m > 127 || rate[i]->n < least || rate[i]->n > 30) return EGG_E_RATE;
    return EGG_OK;
}

uint16_t egg_sigma_of_rank(uint16_t sigma, uint32_t rank) {
    /* sigma / sqrt(rank) = sqrt(sigma^2 / rank), rounded: largest q with (2q - 1)^2 * rank <= 4 sigma^2 */
    uint32_t target = (uint32_t)sigma * sigma / rank, q = 0;
    for (uint32_t bit = 1u << 15; bit != 0; bit >>= 1)
        if ((q | bit) * (q | bit) <= target) q |= bit;
    return (uint16_t)(target - q * q > q ? q + 1u : q);
}

void egg_shape(const int32_t *diff, uint32_t pairs, int8_t *f) {
    uint32_t max = 0, sum = 0, e = 0;
    for (uint32_t p = 0; p < pairs; p++)
        if (egg_abs(diff[p]) > max) max = egg_abs(diff[p]);
    while ((max >> e) > 32767) e++;
    for (uint32_t p = 0; p < pairs; p++) sum += egg_abs(diff[p] >> e);
    uint32_t mean = sum / pairs;
    if (mean == 0) mean = 1;
    for (uint32_t p = 0; p < pairs; p++) {
        int32_t d = diff[p] >> e;
        int32_t scaled = (int32_t)((32u * egg_abs(d) + mean / 2u) / mean);
        f[p] = (int8_t)egg_clamp(d < 0 ? -scaled : scaled, 127);
    }
}

egg_rate egg_es_rate(const egg_gen *gen, uint32_t m) {
    return m < gen->net->config.layers ? gen->rate_hidden : gen->rate_readout;
}

void egg_es_kappa(const egg_gen *gen, uint32_t m, uint16_t *kappa) {
    egg_key key = egg_rng_key(gen->seed, gen->generation, 0, m, EGG_STREAM_ROUND_COL, 0);
    for (uint32_t j = 0; j < egg_net_cols(&gen->net->config, m); j++) kappa[j] = (uint16_t)egg_rng_round(key, j);
}

egg_key egg_es_rho_key(const egg_gen *gen, uint32_t m) {
    return egg_rng_key(gen->seed, gen->generation, 0, m, EGG_STREAM_ROUND_ROW, 0);
}

void egg_apply(const egg_gen *gen, egg_ws *ws, uint32_t m, uint32_t row0, uint32_t row1, int32_t *sum) {
    uint32_t cols = egg_net_cols(&gen->net->config, m);
    egg_key rho = egg_es_rho_key(gen, m);
    egg_es_kappa(gen, m, ws->kappa);
    for (uint32_t before = 0; before < m; before++)
        sum += (size_t)egg_net_rows(&gen->net->config, before) * egg_net_cols(&gen->net->config, before);
    sum += (size_t)row0 * cols;
    for (uint32_t i = row0; i < row1; i++, sum += cols) {
        for (uint32_t j = 0; j < cols; j++) {
            ws->step[j] = (int16_t)egg_clamp(sum[j], EGG_STEP_MAX);
            sum[j] = 0;
        }
        ws->kernels->round_row(gen->net->weights[m] + (size_t)i * cols, ws->step, egg_rng_round(rho, i), ws->kappa,
                               cols);
    }
}
