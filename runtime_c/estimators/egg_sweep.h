/* Estimator sweep: perturbs each neuron alone, all neurons of a layer in one run, and follows the responses through the
 * weights (SPEC.md section 7.4).
 *
 * On each recording egg_sweep_evaluate() leaves the credit of each neuron in the workspace, as egg_sample_credit()
 * does. Then egg_sample_update_online(), or egg_sample_accumulate() and egg_sample_finish(), change the weights. There
 * are no fitness bytes: a replay evaluates the recordings again. */
#ifndef EGG_SWEEP_H
#define EGG_SWEEP_H

#include "estimators/egg_estimator.h"

/* What an evaluation needs beside the workspace. The fields are private; a name in brackets is the length, [padded] a
 * row of neurons of the widest layer. */
typedef struct {
    int32_t *logit_credit; /* [outputs] e of SPEC.md */
    int32_t *sensitivity;  /* [segments][padded] G */
    int32_t *delta;        /* [segments][padded] */
    int16_t *per_current;  /* [segments][padded] q */
    int16_t *neurons;      /* [padded] 1 for a neuron, 0 for padding */
    int16_t *drive;        /* [ticks] what the perturbation adds to each neuron */
    int16_t *count[2];     /* [padded] spikes of the runs with more and with less current */
    uint8_t *spikes[2];    /* [ticks][padded] the same in each tick; NULL with a single LIF layer */
} egg_sweep;

/* Bytes of its memory. Both configurations must have passed their checks. */
size_t egg_sweep_bytes(const egg_net_config *net, const egg_estimator_config *es);

/* Lays it into memory of egg_sweep_bytes(), which is aligned to 4 bytes. */
void egg_sweep_init(egg_sweep *sweep, const egg_net_config *net, const egg_estimator_config *es, void *memory);

/* Runs the net on a recording, measures the responses of all neurons, and leaves their credit and the unperturbed run
 * in the workspace. label < outputs. Returns the result of the unperturbed net. */
egg_result egg_sweep_evaluate(const egg_generation *gen, egg_workspace *ws, egg_sweep *sweep, const uint8_t *stream,
                              uint32_t label);

#endif
