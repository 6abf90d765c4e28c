#include "net/egg_forward.h"

#include "base/egg_loss.h"
#include "base/egg_math_private.h"
#include "base/egg_stream.h"
#include "kernels/egg_kernel_private.h"

#define LINEAR_LIMIT ((1 << 22) - 1) /* of a readout sum without a dense LIF layer before it; SPEC.md section 5 */
#define READOUT_SUM_MAX (32 * 1025)  /* of a projection; SPEC.md section 7.1 */
#define SPIKES_MAX (1u << 17)        /* spikes that can cost a penalty; SPEC.md section 6 */

/* Imax of SPEC.md section 5 */
static int32_t current_limit(const egg_lif_config *lif) {
    return (32767 >> lif->leak_shift) - 1;
}

int32_t egg_forward_perturbation_limit(const egg_lif_config *lif) {
    return current_limit(lif) / 4;
}

int32_t egg_forward_base_limit(const egg_lif_config *lif) {
    return current_limit(lif) - egg_forward_perturbation_limit(lif);
}

void egg_forward_currents(const egg_net *net, const egg_workspace *ws, uint32_t l, const uint8_t *stream, int32_t limit,
                          int16_t *current) {
    const egg_net_config *c = &net->config;
    const egg_lif_config *lif = &c->layer[l];
    uint32_t bias = egg_net_rows(c, l) - 1u;
    uint32_t padded = egg_padded(lif->size);
    for (uint32_t t = 0; t < c->ticks; t++, current += padded) {
        stream = ws->kernels->current(stream, net->weights[l], lif->size, bias, limit, current);
        for (uint32_t j = lif->size; j < padded; j++) current[j] = 0; /* padding must not spike */
    }
}

/* The count of each input in each segment, for a net without a LIF layer. */
static void count_inputs(const egg_net_config *c, egg_workspace *ws, const uint8_t *stream) {
    egg_segment_walk walk = {0, 0};
    egg_zero(ws->count, (egg_net_rows(c, 0) - 1u) * sizeof *ws->count);
    for (uint32_t t = 0; t < c->ticks; t++, egg_segment_next(&walk, c->input_segments, c->ticks)) {
        int16_t *count = ws->count + walk.segment * c->inputs;
        int32_t event, index = -1;
        while ((event = egg_stream_next(&stream, &index)) >= 0) count[event]++;
    }
}

void egg_forward_share(const egg_net *net, egg_workspace *ws, const uint8_t *stream) {
    const egg_net_config *c = &net->config;
    if (c->layers == 0) {
        count_inputs(c, ws, stream);
        return;
    }
    if (egg_band_units(c, 0) == egg_units(c, 0)) egg_forward_base_currents(net, ws, 0, stream, ws->base);
    ws->stream = stream;
    if (ws->readout == NULL) return;
    uint32_t size = egg_readout_units(c), padded = egg_padded(size);
    const int8_t *w = net->weights[c->layers];
    for (uint32_t h = 0; h < size; h++)
        for (uint32_t j = 0; j < c->outputs; j++) ws->readout[j * padded + h] = *w++;
}

/* ws->s[rank][ticks]: what the perturbation of one pair adds to a neuron of layer l with sign +. Returns the number of
 * ranks in use. */
static uint32_t perturb(const egg_net *net, const egg_estimator_config *es, egg_sigma sigma, egg_workspace *ws,
                        int32_t sign, uint32_t slot, uint32_t l) {
    const egg_net_config *c = &net->config;
    uint32_t ticks = c->ticks;
    if (sign == 0) return 0;
    if (es->estimator == EGG_ESTIMATOR_SAMPLE) {
        egg_segment_walk walk = {0, 0};
        for (uint32_t t = 0; t < ticks; t++) {
            uint32_t z = (ws->z_words[l][walk.segment] >> slot) & 1u;
            ws->s[t] = (int16_t)((z ? sign : -sign) * sigma.hidden);
            egg_segment_next(&walk, es->segments, ticks);
        }
        return 1;
    }
    int32_t limit = (int32_t)((uint32_t)egg_forward_perturbation_limit(&c->layer[l]) / es->rank);
    uint32_t rows = egg_net_rows(c, l);
    for (uint32_t r = 0; r < es->rank; r++) {
        const uint8_t *stream = l > 0 ? ws->layer_streams[l - 1u] : NULL;
        const int16_t *b = l > 0 ? ws->b[l] + (size_t)r * egg_padded(rows) : NULL;
        for (uint32_t t = 0; t < ticks; t++) {
            int32_t sum;
            if (l == 0) {
                sum = ws->projection[(r * ticks + t) * 32u * EGG_SIGN_WORDS + slot];
            } else {
                int32_t event, index = -1;
                sum = b[rows - 1u];
                while ((event = egg_stream_next(&stream, &index)) >= 0) sum += b[event];
            }
            ws->s[r * ticks + t] =
                (int16_t)(sign * egg_clamp(egg_round_shift(sum * sigma.hidden, EGG_SIGMA_SHIFT), limit));
        }
    }
    return es->rank;
}

