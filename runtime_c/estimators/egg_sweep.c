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

/* The current that perturbs layer l: sigma in proportion to its threshold. */
static uint32_t sigma_of(const egg_generation *gen, uint32_t l) {
    const egg_net_config *c = &gen->net->config;
    uint32_t sigma = (uint32_t)gen->sigma.hidden * c->layer[l].threshold / c->layer[0].threshold;
    uint32_t most = (uint32_t)egg_forward_perturbation_limit(&c->layer[l]);
    return sigma < most ? sigma : most;
}

/* G: what one more spike of neuron h of layer l gains in segment s. */
static int32_t sensitivity(const egg_generation *gen, const egg_workspace *ws, uint32_t l, uint32_t h, uint32_t s) {
    const egg_net_config *c = &gen->net->config;
    uint32_t shift = 12u - c->gain;
    int32_t sum = 0;
    if (l + 1u < c->layers) {
        uint32_t above = c->layer[l + 1u].size;
        const int8_t *w = gen->net->weights[l + 1u] + (size_t)h * above;
        const int16_t *q = ws->sweep.per_current[l & 1u] + s * egg_padded(above);
        for (uint32_t k = 0; k < above; k++) sum += w[k] * q[k];
        shift = PER_CURRENT_SHIFT;
    } else if (c->readout == EGG_READOUT_SPIKES) {
        sum = ws->sweep.logit_credit[h];
    } else {
        const int8_t *w = gen->net->weights[l + 1u] + h * c->outputs;
        for (uint32_t j = 0; j < c->outputs; j++) sum += w[j] * ws->sweep.logit_credit[j];
    }
    return egg_clamp(egg_round_shift(sum, shift) - gen->es.penalty, EGG_LOSS_MAX);
}

/* The largest credit. */
static int32_t credit_limit(const egg_net_config *c) {
    return (int32_t)((uint32_t)EGG_STEP_MAX / c->ticks);
}

/* delta times a learning rate. */
static int16_t scaled(int32_t delta, egg_learning_rate rate, int32_t limit) {
    return (int16_t)egg_clamp(egg_round_shift(delta * rate.m, rate.n), limit);
}

/* A layer whose credit is computed. */
typedef struct {
    egg_response_run run;
    uint32_t layer, padded;
    egg_learning_rate rate;
    int32_t limit;   /* of the credit */
    int16_t *credit; /* [segments][padded] */
    int16_t *q;      /* [segments][padded]; NULL for the first layer */
} measured;

/* Writes what follows from delta: the credit, and q, which is delta for one unit of current. */
static void settle(const measured *m, uint32_t i, int32_t delta) {
    m->credit[i] = delta == 0 ? 0 : scaled(delta, m->rate, m->limit);
    if (m->q == NULL) return;
    uint32_t sigma = (uint32_t)m->run.sigma, size = 0;
    if (delta != 0) size = ((egg_abs(delta) << 7) + sigma / 2u) / sigma; /* sigma = 0 has no responses */
    if (size > PER_CURRENT_MAX) size = PER_CURRENT_MAX;
    m->q[i] = (int16_t)(delta < 0 ? -(int32_t)size : (int32_t)size);
}

/* The last layer. A neuron has the same sensitivity in all segments. The credit holds the responses at first. */
static void credit_last(const egg_generation *gen, egg_workspace *ws, const measured *m) {
    uint32_t padded = m->padded, end = m->run.segments * padded;
    for (uint32_t s = 0; s < m->run.segments; s++) ws->kernels->respond(&m->run, s, true, m->credit + s * padded);
    for (uint32_t h = 0; h < m->run.size; h++) {
        int32_t any = 0, gain = 0;
        for (uint32_t i = h; i < end; i += padded) any |= m->credit[i];
        if (any != 0) gain = sensitivity(gen, ws, m->layer, h, 0);
        for (uint32_t i = h; i < end; i += padded) settle(m, i, m->credit[i] * gain);
    }
}

/* A layer that another one follows. */
static void credit_deep(const egg_generation *gen, egg_workspace *ws, const measured *m) {
    uint32_t padded = m->padded;
    const int16_t *response = ws->sweep.response;
    for (uint32_t s = 0; s < m->run.segments; s++) {
        ws->kernels->respond(&m->run, s, false, ws->sweep.response);
        for (uint32_t h = 0; h < m->run.size; h++) {
            int32_t delta = 0;
            for (uint32_t after = s; after < m->run.segments; after++) {
                int32_t more = response[after * padded + h];
                if (more != 0) delta += more * sensitivity(gen, ws, m->layer, h, after);
            }
            settle(m, s * padded + h, delta);
        }
    }
}

/* Credit of layer l, whose currents are known: the responses of its neurons, times their sensitivity. */
static void credit_layer(const egg_generation *gen, egg_workspace *ws, uint32_t l, const int16_t *current) {
    const egg_net_config *c = &gen->net->config;
    const egg_lif_config *lif = &c->layer[l];
    uint32_t segments = gen->es.segments;
    measured m;
    m.layer = l, m.padded = egg_padded(lif->size);
    m.rate = gen->learning_rate_hidden, m.limit = credit_limit(c);
    m.credit = ws->credit[l], m.q = l > 0 ? ws->sweep.per_current[(l + 1u) & 1u] : NULL;
    m.run.current = current, m.run.size = lif->size, m.run.threshold = lif->threshold;
    m.run.leak_shift = lif->leak_shift, m.run.refractory = lif->refractory;
    m.run.segments = segments, m.run.sigma = (int32_t)sigma_of(gen, l);
    m.run.membrane = ws->sweep.membrane, m.run.blocked = ws->sweep.blocked;
    for (uint32_t t = c->ticks; t-- > 0;) m.run.starts[egg_segment_of(t, segments, c->ticks)] = (uint8_t)t;
    m.run.starts[segments] = c->ticks;
    egg_zero(m.run.membrane, m.padded * sizeof *m.run.membrane);
    if (lif->refractory > 0) egg_zero(m.run.blocked, m.padded * sizeof *m.run.blocked);
    if (l + 1u == c->layers)
        credit_last(gen, ws, &m);
    else
        credit_deep(gen, ws, &m);
}

egg_result egg_sweep_evaluate(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, uint32_t label) {
    const egg_net_config *c = &gen->net->config;
    uint32_t spikes = egg_run(gen->net, ws, stream);
    egg_result result = egg_forward_result(gen->net, ws, spikes, label);
    if (!egg_leaves_credit(gen, ws, result)) return result;
    credit_logits(gen, ws, label);
    if (egg_net_matrices(c) > c->layers)
        for (uint32_t j = 0; j < c->outputs; j++)
            ws->credit[c->layers][j] = scaled(ws->sweep.logit_credit[j], gen->learning_rate_readout, credit_limit(c));
    for (uint32_t l = c->layers; l-- > 0;) {
        if (l > 0 && l + 1u < c->layers) /* the run has left those of the last layer */
            egg_forward_currents(gen->net, ws, l, ws->layer_streams[l - 1u], egg_forward_base_limit(&c->layer[l]),
                                 ws->current);
        credit_layer(gen, ws, l, l > 0 ? ws->current : ws->base);
    }
    return result;
}
