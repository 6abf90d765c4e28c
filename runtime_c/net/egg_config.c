#include "net/egg_config.h"

#include "net/egg_shape.h"

/* Checks the shape of the inputs, which may be unknown. */
static egg_status check_inputs(const egg_net_config *c) {
    uint32_t product = (uint32_t)c->input_channels * c->input_rows; /* below 2^24 */
    bool known = c->input_channels != 0 || c->input_rows != 0 || c->input_cols != 0;
    if (c->inputs < 1 || (c->inputs > EGG_INPUTS_MAX && !egg_is_convolution(c, 0))) return EGG_E_INPUTS;
    if (!known) return EGG_OK;
    if (c->input_rows > EGG_SIDE_MAX || c->input_cols > EGG_SIDE_MAX) return EGG_E_CONVOLUTION;
    return product != 0 && product <= c->inputs && product * c->input_cols == c->inputs ? EGG_OK : EGG_E_INPUTS;
}

/* Checks convolution l, whose layers below have passed. */
static egg_status check_convolution(const egg_net_config *c, uint32_t l) {
    if (!EGG_CONVOLUTIONS) return EGG_E_CONVOLUTION;
    const egg_lif_config *lif = &c->layer[l];
    if (lif->size > EGG_CHANNELS_MAX || lif->kernel > EGG_KERNEL_MAX || lif->stride < 1 ||
        lif->stride > EGG_STRIDE_MAX || lif->padding >= lif->kernel || (l == 0 && c->input_channels == 0))
        return EGG_E_CONVOLUTION;
    egg_convolution conv = egg_convolution_of(c, l);
    uint32_t seen = (conv.kernel + conv.stride - 1u) / conv.stride; /* by places above, in rows and in columns */
    if (conv.below.rows + 2u * conv.padding < conv.kernel || conv.below.cols + 2u * conv.padding < conv.kernel ||
        conv.below.channels * conv.kernel * conv.kernel > EGG_UNITS_MAX ||
        conv.shape.channels * seen * seen > EGG_NEURONS_MAX || conv.shape.rows * conv.shape.cols > EGG_UNITS_MAX ||
        conv.shape.channels * conv.shape.rows * conv.shape.cols > EGG_UNITS_MAX)
        return EGG_E_CONVOLUTION;
    return EGG_OK;
}

egg_status egg_net_check(const egg_net_config *c) {
    if (c->layers > EGG_LAYERS_MAX) return EGG_E_LAYERS;
    egg_status inputs = check_inputs(c);
    if (inputs != EGG_OK) return inputs;
    if (c->outputs < 2 || c->outputs > EGG_OUTPUTS_MAX) return EGG_E_OUTPUTS;
    if (c->ticks < 1 || c->ticks > EGG_TICKS_MAX) return EGG_E_TICKS;
    if (c->readout > EGG_READOUT_SPIKES ||
        c->gain > (c->readout == EGG_READOUT_SPIKES ? EGG_GAIN_SPIKES_MAX : EGG_GAIN_MAX))
        return EGG_E_READOUT;
    if (c->layers == 0) {
        if (c->readout != EGG_READOUT_INTEGRATE) return EGG_E_READOUT;
        if (c->input_segments < 1 || c->input_segments > EGG_SEGMENTS_MAX || c->input_segments > c->ticks)
            return EGG_E_SEGMENTS;
    }
    for (uint32_t l = 0; l < c->layers; l++) {
        const egg_lif_config *lif = &c->layer[l];
        if (lif->size < 1 || lif->size > EGG_NEURONS_MAX) return EGG_E_SIZE;
        if (lif->threshold < 1 || lif->threshold > EGG_THRESHOLD_MAX || lif->leak_shift < 1 ||
            lif->leak_shift > EGG_LEAK_SHIFT_MAX || lif->refractory > EGG_REFRACTORY_MAX)
            return EGG_E_LIF;
        if (lif->kernel > 0) {
            egg_status status = check_convolution(c, l);
            if (status != EGG_OK) return status;
        }
    }
    if (c->readout_pool > (egg_ends_in_convolution(c) ? EGG_READOUT_POOL_MAX : 1u)) return EGG_E_CONVOLUTION;
    if (c->readout == EGG_READOUT_SPIKES && egg_ends_in_convolution(c)) return EGG_E_READOUT;
    if (c->readout == EGG_READOUT_SPIKES && c->layer[c->layers - 1u].size != c->outputs) return EGG_E_OUTPUTS;
    return EGG_OK;
}

egg_status egg_estimator_check(const egg_net_config *net, const egg_estimator_config *es) {
    egg_status status = egg_net_check(net);
    if (status != EGG_OK) return status;
    if (es->estimator > EGG_ESTIMATOR_EPROP) return EGG_E_ESTIMATOR;
    if (es->pairs < 1 || es->pairs > (es->estimator == EGG_ESTIMATOR_SAMPLE ? EGG_SAMPLE_PAIRS_MAX : EGG_PAIRS_MAX))
        return EGG_E_PAIRS;
    if (es->estimator == EGG_ESTIMATOR_BATCH &&
        (es->rank < 1 || es->rank > EGG_RANK_MAX || (uint32_t)es->pairs * es->rank > EGG_PAIRS_RANK_MAX))
        return EGG_E_RANK;
    if ((es->estimator == EGG_ESTIMATOR_SAMPLE || es->estimator == EGG_ESTIMATOR_SWEEP) &&
        (es->segments < 1 || es->segments > EGG_SEGMENTS_MAX || es->segments > net->ticks))
        return EGG_E_SEGMENTS;
    if (es->estimator == EGG_ESTIMATOR_EPROP && es->segments != net->ticks) return EGG_E_SEGMENTS;
    if (net->layers == 0 && es->estimator != EGG_ESTIMATOR_SWEEP) return EGG_E_ESTIMATOR;
    if (egg_has_convolution(net) && (es->estimator == EGG_ESTIMATOR_SAMPLE || es->estimator == EGG_ESTIMATOR_FULL))
        return EGG_E_ESTIMATOR;
    if (es->estimator == EGG_ESTIMATOR_FULL && net->inputs > EGG_FULL_INPUTS_MAX) return EGG_E_INPUTS;
    if (es->shift > EGG_SHIFT_MAX || (es->shift > 0 && net->input_channels == 0)) return EGG_E_INPUTS;
    if (es->fitness > EGG_FITNESS_ACCURACY || es->penalty > EGG_PENALTY_MAX || es->learn_above > EGG_LEARN_ABOVE_MAX)
        return EGG_E_FITNESS;
    return EGG_OK;
}