void egg_forward_integrate(const egg_net *net, egg_workspace *ws) {
    const egg_net_config *c = &net->config;
    uint32_t size = egg_net_rows(c, c->layers) - 1u;
    const int8_t *w = net->weights[c->layers];
    const int8_t *bias = w + (size_t)size * c->outputs;
    for (uint32_t j = 0; j < c->outputs; j++) {
        ws->logits[j] = c->ticks * bias[j];
        if (ws->readout != NULL)
            ws->logits[j] += ws->kernels->dot(ws->count, ws->readout + j * egg_padded(size), egg_padded(size));
    }
    if (ws->readout != NULL) return;
    for (uint32_t h = 0; h < size; h++, w += c->outputs) {
        int32_t n = ws->count[h];
        if (n != 0)
            for (uint32_t j = 0; j < c->outputs; j++) ws->logits[j] += n * w[j];
    }
}

/* Adds a pair's perturbation of the readout to the logits; estimator batch. */
static void perturb_readout(const egg_net *net, const egg_estimator_config *es, egg_sigma sigma, egg_workspace *ws,
                            int32_t sign) {
    const egg_net_config *c = &net->config;
    uint32_t m = c->layers, rows = egg_net_rows(c, m);
    for (uint32_t r = 0; r < es->rank; r++) {
        const int16_t *a = ws->a[m] + r * egg_padded(c->outputs), *b = ws->b[m] + (size_t)r * egg_padded(rows);
        int32_t sum = c->ticks * b[rows - 1u] + ws->kernels->dot(ws->count, b, rows - 1u);
        sum = egg_clamp(sum, READOUT_SUM_MAX); /* only behind a convolution could it be larger */
        int32_t s = sign * egg_clamp(egg_round_shift(sum * sigma.readout, EGG_SIGMA_SHIFT),
                                     (int32_t)(EGG_READOUT_LIMIT / es->rank));
        for (uint32_t j = 0; j < c->outputs; j++) ws->logits[j] += s * a[j];
    }
}

uint32_t egg_forward_member(const egg_net *net, const egg_estimator_config *es, egg_sigma sigma, egg_workspace *ws,
                            int32_t sign, uint32_t slot) {
    const egg_net_config *c = &net->config;
    uint32_t spikes = 0;
    uint32_t *unit = sign == 0 ? ws->unit_spikes : NULL;
    for (uint32_t l = 0; l < c->layers; l++) {
        const egg_lif_config *lif = &c->layer[l];
        uint32_t last = l + 1u == c->layers;
        if (egg_is_convolution(c, l)) {
            spikes += egg_forward_convolution(net, es, sigma, ws, sign, l, unit);
            if (unit != NULL) unit += egg_units(c, l);
            continue;
        }
        if (l > 0) egg_forward_base_currents(net, ws, l, ws->layer_streams[l - 1u], ws->current);
        uint32_t ranks = perturb(net, es, sigma, ws, sign, slot, l);
        spikes += ws->kernels->lif(l > 0 ? ws->current : ws->base, c->ticks, lif->size, lif->threshold, lif->leak_shift,
                                   lif->refractory, ws->s, ws->a[l], ranks, ws->count, last ? NULL : ws->spikes);
        if (!last) egg_stream_encode(ws->spikes, c->ticks, lif->size, ws->layer_streams[l]);
        if (unit != NULL)
            for (uint32_t h = 0; h < lif->size; h++) *unit++ += (uint16_t)ws->count[h];
    }
    if (c->readout == EGG_READOUT_SPIKES) {
        for (uint32_t j = 0; j < c->outputs; j++) ws->logits[j] = (int32_t)((uint32_t)ws->count[j] << c->gain);
        return spikes;
    }
    egg_forward_integrate(net, ws);
    if (sign != 0 && es->estimator == EGG_ESTIMATOR_BATCH) perturb_readout(net, es, sigma, ws, sign);
    bool limited = c->layers == 0 || egg_ends_in_convolution(c);
    for (uint32_t j = 0; j < c->outputs; j++) {
        if (limited) ws->logits[j] = egg_clamp(ws->logits[j], LINEAR_LIMIT);
        ws->logits[j] *= 1 << c->gain;
        if (sign != 0 && es->estimator == EGG_ESTIMATOR_SAMPLE)
            ws->logits[j] += sign * ws->a[c->layers][j] * sigma.readout;
    }
    return spikes;
}

uint32_t egg_run(const egg_net *net, egg_workspace *ws, const uint8_t *stream) {
    static const egg_sigma none = {0, 0};
    egg_forward_share(net, ws, stream);
    return egg_forward_member(net, NULL, none, ws, 0, 0);
}

uint32_t egg_predicted(const egg_net *net, const egg_workspace *ws) {
    return egg_loss_argmax(ws->logits, net->config.outputs);
}

int32_t egg_forward_fitness(const egg_net *net, const egg_estimator_config *es, const egg_workspace *ws,
                            uint32_t spikes, uint32_t label) {
    uint32_t outputs = net->config.outputs;
    int32_t cost = (int32_t)(es->penalty * (spikes < SPIKES_MAX ? spikes : SPIKES_MAX));
    if (es->fitness == EGG_FITNESS_ACCURACY)
        return egg_clamp((egg_loss_argmax(ws->logits, outputs) == label ? EGG_ONE_BIT : 0) - cost, EGG_LOSS_MAX);
    return -egg_clamp(egg_loss_xent(ws->logits, outputs, label) + cost, EGG_LOSS_MAX);
}

egg_result egg_forward_result(const egg_net *net, const egg_workspace *ws, uint32_t spikes, uint32_t label) {
    egg_result result;
    result.loss = egg_loss_xent(ws->logits, net->config.outputs, label);
    result.spikes = spikes;
    result.predicted = (uint8_t)egg_predicted(net, ws);
    return result;
}
