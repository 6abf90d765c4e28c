/* Private to the estimators: what sweep and eprop share, from the logits back to the credit of a neuron (SPEC.md
 * sections 7.4, 7.5 and 9). The letters are those of section 7.4. */
#ifndef EGG_CREDIT_PRIVATE_H
#define EGG_CREDIT_PRIVATE_H

#include "estimators/egg_estimator_private.h"

/* e[outputs]: what the fitness gains when a logit of the run in the workspace rises. */
void egg_credit_logits(const egg_generation *gen, egg_workspace *ws, uint32_t label, int32_t *e);

/* G of neuron h of the last LIF layer. */
int32_t egg_credit_sensitivity_last(const egg_generation *gen, const int32_t *e, uint32_t h);

/* G of neuron h of layer l: per_current[neurons of layer l + 1] is q there. */
int32_t egg_credit_sensitivity(const egg_generation *gen, uint32_t l, uint32_t h, const int16_t *per_current);

/* q: delta for each unit of a current of `sigma`. */
int16_t egg_credit_per_current(int32_t delta, uint32_t sigma);

/* sigma of layer l, in proportion to its threshold, and at most `most`. */
uint32_t egg_credit_sigma(const egg_generation *gen, uint32_t l, uint32_t most);

/* credit[n] = delta[n] times the learning rate of matrix m. */
void egg_credit_scale(const egg_generation *gen, uint32_t m, const int32_t *delta, uint32_t n, int16_t *credit);

#endif
