#include "estimators/egg_sweep.h"

#include "estimators/egg_credit_private.h"
#include "kernels/egg_kernel_private.h"
#include "kernels/egg_packed16_private.h"

/* The current that perturbs layer l. */
static uint32_t sigma_of(const egg_generation *gen, uint32_t l) {
    return egg_credit_sigma(gen, l, (uint32_t)egg_forward_perturbation_limit(&gen->net->config.layer[l]));
}

/* G: what one more spike of neuron h of layer l, which is not the last one, gains in segment s. */
static int32_t sensitivity(const egg_generation *gen, const egg_workspace *ws, uint32_t l, uint32_t h, uint32_t s) {
    uint32_t above = egg_band_units(&gen->net->config, l + 1u);
    return egg_credit_sensitivity(gen, l, h, ws->part.sweep.per_current[l & 1u] + s * egg_credit_row(above));
}

/* A layer whose credit is computed. */
typedef struct {
    egg_response_run run;
    uint32_t layer, row;   /* entries of a row of credit */
    egg_readout_walk walk; /* of the last layer */
    egg_learning_rate rate;
    int32_t limit;   /* of the credit */
    int16_t *credit; /* [segments][row] */
    int16_t *q;      /* [segments][row]; NULL for the first layer */
} measured;

/* Writes what follows from delta: the credit, and q, which is delta for one unit of current. */
static inline void settle(const measured *m, uint32_t i, int32_t delta) {
    m->credit[i] = egg_credit_of(delta, m->rate, m->limit);
    if (m->q != NULL) m->q[i] = egg_credit_per_current(delta, (uint32_t)m->run.sigma); /* sigma 0: no responses */
}

/* Whether egg_packed16_respond() can run this layer: see egg_pair.c for the bound on its currents. */
static bool packed(const egg_response_run *run, uint32_t ticks) {
    if (!EGG_SPARSE || run->leak_shift != 1 || (run->threshold & 1u) != 0 || run->refractory != 0) return false;
    int32_t most = (0x4000 - (int32_t)run->threshold) / 2 - run->sigma;
    for (const int16_t *i = run->current, *end = i + ticks * run->size; i != end; i++)
        if (*i > most || *i < -most) return false;
    return true;
}

static void respond(const egg_workspace *ws, const egg_response_run *run, uint32_t s, bool together,
                    int16_t *response) {
    if (EGG_SPARSE)
        egg_respond_portable(run, s, together, response);
    else
        ws->kernels->respond(run, s, together, response);
}

/* The last layer. A neuron has the same sensitivity in all segments. The credit holds the responses at first. */
static void credit_last(const egg_generation *gen, egg_workspace *ws, const measured *m) {
    uint32_t row = m->row, end = m->run.segments * row;
    bool fast = packed(&m->run, gen->net->config.ticks);
    for (uint32_t s = 0; s < m->run.segments; s++)
        if (fast)
            egg_packed16_respond(&m->run, s, ws->part.sweep.drive, m->credit + s * row);
        else
            respond(ws, &m->run, s, true, m->credit + s * row);
    int16_t *any = m->run.membrane; /* no longer needed */
    for (uint32_t h = 0; h < m->run.size; h++) any[h] = m->credit[h];
    for (uint32_t s = 1; s < m->run.segments; s++)
        for (uint32_t h = 0; h < m->run.size; h++) any[h] |= m->credit[s * row + h];
    egg_readout_walk walk = m->walk;
    for (uint32_t h = 0; h < m->run.size; h++, egg_readout_next(&walk)) {
        if (any[h] == 0 && m->q == NULL) continue; /* most neurons */
        int32_t gain = egg_credit_sensitivity_last(gen, ws->part.sweep.logit_credit, walk.row);
        for (uint32_t i = h; i < end; i += row)
            if (m->q != NULL || m->credit[i] != 0) settle(m, i, m->credit[i] * gain);
    }
}

/* A layer that another one follows. */
static void credit_deep(const egg_generation *gen, egg_workspace *ws, const measured *m) {
    uint32_t padded = egg_padded(m->run.size);
    const int16_t *response = ws->part.sweep.response;
    for (uint32_t s = 0; s < m->run.segments; s++) {
        respond(ws, &m->run, s, false, ws->part.sweep.response);
        for (uint32_t h = 0; h < m->run.size; h++) {
            int32_t delta = 0;
            for (uint32_t after = s; after < m->run.segments; after++) {
                int32_t more = response[after * padded + h];
                if (more != 0) delta += more * sensitivity(gen, ws, m->layer, h, after);
            }
            settle(m, s * m->row + h, delta);
        }
    }
}

/* Credit of the neurons of layer l, or of a band of it, whose currents are known: their responses, times their
 * sensitivity. y: the first row of the band. */
static void credit_band(const egg_generation *gen, egg_workspace *ws, uint32_t l, uint32_t y, const int16_t *current) {
    const egg_net_config *c = &gen->net->config;
    const egg_lif_config *lif = &c->layer[l];
    uint32_t segments = gen->es.segments, units = egg_band_units(c, l);
    measured m;
    m.layer = l, m.row = egg_credit_row(units);
    m.rate = gen->learning_rate_hidden, m.limit = egg_credit_limit(c);
    m.credit = ws->credit[l], m.q = l > 0 ? ws->part.sweep.per_current[(l + 1u) & 1u] : NULL;
    m.run.current = current, m.run.size = units, m.run.threshold = lif->threshold;
    m.run.leak_shift = lif->leak_shift, m.run.refractory = lif->refractory;
    m.run.segments = segments, m.run.sigma = (int32_t)sigma_of(gen, l);
    m.run.membrane = ws->part.sweep.membrane, m.run.blocked = ws->part.sweep.blocked;
    for (uint32_t t = c->ticks; t-- > 0;) m.run.starts[egg_segment_of(t, segments, c->ticks)] = (uint8_t)t;
    m.run.starts[segments] = c->ticks;
    egg_zero(m.run.membrane, egg_padded(units) * sizeof *m.run.membrane);
    if (lif->refractory > 0) egg_zero(m.run.blocked, egg_padded(units) * sizeof *m.run.blocked);
    if (l + 1u == c->layers) {
        m.walk = egg_readout_begin(c, y);
        credit_last(gen, ws, &m);
    } else {
        credit_deep(gen, ws, &m);
    }
}

egg_result egg_sweep_evaluate(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, uint32_t label) {
    const egg_net_config *c = &gen->net->config;
    uint32_t spikes = egg_run(gen->net, ws, stream);
    egg_result result = egg_forward_result(gen->net, ws, spikes, label);
    if (!egg_leaves_credit(gen, ws, result)) return result;
    egg_credit_logits(gen, ws, label, ws->part.sweep.logit_credit);
    egg_credit_readout(gen, ws, ws->part.sweep.logit_credit);
    for (uint32_t l = c->layers; l-- > 0;) egg_credit_layer(gen, ws, l, credit_band);
    return result;
}
