/* What sweep and eprop share: from the logits back to the credit of a neuron (SPEC.md sections 7.4, 7.5 and 9). */
#include "estimators/egg_credit_private.h"

#include "base/egg_loss.h"

#define PER_CURRENT_SHIFT 8 /* fixed-point bits of q */

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

void egg_credit_readout(const egg_generation *gen, egg_workspace *ws, const int32_t *e) {
    const egg_net_config *c = &gen->net->config;
    if (c->readout != EGG_READOUT_INTEGRATE) return;
    for (uint32_t j = 0; j < c->outputs; j++)
        ws->credit[c->layers][j] = egg_credit_of(e[j], gen->learning_rate_readout, egg_credit_limit(c));
}

int32_t egg_credit_sensitivity(const egg_generation *gen, uint32_t l, uint32_t h, const int32_t *e,
                               const int16_t *per_current) {
    const egg_net_config *c = &gen->net->config;
    uint32_t shift = 12u - c->gain;
    int32_t sum = 0;
    if (l + 1u < c->layers) {
        uint32_t above = c->layer[l + 1u].size;
        const int8_t *w = gen->net->weights[l + 1u] + (size_t)h * above;
        for (uint32_t k = 0; k < above; k++) sum += w[k] * per_current[k];
        shift = PER_CURRENT_SHIFT;
    } else if (c->readout == EGG_READOUT_SPIKES) {
        sum = e[h];
    } else {
        const int8_t *w = gen->net->weights[l + 1u] + h * c->outputs;
        for (uint32_t j = 0; j < c->outputs; j++) sum += w[j] * e[j];
    }
    return egg_clamp(egg_round_shift(sum, shift) - gen->es.penalty, EGG_LOSS_MAX);
}

uint32_t egg_credit_sigma(const egg_generation *gen, uint32_t l, uint32_t most) {
    const egg_net_config *c = &gen->net->config;
    uint32_t sigma = (uint32_t)gen->sigma.hidden * c->layer[l].threshold / c->layer[0].threshold;
    return sigma < most ? sigma : most;
}
