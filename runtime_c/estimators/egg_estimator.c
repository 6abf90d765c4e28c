/* What the estimators share. */
#include "estimators/egg_estimator.h"

#include "base/egg_shift.h"
#include "estimators/egg_estimator_private.h"
#include "kernels/egg_kernel_private.h"

egg_status egg_generation_check(const egg_generation *gen) {
    const egg_net_config *net = &gen->net->config;
    egg_status status = egg_estimator_check(net, &gen->es);
    if (status != EGG_OK) return status;
    bool full = gen->es.estimator == EGG_ESTIMATOR_FULL;
    if (gen->sigma.hidden > (full ? EGG_SIGMA_FULL_MAX : EGG_SIGMA_MAX) ||
        gen->sigma.readout > (full ? EGG_SIGMA_FULL_READOUT_MAX : EGG_SIGMA_MAX))
        return EGG_E_SIGMA;
    for (uint32_t l = 0; l < net->layers; l++)
        if ((gen->es.estimator == EGG_ESTIMATOR_SAMPLE || gen->es.estimator == EGG_ESTIMATOR_SWEEP) &&
            gen->sigma.hidden > egg_forward_perturbation_limit(&net->layer[l]))
            return EGG_E_SIGMA;
    uint32_t least = gen->es.estimator == EGG_ESTIMATOR_SAMPLE ? EGG_LEARNING_RATE_N_SAMPLE_MIN : 0;
    const egg_learning_rate *rate[2] = {&gen->learning_rate_hidden, &gen->learning_rate_readout};
    for (uint32_t i = 0; i < 2; i++)
        if (rate[i]->m > EGG_LEARNING_RATE_M_MAX || rate[i]->n < least || rate[i]->n > EGG_LEARNING_RATE_N_MAX)
            return EGG_E_RATE;
    return EGG_OK;
}

size_t egg_shifted_bytes(const egg_net_config *net, const egg_estimator_config *es, size_t longest) {
    return es->shift == 0 ? 0 : egg_shift_bytes(longest, net->ticks, net->inputs, net->input_cols, es->shift);
}

const uint8_t *egg_shifted(const egg_generation *gen, const egg_workspace *ws, uint32_t position,
                           const uint8_t *stream) {
    const egg_net_config *c = &gen->net->config;
    uint32_t rows = c->input_rows, cols = c->input_cols;
    if (gen->es.shift == 0) return stream;
    egg_offset by = egg_shift_draw(gen->seed, gen->generation, position, rows, cols, gen->es.shift);
    egg_shift_stream(stream, c->ticks, rows, cols, by, ws->shifted);
    return ws->shifted;
}

uint16_t egg_sigma_of_rank(uint16_t sigma, uint32_t rank) {
    /* sigma / sqrt(rank) = sqrt(sigma^2 / rank), rounded: largest q with (2q - 1)^2 * rank <= 4 sigma^2 */
    uint32_t target = (uint32_t)sigma * sigma / rank, q = 0;
    for (uint32_t bit = 1u << 15; bit != 0; bit >>= 1)
        if ((q | bit) * (q | bit) <= target) q |= bit;
    return (uint16_t)(target - q * q > q ? q + 1u : q);
}

void egg_shape_fitness(const int32_t *fitness_diff, uint32_t pairs, int8_t *fitness_bytes) {
    uint32_t max = 0, sum = 0, shift = 0; /* SPEC.md section 8 */
    for (uint32_t p = 0; p < pairs; p++)
        if (egg_abs(fitness_diff[p]) > max) max = egg_abs(fitness_diff[p]);
    while ((max >> shift) > 32767) shift++;
    for (uint32_t p = 0; p < pairs; p++) sum += egg_abs(fitness_diff[p] >> shift);
    uint32_t mean = sum / pairs;
    if (mean == 0) mean = 1;
    for (uint32_t p = 0; p < pairs; p++) {
        int32_t d = fitness_diff[p] >> shift;
        int32_t scaled = (int32_t)((32u * egg_abs(d) + mean / 2u) / mean);
        fitness_bytes[p] = (int8_t)egg_clamp(d < 0 ? -scaled : scaled, 127);
    }
}

egg_learning_rate egg_learning_rate_of(const egg_generation *gen, uint32_t m) {
    return m < gen->net->config.layers ? gen->learning_rate_hidden : gen->learning_rate_readout;
}

egg_key egg_column_bits_key(const egg_generation *gen, uint32_t m) {
    return egg_rng_key(gen->seed, gen->generation, 0, m, EGG_NOISE_ROUND_COL, 0);
}

void egg_column_bits(const egg_generation *gen, uint32_t m, uint16_t *column_bits) {
    egg_key key = egg_column_bits_key(gen, m);
    for (uint32_t j = 0; j < egg_net_cols(&gen->net->config, m); j++) column_bits[j] = (uint16_t)egg_rng_round(key, j);
}

egg_key egg_row_bits_key(const egg_generation *gen, uint32_t m) {
    return egg_rng_key(gen->seed, gen->generation, 0, m, EGG_NOISE_ROUND_ROW, 0);
}

void egg_sample_finish(const egg_generation *gen, egg_workspace *ws, uint32_t m, uint32_t row0, uint32_t row1,
                       int32_t *sum) {
    uint32_t cols = egg_net_cols(&gen->net->config, m);
    egg_key row_key = egg_row_bits_key(gen, m);
    egg_column_bits(gen, m, ws->column_bits);
    for (uint32_t before = 0; before < m; before++)
        sum += (size_t)egg_net_rows(&gen->net->config, before) * egg_net_cols(&gen->net->config, before);
    sum += (size_t)row0 * cols;
    for (uint32_t i = row0; i < row1; i++, sum += cols) {
        for (uint32_t j = 0; j < cols; j++) {
            ws->step[j] = (int16_t)egg_clamp(sum[j], EGG_STEP_MAX);
            sum[j] = 0;
        }
        ws->kernels->round_row(gen->net->weights[m] + (size_t)i * cols, ws->step, egg_rng_round(row_key, i),
                               ws->column_bits, cols);
    }
}
