/* What sweep and eprop share: from the logits back to the credit of a neuron (SPEC.md sections 7.4, 7.5 and 9). */
#include "estimators/egg_credit_private.h"

#include "base/egg_loss.h"

#define PER_CURRENT_MAX 16383 /* the sum over 1024 neurons times 127 then fits 32 bits */
#define PER_CURRENT_SHIFT 8   /* fixed-point bits of q */

/* Fitness of the logits in the workspace, of estimator fitness `accuracy` and without a penalty. */
static int32_t right(const egg_net *net, const egg_workspace *ws, uint32_t label) {
    return egg_predicted(net, ws) == label ? EGG_ONE_BIT : 0;
}

void egg_credit_logits(const egg_generation *gen, egg_workspace *ws, uint32_t label, int32_t *e) {
    uint32_t outputs = gen->net->config.outputs;
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

static int32_t limited(int32_t gain, uint32_t penalty) {
    return egg_clamp(gain - (int32_t)penalty, EGG_LOSS_MAX);
}

int32_t egg_credit_sensitivity_last(const egg_generation *gen, const int32_t *e, uint32_t h) {
    const egg_net_config *c = &gen->net->config;
    int32_t sum = 0;
    if (c->readout == EGG_READOUT_SPIKES) {
        sum = e[h];
    } else {
        const int8_t *w = gen->net->weights[c->layers] + h * c->outputs;
        for (uint32_t j = 0; j < c->outputs; j++) sum += w[j] * e[j];
    }
    return limited(egg_round_shift(sum, 12u - c->gain), gen->es.penalty);
}

int32_t egg_credit_sensitivity(const egg_generation *gen, uint32_t l, uint32_t h, const int16_t *per_current) {
    uint32_t above = gen->net->config.layer[l + 1u].size;
    const int8_t *w = gen->net->weights[l + 1u] + h * above;
    int32_t sum = 0;
    for (uint32_t k = 0; k < above; k++) sum += w[k] * per_current[k];
    return limited(egg_round_shift(sum, PER_CURRENT_SHIFT), gen->es.penalty);
}

int16_t egg_credit_per_current(int32_t delta, uint32_t sigma) {
    uint32_t size = sigma == 0 ? 0 : ((egg_abs(delta) << 7) + sigma / 2u) / sigma;
    if (size > PER_CURRENT_MAX) size = PER_CURRENT_MAX;
    return (int16_t)(delta < 0 ? -(int32_t)size : (int32_t)size);
}

uint32_t egg_credit_sigma(const egg_generation *gen, uint32_t l, uint32_t most) {
    const egg_net_config *c = &gen->net->config;
    uint32_t sigma = (uint32_t)gen->sigma.hidden * c->layer[l].threshold / c->layer[0].threshold;
    return sigma < most ? sigma : most;
}

void egg_credit_scale(const egg_generation *gen, uint32_t m, const int32_t *delta, uint32_t n, int16_t *credit) {
    egg_learning_rate rate = egg_learning_rate_of(gen, m);
    int32_t limit = (int32_t)((uint32_t)EGG_STEP_MAX / gen->net->config.ticks);
    for (uint32_t i = 0; i < n; i++) credit[i] = (int16_t)egg_clamp(egg_round_shift(delta[i] * rate.m, rate.n), limit);
}
