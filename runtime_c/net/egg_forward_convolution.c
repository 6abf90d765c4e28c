/* The run of a convolution, band by band (SPEC.md sections 4.1 and 5). */
#include "base/egg_math_private.h"
#include "base/egg_stream.h"
#include "kernels/egg_kernel_private.h"
#include "net/egg_forward.h"

void egg_forward_band(const egg_net *net, const egg_workspace *ws, uint32_t l, const egg_convolution *conv,
                      const uint8_t *stream, uint32_t row0, uint32_t row1, int16_t *current) {
    uint32_t places = (row1 - row0) * conv->shape.cols, channels = conv->shape.channels, units = places * channels;
    const int8_t *w = net->weights[l], *bias = w + (egg_net_rows(&net->config, l) - 1u) * channels;
    int32_t limit = egg_forward_base_limit(&net->config.layer[l]);
    bool limited = (int32_t)egg_net_rows(&net->config, l) * EGG_WEIGHT_MAX > limit;
    for (uint32_t t = 0; t < net->config.ticks; t++, current += egg_padded(units)) {
        for (uint32_t i = units; i < egg_padded(units); i++) current[i] = 0; /* padding must not spike */
        if (egg_is_wide(&net->config, l)) {
            for (uint32_t i = 0; i < places; i++)
                for (uint32_t j = 0; j < channels; j++) ws->wide[i * channels + j] = bias[j];
            stream = ws->kernels->convolve_wide(conv, stream, w, row0, row1, ws->wide);
            for (uint32_t i = 0; i < units; i++) current[i] = (int16_t)egg_clamp(ws->wide[i], limit);
            continue;
        }
        for (uint32_t i = 0; i < places; i++)
            for (uint32_t j = 0; j < channels; j++) current[i * channels + j] = bias[j];
        stream = ws->kernels->convolve(conv, stream, w, row0, row1, current);
        for (uint32_t i = 0; limited && i < units; i++) current[i] = (int16_t)egg_clamp(current[i], limit);
    }
}

void egg_forward_base_currents(const egg_net *net, const egg_workspace *ws, uint32_t l, const uint8_t *stream,
                               int16_t *current) {
    const egg_net_config *c = &net->config;
    if (egg_is_convolution(c, l)) {
        egg_convolution conv = egg_convolution_of(c, l);
        egg_forward_band(net, ws, l, &conv, stream, 0, conv.shape.rows, current);
    } else {
        egg_forward_currents(net, ws, l, stream, egg_forward_base_limit(&c->layer[l]), current);
    }
}

/* Adds the counts of a band, in ws->unit_count, to those of the squares that the readout sums. */
static void pool_counts(const egg_net_config *c, egg_workspace *ws, const egg_convolution *conv, uint32_t row0,
                        uint32_t row1) {
    uint32_t pool = egg_readout_pool(c), channels = conv->shape.channels, cols = conv->shape.cols;
    uint32_t squares = (cols + pool - 1u) / pool;
    const int16_t *from = ws->unit_count;
    for (uint32_t y = row0; y < row1; y++)
        for (uint32_t x = 0, left = pool, square = y / pool * squares; x < cols; x++, left--) {
            if (left == 0) left = pool, square++;
            int16_t *to = ws->count + (size_t)square * channels;
            for (uint32_t i = 0; i < channels; i++) to[i] = (int16_t)(to[i] + *from++);
        }
}

/* Writes to ws->perturbed the currents of a member of estimator batch: `current`, those of rows [row0, row1) of places
 * of convolution l, and a perturbation for each place (SPEC.md section 7.1). */
EGG_NOINLINE static void perturb(const egg_net *net, const egg_estimator_config *es, egg_sigma sigma,
                                 const egg_workspace *ws, int32_t sign, uint32_t l, const egg_convolution *conv,
                                 const uint8_t *stream, uint32_t row0, uint32_t row1, const int16_t *current) {
    uint32_t ticks = net->config.ticks, channels = conv->shape.channels, rows = egg_net_rows(&net->config, l);
    uint32_t places = (row1 - row0) * conv->shape.cols, padded = egg_padded(places * channels);
    int32_t limit = (int32_t)((uint32_t)egg_forward_perturbation_limit(&net->config.layer[l]) / es->rank);
    egg_convolution one = *conv; /* the projection is a convolution with one channel, whose weights are signs */
    one.shape.channels = 1;
    egg_copy(ws->perturbed, current, (size_t)ticks * padded * sizeof *current);
    for (uint32_t r = 0; r < es->rank; r++) {
        const int16_t *a = ws->a[l] + (size_t)r * egg_padded(channels), *b = ws->b[l] + (size_t)r * egg_padded(rows);
        const uint8_t *tick = stream;
        for (uint32_t i = 0; i < rows; i++) ws->row_signs[i] = (int8_t)b[i];
        for (uint32_t t = 0; t < ticks; t++) {
            int16_t *to = ws->perturbed + (size_t)t * padded;
            for (uint32_t i = 0; i < places; i++) ws->place_sums[i] = ws->row_signs[rows - 1u];
            tick = ws->kernels->convolve(&one, tick, ws->row_signs, row0, row1, ws->place_sums);
            for (uint32_t i = 0; i < places; i++) {
                int32_t s = egg_clamp(egg_round_shift(ws->place_sums[i] * sigma.hidden, EGG_SIGMA_SHIFT), limit);
                for (uint32_t k = 0; k < channels; k++, to++) *to = (int16_t)(*to + sign * s * a[k]);
            }
        }
    }
}

uint32_t egg_forward_convolution(const egg_net *net, const egg_estimator_config *es, egg_sigma sigma, egg_workspace *ws,
                                 int32_t sign, uint32_t l, uint32_t *unit) {
    const egg_net_config *c = &net->config;
    const egg_lif_config *lif = &c->layer[l];
    egg_convolution conv = egg_convolution_of(c, l);
    uint32_t rows = egg_band_rows(c, &conv), across = conv.shape.cols * conv.shape.channels, spikes = 0;
    bool last = l + 1u == c->layers;
    const uint8_t *stream = l > 0 ? ws->layer_streams[l - 1u] : ws->stream;
    int16_t *current = l > 0 ? ws->current : ws->base;
    if (last) egg_zero(ws->count, egg_readout_units(c) * sizeof *ws->count);
    for (uint32_t y = 0; y < conv.shape.rows; y += rows) {
        if (l > 0 || rows < conv.shape.rows) egg_forward_band(net, ws, l, &conv, stream, y, y + rows, current);
        if (sign != 0) perturb(net, es, sigma, ws, sign, l, &conv, stream, y, y + rows, current);
        spikes +=
            ws->kernels->lif(sign != 0 ? ws->perturbed : current, c->ticks, rows * across, lif->threshold,
                             lif->leak_shift, lif->refractory, NULL, NULL, 0, ws->unit_count, last ? NULL : ws->spikes);
        if (last) pool_counts(c, ws, &conv, y, y + rows);
        if (unit != NULL)
            for (uint32_t i = 0; i < rows * across; i++) *unit++ += (uint16_t)ws->unit_count[i];
    }
    if (!last) egg_stream_encode(ws->spikes, c->ticks, egg_units(c, l), ws->layer_streams[l]);
    return spikes;
}
