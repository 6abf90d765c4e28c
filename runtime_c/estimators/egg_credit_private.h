/* Private to the estimators: what sweep and eprop share, from the logits back to the credit of a neuron (SPEC.md
 * sections 7.4, 7.5 and 9). The letters are those of section 7.4. */
#ifndef EGG_CREDIT_PRIVATE_H
#define EGG_CREDIT_PRIVATE_H

#include "base/egg_loss.h"
#include "estimators/egg_estimator_private.h"

/* e[outputs]: what the fitness gains when a logit of the run in the workspace rises. */
void egg_credit_logits(const egg_generation *gen, egg_workspace *ws, uint32_t label, int32_t *e);

/* Credit of the readout matrix, if the net has one, from e. */
void egg_credit_readout(const egg_generation *gen, egg_workspace *ws, const int32_t *e);

/* G from its sum: rs(sum, shift) less the penalty, limited. */
static inline int32_t egg_credit_limited(const egg_generation *gen, int32_t sum, uint32_t shift) {
    return egg_clamp(egg_round_shift(sum, shift) - gen->es.penalty, EGG_LOSS_MAX);
}

/* A walk over the neurons of the last layer. */
typedef struct {
    uint32_t row; /* of the readout matrix: the one that counts the present neuron */
    uint32_t channels, cols, pool, channel, x;
    uint32_t in_x, in_y;  /* place in the present square */
    uint32_t first, step; /* the row of the first square in the present row of squares; from there to the next one */
} egg_readout_walk;

/* Begins at the first neuron of row y of the last layer; of a dense layer, y = 0. */
egg_readout_walk egg_readout_begin(const egg_net_config *c, uint32_t y);

/* Goes on to the next neuron. */
static inline void egg_readout_next(egg_readout_walk *walk) {
    walk->row++;
    if (!EGG_CONVOLUTIONS || ++walk->channel < walk->channels) return;
    walk->channel = 0;
    if (++walk->x == walk->cols) {
        walk->x = walk->in_x = 0;
        if (++walk->in_y == walk->pool) walk->in_y = 0, walk->first += walk->step;
        walk->row = walk->first;
    } else if (++walk->in_x == walk->pool) {
        walk->in_x = 0;
    } else {
        walk->row -= walk->channels;
    }
}

/* G of a neuron of the last layer that row h of the readout counts: what one more spike gains. */
static inline int32_t egg_credit_sensitivity_last(const egg_generation *gen, const int32_t *e, uint32_t h) {
    const egg_net_config *c = &gen->net->config;
    int32_t sum = 0;
    if (c->readout == EGG_READOUT_SPIKES) return egg_credit_limited(gen, e[h], 12u - c->gain);
    const int8_t *w = gen->net->weights[c->layers] + (size_t)h * c->outputs;
    for (uint32_t j = 0; j < c->outputs; j++) sum += w[j] * e[j];
    return egg_credit_limited(gen, sum, 12u - c->gain);
}

/* The same for a layer l that another one follows: per_current[neurons of layer l + 1] is q there. */
int32_t egg_credit_sensitivity(const egg_generation *gen, uint32_t l, uint32_t h, const int16_t *per_current);

/* Has the credit of layer l computed by `credit_band`, in bands if the layer is run in bands. Of a convolution it
 * leaves the gradient in the workspace. The layers above come first. */
typedef void egg_credit_band(const egg_generation *gen, egg_workspace *ws, uint32_t l, uint32_t y,
                             const int16_t *current);
void egg_credit_layer(const egg_generation *gen, egg_workspace *ws, uint32_t l, egg_credit_band *credit_band);

/* sigma of layer l, in proportion to its threshold, and at most `most`. */
uint32_t egg_credit_sigma(const egg_generation *gen, uint32_t l, uint32_t most);

/* The largest credit. */
static inline int32_t egg_credit_limit(const egg_net_config *c) {
    return (int32_t)((uint32_t)EGG_STEP_MAX / c->ticks);
}

/* Credit: delta times a learning rate. */
static inline int16_t egg_credit_of(int32_t delta, egg_learning_rate rate, int32_t limit) {
    return delta == 0 ? 0 : (int16_t)egg_clamp(egg_round_shift(delta * rate.m, rate.n), limit);
}

/* q: delta for each unit of a current of `sigma`, which is 0 only if delta is. The limit lets the sum over 1024 neurons
 * times 127 fit 32 bits. */
static inline int16_t egg_credit_per_current(int32_t delta, uint32_t sigma) {
    uint32_t size = 0;
    if (delta != 0) size = ((egg_abs(delta) << 7) + sigma / 2u) / sigma;
    if (size > 16383u) size = 16383u;
    return (int16_t)(delta < 0 ? -(int32_t)size : (int32_t)size);
}

#endif
