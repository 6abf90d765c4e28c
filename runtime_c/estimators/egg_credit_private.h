/* Private to the estimators: what sweep and eprop share, from the logits back to the credit of a neuron (SPEC.md
 * sections 7.4, 7.5 and 9). The letters are those of section 7.4. */
#ifndef EGG_CREDIT_PRIVATE_H
#define EGG_CREDIT_PRIVATE_H

#include "estimators/egg_estimator_private.h"

/* e[outputs]: what the fitness gains when a logit of the run in the workspace rises. */
void egg_credit_logits(const egg_generation *gen, egg_workspace *ws, uint32_t label, int32_t *e);

/* Credit of the readout matrix, if the net has one, from e. */
void egg_credit_readout(const egg_generation *gen, egg_workspace *ws, const int32_t *e);

/* G: what one more spike of neuron h of layer l gains. It takes e for the last layer, and for others
 * per_current[neurons of layer l + 1], the q of a segment. */
int32_t egg_credit_sensitivity(const egg_generation *gen, uint32_t l, uint32_t h, const int32_t *e,
                               const int16_t *per_current);

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
