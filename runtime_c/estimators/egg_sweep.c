#include "estimators/egg_sweep.h"

#include "base/egg_loss.h"
#include "estimators/egg_estimator_private.h"
#include "kernels/egg_kernel_private.h"

#define PER_CURRENT_MAX 16383 /* the sum over 1024 neurons times 127 then fits 32 bits */
#define PER_CURRENT_SHIFT 8   /* fixed-point bits of `per_current` */

/* Fitness of the logits in the workspace, of estimator fitness `accuracy` and without a penalty. */
static int32_t right(const egg_net *net, const egg_workspace *ws, uint32_t label) {
    return egg_predicted(net, ws) == label ? EGG_ONE_BIT : 0;
}

/* e: what the fitness gains when a logit rises. */
static void credit_logits(const egg_generation *gen, egg_workspace *ws, uint32_t label) {
    uint32_t outputs = gen->net->config.outputs;
    int32_t *e = ws->sweep.logit_credit;
    if (gen->es.fitness == EGG_FITNESS_XENT) {
        egg_loss_softmax(ws->logits, outputs, e);
        for (uint32_t j = 0; j < outputs; j++) e[j] = (j == label ? EGG_ONE_BIT : 0) - e[j];
        return;
    }
    for (uint32_t j = 0; j < outputs; j++) {
        int32_t logit = ws->logits[j];
        ws->logits[j] = logit + gen->sigma.readout;
        e[j] = right(gen->net, ws, label);
        ws->logits[j] = logit - gen->sigma.readout;
        e[j] -= right(gen->net, ws, label);
        ws->logits[j] = logit;
    }
}

static int32_t limited_sensitivity(int32_t gain, uint32_t penalty) {
    return egg_clamp(gain - (int32_t)penalty, EGG_LOSS_MAX);
}

/* G of the last LIF layer, the same in all segments: only the first row is filled. */
static void sensitivity_of_last(const egg_generation *gen, const egg_workspace *ws) {
    const egg_net_config *c = &gen->net->config;
    uint32_t size = c->layer[c->layers - 1u].size, shift = 12u - c->gain;
    const int8_t *w = gen->net->weights[c->layers];
    for (uint32_t h = 0; h < size; h++) {
        int32_t sum = 0;
        if (c->readout == EGG_READOUT_SPIKES)
            sum = ws->sweep.logit_credit[h];
        else
            for (uint32_t j = 0; j < c->outputs; j++) sum += *w++ * ws->sweep.logit_credit[j];
        ws->sweep.sensitivity[h] = limited_sensitivity(egg_round_shift(sum, shift), gen->es.penalty);
    }
}

/* The current that perturbs layer l: sigma in proportion to its threshold. */
static uint32_t sigma_of(const egg_generation *gen, uint32_t l) {
    const egg_net_config *c = &gen->net->config;
    uint32_t sigma = (uint32_t)gen->sigma.hidden * c->layer[l].threshold / c->layer[0].threshold;
    uint32_t most = (uint32_t)egg_forward_perturbation_limit(&c->layer[l]);
    return sigma < most ? sigma : most;
}

/* G of layer l from delta of layer l + 1. */
static void sensitivity_of(const egg_generation *gen, const egg_workspace *ws, uint32_t l) {
    const egg_net_config *c = &gen->net->config;
    uint32_t size = c->layer[l].size, above = c->layer[l + 1u].size, sigma = sigma_of(gen, l + 1u);
    uint32_t padded = egg_padded(size), padded_above = egg_padded(above);
    for (uint32_t s = 0; s < gen->es.segments; s++) {
        const int32_t *delta = ws->sweep.delta + s * padded_above;
        int16_t *q = ws->sweep.per_current + s * padded_above;
        for (uint32_t k = 0; k < above; k++) {
            uint32_t size_of_q = sigma == 0 ? 0 : ((egg_abs(delta[k]) << 7) + sigma / 2u) / sigma;
            if (size_of_q > PER_CURRENT_MAX) size_of_q = PER_CURRENT_MAX;
            q[k] = (int16_t)(delta[k] < 0 ? -(int32_t)size_of_q : (int32_t)size_of_q);
        }
        const int8_t *w = gen->net->weights[l + 1u];
        for (uint32_t h = 0; h < size; h++, w += above) {
            int32_t sum = 0;
            for (uint32_t k = 0; k < above; k++) sum += w[k] * q[k];
            ws->sweep.sensitivity[s * padded + h] =
                limited_sensitivity(egg_round_shift(sum, PER_CURRENT_SHIFT), gen->es.penalty);
        }
    }
}

