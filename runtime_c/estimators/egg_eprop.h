/* Estimator eprop: a baseline to compare with. It is the local surrogate gradient of SPEC.md section 7.5, in the
 * integers and with the update of the other estimators: a triangle stands for the derivative of a spike, the leak
 * filters credit backward in time within a layer, and the transposed weights carry it from layer to layer.
 *
 * On each recording egg_eprop_evaluate() leaves the credit of each neuron in each tick in the workspace, as
 * egg_sample_credit() does for segments. Then egg_sample_update_online(), or egg_sample_accumulate() and
 * egg_sample_finish(), change the weights. There are no fitness bytes: a replay evaluates the recordings again. */
#ifndef EGG_EPROP_H
#define EGG_EPROP_H

#include "estimators/egg_estimator.h"

/* Runs the net on a recording, and leaves the credit of all neurons and the unperturbed run in the workspace.
 * label < outputs. Returns the result of the net. */
egg_result egg_eprop_evaluate(const egg_generation *gen, egg_workspace *ws, const uint8_t *stream, uint32_t label);

#endif
