/* Estimator sweep: perturbs each neuron alone, all neurons of a layer in one run, and follows the responses through the
 * weights (SPEC.md section 7.4).
 *
 * On each recording egg_sweep_evaluate() leaves the credit of each neuron in the workspace, as egg_sample_credit()
 * does. Then egg_sample_update_online(), or egg_sample_accumulate() and egg_sample_finish(), change the weights. There
 * are no fitness bytes: a replay evaluates the recordings again. */
#ifndef EGG_SWEEP_H
#define EGG_SWEEP_H

#include "estimators/egg_estimator.h"

/* Runs the net on a recording, measures the responses of all neurons, and leaves their credit and the unperturbed run
 * in the workspace. If the loss is below learn_above, it measures nothing and sets ws->no_credit: an update then does
 * nothing. label < outputs. Returns the result of the unperturbed net. */
egg_result egg_sweep_evaluate(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, uint32_t label);

#endif
