#include "estimators/egg_eprop.h"

#include "estimators/egg_credit_private.h"

#define SLOPE_SHIFT 8 /* fixed-point bits of a slope: 1 is the derivative of a spike at the threshold */

/* A neuron over a recording. */
typedef struct {
    int16_t slope[EGG_TICKS_MAX]; /* psi of SPEC.md */
    uint32_t blocked;             /* bit t: the neuron took no current in tick t */
    bool any;                     /* whether a slope is not 0 */
} trace;

/* Runs a neuron on currents current[ticks], which lie `stride` apart. */
static trace run_neuron(const egg_lif_config *lif, uint32_t ticks, const int16_t *current, size_t stride,
                        uint32_t width) {
    trace found;
    int32_t v = 0, threshold = lif->threshold;
    uint32_t wait = 0, scale = width == 0 ? 0 : (1u << (16 + SLOPE_SHIFT)) / width;
    found.blocked = 0;
    found.any = false;
    for (uint32_t t = 0; t < ticks; t++, current += stride) {
        found.slope[t] = 0;
        v -= v >> lif->leak_shift;
        if (wait > 0) {
            wait--;
            found.blocked |= 1u << t;
            continue;
        }
        v += *current;
        uint32_t distance = egg_abs(v - threshold);
        if (distance < width) found.slope[t] = (int16_t)(((width - distance) * scale) >> 16);
        found.any |= found.slope[t] != 0;
        if (v >= threshold) v -= threshold, wait = lif->refractory;
    }
    return found;
}

/* The credit of layer l, or of a band of it from row y on, from the last tick back to the first. */
static void credit_band(const egg_generation *gen, egg_workspace *ws, uint32_t l, uint32_t y, const int16_t *current) {
    const egg_net_config *c = &gen->net->config;
    const egg_lif_config *lif = &c->layer[l];
    uint32_t units = egg_band_units(c, l), padded = egg_padded(units), row = egg_credit_row(units),
             width = egg_credit_sigma(gen, l, EGG_SIGMA_MAX);
    uint32_t last = l + 1u == c->layers, above = last ? 0 : egg_credit_row(egg_band_units(c, l + 1u));
    const int32_t *e = ws->part.eprop.logit_credit;
    int16_t *credit = ws->credit[l], *per_current = ws->part.eprop.per_current[(l + 1u) & 1u];
    const int16_t *per_current_above = ws->part.eprop.per_current[l & 1u];
    int32_t limit = egg_credit_limit(c);
    egg_readout_walk walk = egg_readout_begin(c, y);
    for (uint32_t h = 0; h < units; h++, egg_readout_next(&walk)) {
        trace neuron = run_neuron(lif, c->ticks, current + h, padded, width);
        int32_t filtered = 0, sensitivity = 0;
        if (last && neuron.any) sensitivity = egg_credit_sensitivity_last(gen, e, walk.row);
        for (uint32_t t = c->ticks; t-- > 0;) {
            int32_t delta = 0;
            filtered -= filtered >> lif->leak_shift;
            if (neuron.slope[t] != 0) {
                if (!last) sensitivity = egg_credit_sensitivity(gen, l, h, per_current_above + t * above);
                filtered += neuron.slope[t] * sensitivity;
            }
            if (!((neuron.blocked >> t) & 1u)) delta = egg_round_shift(filtered, SLOPE_SHIFT - 1);
            credit[t * row + h] = egg_credit_of(delta, gen->learning_rate_hidden, limit);
            if (l > 0) per_current[t * row + h] = egg_credit_per_current(delta, width);
        }
    }
}

egg_result egg_eprop_evaluate(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, uint32_t label) {
    const egg_net_config *c = &gen->net->config;
    egg_result result = egg_forward_result(gen->net, ws, egg_run(gen->net, ws, stream), label);
    if (!egg_leaves_credit(gen, ws, result)) return result;
    egg_credit_logits(gen, ws, label, ws->part.eprop.logit_credit);
    egg_credit_readout(gen, ws, ws->part.eprop.logit_credit);
    for (uint32_t l = c->layers; l-- > 0;) egg_credit_layer(gen, ws, l, credit_band);
    return result;
}