/* Runs layer l with more or less current in segment s. */
static void perturbed_run(const egg_generation *gen, const egg_workspace *ws, uint32_t l, uint32_t s,
                          const int16_t *current, uint32_t less) {
    const egg_net_config *c = &gen->net->config;
    const egg_lif_config *lif = &c->layer[l];
    int32_t sigma = (int32_t)sigma_of(gen, l);
    egg_segment_walk walk = {0, 0};
    for (uint32_t t = 0; t < c->ticks; t++) {
        ws->sweep.drive[t] = (int16_t)(walk.segment != s ? 0 : less ? -sigma : sigma);
        egg_segment_next(&walk, gen->es.segments, c->ticks);
    }
    ws->kernels->lif(current, c->ticks, lif->size, lif->threshold, lif->leak_shift, lif->refractory, ws->sweep.drive,
                     ws->sweep.neurons, 1, ws->sweep.count[less], l + 1u < c->layers ? ws->sweep.spikes[less] : NULL);
}

/* delta of layer l: the responses of its neurons, times their sensitivity. */
static void measure(const egg_generation *gen, const egg_workspace *ws, uint32_t l, const int16_t *current) {
    const egg_net_config *c = &gen->net->config;
    uint32_t size = c->layer[l].size, padded = egg_padded(size), segments = gen->es.segments;
    for (uint32_t h = 0; h < padded; h++) ws->sweep.neurons[h] = h < size;
    for (uint32_t s = 0; s < segments; s++) {
        int32_t *delta = ws->sweep.delta + s * padded;
        perturbed_run(gen, ws, l, s, current, 0);
        perturbed_run(gen, ws, l, s, current, 1);
        if (l + 1u == c->layers) {
            for (uint32_t h = 0; h < size; h++)
                delta[h] = (ws->sweep.count[0][h] - ws->sweep.count[1][h]) * ws->sweep.sensitivity[h];
            continue;
        }
        egg_zero(delta, size * sizeof *delta);
        egg_segment_walk walk = {0, 0};
        for (uint32_t t = 0; t < c->ticks; t++) {
            const uint8_t *more = ws->sweep.spikes[0] + t * size, *less = ws->sweep.spikes[1] + t * size;
            const int32_t *sensitivity = ws->sweep.sensitivity + walk.segment * padded;
            for (uint32_t h = 0; h < size; h++) delta[h] += (more[h] - less[h]) * sensitivity[h];
            egg_segment_next(&walk, segments, c->ticks);
        }
    }
}

/* credit[n] = delta[n] times the learning rate of matrix m. */
static void scale_credit(const egg_generation *gen, uint32_t m, const int32_t *delta, uint32_t n, int16_t *credit) {
    egg_learning_rate rate = egg_learning_rate_of(gen, m);
    int32_t limit = (int32_t)((uint32_t)EGG_STEP_MAX / gen->net->config.ticks);
    for (uint32_t i = 0; i < n; i++) credit[i] = (int16_t)egg_clamp(egg_round_shift(delta[i] * rate.m, rate.n), limit);
}

egg_result egg_sweep_evaluate(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, uint32_t label) {
    const egg_net_config *c = &gen->net->config;
    uint32_t spikes = egg_run(gen->net, ws, stream);
    egg_result result = egg_forward_result(gen->net, ws, spikes, label);
    credit_logits(gen, ws, label);
    if (egg_net_matrices(c) > c->layers)
        scale_credit(gen, c->layers, ws->sweep.logit_credit, c->outputs, ws->credit[c->layers]);
    if (c->layers > 0) sensitivity_of_last(gen, ws);
    for (uint32_t l = c->layers; l-- > 0;) {
        const egg_lif_config *lif = &c->layer[l];
        uint32_t padded = egg_padded(lif->size);
        if (l + 1u < c->layers) sensitivity_of(gen, ws, l);
        if (l > 0)
            egg_forward_currents(gen->net, ws, l, ws->layer_streams[l - 1u], egg_forward_base_limit(lif), ws->current);
        measure(gen, ws, l, l > 0 ? ws->current : ws->base);
        for (uint32_t s = 0; s < gen->es.segments; s++)
            scale_credit(gen, l, ws->sweep.delta + s * padded, lif->size, ws->credit[l] + s * padded);
    }
    return result;
}
