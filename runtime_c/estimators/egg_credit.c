/* What sweep and eprop share: from the logits back to the credit of a neuron (SPEC.md sections 7.4, 7.5 and 9). */
#include "estimators/egg_credit_private.h"
#include "kernels/egg_kernel_private.h"

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

egg_readout_walk egg_readout_begin(const egg_net_config *c, uint32_t y) {
    egg_shape shape = egg_shape_of(c, c->layers - 1u);
    egg_readout_walk walk = {0, shape.channels, shape.cols, egg_readout_pool(c), 0, 0, 0, 0, 0, 0};
    walk.step = (shape.cols + walk.pool - 1u) / walk.pool * shape.channels;
    walk.in_y = y % walk.pool;
    walk.row = walk.first = y / walk.pool * walk.step;
    return walk;
}

/* egg_credit_sensitivity() below a convolution: only some neurons see neuron h. */
static int32_t sensitivity_below_convolution(const egg_generation *gen, uint32_t l, uint32_t h,
                                             const int16_t *per_current) {
    egg_convolution conv = egg_convolution_of(&gen->net->config, l + 1u);
    uint32_t channels = conv.shape.channels, place = h / conv.below.channels, y0 = place / conv.below.cols,
             x0 = place % conv.below.cols;
    egg_span rows = egg_seen_by(&conv, y0, 0, conv.shape.rows), cols = egg_seen_by(&conv, x0, 0, conv.shape.cols);
    int32_t sum = 0;
    for (uint32_t y = rows.first; y < rows.end; y++)
        for (uint32_t x = cols.first; x < cols.end; x++) {
            uint32_t row = (h % conv.below.channels * conv.kernel + y0 + conv.padding - y * conv.stride) * conv.kernel +
                           x0 + conv.padding - x * conv.stride;
            const int8_t *w = gen->net->weights[l + 1u] + (size_t)row * channels;
            const int16_t *q = per_current + (size_t)(y * conv.shape.cols + x) * channels;
            for (uint32_t k = 0; k < channels; k++) sum += w[k] * q[k];
        }
    return egg_credit_limited(gen, sum, PER_CURRENT_SHIFT);
}

/* Takes the credit of rows [row0, row1) of places of convolution l to its gradient; its input is `stream`. */
static void collect(const egg_generation *gen, egg_workspace *ws, uint32_t l, const egg_convolution *conv,
                    const uint8_t *stream, uint32_t row0, uint32_t row1) {
    const egg_net_config *c = &gen->net->config;
    uint32_t channels = conv->shape.channels, places = (row1 - row0) * conv->shape.cols, t = 0;
    size_t row = egg_credit_row(places * channels);
    int32_t *bias = ws->gradient[l] + (size_t)(egg_net_rows(c, l) - 1u) * channels;
    egg_segment_walk walk = {0, 0};
    for (uint32_t s = 0; s < gen->es.segments; s++) {
        const int16_t *credit = ws->credit[l] + s * row, *at = credit;
        uint32_t first = t, any = 0;
        for (uint32_t i = 0; i < places * channels; i++) any |= (uint16_t)credit[i];
        for (; t < c->ticks && walk.segment == s; t++, egg_segment_next(&walk, gen->es.segments, c->ticks)) {
            if (any != 0)
                stream = ws->kernels->collect(conv, stream, credit, row0, row1, ws->gradient[l]);
            else
                while (*stream++ != 0) continue;
        }
        for (uint32_t i = 0; any != 0 && i < places; i++)
            for (uint32_t k = 0; k < channels; k++) bias[k] += (int32_t)(t - first) * *at++;
    }
}

void egg_credit_layer(const egg_generation *gen, egg_workspace *ws, uint32_t l, egg_credit_band *credit_band) {
    const egg_net_config *c = &gen->net->config;
    const uint8_t *stream = l > 0 ? ws->layer_streams[l - 1u] : ws->stream;
    int16_t *current = l > 0 ? ws->current : ws->base;
    if (l > 0 && l + 1u < c->layers) /* the run has left those of the last layer */
        egg_forward_base_currents(gen->net, ws, l, stream, current);
    if (!egg_is_convolution(c, l)) {
        credit_band(gen, ws, l, 0, current);
        return;
    }
    egg_convolution conv = egg_convolution_of(c, l);
    uint32_t rows = egg_band_rows(c, &conv);
    egg_zero(ws->gradient[l], (size_t)egg_net_rows(c, l) * conv.shape.channels * sizeof *ws->gradient[l]);
    for (uint32_t y = 0; y < conv.shape.rows; y += rows) {
        if (rows < conv.shape.rows) egg_forward_band(gen->net, ws, l, &conv, stream, y, y + rows, current);
        credit_band(gen, ws, l, y, current);
        collect(gen, ws, l, &conv, stream, y, y + rows);
    }
}

int32_t egg_credit_sensitivity(const egg_generation *gen, uint32_t l, uint32_t h, const int16_t *per_current) {
    if (egg_is_convolution(&gen->net->config, l + 1u)) return sensitivity_below_convolution(gen, l, h, per_current);
    uint32_t above = gen->net->config.layer[l + 1u].size;
    const int8_t *w = gen->net->weights[l + 1u] + (size_t)h * above;
    int32_t sum = 0;
    for (uint32_t k = 0; k < above; k++) sum += w[k] * per_current[k];
    return egg_credit_limited(gen, sum, PER_CURRENT_SHIFT);
}

uint32_t egg_credit_sigma(const egg_generation *gen, uint32_t l, uint32_t most) {
    const egg_net_config *c = &gen->net->config;
    uint32_t sigma = (uint32_t)gen->sigma.hidden * c->layer[l].threshold / c->layer[0].threshold;
    return sigma < most ? sigma : most;
}
