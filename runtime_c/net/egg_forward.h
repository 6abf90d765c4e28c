/* Runs of a net on a recording: unperturbed for every caller, perturbed for the estimators (SPEC.md sections 5 to 7).
 */
#ifndef EGG_FORWARD_H
#define EGG_FORWARD_H

#include "net/egg_net.h"
#include "net/egg_shape.h"
#include "net/egg_workspace.h"

/* The result of a run of the unperturbed net on a recording. */
typedef struct {
    int32_t loss;      /* cross-entropy, in 1/4096 bit */
    uint32_t spikes;   /* of all LIF layers */
    uint8_t predicted; /* index of the largest logit */
} egg_result;

/* Runs the net on one recording, a stream that has passed egg_stream_check(). Leaves logits and count in the workspace.
 * Returns the number of spikes of all LIF layers. */
uint32_t egg_run(const egg_net *net, egg_workspace *ws, const uint8_t *stream);

/* Index of the largest logit of the last run. */
uint32_t egg_predicted(const egg_net *net, const egg_workspace *ws);

/* The result of the run that has just ended and had `spikes` spikes. label is the right answer. */
egg_result egg_forward_result(const egg_net *net, const egg_workspace *ws, uint32_t spikes, uint32_t label);

/* --- for the estimators --- */

/* Runs convolution l of a member, whose input is ws->stream or the spikes of the layer below. es, sigma and sign are as
 * for egg_forward_member(), and es->estimator is batch if sign is not 0. unit: NULL, or where to add the spikes of each
 * neuron. Returns the number of spikes. */
uint32_t egg_forward_convolution(const egg_net *net, const egg_estimator_config *es, egg_sigma sigma, egg_workspace *ws,
                                 int32_t sign, uint32_t l, uint32_t *unit);

/* Limit of what the perturbations of all ranks together add to a readout sum, before the gain. */
#define EGG_READOUT_LIMIT (1u << 19)

/* Does the work that all members share on a recording: the base currents of layer 0, and on hosts the transposed
 * readout weights. */
void egg_forward_share(const egg_net *net, egg_workspace *ws, const uint8_t *stream);

/* Runs one member after egg_forward_share(). With sign +1 or -1 it takes the signs in ws->a, ws->b and ws->z_words, and
 * the projections of the pair in slot `slot` of the workspace, 0 .. 32 * EGG_SIGN_WORDS - 1. Sign 0 is the unperturbed
 * net; then es may be NULL. Returns the number of spikes of all LIF layers. */
uint32_t egg_forward_member(const egg_net *net, const egg_estimator_config *es, egg_sigma sigma, egg_workspace *ws,
                            int32_t sign, uint32_t slot);

/* Fitness of the run that has just ended, in 1/4096 bit, within +/-EGG_LOSS_MAX (SPEC.md section 6). */
int32_t egg_forward_fitness(const egg_net *net, const egg_estimator_config *es, const egg_workspace *ws,
                            uint32_t spikes, uint32_t label);

/* The most that a perturbation may add to a current of this layer (Lp of SPEC.md section 5), and the largest magnitude
 * of its base current (Lb). */
int32_t egg_forward_perturbation_limit(const egg_lif_config *lif);
int32_t egg_forward_base_limit(const egg_lif_config *lif);

/* current[ticks][padded] of a dense layer l, whose input is `stream`, limited to +/-limit. */
void egg_forward_currents(const egg_net *net, const egg_workspace *ws, uint32_t l, const uint8_t *stream, int32_t limit,
                          int16_t *current);

/* The same of any layer, unless it is computed in several bands, limited to the largest magnitude of a base current. */
void egg_forward_base_currents(const egg_net *net, const egg_workspace *ws, uint32_t l, const uint8_t *stream,
                               int16_t *current);

/* The same of the rows [row0, row1) of a convolution. */
void egg_forward_band(const egg_net *net, const egg_workspace *ws, uint32_t l, const egg_convolution *conv,
                      const uint8_t *stream, uint32_t row0, uint32_t row1, int16_t *current);

/* ws->logits[j] = sum over h of count[h] * W[h][j] + ticks * W[bias][j], before the gain. */
void egg_forward_integrate(const egg_net *net, egg_workspace *ws);

#endif
